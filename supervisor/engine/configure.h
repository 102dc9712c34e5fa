/* configure - what the config file declares becomes objects; the difference is the plan (N35).
 *
 * A reload touches objects of origin config only: gone from the file is removed, changed is
 * replaced, an object of the same name made through the API is an error in the plan. */
#ifndef ENGINE_CONFIGURE_H
#define ENGINE_CONFIGURE_H

#include "supervisor/engine/turn.h"

/* INPUT_CONFIG: checks all, then writes all, then replies {applied, plan}.  The first one of a
 * process is its start's: what it would remove and unfinished work needs stays, with a warning, and
 * fires no more; what it would make and a name that is not free bars is not made, with a warning. A
 * later one is refused in both cases, unless it is the same configuration `again`. */
enum errc configure_apply(struct engine *en, const struct input *in, struct buf *reply,
                          struct err *e) MUST_CHECK;
/* Lines of `status` for what the start left, and for what it could not make. */
void configure_warn(const struct memory *m, struct objects *o, const struct actor *a,
                    struct buf *lines);
/* The limits of the store into memory. */
void configure_load_limits(struct engine *en);
/* Company `default` and the handlers noop, echo and sleep, made with the store. */
void configure_builtins(struct engine *en);
/* The sink `gateway`, made at the start of every store that has none. */
void configure_builtin_sink(struct engine *en);

#endif
