/* One sink's share of the deliveries: one that hangs holds back no other (D4). */
#include "tests/unit/engine_rig.h"

#define SLOW_MS 10000 /* as in shares.h */

static void
declare(struct rig *r, uint32_t workers)
{
    r->limits.session_handler = view_str("noop");
    r->limits.company_max_concurrent = NO_LIMIT;
    rig_configure(r, &(struct rig_declared){
                         .sinks = "{'name':'stuck','kind':'http','url':'http://s','timeout_ms':"
                                  "60000,'not_after_ms':null,'idempotent':true},"
                                  "{'name':'mute','kind':'http','url':'http://m'},"
                                  "{'name':'dull','kind':'http','url':'http://d'},"
                                  "{'name':'file','kind':'file','path':'o'}"});
    rig_workers(r, workers, 8);
}

/* A message to the sink, of a session of its own; its id. */
static uint64_t
say(struct rig *r, const char *sink)
{
    uint64_t id = rig_rows(r, TABLE_EFFECT) + 1;

    rig_must(r, "session.send", "'key':'s%d','content':'hi'", (int)id);
    rig_must_read(r, "session.show", "'key':'s%d'", (int)id);
    rig_ended(r, (uint64_t)rig_i64(r, "job"),
              "'verdict':'completed','effects':[{'kind':'send_message','content':'c','sink':'%s'}]",
              sink);
    rig_turn(r);
    return id;
}

static bool
is_sent(struct rig *r, uint64_t id)
{
    return rig_delivery(r, id) && rig_delivery(r, id)->is_live;
}

static void
ends(struct rig *r, uint64_t id, const char *outcome)
{
    rig_effect_done(r, id, outcome);
    rig_turn(r);
}

static void
expect_blocker(struct rig *r, uint64_t id, const char *text)
{
    rig_must_read(r, "effect.why", "'id':%d", (int)id);
    assert_string_equal(rig_text(r, "blockers.0.predicate"), "sink_share");
    assert_non_null(strstr(rig_text(r, "blockers.0.message"), text));
}

static void
a_sink_that_hangs_leaves_room_for_others(void **state)
{
    struct rig *r = *state;
    uint64_t    stuck[300];

    declare(r, 1);
    for (size_t i = 0; i < ARRAY_LEN(stuck); i++) /* more than a turn looks at */
        stuck[i] = say(r, "stuck");
    assert_true(is_sent(r, stuck[2]));
    assert_false(is_sent(r, stuck[3]));
    expect_blocker(r, stuck[3], "\"stuck\" has 3 of the 4");
    for (int i = 0; i < 3; i++) {
        uint64_t id = say(r, "file");

        assert_true(is_sent(r, id));
        ends(r, id, "delivered");
    }
    assert_false(is_sent(r, stuck[3]));
    assert_false(rig_is_due(r)); /* what is held is not looked at again and again */
    ends(r, stuck[0], "delivered");
    assert_true(is_sent(r, stuck[3])); /* in order */
    assert_false(is_sent(r, stuck[4]));
}

static void
each_that_comes_finds_some_room(void **state)
{
    struct rig *r = *state;
    uint64_t    stuck[8], mute[8], file;

    declare(r, 2);
    for (size_t i = 0; i < ARRAY_LEN(stuck); i++)
        stuck[i] = say(r, "stuck");
    for (size_t i = 0; i < ARRAY_LEN(mute); i++)
        mute[i] = say(r, "mute");
    assert_true(is_sent(r, stuck[4]) && !is_sent(r, stuck[5]));
    assert_true(is_sent(r, mute[1]) && !is_sent(r, mute[2]));
    file = say(r, "file");
    assert_true(is_sent(r, file));
    ends(r, file, "delivered");
    ends(r, mute[0], "delivered");
    assert_true(is_sent(r, mute[2]) && !is_sent(r, stuck[5])); /* who has less */
}

/* What was held goes before what came later, and after what is older. */
static void
what_was_held_keeps_its_place(void **state)
{
    struct rig *r = *state;
    uint64_t    stuck[4], mute, file[2];

    declare(r, 1);
    for (size_t i = 0; i < ARRAY_LEN(stuck); i++)
        stuck[i] = say(r, "stuck");
    mute = say(r, "mute"); /* the last of the room */
    file[0] = say(r, "file");
    assert_false(is_sent(r, stuck[3]) || is_sent(r, file[0]));
    rig_effect_done(r, stuck[0], "delivered");
    rig_effect_done(r, stuck[1], "delivered");
    ends(r, stuck[2], "delivered");
    assert_true(is_sent(r, stuck[3]) && is_sent(r, file[0]) && is_sent(r, mute));
    assert_true(rig_delivery(r, stuck[3]) < rig_delivery(r, file[0])); /* sent first */
}

static void
a_slow_sink_gets_one_at_a_time(void **state)
{
    struct rig *r = *state;
    uint64_t    stuck[3], next, mute[3], dull, file;

    declare(r, 1);
    for (size_t i = 0; i < ARRAY_LEN(stuck); i++)
        stuck[i] = say(r, "stuck");
    rig_wait(r, SLOW_MS);
    for (size_t i = 0; i < ARRAY_LEN(stuck); i++)
        ends(r, stuck[i], "failed");
    for (size_t i = 0; i < ARRAY_LEN(mute); i++)
        mute[i] = say(r, "mute");
    rig_wait(r, SLOW_MS);
    for (size_t i = 0; i < ARRAY_LEN(mute); i++)
        ends(r, mute[i], "failed");
    dull = say(r, "dull");
    rig_wait(r, SLOW_MS);
    ends(r, dull, "failed");

    next = say(r, "stuck");
    assert_true(is_sent(r, next));
    stuck[0] = say(r, "stuck");
    assert_false(is_sent(r, stuck[0]));
    expect_blocker(r, stuck[0], "\"stuck\" was slow last time: it gets one");
    assert_true(is_sent(r, say(r, "mute")));
    dull = say(r, "dull");
    assert_false(is_sent(r, dull));
    expect_blocker(r, dull, "have half of the deliveries that are made at a time: 2");
    file = say(r, "file"); /* those that were slow leave half of the room */
    assert_true(is_sent(r, file));

    ends(r, next, "delivered"); /* in time: it is as others again */
    assert_true(is_sent(r, stuck[0]) && is_sent(r, dull));
    ends(r, file, "delivered");
    stuck[1] = say(r, "stuck");
    assert_true(is_sent(r, stuck[1]));
}

/* More than one turn lets expire: those that are left are not looked at one by one. */
static void
what_was_held_and_is_too_late_costs_a_turn_nothing(void **state)
{
    struct rig *r = *state;
    uint64_t    mute[600], reads;

    declare(r, 1);
    for (size_t i = 0; i < ARRAY_LEN(mute); i++)
        mute[i] = say(r, "mute");
    rig_wait(r, 2 * HOUR_MS);
    for (size_t i = 0; i < 3; i++)
        rig_effect_done(r, mute[i], "delivered");
    rig_turn(r);
    reads = r->reads;
    assert_true(rig_is_due(r));
    rig_turn(r);
    assert_true(reads < r->reads + 100);
    rig_settle(r);
    rig_must_read(r, "effect.show", "'id':%d", (int)mute[599]);
    assert_string_equal(rig_text(r, "status"), "expired");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_sink_that_hangs_leaves_room_for_others),
        TEST(each_that_comes_finds_some_room),
        TEST(what_was_held_keeps_its_place),
        TEST(a_slow_sink_gets_one_at_a_time),
        TEST(what_was_held_and_is_too_late_costs_a_turn_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
