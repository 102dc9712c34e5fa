/* lives - when agentd was up and ready, by the wall clock. */
#ifndef TESTS_LIVES_H
#define TESTS_LIVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOLDS_AT 3 /* unclean ends in a row: times due before such a start wait (C3) */

struct life {
    int64_t ready_at, end_at; /* INT64_MAX: not yet */
    bool    may_hold;         /* a crash loop: overdue times of schedules may wait */
};

struct lives {
    struct life *all;
    size_t       count;
    unsigned     unclean; /* ends in a row that were not planned */
    int64_t     *late_ms; /* of what was due while it was up */
    size_t       samples;
};

void lives_begin(struct lives *l);
void lives_ready(struct lives *l);
/* A planned end of one that is not ready yet may be taken for an unplanned one. */
void lives_end(struct lives *l, bool is_planned);
void lives_free(struct lives *l);

/* How long between the two times it was up and ready and had no reason to hold anything back. */
int64_t lives_waited(const struct lives *l, int64_t from, int64_t until);
/* Keeps how late it was, if it was up, ready and not holding all the time. */
void lives_sample(struct lives *l, int64_t due, int64_t at);
void lives_print(struct lives *l);

#endif
