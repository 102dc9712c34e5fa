/* firings - what each schedule did, decision by decision, in the order in which the feed tells it:
 * whether its policies let it, at the time of the decision. */
#ifndef TESTS_FIRINGS_H
#define TESTS_FIRINGS_H

#include "tests/torture/model.h"
#include "tests/torture/schedules.h"

enum by_hand { BY_HAND_NOT, BY_HAND_RUN, BY_HAND_BACKFILL, BY_HAND_COUNT };

/* A pause; or while a session streamed to a person: schedules may have been put off. */
struct span {
    int64_t from, until;
};

/* From `at` on it has this step. */
struct step {
    int64_t at, step_ms;
};

/* Of one schedule. */
struct course {
    int64_t      created_at; /* 0: it is not there */
    struct step *steps;      /* the first from its creation on */
    size_t       nsteps;
    int64_t     *sets;        /* steps that the operator has set, one after the other … */
    size_t       nsets, told; /* … and how many of them the feed has told of */
    uint64_t     unknown[BY_HAND_COUNT]; /* firings that may have been made by hand */
    bool         is_promoted;            /* that was acknowledged */
    /* in the order of the feed */
    bool         is_paused;
    struct span *pauses; /* the last one may go on */
    size_t       npauses;
    int64_t      last;          /* nominal time that was decided */
    uint64_t     fired;         /* not by hand */
    unsigned     open, running; /* of its jobs: those that have not ended, those that run */
    uint64_t     plain;         /* the last of them that started without force */
};

/* A line of the operator's history; false when it is of something else. */
bool firings_history(struct model *m, const char *line);
/* What the store says of all schedules; before the feed is read. */
void firings_fetch(struct model *m, struct link *l);

/* An event of the feed that names a schedule and is of no job. */
void firings_event(struct model *m, unsigned schedule, struct view type, struct view event);
/* Its job has moved: whether it is unfinished, and whether it runs. */
void firings_job(struct model *m, const struct job *j, uint64_t id, bool was_open, bool is_open,
                 bool was_running, bool is_running);

/* A person's message is being processed from `at` on; its place.  And no longer. */
size_t firings_stream(struct model *m, int64_t at);
void   firings_stream_over(struct model *m, size_t place, int64_t at);
/* Whether a session may have streamed to a person between the two times. */
bool firings_may_be_put_off(const struct model *m, int64_t from, int64_t until);
/* The nominal time after `after`, with the step that it has then; INT64_MAX: there is none. */
int64_t course_next(const struct course *c, const struct scheduled *s, int64_t after);
/* When its step was last changed up to `until`; its creation when it never was. */
int64_t course_changed(const struct course *c, int64_t until);
void    firings_free(struct model *m);

#endif
