#include "supervisor/engine/bulk.h"

#include "supervisor/engine/audit.h"
#include "supervisor/engine/job_walk.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

/* ---- purge -------------------------------------------------------------------- */

static uint32_t
chunks(uint32_t bytes)
{
    return (bytes + BLOB_CHUNK - 1) / BLOB_CHUNK;
}

/* false: there are more than may still be removed. */
static bool
purge_attempts(struct engine *en, uint64_t job)
{
    struct attempt key = {.job = job};
    struct scan    s;
    bool           is_more;

    scan_open(&s, turn_txn(en), PRIMARY_ATTEMPT, &key, 1, 1);
    while ((is_more = scan_next_key(&s, &key)) && en->turn.purge_left) {
        en->turn.purge_left--;
        (void)attempt_delete(turn_txn(en), &key);
    }
    scan_close(&s);
    return !is_more;
}

static uint32_t
count_causes(struct engine *en, uint64_t job)
{
    struct cause key = {.job = job};
    struct scan  s;
    uint32_t     n = 0;

    scan_open(&s, turn_txn(en), PRIMARY_CAUSE, &key, 1, 1);
    while (scan_next_key(&s, &key))
        n++;
    scan_close(&s);
    return n;
}

static void
purge_causes(struct engine *en, uint64_t job)
{
    struct cause key = {.job = job};
    struct scan  s;

    scan_open(&s, turn_txn(en), PRIMARY_CAUSE, &key, 1, 1);
    while (scan_next_key(&s, &key))
        (void)cause_delete(turn_txn(en), &key);
    scan_close(&s);
}

bool
job_purge(struct engine *en, const struct job_state *j)
{
    struct txn     *t = turn_txn(en);
    struct job_spec spec = {.id = j->id};
    uint32_t        rows;

    if (!purge_attempts(en, j->id)) return false;
    if (job_spec_load(t, &spec) != LOAD_FOUND) spec = (struct job_spec){.id = j->id};
    rows = 2 + chunks(spec.payload_bytes) + chunks(j->output_bytes) + count_causes(en, j->id);
    if (rows > en->turn.purge_left && en->turn.purge_left < PURGE_ROWS_MAX) return false;
    en->turn.purge_left -= rows < en->turn.purge_left ? rows : en->turn.purge_left;
    if (spec.payload_bytes) bytes_delete(t, BLOB_PAYLOAD, j->id);
    if (j->output_bytes) bytes_delete(t, BLOB_OUTPUT, j->id);
    purge_causes(en, j->id);
    job_uncount(en, j);
    (void)job_spec_delete(t, &spec);
    (void)job_state_delete(t, j);
    turn_output(en, OUT_JOB_PURGED)->job = j->id;
    return true;
}

/* ---- one of many -------------------------------------------------------------- */

enum bulk_kind { BULK_CANCEL, BULK_RETRY, BULK_PURGE };

static const struct {
    const char *action;
    const char *wanted; /* what states fit */
} bulks[] = {
    [BULK_CANCEL] = {"job.cancel_many", "jobs that have not ended are cancelled"                 },
    [BULK_RETRY] = {"job.retry_many",  "failed, cancelled, expired and waiting jobs are retried"},
    [BULK_PURGE] = {"job.purge",       "only ended jobs are purged"                             },
};

struct bulk {
    struct engine *en;
    enum bulk_kind kind;
    bool           dry_run, is_forced, any_state;
    uint64_t       matched, done;
    struct err     refused; /* of the first that could not be done */
};

static bool
fits(enum bulk_kind kind, enum job_state_id s, bool any_state)
{
    switch (kind) {
    case BULK_CANCEL: return !job_state_is_end(s);
    case BULK_RETRY:
        if (any_state) return s == JOB_FAILED; /* dead letters; others when they are asked for */
        return s == JOB_FAILED || s == JOB_CANCELLED || s == JOB_EXPIRED || s == JOB_SCHEDULED;
    case BULK_PURGE: return job_state_is_end(s);
    }
    return false;
}

static enum errc
act(struct bulk *b, const struct job_state *j, struct err *e)
{
    struct job_state copy = *j;

    if (b->kind == BULK_CANCEL) return job_cancel(b->en, &copy, "cancelled by an operator", e);
    return job_retry(b->en, &copy, b->is_forced, e);
}

static bool
take(struct reading *r, struct page *p, const struct job_state *j, const struct job_spec *spec,
     void *arg)
{
    struct bulk *b = arg;
    struct err   e = {0};

    (void)r;
    (void)spec;
    if (!fits(b->kind, j->state, b->any_state)) return true;
    if (b->kind == BULK_RETRY && job_is_of_dead_event(j)) return true;
    if (!b->dry_run && b->kind == BULK_PURGE && !job_purge(b->en, j)) {
        p->limit = p->count; /* the turn's rows are used up */
        return false;
    }
    b->matched++;
    p->count++;
    if (b->dry_run) return true;
    if (b->kind == BULK_PURGE || act(b, j, &e) == E_OK) {
        b->done++;
    } else if (b->refused.code == E_OK) {
        b->refused = e;
    }
    return true;
}

/* ---- requests ----------------------------------------------------------------- */

#define FILTER_ALONE(name)                                                               \
    _Static_assert(offsetof(struct msg_job_##name, dry_run) >=                           \
                           offsetof(struct msg_job_list, after) + sizeof(struct view) && \
                       offsetof(struct msg_job_##name, after) ==                         \
                           offsetof(struct msg_job_list, after) &&                       \
                       (int)msg_job_##name##_BIT_after == (int)msg_job_list_BIT_after,   \
                   "a filter, and dry_run behind it")
FILTER_ALONE(cancel_many);
FILTER_ALONE(retry_many);
FILTER_ALONE(purge);

/* Without dry_run, which no list has; what came later has another place in each. */
static struct msg_job_list
filter_of(const void *m, struct view schedule, struct view session)
{
    struct msg_job_list filter = {0};

    memcpy(&filter, m, offsetof(struct msg_job_list, schedule));
    filter.has &= (1ULL << msg_job_list_BIT_schedule) - 1;
    filter.schedule = schedule;
    if (schedule.size) SET_HAS(&filter, job_list, schedule);
    filter.session = session;
    if (session.size) SET_HAS(&filter, job_list, session);
    return filter;
}

static bool
names_something(const struct msg_job_list *m)
{
    uint64_t paging = 1ULL << msg_job_list_BIT_limit | 1ULL << msg_job_list_BIT_after;
    uint64_t flags = 1ULL << msg_job_list_BIT_due | 1ULL << msg_job_list_BIT_retrying |
                     1ULL << msg_job_list_BIT_quarantined;

    return (m->has & ~(paging | flags)) || m->due || m->retrying || m->quarantined;
}

static enum errc
check_filter(const struct bulk *b, const struct msg_job_list *m, const struct job_filter *f,
             struct err *e)
{
    if (!names_something(m)) {
        err_field(e, "state", "missing: say which jobs, by any filter of job list");
        return err_hint(e, "--older 0s names all; --dry-run counts them first");
    }
    if (f->state != JOB_NONE && !fits(b->kind, f->state, false)) {
        err_field(e, "state", "no job that is %.*s can be meant", VIEW_ARG(m->state));
        return err_hint(e, "%s", bulks[b->kind].wanted);
    }
    return E_OK;
}

/* The filter as it was asked for, in each part's row. */
static void
audit_bulk(struct bulk *b, const struct actor *a, uint32_t company, const struct msg_job_list *m)
{
    struct buf filter BUF_AUTO = {0};
    struct view subject = view_str(arena_printf(&b->en->turn.arena, "%" PRIu64 " jobs", b->done));
    struct view done;

    if (b->done == 0) return;
    msg_pack(msg_desc(MSG_JOB_LIST), m, &filter);
    done = audit_i64(b->en, "done", (int64_t)b->done);
    audit_put(b->en, a, bulks[b->kind].action, company, subject, buf_view(&filter), done);
    if (b->is_forced)
        audit_put(b->en, a, "manual_force_bypass", company, subject, buf_view(&filter), done);
}

static void
put_answer(const struct bulk *b, const struct page *p, struct buf *reply)
{
    struct mp_open_map map = mp_open(reply);

    mp_put_u64(reply, &map, "matched", b->matched);
    mp_put_u64(reply, &map, "done", b->done);
    mp_put_bool(reply, &map, "dry_run", b->dry_run);
    mp_put_cstr(reply, &map, "refused", b->refused.code ? b->refused.msg : NULL);
    mp_put_str_or_nil(reply, &map, "next", view_str(p->next));
    mp_close(reply, &map);
}

static enum errc
serve_bulk(const struct bulk *what, const struct actor *a, const struct msg_job_list *m,
           struct buf *reply, struct err *e)
{
    struct bulk       b = *what;
    struct engine    *en = b.en;
    struct reading    r = {.engine = en,
                           .txn = turn_txn(en),
                           .now = &en->turn.now,
                           .actor = a,
                           .reply = reply,
                           .e = e};
    struct job_filter f;
    struct page       p = {.limit = b.dry_run ? READ_ROWS_MAX : BULK_ACTS_MAX};

    objects_init(&r.objects, r.txn);
    if (HAS(m, job_list, limit) && m->limit < p.limit) p.limit = (uint32_t)m->limit;
    if (job_filter_parse(&r, m, &f) || check_filter(&b, m, &f, e)) return e->code;
    b.any_state = f.state == JOB_NONE && !f.retrying;
    if (job_walk(&r, m, &f, &p, take, &b)) return e->code;
    if (!b.dry_run) audit_bulk(&b, a, f.company, m);
    put_answer(&b, &p, reply);
    return E_OK;
}

enum errc
on_job_cancel_many(struct engine *en, const struct actor *a, const struct msg_job_cancel_many *m,
                   struct buf *reply, struct err *e)
{
    struct msg_job_list filter = filter_of(m, m->schedule, m->session);
    const struct bulk   what = {.en = en, .kind = BULK_CANCEL, .dry_run = m->dry_run};

    return serve_bulk(&what, a, &filter, reply, e);
}

enum errc
on_job_retry_many(struct engine *en, const struct actor *a, const struct msg_job_retry_many *m,
                  struct buf *reply, struct err *e)
{
    struct msg_job_list filter = filter_of(m, m->schedule, m->session);
    const struct bulk   what = {
          .en = en, .kind = BULK_RETRY, .dry_run = m->dry_run, .is_forced = m->force};

    return serve_bulk(&what, a, &filter, reply, e);
}

enum errc
on_job_purge(struct engine *en, const struct actor *a, const struct msg_job_purge *m,
             struct buf *reply, struct err *e)
{
    struct msg_job_list filter = filter_of(m, m->schedule, m->session);
    const struct bulk   what = {.en = en, .kind = BULK_PURGE, .dry_run = m->dry_run};

    return serve_bulk(&what, a, &filter, reply, e);
}
