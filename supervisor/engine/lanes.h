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

#include "supervisor/engine/turn.h"

struct lane_turn {
    struct lane       row;
    struct lane       stored;
    bool              is_new;      /* no stored row yet */
    bool              head_known;  /* else row.head* are to be looked up */
    bool              is_skipped;  /* its head cannot be read: not looked at again in this turn */
    bool              did_not_fit; /* in what a budget has left: not freed again in this turn */
    uint8_t           freed_by;    /* in this turn: the limit that held it and has room again */
    uint32_t          freed_on;
    struct lane_turn *next; /* all lanes of the turn */
    struct lane_turn *next_in_company;
};

struct company_turn {
    struct queue         row;
    struct queue         stored;
    bool                 rest_known; /* rest is looked up */
    bool                 is_idle;    /* nothing of it can run in this pass */
    struct lane          rest;       /* best runnable lane that is not in memory; id 0: none */
    struct lane_turn    *lanes;
    struct company_turn *next;
};

/* The lane of a job, made when it is new; j->lane is set. */
void lane_of(struct engine *en, struct job_state *j);
/* A job came to, or left, the lane's ready jobs. */
void lane_touch(struct engine *en, uint32_t lane);
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
/* Lets the best lane of each company that (predicate, on) blocks compete again; returns how many.
 */
unsigned lanes_unblock(struct engine *en, uint8_t predicate, uint32_t on);
/* Lets every lane that (predicate, on) blocks compete again: it may be another limit's now. */
void lanes_unblock_all(struct engine *en, uint8_t predicate, uint32_t on);
/* A lane that was let compete has started its head or is held by another limit: the next best of
 * its company that the same limit blocks competes, too. */
void lanes_unblock_next(struct engine *en, const struct lane_turn *l);
/* Calls fn for every (predicate, on) that blocks lanes. */
void lanes_each_block(struct engine *en,
                      void (*fn)(struct engine *, uint8_t predicate, uint32_t on));
/* Writes what the turn changed. */
void lanes_flush(struct engine *en);

#endif
