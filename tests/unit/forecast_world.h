/* forecast_world - forecasts of a rig's store, and two schedules at the same times. */
#ifndef TESTS_FORECAST_WORLD_H
#define TESTS_FORECAST_WORLD_H

#include "supervisor/forecast/forecast.h"
#include "tests/unit/engine_rig.h"

/* What a schedule's firings were measured to take. */
static inline void
measure(struct rig *r, const char *name, int64_t run_ms, uint64_t turns, uint64_t tokens)
{
    struct err      e = {0};
    struct txn     *t = txn_begin_write(r->store, &e);
    bool            outcome_unknown;
    struct schedule run = {.id = object_find(t, KIND_SCHEDULE, 1, view_str(name))};

    assert_int_equal(schedule_by_id(t, &run), LOAD_FOUND);
    run.measured = 3;
    run.avg_run_us = (uint64_t)run_ms * 1000;
    run.avg_turns_milli = turns * 1000;
    run.avg_tokens_milli = tokens * 1000;
    schedule_save(t, &run);
    assert_int_equal(txn_commit(&t, &outcome_unknown, &e), E_OK);
}

static inline struct forecast_order
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
static inline enum errc
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

static inline void
forecast(struct rig *r, uint64_t hours, const char *with)
{
    const struct forecast_order o = order_of(r, hours, with);
    uint64_t                    before = rig_hash(r);

    if (try(r, &o)) fail_msg("%s", r->error.msg);
    assert_true(rig_hash(r) == before);
}

static inline void
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
static inline void
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

#endif
