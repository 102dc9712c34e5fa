/* alerts - what people are told of schedules that do not do well: alerts, warnings, the overdue
 * alarm and the lines of `status` (C5, C8, C9, C15).
 *
 * An alert goes to the feed, to the log and to the sinks of alerts.sinks.  A schedule's next one
 * comes no sooner than alerts.cooldown after it; the first success that follows an alert is told
 * once, in the same places.  Being overdue within the cool-down begins and ends in the feed
 * alone. */
#ifndef ENGINE_ALERTS_H
#define ENGINE_ALERTS_H

#include "supervisor/engine/turn.h"

enum alert_kind {
    ALERT_FAILURES, /* firings failed in a row */
    ALERT_PAUSED,   /* it was paused for them; told however short ago the last alert is */
    ALERT_OVERLAP,  /* its firings find the one before still in flight */
    ALERT_OVERDUE   /* no success so long after a nominal time */
};

/* Tells of the schedule what its row says by now: streaks, skips, the pause's reason.  Changes run,
 * which the caller saves. */
void alert_raise(struct engine *en, const struct object_entry *o, struct schedule *run,
                 enum alert_kind kind);
/* It has succeeded: what was told of it is over.  Changes run, which the caller saves. */
void alert_recovered(struct engine *en, const struct object_entry *o, struct schedule *run);
/* What is to be looked at before it becomes an alert, in feed and log; kind is one word, message a
 * clause. */
void alert_warn(struct engine *en, const struct object_entry *o, const char *kind,
                struct view message);

/* A nominal time was decided, and neither a pause nor its gate was in the way: from now on a
 * success is expected of the schedule.  Changes run, which the caller saves. */
void alert_expect(const struct object_entry *o, struct schedule *run, int64_t nominal_at);
/* It had nothing to do: of the times that were decided no success is expected any more.  Changes
 * run, which the caller saves. */
void alert_excuse(struct schedule *run);
/* overdue_ms is another, 0 for none: what is expected and what was told follow.  Changes run, which
 * the caller saves. */
void alert_overdue_changed(struct engine *en, struct schedule *run, int64_t from_ms, int64_t to_ms);
/* Due work: schedules that are overdue. */
void    alerts_due(struct engine *en);
int64_t alerts_deadline(struct engine *en);

/* Lines for the warnings of status, of schedules that the actor sees. */
void alerts_warn(const struct memory *m, struct txn *t, const struct actor *a, struct buf *lines);

#endif
