/* fleet - the workers as the engine sees them: slots, leases, heartbeats.
 *
 * A lease is one thing that a worker holds: an attempt of a job, or a delivery of an effect.  Its
 * index in the table (the slot) goes with every message about it, so a report finds it at once; its
 * token tells a late report. */
#ifndef ENGINE_FLEET_H
#define ENGINE_FLEET_H

#include "supervisor/engine/turn.h"

#define DELIVERIES_MAX 4 /* effects that one worker delivers at a time, beside its job slots */

/* What may use the worker that is kept for a job that must run alone: the lane it is kept for, and
 * what has a higher priority. */
bool fleet_may_use_kept(const struct memory *m, const struct lane *l);
/* Slots for one more job; with_kept: those of the worker that is kept, too. */
uint32_t fleet_free_slots(const struct memory *m, bool with_kept);
/* The worker for one more job: the one with the most free slots, an empty one when the job must run
 * alone; −1: none. */
int fleet_pick(const struct memory *m, bool alone, bool with_kept);
/* The lane's head must run alone: the worker with the fewest jobs is kept for it, unless another
 * lane has one. */
void fleet_keep(struct memory *m, const struct lane *l);
/* Each dispatch: what is kept for the lane as it is now; it is let go when the lane does not wait
 * for an empty worker any more. l: NULL when its row cannot be read. */
void fleet_review_kept(struct memory *m, const struct lane *l);
/* The worker for one more delivery, one that has less than `max`; −1: none. */
int fleet_pick_for_delivery(const struct memory *m, uint32_t max);

/* Takes a free lease; returns its slot. */
uint32_t fleet_take(struct engine *en, uint32_t worker, enum lease_kind kind, uint64_t id,
                    uint64_t token, bool alone);
void     fleet_free(struct engine *en, uint32_t slot);
/* The lease with this token; NULL when no worker holds it. */
struct fleet_lease *fleet_find(struct engine *en, uint64_t token);
/* The lease of this job; NULL when no worker holds it. */
struct fleet_lease *fleet_find_job(struct engine *en, uint64_t job);
uint32_t            fleet_slot(const struct engine *en, const struct fleet_lease *l);
/* Packs and queues a message to a worker; the caller has set its seq from fleet_next_seq. */
uint64_t fleet_next_seq(struct engine *en, uint32_t worker);
void fleet_send(struct engine *en, uint32_t worker, uint64_t token, enum msg_id op, const void *m);

/* Inputs. */
void on_worker_started(struct engine *en, const struct input *in);
void on_worker_retire(struct engine *en, const struct input *in);
void on_worker_gone(struct engine *en, const struct input *in);
void on_send_failed(struct engine *en, const struct input *in);
void on_report(struct engine *en, const struct input *in);
/* A report of a worker, already decoded; one of another generation, or of a worker that is lost, is
 * dropped. */
void fleet_report(struct engine *en, uint32_t worker, uint64_t generation, enum msg_id id,
                  const union msg *m);

/* Silent workers are given up; the first boot instant at which one may be. */
void    fleet_due(struct engine *en);
int64_t fleet_deadline(const struct memory *m);

#endif
