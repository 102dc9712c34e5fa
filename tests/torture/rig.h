/* rig - the folder of a run, and the agentd in it, started again and again. */
#ifndef TESTS_RIG_H
#define TESTS_RIG_H

#include "tests/torture/lives.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define READY_WAIT_MS 30000
#define STOP_WAIT_MS  20000
#define WORKERS       4

struct rig {
    const char  *build;
    char         folder[64];
    char         run[80];
    pid_t        pid; /* 0: not running */
    int          out; /* its standard output */
    int64_t      started_ms;
    bool         is_ready;
    char         line[256]; /* what it has printed so far */
    size_t       line_size;
    int64_t     *ready_ms; /* of all starts that became ready: how long it took */
    size_t       readies;
    size_t       starts;
    unsigned     own_ends; /* that nobody asked for */
    struct lives lives;
    /* Told of the end of every other child of ours. */
    void (*on_end)(pid_t pid, int status, void *arg);
    void *on_end_arg;
};

/* Makes the folder. */
void rig_make(struct rig *r, const char *build);
/* A port of 127.0.0.1 that is free, and that no connection is given meanwhile. */
int rig_free_port(void);
/* Removes the folder, or leaves it as evidence. */
void rig_remove(struct rig *r, bool is_kept);

void rig_start(struct rig *r);
/* Takes what it printed, reaps what has ended; an end that nobody asked for is a break, and it is
 * started again; too many, or a start that never becomes ready, end the run. */
void rig_step(struct rig *r);
/* Steps until it is ready. */
void rig_wait_ready(struct rig *r);
void rig_kill(struct rig *r);
/* SIGTERM; anything but code 0 in time is a break. */
void rig_stop(struct rig *r);

/* A pause in which what has ended is reaped, for when no agentd is there. */
void rig_reap(struct rig *r);
/* Processes that still belong to this run, as breaks: with all jobs at their end, those of
 * handlers; when no agentd is there, all that have its folder in their arguments, too. */
void    rig_check_nothing_left(const struct rig *r);
int64_t rig_now_ms(void);

#endif
