/* store_case - what the tests of the store share: a store in a folder of its own, and transactions
 * that must succeed. */
#ifndef TESTS_STORE_CASE_H
#define TESTS_STORE_CASE_H

#include "supervisor/store/internal.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct store_case {
    char                 dir[64];
    struct store_options options;
    struct store        *store;
};

static inline void
case_path(const struct store_case *c, const char *name, char out[128])
{
    (void)snprintf(out, 128, "%s/%s", c->dir, name);
}

static inline void
case_open(struct store_case *c)
{
    struct err e = {0};

    if (store_open(&c->store, &c->options, &e)) fail_msg("%s", e.msg);
}

static inline void
case_reopen(struct store_case *c)
{
    store_close(&c->store);
    case_open(c);
}

/* The folder itself is made by the store. */
static inline void
case_begin_without_store(struct store_case *c)
{
    char top[] = "/tmp/agentd-store-XXXXXX";

    assert_non_null(mkdtemp(top));
    *c = (struct store_case){
        .options = {.map_bytes = 64 << 20, .reserve_floor_bytes = 1 << 20}
    };
    (void)snprintf(c->dir, sizeof(c->dir), "%s/store", top);
    c->options.dir = c->dir;
}

static inline void
case_begin(struct store_case *c)
{
    case_begin_without_store(c);
    case_open(c);
}

static inline void
case_end(struct store_case *c)
{
    static const char *const files[] = {"data.mdb", "lock.mdb", "new.mdb", "new.mdb-lock"};
    char                     path[128];

    /* A test that failed may have left a transaction; closing would abort and hide its message. */
    if (c->store && c->store->writer) c->store = NULL;
    store_close(&c->store);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        case_path(c, files[i], path);
        (void)unlink(path);
    }
    (void)rmdir(c->dir);
    *strrchr(c->dir, '/') = '\0';
    (void)rmdir(c->dir);
}

/* For cmocka: *state is the case. */
static inline int
case_setup(void **state)
{
    struct store_case *c = xcalloc(1, sizeof(*c));

    case_begin(c);
    *state = c;
    return 0;
}

static inline int
case_teardown(void **state)
{
    struct store_case *c = *state;

    case_end(c);
    free(c);
    return 0;
}

static inline struct txn *
must_begin(struct store_case *c)
{
    struct err  e = {0};
    struct txn *t = txn_begin_write(c->store, &e);

    if (!t) fail_msg("%s", e.msg);
    return t;
}

static inline struct txn *
must_read(struct store_case *c)
{
    struct err  e = {0};
    struct txn *t = txn_begin_read(c->store, &e);

    if (!t) fail_msg("%s", e.msg);
    return t;
}

static inline void
must_commit(struct txn **t)
{
    struct err e = {0};
    bool       outcome_unknown;

    if (txn_commit(t, &outcome_unknown, &e)) fail_msg("%s", e.msg);
    assert_false(outcome_unknown);
}

static inline void
print_problem(const char *sentence, void *arg)
{
    (*(int *)arg)++;
    print_message("%s\n", sentence);
}

static inline void
count_problem(const char *sentence, void *arg)
{
    (void)sentence;
    (*(int *)arg)++;
}

static inline void
expect_sound(struct store_case *c)
{
    int         problems = 0;
    struct txn *t = must_read(c);

    (void)store_check(t, print_problem, &problems, NULL); /* the number of rows */
    txn_abort(&t);
    assert_int_equal(problems, 0);
}

static inline uint64_t
committed_hash(struct store_case *c)
{
    struct txn *t = must_read(c);
    uint64_t    hash = txn_state_hash(t);

    txn_abort(&t);
    return hash;
}

/* xorshift: small and the same everywhere. */
static inline uint64_t
next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

#endif
