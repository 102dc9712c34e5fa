/* schedules - the schedules of a run: those of its configuration, and as many of mixed kinds as are
 * asked for, which are made by request, for the operator changes some. */
#ifndef TESTS_SCHEDULES_H
#define TESTS_SCHEDULES_H

#include "common/buf.h"
#include <stdbool.h>
#include <stdint.h>

#define SCHEDULES_MAX 1000

/* The routine among them: each firing makes a ticket of this title for its agent. */
#define CHORE "chore"

enum overlap { OVERLAP_SKIP, OVERLAP_QUEUE_ONE, OVERLAP_ALLOW, OVERLAP_CANCEL };
enum misfire { MISFIRE_LATEST, MISFIRE_SKIP, MISFIRE_ALL };
enum minutes { MINUTES_ALL, MINUTES_ODD, MINUTES_EVEN };

struct scheduled {
    char         name[16];
    const char  *when; /* of the configuration; NULL: it is made by request */
    const char  *handler;
    bool         is_every; /* from its creation on, else multiples of the step … */
    int64_t      step_ms;  /* at first, when it is variable */
    enum minutes minutes;  /* … in these minutes of its zone */
    unsigned     zone;     /* its place among those of schedules.c */
    enum overlap overlap;
    enum misfire misfire;
    unsigned     misfire_max; /* of MISFIRE_ALL */
    int64_t      catch_up_ms; /* 0: not said */
    int64_t      spread_ms, jitter_ms;
    int64_t      start_at, end_at; /* 0: none */
    uint64_t     max_firings;      /* 0: no end */
    bool         is_variable;      /* the operator changes its step */
    bool         is_shadow;
};

extern struct scheduled schedules[SCHEDULES_MAX];
extern unsigned         schedules_count;

/* The configuration's, and `count` others. */
void schedules_make(unsigned count, uint64_t seed);
/* 1 + its place; 0: none. */
unsigned schedule_number(struct view name);
/* The request that makes it. */
void        schedule_declare(const struct scheduled *s, struct buf *out);
const char *overlap_name(enum overlap o);
const char *misfire_name(enum misfire m);
/* Another step for one that is variable. */
int64_t schedule_step(unsigned draw);

/* The nominal time after after_ms with this step; INT64_MAX: there is none. */
int64_t schedule_next(const struct scheduled *s, int64_t created_ms, int64_t step_ms,
                      int64_t after_ms);
/* So long behind a nominal time it is due at the latest. */
int64_t schedule_offset(const struct scheduled *s);

#endif
