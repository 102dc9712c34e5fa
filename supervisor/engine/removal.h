/* removal - companies, agents and profiles go: what refers to them, and with cascade its end. */
#ifndef ENGINE_REMOVAL_H
#define ENGINE_REMOVAL_H

#include "supervisor/engine/objects.h"
#include "supervisor/engine/turn.h"

/* E_DECLARED_IN_CONFIG for what the config file declares, E_WRONG_STATE for what is built in. */
enum errc removal_refuse_declared(const struct object_entry *o, struct err *e) MUST_CHECK;
/* E_IN_USE with a list when something refers to the object; *is_used without an error when it may
 * go with cascade. */
enum errc removal_check(struct engine *en, const struct object_entry *o, bool cascade,
                        bool *is_used, struct err *e) MUST_CHECK;
/* Cancels unfinished jobs of the object, bounded; true when none is left. */
bool removal_cancel_jobs(struct engine *en, const struct object_entry *o);

#endif
