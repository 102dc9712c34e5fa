#include "tools/sim/rng.h"

#include <assert.h>

uint64_t
rng_next(struct rng *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t
rng_below(struct rng *r, uint64_t bound)
{
    uint64_t n = rng_next(r);

    return bound ? n % bound : 0;
}

int64_t
rng_between(struct rng *r, int64_t low, int64_t high)
{
    assert(low <= high);
    return low + (int64_t)rng_below(r, (uint64_t)(high - low) + 1);
}

bool
rng_chance(struct rng *r, unsigned per_mille)
{
    return rng_below(r, 1000) < per_mille;
}

size_t
rng_weighted(struct rng *r, const unsigned *weights, size_t n)
{
    uint64_t sum = 0;
    uint64_t at;

    for (size_t i = 0; i < n; i++)
        sum += weights[i];
    assert(sum > 0);
    at = rng_below(r, sum);
    for (size_t i = 0; i < n; i++) {
        if (at < weights[i]) return i;
        at -= weights[i];
    }
    return n - 1;
}
