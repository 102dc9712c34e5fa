#include "tests/torture/killer.h"

#include "common/mem.h"
#include "common/proc.h"
#include "tests/torture/config.h"
#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#define CHILDREN_MAX  64
#define EARLY_MS      40   /* about what a start takes */
#define BURST_MS      60   /* longer than a client's longest pause */
#define LIFE_MS       1200 /* of most lives, at most */
#define LONG_LIFE_MS  4000
#define DOWN_PART     8 /* percent of the ends that are not followed by a start at once */
#define DOWN_MS       3000
#define TERM_PART     10 /* percent of the ends that are planned … */
#define CALM_PART     70 /* … and of those that would make a crash loop, or go on with one */
#define STORM_PART    4  /* percent of the lives in which worker after worker is killed … */
#define STORM_MS      1500
#define STORM_KILL_MS 100 /* … one each */
#define ACCIDENT_MS   500 /* between two accidents, on average */
#define GATEWAY_PART  12  /* percent of them are the death of the gateway */

void
killer_init(struct killer *k, struct rig *r, uint64_t seed, atomic_bool *burst)
{
    *k = (struct killer){.rig = r, .dice = dice_of(seed, 1), .burst = burst};
}

/* ---- accidents ------------------------------------------------------------------------------- */

/* Its descriptor; -1 when it is no child of `parent` any more. */
static int
open_process(pid_t child, pid_t parent)
{
    int fd = pidfd_open(child, 0);

    /* Looked at again behind the open: it is that child or nobody. */
    if (fd >= 0 && proc_parent(child) == parent) return fd;
    if (fd >= 0) (void)close(fd);
    return -1;
}

/* A child of `parent` and its descriptor, -1 when there is none. */
static int
open_child(struct killer *k, pid_t parent, pid_t *child)
{
    pid_t  children[CHILDREN_MAX];
    size_t n = proc_children(parent, children, CHILDREN_MAX);

    if (n == 0) return -1;
    *child = children[dice_below(&k->dice, n < CHILDREN_MAX ? n : CHILDREN_MAX)];
    return open_process(*child, parent);
}

/* By the first of its arguments. */
static bool
is_program(pid_t pid, const char *program)
{
    FREE_AUTO char *path = xasprintf("/proc/%d/cmdline", (int)pid);
    char            name[32] = "";
    int             fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) return false;
    ssize_t n = read(fd, name, sizeof(name) - 1);
    (void)close(fd);
    return n > 0 && strcmp(name, program) == 0;
}

static bool
is_gateway(pid_t pid)
{
    return is_program(pid, "agent-gateway");
}

/* Likewise agentd's gateway. */
static int
open_gateway(struct killer *k, pid_t *gateway)
{
    pid_t  children[CHILDREN_MAX];
    size_t n = proc_children(k->rig->pid, children, CHILDREN_MAX);

    for (size_t i = 0; i < n && i < CHILDREN_MAX; i++) {
        if (!is_gateway(children[i])) continue;
        *gateway = children[i];
        return open_process(*gateway, k->rig->pid);
    }
    return -1;
}

/* Not one that has yet to become another program than agentd: it has agentd's locks, and would keep
 * the next agentd out for as long as it is stopped. */
static void
stop_worker(struct killer *k, int fd, pid_t worker)
{
    if (k->nstopped == STOPPED_MAX || is_program(worker, "agentd") ||
        pidfd_send_signal(fd, SIGSTOP, NULL, 0)) {
        (void)close(fd);
        return;
    }
    k->stopped[k->nstopped++] =
        (struct stopped){fd, rig_now_ms() + (int64_t)dice_below(&k->dice, 2 * STOPPED_MS)};
    k->workers_stopped++;
}

static void
kill_handler(struct killer *k, int fd)
{
    if (pidfd_send_signal(fd, SIGKILL, NULL, 0) == 0) k->handlers_killed++;
    (void)close(fd);
}

/* A worker, or the gateway. */
static void
kill_child(struct killer *k, int fd, pid_t child)
{
    unsigned  n = k->workers_killed + k->gateways_killed;
    unsigned *count = is_gateway(child) ? &k->gateways_killed : &k->workers_killed;

    if (pidfd_send_signal(fd, SIGKILL, NULL, 0) == 0) {
        k->killed = xrealloc(k->killed, (n + 1) * sizeof(*k->killed));
        k->killed[n] = (struct killed){k->rig->pid, child};
        *count += 1;
    }
    (void)close(fd);
}

bool
killer_has_killed(const struct killer *k, pid_t agentd, pid_t child)
{
    for (unsigned i = 0; i < k->workers_killed + k->gateways_killed; i++) {
        if (k->killed[i].agentd == agentd && k->killed[i].child == child) return true;
    }
    return false;
}

static void
accident(struct killer *k)
{
    pid_t    worker = 0, handler = 0;
    unsigned what = (unsigned)dice_below(&k->dice, 100);
    int fd = what < GATEWAY_PART ? open_gateway(k, &worker) : open_child(k, k->rig->pid, &worker);

    if (fd < 0) return;
    if (what < 35) {
        kill_child(k, fd, worker);
    } else if (what < 55) {
        stop_worker(k, fd, worker);
    } else {
        (void)close(fd);
        fd = open_child(k, worker, &handler);
        if (fd >= 0) kill_handler(k, fd);
    }
}

static void
continue_stopped(struct killer *k, int64_t now_ms)
{
    for (size_t i = k->nstopped; i-- > 0;) {
        struct stopped *s = &k->stopped[i];

        if (s->continue_at_ms > now_ms) continue;
        (void)pidfd_send_signal(s->fd, SIGCONT, NULL, 0); /* it may be dead by now */
        (void)close(s->fd);
        *s = k->stopped[--k->nstopped];
    }
}

/* ---- lives ----------------------------------------------------------------------------------- */

static void
live(struct killer *k, int64_t life_ms)
{
    int64_t end_ms = rig_now_ms() + life_ms, accident_ms = rig_now_ms();

    accident_ms += (int64_t)dice_below(&k->dice, 2 * ACCIDENT_MS);
    while (rig_now_ms() < end_ms) {
        atomic_store(k->burst, end_ms - rig_now_ms() < BURST_MS);
        rig_step(k->rig);
        continue_stopped(k, rig_now_ms());
        if (rig_now_ms() < accident_ms) continue;
        accident(k);
        accident_ms = rig_now_ms() + (int64_t)dice_below(&k->dice, 2 * ACCIDENT_MS);
    }
}

/* Workers die faster than they may be replaced (G8). */
static void
storm(struct killer *k)
{
    int64_t end_ms = rig_now_ms() + STORM_MS, kill_ms = rig_now_ms();
    pid_t   worker = 0;

    while (rig_now_ms() < end_ms) {
        rig_step(k->rig);
        if (!k->rig->is_ready || rig_now_ms() < kill_ms) continue;
        int fd = open_child(k, k->rig->pid, &worker);
        if (fd >= 0) kill_child(k, fd, worker);
        kill_ms = rig_now_ms() + STORM_KILL_MS;
    }
}

/* Long enough for schedules to miss times. */
static void
stay_down(struct killer *k, int64_t down_ms)
{
    int64_t end_ms = rig_now_ms() + down_ms;

    while (rig_now_ms() < end_ms) {
        rig_reap(k->rig);
        continue_stopped(k, rig_now_ms());
    }
}

static int64_t
pick_life(struct killer *k)
{
    uint64_t what = dice_below(&k->dice, 100);

    if (what < 20) return (int64_t)dice_below(&k->dice, EARLY_MS);
    if (what < 28) return (int64_t)dice_below(&k->dice, LONG_LIFE_MS);
    return (int64_t)dice_below(&k->dice, LIFE_MS);
}

void
killer_round(struct killer *k)
{
    if (dice_percent(&k->dice, STORM_PART)) {
        storm(k);
    } else {
        live(k, pick_life(k));
    }
    atomic_store(k->burst, false);
    assert(k->rig->pid > 0);
    if (dice_percent(&k->dice, k->rig->lives.unclean + 1 >= HOLDS_AT ? CALM_PART : TERM_PART)) {
        rig_stop(k->rig);
        k->terms++;
    } else {
        k->early_kills += !k->rig->is_ready;
        k->kills++;
        rig_kill(k->rig);
    }
    if (dice_percent(&k->dice, DOWN_PART)) stay_down(k, (int64_t)dice_below(&k->dice, DOWN_MS));
    rig_start(k->rig);
}

void
killer_done(struct killer *k)
{
    continue_stopped(k, INT64_MAX);
}

void
killer_free(struct killer *k)
{
    free(k->killed);
}
