/* job_walk - which jobs a filter names (job.list and the bulk operations), and a walk over them in
 * pages (N8). */
#ifndef ENGINE_JOB_WALK_H
#define ENGINE_JOB_WALK_H

#include "supervisor/engine/job.h"
#include "supervisor/engine/page.h"

struct job_filter {
    enum job_state_id  state; /* JOB_NONE: any */
    bool               parked, due, retrying, quarantined;
    uint32_t           company, agent, handler, schedule, session;
    enum trigger       trigger;
    enum failure_class failure; /* FAIL_NONE: any */
    struct view        tag_key, tag_value;
    int64_t            submitted_before; /* 0: any */
};

/* What the request asks for; E_BAD_REQUEST names the field, E_NOT_FOUND what is not there. */
enum errc job_filter_parse(struct reading *r, const struct msg_job_list *m,
                           struct job_filter *f) MUST_CHECK;

/* What becomes of a job that the filter names.  j and spec are copies.  false: it was not taken,
 * the page ends before it (only in walks by id). */
typedef bool job_take(struct reading *r, struct page *p, const struct job_state *j,
                      const struct job_spec *spec, void *arg);

/* Goes on at m's cursor until the page is over; then p->next is set, or empty at the end.  What
 * waits or runs is walked in the order in which it will start, all else from the newest on. */
enum errc job_walk(struct reading *r, const struct msg_job_list *m, const struct job_filter *f,
                   struct page *p, job_take *take, void *arg) MUST_CHECK;

#endif
