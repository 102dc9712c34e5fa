/* Dispatch against a model over random turns: caps never exceeded, no slot idle, order kept (A4,
 * A8, N18). */
#include "tests/unit/engine_rig.h"

/* ---- a model: caps never exceeded, no slot idle, order kept ---- */

enum { MODEL_JOBS_MAX = 3000, MODEL_TURNS = 1500 };

struct model_job {
    int     company, agent, handler, priority; /* −1: none */
    bool    is_schedule_born;
    uint8_t state; /* 0 waiting, 1 running, 2 over */
};

struct model {
    struct rig      *rig;
    uint64_t         seed;
    struct model_job jobs[MODEL_JOBS_MAX + 1]; /* by id */
    uint64_t         count;
    int              cap_global, cap_schedule, cap_company[3], cap_agent[4], cap_handler[3];
    int              running, schedule_born, company[3], agent[4], handler[3];
};

static unsigned
draw(struct model *m, unsigned bound)
{
    m->seed ^= m->seed << 13;
    m->seed ^= m->seed >> 7;
    m->seed ^= m->seed << 17;
    return (unsigned)(m->seed >> 11) % bound;
}

static int
draw_cap(struct model *m)
{
    unsigned n = draw(m, 6);

    return n == 5 ? NO_LIMIT : (int)n;
}

static void
put_cap(struct buf *b, int cap)
{
    if (cap == NO_LIMIT) {
        buf_add_str(b, ",'max_concurrent':null}");
    } else {
        buf_printf(b, ",'max_concurrent':%d}", cap);
    }
}

static void
model_configure(struct model *m)
{
    static const char *const names[] = {"x", "y", "z"};
    BUF_AUTO struct buf      companies = {0}, agents = {0}, handlers = {0};

    m->rig->limits.max_concurrent = m->cap_global = draw(m, 2) ? NO_LIMIT : (int)draw(m, 7);
    m->rig->limits.schedule_max_concurrent = m->cap_schedule = draw_cap(m);
    for (int i = 0; i < 3; i++) {
        buf_printf(&companies, "%s{'name':'c%d'", i ? "," : "", i);
        put_cap(&companies, m->cap_company[i] = draw_cap(m));
        buf_printf(&handlers, "%s{'name':'%s','kind':'exec','command':['x']", i ? "," : "",
                   names[i]);
        put_cap(&handlers, m->cap_handler[i] = draw_cap(m));
    }
    for (int i = 0; i < 4; i++) {
        buf_printf(&agents, "%s{'name':'a%d','company':'c%d'", i ? "," : "", i, i % 2);
        put_cap(&agents, m->cap_agent[i] = draw_cap(m));
    }
    rig_configure(m->rig, &(struct rig_declared){.companies = buf_str(&companies),
                                                 .agents = buf_str(&agents),
                                                 .handlers = buf_str(&handlers)});
}

static void
model_submit(struct model *m)
{
    static const char *const names[] = {"x", "y", "z"};
    struct model_job        *j = &m->jobs[++m->count];
    char                     agent[40] = "";

    j->agent = draw(m, 2) ? (int)draw(m, 4) : -1;
    j->company = j->agent >= 0 ? j->agent % 2 : (int)draw(m, 3);
    j->handler = (int)draw(m, 3);
    j->priority = (int)draw(m, 4) * 10;
    j->is_schedule_born = draw(m, 3) == 0;
    if (j->agent >= 0)
        (void)snprintf(agent, sizeof(agent), "'agent':'c%d/a%d',", j->company, j->agent); /* fits */
    (void)rig_queue(m->rig, "job.submit",
                    "%s'company':'c%d','handler':'%s','priority':%d,'trigger':'%s'", agent,
                    j->company, names[j->handler], j->priority,
                    j->is_schedule_born ? "schedule" : "event");
}

static void
model_count(struct model *m, const struct model_job *j, int by)
{
    m->running += by;
    m->schedule_born += j->is_schedule_born ? by : 0;
    m->company[j->company] += by;
    if (j->agent >= 0) m->agent[j->agent] += by;
    m->handler[j->handler] += by;
}

static bool
is_full(int cap, int used)
{
    return cap != NO_LIMIT && used >= cap;
}

/* The names of the caps that hold the job. */
static bool
model_holds(const struct model *m, const struct model_job *j, const char *reason)
{
    const struct {
        const char *name;
        bool        holds;
    } caps[] = {
        {"global_cap",   is_full(m->cap_global,                           m->running)            },
        {"schedule_cap", j->is_schedule_born && is_full(m->cap_schedule,  m->schedule_born)      },
        {"company_cap",  is_full(m->cap_company[j->company],              m->company[j->company])},
        {"agent_cap",    j->agent >= 0 && is_full(m->cap_agent[j->agent], m->agent[j->agent])    },
        {"handler_cap",  is_full(m->cap_handler[j->handler],              m->handler[j->handler])},
    };

    for (size_t i = 0; i < ARRAY_LEN(caps); i++)
        if (caps[i].holds && (!reason || strcmp(reason, caps[i].name) == 0)) return true;
    return false;
}

/* Takes the starts of the turn, one by one: none may break a cap or pass by a better job. */
static void
model_take_starts(struct model *m, size_t first)
{
    for (size_t i = first; i < m->rig->lease_count; i++) {
        struct model_job *j = &m->jobs[m->rig->leases[i].id];

        assert_int_equal(j->state, 0);
        if (model_holds(m, j, NULL)) fail_msg("a start over a cap");
        for (uint64_t id = 1; id <= m->count; id++) {
            const struct model_job *other = &m->jobs[id];

            if (other->state == 0 && other->priority > j->priority && !model_holds(m, other, NULL))
                fail_msg("job %d passes by job %d", (int)m->rig->leases[i].id, (int)id);
        }
        j->state = 1;
        model_count(m, j, 1);
    }
}

static void
model_check_waiting(struct model *m, int slots)
{
    for (uint64_t id = 1; id <= m->count; id++) {
        const struct model_job *j = &m->jobs[id];

        if (j->state != 0) continue;
        if (m->running < slots && !model_holds(m, j, NULL))
            fail_msg("job %d waits though nothing holds it", (int)id);
        if (strcmp(rig_job_text(m->rig, id, "state"), "parked") != 0) continue;
        if (!model_holds(m, j, rig_text(m->rig, "reason")))
            fail_msg("job %d is parked by %s, which does not hold it", (int)id,
                     rig_text(m->rig, "reason"));
    }
}

static void
model_end_some(struct model *m)
{
    for (size_t i = 0; i < m->rig->lease_count; i++) {
        struct rig_lease *l = &m->rig->leases[i];

        if (!l->is_live || draw(m, 3) != 0) continue;
        m->jobs[l->id].state = 2;
        model_count(m, &m->jobs[l->id], -1);
        rig_ended(m->rig, l->id, "'verdict':'completed'");
    }
}

static void
a_model_agrees_over_random_turns(void **state)
{
    struct rig   *r = *state;
    struct model *m = xcalloc(1, sizeof(*m));
    enum { SLOTS = 6 };

    r->is_unchecked = true;
    m->rig = r;
    m->seed = 88172645463325252;
    model_configure(m);
    rig_workers(r, 2, SLOTS / 2);
    for (int turn = 0; turn < MODEL_TURNS; turn++) {
        size_t before = r->lease_count;

        r->is_unchecked = turn % 8 != 0;
        model_end_some(m);
        for (unsigned n = draw(m, 3); n > 0 && m->count < MODEL_JOBS_MAX; n--)
            model_submit(m);
        if (draw(m, 20) == 0) {
            model_configure(m);
        } else {
            rig_turn(r);
        }
        model_take_starts(m, before);
        if (turn % 16 == 0) model_check_waiting(m, SLOTS);
        if (rig_is_due(r)) fail_msg("a turn leaves dispatch undone");
    }
    assert_true(m->count > 1000);
    free(m);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(a_model_agrees_over_random_turns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
