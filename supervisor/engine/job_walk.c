#include "supervisor/engine/job_walk.h"

#include "supervisor/engine/read_sessions.h"
#include "supervisor/engine/views.h"

#include <string.h>

/* ---- the filter --------------------------------------------------------------- */

static enum errc
parse_names(struct reading *r, const struct msg_job_list *m, struct job_filter *f)
{
    uint32_t       company = 0;
    struct session session = {0};

    if (read_company(r, m->company, &company)) return r->e->code;
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
    company = f->company;
    if (m->schedule.size && object_ref(r->txn, r->actor, KIND_SCHEDULE, m->schedule, "schedule",
                                       &company, &f->schedule, r->e)) {
        return r->e->code;
    }
    if (m->session.size && reading_session(r, m->company, m->session, &session)) return r->e->code;
    f->session = session.id;
    return E_OK;
}

enum errc
job_filter_parse(struct reading *r, const struct msg_job_list *m, struct job_filter *f)
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
    if (HAS(m, job_list, class)) {
        f->failure = failure_from(m->class);
        if (f->failure == FAIL_NONE)
            return err_field(r->e, "class", "there is no class \"%.*s\"", VIEW_ARG(m->class));
    }
    f->quarantined = m->quarantined;
    f->due = m->due;
    f->retrying = m->retrying;
    if (HAS(m, job_list, older_ms)) f->submitted_before = r->now->wall_ms - m->older_ms;
    return parse_names(r, m, f);
}

static bool
tag_matches(const struct job_filter *f, const struct job_spec *spec)
{
    char        key[257];
    struct view value;

    if (f->tag_key.size >= sizeof(key)) return false;
    memcpy(key, f->tag_key.data, f->tag_key.size);
    key[f->tag_key.size] = '\0';
    return spec->tags.size && mp_find_str(spec->tags, key, &value) && view_eq(value, f->tag_value);
}

static bool
state_matches(struct reading *r, const struct job_filter *f, const struct job_state *j)
{
    if (f->state != JOB_NONE && j->state != f->state) return false;
    if (f->state == JOB_READY) {
        bool is_parked = view_held(&r->objects, &r->engine->memory, j) != HELD_NOT;

        if (is_parked != f->parked) return false;
    }
    if (f->due &&
        (job_state_is_end(j->state) || j->state == JOB_RUNNING || j->run_at > r->now->wall_ms))
        return false;
    if (f->failure != FAIL_NONE && j->failure != f->failure) return false;
    if (f->quarantined && !(j->flags & JOB_FLAG_QUARANTINED)) return false;
    if (f->retrying && !(j->state == JOB_SCHEDULED && (j->flags & JOB_FLAG_RETRY))) return false;
    if (f->company && j->company != f->company) return false;
    if (f->agent && j->agent != f->agent) return false;
    if (f->schedule && j->schedule != f->schedule) return false;
    if (f->session && j->session != f->session) return false;
    return !f->handler || j->handler == f->handler;
}

/* ---- the walk ----------------------------------------------------------------- */

struct walk {
    struct reading          *r;
    struct page             *p;
    const struct job_filter *f;
    job_take                *take;
    void                    *arg;
};

/* false: the job was named, but not taken. */
static bool
consider(struct walk *w, const struct job_state *j)
{
    const struct job_filter *f = w->f;
    struct job_spec          spec = {.id = j->id};

    w->p->examined++;
    if (!state_matches(w->r, f, j) || job_spec_load(w->r->txn, &spec) != LOAD_FOUND) return true;
    if (f->trigger != TRIGGER_NONE && spec.trigger != f->trigger) return true;
    if (f->submitted_before && spec.submitted_at > f->submitted_before) return true;
    if (f->tag_key.size && !tag_matches(f, &spec)) return true;
    return w->take(w->r, w->p, j, &spec, w->arg);
}

/* Newest first: ids are ascending and dense, so they are walked down.  A page that examined enough
 * ends early. */
static void
walk_down(struct walk *w, uint64_t before)
{
    uint64_t id = before;

    while (id > 1 && !page_is_over(w->p)) {
        struct job_state j = {.id = id - 1};

        if (job_state_load(w->r->txn, &j) != LOAD_FOUND) {
            w->p->examined++;
        } else if (!consider(w, &j)) {
            break;
        }
        id--;
    }
    if (id > 1) page_at(w->p, id);
}

/* The cursor of an index: the fields of its key, of whichever of the three. */
enum { AT_LANE, AT_PRIORITY, AT_RUN, AT_LEASE_END, AT_ID, AT_COUNT };

static void
page_at_job(struct page *p, const struct job_state *j)
{
    const struct cursor_number n[AT_COUNT] = {[AT_LANE] = {.value = j->lane},
                                              [AT_PRIORITY] = {.value = j->priority},
                                              [AT_RUN] = {.value = j->run_at},
                                              [AT_LEASE_END] = {.value = j->lease_end_boot},
                                              [AT_ID] = {.value = (int64_t)j->id}};

    page_at_key(p, n, AT_COUNT);
}

/* What waits or runs stands in an index of its own, in the order in which it will start. */
static void
walk_index(struct walk *w, enum index_id index, const struct job_state *from, unsigned fields)
{
    struct page     *p = w->p;
    struct job_state j = *from;
    struct scan      s;

    scan_open(&s, w->r->txn, index, &j, 0, fields);
    if (fields && scan_next_key(&s, &j) && j.id != from->id) {
        struct job_state first = {
            .id = j.id}; /* the cursor's job has moved on: its follower counts */

        if (job_state_load(w->r->txn, &first) == LOAD_FOUND) (void)consider(w, &first);
    }
    while (!page_is_over(p) && scan_next(&s, &j)) {
        (void)consider(w, &j);
        page_at_job(p, &j);
    }
    if (!page_is_over(p)) p->next[0] = '\0';
    scan_close(&s);
}

/* The id of a list by id, or the key fields of the index's last row. */
static enum errc
parse_cursor(struct reading *r, struct view after, bool by_index, struct job_state *from)
{
    uint64_t             next_job = r->engine->memory.meta.next_job;
    struct cursor_number n[AT_COUNT] = {
        [AT_LANE] = {.most = UINT32_MAX},
        [AT_PRIORITY] = {                  .most = UINT8_MAX                 },
        [AT_RUN] = { .least = INT64_MIN,                  .most = INT64_MAX},
        [AT_LEASE_END] = {                  .least = INT64_MIN,                  .most = INT64_MAX},
        [AT_ID] = {                          .least = 1,                  .most = (int64_t)next_job - 1},
    };

    if (!by_index || after.size == 0) return cursor_id(r, after, next_job, &from->id);
    if (cursor_key(r, after, n, AT_COUNT)) return r->e->code;
    *from = (struct job_state){
        .lane = (uint32_t)n[AT_LANE].value,
        .priority = (uint8_t)n[AT_PRIORITY].value,
        .run_at = n[AT_RUN].value,
        .lease_end_boot = n[AT_LEASE_END].value,
        .id = (uint64_t)n[AT_ID].value,
    };
    return E_OK;
}

enum errc
job_walk(struct reading *r, const struct msg_job_list *m, const struct job_filter *f,
         struct page *p, job_take *take, void *arg)
{
    struct walk      w = {.r = r, .p = p, .f = f, .take = take, .arg = arg};
    struct job_state from = {0};
    bool by_index = f->state == JOB_SCHEDULED || f->state == JOB_READY || f->state == JOB_RUNNING;

    if (parse_cursor(r, m->after, by_index, &from)) return r->e->code;
    if (!by_index) {
        walk_down(&w, from.id ? from.id : r->engine->memory.meta.next_job);
    } else if (f->state == JOB_SCHEDULED) {
        walk_index(&w, INDEX_job_due, &from, from.id ? 2 : 0);
    } else if (f->state == JOB_READY) {
        walk_index(&w, INDEX_job_ready, &from, from.id ? 4 : 0);
    } else {
        walk_index(&w, INDEX_job_running, &from, from.id ? 2 : 0);
    }
    return E_OK;
}
