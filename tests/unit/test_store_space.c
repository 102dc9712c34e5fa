#include "tests/unit/store_case.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define MIB (1 << 20)

static int
begin(void **state)
{
    struct store_case *c = xcalloc(1, sizeof(*c));

    case_begin_without_store(c);
    c->options.map_bytes = 4 * MIB;
    c->options.reserve_floor_bytes = MIB;
    case_open(c);
    *state = c;
    return 0;
}

static bool
can_admit(struct store_case *c)
{
    struct store_space space;

    store_reserve(c->store, &space);
    return space.can_admit;
}

/* One job of 1.5 kB as work that would be refused; false when it does not fit. */
static bool
submit(struct store_case *c, uint64_t id)
{
    static const char payload[1500];
    struct job_spec   s = {.id = id, .source = view_of(payload, sizeof(payload))};
    struct txn       *t = must_begin(c);
    struct err        e = {0};
    bool              outcome_unknown;

    job_spec_save(t, &s);
    enum errc code = txn_commit(&t, &outcome_unknown, &e);
    if (code != E_OK) assert_int_equal(code, E_STORE_FULL);
    assert_false(outcome_unknown);
    return code == E_OK;
}

/* Purges in turns of 100. */
static void
purge(struct store_case *c)
{
    uint64_t left;

    do {
        struct txn     *t = must_begin(c);
        struct job_spec j;
        struct scan     s;
        scan_open(&s, t, PRIMARY_JOB_SPEC, NULL, 0, 0);
        for (int i = 0; i < 100 && scan_next_key(&s, &j); i++)
            assert_true(job_spec_delete(t, &j));
        scan_close(&s);
        left = table_rows(t, TABLE_JOB_SPEC);
        must_commit(&t);
    } while (left > 0);
}

static void
the_file_is_grown_ahead_of_need(void **state)
{
    struct store_case *c = *state;
    struct store_space space;
    struct stat        st;
    char               path[128];

    store_reserve(c->store, &space);
    assert_true(space.can_admit);
    assert_false(space.disk_is_short);
    assert_true(space.file_bytes >= space.used_bytes + MIB);
    assert_true(space.used_bytes > 0 && space.used_bytes < MIB);
    assert_int_equal(space.map_bytes, 4 * MIB);
    assert_true(space.disk_free_bytes > 0);
    case_path(c, "data.mdb", path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, space.file_bytes);
    assert_true((uint64_t)st.st_blocks * 512 >= MIB); /* not only promised */
}

static void
a_full_map_bars_new_work_and_a_purge_lets_it_in_again(void **state)
{
    struct store_case *c = *state;

    for (int round = 0; round < 5; round++) {
        struct store_space space;
        uint64_t           id = 0;
        while (can_admit(c))
            assert_true(submit(c, ++id)); /* while it is admitted it fits */
        store_reserve(c->store, &space);
        assert_false(space.disk_is_short);
        assert_true(space.used_bytes + MIB > space.map_bytes);
        assert_true(id > 500);
        for (uint64_t i = 1; i <= 50; i++) { /* results still fit */
            struct txn      *t = must_begin(c);
            struct job_state j = {.id = i, .state = JOB_COMPLETED, .ended_at = (int64_t)i};
            job_state_save(t, &j);
            must_commit(&t);
        }
        purge(c);
        assert_true(can_admit(c));
    }
    expect_sound(c);
}

static void
a_map_without_room_fails_the_transaction_and_keeps_the_old_state(void **state)
{
    struct store_case *c = *state;
    uint64_t           id = 0;
    uint64_t           hash;

    do
        hash = committed_hash(c);
    while (submit(c, ++id));
    assert_int_equal(committed_hash(c), hash);
    expect_sound(c);
    assert_false(submit(c, id));
    assert_false(can_admit(c));
    c->options.map_bytes = 8 * MIB; /* what the operator does then */
    case_reopen(c);
    assert_int_equal(committed_hash(c), hash);
    assert_true(can_admit(c));
    assert_true(submit(c, id));
    purge(c);
    expect_sound(c);
}

/* A limit on the size of files stands in for a full disk. */
static void
a_file_that_cannot_grow_is_a_short_disk(void **state)
{
    struct store_case *c = *state;
    struct store_space space;
    struct rlimit      old;
    uint64_t           id = 0;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    struct rlimit limit = {2 * MIB, old.rlim_max};
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    while (can_admit(c) && id < 3000)
        assert_true(submit(c, ++id));
    store_reserve(c->store, &space);
    purge(c);
    bool is_well_again = can_admit(c);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    (void)signal(SIGXFSZ, handler);

    assert_true(id > 100 && id < 3000);
    assert_true(space.disk_is_short);
    assert_true(space.file_bytes <= 2 * MIB);
    assert_true(is_well_again);
    expect_sound(c);
}

/* As tools leave it that write without the reserve: the last pages were taken and given back in one
 * transaction, and so never written. */
static void
a_file_that_ends_before_its_free_pages_is_whole(void **state)
{
    static const char  data[1500];
    struct store_case *c = *state;
    unsigned           short_files = 0;

    for (uint64_t rows = 1; rows < 1000; rows += 111) {
        struct txn *t = must_begin(c);
        struct blob b = {.kind = 1, .data = view_of(data, sizeof(data))};
        MDB_envinfo info;
        struct stat st;
        char        path[128];

        for (b.owner = 1; b.owner <= rows; b.owner++)
            blob_save(t, &b);
        for (b.owner = rows; b.owner > 1; b.owner--)
            assert_true(blob_delete(t, &b));
        must_commit(&t);
        assert_int_equal(mdb_env_info(c->store->env, &info), 0);
        case_path(c, "data.mdb", path);
        assert_int_equal(stat(path, &st), 0);
        short_files += (info.me_last_pgno + 1) * 4096 > (uint64_t)st.st_size;
        case_reopen(c);
        expect_sound(c);
    }
    assert_true(short_files > 0);
    assert_true(can_admit(c));
    expect_sound(c);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, case_teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_file_is_grown_ahead_of_need),
        TEST(a_full_map_bars_new_work_and_a_purge_lets_it_in_again),
        TEST(a_map_without_room_fails_the_transaction_and_keeps_the_old_state),
        TEST(a_file_that_cannot_grow_is_a_short_disk),
        TEST(a_file_that_ends_before_its_free_pages_is_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
