#include "tools/sim/config.h"

#include "common/mp.h"
#include "tools/sim/daily.h"
#include "tools/sim/zones.h"
#include <stdio.h>

#define HOUR_MS 3600000
#define DAY_MS  (24 * (int64_t)HOUR_MS)

/* ---- when ------------------------------------------------------------------------------------ */

static void
fill_often(struct rng *r, struct msg_schedule *m, char cron[32])
{
    static const int steps[] = {1, 5, 10, 15, 30};
    int              minute = (int)rng_below(r, 60), hour = (int)rng_below(r, 24);

    if (rng_chance(r, 500)) {
        m->every_ms =
            rng_chance(r, 200) ? rng_between(r, 20000, 60000) : rng_between(r, 60000, 3600000);
        SET_HAS(m, schedule, every_ms);
        return;
    }
    switch (rng_below(r, 6)) {
    case 0: snprintf(cron, 32, "*/%d * * * *", steps[rng_below(r, 5)]); break;
    case 1: snprintf(cron, 32, "%d * * * *", minute); break;
    case 2: snprintf(cron, 32, "%d %d * * *", minute, hour); break;
    case 3: snprintf(cron, 32, "%d %d * * %d", minute, hour, (int)rng_below(r, 7)); break;
    case 4: snprintf(cron, 32, "%d */%d * * * *", minute, steps[rng_below(r, 5)]); break;
    default: snprintf(cron, 32, "every %ds", (int)rng_between(r, 60, 3600));
    }
    m->cron = view_str(cron);
}

/* For years within a run. */
static void
fill_seldom(struct rng *r, struct msg_schedule *m, char cron[32])
{
    int minute = (int)rng_below(r, 60), hour = (int)rng_below(r, 24);

    switch (rng_below(r, 4)) {
    case 0:
        m->every_ms = rng_between(r, 6 * HOUR_MS, 10 * DAY_MS);
        SET_HAS(m, schedule, every_ms);
        return;
    case 1: snprintf(cron, 32, "%d %d * * *", minute, hour); break;
    case 2: snprintf(cron, 32, "%d 2 * * *", minute); break; /* the hour that may not exist */
    default: snprintf(cron, 32, "%d %d * * %d", minute, hour, (int)rng_below(r, 7));
    }
    m->cron = view_str(cron);
}

static void
fill_times(const struct config *c, struct rng *r, struct msg_schedule *m, char cron[32])
{
    if (c->is_sparse) {
        fill_seldom(r, m, cron);
    } else {
        fill_often(r, m, cron);
    }
    if (m->cron.size == 0) return;
    SET_HAS(m, schedule, cron);
    if (cron[0] == 'e' || !rng_chance(r, 500)) return;
    m->tz = view_str(zone_name((int)rng_below(r, SIM_ALL_ZONES)));
    SET_HAS(m, schedule, tz);
}

/* ---- the rest -------------------------------------------------------------------------------- */

static void
fill_rest(struct rng *r, struct msg_schedule *m, struct buf *ladder, struct buf *payload)
{
    if (rng_chance(r, 300)) {
        m->priority = rng_between(r, 0, 100);
        SET_HAS(m, schedule, priority);
    }
    if (rng_chance(r, 300)) {
        m->max_run_ms = rng_between(r, 1000, 300000);
        SET_HAS(m, schedule, max_run_ms);
    }
    if (rng_chance(r, 300)) {
        m->max_turns = rng_chance(r, 300) ? NO_LIMIT : rng_between(r, 1, 10000);
        SET_HAS(m, schedule, max_turns);
    }
    if (rng_chance(r, 200)) {
        m->max_attempts = (uint64_t)rng_between(r, 1, 4);
        SET_HAS(m, schedule, max_attempts);
    }
    if (rng_chance(r, 200)) {
        config_fill_ladder(r, ladder);
        m->retry = buf_view(ladder);
        SET_HAS(m, schedule, retry);
    } else if (rng_chance(r, 100)) {
        m->retry_base_ms = rng_between(r, 0, 60000);
        m->retry_factor = (uint64_t)rng_between(r, 1, 100);
        SET_HAS(m, schedule, retry_base_ms);
        SET_HAS(m, schedule, retry_factor);
    }
    if (rng_chance(r, 300)) {
        m->type = view_str(rng_chance(r, 700) ? "heartbeat" : "schedule");
        SET_HAS(m, schedule, type);
    }
    if (view_is(m->type, "heartbeat") && rng_chance(r, 700)) {
        m->idle_max_ms = rng_between(r, 1000, rng_chance(r, 300) ? 30 * DAY_MS : 4 * HOUR_MS);
        SET_HAS(m, schedule, idle_max_ms);
    }
    SPEND_GIVE(m, schedule, r);
    if (!rng_chance(r, 300)) return;
    mp_u64(payload, rng_next(r) >> 1);
    m->payload = buf_view(payload);
    SET_HAS(m, schedule, payload);
}

/* One number after the other: the order of arguments is the compiler's. */
static void
fill_quiet(struct rng *r, char quiet[16])
{
    int  until_minute = (int)rng_below(r, 60), until_hour = (int)rng_between(r, 12, 23);
    int  minute = (int)rng_below(r, 60), hour = (int)rng_below(r, 12);
    char from[6];

    snprintf(quiet, 16, "%02d:%02d-%02d:%02d", hour, minute, until_hour, until_minute);
    if (!rng_chance(r, 500)) return; /* over midnight */
    memcpy(from, quiet, 5);
    memcpy(quiet, quiet + 6, 5);
    memcpy(quiet + 6, from, 5);
}

/* From when to when, and how much later than its nominal times. */
static void
fill_bounds(const struct config *c, struct rng *r, struct msg_schedule *m, char quiet[16])
{
    int64_t unit = c->is_sparse ? 200 * DAY_MS : 6 * HOUR_MS;

    if (rng_chance(r, 100)) {
        m->start_at = c->now_ms + rng_between(r, -unit, unit);
        SET_HAS(m, schedule, start_at);
    }
    if (rng_chance(r, 100)) {
        m->end_at = (m->start_at ? m->start_at : c->now_ms - unit / 8) + rng_between(r, 1, unit);
        SET_HAS(m, schedule, end_at);
    }
    if (rng_chance(r, 100)) {
        m->max_firings = (uint64_t)rng_between(r, 1, c->is_sparse ? 200 : 12);
        SET_HAS(m, schedule, max_firings);
    }
    if (rng_chance(r, 200)) {
        m->spread_ms = rng_between(r, 0, rng_chance(r, 200) ? DAY_MS : 600000);
        SET_HAS(m, schedule, spread_ms);
    }
    if (rng_chance(r, 200)) {
        m->jitter_ms = rng_between(r, 0, rng_chance(r, 200) ? 4 * HOUR_MS : 120000);
        SET_HAS(m, schedule, jitter_ms);
    }
    if (rng_chance(r, 250)) {
        m->overdue_ms = rng_between(r, 1000, unit / 4);
        SET_HAS(m, schedule, overdue_ms);
    }
    if (!rng_chance(r, 150)) return;
    fill_quiet(r, quiet);
    m->quiet_hours = view_str(quiet);
    SET_HAS(m, schedule, quiet_hours);
}

static void
fill_misfire(struct rng *r, struct msg_schedule *m)
{
    static const char *const policies[] = {"skip", "latest", "all", "all"};

    if (rng_chance(r, 400)) {
        m->misfire = view_str(policies[rng_below(r, ARRAY_LEN(policies))]);
        SET_HAS(m, schedule, misfire);
    }
    if (view_is(m->misfire, "all") && rng_chance(r, 700)) {
        m->misfire_max = (uint64_t)rng_between(r, 1, 6);
        SET_HAS(m, schedule, misfire_max);
    }
    if (rng_chance(r, 200)) {
        m->catch_up_ms = rng_chance(r, 200) ? 0 : rng_between(r, 0, 4 * HOUR_MS);
        SET_HAS(m, schedule, catch_up_ms);
    }
}

/* What becomes of a firing. */
static void
fill_policies(struct rng *r, struct msg_schedule *m)
{
    static const char *const overlaps[] = {"skip", "queue_one", "allow", "cancel_running"};

    if (rng_chance(r, 500)) {
        m->overlap = view_str(overlaps[rng_below(r, ARRAY_LEN(overlaps))]);
        SET_HAS(m, schedule, overlap);
    }
    if (rng_chance(r, 200)) {
        m->shadow = true;
        SET_HAS(m, schedule, shadow);
        if (rng_chance(r, 500)) {
            m->shadow_runs = (uint64_t)rng_between(r, 1, 4);
            SET_HAS(m, schedule, shadow_runs);
        }
    }
}

/* ---- gates ----------------------------------------------------------------------------------- */

/* In the file only one that stands before it there, so that there is no circle. */
static bool
fill_awaited(const struct config *c, struct rng *r, const struct msg_schedule *m,
             struct declaration *d, char name[8])
{
    bool     is_of_file = m->name.data[0] == 'c';
    unsigned i = (unsigned)rng_below(r, is_of_file ? SIM_SCHEDULES : 6);

    snprintf(name, 8, "%cs%u", is_of_file || rng_chance(r, 300) ? 'c' : 'a', i);
    if (!is_of_file) return true;
    if (i >= (unsigned)(m->name.data[2] - '0') || !c->schedules[i].is_there ||
        c->schedules[i].company != d->company)
        return false;
    d->awaited = (int)i;
    return true;
}

/* In the file one of a handler of its own, which is there and runs programs. */
static bool
fill_command(struct msg_gate *g, const struct msg_schedule *m, const struct declaration *d,
             struct buf *list)
{
    if (m->name.data[0] == 'c' && (d->handler < SIM_FIRST_EXEC || m->ticket.size)) return false;
    mp_array(list, 1);
    mp_cstr(list, "./has-mail");
    g->command = buf_view(list);
    SET_HAS(g, gate, command);
    return true;
}

static void
fill_gate(const struct config *c, struct rng *r, struct msg_schedule *m, struct declaration *d,
          struct buf *gate)
{
    struct msg_gate g = {0};
    struct buf list BUF_AUTO = {0};
    char            name[8];

    switch (rng_below(r, 3)) {
    case 0:
        if (d->agent < 0) return;
        g.open_tickets = true;
        SET_HAS(&g, gate, open_tickets);
        break;
    case 1:
        if (!fill_awaited(c, r, m, d, name)) return;
        g.completed = view_str(name);
        SET_HAS(&g, gate, completed);
        break;
    default:
        if (!fill_command(&g, m, d, &list)) return;
    }
    msg_pack(msg_desc(MSG_GATE), &g, gate);
    m->gate = buf_view(gate);
    SET_HAS(m, schedule, gate);
}

/* ---- the whole ------------------------------------------------------------------------------- */

void
config_fill_schedule(struct config *c, struct rng *r, const char *name, struct declaration *d)
{
    struct buf ladder   BUF_AUTO = {0};
    struct buf payload  BUF_AUTO = {0};
    struct buf ticket   BUF_AUTO = {0};
    struct buf gate     BUF_AUTO = {0};
    struct msg_schedule m = {.name = view_str(name)};
    char                cron[32], quiet[16];
    int                 agent = (int)rng_below(r, SIM_AGENTS);

    config_begin(d, 0);
    if (c->agents[agent].is_there && rng_chance(r, 500)) {
        d->agent = agent;
        d->company = config_agent_company(agent);
        m.agent = view_str(config_agent(agent));
        SET_HAS(&m, schedule, agent);
    }
    if (d->company) {
        m.company = view_str(config_company(d->company));
        SET_HAS(&m, schedule, company);
    }
    if (d->agent < 0 || c->agents[agent].handler < 0 || rng_chance(r, 500)) {
        d->handler = config_random_handler(c, r);
        m.handler = view_str(config_handler(d->handler));
        SET_HAS(&m, schedule, handler);
    }
    if (d->agent >= 0 && rng_chance(r, 250)) {
        const struct msg_routine routine = {.title = view_str("a round")};

        msg_pack(msg_desc(MSG_ROUTINE), &routine, &ticket);
        m.ticket = buf_view(&ticket);
        SET_HAS(&m, schedule, ticket);
    }
    fill_times(c, r, &m, cron);
    fill_rest(r, &m, &ladder, &payload);
    if (rng_chance(r, 350)) fill_gate(c, r, &m, d, &gate);
    fill_bounds(c, r, &m, quiet);
    fill_misfire(r, &m);
    fill_policies(r, &m);
    const struct daily daily = daily_random(r, 1);

    DAILY_GIVE(&m, schedule, &daily);
    msg_pack(msg_desc(MSG_SCHEDULE), &m, &d->spec);
}
