/* schedule_ops - schedules made, changed, paused, resumed and removed by requests and by agents'
 * effects. */
#ifndef ENGINE_SCHEDULE_OPS_H
#define ENGINE_SCHEDULE_OPS_H

#include "supervisor/engine/schedules.h"
#include "supervisor/engine/turn.h"

/* schedule_check() of one that is not there yet: its name is free, and it has a first time. */
enum errc schedule_check_new(struct engine *en, const struct actor *a, const struct msg_schedule *s,
                             struct schedule_refs *refs, struct err *e) MUST_CHECK;
/* Writes a checked declaration and its running row; the id.  made_by: the agent whose effect it
 * was, else 0. */
uint32_t schedule_make(struct engine *en, const struct actor *a, const struct msg_schedule *s,
                       uint32_t company, enum origin origin, uint32_t made_by);

/* The running row of the schedule that an actor names. */
enum errc schedule_find(struct engine *en, const struct actor *a, struct view name,
                        struct schedule *run, struct err *e) MUST_CHECK;

/* Whether a pause holds its jobs that wait (N37), but for those by hand. */
bool schedule_holds_jobs(struct txn *t, uint32_t id);
/* Gone from the configuration file, but still needed: it is paused, while its jobs go on to their
 * ends; and declared there again. */
void schedule_undeclared(struct engine *en, uint32_t id);
void schedule_declared(struct engine *en, uint32_t id);

/* A pause with an end is over: the schedule resumes by itself; saves the row. */
void schedule_pause_over(struct engine *en, struct schedule *run);

enum errc on_schedule_add(struct engine *en, const struct actor *a,
                          const struct msg_schedule_add *m, struct buf *reply,
                          struct err *e) MUST_CHECK;
enum errc on_schedule_set(struct engine *en, const struct actor *a,
                          const struct msg_schedule_set *m, struct buf *reply,
                          struct err *e) MUST_CHECK;
enum errc on_schedule_pause(struct engine *en, const struct actor *a,
                            const struct msg_schedule_pause *m, struct buf *reply,
                            struct err *e) MUST_CHECK;
enum errc on_schedule_resume(struct engine *en, const struct actor *a,
                             const struct msg_schedule_resume *m, struct buf *reply,
                             struct err *e) MUST_CHECK;
/* Out of shadow mode (shadow.h). */
enum errc on_schedule_promote(struct engine *en, const struct actor *a,
                              const struct msg_schedule_promote *m, struct buf *reply,
                              struct err *e) MUST_CHECK;
enum errc on_schedule_remove(struct engine *en, const struct actor *a,
                             const struct msg_schedule_remove *m, struct buf *reply,
                             struct err *e) MUST_CHECK;

#endif
