/* Why a job does not run: every blocker, who holds it, until when, and what would change it (A10).
 */
#include "tests/unit/engine_rig.h"

#define LANE_WORLD                                              \
    .companies = "{'name':'acme'},{'name':'beta'}",             \
    .agents = "{'name':'anna','company':'acme','handler':'h'}," \
              "{'name':'bert','company':'acme','handler':'h'}", \
    .handlers = "{'name':'h','kind':'exec','command':['x']}"

/* ---- why ---- */

static size_t
blocker(struct rig *r, const char *predicate)
{
    size_t n = rig_len(r, "blockers");

    for (size_t i = 0; i < n; i++) {
        const char *path = rig_path(r, "blockers", i, "predicate");

        if (strcmp(rig_text(r, path), predicate) == 0) return i;
    }
    fail_msg("no blocker %s in %s", predicate, rig_json(r));
    return 0;
}

static const char *
blocker_text(struct rig *r, size_t i, const char *field)
{
    const char *path = rig_path(r, "blockers", i, field);

    return rig_text(r, path);
}

static int64_t
blocker_until(struct rig *r, size_t i)
{
    const char *path = rig_path(r, "blockers", i, "until_at");

    return rig_is_nil(r, path) ? 0 : rig_i64(r, path);
}

static void
ask_why(struct rig *r, uint64_t id, size_t blockers)
{
    rig_must_read(r, "job.why", "'id':%d", (int)id);
    assert_int_equal(rig_i64(r, "id"), (int64_t)id);
    if (rig_len(r, "blockers") != blockers) fail_msg("blockers: %s", rig_json(r));
    assert_true(strlen(rig_text(r, "text")) > 0);
}

static void
why_names_every_blocker_its_holder_and_the_change(void **state)
{
    struct rig *r = *state;
    char        holder[32];
    size_t      i;

    r->limits.max_concurrent = 1;
    r->limits.schedule_max_concurrent = 1;
    r->limits.company_max_concurrent = 1;
    rig_configure(r, &(struct rig_declared){
                         .companies = "{'name':'acme'}",
                         .agents = "{'name':'anna','company':'acme','handler':'h'}",
                         .handlers = "{'name':'h','kind':'exec','command':['x'],"
                                     "'max_concurrent':1}",
                     });
    rig_workers(r, 1, 1);
    uint64_t running = rig_submit(r, "'agent':'acme/anna','trigger':'schedule'");
    rig_advance(r, 1000);
    uint64_t held = rig_submit(r, "'agent':'acme/anna','trigger':'schedule'");
    int64_t  lease_end = RIG_WALL_MS + r->limits.max_run_ms;
    (void)snprintf(holder, sizeof(holder), "job %d", (int)running); /* fits */

    ask_why(r, held, 6); /* no_slot and five caps: everything that holds it, not only the first */
    assert_string_equal(rig_text(r, "state"), "parked");
    assert_int_equal(rig_i64(r, "earliest_at"), lease_end);
    static const struct {
        const char *predicate, *change;
    } caps[] = {
        {"global_cap",   "raise limits.max_concurrent from 1 to 2"         },
        {"schedule_cap", "raise limits.schedule_max_concurrent from 1 to 2"},
        {"company_cap",  "raise company acme's cap from 1 to 2"            },
        {"agent_cap",    "raise agent acme/anna's cap from 1 to 2"         },
        {"handler_cap",  "raise handler h's cap from 1 to 2"               },
    };
    for (size_t c = 0; c < ARRAY_LEN(caps); c++) {
        i = blocker(r, caps[c].predicate);
        assert_string_equal(blocker_text(r, i, "change"), caps[c].change);
        assert_string_equal(blocker_text(r, i, "holder"), holder);
        assert_int_equal(blocker_until(r, i), lease_end);
        assert_non_null(strstr(blocker_text(r, i, "message"), "1 of 1"));
    }
    i = blocker(r, "no_slot");
    assert_string_equal(blocker_text(r, i, "holder"), holder);
    assert_int_equal(blocker_until(r, i), lease_end);
}

static void
the_change_that_why_names_starts_the_job(void **state)
{
    struct rig *r = *state;

    r->limits.company_max_concurrent = 1;
    rig_configure(r, &(struct rig_declared){LANE_WORLD});
    rig_workers(r, 1, 8);
    (void)rig_submit(r, "'agent':'acme/anna'");
    uint64_t held = rig_submit(r, "'agent':'acme/anna'");
    ask_why(r, held, 2);
    rig_configure(r, &(struct rig_declared){
                         .companies = "{'name':'acme','max_concurrent':2},{'name':'beta'}",
                         .agents = "{'name':'anna','company':'acme','handler':'h',"
                                   "'max_concurrent':2}",
                         .handlers = "{'name':'h','kind':'exec','command':['x']}",
                     });
    expect_state(r, held, "running");
    ask_why(r, held, 0);
    assert_true(rig_is_nil(r, "earliest_at"));
}

static void
why_lists_the_holders_of_a_cap(void **state)
{
    struct rig *r = *state;

    r->limits.company_max_concurrent = 3;
    rig_configure(r, &(struct rig_declared){0});
    rig_workers(r, 1, 8);
    (void)rig_submit(r, "'handler':'noop','max_run_ms':50000");
    (void)rig_submit(r, "'handler':'noop','max_run_ms':20000");
    (void)rig_submit(r, "'handler':'noop','max_run_ms':30000");
    uint64_t held = rig_submit(r, "'handler':'noop'");
    ask_why(r, held, 1);
    assert_string_equal(blocker_text(r, 0, "holder"), "jobs 2, 3, 1"); /* by the end of the lease */
    assert_int_equal(blocker_until(r, 0), RIG_WALL_MS + 20000);
}

static void
why_of_what_is_not_due(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    uint64_t later = rig_submit(r, "'handler':'noop','delay_ms':5000");
    ask_why(r, later, 1);
    size_t i = blocker(r, "due_later");
    assert_int_equal(blocker_until(r, i), RIG_WALL_MS + 5000);
    assert_int_equal(rig_i64(r, "earliest_at"), RIG_WALL_MS + 5000);
    assert_string_not_equal(blocker_text(r, i, "change"), RIG_NO_TEXT);
}

static void
why_of_what_runs_and_of_what_has_ended(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    uint64_t id = rig_submit(r, "'handler':'noop','max_attempts':1");
    ask_why(r, id, 0);
    assert_non_null(strstr(rig_text(r, "text"), "running"));
    rig_fail(r, id, "tool_failed");
    ask_why(r, id, 0);
    assert_non_null(strstr(rig_text(r, "text"), "tool_failed"));
    assert_true(rig_is_nil(r, "earliest_at"));
    assert_int_equal(rig_read(r, "job.why", "'id':77"), E_NOT_FOUND);
}

static void
why_without_workers_slots_or_while_draining(void **state)
{
    struct rig *r = *state;

    uint64_t id = rig_submit(r, "'handler':'noop'");
    ask_why(r, id, 1);
    (void)blocker(r, "no_worker");
    rig_workers(r, 1, 1);
    uint64_t next = rig_submit(r, "'handler':'noop'");
    uint64_t after = rig_submit(r, "'handler':'noop'");
    ask_why(r, next, 1);
    assert_int_equal(blocker_until(r, blocker(r, "no_slot")), RIG_WALL_MS + r->limits.max_run_ms);
    ask_why(r, after, 2); /* the pool is full, and next goes first */
    assert_string_equal(blocker_text(r, blocker(r, "order"), "holder"), "job 2");
    rig_push(r, &(struct input){.kind = INPUT_DRAIN});
    rig_turn(r);
    ask_why(r, next, 2);
    assert_int_equal(blocker(r, "draining"), 0);
    assert_true(rig_is_nil(r, "earliest_at")); /* nobody knows */
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(why_names_every_blocker_its_holder_and_the_change),
        TEST(the_change_that_why_names_starts_the_job),
        TEST(why_lists_the_holders_of_a_cap),
        TEST(why_of_what_is_not_due),
        TEST(why_of_what_runs_and_of_what_has_ended),
        TEST(why_without_workers_slots_or_while_draining),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
