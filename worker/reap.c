#include "worker/reap.h"

#include "common/proc.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIDS_CAP_MIN   256
#define RSS_SURPLUS_KB 1024 /* more than the kernel's own counting is off by */

void
reaper_done(struct reaper *r)
{
    free(r->orphans);
    free(r->pids);
    *r = (struct reaper){0};
}

static struct orphan *
find_orphan(struct reaper *r, pid_t pid)
{
    for (size_t i = 0; i < r->count; i++) {
        if (r->orphans[i].pid == pid) return &r->orphans[i];
    }
    return NULL;
}

/* A child begins in our memory (N30), and the kernel's peak of it has ours of then in it: only what
 * lies above that is surely its own.  0: nobody knows. */
static uint64_t
peak_of(const struct rusage *usage)
{
    uint64_t kb = (uint64_t)usage->ru_maxrss, own_kb = proc_own_peak_kb();

    return own_kb && kb > own_kb + RSS_SURPLUS_KB ? kb : 0;
}

/* A dead child keeps its number until it is waited for, so whom the signals of tree_main_died reach
 * is certain only before that. */
static void
reap_one(struct reaper *r, struct slots *s, pid_t pid, int64_t now_ms)
{
    struct lease  *lease = slots_find_pid(s, pid);
    struct orphan *orphan = find_orphan(r, pid);
    struct rusage  usage;
    int            status = 0;

    if (lease) tree_main_died(&lease->tree, now_ms);
    if (wait4(pid, &status, WNOHANG, &usage) != pid) return;
    if (orphan) *orphan = r->orphans[--r->count];
    if (!lease) return;
    slots_drop_pid(s, lease);
    lease->tree.is_running = false;
    lease->tree.status = status;
    lease->tree.rss_kb = peak_of(&usage);
}

/* The pid of a child that has died and is not reaped; 0: none has; -1: we have no children. */
static pid_t
peek_dead(void)
{
    siginfo_t si = {0};

    if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) != 0) return -1;
    return si.si_pid;
}

void
reaper_collect(struct reaper *r, struct slots *s, int64_t now_ms)
{
    pid_t pid;

    while ((pid = peek_dead()) > 0)
        reap_one(r, s, pid, now_ms);
}

static struct lease *
owner_by_group(const struct slots *s, pid_t pid)
{
    pid_t         group = getpgid(pid);
    struct lease *owner = NULL;

    for (size_t i = 0; i < s->count; i++) {
        struct lease *lease = s->active[i];

        if (group <= 0 || lease->tree.pid != group) continue;
        if (!owner || lease->order > owner->order) owner = lease; /* a number can come again */
    }
    return owner;
}

static struct lease *
owner_by_environ(const struct slots *s, pid_t pid)
{
    char name[LEASE_NAME_MAX + 1];

    if (!proc_environ(pid, "AGENTD_LEASE", name, sizeof(name))) return NULL;
    for (size_t i = 0; i < s->count; i++) {
        if (s->active[i]->tree.pid != 0 && strcmp(s->active[i]->name, name) == 0) {
            return s->active[i];
        }
    }
    return NULL;
}

static bool
some_handler_runs(const struct slots *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->active[i]->tree.is_running) return true;
    }
    return false;
}

static struct orphan *
add_orphan(struct reaper *r, const struct slots *s, pid_t pid, int64_t now_ms)
{
    if (r->count == r->cap) {
        r->cap = r->cap ? r->cap * 2 : 16;
        r->orphans = xrealloc(r->orphans, r->cap * sizeof(*r->orphans));
    }
    struct orphan *o = &r->orphans[r->count++];
    *o = (struct orphan){
        .pid = pid,
        .seen = s->order,
        .kill_at_ms = some_handler_runs(s) ? now_ms + UNKNOWN_GRACE_MS : now_ms,
    };
    return o;
}

static void
look_at_orphan(struct reaper *r, const struct slots *s, pid_t pid, int64_t now_ms)
{
    struct orphan *o = find_orphan(r, pid);

    if (!o) o = add_orphan(r, s, pid, now_ms);
    if (!o->owner && !o->is_killed) o->owner = owner_by_group(s, pid);
    if (!o->owner && !o->is_killed) o->owner = owner_by_environ(s, pid);
    int64_t kill_at_ms = o->owner ? o->owner->tree.kill_at_ms : o->kill_at_ms;
    if (o->is_killed || kill_at_ms > now_ms) return;
    (void)proc_kill_tree(pid, 0); /* who escapes this pass becomes our child and is seen then */
    (void)kill(pid, SIGKILL);
    o->is_killed = true;
}

static size_t
list_children(struct reaper *r)
{
    for (;;) {
        size_t count = proc_children(getpid(), r->pids, r->pids_cap);

        if (count < r->pids_cap) return count;
        r->pids_cap = r->pids_cap ? r->pids_cap * 2 : PIDS_CAP_MIN;
        r->pids = xrealloc(r->pids, r->pids_cap * sizeof(*r->pids));
    }
}

static bool
has_left(const struct reaper *r, const struct lease *lease)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct orphan *o = &r->orphans[i];

        if (o->owner ? o->owner == lease : o->seen >= lease->order) return true;
    }
    return false;
}

static bool
some_tree_ends(const struct slots *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (tree_is_ending(&s->active[i]->tree)) return true;
    }
    return false;
}

void
reaper_settle(struct reaper *r, struct slots *s, int64_t now_ms)
{
    if (!some_tree_ends(s) && r->count == 0) return;
    if (peek_dead() >= 0) {
        size_t count = list_children(r);

        for (size_t i = 0; i < count; i++) {
            if (!slots_find_pid(s, r->pids[i])) look_at_orphan(r, s, r->pids[i], now_ms);
        }
    }
    for (size_t i = 0; i < s->count; i++) {
        struct tree *t = &s->active[i]->tree;

        if (tree_is_ending(t) && !has_left(r, s->active[i])) t->is_gone = true;
    }
}

int64_t
reaper_deadline(const struct reaper *r)
{
    int64_t at = NEVER;

    for (size_t i = 0; i < r->count; i++) {
        const struct orphan *o = &r->orphans[i];

        if (!o->owner && !o->is_killed && o->kill_at_ms < at) at = o->kill_at_ms;
    }
    return at;
}

/* How many it reaped; -1 when we have no child left. */
static int
reap_the_dead(void)
{
    int   count = 0;
    pid_t pid;

    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
        count++;
    return pid < 0 ? -1 : count;
}

/* A pass misses what is forked behind its back, and that becomes our child when its parent dies. So
 * we sleep only after a pass since which nobody has died: then a parent of whatever was missed is
 * still to die, and wakes us. */
void
reaper_kill_all(void)
{
    int count;

    do {
        (void)proc_kill_tree(getpid(), 0);
        count = reap_the_dead();
        if (count == 0) (void)waitpid(-1, NULL, 0); /* whom it is, does not matter */
    } while (count >= 0);
}
