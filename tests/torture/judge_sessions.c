/* Sessions (D1, D2, D6): each event that was acknowledged is there, with a number of its own and
 * none missing; they were processed in their order, each once, or given up for a reason; what the
 * checkpoint and the sink have is of exactly those. */
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

/* ---- an event -------------------------------------------------------------------------------- */

static void
judge_said(const struct said *d, unsigned client, size_t number)
{
    if (d->found > 1 || (d->asked == ASKED_YES && d->found == 0)) {
        breaks_add(BREAK_EVENT, "session s%u: what client %u said as number %zu is there %u times",
                   d->session, client, number, d->found);
    }
    if (d->asked == ASKED_OPEN) {
        breaks_add(BREAK_ANSWER, "client %u has left event %zu open", client, number);
    }
}

/* Given up: it is bad, or the operator stopped what ran. */
static bool
may_be_dead(const struct model *m, const struct row *row)
{
    const struct job *j = row->job < m->cap ? &m->jobs[row->job] : &m->jobs[0];

    return j->is_there && ((row->type == SAID_BAD && j->end == END_FAILED) ||
                           (j->may_be_cancelled && j->end == END_CANCELLED));
}

static void
judge_row(const struct model *m, const struct row *row, unsigned session, uint64_t seq)
{
    bool is_done = !row->is_dead;

    if (row->is_dead ? !may_be_dead(m, row) : row->type == SAID_BAD) {
        breaks_add(BREAK_COMMIT, "s%u: event %" PRIu64 " (type %d) is %s, its job %" PRIu64,
                   session, seq, row->type, row->is_dead ? "dead" : "processed", row->job);
    }
    if (row->jobs != 1 || (row->completed != 0) != is_done || row->processed != is_done ||
        row->deads != !is_done) {
        breaks_add(BREAK_COMMIT,
                   "s%u: event %" PRIu64 " had %" PRIu64 " jobs, job %" PRIu64
                   " completed; told %" PRIu64 " times that it is processed, %" PRIu64
                   " that it is dead",
                   session, seq, row->jobs, row->completed, row->processed, row->deads);
    }
}

/* A person's message makes the count begin anew, whatever became of it. */
static void
judge_message(const struct row *row, struct course_of *c, unsigned session, uint64_t seq)
{
    if (row->type == SAID_MESSAGE) c->spoken = 0;
    bool is_admitted = row->type == SAID_MESSAGE || c->spoken < SPOKEN_MAX;
    if (row->is_dead
            ? row->rows == 0 && row->lines == 0
            : row->rows == 1 && row->count == c->processed && row->delivered == is_admitted &&
                  row->rejected == !is_admitted && row->lines == is_admitted) {
        if (!row->is_dead && row->type != SAID_MESSAGE) c->spoken += is_admitted;
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
        t->told != t->count) {
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
    const struct talk *t = &m->sessions->talks[s];
    struct course_of   c = {0};

    for (uint64_t seq = 1; seq <= t->count; seq++) {
        const struct row *row = &t->rows[seq - 1];

        judge_row(m, row, s, seq);
        if (!row->is_dead) {
            c.processed++;
            c.last = seq;
            c.sum = (c.sum * SUM_FACTOR + seq + row->n) % SUM_MODULUS;
        }
        c.dead += row->is_dead;
        judge_message(row, &c, s, seq);
    }
    judge_show(&c, t, s, l);
    m->said += t->count;
    m->dead += c.dead;
}

void
judge_sessions(struct model *m, struct link *l)
{
    struct sessions *all = m->sessions;

    for (unsigned c = 0; c <= CLIENTS; c++) {
        for (size_t i = 0; i < all->saids[c]; i++)
            judge_said(&all->said[c][i], c, i);
    }
    for (unsigned s = 0; s < SESSIONS; s++)
        judge_session(m, s, l);
}
