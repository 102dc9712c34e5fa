/* Requests on all jobs that a filter names, a bounded part at a time (A11, A14, A17). */
#include "tools/sim/model.h"
#include "tools/sim/verdict.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define ACTS_MAX 200 /* of one request */

enum act { CANCEL, RETRY, PURGE };

/* ---- the filter ------------------------------------------------------------------------------ */

struct filter {
    uint8_t     state; /* JOB_NONE: any */
    int         company, agent, handler;
    struct view trigger, color, class;
    bool        is_quarantined, is_due, is_retrying, has_age, names_something;
    int64_t     submitted_until;
};

static bool
is_one_of(struct view word, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (view_is(word, words[i])) return true;
    }
    return false;
}

/* States that a simulation asks for; JOB_NONE for another word. */
static uint8_t
state_of(struct view word)
{
    static const struct {
        const char *name;
        uint8_t     state;
    } states[] = {
        {"scheduled", JOB_SCHEDULED},
        {"ready",     JOB_READY    },
        {"running",   JOB_RUNNING  },
        {"completed", JOB_COMPLETED},
        {"failed",    JOB_FAILED   },
        {"cancelled", JOB_CANCELLED},
        {"expired",   JOB_EXPIRED  },
    };

    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        if (view_is(word, states[i].name)) return states[i].state;
    }
    return JOB_NONE;
}

static enum errc
read_words(const struct msg_job_list *q, struct filter *f)
{
    static const char *const ends[] = {"aborted", "expired"};

    f->state = state_of(q->state);
    if (HAS(q, job_list, state) && f->state == JOB_NONE) return E_BAD_REQUEST;
    f->trigger = q->trigger;
    if (HAS(q, job_list, trigger) && !m_is_trigger(q->trigger)) return E_BAD_REQUEST;
    if (q->tag.size && !view_is(q->tag, "kind=red") && !view_is(q->tag, "kind=blue"))
        return E_BAD_REQUEST; /* the generator's other tag is none */
    if (q->tag.size) f->color = view_of(q->tag.data + 5, q->tag.size - 5);
    f->class = q->class;
    if (HAS(q, job_list, class) && !m_is_class(q->class) &&
        !is_one_of(q->class, ends, ARRAY_LEN(ends)))
        return E_BAD_REQUEST;
    return E_OK;
}

static enum errc
read_filter(struct model *m, const struct actor *a, const struct msg_job_list *q, struct filter *f)
{
    enum errc e;
    int       company = -1;

    *f = (struct filter){.company = -1, .agent = -1, .handler = -1};
    if ((e = read_words(q, f)) != E_OK) return e;
    f->is_quarantined = q->quarantined;
    f->is_due = q->due;
    f->is_retrying = q->retrying;
    f->has_age = HAS(q, job_list, older_ms);
    f->submitted_until = m->now.wall_ms - q->older_ms;
    if (q->company.size || a->company.size) {
        if ((f->company = m_company(m, a, q->company, &e)) < 0) return e;
    }
    company = f->company;
    if (q->agent.size && (f->agent = m_ref(m, a, KIND_AGENT, q->agent, &company, &e)) < 0) return e;
    company = f->company;
    if (q->handler.size && (f->handler = m_ref(m, a, KIND_HANDLER, q->handler, &company, &e)) < 0)
        return e;
    f->names_something = q->state.size || q->company.size || q->agent.size || q->handler.size ||
                         q->trigger.size || q->tag.size || q->class.size || f->has_age ||
                         f->is_quarantined || f->is_due || f->is_retrying;
    return E_OK;
}

static bool
word_fits(struct view wanted, const char *is)
{
    return wanted.size == 0 || (is && view_is(wanted, is));
}

static bool
is_named(struct model *m, const struct filter *f, const struct m_job *j)
{
    bool waits = j->state == JOB_SCHEDULED || j->state == JOB_READY;

    if (f->state != JOB_NONE && j->state != f->state) return false;
    if (f->company >= 0 && j->company != f->company) return false;
    if (f->agent >= 0 && j->agent != f->agent) return false;
    if (f->handler >= 0 && j->handler != f->handler) return false;
    if (!word_fits(f->trigger, j->trigger) || !word_fits(f->color, j->color)) return false;
    if (!word_fits(f->class, j->failure)) return false;
    if (f->is_quarantined && !j->is_quarantined) return false;
    if (f->is_due && !(waits && j->run_at <= m->now.wall_ms)) return false;
    if (f->is_retrying && !(j->state == JOB_SCHEDULED && j->is_retry)) return false;
    return !f->has_age || j->submitted_at <= f->submitted_until;
}

/* ---- what may be done to whom ---------------------------------------------------------------- */

/* Without a state, retry means the dead letters only. */
static bool
fits(enum act act, uint8_t state, bool is_any_state)
{
    switch (act) {
    case CANCEL: return !m_is_end(state);
    case RETRY:
        if (is_any_state) return state == JOB_FAILED;
        return state == JOB_SCHEDULED || (m_is_end(state) && state != JOB_COMPLETED);
    case PURGE: return m_is_end(state);
    }
    return false;
}

struct bulk {
    enum act act;
    bool     dry_run, is_forced, is_over;
    int64_t  limit, matched, done;
    uint64_t next; /* 0: none */
};

static void
do_one(struct model *m, struct bulk *b, struct m_job *j)
{
    if (!b->dry_run && b->act == PURGE && !m_purge(m, j)) {
        b->is_over = true;
        return;
    }
    if (b->act == RETRY && j->session && m_is_end(j->state)) return;
    b->matched++;
    b->is_over = b->matched >= b->limit;
    if (b->dry_run) return;
    if (b->act == RETRY && m_may_retry(m, j, b->is_forced) != E_OK) return;
    if (b->act == CANCEL) m_cancel(m, j);
    if (b->act == RETRY) m_retry(m, j, b->is_forced);
    b->done++;
}

/* The newest first, an id after the other, whether or not there still is such a job. */
static void
walk(struct model *m, struct bulk *b, const struct filter *f, uint64_t before)
{
    bool     is_any_state = f->state == JOB_NONE && !f->is_retrying;
    uint64_t id = before, examined = 0;

    while (id > 1 && !b->is_over && examined < READ_ROWS_MAX) {
        struct m_job *j = m_job(m, id - 1);

        examined++;
        if (j && is_named(m, f, j) && fits(b->act, j->state, is_any_state)) do_one(m, b, j);
        if (b->act == PURGE && !b->dry_run && b->is_over && b->matched < b->limit) break;
        id--;
    }
    b->next = id > 1 ? id : 0;
}

/* ---- requests -------------------------------------------------------------------------------- */

static void
check_reply(const struct bulk *b, const struct filter *f, const struct output *reply)
{
    bool        by_id = f->state != JOB_SCHEDULED && f->state != JOB_RUNNING;
    char        expected[24] = "";
    int64_t     matched = -1, done = -1;
    struct view next = {0};

    claim(mp_find_i64(reply->body, "matched", &matched) && matched == b->matched &&
              mp_find_i64(reply->body, "done", &done) && done == b->done,
          "a request on many jobs matched %" PRId64 " and did %" PRId64 ", expected %" PRId64
          ", %" PRId64,
          matched, done, b->matched, b->done);
    (void)mp_find_str(reply->body, "next", &next); /* nil: none */
    if (by_id && b->next) snprintf(expected, sizeof(expected), "%" PRIu64, b->next);
    claim(view_is(next, expected), "a request on many jobs goes on at %.*s, expected %s",
          VIEW_ARG(next), expected);
}

enum errc
m_cursor(struct view after, size_t given, uint64_t *id)
{
    *id = 0;
    if (after.size && after.data[0] == '0') return E_BAD_REQUEST;
    for (size_t i = 0; i < after.size; i++) {
        if (after.data[i] < '0' || after.data[i] > '9') return E_BAD_REQUEST;
        *id = *id * 10 + (uint64_t)(after.data[i] - '0');
    }
    return *id <= given ? E_OK : E_BAD_REQUEST;
}

static enum errc
serve(struct model *m, const struct input *in, const struct bulk *what,
      const struct msg_job_list *q, const struct output *reply)
{
    struct bulk   b = *what;
    struct filter f;
    uint64_t      before = 0;
    enum errc     e = read_filter(m, &in->actor, q, &f);

    if (e == E_OK && (!f.names_something || (f.state && !fits(b.act, f.state, false))))
        e = E_BAD_REQUEST;
    if (e == E_OK) e = m_cursor(q->after, m->jobs.count, &before);
    m_check_answer(in, reply, e);
    if (e != E_OK) return e;
    b.limit = b.dry_run ? READ_ROWS_MAX : ACTS_MAX;
    if (HAS(q, job_list, limit) && (int64_t)q->limit < b.limit) b.limit = (int64_t)q->limit;
    walk(m, &b, &f, before ? before : m->jobs.count + 1);
    check_reply(&b, &f, reply);
    m->bypasses += b.is_forced && b.done;
    return e;
}

enum errc
m_cancel_many(struct model *m, const struct input *in, const struct msg_job_cancel_many *q,
              const struct output *reply)
{
    const struct bulk   what = {.act = CANCEL, .dry_run = q->dry_run};
    struct msg_job_list filter;

    memcpy(&filter, q, sizeof(filter));
    return serve(m, in, &what, &filter, reply);
}

enum errc
m_retry_many(struct model *m, const struct input *in, const struct msg_job_retry_many *q,
             const struct output *reply)
{
    const struct bulk   what = {.act = RETRY, .dry_run = q->dry_run, .is_forced = q->force};
    struct msg_job_list filter;

    memcpy(&filter, q, sizeof(filter));
    return serve(m, in, &what, &filter, reply);
}

enum errc
m_purge_many(struct model *m, const struct input *in, const struct msg_job_purge *q,
             const struct output *reply)
{
    const struct bulk   what = {.act = PURGE, .dry_run = q->dry_run};
    struct msg_job_list filter;

    memcpy(&filter, q, sizeof(filter));
    return serve(m, in, &what, &filter, reply);
}
