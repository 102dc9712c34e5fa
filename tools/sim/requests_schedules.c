#include "tools/sim/sim.h"
#include "tools/sim/verdict.h"

#include <stdio.h>

/* Schedules by requests: mostly as0 … as5, which no configuration declares. */

/* ---- add, set -------------------------------------------------------------------------------- */

/* One thing that must be refused. */
static void
spoil(struct sim *s, struct msg_schedule *m)
{
    switch (rng_below(&s->rng, 8)) {
    case 0:
        m->cron = view_str("61 * * * *");
        SET_HAS(m, schedule, cron);
        break;
    case 1:
        m->overlap = view_str("perhaps");
        SET_HAS(m, schedule, overlap);
        break;
    case 2:
        m->misfire = view_str("perhaps");
        SET_HAS(m, schedule, misfire);
        break;
    case 3:
        m->misfire = view_str("latest");
        m->misfire_max = 2;
        SET_HAS(m, schedule, misfire);
        SET_HAS(m, schedule, misfire_max);
        break;
    case 4:
        m->start_at = m->end_at = s->world.now.wall_ms;
        SET_HAS(m, schedule, start_at);
        SET_HAS(m, schedule, end_at);
        break;
    case 6:
        m->idle_max_ms = 60000;
        SET_HAS(m, schedule, idle_max_ms);
        break;
    case 5:
        m->gate = view_str("\x82\xacopen_tickets\xc3\xa9"
                           "completed\xa3"
                           "as0");
        SET_HAS(m, schedule, gate);
        break;
    default:
        m->shadow = false;
        m->shadow_runs = 3;
        SET_HAS(m, schedule, shadow);
        SET_HAS(m, schedule, shadow_runs);
    }
}

static void
schedule_add(struct sim *s)
{
    struct declaration  d = {0};
    struct msg_schedule m;
    char                name[8];
    struct err          e = {0};

    snprintf(name, sizeof(name), "as%u", (unsigned)rng_below(&s->rng, 6));
    s->config.now_ms = s->world.now.wall_ms;
    config_fill_schedule(&s->config, &s->rng, name, &d);
    claim(msg_unpack(msg_desc(MSG_SCHEDULE), buf_view(&d.spec), &m, &e) == E_OK, "%s", e.msg);
    if (rng_chance(&s->rng, 50)) spoil(s, &m);
    sim_ask(s, MSG_SCHEDULE_ADD, &m); /* whose fields are those of a schedule */
    buf_done(&d.spec);
}

/* Some fields of another declaration, and some that are cleared. */
static void
schedule_set(struct sim *s)
{
    static const char *const names[] = {"agent",       "max_turns", "overlap", "tz",
                                        "shadow_runs", "gate",      "name",    "whim"};
    struct declaration       d = {0};
    struct msg_schedule_set  m;
    struct buf clear         BUF_AUTO = {0};
    struct err               e = {0};
    char                     name[8];

    snprintf(name, sizeof(name), "as%u", (unsigned)rng_below(&s->rng, 6));
    s->config.now_ms = s->world.now.wall_ms;
    config_fill_schedule(&s->config, &s->rng, name, &d);
    claim(msg_unpack(msg_desc(MSG_SCHEDULE_SET), buf_view(&d.spec), &m, &e) == E_OK, "%s", e.msg);
    for (unsigned bit = 0; bit < 64; bit++) {
        if (rng_chance(&s->rng, 600)) m.has &= ~(1ULL << bit);
    }
    if (m.company.size) SET_HAS(&m, schedule_set, company); /* of the name */
    if (rng_chance(&s->rng, 400)) {
        mp_array(&clear, 1);
        mp_cstr(&clear, names[rng_below(&s->rng, ARRAY_LEN(names))]);
        m.clear = buf_view(&clear);
        SET_HAS(&m, schedule_set, clear);
    }
    sim_ask(s, MSG_SCHEDULE_SET, &m);
    buf_done(&d.spec);
}

/* ---- the other requests ---------------------------------------------------------------------- */

static void
about_schedule(struct sim *s, enum msg_id op)
{
    int                      company = (int)rng_below(&s->rng, SIM_ANY_COMPANIES);
    bool                     is_bare = company == 0 && rng_chance(&s->rng, 500);
    struct msg_schedule_show m = {0};
    char                     name[32];

    char     origin = rng_chance(&s->rng, 500) ? 'a' : 'c';
    unsigned number = (unsigned)rng_below(&s->rng, 6);

    snprintf(name, sizeof(name), "%s%s%cs%u", is_bare ? "" : config_company(company),
             is_bare ? "" : "/", origin, number);
    m.name = view_str(name);
    if (op == MSG_SCHEDULE_PAUSE) {
        struct msg_schedule_pause pause = {.name = m.name};

        if (rng_chance(&s->rng, 400)) {
            pause.until = s->world.now.wall_ms +
                          rng_between(&s->rng, -1000, rng_chance(&s->rng, 500) ? 600000 : 7200000);
            SET_HAS(&pause, schedule_pause, until);
        }
        sim_ask(s, op, &pause);
    } else {
        sim_ask(s, op, &m);
    }
}

static void
full_name(struct sim *s, const struct m_object *o, char out[140])
{
    snprintf(out, 140, "%.*s/%.*s", VIEW_ARG(s->model.objects.items[o->company].name),
             VIEW_ARG(o->name));
}

/* One that was there, and mostly is; half of the time of a job that has not ended, if it has one.
 */
static const struct m_schedule *
random_schedule(struct sim *s)
{
    const struct model *m = &s->model;
    uint64_t            any = rng_below(&s->rng, m->schedules.count);
    const struct m_job *j;

    if (m->active.count == 0 || rng_chance(&s->rng, 500)) return &m->schedules.items[any];
    j = &m->jobs.items[m->active.items[rng_below(&s->rng, m->active.count)] - 1];
    if (j->schedule >= 0) any = (uint64_t)m->objects.items[j->schedule].schedule;
    return &m->schedules.items[any];
}

static void
schedule_run(struct sim *s)
{
    struct msg_schedule_run  m = {.force = rng_chance(&s->rng, 400)};
    const struct m_schedule *run;
    char                     name[140];

    if (s->model.schedules.count == 0) return;
    run = random_schedule(s);
    full_name(s, &s->model.objects.items[run->object], name);
    m.name = view_str(name);
    if (m.force) SET_HAS(&m, schedule_run, force);
    sim_ask(s, MSG_SCHEDULE_RUN, &m);
}

/* Some intervals of the past; now and then more than one may ask for, or none. */
static void
fill_range(struct sim *s, const struct m_schedule *run, struct msg_schedule_backfill *m)
{
    int64_t now = s->world.now.wall_ms, interval = 60000;

    if (run->next_at > run->cursor && run->next_at - run->cursor < 30 * (int64_t)86400000)
        interval = run->next_at - run->cursor;
    m->from = now - interval * rng_between(&s->rng, 1, 12);
    m->from -= rng_between(&s->rng, 0, interval);
    m->to = m->from + interval * rng_between(&s->rng, 0, 6);
    m->to += rng_between(&s->rng, 0, interval);
    if (interval < 60000 && rng_chance(&s->rng, 100)) m->from = now - 86400000;
    if (m->to > now && rng_chance(&s->rng, 950)) m->to = now;
}

/* While none of its times is to be decided: of which a turn would leave only the new row. */
static void
schedule_backfill(struct sim *s)
{
    struct msg_schedule_backfill m = {0};
    const struct m_schedule     *run;
    char                         name[140];

    sim_settle(s);
    if (!s->engine || s->model.schedules.count == 0) return;
    run = &s->model.schedules.items[rng_below(&s->rng, s->model.schedules.count)];
    if (run->next_at && m_due(&s->model, run, run->next_at).low <= s->world.now.wall_ms) return;
    full_name(s, &s->model.objects.items[run->object], name);
    m.name = view_str(name);
    fill_range(s, run, &m);
    if ((m.force = rng_chance(&s->rng, 300))) SET_HAS(&m, schedule_backfill, force);
    sim_ask_once(s, MSG_SCHEDULE_BACKFILL, &m);
    sim_settle(s);
}

void
sim_pause_schedules(struct sim *s)
{
    for (size_t i = 0; i < s->model.schedules.count; i++) {
        const struct m_schedule  *run = &s->model.schedules.items[i];
        const struct m_object    *o = &s->model.objects.items[run->object];
        struct msg_schedule_pause m = {0};
        char                      name[140];

        if (run->is_paused || o->is_gone) continue;
        full_name(s, o, name);
        m.name = view_str(name);
        sim_ask_as_admin(s, MSG_SCHEDULE_PAUSE, &m);
    }
}

void
sim_cancel_firings(struct sim *s, bool held_only)
{
    for (size_t i = 0; i < s->model.active.count; i++) {
        const struct m_job         *j = m_job(&s->model, s->model.active.items[i]);
        const struct msg_job_cancel m = {.id = j->id};

        if (j->schedule < 0 || j->state != JOB_READY) continue;
        if (!held_only || m_is_job_paused(&s->model, j)) sim_ask_as_admin(s, MSG_JOB_CANCEL, &m);
    }
}

void
sim_request_schedule(struct sim *s)
{
    static const unsigned weights[] = {5, 5, 6, 4, 2, 2, 10, 5};

    switch (rng_weighted(&s->rng, weights, ARRAY_LEN(weights))) {
    case 0: schedule_add(s); break;
    case 1: schedule_set(s); break;
    case 2: about_schedule(s, MSG_SCHEDULE_PAUSE); break;
    case 3: about_schedule(s, MSG_SCHEDULE_RESUME); break;
    case 4: about_schedule(s, MSG_SCHEDULE_REMOVE); break;
    case 5: about_schedule(s, MSG_SCHEDULE_PROMOTE); break;
    case 6: schedule_run(s); break;
    default: schedule_backfill(s);
    }
}
