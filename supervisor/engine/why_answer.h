/* why_answer - the answer to `why` (A10) as it grows: every blocker with its holder, until when,
 * and the smallest change that would end it.  The predicates are those of the dispatch (caps.h).
 *
 *     why_open(&w, r);
 *     mp_put_u64(r->reply, &w.map, "id", id);
 *     why_blockers(&w);
 *     why_blocker(&w, "due_later", …);
 *     why_close(&w, true, NULL);
 */
#ifndef ENGINE_WHY_ANSWER_H
#define ENGINE_WHY_ANSWER_H

#include "supervisor/engine/caps.h"
#include "supervisor/engine/reads.h"

struct why {
    const struct memory *memory;
    const struct actor  *actor;
    struct objects      *objects;
    const struct now    *now;
    bool                 is_clock_held;
    struct buf          *reply;
    struct mp_open_map   map;
    size_t               blockers;
    uint32_t             count;
    int64_t              earliest_at;  /* the latest of what the blockers are known to wait for */
    bool                 is_unknown;   /* nobody knows when some blocker ends */
    bool                 has_budgets;  /* those of all scopes are told */
    uint64_t             about;        /* the job that the text is of; 0: that of the answer */
    char                 text[512];    /* the first blocker's message, unless set before */
    char                 change[2048]; /* of all blockers together */
};

/* Opens the answer; what it is about is written into w->map next. */
void why_open(struct why *w, struct reading *r);
/* Opens the list of blockers. */
void why_blockers(struct why *w);
/* A blocker: until_at 0 when nobody knows how long; change NULL when nothing would end it. */
void why_blocker(struct why *w, const char *predicate, const char *message, struct view holder,
                 int64_t until_at, const char *change);
/* The same, without a say in the earliest time: until_at is only shown. */
void why_note(struct why *w, const char *predicate, const char *message, struct view holder,
              int64_t until_at, const char *change);
/* Blockers of a predicate's finding; of a clock that is held; of a paused company or agent (0: of
 * none). */
void why_finding(struct why *w, const struct finding *f);
void why_clock(struct why *w);
void why_pauses(struct why *w, uint32_t company, uint32_t agent);
/* The same of a schedule, when it is paused; what: how the message begins. */
void why_schedule_pause(struct why *w, const char *what, const struct schedule *run);
/* The next nominal time of the schedule that is to fire; 0: none. */
int64_t why_next_firing(struct why *w, const struct schedule *run);
/* Closes the list and the answer: text, earliest_at (null unless it waits and all times are known),
 * change, and history: what held this job, empty for NULL. */
void why_close(struct why *w, bool is_waiting, const struct job_state *history);

#endif
