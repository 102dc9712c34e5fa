#include "supervisor/engine/messages.h"

#include "common/quiet.h"
#include "supervisor/engine/effects.h"
#include "supervisor/engine/events.h"
#include "supervisor/engine/objects.h"
#include "supervisor/engine/shadow.h"
#include "supervisor/engine/sinks.h"
#include "supervisor/engine/zones.h"

#include <string.h>

enum effect_kind
message_kind(struct view name)
{
    if (view_is(name, effect_kind_name(EFFECT_NOTIFY))) return EFFECT_NOTIFY;
    if (view_is(name, effect_kind_name(EFFECT_SEND_MESSAGE))) return EFFECT_SEND_MESSAGE;
    return EFFECT_NONE;
}

/* ---- to whom ------------------------------------------------------------------ */

static enum errc
find_sink(struct engine *en, uint32_t company, struct view name, uint32_t *id, struct err *e)
{
    return object_ref(turn_txn(en), &actor_daemon, KIND_SINK, name, "sink", &company, id, e);
}

static uint32_t
named_sinks(struct engine *en, uint32_t company, struct view names, uint32_t ids[SINKS_MAX])
{
    struct list_iter it = list_iter_of(names);
    struct view      item;
    uint32_t         n = 0;

    while (n < SINKS_MAX && list_next(&it, &item)) {
        struct mp_reader r = mp_reader_of(item);
        struct view      name;
        struct err       e = {0};

        if (mp_read_str(&r, &name) && find_sink(en, company, name, &ids[n], &e) == E_OK &&
            !sink_is_among(ids[n], ids, n)) {
            n++;
        }
    }
    return n;
}

/* What is of no session has no reader. */
static uint32_t
without_gateway(struct engine *en, uint32_t ids[SINKS_MAX], uint32_t count)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (!sink_is_gateway(&en->turn.objects, ids[i])) ids[n++] = ids[i];
    }
    return n;
}

/* The sinks of what an agent (0: none) says in a session that is for events, or not: its own, else
 * those of sessions, else the gateway's.  Into ids, how many. */
static uint32_t
message_sinks(struct engine *en, uint32_t company, uint32_t agent, uint32_t session, bool is_event,
              uint32_t ids[SINKS_MAX])
{
    const struct object_entry *a = objects_get(&en->turn.objects, agent);
    const struct limits       *l = &en->memory.limits;
    uint32_t                   n = l->sink_count;

    if (a && a->spec.agent.sinks.size) {
        n = named_sinks(en, company, a->spec.agent.sinks, ids);
    } else {
        memcpy(ids, l->sinks, sizeof(*ids) * n);
    }
    if (session == 0) return without_gateway(en, ids, n);
    if (n > 0 || !is_event) return n;
    ids[0] = object_find(turn_txn(en), KIND_SINK, COMPANY_DEFAULT_ID, view_str(SINK_GATEWAY));
    return ids[0] ? 1 : 0;
}

uint32_t
message_sinks_again(struct engine *en, const struct effect *ef, struct view payload,
                    uint32_t ids[SINKS_MAX])
{
    struct job_spec       spec = {.id = ef->job};
    const struct session *s = session_row(en, ef->session);
    uint32_t              agent = s ? s->agent : 0;
    struct view           name;
    struct err            e = {0};

    if (mp_find_str(payload, "sink", &name) && find_sink(en, ef->company, name, ids, &e) == E_OK)
        return 1;
    if (ef->job && job_spec_load(turn_txn(en), &spec) == LOAD_FOUND) agent = spec.agent;
    return message_sinks(en, ef->company, agent, ef->session, ef->event != 0, ids);
}

/* ---- checks ------------------------------------------------------------------- */

static enum errc
check_sink(struct engine *en, const struct job_state *j, struct view name, struct err *e)
{
    uint32_t id;

    if (find_sink(en, j->company, name, &id, e)) return err_wrap(e, "send_message");
    if (j->session || !sink_is_gateway(&en->turn.objects, id)) return E_OK;
    return err_set(e, E_BAD_REQUEST,
                   "send_message: what is of no session has no reader at the"
                   " gateway");
}

enum errc
message_check(struct engine *en, const struct job_state *j, enum effect_kind kind,
              struct view effect, struct err *e)
{
    const char *what = effect_kind_name(kind);
    const char *field = kind == EFFECT_NOTIFY ? "message" : "content";
    struct view text, value;
    int64_t     not_after;

    if (!mp_find_str(effect, field, &text) || text.size == 0)
        return err_set(e, E_BAD_REQUEST, "%s without a %s", what, field);
    if (kind == EFFECT_NOTIFY) return E_OK;
    if (mp_find(effect, "not_after", &value) && (!mp_find_i64(effect, "not_after", &not_after) ||
                                                 not_after < 1 || not_after > TIME_MAX_MS)) {
        return err_set(e, E_BAD_REQUEST, "send_message: not_after is not a time in Unix ms");
    }
    if (!mp_find(effect, "sink", &value)) return E_OK;
    if (!mp_find_str(effect, "sink", &text))
        return err_set(e, E_BAD_REQUEST, "send_message: sink is not a name");
    return check_sink(en, j, text, e);
}

/* ---- quiet hours -------------------------------------------------------------- */

/* The end of the hours that at_ms is in; 0: they are not on. */
static int64_t
hours_end(struct engine *en, struct view hours, struct view zone_name, int64_t at_ms)
{
    struct quiet q;
    struct tz    zone;
    struct err   e = {0};
    int64_t      end;

    if (hours.size == 0 || quiet_parse(hours, &q, &e)) return 0;
    zone_read(turn_txn(en), zone_name, &zone);
    end = quiet_end(&q, &zone, at_ms);
    return end > at_ms ? end : 0;
}

static int64_t
schedules_quiet(struct engine *en, uint32_t schedule)
{
    const struct object_entry *o = objects_get(&en->turn.objects, schedule);

    return o ? hours_end(en, o->spec.schedule.quiet_sends, o->spec.schedule.tz,
                         en->turn.now.wall_ms)
             : 0;
}

static int64_t
sessions_quiet(struct engine *en, int64_t at_ms)
{
    uint32_t                   id = object_find(turn_txn(en), KIND_LIMITS, 0, view_str("limits"));
    const struct object_entry *o = objects_get(&en->turn.objects, id);

    return o ? hours_end(en, o->spec.limits.session_quiet_hours, o->spec.limits.session_zone, at_ms)
             : 0;
}

/* ---- commit ------------------------------------------------------------------- */

/* An event whose record is damaged was no person's, for all that is known. */
static void
read_event(struct engine *en, struct messages *ms)
{
    struct job_spec spec = {.id = ms->job->id};
    struct event    ev;

    if (job_spec_load(turn_txn(en), &spec) == LOAD_FOUND) ms->event = spec.event;
    ev = (struct event){.session = ms->job->session, .seq = ms->event};
    ms->session = session_row(en, ms->job->session);
    ms->is_autonomous =
        event_load(turn_txn(en), &ev) != LOAD_FOUND || !view_is(ev.type, EVENT_MESSAGE);
}

void
messages_begin(struct engine *en, struct messages *ms, const struct job_state *j,
               uint64_t checkpoint_id)
{
    const struct limits *l = &en->memory.limits;
    bool                 is_event = j->flags & JOB_FLAG_EVENT;

    *ms = (struct messages){.job = j, .checkpoint_id = checkpoint_id};
    if (is_event) read_event(en, ms);
    ms->is_shadow = shadow_suppresses(en, j->schedule);
    ms->quiet_until = schedules_quiet(en, j->schedule);
    ms->sink_count = message_sinks(en, j->company, j->agent, j->session, is_event, ms->sinks);
    ms->rules = (struct policy_rules){.is_enabled = l->session_enabled,
                                      .has_person = ms->session && ms->session->has_person,
                                      .defers = l->session_defers,
                                      .max_consecutive = l->session_max_consecutive,
                                      .cooldown_ms = l->session_cooldown_ms};
    if (!ms->session) return;
    ms->count.autonomous = ms->session->autonomous;
    ms->count.last_at = ms->session->last_autonomous_at;
}

void
messages_end(struct engine *en, const struct messages *ms)
{
    struct session *s = ms->session;

    if (!s || (s->autonomous == ms->count.autonomous && s->last_autonomous_at == ms->count.last_at))
        return;
    s->autonomous = ms->count.autonomous;
    s->last_autonomous_at = ms->count.last_at;
    session_changed(en, s);
}

/* The gates; false when it is not to be sent.  Where what comes too soon is put off, the cool-down
 * is counted from when it may be sent: what is said in quiet hours does not go all at once. */
static bool
judge(struct engine *en, struct messages *ms, struct effect *ef)
{
    struct policy_ruling ruling;
    int64_t              now = en->turn.now.wall_ms, quiet_until, again;

    if (!ms->is_autonomous) return true;
    ef->autonomous = 1;
    quiet_until = sessions_quiet(en, now);
    ruling =
        policy_judge(&ms->rules, &ms->count, ms->rules.defers && quiet_until ? quiet_until : now);
    ef->allowed_at = ruling.allowed_at;
    if (ruling.verdict == POLICY_ADMITTED) {
        again = ruling.allowed_at ? sessions_quiet(en, ruling.allowed_at) : 0;
        ef->quiet_until = again ? again : quiet_until;
        return true;
    }
    ef->status = STATUS_REJECTED;
    ef->reason = view_str(policy_reason(ruling.verdict));
    return false;
}

void
messages_add(struct engine *en, struct messages *ms, enum effect_kind kind, struct view effect,
             uint32_t ordinal)
{
    uint32_t      named, count = ms->sink_count, *sinks = ms->sinks;
    struct view   name;
    struct err    e = {0};
    struct effect ef = {.company = ms->job->company,
                        .session = ms->job->session,
                        .job = ms->job->id,
                        .checkpoint_id = ms->checkpoint_id,
                        .kind = (uint8_t)kind,
                        .status = STATUS_PENDING,
                        .event = ms->event,
                        .quiet_until = ms->quiet_until};

    if (kind == EFFECT_SEND_MESSAGE) {
        (void)mp_find_i64(effect, "not_after", &ef.not_after);
        if (mp_find_str(effect, "sink", &name) &&
            find_sink(en, ms->job->company, name, &named, &e) == E_OK) {
            sinks = &named;
            count = 1;
        }
    }
    if (ms->is_shadow) {
        effect_suppress(&ef, "shadow mode");
    } else if (count == 0) {
        effect_suppress(&ef, "no sink is configured");
    } else if (!judge(en, ms, &ef)) {
        count = 1; /* the message, not what each sink is told of it */
    }
    effect_write_to(en, &ef, effect, ordinal, sinks, count);
}
