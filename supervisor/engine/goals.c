#include "supervisor/engine/goals.h"

#include "supervisor/engine/audit.h"
#include "supervisor/engine/made.h"
#include "supervisor/engine/objects.h"
#include "supervisor/engine/submit.h"
#include "supervisor/engine/views.h"

#include <inttypes.h>
#include <string.h>

#define SUBTREE_MAX 5000 /* goals below one that is moved */

static const char *const status_names[GOAL_STATUS_COUNT] = {[GOAL_NONE] = "none",
#define V(name, text) [GOAL_##name] = text,
                                                            GOAL_STATUSES(V)
#undef V
};

const char *
goal_status_name(enum goal_status s)
{
    return s < GOAL_STATUS_COUNT ? status_names[s] : status_names[GOAL_NONE];
}

enum goal_status
goal_status_from(struct view name)
{
    for (enum goal_status s = GOAL_NONE + 1; s < GOAL_STATUS_COUNT; s++) {
        if (view_is(name, status_names[s])) return s;
    }
    return GOAL_NONE;
}

/* ---- loads -------------------------------------------------------------------- */

enum errc
goal_ref(struct txn *t, uint32_t company, uint64_t id, const char *field, struct goal *out,
         struct err *e)
{
    struct goal g = {.id = id};

    if (goal_load(t, &g) != LOAD_FOUND || g.removing || g.company != company) {
        (void)err_field(e, field, "there is no goal %" PRIu64 " in this company", id);
        return e->code = E_NOT_FOUND;
    }
    *out = g;
    return E_OK;
}

enum errc
goal_get(struct txn *t, const struct actor *a, uint64_t id, struct goal *out, struct err *e)
{
    struct goal g = {.id = id};
    enum load   l = goal_load(t, &g);

    if (l == LOAD_DAMAGED)
        return err_set(e, E_DAMAGED, "goal %" PRIu64 ": its record is damaged", id);
    if (l == LOAD_ABSENT || g.removing || !actor_sees(t, a, g.company))
        return err_set(e, E_NOT_FOUND, "there is no goal %" PRIu64, id);
    *out = g;
    return E_OK;
}

/* ---- what others are told ------------------------------------------------------ */

static void
put_id_or_nil(struct buf *b, struct mp_open_map *m, const char *key, uint64_t id)
{
    mp_put_time(b, m, key, (int64_t)id);
}

void
goals_put_why(struct objects *o, uint64_t goal, struct buf *b)
{
    size_t   header = mp_array_open(b);
    uint32_t n = 0;

    while (goal && n < GOAL_DEPTH_MAX) {
        struct goal        g = {.id = goal};
        struct mp_open_map m;

        if (goal_load(o->txn, &g) != LOAD_FOUND) break;
        m = mp_open(b);
        mp_put_u64(b, &m, "id", g.id);
        mp_put_str(b, &m, "title", g.title);
        mp_put_cstr(b, &m, "status", goal_status_name(g.status));
        view_put_name(o, b, &m, "agent", g.agent);
        mp_put_raw(b, &m, "data", g.data);
        mp_close(b, &m);
        n++;
        goal = g.parent;
    }
    mp_array_close(b, header, n);
}

void
view_goal_pairs(struct objects *o, const struct goal *g, struct buf *b, struct mp_open_map *m)
{
    mp_put_u64(b, m, "id", g->id);
    mp_put_str(b, m, "title", g->title);
    mp_put_cstr(b, m, "status", goal_status_name(g->status));
    view_put_name(o, b, m, "company", g->company);
    put_id_or_nil(b, m, "parent", g->parent);
    view_put_name(o, b, m, "agent", g->agent);
    mp_put_raw(b, m, "data", g->data);
    mp_put_u64(b, m, "open_jobs", g->open_jobs);
    mp_put_i64(b, m, "created_at", g->created_at);
    mp_put_i64(b, m, "updated_at", g->updated_at);
}

void
view_goal(struct objects *o, const struct goal *g, struct buf *b)
{
    struct mp_open_map m = mp_open(b);

    view_goal_pairs(o, g, b, &m);
    mp_close(b, &m);
}

void
feed_goal(struct engine *en, enum feed_type type, const struct goal *g)
{
    struct mp_open_map m = feed_open(en, type, g->company);
    struct buf        *b = feed_buf(en);

    mp_put_u64(b, &m, "goal", g->id);
    mp_put_str(b, &m, "title", g->title);
    mp_put_cstr(b, &m, "status", goal_status_name(g->status));
    if (g->parent) mp_put_u64(b, &m, "parent", g->parent);
    feed_close(en, &m);
}

void
goal_count(struct engine *en, uint64_t goal, int change)
{
    struct goal g = {.id = goal};

    if (goal_load(turn_txn(en), &g) != LOAD_FOUND) return; /* removed, or damaged: fsck says so */
    if (change < 0 && g.open_jobs == 0) return;
    g.open_jobs = change < 0 ? g.open_jobs - 1 : g.open_jobs + 1;
    goal_save(turn_txn(en), &g);
}

/* ---- the tree ------------------------------------------------------------------ */

/* How many goals there are from this one up to its root, both counted; GOAL_DEPTH_MAX + 1 for more.
 * *meets: whether `other` is one of them. */
static uint32_t
depth_of(struct txn *t, uint64_t goal, uint64_t other, bool *meets)
{
    uint32_t n = 0;

    *meets = false;
    while (goal && n <= GOAL_DEPTH_MAX) {
        struct goal g = {.id = goal};

        if (goal == other) *meets = true;
        if (goal_load(t, &g) != LOAD_FOUND) break;
        n++;
        goal = g.parent;
    }
    return n;
}

bool
goal_is_within(struct txn *t, uint64_t goal, uint64_t root)
{
    bool meets;

    (void)depth_of(t, goal, root, &meets);
    return meets;
}

/* How many levels the tree below and with this goal has; false when it is too big to be looked at.
 */
static bool
height_of(struct txn *t, const struct goal *g, uint32_t *height)
{
    uint64_t *list = arena_alloc(txn_arena(t), SUBTREE_MAX * sizeof(*list));
    uint32_t  n = 1, level_end = 1;

    list[0] = g->id;
    *height = 1;
    for (uint32_t i = 0; i < n; i++) {
        struct goal key = {.company = g->company, .parent = list[i]};
        struct scan s;
        bool        fits = true;

        if (i == level_end) {
            level_end = n;
            ++*height;
        }
        scan_open(&s, t, INDEX_goal_by_parent, &key, 2, 2);
        while (fits && scan_next_key(&s, &key)) {
            fits = n < SUBTREE_MAX;
            if (fits) list[n++] = key.id;
        }
        scan_close(&s);
        if (!fits) return false;
    }
    return true;
}

static enum errc
check_parent(struct engine *en, const struct goal *g, uint64_t parent, struct err *e)
{
    struct txn *t = turn_txn(en);
    uint32_t    height = 1;
    struct goal found;
    bool        meets;

    if (parent == 0) return E_OK;
    if (goal_ref(t, g->company, parent, "parent", &found, e)) return e->code;
    uint32_t depth = depth_of(t, parent, g->id, &meets);

    if (meets) {
        return err_field(e, "parent", "goal %" PRIu64 " is goal %" PRIu64 " or below it: a cycle",
                         parent, g->id);
    }
    if (g->id && !height_of(t, g, &height))
        return err_set(e, E_TOO_LARGE, "over %d goals are below it: move smaller parts",
                       SUBTREE_MAX);
    if (depth + height > GOAL_DEPTH_MAX)
        return err_field(e, "parent", "the tree would be deeper than %d goals", GOAL_DEPTH_MAX);
    return E_OK;
}

static void
write_new(struct engine *en, struct goal *g)
{
    g->id = en->memory.meta.next_goal++;
    g->status = GOAL_OPEN;
    g->created_at = g->updated_at = en->turn.now.wall_ms;
    goal_save(turn_txn(en), g);
    feed_goal(en, FEED_GOAL_ADDED, g);
}

/* ---- requests ------------------------------------------------------------------ */

/* As audit rows show it. */
static struct view
pack(struct engine *en, const struct goal *g)
{
    struct buf b BUF_AUTO = {0};

    view_goal(&en->turn.objects, g, &b);
    return arena_copy(&en->turn.arena, buf_view(&b));
}

enum errc
on_goal_add(struct engine *en, const struct actor *a, const struct msg_goal_add *m,
            struct buf *reply, struct err *e)
{
    struct goal g = {.title = m->title, .parent = m->parent, .data = m->data};
    struct txn *t = turn_txn(en);

    if (submit_admit(en, e) || object_company(t, a, m->company, &g.company, e)) return e->code;
    if (m->agent.size && object_ref(t, a, KIND_AGENT, m->agent, "agent", &g.company, &g.agent, e))
        return e->code;
    if (check_parent(en, &g, m->parent, e)) return e->code;
    write_new(en, &g);
    view_goal(&en->turn.objects, &g, reply);
    audit_put_id(en, a, "goal.add", g.company, "goal", g.id, (struct view){0}, pack(en, &g));
    return E_OK;
}

enum errc
on_goal_set(struct engine *en, const struct actor *a, const struct msg_goal_set *m,
            struct buf *reply, struct err *e)
{
    struct txn *t = turn_txn(en);
    struct goal g;
    struct view before;

    if (goal_get(t, a, m->id, &g, e)) return e->code;
    before = pack(en, &g);
    if (m->has == 1ULL << msg_goal_set_BIT_id) {
        return err_field(e, "title",
                         "nothing to change: give title, parent, agent, status or data");
    }
    if (HAS(m, goal_set, parent) && check_parent(en, &g, m->parent, e)) return e->code;
    if (HAS(m, goal_set, agent) &&
        object_ref(t, a, KIND_AGENT, m->agent, "agent", &g.company, &g.agent, e)) {
        return e->code;
    }
    if (HAS(m, goal_set, status)) {
        g.status = (uint8_t)goal_status_from(m->status);
        if (g.status == GOAL_NONE)
            return err_field(e, "status", "there is no status \"%.*s\"", VIEW_ARG(m->status));
    }
    if (HAS(m, goal_set, title)) g.title = m->title;
    if (HAS(m, goal_set, parent)) g.parent = m->parent;
    if (HAS(m, goal_set, data)) g.data = m->data;
    g.updated_at = en->turn.now.wall_ms;
    goal_save(t, &g);
    feed_goal(en, FEED_GOAL_CHANGED, &g);
    view_goal(&en->turn.objects, &g, reply);
    audit_put_id(en, a, "goal.set", g.company, "goal", g.id, before, pack(en, &g));
    return E_OK;
}

/* ---- decomposition ------------------------------------------------------------- */

struct part {
    struct goal       goal;
    struct submission wake;
};

static enum errc
prepare_part(struct engine *en, const struct actor *a, const struct msg_goal_decompose *m,
             const struct goal *whole, struct view item, struct part *p, struct err *e)
{
    struct msg_goal_part one;
    struct wake          w = {.trigger = TRIGGER_GOAL_DECOMPOSED, .source = view_str("goal")};
    struct view          agent;

    memset(p, 0, sizeof(*p));
    if (msg_unpack(msg_desc(MSG_GOAL_PART), item, &one, e)) return e->code;
    p->goal = (struct goal){.company = whole->company,
                            .parent = whole->id,
                            .title = one.title,
                            .data = one.data,
                            .agent = whole->agent};
    agent = one.agent.size ? one.agent : m->agent;
    if (agent.size && object_ref(turn_txn(en), a, KIND_AGENT, agent, "agent", &p->goal.company,
                                 &p->goal.agent, e)) {
        return e->code;
    }
    if (p->goal.agent == 0) {
        (void)err_field(e, "agent", "missing: neither the part nor the goal names one");
        return err_hint(e, "give the part an agent, or --agent for all parts");
    }
    w.agent = p->goal.agent;
    w.title = one.title;
    w.payload = one.payload;
    w.priority = HAS(m, goal_decompose, priority) ? m->priority : -1;
    if (submit_prepare_wake(en, &w, &p->wake, e)) return e->code;
    return submit_check_priority(en, a, &p->wake, e);
}

static void
write_part(struct engine *en, const struct actor *a, struct part *p, struct buf *b)
{
    struct mp_open_map m = mp_open(b);
    struct job_state   j;

    write_new(en, &p->goal);
    p->wake.spec.goal = p->goal.id;
    submit_write(en, &p->wake, a, &j);
    made_answered(en, j.agent);
    mp_put_u64(b, &m, "goal", p->goal.id);
    mp_put_str(b, &m, "title", p->goal.title);
    view_put_name(&en->turn.objects, b, &m, "agent", p->goal.agent);
    mp_put_u64(b, &m, "job", j.id);
    mp_close(b, &m);
}

enum errc
on_goal_decompose(struct engine *en, const struct actor *a, const struct msg_goal_decompose *m,
                  struct buf *reply, struct err *e)
{
    struct list_iter   it = list_iter_of(m->parts);
    struct goal        g;
    struct part       *parts;
    struct view        item;
    struct mp_open_map map;
    uint32_t           n = 0;
    size_t             header;

    if (submit_admit(en, e) || goal_get(turn_txn(en), a, m->id, &g, e)) return e->code;
    if (g.status != GOAL_OPEN) {
        return err_set(e, E_WRONG_STATE, "goal %" PRIu64 " is %s", g.id,
                       goal_status_name(g.status));
    }
    if (it.left == 0) return err_field(e, "parts", "at least one part");
    if (it.left > BATCH_MAX) return err_set(e, E_TOO_LARGE, "parts: at most %d at once", BATCH_MAX);
    if (check_parent(en, &(struct goal){.company = g.company}, g.id, e)) return e->code;
    parts = arena_alloc(txn_arena(turn_txn(en)), it.left * sizeof(*parts));
    for (; list_next(&it, &item); n++) {
        if (prepare_part(en, a, m, &g, item, &parts[n], e))
            return err_wrap(e, "parts[%" PRIu32 "]", n);
    }
    if (submit_check_queue(en, g.company, n - 1, e)) return e->code; /* room for all of them */
    feed_goal(en, FEED_GOAL_DECOMPOSED, &g);
    audit_put_id(en, a, "goal.decompose", g.company, "goal", g.id, audit_i64(en, "parts", 0),
                 audit_i64(en, "parts", n));
    map = mp_open(reply);
    mp_put_u64(reply, &map, "goal", g.id);
    mp_key(reply, &map, "parts");
    header = mp_array_open(reply);
    for (uint32_t i = 0; i < n; i++)
        write_part(en, a, &parts[i], reply);
    mp_array_close(reply, header, n);
    mp_close(reply, &map);
    return E_OK;
}
