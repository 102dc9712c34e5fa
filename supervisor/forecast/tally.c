#include "supervisor/forecast/tally.h"

#include <stdlib.h>

void
tally_init(struct tally *t, int64_t from_ms, int64_t until_ms)
{
    *t = (struct tally){.from_ms = from_ms, .until_ms = until_ms};
    t->first_hour = from_ms / TALLY_HOUR_MS;
    t->hour_count = (size_t)((until_ms - 1) / TALLY_HOUR_MS - t->first_hour + 1);
    t->hours = xcalloc(t->hour_count, sizeof(*t->hours));
}

void
tally_done(struct tally *t)
{
    for (size_t i = 0; i < t->hold_count; i++)
        free(t->holds[i].hours);
    free(t->hours);
    free(t->waits);
    free(t->budgets);
    *t = (struct tally){0};
}

void
tally_span(struct tally *t, int64_t from_ms, int64_t to_ms, const struct tally_state *s)
{
    while (from_ms < to_ms) {
        int64_t            number = from_ms / TALLY_HOUR_MS;
        int64_t            end_ms = earlier(to_ms, (number + 1) * TALLY_HOUR_MS);
        int64_t            ms = end_ms - from_ms;
        size_t             at = (size_t)(number - t->first_hour);
        struct tally_hour *h = &t->hours[at];

        h->busy_ms += ms * s->busy;
        if (s->is_full) h->full_ms += ms;
        for (size_t i = 0; i < s->held_count; i++) {
            t->holds[s->held[i]].ms += ms;
            t->holds[s->held[i]].hours[at] += ms;
        }
        from_ms = end_ms;
    }
}

void
tally_start(struct tally *t, uint32_t schedule, int64_t wait_ms, int64_t at_ms)
{
    if (t->wait_count == t->wait_cap) {
        t->wait_cap = t->wait_cap ? t->wait_cap * 2 : 1024;
        t->waits = xrealloc(t->waits, t->wait_cap * sizeof(*t->waits));
    }
    t->waits[t->wait_count++] = (struct tally_wait){.schedule = schedule, .ms = wait_ms};
    t->hours[at_ms / TALLY_HOUR_MS - t->first_hour].starts++;
}

size_t
tally_hold_of(struct tally *t, uint8_t predicate, uint32_t on)
{
    size_t i;

    if (t->hold_count >= HOLDS_MAX) on = 0;
    for (i = 0; i < t->hold_count; i++) {
        if (t->holds[i].predicate == predicate && t->holds[i].on == on) return i;
    }
    t->holds[i] = (struct tally_hold){
        .predicate = predicate, .on = on, .hours = xcalloc(t->hour_count, sizeof(int64_t))};
    t->hold_count++;
    return i;
}

static int
compare_scopes(const void *a, const void *b)
{
    uint32_t left = ((const struct tally_budget *)a)->scope;
    uint32_t right = ((const struct tally_budget *)b)->scope;

    return (left > right) - (left < right);
}

struct tally_budget *
tally_budget_of(struct tally *t, uint32_t scope)
{
    const struct tally_budget key = {.scope = scope};

    if (t->budget_count == 0) return NULL;
    return bsearch(&key, t->budgets, t->budget_count, sizeof(key), compare_scopes);
}

void
tally_add_budget(struct tally *t, uint32_t scope)
{
    t->budgets = xrealloc(t->budgets, (t->budget_count + 1) * sizeof(*t->budgets));
    t->budgets[t->budget_count++] = (struct tally_budget){.scope = scope};
}

static int
compare_waits(const void *a, const void *b)
{
    const struct tally_wait *left = a, *right = b;

    if (left->schedule != right->schedule) return left->schedule < right->schedule ? -1 : 1;
    return (left->ms > right->ms) - (left->ms < right->ms);
}

void
tally_sort(struct tally *t)
{
    if (t->wait_count > 0) qsort(t->waits, t->wait_count, sizeof(*t->waits), compare_waits);
}
