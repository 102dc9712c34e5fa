/* What may be asked of a job that is there: changes, lists, counts, waiting (A11). */
#include "tests/unit/job_world.h"

/* ---- cancel, retry, set ---- */

static void
cancel_ends_what_waits_and_stops_what_runs(void **state)
{
    struct rig *r = *state;

    uint64_t scheduled = rig_submit(r, "'handler':'noop','delay_ms':1000");
    uint64_t ready = rig_submit(r, "'handler':'noop'");
    rig_must(r, "job.cancel", "'id':%d", (int)scheduled);
    assert_string_equal(rig_text(r, "state"), "cancelled");
    rig_must(r, "job.cancel", "'id':%d", (int)ready);
    assert_string_equal(rig_text(r, "state"), "cancelled");
    assert_string_equal(rig_text(r, "failure.class"), "aborted");
    assert_int_equal(rig_i64(r, "ended_at"), RIG_WALL_MS);
    assert_int_equal(rig_output_count(r, OUT_JOB_ENDED), 1);
    assert_int_equal(rig_output(r, OUT_JOB_ENDED, 0)->job, ready);

    rig_workers(r, 1, 1);
    assert_null(rig_lease(r, ready));
    uint64_t running = rig_submit(r, "'handler':'noop'");
    rig_must(r, "job.cancel", "'id':%d", (int)running);
    assert_string_equal(rig_text(r, "state"), "running");
    assert_true(rig_bool(r, "stopping"));
    assert_true(rig_lease(r, running)->is_stopped);
    rig_ended(r, running, "'verdict':'completed','output':1");
    rig_turn(r);
    expect_state(r, running, "cancelled"); /* after a stop a result is refused (N1) */
    assert_true(rig_is_nil(r, "output"));
    assert_string_equal(rig_text(r, "failure.class"), "aborted");
    rig_refused(r, E_WRONG_STATE, "", "job.cancel", "'id':%d", (int)running);
}

static void
a_second_cancel_of_a_stopping_job_is_no_second_stop(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    uint64_t id = rig_submit(r, "'handler':'noop'");
    rig_must(r, "job.cancel", "'id':%d", (int)id);
    assert_int_equal(rig_output_count(r, OUT_TO_WORKER), 1);
    rig_must(r, "job.cancel", "'id':%d", (int)id);
    assert_true(rig_bool(r, "stopping"));
    assert_int_equal(rig_output_count(r, OUT_TO_WORKER), 0);
    assert_false(r->was_dirty);
}

static void
retry_starts_an_ended_job_again_under_its_id(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    uint64_t id = rig_submit(r, "'handler':'noop','max_attempts':1");
    rig_fail(r, id, "tool_failed");
    expect_state(r, id, "failed");
    assert_int_equal(rig_i64(r, "failures"), 1);
    rig_must(r, "job.retry", "'id':%d", (int)id);
    assert_int_equal(rig_i64(r, "failures"), 0); /* N2 */
    assert_int_equal(rig_i64(r, "crashes"), 0);
    assert_int_equal(rig_i64(r, "id"), (int64_t)id);
    rig_settle(r);
    expect_state(r, id, "running");
    assert_int_equal(rig_i64(r, "attempt"), 2); /* only grows */
    assert_true(rig_is_nil(r, "ended_at"));
    rig_complete(r, id);
    expect_state(r, id, "completed");
    rig_refused(r, E_WRONG_STATE, "", "job.retry", "'id':%d", (int)id);
}

static void
retry_now_brings_a_waiting_retry_forward(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    uint64_t id = rig_submit(r, "'handler':'noop'");
    rig_fail(r, id, "tool_failed");
    expect_state(r, id, "scheduled");
    rig_must(r, "job.retry", "'id':%d", (int)id);
    assert_int_equal(rig_i64(r, "failures"), 0); /* N2 */
    rig_settle(r);
    expect_state(r, id, "running");
    assert_int_equal(rig_i64(r, "attempt"), 2);
}

static void
set_changes_priority_and_time_of_what_waits(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    uint64_t runner = rig_submit(r, "'handler':'noop'");
    uint64_t a = rig_submit(r, "'handler':'noop','priority':10");
    uint64_t b = rig_submit(r, "'handler':'noop','priority':20");
    rig_must(r, "job.set", "'id':%d,'priority':30", (int)a);
    assert_int_equal(rig_i64(r, "priority"), 30);
    rig_settle(r);
    rig_complete(r, runner);
    expect_state(r, a, "running");
    rig_must(r, "job.set", "'id':%d,'run_at':%lld", (int)b, RIG_WALL_MS + HOUR_MS);
    assert_string_equal(rig_text(r, "state"), "scheduled");
    rig_complete(r, a);
    expect_state(r, b, "scheduled");
    rig_must(r, "job.set", "'id':%d,'run_at':%lld", (int)b, RIG_WALL_MS - 5);
    rig_settle(r);
    expect_state(r, b, "running");
    rig_refused(r, E_WRONG_STATE, "", "job.set", "'id':%d,'priority':1", (int)b);
    rig_refused(r, E_WRONG_STATE, "", "job.set", "'id':%d,'priority':1", (int)a);
    uint64_t c = rig_submit(r, "'handler':'noop','delay_ms':10,'expires_at':%lld",
                            (long long)r->header.now.wall_ms + HOUR_MS);
    rig_refused(r, E_BAD_REQUEST, "run_at", "job.set", "'id':%d,'run_at':%lld", (int)c,
                (long long)r->header.now.wall_ms + HOUR_MS);
    assert_int_equal(rig_job_i64(r, c, "run_at"), r->header.now.wall_ms + 10);
}

/* ---- lists and counts ---- */

static size_t
listed(struct rig *r, const char *filter)
{
    rig_must_read(r, "job.list", "%s", filter);
    assert_true(rig_is_nil(r, "next"));
    return rig_len(r, "items");
}

static void
lists_are_filtered(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_workers(r, 1, 1);
    uint64_t a = rig_submit(r, "'handler':'noop','tags':{'k':'v','n':'1'}");
    (void)rig_submit(r, "'agent':'acme/anna','trigger':'event'");
    (void)rig_submit(r, "'handler':'echo','delay_ms':5000,'tags':{'k':'w'}");
    rig_advance(r, 1000);
    uint64_t d = rig_submit(r, "'handler':'noop','max_attempts':1");
    assert_int_equal(listed(r, " "), 4);
    assert_int_equal(listed(r, "'state':'running'"), 1);
    assert_int_equal(rig_i64(r, "items.0.id"), (int64_t)a);
    assert_false(rig_has(r, "items.0.payload"));
    assert_int_equal(listed(r, "'state':'scheduled'"), 1);
    assert_int_equal(listed(r, "'state':'failed'"), 0);
    assert_int_equal(listed(r, "'company':'acme'"), 1);
    assert_int_equal(listed(r, "'agent':'acme/anna'"), 1);
    assert_int_equal(listed(r, "'handler':'echo'"), 1);
    assert_int_equal(listed(r, "'trigger':'event'"), 1);
    assert_int_equal(listed(r, "'tag':'k=v'"), 1);
    assert_int_equal(listed(r, "'tag':'k=x'"), 0);
    assert_int_equal(listed(r, "'due':true"), 2);
    assert_int_equal(listed(r, "'older_ms':1000"), 3);
    assert_int_equal(listed(r, "'retrying':true"), 0);
    rig_fail(r, a, "handler_error");
    assert_int_equal(listed(r, "'retrying':true"), 1);
    assert_int_equal(rig_i64(r, "items.0.id"), (int64_t)a);
    rig_fail(r, d, "handler_error"); /* before 2, by its priority */
    rig_fail(r, 2, "handler_error");
    assert_int_equal(listed(r, "'state':'failed'"), 1);
    assert_int_equal(listed(r, "'state':'failed','company':'acme'"), 0);
    assert_int_equal(listed(r, "'due':false"), 4);
}

static void
lists_are_of_a_session(void **state)
{
    struct rig *r = *state;

    r->limits.session_handler = view_str("noop");
    declare(r);
    (void)rig_submit(r, "'handler':'noop'");
    rig_must(r, "session.send", "'key':'chat/anna','content':'hi'");
    rig_must(r, "session.send", "'key':'chat/ben','content':'hi'");
    rig_must(r, "session.send", "'key':'chat/anna','company':'acme','content':'hi'");
    assert_int_equal(listed(r, " "), 4);
    assert_int_equal(listed(r, "'session':'chat/anna'"), 1);
    assert_int_equal(rig_i64(r, "items.0.id"), 2);
    assert_int_equal(listed(r, "'session':'chat/anna','company':'acme','state':'parked'"), 1);
    assert_int_equal(rig_i64(r, "items.0.id"), 4);
    assert_int_equal(listed(r, "'session':'chat/anna','state':'failed'"), 0);
    assert_int_equal(rig_read(r, "job.list", "'session':'chat/nobody'"), E_NOT_FOUND);
    rig_must(r, "job.cancel_many", "'session':'chat/ben'");
    assert_int_equal(rig_i64(r, "done"), 1);
    expect_state(r, 3, "cancelled");
}

static void
parked_is_a_state_to_list_by(void **state)
{
    struct rig *r = *state;

    r->limits.company_max_concurrent = 1;
    rig_configure(r, &(struct rig_declared){0});
    rig_workers(r, 1, 4);
    (void)rig_submit(r, "'handler':'noop'");
    uint64_t held = rig_submit(r, "'handler':'noop'");
    assert_int_equal(listed(r, "'state':'parked'"), 1);
    assert_int_equal(rig_i64(r, "items.0.id"), (int64_t)held);
    assert_string_equal(rig_text(r, "items.0.reason"), "company_cap");
}

static size_t
page_through(struct rig *r, const char *filter, unsigned limit, uint64_t *ids, size_t max)
{
    char   after[160] = "";
    size_t count = 0;

    for (int pages = 0; pages < 1000; pages++) {
        rig_must_read(r, "job.list", "%s'limit':%u%s", filter, limit, after);
        size_t n = rig_len(r, "items");
        assert_true(n <= limit);
        for (size_t i = 0; i < n; i++) {
            const char *path = rig_path(r, "items", i, "id");

            assert_true(count < max);
            ids[count++] = (uint64_t)rig_i64(r, path);
        }
        if (rig_is_nil(r, "next")) return count;
        (void)snprintf(after, sizeof(after), ",'after':'%s'", rig_text(r, "next"));
    }
    fail_msg("the pages do not end");
    return 0;
}

static void
pages_show_each_job_once(void **state)
{
    static const char *const filters[] = {"", "'state':'scheduled',", "'handler':'noop',",
                                          "'company':'default',"};
    struct rig              *r = *state;
    uint64_t                 ids[64];

    r->is_unchecked = true;
    for (int i = 0; i < 40; i++)
        (void)rig_submit(r, "'handler':'noop','delay_ms':%d", 100000 - (i % 7) * 10);
    for (size_t f = 0; f < ARRAY_LEN(filters); f++) {
        for (unsigned limit = 1; limit < 45; limit += 6) {
            uint64_t seen = 0;
            size_t   count = page_through(r, filters[f], limit, ids, ARRAY_LEN(ids));

            assert_int_equal(count, 40);
            for (size_t i = 0; i < count; i++) {
                assert_in_range(ids[i], 1, 40);
                assert_false(seen >> ids[i] & 1);
                seen |= UINT64_C(1) << ids[i];
            }
        }
    }
    assert_int_equal(rig_read(r, "job.list", "'after':'nonsense'"), E_BAD_REQUEST);
    assert_string_equal(r->error.field, "after");
}

static void
a_read_examines_at_most_5000_rows(void **state)
{
    struct rig         *r = *state;
    BUF_AUTO struct buf jobs = {0};
    uint64_t            ids[8];

    r->is_unchecked = true;
    for (int i = 0; i < 1000; i++)
        buf_printf(&jobs, "%s{'handler':'noop','delay_ms':1000}", i > 0 ? "," : "");
    for (int i = 0; i < 6; i++)
        rig_must(r, "job.submit_many", "'jobs':[%s]", buf_str(&jobs));
    uint64_t first = rig_submit(r, "'handler':'echo','delay_ms':2000");
    rig_must_read(r, "job.list", "'handler':'echo'");
    if (rig_len(r, "items") == 0) assert_false(rig_is_nil(r, "next")); /* not the end: go on */
    assert_int_equal(page_through(r, "'handler':'echo',", 10, ids, ARRAY_LEN(ids)), 1);
    assert_int_equal(ids[0], first);
}

static void
stats_count_the_states(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_workers(r, 1, 2);
    uint64_t a = rig_submit(r, "'handler':'noop'");
    uint64_t b = rig_submit(r, "'handler':'noop','company':'acme','max_attempts':1");
    (void)rig_submit(r, "'handler':'noop'");
    (void)rig_submit(r, "'handler':'noop','delay_ms':1000");
    uint64_t e = rig_submit(r, "'handler':'noop','delay_ms':1000");
    rig_must(r, "job.cancel", "'id':%d", (int)e);
    rig_must_read(r, "job.stats", " ");
    assert_int_equal(rig_i64(r, "running"), 2);
    assert_int_equal(rig_i64(r, "ready"), 1);
    assert_int_equal(rig_i64(r, "scheduled"), 1);
    assert_int_equal(rig_i64(r, "cancelled"), 1);
    rig_wait(r, 2500);
    rig_ended(r, a, "'verdict':'completed'");
    rig_ended(r, b, "'verdict':'failed'");
    rig_turn(r);
    rig_must_read(r, "job.stats", " ");
    assert_int_equal(rig_i64(r, "completed"), 1);
    assert_int_equal(rig_i64(r, "failed"), 1);
    assert_int_equal(rig_i64(r, "expired"), 0);
    assert_int_equal(rig_i64(r, "recent.run_ms.p50"), 2500);
    rig_must_read(r, "job.stats", "'company':'acme'");
    assert_int_equal(rig_i64(r, "failed"), 1);
    assert_int_equal(rig_i64(r, "completed"), 0);
}

/* What does not fit into the look is left out with its time: the figures are those of the window.
 */
static void
rates_are_right_however_many_jobs_end(void **state)
{
    struct rig *r = *state;

    rig_configure(r,
                  &(struct rig_declared){.companies = "{'name':'default','max_concurrent':null}"});
    r->is_unchecked = true;
    rig_workers(r, 4, 64);
    for (int second = 0; second < 50; second++) { /* 100 a second */
        for (int i = 0; i < 100; i++)
            rig_queue(r, "job.submit", "'handler':'noop'");
        rig_settle(r);
        for (size_t i = 0; i < r->lease_count; i++) {
            if (r->leases[i].is_live) rig_ended(r, r->leases[i].id, "'verdict':'completed'");
        }
        rig_settle(r);
        rig_wait(r, SECOND_MS);
    }
    r->is_unchecked = false;
    rig_turn(r);
    rig_must_read(r, "job.stats", " ");
    assert_int_equal(rig_i64(r, "completed"), 5000);
    assert_int_equal(rig_i64(r, "recent.window_ms"), 15000);
    assert_int_equal(rig_i64(r, "recent.ended"), 1500);
    assert_int_equal(rig_i64(r, "recent.per_minute"), 6000);
    rig_wait(r, 55 * SECOND_MS); /* few enough for the whole minute */
    rig_turn(r);
    rig_must_read(r, "job.stats", " ");
    assert_int_equal(rig_i64(r, "recent.window_ms"), MINUTE_MS);
    assert_int_equal(rig_i64(r, "recent.ended"), 500);
    assert_int_equal(rig_i64(r, "recent.per_minute"), 500);
}

static void
wait_answers_when_the_job_has_ended(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    uint64_t id = rig_submit(r, "'handler':'noop'");
    rig_must_read(r, "job.wait", "'id':%d,'wait_ms':1000", (int)id);
    assert_int_equal(r->read_result, READ_WAIT_JOB);
    assert_int_equal(r->wait_on, id);
    assert_true(rig_bool(r, "pending"));
    rig_complete(r, id);
    assert_int_equal(rig_output(r, OUT_JOB_ENDED, 0)->job, id);
    rig_must_read(r, "job.wait", "'id':%d,'wait_ms':1000", (int)id);
    assert_int_equal(r->read_result, READ_DONE);
    assert_false(rig_bool(r, "pending"));
    assert_string_equal(rig_text(r, "state"), "completed");
    assert_int_equal(rig_read(r, "job.wait", "'id':99"), E_NOT_FOUND);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(cancel_ends_what_waits_and_stops_what_runs),
        TEST(a_second_cancel_of_a_stopping_job_is_no_second_stop),
        TEST(retry_starts_an_ended_job_again_under_its_id),
        TEST(retry_now_brings_a_waiting_retry_forward),
        TEST(set_changes_priority_and_time_of_what_waits),
        TEST(lists_are_filtered),
        TEST(lists_are_of_a_session),
        TEST(parked_is_a_state_to_list_by),
        TEST(pages_show_each_job_once),
        TEST(a_read_examines_at_most_5000_rows),
        TEST(stats_count_the_states),
        TEST(rates_are_right_however_many_jobs_end),
        TEST(wait_answers_when_the_job_has_ended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
