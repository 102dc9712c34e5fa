/* ranks - percentiles by the nearest rank. */
#ifndef COMMON_RANKS_H
#define COMMON_RANKS_H

#include <stddef.h>
#include <stdint.h>

/* The value of which `percent` (1 to 100) of the n values are at most as large; sorts them.  0 of
 * no values. */
int64_t rank_of(int64_t *values, size_t n, unsigned percent);

#endif
