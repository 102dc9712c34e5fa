/* sum - sums that stop at INT64_MAX, the largest integer that wire and JSON carry: a handler that
 * reports absurd numbers must not start its budget anew. */
#ifndef COMMON_SUM_H
#define COMMON_SUM_H

#include <stdint.h>

static inline uint64_t
sum_of(uint64_t a, uint64_t b)
{
    if (a > INT64_MAX) return INT64_MAX;
    return b > INT64_MAX - a ? INT64_MAX : a + b;
}

static inline void
sum_add(uint64_t *sum, uint64_t more)
{
    *sum = sum_of(*sum, more);
}

#endif
