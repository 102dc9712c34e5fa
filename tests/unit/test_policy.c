/* The gates of messages that nobody asked for, by themselves (D6, D7). */
#include "proto/messages.h"
#include "supervisor/engine/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NOW  1000000000000LL
#define COOL 15000

static const struct policy_rules rules = {
    .is_enabled = true, .has_person = true, .max_consecutive = 3, .cooldown_ms = COOL};

static void
expect(const struct policy_rules *r, struct policy_count *c, int64_t now,
       enum policy_verdict verdict, int64_t allowed_at)
{
    struct policy_count  before = *c;
    struct policy_ruling got = policy_judge(r, c, now);

    assert_int_equal(got.verdict, verdict);
    assert_int_equal(got.allowed_at, allowed_at);
    if (verdict == POLICY_ADMITTED) return;
    assert_int_equal(c->autonomous, before.autonomous);
    assert_int_equal(c->last_at, before.last_at);
}

static void
three_in_a_row_are_admitted_and_no_fourth(void **state)
{
    struct policy_count c = {0};

    (void)state;
    for (int i = 0; i < 3; i++) {
        expect(&rules, &c, NOW + i * COOL, POLICY_ADMITTED, 0);
        assert_int_equal(c.autonomous, i + 1);
        assert_int_equal(c.last_at, NOW + i * COOL);
    }
    expect(&rules, &c, NOW + 365 * 86400000LL, POLICY_HARD_CAP, 0);
}

static void
the_cool_down_ends_with_its_last_millisecond(void **state)
{
    struct policy_count c = {0};

    (void)state;
    expect(&rules, &c, NOW, POLICY_ADMITTED, 0);
    expect(&rules, &c, NOW, POLICY_COOLDOWN, NOW + COOL);
    expect(&rules, &c, NOW + COOL - 1, POLICY_COOLDOWN, NOW + COOL);
    expect(&rules, &c, NOW + COOL, POLICY_ADMITTED, 0);
}

static void
the_cap_is_tested_before_the_cool_down(void **state)
{
    struct policy_count c = {.autonomous = 3, .last_at = NOW};

    (void)state;
    expect(&rules, &c, NOW + 1, POLICY_HARD_CAP, 0);
}

static void
what_is_deferred_is_admitted_and_counts_at_its_own_time(void **state)
{
    struct policy_rules r = rules;
    struct policy_count c = {0};

    (void)state;
    r.defers = true;
    expect(&r, &c, NOW, POLICY_ADMITTED, 0);
    expect(&r, &c, NOW + 5000, POLICY_ADMITTED, NOW + COOL);
    expect(&r, &c, NOW + 5000, POLICY_ADMITTED, NOW + 2 * COOL);
    assert_int_equal(c.last_at, NOW + 2 * COOL);
    expect(&r, &c, NOW + 5000, POLICY_HARD_CAP, 0);
}

static void
disabled_is_tested_first_and_holds_without_a_person_too(void **state)
{
    struct policy_rules r = rules;
    struct policy_count c = {.autonomous = 3};

    (void)state;
    r.is_enabled = false;
    expect(&r, &c, NOW, POLICY_DISABLED, 0);
    r.has_person = false;
    expect(&r, &c, NOW, POLICY_DISABLED, 0);
}

static void
without_a_person_nothing_is_counted(void **state)
{
    struct policy_rules r = rules;
    struct policy_count c = {0};

    (void)state;
    r.has_person = false;
    for (int i = 0; i < 10; i++)
        expect(&r, &c, NOW, POLICY_ADMITTED, 0);
    assert_int_equal(c.autonomous, 0);
    assert_int_equal(c.last_at, 0);
}

static void
without_limits_any_number_goes_at_once(void **state)
{
    struct policy_rules r = rules;
    struct policy_count c = {0};

    (void)state;
    r.max_consecutive = NO_LIMIT;
    r.cooldown_ms = 0;
    for (int i = 0; i < 1000; i++)
        expect(&r, &c, NOW, POLICY_ADMITTED, 0);
    assert_int_equal(c.autonomous, 1000);
    r.max_consecutive = 0;
    expect(&r, &c, NOW, POLICY_HARD_CAP, 0);
}

static void
a_clock_that_went_back_holds_nothing_up(void **state)
{
    struct policy_count c = {.autonomous = 1, .last_at = NOW};
    struct policy_count put_off = {.autonomous = 1, .last_at = NOW};

    (void)state;
    expect(&rules, &put_off, NOW - COOL, POLICY_COOLDOWN, NOW + COOL);
    expect(&rules, &c, NOW - COOL - 1, POLICY_ADMITTED, 0);
    assert_int_equal(c.last_at, NOW - COOL - 1);
}

static void
no_number_is_too_large(void **state)
{
    struct policy_rules r = rules;
    struct policy_count c = {.autonomous = UINT32_MAX - 1, .last_at = TIME_MAX_MS};

    (void)state;
    r.max_consecutive = NO_LIMIT;
    r.cooldown_ms = YEARS_100_MS;
    expect(&r, &c, NOW, POLICY_COOLDOWN, TIME_MAX_MS + YEARS_100_MS);
}

static void
every_refusal_has_its_reason(void **state)
{
    (void)state;
    assert_string_equal(policy_reason(POLICY_DISABLED), "disabled");
    assert_string_equal(policy_reason(POLICY_HARD_CAP), "hard_cap_reached");
    assert_string_equal(policy_reason(POLICY_COOLDOWN), "cooldown_active");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_in_a_row_are_admitted_and_no_fourth),
        cmocka_unit_test(the_cool_down_ends_with_its_last_millisecond),
        cmocka_unit_test(the_cap_is_tested_before_the_cool_down),
        cmocka_unit_test(what_is_deferred_is_admitted_and_counts_at_its_own_time),
        cmocka_unit_test(disabled_is_tested_first_and_holds_without_a_person_too),
        cmocka_unit_test(without_a_person_nothing_is_counted),
        cmocka_unit_test(without_limits_any_number_goes_at_once),
        cmocka_unit_test(a_clock_that_went_back_holds_nothing_up),
        cmocka_unit_test(no_number_is_too_large),
        cmocka_unit_test(every_refusal_has_its_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
