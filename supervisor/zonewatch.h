/* zonewatch - an update of the system's time zones is noticed while agentd runs (C1): some time
 * after the last change below their folder, those that the engine knows are read again.
 *
 * A start and a reload read them anyway, so what cannot be watched is only noticed later. */
#ifndef SUPERVISOR_ZONEWATCH_H
#define SUPERVISOR_ZONEWATCH_H

#include "supervisor/inputs.h"
#include "supervisor/poller.h"

#define ZONEWATCH_SETTLE_MS 2000 /* a package that is unpacked changes one file after the other */

struct zonewatch {
    struct watch   changes; /* inotify */
    struct watch   settled; /* a timer */
    struct inputs *inputs;
    struct store  *store;
};

enum errc zonewatch_open(struct zonewatch *z, struct poller *p, struct inputs *q,
                         struct store *store, struct err *e) MUST_CHECK;
void      zonewatch_close(struct zonewatch *z, struct poller *p);

#endif
