#include "supervisor/parked.h"

void
parked_init(struct parked *p)
{
    *p = (struct parked){.deadline = INT64_MAX};
}

static struct asked **
list_of(struct parked *p, uint64_t waits_for)
{
    return waits_for == 0 ? &p->of_feed : &p->by_job[waits_for % PARKED_BUCKETS];
}

bool
parked_add(struct parked *p, struct asked *a)
{
    struct asked **list = list_of(p, a->waits_for);

    if (p->count == PARKED_MAX) return false;
    a->next = *list;
    *list = a;
    p->count++;
    if (a->until_boot_ms < p->deadline) p->deadline = a->until_boot_ms;
    return true;
}

/* Moves those of *list that wait for `waits_for`, no longer than boot_ms, to *out. */
static void
move(struct parked *p, struct asked **list, const uint64_t *waits_for, int64_t boot_ms,
     struct asked **out)
{
    while (*list) {
        struct asked *a = *list;

        if ((waits_for && a->waits_for != *waits_for) || a->until_boot_ms > boot_ms) {
            list = &a->next;
            continue;
        }
        *list = a->next;
        a->next = *out;
        *out = a;
        p->count--;
    }
}

struct asked *
parked_take_job(struct parked *p, uint64_t job)
{
    struct asked *out = NULL;

    move(p, list_of(p, job), &job, INT64_MAX, &out);
    return out;
}

struct asked *
parked_take_feed(struct parked *p)
{
    struct asked *out = NULL;

    move(p, &p->of_feed, NULL, INT64_MAX, &out);
    return out;
}

static int64_t
first_end(const struct parked *p)
{
    int64_t first = INT64_MAX;

    for (size_t i = 0; i <= PARKED_BUCKETS; i++) {
        const struct asked *a = i < PARKED_BUCKETS ? p->by_job[i] : p->of_feed;

        for (; a; a = a->next) {
            if (a->until_boot_ms < first) first = a->until_boot_ms;
        }
    }
    return first;
}

struct asked *
parked_take_ended(struct parked *p, int64_t boot_ms)
{
    struct asked *out = NULL;

    if (boot_ms < p->deadline) return NULL;
    for (size_t i = 0; i < PARKED_BUCKETS; i++)
        move(p, &p->by_job[i], NULL, boot_ms, &out);
    move(p, &p->of_feed, NULL, boot_ms, &out);
    p->deadline = first_end(p);
    return out;
}

struct asked *
parked_take_all(struct parked *p)
{
    p->deadline = INT64_MIN;
    return parked_take_ended(p, INT64_MAX);
}
