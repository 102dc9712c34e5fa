#include "supervisor/engine/check_sessions.h"

#include "supervisor/engine/job.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

struct recount {
    struct txn *txn;
    void (*problem)(const char *sentence, void *arg);
    void *arg;
};

__attribute__((format(printf, 3, 4))) static void
problem(struct recount *r, const struct session *s, const char *fmt, ...)
{
    char    text[256];
    int     used = snprintf(text, sizeof(text), "session %" PRIu32 ": ", s->id);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text + used, sizeof(text) - (size_t)used, fmt, ap);
    va_end(ap);
    r->problem(text, r->arg);
}

static void
check_events(struct recount *r, const struct session *s)
{
    struct event ev = {.session = s->id};
    struct scan  scan;
    uint64_t     waiting = 0, dead = 0, outside = 0;

    scan_open(&scan, r->txn, PRIMARY_EVENT, &ev, 1, 1);
    while (scan_next(&scan, &ev)) {
        waiting += ev.seq > s->event_seq && ev.mark == EVENT_UNMARKED;
        dead += ev.mark == EVENT_DEAD;
        outside += ev.seq < s->first_event || ev.seq > s->appended;
    }
    scan_close(&scan);
    if (waiting != s->waiting)
        problem(r, s, "%" PRIu64 " events wait, its row says %" PRIu64, waiting, s->waiting);
    if (dead != s->dead)
        problem(r, s, "%" PRIu64 " events are dead, its row says %" PRIu64, dead, s->dead);
    if (outside)
        problem(r, s, "%" PRIu64 " events are not between its first and its last", outside);
}

static void
check_timers(struct recount *r, const struct session *s)
{
    struct session_timer t = {.session = s->id};
    struct scan          scan;
    uint64_t             pending = 0;

    scan_open(&scan, r->txn, PRIMARY_SESSION_TIMER, &t, 1, 1);
    while (scan_next(&scan, &t))
        pending += t.status == TIMER_PENDING;
    scan_close(&scan);
    if (pending != s->timers) {
        problem(r, s, "%" PRIu64 " timers are pending, its row says %" PRIu32, pending, s->timers);
    }
}

/* Who has something to process has a job for it, unless it is held; nobody else has one (N21). */
static void
check_head(struct recount *r, const struct session *s)
{
    struct job_state j = {.id = s->job};
    struct job_spec  spec = {.id = s->job};

    if (s->status == SESSION_OPEN && (s->waiting != 0) != (s->job != 0)) {
        problem(r, s, "%" PRIu64 " events wait, and its job is %" PRIu64, s->waiting, s->job);
    }
    if (s->job == 0) return;
    if (job_state_load(r->txn, &j) != LOAD_FOUND || job_state_is_end(j.state)) {
        problem(r, s, "its job %" PRIu64 " is not under way", s->job);
    } else if (job_spec_load(r->txn, &spec) == LOAD_FOUND &&
               (spec.session != s->id || spec.event != s->head)) {
        problem(r, s, "its job %" PRIu64 " processes not its event %" PRIu64, s->job, s->head);
    }
}

void
check_sessions(struct txn *t, void (*report)(const char *sentence, void *arg), void *arg,
               const bool *cancel)
{
    struct recount r = {.txn = t, .problem = report, .arg = arg};
    struct session s = {0};
    struct scan    scan;

    scan_open(&scan, t, PRIMARY_SESSION, &s, 0, 0);
    while (!*cancel && scan_next(&scan, &s)) {
        check_events(&r, &s);
        check_head(&r, &s);
        check_timers(&r, &s);
    }
    scan_close(&scan);
}
