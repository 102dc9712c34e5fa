#include "supervisor/engine/ladder.h"

#include "supervisor/engine/objects.h"
#include "supervisor/engine/registry.h"

#include <inttypes.h>

static enum errc
check_list(struct view list, struct err *e)
{
    struct list_iter it = list_iter_of(list);
    struct view      item;
    uint32_t         n = 0;

    while (list_next(&it, &item)) {
        struct mp_reader r = mp_reader_of(item);
        int64_t          ms;

        if (++n > LADDER_MAX) return err_field(e, "retry", "at most %d steps", LADDER_MAX);
        if (!mp_read_i64(&r, &ms) || ms < 0 || ms > YEARS_100_MS) {
            return err_field(e, "retry",
                             "step %" PRIu32 " is not a number of ms from 0 to 100 years", n);
        }
    }
    if (n == 0) return err_field(e, "retry", "at least one step");
    return E_OK;
}

enum errc
ladder_check(const struct ladder *given, struct err *e)
{
    if (given->has_list && given->has_base) {
        err_field(e, "retry_base_ms", "not together with retry");
        return err_hint(e, "give the steps, or a base that they are worked out from");
    }
    if (given->has_list && check_list(given->list, e)) return e->code;
    if (given->has_factor && !given->has_base)
        return err_field(e, "retry_factor", "needs retry_base_ms");
    if (given->has_max && !given->has_base)
        return err_field(e, "retry_max_ms", "needs retry_base_ms");
    if (given->has_max && given->max_ms < given->base_ms)
        return err_field(e, "retry_max_ms", "is less than retry_base_ms");
    return E_OK;
}

bool
ladder_is_given(const struct ladder *given)
{
    return given->has_list || given->has_base;
}

/* The steps of a checked one: at most LADDER_MAX; their count, 0 when none was given. */
static uint32_t
expand(const struct ladder *given, int64_t *steps)
{
    int64_t  factor = given->has_factor ? (int64_t)given->factor : LADDER_FACTOR;
    int64_t  longest = given->has_max ? given->max_ms : LADDER_WAIT_MAX_MS;
    int64_t  ms = given->base_ms;
    uint32_t n = 0;

    if (given->has_list) return ladder_read(given->list, steps);
    if (!given->has_base) return 0;
    if (longest < ms) longest = ms;
    do {
        steps[n++] = ms;
        if (ms == longest || ms == 0 || factor == 1) break; /* which repeats */
        ms = ms > longest / factor ? longest : ms * factor;
    } while (n < LADDER_MAX);
    return n;
}

struct view
ladder_pack(struct arena *a, const struct ladder *given)
{
    struct buf packed BUF_AUTO = {0};
    int64_t           steps[LADDER_MAX];
    uint32_t          count;

    if (given->has_list) return given->list;
    count = expand(given, steps);
    if (count == 0) return (struct view){0};
    mp_array(&packed, count);
    for (uint32_t i = 0; i < count; i++)
        mp_i64(&packed, steps[i]);
    return arena_copy(a, buf_view(&packed));
}

uint32_t
ladder_read(struct view list, int64_t *steps)
{
    struct list_iter it = list_iter_of(list);
    struct view      item;
    uint32_t         n = 0;

    if (list.size == 0) return 0;
    while (n < LADDER_MAX && list_next(&it, &item)) {
        struct mp_reader r = mp_reader_of(item);

        if (!mp_read_i64(&r, &steps[n])) return n;
        n++;
    }
    return n;
}

int64_t
ladder_step(struct engine *en, const struct job_state *j, uint32_t n)
{
    const struct object_entry *h = objects_get(&en->turn.objects, j->handler);
    const struct msg_profile  *p = NULL;
    struct job_spec            spec = {.id = j->id};
    struct ladder              given;
    int64_t                    steps[LADDER_MAX];
    uint32_t                   count = 0;

    if (job_spec_load(turn_txn(en), &spec) == LOAD_FOUND) count = ladder_read(spec.retry, steps);
    if (count == 0) p = profile_of(&en->turn.objects, j->schedule, j->agent);
    if (p) {
        given = LADDER_OF(p, profile);
        count = expand(&given, steps);
    }
    if (count == 0 && h) {
        given = LADDER_OF(&h->spec.handler, handler);
        count = expand(&given, steps);
    }
    if (count) return steps[n < count ? n : count - 1];
    count = en->memory.limits.ladder_steps;
    return count ? en->memory.limits.ladder_ms[n < count ? n : count - 1] : 0;
}
