/* plan - the running row of a schedule: which nominal time is next, and when it is decided (C0,
 * C5).
 *
 * next_at is the first nominal time behind the cursor, due_at when it is decided (timing.h).  Both
 * are 0 when there is none: the schedule has ended, or waits for a boot. */
#ifndef ENGINE_PLAN_H
#define ENGINE_PLAN_H

#include "supervisor/engine/timing.h"

/* Before a schedule object becomes another: what its running row knows of the old one is settled.
 */
void schedule_changes(struct engine *en, const struct object_entry *o,
                      const struct msg_schedule *to);
/* A schedule object was written (is_new) or changed: its running row follows. */
void schedule_planned(struct engine *en, uint32_t id, bool is_new, bool timing_changed);
/* The object goes: its running row, too; firings stay until their retention ends. */
void schedule_forget(struct engine *en, uint32_t id);
/* The wall clock went back, or the clock was accepted: next times are planned anew from now on, of
 * at most TURN_DUE_MAX schedules a turn. */
void schedules_replan(struct engine *en);
/* The rules of a time zone are others: next times in it are planned anew from the cursors,
 * likewise. Changes the row, which the caller saves. */
void schedules_zone_changed(struct engine *en, struct zone *z);
/* Goes on with both, as far as the turn lets it. */
void schedules_replan_more(struct engine *en);
/* Whether both are done: before, no time is decided. */
bool schedules_are_planned(const struct engine *en);
/* Of the machine or only of agentd; needs the boot id: @reboot is due once in each boot (N29), from
 * the one on after that in which the schedule was made. */
void schedules_at_boot(struct engine *en);

/* The next time behind the cursor, which has just been decided; the end of the schedule is told.
 * The caller saves the row. */
void plan_next(struct engine *en, const struct timing *ti, const struct object_entry *o,
               struct schedule *run);
/* Its back-off is another: when its next time is decided, unless that is put off. */
void plan_due(struct engine *en, const struct object_entry *o, struct schedule *run);
/* An agent that went and came anew under its name is another one: the row follows, and is saved. */
void plan_follow_agent(struct engine *en, const struct object_entry *o, struct schedule *run);

/* How often max_firings lets it fire yet; UINT64_MAX for as often as it likes. */
uint64_t plan_firings_left(const struct msg_schedule *s, const struct schedule *run);
/* Why no nominal time of it will come again; NULL while one may. */
const char *plan_end_reason(const struct msg_schedule *s, const struct schedule *run,
                            int64_t now_ms);
/* active, paused or ended. */
const char *plan_status(const struct msg_schedule *s, const struct schedule *run, int64_t now_ms);

#endif
