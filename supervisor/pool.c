#include "supervisor/pool.h"

#include "common/log.h"
#include "supervisor/deaths.h"
#include "supervisor/link.h"
#include "supervisor/orphans.h"
#include <assert.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#define RETIRED_KILL_MS 5000 /* from TERM to KILL for a worker that has nothing left */
#define NOT_STARTED_MS  100  /* before the next try when a process could not be made */

enum worker_phase {
    PHASE_ABSENT,
    PHASE_LIVE,
    PHASE_RETIRING, /* gets nothing new; what it holds runs to its end */
    PHASE_ENDING,   /* TERM was sent */
    PHASE_KILLED,   /* KILL was sent */
    PHASE_ORPHANED, /* reaped; what it left behind is being ended */
    PHASE_COUNT
};

static const char *const phase_names[PHASE_COUNT] = {"absent", "live",   "retiring",
                                                     "ending", "killed", "orphaned"};

struct worker {
    struct pool      *pool;
    uint32_t          index;
    enum worker_phase phase;
    uint64_t          generation;
    pid_t             pid;
    int64_t           act_at_boot_ms; /* ABSENT: not started before; ENDING: KILL then */
    bool              is_restart_wanted;
    siginfo_t         how; /* its last process ended; zeroed: there was none */
    struct link       link;
};

/* A child of ours that is left alone; pid 0: none. */
struct kept {
    pid_t     pid;
    bool      has_ended;
    siginfo_t how;
};

struct pool {
    void                     *zmq;
    struct poller            *poller;
    struct inputs            *inputs;
    const struct spawn_setup *setup;
    struct worker             workers[WORKERS_MAX];
    uint32_t                  wanted;
    int64_t                   slots;
    int64_t                   heartbeat_ms;
    uint64_t                  generations;
    bool                      is_released;
    bool                      is_stopping;
    struct deaths             deaths;
    uint64_t                  starts;
    struct kept               kept[KEPT_COUNT];
};

struct pool *
pool_new(void *zmq, struct poller *poller, struct inputs *inputs, const struct spawn_setup *setup)
{
    struct pool *p = xcalloc(1, sizeof(*p));

    p->zmq = zmq;
    p->poller = poller;
    p->inputs = inputs;
    p->setup = setup;
    for (uint32_t i = 0; i < WORKERS_MAX; i++) {
        p->workers[i].pool = p;
        p->workers[i].index = i;
        link_init(&p->workers[i].link, poller, inputs);
    }
    return p;
}

void
pool_destroy(struct pool **p)
{
    if (!*p) return;
    for (uint32_t i = 0; i < WORKERS_MAX; i++)
        link_done(&(*p)->workers[i].link);
    free(*p);
    *p = NULL;
}

static bool
has_process(const struct worker *w)
{
    return w->phase != PHASE_ABSENT && w->phase != PHASE_ORPHANED;
}

static struct worker *
find_pid(struct pool *p, pid_t pid)
{
    for (uint32_t i = 0; i < WORKERS_MAX; i++) {
        if (has_process(&p->workers[i]) && p->workers[i].pid == pid) return &p->workers[i];
    }
    return NULL;
}

static struct worker *
find_generation(struct pool *p, uint32_t worker, uint64_t generation)
{
    struct worker *w = &p->workers[worker];

    assert(worker < WORKERS_MAX);
    return has_process(w) && w->generation == generation ? w : NULL;
}

static struct input
about(const struct worker *w, enum input_kind kind)
{
    return (struct input){.kind = kind, .worker = w->index, .generation = w->generation};
}

/* ---- what is wanted ------------------------------------------------------------------------ */

void
pool_set_count(struct pool *p, uint32_t count)
{
    assert(count <= WORKERS_MAX);
    p->wanted = count;
}

void
pool_set_shape(struct pool *p, int64_t slots, int64_t heartbeat_ms)
{
    bool is_same = p->slots == slots && p->heartbeat_ms == heartbeat_ms;

    p->slots = slots;
    p->heartbeat_ms = heartbeat_ms;
    if (!is_same) (void)pool_restart(p, -1); /* how many does not matter here */
}

void
pool_release(struct pool *p)
{
    p->is_released = true;
}

uint32_t
pool_restart(struct pool *p, int64_t worker)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < WORKERS_MAX; i++) {
        struct worker *w = &p->workers[i];

        if (!has_process(w) || (worker >= 0 && worker != (int64_t)i)) continue;
        w->is_restart_wanted = true;
        count++;
    }
    return count;
}

bool
pool_has_worker(const struct pool *p, uint64_t worker)
{
    return worker < WORKERS_MAX && has_process(&p->workers[worker]);
}

/* ---- start --------------------------------------------------------------------------------- */

static enum errc
start_process(struct worker *w, struct err *e)
{
    struct pool             *p = w->pool;
    const struct spawn_order order = {.worker = w->index,
                                      .generation = p->generations + 1,
                                      .slots = p->slots,
                                      .heartbeat_ms = p->heartbeat_ms};

    if (link_expect(&w->link, p->zmq, p->setup->run_dir, w->index, e)) return e->code;
    if (spawn_worker(p->setup, &order, &w->pid, e)) {
        link_end(&w->link);
        return e->code;
    }
    return E_OK;
}

static void
start(struct worker *w, int64_t boot_ms)
{
    struct pool *p = w->pool;
    struct err   e;

    if (start_process(w, &e)) {
        w->act_at_boot_ms = deaths_note(&p->deaths, boot_ms + NOT_STARTED_MS);
        log_error("worker not started", "worker=%u error=%s", w->index, log_quote(e.msg));
        return;
    }
    w->phase = PHASE_LIVE;
    w->generation = ++p->generations;
    w->is_restart_wanted = false;
    link_begin(&w->link, w->index, w->generation);
    p->starts++;
    struct input in = about(w, INPUT_WORKER_STARTED);
    in.slots = (uint32_t)p->slots;
    inputs_push(p->inputs, &in);
    log_info("worker started", "worker=%u generation=%" PRIu64 " pid=%d", w->index, w->generation,
             (int)w->pid);
}

/* ---- end ----------------------------------------------------------------------------------- */

static void
terminate(struct worker *w, int64_t kill_boot_ms)
{
    (void)kill(w->pid, SIGTERM); /* it is our child and not reaped: the pid is its own */
    w->phase = PHASE_ENDING;
    w->act_at_boot_ms = kill_boot_ms;
}

static void
kill_process(struct worker *w)
{
    (void)kill(w->pid, SIGKILL);
    w->phase = PHASE_KILLED;
}

static void
retire(struct worker *w)
{
    const struct input in = about(w, INPUT_WORKER_RETIRE);

    w->phase = PHASE_RETIRING;
    inputs_push(w->pool->inputs, &in);
}

static void
on_end(struct worker *w, const siginfo_t *how, int64_t boot_ms)
{
    struct pool *p = w->pool;
    bool         is_planned = w->phase == PHASE_ENDING || p->is_stopping;

    log_at(is_planned ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "worker ended",
           "worker=%u generation=%" PRIu64 " pid=%d %s=%d phase=%s", w->index, w->generation,
           (int)w->pid, death_word(how), how->si_status, phase_names[w->phase]);
    w->phase = PHASE_ORPHANED;
    w->how = *how;
    w->act_at_boot_ms = is_planned ? boot_ms : deaths_note(&p->deaths, boot_ms);
    link_end(&w->link);
    deaths_say(&p->deaths, "worker pool", boot_ms);
}

static void
reap(struct pool *p, int64_t boot_ms)
{
    for (;;) {
        siginfo_t how = {0};

        if (waitid(P_ALL, 0, &how, WEXITED | WNOHANG | WNOWAIT) || how.si_pid == 0) return;
        struct worker *w = find_pid(p, how.si_pid);
        if (w) on_end(w, &how, boot_ms);
        for (size_t i = 0; i < KEPT_COUNT; i++) {
            if (how.si_pid == p->kept[i].pid)
                p->kept[i] = (struct kept){.has_ended = true, .how = how};
        }
        (void)waitid(P_PID, (id_t)how.si_pid, &how, WEXITED); /* it is there */
    }
}

static bool
is_ours(pid_t pid, void *arg)
{
    const struct pool *p = arg;

    for (size_t i = 0; i < KEPT_COUNT; i++) {
        if (pid == p->kept[i].pid) return true;
    }
    return find_pid(arg, pid) != NULL;
}

void
pool_keep(struct pool *p, enum kept_child which, pid_t child)
{
    p->kept[which] = (struct kept){.pid = child};
}

bool
pool_kept_ended(const struct pool *p, enum kept_child which, siginfo_t *how)
{
    *how = p->kept[which].how;
    return p->kept[which].has_ended;
}

static bool
any_orphaned(const struct pool *p)
{
    for (uint32_t i = 0; i < WORKERS_MAX; i++) {
        if (p->workers[i].phase == PHASE_ORPHANED) return true;
    }
    return false;
}

/* The kill of an orphan brings another SIGCHLD, and with it the next pass. */
void
pool_on_children(struct pool *p, int64_t boot_ms)
{
    reap(p, boot_ms);
    if (!any_orphaned(p) || orphans_kill(is_ours, p) > 0) return;
    for (uint32_t i = 0; i < WORKERS_MAX; i++) {
        struct worker *w = &p->workers[i];

        if (w->phase != PHASE_ORPHANED) continue;
        const struct input in = about(w, INPUT_WORKER_GONE);
        orphans_clear_evidence(p->setup->evidence, w->index);
        w->phase = PHASE_ABSENT;
        inputs_push(p->inputs, &in);
    }
}

/* ---- time ---------------------------------------------------------------------------------- */

static bool
is_wanted(const struct pool *p, const struct worker *w)
{
    return !p->is_stopping && p->is_released && w->index < p->wanted;
}

/* One at a time leaves for a restart. */
static bool
any_leaving(const struct pool *p)
{
    for (uint32_t i = 0; i < p->wanted; i++) {
        if (p->workers[i].phase > PHASE_LIVE) return true;
    }
    return false;
}

static void
step(struct worker *w, int64_t boot_ms, bool *may_leave)
{
    struct pool *p = w->pool;

    switch (w->phase) {
    case PHASE_ABSENT:
        if (is_wanted(p, w) && boot_ms >= w->act_at_boot_ms) start(w, boot_ms);
        break;
    case PHASE_LIVE:
        if (w->index >= p->wanted) {
            retire(w);
        } else if (w->is_restart_wanted && *may_leave) {
            *may_leave = false;
            retire(w);
        }
        break;
    case PHASE_ENDING:
        if (boot_ms >= w->act_at_boot_ms) kill_process(w);
        break;
    default: break;
    }
}

void
pool_on_time(struct pool *p, int64_t boot_ms)
{
    bool may_leave = !any_leaving(p);

    deaths_say(&p->deaths, "worker pool", boot_ms);
    for (uint32_t i = 0; i < WORKERS_MAX; i++)
        step(&p->workers[i], boot_ms, &may_leave);
}

int64_t
pool_deadline(const struct pool *p)
{
    int64_t first = deaths_deadline(&p->deaths);

    for (uint32_t i = 0; i < WORKERS_MAX; i++) {
        const struct worker *w = &p->workers[i];
        bool acts = w->phase == PHASE_ENDING || (w->phase == PHASE_ABSENT && is_wanted(p, w));

        if (acts && w->act_at_boot_ms < first) first = w->act_at_boot_ms;
    }
    return first;
}

/* ---- the engine's outputs ------------------------------------------------------------------ */

void
pool_send(struct pool *p, uint32_t worker, uint64_t generation, uint64_t token, struct view message)
{
    struct worker *w = find_generation(p, worker, generation);

    /* One that has ended: INPUT_WORKER_GONE settles its leases. */
    if (!w || link_send(&w->link, message)) return;
    struct input in = about(w, INPUT_SEND_FAILED);
    in.token = token;
    inputs_push(p->inputs, &in);
}

void
pool_kill(struct pool *p, uint32_t worker, uint64_t generation, const char *reason)
{
    struct worker *w = find_generation(p, worker, generation);

    if (!w || w->phase == PHASE_KILLED) return;
    log_warn("worker killed", "worker=%u generation=%" PRIu64 " pid=%d reason=%s", worker,
             generation, (int)w->pid, log_quote(reason));
    kill_process(w);
}

void
pool_on_idle(struct pool *p, uint32_t worker, uint64_t generation, int64_t boot_ms)
{
    struct worker *w = find_generation(p, worker, generation);

    if (w && w->phase == PHASE_RETIRING) terminate(w, boot_ms + RETIRED_KILL_MS);
}

/* ---- reports ------------------------------------------------------------------------------- */

bool
pool_on_report(struct pool *p, pid_t pid, zmq_msg_t *frame)
{
    struct worker *w = find_pid(p, pid);

    if (!w) return false;
    if (!link_report(&w->link, frame)) {
        pool_kill(p, w->index, w->generation, "it reports and takes no messages");
    }
    return true;
}

bool
pool_on_bad_report(struct pool *p, pid_t pid)
{
    struct worker *w = find_pid(p, pid);

    if (w) pool_kill(p, w->index, w->generation, "it sent a malformed report");
    return w != NULL;
}

/* ---- stop and status ----------------------------------------------------------------------- */

void
pool_stop(struct pool *p, int64_t kill_boot_ms)
{
    p->is_stopping = true;
    for (uint32_t i = 0; i < WORKERS_MAX; i++) {
        struct worker *w = &p->workers[i];

        if (w->phase == PHASE_LIVE || w->phase == PHASE_RETIRING) terminate(w, kill_boot_ms);
    }
}

bool
pool_is_empty(const struct pool *p)
{
    for (uint32_t i = 0; i < WORKERS_MAX; i++) {
        if (p->workers[i].phase != PHASE_ABSENT) return false;
    }
    return true;
}

bool
pool_is_degraded(const struct pool *p, int64_t boot_ms)
{
    return deaths_are_too_many(&p->deaths, boot_ms);
}

uint32_t
pool_count_wanted(const struct pool *p)
{
    return p->wanted;
}

static const char *
down_reason(const struct worker *w, int64_t boot_ms, char *text, size_t size)
{
    char how[48] = "it is not started yet";

    if (w->how.si_pid)
        (void)snprintf(how, sizeof(how), "the last one ended by %s %d", death_word(&w->how),
                       w->how.si_status);
    if (pool_is_degraded(w->pool, boot_ms)) {
        (void)snprintf(text, size, "%s; %d ended within %d s: the pool is degraded", how,
                       DEATHS_MAX, DEATHS_WINDOW_MS / 1000);
    } else {
        (void)snprintf(text, size, "%s", how);
    }
    return text;
}

uint32_t
pool_down(const struct pool *p, const struct now *now, struct buf *out)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < p->wanted; i++) {
        const struct worker *w = &p->workers[i];
        int64_t              in_ms = w->act_at_boot_ms - now->boot_ms;
        struct mp_open_map   map;
        char                 text[128];

        if (w->phase != PHASE_ABSENT || !is_wanted(p, w)) continue;
        map = mp_open(out);
        mp_put_u64(out, &map, "worker", i);
        mp_put_cstr(out, &map, "state", "down");
        mp_put_cstr(out, &map, "reason", down_reason(w, now->boot_ms, text, sizeof(text)));
        mp_put_i64(out, &map, "starts_at", now->wall_ms + (in_ms > 0 ? in_ms : 0));
        mp_close(out, &map);
        count++;
    }
    return count;
}

void
pool_status(const struct pool *p, int64_t boot_ms, struct buf *out)
{
    struct mp_open_map map = mp_open(out);
    uint32_t           live = 0;

    for (uint32_t i = 0; i < WORKERS_MAX; i++)
        live += p->workers[i].phase == PHASE_LIVE;
    mp_put_u64(out, &map, "wanted", p->wanted);
    mp_put_u64(out, &map, "live", live);
    mp_put_i64(out, &map, "slots_each", p->slots);
    mp_put_u64(out, &map, "started", p->starts);
    mp_put_u64(out, &map, "died", p->deaths.count);
    mp_put_bool(out, &map, "degraded", deaths_are_too_many(&p->deaths, boot_ms));
    mp_close(out, &map);
}
