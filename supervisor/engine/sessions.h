/* sessions - named places with a checkpoint, in which events are processed in order (D1, D2, N21).
 * Each schedule owns the session `schedule/NAME`; others are made by requests.
 *
 * Within a turn a session's row is here, once: who changes it marks it, and it is written when the
 * turn ends.  Only reads, which come after the commit, load it from the store.
 *
 *     struct session *s = session_row(en, id);
 *     s->timers++;
 *     session_changed(en, s); */
#ifndef ENGINE_SESSIONS_H
#define ENGINE_SESSIONS_H

#include "supervisor/engine/feed.h"
#include "supervisor/engine/turn.h"

/* The session's row, good until the turn ends; NULL when there is none, or it is damaged. */
struct session *session_row(struct engine *en, uint32_t id);
void            session_changed(struct engine *en, struct session *s);
/* The event that a job was made for in this turn, so that it is not read again: its texts last as
 * long.  And an event by its seq, from there or the store. */
void      session_head_put(struct session *s, const struct event *ev);
enum load session_event(struct engine *en, const struct session *s, struct event *ev) MUST_CHECK;
/* Its next event is to be taken; and the first of those sessions, NULL when there is none. */
void            session_over_put(struct engine *en, struct session *s);
struct session *session_over_take(struct engine *en);
/* Writes it now, for who goes on with an index of sessions. */
void session_write(struct engine *en, struct session *s);
/* Removes it, with its checkpoint. */
void session_forget(struct engine *en, struct session *s);
/* Writes what has changed, as the turn ends. */
void sessions_flush(struct engine *en);
/* memory.sessions from the rows, in bounded turns: nobody stores it.  From then on each row is
 * counted as it is written. */
void sessions_count_begin(struct engine *en);
void sessions_count(struct engine *en);

/* The session of this name, made when it is new. */
uint32_t session_of(struct engine *en, uint32_t company, struct view name, uint32_t agent);
/* E_NOT_FOUND, with what to do. */
enum errc session_unknown(struct view key, struct err *e);
enum errc session_has_no_timer(struct view key, struct view timer, struct err *e);
/* The id, 0 when there is none. */
uint32_t    session_find(struct txn *t, uint32_t company, struct view name);
const char *session_status_name(enum session_status s);
/* Whether it is a schedule's own, which takes no events. */
bool session_is_schedules(struct view name);
/* The session that a request means, by its key in the company that it names (else its agent's, else
 * the actor's).  E_NOT_FOUND, E_BAD_REQUEST (a schedule's key, nobody to process events),
 * E_CONFLICT (its agent is another than the one named), E_WRONG_STATE (closed). */
enum session_use {
    SESSION_FIND,  /* it must be there */
    SESSION_TAKE,  /* for an event or a timer: when it is not there, row is NULL, and session_make
                      makes it when all is checked */
    SESSION_REOPEN /* the same, and it may be closed; then agent_id is the one named, if one is */
};
struct session_named {
    struct view     key, company, agent; /* of the request; the last two may be empty */
    const char     *key_field;           /* of the request, that errors name; NULL: "key" */
    bool            has_handler;         /* the request names what processes its event */
    uint32_t        company_id, agent_id;
    struct session *row;
};
enum errc session_of_request(struct engine *en, const struct actor *a, struct session_named *n,
                             enum session_use use, struct err *e) MUST_CHECK;
/* The row of what was found, made when there is none. */
struct session *session_make(struct engine *en, struct session_named *n);
/* Whether the company and the agent (0: none) of a session are there: E_BAD_REQUEST; and what
 * processes the events of a session of this agent: the agent's handler or its
 * profile's, else the setting.  E_BAD_REQUEST when there is nothing. */
enum errc session_check_owner(struct objects *o, uint32_t company, uint32_t agent,
                              struct err *e) MUST_CHECK;
enum errc session_handler(struct objects *o, const struct limits *l, uint32_t company,
                          uint32_t agent, uint32_t *handler, struct err *e) MUST_CHECK;

/* The checkpoint's packed bytes (empty: none yet). */
enum load session_checkpoint(struct txn *t, const struct session *s, struct view *out) MUST_CHECK;
/* A new owner under an old name begins without the checkpoint of the one before (N34). */
void session_begin_anew(struct engine *en, uint32_t id);
/* A schedule's session whose schedule is gone: it has no checkpoint any more, and goes by age when
 * what it has sent is settled. */
void session_outlives(struct engine *en, uint32_t id);
/* A completed attempt's checkpoint; empty: the old one stands.  With `advance` it gets a new number
 * all the same.  Returns the number that the attempt's effects carry. */
uint64_t session_commit(struct engine *en, struct session *s, struct view data, bool advance);

/* feed_open() of an event of a session: its key. */
struct mp_open_map session_feed_open(struct engine *en, enum feed_type type,
                                     const struct session *s);

#endif
