/* schedules - when declared schedules fire, and what becomes of each nominal time (C1–C4).
 *
 * A schedule's cursor is the last nominal time that was decided; it moves only in the transaction
 * that writes the firing row of that time, keyed by (schedule, nominal time), so no time can fire
 * twice.  Downtime, suspend and clock jumps are one code path: nominal times that are overdue are
 * decided one after the other, oldest first.  This version's policies: misfire `latest` (only the
 * newest overdue time fires, the others are recorded as missed), overlap `skip`. */
#ifndef ENGINE_SCHEDULES_H
#define ENGINE_SCHEDULES_H

#include "supervisor/engine/turn.h"

/* The first nominal time after `after_ms`; 0 for never.  created_at anchors `every` (N29). */
int64_t schedule_next_after(const struct msg_schedule *s, int64_t created_at, int64_t after_ms);

/* What a declaration must fulfil beyond its fields: one of cron and every, a cron that parses,
 * references that exist. Fills the ids. */
struct schedule_refs {
    uint32_t company, agent, handler;
};
enum errc schedule_check(struct engine *en, const struct actor *a, const struct msg_schedule *s,
                         struct schedule_refs *refs, struct err *e) MUST_CHECK;
/* A schedule object was written (is_new) or changed: its running row follows. */
void schedule_planned(struct engine *en, uint32_t id, bool is_new, bool timing_changed);
/* The object goes: its running row, too; firings stay until their retention ends. */
void schedule_forget(struct engine *en, uint32_t id);

/* Due work: nominal times that have come. */
void    schedules_due(struct engine *en);
int64_t schedules_deadline(struct engine *en);
/* A job of the schedule came to be unfinished (+1), or ended (−1). */
void schedule_count(struct engine *en, uint32_t id, int change);
/* The wall clock jumped, or the clock was accepted: next times are planned anew from the cursors.
 */
void schedules_replan(struct engine *en);

#endif
