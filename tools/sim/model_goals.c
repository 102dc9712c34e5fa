#include "supervisor/engine/goals.h"
#include "tools/sim/model.h"
#include "tools/sim/verdict.h"

#include <inttypes.h>

/* Goals (B3): a tree of them in each company, and the wake-ups of a decomposition. */

static struct m_goal *
goal(struct model *m, uint64_t id)
{
    struct m_goal *g = id == 0 || id > m->goals.count ? NULL : &m->goals.items[id - 1];

    return g && !g->is_gone ? g : NULL;
}

bool
m_has_goal(struct model *m, int company, uint64_t id)
{
    const struct m_goal *g = goal(m, id);

    return g && g->company == company;
}

static struct m_goal *
seen(struct model *m, const struct input *in, uint64_t id)
{
    struct m_goal *g = goal(m, id);

    return g && m_sees(m, &in->actor, g->company) ? g : NULL;
}

/* ---- the tree -------------------------------------------------------------------------------- */

/* The levels of the tree below and with this goal. */
static uint32_t
height(const struct model *m, uint64_t id)
{
    uint32_t most = 0;

    for (size_t i = 0; i < m->goals.count; i++) {
        const struct m_goal *g = &m->goals.items[i];

        if (g->parent != id) continue;
        const uint32_t below = height(m, g->id);

        if (below > most) most = below;
    }
    return most + 1;
}

/* Whether a goal of this company may stand below `parent`; id 0: a new one. */
static enum errc
judge_parent(struct model *m, int company, uint64_t id, uint64_t parent)
{
    const struct m_goal *up = goal(m, parent);
    uint32_t             depth = 0;

    if (parent == 0) return E_OK;
    if (!up || up->company != company) return E_NOT_FOUND;
    for (; up; up = goal(m, up->parent), depth++) {
        if (up->id == id) return E_BAD_REQUEST;
    }
    return depth + (id ? height(m, id) : 1) > GOAL_DEPTH_MAX ? E_BAD_REQUEST : E_OK;
}

/* Up from each goal there is a root, and no goal twice. */
static void
check_ancestry(struct model *m, const struct m_goal *from)
{
    struct goal row = {.id = from->id};
    uint32_t    n = 0;

    for (; row.id; row.id = row.parent, n++) {
        claim(n < GOAL_DEPTH_MAX, "goal %" PRIu64 " is its own ancestor, or too deep", from->id);
        claim(goal_load(m->txn, &row) == LOAD_FOUND, "goal %" PRIu64 " is not in the store",
              row.id);
    }
}

/* ---- requests -------------------------------------------------------------------------------- */

static struct m_goal *
add(struct model *m, int company, uint64_t parent, int agent)
{
    struct m_goal *g = LIST_ADD(&m->goals);

    *g = (struct m_goal){.id = m->goals.count,
                         .parent = parent,
                         .company = company,
                         .agent = agent,
                         .status = GOAL_OPEN,
                         .is_touched = true};
    return g;
}

static void
check_reply(const struct output *reply, const struct m_goal *g)
{
    int64_t     id;
    struct view status;

    claim(mp_find_i64(reply->body, "id", &id) && id == (int64_t)g->id,
          "a reply names goal %" PRId64 ", expected %" PRIu64, id, g->id);
    claim(mp_find_str(reply->body, "status", &status) &&
              view_is(status, goal_status_name(g->status)),
          "the reply about goal %" PRIu64 " says %.*s", g->id, VIEW_ARG(status));
}

enum errc
m_goal_add(struct model *m, const struct input *in, const struct msg_goal_add *q,
           const struct output *reply)
{
    enum errc e = m_admission(m);
    int       company = -1, agent = -1;

    if (e == E_OK) company = m_company(m, &in->actor, q->company, &e);
    if (e == E_OK && q->agent.size)
        agent = m_ref(m, &in->actor, KIND_AGENT, q->agent, &company, &e);
    if (e == E_OK) e = judge_parent(m, company, 0, q->parent);
    m_check_answer(in, reply, e);
    if (e == E_OK) check_reply(reply, add(m, company, q->parent, agent));
    return e;
}

static enum errc
judge_set(struct model *m, const struct input *in, const struct msg_goal_set *q, struct m_goal *g)
{
    enum errc e = E_OK;

    if (!HAS(q, goal_set, parent) && !HAS(q, goal_set, agent) && !HAS(q, goal_set, status))
        return E_BAD_REQUEST;
    if (HAS(q, goal_set, parent)) e = judge_parent(m, g->company, g->id, q->parent);
    if (e == E_OK && HAS(q, goal_set, agent))
        g->agent = m_ref(m, &in->actor, KIND_AGENT, q->agent, &g->company, &e);
    if (e == E_OK && HAS(q, goal_set, status)) {
        g->status = (uint8_t)goal_status_from(q->status);
        if (g->status == GOAL_NONE) e = E_BAD_REQUEST;
    }
    if (HAS(q, goal_set, parent)) g->parent = q->parent;
    return e;
}

enum errc
m_goal_set(struct model *m, const struct input *in, const struct msg_goal_set *q,
           const struct output *reply)
{
    struct m_goal *g = seen(m, in, q->id), changed;
    enum errc      e = E_NOT_FOUND;

    if (g) {
        changed = *g;
        e = judge_set(m, in, q, &changed);
    }
    m_check_answer(in, reply, e);
    if (e != E_OK) return e;
    *g = changed;
    g->is_touched = true;
    check_reply(reply, g);
    return e;
}

/* ---- decomposition --------------------------------------------------------------------------- */

/* A part names its agent, or all parts have one, or the goal. */
static enum errc
judge_part(struct model *m, const struct input *in, const struct msg_goal_decompose *q,
           const struct m_goal *whole, struct view item, struct m_job *made)
{
    struct msg_goal_part part;
    struct m_call        wake = {.agent = whole->agent, .trigger = "goal_decomposed"};
    struct view          name;
    struct err           error = {0};
    enum errc            e = msg_unpack(msg_desc(MSG_GOAL_PART), item, &part, &error);
    int                  company = whole->company;

    if (e != E_OK) return e;
    name = part.agent.size ? part.agent : q->agent;
    if (name.size) wake.agent = m_ref(m, &in->actor, KIND_AGENT, name, &company, &e);
    if (e != E_OK) return e;
    if (wake.agent < 0) return E_BAD_REQUEST;
    wake.payload = part.payload;
    wake.priority = HAS(q, goal_decompose, priority) ? q->priority : 75;
    return m_judge_wake(m, &in->actor, &wake, made);
}

static enum errc
judge_parts(struct model *m, const struct input *in, const struct msg_goal_decompose *q,
            const struct m_goal *whole, struct m_job *made)
{
    struct list_iter it = list_iter_of(q->parts);
    struct view      item;
    int64_t          n = 0;
    enum errc        e;

    if (!whole) return E_NOT_FOUND;
    if (whole->status != GOAL_OPEN) return E_WRONG_STATE;
    if (it.left == 0) return E_BAD_REQUEST;
    if ((e = judge_parent(m, whole->company, 0, whole->id)) != E_OK) return e;
    while (e == E_OK && list_next(&it, &item))
        e = judge_part(m, in, q, whole, item, &made[n++]);
    if (e == E_OK && m_queue_is_full(m, whole->company, n - 1)) return E_QUEUE_FULL;
    return e;
}

/* Each part is a goal below the whole, and its agent is woken for it. */
static void
make_part(struct model *m, uint64_t whole, const struct m_job *made, struct view told)
{
    struct m_goal *g = add(m, made->company, whole, made->agent);
    struct m_job  *j = m_make_wake(m, made);
    int64_t        goal_id, job_id;

    j->goal = g->id;
    claim(mp_find_i64(told, "goal", &goal_id) && goal_id == (int64_t)g->id &&
              mp_find_i64(told, "job", &job_id) && job_id == (int64_t)j->id,
          "a part of goal %" PRIu64 " is not goal %" PRIu64 " with job %" PRIu64, whole, g->id,
          j->id);
}

enum errc
m_goal_decompose(struct model *m, const struct input *in, const struct msg_goal_decompose *q,
                 const struct output *reply)
{
    const struct m_goal *whole = seen(m, in, q->id);
    uint32_t             count = list_iter_of(q->parts).left;
    struct m_job        *made = xcalloc(count + 1u, sizeof(*made));
    enum errc            e = m_admission(m);
    struct list_iter     told;
    struct view          list, item;

    if (e == E_OK) e = judge_parts(m, in, q, whole, made);
    m_check_answer(in, reply, e);
    if (e == E_OK) {
        claim(mp_find(reply->body, "parts", &list), "goal.decompose answered without parts");
        told = list_iter_of(list);
        claim(told.left == count, "%u parts were given, %u made", count, told.left);
    }
    for (uint32_t i = 0; e == E_OK && i < count && list_next(&told, &item); i++)
        make_part(m, q->id, &made[i], item);
    mem_free_at(&made);
    return e;
}

/* ---- comparing ------------------------------------------------------------------------------- */

static void
compare(struct model *m, struct m_goal *g)
{
    struct goal            row = {.id = g->id};
    const struct m_object *agent = m_object(m, g->agent);
    uint64_t               open = 0;

    if (m_object(m, g->company)->is_gone) return; /* it goes along, in bounded turns */
    for (size_t i = 0; i < m->active.count; i++) {
        const struct m_job *j = m_job(m, m->active.items[i]);

        open += j->goal == g->id && !m_is_end(j->state);
    }
    g->is_touched = false;
    check_ancestry(m, g);
    claim(goal_load(m->txn, &row) == LOAD_FOUND, "goal %" PRIu64 " is not in the store", g->id);
    claim(row.status == g->status && row.parent == g->parent &&
              row.agent == (agent ? agent->id : 0),
          "goal %" PRIu64 ": status %u, parent %" PRIu64 ", agent %u, expected %u, %" PRIu64 ", %u",
          g->id, row.status, row.parent, row.agent, g->status, g->parent, agent ? agent->id : 0);
    claim(row.open_jobs == open,
          "goal %" PRIu64 ": %" PRIu64 " jobs have not ended, expected %" PRIu64, g->id,
          row.open_jobs, open);
}

void
m_compare_goals(struct model *m, bool all)
{
    for (size_t i = 0; i < m->goals.count; i++) {
        struct m_goal *g = &m->goals.items[i];

        if (!g->is_gone && (all || g->is_touched)) compare(m, g);
    }
}
