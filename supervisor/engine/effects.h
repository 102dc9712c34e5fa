/* effects - what a completed attempt wants done: checked, and written in the transaction of its
 * completion; the order of each (session, sink) (D4, N22). */
#ifndef ENGINE_EFFECTS_H
#define ENGINE_EFFECTS_H

#include "supervisor/engine/feed.h"
#include "supervisor/engine/turn.h"

/* not_before of an effect that waits behind another of its (session, sink), so that those that wait
 * are not looked at again and again, and hold back nobody else's. */
#define BEHIND_ANOTHER INT64_MAX
/* The same of the head of a gateway's queue: what nobody reads is not looked at either. */
#define WAITS_FOR_READER INT64_MAX

/* From this place on stand the messages nobody asked for that quiet hours or the cool-down put off:
 * each waits for its own not_before alone, holds back nobody, and then joins the queue at its end.
 */
#define PLACES_PUT_OFF (1ULL << 62)

/* Checks the effects of j's handler before anything is written: kinds that this version serves,
 * messages not empty and to sinks that are there.  On failure the attempt ends as invalid_output
 * with this sentence. */
enum errc effects_check(struct engine *en, const struct job_state *j, struct view effects,
                        struct err *e) MUST_CHECK;
/* Writes the effects of a completed attempt, whose event is consumed already: a message once per
 * sink; those that act inside act now. */
void effects_commit(struct engine *en, const struct job_state *j, uint64_t checkpoint_id,
                    struct view effects);

/* Writes a note of agentd's own, of no job, to each of these sinks; payload: its message and
 * metadata. */
void effects_note(struct engine *en, uint32_t company, uint32_t session, const uint32_t *sinks,
                  uint32_t count, struct view payload);

/* Writes and tells a pending effect of agentd's own; another of the same content is another one. */
void effect_post(struct engine *en, struct effect *ef, struct view payload);
/* Writes and tells an effect that is settled as it is written: delivered or rejected.  Its id is
 * given when it has none. */
void effect_record(struct engine *en, struct effect *ef, struct view payload, uint32_t ordinal);

/* It will not be sent: by the schedule's mode, or for want of a sink. */
void effect_suppress(struct effect *ef, const char *reason);
/* Writes and tells the same effect for each of these sinks, once for none. */
void effect_write_to(struct engine *en, struct effect *ef, struct view payload, uint32_t ordinal,
                     const uint32_t *sinks, uint32_t count);

/* One that is over, or put off, is written as pending again and due now, at the end of its queue,
 * with all its attempts and all its time, and told.  One that holds its place while it is put off
 * keeps it. */
void effect_again(struct engine *en, struct effect *ef);

/* The end of its queue: its place and not_before.  One that is put off has its time instead;
 * another waits behind the head. */
void effect_take_place(struct engine *en, struct effect *ef);
/* One that had left its queue is to be sent after all: before those behind it, but for the one that
 * is being sent, with which it changes places. */
void effect_resume_place(struct engine *en, struct effect *ef);
/* Whether it is put off and has not joined its queue yet. */
bool effect_is_put_off(const struct effect *ef);
/* Its not_before has come: one that was put off joins its queue.  False: another goes first, or it
 * has no reader. */
bool effect_comes_due(struct engine *en, struct effect *ef);
/* Until when quiet hours or the cool-down put it off; 0: they do not. */
int64_t effect_put_off_until(const struct effect *ef);
/* Whether it is pending and they do so still: effect_again() ends that. */
bool effect_may_be_released(const struct effect *ef, int64_t now_ms);
/* The first that is pending or attempting in the queue of ef's (session, sink), into *head; false
 * when there is none (N22).  One that is put off is the first only where none has joined. */
bool effect_queue_head(struct txn *t, const struct effect *ef, struct effect *head);
/* An effect left its queue: the one behind it in its (session, sink) may be sent. */
void effect_next_comes_forward(struct engine *en, const struct effect *before);
/* Tells the watchers of it: id, kind, status, job, the chain's root, sink and reason. */
void effect_told(struct engine *en, enum feed_type type, const struct effect *ef);

const char        *effect_kind_name(enum effect_kind k);
const char        *effect_status_name(enum effect_status s);
enum effect_kind   effect_kind_from(struct view name);         /* EFFECT_NONE for an unknown one */
enum effect_status effect_status_from(struct view name);       /* STATUS_NONE for an unknown one */
enum errc          effect_unknown(uint64_t id, struct err *e); /* E_NOT_FOUND, with what to do */

#endif
