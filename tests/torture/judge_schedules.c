#include "common/clock.h"
#include "common/mp.h"
#include "tests/torture/breaks.h"
#include "tests/torture/config.h"
#include "tests/torture/items.h"
#include "tests/torture/judge.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define WAIT_MS 20000
#define LATE_MS 10000 /* a schedule whose last decision is older has stopped */

struct decision {
    int64_t  nominal;
    uint64_t job;
    int64_t  number;
    enum { OTHER, FIRED, MISSED, SUPPRESSED } outcome;
};

struct walk {
    struct model           *model;
    const struct scheduled *schedule;
    unsigned                number;
    int64_t                 next;  /* nominal */
    int64_t                 fired; /* so far */
    struct decision        *decisions;
    size_t                  count;
};

/* ---- firings --------------------------------------------------------------------------------- */

static void
take_firing(struct view item, void *arg)
{
    struct walk    *w = arg;
    struct decision d = {.nominal = number_of(item, "nominal_at"),
                         .job = (uint64_t)number_of(item, "job"),
                         .number = number_of(item, "number")};
    struct view     outcome = {0};

    (void)mp_find_str(item, "outcome", &outcome); /* without one it is none of the three */
    if (view_is(outcome, "fired")) d.outcome = FIRED;
    if (view_is(outcome, "suppressed")) d.outcome = SUPPRESSED;
    if (view_is(outcome, "missed") && number_of(item, "count") == 1) d.outcome = MISSED;
    if ((w->count & (w->count + 1)) == 0) { /* room for twice as many at each power of two */
        w->decisions = xrealloc(w->decisions, 2 * (w->count + 1) * sizeof(*w->decisions));
    }
    w->decisions[w->count++] = d;
}

static int
compare(const void *a, const void *b)
{
    const struct decision *x = a, *y = b;

    return (x->nominal > y->nominal) - (x->nominal < y->nominal);
}

static void
judge_fired(struct walk *w, const struct decision *d)
{
    struct job *j = model_job(w->model, d->job);

    w->model->fired++;
    if (d->number != ++w->fired) {
        breaks_add(BREAK_SCHEDULE, "%s: firing %" PRId64 " is number %" PRId64, w->schedule->name,
                   w->fired, d->number);
    }
    if (!j || !j->is_there || j->schedule != w->number || j->nominal_at != d->nominal) {
        breaks_add(BREAK_SCHEDULE, "%s: the firing of %" PRId64 " names job %" PRIu64,
                   w->schedule->name, d->nominal, d->job);
        return;
    }
    j->firings++;
}

/* Each nominal time must stand there, once. */
static void
judge_decision(struct walk *w, const struct decision *d)
{
    if (d->nominal != w->next) {
        breaks_add(BREAK_SCHEDULE, "%s: %" PRId64 " instead of %" PRId64, w->schedule->name,
                   d->nominal, w->next);
    }
    w->next = d->nominal + w->schedule->step_ms;
    switch (d->outcome) {
    case FIRED: judge_fired(w, d); break;
    case MISSED: w->model->missed++; break;
    case SUPPRESSED: w->model->suppressed++; break;
    case OTHER:
        breaks_add(BREAK_SCHEDULE, "%s: %" PRId64 " has no outcome of its own", w->schedule->name,
                   d->nominal);
    }
}

/* ---- checkpoints ----------------------------------------------------------------------------- */

/* Each completed job of the schedule was given what the one before it left; returns the last. */
static uint64_t
judge_chain(const struct walk *w)
{
    uint64_t last = 0;

    for (uint64_t id = 1; id <= w->model->last; id++) {
        const struct job *j = &w->model->jobs[id];

        if (j->schedule != w->number || j->end != END_COMPLETED) continue;
        if (j->seen_checkpoint != last) {
            breaks_add(BREAK_CHECKPOINT,
                       "%s: job %" PRIu64 " was given that of %" PRIu64 " instead of %" PRIu64,
                       w->schedule->name, id, j->seen_checkpoint, last);
        }
        last = id;
    }
    return last;
}

static void
judge_checkpoint(const struct walk *w, struct link *l)
{
    uint64_t    last = judge_chain(w);
    struct view checkpoint;
    char        body[64];

    (void)snprintf(body, sizeof(body), "{\"key\":\"schedule/%s\"}", w->schedule->name); /* fits */
    if (last == 0) return;
    if (link_ask(l, MSG_SESSION_SHOW, body, NULL, WAIT_MS) != ANSWER_YES ||
        !mp_find(buf_view(&l->body), "checkpoint", &checkpoint)) {
        breaks_add(BREAK_CHECKPOINT, "%s: %s", w->schedule->name, l->error.msg);
    } else if (number_of(checkpoint, "job") != (int64_t)last ||
               number_of(checkpoint, "attempt") != (int64_t)w->model->jobs[last].attempt) {
        breaks_add(BREAK_CHECKPOINT, "%s: it is of job %" PRId64 ", not of job %" PRIu64,
                   w->schedule->name, number_of(checkpoint, "job"), last);
    }
}

/* ---- a schedule ------------------------------------------------------------------------------ */

static bool
is_nominal(const struct scheduled *s, int64_t created_ms, int64_t at_ms)
{
    return (at_ms - (s->is_every ? created_ms : 0)) % s->step_ms == 0 && at_ms > created_ms &&
           at_ms <= created_ms + s->step_ms;
}

static void
judge_schedule(struct model *m, struct link *l, unsigned i)
{
    struct walk w = {.model = m, .schedule = &schedules[i], .number = i + 1};
    char        body[64];

    (void)snprintf(body, sizeof(body), "{\"name\":\"%s\"}", w.schedule->name); /* fits */
    if (link_ask(l, MSG_SCHEDULE_SHOW, body, NULL, WAIT_MS) != ANSWER_YES) {
        breaks_add(BREAK_SCHEDULE, "%s: %s", w.schedule->name, l->error.msg);
        return;
    }
    int64_t created_ms = number_of(buf_view(&l->body), "created_at");
    int64_t now_ms = clock_now().wall_ms;
    for (w.next = created_ms + 1; !is_nominal(w.schedule, created_ms, w.next); w.next++) {
    }
    (void)snprintf(body, sizeof(body), "\"name\":\"%s\"", w.schedule->name); /* fits */
    fetch_pages(l, MSG_SCHEDULE_FIRINGS, body, take_firing, &w);
    if (w.count > 0) qsort(w.decisions, w.count, sizeof(*w.decisions), compare);
    for (size_t n = 0; n < w.count; n++)
        judge_decision(&w, &w.decisions[n]);
    free(w.decisions);
    if (w.next + LATE_MS < now_ms) {
        breaks_add(BREAK_SCHEDULE, "%s: %" PRId64 " and later were never decided", w.schedule->name,
                   w.next);
    }
    if (view_is(view_str(w.schedule->handler), "tells")) judge_checkpoint(&w, l);
}

void
judge_schedules(struct model *m, struct link *l)
{
    for (unsigned i = 0; i < schedules_count; i++)
        judge_schedule(m, l, i);
}
