#include "common/mp.h"
#include "tests/unit/store_case.h"
#include <pthread.h>

static struct job_state
ready_job(uint64_t id)
{
    return (struct job_state){
        .id = id, .state = JOB_READY, .lane = 4, .priority = 50, .run_at = 1000};
}

static void
save_job(struct store_case *c, const struct job_state *j)
{
    struct txn *t = must_begin(c);

    job_state_save(t, j);
    must_commit(&t);
}

static size_t
index_rows(struct txn *t, enum index_id index)
{
    struct scan      s;
    struct job_state j;
    size_t           count = 0;

    scan_open(&s, t, index, NULL, 0, 0);
    while (scan_next_key(&s, &j))
        count++;
    scan_close(&s);
    return count;
}

static void
a_saved_record_is_found_again(void **state)
{
    struct store_case *c = *state;
    char               spec[] = "\x93\x01\x02\x03";
    struct object      o = {.id = 3,
                            .kind = KIND_AGENT,
                            .company = 1,
                            .name = view_str("anna"),
                            .hash = 99,
                            .spec = view_str(spec),
                            .created_at = -5};
    struct object      back = {.id = 3};
    struct txn        *t = must_begin(c);

    object_save(t, &o);
    memset(spec, 0, sizeof(spec)); /* the store has its own copy */
    must_commit(&t);
    case_reopen(c);

    t = must_read(c);
    assert_int_equal(object_load(t, &back), LOAD_FOUND);
    assert_int_equal(back.kind, KIND_AGENT);
    assert_int_equal(back.created_at, -5);
    assert_true(view_is(back.name, "anna"));
    assert_true(view_is(back.spec, "\x93\x01\x02\x03"));
    txn_abort(&t);
}

static void
an_absent_record_leaves_the_struct_untouched(void **state)
{
    struct store_case *c = *state;
    struct job_state   j = {.id = 8, .token = 77, .failure_message = view_str("kept")};
    struct txn        *t = must_read(c);

    assert_int_equal(job_state_load(t, &j), LOAD_ABSENT);
    assert_int_equal(j.token, 77);
    assert_true(view_is(j.failure_message, "kept"));
    txn_abort(&t);
}

static void
loaded_bytes_stay_valid_over_later_writes(void **state)
{
    struct store_case *c = *state;
    struct job_state   j = ready_job(1);
    struct txn        *t = must_begin(c);

    j.failure_message = view_str("the first message");
    job_state_save(t, &j);
    assert_int_equal(job_state_load(t, &j), LOAD_FOUND);
    struct view message = j.failure_message;
    for (uint64_t id = 1; id < 500; id++) {
        struct job_state other = ready_job(id);
        job_state_save(t, &other);
    }
    assert_true(view_is(message, "the first message"));
    txn_abort(&t);
}

static void
an_aborted_transaction_leaves_no_trace(void **state)
{
    struct store_case *c = *state;
    struct job_state   kept = ready_job(1);
    struct job_state   lost = ready_job(2);

    save_job(c, &kept);
    uint64_t    hash = committed_hash(c);
    struct txn *t = must_begin(c);
    job_state_save(t, &lost);
    assert_true(job_state_delete(t, &kept));
    assert_true(txn_is_dirty(t));
    txn_abort(&t);

    assert_int_equal(committed_hash(c), hash);
    t = must_read(c);
    assert_int_equal(job_state_load(t, &kept), LOAD_FOUND);
    assert_int_equal(job_state_load(t, &lost), LOAD_ABSENT);
    txn_abort(&t);
    expect_sound(c);
}

static void
a_read_sees_the_last_commit_and_nothing_later(void **state)
{
    struct store_case *c = *state;
    struct job_state   j = ready_job(1);

    save_job(c, &j);
    struct txn *read = must_read(c);
    uint64_t    hash = txn_state_hash(read);
    j.token = 5;
    save_job(c, &j);
    assert_int_equal(job_state_load(read, &j), LOAD_FOUND);
    assert_int_equal(j.token, 0);
    assert_int_equal(txn_state_hash(read), hash);
    assert_int_not_equal(committed_hash(c), hash);
    txn_abort(&read);
}

static void
an_index_follows_its_predicate_and_its_fields(void **state)
{
    struct store_case *c = *state;
    struct job_state   j = ready_job(1);
    struct txn        *t = must_begin(c);

    job_state_save(t, &j);
    assert_int_equal(index_rows(t, INDEX_job_ready), 1);
    assert_int_equal(index_rows(t, INDEX_job_expiry), 0);
    j.expires_at = 9;
    job_state_save(t, &j);
    assert_int_equal(index_rows(t, INDEX_job_expiry), 1);
    j.state = JOB_RUNNING;
    job_state_save(t, &j);
    assert_int_equal(index_rows(t, INDEX_job_ready), 0);
    assert_int_equal(index_rows(t, INDEX_job_expiry), 0);
    assert_int_equal(index_rows(t, INDEX_job_running), 1);
    j.lease_end_boot = 5000;
    job_state_save(t, &j);
    assert_int_equal(index_rows(t, INDEX_job_running), 1);
    j.state = JOB_FAILED;
    job_state_save(t, &j);
    assert_int_equal(index_rows(t, INDEX_job_ended), 1);
    assert_true(job_state_delete(t, &j));
    assert_int_equal(index_rows(t, INDEX_job_ended), 0);
    assert_false(job_state_delete(t, &j));
    must_commit(&t);
    expect_sound(c);
}

/* The indexes that have the record, as a mask of index - FIRST_INDEX. */
static uint64_t
holders(enum table_id table, const void *rec)
{
    uint64_t mask = 0;

    for (uint64_t left = table_desc(table)->indexes; left; left &= left - 1) {
        if (key_desc(index_in(left))->holds(rec)) mask |= left & -left;
    }
    return mask;
}
#define IN(index) (UINT64_C(1) << (INDEX_##index - FIRST_INDEX))

static void
jobs_are_in_the_indexes_of_their_state(void **state)
{
    static const uint64_t wanted[JOB_STATE_COUNT] = {
        [JOB_SCHEDULED] = IN(job_due) | IN(job_expiry),
        [JOB_READY] = IN(job_ready) | IN(job_expiry),
        [JOB_RUNNING] = IN(job_running),
        [JOB_COMPLETED] = IN(job_ended),
        [JOB_FAILED] = IN(job_ended),
        [JOB_CANCELLED] = IN(job_ended),
        [JOB_EXPIRED] = IN(job_ended),
    };

    (void)state;
    for (uint8_t i = 0; i < JOB_STATE_COUNT; i++) {
        struct job_state j = {.id = 1, .state = i, .expires_at = 5};
        assert_int_equal(holders(TABLE_JOB_STATE, &j), wanted[i]);
        j.expires_at = 0;
        assert_int_equal(holders(TABLE_JOB_STATE, &j), wanted[i] & ~IN(job_expiry));
    }
}

static void
effects_are_in_the_indexes_of_their_status(void **state)
{
    static const uint64_t wanted[STATUS_COUNT] = {
        [STATUS_NONE] = IN(effect_settled) | IN(effect_by_status),
        [STATUS_PENDING] =
            IN(effect_queue) | IN(effect_pending) | IN(effect_expiry) | IN(effect_by_status),
        [STATUS_ATTEMPTING] = IN(effect_queue) | IN(effect_attempting),
        [STATUS_DELIVERED] = IN(effect_settled),
        [STATUS_FAILED] = IN(effect_settled) | IN(effect_by_status),
        [STATUS_UNKNOWN] = IN(effect_settled) | IN(effect_by_status),
        [STATUS_EXPIRED] = IN(effect_settled) | IN(effect_by_status),
        [STATUS_REJECTED] = IN(effect_settled) | IN(effect_by_status),
        [STATUS_SUPPRESSED] = IN(effect_settled) | IN(effect_by_status),
    };

    (void)state;
    for (uint8_t i = 0; i < STATUS_COUNT; i++) {
        struct effect f = {.id = 1, .status = i, .not_after = 5};
        assert_int_equal(holders(TABLE_EFFECT, &f), wanted[i]);
        f.session = 3;
        assert_int_equal(holders(TABLE_EFFECT, &f), wanted[i] | IN(effect_by_session));
        f.session = 0;
        f.not_after = 0;
        assert_int_equal(holders(TABLE_EFFECT, &f), wanted[i] & ~IN(effect_expiry));
    }
    struct effect probed = {.id = 1, .status = STATUS_UNKNOWN, .probe = 1, .not_after = 5};
    assert_int_equal(holders(TABLE_EFFECT, &probed), IN(effect_pending) | IN(effect_by_status));
    struct effect ping = {.id = 1, .kind = EFFECT_PING, .status = STATUS_PENDING, .not_after = 5};
    assert_int_equal(holders(TABLE_EFFECT, &ping),
                     IN(effect_queue) | IN(effect_ping) | IN(effect_expiry) | IN(effect_by_status));
    struct effect probing = {.id = 1, .status = STATUS_ATTEMPTING, .probe = 1};
    assert_int_equal(holders(TABLE_EFFECT, &probing), IN(effect_queue) | IN(effect_attempting));
}

static void
lanes_queues_and_schedules_are_where_the_engine_looks(void **state)
{
    struct lane     empty = {.id = 1};
    struct lane     runnable = {.id = 1, .head = 7};
    struct lane     blocked = {.id = 1, .head = 7, .blocked_by = 2};
    struct queue    idle = {.company = 1};
    struct queue    waiting = {.company = 1, .has_head = 1};
    struct schedule never = {.id = 1};
    struct schedule planned = {.id = 1, .due_at = 5, .paused = 1};

    (void)state;
    assert_int_equal(holders(TABLE_LANE, &empty), IN(lane_by_limits));
    assert_int_equal(holders(TABLE_LANE, &runnable), IN(lane_by_limits) | IN(lane_runnable));
    assert_int_equal(holders(TABLE_LANE, &blocked), IN(lane_by_limits) | IN(lane_blocked));
    assert_int_equal(holders(TABLE_QUEUE, &idle), 0);
    assert_int_equal(holders(TABLE_QUEUE, &waiting), IN(queue_turn));
    assert_int_equal(holders(TABLE_SCHEDULE, &never), IN(schedule_by_id));
    assert_int_equal(holders(TABLE_SCHEDULE, &planned), IN(schedule_by_id) | IN(schedule_next));
}

static void
only_what_differs_is_written(void **state)
{
    struct store_case *c = *state;
    struct job_state   j = ready_job(1);
    struct txn        *t = must_begin(c);

    uint64_t before = store_writes(c->store);
    job_state_save(t, &j);
    assert_int_equal(store_writes(c->store) - before, 2); /* the record and job_ready */
    before = store_writes(c->store);
    j.token++;
    job_state_save(t, &j);
    assert_int_equal(store_writes(c->store) - before, 1);
    before = store_writes(c->store);
    j.run_at++;
    job_state_save(t, &j);
    assert_int_equal(store_writes(c->store) - before, 3);
    must_commit(&t);

    t = must_begin(c);
    before = store_writes(c->store);
    job_state_save(t, &j);
    assert_false(txn_is_dirty(t));
    must_commit(&t);
    assert_int_equal(store_writes(c->store), before);
}

static void
a_record_is_found_by_a_unique_index(void **state)
{
    struct store_case *c = *state;
    struct object      o = {.id = 3, .kind = KIND_AGENT, .company = 1, .name = view_str("anna")};
    struct object      named = {.kind = KIND_AGENT, .company = 1, .name = view_str("anna")};
    struct object      other = {.kind = KIND_HANDLER, .company = 1, .name = view_str("anna")};
    struct txn        *t = must_begin(c);

    object_save(t, &o);
    assert_int_equal(rec_find(t, INDEX_object_by_name, &named), LOAD_FOUND);
    assert_int_equal(named.id, 3);
    assert_true(view_is(named.name, "anna"));
    assert_int_equal(rec_find(t, INDEX_object_by_name, &other), LOAD_ABSENT);
    assert_int_equal(other.id, 0);
    txn_abort(&t);
}

static void
a_second_record_under_a_unique_key_fails_the_transaction(void **state)
{
    struct store_case *c = *state;
    struct session     a = {.id = 1, .company = 1, .name = view_str("main")};
    struct session     b = {.id = 2, .company = 1, .name = view_str("main")};
    struct txn        *t = must_begin(c);
    struct err         e = {0};
    bool               outcome_unknown;

    session_save(t, &a);
    assert_false(txn_failed(t));
    session_save(t, &b);
    assert_true(txn_failed(t));
    assert_int_equal(session_load(t, &a), LOAD_DAMAGED);
    assert_false(session_delete(t, &a));
    assert_int_equal(txn_commit(&t, &outcome_unknown, &e), E_INTERNAL);
    assert_false(outcome_unknown);
    assert_null(t);
    assert_non_null(strstr(e.msg, "session_by_name"));
    t = must_read(c);
    assert_int_equal(table_rows(t, TABLE_SESSION), 0);
    txn_abort(&t);
}

static void
equal_states_have_equal_hashes_however_they_were_reached(void **state)
{
    struct store_case *c = *state;
    struct job_state   a = ready_job(1);
    struct job_state   b = ready_job(2);
    struct txn        *t = must_begin(c);

    uint64_t empty = txn_state_hash(t);
    job_state_save(t, &a);
    uint64_t only_a = txn_state_hash(t);
    job_state_save(t, &b);
    uint64_t both = txn_state_hash(t);
    assert_true(empty != only_a && only_a != both);
    assert_true(job_state_delete(t, &a));
    assert_true(job_state_delete(t, &b));
    assert_int_equal(txn_state_hash(t), empty);
    job_state_save(t, &b);
    a.token = 9;
    job_state_save(t, &a);
    a.token = 0;
    job_state_save(t, &a);
    assert_int_equal(txn_state_hash(t), both);
    must_commit(&t);
    case_reopen(c);
    assert_int_equal(committed_hash(c), both);
    t = must_begin(c);
    assert_int_equal(txn_state_hash(t), both);
    txn_abort(&t);
}

static void
keys_of_an_ascending_table_may_come_in_any_order(void **state)
{
    struct store_case *c = *state;
    struct txn        *t = must_begin(c);

    for (uint64_t i = 0; i < 2000; i++) {
        struct job_spec s = {.id = i * 1237 % 2000 + 1, .submitted_at = (int64_t)i};
        job_spec_save(t, &s);
    }
    assert_int_equal(table_rows(t, TABLE_JOB_SPEC), 2000);
    for (uint64_t id = 1; id <= 2000; id++) {
        struct job_spec s = {.id = id};
        assert_int_equal(job_spec_load(t, &s), LOAD_FOUND);
        assert_int_equal(s.submitted_at * 1237 % 2000 + 1, id);
    }
    must_commit(&t);
    expect_sound(c);
}

static void *
load_in_thread(void *arg)
{
    struct store_case *c = arg;
    struct err         e = {0};
    struct txn        *t = txn_begin_read(c->store, &e);
    struct job_state   j = {.id = 1};
    int                problems = 0;
    bool               ok = t && job_state_load(t, &j) == LOAD_FOUND && j.token == 3;

    if (t) ok = ok && store_check(t, count_problem, &problems, NULL) == 2 && problems == 0;
    txn_abort(&t);
    return ok ? c : NULL;
}

static void
another_thread_may_read_and_check(void **state)
{
    struct store_case *c = *state;
    struct job_state   j = ready_job(1);
    pthread_t          thread;
    void              *result;

    j.token = 3;
    save_job(c, &j);
    assert_int_equal(pthread_create(&thread, NULL, load_in_thread, c), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, c);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, case_setup, case_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_saved_record_is_found_again),
        TEST(an_absent_record_leaves_the_struct_untouched),
        TEST(loaded_bytes_stay_valid_over_later_writes),
        TEST(an_aborted_transaction_leaves_no_trace),
        TEST(a_read_sees_the_last_commit_and_nothing_later),
        TEST(an_index_follows_its_predicate_and_its_fields),
        cmocka_unit_test(jobs_are_in_the_indexes_of_their_state),
        cmocka_unit_test(effects_are_in_the_indexes_of_their_status),
        cmocka_unit_test(lanes_queues_and_schedules_are_where_the_engine_looks),
        TEST(only_what_differs_is_written),
        TEST(a_record_is_found_by_a_unique_index),
        TEST(a_second_record_under_a_unique_key_fails_the_transaction),
        TEST(equal_states_have_equal_hashes_however_they_were_reached),
        TEST(keys_of_an_ascending_table_may_come_in_any_order),
        TEST(another_thread_may_read_and_check),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
