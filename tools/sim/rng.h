/* rng - the one source of chance in a simulated run: splitmix64 (Steele et al. 2014).  Equal seeds
 * make equal runs, whatever the compiler. */
#ifndef SIM_RNG_H
#define SIM_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rng {
    uint64_t state;
};

uint64_t rng_next(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t bound);              /* 0 to bound - 1; 0 for bound 0 */
int64_t  rng_between(struct rng *r, int64_t low, int64_t high); /* both included */
bool     rng_chance(struct rng *r, unsigned per_mille);
/* An index below n, index i with probability weights[i] / sum. */
size_t rng_weighted(struct rng *r, const unsigned *weights, size_t n);

#endif
