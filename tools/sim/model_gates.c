/* Gates (C5): what is asked before a firing's agent, and may say that there is nothing to do. */
#include "tools/sim/model.h"

#include "common/name.h"
#include "tools/sim/verdict.h"

#include <inttypes.h>

#define WAIT_IN_A_ROW_MAX 100

static const struct actor daemon_actor = {.kind = "daemon", .role = ROLE_ADMIN};

/* A schedule that has none has one without a test. */
static struct msg_gate
gate_of(const struct msg_schedule *s)
{
    struct msg_gate g = {0};
    struct err      e = {0};

    claim(s->gate.size == 0 || msg_unpack(msg_desc(MSG_GATE), s->gate, &g, &e) == E_OK,
          "a gate that nobody can read: %s", e.msg);
    return g;
}

/* ---- what may be declared -------------------------------------------------------------------- */

/* Of its company, and none that waits for this one. */
static enum errc
judge_awaited(struct model *m, const struct actor *a, const struct msg_schedule *s, int company)
{
    struct view ref = gate_of(s).completed, in_company, name;
    struct err  error = {0};
    enum errc   e = E_OK;

    for (int i = 0; ref.size; i++) {
        int of = company, other;

        claim(i < WAIT_IN_A_ROW_MAX, "schedules wait for one another in a circle");
        if (name_split(ref, "gate", &in_company, &name, &error)) return E_BAD_REQUEST;
        if (view_eq(name, s->name) &&
            (in_company.size == 0 || view_eq(in_company, m_object(m, company)->name)))
            return E_BAD_REQUEST;
        other = m_ref(m, a, KIND_SCHEDULE, ref, &of, &e);
        if (other < 0) return e;
        ref = gate_of(&m_object(m, other)->declared.schedule).completed;
    }
    return E_OK;
}

enum errc
m_judge_gate(struct model *m, const struct actor *a, const struct msg_schedule *s, int company,
             int handler, int agent)
{
    const struct msg_gate g = gate_of(s);

    if (s->gate.size == 0) return E_OK;
    if (HAS(&g, gate, command) + HAS(&g, gate, completed) + g.open_tickets != 1)
        return E_BAD_REQUEST;
    if (g.open_tickets) return agent < 0 ? E_BAD_REQUEST : E_OK; /* whose tickets? */
    if (HAS(&g, gate, completed)) return judge_awaited(m, a, s, company);
    if (list_iter_of(g.command).left == 0) return E_BAD_REQUEST;
    if (!view_is(m_object(m, handler)->declared.handler.kind, "exec")) return E_BAD_REQUEST;
    return s->ticket.size ? E_BAD_REQUEST : E_OK; /* the ticket is made before it is asked */
}

/* ---- what needs another ---------------------------------------------------------------------- */

static int
awaited(struct model *m, const struct m_object *o)
{
    struct view ref = gate_of(&o->declared.schedule).completed;
    int         company = o->company;
    enum errc   e = E_OK;

    return ref.size ? m_ref(m, &daemon_actor, KIND_SCHEDULE, ref, &company, &e) : -1;
}

bool
m_gate_waits_for(struct model *m, const struct m_object *o, int schedule)
{
    return schedule >= 0 && awaited(m, o) == schedule;
}

bool
m_is_awaited(struct model *m, int schedule)
{
    for (size_t i = 0; i < m->schedules.count; i++) {
        const struct m_object *o = m_object(m, m->schedules.items[i].object);

        if (!o->is_gone && m_gate_waits_for(m, o, schedule)) return true;
    }
    return false;
}

bool
m_holds_by_gate(struct model *m, int agent)
{
    for (size_t i = 0; i < m->schedules.count; i++) {
        const struct m_object *o = m_object(m, m->schedules.items[i].object);
        int                    other = o->is_gone ? -1 : awaited(m, o);

        if (other >= 0 && m_firing_agent(m, m_object(m, other)) == agent &&
            m_firing_agent(m, o) != agent)
            return true;
    }
    return false;
}

/* ---- the tests that the daemon makes --------------------------------------------------------- */

static bool
has_open_tickets(const struct model *m, int agent)
{
    for (size_t i = 0; i < m->tickets.count; i++) {
        const struct m_ticket *k = &m->tickets.items[i];

        if (k->assignee == agent && !k->is_gone && k->status != TICKET_DONE) return true;
    }
    return false;
}

/* A routine that comes in the same turn makes it a ticket, before or after: with a jitter only the
 * rows tell which of two schedules was the first. */
static bool
gets_ticket_now(struct model *m, int agent)
{
    struct ticket row = {.id = m->tickets.count + 1};

    for (size_t i = 0; i < m->tickets.count; i++) {
        const struct m_ticket *k = &m->tickets.items[i];

        if (k->assignee == agent && k->is_of_routine && k->is_touched) return true;
    }
    for (; ticket_load(m->txn, &row) == LOAD_FOUND; row = (struct ticket){.id = row.id + 1}) {
        if (row.assignee == m_object(m, agent)->id) return true;
    }
    return false;
}

bool
m_gate_says_no(struct model *m, const struct m_schedule *s, int agent, const struct firing *row)
{
    const struct m_object *o = m_object(m, s->object);
    const struct msg_gate  g = gate_of(&o->declared.schedule);
    int                    other = awaited(m, o);

    if (g.open_tickets) return gets_ticket_now(m, agent) ? row->gated : !has_open_tickets(m, agent);
    if (g.completed.size == 0) return false;
    return other < 0 ||
           m->schedules.items[m_object(m, other)->schedule].completed_as <= s->fired_as;
}

/* ---- a command ------------------------------------------------------------------------------- */

/* Whether it is asked in the attempts of this job: what a person fired passes the gate. */
bool
m_asks_gate(struct model *m, const struct m_job *j)
{
    const struct m_object *o = m_object(m, j->schedule);

    if (!o || o->is_gone || j->is_asked_for) return false;
    if (!view_is(m_object(m, j->handler)->declared.handler.kind, "exec")) return false;
    return gate_of(&o->declared.schedule).command.size > 0;
}

/* It said that there is nothing to do.  Its time has made a job, and does not come again by itself.
 */
void
m_gate_closed_job(struct model *m, const struct m_job *j)
{
    const struct m_object *o = m_object(m, j->schedule);
    struct m_schedule     *s;

    if (o->is_gone) return;
    s = &m->schedules.items[o->schedule];
    s->gated++;
    s->suppressed++;
    m_excuse(s);
    m_idle_found_nothing(m, s, j->nominal_at);
    s->is_touched = true;
    for (size_t i = 0; i < s->decided.count; i++) {
        struct m_span *span = &s->decided.items[i];

        if (span->first == j->nominal_at && span->outcome == FIRING_FIRED) span->is_gated = true;
    }
}

void
m_compare_gated(struct model *m, const struct m_job *j)
{
    struct firing row = {.schedule = m_object(m, j->schedule)->id, .nominal_at = j->nominal_at};

    if (firing_load(m->txn, &row) != LOAD_FOUND || row.job != j->id) return;
    claim(row.outcome == FIRING_SUPPRESSED && row.gated && view_is(row.reason, "gate: no mail"),
          "the firing of job %" PRIu64 ", whose gate said no, has outcome %u (%.*s)", j->id,
          row.outcome, VIEW_ARG(row.reason));
}
