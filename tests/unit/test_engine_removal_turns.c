/* A removal takes bounded turns and needs no request to go on, whatever happens in between (B1). */
#include "tests/unit/removal_world.h"

/* More than a turn may do: so many goals below the first, each with a waiting job and a ticket. */
#define MANY 150

static void
plant_many(struct rig *r)
{
    r->is_unchecked = true;
    rig_must(r, "goal.add", "'title':'root'");
    for (int i = 0; i < MANY; i++) {
        (void)rig_queue(r, "goal.add", "'title':'g','parent':1");
        (void)rig_queue(r, "ticket.add", "'title':'t','goal':%d", i + 2);
        (void)rig_queue(r, "job.submit", "'handler':'noop','ticket':%d,'delay_ms':3600000", i + 1);
    }
    rig_turn(r);
    r->is_unchecked = false;
    assert_int_equal(rig_feed_count(r, "goal.added"), MANY + 1);
}

static void
expect_nothing_left(struct rig *r)
{
    assert_int_equal(rows(r, "goal"), 0);
    assert_int_equal(rows(r, "ticket"), 0);
    assert_int_equal(rig_feed_count(r, "job.cancelled"), MANY);
    assert_int_equal(rig_feed_count(r, "goal.removed"), MANY + 1);
    assert_int_equal(rig_feed_count(r, "ticket.removed"), MANY);
}

static void
a_big_cascade_takes_turns_and_needs_no_request(void **state)
{
    struct rig *r = *state;
    int         turns = 0;

    plant_many(r);
    rig_refused(r, E_IN_USE, "", "goal.remove", "'id':1");
    assert_non_null(strstr(r->error.msg, "and 295 more"));
    rig_must(r, "goal.remove", "'id':1,'cascade':true");
    for (; rig_is_due(r); turns++)
        rig_turn(r);
    assert_in_range(turns, 3 * MANY / TURN_DUE_MAX, 40);
    expect_nothing_left(r);
}

static void
a_crash_in_a_cascade_loses_nothing(void **state)
{
    struct rig *r = *state;

    plant_many(r);
    rig_must(r, "goal.remove", "'id':1,'cascade':true");
    for (int i = 0; i < 60; i++) { /* each life does a turn of it */
        rig_crash(r);
        rig_turn(r);
    }
    rig_settle(r);
    expect_nothing_left(r);
}

/* A turn of one request, as after a commit that failed: no due work, no dispatch. */
static void
turn_without_dispatch(struct rig *r, enum msg_id op, struct view body)
{
    const struct input in = {.kind = INPUT_REQUEST, .op = op, .body = body, .actor = r->actor};
    struct err         e = {0};
    struct txn        *t = txn_begin_write(r->store, &e);
    bool               outcome_unknown;

    if (!t) fail_msg("%s", e.msg);
    engine_turn_begin(r->engine, t, &r->header);
    engine_apply(r->engine, &in);
    engine_turn_end(r->engine);
    if (txn_commit(&t, &outcome_unknown, &e)) fail_msg("%s", e.msg);
    engine_turn_done(r->engine, true);
}

static void
the_loop_runs_again_for_a_removal(void **state)
{
    struct rig *r = *state;

    rig_must(r, "goal.add", "'title':'g'");
    rig_must(r, "agent.add", "'name':'scout','handler':'noop'");
    rig_submit(r, "'agent':'scout','delay_ms':3600000");
    rig_settle(r);
    assert_true(engine_deadline(r->engine).wall_ms > r->header.now.wall_ms);
    turn_without_dispatch(r, MSG_GOAL_REMOVE, rig_pack(r, "{'id':1}"));
    assert_true(engine_deadline(r->engine).wall_ms <= r->header.now.wall_ms);
    rig_settle(r);
    turn_without_dispatch(r, MSG_AGENT_REMOVE, rig_pack(r, "{'name':'scout','cascade':true}"));
    assert_true(engine_deadline(r->engine).wall_ms <= r->header.now.wall_ms);
    rig_settle(r);
    expect_state(r, 1, "cancelled");
    assert_int_equal(rig_feed_count(r, "agent.removed"), 1);
}

/* As when the commit of a turn failed: each request in a transaction of its own. */
static void
a_removal_without_a_dispatch_is_not_forgotten(void **state)
{
    struct rig *r = *state;

    declare(r);
    plant(r);
    rig_must(r, "agent.add", "'name':'scout','handler':'noop'");
    rig_submit(r, "'agent':'scout','delay_ms':3600000");
    (void)rig_queue(r, "goal.remove", "'id':1,'cascade':true");
    (void)rig_queue(r, "agent.remove", "'name':'scout','cascade':true");
    rig_turn_singly(r);
    rig_settle(r);
    expect_state(r, 1, "cancelled");
    assert_int_equal(rows(r, "goal"), 0);
    rig_must(r, "agent.add", "'name':'scout','handler':'noop'");
}

/* Also when an earlier submit of the same turn found it. */
static void
a_submit_behind_a_removal_finds_the_agent_no_more(void **state)
{
    struct rig *r = *state;
    uint64_t    before, behind;

    rig_must(r, "agent.add", "'name':'scout','handler':'noop'");
    before = rig_queue(r, "job.submit", "'agent':'scout','delay_ms':3600000");
    (void)rig_queue(r, "agent.remove", "'name':'scout','cascade':true");
    behind = rig_queue(r, "job.submit", "'agent':'scout','delay_ms':3600000");
    rig_turn(r);
    assert_int_equal(rig_answer(r, before), E_OK);
    assert_int_equal(rig_answer(r, behind), E_NOT_FOUND);
    rig_settle(r);
    expect_state(r, 1, "cancelled");
}

/* Among more waiting jobs than a turn looks at. */
static void
two_removals_at_once_both_end(void **state)
{
    static const char *const agents[] = {"one", "two", "three"};
    struct rig              *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(agents); i++)
        rig_must(r, "agent.add", "'name':'%s','handler':'noop'", agents[i]);
    r->is_unchecked = true;
    for (int i = 0; i < 2 * READ_ROWS_MAX; i++) {
        bool is_kept = i > 50 && i < 2 * READ_ROWS_MAX - 50;

        (void)rig_queue(r, "job.submit", "'agent':'%s','delay_ms':%d",
                        is_kept ? "three" : agents[i % 2], 3600000 + i);
        if (i % 1000 == 999) rig_turn(r);
    }
    (void)rig_queue(r, "agent.remove", "'name':'one','cascade':true");
    (void)rig_queue(r, "agent.remove", "'name':'two','cascade':true");
    rig_settle(r);
    r->is_unchecked = false;
    rig_must(r, "agent.add", "'name':'one','handler':'noop'");
    rig_must(r, "agent.add", "'name':'two','handler':'noop'");
    rig_must_read(r, "agent.show", "'name':'three'");
    assert_int_equal(rig_i64(r, "open_jobs"), 2 * READ_ROWS_MAX - 101);
}

/* It was stopped for another reason, which leads to a retry. */
static void
what_comes_back_during_a_removal_is_cancelled(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    rig_must(r, "agent.add", "'name':'scout','handler':'noop'");
    uint64_t id = rig_submit(r, "'agent':'scout','max_run_ms':1000");
    rig_settle(r);
    rig_advance(r, 1000);
    rig_must(r, "agent.remove", "'name':'scout','cascade':true");
    rig_settle(r);
    expect_state(r, id, "running"); /* until its processes are gone */
    rig_ended(r, id, "'verdict':'failed'");
    rig_settle(r);
    expect_state(r, id, "cancelled");
    rig_must(r, "agent.add", "'name':'scout','handler':'noop'");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(a_big_cascade_takes_turns_and_needs_no_request),
        TEST(a_crash_in_a_cascade_loses_nothing),
        TEST(the_loop_runs_again_for_a_removal),
        TEST(a_removal_without_a_dispatch_is_not_forgotten),
        TEST(a_submit_behind_a_removal_finds_the_agent_no_more),
        TEST(two_removals_at_once_both_end),
        TEST(what_comes_back_during_a_removal_is_cancelled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
