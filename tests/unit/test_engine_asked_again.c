/* A request that is asked again under the same request_id is done once (N39). */
#include "tests/unit/engine_rig.h"

static void
a_request_asked_twice_is_done_once(void **state)
{
    struct rig *r = *state;

    r->request_id = "r-1";
    uint64_t        id = rig_submit(r, "'handler':'noop'");
    FREE_AUTO char *first = xstrdup(rig_json(r));
    uint64_t        hash = rig_hash(r);
    assert_int_equal(rig_submit(r, "'handler':'noop'"), id);
    assert_string_equal(rig_json(r), first); /* the same answer, to the letter */
    assert_true(rig_hash(r) == hash);
    r->request_id = "r-2";
    assert_int_equal(rig_submit(r, "'handler':'noop'"), id + 1);
    r->request_id = NULL;
    assert_int_equal(rig_submit(r, "'handler':'noop'"), id + 2);
    assert_int_equal(rig_submit(r, "'handler':'noop'"), id + 3);
}

static void
a_request_id_is_of_one_request(void **state)
{
    struct rig *r = *state;

    r->request_id = "r";
    uint64_t id = rig_submit(r, "'handler':'noop'");
    rig_refused(r, E_BAD_REQUEST, "request_id", "job.submit", "'handler':'echo'");
    rig_refused(r, E_BAD_REQUEST, "request_id", "job.cancel", "'id':%d", (int)id);
    assert_string_equal((rig_must_read(r, "job.show", "'id':%d", (int)id), rig_text(r, "state")),
                        "parked");
    assert_int_equal(rig_submit(r, "'handler':'noop'"), id);
}

static void
two_of_them_in_one_turn_are_one(void **state)
{
    struct rig *r = *state;

    r->request_id = "same";
    uint64_t a = rig_queue(r, "job.submit", "'handler':'noop'");
    uint64_t b = rig_queue(r, "job.submit", "'handler':'noop'");
    rig_turn(r);
    assert_int_equal(rig_answer(r, a), E_OK);
    int64_t id = rig_i64(r, "id");
    assert_int_equal(rig_answer(r, b), E_OK);
    assert_int_equal(rig_i64(r, "id"), id);
    rig_must_read(r, "job.list", " ");
    assert_int_equal(rig_len(r, "items"), 1);
}

static void
the_answer_outlives_a_crash_and_what_became_of_the_job(void **state)
{
    struct rig *r = *state;

    r->request_id = "r";
    uint64_t id = rig_submit(r, "'handler':'noop'");
    r->request_id = NULL;
    rig_must(r, "job.cancel", "'id':%d", (int)id);
    rig_crash(r);
    rig_turn(r);
    r->request_id = "r";
    assert_int_equal(rig_submit(r, "'handler':'noop'"), id);
    assert_string_equal(rig_text(r, "state"), "parked"); /* as it was answered */
}

static void
answers_are_kept_for_a_day(void **state)
{
    struct rig *r = *state;

    r->request_id = "r";
    uint64_t id = rig_submit(r, "'handler':'noop'");
    rig_advance(r, DAY_MS - 1);
    assert_int_equal(rig_submit(r, "'handler':'noop'"), id);
    rig_advance(r, 1);
    assert_int_equal(rig_submit(r, "'handler':'noop'"), id + 1);
}

static void
request_ids_are_an_actors_own(void **state)
{
    struct rig *r = *state;

    r->request_id = "r";
    uint64_t id = rig_submit(r, "'handler':'noop'");
    r->actor.id = view_str("uid:1001");
    assert_int_equal(rig_submit(r, "'handler':'noop'"), id + 1);
    r->actor.kind = "agent";
    assert_int_equal(rig_submit(r, "'handler':'noop'"), id + 2);
}

static void
a_refused_request_may_be_asked_again(void **state)
{
    struct rig *r = *state;

    r->request_id = "r";
    rig_refused(r, E_NOT_FOUND, "handler", "job.submit", "'handler':'h'");
    rig_configure(r, &(struct rig_declared){.handlers = "{'name':'h','kind':'noop'}"});
    assert_int_equal(rig_submit(r, "'handler':'h'"), 1);
}

static uint64_t
blobs(struct rig *r)
{
    struct err  e = {0};
    struct txn *t = txn_begin_read(r->store, &e);

    if (!t) fail_msg("%s", e.msg);
    uint64_t rows = table_rows(t, TABLE_BLOB);
    txn_abort(&t);
    return rows;
}

static void
long_answers_come_back_whole(void **state)
{
    struct rig         *r = *state;
    BUF_AUTO struct buf jobs = {0};

    for (int i = 0; i < 1000; i++)
        buf_printf(&jobs, "%s{'handler':'noop'}", i > 0 ? "," : "");
    r->request_id = "many";
    r->is_unchecked = true;
    rig_must(r, "job.submit_many", "'jobs':[%s]", buf_str(&jobs));
    r->is_unchecked = false;
    rig_must(r, "job.submit_many", "'jobs':[%s]", buf_str(&jobs));
    assert_int_equal(rig_len(r, "ids"), 1000);
    assert_int_equal(rig_i64(r, "ids.999"), 1000);
    assert_true(blobs(r) > 0);
    rig_advance(r, DAY_MS);
    assert_int_equal(blobs(r), 0); /* forgotten with all that was kept beside it */
    r->request_id = NULL;
    assert_int_equal(rig_submit(r, "'handler':'noop'"), 1001);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(a_request_asked_twice_is_done_once),
        TEST(a_request_id_is_of_one_request),
        TEST(two_of_them_in_one_turn_are_one),
        TEST(the_answer_outlives_a_crash_and_what_became_of_the_job),
        TEST(answers_are_kept_for_a_day),
        TEST(request_ids_are_an_actors_own),
        TEST(a_refused_request_may_be_asked_again),
        TEST(long_answers_come_back_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
