/* killer - what is done to agentd, its workers, its gateway and its handlers, at random times. */
#ifndef TESTS_KILLER_H
#define TESTS_KILLER_H

#include "tests/torture/dice.h"
#include "tests/torture/rig.h"
#include <stdatomic.h>

#define STOPPED_MAX 8

/* A worker that was stopped, by a descriptor that stays its own. */
struct stopped {
    int     fd;
    int64_t continue_at_ms;
};

/* A worker or gateway that was killed, and whose it was. */
struct killed {
    pid_t agentd, child;
};

struct killer {
    struct rig    *rig;
    struct dice    dice;
    atomic_bool   *burst; /* set just before each end */
    struct stopped stopped[STOPPED_MAX];
    size_t         nstopped;
    struct killed *killed; /* workers_killed and gateways_killed of them */
    /* What was done. */
    unsigned kills, early_kills, terms, workers_killed, handlers_killed, workers_stopped,
        gateways_killed;
};

void killer_init(struct killer *k, struct rig *r, uint64_t seed, atomic_bool *burst);
/* One life of agentd: lets it run for a while, with accidents below it, then ends it and starts it
 * again at once. */
void killer_round(struct killer *k);
/* Continues what is stopped. */
void killer_done(struct killer *k);
void killer_free(struct killer *k);
/* Whether it killed this worker or gateway of this agentd. */
bool killer_has_killed(const struct killer *k, pid_t agentd, pid_t child);

#endif
