/* ranks - percentiles by the nearest rank. */
#ifndef COMMON_RANKS_H
#define COMMON_RANKS_H

#include <stddef.h>
#include <stdint.h>

/* Smallest first; n may be 0. */
void ranks_sort(int64_t *values, size_t n);
/* The value of which `percent` (1 to 100) of the n sorted values are at most as large; 0 of no
 * values. */
int64_t rank_of(const int64_t *sorted, size_t n, unsigned percent);

#endif
