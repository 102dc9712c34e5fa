/* submit - new jobs: checks first, then writes. */
#ifndef ENGINE_SUBMIT_H
#define ENGINE_SUBMIT_H

#include "supervisor/engine/job.h"
#include "supervisor/engine/turn.h"

/* A job that has passed its checks. */
struct submission {
    struct job_spec spec; /* id and submitted_at are set by submit_write */
    struct view     payload;
    uint8_t         priority;
    uint8_t         flags; /* JOB_FLAG_* */
    int64_t         run_at;
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
/* Defaults that the handler and the limits give where the request named none (fields at 0 / −2 are
 * unset). */
void submit_defaults(struct engine *en, struct submission *s, bool has_max_turns);
/* Writes the job; *out is its state. */
void submit_write(struct engine *en, struct submission *s, const struct actor *a,
                  struct job_state *out);
/* A retry ladder as given: at most LADDER_MAX whole numbers of ms. */
enum errc submit_check_ladder(struct view list, struct err *e) MUST_CHECK;

enum errc on_job_submit(struct engine *en, const struct actor *a, const struct msg_job_submit *m,
                        struct buf *reply, struct err *e) MUST_CHECK;
enum errc on_job_submit_many(struct engine *en, const struct actor *a,
                             const struct msg_job_submit_many *m, struct buf *reply,
                             struct err *e) MUST_CHECK;

#endif
