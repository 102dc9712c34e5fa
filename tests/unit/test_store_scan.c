#include "tests/unit/store_case.h"

/* A ready job: its order within the lane is priority downwards, then run_at, then id. */
static void
add(struct txn *t, uint64_t id, uint32_t lane, uint8_t priority, int64_t run_at)
{
    struct job_state j = {
        .id = id, .state = JOB_READY, .lane = lane, .priority = priority, .run_at = run_at};

    job_state_save(t, &j);
}

static void
add_some(struct txn *t)
{
    add(t, 1, 5, 10, 100);
    add(t, 2, 5, 90, 300);
    add(t, 3, 5, 90, -200);
    add(t, 4, 5, 10, 100);
    add(t, 5, 6, 50, 0);
    add(t, 6, 4, 50, 0);
}

static void
expect_ids(struct scan *s, const char *wanted)
{
    char             got[64] = "";
    struct job_state j;

    while (scan_next(s, &j))
        (void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "%d ", (int)j.id);
    assert_string_equal(got, wanted);
    assert_false(scan_next(s, &j)); /* and stays at the end */
    scan_close(s);
}

static void
a_prefix_bounds_a_scan_and_descending_fields_go_down(void **state)
{
    struct txn      *t = must_begin(*state);
    struct job_state from = {.lane = 5};
    struct scan      s;

    add_some(t);
    scan_open(&s, t, INDEX_job_ready, &from, 1, 1);
    expect_ids(&s, "3 2 1 4 ");
    scan_open(&s, t, INDEX_job_ready, NULL, 0, 0);
    expect_ids(&s, "6 3 2 1 4 5 ");
    from.lane = 7;
    scan_open(&s, t, INDEX_job_ready, &from, 1, 1);
    expect_ids(&s, "");
    txn_abort(&t);
}

static void
a_scan_begins_where_it_is_told(void **state)
{
    struct txn      *t = must_begin(*state);
    struct job_state from = {.lane = 5, .priority = 90, .run_at = 0};
    struct scan      s;

    add_some(t);
    scan_open(&s, t, INDEX_job_ready, &from, 1, 3);
    expect_ids(&s, "2 1 4 ");
    scan_open(&s, t, INDEX_job_ready, &from, 2, 3);
    expect_ids(&s, "2 ");
    from = (struct job_state){.lane = 5, .priority = 10, .run_at = 100, .id = 2};
    scan_open(&s, t, INDEX_job_ready, &from, 0, 4);
    expect_ids(&s, "4 5 ");
    txn_abort(&t);
}

static void
a_seek_goes_on_or_back_within_the_prefix(void **state)
{
    struct txn      *t = must_begin(*state);
    struct job_state from = {.lane = 5};
    struct job_state j;
    struct scan      s;

    add_some(t);
    scan_open(&s, t, INDEX_job_ready, &from, 1, 1);
    assert_true(scan_next(&s, &j));
    from.priority = 10;
    scan_seek(&s, &from, 2);
    assert_true(scan_next(&s, &j));
    assert_int_equal(j.id, 1);
    from.priority = 90;
    scan_seek(&s, &from, 2);
    expect_ids(&s, "3 2 1 4 ");
    txn_abort(&t);
}

static void
keys_alone_fill_the_key_fields_and_no_others(void **state)
{
    struct txn      *t = must_begin(*state);
    struct job_state from = {.lane = 5};
    struct job_state j = {.token = 77};
    struct scan      s;

    add_some(t);
    scan_open(&s, t, INDEX_job_ready, &from, 1, 1);
    assert_true(scan_next_key(&s, &j));
    assert_int_equal(j.id, 3);
    assert_int_equal(j.priority, 90);
    assert_int_equal(j.run_at, -200);
    assert_int_equal(j.lane, 5);
    assert_int_equal(j.token, 77);
    scan_close(&s);

    struct object o = {.id = 9, .kind = KIND_SINK, .company = 2, .name = view_str("mail")};
    object_save(t, &o);
    scan_open(&s, t, INDEX_object_by_name, NULL, 0, 0);
    o.name = view_str("left over");
    assert_true(scan_next_key(&s, &o));
    assert_int_equal(o.company, 2);
    assert_int_equal(o.name.size, 0);
    scan_close(&s);
    txn_abort(&t);
}

static void
records_that_a_scan_deletes_do_not_disturb_it(void **state)
{
    struct txn      *t = must_begin(*state);
    struct job_state j;
    struct scan      s;
    uint64_t         seen = 0;

    for (uint64_t id = 1; id <= 3000; id++)
        add(t, id, 1, 0, 0);
    scan_open(&s, t, PRIMARY_JOB_STATE, NULL, 0, 0);
    while (scan_next(&s, &j)) {
        assert_int_equal(j.id, ++seen);
        assert_true(job_state_delete(t, &j));
    }
    scan_close(&s);
    assert_int_equal(seen, 3000);
    assert_int_equal(table_rows(t, TABLE_JOB_STATE), 0);
    txn_abort(&t);
}

static void
a_scan_sees_what_is_written_ahead_of_it_and_not_what_is_behind(void **state)
{
    struct txn      *t = must_begin(*state);
    struct job_state j;
    struct scan      s;

    add(t, 10, 1, 0, 0);
    add(t, 20, 1, 0, 0);
    scan_open(&s, t, PRIMARY_JOB_STATE, NULL, 0, 0);
    assert_true(scan_next(&s, &j));
    assert_int_equal(j.id, 10);
    add(t, 5, 1, 0, 0);
    add(t, 15, 1, 0, 0);
    expect_ids(&s, "15 20 ");
    txn_abort(&t);
}

/* What a scan returned is its own copy: a write to the very record leaves it as it was. */
static void
a_scanned_record_outlives_writes_until_the_next_step(void **state)
{
    struct txn      *t = must_begin(*state);
    struct job_state j = {.id = 1, .failure_message = view_str("as it was read")};
    struct scan      s;

    job_state_save(t, &j);
    scan_open(&s, t, PRIMARY_JOB_STATE, NULL, 0, 0);
    assert_true(scan_next(&s, &j));
    struct job_state other = {.id = 1, .failure_message = view_str("overwritten!!!")};
    job_state_save(t, &other);
    assert_true(view_is(j.failure_message, "as it was read"));
    scan_close(&s);
    txn_abort(&t);
}

static void
scans_may_nest(void **state)
{
    struct txn      *t = must_begin(*state);
    struct job_state outer;
    struct job_state inner;
    struct scan      a;
    struct scan      b;
    unsigned         pairs = 0;

    add_some(t);
    scan_open(&a, t, PRIMARY_JOB_STATE, NULL, 0, 0);
    while (scan_next(&a, &outer)) {
        scan_open(&b, t, INDEX_job_ready, &outer, 1, 1);
        while (scan_next(&b, &inner)) {
            inner.token++;
            job_state_save(t, &inner);
            pairs++;
        }
        scan_close(&b);
    }
    scan_close(&a);
    assert_int_equal(pairs, 4 * 4 + 1 + 1);
    txn_abort(&t);
}

static void
read_transactions_scan_too_and_closing_twice_is_harmless(void **state)
{
    struct txn *t = must_begin(*state);
    struct scan s;

    add_some(t);
    must_commit(&t);
    t = must_read(*state);
    scan_open(&s, t, PRIMARY_JOB_STATE, NULL, 0, 0);
    expect_ids(&s, "1 2 3 4 5 6 ");
    scan_close(&s);
    txn_abort(&t);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, case_setup, case_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_prefix_bounds_a_scan_and_descending_fields_go_down),
        TEST(a_scan_begins_where_it_is_told),
        TEST(a_seek_goes_on_or_back_within_the_prefix),
        TEST(keys_alone_fill_the_key_fields_and_no_others),
        TEST(records_that_a_scan_deletes_do_not_disturb_it),
        TEST(a_scan_sees_what_is_written_ahead_of_it_and_not_what_is_behind),
        TEST(a_scanned_record_outlives_writes_until_the_next_step),
        TEST(scans_may_nest),
        TEST(read_transactions_scan_too_and_closing_twice_is_harmless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
