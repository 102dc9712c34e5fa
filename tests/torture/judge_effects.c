#include "common/hash.h"
#include "common/json.h"
#include "common/mp.h"
#include "tests/torture/breaks.h"
#include "tests/torture/config.h"
#include "tests/torture/history.h"
#include "tests/torture/items.h"
#include "tests/torture/judge.h"
#include "tests/torture/schedules.h"
#include "tests/torture/sessions.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct effect {
    bool     is_there, is_delivered;
    uint64_t job, attempts, lines;
    uint64_t session; /* hash of its name; 0: none */
};

struct outbox {
    struct model  *model;
    struct effect *effects; /* by id */
    uint64_t       cap;
    uint64_t       line;      /* of the sink's file */
    uint64_t      *last_sent; /* by the session's place in `sessions` */
    uint64_t      *sessions;
    size_t         nsessions;
};

static struct effect *
effect_of(struct outbox *o, uint64_t id)
{
    uint64_t cap = o->cap ? o->cap : 1024;

    if (id == 0 || id >> 32) return NULL;
    while (cap <= id)
        cap *= 2;
    if (cap != o->cap) {
        o->effects = xrealloc(o->effects, cap * sizeof(*o->effects));
        memset(o->effects + o->cap, 0, (cap - o->cap) * sizeof(*o->effects));
        o->cap = cap;
    }
    return &o->effects[id];
}

/* ---- what the store says --------------------------------------------------------------------- */

/* It warns of a schedule: no attempt sent it. */
static bool
is_alert(struct view payload, uint64_t job)
{
    struct view metadata = {0};

    return job == 0 && mp_find(payload, "metadata", &metadata) && text_of(metadata, "alert").size &&
           schedule_number(text_of(metadata, "schedule"));
}

static void
take_effect(struct view item, void *arg)
{
    struct outbox *o = arg;
    uint64_t       id = (uint64_t)number_of(item, "id");
    struct effect *ef = effect_of(o, id);
    struct view    status = text_of(item, "status"), session = text_of(item, "session");
    struct view    payload = {0};

    if (!ef || ef->is_there) {
        breaks_add(BREAK_SEND_TWICE, "effect %" PRIu64 " is listed twice, or has no id", id);
        return;
    }
    ef->is_there = true;
    ef->is_delivered = view_is(status, "delivered");
    ef->job = (uint64_t)number_of(item, "job");
    ef->attempts = (uint64_t)number_of(item, "attempts");
    ef->session = session.size ? hash64(session, 0) : 0;
    o->model->effects++;
    if (sessions_effect(o->model, item)) return;
    if (!ef->is_delivered) {
        breaks_add(BREAK_SEND_LOST, "effect %" PRIu64 " of job %" PRIu64 " is %.*s: %.*s", id,
                   ef->job, VIEW_ARG(status), VIEW_ARG(text_of(item, "reason")));
    }
    (void)mp_find(item, "payload", &payload); /* without one it has no message */
    if (is_alert(payload, ef->job)) {
        o->model->alerts++;
    } else if (model_is_of_completed(o->model, text_of(payload, "message"), ef->job)) {
        o->model->jobs[ef->job].effects++;
    } else {
        breaks_add(BREAK_SEND_TWICE,
                   "effect %" PRIu64 " of job %" PRIu64 " is of an attempt that did not complete",
                   id, ef->job);
    }
}

/* ---- those that act inside ------------------------------------------------------------------- */

static void
wrong_effect(uint64_t id, uint64_t job, struct view kind)
{
    breaks_add(BREAK_SEND_TWICE,
               "effect %" PRIu64 " (%.*s) of job %" PRIu64
               " is of an attempt that did not complete",
               id, VIEW_ARG(kind), job);
}

static void
take_inside(struct model *m, struct view item, struct view kind)
{
    uint64_t    id = (uint64_t)number_of(item, "id"), job = (uint64_t)number_of(item, "job");
    bool        is_delivered = view_is(text_of(item, "status"), "delivered");
    struct job *j = model_job(m, job);
    struct view payload = {0}, inner = {0};

    (void)mp_find(item, "payload", &payload);  /* without one it is of no attempt */
    (void)mp_find(payload, "payload", &inner); /* a ticket's has none */
    if (!j || j->end != END_COMPLETED) {
        wrong_effect(id, job, kind);
    } else if (j->is_asking && view_is(text_of(item, "status"), "rejected")) {
        j->denials++;
    } else if (view_is(kind, "ticket")) {
        *(is_delivered ? &j->closes : &j->opens) += 1;
    } else if (number_of(inner, "from") != (int64_t)job ||
               number_of(inner, "attempt") != (int64_t)j->attempt) {
        wrong_effect(id, job, kind);
    } else {
        *(is_delivered ? &j->wakes : &j->cuts) += 1;
    }
}

static void
take_any(struct view item, void *arg)
{
    struct outbox *o = arg;
    struct view    kind = text_of(item, "kind"), sink = text_of(item, "sink");

    if (view_is(kind, "schedule_timer") || view_is(kind, "cancel_timer")) {
        sessions_plan(o->model, item);
    } else if (view_is(kind, "wake_agent") || view_is(kind, "ticket")) {
        take_inside(o->model, item, kind);
    } else if (!view_is(sink, SHOUT) && !view_is(sink, HOOK) && !view_is(sink, POST) &&
               !view_is(sink, "gateway")) {
        take_effect(item, arg); /* others have judges of their own */
    }
}

/* ---- what the sink has ----------------------------------------------------------------------- */

static uint64_t *
last_sent(struct outbox *o, uint64_t session)
{
    size_t i = 0;

    while (i < o->nsessions && o->sessions[i] != session)
        i++;
    if (i == o->nsessions) {
        o->nsessions++;
        o->sessions = xrealloc(o->sessions, o->nsessions * sizeof(*o->sessions));
        o->last_sent = xrealloc(o->last_sent, o->nsessions * sizeof(*o->last_sent));
        o->sessions[i] = session;
        o->last_sent[i] = 0;
    }
    return &o->last_sent[i];
}

/* One that had to be sent again comes behind those that were sent meanwhile. */
static void
judge_order(struct outbox *o, const struct effect *ef, uint64_t id)
{
    if (ef->session == 0 || ef->attempts != 1) return;
    uint64_t *last = last_sent(o, ef->session);
    if (id < *last) {
        breaks_add(BREAK_SEND_ORDER, "effect %" PRIu64 " was sent behind effect %" PRIu64, id,
                   *last);
    }
    *last = id;
}

/* A line that was cut short by a kill is none; the effect is found again, whole, below it. */
static void
take_line(char *line, void *arg)
{
    struct outbox      *o = arg;
    BUF_AUTO struct buf packed = {0};
    struct err          e;

    o->line++;
    if (json_to_mp(view_str(line), &packed, &e)) {
        (void)printf("note: line %" PRIu64 " of the sink's file is torn\n", o->line);
        return;
    }
    sessions_message(o->model, text_of(buf_view(&packed), "content"));
    uint64_t       id = (uint64_t)number_of(buf_view(&packed), "effect_id");
    struct effect *ef = effect_of(o, id);
    if (!ef || !ef->is_there) {
        breaks_add(BREAK_SEND_TWICE, "line %" PRIu64 ": effect %" PRIu64 " is not in the store",
                   o->line, id);
    } else if (ef->lines++ > 0) {
        breaks_add(BREAK_SEND_TWICE, "line %" PRIu64 ": effect %" PRIu64 " again", o->line, id);
    } else {
        judge_order(o, ef, id);
    }
}

static void
judge_counts(const struct outbox *o)
{
    for (uint64_t id = 1; id < o->cap; id++) {
        const struct effect *ef = &o->effects[id];

        if (ef->is_delivered && ef->lines == 0) {
            breaks_add(BREAK_SEND_LOST,
                       "effect %" PRIu64 " is delivered, the sink does not have it", id);
        }
    }
    for (uint64_t id = 1; id <= o->model->last; id++) {
        const struct job *j = &o->model->jobs[id];
        uint64_t          wanted = j->is_telling && j->end == END_COMPLETED;

        if (j->effects != wanted) {
            breaks_add(j->effects > wanted ? BREAK_SEND_TWICE : BREAK_SEND_LOST,
                       "job %" PRIu64 " has %" PRIu64 " effects instead of %" PRIu64, id,
                       j->effects, wanted);
        }
    }
}

void
judge_effects(struct model *m, struct link *l)
{
    struct outbox o = {.model = m};

    fetch_pages(l, MSG_EFFECT_LIST, "", take_any, &o);
    (void)history_read(m->folder, "mail", take_line, &o); /* none: nothing was ever sent */
    judge_counts(&o);
    free(o.effects);
    free(o.sessions);
    free(o.last_sent);
}
