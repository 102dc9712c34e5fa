/* chain - what caused what (A15, N24): a job's parent, its chain's root, how deep it stands, and
 * the agents that caused it, first to last.
 *
 * A wake-up by an effect makes an edge from the agent that ended to the agent that is woken.  An
 * edge that a chain takes a second time is a cycle: it is cut, and both agents live on.  A chain of
 * agents that wake each other ends at chain_depth_max, and makes at most chain_rate_max wake-ups in
 * a minute.  Schedules and snoozes begin no edge: an agent's own timers are bounded elsewhere. */
#ifndef ENGINE_CHAIN_H
#define ENGINE_CHAIN_H

#include "supervisor/engine/turn.h"

#define CHAIN_AGENTS_MAX 16

/* The new job's parent, root, depth and chain, as those of a job that `parent` causes. */
void chain_follow(struct engine *en, const struct job_spec *parent, struct job_spec *s);
/* A parent that a client named: a job of the company (E_DENIED: and of its sessions, for one who
 * speaks of some only), not too deep.  Fills as chain_follow. */
enum errc chain_of_submit(struct engine *en, const struct actor *a, uint64_t parent,
                          struct job_spec *s, struct err *e) MUST_CHECK;
/* Whether the agent of job `from` may wake `to` by an effect; e says which rule cuts it. */
enum errc chain_judge(struct engine *en, const struct job_spec *from, uint32_t to,
                      struct err *e) MUST_CHECK;
/* A wake-up of the chain with this root was made. */
void chain_count(struct engine *en, uint64_t root);
/* The edge was cut: told in the feed. */
void chain_cut(struct engine *en, const struct job_spec *from, uint32_t to, const char *reason);
/* The last agent of a job's chain, which caused it; 0 when none did. */
uint32_t chain_last(const struct job_spec *s);

/* Due: counts whose minute is over go. */
void    chain_due(struct engine *en);
int64_t chain_deadline(struct engine *en);

#endif
