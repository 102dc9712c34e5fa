#include "supervisor/forecast/model.h"

#include "supervisor/engine/schedules.h"

#include <assert.h>

struct model_sum {
    uint64_t count;
    uint64_t run_us, turns_milli, tokens_milli, cost_milli;
};

const char *
assumption_name(enum assumption a)
{
    static const char *const names[] = {
#define A(NAME, text) text,
        ASSUMPTIONS(A)
#undef A
    };

    assert(a < ASSUMPTION_COUNT);
    return names[a];
}

void
model_init(struct model *m)
{
    *m = (struct model){0};
    arena_init(&m->arena);
}

void
model_done(struct model *m)
{
    arena_done(&m->arena);
}

static uint64_t
rounded(uint64_t thousandths)
{
    return thousandths / 1000 + (thousandths % 1000 >= 500);
}

static struct model_run
average(const struct model_sum *s, enum assumption basis)
{
    return (struct model_run){.basis = basis,
                              .run_ms = (int64_t)rounded(s->run_us / s->count),
                              .turns = rounded(s->turns_milli / s->count),
                              .tokens = rounded(s->tokens_milli / s->count),
                              .cost_micros = rounded(s->cost_milli / s->count)};
}

/* No company is told what others' firings take (N36). */
static uint64_t
handler_key(uint32_t handler, uint32_t company)
{
    return (uint64_t)company << 32 | handler;
}

static void
add(struct model *m, struct idmap *map, uint64_t id, const struct schedule *run)
{
    struct model_sum *s = idmap_get(map, id);

    if (!s) {
        s = arena_alloc(&m->arena, sizeof(*s));
        *s = (struct model_sum){0};
        idmap_put(map, &m->arena, id, s);
    }
    s->count++;
    s->run_us += run->avg_run_us;
    s->turns_milli += run->avg_turns_milli;
    s->tokens_milli += run->avg_tokens_milli;
    s->cost_milli += run->avg_cost_milli;
}

/* The handler of its firings; 0: it has none any more. */
static uint32_t
find_handler(struct model *m, struct engine *en, const struct object_entry *o)
{
    struct schedule_refs refs;
    uint32_t            *known;
    struct err           e;

    if (schedule_check(en, &actor_daemon, &o->spec.schedule, &refs, &e)) return 0;
    known = arena_alloc(&m->arena, sizeof(*known));
    *known = refs.handler;
    idmap_put(&m->handler_of, &m->arena, o->row.id, known);
    return refs.handler;
}

static void
learn(struct model *m, struct engine *en, const struct schedule *run)
{
    const struct object_entry *o = objects_get(&en->turn.objects, run->id);
    const struct model_sum     own = {.count = 1,
                                      .run_us = run->avg_run_us,
                                      .turns_milli = run->avg_turns_milli,
                                      .tokens_milli = run->avg_tokens_milli,
                                      .cost_milli = run->avg_cost_milli};
    uint32_t                   handler = o ? find_handler(m, en, o) : 0;
    struct model_run          *mine;

    if (run->measured == 0 || !o) return;
    mine = arena_alloc(&m->arena, sizeof(*mine));
    *mine = average(&own, ASSUME_MEASURED);
    idmap_put(&m->schedules, &m->arena, run->id, mine);
    add(m, &m->companies, run->company, run);
    if (handler) add(m, &m->handlers, handler_key(handler, run->company), run);
}

void
model_learn(struct model *m, struct engine *en)
{
    struct schedule run = {0};
    struct scan     s;

    scan_open(&s, turn_txn(en), PRIMARY_SCHEDULE, &run, 0, 0);
    while (scan_next(&s, &run))
        learn(m, en, &run);
    scan_close(&s);
}

struct model_run
model_run_of(const struct model *m, uint32_t handler, uint32_t company)
{
    const struct model_sum *of_handler = idmap_get(&m->handlers, handler_key(handler, company));
    const struct model_sum *of_company = idmap_get(&m->companies, company);

    if (of_handler) return average(of_handler, ASSUME_HANDLER);
    if (of_company) return average(of_company, ASSUME_COMPANY);
    return (struct model_run){.basis = ASSUME_DEFAULT, .run_ms = MODEL_RUN_MS};
}

struct model_run
model_firing_of(const struct model *m, uint32_t schedule, uint32_t company)
{
    const struct model_run *own = idmap_get(&m->schedules, schedule);
    const uint32_t         *handler = idmap_get(&m->handler_of, schedule);

    return own ? *own : model_run_of(m, handler ? *handler : 0, company);
}
