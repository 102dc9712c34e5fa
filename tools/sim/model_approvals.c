#include "supervisor/engine/approvals.h"
#include "tools/sim/model.h"
#include "tools/sim/verdict.h"

#include <inttypes.h>

/* Effects that wait for a person's word (B7). */

/* The agent's own rule, else that of the limits. */
bool
m_approval_holds(struct model *m, int agent, bool is_schedule)
{
    struct view rule = m_object(m, agent)->declared.agent.approval;

    if (rule.size == 0) rule = m->limits.agent_approval;
    return view_is(rule, "all") || (is_schedule && view_is(rule, "schedules"));
}

int64_t
m_asked(const struct model *m, int agent)
{
    int64_t n = 0;

    for (size_t i = 0; i < m->approvals.count; i++) {
        const struct m_approval *a = &m->approvals.items[i];

        n += a->agent == agent && a->status == APPROVAL_PENDING;
    }
    return n;
}

void
m_ask(struct model *m, const struct m_job *from, uint64_t effect, struct view request)
{
    struct m_approval *a = LIST_ADD(&m->approvals);

    a->id = m->approvals.count;
    a->company = from->company;
    a->agent = from->agent;
    a->job = from->id;
    a->effect = effect;
    a->status = APPROVAL_PENDING;
    a->is_touched = true;
    buf_add_view(&a->request, request);
}

/* The job that asked; when it was purged, one without a cause stands for it. */
static struct m_job
source_of(struct model *m, const struct m_approval *a)
{
    const struct m_job *j = m_job(m, a->job);

    if (j) return *j;
    return (struct m_job){.id = a->job, .root = a->job, .company = a->company, .agent = a->agent};
}

static void
check_reply(const struct output *reply, const struct m_approval *a)
{
    const char *status = a->status == APPROVAL_GRANTED ? "granted" : "denied";
    struct view told;
    int64_t     id;

    claim(mp_find_i64(reply->body, "id", &id) && id == (int64_t)a->id &&
              mp_find_str(reply->body, "status", &told) && view_is(told, status),
          "the reply about approval %" PRIu64 " says something else than %s", a->id, status);
}

void
m_approval_decided(struct model *m, struct m_approval *a, bool is_granted)
{
    struct m_effect *ef = &m->effects.items[a->effect - 1];

    a->status = is_granted ? APPROVAL_GRANTED : APPROVAL_DENIED;
    a->is_touched = true;
    ef->status = is_granted ? STATUS_DELIVERED : STATUS_REJECTED;
    ef->is_asked = false;
    if (!m_job(m, a->job)) ef->session = -1; /* as that of what stands for it */
    ef->settled_at = m->now.wall_ms;
}

enum errc
m_approval_decide(struct model *m, const struct input *in, uint64_t id, bool is_granted,
                  const struct output *reply)
{
    struct m_approval *a = id > m->approvals.count ? NULL : &m->approvals.items[id - 1];
    enum errc          e = E_OK;

    if (!a || !m_sees(m, &in->actor, a->company)) {
        e = E_NOT_FOUND;
    } else if (a->status != APPROVAL_PENDING) {
        e = E_WRONG_STATE;
    } else if (is_granted) {
        const struct m_job from = source_of(m, a);

        e = m_act(m, &from, buf_view(&a->request));
    }
    m_check_answer(in, reply, e);
    if (e != E_OK) return e;
    m_approval_decided(m, a, is_granted);
    check_reply(reply, a);
    return e;
}

/* ---- the store ------------------------------------------------------------------------------- */

static void
compare(struct model *m, struct m_approval *a)
{
    struct approval row = {.id = a->id};
    struct view     request;

    a->is_touched = false;
    claim(approval_load(m->txn, &row) == LOAD_FOUND, "approval %" PRIu64 " is not in the store",
          a->id);
    claim(row.status == a->status && row.agent == m_object(m, a->agent)->id &&
              row.company == m_object(m, a->company)->id && row.job == a->job &&
              row.effect == a->effect,
          "approval %" PRIu64 ": status %u (%.*s), job %" PRIu64 ", effect %" PRIu64
          ", expected %u, %" PRIu64 ", %" PRIu64,
          a->id, row.status, VIEW_ARG(row.reason), row.job, row.effect, a->status, a->job,
          a->effect);
    request = row.request;
    if (row.request_bytes && a->status == APPROVAL_PENDING)
        claim(bytes_load(m->txn, BLOB_EFFECT, row.effect, row.request_bytes, &request) ==
                  LOAD_FOUND,
              "approval %" PRIu64 " has lost its request", a->id);
    claim(row.request_bytes || view_eq(request, buf_view(&a->request)),
          "approval %" PRIu64 " has another request", a->id);
    m_compare_effect(m, &m->effects.items[a->effect - 1]);
}

static void
compare_agent(struct model *m, int agent)
{
    const struct m_object *o = m_object(m, agent);
    struct agent           row = {.id = o->id};

    claim(agent_load(m->txn, &row) == LOAD_FOUND, "agent %.*s is not in the store",
          VIEW_ARG(o->name));
    claim(row.made_wakes == m_made_wakes(m, agent) &&
              row.made_schedules == m_made_schedules(m, agent) && row.asked == m_asked(m, agent),
          "agent %.*s has made %u wake-ups and %u schedules and waits for %u, expected %" PRId64
          ", %" PRId64 ", %" PRId64,
          VIEW_ARG(o->name), row.made_wakes, row.made_schedules, row.asked, m_made_wakes(m, agent),
          m_made_schedules(m, agent), m_asked(m, agent));
}

void
m_compare_approvals(struct model *m, bool all)
{
    for (size_t i = 0; i < m->approvals.count; i++) {
        if (all || m->approvals.items[i].is_touched) compare(m, &m->approvals.items[i]);
    }
    for (size_t i = 0; all && i < m->objects.count; i++) {
        const struct m_object *o = &m->objects.items[i];

        if (o->kind == KIND_AGENT && !o->is_gone) compare_agent(m, (int)i);
    }
}
