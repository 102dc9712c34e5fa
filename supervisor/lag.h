/* lag - how long the loop was at work each time it woke: what an event that came meanwhile waited.
 *
 * Counts by powers of two over this minute and the one before. */
#ifndef SUPERVISOR_LAG_H
#define SUPERVISOR_LAG_H

#include <stdint.h>

#define LAG_BUCKETS   32
#define LAG_WINDOW_MS 60000

struct lag {
    uint64_t counts[2][LAG_BUCKETS]; /* bucket n: below 2^n µs */
    uint64_t worst_us[2];
    int64_t  window_boot_ms;
    int      now;
};

void     lag_note(struct lag *l, int64_t us, int64_t boot_ms);
uint64_t lag_turns(const struct lag *l); /* how many were noted */
/* No more than this was the share of `percent` of the turns: a power of two, or the worst. */
uint64_t lag_percentile_us(const struct lag *l, unsigned percent);
uint64_t lag_worst_us(const struct lag *l);

#endif
