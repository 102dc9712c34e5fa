/* lanes - ready jobs by the limits that they meet (N18), and whose turn it is (N19).
 *
 * A lane is the set of ready jobs that meet the same limits.  Its row names its first job (its
 * head) and the limit that holds it, if one does.  Lanes that can run stand in an index by
 * (company, priority, run_at, id), companies by (priority of their best head, served).  When a
 * limit fills or frees, lanes move, never jobs.
 *
 * Within a turn the rows that anything touched live here in memory and overlay the stored indexes;
 * they are written once, at the end of the turn, and only where they differ.  So a job that comes
 * and starts in one turn costs its lane nothing. */
#ifndef ENGINE_LANES_H
#define ENGINE_LANES_H

#include "supervisor/engine/heap.h"
#include "supervisor/engine/turn.h"

struct freeing;

struct lane_turn {
    struct heap_item  in_company; /* first: its place among those that compete */
    struct lane       row;
    struct lane       stored;
    bool              head_known;  /* else row.head* are to be looked up */
    bool              is_changed;  /* its place is to be found anew */
    bool              is_gone;     /* its objects are: it goes as soon as it is empty */
    bool              is_skipped;  /* its head cannot be read: not looked at again in this turn */
    bool              did_not_fit; /* in what a budget has left: not freed again in this turn */
    struct freeing   *freeing;     /* of a limit that has room again: the next follows it */
    struct lane_turn *next;        /* all lanes of the turn */
    struct lane_turn *next_changed;
};

struct company_turn {
    struct heap_item     among_companies; /* first: its place among those that compete */
    struct queue         row;             /* has_head and head_priority as of `best` and `rest` */
    struct queue         stored;
    bool                 is_changed; /* best and rest are to be found anew */
    bool                 rest_known; /* rest is looked up */
    struct lane          rest;       /* best runnable lane that is not in memory; id 0: none */
    struct lane_turn    *best;       /* best lane in memory, when it goes before rest */
    struct heap          lanes;      /* in memory, that compete */
    struct lane_turn    *changed;
    struct company_turn *next;
    struct company_turn *next_changed;
};

/* The lane of a job, made when it is new; j->lane is set. */
void lane_of(struct engine *en, struct job_state *j);
/* A job came to, or left, the lane's ready jobs. */
void lane_touch(struct engine *en, uint32_t lane);
/* A job that could start came to it from another lane: whatever held it is looked at again. */
void lane_joined(struct engine *en, uint32_t lane);
/* The company's row, for its counters. */
struct queue *company_queue(struct engine *en, uint32_t company);

/* The lane whose head is to start next, or NULL: by priority, then the company least recently
 * served, then run_at, id. */
struct lane_turn *lanes_pick(struct engine *en);
/* The lane's head cannot start: it moves to those blocked by (predicate, on). */
void lane_block(struct engine *en, struct lane_turn *l, uint8_t predicate, uint32_t on);
/* The lane's head could not be started: it looks for another, or is left out for the rest of the
 * turn. */
void lane_skip_head(struct engine *en, struct lane_turn *l);
/* The company had its turn. */
void lane_served(struct engine *en, struct lane_turn *l);
/* Writes what the turn changed. */
void lanes_flush(struct engine *en);
/* Lanes of objects that are gone go, in turns of bounded work; begun at boot and after each turn
 * that removed an object. */
void lanes_sweep_begin(struct engine *en);
void lanes_sweep(struct engine *en);

/* ---- lanes that a limit blocks (blocked.c) ---- */

/* Lets the best lane of each company that (predicate, on) blocks compete again, and those that this
 * turn has touched; returns how many. */
unsigned lanes_unblock(struct engine *en, uint8_t predicate, uint32_t on);
/* Lets every lane that (predicate, on) blocks compete again: it may be another limit's now. */
void lanes_unblock_all(struct engine *en, uint8_t predicate, uint32_t on);
/* Whether the lane competes because (*predicate, *on) has room again. */
bool lane_was_freed(const struct lane_turn *l, uint8_t *predicate, uint32_t *on);
/* Such a lane has started its head or is held by another limit: the next best of its company that
 * the same limit blocks competes, too. */
void lanes_unblock_next(struct engine *en, struct lane_turn *l);
/* Whether (predicate, on) blocked lanes before the turn and still does, but for those that this
 * turn has tried in what a budget has left. */
bool lanes_are_blocked(struct engine *en, uint8_t predicate, uint32_t on);
/* Looks at the lanes that budgets block, from *at on, at most looks_max of them; those whose head
 * fits and finds a slot now compete again, at most found_max.  *at is where to go on, or all zero
 * at the end. */
void lanes_retry_budgets(struct engine *en, struct lane *at, uint32_t looks_max,
                         uint32_t found_max);
/* Calls fn for the (predicate, on) that block lanes, from *at on, at most max of them; *at is where
 * to go on, or all zero at the end. */
void lanes_each_block(struct engine *en, struct block_at *at, uint32_t max,
                      void (*fn)(struct engine *, uint8_t predicate, uint32_t on));

/* ---- between the files of lanes ---- */

/* NULL: its row is damaged. */
struct lane_turn *lane_get(struct engine *en, uint32_t id);
void              lane_find_head(struct engine *en, struct lane_turn *l);
/* It competes again. */
void lane_free(struct engine *en, struct lane_turn *l);
/* The lane is blocked: lanes_unblock finds it. */
void block_note(struct engine *en, struct lane_turn *l);

#endif
