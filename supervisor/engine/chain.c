#include "supervisor/engine/chain.h"

#include "supervisor/engine/feed.h"
#include "supervisor/engine/job.h"

#include <inttypes.h>

#define WINDOW_MS 60000 /* of chain_rate_max */

/* The agents that caused the job, first to last. */
static uint32_t
agents_of(const struct job_spec *s, uint32_t *agents)
{
    struct list_iter it = list_iter_of(s->chain);
    struct view      item;
    uint32_t         n = 0;

    if (s->chain.size == 0) return 0;
    while (n < CHAIN_AGENTS_MAX && list_next(&it, &item)) {
        struct mp_reader r = mp_reader_of(item);
        uint64_t         id;

        if (!mp_read_u64(&r, &id)) return n;
        agents[n++] = (uint32_t)id;
    }
    return n;
}

uint32_t
chain_last(const struct job_spec *s)
{
    uint32_t agents[CHAIN_AGENTS_MAX], n = agents_of(s, agents);

    return n ? agents[n - 1] : 0;
}

void
chain_follow(struct engine *en, const struct job_spec *parent, struct job_spec *s)
{
    uint32_t     agents[CHAIN_AGENTS_MAX], n = agents_of(parent, agents);
    struct buf b BUF_AUTO = {0};

    if (parent->agent && n < CHAIN_AGENTS_MAX) agents[n++] = parent->agent;
    s->parent = parent->id;
    s->root = parent->root ? parent->root : parent->id;
    s->depth = parent->depth + 1;
    mp_array(&b, n);
    for (uint32_t i = 0; i < n; i++)
        mp_u64(&b, agents[i]);
    s->chain = arena_copy(txn_arena(turn_txn(en)), buf_view(&b));
}

static enum errc
check_depth(struct engine *en, const struct job_spec *parent, struct err *e)
{
    int64_t max = en->memory.limits.chain_depth_max;

    if ((int64_t)parent->depth + 1 <= max) return E_OK;
    return err_set(e, E_CAPACITY_FULL,
                   "its chain of causes is %" PRId64 " jobs deep (limits.chain_depth_max)", max);
}

/* Who may speak of some sessions only does not learn which jobs there are beside theirs. */
static enum errc
check_session(struct engine *en, const struct actor *a, uint64_t parent, struct err *e)
{
    struct job_state j;
    struct session   s = {0};

    if (a->session.size == 0) return E_OK;
    if (job_get(turn_txn(en), a, parent, &j, e) == E_OK) s.id = j.session;
    if (s.id && session_load(turn_txn(en), &s) != LOAD_FOUND) s = (struct session){0};
    return engine_check_session(a, s.name, e);
}

enum errc
chain_of_submit(struct engine *en, const struct actor *a, uint64_t parent, struct job_spec *s,
                struct err *e)
{
    struct job_state j;
    struct job_spec  spec;

    if (check_session(en, a, parent, e)) return e->code;
    if (job_get(turn_txn(en), a, parent, &j, e) || j.company != s->company)
        return err_field(e, "parent", "there is no job %" PRIu64 " in this company", parent);
    if (job_get_spec(turn_txn(en), parent, &spec, e)) return e->code;
    if (check_depth(en, &spec, e)) return err_field(e, "parent", "%s", (*e).msg);
    chain_follow(en, &spec, s);
    return E_OK;
}

/* ---- rules -------------------------------------------------------------------- */

/* The edge from → to stands on the way already that led to the job. */
static bool
is_cycle(const struct job_spec *from, uint32_t to)
{
    uint32_t way[CHAIN_AGENTS_MAX + 1], n = agents_of(from, way);

    way[n++] = from->agent;
    for (uint32_t i = 0; i + 1 < n; i++) {
        if (way[i] == from->agent && way[i + 1] == to) return true;
    }
    return false;
}

static struct chain
window_of(struct engine *en, uint64_t root)
{
    struct chain c = {.root = root};
    int64_t      now = en->turn.now.wall_ms;

    if (chain_load(turn_txn(en), &c) == LOAD_FOUND && c.window_at <= now &&
        now - c.window_at < WINDOW_MS)
        return c;
    return (struct chain){.root = root, .window_at = now};
}

enum errc
chain_judge(struct engine *en, const struct job_spec *from, uint32_t to, struct err *e)
{
    const struct object_entry *o = objects_get(&en->turn.objects, to);
    int64_t                    rate = en->memory.limits.chain_rate_max;

    if (from->agent == to && o && !o->spec.agent.allow_self_wake) {
        err_set(e, E_DENIED, "an agent may not wake itself");
        return err_hint(e, "set allow_self_wake of the agent");
    }
    if (from->agent && from->agent != to && is_cycle(from, to)) {
        return err_set(e, E_CONFLICT, "a cycle: %.*s has woken %.*s in this chain already",
                       VIEW_ARG(objects_name(&en->turn.objects, from->agent)),
                       VIEW_ARG(objects_name(&en->turn.objects, to)));
    }
    if (check_depth(en, from, e)) return e->code;
    if (rate != NO_LIMIT && (int64_t)window_of(en, from->root).count >= rate) {
        return err_set(
            e, E_CAPACITY_FULL,
            "its chain has made %" PRId64 " wake-ups in a minute (limits.chain_rate_max)", rate);
    }
    return E_OK;
}

void
chain_count(struct engine *en, uint64_t root)
{
    struct chain c = window_of(en, root);

    c.count++;
    chain_save(turn_txn(en), &c);
}

void
chain_cut(struct engine *en, const struct job_spec *from, uint32_t to, const char *reason)
{
    struct mp_open_map m = feed_open(en, FEED_CHAIN_CUT, from->company);
    struct buf        *b = feed_buf(en);

    mp_put_u64(b, &m, "job", from->id);
    mp_put_u64(b, &m, "root", from->root);
    mp_put_str_or_nil(b, &m, "from", objects_name(&en->turn.objects, from->agent));
    mp_put_str(b, &m, "to", objects_name(&en->turn.objects, to));
    mp_put_cstr(b, &m, "reason", reason);
    feed_close(en, &m);
}

/* ---- due ---------------------------------------------------------------------- */

void
chain_due(struct engine *en)
{
    struct chain key = {0};
    struct scan  s;

    scan_open(&s, turn_txn(en), INDEX_chain_by_age, &key, 0, 0);
    while (en->turn.due_left && scan_next_key(&s, &key) &&
           key.window_at + WINDOW_MS <= en->turn.now.wall_ms) {
        struct chain row = {.root = key.root};

        en->turn.due_left--;
        (void)chain_delete(turn_txn(en), &row);
    }
    scan_close(&s);
}

int64_t
chain_deadline(struct engine *en)
{
    struct chain key = {0};
    struct scan  s;
    int64_t      at = INT64_MAX;

    scan_open(&s, turn_txn(en), INDEX_chain_by_age, &key, 0, 0);
    if (scan_next_key(&s, &key)) at = key.window_at + WINDOW_MS;
    scan_close(&s);
    return at;
}
