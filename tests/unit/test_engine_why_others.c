/* Why a schedule, an agent, a session or an effect does nothing now (A10): in the shape of a job's
 * answer, from the same predicates. */
#include "tests/unit/engine_rig.h"

#define NOTIFY(message) "{'kind':'notify','message':'" message "'}"

static void
declare(struct rig *r)
{
    r->limits.session_sinks = arena_copy(&r->kept, rig_pack(r, "['file']"));
    rig_configure(r, &(struct rig_declared){
                         .companies = "{'name':'acme'}",
                         .agents = "{'name':'anna','company':'acme','handler':'noop'},"
                                   "{'name':'bert','company':'acme','handler':'noop'}",
                         .sinks = "{'name':'file','kind':'file','path':'out.jsonl'}",
                     });
}

/* Asks, and holds the answer to the shape that all have. */
static void
ask(struct rig *r, const char *op, const char *body, size_t blockers)
{
    static const char *const keys[] = {"text", "earliest_at", "change", "blockers", "history"};

    rig_must_read(r, op, "%s", body);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (!rig_has(r, keys[i])) fail_msg("%s without %s: %s", op, keys[i], rig_json(r));
    }
    assert_true(strlen(rig_text(r, "text")) > 0);
    if (rig_len(r, "blockers") != blockers) fail_msg("%s: blockers: %s", op, rig_json(r));
}

static void
expect_blocker(struct rig *r, size_t i, const char *predicate, int64_t until_at)
{
    assert_string_equal(rig_text(r, rig_path(r, "blockers", i, "predicate")), predicate);
    if (until_at == 0) {
        assert_true(rig_is_nil(r, rig_path(r, "blockers", i, "until_at")));
    } else {
        assert_int_equal(rig_i64(r, rig_path(r, "blockers", i, "until_at")), until_at);
    }
}

static void
expect_text(struct rig *r, const char *part)
{
    if (!strstr(rig_text(r, "text"), part)) fail_msg("no \"%s\" in %s", part, rig_json(r));
}

/* ---- effects ---- */

/* A job that ends with this effect; their ids ascend from 1. */
static void
effect_of(struct rig *r, const char *effects)
{
    uint64_t id = rig_submit(r, "'handler':'noop'");

    rig_ended(r, id, "'verdict':'completed','effects':[%s]", effects);
    rig_turn(r);
}

static void
done(struct rig *r, uint64_t effect, const char *fmt)
{
    rig_report(r, rig_delivery(r, effect), "effect.done", "%s", fmt);
    rig_delivery(r, effect)->is_live = false;
    rig_turn(r);
}

static void
an_effect_tells_what_it_waits_for(void **state)
{
    struct rig *r = *state;
    int64_t     again = RIG_WALL_MS + 2 * MINUTE_MS;

    declare(r);
    rig_workers(r, 1, 4);
    effect_of(r, NOTIFY("a") "," NOTIFY("b"));
    ask(r, "effect.why", "'id':1", 0);
    assert_string_equal(rig_text(r, "status"), "attempting");
    expect_text(r, "attempt 1 of 5");
    assert_true(rig_is_nil(r, "earliest_at"));
    ask(r, "effect.why", "'id':2", 1); /* its place behind another */
    expect_blocker(r, 0, "order", 0);
    assert_string_equal(rig_text(r, "blockers.0.holder"), "effect 1");
    assert_true(rig_is_nil(r, "earliest_at"));

    done(r, 1, "'outcome':'failed','message':'disk full'");
    ask(r, "effect.why", "'id':1", 1); /* its next attempt */
    expect_blocker(r, 0, "due_later", again);
    expect_text(r, "attempt 1 was not confirmed (disk full): attempt 2 of 5");
    assert_int_equal(rig_i64(r, "earliest_at"), again);
    ask(r, "effect.why", "'id':2", 1);
    expect_blocker(r, 0, "order", again);
    assert_int_equal(rig_i64(r, "earliest_at"), again);

    rig_must(r, "stop", "'scope':'effects'"); /* and the emergency stop */
    rig_advance(r, 2 * MINUTE_MS);
    ask(r, "effect.why", "'id':1", 1);
    expect_blocker(r, 0, "stopped", 0);
    assert_string_equal(rig_text(r, "change"), "agentctl resume");
    rig_must(r, "resume", " ");
    done(r, 1, "'outcome':'delivered'");
    ask(r, "effect.why", "'id':1", 0);
    expect_text(r, "it is over: delivered");
    assert_int_equal(rig_read(r, "effect.why", "'id':9"), E_NOT_FOUND);
}

static void
an_effect_that_expires_before_it_is_tried_again_says_so(void **state)
{
    struct rig *r = *state;
    int64_t     expires = RIG_WALL_MS + HOUR_MS;

    declare(r);
    rig_workers(r, 1, 4);
    effect_of(r, NOTIFY("a") "," NOTIFY("b"));
    rig_advance(r, MINUTE_MS);
    effect_of(r, NOTIFY("c"));
    done(r, 1, "'outcome':'failed','message':'busy','after_ms':36000000");
    ask(r, "effect.why", "'id':1", 1);
    expect_blocker(r, 0, "due_later", 0);
    expect_text(r, "but it expires before, at ");
    assert_true(rig_is_nil(r, "earliest_at"));
    ask(r, "effect.why", "'id':2", 1); /* and with it the one behind it */
    expect_blocker(r, 0, "order", 0);
    expect_text(r, "but it expires before, at ");
    ask(r, "effect.why", "'id':3", 1); /* which goes when they have expired */
    expect_blocker(r, 0, "order", expires);
    rig_advance(r, HOUR_MS - MINUTE_MS);
    ask(r, "effect.why", "'id':1", 0);
    expect_text(r, "it is over: expired");
    ask(r, "effect.why", "'id':3", 0);
    expect_text(r, "attempt 1 of 5");
}

static void
an_effect_of_unknown_outcome_tells_when_its_sink_is_asked(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_workers(r, 1, 4);
    effect_of(r, NOTIFY("a"));
    done(r, 1, "'outcome':'unknown','message':'cut off'");
    ask(r, "effect.why", "'id':1", 0);
    expect_text(r, "is being asked");
    done(r, 1, "'outcome':'unknown','message':'cannot be read'");
    ask(r, "effect.why", "'id':1", 1);
    expect_blocker(r, 0, "probe", RIG_WALL_MS + MINUTE_MS);
    expect_text(r, "cannot be read");
    assert_int_equal(rig_i64(r, "earliest_at"), RIG_WALL_MS + MINUTE_MS);
}

static void
an_effect_waits_for_a_worker(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_workers(r, 1, 1);
    effect_of(r, NOTIFY("a") "," NOTIFY("b"));
    done(r, 1, "'outcome':'failed'");
    rig_worker_gone(r, 0);
    rig_turn(r);
    rig_advance(r, 2 * MINUTE_MS);
    ask(r, "effect.why", "'id':1", 1);
    expect_blocker(r, 0, "no_worker", 0);
}

/* ---- agents ---- */

static void
an_agent_tells_of_its_job_that_goes_first(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_workers(r, 1, 8);
    uint64_t later = rig_submit(r, "'agent':'acme/anna','delay_ms':60000");
    ask(r, "agent.why", "'name':'acme/anna'", 1);
    assert_int_equal(rig_i64(r, "job"), later);
    expect_blocker(r, 0, "due_later", RIG_WALL_MS + 60000);
    assert_int_equal(rig_i64(r, "earliest_at"), RIG_WALL_MS + 60000);
    rig_must(r, "agent.pause", "'name':'acme/anna','reason':'lunch'");
    uint64_t low = rig_submit(r, "'agent':'acme/anna','priority':10");
    uint64_t high = rig_submit(r, "'agent':'acme/anna','priority':20");
    ask(r, "agent.why", "'name':'acme/anna'", 1);
    assert_string_equal(rig_text(r, "status"), "paused");
    assert_int_equal(rig_i64(r, "job"), high);
    expect_blocker(r, 0, "paused", 0);
    expect_text(r, "lunch");
    assert_string_equal(rig_text(r, "change"), "agentctl agent resume acme/anna");
    rig_advance(r, SECOND_MS);
    rig_must(r, "agent.resume", "'name':'acme/anna'");
    ask(r, "agent.why", "'name':'acme/anna'", 0);
    assert_int_equal(rig_i64(r, "job"), high);
    expect_text(r, "it is running");
    assert_string_equal(rig_text(r, "history.0.predicate"), "paused"); /* the job's */
    (void)low;
}

static void
an_agent_without_a_job_tells_of_its_next_schedule(void **state)
{
    struct rig *r = *state;

    declare(r);
    ask(r, "agent.why", "'name':'acme/bert'", 1);
    expect_blocker(r, 0, "no_job", 0);
    assert_true(rig_is_nil(r, "job"));
    assert_string_equal(rig_text(r, "change"), "agentctl agent wake acme/bert");
    static const int minutes[] = {5, 2, 1};
    for (size_t i = 0; i < ARRAY_LEN(minutes); i++) {
        rig_must(r, "schedule.add", "'name':'s%d','company':'acme','agent':'bert','every_ms':%d",
                 minutes[i], minutes[i] * 60000);
    }
    rig_must(r, "schedule.pause", "'name':'acme/s1'");
    ask(r, "agent.why", "'name':'acme/bert'", 1);
    expect_blocker(r, 0, "due_later", RIG_WALL_MS + 2 * MINUTE_MS);
    assert_string_equal(rig_text(r, "blockers.0.holder"), "acme/s2");
    assert_int_equal(rig_i64(r, "earliest_at"), RIG_WALL_MS + 2 * MINUTE_MS);
    assert_int_equal(rig_read(r, "agent.why", "'name':'acme/nobody'"), E_NOT_FOUND);
}

/* ---- sessions and schedules ---- */

static void
a_session_tells_what_its_unfinished_job_waits_for(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop'");
    ask(r, "session.why", "'key':'schedule/s'", 1);
    assert_string_equal(rig_text(r, "state"), "idle");
    expect_blocker(r, 0, "no_job", 0);
    rig_advance(r, MINUTE_MS);
    ask(r, "session.why", "'key':'schedule/s'", 1);
    assert_int_equal(rig_i64(r, "job"), 1);
    expect_blocker(r, 0, "no_worker", 0);
    expect_text(r, "job 1: ");
    rig_workers(r, 1, 1);
    ask(r, "session.why", "'key':'schedule/s'", 0);
    assert_string_equal(rig_text(r, "state"), "running");
    assert_int_equal(rig_read(r, "session.why", "'key':'none'"), E_NOT_FOUND);
}

static void
a_schedule_answers_in_the_same_shape(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_workers(r, 1, 1);
    rig_must(r, "schedule.add", "'name':'s','every_ms':3600000,'handler':'noop','daily_turns':5");
    ask(r, "schedule.why", "'name':'s'", 1);
    assert_int_equal(rig_i64(r, "earliest_at"), RIG_WALL_MS + HOUR_MS);
    rig_advance(r, HOUR_MS);
    rig_ended(r, 1, "'verdict':'completed','turns':5");
    rig_turn(r);
    ask(r, "schedule.why", "'name':'s'", 2);
    expect_blocker(r, 0, "budget", RIG_WALL_MS + 16 * HOUR_MS); /* the next midnight, UTC */
    assert_string_equal(rig_text(r, "change"), "raise schedule s's daily limits");
}

/* ---- jobs ---- */

static void
a_job_that_snoozes_tells_how_often_it_did(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    uint64_t id = rig_submit(r, "'handler':'noop'");
    for (int i = 0; i < 3; i++) {
        rig_ended(r, id, "'verdict':'snoozed','after_ms':60000");
        rig_turn(r);
        if (i < 2) rig_advance(r, MINUTE_MS);
    }
    ask(r, "job.why", "'id':1", 1);
    expect_text(r, "3 snoozes so far");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(an_effect_tells_what_it_waits_for),
        TEST(an_effect_that_expires_before_it_is_tried_again_says_so),
        TEST(an_effect_of_unknown_outcome_tells_when_its_sink_is_asked),
        TEST(an_effect_waits_for_a_worker),
        TEST(an_agent_tells_of_its_job_that_goes_first),
        TEST(an_agent_without_a_job_tells_of_its_next_schedule),
        TEST(a_session_tells_what_its_unfinished_job_waits_for),
        TEST(a_schedule_answers_in_the_same_shape),
        TEST(a_job_that_snoozes_tells_how_often_it_did),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
