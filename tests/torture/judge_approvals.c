/* What agents may do only with a person's word (B7): each request is there once, is decided as the
 * operator said, and acts exactly when it was granted. */
#include "tests/torture/breaks.h"
#include "tests/torture/items.h"
#include "tests/torture/judge.h"
#include <inttypes.h>

/* NULL: the operator has decided nothing. */
static const struct verdict *
decision_of(const struct model *m, uint64_t approval)
{
    for (size_t i = 0; i < m->ndecisions; i++) {
        if (m->decisions[i].approval == approval) return &m->decisions[i];
    }
    return NULL;
}

static void
take_approval(struct view item, void *arg)
{
    struct model         *m = arg;
    uint64_t              id = (uint64_t)number_of(item, "id");
    struct job           *j = model_job(m, (uint64_t)number_of(item, "job"));
    const struct verdict *d = decision_of(m, id);
    struct view           status = text_of(item, "status");
    const char           *wanted = !d ? "pending" : d->is_granted ? "granted" : "denied";

    if (!view_is(status, wanted)) {
        breaks_add(BREAK_APPROVAL, "approval %" PRIu64 " is %.*s, not %s", id, VIEW_ARG(status),
                   wanted);
    }
    if (!j) return;
    j->approvals++;
    j->granted += view_is(status, "granted");
    j->denied += view_is(status, "denied");
}

static void
judge_job(const struct job *j, uint64_t id)
{
    uint64_t wanted = j->is_asking && j->end == END_COMPLETED;

    if (j->approvals == wanted && j->told_requests == wanted && j->denials == j->denied &&
        j->told_decisions == j->granted + j->denied) {
        return;
    }
    breaks_add(BREAK_APPROVAL,
               "job %" PRIu64 ": %" PRIu64 " requests (told: %" PRIu64 ") instead of %" PRIu64
               "; %" PRIu64 " granted, %" PRIu64 " denied (told: %" PRIu64 "), %" PRIu64
               " effects rejected",
               id, j->approvals, j->told_requests, wanted, j->granted, j->denied, j->told_decisions,
               j->denials);
}

void
judge_approvals(struct model *m, struct link *l)
{
    fetch_pages(l, MSG_APPROVAL_LIST, "\"status\":\"pending\"", take_approval, m);
    fetch_pages(l, MSG_APPROVAL_LIST, "\"status\":\"granted\"", take_approval, m);
    fetch_pages(l, MSG_APPROVAL_LIST, "\"status\":\"denied\"", take_approval, m);
    for (uint64_t id = 1; id <= m->last; id++) {
        if (m->jobs[id].is_there) judge_job(&m->jobs[id], id);
    }
}
