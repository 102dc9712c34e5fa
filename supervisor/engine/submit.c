#include "supervisor/engine/submit.h"

#include "common/name.h"
#include "supervisor/engine/chain.h"
#include "supervisor/engine/feed.h"
#include "supervisor/engine/idle.h"
#include "supervisor/engine/job.h"
#include "supervisor/engine/ladder.h"
#include "supervisor/engine/lanes.h"
#include "supervisor/engine/made.h"
#include "supervisor/engine/objects.h"
#include "supervisor/engine/registry.h"
#include "supervisor/engine/session_ops.h"
#include "supervisor/engine/tickets.h"
#include "supervisor/engine/turn_limit.h"
#include "supervisor/engine/views.h"

#include <inttypes.h>
#include <string.h>

enum errc
submit_admit(struct engine *en, struct err *e)
{
    const struct store_space *space = &en->turn.header.space;

    if (en->memory.is_draining)
        return err_set(e, E_DRAINING, "agentd is stopping and takes no new work");
    if (space->can_admit) return E_OK;
    if (space->disk_is_short) {
        err_set(e, E_DISK_FULL, "the disk of the state folder is full: no new work is taken");
        return err_hint(e, "free some space on it, or have less kept (agentctl job purge; shorter "
                           "retention.* and agentctl reload); running jobs still end and are "
                           "recorded");
    }
    err_set(e, E_STORE_FULL, "the store has reached its size limit: no new work is taken");
    return err_hint(e, "have less kept (agentctl job purge; shorter retention.* and agentctl "
                       "reload), or raise daemon.map_size and restart");
}

static bool
names_the_same(const struct last_names *l, const struct actor *a, const struct msg_job_submit *m)
{
    return l->is_known && view_eq(l->handler, m->handler) && view_eq(l->agent, m->agent) &&
           view_eq(l->company, m->company) && view_eq(l->own_company, a->company);
}

static void
remember_names(struct engine *en, const struct actor *a, const struct msg_job_submit *m,
               const struct job_spec *s)
{
    struct arena *mem = txn_arena(turn_txn(en));

    en->turn.objects.last = (struct last_names){.is_known = true,
                                                .own_company = arena_copy(mem, a->company),
                                                .company = arena_copy(mem, m->company),
                                                .agent = arena_copy(mem, m->agent),
                                                .handler = arena_copy(mem, m->handler),
                                                .company_id = s->company,
                                                .agent_id = s->agent,
                                                .handler_id = s->handler};
}

static enum errc
find_named(struct engine *en, const struct actor *a, const struct msg_job_submit *m,
           struct submission *s, struct err *e)
{
    struct txn *t = turn_txn(en);
    uint32_t    company = 0;

    if (m->company.size && object_company(t, a, m->company, &company, e)) return e->code;
    if (m->agent.size &&
        object_ref(t, a, KIND_AGENT, m->agent, "agent", &company, &s->spec.agent, e))
        return e->code;
    if (company == 0 && object_company(t, a, (struct view){0}, &company, e)) return e->code;
    s->spec.company = company;
    if (m->handler.size)
        return object_ref(t, a, KIND_HANDLER, m->handler, "handler", &company, &s->spec.handler, e);
    return profile_handler(&en->turn.objects, a, (struct view){0}, s->spec.agent, &company,
                           &s->spec.handler, e);
}

static enum errc
resolve(struct engine *en, const struct actor *a, const struct msg_job_submit *m,
        struct submission *s, struct err *e)
{
    const struct last_names *l = &en->turn.objects.last;

    if (!names_the_same(l, a, m)) {
        if (find_named(en, a, m, s, e)) return e->code;
        remember_names(en, a, m, &s->spec);
    }
    s->spec.company = l->company_id;
    s->spec.agent = l->agent_id;
    s->spec.handler = l->handler_id;
    return E_OK;
}

enum errc
submit_check_priority(struct engine *en, const struct actor *a, const struct submission *s,
                      struct err *e)
{
    const struct object_entry *c = objects_get(&en->turn.objects, s->spec.company);
    int64_t                    max = 80;

    if (c && HAS(&c->spec.company, company, priority_max)) max = c->spec.company.priority_max;
    if (a->role >= ROLE_OPERATOR || s->priority <= max) return E_OK;
    return err_field(e, "priority", "at most %" PRId64 " for this company", max);
}

static enum errc
times(struct engine *en, const struct msg_job_submit *m, struct submission *s, struct err *e)
{
    int64_t now = en->turn.now.wall_ms;

    s->run_at = now;
    if (HAS(m, job_submit, run_at) && HAS(m, job_submit, delay_ms)) {
        return err_field(e, "delay_ms", "give run_at or delay_ms, not both");
    }
    if (HAS(m, job_submit, run_at)) s->run_at = m->run_at;
    if (HAS(m, job_submit, delay_ms)) s->run_at = now + m->delay_ms;
    if (!HAS(m, job_submit, expires_at)) return E_OK;
    if (m->expires_at <= now) return err_field(e, "expires_at", "has passed already");
    if (m->expires_at <= s->run_at) return err_field(e, "expires_at", "is not after run_at");
    s->spec.expires_at = m->expires_at;
    return E_OK;
}

enum errc
submit_check_tags(struct view tags, struct err *e)
{
    struct mp_reader r = mp_reader_of(tags);
    struct view      key, value;
    uint32_t         count = 0;

    if (tags.size) (void)mp_read_map(&r, &count); /* of its type: it is a map */
    while (count-- > 0 && mp_read_str(&r, &key)) {
        if (mp_peek(&r) != MP_STR)
            return err_field(e, "tags", "\"%.*s\" is not a text", VIEW_ARG(key));
        (void)mp_read_str(&r, &value); /* it is one */
    }
    return E_OK;
}

/* ---- unique and debounce keys, the queue's limit ------------------------------- */

enum errc
submit_claims(const struct claims_given *given, struct submission *s, struct err *e)
{
    if (given->unique_key.size == 0) {
        if (given->on_conflict.size) return err_field(e, "on_conflict", "needs unique_key");
        if (given->unique_for_ms) return err_field(e, "unique_for_ms", "needs unique_key");
    }
    if (given->debounce_key.size == 0) {
        if (given->has_wait) return err_field(e, "debounce_ms", "needs debounce_key");
        if (given->has_wait_max) return err_field(e, "debounce_max_ms", "needs debounce_key");
    } else {
        if (given->unique_key.size)
            return err_field(e, "debounce_key", "not together with unique_key");
        if (given->has_time) return err_field(e, "debounce_key", "not together with a start time");
    }
    if (unique_policy_of(given->on_conflict, &s->unique.policy, e)) return e->code;
    s->unique.key = given->unique_key;
    s->unique.for_ms = given->unique_for_ms;
    s->debounce.key = given->debounce_key;
    s->debounce.wait_ms = given->debounce_ms;
    s->debounce.wait_max_ms = given->debounce_max_ms;
    s->spec.unique_key = given->unique_key;
    s->spec.debounce_key = given->debounce_key;
    return E_OK;
}

enum errc
submit_check_queue(struct engine *en, uint32_t company, uint64_t others, struct err *e)
{
    const struct object_entry *c = objects_get(&en->turn.objects, company);
    const struct queue        *q = company_queue(en, company);
    int64_t                    max = en->memory.limits.company_queue_max;
    uint64_t                   count = q->scheduled + q->ready + others;

    if (c && HAS(&c->spec.company, company, queue_max)) max = c->spec.company.queue_max;
    if (max == NO_LIMIT || count < (uint64_t)max) return E_OK;
    err_set(e, E_QUEUE_FULL,
            "company \"%.*s\": %" PRIu64 " jobs have not started, its queue takes %" PRId64,
            VIEW_ARG(objects_name(&en->turn.objects, company)), count, max);
    return err_hint(e, "wait until some have started, cancel some, or raise its queue_max");
}

static bool
same_key(struct view a, struct view b)
{
    return a.size != 0 && view_eq(a, b);
}

static enum errc
judge_twin(struct submission *s, const struct submission *twin, struct err *e)
{
    if (s->debounce.key.size) {
        s->fate = SUBMIT_MERGE;
        if (s->spec.handler == twin->spec.handler && s->spec.agent == twin->spec.agent) return E_OK;
        return err_set(e, E_CONFLICT,
                       "debounce_key \"%.*s\": an earlier job of the batch has it for another %s",
                       VIEW_ARG(s->debounce.key),
                       s->spec.agent != twin->spec.agent ? "agent" : "handler");
    }
    if (s->unique.policy == UNIQUE_REJECT) {
        return err_set(e, E_CONFLICT, "unique_key \"%.*s\": an earlier job of the batch has it",
                       VIEW_ARG(s->unique.key));
    }
    s->replaces = s->unique.policy == UNIQUE_REPLACE;
    if (s->replaces) return E_OK;
    s->fate = SUBMIT_RETURN;
    s->twin = twin;
    return E_OK;
}

/* Judges all[n], which has passed its own checks, by what is there and by all[0 … n−1], which are
 * written before it: unique key, debounce key, the queue's limit.  Nothing is written. */
static enum errc
judge(struct engine *en, struct submission *all, uint32_t n, struct err *e)
{
    struct submission       *s = &all[n];
    const struct submission *twin = NULL;
    uint64_t                 others = 0, waiting = 0;

    for (uint32_t i = 0; i < n; i++) {
        if (all[i].fate != SUBMIT_NEW || all[i].spec.company != s->spec.company) continue;
        others += !all[i].replaces;
        if (same_key(s->unique.key, all[i].unique.key) ||
            same_key(s->debounce.key, all[i].debounce.key)) {
            twin = &all[i];
        }
    }
    if (twin) {
        if (judge_twin(s, twin, e)) return e->code;
    } else {
        if (unique_judge(en, s->spec.company, &s->unique, &s->other, e)) return e->code;
        if (debounce_judge(en, s, &waiting, e)) return e->code;
        s->replaces = s->other != 0 && s->unique.policy == UNIQUE_REPLACE;
        if (s->other && !s->replaces) s->fate = SUBMIT_RETURN;
        if (waiting) s->fate = SUBMIT_MERGE;
    }
    if (s->fate != SUBMIT_NEW || s->replaces) return E_OK;
    return submit_check_queue(en, s->spec.company, others, e);
}

/* One request judged by itself, nothing written. */
static enum errc
prepare(struct engine *en, const struct actor *a, const struct msg_job_submit *m,
        struct submission *s, struct err *e)
{
    const struct ladder ladder = LADDER_OF(m, job_submit);
    enum trigger        trigger = TRIGGER_MANUAL;

    memset(s, 0, sizeof(*s));
    if (m->session.size) return err_field(e, "session", "not in a batch: submit it by itself");
    if (HAS(m, job_submit, trigger)) {
        trigger = trigger_from(m->trigger);
        if (trigger == TRIGGER_NONE)
            return err_field(e, "trigger", "there is no trigger \"%.*s\"", VIEW_ARG(m->trigger));
    }
    if (resolve(en, a, m, s, e) || times(en, m, s, e)) return e->code;
    if (tickets_check_job(en, s->spec.company, m->goal, m->ticket, &s->spec, e)) return e->code;
    if (HAS(m, job_submit, parent) && chain_of_submit(en, a, m->parent, &s->spec, e))
        return e->code;
    s->priority = HAS(m, job_submit, priority) ? (uint8_t)m->priority : trigger_priority(trigger);
    if (submit_check_priority(en, a, s, e)) return e->code;
    if (submit_check_tags(m->tags, e)) return e->code;
    if (ladder_check(&ladder, e) || SUBMIT_CLAIMS(m, job_submit, s, e)) return e->code;
    if (s->debounce.key.size) s->run_at = debounce_start(en, &s->debounce);
    s->spec.trigger = (uint8_t)trigger;
    if (trigger == TRIGGER_SCHEDULE || trigger == TRIGGER_HEARTBEAT)
        s->flags |= JOB_FLAG_SCHEDULE_BORN;
    s->spec.title = m->title;
    s->spec.source = m->source;
    s->spec.context = m->context;
    s->spec.tags = m->tags;
    s->spec.retry = ladder_pack(txn_arena(turn_txn(en)), &ladder);
    s->spec.max_attempts = (uint32_t)m->max_attempts;
    s->spec.max_run_ms = m->max_run_ms;
    s->spec.max_turns = m->max_turns;
    s->spec.token_budget = (uint64_t)m->token_budget;
    s->spec.cost_budget_micros = (uint64_t)m->cost_budget_micros;
    s->payload = m->payload;
    submit_defaults(en, s, HAS(m, job_submit, max_turns));
    return E_OK;
}

/* What the schedule's or the agent's profile says and the job does not. */
static void
profile_defaults(struct engine *en, struct submission *s)
{
    const struct msg_profile *p = profile_of(&en->turn.objects, s->spec.schedule, s->spec.agent);

    if (!p) return;
    if (s->spec.max_attempts == 0) s->spec.max_attempts = (uint32_t)p->max_attempts;
    if (s->spec.max_run_ms == 0) s->spec.max_run_ms = p->max_run_ms;
    if (s->spec.token_budget == 0) s->spec.token_budget = p->token_budget;
    if (s->spec.cost_budget_micros == 0) s->spec.cost_budget_micros = p->cost_budget_micros;
}

void
submit_defaults(struct engine *en, struct submission *s, bool has_max_turns)
{
    const struct object_entry *h = objects_get(&en->turn.objects, s->spec.handler);
    const struct limits       *l = &en->memory.limits;

    profile_defaults(en, s);
    if (s->spec.max_attempts == 0 && h)
        s->spec.max_attempts = (uint32_t)h->spec.handler.max_attempts;
    if (s->spec.max_attempts == 0) s->spec.max_attempts = (uint32_t)l->max_attempts;
    if (s->spec.max_run_ms == 0 && h) s->spec.max_run_ms = h->spec.handler.max_run_ms;
    if (s->spec.token_budget == 0 && h) s->spec.token_budget = h->spec.handler.token_budget;
    if (s->spec.cost_budget_micros == 0 && h)
        s->spec.cost_budget_micros = h->spec.handler.cost_budget_micros;
    if (s->spec.max_run_ms == 0) s->spec.max_run_ms = l->max_run_ms;
    if (has_max_turns) return;
    s->spec.max_turns =
        turn_limit_inherited(&en->turn.objects, l, s->spec.schedule, s->spec.agent, s->spec.handler)
            .max_turns;
}

void
submit_write(struct engine *en, struct submission *s, const struct actor *a, struct job_state *out)
{
    struct txn      *t = turn_txn(en);
    struct job_state j = {.id = en->memory.meta.next_job++};
    bool             is_due = s->run_at <= en->turn.now.wall_ms;

    s->spec.id = j.id;
    s->spec.submitted_at = en->turn.now.wall_ms;
    s->spec.root = s->spec.root ? s->spec.root : j.id;
    if (a) s->spec.actor = turn_actor(en, a);
    if (s->unique.key.size) {
        unique_take(en, s->spec.company, &s->unique, j.id);
        s->flags |= JOB_FLAG_UNIQUE;
    }
    if (s->debounce.key.size) {
        s->spec.cause_count = 1;
        debounce_take(en, s);
        s->flags |= JOB_FLAG_DEBOUNCED;
    }
    s->spec.payload = s->payload;
    if (s->payload.size > BLOB_FROM) {
        bytes_save(t, BLOB_PAYLOAD, j.id, s->payload);
        s->spec.payload_bytes = (uint32_t)s->payload.size;
        s->spec.payload = (struct view){0};
    }
    job_spec_insert(t, &s->spec);
    j.company = s->spec.company;
    j.agent = s->spec.agent;
    j.handler = s->spec.handler;
    j.session = s->spec.session;
    j.schedule = s->spec.schedule;
    j.goal = s->spec.goal;
    j.ticket = s->spec.ticket;
    j.flags = s->flags;
    j.priority = s->priority;
    j.run_at = s->run_at;
    j.expires_at = s->spec.expires_at;
    job_must_move(en, &j, is_due ? JOB_ON_SUBMIT_DUE : JOB_ON_SUBMIT);
    feed_job(en, FEED_JOB_SUBMITTED, &j, &s->spec);
    if (j.agent) feed_wakeup(en, FEED_WAKEUP_SCHEDULED, &j, &s->spec);
    if (j.agent && s->spec.trigger != TRIGGER_HEARTBEAT) idle_agent_woken(en, j.agent, j.schedule);
    *out = j;
}

static void
follow_parent(struct engine *en, uint64_t parent, struct job_spec *s)
{
    struct job_spec spec = {.id = parent};

    if (job_spec_load(turn_txn(en), &spec) == LOAD_FOUND) {
        chain_follow(en, &spec, s);
    } else { /* purged, or damaged: it is named all the same */
        s->parent = parent;
    }
}

/* What a job that has ended wakes is taken while agentd drains, too: it only starts later. */
static enum errc
admit_wake(struct engine *en, const struct wake *w, struct err *e)
{
    if (w->is_effect && en->memory.is_draining && en->turn.header.space.can_admit) return E_OK;
    return submit_admit(en, e);
}

enum errc
submit_prepare_wake(struct engine *en, const struct wake *w, struct submission *s, struct err *e)
{
    const struct object_entry *agent = objects_get(&en->turn.objects, w->agent);

    memset(s, 0, sizeof(*s));
    if (!agent || agent->row.removing)
        return err_set(e, E_NOT_FOUND, "the agent is no longer there");
    if (admit_wake(en, w, e)) return e->code;
    s->spec.company = agent->row.company;
    s->spec.agent = w->agent;
    if (profile_handler(&en->turn.objects, &actor_daemon, (struct view){0}, w->agent,
                        &s->spec.company, &s->spec.handler, e)) {
        return e->code;
    }
    s->spec.trigger = (uint8_t)w->trigger;
    s->spec.source = w->source;
    s->spec.title = w->title;
    s->spec.context = w->context;
    s->spec.goal = w->goal;
    s->spec.ticket = w->ticket;
    if (w->parent) follow_parent(en, w->parent, &s->spec);
    s->payload = w->payload;
    s->run_at = w->run_at ? w->run_at : en->turn.now.wall_ms;
    s->priority = w->priority < 0 ? trigger_priority(w->trigger) : (uint8_t)w->priority;
    submit_defaults(en, s, false);
    return judge(en, s, 0, e);
}

/* Does what was judged; *out is the job that the submitter gets. */
static void
settle(struct engine *en, struct submission *s, const struct actor *a, struct job_state *out)
{
    if (s->fate == SUBMIT_NEW) {
        submit_write(en, s, a, out);
        return;
    }
    if (s->fate == SUBMIT_MERGE) {
        debounce_merge(en, s, turn_actor(en, a), out);
        return;
    }
    *out = (struct job_state){.id = s->twin ? s->twin->spec.id : s->other};
    if (job_state_load(turn_txn(en), out) != LOAD_FOUND) out->state = JOB_NONE; /* judged before */
}

/* The job that the submitter gets, and how it came to it. */
static enum errc
reply_settled(struct engine *en, const struct submission *s, const struct job_state *j,
              struct buf *reply, struct err *e)
{
    struct mp_open_map map;
    struct job_spec    spec = s->spec;

    if (s->fate != SUBMIT_NEW && job_get_spec(turn_txn(en), j->id, &spec, e)) return e->code;
    map = mp_open(reply);
    view_job_pairs(&en->turn.objects, &en->memory, j, &spec, JOB_VIEW_ANSWER, reply, &map);
    if (s->fate == SUBMIT_RETURN) mp_put_bool(reply, &map, "conflict", true);
    if (s->fate == SUBMIT_MERGE) mp_put_bool(reply, &map, "merged", true);
    mp_close(reply, &map);
    return E_OK;
}

enum errc
on_job_submit(struct engine *en, const struct actor *a, const struct msg_job_submit *m,
              struct buf *reply, struct err *e)
{
    struct submission s;
    struct job_state  j;

    if (m->session.size) return session_submit(en, a, m, reply, e);
    if (submit_admit(en, e) || prepare(en, a, m, &s, e) || judge(en, &s, 0, e)) return e->code;
    settle(en, &s, a, &j);
    if (j.agent && !s.spec.parent) made_answered(en, j.agent);
    return reply_settled(en, &s, &j, reply, e);
}

enum errc
on_job_submit_many(struct engine *en, const struct actor *a, const struct msg_job_submit_many *m,
                   struct buf *reply, struct err *e)
{
    struct list_iter       it = list_iter_of(m->jobs);
    const struct msg_desc *d = msg_desc(MSG_JOB_SUBMIT);
    struct submission     *all;
    struct view            item;
    uint32_t               n = 0;

    if (submit_admit(en, e)) return e->code;
    if (it.left == 0) return err_field(e, "jobs", "at least one job");
    if (it.left > BATCH_MAX) return err_set(e, E_TOO_LARGE, "jobs: at most %d at once", BATCH_MAX);
    all = arena_alloc(txn_arena(turn_txn(en)), it.left * sizeof(*all));
    for (; list_next(&it, &item); n++) {
        struct msg_job_submit one;

        if (msg_unpack(d, item, &one, e) || prepare(en, a, &one, &all[n], e) ||
            judge(en, all, n, e)) {
            return err_wrap(e, "jobs[%" PRIu32 "]", n);
        }
    }
    struct mp_open_map map = mp_open(reply);

    mp_key(reply, &map, "ids");
    mp_array(reply, n);
    for (uint32_t i = 0; i < n; i++) {
        struct job_state j;

        settle(en, &all[i], a, &j);
        if (j.agent && !all[i].spec.parent) made_answered(en, j.agent);
        mp_u64(reply, j.id);
    }
    mp_close(reply, &map);
    return E_OK;
}
