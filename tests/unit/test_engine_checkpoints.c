/* Checkpoints: committed with success only, given to the next firing (D2, N3, N21). */
#include "tests/unit/effect_world.h"

/* ---- checkpoints ---- */

static void
session_text(struct rig *r, const char *key)
{
    rig_must_read(r, "session.show", "'key':'%s'", key);
}

static void
only_success_commits_a_checkpoint(void **state)
{
    struct rig *r = *state;
    struct view v;

    declare(r);
    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop'");
    session_text(r, "schedule/s");
    assert_true(rig_is_nil(r, "checkpoint"));
    assert_int_equal(rig_i64(r, "checkpoint_id"), 0);
    rig_advance(r, MINUTE_MS);
    rig_ended(r, 1, "'verdict':'completed','checkpoint':{'n':1}");
    rig_turn(r);
    session_text(r, "schedule/s");
    assert_int_equal(rig_i64(r, "checkpoint.n"), 1);
    assert_int_equal(rig_i64(r, "checkpoint_id"), 1);
    assert_int_equal(rig_i64(r, "checkpoint_at"), RIG_WALL_MS + MINUTE_MS);
    rig_advance(r, MINUTE_MS);
    assert_true(mp_find(rig_lease(r, 2)->body, "document", &v));
    r->reply = v;
    assert_int_equal(rig_i64(r, "checkpoint.n"), 1); /* what the next firing is given */
    assert_string_equal(rig_text(r, "session.key"), "schedule/s");
    assert_int_equal(rig_i64(r, "session.checkpoint_id"), 1);
    rig_ended(r, 2, "'verdict':'failed','checkpoint':{'n':2}");
    rig_turn(r);
    session_text(r, "schedule/s");
    assert_int_equal(rig_i64(r, "checkpoint.n"), 1);
    rig_advance(r, MINUTE_MS);
    rig_ended(r, 3, "'verdict':'completed'"); /* none given: the old one stands */
    rig_turn(r);
    session_text(r, "schedule/s");
    assert_int_equal(rig_i64(r, "checkpoint.n"), 1);
    assert_int_equal(rig_i64(r, "checkpoint_id"), 1);
}

static void
a_checkpoint_ends_with_its_schedule(void **state)
{
    struct rig *r = *state;
    struct view v;

    declare(r);
    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop'");
    rig_advance(r, MINUTE_MS);
    rig_ended(r, 1, "'verdict':'completed','checkpoint':{'n':1}");
    rig_turn(r);
    rig_must(r, "schedule.remove", "'name':'s'");
    session_text(r, "schedule/s");
    assert_true(rig_is_nil(r, "checkpoint"));
    assert_true(rig_is_nil(r, "checkpoint_at"));
    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop'");
    session_text(r, "schedule/s");
    assert_true(rig_is_nil(r, "checkpoint"));
    rig_advance(r, MINUTE_MS);
    assert_true(mp_find(rig_lease(r, 2)->body, "document", &v));
    r->reply = v;
    assert_true(rig_is_nil(r, "checkpoint"));
    assert_int_equal(rig_i64(r, "session.checkpoint_id"), 1); /* the number goes on */
}

static void
checkpoints_of_every_size_come_back(void **state)
{
    static const size_t sizes[] = {10, 1990, 2010, 8000, 262000, 5};
    struct rig         *r = *state;

    declare(r);
    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop'");
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        FREE_AUTO char *text = xmalloc(sizes[i] + 1);
        struct view     v;

        memset(text, 'a' + (int)i, sizes[i]);
        text[sizes[i]] = '\0';
        rig_advance(r, MINUTE_MS);
        rig_ended(r, 2 * i + 1, "'verdict':'completed','checkpoint':'%s'", text);
        rig_turn(r);
        session_text(r, "schedule/s");
        assert_string_equal(rig_text(r, "checkpoint"), text);
        rig_advance(r, MINUTE_MS);
        assert_true(mp_find(rig_lease(r, 2 * i + 2)->body, "document", &v));
        r->reply = v;
        assert_string_equal(rig_text(r, "checkpoint"), text);
        rig_complete(r, 2 * i + 2);
    }
}

static void
a_checkpoint_and_effects_carry_the_same_number(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop'");
    rig_advance(r, MINUTE_MS);
    rig_ended(r, 1, "'verdict':'completed','checkpoint':1,'effects':[" NOTIFY("x") "]");
    rig_turn(r);
    assert_string_equal(effect_text(r, 1, "session"), "schedule/s");
    session_text(r, "schedule/s");
    assert_int_equal(rig_i64(r, "checkpoint_id"), 1);
    rig_must_read(r, "session.list", " ");
    assert_int_equal(rig_len(r, "items"), 1);
    assert_string_equal(rig_text(r, "items.0.key"), "schedule/s");
    assert_false(rig_has(r, "items.0.checkpoint"));
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(only_success_commits_a_checkpoint),
        TEST(a_checkpoint_ends_with_its_schedule),
        TEST(checkpoints_of_every_size_come_back),
        TEST(a_checkpoint_and_effects_carry_the_same_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
