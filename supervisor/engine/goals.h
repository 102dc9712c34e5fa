/* goals - what agents work for, as a tree (B3), and the way up to its root that a handler is told
 * (B4).
 *
 * A goal has a number that is never used again.  Its parent is a goal of the same company; no goal
 * is its own ancestor, and no goal is deeper than GOAL_DEPTH_MAX.  open_jobs counts the jobs of the
 * goal that have not ended; it changes with them and is recounted by fsck. */
#ifndef ENGINE_GOALS_H
#define ENGINE_GOALS_H

#include "supervisor/engine/feed.h"
#include "supervisor/engine/reads.h"
#include "supervisor/engine/turn.h"

#define GOAL_DEPTH_MAX 64 /* goals from the root to the deepest, both counted */

/* The goal that a field of a request names: there, and of this company; E_NOT_FOUND names the
 * field. */
enum errc goal_ref(struct txn *t, uint32_t company, uint64_t id, const char *field,
                   struct goal *out, struct err *e) MUST_CHECK;
/* The goal that a request is about; E_NOT_FOUND when the actor may not see its company. */
enum errc        goal_get(struct txn *t, const struct actor *a, uint64_t id, struct goal *out,
                          struct err *e) MUST_CHECK;
const char      *goal_status_name(enum goal_status s);
enum goal_status goal_status_from(struct view name); /* GOAL_NONE for an unknown one */

/* The goal and its ancestors, nearest first, as a list of {id, title, status, agent, data}; empty
 * for goal 0. */
void goals_put_why(struct objects *o, uint64_t goal, struct buf *b);
/* A job of the goal came to be unfinished (+1), or ended (−1). */
void goal_count(struct engine *en, uint64_t goal, int change);
/* Whether the goal is the root or below it. */
bool goal_is_within(struct txn *t, uint64_t goal, uint64_t root);
/* An event {goal, title, status, parent}. */
void feed_goal(struct engine *en, enum feed_type type, const struct goal *g);

/* As a map. */
void view_goal(struct objects *o, const struct goal *g, struct buf *b);
void view_goal_pairs(struct objects *o, const struct goal *g, struct buf *b, struct mp_open_map *m);

enum errc on_goal_add(struct engine *en, const struct actor *a, const struct msg_goal_add *m,
                      struct buf *reply, struct err *e) MUST_CHECK;
enum errc on_goal_set(struct engine *en, const struct actor *a, const struct msg_goal_set *m,
                      struct buf *reply, struct err *e) MUST_CHECK;
/* Each part becomes a goal below this one, and its agent is woken: all of them or none. */
enum errc on_goal_decompose(struct engine *en, const struct actor *a,
                            const struct msg_goal_decompose *m, struct buf *reply,
                            struct err *e) MUST_CHECK;

enum errc read_goal_show(struct reading *r, const struct msg_goal_show *m) MUST_CHECK;
enum errc read_goal_list(struct reading *r, const struct msg_goal_list *m) MUST_CHECK;

#endif
