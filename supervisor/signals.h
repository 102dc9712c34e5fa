/* signals - read by the loop, never handled asynchronously.
 *
 * All are blocked in every thread and read from a signalfd; what came is kept as flags until the
 * loop takes it. */
#ifndef SUPERVISOR_SIGNALS_H
#define SUPERVISOR_SIGNALS_H

#include "common/err.h"
#include "supervisor/poller.h"
#include <stdbool.h>

struct signals {
    struct watch watch;
    unsigned     stops; /* SIGTERM and SIGINT so far */
    bool         reload;
    bool         dump;
    bool         child;
    bool         continued; /* we were stopped for a while */
};

/* Before any thread is made. */
enum errc signals_open(struct signals *s, struct poller *p, struct err *e) MUST_CHECK;
void      signals_close(struct signals *s, struct poller *p);
/* *flag, and false from then on. */
bool signals_take(bool *flag);
/* For a child before exec, async-signal-safe: every disposition is the default, nothing is blocked.
 */
void signals_reset(void);

#endif
