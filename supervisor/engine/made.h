/* made - how much an agent has made by its effects (B7), counted in its AGENT row: schedules not
 * yet removed, wake-ups not yet started, effects that wait for approval; and when a person last
 * dealt with it. */
#ifndef ENGINE_MADE_H
#define ENGINE_MADE_H

#include "supervisor/engine/turn.h"

/* The agent's row; zeroed but for its id when there is none yet. */
struct agent made_row(struct engine *en, uint32_t agent);
void         made_schedules(struct engine *en, uint32_t agent, int change);
void         made_wakes(struct engine *en, uint32_t agent, int change);
/* Effects that wait for approval. */
void made_asked(struct engine *en, uint32_t agent, int change);
/* A job that an agent made (JOB_FLAG_AGENT_MADE) starts or ends: it is counted no more. */
void made_wake_over(struct engine *en, uint64_t job);
/* A person dealt with the agent. */
void made_answered(struct engine *en, uint32_t agent);
/* Whether nobody has dealt with the agent for agent_unanswered_ms, since the schedule was made. */
bool made_is_unanswered(struct engine *en, uint32_t agent, int64_t created_at);

#endif
