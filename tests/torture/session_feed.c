/* What the feed tells of sessions: events come, are processed or given up, in their order; a close
 * takes what waits, and nothing comes until the session is opened; one that is held stands still.
 */
#include "tests/torture/breaks.h"
#include "tests/torture/items.h"
#include "tests/torture/sessions.h"
#include <inttypes.h>

struct telling {
    struct model *model;
    struct talk  *talk;
    unsigned      session;
    struct view   type;
    uint64_t      seq; /* of its event; 0: none */
};

static bool
is_of(const struct telling *f, const char *type)
{
    return view_is(f->type, type);
}

/* ---- events ---------------------------------------------------------------------------------- */

static void
take_appended(struct telling *f)
{
    struct talk *t = f->talk;

    if (f->seq != t->appended + 1 || t->is_closed) {
        breaks_add(BREAK_EVENT, "session s%u: event %" PRIu64 " came behind event %" PRIu64 "%s",
                   f->session, f->seq, t->appended, t->is_closed ? ", when it was closed" : "");
    }
    t->appended = f->seq;
}

static void
take_over(struct telling *f)
{
    bool         is_processed = is_of(f, "session.processed");
    struct talk *t = f->talk;
    struct row  *row = sessions_row(f->model, f->session + 1, f->seq);

    while (t->told + 1 < f->seq && t->told < t->count && t->rows[t->told].is_void)
        t->told++;
    if (f->seq != t->told + 1) {
        breaks_add(BREAK_COMMIT,
                   "session s%u: event %" PRIu64 " was done with behind event %" PRIu64, f->session,
                   f->seq, t->told);
    }
    t->told = f->seq;
    if (!row) return;
    *(is_processed ? &row->processed : &row->deads) += 1;
    if (t->is_held || t->owes_hold || (is_processed && row->is_closed)) {
        breaks_add(BREAK_CLOSED, "session s%u: event %" PRIu64 " was done with when it was %s",
                   f->session, f->seq, row->is_closed ? "closed" : "held");
    }
    t->owes_hold = !is_processed && sessions_hold && !t->is_closed;
}

/* ---- held ------------------------------------------------------------------------------------ */

static void
take_held(struct telling *f)
{
    if (f->seq != f->talk->told || f->talk->is_held || !sessions_hold) {
        breaks_add(BREAK_CLOSED, "session s%u: event %" PRIu64 " holds it", f->session, f->seq);
    }
    f->talk->is_held = true;
    f->talk->owes_hold = false;
}

static void
take_resumed(struct telling *f, struct view event)
{
    struct talk *t = f->talk;
    struct row  *row = sessions_row(f->model, f->session + 1, f->seq);
    bool         is_skipped = false;

    (void)mp_find_bool(event, "skipped", &is_skipped); /* without it it is not */
    if (!t->is_held || f->seq != t->told) {
        breaks_add(BREAK_CLOSED, "session s%u: it was resumed with event %" PRIu64 ", %s",
                   f->session, f->seq, t->is_held ? "another holds it" : "and was not held");
    }
    t->is_held = false;
    *(is_skipped ? &t->skips : &t->retries) += 1;
    if (is_skipped || !row) return;
    row->retries++;
    t->told = f->seq - 1; /* once more */
}

/* ---- closed ---------------------------------------------------------------------------------- */

/* All of it is void, but for the first when that was being processed. */
static void
void_waiting(struct telling *f)
{
    struct talk *t = f->talk;
    uint64_t     head = 0;

    for (uint64_t seq = t->told + 1; seq <= t->appended && seq <= t->count; seq++) {
        struct row *row = &t->rows[seq - 1];

        row->is_closed = true;
        if (!row->is_void && head) {
            breaks_add(BREAK_CLOSED,
                       "session s%u: event %" PRIu64 " waited behind event %" PRIu64
                       " when it was closed, and is not void",
                       f->session, seq, head);
        }
        if (!row->is_void) head = seq;
    }
}

static void
cancel_pending(struct telling *f)
{
    struct sessions *all = f->model->sessions;

    for (unsigned c = 0; c < CLIENTS; c++) {
        for (size_t i = 0; i < all->saids[c]; i++) {
            struct said *d = &all->said[c][i];

            if (d->session == f->session && d->told == TIMER_PENDING) d->told = TIMER_CANCELLED;
        }
    }
    for (size_t i = 0; i < f->talk->count; i++) {
        struct row *row = &f->talk->rows[i];

        if (row->plan_told == TIMER_PENDING) row->plan_told = TIMER_CANCELLED;
    }
}

static void
take_closed(struct telling *f)
{
    void_waiting(f);
    cancel_pending(f);
    f->talk->is_closed = true;
    f->talk->is_held = false;
    f->talk->closes++;
}

static void
take_timer(struct telling *f, struct view timer)
{
    enum timer   told = is_of(f, "timer.set") ? TIMER_PENDING : TIMER_PROMOTED;
    struct said *d;
    struct row  *row;

    if (f->talk->is_closed) {
        breaks_add(BREAK_CLOSED, "session s%u: %.*s of %.*s when it was closed", f->session,
                   VIEW_ARG(f->type), VIEW_ARG(timer));
    }
    switch (sessions_timer_of(f->model, f->session, timer, &d, &row)) {
    case 't': d->told = told; break;
    case 'e': row->plan_told = told; break;
    default: break; /* it is cancelled at once, or the store says whose it is */
    }
}

void
sessions_feed(struct model *m, struct view type, struct view event)
{
    unsigned       session = sessions_find(text_of(event, "session"));
    struct telling f = {m, NULL, session - 1, type, (uint64_t)number_of(event, "event")};

    if (!session) return;
    f.talk = &m->sessions->talks[f.session];
    if (is_of(&f, "session.event")) {
        take_appended(&f);
    } else if (is_of(&f, "session.processed") || is_of(&f, "session.event_dead")) {
        take_over(&f);
    } else if (is_of(&f, "session.held")) {
        take_held(&f);
    } else if (is_of(&f, "session.resumed")) {
        take_resumed(&f, event);
    } else if (is_of(&f, "session.closed")) {
        take_closed(&f);
    } else if (is_of(&f, "session.opened")) {
        f.talk->is_closed = false;
    } else if (is_of(&f, "timer.set") || is_of(&f, "timer.fired")) {
        take_timer(&f, text_of(event, "timer_id"));
    }
}
