#include "tests/unit/store_case.h"

#define OLD_SCHEMA 1
#define ROWS       4500 /* more than are indexed between two commits */

static int
begin(void **state)
{
    struct store_case *c = xcalloc(1, sizeof(*c));

    case_begin(c);
    *state = c;
    return 0;
}

static void
fill(struct store_case *c)
{
    struct txn *t = must_begin(c);

    for (uint64_t id = 1; id <= ROWS; id++) {
        struct job_state j = {.id = id, .state = JOB_READY, .lane = 1, .run_at = (int64_t)(id % 9)};
        struct firing    f = {.schedule = (uint32_t)(id % 7), .nominal_at = (int64_t)id};
        struct effect    ef = {.id = id, .status = STATUS_DELIVERED, .updated_at = (int64_t)id};
        job_state_save(t, &j);
        firing_save(t, &f);
        effect_save(t, &ef);
    }
    for (uint32_t id = 1; id <= 50; id++) {
        struct schedule s = {.id = id, .agent = id % 3, .next_at = id, .due_at = id};
        struct session  n = {.id = id, .company = id, .name = view_of("name", id % 5)};
        schedule_save(t, &s);
        session_save(t, &n);
    }
    must_commit(&t);
}

/* As a store of the old schema is: without some of the entries, and with others that are wrong. */
static void
make_old(struct store_case *c)
{
    static const enum index_id lost[] = {INDEX_schedule_by_agent, INDEX_firing_by_schedule,
                                         INDEX_effect_settled};
    struct txn                *t = must_begin(c);
    uint8_t                    bytes[KEY_BYTES_MAX];
    struct job_state           j = {.id = 99999, .lane = 5};

    for (size_t i = 0; i < ARRAY_LEN(lost); i++)
        while (store_empty_index(t, lost[i])) {
        }
    size_t size = key_encode(key_desc(INDEX_job_ready), 4, &j, bytes);
    row_put(t, INDEX_job_ready, view_of(bytes, size), view_str("12345678"));
    c->store->facts.schema = OLD_SCHEMA;
    must_commit(&t);
}

static uint64_t
stored_schema(struct store_case *c)
{
    struct facts f;
    struct txn  *t = must_read(c);

    assert_int_equal(facts_read(t->mdb, c->store->facts_db, &f), 0);
    txn_abort(&t);
    return f.schema;
}

static uint64_t
rows_by_scan(struct store_case *c, enum index_id index)
{
    struct txn  *t = must_read(c);
    union record rec;
    struct scan  s;
    uint64_t     n = 0;

    scan_open(&s, t, index, NULL, 0, 0);
    while (scan_next(&s, &rec))
        n++;
    scan_close(&s);
    txn_abort(&t);
    return n;
}

static void
the_indexes_of_an_old_store_are_built_again(void **state)
{
    struct store_case *c = *state;

    fill(c);
    uint64_t hash = committed_hash(c);
    uint64_t incarnation = store_incarnation(c->store);
    make_old(c);
    assert_int_equal(stored_schema(c), OLD_SCHEMA);
    case_reopen(c);
    expect_sound(c);
    assert_int_equal(stored_schema(c), SCHEMA_VERSION);
    assert_int_equal(committed_hash(c), hash);
    assert_int_equal(store_incarnation(c->store), incarnation);
    assert_int_equal(rows_by_scan(c, INDEX_job_ready), ROWS);
    assert_int_equal(rows_by_scan(c, INDEX_firing_by_schedule), ROWS);
    assert_int_equal(rows_by_scan(c, INDEX_effect_settled), ROWS);
    assert_int_equal(rows_by_scan(c, INDEX_schedule_by_agent), 34);
    assert_int_equal(rows_by_scan(c, INDEX_session_by_name), 50);
}

static void
the_open_jobs_of_agents_are_counted(void **state)
{
    static const uint8_t states[] = {JOB_SCHEDULED, JOB_READY, JOB_RUNNING, JOB_COMPLETED};
    struct store_case   *c = *state;
    struct agent         one = {.id = 1, .company = 9, .last_job = 77}, two = {.id = 2};
    struct txn          *t = must_begin(c);

    for (uint32_t id = 1; id <= 3; id++) {
        struct object o = {.id = id,
                           .kind = id == 3 ? KIND_HANDLER : KIND_AGENT,
                           .company = 9,
                           .name = view_of("abc", id)};
        object_save(t, &o);
    }
    agent_save(t, &one); /* of agent 2 there is no row */
    for (uint64_t id = 1; id <= ROWS; id++) {
        struct job_state j = {.id = id, .state = states[id % 4], .agent = id % 10 ? 2 : 1};
        job_state_save(t, &j);
    }
    must_commit(&t);
    make_old(c);
    case_reopen(c);
    expect_sound(c);
    t = must_read(c);
    assert_int_equal(agent_load(t, &one), LOAD_FOUND);
    assert_int_equal(agent_load(t, &two), LOAD_FOUND);
    assert_int_equal(one.open_jobs, ROWS / 10); /* none of an id that is odd */
    assert_int_equal(one.last_job, 77);
    assert_int_equal(two.company, 9);
    assert_int_equal(two.open_jobs, ROWS * 3 / 4 - ROWS / 10);
    txn_abort(&t);
}

/* Gives every hot table and index a database of its own, as they had before schema 3. */
static void
move_apart(struct store_case *c)
{
    struct txn *t = must_begin(c);

    for (enum index_id id = 0; id < INDEX_COUNT; id++) {
        MDB_cursor *cursor;
        MDB_val     k;
        MDB_val     v;
        MDB_dbi     own;
        if (!key_desc(id)->is_hot) continue;
        assert_int_equal(mdb_dbi_open(t->mdb, key_desc(id)->name, MDB_CREATE, &own), 0);
        assert_int_equal(rows_open(t, id, &cursor), 0);
        int rc = rows_get(cursor, id, &k, &v, MDB_FIRST);
        for (; rc == 0; rc = rows_get(cursor, id, &k, &v, MDB_NEXT))
            assert_int_equal(mdb_put(t->mdb, own, &k, &v, 0), 0);
        mdb_cursor_close(cursor);
    }
    assert_int_equal(mdb_drop(t->mdb, c->store->hot_db, 1), 0);
    c->store->facts.schema = OLD_SCHEMA;
    t->writes++;
    must_commit(&t);
}

static void
hot_tables_move_from_databases_of_their_own(void **state)
{
    struct store_case *c = *state;

    fill(c);
    uint64_t hash = committed_hash(c);
    move_apart(c);
    case_reopen(c);
    expect_sound(c);
    assert_int_equal(committed_hash(c), hash);
    assert_int_equal(rows_by_scan(c, PRIMARY_SCHEDULE), 50);
    assert_int_equal(rows_by_scan(c, INDEX_session_by_name), 50);
    struct txn *t = must_read(c);
    MDB_dbi     own;
    assert_int_equal(mdb_dbi_open(t->mdb, "schedule", 0, &own), MDB_NOTFOUND);
    assert_int_equal(table_rows(t, TABLE_SESSION), 50);
    txn_abort(&t);
    case_reopen(c);
    assert_int_equal(store_writes(c->store), 0);
}

/* Puts the firings of odd schedules under the key of before schema 6, which is that of today's
 * index, and gives the store that schema's index by age. */
static void
keep_firings_by_schedule(struct store_case *c)
{
    struct txn      *t = must_begin(c);
    struct buf value BUF_AUTO = {0};
    struct scan      s;
    struct firing    f;
    MDB_dbi          by_age;

    scan_open(&s, t, INDEX_firing_by_schedule, NULL, 0, 0);
    while (scan_next(&s, &f)) {
        struct view key = view_of(s.at, s.at_size);
        if (f.schedule % 2 == 0) continue;
        assert_true(firing_delete(t, &f));
        buf_clear(&value);
        record_encode(TABLE_FIRING, key, &f, &value);
        row_put(t, PRIMARY_FIRING, key, buf_view(&value));
        t->state_hash += record_sum(buf_view(&value));
    }
    scan_close(&s);
    assert_int_equal(mdb_dbi_open(t->mdb, "firing_by_age", MDB_CREATE, &by_age), 0);
    c->store->facts.schema = 5;
    must_commit(&t);
}

static void
firings_move_to_the_key_by_time(void **state)
{
    struct store_case *c = *state;

    fill(c);
    uint64_t hash = committed_hash(c);
    keep_firings_by_schedule(c);
    assert_int_not_equal(committed_hash(c), hash);
    case_reopen(c);
    expect_sound(c);
    assert_int_equal(committed_hash(c), hash);
    assert_int_equal(rows_by_scan(c, PRIMARY_FIRING), ROWS);
    assert_int_equal(rows_by_scan(c, INDEX_firing_by_schedule), ROWS);
    struct txn *t = must_read(c);
    MDB_dbi     by_age;
    assert_int_equal(mdb_dbi_open(t->mdb, "firing_by_age", 0, &by_age), MDB_NOTFOUND);
    for (uint64_t id = 1; id <= ROWS; id++) {
        struct firing f = {.schedule = (uint32_t)(id % 7), .nominal_at = (int64_t)id};
        assert_int_equal(firing_load(t, &f), LOAD_FOUND);
    }
    txn_abort(&t);
}

/* Readers of schema 6: by the session's id, which had the key's place. */
static void
keep_readers_by_session(struct store_case *c)
{
    struct txn      *t = must_begin(c);
    struct buf value BUF_AUTO = {0};

    for (uint32_t id = 1; id <= ROWS; id++) {
        struct reader r = {.session = id, .count = 1, .generation = 7};
        uint8_t       key[4] = {0, 0, (uint8_t)(id >> 8), (uint8_t)id};

        buf_clear(&value);
        record_encode(TABLE_READER, view_of(key, sizeof(key)), &r, &value);
        t->state_hash += record_sum(buf_view(&value));
        if (id == 9) value.data[value.size - 1] ^= 1; /* its sum is damaged */
        row_put(t, PRIMARY_READER, view_of(key, sizeof(key)), buf_view(&value));
    }
    c->store->facts.schema = 6;
    must_commit(&t);
}

static void
readers_of_an_earlier_agentd_are_forgotten(void **state)
{
    struct store_case *c = *state;

    fill(c);
    uint64_t hash = committed_hash(c);
    keep_readers_by_session(c);
    assert_int_not_equal(committed_hash(c), hash);
    case_reopen(c);
    expect_sound(c);
    assert_int_equal(committed_hash(c), hash);
    assert_int_equal(rows_by_scan(c, PRIMARY_READER), 0);
    assert_int_equal(stored_schema(c), 7);
}

#define SCHEDULES 4100 /* more than are moved between two commits */

/* Puts schedules under the key of before schema 7, their id; one of them is damaged, and the first
 * ones have been moved by an upgrade that did not end. */
static void
keep_schedules_by_id(struct store_case *c, uint32_t moved, uint32_t damaged)
{
    struct txn      *t = must_begin(c);
    struct buf value BUF_AUTO = {0};

    for (uint32_t id = 1; id <= SCHEDULES; id++) {
        struct schedule run = {
            .id = id, .agent = 7, .due_at = id, .pause_reason = view_str("holidays")};
        uint8_t     bytes[4] = {0, 0, (uint8_t)(id >> 8), (uint8_t)id};
        struct view key = view_of(bytes, sizeof(bytes));
        if (id <= moved) {
            schedule_save(t, &run);
            continue;
        }
        buf_clear(&value);
        record_encode(TABLE_SCHEDULE, key, &run, &value);
        t->state_hash += record_sum(buf_view(&value));
        if (id == damaged) value.data[3] ^= 1;
        row_put(t, PRIMARY_SCHEDULE, key, buf_view(&value));
    }
    c->store->facts.schema = 6;
    must_commit(&t);
}

static void
schedules_move_to_the_key_by_times(void **state)
{
    struct store_case *c = *state;

    keep_schedules_by_id(c, 100, 0);
    case_reopen(c);
    expect_sound(c);
    assert_int_equal(stored_schema(c), SCHEMA_VERSION);
    assert_int_equal(rows_by_scan(c, PRIMARY_SCHEDULE), SCHEDULES);
    assert_int_equal(rows_by_scan(c, INDEX_schedule_by_id), SCHEDULES);
    assert_int_equal(rows_by_scan(c, INDEX_schedule_by_agent), SCHEDULES);
    struct txn *t = must_read(c);
    for (uint32_t id = 1; id <= SCHEDULES; id++) {
        struct schedule run = {.id = id};
        assert_int_equal(schedule_by_id(t, &run), LOAD_FOUND);
        assert_int_equal(run.due_at, id);
        assert_true(view_is(run.pause_reason, "holidays"));
    }
    txn_abort(&t);
}

static void
a_store_of_our_own_schema_is_left_alone(void **state)
{
    struct store_case *c = *state;

    fill(c);
    case_reopen(c);
    assert_int_equal(store_writes(c->store), 0);
}

static void
an_empty_old_store_opens(void **state)
{
    struct store_case *c = *state;

    make_old(c);
    case_reopen(c);
    expect_sound(c);
    assert_int_equal(stored_schema(c), SCHEMA_VERSION);
}

/* As after a kill between two of its commits: the indexes are there in part. */
static void
an_upgrade_that_did_not_end_is_done_again(void **state)
{
    struct store_case *c = *state;

    fill(c);
    make_old(c);
    case_reopen(c);
    struct txn *t = must_begin(c);
    assert_false(store_empty_index(t, INDEX_effect_settled));
    c->store->facts.schema = OLD_SCHEMA;
    t->writes++;
    must_commit(&t);
    case_reopen(c);
    expect_sound(c);
    assert_int_equal(rows_by_scan(c, INDEX_effect_settled), ROWS);
}

/* The map is too small for the indexes: nothing is lost, and with a larger one it opens. */
static void
an_upgrade_without_room_is_refused_and_done_later(void **state)
{
    struct store_case *c = *state;
    struct err         e = {0};

    fill(c);
    make_old(c);
    store_close(&c->store);
    uint64_t map_bytes = c->options.map_bytes;
    c->options.map_bytes = 1 << 20;
    assert_int_equal(store_open(&c->store, &c->options, &e), E_STORE_FULL);
    assert_null(c->store);
    c->options.map_bytes = map_bytes;
    case_open(c);
    expect_sound(c);
    assert_int_equal(stored_schema(c), SCHEMA_VERSION);
}

static void
count_report(const char *table, struct view key, void *arg)
{
    (void)table;
    (void)key;
    (*(int *)arg)++;
}

static void
a_damaged_schedule_of_an_old_key_is_kept_for_the_quarantine(void **state)
{
    struct store_case *c = *state;
    int                reports = 0;

    keep_schedules_by_id(c, 0, 2000);
    case_reopen(c);
    assert_int_equal(rows_by_scan(c, PRIMARY_SCHEDULE), SCHEDULES - 1);
    assert_true(store_has_damage(c->store));
    struct txn *t = must_begin(c);
    assert_int_equal(store_quarantine(t, count_report, &reports), 1);
    must_commit(&t);
    assert_int_equal(reports, 1);
    assert_int_equal(rows_by_scan(c, INDEX_schedule_by_id), SCHEDULES - 1);
    expect_sound(c);
}

static void
a_damaged_row_is_kept_for_the_quarantine(void **state)
{
    struct store_case *c = *state;
    uint8_t            key[KEY_BYTES_MAX];
    struct job_state   j = {.id = 4321};
    int                reports = 0;

    fill(c);
    make_old(c);
    struct txn *t = must_begin(c);
    size_t      size = key_encode(key_desc(PRIMARY_JOB_STATE), 1, &j, key);
    row_put(t, PRIMARY_JOB_STATE, view_of(key, size), view_str("damaged by a test"));
    must_commit(&t);
    case_reopen(c);
    assert_true(store_has_damage(c->store));
    t = must_begin(c);
    assert_int_equal(store_quarantine(t, count_report, &reports), 1);
    must_commit(&t);
    assert_int_equal(reports, 1);
    assert_int_equal(rows_by_scan(c, INDEX_job_ready), ROWS - 1);
    expect_sound(c);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, case_teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_indexes_of_an_old_store_are_built_again),
        TEST(the_open_jobs_of_agents_are_counted),
        TEST(hot_tables_move_from_databases_of_their_own),
        TEST(firings_move_to_the_key_by_time),
        TEST(schedules_move_to_the_key_by_times),
        TEST(a_damaged_schedule_of_an_old_key_is_kept_for_the_quarantine),
        TEST(readers_of_an_earlier_agentd_are_forgotten),
        TEST(a_store_of_our_own_schema_is_left_alone),
        TEST(an_empty_old_store_opens),
        TEST(an_upgrade_that_did_not_end_is_done_again),
        TEST(an_upgrade_without_room_is_refused_and_done_later),
        TEST(a_damaged_row_is_kept_for_the_quarantine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
