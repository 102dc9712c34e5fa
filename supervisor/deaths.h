/* deaths - how often workers, or the gateway, may die and be replaced: a supervisor's restart
 * intensity (G8).
 *
 * The first replacement comes at once, the next ones with a growing delay; after DEATHS_MAX deaths
 * within DEATHS_WINDOW_MS there is none until the oldest of them has left the window, and the
 * pool, or the gateway, is degraded as long. */
#ifndef SUPERVISOR_DEATHS_H
#define SUPERVISOR_DEATHS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#define DEATHS_MAX       5
#define DEATHS_WINDOW_MS 60000

struct deaths {
    int64_t  at_boot_ms[DEATHS_MAX]; /* a ring */
    uint64_t count;
    bool     is_said; /* the log knows that there are too many */
};

/* "exit" or "signal": what its si_status is of. */
const char *death_word(const siginfo_t *how);

/* Notes one; when the place may be filled again. */
int64_t deaths_note(struct deaths *d, int64_t boot_ms);
/* Forgets when they were, not how many: whatever was wrong may be mended. */
void deaths_forget(struct deaths *d);
bool deaths_are_too_many(const struct deaths *d, int64_t boot_ms);
/* Logs when `of` ("gateway") has become degraded, or has recovered. */
void deaths_say(struct deaths *d, const char *of, int64_t boot_ms);
/* When it recovers by itself; INT64_MAX while it is not degraded. */
int64_t deaths_deadline(const struct deaths *d);

#endif
