/* damage_world - rows that are not what they should be, and what fsck says of them. */
#ifndef TESTS_DAMAGE_WORLD_H
#define TESTS_DAMAGE_WORLD_H

#include "tests/unit/engine_rig.h"

/* A transaction in which the test spoils the store. */
static inline struct txn *
begin(struct rig *r)
{
    struct err  e = {0};
    struct txn *t = txn_begin_write(r->store, &e);

    if (!t) fail_msg("%s", e.msg);
    r->is_unchecked = true; /* from here on the store is unsound on purpose */
    return t;
}

static inline void
commit(struct txn *t)
{
    struct err e = {0};
    bool       outcome_unknown;

    if (txn_commit(&t, &outcome_unknown, &e)) fail_msg("%s", e.msg);
}

struct problems {
    const char *about; /* a word that each sentence has; "" for any */
    int         count;
};

static inline void
count_problem(const char *sentence, void *arg)
{
    struct problems *p = arg;

    assert_true(strlen(sentence) > 10);
    assert_non_null(strstr(sentence, p->about));
    p->count++;
}

/* How many problems a recount finds, all of them about this. */
static inline int
problems_of(struct rig *r, const char *about)
{
    struct problems p = {.about = about};
    struct err      e = {0};
    bool            cancel = false;
    struct txn     *t = txn_begin_read(r->store, &e);

    if (!t) fail_msg("%s", e.msg);
    engine_check(t, count_problem, &p, &cancel);
    txn_abort(&t);
    return p.count;
}

#endif
