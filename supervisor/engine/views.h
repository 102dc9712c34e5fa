/* views - stored things as the maps that clients and handlers see (a job as JSON, the handler's
 * document). */
#ifndef ENGINE_VIEWS_H
#define ENGINE_VIEWS_H

#include "supervisor/engine/caps.h"
#include "supervisor/engine/collisions.h"
#include "supervisor/engine/objects.h"
#include "supervisor/engine/turn.h"

enum job_view {
    JOB_VIEW_LIST,
    JOB_VIEW_ANSWER, /* to a change: payload and output only while they are short, because an answer
                        may be kept (N39), and on a full disk a cancel must still fit */
    JOB_VIEW_FULL,
    JOB_VIEW_HISTORY /* full, with the attempts */
};

/* One job as a map.  memory tells why a ready job waits. */
void view_job(struct objects *o, const struct memory *m, const struct job_state *j,
              const struct job_spec *spec, enum job_view how, struct buf *out);
/* The pairs of view_job into an open map, for replies that add to them. */
void view_job_pairs(struct objects *o, const struct memory *m, const struct job_state *j,
                    const struct job_spec *spec, enum job_view how, struct buf *out,
                    struct mp_open_map *map);
/* What a ready job is parked by, HELD_NOT when by nothing (waiting for a slot is nothing).  In a
 * read as things stand now, within a turn as the last dispatch left the job's lane. */
enum predicate view_held(struct objects *o, const struct memory *m, const struct job_state *j);

/* The handler's document (handler protocol 1), payload apart. */
struct document_session {
    const struct session *row;   /* NULL: it has none */
    const struct event   *event; /* that it processes, its payload inline; NULL: none */
    struct view           checkpoint;
};
void view_document(struct objects *o, const struct job_state *j, const struct job_spec *spec,
                   const struct document_session *session, struct buf *out);

/* One of each as a map.  full: with what only `show` tells.  memory has the limits in force. */
void view_schedule(struct objects *o, const struct memory *m, const struct object_entry *declared,
                   const struct schedule *run, bool full, struct buf *out);
/* The answer to a save: full, with what collides. */
void view_saved_schedule(struct objects *o, const struct memory *m,
                         const struct object_entry *declared, const struct schedule *run,
                         const struct collisions *c, struct buf *out);
/* What its firings took, nil while nothing is measured: last_turns, avg_turns, … */
void view_put_averages(const struct schedule *run, struct buf *b, struct mp_open_map *map);
void view_object(struct objects *o, const struct object_entry *en, struct buf *out);
void view_session(struct objects *o, const struct session *s, const struct memory *full,
                  struct buf *out);
/* row: its session's. */
void view_event(struct txn *t, const struct session *row, const struct event *ev, struct buf *out);
/* What has become of an event of the session: "waiting", "processing", … */
const char *view_event_status(const struct session *s, const struct event *ev);
/* row: its session's. */
void view_timer(struct objects *o, const struct session *row, const struct session_timer *t,
                struct buf *out);
void view_effect(struct objects *o, const struct effect *ef, struct buf *out);
/* Of its jobs, those that the actor sees. */
void view_worker(struct txn *t, const struct actor *a, const struct memory *m, uint32_t worker,
                 int64_t now_boot_ms, struct buf *out);

/* `session` and `event` of the document. */
void view_put_document_session(const struct document_session *s, struct buf *b,
                               struct mp_open_map *map);
/* name, or nil for none */
void view_put_name(struct objects *o, struct buf *b, struct mp_open_map *m, const char *key,
                   uint32_t id);
/* The number, or nil for NO_LIMIT. */
void view_put_limit(struct buf *b, struct mp_open_map *m, const char *key, int64_t limit);

#endif
