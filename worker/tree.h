/* tree - the process tree of one lease: its main process and everything that comes from it.
 *
 *     running ──stop──▶ stopping (TERM was sent) ──grace over──▶ being killed ─┐
 *        └────────────────── main process exits ──────────────▶ being killed ─┴─▶ gone
 *
 * The number of the main process, which is also its group's, is surely the tree's only until that
 * process is reaped; so nothing is sent to the group after that. */
#ifndef WORKER_TREE_H
#define WORKER_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define NEVER INT64_MAX

struct tree {
    pid_t    pid;        /* of the main process; 0: there never was one */
    bool     is_running; /* the main process is not reaped */
    bool     is_gone;    /* nothing of the tree is left */
    bool     is_killed;  /* what could be reached at kill_at_ms was KILLed */
    int      status;     /* of the main process, as wait gives it, once reaped */
    uint64_t rss_kb;     /* its peak; 0: not known */
    int64_t  kill_at_ms; /* boot time from which whatever is left is KILLed; NEVER */
};

void tree_begin(struct tree *t, pid_t pid);
/* TERM to the group, KILL after grace_ms.  Once more: the earlier KILL counts. */
void tree_stop(struct tree *t, int64_t grace_ms, int64_t now_ms);
/* KILLs the group and what descends from the main process, if that is still there. */
void tree_kill(struct tree *t);
/* The main process is dead but not yet reaped: unless it was stopped and has grace left, the rest
 * of its group is KILLed. */
void tree_main_died(struct tree *t, int64_t now_ms);
/* The main process is gone and something of the tree may be left. */
bool tree_is_ending(const struct tree *t);

#endif
