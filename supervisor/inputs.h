/* inputs - what the engine is to be told in the next turn, in the order of N6.
 *
 * Each input owns what it borrows from: the frame of the message it came in, or a copy. */
#ifndef SUPERVISOR_INPUTS_H
#define SUPERVISOR_INPUTS_H

#include "common/buf.h"
#include "supervisor/engine/engine.h"
#include <zmq.h>

/* The order in which a turn takes them. */
enum input_rank {
    RANK_REPORT,  /* reports, and what became of workers and old leases */
    RANK_DAEMON,  /* start, stop, config */
    RANK_REQUEST, /* clients; after what has become due */
    RANK_COUNT
};

struct pending {
    struct pending *next;
    struct input    in;
    zmq_msg_t       frame;
    bool            has_frame;
    struct buf      copy;
};

struct pending_list {
    struct pending  *first;
    struct pending **last; /* where the next one is linked in */
};

struct inputs {
    struct pending_list ranks[RANK_COUNT];
    size_t              count;
};

/* What a turn may still take (N6): counts, never time. */
struct turn_budget {
    size_t inputs;
    size_t bytes;
};
/* Counts one message; false when the turn is full. */
bool turn_budget_has(const struct turn_budget *b);
void turn_budget_use(struct turn_budget *b, size_t bytes);

void inputs_init(struct inputs *q);
void inputs_done(struct inputs *q);
/* Copies `in`; what its views borrow must outlive the turn. */
void inputs_push(struct inputs *q, const struct input *in);
/* The same; body is copied too. */
void inputs_push_copy(struct inputs *q, const struct input *in);
/* The same; takes the frame, which becomes the body. */
void inputs_push_frame(struct inputs *q, const struct input *in, zmq_msg_t *frame);

/* Takes all of a rank; the caller owns the list. */
struct pending *inputs_take(struct inputs *q, enum input_rank rank);
/* Puts a taken list back before all others of its rank. */
void inputs_put_back(struct inputs *q, struct pending *list);
/* One list of two, the first before the second; either may be NULL. */
struct pending *pending_join(struct pending *first, struct pending *second);
void            pending_destroy(struct pending **p);
void            pending_destroy_all(struct pending **list);

#endif
