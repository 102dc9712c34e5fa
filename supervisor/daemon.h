/* daemon - what makes a process this host's one agentd: its folders, its locks, the files that tell
 * how the last one ended, and the way into the background. */
#ifndef SUPERVISOR_DAEMON_H
#define SUPERVISOR_DAEMON_H

#include "common/err.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Creates the folder and what is missing above it; refuses one of another user, or one that others
 * may write to.  mode: of a folder that is made, and the widest that is taken. */
enum errc daemon_folder(const char *path, mode_t mode, struct err *e) MUST_CHECK;

/* ---- single instance ----------------------------------------------------------------------- */

/* The locks are held as long as the process lives: on the PID file, which says who we are, and on
 * the state folder, so that two run folders cannot share a store. */
struct daemon_lock {
    int         pid_fd;
    int         state_fd;
    const char *pid_file; /* borrowed */
    /* Found at the lock: */
    bool    was_unclean;          /* the last one left its PID file behind */
    int64_t last_sign_of_life_ms; /* of the last one, wall; 0: not known */
    /* Ours: */
    int64_t touched_boot_ms;
};

/* A second start is refused with the pid of the one that runs and since when. */
enum errc daemon_lock(struct daemon_lock *l, const char *pid_file, const char *state_dir,
                      struct err *e) MUST_CHECK;
/* The sign of life is the PID file's mtime (N9): renewed at most every 5 s. */
void daemon_touch(struct daemon_lock *l, int64_t boot_ms);
/* A clean end: removes the PID file. */
void daemon_unlock(struct daemon_lock *l);

/* ---- starts that never reached ready (N12) ------------------------------------------------- */

/* Counts this start and returns how many before it in a row never reached ready. */
unsigned daemon_count_start(const char *state_dir);
void     daemon_reached_ready(const char *state_dir);

/* ---- the process --------------------------------------------------------------------------- */

/* Subreaper, no core or ptrace by others, umask 077, descriptors up to the hard limit.
 * *oom_score: what it was before it was lowered, "" when it was not. */
void daemon_set_process(char *oom_score, size_t size);
/* Takes out of the environment what libraries would obey and what is meant for us alone. */
void daemon_clean_environment(void);

/* Goes into the background: returns in the child only.  The parent waits, passes on what the child
 * prints on standard output, and exits 0 after daemon_detach, or 1 when the child ends before.
 * *log_fd: STATE/agentd.log, opened for daemon_detach.  The working directory stays: a reload may
 * need it for the file's name. */
enum errc daemon_go_background(const char *state_dir, int *log_fd, struct err *e) MUST_CHECK;
/* Lets go of the terminal, and so of the parent; log lines go to log_fd from now on. */
void daemon_detach(int log_fd);

#endif
