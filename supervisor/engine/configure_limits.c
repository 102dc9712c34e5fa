#include "supervisor/engine/approvals.h"
#include "supervisor/engine/configure.h"
#include "supervisor/engine/configure_plan.h"
#include "supervisor/engine/ladder.h"
#include "supervisor/engine/objects.h"

#include <string.h>

/* A setting of `m`; null is no limit. */
#define OR_NONE(setting) (HAS(m, limits, setting) ? m->setting : NO_LIMIT)

static void
load_retention(struct limits *l, const struct msg_limits *m)
{
    l->keep_completed_ms = OR_NONE(keep_completed_ms);
    l->keep_failed_ms = OR_NONE(keep_failed_ms);
    l->keep_effects_ms = OR_NONE(keep_effects_ms);
    l->keep_firings_ms = OR_NONE(keep_firings_ms);
    l->keep_reasons_ms = OR_NONE(keep_reasons_ms);
    l->keep_ledgers_ms = OR_NONE(keep_ledgers_ms);
    l->keep_approvals_ms = OR_NONE(keep_approvals_ms);
    l->keep_audit_ms = OR_NONE(keep_audit_ms);
    l->keep_events_ms = OR_NONE(keep_events_ms);
    l->keep_timers_ms = OR_NONE(keep_timers_ms);
    l->keep_activity_ms = OR_NONE(keep_activity_ms);
}

/* Object ids of the sinks of a list that are there; how many. */
static uint32_t
take_sinks(struct engine *en, struct view list, const char *field, uint32_t ids[SINKS_MAX])
{
    struct list_iter it = list_iter_of(list);
    struct view      item;
    uint32_t         count = 0;

    while (list.size && count < SINKS_MAX && list_next(&it, &item)) {
        struct mp_reader r = mp_reader_of(item);
        uint32_t         company = COMPANY_DEFAULT_ID;
        struct view      name;
        struct err       e = {0};

        if (mp_read_str(&r, &name) && object_ref(turn_txn(en), &actor_daemon, KIND_SINK, name,
                                                 field, &company, &ids[count], &e) == E_OK) {
            count++;
        }
    }
    return count;
}

static void
load_sinks(struct engine *en, struct limits *l, const struct msg_limits *m)
{
    l->sink_count = take_sinks(en, m->session_sinks, "sinks", l->sinks);
    l->alert_sink_count = take_sinks(en, m->alert_sinks, "alerts.sinks", l->alert_sinks);
    if (l->alert_sink_count == 0) {
        memcpy(l->alert_sinks, l->sinks, sizeof(l->sinks));
        l->alert_sink_count = l->sink_count;
    }
}

/* Of sessions without an agent; 0: none. */
static uint32_t
take_handler(struct engine *en, struct view name)
{
    uint32_t   company = COMPANY_DEFAULT_ID, id = 0;
    struct err e = {0};

    if (name.size == 0) return 0;
    if (object_ref(turn_txn(en), &actor_daemon, KIND_HANDLER, name, "handler", &company, &id, &e))
        return 0;
    return id;
}

static void
load_sessions(struct engine *en, struct limits *l, const struct msg_limits *m)
{
    l->session_enabled = m->session_enabled;
    l->session_max_consecutive = OR_NONE(session_max_consecutive);
    l->session_cooldown_ms = m->session_cooldown_ms;
    l->session_defers = view_is(m->session_on_cooldown, "defer");
    l->session_holds = view_is(m->session_on_failure, "hold");
    l->session_timer_delay_min_ms = m->session_timer_delay_min_ms;
    l->session_timers_max = OR_NONE(session_timers_max);
    l->session_queue_max = OR_NONE(session_queue_max);
    l->session_handler = take_handler(en, m->session_handler);
}

void
configure_load_limits(struct engine *en)
{
    struct limits *l = &en->memory.limits;
    uint32_t       id = object_find(turn_txn(en), KIND_LIMITS, 0, view_str(LIMITS_NAME));
    const struct object_entry *o = objects_get(&en->turn.objects, id);
    const struct msg_limits   *m;

    if (!o) return; /* before the first config input */
    m = &o->spec.limits;
    memset(l, 0, sizeof(*l));
    l->max_concurrent = OR_NONE(max_concurrent);
    l->schedule_max_concurrent = OR_NONE(schedule_max_concurrent);
    l->company_max_concurrent = OR_NONE(company_max_concurrent);
    l->agent_max_concurrent = OR_NONE(agent_max_concurrent);
    l->max_turns = OR_NONE(max_turns);
    l->max_run_ms = m->max_run_ms;
    l->kill_grace_ms = m->kill_grace_ms;
    l->heartbeat_timeout_ms = m->heartbeat_timeout_ms;
    l->catch_up_ms = m->catch_up_ms;
    l->feed_age_max_ms = m->feed_age_max_ms;
    l->max_attempts = m->max_attempts;
    l->max_crashes = m->max_crashes;
    l->feed_bytes_max = m->feed_bytes_max;
    l->ladder_steps = ladder_read(m->retry, l->ladder_ms);
    l->company_queue_max = OR_NONE(company_queue_max);
    l->chain_depth_max = m->chain_depth_max;
    l->chain_rate_max = OR_NONE(chain_rate_max);
    l->agent_interval_min_ms = m->agent_interval_min_ms;
    l->agent_schedules_max = OR_NONE(agent_schedules_max);
    l->agent_wakes_max = OR_NONE(agent_wakes_max);
    l->agent_approval = (uint8_t)approval_rule_from(m->agent_approval);
    l->agent_unanswered_ms = OR_NONE(agent_unanswered_ms);
    l->breaker_base_ms = m->breaker_base_ms;
    l->breaker_max_ms = m->breaker_max_ms;
    l->reserve_turns = m->reserve_turns;
    l->reserve_tokens = m->reserve_tokens;
    l->reserve_cost_micros = m->reserve_cost_micros;
    l->stale_after = m->stale_after;
    l->dead_after = m->dead_after;
    l->catch_up_stagger_ms = m->catch_up_stagger_ms;
    l->interactive_delay_ms = m->interactive_delay_ms;
    l->alert_cooldown_ms = m->alert_cooldown_ms;
    l->failure_pause = OR_NONE(failure_pause);
    l->breach_warn = OR_NONE(breach_warn);
    l->breach_pause = OR_NONE(breach_pause);
    l->collision_turns = OR_NONE(collision_turns);
    l->alert_after = OR_NONE(alert_after);
    l->alert_skips = OR_NONE(alert_skips);
    load_retention(l, m);
    load_sessions(en, l, m);
    load_sinks(en, l, m);
    en->memory.has_limits = true;
    en->memory.recheck_limits = true;
}
