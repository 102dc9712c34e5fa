/* Unique keys and debounce keys, as requests and the store have them. */
#include "tests/torture/breaks.h"
#include "tests/torture/judge.h"
#include <inttypes.h>

static const struct intent *
intent_of(struct model *m, const struct job *j)
{
    return model_intent(m, j->client, j->number);
}

/* Only an acknowledged replace, or one whose outcome nobody knows, takes a key away. */
static void
judge_replaced(struct model *m, uint64_t id)
{
    const struct job    *j = &m->jobs[id];
    const struct job    *by = j->replaced_by < m->cap ? &m->jobs[j->replaced_by] : NULL;
    const struct intent *in = by ? intent_of(m, by) : NULL;

    if (j->replaced_by <= id || !by || !by->is_there || by->key != j->key || j->key == 0 || !in ||
        in->kind != KIND_unique_replace) {
        breaks_add(BREAK_KEY, "job %" PRIu64 " was replaced by job %" PRIu64, id, j->replaced_by);
    }
}

/* A submit that was answered with a job that was there: one with the same key. */
static void
judge_joined(struct model *m, const struct intent *in, int client, size_t number)
{
    const struct job *j = in->joined < m->cap ? &m->jobs[in->joined] : NULL;

    if (in->kind == KIND_unique_return && (!j || !j->is_there || j->key == 0)) {
        breaks_add(BREAK_KEY, "client %d, request %zu was given job %" PRIu64 ", which has no key",
                   client, number, in->joined);
    }
}

static void
judge_merged(const struct intent *in, int client, size_t number)
{
    bool     is_known = in->asked == ASKED_YES || in->asked == ASKED_JOINED;
    uint64_t wanted = in->asked == ASKED_YES ? in->ids[0] : in->joined;

    if (in->causes > 1 || (is_known && in->causes != 1) || (in->asked == ASKED_NO && in->causes)) {
        breaks_add(BREAK_MERGE, "client %d, request %zu is %u causes", client, number, in->causes);
    } else if (is_known && in->cause_of != wanted) {
        breaks_add(BREAK_MERGE,
                   "client %d, request %zu is a cause of job %" PRIu64 ", not of job %" PRIu64,
                   client, number, in->cause_of, wanted);
    }
}

void
judge_keys(struct model *m)
{
    for (uint64_t id = 1; id <= m->last; id++) {
        if (m->jobs[id].is_there && m->jobs[id].replaced_by) judge_replaced(m, id);
    }
    for (int c = 0; c < CLIENTS; c++) {
        for (size_t i = 0; i < m->clients[c].count; i++) {
            const struct intent *in = &m->clients[c].intents[i];

            if (in->asked == ASKED_JOINED) judge_joined(m, in, c, i);
            if (in->kind == KIND_merged) judge_merged(in, c, i);
        }
    }
}
