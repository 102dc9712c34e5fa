#include "tests/torture/firings.h"

#include "common/mem.h"
#include "tests/torture/breaks.h"
#include "tests/torture/items.h"
#include "tests/torture/lives.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_MS       20000
#define LATE_MS       1000 /* as the engine's: by misfire skip a later time does not fire */
#define STILL_MS      10000
#define CATCH_UP_MS   86400000
#define PUT_OFF_AT_MS 1000 /* what streams may still be felt so long after them */

/* ---- what the operator did ------------------------------------------------------------------- */

static struct course *
course_of(struct model *m, const char *name)
{
    unsigned n = schedule_number(view_str(name));

    return n ? &m->courses[n - 1] : NULL;
}

static void
take_jobs(struct model *m, const char *text, enum by_hand hand)
{
    char *end;

    for (uint64_t id = strtoull(text, &end, 10); end != text; id = strtoull(text, &end, 10)) {
        struct job *j = model_job(m, id);

        text = end;
        if (!j) continue;
        if (j->is_acknowledged) breaks_add(BREAK_TWICE, "job %" PRIu64 " was given out twice", id);
        j->is_acknowledged = true;
        j->by_hand = hand;
        m->by_hand++;
    }
}

static bool
take_hand(struct model *m, const char *line)
{
    char           what[16], name[16], word[16];
    int            used = 0;
    struct course *c;

    if (sscanf(line, "H %15s %15s %15s%n", what, name, word, &used) != 3 ||
        !(c = course_of(m, name))) {
        return false;
    }
    enum by_hand hand = strcmp(what, "run") == 0 ? BY_HAND_RUN : BY_HAND_BACKFILL;
    if (strcmp(word, "yes") == 0) {
        take_jobs(m, line + used, hand);
    } else {
        c->unknown[hand] += strtoull(line + used, NULL, 10);
    }
    return true;
}

static bool
take_set(struct model *m, const char *line)
{
    char           name[16];
    int64_t        step_ms;
    struct course *c;

    if (sscanf(line, "W %15s %" SCNd64, name, &step_ms) != 2 || !(c = course_of(m, name))) {
        return false;
    }
    c->sets = xrealloc(c->sets, (c->nsets + 1) * sizeof(*c->sets));
    c->sets[c->nsets++] = step_ms;
    return true;
}

bool
firings_history(struct model *m, const char *line)
{
    struct span    s;
    struct course *c;
    char           name[16];

    if (line[0] == 'H') return take_hand(m, line);
    if (line[0] == 'W') return take_set(m, line);
    if (sscanf(line, "D %15s", name) == 1 && (c = course_of(m, name))) {
        c->is_promoted = true;
        return true;
    }
    if (sscanf(line, "L %" SCNd64 " %" SCNd64, &s.from, &s.until) != 2) return false;
    firings_stream_over(m, firings_stream(m, s.from), s.until);
    return true;
}

size_t
firings_stream(struct model *m, int64_t at)
{
    m->streams = xrealloc(m->streams, (m->nstreams + 1) * sizeof(*m->streams));
    m->streams[m->nstreams] = (struct span){at, INT64_MAX - PUT_OFF_AT_MS};
    return m->nstreams++;
}

void
firings_stream_over(struct model *m, size_t place, int64_t at)
{
    m->streams[place].until = at;
}

bool
firings_may_be_put_off(const struct model *m, int64_t from, int64_t until)
{
    for (size_t i = 0; i < m->nstreams; i++) {
        if (m->streams[i].from <= until && m->streams[i].until + PUT_OFF_AT_MS >= from) return true;
    }
    return false;
}

/* ---- its times ------------------------------------------------------------------------------- */

static void
add_step(struct course *c, int64_t at, int64_t step_ms)
{
    c->steps = xrealloc(c->steps, (c->nsteps + 1) * sizeof(*c->steps));
    c->steps[c->nsteps++] = (struct step){at, step_ms};
}

void
firings_fetch(struct model *m, struct link *l)
{
    char body[64];

    for (unsigned i = 0; i < schedules_count; i++) {
        struct course *c = &m->courses[i];

        (void)snprintf(body, sizeof(body), "{\"name\":\"%s\"}", schedules[i].name); /* fits */
        if (link_ask(l, MSG_SCHEDULE_SHOW, body, NULL, WAIT_MS) != ANSWER_YES) {
            breaks_add(BREAK_SCHEDULE, "%s: %s", schedules[i].name, l->error.msg);
            continue;
        }
        c->created_at = c->last = number_of(buf_view(&l->body), "created_at");
        add_step(c, c->created_at, schedules[i].step_ms);
    }
}

int64_t
course_next(const struct course *c, const struct scheduled *s, int64_t after)
{
    size_t  i = c->nsteps - 1;
    int64_t at;

    while (i > 0 && c->steps[i].at > after)
        i--;
    at = schedule_next(s, c->created_at, c->steps[i].step_ms, after);
    for (; i + 1 < c->nsteps && at > c->steps[i + 1].at; i++)
        at = schedule_next(s, c->created_at, c->steps[i + 1].step_ms, c->steps[i + 1].at);
    return at;
}

int64_t
course_changed(const struct course *c, int64_t until)
{
    size_t i = c->nsteps - 1;

    while (i > 0 && c->steps[i].at > until)
        i--;
    return c->steps[i].at;
}

/* The last of `count` nominal times from `first` on. */
static int64_t
last_of(const struct course *c, const struct scheduled *s, int64_t first, uint64_t count)
{
    while (count-- > 1 && first != INT64_MAX)
        first = course_next(c, s, first);
    return first;
}

/* ---- decisions ------------------------------------------------------------------------------- */

/* One, as the feed tells it. */
struct decided {
    struct model           *model;
    struct course          *course;
    const struct scheduled *schedule;
    int64_t                 at, first, last; /* when; the nominal times */
    struct view             reason;
};

static void
wrong(const struct decided *d, const char *what)
{
    breaks_add(BREAK_POLICY, "%s: %" PRId64 " to %" PRId64 " (%.*s) at %" PRId64 ": %s",
               d->schedule->name, d->first, d->last, VIEW_ARG(d->reason), d->at, what);
}

static bool
says(const struct decided *d, const char *text)
{
    return d->reason.size && memmem(d->reason.data, d->reason.size, text, strlen(text));
}

/* Whether it came in a pause that was over when it was decided, as far as can be known. */
static bool
came_in_past_pause(const struct course *c, int64_t nominal, int64_t offset_ms)
{
    for (size_t i = 0; i < c->npauses; i++) {
        if (nominal < c->pauses[i].until && nominal + offset_ms >= c->pauses[i].from) return true;
    }
    return false;
}

/* Whether so many nominal times behind the last were due: certainly, and none of a pause; or
 * perhaps, for those of a pause that is over may have been decided as any others. */
static bool
are_newer_due(const struct decided *d, uint64_t count, int64_t offset_ms, bool is_certain)
{
    int64_t at = d->last;

    while (count > 0 && at != INT64_MAX && at + offset_ms <= d->at) {
        at = course_next(d->course, d->schedule, at);
        count -= !is_certain || !came_in_past_pause(d->course, at, offset_ms);
    }
    return at != INT64_MAX && at + offset_ms <= d->at;
}

static void
check_fired(const struct decided *d)
{
    const struct scheduled *s = d->schedule;
    int64_t                 offset = schedule_offset(s);
    unsigned                newest = s->misfire == MISFIRE_ALL ? s->misfire_max : 1;

    if (d->course->is_paused) wrong(d, "it fired while it was paused");
    if (d->first > d->at) wrong(d, "it fired too early");
    if (are_newer_due(d, newest, offset, true)) wrong(d, "it fired though newer ones were due");
    if (s->misfire == MISFIRE_SKIP && d->first + offset + LATE_MS < d->at &&
        !firings_may_be_put_off(d->model, d->first, d->at)) {
        wrong(d, "it fired though it was late");
    }
    /* Its own job is among them. */
    if ((s->overlap == OVERLAP_SKIP && d->course->open > 1) ||
        (s->overlap == OVERLAP_QUEUE_ONE && d->course->open > 2)) {
        wrong(d, "it fired though one before it was in flight");
    }
}

static void
check_overtaken(const struct decided *d)
{
    const struct scheduled *s = d->schedule;
    char                    policy[32];

    (void)snprintf(policy, sizeof(policy), "(misfire policy %s)", misfire_name(s->misfire));
    if (!says(d, policy)) wrong(d, "that is not its policy");
    if (!are_newer_due(d, s->misfire == MISFIRE_ALL ? s->misfire_max : 1, 0, false)) {
        wrong(d, "no newer ones were due");
    }
}

static void
check_missed(const struct decided *d)
{
    const struct scheduled *s = d->schedule;
    int64_t                 window = s->catch_up_ms ? s->catch_up_ms : CATCH_UP_MS;
    int64_t                 offset = schedule_offset(s);

    if (says(d, "paused")) {
        if (!d->course->is_paused && !came_in_past_pause(d->course, d->first, offset))
            wrong(d, "it was not paused");
    } else if (says(d, "put off for people")) {
        if (!firings_may_be_put_off(d->model, d->first, d->at)) wrong(d, "nobody streamed");
        check_overtaken(d);
    } else if (says(d, "overtaken") || says(d, "more newer times")) {
        check_overtaken(d);
    } else if (says(d, "late (") || says(d, "not running")) {
        if (s->misfire != MISFIRE_SKIP) wrong(d, "that is not its policy");
        if (d->last + LATE_MS >= d->at) wrong(d, "it was not late");
    } else if (says(d, "catch-up window")) {
        if (d->last + window >= d->at) wrong(d, "it was in the window");
    } else if (says(d, "its schedule was changed")) { /* as is told next */
        if (d->course->told >= d->course->nsets) wrong(d, "nobody changed it");
    } else if (!says(d, "agentd is stopping")) {
        wrong(d, "it was missed for no reason");
    }
}

static void
check_suppressed(const struct decided *d)
{
    bool is_skip = d->schedule->overlap == OVERLAP_SKIP;

    if (!is_skip && d->schedule->overlap != OVERLAP_QUEUE_ONE) wrong(d, "its overlap lets it run");
    if (d->course->open < (is_skip ? 1 : 2)) wrong(d, "nothing was in the way");
}

static bool
has_ended(const struct decided *d)
{
    return d->schedule->max_firings && d->course->fired == d->schedule->max_firings;
}

/* A firing by hand is for a time that was decided, or for none. */
static bool
is_by_hand(const struct decided *d)
{
    return d->first <= d->course->last || has_ended(d) ||
           course_next(d->course, d->schedule, d->first - 1) != d->first;
}

/* A schedule that stands still is a break; how late the others are is only told. */
static void
check_late(const struct decided *d)
{
    int64_t due = d->first + schedule_offset(d->schedule);
    int64_t up_ms = lives_waited(d->model->lives, due, d->at);

    if (up_ms > STILL_MS && !firings_may_be_put_off(d->model, due, d->at)) {
        breaks_add(BREAK_LATE, "%s: %" PRId64 " was decided at %" PRId64 ", %" PRId64 " ms up",
                   d->schedule->name, d->first, d->at, up_ms);
    }
    if (due == d->first) lives_sample(d->model->lives, due, d->at);
}

static void
decide(struct decided *d, struct view type)
{
    if (view_is(type, "schedule.fired") && is_by_hand(d)) return;
    if (d->first <= d->course->last) wrong(d, "it was decided before");
    if (d->last > d->at) wrong(d, "its time had not come");
    if (has_ended(d)) wrong(d, "it has fired as often as it may");
    if (view_is(type, "schedule.fired")) check_fired(d);
    if (view_is(type, "schedule.missed")) check_missed(d);
    if (view_is(type, "schedule.suppressed")) check_suppressed(d);
    check_late(d);
    d->course->fired += view_is(type, "schedule.fired");
    d->course->last = d->last;
}

/* ---- events ---------------------------------------------------------------------------------- */

/* None of the times before it is decided any more. */
static void
change(struct course *c, const struct scheduled *s, int64_t at)
{
    if (c->told == c->nsets) {
        breaks_add(BREAK_BY_HAND, "%s was changed more often than that was asked for", s->name);
        return;
    }
    int64_t step_ms = c->sets[c->told++];
    if (step_ms == c->steps[c->nsteps - 1].step_ms) return;
    add_step(c, at, step_ms);
    c->last = at;
}

/* One that is paused may be so once more, for another reason. */
static void
pause(struct course *c, int64_t at, bool is_paused)
{
    if (is_paused && !c->is_paused) {
        c->pauses = xrealloc(c->pauses, (c->npauses + 1) * sizeof(*c->pauses));
        c->pauses[c->npauses++] = (struct span){.from = at, .until = INT64_MAX};
    } else if (!is_paused && c->is_paused) {
        c->pauses[c->npauses - 1].until = at;
    }
    c->is_paused = is_paused;
}

void
firings_event(struct model *m, unsigned schedule, struct view type, struct view event)
{
    const struct scheduled *s = &schedules[schedule - 1];
    struct course          *c = &m->courses[schedule - 1];
    uint64_t                count = (uint64_t)number_of(event, "count");
    struct decided          d = {.model = m,
                                 .course = c,
                                 .schedule = s,
                                 .at = number_of(event, "at"),
                                 .first = number_of(event, "nominal_at"),
                                 .reason = text_of(event, "reason")};

    if (c->created_at == 0) return;
    if (view_is(type, "schedule.paused") || view_is(type, "schedule.resumed")) {
        pause(c, d.at, view_is(type, "schedule.paused"));
    } else if (view_is(type, "schedule.changed")) {
        change(c, s, d.at);
    } else if (view_is(type, "schedule.fired") || view_is(type, "schedule.missed") ||
               view_is(type, "schedule.suppressed")) {
        d.last = last_of(c, s, d.first, count ? count : 1);
        decide(&d, type);
    }
}

void
firings_job(struct model *m, const struct job *j, uint64_t id, bool was_open, bool is_open,
            bool was_running, bool is_running)
{
    struct course *c;

    if (j->schedule == 0) return;
    c = &m->courses[j->schedule - 1];
    c->open += (unsigned)is_open - (unsigned)was_open;
    c->running += (unsigned)is_running - (unsigned)was_running;
    if (!is_running || was_running) return;
    if (j->is_forced) { /* beside whatever runs */
        if (c->plain) model_job(m, c->plain)->was_joined = true;
        return;
    }
    c->plain = id;
    if (c->running > 1 && schedules[j->schedule - 1].overlap != OVERLAP_ALLOW) {
        breaks_add(BREAK_BESIDE, "%s: job %" PRIu64 " started beside another, the feed says",
                   schedules[j->schedule - 1].name, id);
    }
}

void
firings_free(struct model *m)
{
    for (unsigned i = 0; i < SCHEDULES_MAX; i++) {
        free(m->courses[i].steps);
        free(m->courses[i].sets);
        free(m->courses[i].pauses);
    }
    free(m->courses);
    free(m->streams);
}
