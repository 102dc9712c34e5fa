#include "tools/sim/daily.h"

#include "tools/sim/zones.h"

#define NOT_GIVEN (-2)

static int64_t
some(struct rng *r, int64_t least, int64_t most)
{
    if (!rng_chance(r, 400)) return NOT_GIVEN;
    if (rng_chance(r, 80)) return NO_LIMIT;
    return rng_chance(r, 30) ? least : rng_between(r, 1, most);
}

struct daily
daily_random(struct rng *r, int64_t least)
{
    struct daily d = {NOT_GIVEN, NOT_GIVEN, NOT_GIVEN, NOT_GIVEN, NULL};

    if (rng_chance(r, 300)) d.zone = zone_name((int)rng_below(r, SIM_ZONES));
    if (!rng_chance(r, 250)) return d;
    d.turns = some(r, least, 80);
    d.tokens = some(r, least, 8000);
    d.cost_micros = some(r, least, 400);
    d.run_ms = some(r, least, 3600000);
    return d;
}
