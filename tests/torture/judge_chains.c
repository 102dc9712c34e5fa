/* Who woke whom (A15): each completed attempt of a handler that wakes another agent made exactly
 * one job, unless that closed a cycle. */
#include "tests/torture/breaks.h"
#include "tests/torture/judge.h"
#include <inttypes.h>

#define DEPTH_MAX 16

static const struct job *
job_at(const struct model *m, uint64_t id)
{
    return id > 0 && id < m->cap && m->jobs[id].is_there ? &m->jobs[id] : NULL;
}

/* Whether its agent has woken that other one in this chain before. */
static bool
closes_cycle(const struct model *m, const struct job *j)
{
    const struct job *at = j, *up;

    for (int n = 0; n < DEPTH_MAX && (up = job_at(m, at->parent)); n++) {
        if (up->agent == j->agent && at->agent == j->calls) return true;
        at = up;
    }
    return false;
}

static void
judge_child(const struct model *m, uint64_t id)
{
    const struct job *j = &m->jobs[id], *up = job_at(m, j->parent);

    if (!up) {
        breaks_add(BREAK_CHAIN, "job %" PRIu64 " was woken by job %" PRIu64 ", which is not there",
                   id, j->parent);
        return;
    }
    if (!j->is_follow_up || j->root != up->root || j->depth != up->depth + 1 ||
        j->agent != up->calls || j->from != j->parent || j->from_attempt != up->attempt ||
        up->end != END_COMPLETED) {
        breaks_add(BREAK_CHAIN,
                   "job %" PRIu64 ", woken by job %" PRIu64 ": root %" PRIu64 ", depth %" PRIu64
                   ", of attempt %" PRIu64 " of job %" PRIu64,
                   id, j->parent, j->root, j->depth, j->from_attempt, j->from);
    }
}

static void
judge_caller(const struct model *m, uint64_t id)
{
    const struct job *j = &m->jobs[id];
    bool              is_caller = j->calls && j->end == END_COMPLETED;
    bool              is_cut = is_caller && closes_cycle(m, j);
    uint64_t          wanted = j->is_asking ? j->granted : is_caller && !is_cut;

    if (j->wakes != wanted || j->children != j->wakes || j->cuts != is_cut ||
        j->told_cuts != j->cuts) {
        breaks_add(BREAK_CHAIN,
                   "job %" PRIu64 "%s%s: %" PRIu64 " effects woke, %" PRIu64
                   " were cut (told: %" PRIu64 "), %" PRIu64 " jobs are there",
                   id, is_caller ? " woke another" : "", is_cut ? " in a cycle" : "", j->wakes,
                   j->cuts, j->told_cuts, j->children);
    }
}

void
judge_chains(struct model *m)
{
    for (uint64_t id = 1; id <= m->last; id++) {
        const struct job *j = job_at(m, id);

        if (!j || j->session) continue; /* its parent set its timer: judge_sessions */
        if (j->parent) {
            judge_child(m, id);
            if (j->parent < m->cap) m->jobs[j->parent].children++;
        } else if (j->root != id || j->depth != 0) {
            breaks_add(BREAK_CHAIN, "job %" PRIu64 " has root %" PRIu64 " and depth %" PRIu64, id,
                       j->root, j->depth);
        }
    }
    for (uint64_t id = 1; id <= m->last; id++) {
        if (job_at(m, id)) judge_caller(m, id);
    }
}
