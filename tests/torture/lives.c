#include "tests/torture/lives.h"

#include "common/clock.h"
#include "common/mem.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Room for twice as many at each power of two. */
static void *
grow(void *all, size_t count, size_t size)
{
    return (count & (count + 1)) == 0 ? xrealloc(all, 2 * (count + 1) * size) : all;
}

void
lives_begin(struct lives *l)
{
    l->all = grow(l->all, l->count, sizeof(*l->all));
    l->all[l->count++] = (struct life){INT64_MAX, INT64_MAX, l->unclean >= HOLDS_AT};
}

void
lives_ready(struct lives *l)
{
    l->all[l->count - 1].ready_at = clock_now().wall_ms;
}

void
lives_end(struct lives *l, bool is_planned)
{
    struct life *last = &l->all[l->count - 1];

    last->end_at = clock_now().wall_ms;
    l->unclean = is_planned && last->ready_at != INT64_MAX ? 0 : l->unclean + 1;
}

void
lives_free(struct lives *l)
{
    free(l->all);
    free(l->late_ms);
}

/* The first life that has not ended by then. */
static size_t
find(const struct lives *l, int64_t at)
{
    size_t from = 0, until = l->count;

    while (from < until) {
        size_t middle = from + (until - from) / 2;

        if (l->all[middle].end_at <= at) {
            from = middle + 1;
        } else {
            until = middle;
        }
    }
    return from;
}

int64_t
lives_waited(const struct lives *l, int64_t from, int64_t until)
{
    int64_t sum = 0;

    for (size_t i = find(l, from); i < l->count && l->all[i].ready_at < until; i++) {
        int64_t begin = l->all[i].ready_at > from ? l->all[i].ready_at : from;
        int64_t end = l->all[i].end_at < until ? l->all[i].end_at : until;

        if (!l->all[i].may_hold && end > begin) sum += end - begin;
    }
    return sum;
}

void
lives_sample(struct lives *l, int64_t due, int64_t at)
{
    size_t i = find(l, due);

    if (i == l->count || l->all[i].may_hold || l->all[i].ready_at > due || l->all[i].end_at < at) {
        return;
    }
    l->late_ms = grow(l->late_ms, l->samples, sizeof(*l->late_ms));
    l->late_ms[l->samples++] = at - due;
}

static int
compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

void
lives_print(struct lives *l)
{
    size_t n = l->samples;

    if (n == 0) return;
    qsort(l->late_ms, n, sizeof(*l->late_ms), compare);
    (void)printf("  %zu nominal times came while agentd was up: decided after median %" PRId64
                 " ms, p99 %" PRId64 " ms, max %" PRId64 " ms\n",
                 n, l->late_ms[n / 2], l->late_ms[n - 1 - n / 100], l->late_ms[n - 1]);
}
