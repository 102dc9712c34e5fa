/* Sessions (D1, D2, D3, D6): each event that was acknowledged is there, with a number of its own
 * and none missing; they were processed in their order, each once, or given up for a reason; what
 * the checkpoint and the sink have is of exactly those. */
#include "common/mp.h"
#include "tests/torture/breaks.h"
#include "tests/torture/items.h"
#include "tests/torture/judge.h"
#include "tests/torture/sessions.h"
#include <inttypes.h>
#include <stdio.h>

#define WAIT_MS 5000

/* What a session must have come to. */
struct course_of {
    uint64_t processed, dead, last, sum;
    unsigned spoken; /* messages in a row that no person asked for */
};

/* ---- a timer -------------------------------------------------------------------------------- */

/* A timer is its client's from the answer on: it is there, and fired, is cancelled, or is late. */
static void
judge_timer(const struct model *m, const struct said *d, unsigned client, size_t number)
{
    const struct talk *t = &m->sessions->talks[d->session];
    const struct row  *row = d->event && d->event <= t->count ? &t->rows[d->event - 1] : NULL;
    bool               is_closed = d->told == TIMER_CANCELLED; /* with its session */
    enum timer wanted = is_closed ? TIMER_CANCELLED : d->is_late ? TIMER_PENDING : TIMER_PROMOTED;
    bool       may_be_absent = d->asked == ASKED_UNKNOWN || d->asked == ASKED_NO;
    bool       is_right = d->timer == wanted;

    if (d->cancel == ASKED_YES) is_right = d->timer == TIMER_CANCELLED;
    if (d->cancel == ASKED_UNKNOWN) is_right |= d->timer == TIMER_CANCELLED;
    if (may_be_absent) is_right |= d->timer == TIMER_ABSENT;
    if (d->timer == TIMER_PROMOTED) {
        is_right &= d->found == 1 && row && row->at >= d->fire_at;
    } else if (d->timer == TIMER_CANCELLED) {
        is_right &= d->found == 0 || (d->found == 1 && row && row->is_void);
    } else {
        is_right &= d->found == 0;
    }
    if (is_right) return;
    breaks_add(
        BREAK_TIMER,
        "session s%u: timer %zu of client %u is in state %d, not %d (cancel: %d); %u events, "
        "%" PRIu64 " at %" PRId64 ", it is due at %" PRId64,
        d->session, number, client, d->timer, wanted, d->cancel, d->found, d->event,
        row ? row->at : 0, d->fire_at);
}

/* Those that its handler set, if it is processed. */
static void
judge_plan(const struct talk *t, const struct row *row, unsigned s, uint64_t seq)
{
    bool is_planning = row->type == SAID_STEP && row->n % PLAN_EVERY == 0 && row->completed;
    bool is_twice = is_planning && row->n % PLAN_TWICE == 0;
    bool is_closed = row->plan_told == TIMER_CANCELLED; /* with its session */
    bool is_fired = is_planning && !is_closed;
    bool has_event = row->plan_event && row->plan_event <= t->count;

    if (row->plan == (is_fired      ? TIMER_PROMOTED
                      : is_planning ? TIMER_CANCELLED
                                    : TIMER_ABSENT) &&
        row->spare == (is_twice ? TIMER_CANCELLED : TIMER_ABSENT) && row->fired == is_fired &&
        row->plans == is_planning + 2U * is_twice && has_event == is_fired &&
        (!has_event || t->rows[row->plan_event - 1].at >= row->plan_at)) {
        return;
    }
    breaks_add(BREAK_TIMER,
               "s%u: event %" PRIu64 " has %" PRIu64
               " effects on timers, which are in state %d and %d; "
               "the first fired %" PRIu64 " times, as event %" PRIu64,
               s, seq, row->plans, row->plan, row->spare, row->fired, row->plan_event);
}

/* ---- an event -------------------------------------------------------------------------------- */

static void
judge_said(const struct model *m, const struct said *d, unsigned client, size_t number)
{
    if (d->type == SAID_TIMER) {
        judge_timer(m, d, client, number);
    } else if (d->found > 1 || (d->asked == ASKED_YES && d->found == 0)) {
        breaks_add(BREAK_EVENT, "session s%u: what client %u said as number %zu is there %u times",
                   d->session, client, number, d->found);
    }
    if (d->was_closed && m->sessions->talks[d->session].closes == 0) {
        breaks_add(BREAK_ANSWER, "session s%u was never closed, and refused event %zu of client %u",
                   d->session, number, client);
    }
    if (d->asked == ASKED_OPEN) {
        breaks_add(BREAK_ANSWER, "client %u has left event %zu open", client, number);
    }
}

/* Given up: it is bad, and its handler choked as often as it may; or the operator stopped what ran,
 * or the session was closed. */
static bool
may_be_dead(const struct model *m, const struct row *row)
{
    const struct job *j = row->job < m->cap ? &m->jobs[row->job] : &m->jobs[0];
    bool              is_spent = j->failures == CHOKES_MAX || row->n % CHOKES_AT_ONCE == 0;

    return j->is_there && ((row->type == SAID_BAD && j->end == END_FAILED && is_spent) ||
                           ((j->may_be_cancelled || row->is_closed) && j->end == END_CANCELLED));
}

/* What a close found, or whose timer was cancelled, is not processed; a bad one only when it was
 * mended. */
static bool
may_be_processed(struct model *m, const struct row *row)
{
    const struct said *d = sessions_said(m, row->n);

    return !row->is_closed && !row->is_cancelled && (row->type != SAID_BAD || (d && d->is_mended));
}

static void
judge_row(struct model *m, const struct row *row, unsigned session, uint64_t seq)
{
    bool     is_done = !row->is_dead && !row->is_void;
    uint64_t jobs_max = 1 + row->retries;

    if (row->is_dead   ? !may_be_dead(m, row)
        : row->is_void ? !row->is_closed && !row->is_cancelled
                       : !may_be_processed(m, row)) {
        breaks_add(BREAK_COMMIT, "s%u: event %" PRIu64 " (type %d) is %s, its job %" PRIu64,
                   session, seq, row->type,
                   row->is_dead   ? "dead"
                   : row->is_void ? "void"
                                  : "processed",
                   row->job);
    }
    if ((row->is_void ? row->jobs > jobs_max : row->jobs != jobs_max) ||
        (row->completed != 0) != is_done || row->processed != is_done ||
        row->deads != row->retries + row->is_dead) {
        breaks_add(
            BREAK_COMMIT,
            "s%u: event %" PRIu64 " had %" PRIu64 " jobs (%" PRIu64 " times again), job %" PRIu64
            " completed; told %" PRIu64 " times that it is processed, %" PRIu64 " that it is dead",
            session, seq, row->jobs, row->retries, row->completed, row->processed, row->deads);
    }
}

/* A person's message makes the count begin anew, unless it was never looked at. */
static void
judge_message(const struct row *row, struct course_of *c, unsigned session, uint64_t seq)
{
    if (row->type == SAID_MESSAGE && (!row->is_void || row->deads)) c->spoken = 0;
    bool is_admitted = row->type == SAID_MESSAGE || c->spoken < SPOKEN_MAX;
    bool is_done = !row->is_dead && !row->is_void;
    if (!is_done ? row->rows == 0 && row->lines == 0
                 : row->rows == 1 && row->count == c->processed && row->delivered == is_admitted &&
                       row->rejected == !is_admitted && row->lines == is_admitted) {
        if (is_done && row->type != SAID_MESSAGE) c->spoken += is_admitted;
        return;
    }
    breaks_add(row->lines > 1 || row->rows > 1 ? BREAK_SEND_TWICE : BREAK_SEND_LOST,
               "s%u: event %" PRIu64 " has %" PRIu64 " effects (%" PRIu64 " delivered, %" PRIu64
               " rejected), %" PRIu64 " lines at the sink; it says %" PRIu64 ", not %" PRIu64,
               session, seq, row->rows, row->delivered, row->rejected, row->lines, row->count,
               c->processed);
}

/* ---- a session ------------------------------------------------------------------------------- */

static void
judge_show(const struct course_of *c, const struct talk *t, unsigned s, struct link *l)
{
    struct view show, checkpoint = {0};
    char        body[64];

    (void)snprintf(body, sizeof(body), "{\"key\":\"s%u\",\"company\":\"" TALK "\"}", s); /* fits */
    if (link_ask(l, MSG_SESSION_SHOW, body, NULL, WAIT_MS) != ANSWER_YES) {
        breaks_add(BREAK_EVENT, "session s%u: %s", s, l->error.msg);
        return;
    }
    show = buf_view(&l->body);
    (void)mp_find(show, "checkpoint", &checkpoint); /* without one it has counted nothing */
    if ((uint64_t)number_of(checkpoint, "seq") != c->last ||
        (uint64_t)number_of(checkpoint, "count") != c->processed ||
        (uint64_t)number_of(checkpoint, "sum") != c->sum ||
        (uint64_t)number_of(show, "checkpoint_id") != c->processed) {
        breaks_add(BREAK_COMMIT,
                   "s%u: the checkpoint has seq %" PRId64 ", count %" PRId64 ", sum %" PRId64
                   " instead of %" PRIu64 ", %" PRIu64 ", %" PRIu64,
                   s, number_of(checkpoint, "seq"), number_of(checkpoint, "count"),
                   number_of(checkpoint, "sum"), c->last, c->processed, c->sum);
    }
    if ((uint64_t)number_of(show, "appended") != t->count ||
        (uint64_t)number_of(show, "event_seq") != t->count || number_of(show, "waiting") != 0 ||
        number_of(show, "job") != 0 || (uint64_t)number_of(show, "dead") != c->dead ||
        (uint64_t)number_of(show, "timers") != t->pending || t->told != t->count) {
        breaks_add(BREAK_EVENT,
                   "s%u: %" PRId64 " appended, %" PRId64 " done with, %" PRId64 " wait, %" PRId64
                   " dead; there are %zu, %" PRIu64 " of them dead",
                   s, number_of(show, "appended"), number_of(show, "event_seq"),
                   number_of(show, "waiting"), number_of(show, "dead"), t->count, c->dead);
    }
}

static void
judge_session(struct model *m, unsigned s, struct link *l)
{
    struct talk     *t = &m->sessions->talks[s];
    struct course_of c = {0};

    while (t->told < t->count && t->rows[t->told].is_void)
        t->told++; /* nothing is told of those */

    for (uint64_t seq = 1; seq <= t->count; seq++) {
        const struct row *row = &t->rows[seq - 1];

        judge_row(m, row, s, seq);
        judge_plan(t, row, s, seq);
        if (!row->is_dead && !row->is_void) {
            c.processed++;
            c.last = seq;
            c.sum = (c.sum * SUM_FACTOR + seq + row->n) % SUM_MODULUS;
        }
        c.dead += row->is_dead;
        m->voids += row->is_void;
        m->copies += row->copy_of != 0;
        judge_message(row, &c, s, seq);
    }
    judge_show(&c, t, s, l);
    m->said += t->count;
    m->dead += c.dead;
    m->closes += t->closes;
    m->retries += t->retries;
}

void
judge_sessions(struct model *m, struct link *l)
{
    struct sessions *all = m->sessions;

    for (unsigned c = 0; c < SAYERS; c++) {
        for (size_t i = 0; i < all->saids[c]; i++)
            judge_said(m, &all->said[c][i], c, i);
    }
    for (unsigned s = 0; s < SESSIONS; s++)
        judge_session(m, s, l);
}
