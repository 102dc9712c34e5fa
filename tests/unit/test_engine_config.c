/* The configuration: the plan, what is refused, and what a reload leaves alone (N35, J6). */
#include "tests/unit/engine_rig.h"

static const struct rig_declared full = {
    .companies = "{'name':'acme','max_concurrent':3}",
    .agents = "{'name':'anna','company':'acme','handler':'h','capabilities':5,'data':{'about':'A'},"
              "'sinks':['file']}",
    .handlers = "{'name':'h','kind':'exec','command':['prog'],'max_run_ms':1000}",
    .sinks = "{'name':'file','kind':'file','path':'f'}",
    .schedules = "{'name':'s','company':'acme','every_ms':60000,'agent':'anna'}",
};

/* The plan has this step, and `count` in all. */
static void
expect_step(struct rig *r, size_t count, const char *action, const char *kind, const char *name)
{
    size_t n = rig_len(r, "plan");

    if (n != count) fail_msg("the plan: %s", rig_json(r));
    for (size_t i = 0; i < n; i++) {
        if (strcmp(rig_text(r, rig_path(r, "plan", i, "action")), action) == 0 &&
            strcmp(rig_text(r, rig_path(r, "plan", i, "kind")), kind) == 0 &&
            strcmp(rig_text(r, rig_path(r, "plan", i, "name")), name) == 0)
            return;
    }
    fail_msg("no %s of %s %s in %s", action, kind, name, rig_json(r));
}

static void
expect_config_refused(struct rig *r, enum errc code, const struct rig_declared *d)
{
    uint64_t  hash = rig_hash(r);
    enum errc got = rig_try_configure(r, d, false);

    if (got != code) fail_msg("config: %s: %s", errc_wire(got), r->error.msg);
    assert_true(strlen(r->error.msg) > 5);
    assert_true(rig_hash(r) == hash);
}

/* ---- the plan ---- */

static void
what_is_new_is_added(void **state)
{
    struct rig *r = *state;

    rig_configure(r, &full);
    assert_true(rig_bool(r, "applied"));
    expect_step(r, 5, "add", "company", "acme");
    expect_step(r, 5, "add", "agent", "anna");
    expect_step(r, 5, "add", "handler", "h");
    expect_step(r, 5, "add", "sink", "file");
    expect_step(r, 5, "add", "schedule", "s");
    rig_must_read(r, "agent.show", "'name':'acme/anna'");
    assert_string_equal(rig_text(r, "handler"), "h");
    assert_string_equal(rig_text(r, "company"), "acme");
    assert_string_equal(rig_text(r, "origin"), "config");
    assert_int_equal(rig_i64(r, "capabilities"), 5);
    assert_string_equal(rig_text(r, "data.about"), "A");
    assert_string_equal(rig_text(r, "sinks.0"), "file");
    assert_string_equal(rig_text(r, "max_concurrent"), "default");
    assert_int_equal(rig_len(r, "current_jobs"), 0);
    rig_must_read(r, "schedule.show", "'name':'acme/s'");
    assert_int_equal(rig_i64(r, "next_fire_at"), RIG_WALL_MS + MINUTE_MS);
}

static void
the_same_again_is_kept_and_writes_nothing(void **state)
{
    struct rig *r = *state;

    rig_configure(r, &full);
    uint64_t hash = rig_hash(r);
    rig_configure(r, &full);
    assert_int_equal(rig_len(r, "plan"), 0);
    assert_true(rig_hash(r) == hash);
    assert_false(r->was_dirty);
    rig_crash(r); /* and so at the next start */
    rig_turn(r);
    rig_configure(r, &full);
    assert_int_equal(rig_len(r, "plan"), 0);
    rig_must_read(r, "schedule.show", "'name':'acme/s'");
    assert_int_equal(rig_i64(r, "next_fire_at"), RIG_WALL_MS + MINUTE_MS);
}

static void
what_differs_is_changed(void **state)
{
    struct rig         *r = *state;
    struct rig_declared d = full;

    rig_configure(r, &full);
    d.handlers = "{'name':'h','kind':'exec','command':['other'],'max_run_ms':1000}";
    rig_configure(r, &d);
    expect_step(r, 1, "change", "handler", "h");
    rig_must_read(r, "handler.list", " ");
    for (size_t i = 0; i < rig_len(r, "items"); i++)
        if (strcmp(rig_text(r, rig_path(r, "items", i, "name")), "h") == 0)
            assert_string_equal(rig_text(r, rig_path(r, "items", i, "command.0")), "other");
    d.agents = "{'name':'anna','company':'acme','handler':'noop'}";
    d.companies = "{'name':'acme','max_concurrent':4}";
    rig_configure(r, &d);
    expect_step(r, 2, "change", "agent", "anna");
    expect_step(r, 2, "change", "company", "acme");
    rig_must_read(r, "company.list", " ");
    for (size_t i = 0; i < rig_len(r, "items"); i++)
        if (strcmp(rig_text(r, rig_path(r, "items", i, "name")), "acme") == 0)
            assert_int_equal(rig_i64(r, rig_path(r, "items", i, "max_concurrent")), 4);
}

static void
what_is_gone_from_the_file_is_removed(void **state)
{
    struct rig         *r = *state;
    struct rig_declared d = full;

    rig_configure(r, &full);
    d.schedules = NULL;
    rig_configure(r, &d);
    expect_step(r, 1, "remove", "schedule", "s");
    rig_configure(r, &(struct rig_declared){0});
    expect_step(r, 4, "remove", "company", "acme");
    expect_step(r, 4, "remove", "agent", "anna");
    expect_step(r, 4, "remove", "handler", "h");
    expect_step(r, 4, "remove", "sink", "file");
    assert_int_equal(rig_read(r, "agent.show", "'name':'acme/anna'"), E_NOT_FOUND);
    rig_refused(r, E_NOT_FOUND, "handler", "job.submit", "'handler':'h'");
    rig_configure(r, &full); /* made anew: new objects */
    expect_step(r, 5, "add", "schedule", "s");
    rig_must_read(r, "schedule.show", "'name':'acme/s'");
    assert_int_equal(rig_i64(r, "firing_count"), 0);
}

static void
builtins_can_be_changed_and_come_back(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 8);
    rig_configure(r, &(struct rig_declared){
                         .companies = "{'name':'default','max_concurrent':1}",
                         .handlers = "{'name':'noop','kind':'noop','max_turns':7}",
                     });
    expect_step(r, 2, "change", "company", "default");
    expect_step(r, 2, "change", "handler", "noop");
    uint64_t id = rig_submit(r, "'handler':'noop'");
    assert_int_equal(rig_i64(r, "max_turns"), 7);
    uint64_t held = rig_submit(r, "'handler':'noop'");
    expect_state(r, held, "parked");
    rig_configure(r, &(struct rig_declared){0});
    expect_step(r, 2, "change", "company", "default"); /* as they were made */
    expect_step(r, 2, "change", "handler", "noop");
    expect_state(r, held, "running");
    (void)rig_submit(r, "'handler':'noop'");
    assert_true(rig_is_nil(r, "max_turns"));
    rig_complete(r, id);
    rig_configure(r, &(struct rig_declared){0});
    assert_int_equal(rig_len(r, "plan"), 0);
    rig_must_read(r, "handler.list", " ");
    assert_string_equal(rig_text(r, "items.0.origin"), "builtin");
}

/* ---- dry run ---- */

static void
a_dry_run_says_the_plan_and_writes_nothing(void **state)
{
    struct rig *r = *state;

    uint64_t hash = rig_hash(r);
    assert_int_equal(rig_try_configure(r, &full, true), E_OK);
    assert_false(rig_bool(r, "applied"));
    expect_step(r, 5, "add", "company", "acme");
    assert_false(r->was_dirty);
    assert_true(rig_hash(r) == hash);
    r->limits.max_run_ms = 5;
    assert_int_equal(rig_try_configure(r, &full, true), E_OK);
    (void)rig_submit(r, "'handler':'noop'");
    assert_int_equal(rig_i64(r, "max_run_ms"), 20 * MINUTE_MS); /* nor are the limits taken */
    rig_configure(r, &full);
    hash = rig_hash(r);
    assert_int_equal(rig_try_configure(r, &(struct rig_declared){0}, true), E_OK);
    expect_step(r, 5, "remove", "agent", "anna");
    assert_true(rig_hash(r) == hash);
}

/* ---- what is refused, whole ---- */

static void
what_the_api_made_the_file_does_not_take(void **state)
{
    struct rig *r = *state;

    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop'");
    expect_config_refused(
        r, E_CONFLICT,
        &(struct rig_declared){.companies = "{'name':'acme'}",
                               .schedules = "{'name':'s','every_ms':60000,'handler':'noop'}"});
    rig_configure(r, &(struct rig_declared){
                         .companies = "{'name':'acme'}",
                         .schedules = "{'name':'s','company':'acme','every_ms':60000,"
                                      "'handler':'noop'}"}); /* another company's name is free */
    rig_must(r, "schedule.remove", "'name':'s'");
    rig_configure(
        r, &(struct rig_declared){.schedules = "{'name':'s','every_ms':60000,'handler':'noop'}"});
}

static void
what_the_file_has_the_api_does_not_take(void **state)
{
    struct rig *r = *state;

    rig_configure(r, &full);
    rig_refused(r, E_CONFLICT, "", "schedule.add",
                "'name':'s','company':'acme','every_ms':60000,'handler':'noop'");
    rig_refused(r, E_DECLARED_IN_CONFIG, "", "schedule.remove", "'name':'acme/s'");
}

static void
a_reload_leaves_what_the_api_made_alone(void **state)
{
    struct rig *r = *state;

    rig_must(r, "schedule.add", "'name':'mine','every_ms':60000,'handler':'noop'");
    rig_configure(r, &full);
    rig_configure(r, &(struct rig_declared){0});
    rig_must_read(r, "schedule.show", "'name':'mine'");
    assert_string_equal(rig_text(r, "origin"), "api");
}

static void
what_unfinished_work_needs_is_in_use(void **state)
{
    struct rig         *r = *state;
    struct rig_declared d = full;

    d.schedules = NULL;
    rig_configure(r, &d);
    uint64_t id = rig_submit(r, "'agent':'acme/anna','delay_ms':1000");
    d.agents = NULL;
    expect_config_refused(r, E_IN_USE, &d);
    d.agents = full.agents;
    d.handlers = NULL;
    d.agents = "{'name':'anna','company':'acme','handler':'noop'}";
    expect_config_refused(r, E_IN_USE, &d); /* the job keeps its handler */
    expect_config_refused(r, E_IN_USE, &(struct rig_declared){0});
    rig_must(r, "job.cancel", "'id':%d", (int)id);
    rig_configure(r, &(struct rig_declared){0});
    rig_must_read(r, "job.show", "'id':%d", (int)id); /* and is shown without it */
    assert_true(rig_is_nil(r, "handler"));
}

static void
a_running_firing_keeps_its_schedule(void **state)
{
    struct rig         *r = *state;
    struct rig_declared d = full;

    rig_workers(r, 1, 1);
    rig_configure(r, &full);
    rig_advance(r, MINUTE_MS);
    d.schedules = NULL;
    expect_config_refused(r, E_IN_USE, &d);
    rig_complete(r, 1);
    rig_configure(r, &d);
    expect_step(r, 1, "remove", "schedule", "s");
}

static void
a_bad_declaration_refuses_all(void **state)
{
    static const struct {
        struct rig_declared d;
        enum errc           code;
    } bad[] = {
        {{.companies = "{'name':'Upper'}"},                                                          E_BAD_REQUEST},
        {{.companies = "{'max_concurrent':1}"},                                                      E_BAD_REQUEST},
        {{.companies = "{'name':'a','colour':'red'}"},                                               E_BAD_REQUEST},
        {{.companies = "{'name':'good'}", .handlers = "{'name':'h'}"},                               E_BAD_REQUEST},
        {{.companies = "{'name':'good'}", .agents = "{'name':'a','company':'gamma'}"},               E_NOT_FOUND  },
        {{.companies = "{'name':'good'}",
          .schedules = "{'name':'s','company':'gamma','every_ms':60000,'handler':'noop'}"},
         E_NOT_FOUND                                                                                              },
        {{.companies = "5"},                                                                         E_BAD_REQUEST},
    };
    struct rig *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        expect_config_refused(r, bad[i].code, &bad[i].d);
    rig_must_read(r, "company.list", " ");
    assert_int_equal(rig_len(r, "items"), 1);
}

/* ---- limits ---- */

static void
limits_hold_at_once_and_after_a_restart(void **state)
{
    struct rig *r = *state;

    r->limits.max_attempts = 7;
    r->limits.max_turns = 11;
    r->limits.heartbeat_timeout_ms = 5000;
    rig_configure(r, &(struct rig_declared){0});
    (void)rig_submit(r, "'handler':'noop'");
    assert_int_equal(rig_i64(r, "max_attempts"), 7);
    rig_crash(r);
    rig_turn(r); /* before the first config input */
    (void)rig_submit(r, "'handler':'noop'");
    assert_int_equal(rig_i64(r, "max_attempts"), 7);
    assert_int_equal(rig_i64(r, "max_turns"), 11);
    rig_workers(r, 1, 1);
    assert_int_equal(r->deadline.boot_ms, RIG_BOOT_MS + 5000);
}

static void
a_shorter_lease_is_for_new_attempts_only(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 2);
    uint64_t id = rig_submit(r, "'handler':'noop'");
    r->limits.max_run_ms = 1000;
    rig_configure(r, &(struct rig_declared){0});
    rig_advance(r, 2000);
    assert_false(rig_lease(r, id)->is_stopped);
}

/* ---- shown ---- */

static void
objects_are_listed_with_their_fields(void **state)
{
    static const struct {
        const char *op, *fields[12];
    } lists[] = {
        {"company.list",
         {"name", "origin", "max_concurrent", "priority_max", "scheduled", "ready", "running",
          "completed", "failed", "cancelled", "expired"}               },
        {"agent.list",
         {"name", "company", "handler", "origin", "capabilities", "sinks", "max_concurrent", "data",
          "current_jobs"}                                              },
        {"handler.list",
         {"name", "company", "origin", "kind", "command", "max_concurrent", "max_run_ms",
          "max_turns", "max_attempts"}                                 },
        {"schedule.list", {"name", "company", "status", "next_fire_at"}},
    };
    struct rig *r = *state;

    rig_configure(r, &full);
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        rig_must_read(r, lists[i].op, " ");
        assert_true(rig_len(r, "items") > 0);
        assert_true(rig_is_nil(r, "next"));
        for (const char *const *f = lists[i].fields; *f; f++)
            if (!rig_has(r, rig_path(r, "items", 0, *f)))
                fail_msg("%s: no %s in %s", lists[i].op, *f, rig_json(r));
    }
}

static void
an_agents_jobs_are_shown(void **state)
{
    struct rig *r = *state;

    rig_configure(r, &full);
    rig_workers(r, 1, 1);
    uint64_t id = rig_submit(r, "'agent':'acme/anna'");
    rig_must_read(r, "agent.show", "'name':'acme/anna'");
    assert_int_equal(rig_len(r, "current_jobs"), 1);
    assert_int_equal(rig_i64(r, "current_jobs.0"), (int64_t)id);
    rig_must_read(r, "company.list", " ");
    assert_int_equal(rig_i64(r, "items.1.running"), 1);
}

static void
workers_are_shown(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 2, 3);
    rig_worker_started(r, 2, 1);
    rig_retire(r, 1);
    rig_turn(r);
    uint64_t id = rig_submit(r, "'handler':'noop'");
    r->is_silent = true;
    rig_wait(r, 1500);
    rig_must_read(r, "worker.list", " ");
    assert_int_equal(rig_len(r, "items"), 3);
    assert_string_equal(rig_text(r, "items.0.state"), "up");
    assert_string_equal(rig_text(r, "items.1.state"), "retiring");
    assert_string_equal(rig_text(r, "items.2.state"), "starting");
    assert_int_equal(rig_i64(r, "items.0.pid"), 100);
    assert_int_equal(rig_i64(r, "items.0.slots"), 3);
    assert_int_equal(rig_i64(r, "items.0.running"), 1);
    assert_int_equal(rig_i64(r, "items.0.jobs.0"), (int64_t)id);
    assert_int_equal(rig_i64(r, "items.0.silent_ms"), 1500);
    assert_int_equal(rig_i64(r, "items.0.generation"), 1);
    assert_int_equal(rig_i64(r, "items.0.deliveries"), 0);
    assert_int_equal(rig_i64(r, "items.0.lag_us"), 0);
}

static void
status_counts_and_names_what_is_next(void **state)
{
    struct rig *r = *state;

    rig_configure(r, &full);
    rig_workers(r, 1, 2);
    (void)rig_submit(r, "'handler':'noop','company':'acme'");
    (void)rig_submit(r, "'handler':'noop','delay_ms':5000");
    rig_status(r);
    assert_int_equal(rig_i64(r, "queue.running"), 1);
    assert_int_equal(rig_i64(r, "queue.scheduled"), 1);
    assert_int_equal(rig_i64(r, "queue.ready"), 0);
    assert_string_equal(rig_text(r, "next.0.schedule"), "acme/s");
    assert_int_equal(rig_i64(r, "next.0.next_fire_at"), RIG_WALL_MS + MINUTE_MS);
    assert_false(rig_bool(r, "draining"));
    for (size_t i = 0; i < rig_len(r, "caps"); i++) {
        if (strcmp(rig_text(r, rig_path(r, "caps", i, "cap")), "company_cap") != 0) continue;
        assert_string_equal(rig_text(r, rig_path(r, "caps", i, "on")), "acme");
        assert_int_equal(rig_i64(r, rig_path(r, "caps", i, "limit")), 3);
        assert_int_equal(rig_i64(r, rig_path(r, "caps", i, "used")), 1);
        return;
    }
    fail_msg("no company cap in %s", rig_json(r));
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(what_is_new_is_added),
        TEST(the_same_again_is_kept_and_writes_nothing),
        TEST(what_differs_is_changed),
        TEST(what_is_gone_from_the_file_is_removed),
        TEST(builtins_can_be_changed_and_come_back),
        TEST(a_dry_run_says_the_plan_and_writes_nothing),
        TEST(what_the_api_made_the_file_does_not_take),
        TEST(what_the_file_has_the_api_does_not_take),
        TEST(a_reload_leaves_what_the_api_made_alone),
        TEST(what_unfinished_work_needs_is_in_use),
        TEST(a_running_firing_keeps_its_schedule),
        TEST(a_bad_declaration_refuses_all),
        TEST(limits_hold_at_once_and_after_a_restart),
        TEST(a_shorter_lease_is_for_new_attempts_only),
        TEST(objects_are_listed_with_their_fields),
        TEST(an_agents_jobs_are_shown),
        TEST(workers_are_shown),
        TEST(status_counts_and_names_what_is_next),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
