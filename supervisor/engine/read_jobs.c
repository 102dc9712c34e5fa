#include "common/ranks.h"
#include "supervisor/engine/job_walk.h"
#include "supervisor/engine/page.h"
#include "supervisor/engine/views.h"

#include <inttypes.h>
#include <stdlib.h>

/* ---- job.list ----------------------------------------------------------------- */

static bool
list_one(struct reading *r, struct page *p, const struct job_state *j, const struct job_spec *spec,
         void *arg)
{
    (void)arg;
    view_job(&r->objects, &r->engine->memory, j, spec, JOB_VIEW_LIST, r->reply);
    p->count++;
    return true;
}

enum errc
read_job_list(struct reading *r, const struct msg_job_list *m)
{
    struct job_filter f;
    struct page       p;

    if (job_filter_parse(r, m, &f)) return r->e->code;
    page_open(r, &p, HAS(m, job_list, limit), m->limit);
    if (job_walk(r, m, &f, &p, list_one, NULL)) return r->e->code;
    page_close(r, &p);
    return E_OK;
}

/* ---- job.stats ---------------------------------------------------------------- */

#define RECENT_MS       60000
#define RECENT_JOBS_MAX 2000

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

static void
put_percentiles(struct buf *b, struct mp_open_map *m, const char *key, int64_t *values, uint32_t n)
{
    struct mp_open_map p;

    mp_key(b, m, key);
    if (n == 0) {
        mp_nil(b);
        return;
    }
    ranks_sort(values, n);
    p = mp_open(b);
    mp_put_i64(b, &p, "p50", rank_of(values, n, 50));
    mp_put_i64(b, &p, "p99", rank_of(values, n, 99));
    mp_close(b, &p);
}

/* The last minute, or so much of its end that not more jobs completed in it than are looked at. */
static int64_t
recent_window(struct reading *r)
{
    int64_t  window = RECENT_MS;
    uint32_t n;

    for (;; window /= 2) {
        struct job_state j = {.state = JOB_COMPLETED, .ended_at = r->now->wall_ms - window};
        struct scan      s;

        scan_open(&s, r->txn, INDEX_job_ended, &j, 1, 2);
        for (n = 0; n <= RECENT_JOBS_MAX && scan_next_key(&s, &j);)
            n++;
        scan_close(&s);
        if (n <= RECENT_JOBS_MAX || window == 1) return window;
    }
}

static void
put_recent(struct reading *r, uint32_t company, struct mp_open_map *map)
{
    int64_t          window = recent_window(r);
    struct job_state j = {.state = JOB_COMPLETED, .ended_at = r->now->wall_ms - window};
    int64_t         *delays = xmalloc(RECENT_JOBS_MAX * sizeof(*delays)),
            *runs = xmalloc(RECENT_JOBS_MAX * sizeof(*runs));
    uint32_t           n = 0, examined = 0;
    struct scan        s;
    struct mp_open_map m;

    scan_open(&s, r->txn, INDEX_job_ended, &j, 1, 2);
    while (examined++ < RECENT_JOBS_MAX && scan_next(&s, &j)) {
        if (company && j.company != company) continue;
        delays[n] = j.claimed_at - j.run_at;
        runs[n++] = j.ended_at - j.claimed_at;
    }
    scan_close(&s);
    mp_key(r->reply, map, "recent");
    m = mp_open(r->reply);
    mp_put_i64(r->reply, &m, "window_ms", window);
    mp_put_u64(r->reply, &m, "ended", n);
    mp_put_i64(r->reply, &m, "per_minute", n * RECENT_MS / window);
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

    if (read_company(r, m->company, &company)) return r->e->code;
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
