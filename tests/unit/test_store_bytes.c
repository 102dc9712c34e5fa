#include "tests/unit/store_case.h"

static struct view
pattern(char *data, size_t size, char salt)
{
    for (size_t i = 0; i < size; i++)
        data[i] = (char)(i * 31 + i / 4000 + (size_t)salt);
    return view_of(data, size);
}

static void
bytes_of_every_length_come_back(void **state)
{
    static const size_t sizes[] = {1, 3999, 4000, 4001, 8000, 8001, 100000};
    static char         data[100000];
    struct store_case  *c = *state;
    struct txn         *t = must_begin(c);
    struct view         out;

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct view in = pattern(data, sizes[i], (char)i);
        bytes_save(t, BLOB_PAYLOAD, i + 1, in);
        assert_int_equal(bytes_load(t, BLOB_PAYLOAD, i + 1, (uint32_t)sizes[i], &out), LOAD_FOUND);
        assert_true(view_eq(in, out));
        assert_int_equal(bytes_load(t, BLOB_OUTPUT, i + 1, (uint32_t)sizes[i], &out), LOAD_ABSENT);
    }
    must_commit(&t);
    expect_sound(c);
}

static void
bytes_of_another_length_than_promised_are_damaged(void **state)
{
    static char        data[12000];
    struct store_case *c = *state;
    struct txn        *t = must_begin(c);
    struct blob        chunk = {.kind = BLOB_OUTPUT, .owner = 7};
    struct view        out;

    bytes_save(t, BLOB_OUTPUT, 7, pattern(data, 9000, 1));
    static const uint32_t wrong[] = {0, 1, 4000, 8000, 8001, 8999, 9001, 12000, 12001, UINT32_MAX};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_int_equal(bytes_load(t, BLOB_OUTPUT, 7, wrong[i], &out), LOAD_DAMAGED);
    chunk.chunk = 1;
    assert_true(blob_delete(t, &chunk));
    assert_int_equal(bytes_load(t, BLOB_OUTPUT, 7, 9000, &out), LOAD_DAMAGED);
    chunk.chunk = 0;
    assert_true(blob_delete(t, &chunk));
    assert_int_equal(bytes_load(t, BLOB_OUTPUT, 7, 9000, &out), LOAD_DAMAGED);
    txn_abort(&t);
}

static void
shorter_bytes_leave_nothing_of_longer_ones(void **state)
{
    static char        data[20000];
    struct store_case *c = *state;
    struct txn        *t = must_begin(c);
    struct view        out;

    bytes_save(t, BLOB_EFFECT, 1, pattern(data, 4100, 3));
    bytes_save(t, BLOB_EFFECT, 2, pattern(data, 20000, 1));
    bytes_save(t, BLOB_EFFECT, 3, pattern(data, 4100, 3));
    bytes_save(t, BLOB_EFFECT, 2, pattern(data, 5000, 2));
    assert_int_equal(bytes_load(t, BLOB_EFFECT, 2, 5000, &out), LOAD_FOUND);
    assert_true(view_eq(out, pattern(data, 5000, 2)));
    assert_int_equal(table_rows(t, TABLE_BLOB), 6);
    bytes_delete(t, BLOB_EFFECT, 2);
    assert_int_equal(bytes_load(t, BLOB_EFFECT, 2, 5000, &out), LOAD_ABSENT);
    assert_int_equal(table_rows(t, TABLE_BLOB), 4);
    must_commit(&t);
    expect_sound(c);
}

/* One overflow page: a chunk whose keys and sizes are the longest that there are. */
static void
a_chunk_takes_one_overflow_page(void **state)
{
    static char        data[400 * BLOB_CHUNK];
    struct store_case *c = *state;
    struct store_space before;
    struct store_space after;

    store_reserve(c->store, &before);
    struct txn *t = must_begin(c);
    bytes_save(t, BLOB_REPLY, UINT64_MAX, pattern(data, sizeof(data), 1));
    must_commit(&t);
    store_reserve(c->store, &after);
    assert_true((after.used_bytes - before.used_bytes) / 4096 < 400 + 20);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, case_setup, case_teardown)
    const struct CMUnitTest tests[] = {
        TEST(bytes_of_every_length_come_back),
        TEST(bytes_of_another_length_than_promised_are_damaged),
        TEST(shorter_bytes_leave_nothing_of_longer_ones),
        TEST(a_chunk_takes_one_overflow_page),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
