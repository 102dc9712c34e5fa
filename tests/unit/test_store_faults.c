/* Every call of LMDB and of the file system that the store makes is made to fail, the first, the
 * second, … until a run meets none: each failure leaves the state as it was or, from the flush,
 * wholly before or wholly after.  The wrapped calls are named in the Makefile. */
#include "tests/unit/store_case.h"
#include <errno.h>

/* The countdown: 0 when nothing is to fail, else the call that reaches 1. */
static struct {
    unsigned    left;
    int         rc;
    bool        commit_first; /* mdb_txn_commit: the failure is only in what it says */
    const char *hit;
} fault;

static bool
fails(const char *name)
{
    if (fault.left == 0 || --fault.left > 0) return false;
    fault.hit = name;
    return true;
}

#define WRAP(name, params, args)           \
    int __real_##name params;              \
    int __wrap_##name params;              \
    int __wrap_##name params               \
    {                                      \
        if (fails(#name)) return fault.rc; \
        return __real_##name args;         \
    }
WRAP(mdb_put, (MDB_txn * t, MDB_dbi d, MDB_val *k, MDB_val *v, unsigned f), (t, d, k, v, f))
WRAP(mdb_del, (MDB_txn * t, MDB_dbi d, MDB_val *k, MDB_val *v), (t, d, k, v))
WRAP(mdb_get, (MDB_txn * t, MDB_dbi d, MDB_val *k, MDB_val *v), (t, d, k, v))
WRAP(mdb_stat, (MDB_txn * t, MDB_dbi d, MDB_stat *s), (t, d, s))
WRAP(mdb_cursor_open, (MDB_txn * t, MDB_dbi d, MDB_cursor **c), (t, d, c))
WRAP(mdb_cursor_get, (MDB_cursor * c, MDB_val *k, MDB_val *v, MDB_cursor_op o), (c, k, v, o))
WRAP(mdb_txn_begin, (MDB_env * e, MDB_txn *p, unsigned f, MDB_txn **t), (e, p, f, t))
WRAP(mdb_dbi_open, (MDB_txn * t, const char *n, unsigned f, MDB_dbi *d), (t, n, f, d))
WRAP(mdb_env_create, (MDB_env * *e), (e))
WRAP(mdb_env_open, (MDB_env * e, const char *p, unsigned f, mdb_mode_t m), (e, p, f, m))

int __real_mdb_txn_commit(MDB_txn *t);
int __wrap_mdb_txn_commit(MDB_txn *t);
int
__wrap_mdb_txn_commit(MDB_txn *t)
{
    if (!fails("mdb_txn_commit")) return __real_mdb_txn_commit(t);
    if (fault.commit_first) {
        assert_int_equal(__real_mdb_txn_commit(t), 0);
    } else {
        mdb_txn_abort(t);
    }
    return fault.rc;
}

/* These say what failed by errno. */
#define WRAP_ERRNO(name, params, args)                \
    int __real_##name params;                         \
    int __wrap_##name params;                         \
    int __wrap_##name params                          \
    {                                                 \
        if (!fails(#name)) return __real_##name args; \
        errno = EIO;                                  \
        return -1;                                    \
    }
WRAP_ERRNO(fsync, (int fd), (fd))
WRAP_ERRNO(fstatat, (int fd, const char *p, struct stat *st, int f), (fd, p, st, f))
WRAP_ERRNO(openat, (int fd, const char *p, int f), (fd, p, f))
WRAP_ERRNO(renameat, (int a, const char *x, int b, const char *y), (a, x, b, y))

/* ---- a run that uses every kind of call ---- */

static void
prepare(struct store_case *c)
{
    static const char data[9000];
    struct txn       *t;

    case_begin(c);
    t = must_begin(c);
    for (uint64_t id = 1; id <= 40; id++) {
        struct job_state j = {.id = id, .state = JOB_READY, .lane = 2, .run_at = (int64_t)id};
        job_state_save(t, &j);
    }
    bytes_save(t, BLOB_OUTPUT, 1, view_of(data, sizeof(data)));
    must_commit(&t);
    /* A damaged record and a stale index row, for the run to meet. */
    t = must_begin(c);
    uint8_t key[KEY_BYTES_MAX] = {0, 0, 0, 0, 0, 0, 0, 9};
    row_put(t, PRIMARY_JOB_STATE, view_of(key, 8), view_str("damaged by a test"));
    key[3] = 2; /* job_ready's lane */
    row_put(t, INDEX_job_ready, view_of(key, 21), view_str("no record"));
    must_commit(&t);
}

static void
ignore_report(const char *table, struct view key, void *arg)
{
    (void)table;
    (void)key;
    (void)arg;
}

static void
change_much(struct txn *t)
{
    static const char data[5000];
    struct job_state  j = {.id = 3};
    struct session    named = {.company = 1, .name = view_str("main")};
    struct scan       s;

    if (job_state_load(t, &j) == LOAD_FOUND) {
        j.state = JOB_RUNNING;
        job_state_save(t, &j);
    }
    for (uint64_t id = 9; id < 13; id++) { /* 9 is the damaged one */
        j = (struct job_state){.id = id, .state = JOB_COMPLETED, .ended_at = 7};
        job_state_save(t, &j);
    }
    scan_open(&s, t, INDEX_job_ready, NULL, 0, 0);
    for (int i = 0; i < 6 && scan_next(&s, &j); i++)
        (void)job_state_delete(t, &j);
    scan_close(&s);
    bytes_save(t, BLOB_OUTPUT, 1, view_of(data, sizeof(data)));
    struct session session = {.id = 1, .company = 1, .name = view_str("main")};
    if (rec_find(t, INDEX_session_by_name, &named) == LOAD_ABSENT) session_save(t, &session);
    (void)store_quarantine(t, ignore_report, NULL);
}

/* False when something failed; *unknown as txn_commit says. */
static bool
run(struct store_case *c, bool *unknown)
{
    struct store_space space;
    struct err         e = {0};

    *unknown = false;
    store_reserve(c->store, &space);
    struct txn *t = txn_begin_write(c->store, &e);
    if (!t) {
        assert_true(e.code != E_OK && e.msg[0]);
        return false;
    }
    change_much(t);
    bool had_failed = txn_failed(t);
    bool ok = txn_commit(&t, unknown, &e) == E_OK;
    assert_null(t);
    assert_true(ok == (e.code == E_OK));
    assert_false(had_failed && (ok || *unknown));
    return ok;
}

static uint64_t
hash_after_run(void)
{
    struct store_case c;
    bool              unknown;

    prepare(&c);
    assert_true(run(&c, &unknown));
    uint64_t hash = committed_hash(&c);
    expect_sound(&c);
    case_end(&c);
    return hash;
}

/* One run whose nth call fails.  False when the run has fewer calls. */
static bool
try_nth(unsigned nth, int rc, bool commit_first, uint64_t wanted)
{
    struct store_case c;
    bool              unknown;

    prepare(&c);
    uint64_t before = committed_hash(&c);
    fault.left = nth;
    fault.rc = rc;
    fault.commit_first = commit_first;
    fault.hit = NULL;
    bool ok = run(&c, &unknown);
    bool was_hit = fault.left == 0;
    fault.left = 0;

    bool from_flush = was_hit && strcmp(fault.hit, "mdb_txn_commit") == 0;
    if (unknown) assert_true(from_flush);
    if (from_flush) assert_int_equal(unknown, rc > 0 || rc == MDB_PANIC);
    if (unknown) case_reopen(&c);
    uint64_t after = committed_hash(&c);
    bool     is_done = ok || (from_flush && commit_first);
    assert_int_equal(after, is_done ? wanted : before);
    if (is_done) {
        expect_sound(&c);
    } else { /* it works when it is tried again */
        assert_true(run(&c, &unknown));
        assert_int_equal(committed_hash(&c), wanted);
        expect_sound(&c);
    }
    case_end(&c);
    return was_hit;
}

static void
every_failing_call_leaves_the_old_state_or_the_new(void **state)
{
    static const int codes[] = {MDB_MAP_FULL, MDB_CORRUPTED, MDB_PANIC, EIO, ENOSPC, ENOMEM};
    uint64_t         wanted = hash_after_run();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        unsigned nth = 1;
        while (try_nth(nth, codes[i], false, wanted))
            nth++;
        assert_true(nth > 100);
    }
}

static void
a_commit_that_fails_after_the_flush_has_an_unknown_outcome(void **state)
{
    uint64_t wanted = hash_after_run();
    unsigned nth = 1;

    (void)state;
    while (try_nth(nth, EIO, true, wanted))
        nth++;
    assert_true(nth > 100);
}

static void
what_failed_is_told_apart(void **state)
{
    static const struct {
        int       rc;
        enum errc of_put, of_commit;
    } cases[] = {
        {MDB_MAP_FULL,  E_STORE_FULL, E_STORE_FULL     },
        {ENOSPC,        E_DISK_FULL,  E_DISK_FULL      },
        {EDQUOT,        E_DISK_FULL,  E_DISK_FULL      },
        {EIO,           E_INTERNAL,   E_OUTCOME_UNKNOWN},
        {MDB_PANIC,     E_INTERNAL,   E_OUTCOME_UNKNOWN},
        {MDB_CORRUPTED, E_DAMAGED,    E_DAMAGED        },
    };
    struct store_case c;
    struct job_state  j = {.id = 1};

    (void)state;
    case_begin(&c);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (unsigned nth = 2; nth <= 4; nth += 2) { /* get, put, put of the facts, commit */
            struct err  e = {0};
            bool        unknown;
            struct txn *t = must_begin(&c);
            fault.commit_first = false;
            fault.rc = cases[i].rc;
            fault.left = nth;
            job_state_save(t, &j);
            enum errc code = txn_commit(&t, &unknown, &e);
            assert_int_equal(fault.left, 0);
            assert_string_equal(fault.hit, nth == 2 ? "mdb_put" : "mdb_txn_commit");
            assert_int_equal(code, nth == 2 ? cases[i].of_put : cases[i].of_commit);
            assert_int_equal(e.code, code);
        }
    }
    case_end(&c);
}

/* ---- opening ---- */

static void
a_store_whose_opening_fails_opens_the_next_time(void **state)
{
    struct store_case c;

    (void)state;
    for (int is_new = 0; is_new < 2; is_new++) {
        unsigned   nth = 0;
        uint64_t   incarnation = 0;
        enum errc  code;
        struct err e;
        do {
            if (nth == 0 || is_new) case_begin_without_store(&c);
            if (nth == 0 && !is_new) {
                case_open(&c);
                incarnation = store_incarnation(c.store);
                store_close(&c.store);
            }
            e = (struct err){0};
            fault.rc = EIO;
            fault.left = ++nth;
            code = store_open(&c.store, &c.options, &e);
            bool was_hit = fault.left == 0;
            fault.left = 0;
            assert_int_equal(was_hit, code != E_OK);
            assert_int_equal(c.store == NULL, code != E_OK);
            assert_int_equal(e.msg[0] == '\0', code == E_OK);
            if (code != E_OK) case_open(&c);
            expect_sound(&c);
            if (incarnation) assert_int_equal(store_incarnation(c.store), incarnation);
            if (is_new) {
                case_end(&c);
            } else {
                store_close(&c.store);
            }
        } while (code != E_OK);
        if (!is_new) case_end(&c);
        assert_true(nth > (is_new ? 70 : 30));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_failing_call_leaves_the_old_state_or_the_new),
        cmocka_unit_test(a_commit_that_fails_after_the_flush_has_an_unknown_outcome),
        cmocka_unit_test(what_failed_is_told_apart),
        cmocka_unit_test(a_store_whose_opening_fails_opens_the_next_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
