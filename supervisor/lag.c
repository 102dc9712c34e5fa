#include "supervisor/lag.h"

#include <string.h>

static unsigned
bucket_of(uint64_t us)
{
    unsigned n = us == 0 ? 0 : 64 - (unsigned)__builtin_clzll(us);

    return n < LAG_BUCKETS ? n : LAG_BUCKETS - 1;
}

void
lag_note(struct lag *l, int64_t us, int64_t boot_ms)
{
    uint64_t v = us > 0 ? (uint64_t)us : 0;

    if (boot_ms - l->window_boot_ms >= LAG_WINDOW_MS) {
        l->window_boot_ms = boot_ms;
        l->now = !l->now;
        memset(l->counts[l->now], 0, sizeof(l->counts[l->now]));
        l->worst_us[l->now] = 0;
    }
    l->counts[l->now][bucket_of(v)]++;
    if (v > l->worst_us[l->now]) l->worst_us[l->now] = v;
}

uint64_t
lag_turns(const struct lag *l)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < LAG_BUCKETS; i++)
        total += l->counts[0][i] + l->counts[1][i];
    return total;
}

uint64_t
lag_percentile_us(const struct lag *l, unsigned percent)
{
    uint64_t total = lag_turns(l);
    uint64_t sum = 0;
    uint64_t worst = lag_worst_us(l);

    for (unsigned i = 0; i < LAG_BUCKETS && total > 0; i++) {
        sum += l->counts[0][i] + l->counts[1][i];
        if (sum * 100 >= total * percent) return 1ULL << i < worst ? 1ULL << i : worst;
    }
    return 0;
}

uint64_t
lag_worst_us(const struct lag *l)
{
    return l->worst_us[0] > l->worst_us[1] ? l->worst_us[0] : l->worst_us[1];
}
