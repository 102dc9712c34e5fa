/* submit - new jobs: checks first, then writes. */
#ifndef ENGINE_SUBMIT_H
#define ENGINE_SUBMIT_H

#include "supervisor/engine/debounce.h"
#include "supervisor/engine/job.h"
#include "supervisor/engine/turn.h"
#include "supervisor/engine/unique.h"

/* What becomes of a submission: a job, nothing because another has its unique key, or a cause of
 * the job that waits. */
enum submit_fate { SUBMIT_NEW, SUBMIT_RETURN, SUBMIT_MERGE };

/* A job that has passed its checks. */
struct submission {
    struct job_spec spec; /* id and submitted_at are set by submit_write, and actor */
    struct view     payload;
    uint8_t         priority;
    uint32_t        flags; /* JOB_FLAG_* */
    int64_t         run_at;

    struct unique_claim   unique;
    struct debounce_claim debounce;
    /* set by judge in submit.c */
    enum submit_fate         fate;
    uint64_t                 other;    /* SUBMIT_RETURN: the job with the key … */
    const struct submission *twin;     /* … or the one that is submitted with it */
    bool                     replaces; /* a job that has not started makes room for it */
};

/* A wake-up of an agent that agentd itself makes: of a ticket, a goal, a routine, an effect. */
struct wake {
    uint32_t     agent; /* object id */
    enum trigger trigger;
    struct view  source, title, payload, context;
    uint64_t     goal, ticket, parent; /* 0: none; parent: the job that causes it */
    int64_t      run_at;               /* 0: now */
    int64_t      priority;             /* -1: the trigger's */
    bool         is_effect;            /* of the job that has just ended, parent */
};
/* Judges a wake-up and fills the submission, nothing written: the agent's handler, its defaults,
 * the queue's limit, the chain of causes. */
enum errc submit_prepare_wake(struct engine *en, const struct wake *w, struct submission *s,
                              struct err *e) MUST_CHECK;

/* Whether new work may be taken now: not draining, and the store has its reserve. */
enum errc submit_admit(struct engine *en, struct err *e) MUST_CHECK;
/* Whether each tag of the map, which may be empty, is a text. */
enum errc submit_check_tags(struct view tags, struct err *e) MUST_CHECK;
/* Defaults that the handler and the limits give where the request named none (fields at 0 / −2 are
 * unset). */
void submit_defaults(struct engine *en, struct submission *s, bool has_max_turns);
/* Writes the job; *out is its state.  a NULL: spec.actor says who submitted it. */
void submit_write(struct engine *en, struct submission *s, const struct actor *a,
                  struct job_state *out);
/* Whether the company's queue takes one job more than `others`, which are to be written first:
 * E_QUEUE_FULL. */
enum errc submit_check_queue(struct engine *en, uint32_t company, uint64_t others,
                             struct err *e) MUST_CHECK;
/* Reads MERGE_FIELDS into the claims of a submission: SUBMIT_CLAIMS(m, job_submit, s, e). */
#define SUBMIT_CLAIMS(m, message, s, e)                                                          \
    submit_claims(&(const struct claims_given){.unique_key = (m)->unique_key,                    \
                                               .on_conflict = (m)->on_conflict,                  \
                                               .debounce_key = (m)->debounce_key,                \
                                               .unique_for_ms = (m)->unique_for_ms,              \
                                               .debounce_ms = (m)->debounce_ms,                  \
                                               .debounce_max_ms = (m)->debounce_max_ms,          \
                                               .has_wait = HAS(m, message, debounce_ms),         \
                                               .has_wait_max = HAS(m, message, debounce_max_ms), \
                                               .has_time = HAS(m, message, run_at) ||            \
                                                           HAS(m, message, delay_ms)},           \
                  s, e)
struct claims_given {
    struct view unique_key, on_conflict, debounce_key;
    int64_t     unique_for_ms, debounce_ms, debounce_max_ms;
    bool        has_wait, has_wait_max, has_time;
};
enum errc submit_claims(const struct claims_given *given, struct submission *s,
                        struct err *e) MUST_CHECK;
/* A company's priority_max (80) keeps its submitters from flooding from above; an operator may go
 * higher (N19). */
enum errc submit_check_priority(struct engine *en, const struct actor *a,
                                const struct submission *s, struct err *e) MUST_CHECK;

enum errc on_job_submit(struct engine *en, const struct actor *a, const struct msg_job_submit *m,
                        struct buf *reply, struct err *e) MUST_CHECK;
enum errc on_job_submit_many(struct engine *en, const struct actor *a,
                             const struct msg_job_submit_many *m, struct buf *reply,
                             struct err *e) MUST_CHECK;

#endif
