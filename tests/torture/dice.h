/* dice - the run's random numbers, all from the one seed that is printed (splitmix64, Steele et al.
 * 2014). */
#ifndef TESTS_DICE_H
#define TESTS_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
    uint64_t state;
};

/* A sequence of its own for each role (client 3, the killer, …) of a run. */
struct dice dice_of(uint64_t seed, uint64_t role);
/* 0 ≤ result < bound. */
uint64_t dice_below(struct dice *d, uint64_t bound);
bool     dice_percent(struct dice *d, unsigned percent);

#endif
