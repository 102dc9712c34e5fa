#include "supervisor/reactor.h"
#include "supervisor/joblogs.h"
#include "supervisor/zones.h"

#include "common/log.h"
#include <string.h>
#include <time.h>

/* Of a turn: clients get the rest. */
#define REPORTS_MAX       ((size_t)TURN_INPUTS_MAX / 10 * 9)
#define REPORTS_BYTES_MAX ((size_t)TURN_BYTES_MAX / 10 * 9)
#define START_TAG         2 /* the configuration of the start */
#define AGAIN_TAG         3 /* that in force, for what had to wait */

static int64_t
max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* What boot time counts and monotonic time does not. */
static int64_t
suspended_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail */
    return clock_boot_us() / 1000 - ((int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000);
}

/* The sockets are drained every time the loop turns; here they only wake it. */
static void
on_socket(void *arg)
{
    (void)arg;
}

enum errc
reactor_open(struct reactor *r, struct poller *poller, struct err *e)
{
    r->poller = poller;
    r->control_watch.fd = r->reports_watch.fd = -1;
    r->suspended_ms = suspended_ms();
    r->now = clock_now();
    r->woken_us = clock_boot_us();
    if (poller_watch(poller, &r->control_watch, control_fd(r->control), on_socket, r, e)) {
        return e->code;
    }
    return poller_watch(poller, &r->reports_watch, reports_fd(r->reports), on_socket, r, e);
}

void
reactor_close(struct reactor *r)
{
    if (!r->poller) return;
    poller_unwatch(r->poller, &r->control_watch);
    poller_unwatch(r->poller, &r->reports_watch);
    buf_done(&r->ended);
}

/* ---- what the engine said ------------------------------------------------------------------ */

static void
on_config_reply(struct reactor *r, const struct output *o)
{
    if (o->client == AGAIN_TAG) {
        if (o->error)
            log_error("what is declared and had to wait is not made", "error=%s",
                      log_quote(o->error->msg));
    } else if (o->client != START_TAG) {
        shell_ops_on_config(r->ops, o->client, o->error, o->body);
    } else if (o->error) {
        r->refusal = *o->error;
    }
}

static void
on_reply(struct reactor *r, const struct output *o)
{
    struct asked *a = control_find(r->control, o->client);

    if (o->client < CLIENT_TAG_MIN || (a && a->req.desc->id == MSG_RELOAD)) {
        on_config_reply(r, o);
    } else if (a && o->error) {
        control_refuse(r->control, &a, o->error);
    } else if (a) {
        control_reply(r->control, &a, o->body);
    }
}

static void
on_output(void *arg, const struct output *o)
{
    struct reactor *r = arg;

    switch (o->kind) {
    case OUT_REPLY: on_reply(r, o); break;
    case OUT_TO_WORKER: pool_send(r->pool, o->worker, o->generation, o->token, o->body); break;
    case OUT_WORKER_KILL: pool_kill(r->pool, o->worker, o->generation, o->text); break;
    case OUT_WORKER_IDLE: pool_on_idle(r->pool, o->worker, o->generation, r->now.boot_ms); break;
    case OUT_JOB_ENDED: buf_add(&r->ended, &o->job, sizeof(o->job)); break;
    case OUT_JOB_PURGED: joblogs_remove(r->ops->state_dir, o->job); break;
    case OUT_OLD_LEASE: survivors_add_lease(r->survivors, o->token); break;
    case OUT_TO_GATEWAY: gateway_send(r->gateway, o->body, o->token == 0); break;
    case OUT_LOG:
        log_at((enum log_level)o->level, o->text, "%s", o->detail ? o->detail : "");
        break;
    }
}

/* The store took a client's input not even alone. */
static void
on_refused(void *arg, uint64_t client, const struct err *why)
{
    const struct output o = {.kind = OUT_REPLY, .client = client, .error = why};

    on_reply(arg, &o);
}

/* ---- gather -------------------------------------------------------------------------------- */

static void
take_signals(struct reactor *r)
{
    struct signals *s = r->signals;

    if (signals_take(&s->child)) pool_on_children(r->pool, r->now.boot_ms);
    if (signals_take(&s->reload)) shell_ops_reload(r->ops);
    if (signals_take(&s->dump)) shell_ops_dump(r->ops, &r->now);
}

/* Reports come before the exits of those who sent them. */
static void
gather(struct reactor *r)
{
    struct turn_budget all = {.inputs = TURN_INPUTS_MAX, .bytes = TURN_BYTES_MAX};
    struct turn_budget reports = {.inputs = REPORTS_MAX, .bytes = REPORTS_BYTES_MAX};

    reports_gather(r->reports, r->pool, &reports);
    all.inputs -= REPORTS_MAX - reports.inputs;
    all.bytes -= REPORTS_BYTES_MAX - reports.bytes;
    take_signals(r);
    survivors_on_time(r->survivors, r->now.boot_ms);
    if (survivors_leave_room(r->survivors)) pool_release(r->pool);
    pool_on_time(r->pool, r->now.boot_ms);
    stopping_step(r->stopping, r->signals->stops, reload_current(r->reload)->stop_grace_ms,
                  r->now.boot_ms);
    control_gather(r->control, r->inputs, &all);
    gateway_on_time(r->gateway, r->now.boot_ms, r->stall_ms);
}

/* ---- the turn ------------------------------------------------------------------------------ */

/* The clock is held until it is synchronised, accepted, or ten minutes have passed (N27). */
static bool
is_clock_held(struct reactor *r)
{
    if (r->held_until_boot_ms == 0) return false;
    if (r->now.boot_ms < r->held_until_boot_ms && !clock_is_synchronised()) return true;
    r->held_until_boot_ms = 0;
    log_info("the clock is no longer held", "wall_ms=%lld", (long long)r->now.wall_ms);
    return false;
}

static bool
needs_turn(const struct reactor *r)
{
    struct deadline d = turns_deadline(r->turns);

    return r->is_turn_due || r->inputs->count > 0 || d.wall_ms <= r->now.wall_ms ||
           d.boot_ms <= r->now.boot_ms;
}

static enum errc
turn(struct reactor *r, struct err *e)
{
    struct turn_header header = {
        .now = r->now, .stall_ms = r->stall_ms, .lag_us = lag_percentile_us(r->lag, 99)};

    r->ops->is_clock_held = header.clock_is_held = is_clock_held(r);
    r->stall_ms = 0;
    r->is_turn_due = false;
    return turns_run(r->turns, r->inputs, &header, e);
}

static void
serve_reads(struct reactor *r)
{
    struct asked *list = control_take_reads(r->control);

    while (list) {
        struct asked *a = list;

        list = a->next;
        if (a->req.desc->how == HOW_READ) {
            reads_serve(r->reads, a, &r->now);
        } else {
            shell_ops_serve(r->ops, a, &r->now);
        }
    }
}

static void
after_turn(struct reactor *r)
{
    uint64_t job;

    for (size_t at = 0; at < r->ended.size; at += sizeof(job)) {
        memcpy(&job, r->ended.data + at, sizeof(job));
        reads_on_job_ended(r->reads, job, &r->now);
    }
    buf_clear(&r->ended);
    forecaster_on_time(r->forecaster, r->now.boot_ms);
    shell_ops_on_forecast(r->ops); /* before the next one is asked for */
    serve_reads(r);
    reads_after_turn(r->reads, &r->now);
    shell_ops_on_fsck(r->ops);
    if (engine_wants_config(r->turns->engine)) reload_again(r->reload, AGAIN_TAG, r->inputs);
    if (!logsweep_is_over(r->logsweep)) logsweep_step(r->logsweep);
    fsck_on_space(r->fsck, &r->turns->space);
    doorbell_ring(r->doorbell, engine_feed_seq(r->turns->engine));
    stopping_step(r->stopping, r->signals->stops, reload_current(r->reload)->stop_grace_ms,
                  r->now.boot_ms);
}

/* ---- sleep --------------------------------------------------------------------------------- */

static int64_t
boot_deadline(const struct reactor *r)
{
    int64_t at = turns_deadline(r->turns).boot_ms;

    at = earlier(at, pool_deadline(r->pool));
    at = earlier(at, gateway_deadline(r->gateway));
    at = earlier(at, survivors_deadline(r->survivors));
    at = earlier(at, reads_deadline(r->reads));
    at = earlier(at, stopping_deadline(r->stopping));
    at = earlier(at, forecaster_deadline(r->forecaster));
    return r->held_until_boot_ms ? earlier(at, r->held_until_boot_ms) : at;
}

static bool
has_work(const struct reactor *r)
{
    return r->inputs->count > 0 || control_has_input(r->control) || reports_has_input(r->reports) ||
           !logsweep_is_over(r->logsweep);
}

/* How long we were kept from our work: by a long turn, by waking late, by a stop or a suspend. */
static void
note_stall(struct reactor *r, int64_t asleep_us, int64_t deadline_ms)
{
    int64_t woken_us = clock_boot_us();
    int64_t suspended = suspended_ms();
    int64_t late_ms = woken_us / 1000 - max(deadline_ms, asleep_us / 1000);
    int64_t stall_ms = max((asleep_us - r->woken_us) / 1000, late_ms);

    stall_ms = max(stall_ms, suspended - r->suspended_ms);
    if (signals_take(&r->signals->continued)) {
        stall_ms = max(stall_ms, (woken_us - r->woken_us) / 1000);
    }
    r->stall_ms = max(r->stall_ms, stall_ms);
    r->suspended_ms = suspended;
    r->woken_us = woken_us;
}

static void
sleep_until_due(struct reactor *r)
{
    int64_t wall_ms = turns_deadline(r->turns).wall_ms;
    int64_t boot_ms = boot_deadline(r);
    int64_t asleep_us = clock_boot_us();
    bool    is_due = has_work(r) || boot_ms <= asleep_us / 1000;

    lag_note(r->lag, asleep_us - r->woken_us, asleep_us / 1000);
    deadlines_arm(r->deadlines, wall_ms, boot_ms);
    poller_wait(r->poller, is_due ? 0 : -1);
    note_stall(r, asleep_us, boot_ms);
    r->now = clock_now();
    if (deadlines_take_clock_change(r->deadlines)) {
        log_warn("the wall clock was set", "wall_ms=%lld", (long long)r->now.wall_ms);
        r->is_turn_due = true;
    }
    daemon_touch(r->lock, r->now.boot_ms);
}

/* ---- the loop ------------------------------------------------------------------------------ */

enum errc
reactor_boot(struct reactor *r, const struct input *boot, const struct config *config,
             struct err *e)
{
    const struct input in = {
        .kind = INPUT_CONFIG,
        .client = START_TAG,
        .actor = {.kind = "daemon", .id = view_str("start"), .role = ROLE_ADMIN},
        .body = buf_view(&config->engine_config)
    };
    const struct turn_events events = {.on_output = on_output, .on_refused = on_refused, .arg = r};

    r->turns->events = events;
    inputs_push(r->inputs, boot);
    if (turn(r, e)) return e->code;
    if (r->turns->held) return err_set(e, E_INTERNAL, "the store does not take the start");
    if (zones_push_known(r->inputs, r->turns->store, e)) return e->code;
    zones_push_config(r->inputs, in.body);
    inputs_push(r->inputs, &in);
    if (turn(r, e)) return e->code;
    if (r->refusal.code == E_OK) return E_OK;
    const struct input goodbye = {.kind = INPUT_GOODBYE};
    inputs_push(r->inputs, &goodbye); /* this end is planned */
    if (turn(r, e)) return e->code;
    *e = r->refusal;
    return err_wrap(e, "configuration %s", config->path);
}

enum errc
reactor_run(struct reactor *r, struct err *e)
{
    doorbell_ring(r->doorbell, engine_feed_seq(r->turns->engine));
    while (r->stopping->phase != STOP_OVER) {
        sleep_until_due(r);
        gather(r);
        if (needs_turn(r) && turn(r, e)) return e->code;
        after_turn(r);
    }
    reads_end_waits(r->reads, &r->now);
    return E_OK;
}
