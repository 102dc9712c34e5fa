/* check_sessions - the counters of sessions counted again from their events (A12). */
#ifndef ENGINE_CHECK_SESSIONS_H
#define ENGINE_CHECK_SESSIONS_H

#include "supervisor/store/store.h"

/* problem is called with a sentence for each finding; `cancel` is looked at between rows. */
void check_sessions(struct txn *t, void (*problem)(const char *sentence, void *arg), void *arg,
                    const bool *cancel);

#endif
