#include "supervisor/deaths.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
the_first_is_replaced_at_once_the_next_ones_later_and_later(void **state)
{
    struct deaths d = {0};
    int64_t       last = -1;

    (void)state;
    for (int i = 0; i < DEATHS_MAX - 1; i++) {
        int64_t again = deaths_note(&d, 1000000);

        assert_true(i > 0 || again == 1000000);
        assert_true(again > last);
        assert_true(again < 1000000 + DEATHS_WINDOW_MS);
        assert_false(deaths_are_too_many(&d, 1000000));
        last = again;
    }
}

static void
at_the_limit_there_is_none_until_the_oldest_is_forgotten(void **state)
{
    struct deaths d = {0};

    (void)state;
    for (int64_t i = 0; i < DEATHS_MAX - 1; i++)
        (void)deaths_note(&d, 1000000 + i);
    assert_int_equal(deaths_note(&d, 1000100), 1000000 + DEATHS_WINDOW_MS);
    assert_true(deaths_are_too_many(&d, 1000100));
    assert_int_equal(deaths_deadline(&d), INT64_MAX); /* nobody has said so yet */
    deaths_say(&d, "pool", 1000100);
    assert_int_equal(deaths_deadline(&d), 1000000 + DEATHS_WINDOW_MS);
    assert_true(deaths_are_too_many(&d, 1000000 + DEATHS_WINDOW_MS - 1));
    assert_false(deaths_are_too_many(&d, 1000000 + DEATHS_WINDOW_MS));
    deaths_say(&d, "pool", 1000000 + DEATHS_WINDOW_MS);
    assert_int_equal(deaths_deadline(&d), INT64_MAX);
}

static void
what_is_forgotten_holds_nothing_up_and_stays_counted(void **state)
{
    struct deaths d = {0};

    (void)state;
    for (int64_t i = 0; i < DEATHS_MAX; i++)
        (void)deaths_note(&d, 100 + i);
    assert_true(deaths_are_too_many(&d, 200));
    deaths_forget(&d);
    assert_false(deaths_are_too_many(&d, 200));
    assert_int_equal(deaths_note(&d, 300), 300);
    assert_int_equal(d.count, DEATHS_MAX + 1);
}

static void
rare_ones_are_always_replaced_at_once(void **state)
{
    struct deaths d = {0};

    (void)state;
    for (int64_t i = 1; i <= 100; i++) {
        assert_int_equal(deaths_note(&d, i * DEATHS_WINDOW_MS), i * DEATHS_WINDOW_MS);
        assert_false(deaths_are_too_many(&d, i * DEATHS_WINDOW_MS));
    }
    assert_int_equal(d.count, 100);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_is_replaced_at_once_the_next_ones_later_and_later),
        cmocka_unit_test(at_the_limit_there_is_none_until_the_oldest_is_forgotten),
        cmocka_unit_test(what_is_forgotten_holds_nothing_up_and_stays_counted),
        cmocka_unit_test(rare_ones_are_always_replaced_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
