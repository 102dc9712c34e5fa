/* Gates: what says before the agent that there is nothing to do (C5). */
#include "tests/unit/schedule_world.h"

#define COMPLETED(name) "'gate':{'completed':'" name "'}"
#define COMMAND         "'gate':{'command':['/bin/look','-q']}"
#define NOTHING         "'verdict':'completed','gated':true,'message':'no mail'"

static void
an_agent_is_not_removed_while_a_gate_of_another_waits_for_its_schedule(void **state)
{
    struct rig *r = *state;

    rig_must(r, "agent.add", "'name':'scout','handler':'noop'");
    rig_must(r, "schedule.add", "'name':'fetch','agent':'scout','every_ms':60000");
    rig_must(r, "schedule.add",
             "'name':'sort','agent':'scout','every_ms':60000,'gate':{'completed':'fetch'}");
    rig_must(r, "schedule.add",
             "'name':'digest','handler':'noop','every_ms':60000,'gate':{'completed':'fetch'}");
    rig_refused(r, E_IN_USE, "", "agent.remove", "'name':'scout','cascade':true");
    assert_string_equal(r->error.msg, "agent \"scout\" is in use by the gate of schedule digest, "
                                      "schedule fetch, schedule sort");
    assert_non_null(strstr(r->error.hint, "gate"));
    rig_must(r, "schedule.set", "'name':'digest','clear':['gate']");
    rig_must(r, "agent.remove", "'name':'scout','cascade':true");
    rig_settle(r);
    assert_int_equal(rig_read(r, "schedule.show", "'name':'fetch'"), E_NOT_FOUND);
    assert_int_equal(rig_read(r, "schedule.show", "'name':'sort'"), E_NOT_FOUND);
    rig_must_read(r, "schedule.show", "'name':'digest'");
}

static void
declare(struct rig *r)
{
    r->limits.schedule_max_concurrent = NO_LIMIT;
    rig_configure(r, &(struct rig_declared){
                         .agents = "{'name':'anna','handler':'noop'}",
                         .handlers = "{'name':'run','kind':'exec','command':['/bin/run']}",
                     });
    rig_workers(r, 1, 8);
}

static void
add_gated(struct rig *r, const char *name, const char *gate)
{
    rig_must(r, "schedule.add", "'name':'%s','every_ms':60000,'handler':'run',%s", name, gate);
}

/* Of the newest firing. */
static const char *
newest(struct rig *r, const char *name, const char *field)
{
    (void)firings(r, name);
    return rig_text(r, rig_path(r, "items", 0, field));
}

static struct view
gate_of(struct rig *r, uint64_t job)
{
    struct view gate = {0};

    (void)mp_find(rig_lease(r, job)->body, "gate", &gate);
    return gate;
}

/* ---- declarations ---- */

static void
a_gate_is_one_test_of_things_that_are_there(void **state)
{
    static const struct {
        enum errc   code;
        const char *gate;
    } bad[] = {
        {E_BAD_REQUEST, "{}"                                        },
        {E_BAD_REQUEST, "{'open_tickets':false}"                    },
        {E_BAD_REQUEST, "{'completed':'first','open_tickets':true}" },
        {E_BAD_REQUEST, "{'command':['/bin/a'],'completed':'first'}"},
        {E_BAD_REQUEST, "{'command':[]}"                            },
        {E_BAD_REQUEST, "{'command':['']}"                          },
        {E_BAD_REQUEST, "{'command':['/bin/a',1]}"                  },
        {E_BAD_REQUEST, "{'open_tickets':true}"                     }, /* whose? */
        {E_NOT_FOUND,   "{'completed':'nobody'}"                    },
        {E_NOT_FOUND,   "{'completed':'acme/first'}"                },
    };
    struct rig *r = *state;

    declare(r);
    add(r, "first", "'every_ms':60000");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        rig_refused(r, bad[i].code, "gate", "schedule.add",
                    "'name':'s','every_ms':60000,'handler':'run','gate':%s", bad[i].gate);
    }
    rig_refused(r, E_BAD_REQUEST, "gate", "schedule.add",
                "'name':'s','every_ms':60000,'handler':'noop'," COMMAND);
    rig_refused(r, E_BAD_REQUEST, "colour", "schedule.add",
                "'name':'s','every_ms':60000,'handler':'run','gate':{'colour':1}");
    rig_refused(r, E_BAD_REQUEST, "gate", "schedule.add",
                "'name':'s','every_ms':60000,'handler':'run','agent':'anna',"
                "'ticket':{'title':'t'}," COMMAND);
}

static void
a_schedule_that_waits_for_itself_is_refused(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_refused(r, E_BAD_REQUEST, "gate", "schedule.add",
                "'name':'a','every_ms':60000,'handler':'run'," COMPLETED("a"));
    assert_non_null(strstr(r->error.msg, "a cycle: a → a"));
}

static void
a_cycle_of_gates_is_named_and_what_is_awaited_stays(void **state)
{
    struct rig *r = *state;

    declare(r);
    add_gated(r, "a", "'title':'t'");
    add_gated(r, "b", COMPLETED("a"));
    add_gated(r, "c", COMPLETED("b"));
    rig_refused(r, E_BAD_REQUEST, "gate", "schedule.set", "'name':'a'," COMPLETED("c"));
    assert_non_null(strstr(r->error.msg, "a cycle: a → c → b → a"));
    rig_refused(r, E_IN_USE, "", "schedule.remove", "'name':'a'");
    rig_must(r, "schedule.remove", "'name':'c'");
    rig_must(r, "schedule.remove", "'name':'b'");
    rig_must(r, "schedule.remove", "'name':'a'");
}

/* ---- tests that cost nothing ---- */

static void
a_schedule_runs_when_the_awaited_one_has_completed_since(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_must(r, "schedule.add", "'name':'first','every_ms':180000,'handler':'run'");
    add_gated(r, "then", COMPLETED("first"));
    rig_advance(r, MINUTE_MS);
    assert_string_equal(newest(r, "then", "outcome"), "suppressed");
    assert_string_equal(newest(r, "then", "reason"),
                        "gate: schedule first has not completed since the last firing");
    assert_int_equal(schedule_i64(r, "then", "gated_count"), 1);
    assert_int_equal(rig_i64(r, "suppressed_count"), 1);
    assert_int_equal(rig_i64(r, "firing_count"), 0);
    assert_int_equal(rig_feed_count(r, "schedule.suppressed"), 1);
    rig_must_read(r, "schedule.why", "'name':'then'");
    assert_string_equal(rig_text(r, "blockers.0.predicate"), "gate");
    rig_advance(r, MINUTE_MS);
    rig_advance(r, MINUTE_MS); /* the first fires; it has not completed yet */
    assert_int_equal(schedule_i64(r, "then", "gated_count"), 3);
    complete_last(r, "first");
    rig_advance(r, MINUTE_MS);
    assert_int_equal(schedule_i64(r, "then", "firing_count"), 1);
    complete_last(r, "then");
    rig_advance(r, MINUTE_MS); /* it has not completed again */
    assert_int_equal(schedule_i64(r, "then", "firing_count"), 1);
}

static void
what_completes_after_the_clock_went_back_has_completed_since(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_must(r, "schedule.add", "'name':'first','every_ms':60000,'handler':'run'");
    add_gated(r, "then", COMPLETED("first"));
    rig_advance(r, MINUTE_MS);
    complete_last(r, "first");
    rig_advance(r, MINUTE_MS);
    assert_int_equal(schedule_i64(r, "then", "firing_count"), 1);
    complete_last(r, "then");
    r->header.now.wall_ms -= 90 * SECOND_MS;
    rig_settle(r);
    complete_last(r, "first");
    rig_advance(r, 150 * SECOND_MS); /* to the first time that has no row yet */
    assert_int_equal(schedule_i64(r, "then", "firing_count"), 2);
    complete_last(r, "then");
    complete_last(r, "first"); /* in the millisecond of the firing */
    rig_advance(r, MINUTE_MS);
    assert_int_equal(schedule_i64(r, "then", "firing_count"), 3);
}

static void
a_failed_firing_of_the_awaited_one_does_not_count(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_must(r, "schedule.add", "'name':'first','every_ms':180000,'handler':'run'");
    add_gated(r, "then", COMPLETED("first"));
    rig_advance(r, 3 * MINUTE_MS);
    rig_fail(r, (uint64_t)schedule_i64(r, "first", "last_job"), "handler_error");
    rig_advance(r, MINUTE_MS);
    assert_int_equal(schedule_i64(r, "then", "firing_count"), 0);
}

static void
an_agent_without_open_tickets_has_nothing_to_do(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_must(r, "schedule.add",
             "'name':'s','every_ms':60000,'agent':'anna','gate':{'open_tickets':true}");
    rig_advance(r, MINUTE_MS);
    assert_string_equal(newest(r, "s", "reason"), "gate: its agent has no open tickets");
    rig_must(r, "ticket.add", "'title':'t'");
    rig_must(r, "ticket.assign", "'id':1,'agent':'anna'");
    rig_complete(r, 1); /* the wake-up that comes with it */
    rig_advance(r, MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
    complete_last(r, "s");
    rig_must(r, "ticket.set", "'id':1,'status':'done'");
    rig_advance(r, MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 1);
    rig_must(r, "ticket.set", "'id':1,'status':'disputed'");
    rig_advance(r, MINUTE_MS);
    assert_int_equal(schedule_i64(r, "s", "firing_count"), 2);
}

static void
what_a_person_fires_passes_the_gate(void **state)
{
    struct rig *r = *state;

    declare(r);
    add(r, "first", "'cron':'0 0 1 1 *'");
    add_gated(r, "then", COMPLETED("first"));
    add_gated(r, "asks", COMMAND);
    rig_must(r, "schedule.run", "'name':'then'");
    assert_int_equal(schedule_i64(r, "then", "firing_count"), 1);
    rig_must(r, "schedule.run", "'name':'asks'");
    assert_int_equal(gate_of(r, (uint64_t)schedule_i64(r, "asks", "last_job")).size, 0);
}

/* ---- commands ---- */

static void
a_command_goes_to_the_worker_with_the_job(void **state)
{
    struct rig *r = *state;

    declare(r);
    add_gated(r, "s", COMMAND);
    add_gated(r, "plain", "'title':'t'");
    rig_advance(r, MINUTE_MS);
    assert_true(view_eq(gate_of(r, (uint64_t)schedule_i64(r, "s", "last_job")),
                        rig_pack(r, "['/bin/look','-q']")));
    assert_int_equal(gate_of(r, (uint64_t)schedule_i64(r, "plain", "last_job")).size, 0);
}

static void
a_command_that_says_no_completes_the_job_and_nothing_follows(void **state)
{
    struct rig *r = *state;
    uint64_t    id;

    declare(r);
    add_gated(r, "s", COMMAND);
    add_gated(r, "then", COMPLETED("s"));
    rig_advance(r, MINUTE_MS);
    id = (uint64_t)schedule_i64(r, "s", "last_job");
    rig_ended(r, id,
              NOTHING ",'output':1,'checkpoint':{'n':1},"
                      "'effects':[{'kind':'notify','message':'x'}]");
    rig_turn(r);
    expect_state(r, id, "completed");
    assert_true(rig_is_nil(r, "output"));
    assert_string_equal(newest(r, "s", "outcome"), "suppressed");
    assert_string_equal(newest(r, "s", "reason"), "gate: no mail");
    assert_int_equal(schedule_i64(r, "s", "gated_count"), 1);
    assert_int_equal(rig_i64(r, "suppressed_count"), 1);
    rig_must_read(r, "session.show", "'key':'schedule/s'");
    assert_true(rig_is_nil(r, "checkpoint"));
    rig_must_read(r, "effect.list", " ");
    assert_int_equal(rig_len(r, "items"), 0);
    rig_must_read(r, "schedule.why", "'name':'s'");
    assert_non_null(strstr(rig_json(r), "at its last time it did not run: gate: no mail"));
    rig_advance(r, MINUTE_MS); /* it is no completion for those who wait */
    assert_int_equal(schedule_i64(r, "then", "firing_count"), 0);
}

static void
a_no_leaves_the_streak_as_it_was(void **state)
{
    struct rig *r = *state;

    declare(r);
    add_gated(r, "s", COMMAND);
    rig_advance(r, MINUTE_MS);
    rig_fail(r, (uint64_t)schedule_i64(r, "s", "last_job"), "handler_error");
    rig_advance(r, MINUTE_MS);
    rig_ended(r, (uint64_t)schedule_i64(r, "s", "last_job"), NOTHING);
    rig_turn(r);
    assert_int_equal(schedule_i64(r, "s", "failure_streak"), 1);
}

static void
what_had_nothing_to_do_is_not_overdue_and_in_no_average(void **state)
{
    struct rig *r = *state;

    declare(r);
    add(r, "first", "'cron':'0 0 1 1 *'");
    add_gated(r, "asks", COMMAND ",'overdue_ms':120000");
    add_gated(r, "waits", COMPLETED("first") ",'overdue_ms':120000");
    rig_advance(r, MINUTE_MS);
    rig_ended(r, (uint64_t)schedule_i64(r, "asks", "last_job"), NOTHING ",'turns':3");
    rig_turn(r);
    rig_must(r, "schedule.pause", "'name':'asks'");
    rig_must(r, "schedule.pause", "'name':'waits'");
    rig_must_read(r, "schedule.show", "'name':'asks'");
    assert_true(rig_is_nil(r, "overdue_at") && rig_is_nil(r, "avg_turns"));
    rig_must_read(r, "schedule.show", "'name':'waits'");
    assert_true(rig_is_nil(r, "overdue_at"));
    rig_advance(r, 10 * MINUTE_MS);
    assert_int_equal(rig_feed_count(r, "schedule.overdue"), 0);
}

static void
a_stop_wins_over_a_no(void **state)
{
    struct rig *r = *state;
    uint64_t    id;

    declare(r);
    add_gated(r, "s", COMMAND);
    rig_advance(r, MINUTE_MS);
    id = (uint64_t)schedule_i64(r, "s", "last_job");
    rig_must(r, "job.cancel", "'id':%d", (int)id);
    rig_ended(r, id, NOTHING);
    rig_turn(r);
    expect_state(r, id, "cancelled");
    assert_int_equal(schedule_i64(r, "s", "gated_count"), 0);
}

static void
a_schedule_with_a_handler_that_is_no_longer_exec_says_so(void **state)
{
    struct rig *r = *state;

    declare(r);
    add_gated(r, "s", COMMAND);
    rig_configure(r, &(struct rig_declared){.handlers = "{'name':'run','kind':'noop'}"});
    rig_advance(r, MINUTE_MS);
    assert_string_equal(newest(r, "s", "outcome"), "missed");
    assert_non_null(strstr(newest(r, "s", "reason"), "needs a handler of kind exec"));
}

/* One that was made before its schedule had a gate. */
static void
a_job_whose_handler_is_no_program_is_asked_nothing(void **state)
{
    struct rig *r = *state;

    rig_configure(r, &(struct rig_declared){
                         .handlers = "{'name':'run','kind':'exec','command':['/bin/run']}"});
    add(r, "s", "'every_ms':60000");
    rig_advance(r, MINUTE_MS);
    rig_must(r, "schedule.set", "'name':'s','handler':'run'," COMMAND);
    rig_workers(r, 1, 8);
    assert_int_equal(gate_of(r, (uint64_t)schedule_i64(r, "s", "last_job")).size, 0);
}

static void
what_a_gate_waits_for_does_not_go_from_the_file(void **state)
{
    const struct rig_declared first = {.schedules =
                                           "{'name':'first','every_ms':60000,'handler':'noop'}"};
    struct rig               *r = *state;

    rig_configure(r, &first);
    add(r, "then", "'every_ms':60000," COMPLETED("first"));
    assert_int_equal(rig_try_configure(r, &(struct rig_declared){0}, false), E_IN_USE);
    rig_must(r, "schedule.remove", "'name':'then'");
    rig_configure(r, &(struct rig_declared){0});
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(a_gate_is_one_test_of_things_that_are_there),
        TEST(a_schedule_that_waits_for_itself_is_refused),
        TEST(a_cycle_of_gates_is_named_and_what_is_awaited_stays),
        TEST(an_agent_is_not_removed_while_a_gate_of_another_waits_for_its_schedule),
        TEST(a_schedule_runs_when_the_awaited_one_has_completed_since),
        TEST(what_completes_after_the_clock_went_back_has_completed_since),
        TEST(a_failed_firing_of_the_awaited_one_does_not_count),
        TEST(an_agent_without_open_tickets_has_nothing_to_do),
        TEST(what_a_person_fires_passes_the_gate),
        TEST(a_command_goes_to_the_worker_with_the_job),
        TEST(a_command_that_says_no_completes_the_job_and_nothing_follows),
        TEST(a_no_leaves_the_streak_as_it_was),
        TEST(what_had_nothing_to_do_is_not_overdue_and_in_no_average),
        TEST(a_stop_wins_over_a_no),
        TEST(a_schedule_with_a_handler_that_is_no_longer_exec_says_so),
        TEST(a_job_whose_handler_is_no_program_is_asked_nothing),
        TEST(what_a_gate_waits_for_does_not_go_from_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
