/* why - why a job or a schedule does not run now (A10): every predicate that holds it, by whom,
 * until when, and the smallest change that would start it.  The predicates are those of the
 * dispatch (caps.h). */
#ifndef ENGINE_WHY_H
#define ENGINE_WHY_H

#include "supervisor/engine/turn.h"

enum errc why_job(struct engine *en, struct txn *t, const struct now *now, const struct actor *a,
                  uint64_t id, struct buf *reply, struct err *e) MUST_CHECK;
enum errc why_schedule(struct engine *en, struct txn *t, const struct now *now,
                       const struct actor *a, struct view name, struct buf *reply,
                       struct err *e) MUST_CHECK;

#endif
