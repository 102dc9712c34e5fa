/* judge - compares the model with the drained store; what does not agree is a break. */
#ifndef TESTS_JUDGE_H
#define TESTS_JUDGE_H

#include "tests/torture/killer.h"
#include "tests/torture/model.h"

/* The feed from its beginning against the readers' histories; counts events per job. */
void judge_feed(struct model *m, struct link *l);
/* Nominal times against firings; marks the jobs that firings made. */
void judge_schedules(struct model *m, struct link *l);
/* Effects against completed attempts, and against the sink's file. */
void judge_effects(struct model *m, struct link *l);
/* Likewise those that http sinks post, against what the web server was given; and what the feed
 * tells of them, before. */
void judge_webhooks_feed(struct model *m, struct view type, struct view event);
void judge_webhooks(struct model *m, struct link *l);
/* What persons say, before the sessions are fetched; and those that they read, after the jobs were
 * fetched. */
void judge_persons(struct model *m);
void judge_gateway(struct model *m, struct link *l);
/* Those of the sink that may not get one twice, against what it was given and what the clerk did.
 */
void judge_shouts(struct model *m, struct link *l);
/* Unique and debounce keys, of requests and jobs. */
void judge_keys(struct model *m);
/* Requests for a person's word against what the operator decided; before the chains. */
void judge_approvals(struct model *m, struct link *l);
/* Jobs that other jobs woke; after the effects and the feed. */
void judge_chains(struct model *m);
/* Every job and every request by itself; after those above, for it uses what the others have found.
 */
void judge_jobs(struct model *m);
/* Sessions and their events; after the jobs. */
void judge_sessions(struct model *m, struct link *l);
/* Goals, tickets and their jobs; then the ledgers. */
void judge_work(struct model *m, struct link *l);
void judge_budgets(const struct model *m, struct link *l);
void judge_fsck(struct link *l);
/* What the programs wrote of themselves, when nothing writes any more. */
void judge_log(const char *folder, const struct killer *k);

#endif
