#include "tests/unit/store_random.h"

struct reports {
    int  count;
    char last_table[32];
};

static void
count_report(const char *table, struct view key, void *arg)
{
    struct reports *r = arg;

    assert_true(key.size > 0);
    r->count++;
    (void)snprintf(r->last_table, sizeof(r->last_table), "%s", table);
}

static int
problems_of(struct store_case *c)
{
    int         problems = 0;
    struct txn *t = must_read(c);

    (void)store_check(t, count_problem, &problems, NULL); /* the number of rows */
    txn_abort(&t);
    return problems;
}

static size_t
quarantine(struct store_case *c, struct reports *r)
{
    struct txn *t = must_begin(c);
    size_t      count = store_quarantine(t, count_report, r);

    must_commit(&t);
    return count;
}

static uint64_t
quarantined_rows(struct store_case *c)
{
    struct txn *t = must_read(c);
    MDB_stat    stat;

    assert_int_equal(mdb_stat(t->mdb, c->store->quarantine_db, &stat), 0);
    txn_abort(&t);
    return stat.ms_entries;
}

static void
save_jobs(struct store_case *c, uint64_t count)
{
    struct txn *t = must_begin(c);

    for (uint64_t id = 1; id <= count; id++) {
        struct job_state j = {
            .id = id, .state = JOB_READY, .lane = 1, .expires_at = 99, .token = id};
        job_state_save(t, &j);
    }
    must_commit(&t);
}

static struct view
key_in(enum index_id id, const void *rec, uint8_t out[KEY_BYTES_MAX])
{
    return view_of(out, key_encode(key_desc(id), key_desc(id)->part_count, rec, out));
}

/* Flips one bit of a row's value behind the store's back; from_end counts bytes from the end. */
static void
flip(struct store_case *c, enum index_id id, const void *rec, size_t byte, bool from_end, int bit)
{
    uint8_t             bytes[KEY_BYTES_MAX];
    struct view         key = key_in(id, rec, bytes);
    struct view         value;
    BUF_AUTO struct buf copy = {0};
    struct txn         *t = must_begin(c);

    assert_int_equal(row_get(t, id, key, &value), LOAD_FOUND);
    buf_add_view(&copy, value);
    size_t at = from_end ? copy.size - 1 - byte : byte;
    copy.data[at] = (char)(copy.data[at] ^ 1 << bit);
    row_put(t, id, key, buf_view(&copy));
    must_commit(&t);
}

static void
flip_job(struct store_case *c, uint64_t id)
{
    struct job_state j = {.id = id};

    flip(c, PRIMARY_JOB_STATE, &j, 5, false, 3);
}

static void
a_damaged_record_is_never_served(void **state)
{
    struct store_case *c = *state;
    struct job_state   j = {.id = 2, .turns = 1234};
    struct scan        s;
    unsigned           seen = 0;

    save_jobs(c, 3);
    flip_job(c, 2);
    struct txn *t = must_read(c);
    assert_int_equal(job_state_load(t, &j), LOAD_DAMAGED);
    assert_int_equal(j.turns, 1234);
    assert_true(store_has_damage(c->store));
    scan_open(&s, t, INDEX_job_ready, NULL, 0, 0);
    while (scan_next(&s, &j))
        seen += (unsigned)j.id;
    scan_close(&s);
    assert_int_equal(seen, 1 + 3);
    seen = 0;
    scan_open(&s, t, PRIMARY_JOB_STATE, NULL, 0, 0);
    while (scan_next(&s, &j))
        seen += (unsigned)j.id;
    scan_close(&s);
    assert_int_equal(seen, 1 + 3);
    txn_abort(&t);
}

static void
damage_does_not_fail_a_transaction(void **state)
{
    struct store_case *c = *state;
    struct job_state   j = {.id = 2};

    save_jobs(c, 3);
    flip_job(c, 2);
    struct txn *t = must_begin(c);
    assert_int_equal(job_state_load(t, &j), LOAD_DAMAGED);
    assert_false(txn_failed(t));
    j = (struct job_state){.id = 9};
    job_state_save(t, &j);
    must_commit(&t);
    t = must_read(c);
    assert_int_equal(job_state_load(t, &j), LOAD_FOUND);
    txn_abort(&t);
}

static void
quarantine_takes_the_record_and_its_index_entries(void **state)
{
    struct store_case *c = *state;
    struct job_state   j = {.id = 2};
    struct reports     r = {0};

    save_jobs(c, 3);
    flip_job(c, 2);
    assert_int_equal(quarantine(c, &r), 0); /* nothing was met yet */
    struct txn *t = must_read(c);
    assert_int_equal(job_state_load(t, &j), LOAD_DAMAGED);
    assert_int_equal(job_state_load(t, &j), LOAD_DAMAGED);
    txn_abort(&t);
    assert_true(problems_of(c) > 0);

    assert_int_equal(quarantine(c, &r), 1);
    assert_int_equal(r.count, 1);
    assert_string_equal(r.last_table, "job_state");
    assert_false(store_has_damage(c->store));
    assert_int_equal(quarantined_rows(c), 1);
    t = must_read(c);
    assert_int_equal(job_state_load(t, &j), LOAD_ABSENT);
    assert_int_equal(table_rows(t, TABLE_JOB_STATE), 2);
    txn_abort(&t);
    expect_sound(c);
}

static void
the_state_hash_is_exact_after_quarantine_whatever_byte_was_damaged(void **state)
{
    struct store_case *c = *state;
    struct job_state   j = {.id = 1};

    save_jobs(c, 60);
    for (size_t byte = 0; byte < 50; byte++, j.id++) {
        struct job_state copy = j;
        struct reports   r = {0};
        flip(c, PRIMARY_JOB_STATE, &j, byte % 20, byte < 20, (int)byte % 8);
        struct txn *t = must_read(c);
        assert_int_equal(job_state_load(t, &copy), LOAD_DAMAGED);
        txn_abort(&t);
        assert_int_equal(quarantine(c, &r), 1);
        expect_sound(c);
    }
}

static void
a_save_over_a_damaged_record_quarantines_it_first(void **state)
{
    struct store_case *c = *state;
    struct job_state   j = {.id = 2, .state = JOB_COMPLETED, .token = 8};
    struct reports     r = {0};

    save_jobs(c, 3);
    flip_job(c, 2);
    struct txn *t = must_begin(c);
    job_state_save(t, &j);
    must_commit(&t);
    expect_sound(c);
    assert_int_equal(quarantined_rows(c), 1);
    assert_int_equal(quarantine(c, &r), 1); /* it is still to be reported */
    assert_int_equal(r.count, 1);
    t = must_read(c);
    assert_int_equal(job_state_load(t, &j), LOAD_FOUND);
    assert_int_equal(j.token, 8);
    txn_abort(&t);
    expect_sound(c);
}

static void
a_delete_of_a_damaged_record_quarantines_it(void **state)
{
    struct store_case *c = *state;
    struct job_state   j = {.id = 2};

    save_jobs(c, 3);
    flip_job(c, 2);
    struct txn *t = must_begin(c);
    assert_false(job_state_delete(t, &j));
    must_commit(&t);
    assert_int_equal(quarantined_rows(c), 1);
    assert_true(store_has_damage(c->store));
    expect_sound(c);
}

static void
an_abort_undoes_a_quarantine(void **state)
{
    struct store_case *c = *state;
    struct job_state   j = {.id = 2, .state = JOB_COMPLETED};
    struct reports     r = {0};

    save_jobs(c, 3);
    flip_job(c, 2);
    struct txn *t = must_begin(c);
    job_state_save(t, &j);
    txn_abort(&t);
    assert_int_equal(quarantined_rows(c), 0);
    assert_true(store_has_damage(c->store));
    assert_int_equal(quarantine(c, &r), 1);
    assert_int_equal(quarantined_rows(c), 1);
    expect_sound(c);
}

static void
more_damage_than_the_list_holds_is_found_in_turns(void **state)
{
    struct store_case *c = *state;
    struct reports     r = {0};
    int                turns = 0;

    save_jobs(c, 200);
    for (uint64_t id = 1; id <= 200; id++)
        flip_job(c, id);
    do {
        struct job_state j;
        struct scan      s;
        struct txn      *t = must_read(c);
        scan_open(&s, t, PRIMARY_JOB_STATE, NULL, 0, 0);
        assert_false(scan_next(&s, &j));
        scan_close(&s);
        txn_abort(&t);
        assert_true(turns++ < 10);
    } while (quarantine(c, &r) > 0);
    assert_int_equal(r.count, 200);
    assert_int_equal(quarantined_rows(c), 200);
    expect_sound(c);
}

/* ---- index rows ---- */

/* Moves an index row of a job to another key or value behind the store's back. */
static void
spoil_entry(struct store_case *c, uint64_t id, bool spoil_key)
{
    struct job_state j = {.id = id};
    uint8_t          bytes[KEY_BYTES_MAX];
    uint8_t          primary[KEY_BYTES_MAX];
    struct txn      *t = must_begin(c);

    assert_int_equal(job_state_load(t, &j), LOAD_FOUND);
    struct view key = key_in(INDEX_job_ready, &j, bytes);
    (void)key_encode(key_desc(PRIMARY_JOB_STATE), 1, &j, primary); /* 8 bytes */
    row_del(t, INDEX_job_ready, key);
    if (spoil_key) {
        bytes[7] ^= 1; /* within run_at */
    } else {
        primary[6] ^= 1; /* 256 jobs further on */
    }
    row_put(t, INDEX_job_ready, key, view_of(primary, 8));
    must_commit(&t);
}

static unsigned
ready_jobs(struct store_case *c)
{
    struct job_state j;
    struct scan      s;
    unsigned         count = 0;
    struct txn      *t = must_read(c);

    scan_open(&s, t, INDEX_job_ready, NULL, 0, 0);
    while (scan_next(&s, &j))
        count++;
    scan_close(&s);
    txn_abort(&t);
    return count;
}

static void
a_spoilt_index_row_is_passed_over_and_made_anew(void **state)
{
    struct store_case *c = *state;
    struct reports     r = {0};

    save_jobs(c, 3);
    for (int spoil_key = 0; spoil_key < 2; spoil_key++) {
        spoil_entry(c, 2, spoil_key);
        assert_int_equal(ready_jobs(c), 2);
        assert_true(store_has_damage(c->store));
        assert_true(problems_of(c) > 0);
        assert_int_equal(quarantine(c, &r), 1);
        assert_string_equal(r.last_table, "job_ready");
        assert_int_equal(ready_jobs(c), 3);
        expect_sound(c);
    }
}

static void
a_unique_index_row_without_its_record_is_damage(void **state)
{
    struct store_case *c = *state;
    struct session     s = {.id = 1, .company = 4, .name = view_str("main")};
    struct session     found = {.company = 4, .name = view_str("main")};
    uint8_t            bytes[KEY_BYTES_MAX];
    uint8_t            primary[] = {0, 0, 0, 9};
    struct reports     r = {0};
    struct txn        *t = must_begin(c);

    row_put(t, INDEX_session_by_name, key_in(INDEX_session_by_name, &s, bytes),
            view_of(primary, sizeof(primary)));
    must_commit(&t);
    t = must_read(c);
    assert_int_equal(rec_find(t, INDEX_session_by_name, &found), LOAD_DAMAGED);
    txn_abort(&t);
    assert_int_equal(quarantine(c, &r), 1);
    t = must_begin(c);
    assert_int_equal(rec_find(t, INDEX_session_by_name, &found), LOAD_ABSENT);
    session_save(t, &s);
    must_commit(&t);
    expect_sound(c);
}

static void
rows_with_keys_or_values_of_a_wrong_size_are_damage(void **state)
{
    struct store_case *c = *state;
    struct reports     r = {0};
    struct txn        *t = must_begin(c);

    row_put(t, INDEX_job_ready, view_str("short"), view_str("12345678"));
    row_put(t, INDEX_job_ready, view_str("a key of 21 bytes, ok"), view_of("", 0));
    row_put(t, PRIMARY_JOB_STATE, view_str("no u64 at all"), view_str("value"));
    row_put(t, PRIMARY_JOB_STATE, view_str("8 bytes!"), view_of("", 0));
    must_commit(&t);
    save_jobs(c, 1);
    assert_true(problems_of(c) >= 4);
    assert_int_equal(ready_jobs(c), 1);
    assert_int_equal(quarantine(c, &r), 2);
    t = must_read(c);
    struct job_state j;
    struct scan      s;
    scan_open(&s, t, PRIMARY_JOB_STATE, NULL, 0, 0);
    assert_true(scan_next(&s, &j));
    assert_false(scan_next(&s, &j));
    scan_close(&s);
    txn_abort(&t);
    assert_int_equal(quarantine(c, &r), 2);
    expect_sound(c);
}

/* ---- store_check ---- */

static void
the_check_names_what_it_finds(void **state)
{
    struct store_case *c = *state;
    struct job_state   j = {.id = 2, .state = JOB_READY, .lane = 1, .expires_at = 99, .token = 2};
    uint8_t            bytes[KEY_BYTES_MAX];

    save_jobs(c, 3);
    assert_int_equal(problems_of(c), 0);
    struct txn *t = must_begin(c);
    row_del(t, INDEX_job_expiry, key_in(INDEX_job_expiry, &j, bytes));
    must_commit(&t);
    assert_int_equal(problems_of(c), 1); /* a record without its entry */
    t = must_begin(c);
    assert_true(job_state_delete(t, &j)); /* the entry that is not there is no trouble */
    job_state_save(t, &j);
    must_commit(&t);
    assert_int_equal(problems_of(c), 0);

    t = must_begin(c);
    t->state_hash++;
    j.id = 3;
    assert_true(job_state_delete(t, &j));
    must_commit(&t);
    assert_int_equal(problems_of(c), 1); /* the state hash */
}

static void
the_check_stops_when_it_is_cancelled(void **state)
{
    struct store_case *c = *state;
    bool               cancel = true;
    int                problems = 0;

    save_jobs(c, 3);
    flip_job(c, 2);
    struct txn *t = must_read(c);
    assert_int_equal(store_check(t, count_problem, &problems, &cancel), 0);
    assert_int_equal(problems, 0);
    cancel = false;
    assert_int_equal(store_check(t, count_problem, &problems, &cancel), 3 + 3 + 3);
    assert_true(problems > 0);
    txn_abort(&t);
}

static void
every_flipped_bit_of_any_record_is_found_and_healed(void **state)
{
    struct store_case *c = *state;
    uint64_t           seed = 21;
    struct arena       a;

    arena_init(&a);
    for (int round = 0; round < 300; round++) {
        enum table_id  table = (enum table_id)(next_random(&seed) % TABLE_COUNT);
        union record   r;
        uint8_t        bytes[KEY_BYTES_MAX];
        struct view    value;
        union record   copy;
        struct reports reports = {0};

        random_record(&seed, &a, table_desc(table), &r);
        struct txn *t = must_begin(c);
        rec_save(t, table, &r);
        assert_int_equal(
            row_get(t, (enum index_id)table, key_in((enum index_id)table, &r, bytes), &value),
            LOAD_FOUND);
        size_t byte = next_random(&seed) % value.size;
        must_commit(&t);
        flip(c, (enum index_id)table, &r, byte, false, (int)(next_random(&seed) % 8));
        assert_true(problems_of(c) > 0);
        t = must_read(c);
        copy = r;
        assert_int_equal(rec_load(t, table, &copy), LOAD_DAMAGED);
        txn_abort(&t);
        assert_int_equal(quarantine(c, &reports), 1);
        assert_int_equal(problems_of(c), 0);
    }
    arena_done(&a);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, case_setup, case_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_damaged_record_is_never_served),
        TEST(damage_does_not_fail_a_transaction),
        TEST(quarantine_takes_the_record_and_its_index_entries),
        TEST(the_state_hash_is_exact_after_quarantine_whatever_byte_was_damaged),
        TEST(a_save_over_a_damaged_record_quarantines_it_first),
        TEST(a_delete_of_a_damaged_record_quarantines_it),
        TEST(an_abort_undoes_a_quarantine),
        TEST(more_damage_than_the_list_holds_is_found_in_turns),
        TEST(a_spoilt_index_row_is_passed_over_and_made_anew),
        TEST(a_unique_index_row_without_its_record_is_damage),
        TEST(rows_with_keys_or_values_of_a_wrong_size_are_damage),
        TEST(the_check_names_what_it_finds),
        TEST(the_check_stops_when_it_is_cancelled),
        TEST(every_flipped_bit_of_any_record_is_found_and_healed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
