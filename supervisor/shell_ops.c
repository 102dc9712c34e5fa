#include "supervisor/shell_ops.h"

#include "common/json.h"
#include "common/log.h"
#include "common/version.h"
#include "supervisor/accept4.h"
#include "supervisor/config/warnings.h"
#include "supervisor/joblogs.h"
#include "supervisor/zones.h"
#include <assert.h>
#include <inttypes.h>
#include <unistd.h>

#define LAG_WARNING_US    50000 /* of the loop's p99 (K3) … */
#define LAG_WARNING_TURNS 100   /* … of at least so many: one slow turn at start is no 1 % */
#define FORECAST_HOURS    48
#define HANGUP_TAG        1 /* the reload that a signal asked for */

void
shell_ops_done(struct shell_ops *o)
{
    buf_done(&o->reply);
}

/* ---- status -------------------------------------------------------------------------------- */

static void
put_loop(const struct shell_ops *o, struct buf *b, struct mp_open_map *map)
{
    mp_key(b, map, "loop");
    struct mp_open_map m = mp_open(b);
    mp_put_u64(b, &m, "lag_p50_us", lag_percentile_us(o->lag, 50));
    mp_put_u64(b, &m, "lag_p99_us", lag_percentile_us(o->lag, 99));
    mp_put_u64(b, &m, "lag_worst_us", lag_worst_us(o->lag));
    mp_put_u64(b, &m, "turns", o->turns->count);
    mp_put_u64(b, &m, "commits", o->turns->commits);
    mp_put_u64(b, &m, "failures", o->turns->failures);
    mp_close(b, &m);
}

static void
put_store(const struct shell_ops *o, struct buf *b, struct mp_open_map *map)
{
    const struct store_space *s = &o->turns->space;

    mp_key(b, map, "store");
    struct mp_open_map m = mp_open(b);
    mp_put_u64(b, &m, "used_bytes", s->used_bytes);
    mp_put_u64(b, &m, "file_bytes", s->file_bytes);
    mp_put_u64(b, &m, "map_bytes", s->map_bytes);
    mp_put_u64(b, &m, "disk_free_bytes", s->disk_free_bytes);
    mp_put_bool(b, &m, "can_admit", s->can_admit);
    mp_close(b, &m);
}

static void
put_control(const struct shell_ops *o, struct buf *b, struct mp_open_map *map)
{
    struct control_counts c = control_counts(o->control);

    mp_key(b, map, "control");
    struct mp_open_map m = mp_open(b);
    mp_put_u64(b, &m, "clients", control_clients(o->control));
    mp_put_u64(b, &m, "requests", c.requests);
    mp_put_u64(b, &m, "refused", c.refused);
    mp_put_u64(b, &m, "replies_dropped", c.replies_dropped);
    mp_put_u64(b, &m, "waiting", reads_waiting(o->reads));
    mp_put_u64(b, &m, "connections_shed", accept4_shed());
    mp_put_u64(b, &m, "reports_dropped", o->reports->dropped);
    mp_close(b, &m);
}

static void
put_warnings(const struct shell_ops *o, struct txn *t, const struct actor *actor,
             const struct now *now, struct buf *b, struct mp_open_map *map)
{
    BUF_AUTO struct buf lines = {0};

    buf_add_view(&lines, buf_view(&o->reload->warnings));
    if (pool_is_degraded(o->pool, now->boot_ms)) {
        buf_add_str(&lines, "workers die too often: the pool is degraded\n");
    }
    gateway_warn(o->gateway, now->boot_ms, &lines);
    if (!survivors_leave_room(o->survivors)) {
        buf_add_str(&lines, "processes of an earlier run are still ending\n");
    }
    if (engine_old_lease_count(o->engine) > 0) {
        buf_printf(&lines, "%zu jobs of an earlier run are not known to have ended\n",
                   engine_old_lease_count(o->engine));
    }
    if (!o->turns->space.can_admit) {
        buf_printf(&lines, "the %s is full: new work is refused\n",
                   o->turns->space.disk_is_short ? "disk" : "store");
    }
    engine_warnings(o->engine, t, actor, &lines);
    if (lag_turns(o->lag) >= LAG_WARNING_TURNS && lag_percentile_us(o->lag, 99) > LAG_WARNING_US) {
        buf_add_str(&lines, "the loop is slow: 1 % of its turns take over 50 ms\n");
    }
    if (o->is_clock_held) {
        buf_add_str(&lines, "the clock is behind and not synchronised: what is due is held; "
                            "`agentctl clock accept` lets it go\n");
    }
    mp_key(b, map, "warnings");
    warnings_pack(buf_view(&lines), b);
}

static enum errc
add_status(struct shell_ops *o, const struct actor *actor, const struct now *now, struct buf *b,
           struct err *e)
{
    struct txn *t = txn_begin_read(o->store, e);

    if (!t) return e->code;
    struct mp_open_map map = mp_open(b);
    mp_put_bool(b, &map, "running", true);
    mp_put_i64(b, &map, "pid", getpid());
    mp_put_cstr(b, &map, "version", AGENTD_VERSION);
    mp_put_i64(b, &map, "uptime_ms", now->boot_ms - o->started_boot_ms);
    mp_put_cstr(b, &map, "run", o->run_dir);
    mp_put_cstr(b, &map, "state", o->state_dir);
    mp_put_cstr(b, &map, "config", reload_current(o->reload)->path);
    mp_key(b, &map, "workers");
    pool_status(o->pool, now->boot_ms, b);
    mp_key(b, &map, "gateway");
    gateway_status(o->gateway, now->boot_ms, b);
    put_loop(o, b, &map);
    put_store(o, b, &map);
    put_control(o, b, &map);
    put_warnings(o, t, actor, now, b, &map);
    engine_status(o->engine, t, actor, now, b, &map);
    mp_close(b, &map);
    txn_abort(&t);
    return E_OK;
}

void
shell_ops_dump(struct shell_ops *o, const struct now *now)
{
    BUF_AUTO struct buf json = {0};
    struct err          e;

    buf_clear(&o->reply);
    if (add_status(o, &actor_daemon, now, &o->reply, &e) ||
        json_from_mp(buf_view(&o->reply), &json, &e)) {
        log_error("state dump", "error=%s", log_quote(e.msg));
        return;
    }
    /* Longer than a log line may be: in pieces. */
    for (size_t at = 0; at < json.size; at += 900) {
        size_t          size = json.size - at < 900 ? json.size - at : 900;
        FREE_AUTO char *piece = xstrndup(json.data + at, size);

        log_info("state dump", "at=%zu status=%s", at, log_quote(piece));
    }
}

/* ---- the others ---------------------------------------------------------------------------- */

static enum errc
on_ping(struct shell_ops *o, const struct now *now, struct err *e)
{
    struct mp_open_map map = mp_open(&o->reply);

    (void)e;
    mp_put_cstr(&o->reply, &map, "version", AGENTD_VERSION);
    mp_put_i64(&o->reply, &map, "now", now->wall_ms);
    mp_close(&o->reply, &map);
    return E_OK;
}

static enum errc
on_job_logs(struct shell_ops *o, const struct asked *a, const struct msg_job_logs *m, struct err *e)
{
    bool        has_ended = false;
    struct txn *t = txn_begin_read(o->store, e);

    if (!t) return e->code;
    enum errc code = engine_job_ended(o->engine, t, &a->actor, m->id, &has_ended, e);
    txn_abort(&t);
    if (code) return code;
    return joblogs_piece(o->state_dir, m->id, m->offset, has_ended, &o->reply, e);
}

/* The engine's workers, and the places that have none. */
static enum errc
on_worker_list(struct shell_ops *o, const struct asked *a, const struct now *now, struct err *e)
{
    BUF_AUTO struct buf up = {0};
    struct txn         *t = txn_begin_read(o->store, e);
    struct mp_open_map  map;
    struct list_iter    it;
    struct view         items, item;
    uint64_t            wait_on;
    uint32_t            count = 0;
    bool                ok, is_list;

    if (!t) return e->code;
    (void)engine_read(o->engine, t, now, &a->actor, MSG_WORKER_LIST, a->req.body, &up, &wait_on,
                      &ok, e); /* it is done at once */
    txn_abort(&t);
    if (!ok) return e->code;
    is_list = mp_find(buf_view(&up), "items", &items);
    assert(is_list);
    map = mp_open(&o->reply);
    mp_key(&o->reply, &map, "items");
    size_t header = mp_array_open(&o->reply);
    for (it = list_iter_of(items); list_next(&it, &item); count++)
        mp_raw(&o->reply, item);
    count += pool_down(o->pool, now, &o->reply);
    mp_array_close(&o->reply, header, count);
    mp_put_nil(&o->reply, &map, "next");
    mp_close(&o->reply, &map);
    return E_OK;
}

static enum errc
on_worker_scale(struct shell_ops *o, const struct msg_worker_scale *m, struct err *e)
{
    struct mp_open_map map;
    uint32_t           before = pool_count_wanted(o->pool);

    if (m->count * (uint64_t)reload_current(o->reload)->slots > SLOTS_MAX) {
        return err_field(e, "count", "%" PRIu64 " workers of %" PRId64 " slots are over %d slots",
                         m->count, reload_current(o->reload)->slots, SLOTS_MAX);
    }
    if (engine_is_draining(o->engine)) return err_set(e, E_DRAINING, "the daemon is stopping");
    pool_set_count(o->pool, (uint32_t)m->count);
    log_info("worker pool scaled", "from=%u to=%" PRIu64, before, m->count);
    map = mp_open(&o->reply);
    mp_put_u64(&o->reply, &map, "from", before);
    mp_put_u64(&o->reply, &map, "count", m->count);
    mp_close(&o->reply, &map);
    return E_OK;
}

static enum errc
on_worker_restart(struct shell_ops *o, const struct msg_worker_restart *m, struct err *e)
{
    struct mp_open_map map;
    bool               is_one = HAS(m, worker_restart, worker);

    if (is_one && !pool_has_worker(o->pool, m->worker)) {
        return err_set(e, E_NOT_FOUND, "there is no worker %" PRIu64, m->worker);
    }
    if (engine_is_draining(o->engine)) return err_set(e, E_DRAINING, "the daemon is stopping");
    uint32_t count = pool_restart(o->pool, is_one ? (int64_t)m->worker : -1);
    map = mp_open(&o->reply);
    mp_put_u64(&o->reply, &map, "restarting", count);
    mp_close(&o->reply, &map);
    return E_OK;
}

/* Who is of a company sees no other (N36). */
static enum errc
choose_company(const struct actor *a, struct view named, struct view *out, struct err *e)
{
    *out = a->company.size ? a->company : named;
    if (named.size == 0 || a->company.size == 0 || view_eq(named, a->company)) return E_OK;
    return err_set(e, E_NOT_FOUND, "there is no company \"%.*s\"", VIEW_ARG(named));
}

static enum errc
on_forecast(struct shell_ops *o, const struct asked *a, const struct msg_forecast *m,
            const struct now *now, struct err *e)
{
    struct forecast_order order = {
        .dir = o->state_dir,
        .now_ms = now->wall_ms,
        .hours = HAS(m, forecast, hours) ? m->hours : FORECAST_HOURS,
        .firings_max = FORECAST_FIRINGS_MAX,
        .fleet = {.workers = pool_count_wanted(o->pool),
                  .slots = (uint32_t)reload_current(o->reload)->slots},
        .with = m->with,
        .is_bound = a->actor.company.size > 0
    };

    if (engine_is_draining(o->engine)) return err_set(e, E_DRAINING, "the daemon is stopping");
    if (choose_company(&a->actor, m->company, &order.company, e)) return e->code;
    return forecaster_start(o->forecaster, &order, a->tag, a->pid, now->boot_ms, e);
}

static enum errc
reload(struct shell_ops *o, bool is_dry_run, uint64_t tag, struct err *e)
{
    if (!is_dry_run && zones_push_known(o->inputs, o->store, e)) return e->code;
    return reload_begin(o->reload, is_dry_run, tag, o->inputs, e);
}

/* E_OK with a reply in o->reply, or, *is_later, with none yet. */
static enum errc
serve(struct shell_ops *o, const struct asked *a, const struct now *now, bool *is_later,
      struct err *e)
{
    union msg m;

    if (msg_unpack(a->req.desc, a->req.body, &m, e)) return e->code;
    switch (a->req.desc->id) {
    case MSG_STATUS: return add_status(o, &a->actor, now, &o->reply, e);
    case MSG_PING: return on_ping(o, now, e);
    case MSG_JOB_LOGS: return on_job_logs(o, a, &m.job_logs, e);
    case MSG_WORKER_LIST: return on_worker_list(o, a, now, e);
    case MSG_WORKER_SCALE: return on_worker_scale(o, &m.worker_scale, e);
    case MSG_WORKER_RESTART: return on_worker_restart(o, &m.worker_restart, e);
    case MSG_FSCK:
        *is_later = true;
        return fsck_start(o->fsck, o->store, o->turns->space.end_bytes, a->tag, e);
    case MSG_FORECAST: *is_later = true; return on_forecast(o, a, &m.forecast, now, e);
    case MSG_RELOAD: *is_later = true; return reload(o, m.reload.dry_run, a->tag, e);
    default: return err_set(e, E_INTERNAL, "%s is not served here", a->req.desc->op);
    }
}

void
shell_ops_serve(struct shell_ops *o, struct asked *a, const struct now *now)
{
    bool       is_later = false;
    struct err e;

    buf_clear(&o->reply);
    if (serve(o, a, now, &is_later, &e)) {
        control_refuse(o->control, &a, &e);
    } else if (!is_later) {
        control_reply(o->control, &a, buf_view(&o->reply));
    }
}

/* ---- later answers ------------------------------------------------------------------------- */

void
shell_ops_reload(struct shell_ops *o)
{
    struct err e;

    if (reload(o, false, HANGUP_TAG, &e)) {
        log_error("reload refused, the old configuration stays", "error=%s", log_quote(e.msg));
    }
}

void
shell_ops_on_config(struct shell_ops *o, uint64_t tag, const struct err *refusal,
                    struct view engine_reply)
{
    struct asked *a = control_find(o->control, tag);

    if (refusal) {
        reload_refused(o->reload);
        log_error("reload refused, the old configuration stays", "error=%s",
                  log_quote(refusal->msg));
        if (a) control_refuse(o->control, &a, refusal);
        return;
    }
    buf_clear(&o->reply);
    reload_taken(o->reload, engine_reply, &o->reply);
    warnings_log(buf_view(&o->reload->warnings));
    log_info("configuration reloaded", "file=%s", log_quote(reload_current(o->reload)->path));
    if (a) control_reply(o->control, &a, buf_view(&o->reply));
}

/* The reply is in o->reply, or e says why there is none; the client may be gone. */
static void
answer(struct shell_ops *o, uint64_t tag, const struct err *e)
{
    struct asked *a = control_find(o->control, tag);

    if (!a) return;
    if (e->code) {
        control_refuse(o->control, &a, e);
    } else {
        control_reply(o->control, &a, buf_view(&o->reply));
    }
}

void
shell_ops_on_fsck(struct shell_ops *o)
{
    uint64_t   tag;
    struct err e;

    buf_clear(&o->reply);
    if (fsck_take(o->fsck, &tag, &o->reply, &e)) answer(o, tag, &e);
}

void
shell_ops_on_forecast(struct shell_ops *o)
{
    uint64_t   tag;
    struct err e;

    buf_clear(&o->reply);
    if (forecaster_take(o->forecaster, &tag, &o->reply, &e)) answer(o, tag, &e);
}
