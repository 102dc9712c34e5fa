#include "common/ranks.h"

#include <stdlib.h>

static int
by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

int64_t
rank_of(int64_t *values, size_t n, unsigned percent)
{
    if (n == 0) return 0;
    qsort(values, n, sizeof(*values), by_value);
    return values[(n * percent + 99) / 100 - 1];
}
