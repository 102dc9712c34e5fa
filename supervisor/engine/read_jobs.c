#include "supervisor/engine/job.h"
#include "supervisor/engine/reads.h"
#include "supervisor/engine/views.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- job.list ----------------------------------------------------------------- */

struct filter {
    enum job_state_id state; /* JOB_NONE: any */
    bool              parked, due, retrying;
    uint32_t          company, agent, handler;
    enum trigger      trigger;
    struct view       tag_key, tag_value;
    int64_t           submitted_before; /* 0: any */
};

static enum errc
parse_names(struct reading *r, const struct msg_job_list *m, struct filter *f)
{
    uint32_t company = 0;

    if ((m->company.size || r->actor->company.size) &&
        object_company(r->txn, r->actor, m->company, &company, r->e)) {
        return r->e->code;
    }
    f->company = company;
    if (m->agent.size &&
        object_ref(r->txn, r->actor, KIND_AGENT, m->agent, "agent", &company, &f->agent, r->e)) {
        return r->e->code;
    }
    company = f->company;
    if (m->handler.size && object_ref(r->txn, r->actor, KIND_HANDLER, m->handler, "handler",
                                      &company, &f->handler, r->e)) {
        return r->e->code;
    }
    return E_OK;
}

static enum errc
parse_filter(struct reading *r, const struct msg_job_list *m, struct filter *f)
{
    memset(f, 0, sizeof(*f));
    if (HAS(m, job_list, state)) {
        f->parked = view_is(m->state, "parked");
        f->state = f->parked ? JOB_READY : job_state_from(m->state);
        if (f->state == JOB_NONE)
            return err_field(r->e, "state", "there is no state \"%.*s\"", VIEW_ARG(m->state));
    }
    if (HAS(m, job_list, trigger)) {
        f->trigger = trigger_from(m->trigger);
        if (f->trigger == TRIGGER_NONE) {
            return err_field(r->e, "trigger", "there is no trigger \"%.*s\"", VIEW_ARG(m->trigger));
        }
    }
    if (m->tag.size) {
        const char *equals = memchr(m->tag.data, '=', m->tag.size);

        if (!equals) return err_field(r->e, "tag", "is written key=value");
        f->tag_key = view_of(m->tag.data, (size_t)(equals - m->tag.data));
        f->tag_value = view_of(equals + 1, m->tag.size - f->tag_key.size - 1);
    }
    f->due = m->due;
    f->retrying = m->retrying;
    if (HAS(m, job_list, older_ms)) f->submitted_before = r->now->wall_ms - m->older_ms;
    return parse_names(r, m, f);
}

static bool
tag_matches(const struct filter *f, const struct job_spec *spec)
{
    char        key[257];
    struct view value;

    if (f->tag_key.size >= sizeof(key)) return false;
    memcpy(key, f->tag_key.data, f->tag_key.size);
    key[f->tag_key.size] = '\0';
    return spec->tags.size && mp_find_str(spec->tags, key, &value) && view_eq(value, f->tag_value);
}

static bool
state_matches(struct reading *r, const struct filter *f, const struct job_state *j)
{
    if (f->state != JOB_NONE && j->state != f->state) return false;
    if (f->state == JOB_READY) {
        bool is_parked = view_held(&r->objects, &r->engine->memory, j) != HELD_NOT;

        if (is_parked != f->parked) return false;
    }
    if (f->due &&
        (job_state_is_end(j->state) || j->state == JOB_RUNNING || j->run_at > r->now->wall_ms))
        return false;
    if (f->retrying && !(j->state == JOB_SCHEDULED && (j->flags & JOB_FLAG_RETRY))) return false;
    if (f->company && j->company != f->company) return false;
    if (f->agent && j->agent != f->agent) return false;
    return !f->handler || j->handler == f->handler;
}

static void
consider(struct reading *r, struct page *p, const struct filter *f, struct job_state *j)
{
    struct job_spec spec = {.id = j->id};

    p->examined++;
    if (!state_matches(r, f, j) || job_spec_load(r->txn, &spec) != LOAD_FOUND) return;
    if (f->trigger != TRIGGER_NONE && spec.trigger != f->trigger) return;
    if (f->submitted_before && spec.submitted_at > f->submitted_before) return;
    if (f->tag_key.size && !tag_matches(f, &spec)) return;
    view_job(&r->objects, &r->engine->memory, j, &spec, JOB_VIEW_LIST, r->reply);
    p->count++;
}

/* Newest first: ids are ascending and dense, so they are walked down.  A page that examined enough
 * ends early. */
static void
walk_down(struct reading *r, struct page *p, const struct filter *f, uint64_t before)
{
    uint64_t id = before;

    while (id > 1 && !page_is_over(p)) {
        struct job_state j = {.id = id - 1};

        id--;

        if (job_state_load(r->txn, &j) == LOAD_FOUND) {
            consider(r, p, f, &j);
        } else {
            p->examined++;
        }
    }
    if (id > 1) snprintf(p->next, sizeof(p->next), "%" PRIu64, id);
}

/* What waits or runs stands in an index of its own, in the order in which it will start. */
static void
walk_index(struct reading *r, struct page *p, const struct filter *f, enum index_id index,
           const struct job_state *from, unsigned fields, bool skip_first)
{
    struct job_state j = *from;
    struct scan      s;

    scan_open(&s, r->txn, index, &j, 0, fields);
    if (skip_first && scan_next_key(&s, &j) && j.id != from->id) {
        struct job_state first = {
            .id = j.id}; /* the cursor's job has moved on: its follower counts */

        if (job_state_load(r->txn, &first) == LOAD_FOUND) consider(r, p, f, &first);
    }
    while (!page_is_over(p) && scan_next(&s, &j)) {
        consider(r, p, f, &j);
        snprintf(p->next, sizeof(p->next), "%" PRIu32 ":%u:%" PRId64 ":%" PRId64 ":%" PRIu64,
                 j.lane, j.priority, j.run_at, j.lease_end_boot, j.id);
    }
    if (!page_is_over(p)) p->next[0] = '\0';
    scan_close(&s);
}

/* "ID" of a list by id, or the key fields of the index's last row. */
static enum errc
parse_cursor(struct reading *r, struct view after, bool by_index, struct job_state *from)
{
    char     text[100];
    int      used = 0;
    unsigned priority = 0;

    if (after.size >= sizeof(text)) return err_field(r->e, "after", "no cursor of this list");
    memcpy(text, after.data, after.size);
    text[after.size] = '\0';
    if (by_index) {
        if (sscanf(text, "%10" SCNu32 ":%3u:%20" SCNd64 ":%20" SCNd64 ":%20" SCNu64 "%n",
                   &from->lane, &priority, &from->run_at, &from->lease_end_boot, &from->id,
                   &used) != 5 ||
            text[used] != '\0') {
            return err_field(r->e, "after", "no cursor of this list");
        }
        from->priority = (uint8_t)priority;
        return E_OK;
    }
    if (sscanf(text, "%20" SCNu64 "%n", &from->id, &used) != 1 || text[used] != '\0') {
        return err_field(r->e, "after", "no cursor of this list");
    }
    return E_OK;
}

enum errc
read_job_list(struct reading *r, const struct msg_job_list *m)
{
    struct filter    f;
    struct page      p;
    struct job_state from = {0};
    bool             by_index;

    if (parse_filter(r, m, &f)) return r->e->code;
    by_index = f.state == JOB_SCHEDULED || f.state == JOB_READY || f.state == JOB_RUNNING;
    if (m->after.size && parse_cursor(r, m->after, by_index, &from)) return r->e->code;
    page_open(r, &p, HAS(m, job_list, limit), m->limit);
    if (!by_index) {
        walk_down(r, &p, &f, from.id ? from.id : r->engine->memory.meta.next_job);
    } else if (f.state == JOB_SCHEDULED) {
        walk_index(r, &p, &f, INDEX_job_due, &from, from.id ? 2 : 0, from.id != 0);
    } else if (f.state == JOB_READY) {
        walk_index(r, &p, &f, INDEX_job_ready, &from, from.id ? 4 : 0, from.id != 0);
    } else {
        walk_index(r, &p, &f, INDEX_job_running, &from, from.id ? 2 : 0, from.id != 0);
    }
    page_close(r, &p);
    return E_OK;
}

/* ---- job.stats ---------------------------------------------------------------- */

#define RECENT_MS 60000

static void
put_counts(struct buf *b, struct mp_open_map *m, const struct queue *q)
{
    mp_put_u64(b, m, "scheduled", q->scheduled);
    mp_put_u64(b, m, "ready", q->ready);
    mp_put_u64(b, m, "running", q->running);
    mp_put_u64(b, m, "completed", q->completed);
    mp_put_u64(b, m, "failed", q->failed);
    mp_put_u64(b, m, "cancelled", q->cancelled);
    mp_put_u64(b, m, "expired", q->expired);
}

static void
add_counts(struct queue *sum, const struct queue *q)
{
    sum->scheduled += q->scheduled;
    sum->ready += q->ready;
    sum->running += q->running;
    sum->completed += q->completed;
    sum->failed += q->failed;
    sum->cancelled += q->cancelled;
    sum->expired += q->expired;
}

static int
by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* Nearest-rank percentiles of n sorted values. */
static void
put_percentiles(struct buf *b, struct mp_open_map *m, const char *key, int64_t *values, uint32_t n)
{
    struct mp_open_map p;

    mp_key(b, m, key);
    if (n == 0) {
        mp_nil(b);
        return;
    }
    qsort(values, n, sizeof(*values), by_value);
    p = mp_open(b);
    mp_put_i64(b, &p, "p50", values[(n - 1) / 2]);
    mp_put_i64(b, &p, "p99", values[(uint64_t)(n - 1) * 99 / 100]);
    mp_close(b, &p);
}

/* Over the jobs that completed in the last minute, at most READ_ROWS_MAX of them. */
static void
put_recent(struct reading *r, uint32_t company, struct mp_open_map *map)
{
    struct job_state j = {.state = JOB_COMPLETED, .ended_at = r->now->wall_ms - RECENT_MS};
    int64_t         *delays = xmalloc(READ_ROWS_MAX * sizeof(*delays)),
            *runs = xmalloc(READ_ROWS_MAX * sizeof(*runs));
    uint32_t           n = 0, examined = 0;
    struct scan        s;
    struct mp_open_map m;

    scan_open(&s, r->txn, INDEX_job_ended, &j, 1, 2);
    while (examined++ < READ_ROWS_MAX && scan_next(&s, &j)) {
        if (company && j.company != company) continue;
        delays[n] = j.claimed_at - j.run_at;
        runs[n++] = j.ended_at - j.claimed_at;
    }
    scan_close(&s);
    mp_key(r->reply, map, "recent");
    m = mp_open(r->reply);
    mp_put_u64(r->reply, &m, "window_ms", RECENT_MS);
    mp_put_u64(r->reply, &m, "ended", n);
    mp_put_u64(r->reply, &m, "per_minute", n);
    put_percentiles(r->reply, &m, "start_delay_ms", delays, n);
    put_percentiles(r->reply, &m, "run_ms", runs, n);
    mp_close(r->reply, &m);
    free(delays);
    free(runs);
}

enum errc
read_job_stats(struct reading *r, const struct msg_job_stats *m)
{
    struct buf companies BUF_AUTO = {0};
    struct queue         q = {0}, sum = {0};
    struct mp_open_map   map;
    struct scan          s;
    uint32_t             company = 0, n = 0;

    if ((m->company.size || r->actor->company.size) &&
        object_company(r->txn, r->actor, m->company, &company, r->e)) {
        return r->e->code;
    }
    scan_open(&s, r->txn, PRIMARY_QUEUE, &q, 0, 0);
    while (n < 1000 && scan_next(&s, &q)) {
        struct mp_open_map one;

        if (company && q.company != company) continue;
        add_counts(&sum, &q);
        one = mp_open(&companies);
        view_put_name(&r->objects, &companies, &one, "company", q.company);
        put_counts(&companies, &one, &q);
        mp_close(&companies, &one);
        n++;
    }
    scan_close(&s);
    map = mp_open(r->reply);
    put_counts(r->reply, &map, &sum);
    put_recent(r, company, &map);
    mp_key(r->reply, &map, "companies");
    mp_array(r->reply, n);
    buf_add_view(r->reply, buf_view(&companies));
    mp_close(r->reply, &map);
    return E_OK;
}
