/* Messages to a command (D4): one of them goes out once, and again only when the clerk had it sent
 * again after it failed or expired; of one that may have gone out nobody knows until the clerk says
 * what became of it. */
#include "tests/torture/breaks.h"
#include "tests/torture/config.h"
#include "tests/torture/history.h"
#include "tests/torture/items.h"
#include "tests/torture/judge.h"
#include "tests/torture/sessions.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct shout {
    bool     is_there, is_delivered, is_unknown;
    uint64_t resends, lines;
};

struct shouts {
    struct model *model;
    struct shout *all; /* by the message's id */
    uint64_t      cap;
};

/* NULL for an id that no store gives. */
static struct shout *
shout_of(struct shouts *s, uint64_t id)
{
    uint64_t cap = s->cap ? s->cap : 1024;

    if (id == 0 || id >> 32) return NULL;
    while (cap <= id)
        cap *= 2;
    if (cap != s->cap) {
        s->all = xrealloc(s->all, cap * sizeof(*s->all));
        memset(s->all + s->cap, 0, (cap - s->cap) * sizeof(*s->all));
        s->cap = cap;
    }
    return &s->all[id];
}

/* ---- what the store says --------------------------------------------------------------------- */

static void
take_shout(struct view item, void *arg)
{
    struct shouts *s = arg;
    struct model  *m = s->model;
    uint64_t       id = (uint64_t)number_of(item, "id"), job = (uint64_t)number_of(item, "job");
    struct shout  *one = shout_of(s, id);
    struct view    payload = {0}, status = text_of(item, "status");

    if (!view_is(text_of(item, "sink"), SHOUT)) return;
    if (!one || one->is_there) {
        breaks_add(BREAK_SEND_TWICE, "effect %" PRIu64 " is listed twice, or has no id", id);
        return;
    }
    *one = (struct shout){.is_there = true,
                          .is_delivered = view_is(status, "delivered"),
                          .is_unknown = view_is(status, "unknown"),
                          .resends = (uint64_t)number_of(item, "resends")};
    m->shouts++;
    m->unknown_shouts += one->is_unknown;
    m->failed_shouts += !one->is_unknown && !one->is_delivered;
    m->resends += one->resends;
    (void)mp_find(item, "payload", &payload); /* without one it has no content */
    if (!model_is_of_completed(m, text_of(payload, "content"), job)) {
        breaks_add(BREAK_SEND_TWICE,
                   "effect %" PRIu64 " of job %" PRIu64 " is of an attempt that did not complete",
                   id, job);
        return;
    }
    m->jobs[job].shouts++;
    if (one->is_delivered || one->is_unknown || view_is(status, "failed") ||
        view_is(status, "expired")) {
        return;
    }
    breaks_add(BREAK_SEND_LOST, "effect %" PRIu64 " of job %" PRIu64 " is %.*s", id, job,
               VIEW_ARG(status));
}

/* ---- what the command was given -------------------------------------------------------------- */

static void
take_line(char *line, void *arg)
{
    struct shout *one = shout_of(arg, strtoull(line, NULL, 10));

    if (one && one->is_there) {
        one->lines++;
    } else {
        breaks_add(BREAK_SEND_TWICE, "the command was given effect %s, which is not in the store",
                   line);
    }
}

/* Each time that it was to be sent it came, at most once, and was delivered; or it did not come,
 * and failed or expired; or nobody knew: then the clerk has settled it, or it is unknown still. */
static void
judge_shout(const struct model *m, const struct shout *one, uint64_t id)
{
    struct bounds resends = deeds_count(m, DEED_SEND, id);
    struct bounds failed = deeds_count(m, DEED_FAILED, id);
    struct bounds delivered = deeds_count(m, DEED_DELIVERED, id);
    uint64_t      doubts = failed.surely + failed.perhaps + delivered.surely + delivered.perhaps;
    bool          is_clerks = delivered.surely + delivered.perhaps > 0; /* says that it came */
    uint64_t      least = one->is_delivered && !is_clerks;
    uint64_t      most = doubts + one->is_unknown + (one->is_delivered && !delivered.surely);

    if (most > one->resends + 1) most = one->resends + 1;
    if (!bounds_hold(&resends, one->resends) || one->lines > most) {
        breaks_add(BREAK_SEND_TWICE,
                   "effect %" PRIu64 " has come %" PRIu64 " times to the command, not %" PRIu64
                   " at most; it was sent again %" PRIu64 " times (surely %" PRIu64
                   ", perhaps %" PRIu64 " more)",
                   id, one->lines, most, one->resends, resends.surely, resends.perhaps);
    }
    if (one->lines < least || delivered.surely > one->is_delivered) {
        breaks_add(BREAK_SEND_LOST,
                   "effect %" PRIu64 " has come %" PRIu64 " times to the command, and is %s%s", id,
                   one->lines,
                   one->is_unknown     ? "unknown"
                   : one->is_delivered ? "delivered"
                                       : "not sent",
                   delivered.surely ? ", though it was settled as delivered" : "");
    }
}

void
judge_shouts(struct model *m, struct link *l)
{
    struct shouts s = {.model = m};

    fetch_pages(l, MSG_EFFECT_LIST, "", take_shout, &s);
    (void)history_read(m->folder, "shouts", take_line, &s); /* none: nothing was ever sent */
    for (uint64_t id = 1; id < s.cap; id++) {
        if (s.all[id].is_there) judge_shout(m, &s.all[id], id);
    }
    for (uint64_t id = 1; id <= m->last; id++) {
        const struct job *j = &m->jobs[id];
        uint64_t          wanted = j->is_telling && j->end == END_COMPLETED;

        if (j->shouts == wanted) continue;
        breaks_add(j->shouts > wanted ? BREAK_SEND_TWICE : BREAK_SEND_LOST,
                   "job %" PRIu64 " has %" PRIu64 " effects for the command, not %" PRIu64, id,
                   j->shouts, wanted);
    }
    free(s.all);
}
