/* fire - one firing of a schedule: its job, its numbers and its events; at a nominal time or by
 * hand (C3, C10).  Who calls has judged that it may fire, and saves the two rows. */
#ifndef ENGINE_FIRE_H
#define ENGINE_FIRE_H

#include "supervisor/engine/feed.h"
#include "supervisor/engine/schedules.h"
#include "supervisor/engine/submit.h"

/* How; zeroed but for what is known. */
struct fire {
    const struct object_entry *schedule;
    struct schedule_refs       refs;
    const struct actor        *actor;  /* who fires it; NULL: the schedule itself */
    int64_t                    run_at; /* of its job; 0: now */
    uint32_t                   flags;  /* of its job: JOB_FLAG_FORCED, JOB_FLAG_BY_HAND */
};

/* What the job of *f would be: nominal_at, kind and number of *f are set.  Nothing is written; a
 * routine's ticket is not in it. */
void fire_prepare(struct engine *en, const struct fire *how, const struct schedule *run,
                  const struct firing *f, struct submission *out);
/* Makes the job of *f, whose nominal_at, count and kind are set, and the event; fills the rest of
 * *f and the counts of *run. */
void fire(struct engine *en, const struct fire *how, struct schedule *run, struct firing *f);

/* The event of a nominal time: FEED_SCHEDULE_FIRED, _MISSED, _SUPPRESSED. */
void fire_feed(struct engine *en, enum feed_type type, const struct object_entry *o,
               const struct firing *f);

#endif
