/* Why a job started late: what held it, afterwards, too (A10). */
#include "tests/unit/engine_rig.h"

static void
expect_history(struct rig *r, uint64_t id, size_t count)
{
    rig_must_read(r, "job.why", "'id':%llu", (unsigned long long)id);
    if (rig_len(r, "history") != count) fail_msg("history: %s", rig_json(r));
}

/* from_s, until_s: seconds from the rig's beginning. */
static void
expect_span(struct rig *r, size_t i, const char *predicate, int from_s, int until_s)
{
    if (strcmp(rig_text(r, rig_path(r, "history", i, "predicate")), predicate) != 0 ||
        rig_i64(r, rig_path(r, "history", i, "at")) != RIG_WALL_MS + from_s * SECOND_MS ||
        rig_i64(r, rig_path(r, "history", i, "until_at")) != RIG_WALL_MS + until_s * SECOND_MS) {
        fail_msg("not %s from %d to %d: %s", predicate, from_s, until_s, rig_json(r));
    }
}

static void
expect_no_worker_then_stopped(struct rig *r, uint64_t id)
{
    expect_history(r, id, 2);
    expect_span(r, 0, "no_worker", 0, 10);
    expect_span(r, 1, "stopped", 10, 30);
}

static void
what_held_everything_is_told_of_each_job_that_waited(void **state)
{
    struct rig *r = *state;

    uint64_t id = rig_submit(r, "'handler':'noop'");
    rig_advance(r, 10 * SECOND_MS);
    rig_must(r, "stop", "'scope':'new'");
    expect_history(r, id, 1); /* what holds it now is a blocker */
    rig_advance(r, 20 * SECOND_MS);
    rig_workers(r, 1, 1);
    rig_must(r, "resume", " ");
    expect_state(r, id, "running");
    expect_no_worker_then_stopped(r, id);
    rig_advance(r, 10 * SECOND_MS);
    uint64_t next = rig_submit(r, "'handler':'noop'");
    rig_advance(r, 5 * SECOND_MS);
    rig_complete(r, id);
    expect_state(r, next, "running");
    expect_history(r, next, 1); /* not what was before its time */
    expect_span(r, 0, "no_slot", 40, 45);
    rig_complete(r, next);
    rig_advance(r, DAY_MS);
    expect_no_worker_then_stopped(r, id); /* yesterday's */
    expect_history(r, next, 1);
}

static void
what_held_all_and_what_held_the_lane_follow_each_other(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    rig_must(r, "agent.add", "'name':'anna','handler':'noop'");
    rig_must(r, "stop", "'scope':'new'");
    uint64_t id = rig_submit(r, "'agent':'anna'");
    uint64_t other = rig_submit(r, "'handler':'noop'");
    rig_must(r, "agent.pause", "'name':'anna'");
    rig_advance(r, 10 * SECOND_MS);
    rig_must(r, "resume", " ");
    expect_state(r, other, "running");
    rig_advance(r, 10 * SECOND_MS);
    rig_must(r, "agent.resume", "'name':'anna'");
    expect_state(r, id, "running");
    expect_history(r, id, 2);
    expect_span(r, 0, "stopped", 0, 10);
    expect_span(r, 1, "paused", 10, 20);
    expect_history(r, other, 1); /* it was not the agent's */
    expect_span(r, 0, "stopped", 0, 10);
}

/* A lane's own hold ends while everything is held: the rest of the wait is the other's. */
static void
a_pause_that_ends_in_a_stop_is_no_reason_any_more(void **state)
{
    static const char *const stops[][2] = {
        {"stop",  "'scope':'new'"},
        {"drain", " "            }
    };
    struct rig *r = *state;

    rig_workers(r, 1, 8);
    rig_must(r, "agent.add", "'name':'anna','handler':'noop'");
    for (int i = 0; i < 2; i++) {
        int at_s = i * 30;

        rig_must(r, "agent.pause", "'name':'anna'");
        uint64_t id = rig_submit(r, "'agent':'anna'");
        uint64_t other = rig_submit(r, "'agent':'anna','trigger':'schedule'"); /* another lane */
        rig_advance(r, 5 * SECOND_MS);
        rig_must(r, stops[i][0], "%s", stops[i][1]);
        rig_advance(r, 5 * SECOND_MS);
        rig_must(r, "agent.resume", "'name':'anna'");
        rig_advance(r, 10 * SECOND_MS);
        rig_must(r, "resume", " ");
        expect_state(r, id, "running");
        expect_history(r, id, 2);
        expect_span(r, 0, "paused", at_s, at_s + 10);
        expect_span(r, 1, i ? "draining" : "stopped", at_s + 10, at_s + 20);
        expect_history(r, other, 2);
        rig_complete(r, id);
        rig_complete(r, other);
        rig_advance(r, 10 * SECOND_MS);
    }
}

static void
a_pause_that_ends_while_all_slots_are_busy_is_no_reason_any_more(void **state)
{
    struct rig *r = *state;

    rig_must(r, "agent.add", "'name':'anna','handler':'noop'");
    rig_workers(r, 1, 1);
    rig_must(r, "agent.pause", "'name':'anna'");
    uint64_t id = rig_submit(r, "'agent':'anna'");
    uint64_t busy = rig_submit(r, "'handler':'noop'");
    rig_advance(r, 10 * SECOND_MS);
    rig_must(r, "agent.resume", "'name':'anna'");
    rig_advance(r, 10 * SECOND_MS);
    rig_complete(r, busy);
    expect_state(r, id, "running");
    expect_history(r, id, 2);
    expect_span(r, 0, "paused", 0, 10);
    expect_span(r, 1, "no_slot", 10, 20);
}

static void
a_cap_that_has_room_in_a_stop_is_no_reason_any_more(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 8);
    rig_must(r, "agent.add", "'name':'anna','handler':'noop','max_concurrent':1");
    uint64_t first = rig_submit(r, "'agent':'anna'");
    uint64_t id = rig_submit(r, "'agent':'anna'");
    rig_advance(r, 5 * SECOND_MS);
    rig_must(r, "stop", "'scope':'new'");
    rig_advance(r, 5 * SECOND_MS);
    rig_complete(r, first);
    rig_advance(r, 10 * SECOND_MS);
    rig_must(r, "resume", " ");
    expect_state(r, id, "running");
    expect_history(r, id, 2);
    expect_span(r, 0, "agent_cap", 0, 10);
    expect_span(r, 1, "stopped", 10, 20);
}

static void
a_crash_ends_no_history(void **state)
{
    struct rig *r = *state;

    uint64_t id = rig_submit(r, "'handler':'noop'");
    rig_advance(r, 10 * SECOND_MS);
    rig_crash(r);
    rig_turn(r);
    rig_advance(r, 10 * SECOND_MS);
    rig_workers(r, 1, 1);
    expect_state(r, id, "running");
    expect_history(r, id, 2);
    expect_span(r, 0, "no_worker", 0, 10);
    expect_span(r, 1, "no_worker", 10, 20);
}

static void
one_that_ended_without_a_start_tells_until_its_end(void **state)
{
    struct rig *r = *state;

    uint64_t id = rig_submit(r, "'handler':'noop'");
    rig_advance(r, 10 * SECOND_MS);
    rig_must(r, "job.cancel", "'id':%llu", (unsigned long long)id);
    rig_advance(r, 10 * SECOND_MS);
    expect_history(r, id, 1);
    expect_span(r, 0, "no_worker", 0, 10);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(what_held_everything_is_told_of_each_job_that_waited),
        TEST(what_held_all_and_what_held_the_lane_follow_each_other),
        TEST(a_pause_that_ends_in_a_stop_is_no_reason_any_more),
        TEST(a_pause_that_ends_while_all_slots_are_busy_is_no_reason_any_more),
        TEST(a_cap_that_has_room_in_a_stop_is_no_reason_any_more),
        TEST(a_crash_ends_no_history),
        TEST(one_that_ended_without_a_start_tells_until_its_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
