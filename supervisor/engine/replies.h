/* replies - how soon people get a first reply in sessions (C11).
 *
 * Measured from the time at which a person's message was appended to the first delta of a job that
 * processes it, else to the commit of the first message among its effects.  It is written as the
 * attempt ends, in that transaction, so that no delta costs a write; once for each event.  What was
 * said before a crash of agentd is not known: then the next reply counts.
 *
 * A row for each UTC day and company counts the replies by classes of their durations; rows are
 * kept as long as those of firings. */
#ifndef ENGINE_REPLIES_H
#define ENGINE_REPLIES_H

#include "supervisor/engine/turn.h"

#define REPLY_CLASSES 32

/* The lease's job has said something, in a delta. */
void reply_heard(struct engine *en, struct fleet_lease *l);
/* An attempt of j, whose event is not consumed yet, has ended.  l: its lease; effects: the packed
 * list that will be committed, empty for none. */
void reply_count(struct engine *en, const struct job_state *j, const struct fleet_lease *l,
                 struct view effects);

/* Replies by class, summed up. */
struct reply_tally {
    uint64_t counts[REPLY_CLASSES];
    uint64_t total;
};

/* Those of a company on the UTC days of since_ms to until_ms; of all companies (0) since since_ms,
 * the oldest rows first.  Returns how many rows it read, rows_max at most. */
uint32_t replies_sum(struct txn *t, uint32_t company, int64_t since_ms, int64_t until_ms,
                     uint32_t rows_max, struct reply_tally *sum);
/* The end, in ms, of the class that has the 99th percentile: that is below it.  0 of none.  The
 * last class has all that took an hour or more, and ends at a day. */
int64_t replies_p99_ms(const struct reply_tally *sum);

#endif
