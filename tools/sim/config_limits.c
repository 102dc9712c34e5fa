#include "tools/sim/config.h"
#include "tools/sim/zones.h"

#define HOUR_MS 3600000

/* Those that the simulation does not vary. */
static void
fill_fixed_limits(struct msg_limits *out)
{
    struct msg_limits m = *out;

    m.agent_unanswered_ms = NO_LIMIT;
    m.breaker_base_ms = 30 * 1000;
    m.breaker_max_ms = 3600000;
    m.stale_after = 3;
    m.dead_after = 10;
    m.keep_firings_ms = NO_LIMIT;
    m.keep_ledgers_ms = NO_LIMIT;
    m.keep_approvals_ms = NO_LIMIT;
    m.collision_turns = NO_LIMIT;
    SET_HAS(&m, limits, failure_pause);
    SET_HAS(&m, limits, breach_warn);
    SET_HAS(&m, limits, breach_pause);
    SET_HAS(&m, limits, collision_turns);
    SET_HAS(&m, limits, alert_after);
    SET_HAS(&m, limits, alert_skips);
    SET_HAS(&m, limits, chain_rate_max);
    SET_HAS(&m, limits, agent_schedules_max);
    SET_HAS(&m, limits, agent_wakes_max);
    SET_HAS(&m, limits, agent_unanswered_ms);
    SET_HAS(&m, limits, keep_completed_ms);
    SET_HAS(&m, limits, keep_failed_ms);
    SET_HAS(&m, limits, keep_effects_ms);
    SET_HAS(&m, limits, keep_firings_ms);
    SET_HAS(&m, limits, keep_reasons_ms);
    SET_HAS(&m, limits, keep_ledgers_ms);
    SET_HAS(&m, limits, keep_approvals_ms);
    SET_HAS(&m, limits, keep_audit_ms);
    m.keep_activity_ms = NO_LIMIT;
    SET_HAS(&m, limits, session_max_consecutive);
    SET_HAS(&m, limits, session_timers_max);
    SET_HAS(&m, limits, session_queue_max);
    SET_HAS(&m, limits, keep_events_ms);
    SET_HAS(&m, limits, keep_timers_ms);
    SET_HAS(&m, limits, keep_activity_ms);
    *out = m;
}

struct view
config_approval(struct rng *r)
{
    static const char *const rules[] = {"none", "none", "schedules", "all"};

    return view_str(rules[rng_below(r, ARRAY_LEN(rules))]);
}

/* How long something is kept. */
static int64_t
some_time(struct rng *r)
{
    if (rng_chance(r, 400)) return NO_LIMIT;
    return rng_between(r, 1000, rng_chance(r, 500) ? 60000 : 7200000);
}

/* Of sessions: what processes their events, what becomes of one that failed, and the policy. */
static void
fill_session_limits(struct rng *r, bool is_calm, struct msg_limits *m)
{
    static const char *const handlers[] = {"", "noop", "echo", "sleep"};
    static const char *const windows[] = {"22:00-07:00", "12:00-12:30", "03:00-09:00",
                                          "08:30-16:00", "15:00-21:00"};

    m->session_handler = view_str(handlers[rng_below(r, ARRAY_LEN(handlers))]);
    m->session_on_failure = view_str(rng_chance(r, 400) ? "hold" : "skip");
    m->session_queue_max = rng_chance(r, 300) ? NO_LIMIT : rng_between(r, 1, 8);
    m->session_enabled = rng_chance(r, 850) || is_calm; /* else timers wait for ever */
    m->session_max_consecutive = rng_chance(r, 200) ? NO_LIMIT : rng_between(r, 0, 4);
    /* Long ones put messages off into quiet hours. */
    m->session_cooldown_ms =
        rng_chance(r, 200) ? 0 : rng_between(r, 1, rng_chance(r, 350) ? 3 * HOUR_MS : 60000);
    m->session_timers_max = rng_chance(r, 300) ? NO_LIMIT : rng_between(r, 0, 6);
    m->session_timer_delay_min_ms = rng_chance(r, 300) ? 0 : rng_between(r, 1, 60000);
    m->session_zone = view_str(zone_name((int)rng_below(r, SIM_ZONES)));
    if (rng_chance(r, 600))
        m->session_quiet_hours = view_str(windows[rng_below(r, ARRAY_LEN(windows))]);
    m->session_on_cooldown = view_str(rng_chance(r, 600) ? "defer" : "reject");
}

void
config_fill_limits(struct config *c, struct rng *r)
{
    struct buf ladder BUF_AUTO = {0};
    struct buf sinks  BUF_AUTO = {0};
    struct msg_limits m = {0};

    /* One after the other: the order within an initialiser is the compiler's. */
    m.max_concurrent = config_cap(c, r, 12);
    m.schedule_max_concurrent = config_cap(c, r, 4);
    m.company_max_concurrent = config_cap(c, r, 6);
    m.agent_max_concurrent = config_cap(c, r, 3);
    m.company_queue_max = rng_chance(r, 600) ? NO_LIMIT : rng_between(r, 3, 60);
    SET_HAS(&m, limits, company_queue_max);
    m.max_run_ms = rng_between(r, 10000, 1200000);
    m.max_turns = rng_chance(r, 500) ? NO_LIMIT : rng_between(r, 1, 10000);
    m.max_attempts = (uint64_t)rng_between(r, 1, 5);
    m.max_crashes = (uint64_t)rng_between(r, 1, 4);
    m.kill_grace_ms = rng_chance(r, 200) ? 0 : rng_between(r, 1, 10000);
    m.heartbeat_timeout_ms = c->is_sparse ? HOUR_MS : rng_between(r, 4000, 120000);
    m.catch_up_stagger_ms =
        rng_chance(r, 200) ? 0 : rng_between(r, 1, rng_chance(r, 200) ? 3600000 : 5000);
    m.catch_up_ms = rng_chance(r, 300) ? rng_between(r, 0, 3600000) : 86400000;
    m.feed_bytes_max = (uint64_t)rng_between(r, 65536, 1 << 20);
    m.feed_age_max_ms = rng_between(r, 600000, 86400000);
    m.interactive_delay_ms = rng_chance(r, 150) ? 0 : rng_between(r, 1000, 300000);
    m.failure_pause = rng_chance(r, 400) ? NO_LIMIT : rng_between(r, 1, 5);
    m.breach_warn = rng_chance(r, 300) ? NO_LIMIT : rng_between(r, 1, 3);
    m.breach_pause = rng_chance(r, 300) ? NO_LIMIT : rng_between(r, 1, 4);
    m.alert_after = rng_chance(r, 300) ? NO_LIMIT : rng_between(r, 1, 4);
    m.alert_skips = rng_chance(r, 300) ? NO_LIMIT : rng_between(r, 1, 4);
    m.alert_cooldown_ms = rng_chance(r, 200) ? 0 : rng_between(r, 1, 7200000);
    m.keep_completed_ms = some_time(r);
    m.keep_failed_ms = some_time(r);
    m.keep_effects_ms = some_time(r);
    m.keep_reasons_ms = some_time(r);
    m.keep_events_ms = some_time(r);
    m.keep_timers_ms = some_time(r);
    m.keep_audit_ms = some_time(r);
    m.chain_depth_max = rng_between(r, 1, 8);
    m.chain_rate_max = rng_chance(r, 200) ? NO_LIMIT : rng_between(r, 1, 30);
    m.agent_interval_min_ms = c->is_sparse
                                  ? 12 * HOUR_MS
                                  : rng_between(r, 1000, rng_chance(r, 200) ? 2 * HOUR_MS : 600000);
    m.agent_schedules_max = rng_chance(r, 200) ? NO_LIMIT : rng_between(r, 0, 6);
    m.agent_approval = config_approval(r);
    m.agent_wakes_max = rng_chance(r, 200) ? NO_LIMIT : rng_between(r, 0, 10);
    m.reserve_turns = rng_between(r, 0, 20);
    m.reserve_tokens = rng_between(r, 0, 3000);
    m.reserve_cost_micros = rng_between(r, 0, 100);
    m.budget_zone = view_str(zone_name((int)rng_below(r, SIM_ZONES)));
    fill_session_limits(r, c->is_calm, &m);
    fill_fixed_limits(&m);
    c->heartbeat_timeout_ms = m.heartbeat_timeout_ms;
    config_fill_ladder(r, &ladder);
    m.retry = buf_view(&ladder);
    c->default_sinks = config_some_sinks(c, r);
    config_pack_sinks(c->default_sinks, &sinks);
    m.session_sinks = buf_view(&sinks);
    SET_HAS(&m, limits, session_sinks);
    SET_HAS(&m, limits, max_concurrent);
    SET_HAS(&m, limits, schedule_max_concurrent);
    SET_HAS(&m, limits, company_max_concurrent);
    SET_HAS(&m, limits, agent_max_concurrent);
    SET_HAS(&m, limits, max_turns);
    buf_clear(&c->limits);
    msg_pack(msg_desc(MSG_LIMITS), &m, &c->limits);
}
