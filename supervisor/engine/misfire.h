/* misfire - nominal times that do not fire: overdue ones by the schedule's policy (C3), those of a
 * pause (N37), and the one row that a stretch of them leaves.
 *
 * Downtime, suspend, clock jumps and a long turn are one code path: what counts is that a time is
 * overdue, not why. */
#ifndef ENGINE_MISFIRE_H
#define ENGINE_MISFIRE_H

#include "supervisor/engine/timing.h"

#define LATE_MS 1000 /* a time that is decided later than this after it was due is late */

enum misfire_verdict {
    MISFIRE_FIRES,  /* the next time is to fire */
    MISFIRE_MISSED, /* it and perhaps those behind it are missed: count, until_at and reason say */
    MISFIRE_PAUSED, /* likewise in a pause */
    MISFIRE_IDLE,   /* likewise left out by idle back-off */
    MISFIRE_LATER,  /* the turn has no times left to count */
};

/* What becomes of the next time of the schedule, which is due; fills f, whose nominal_at it is.
 * is_held: it or whom it belongs to is paused; pauses that are over count, too (pauses.h). */
enum misfire_verdict misfire_judge(struct engine *en, const struct timing *ti,
                                   const struct schedule *run, bool is_held, struct firing *f);
/* Whether the next time of the schedule is decided late. */
bool misfire_is_late(struct engine *en, const struct schedule *run);

/* f is missed, for its reason: it is counted and told.  The caller writes its row. */
void misfire_missed(struct engine *en, const struct object_entry *o, struct schedule *run,
                    struct firing *f);
/* The row that stands for the nominal time, of a decision from before the clock went back; false:
 * there is none.  What made a job has a number. */
bool misfire_seen(struct engine *en, uint32_t schedule, int64_t nominal_at, struct firing *row);
/* Such a row made no job: from the time on, which is decided anew, it stands for nothing.  Changes
 * run, which the caller saves. */
void misfire_take_back(struct engine *en, const struct nominal *times, struct schedule *run,
                       struct firing *row, int64_t nominal_at);
/* Writes the row of a decision.  What was left out for the same reason as the time just before it,
 * before_at, goes into the row of that. */
void misfire_record(struct engine *en, const struct firing *f, int64_t before_at);
/* Before the schedule has other times: those that have passed and wait until they are due are
 * missed.  Changes run, which the caller saves. */
void misfire_changed(struct engine *en, const struct object_entry *o, struct schedule *run);
/* The boot of the machine that the schedule waits to fire for is not the last one any more. */
void misfire_overtaken_boot(struct engine *en, const struct object_entry *o, struct schedule *run);

#endif
