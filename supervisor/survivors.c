#include "supervisor/survivors.h"

#include "common/log.h"
#include "common/proc.h"
#include <assert.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#define GRACE_MS      5000  /* old workers end what they run */
#define OVERDUE_MS    10000 /* for processes that KILL does not end */
#define PASS_MS       200   /* to the next pass when a process could not be watched */
#define ANCESTORS_MAX 64

void
survivors_init(struct survivors *s, struct poller *poller, struct inputs *inputs,
               const struct evidence *evidence, uint64_t incarnation)
{
    memset(s, 0, sizeof(*s));
    s->poller = poller;
    s->inputs = inputs;
    s->evidence = evidence;
    s->incarnation = incarnation;
    s->act_at_boot_ms = INT64_MAX;
    for (size_t i = 0; i < PREY_MAX; i++)
        s->prey[i].watch.fd = -1;
}

static void
let_go(struct survivors *s, struct prey *p)
{
    int fd = p->watch.fd;

    poller_unwatch(s->poller, &p->watch);
    (void)close(fd);
    s->preys--;
}

void
survivors_done(struct survivors *s)
{
    for (size_t i = 0; i < PREY_MAX; i++) {
        if (s->prey[i].watch.fd >= 0) let_go(s, &s->prey[i]);
    }
    buf_done(&s->tokens);
    buf_done(&s->alive);
}

static void
add_token(struct buf *list, uint64_t token)
{
    buf_add(list, &token, sizeof(token));
}

static bool
has_token(const struct buf *list, uint64_t token)
{
    for (size_t at = 0; at < list->size; at += sizeof(token)) {
        if (memcmp(list->data + at, &token, sizeof(token)) == 0) return true;
    }
    return false;
}

void
survivors_add_lease(struct survivors *s, uint64_t token)
{
    const struct input in = {.kind = INPUT_LEASE_GONE, .token = token};

    if (s->phase == SURVIVORS_DONE) {
        inputs_push(s->inputs, &in);
        return;
    }
    add_token(&s->tokens, token);
    s->is_pass_due = true;
}

/* ---- finding ------------------------------------------------------------------------------- */

static void
on_end(void *arg)
{
    struct prey      *p = arg;
    struct survivors *s = p->hunt;

    let_go(s, p);
    if (s->preys == 0) s->is_pass_due = true;
}

static bool
is_watched(const struct survivors *s, pid_t pid)
{
    for (size_t i = 0; i < PREY_MAX; i++) {
        if (s->prey[i].watch.fd >= 0 && s->prey[i].pid == pid) return true;
    }
    return false;
}

/* Takes the pidfd.  NULL when it cannot be watched: then a pass by time looks again. */
static struct prey *
watch(struct survivors *s, pid_t pid, pid_t pgid, int fd)
{
    struct err e;

    for (size_t i = 0; i < PREY_MAX; i++) {
        struct prey *p = &s->prey[i];

        if (p->watch.fd >= 0) continue;
        if (poller_watch(s->poller, &p->watch, fd, on_end, p, &e)) break;
        p->hunt = s;
        p->pid = pid;
        p->pgid = pgid;
        p->is_worker = false;
        s->preys++;
        return p;
    }
    (void)close(fd);
    return NULL;
}

/* With everything below it; its children first, while they can be found by it. */
static void
kill_prey(struct survivors *s, const struct prey *p)
{
    (void)proc_kill_tree(p->pid, p->pgid);
    if (pidfd_send_signal(p->watch.fd, SIGKILL, NULL, 0) == 0) s->killed++;
    log_warn("process of an earlier run killed", "pid=%d", (int)p->pid);
}

/* The process that a record names: its pidfd, or -1.  Looked at again behind the open, so that the
 * descriptor is that process's and no later one's. */
static int
open_recorded(const struct evidence_record *r)
{
    if (!evidence_is_alive(r)) return -1;
    int fd = pidfd_open((pid_t)r->pid, 0);
    if (fd >= 0 && !evidence_is_alive(r)) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static void
take_recorded(struct survivors *s, const struct evidence_record *r, bool is_worker, bool is_killed)
{
    if (is_watched(s, (pid_t)r->pid)) return;
    int fd = open_recorded(r);
    if (fd < 0) return;
    struct prey *p = watch(s, (pid_t)r->pid, (pid_t)r->pgid, fd);
    if (!p) return;
    p->is_worker = is_worker;
    if (is_killed) kill_prey(s, p);
}

static void
take_workers(struct survivors *s, bool is_killed)
{
    for (size_t i = 0; i < WORKERS_MAX; i++)
        take_recorded(s, &s->evidence->workers[i], true, is_killed);
}

static void
take_leases(struct survivors *s)
{
    for (size_t i = 0; i < SLOTS_MAX; i++) {
        const struct evidence_record *r = &s->evidence->leases[i];

        if (!evidence_is_alive(r)) continue;
        add_token(&s->alive, r->token);
        take_recorded(s, r, false, true);
    }
}

static bool
is_below_us(pid_t pid)
{
    for (int i = 0; i < ANCESTORS_MAX && pid > 1; i++) {
        if (pid == getpid()) return true;
        pid = proc_parent(pid);
    }
    return false;
}

/* The token of "INCARNATION-TOKEN" when it is of our store; 0: not ours. */
static uint64_t
token_of(const struct survivors *s, const char *lease)
{
    uint64_t incarnation, token;
    int      used = 0;

    if (sscanf(lease, "%16" SCNx64 "-%20" SCNu64 "%n", &incarnation, &token, &used) != 2) return 0;
    return lease[used] == '\0' && incarnation == s->incarnation ? token : 0;
}

static bool
visit(pid_t pid, void *arg)
{
    struct survivors *s = arg;
    char              lease[64];
    uint64_t          token;

    if (!proc_environ(pid, "AGENTD_LEASE", lease, sizeof(lease))) return true;
    if ((token = token_of(s, lease)) == 0 || proc_is_zombie(pid) || is_below_us(pid)) return true;
    add_token(&s->alive, token);
    if (is_watched(s, pid)) return true;
    int fd = pidfd_open(pid, 0);
    /* Read again behind the open: it may have been another process before. */
    if (fd < 0 || !proc_environ(pid, "AGENTD_LEASE", lease, sizeof(lease)) ||
        token_of(s, lease) != token) {
        if (fd >= 0) (void)close(fd);
        return true;
    }
    struct prey *p = watch(s, pid, 0, fd);
    if (p) kill_prey(s, p);
    return true;
}

/* ---- passes -------------------------------------------------------------------------------- */

static bool
any_worker_left(const struct survivors *s)
{
    for (size_t i = 0; i < PREY_MAX; i++) {
        if (s->prey[i].watch.fd >= 0 && s->prey[i].is_worker) return true;
    }
    return false;
}

/* A worker that still lives may be about to start what it was sent. */
static void
answer_leases(struct survivors *s)
{
    struct buf left = {0};

    if (any_worker_left(s)) return;
    for (size_t at = 0; at < s->tokens.size; at += sizeof(uint64_t)) {
        struct input in = {.kind = INPUT_LEASE_GONE};

        memcpy(&in.token, s->tokens.data + at, sizeof(in.token));
        if (has_token(&s->alive, in.token)) {
            add_token(&left, in.token);
        } else {
            inputs_push(s->inputs, &in);
        }
    }
    buf_done(&s->tokens);
    s->tokens = left;
}

static void
finish(struct survivors *s)
{
    for (size_t i = 0; !s->is_overdue && i < WORKERS_MAX; i++)
        evidence_clear(&s->evidence->workers[i]);
    for (size_t i = 0; !s->is_overdue && i < SLOTS_MAX; i++)
        evidence_clear(&s->evidence->leases[i]);
    s->phase = SURVIVORS_DONE;
    log_info("nothing of an earlier run is left", "killed=%" PRIu64, s->killed);
}

/* Everything that is found is killed and watched; what it misses the next pass finds. */
static void
pass(struct survivors *s, int64_t boot_ms)
{
    s->is_pass_due = false;
    buf_clear(&s->alive);
    if (!s->is_overdue) {
        take_workers(s, true);
        take_leases(s);
    }
    proc_each(visit, s);
    answer_leases(s);
    bool is_any_end_told = s->preys > 0 || s->alive.size == 0;
    s->act_at_boot_ms = is_any_end_told ? INT64_MAX : boot_ms + PASS_MS;
    if (s->preys == 0 && s->alive.size == 0) finish(s);
}

static void
begin_killing(struct survivors *s, int64_t boot_ms)
{
    s->phase = SURVIVORS_KILLING;
    s->is_pass_due = true;
    s->overdue_at_boot_ms = boot_ms + OVERDUE_MS;
    for (size_t i = 0; i < PREY_MAX; i++) {
        if (s->prey[i].watch.fd >= 0) kill_prey(s, &s->prey[i]);
    }
}

void
survivors_begin(struct survivors *s, int64_t boot_ms)
{
    assert(s->phase == SURVIVORS_IDLE);
    take_workers(s, false);
    if (s->preys == 0) {
        begin_killing(s, boot_ms);
        return;
    }
    log_info("workers of an earlier run are ending", "count=%zu", s->preys);
    s->phase = SURVIVORS_WAITING;
    s->act_at_boot_ms = boot_ms + GRACE_MS;
}

void
survivors_on_time(struct survivors *s, int64_t boot_ms)
{
    if (s->phase == SURVIVORS_WAITING && (s->preys == 0 || boot_ms >= s->act_at_boot_ms)) {
        begin_killing(s, boot_ms);
    }
    if (s->phase != SURVIVORS_KILLING) return;
    if (s->is_pass_due || boot_ms >= s->act_at_boot_ms) pass(s, boot_ms);
    if (s->phase == SURVIVORS_DONE || s->is_overdue || boot_ms < s->overdue_at_boot_ms) return;
    s->is_overdue = true;
    log_error("processes of an earlier run do not end", "watched=%zu", s->preys);
}

int64_t
survivors_deadline(const struct survivors *s)
{
    int64_t at = s->act_at_boot_ms;

    if (s->phase == SURVIVORS_IDLE || s->phase == SURVIVORS_DONE) return INT64_MAX;
    if (s->phase == SURVIVORS_WAITING) return s->preys == 0 ? 0 : at;
    if (s->is_pass_due) return 0;
    return !s->is_overdue && s->overdue_at_boot_ms < at ? s->overdue_at_boot_ms : at;
}

bool
survivors_leave_room(const struct survivors *s)
{
    return s->phase == SURVIVORS_DONE || s->is_overdue;
}
