#include "worker/tree.h"

#include "common/proc.h"
#include <signal.h>

void
tree_begin(struct tree *t, pid_t pid)
{
    *t = (struct tree){.pid = pid, .is_running = true, .kill_at_ms = NEVER};
}

void
tree_stop(struct tree *t, int64_t grace_ms, int64_t now_ms)
{
    int64_t kill_at_ms = now_ms + grace_ms;

    if (t->is_running && t->kill_at_ms == NEVER) {
        (void)kill(-t->pid, SIGTERM); /* or it has died */
        (void)kill(-t->pid, SIGCONT); /* one that is stopped could not heed it */
    }
    if (kill_at_ms < t->kill_at_ms) t->kill_at_ms = kill_at_ms;
}

void
tree_kill(struct tree *t)
{
    t->is_killed = true;
    if (!t->is_running) return;
    (void)kill(-t->pid, SIGKILL); /* all of them at once, so that none can fork on */
    (void)proc_kill_tree(t->pid, 0);
    (void)kill(t->pid, SIGKILL); /* it may have left its group */
}

void
tree_main_died(struct tree *t, int64_t now_ms)
{
    if (t->kill_at_ms == NEVER) t->kill_at_ms = now_ms;
    if (t->kill_at_ms > now_ms) return;
    t->is_killed = true;
    (void)kill(-t->pid, SIGKILL);
}

bool
tree_is_ending(const struct tree *t)
{
    return t->pid != 0 && !t->is_running && !t->is_gone;
}
