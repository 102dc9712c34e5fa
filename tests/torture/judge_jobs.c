#include "common/mp.h"
#include "tests/torture/breaks.h"
#include "tests/torture/judge.h"
#include "tests/torture/schedules.h"
#include "tests/torture/sessions.h"
#include <inttypes.h>

static const char *
end_name(unsigned end)
{
    switch (end) {
    case END_SCHEDULED: return "scheduled";
    case END_COMPLETED: return "completed";
    case END_FAILED: return "failed";
    case END_CANCELLED: return "cancelled";
    case END_EXPIRED: return "expired";
    default: return "not ended";
    }
}

/* ---- how it ended ---------------------------------------------------------------------------- */

static unsigned
ends_allowed(const struct job *j, enum kind k)
{
    unsigned ends = kind_rule(k)->ends;

    if (j->may_be_cancelled) ends |= END_CANCELLED;
    /* Retried, a job that was waiting for its time runs at once. */
    if (j->may_be_retried && (k == KIND_late || k == KIND_lot)) ends |= END_COMPLETED;
    if (j->replaced_by && kind_is_unique(k)) ends |= END_CANCELLED;    /* by whom: judge_keys */
    if (j->is_taken_back && k == KIND_assigned) ends |= END_CANCELLED; /* judge_work */
    if (j->must_have_run) ends &= ~END_SCHEDULED;
    if (j->must_have_run && !j->replaced_by && !j->is_taken_back) ends &= ~END_CANCELLED;
    if (j->must_be_cancelled) ends = END_CANCELLED;
    return ends;
}

static void
judge_end(const struct job *j, uint64_t id, enum kind k)
{
    const char *kind = kind_rule(k)->name;

    if (j->end == 0) {
        breaks_add(BREAK_DRAIN, "job %" PRIu64 " (%s) has not ended", id, kind);
    } else if (!(j->end & ends_allowed(j, k))) {
        breaks_add(BREAK_OUTCOME, "job %" PRIu64 " (%s) is %s%s", id, kind, end_name(j->end),
                   j->must_be_cancelled ? " though its cancel was acknowledged" : "");
    } else if (j->was_stopping && !j->may_be_retried && j->end != END_CANCELLED &&
               !j->is_stopped_otherwise) {
        breaks_add(BREAK_OUTCOME, "job %" PRIu64 " (%s) is %s though it was being stopped", id,
                   kind, end_name(j->end));
    } else if (j->end == END_FAILED && j->failures != j->max_attempts) {
        breaks_add(BREAK_OUTCOME,
                   "job %" PRIu64 " (%s) failed after %" PRIu64 " of %" PRIu64 " failures", id,
                   kind, j->failures, j->max_attempts);
    }
    if (j->was_seen_completed && j->end != END_COMPLETED) {
        breaks_add(BREAK_OUTCOME, "job %" PRIu64 " was seen completed and is %s", id,
                   end_name(j->end));
    }
}

static void
judge_attempts(const struct job *j, uint64_t id, bool is_recorded)
{
    if (j->last_start > j->attempt || j->seen_attempt > j->attempt || j->started != j->attempt) {
        breaks_add(BREAK_ATTEMPTS,
                   "job %" PRIu64 " has %" PRIu64 " attempts, the feed %" PRIu64
                   ", a handler saw number %" PRIu64 ", a client %" PRIu64,
                   id, j->attempt, j->started, j->last_start, j->seen_attempt);
    }
    if (is_recorded && j->end == END_COMPLETED && j->last_end != j->attempt) {
        breaks_add(BREAK_ATTEMPTS,
                   "job %" PRIu64 " completed in attempt %" PRIu64
                   ", the last that came to its end is %" PRIu64,
                   id, j->attempt, j->last_end);
    }
}

static void
judge_events(const struct job *j, uint64_t id)
{
    if (j->submitted != 1 || j->completed != (j->end == END_COMPLETED)) {
        breaks_add(BREAK_FEED,
                   "job %" PRIu64 " (%s): %" PRIu64 " events of its submission, %" PRIu64
                   " of its completion",
                   id, end_name(j->end), j->submitted, j->completed);
    }
}

/* ---- whose it is ----------------------------------------------------------------------------- */

static void
judge_own(struct model *m, struct job *j, uint64_t id)
{
    struct intent *in = model_intent(m, j->client, j->number);

    if (!in || in->asked == ASKED_NO || in->asked == ASKED_JOINED) {
        breaks_add(BREAK_UNEXPECTED, "job %" PRIu64 " of client %d, request %u: %s", id, j->client,
                   j->number, in ? "it was given none" : "there was none");
        return;
    }
    if (in->asked == ASKED_YES && (j->index >= in->count || in->ids[j->index] != id)) {
        breaks_add(BREAK_TWICE, "job %" PRIu64 " of client %d, request %u: it was given another id",
                   id, j->client, j->number);
    }
    in->found++;
    judge_end(j, id, in->kind);
    judge_attempts(j, id, kind_is_recorded(in->kind));
}

/* The operator may have stopped it while it ran, its schedule's next firing taken its place. */
static bool
may_end_so(const struct job *j)
{
    return j->end == END_COMPLETED ||
           ((j->may_be_cancelled || j->is_ousted) && j->end == END_CANCELLED);
}

/* Made by the effect of another job: judge_chains knows whether it had to be. */
static void
judge_follow_up(const struct job *j, uint64_t id)
{
    if (!may_end_so(j)) {
        breaks_add(j->end ? BREAK_OUTCOME : BREAK_DRAIN, "job %" PRIu64 " of job %" PRIu64 " is %s",
                   id, j->parent, end_name(j->end));
    }
    judge_attempts(j, id, true);
}

/* Its handler looks whether one of its schedule is alive; a forced one that started behind it may
 * have been quicker to look. */
static void
judge_beside(const struct job *j, uint64_t id)
{
    const struct scheduled *s = &schedules[j->schedule - 1];

    if (j->found_another && !j->is_forced && !j->was_joined && s->overlap != OVERLAP_ALLOW) {
        breaks_add(BREAK_BESIDE, "%s: job %" PRIu64 " ran beside another, its handler says",
                   s->name, id);
    }
    if (j->is_ousted && s->overlap != OVERLAP_CANCEL) {
        breaks_add(BREAK_POLICY, "%s: job %" PRIu64 " was cancelled by the next firing", s->name,
                   id);
    }
}

static void
judge_scheduled(const struct job *j, uint64_t id)
{
    judge_beside(j, id);
    if (j->firings != 1) {
        breaks_add(BREAK_UNEXPECTED, "job %" PRIu64 " of a schedule has %" PRIu64 " firings", id,
                   j->firings);
    }
    if (!may_end_so(j)) {
        breaks_add(j->end ? BREAK_OUTCOME : BREAK_DRAIN, "job %" PRIu64 " of a schedule is %s", id,
                   end_name(j->end));
    }
    judge_attempts(j, id, false);
}

/* It completed, or its agent was removed first. */
static void
judge_brief(struct model *m, const struct job *j, uint64_t id)
{
    if (j->end != END_COMPLETED && j->end != END_CANCELLED) {
        breaks_add(j->end ? BREAK_OUTCOME : BREAK_DRAIN, "job %" PRIu64 " of a removed agent is %s",
                   id, end_name(j->end));
    }
    if (m->briefs == 0) breaks_add(BREAK_UNEXPECTED, "job %" PRIu64 " of a removed agent", id);
    if (m->briefs > 0) m->briefs--;
    judge_attempts(j, id, true);
}

/* Of an event of a session: judge_sessions knows whether it had to be. */
static void
judge_event(struct model *m, const struct job *j, uint64_t id)
{
    struct row *row = sessions_row(m, j->session, j->event);

    if (row && !may_end_so(j) && !(row->type == SAID_BAD && j->end == END_FAILED) &&
        !((row->is_void || row->is_closed) && j->end == END_CANCELLED)) {
        breaks_add(j->end ? BREAK_OUTCOME : BREAK_DRAIN,
                   "job %" PRIu64 " of event %" PRIu64 " is %s", id, j->event, end_name(j->end));
    }
    judge_attempts(j, id, true);
}

static void
judge_job(struct model *m, uint64_t id)
{
    struct job *j = &m->jobs[id];

    if (j->is_there && j->must_be_gone) breaks_add(BREAK_GONE, "job %" PRIu64, id);
    if (!j->is_there && j->may_be_gone) return;
    if (!j->is_there) {
        if (j->is_acknowledged) breaks_add(BREAK_LOST, "job %" PRIu64, id);
        if (j->last_start) {
            breaks_add(BREAK_UNEXPECTED, "job %" PRIu64 " was run, and is not there", id);
        }
        return;
    }
    if (j->session) {
        judge_event(m, j, id);
    } else if (j->schedule) {
        judge_scheduled(j, id);
    } else if (j->client != NO_CLIENT) {
        judge_own(m, j, id);
    } else if (j->is_follow_up) {
        judge_follow_up(j, id);
    } else if (j->is_brief) {
        judge_brief(m, j, id);
    } else {
        breaks_add(BREAK_UNEXPECTED, "job %" PRIu64 " has no mark", id);
    }
    judge_events(j, id);
}

static unsigned
purged_of(const struct model *m, const struct intent *in)
{
    unsigned n = 0;

    for (unsigned i = 0; in->ids && i < in->count; i++)
        n += m->jobs[in->ids[i]].may_be_gone && !m->jobs[in->ids[i]].is_there;
    return n;
}

/* An acknowledged job that is missing was reported by its id. */
static void
judge_intent(const struct model *m, const struct intent *in, int client, size_t number)
{
    unsigned found = in->found + purged_of(m, in);

    if (in->asked == ASKED_OPEN) {
        breaks_add(BREAK_ANSWER, "client %d has left request %zu open", client, number);
    }
    if (found > in->count) {
        breaks_add(BREAK_TWICE, "client %d, request %zu made %u jobs instead of %u", client, number,
                   found, in->count);
    }
    if (found > 0 && found < in->count) {
        breaks_add(BREAK_TORN, "client %d, request %zu made %u jobs instead of %u", client, number,
                   found, in->count);
    }
}

void
judge_jobs(struct model *m)
{
    for (uint64_t id = 1; id < m->cap; id++)
        judge_job(m, id);
    for (int c = 0; c < CLIENTS; c++) {
        for (size_t i = 0; i < m->clients[c].count; i++)
            judge_intent(m, &m->clients[c].intents[i], c, i);
    }
}

/* ---- fsck ------------------------------------------------------------------------------------ */

void
judge_fsck(struct link *l)
{
    struct view problems, item, text;
    uint32_t    count = 0;
    bool        ok = false;

    if (link_ask(l, MSG_FSCK, "{}", NULL, 60000) != ANSWER_YES) {
        breaks_add(BREAK_FSCK, "no answer: %s", l->error.msg);
        return;
    }
    if (mp_find_bool(buf_view(&l->body), "ok", &ok) && ok) return;
    breaks_add(BREAK_FSCK, "it is not ok");
    if (!mp_find(buf_view(&l->body), "problems", &problems)) return;
    struct mp_reader r = mp_reader_of(problems);
    (void)mp_read_array(&r, &count); /* what is no list has no items */
    while (count-- > 0 && mp_read_any(&r, &item)) {
        struct mp_reader one = mp_reader_of(item);

        if (mp_read_str(&one, &text)) breaks_add(BREAK_FSCK, "%.*s", VIEW_ARG(text));
    }
}
