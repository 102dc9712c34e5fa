/* agents - how each agent does: jobs that have not ended, when it was last seen, its last result,
 * and whether it lives (B2).
 *
 * alive: a job of it runs.  stale, dead: it has heartbeat schedules and was silent for
 * limits.stale_after or dead_after of their shortest interval, counted from the later of when it
 * was last seen and agentd's start; one event each time.  A paused agent is neither.
 *
 * Rows live in the turn's memory and are written once, at its end. */
#ifndef ENGINE_AGENTS_H
#define ENGINE_AGENTS_H

#include "supervisor/engine/turn.h"

struct agent_turn {
    struct agent       row, stored;
    bool               is_new, is_gone;
    struct agent_turn *next;
};

/* The row of an agent, for its counters; NULL when there is no such agent. */
struct agent *agent_row(struct engine *en, uint32_t id);
void          agent_forget(struct engine *en, uint32_t id);
/* A job of it moved from state `before`. */
void agent_job_moved(struct engine *en, const struct job_state *j, enum job_state_id before);
/* A job of it reported; id 0: of no agent. */
void agent_seen(struct engine *en, uint32_t id);
/* Its heartbeat schedules changed. */
void agent_beats_changed(struct engine *en, uint32_t id);
void agent_resumed(struct engine *en, uint32_t id);

/* Due work: agents whose silence has lasted. */
void    agents_due(struct engine *en);
int64_t agents_deadline(struct engine *en);
/* Writes what the turn changed. */
void agents_flush(struct engine *en);

/* state, last_seen, last_result, current_job and open_jobs into an open map. */
void agent_put(struct objects *o, uint32_t id, struct buf *b, struct mp_open_map *map);

#endif
