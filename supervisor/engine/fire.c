#include "supervisor/engine/fire.h"

#include "supervisor/engine/feed.h"
#include "supervisor/engine/firings.h"
#include "supervisor/engine/job.h"
#include "supervisor/engine/ladder.h"
#include "supervisor/engine/registry.h"
#include "supervisor/engine/routines.h"
#include "supervisor/engine/streaks.h"
#include "supervisor/engine/submit.h"

#include <inttypes.h>

/* Whether a failed firing is tried again: its schedule, or the profile that it names, says how
 * (A5).  What an agent's profile or the handler says is how their jobs are, not whether. */
static bool
sets_retry(struct engine *en, const struct object_entry *o)
{
    const struct msg_schedule *s = &o->spec.schedule;
    const struct msg_profile  *p = profile_of(&en->turn.objects, o->row.id, 0);
    const struct ladder        own = LADDER_OF(s, schedule);
    struct ladder              shared;

    if (s->max_attempts || ladder_is_given(&own)) return true;
    if (!p) return false;
    shared = LADDER_OF(p, profile);
    return p->max_attempts || ladder_is_given(&shared);
}

static struct view
title_of(struct engine *en, const struct object_entry *o, const struct firing *f)
{
    struct view title = o->spec.schedule.title.size ? o->spec.schedule.title : o->row.name;

    return view_str(arena_printf(txn_arena(turn_txn(en)), "%.*s — %sfiring #%" PRIu64,
                                 VIEW_ARG(title), f->kind == FIRING_MANUAL ? "manual " : "",
                                 f->number));
}

void
fire_prepare(struct engine *en, const struct fire *how, const struct schedule *run,
             const struct firing *f, struct submission *out)
{
    const struct msg_schedule *s = &how->schedule->spec.schedule;
    const struct ladder        ladder = LADDER_OF(s, schedule);

    *out = (struct submission){0};
    out->spec.company = how->refs.company;
    out->spec.agent = how->refs.agent;
    out->spec.handler = how->refs.handler;
    out->spec.schedule = how->schedule->row.id;
    out->spec.session = run->session;
    out->spec.trigger = view_is(s->type, "heartbeat") ? TRIGGER_HEARTBEAT : TRIGGER_SCHEDULE;
    out->spec.source = view_str("schedule");
    out->spec.title = title_of(en, how->schedule, f);
    out->spec.tags = s->tags;
    out->spec.retry = ladder_pack(txn_arena(turn_txn(en)), &ladder);
    out->spec.nominal_at = f->nominal_at;
    out->spec.max_run_ms = s->max_run_ms;
    out->spec.max_turns = s->max_turns;
    out->spec.token_budget = (uint64_t)s->token_budget;
    out->spec.cost_budget_micros = (uint64_t)s->cost_budget_micros;
    out->spec.max_attempts = (uint32_t)s->max_attempts;
    if (!sets_retry(en, how->schedule))
        out->spec.max_attempts = 1; /* a failed firing is a failed firing */
    out->payload = s->payload;
    out->priority =
        HAS(s, schedule, priority) ? (uint8_t)s->priority : trigger_priority(out->spec.trigger);
    out->flags = how->flags;
    if (s->ticket.size == 0) out->flags |= JOB_FLAG_SCHEDULE_BORN;
    out->run_at = how->run_at ? how->run_at : en->turn.now.wall_ms;
    submit_defaults(en, out, HAS(s, schedule, max_turns));
}

void
fire(struct engine *en, const struct fire *how, struct schedule *run, struct firing *f)
{
    const struct actor itself = {
        .kind = "schedule", .id = how->schedule->row.name, .role = ROLE_ADMIN};
    struct submission s;
    struct job_state  j;
    struct ticket     ticket;

    f->outcome = FIRING_FIRED;
    f->number = ++run->firing_count;
    if (f->kind != FIRING_REGULAR) run->by_hand_count++;
    f->fired_at = en->turn.now.wall_ms;
    fire_prepare(en, how, run, f, &s);
    streak_turn_limit(en, run, s.spec.max_turns);
    routine_fire(en, how->schedule, &s, &ticket);
    submit_write(en, &s, how->actor ? how->actor : &itself, &j);
    routine_fired(en, &ticket, &j);
    f->job = j.id;
    run->last_fired_at = f->fired_at;
    run->last_job = j.id;
    run->skips = 0;
    run->in_flight++;
    fire_feed(en, FEED_SCHEDULE_FIRED, how->schedule, f);
}

void
fire_feed(struct engine *en, enum feed_type type, const struct object_entry *o,
          const struct firing *f)
{
    struct mp_open_map m = feed_open(en, type, o->row.company);
    struct buf        *b = feed_buf(en);

    mp_put_str(b, &m, "schedule", o->row.name);
    mp_put_i64(b, &m, "nominal_at", f->nominal_at);
    if (f->job) mp_put_u64(b, &m, "job", f->job);
    if (f->kind != FIRING_REGULAR) mp_put_cstr(b, &m, "kind", firing_kind_name(f->kind));
    if (f->reason.size) mp_put_str(b, &m, "reason", f->reason);
    if (f->count > 1) mp_put_u64(b, &m, "count", f->count);
    feed_close(en, &m);
}
