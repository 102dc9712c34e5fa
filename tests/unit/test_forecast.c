/* The forecast's driver: the engine on a virtual clock over a copy of a store whose waits are known
 * by hand (C12). */
#include "supervisor/forecast/forecast.h"
#include "tests/unit/engine_rig.h"
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_begin, rig_end)

/* What a schedule's firings were measured to take. */
static void
measure(struct rig *r, const char *name, int64_t run_ms, uint64_t turns, uint64_t tokens)
{
    struct err      e = {0};
    struct txn     *t = txn_begin_write(r->store, &e);
    bool            outcome_unknown;
    struct schedule run = {.id = object_find(t, KIND_SCHEDULE, 1, view_str(name))};

    assert_int_equal(schedule_load(t, &run), LOAD_FOUND);
    run.measured = 3;
    run.avg_run_us = (uint64_t)run_ms * 1000;
    run.avg_turns_milli = turns * 1000;
    run.avg_tokens_milli = tokens * 1000;
    schedule_save(t, &run);
    assert_int_equal(txn_commit(&t, &outcome_unknown, &e), E_OK);
}

static struct forecast_order
order_of(struct rig *r, uint64_t hours, const char *with)
{
    return (struct forecast_order){
        .now_ms = r->header.now.wall_ms,
        .hours = hours,
        .firings_max = FORECAST_FIRINGS_MAX,
        .fleet = {.workers = 1, .slots = 4},
        .with = view_str(with)
    };
}

/* Into r->reply, or r->error. */
static enum errc
try(struct rig *r, const struct forecast_order *o)
{
    struct buf out   BUF_AUTO = {0};
    struct forecast *f = NULL;
    struct txn      *t = rig_begin_read(r);
    enum errc        rc = forecast_begin(&f, o, t, &r->error);

    txn_abort(&t);
    if (rc == E_OK) rc = forecast_pass(f, &out, &r->error);
    forecast_end(&f);
    r->reply = arena_copy(&r->results, buf_view(&out));
    return rc;
}

static void
forecast(struct rig *r, uint64_t hours, const char *with)
{
    const struct forecast_order o = order_of(r, hours, with);
    uint64_t                    before = rig_hash(r);

    if (try(r, &o)) fail_msg("%s", r->error.msg);
    assert_true(rig_hash(r) == before);
}

static void
expect_waits(struct rig *r, const char *of, int64_t p50, int64_t p95, int64_t max)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "%s.wait.p50_ms", of);
    assert_int_equal(rig_i64(r, path), p50);
    (void)snprintf(path, sizeof(path), "%s.wait.p95_ms", of);
    assert_int_equal(rig_i64(r, path), p95);
    (void)snprintf(path, sizeof(path), "%s.wait.max_ms", of);
    assert_int_equal(rig_i64(r, path), max);
}

/* Two firings of a minute each at the same six minutes of an hour, one at a time. */
static void
configure_pair(struct rig *r, const char *more)
{
    char schedules[512];

    r->limits.schedule_max_concurrent = 1;
    (void)snprintf(schedules, sizeof(schedules),
                   "{'name':'one','cron':'*/10 * * * *','handler':'noop'},"
                   "{'name':'two','cron':'*/10 * * * *','handler':'noop'}%s",
                   more);
    rig_configure(r, &(struct rig_declared){.schedules = schedules});
    measure(r, "one", MINUTE_MS, 7, 100);
    measure(r, "two", MINUTE_MS, 7, 100);
}

static void
of_two_at_the_same_time_under_a_cap_of_one_the_second_waits_for_the_first(void **state)
{
    struct rig *r = *state;

    configure_pair(r, "");
    forecast(r, 1, "");
    assert_int_equal(rig_i64(r, "forecast.firings"), 10);
    assert_int_equal(rig_i64(r, "forecast.started"), 10);
    expect_waits(r, "forecast", 0, MINUTE_MS, MINUTE_MS);
    expect_waits(r, "forecast.schedules.0", MINUTE_MS, MINUTE_MS, MINUTE_MS);
    expect_waits(r, "forecast.schedules.1", 0, 0, 0);
    assert_string_equal(rig_text(r, "forecast.schedules.0.basis"), "measured");
    assert_string_equal(rig_text(r, "forecast.limits.0.by"), "schedule_cap");
    assert_int_equal(rig_i64(r, "forecast.limits.0.held_ms"), 5 * MINUTE_MS);
    assert_int_equal(rig_len(r, "forecast.hours"), 1);
    assert_int_equal(rig_i64(r, "forecast.hours.0.starts"), 10);
    /* Ten minutes of the four hours that four slots have. */
    assert_int_equal(rig_i64(r, "forecast.hours.0.busy_milli"), 1000 * 10 / 240);
    assert_int_equal(rig_i64(r, "forecast.hours.0.held.0.ms"), 5 * MINUTE_MS);
    assert_int_equal(rig_i64(r, "forecast.hours.0.full_ms"), 0);
    assert_false(rig_bool(r, "forecast.cut"));
    assert_true(rig_is_nil(r, "with"));
}

static void
the_same_store_and_instant_give_the_same_answer(void **state)
{
    struct rig *r = *state;
    struct view first;

    configure_pair(r, ",{'name':'three','every_ms':7000,'jitter_ms':3000,'handler':'echo'}");
    forecast(r, 5, "");
    first = arena_copy(&r->kept, r->reply);
    forecast(r, 5, "");
    assert_true(view_eq(r->reply, first));
}

static void
a_firing_longer_than_its_interval_suppresses_the_next(void **state)
{
    struct rig *r = *state;

    rig_configure(r, &(struct rig_declared){
                         .schedules = "{'name':'slow','every_ms':600000,'handler':'noop'}"});
    measure(r, "slow", 15 * MINUTE_MS, 1, 1);
    forecast(r, 2, "");
    /* 08:10 to 08:25, so 08:20 is suppressed; from 08:30 on the same again. */
    assert_int_equal(rig_i64(r, "forecast.firings"), 6);
    assert_int_equal(rig_i64(r, "forecast.suppressed"), 5);
    assert_int_equal(rig_i64(r, "forecast.schedules.0.suppressed"), 5);
    expect_waits(r, "forecast", 0, 0, 0);
}

static void
a_day_s_budget_runs_out_at_the_end_of_the_firing_that_uses_it_up(void **state)
{
    struct rig *r = *state;

    rig_configure(
        r, &(struct rig_declared){.schedules = "{'name':'dear','cron':'0 * * * *','handler':'noop',"
                                               "'token_budget':100,'daily_tokens':200}"});
    measure(r, "dear", MINUTE_MS, 1, 100);
    forecast(r, 24, "");
    assert_string_equal(rig_text(r, "forecast.budgets.0.scope"), "schedule");
    assert_string_equal(rig_text(r, "forecast.budgets.0.name"), "dear");
    assert_string_equal(rig_text(r, "forecast.budgets.0.dimension"), "tokens");
    assert_int_equal(rig_i64(r, "forecast.budgets.0.limit"), 200);
    /* 09:00 and 10:00 use 100 each; at midnight there are 200 again. */
    assert_int_equal(rig_i64(r, "forecast.budgets.0.spent_at"),
                     RIG_WALL_MS + 2 * HOUR_MS + MINUTE_MS);
    assert_true(rig_is_nil(r, "forecast.budgets.0.held_at"));
    assert_int_equal(rig_i64(r, "forecast.budgets.0.days"), 2);
    assert_int_equal(rig_i64(r, "forecast.firings"), 4);
    assert_int_equal(rig_i64(r, "forecast.missed"), 19);
}

static void
a_firing_that_does_not_fit_in_a_day_s_budget_waits_for_the_next_day(void **state)
{
    struct rig *r = *state;

    rig_configure(
        r, &(struct rig_declared){.schedules = "{'name':'dear','cron':'0 * * * *','handler':'noop',"
                                               "'token_budget':100,'daily_tokens':250}"});
    measure(r, "dear", MINUTE_MS, 1, 100);
    forecast(r, 24, "");
    assert_true(rig_is_nil(r, "forecast.budgets.0.spent_at"));
    assert_int_equal(rig_i64(r, "forecast.budgets.0.held_at"), RIG_WALL_MS + 3 * HOUR_MS);
    assert_int_equal(rig_i64(r, "forecast.budgets.0.days"), 2);
    expect_waits(r, "forecast", 0, 13 * HOUR_MS, 13 * HOUR_MS); /* 11:00 starts at midnight */
}

static void
what_was_never_measured_takes_the_handler_s_average_or_a_minute(void **state)
{
    struct rig *r = *state;

    rig_configure(r, &(struct rig_declared){
                         .companies = "{'name':'acme'}",
                         .schedules = "{'name':'known','every_ms':600000,'handler':'noop'},"
                                      "{'name':'like','every_ms':600000,'handler':'noop'},"
                                      "{'name':'near','every_ms':600000,'handler':'echo'},"
                                      "{'name':'far','company':'acme','every_ms':600000,"
                                      "'handler':'echo'}"});
    measure(r, "known", 5000, 1, 1);
    forecast(r, 1, "");
    assert_int_equal(rig_i64(r, "forecast.basis.measured"), 1);
    assert_int_equal(rig_i64(r, "forecast.basis.handler"), 1);
    assert_int_equal(rig_i64(r, "forecast.basis.company"), 1);
    assert_int_equal(rig_i64(r, "forecast.basis.default"), 1);
}

static void
what_firings_of_other_companies_take_is_told_to_none(void **state)
{
    struct rig           *r = *state;
    struct forecast_order o = order_of(r, 1, "");

    rig_configure(r, &(struct rig_declared){
                         .companies = "{'name':'acme'}",
                         .schedules = "{'name':'known','every_ms':600000,'handler':'noop'},"
                                      "{'name':'far','company':'acme','every_ms':600000,"
                                      "'handler':'noop'}"});
    measure(r, "known", 5000, 7, 11);
    o.company = view_str("acme");
    assert_int_equal(try(r, &o), E_OK);
    assert_string_equal(rig_text(r, "forecast.schedules.0.basis"), "default");
    assert_int_equal(rig_i64(r, "forecast.schedules.0.run_ms"), MINUTE_MS);
    assert_int_equal(rig_i64(r, "forecast.schedules.0.turns"), 0);
}

static void
a_heartbeat_finds_something_to_do_each_time(void **state)
{
    struct rig *r = *state;

    rig_configure(r, &(struct rig_declared){
                         .schedules = "{'name':'pulse','type':'heartbeat','every_ms':60000,"
                                      "'idle_max_ms':3600000,'handler':'noop'}"});
    measure(r, "pulse", 1000, 0, 0);
    forecast(r, 1, "");
    assert_int_equal(rig_i64(r, "forecast.firings"), 59);
}

static void
what_never_fires_is_named_with_its_reason(void **state)
{
    struct rig *r = *state;

    rig_configure(r, &(struct rig_declared){
                         .schedules = "{'name':'rests','every_ms':600000,'handler':'noop'},"
                                      "{'name':'yearly','cron':'@yearly','handler':'noop'}"});
    rig_must(r, "schedule.pause", "'name':'rests','reason':'holidays'");
    forecast(r, 24, "");
    assert_int_equal(rig_len(r, "forecast.never"), 2);
    assert_string_equal(rig_text(r, "forecast.never.0.schedule"), "rests");
    assert_string_equal(rig_text(r, "forecast.never.0.reason"), "it is paused: holidays");
    assert_string_equal(rig_text(r, "forecast.never.1.reason"),
                        "none of its times lies in these hours");
}

static void
a_running_job_takes_a_slot_for_the_rest_of_its_time(void **state)
{
    struct rig *r = *state;

    configure_pair(r, "");
    rig_workers(r, 1, 4);
    rig_advance(r, 10 * MINUTE_MS);
    rig_advance(r, 20 * SECOND_MS); /* one runs since 20 s, the other waits */
    assert_int_equal(rig_running(r), 1);
    forecast(r, 1, "");
    assert_int_equal(rig_i64(r, "forecast.backlog"), 2);
    /* 08:20 … 09:10, of which the last one starts at 09:11; what fired before is none of it. */
    assert_int_equal(rig_i64(r, "forecast.firings"), 12);
    assert_int_equal(rig_i64(r, "forecast.started"), 11);
    assert_int_equal(rig_i64(r, "forecast.limits.0.held_ms"),
                     40 * SECOND_MS + 5 * MINUTE_MS + 20 * SECOND_MS);
}

static void
a_running_job_that_took_longer_than_others_has_the_rest_of_its_lease(void **state)
{
    struct rig *r = *state;

    r->limits.schedule_max_concurrent = 1;
    rig_configure(r, &(struct rig_declared){
                         .schedules = "{'name':'long','cron':'10 * * * *','handler':'noop',"
                                      "'max_run_ms':1800000},"
                                      "{'name':'next','cron':'13 * * * *','handler':'noop'}"});
    measure(r, "long", MINUTE_MS, 1, 1);
    rig_workers(r, 1, 4);
    for (int i = 0; i < 12; i++)
        rig_advance(r, MINUTE_MS);
    assert_int_equal(rig_running(r), 1); /* since 08:10, till 08:40 at most */
    forecast(r, 1, "");
    assert_string_equal(rig_text(r, "forecast.schedules.0.schedule"), "next");
    assert_int_equal(rig_i64(r, "forecast.schedules.0.wait.max_ms"), 27 * MINUTE_MS);
}

static void
a_firing_in_flight_suppresses_the_next_as_it_would(void **state)
{
    struct rig *r = *state;

    rig_configure(r, &(struct rig_declared){
                         .schedules = "{'name':'slow','every_ms':600000,'handler':'noop'}"});
    measure(r, "slow", 15 * MINUTE_MS, 1, 1);
    rig_workers(r, 1, 4);
    rig_advance(r, 10 * MINUTE_MS);
    rig_advance(r, 2 * MINUTE_MS);
    forecast(r, 1, "");
    assert_int_equal(rig_i64(r, "forecast.firings"), 3);    /* 08:30, 08:50, 09:10 */
    assert_int_equal(rig_i64(r, "forecast.suppressed"), 3); /* 08:20, 08:40, 09:00 */
}

static void
what_runs_goes_on_before_what_waits_with_a_higher_priority(void **state)
{
    struct rig *r = *state;

    r->limits.schedule_max_concurrent = 1;
    rig_configure(r, &(struct rig_declared){
                         .schedules = "{'name':'long','cron':'10 * * * *','handler':'noop'},"
                                      "{'name':'high','cron':'11 * * * *','handler':'noop',"
                                      "'priority':90}"});
    measure(r, "long", 5 * MINUTE_MS, 1, 1);
    rig_workers(r, 1, 4);
    for (int i = 0; i < 12; i++)
        rig_advance(r, MINUTE_MS);
    forecast(r, 1, "");
    /* 08:12 to 08:15, and 09:11 to the end. */
    assert_int_equal(rig_i64(r, "forecast.limits.0.held_ms"), 4 * MINUTE_MS);
}

static void
what_running_jobs_have_reserved_is_reserved_once(void **state)
{
    struct rig *r = *state;

    rig_configure(
        r, &(struct rig_declared){.schedules = "{'name':'dear','cron':'0 * * * *','handler':'noop',"
                                               "'token_budget':100,'daily_tokens':200}"});
    measure(r, "dear", MINUTE_MS, 1, 100);
    rig_workers(r, 1, 4);
    rig_advance(r, HOUR_MS);
    assert_int_equal(rig_running(r), 1);
    forecast(r, 2, "");
    assert_true(rig_is_nil(r, "forecast.budgets.0.held_at"));
    assert_int_equal(rig_i64(r, "forecast.budgets.0.spent_at"),
                     RIG_WALL_MS + 2 * HOUR_MS + MINUTE_MS);
}

static void
a_change_is_shown_beside_what_is(void **state)
{
    struct rig *r = *state;

    configure_pair(r, "");
    forecast(r, 1,
             "schedules:\n"
             "  two: {cron: '5-59/10 * * * *'}\n"
             "  one: null\n"
             "  three: {every: 20m, handler: noop}\n");
    assert_int_equal(rig_i64(r, "forecast.firings"), 10);
    expect_waits(r, "forecast", 0, MINUTE_MS, MINUTE_MS);
    assert_int_equal(rig_i64(r, "with.firings"), 6 + 2);
    expect_waits(r, "with", 0, 0, 0);
    assert_int_equal(rig_len(r, "changes"), 3);
    assert_string_equal(rig_text(r, "changes.0.action"), "change");
    assert_string_equal(rig_text(r, "changes.1.action"), "remove");
    assert_string_equal(rig_text(r, "changes.2.action"), "add");
}

static void
a_change_of_limits_or_workers_is_shown_too(void **state)
{
    struct rig *r = *state;

    configure_pair(r, "");
    forecast(r, 1, "limits: {schedule_max_concurrent: 2}");
    expect_waits(r, "with", 0, 0, 0);
    forecast(r, 1, "workers: {count: 2, slots: 8}");
    assert_int_equal(rig_i64(r, "forecast.slots"), 4);
    assert_int_equal(rig_i64(r, "with.slots"), 16);
    expect_waits(r, "with", 0, MINUTE_MS, MINUTE_MS);
}

static void
expect_refused(struct rig *r, const char *with, enum errc code, const char *sentence)
{
    const struct forecast_order o = order_of(r, 1, with);

    assert_int_equal(try(r, &o), code);
    if (!strstr(r->error.msg, sentence)) fail_msg("%s: %s", with, r->error.msg);
}

static void
a_bad_change_is_refused_with_its_place(void **state)
{
    struct rig *r = *state;

    configure_pair(r, "");
    expect_refused(r, "schedules: {one: {corn: '* * * * *'}}", E_BAD_REQUEST, "--with:1:19: ");
    expect_refused(r, "schedules:\n  one: {cron: '61 * * * *'}", E_BAD_REQUEST, "--with:2:3: ");
    expect_refused(r, "schedules:\n  one: {handler: nobody}", E_BAD_REQUEST, "--with:2:3: ");
    expect_refused(r, "schedules:\n  none: null", E_BAD_REQUEST, "no such schedule");
    expect_refused(r, "agents: {}", E_BAD_REQUEST, "--with:1:1: ");
    expect_refused(r, "limits: {schedule_max_concurrent: many}", E_BAD_REQUEST, "--with:1:");
    expect_refused(r, "workers: {count: 64, slots: 64}", E_BAD_REQUEST, "over 1024");
    expect_refused(r, "schedules: {'A B': {every: 5m, handler: noop}}", E_BAD_REQUEST, "--with:1:");
}

static void
who_is_of_a_company_sees_that_company_only(void **state)
{
    struct rig           *r = *state;
    struct forecast_order o = order_of(r, 1, "");

    r->limits.schedule_max_concurrent = 1;
    rig_configure(r, &(struct rig_declared){
                         .companies = "{'name':'acme'}",
                         .schedules = "{'name':'one','cron':'*/10 * * * *','handler':'noop',"
                                      "'priority':60},"
                                      "{'name':'two','company':'acme','cron':'*/10 * * * *',"
                                      "'handler':'noop'}"});
    o.company = view_str("acme");
    o.is_bound = true;
    assert_int_equal(try(r, &o), E_OK);
    assert_int_equal(rig_len(r, "forecast.schedules"), 1);
    assert_string_equal(rig_text(r, "forecast.schedules.0.schedule"), "acme/two");
    assert_int_equal(rig_i64(r, "forecast.firings"), 5);
    expect_waits(r, "forecast", MINUTE_MS, MINUTE_MS, MINUTE_MS); /* behind the other one */
    assert_int_equal(rig_i64(r, "forecast.hours.0.busy_milli"), 1000 * 5 / 240);
    o.with = view_str("limits: {schedule_max_concurrent: 2}");
    assert_int_equal(try(r, &o), E_BAD_REQUEST);
    o.with = view_str("schedules: [{name: one, company: default, every: 5m}]");
    assert_int_equal(try(r, &o), E_BAD_REQUEST);
    o.company = view_str("nobody");
    assert_int_equal(try(r, &o), E_NOT_FOUND);
}

static void
too_many_firings_are_cut_and_it_is_said(void **state)
{
    struct rig           *r = *state;
    struct forecast_order o = order_of(r, 24, "");

    configure_pair(r, "");
    o.firings_max = 10;
    assert_int_equal(try(r, &o), E_OK);
    assert_true(rig_bool(r, "forecast.cut"));
    assert_int_equal(rig_i64(r, "forecast.firings"), 10);
    assert_int_equal(rig_i64(r, "forecast.until_at"), RIG_WALL_MS + 50 * MINUTE_MS);
    assert_int_equal(rig_i64(r, "forecast.limits.0.held_ms"), 4 * MINUTE_MS);
}

static void
times_that_share_a_row_are_cut_too(void **state)
{
    struct rig           *r = *state;
    struct forecast_order o = order_of(r, 24, "");

    rig_configure(r, &(struct rig_declared){
                         .schedules = "{'name':'often','every_ms':1000,'handler':'noop'}"});
    rig_must(r, "schedule.pause", "'name':'often'");
    o.firings_max = 5000;
    assert_int_equal(try(r, &o), E_OK);
    assert_true(rig_bool(r, "forecast.cut"));
    assert_in_range(rig_i64(r, "forecast.missed"), 5000, 7000);
}

static void
full_slots_are_told_apart_from_caps(void **state)
{
    struct rig           *r = *state;
    struct forecast_order o = order_of(r, 1, "");

    r->limits.schedule_max_concurrent = NO_LIMIT;
    rig_configure(r, &(struct rig_declared){
                         .companies = "{'name':'acme'}",
                         .schedules = "{'name':'two','cron':'30 * * * *','handler':'noop'},"
                                      "{'name':'also','cron':'30 * * * *','handler':'noop'},"
                                      "{'name':'far','company':'acme','cron':'20 * * * *',"
                                      "'handler':'noop'}"});
    o.fleet = (struct world_fleet){.workers = 1, .slots = 1};
    assert_int_equal(try(r, &o), E_OK);
    assert_int_equal(rig_i64(r, "forecast.hours.0.full_ms"), 3 * MINUTE_MS);
    assert_int_equal(rig_i64(r, "forecast.hours.0.busy_milli"), 50);
    assert_string_equal(rig_text(r, "forecast.limits.0.by"), "no_slot");
    assert_int_equal(rig_i64(r, "forecast.limits.0.held_ms"), MINUTE_MS);
    o.company = view_str("acme"); /* nothing of it waits meanwhile */
    assert_int_equal(try(r, &o), E_OK);
    assert_int_equal(rig_len(r, "forecast.limits"), 0);
    assert_true(rig_is_nil(r, "forecast.hours.0.full_ms"));
}

static void
what_an_operator_has_stopped_stays_stopped(void **state)
{
    struct rig *r = *state;

    configure_pair(r, "");
    rig_must(r, "stop", "'scope':'new'");
    forecast(r, 1, "");
    assert_int_equal(rig_i64(r, "forecast.started"), 0);
    rig_must(r, "resume", " ");
    rig_must(r, "company.pause", "'name':'default'");
    forecast(r, 1, "");
    assert_int_equal(rig_i64(r, "forecast.missed"), 10);
    assert_string_equal(rig_text(r, "forecast.never.0.reason"), "each of its times is missed");
}

/* ---- from the folder: in another process, for ours has the store open ---- */

/* What forecast_run says of the rig's store. */
static enum errc
run_in_child(struct rig *r, const char *dir)
{
    int   status;
    pid_t pid = fork();

    if (pid == 0) {
        struct forecast_order o = order_of(r, 1, "");
        struct buf            out = {0};
        struct err            e;

        o.dir = dir;
        _exit((int)forecast_run(&o, &out, &e));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Changes a byte of every copy of the text in the store's file. */
static void
spoil(struct rig *r, const char *text)
{
    char   path[128], block[4096 + 64];
    size_t size = strlen(text);
    int    fd, spoilt = 0;

    (void)snprintf(path, sizeof(path), "%s/data.mdb", r->dir); /* fits */
    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    for (off_t at = 0;; at += 4096) {
        ssize_t     got = pread(fd, block, sizeof(block), at);
        const char *hit = got > 0 ? memmem(block, (size_t)got, text, size) : NULL;

        if (got <= 0) break;
        if (!hit) continue;
        assert_int_equal(pwrite(fd, "~", 1, at + (hit - block)), 1);
        spoilt++;
    }
    assert_int_equal(close(fd), 0);
    assert_true(spoilt > 0);
}

static void
a_store_that_another_process_has_open_is_read(void **state)
{
    struct rig *r = *state;
    char        none[96];

    configure_pair(r, "");
    (void)snprintf(none, sizeof(none), "%s/none", r->dir); /* fits */
    assert_int_equal(run_in_child(r, r->dir), E_OK);
    assert_int_equal(run_in_child(r, none), E_INTERNAL);
    assert_int_equal(access(none, F_OK), -1);
    rig_must(r, "schedule.pause", "'name':'one'"); /* we can go on writing */
}

static void
a_damaged_store_is_refused(void **state)
{
    struct rig *r = *state;

    configure_pair(r, ",{'name':'unmistakable','every_ms':7000,'handler':'echo'}");
    spoil(r, "unmistakable");
    assert_int_equal(run_in_child(r, r->dir), E_DAMAGED);
}

static void
an_order_is_read_as_it_was_packed(void **state)
{
    struct arena                a;
    struct buf packed           BUF_AUTO = {0};
    struct forecast_order       out;
    const struct forecast_order o = {
        .dir = "/state",
        .now_ms = 5,
        .hours = 720,
        .firings_max = 9,
        .fleet = {3, 4},
        .with = view_str("limits: {}"),
        .company = view_str("acme"),
        .is_bound = true
    };

    (void)state;
    arena_init(&a);
    forecast_pack_order(&o, &packed);
    assert_true(forecast_read_order(buf_view(&packed), &a, &out));
    assert_string_equal(out.dir, "/state");
    assert_true(out.now_ms == 5 && out.hours == 720 && out.firings_max == 9 && out.is_bound);
    assert_true(out.fleet.workers == 3 && out.fleet.slots == 4);
    assert_true(view_is(out.with, "limits: {}") && view_is(out.company, "acme"));
    assert_false(forecast_read_order(view_str("x"), &a, &out));
    arena_done(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(of_two_at_the_same_time_under_a_cap_of_one_the_second_waits_for_the_first),
        TEST(the_same_store_and_instant_give_the_same_answer),
        TEST(a_firing_longer_than_its_interval_suppresses_the_next),
        TEST(a_day_s_budget_runs_out_at_the_end_of_the_firing_that_uses_it_up),
        TEST(a_firing_that_does_not_fit_in_a_day_s_budget_waits_for_the_next_day),
        TEST(what_was_never_measured_takes_the_handler_s_average_or_a_minute),
        TEST(what_firings_of_other_companies_take_is_told_to_none),
        TEST(a_heartbeat_finds_something_to_do_each_time),
        TEST(what_never_fires_is_named_with_its_reason),
        TEST(a_running_job_takes_a_slot_for_the_rest_of_its_time),
        TEST(a_running_job_that_took_longer_than_others_has_the_rest_of_its_lease),
        TEST(a_firing_in_flight_suppresses_the_next_as_it_would),
        TEST(what_runs_goes_on_before_what_waits_with_a_higher_priority),
        TEST(what_running_jobs_have_reserved_is_reserved_once),
        TEST(a_change_is_shown_beside_what_is),
        TEST(a_change_of_limits_or_workers_is_shown_too),
        TEST(a_bad_change_is_refused_with_its_place),
        TEST(who_is_of_a_company_sees_that_company_only),
        TEST(too_many_firings_are_cut_and_it_is_said),
        TEST(times_that_share_a_row_are_cut_too),
        TEST(full_slots_are_told_apart_from_caps),
        TEST(what_an_operator_has_stopped_stays_stopped),
        TEST(a_store_that_another_process_has_open_is_read),
        TEST(a_damaged_store_is_refused),
        cmocka_unit_test(an_order_is_read_as_it_was_packed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
