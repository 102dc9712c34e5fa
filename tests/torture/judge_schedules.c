/* Each nominal time against its row: fired, missed or suppressed, once, or counted in one row. */
#include "common/clock.h"
#include "common/mp.h"
#include "tests/torture/breaks.h"
#include "tests/torture/firings.h"
#include "tests/torture/items.h"
#include "tests/torture/judge.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define WAIT_MS 20000
#define LATE_MS 10000 /* a schedule whose last decision is older has stopped */

struct row {
    int64_t      nominal, until;
    uint64_t     count, job;
    int64_t      number;
    enum by_hand hand;
    enum { OTHER, FIRED, MISSED, SUPPRESSED } outcome;
};

struct walk {
    struct model           *model;
    const struct scheduled *schedule;
    struct course          *course;
    unsigned                number;
    int64_t                 next;  /* nominal; INT64_MAX: it has ended */
    uint64_t                fired; /* not by hand */
    uint64_t                counts[SUPPRESSED + 1];
    struct row             *rows;
    size_t                  count;
};

/* ---- rows ------------------------------------------------------------------------------------ */

static void
take_row(struct view item, void *arg)
{
    static const char *const outcomes[] = {"", "fired", "missed", "suppressed"};
    static const char *const hands[] = {"regular", "manual", "backfill"};
    struct walk             *w = arg;
    struct row               r = {.nominal = number_of(item, "nominal_at"),
                                  .until = number_of(item, "until_at"),
                                  .count = (uint64_t)number_of(item, "count"),
                                  .job = (uint64_t)number_of(item, "job"),
                                  .number = number_of(item, "number")};

    for (int i = FIRED; i <= SUPPRESSED; i++) {
        if (view_is(text_of(item, "outcome"), outcomes[i])) r.outcome = i;
    }
    while (r.hand < BY_HAND_COUNT && !view_is(text_of(item, "kind"), hands[r.hand]))
        r.hand++;
    if ((w->count & (w->count + 1)) == 0) { /* room for twice as many at each power of two */
        w->rows = xrealloc(w->rows, 2 * (w->count + 1) * sizeof(*w->rows));
    }
    w->rows[w->count++] = r;
}

static int
by_nominal(const void *a, const void *b)
{
    const struct row *x = a, *y = b;

    return (x->nominal > y->nominal) - (x->nominal < y->nominal);
}

/* ---- firings --------------------------------------------------------------------------------- */

static void
wrong(const struct walk *w, enum broken b, const struct row *r, const char *what)
{
    breaks_add(b, "%s: %" PRId64 " (%" PRIu64 " times, job %" PRIu64 "): %s", w->schedule->name,
               r->nominal, r->count, r->job, what);
}

/* Its job is there, and made for this time; by hand only if somebody asked. */
static void
judge_job(struct walk *w, const struct row *r)
{
    struct job *j = model_job(w->model, r->job);

    if (r->count != 1 || r->until) wrong(w, BREAK_SCHEDULE, r, "a firing is of one time");
    if (!j || !j->is_there || j->schedule != w->number || j->nominal_at != r->nominal) {
        wrong(w, BREAK_SCHEDULE, r, "it names a wrong job");
        return;
    }
    j->firings++;
    if (j->by_hand != r->hand && j->by_hand) {
        wrong(w, BREAK_BY_HAND, r, "it was asked for otherwise");
    } else if (j->by_hand != r->hand && w->course->unknown[r->hand]-- == 0) {
        w->course->unknown[r->hand] = 0;
        wrong(w, BREAK_BY_HAND, r, "nobody asked for it");
    }
    if (j->is_forced && r->hand == BY_HAND_NOT) wrong(w, BREAK_BY_HAND, r, "it is forced");
}

/* Firings are numbered from 1 on as they come. */
static void
judge_numbers(const struct walk *w)
{
    bool *seen = xcalloc(w->counts[FIRED] + 1, sizeof(*seen));

    for (size_t i = 0; i < w->count; i++) {
        const struct row *r = &w->rows[i];

        if (r->outcome != FIRED) continue;
        if (r->number < 1 || (uint64_t)r->number > w->counts[FIRED] || seen[r->number]) {
            wrong(w, BREAK_SCHEDULE, r, "its number is not the next one");
        } else {
            seen[r->number] = true;
        }
    }
    free(seen);
}

/* ---- each time once -------------------------------------------------------------------------- */

/* A change of the step takes away what had not been decided. */
static void
skip_dropped(struct walk *w, int64_t nominal)
{
    int64_t changed = course_changed(w->course, nominal - 1);

    if (w->next >= nominal || w->next > changed) return;
    while (w->next <= changed) {
        w->model->dropped++;
        w->next = course_next(w->course, w->schedule, w->next);
    }
}

static void
judge_times(struct walk *w, const struct row *r)
{
    int64_t last = r->nominal;

    skip_dropped(w, r->nominal);
    if (r->nominal != w->next) {
        breaks_add(BREAK_SCHEDULE, "%s: %" PRId64 " instead of %" PRId64, w->schedule->name,
                   r->nominal, w->next);
    }
    for (uint64_t n = 1; n < r->count && last != INT64_MAX; n++)
        last = course_next(w->course, w->schedule, last);
    if (r->count == 0 || last != (r->until ? r->until : r->nominal)) {
        breaks_add(BREAK_SCHEDULE,
                   "%s: %" PRIu64 " times from %" PRId64 " on end at %" PRId64 ", not %" PRId64,
                   w->schedule->name, r->count, r->nominal, last, r->until);
    }
    w->next = course_next(w->course, w->schedule, r->until ? r->until : r->nominal);
    if (r->outcome != FIRED || r->hand != BY_HAND_NOT) return;
    if (++w->fired == w->schedule->max_firings) w->next = INT64_MAX;
}

/* For a time that is none of its own: a range of the past may begin before the schedule, and end
 * behind it. */
static bool
is_extra(const struct walk *w, const struct row *r)
{
    return r->hand == BY_HAND_RUN ||
           (r->hand == BY_HAND_BACKFILL &&
            (r->nominal <= w->course->created_at || w->next == INT64_MAX));
}

static void
judge_row(struct walk *w, const struct row *r)
{

    w->counts[r->outcome] += r->outcome == FIRED ? 1 : r->count;
    if (r->outcome == OTHER) wrong(w, BREAK_SCHEDULE, r, "it has no outcome");
    if (r->outcome == FIRED) judge_job(w, r);
    if (r->hand && r->outcome != FIRED) wrong(w, BREAK_BY_HAND, r, "it did not fire");
    if (!is_extra(w, r)) judge_times(w, r);
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

static void
judge_count(const struct walk *w, struct view show, const char *key, uint64_t count)
{
    if (number_of(show, key) == (int64_t)count) return;
    breaks_add(BREAK_SCHEDULE, "%s: %s is %" PRId64 ", its rows say %" PRIu64, w->schedule->name,
               key, number_of(show, key), count);
}

/* As it is paused, its times go on being missed. */
static void
judge_show(const struct walk *w, struct link *l)
{
    struct view show = buf_view(&l->body);
    bool        is_in_shadow = false;
    char        body[64];

    (void)snprintf(body, sizeof(body), "{\"name\":\"%s\"}", w->schedule->name); /* fits */
    if (link_ask(l, MSG_SCHEDULE_SHOW, body, NULL, WAIT_MS) != ANSWER_YES) return;
    show = buf_view(&l->body);
    judge_count(w, show, "firing_count", w->counts[FIRED]);
    judge_count(w, show, "suppressed_count", w->counts[SUPPRESSED]);
    if (number_of(show, "missed_count") < (int64_t)w->counts[MISSED]) {
        judge_count(w, show, "missed_count", w->counts[MISSED]);
    }
    (void)mp_find_bool(show, "in_shadow", &is_in_shadow); /* most have none */
    if (is_in_shadow != (w->schedule->is_shadow && !w->course->is_promoted)) {
        breaks_add(BREAK_BY_HAND, "%s: in the shadow: %d", w->schedule->name, is_in_shadow);
    }
    if (w->course->told != w->course->nsets) {
        breaks_add(BREAK_BY_HAND, "%s was set %zu times, the feed tells of %zu", w->schedule->name,
                   w->course->nsets, w->course->told);
    }
}

static void
judge_schedule(struct model *m, struct link *l, unsigned i)
{
    struct walk w = {
        .model = m, .schedule = &schedules[i], .course = &m->courses[i], .number = i + 1};
    int64_t now_ms = clock_now().wall_ms;
    char    body[64];

    if (w.course->created_at == 0) return; /* firings_fetch has said so */
    w.next = course_next(w.course, w.schedule, w.course->created_at);
    (void)snprintf(body, sizeof(body), "\"name\":\"%s\"", w.schedule->name); /* fits */
    fetch_pages(l, MSG_SCHEDULE_FIRINGS, body, take_row, &w);
    if (w.count > 0) qsort(w.rows, w.count, sizeof(*w.rows), by_nominal);
    for (size_t n = 0; n < w.count; n++)
        judge_row(&w, &w.rows[n]);
    judge_numbers(&w);
    if (w.next < now_ms - LATE_MS - schedule_offset(w.schedule)) {
        breaks_add(BREAK_SCHEDULE, "%s: %" PRId64 " and later were never decided", w.schedule->name,
                   w.next);
    }
    judge_show(&w, l);
    if (view_is(view_str(w.schedule->handler), "tells")) judge_checkpoint(&w, l);
    m->fired += w.counts[FIRED];
    m->missed += w.counts[MISSED];
    m->suppressed += w.counts[SUPPRESSED];
    free(w.rows);
}

void
judge_schedules(struct model *m, struct link *l)
{
    for (unsigned i = 0; i < schedules_count; i++)
        judge_schedule(m, l, i);
}
