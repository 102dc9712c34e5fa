#include "tests/unit/store_case.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

static int
begin(void **state)
{
    struct store_case *c = xcalloc(1, sizeof(*c));

    case_begin_without_store(c);
    *state = c;
    return 0;
}

static void
expect_refused(struct store_case *c, const char *sentence)
{
    struct err e = {0};

    assert_int_not_equal(store_open(&c->store, &c->options, &e), E_OK);
    assert_null(c->store);
    if (!strstr(e.msg, sentence)) fail_msg("\"%s\" does not say \"%s\"", e.msg, sentence);
}

static unsigned
mode_of(const struct store_case *c, const char *name)
{
    char        path[128];
    struct stat st;

    case_path(c, name, path);
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static bool
exists(const struct store_case *c, const char *name)
{
    char path[128];

    case_path(c, name, path);
    return access(path, F_OK) == 0;
}

static void
write_file(const struct store_case *c, const char *name, const void *data, size_t size)
{
    char path[128];

    case_path(c, name, path);
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, size), size);
    close(fd);
}

/* A store with some rows on several pages, closed. */
static void
make_store(struct store_case *c)
{
    case_open(c);
    struct txn *t = must_begin(c);
    for (uint64_t id = 1; id <= 300; id++) {
        struct job_state j = {.id = id, .state = JOB_SCHEDULED, .run_at = (int64_t)id};
        job_state_save(t, &j);
    }
    must_commit(&t);
    store_close(&c->store);
}

static void
a_new_store_is_ours_alone(void **state)
{
    struct store_case *c = *state;
    mode_t             mask = umask(0);

    case_open(c);
    (void)umask(mask);
    assert_int_equal(mode_of(c, ""), 0700);
    assert_int_equal(mode_of(c, "data.mdb"), 0600);
    assert_int_equal(mode_of(c, "lock.mdb"), 0600);
    assert_false(exists(c, "new.mdb"));
    assert_false(exists(c, "new.mdb-lock"));
}

static void
no_descriptor_of_the_store_is_inherited(void **state)
{
    struct store_case *c = *state;
    unsigned           found = 0;

    case_open(c);
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    for (struct dirent *d; (d = readdir(dir));) {
        char    path[300];
        char    target[300] = "";
        ssize_t size;

        (void)snprintf(path, sizeof(path), "/proc/self/fd/%s", d->d_name);
        size = readlink(path, target, sizeof(target) - 1);
        if (size < 0 || strncmp(target, c->dir, strlen(c->dir)) != 0) continue;
        assert_int_equal(fcntl(atoi(d->d_name), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        found++;
    }
    closedir(dir);
    assert_true(found >= 2);
}

static void
the_incarnation_lasts_and_is_each_store_s_own(void **state)
{
    struct store_case *c = *state;
    struct store_case  other;

    case_open(c);
    case_begin(&other);
    uint64_t incarnation = store_incarnation(c->store);
    assert_int_not_equal(incarnation, 0);
    assert_int_not_equal(incarnation, store_incarnation(other.store));
    case_end(&other);
    case_reopen(c);
    assert_int_equal(store_incarnation(c->store), incarnation);
}

static void
a_relaxed_store_keeps_its_records_over_a_close(void **state)
{
    struct store_case *c = *state;

    c->options.relaxed = true;
    make_store(c);
    case_open(c);
    struct txn *t = must_read(c);
    assert_int_equal(table_rows(t, TABLE_JOB_STATE), 300);
    txn_abort(&t);
    expect_sound(c);
}

static void
what_others_can_read_is_refused(void **state)
{
    struct store_case *c = *state;
    char               path[128];

    make_store(c);
    case_path(c, "data.mdb", path);
    assert_int_equal(chmod(path, 0640), 0);
    expect_refused(c, "data.mdb is open to others (mode 0640)");
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(chmod(c->dir, 0710), 0);
    expect_refused(c, "is open to others (mode 0710)");
    assert_int_equal(chmod(c->dir, 0700), 0);
    case_open(c);
}

static void
what_is_no_store_is_refused(void **state)
{
    static const char  zeros[20000];
    struct store_case *c = *state;
    struct err         e = {0};

    assert_int_equal(mkdir(c->dir, 0700), 0);
    write_file(c, "data.mdb", "", 0);
    expect_refused(c, "is not a store");
    write_file(c, "data.mdb", "# notes\n", 8);
    expect_refused(c, "is not a store");
    write_file(c, "data.mdb", zeros, sizeof(zeros));
    expect_refused(c, "is not a store");
    assert_int_not_equal(store_open(&c->store, &c->options, &e), E_OK);
    assert_non_null(strstr(e.hint, "restore a backup"));
}

static void
a_path_that_cannot_be_a_folder_is_refused(void **state)
{
    struct store_case *c = *state;
    char               path[128];

    (void)snprintf(path, sizeof(path), "%s/deeper", c->dir);
    c->options.dir = path;
    expect_refused(c, "cannot make the store's folder");
    c->options.dir = "/dev/null";
    expect_refused(c, "cannot open the store's folder");
}

static void
a_creation_that_did_not_end_is_begun_anew(void **state)
{
    struct store_case *c = *state;

    assert_int_equal(mkdir(c->dir, 0700), 0);
    write_file(c, "new.mdb", "half a page", 11);
    write_file(c, "new.mdb-lock", "", 0);
    case_open(c);
    assert_false(exists(c, "new.mdb"));
    expect_sound(c);
}

static void
a_store_that_was_cut_short_is_refused_at_every_length(void **state)
{
    struct store_case *c = *state;
    struct stat        st;
    char               path[128];

    make_store(c);
    case_path(c, "data.mdb", path);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size > 6 * 4096);
    for (off_t size = st.st_size - 1; size >= 2 * 4096; size -= 1111) {
        assert_int_equal(truncate(path, size), 0);
        expect_refused(c, "is cut off");
    }
    for (off_t size = 2 * 4096 - 1; size >= 0; size -= 97) {
        assert_int_equal(truncate(path, size), 0);
        expect_refused(c, size < 4096 + 168 ? "is not a store" : "is cut off");
    }
}

/* Flips one bit of data.mdb. */
static void
flip(struct store_case *c, off_t at, int bit)
{
    char    path[128];
    uint8_t byte;

    case_path(c, "data.mdb", path);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= (uint8_t)(1 << bit);
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

/* LMDB would divide by a page size of 0, or take the older state. */
static void
flips_in_what_the_head_says_of_itself_are_refused(void **state)
{
    static const struct {
        off_t at;
        int   bytes;
    } fields[] = {
        {16,  4},
        {20,  4},
        {40,  4},
        {144, 8}
    }; /* magic, version, page size, number */
    struct store_case *c = *state;
    int                kept = 0;

    make_store(c);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        for (int bit = 0; bit < 2 * 8 * fields[i].bytes; bit++) {
            off_t      at = bit % 2 * 4096 + fields[i].at + bit / 16;
            struct err e = {0};

            flip(c, at, bit / 2 % 8);
            if (store_open(&c->store, &c->options, &e) == E_OK) {
                kept++; /* a number that still differs by one from the other's */
                store_close(&c->store);
            } else {
                assert_non_null(strstr(e.hint, "restore a backup"));
            }
            flip(c, at, bit / 2 % 8);
        }
    }
    assert_true(kept <= 2);
    case_open(c);
    expect_sound(c);
}

/* Replaces the store's own row. */
static void
set_facts(struct store_case *c, const void *row, size_t size, const struct facts *facts)
{
    MDB_val  k = {5, "store"};
    MDB_val  v = {size, (void *)(uintptr_t)row};
    MDB_txn *txn;

    case_open(c);
    assert_int_equal(mdb_txn_begin(c->store->env, NULL, 0, &txn), 0);
    assert_int_equal(facts ? facts_write(txn, c->store->facts_db, facts)
                           : mdb_put(txn, c->store->facts_db, &k, &v, 0),
                     0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    store_close(&c->store);
}

static void
a_store_of_a_newer_schema_is_refused(void **state)
{
    struct store_case *c = *state;
    struct facts       facts = {.schema = SCHEMA_VERSION + 1, .incarnation = 1};
    char               sentence[200];

    make_store(c);
    set_facts(c, NULL, 0, &facts);
    (void)snprintf(sentence, sizeof(sentence),
                   "the store at %s was written by a newer agentd (schema %d, this one knows %d)",
                   c->dir, SCHEMA_VERSION + 1, SCHEMA_VERSION);
    expect_refused(c, sentence);
}

static void
a_store_whose_own_row_is_damaged_is_refused(void **state)
{
    struct store_case *c = *state;
    char               row[40] = "no facts at all, but of the right size";

    make_store(c);
    set_facts(c, row, sizeof(row), NULL);
    expect_refused(c, "is not a store of agentd");
}

static void
a_store_that_lost_a_table_is_refused(void **state)
{
    struct store_case *c = *state;
    MDB_dbi            main_db;
    MDB_val            k = {9, "job_state"};
    MDB_txn           *txn;

    make_store(c);
    case_open(c);
    assert_int_equal(mdb_txn_begin(c->store->env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, NULL, 0, &main_db), 0);
    assert_int_equal(mdb_drop(txn, c->store->dbs[TABLE_JOB_STATE], 1), 0);
    assert_int_equal(mdb_get(txn, main_db, &k, &k), MDB_NOTFOUND);
    assert_int_equal(mdb_txn_commit(txn), 0);
    store_close(&c->store);
    expect_refused(c, "cannot open the tables");
    expect_refused(c, "cannot open the tables"); /* nor was it made meanwhile */
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, case_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_new_store_is_ours_alone),
        TEST(no_descriptor_of_the_store_is_inherited),
        TEST(the_incarnation_lasts_and_is_each_store_s_own),
        TEST(a_relaxed_store_keeps_its_records_over_a_close),
        TEST(what_others_can_read_is_refused),
        TEST(what_is_no_store_is_refused),
        TEST(a_path_that_cannot_be_a_folder_is_refused),
        TEST(a_creation_that_did_not_end_is_begun_anew),
        TEST(a_store_that_was_cut_short_is_refused_at_every_length),
        TEST(flips_in_what_the_head_says_of_itself_are_refused),
        TEST(a_store_of_a_newer_schema_is_refused),
        TEST(a_store_that_lost_a_table_is_refused),
        TEST(a_store_whose_own_row_is_damaged_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
