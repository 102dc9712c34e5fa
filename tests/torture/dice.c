#include "tests/torture/dice.h"

#include <assert.h>

static uint64_t
next(struct dice *d)
{
    uint64_t z = d->state += 0x9e3779b97f4a7c15ULL;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

struct dice
dice_of(uint64_t seed, uint64_t role)
{
    struct dice d = {seed + role * 0xd1342543de82ef95ULL};

    d.state = next(&d);
    return d;
}

uint64_t
dice_below(struct dice *d, uint64_t bound)
{
    assert(bound > 0);
    return next(d) % bound; /* the bias of small bounds is far below what a run can show */
}

bool
dice_percent(struct dice *d, unsigned percent)
{
    return dice_below(d, 100) < percent;
}
