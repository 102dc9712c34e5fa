#include "tests/torture/deeds.h"

#include "tests/torture/breaks.h"
#include "tests/torture/history.h"
#include "tests/torture/sessions.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct deed {
    enum deed_kind kind;
    enum asked     asked;
    unsigned       session;
    uint64_t       id;                       /* of a message; of an event its number */
    uint64_t       event_seq, appended, job; /* of the session, in the answer; of a copy its own */
    bool           is_mended;                /* what the event choked on */
};

static const char *const names[DEEDS] = {"close",     "retry",  "skip", "copy",
                                         "delivered", "failed", "send"};

const char *
deed_name(enum deed_kind k)
{
    return names[k];
}

bool
bounds_hold(const struct bounds *b, uint64_t count)
{
    return count >= b->surely && count <= b->surely + b->perhaps;
}

static void
count(struct bounds *b, enum asked asked)
{
    b->surely += asked == ASKED_YES;
    b->perhaps += asked == ASKED_UNKNOWN || asked == ASKED_OPEN;
}

/* ---- the history ----------------------------------------------------------------------------- */

static bool
take_begin(struct model *m, const char *line)
{
    struct deed d = {0};
    size_t      number;
    char        name[16];
    int         is_mended;

    if (sscanf(line, "I %zu %15s %u %" SCNu64 " %d", &number, name, &d.session, &d.id,
               &is_mended) != 5 ||
        number != m->ndeeds || d.session >= SESSIONS) {
        return false;
    }
    while (d.kind < DEEDS && strcmp(name, names[d.kind]) != 0)
        d.kind++;
    d.is_mended = is_mended;
    m->deeds = xrealloc(m->deeds, (m->ndeeds + 1) * sizeof(*m->deeds));
    m->deeds[m->ndeeds++] = d;
    return d.kind < DEEDS;
}

static bool
take_answer(struct model *m, const char *line)
{
    size_t number;
    char   word[16];
    int    used = 0;

    if (sscanf(line, "i %zu %15s%n", &number, word, &used) != 2 || number >= m->ndeeds)
        return false;
    struct deed *d = &m->deeds[number];
    d->asked = strcmp(word, "yes") == 0  ? ASKED_YES
               : strcmp(word, "no") == 0 ? ASKED_NO
                                         : ASKED_UNKNOWN;
    return d->asked != ASKED_YES || sscanf(line + used, "%" SCNu64 " %" SCNu64 " %" SCNu64,
                                           &d->event_seq, &d->appended, &d->job) == 3;
}

static void
take_line(char *line, void *arg)
{
    struct model *m = arg;
    uint64_t      n;
    struct said  *d;

    if (sscanf(line, "Q %" SCNu64, &n) == 1) {
        if ((d = sessions_said(m, n))) d->is_mended = true; /* else the handler did it */
        return;
    }
    if (take_begin(m, line) || take_answer(m, line)) return;
    breaks_add(BREAK_ANSWER, "clerk: %s", line);
}

void
deeds_read(struct model *m)
{
    if (!history_read(m->folder, CLERK, take_line, m)) {
        breaks_add(BREAK_ANSWER, "the clerk has left no history");
    }
}

void
deeds_free(struct model *m)
{
    free(m->deeds);
}

struct bounds
deeds_count(const struct model *m, enum deed_kind k, uint64_t effect)
{
    struct bounds b = {0};

    for (size_t i = 0; i < m->ndeeds; i++) {
        if (m->deeds[i].kind == k && m->deeds[i].id == effect) count(&b, m->deeds[i].asked);
    }
    return b;
}

/* ---- judgement ------------------------------------------------------------------------------- */

/* What waited when it was acknowledged is void; the one that was being processed was given up. */
static void
judge_close(struct model *m, const struct deed *d)
{
    for (uint64_t seq = d->event_seq + 1; seq <= d->appended; seq++) {
        const struct row *row = sessions_row(m, d->session + 1, seq);
        bool              is_head = d->job && seq == d->event_seq + 1;

        if (!row || (row->is_closed && (is_head ? row->is_dead : row->is_void))) continue;
        breaks_add(BREAK_CLOSED,
                   "session s%u: event %" PRIu64 " %s when the close was acknowledged, and is %s",
                   d->session, seq, is_head ? "was being processed" : "waited",
                   row->is_dead   ? "dead"
                   : row->is_void ? "void, for another reason"
                                  : "processed");
    }
}

/* It chokes no more: it is processed, or what ran was stopped. */
static void
judge_mended(struct model *m, const struct deed *d, uint64_t seq)
{
    const struct row *row = sessions_row(m, d->session + 1, seq);

    if (!row || !row->is_dead || m->jobs[row->job].end != END_FAILED) return;
    breaks_add(BREAK_COMMIT, "session s%u: event %" PRIu64 " was mended, and failed again",
               d->session, seq);
}

static void
judge_copy(struct model *m, const struct deed *d)
{
    const struct row *row = sessions_row(m, d->session + 1, d->event_seq);

    if (!row || row->copy_of == d->id) return;
    breaks_add(BREAK_EVENT, "session s%u: event %" PRIu64 " was acknowledged as a copy of %" PRIu64,
               d->session, d->event_seq, d->id);
}

static void
judge_deed(struct model *m, const struct deed *d)
{
    struct talk *t = &m->sessions->talks[d->session];
    struct row  *row;

    if (d->kind == DEED_CLOSE) count(&t->closes_asked, d->asked);
    if (d->kind == DEED_RETRY) count(&t->retries_asked, d->asked);
    if (d->kind == DEED_SKIP) count(&t->skips_asked, d->asked);
    if (d->kind == DEED_COPY && (row = sessions_row(m, d->session + 1, d->id)))
        count(&row->copies_asked, d->asked);
    if (d->asked != ASKED_YES) return;
    if (d->kind == DEED_CLOSE) judge_close(m, d);
    if (d->kind == DEED_COPY) judge_copy(m, d);
    if (!d->is_mended) return;
    if (d->kind == DEED_COPY) judge_mended(m, d, d->event_seq);
    if (d->kind == DEED_RETRY && d->event_seq + 1 == d->id) judge_mended(m, d, d->id);
}

/* When all has come to its end those that are still held are skipped. */
static void
judge_counts(const struct talk *t, unsigned session)
{
    if (!bounds_hold(&t->closes_asked, t->closes) || !bounds_hold(&t->retries_asked, t->retries) ||
        t->skips < t->skips_asked.surely || t->is_held || t->owes_hold) {
        breaks_add(BREAK_CLOSED,
                   "session s%u was closed %" PRIu64 " times (surely %" PRIu64 ", perhaps %" PRIu64
                   " more), resumed %" PRIu64 " (%" PRIu64 ", %" PRIu64 ") and %" PRIu64
                   " (%" PRIu64 ")%s",
                   session, t->closes, t->closes_asked.surely, t->closes_asked.perhaps, t->retries,
                   t->retries_asked.surely, t->retries_asked.perhaps, t->skips,
                   t->skips_asked.surely, t->is_held || t->owes_hold ? "; it is held" : "");
    }
    for (size_t i = 0; i < t->count; i++) {
        const struct row *row = &t->rows[i];

        if (bounds_hold(&row->copies_asked, row->copies)) continue;
        breaks_add(BREAK_EVENT,
                   "session s%u: event %zu has %" PRIu64 " copies (surely %" PRIu64
                   ", perhaps %" PRIu64 " more)",
                   session, i + 1, row->copies, row->copies_asked.surely,
                   row->copies_asked.perhaps);
    }
}

void
judge_deeds(struct model *m)
{
    for (size_t i = 0; i < m->ndeeds; i++)
        judge_deed(m, &m->deeds[i]);
    for (unsigned s = 0; s < SESSIONS; s++)
        judge_counts(&m->sessions->talks[s], s);
}
