/* pressure - people go before schedules (C14): while a session streams to a person, firings that
 * come due are put off.
 *
 * The mark is of the running attempt's lease, so it ends with it, however it ends; memory only.  A
 * job that processes a message of a person has it from its start.  A
 * firing is put off by limits.interactive_delay_ms and then looked at again, at most PUT_OFF_MAX_MS
 * after it was first put off (N44).  What comes due meanwhile is put off with it.  When its next
 * time overtakes it, the misfire policy decides, and that limit stands: a schedule that comes every
 * minute fires at least so often. */
#ifndef ENGINE_PRESSURE_H
#define ENGINE_PRESSURE_H

#include "supervisor/engine/turn.h"

#define PUT_OFF_MAX_MS 300000

enum errc on_job_stream(struct engine *en, const struct actor *a, const struct msg_job_stream *m,
                        struct buf *reply, struct err *e);

/* The lease's job streams to a person from now on, or does no more. */
void pressure_mark(struct engine *en, struct fleet_lease *l, bool is_streaming);
/* Whether the schedule, which is due, is put off: then its due_at, put_off_from and
 * put_off_until are others, and the caller saves it. */
bool pressure_puts_off(struct engine *en, const struct msg_schedule *s, struct schedule *run);
/* Whether the next time of the schedule is put off, or was. */
bool pressure_is_on(const struct schedule *run);
/* Whether that of any schedule may be. */
bool pressure_is_on_any(const struct engine *en);
/* agentd begins: what was put off before is looked for, with few looks; else it may be any. */
void pressure_begin(struct engine *en);
/* Nothing of it is put off any more; the caller saves it. */
void pressure_is_over(struct schedule *run);
/* How many of the sessions that stream the actor may see, and the job of one; 0: there is none. */
uint32_t pressure_streams(const struct memory *m, struct txn *t, const struct actor *a,
                          uint64_t *job);
/* The pairs `streams` and `put_off` of status, of what the actor may see: how many schedules are,
 * of the first 1,000 that come due. */
void pressure_put_status(const struct memory *m, struct txn *t, const struct actor *a,
                         const struct now *now, struct buf *out, struct mp_open_map *map);

#endif
