#include "common/ranks.h"

#include <stdlib.h>

static int
by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

void
ranks_sort(int64_t *values, size_t n)
{
    if (n > 0) qsort(values, n, sizeof(*values), by_value);
}

int64_t
rank_of(const int64_t *sorted, size_t n, unsigned percent)
{
    return n == 0 ? 0 : sorted[(n * percent + 99) / 100 - 1];
}
