/* pauses - companies and agents that are paused: nothing new of them starts, their schedules record
 * missed times; what runs goes on (B1).  A schedule's own pause is in its row (schedule_ops.h). */
#ifndef ENGINE_PAUSES_H
#define ENGINE_PAUSES_H

#include "supervisor/engine/objects.h"
#include "supervisor/engine/turn.h"

/* The row of a paused company or agent; false when it is not paused. */
bool pause_of(struct txn *t, uint32_t object, struct pause *out);
/* Whether the company, or the agent (0: none), is paused. */
bool is_paused(struct txn *t, uint32_t company, uint32_t agent);
/* status, paused, paused_at and pause_reason of a company or agent, into an open map. */
void pause_put(struct objects *o, const struct object *row, struct buf *b, struct mp_open_map *map);
/* A pause of a company, agent or schedule is over (from 0: nobody knows since when): what came due
 * in it and is not decided yet, since a hold, a drain or a full turn kept it, is to be missed. */
void pause_is_past(struct engine *en, uint32_t object, int64_t from_ms, int64_t until_ms);
/* Whether it was due, at_ms, in a past pause of the schedule or of whom it belongs to; *until_ms:
 * up to when the answer holds, INT64_MAX for ever. */
bool pause_was(struct engine *en, const struct schedule *run, int64_t at_ms, int64_t *until_ms);
/* When all that was due is decided, past pauses are forgotten, at most 256 a turn. */
void pauses_forget_past(struct engine *en);
/* The clock went back: those that are ahead of it now are forgotten, at most 256. */
void pauses_replan(struct engine *en);
/* The object goes. */
void pause_forget(struct txn *t, uint32_t object);

enum errc on_company_pause(struct engine *en, const struct actor *a,
                           const struct msg_company_pause *m, struct buf *reply,
                           struct err *e) MUST_CHECK;
enum errc on_company_resume(struct engine *en, const struct actor *a,
                            const struct msg_company_resume *m, struct buf *reply,
                            struct err *e) MUST_CHECK;
enum errc on_agent_pause(struct engine *en, const struct actor *a, const struct msg_agent_pause *m,
                         struct buf *reply, struct err *e) MUST_CHECK;
enum errc on_agent_resume(struct engine *en, const struct actor *a,
                          const struct msg_agent_resume *m, struct buf *reply,
                          struct err *e) MUST_CHECK;

#endif
