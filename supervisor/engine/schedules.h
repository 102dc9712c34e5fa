/* schedules - when declared schedules fire, and what becomes of each nominal time (C1–C4).
 *
 * A schedule's cursor is the last nominal time that was decided; it moves only in the transaction
 * that writes the firing row of that time, keyed by (schedule, nominal time), so no time can fire
 * twice.  Downtime, suspend and clock jumps are one code path: nominal times that are overdue are
 * decided one after the other, oldest first.  This version's misfire policy is `latest`: only the
 * newest overdue time fires, the others are recorded as missed. */
#ifndef ENGINE_SCHEDULES_H
#define ENGINE_SCHEDULES_H

#include "supervisor/engine/turn.h"

/* What a declaration must fulfil beyond its fields: times (see nominal_check),
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
/* The rules of a time zone are others: next times in it are planned anew from the cursors. */
void schedules_zone_changed(struct engine *en, struct view name);
/* Of the machine or only of agentd; needs the boot id: @reboot is due once in each boot (N29), from
 * the one on after that in which the schedule was made. */
void schedules_at_boot(struct engine *en);

#endif
