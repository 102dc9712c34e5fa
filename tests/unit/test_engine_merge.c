/* Jobs that are like another: unique keys, debounced ones, and a queue that is full (A9, A13); the
 * ladders by which failed ones come back (A5). */
#include "tests/unit/engine_rig.h"

static void
declare(struct rig *r)
{
    rig_configure(r, &(struct rig_declared){
                         .companies = "{'name':'acme'},{'name':'small','queue_max':2}",
                         .handlers = "{'name':'slow','kind':'exec','command':['x'],"
                                     "'retry_base_ms':1000,'retry_max_ms':5000}",
                     });
}

/* ---- unique keys ---- */

static void
a_taken_key_gives_the_job_that_has_it(void **state)
{
    struct rig *r = *state;

    uint64_t id = rig_submit(r, "'handler':'noop','delay_ms':5000,'unique_key':'k'");
    assert_false(rig_has(r, "conflict"));
    assert_string_equal(rig_text(r, "unique_key"), "k");
    assert_int_equal(rig_submit(r, "'handler':'echo','unique_key':'k'"), id);
    assert_true(rig_bool(r, "conflict"));
    assert_string_equal(rig_text(r, "handler"), "noop");
    assert_int_equal(rig_submit(r, "'handler':'noop','unique_key':'k','on_conflict':'return'"), id);
    rig_refused(r, E_CONFLICT, "", "job.submit",
                "'handler':'noop','unique_key':'k','on_conflict':'reject'");
    assert_non_null(strstr(r->error.msg, "job 1"));
    assert_int_equal(rig_submit(r, "'handler':'noop','unique_key':'other'"), 2);
}

static void
keys_are_a_companys_own(void **state)
{
    struct rig *r = *state;

    declare(r);
    assert_int_equal(rig_submit(r, "'handler':'noop','unique_key':'k'"), 1);
    assert_int_equal(rig_submit(r, "'handler':'noop','unique_key':'k','company':'acme'"), 2);
}

static void
a_key_is_free_when_its_job_has_ended(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 4);
    uint64_t a = rig_submit(r, "'handler':'noop','unique_key':'k'");
    rig_complete(r, a);
    uint64_t b = rig_submit(r, "'handler':'noop','unique_key':'k','max_attempts':1");
    assert_int_not_equal(a, b);
    rig_fail(r, b, "handler_error");
    uint64_t c = rig_submit(r, "'handler':'noop','unique_key':'k','delay_ms':9000");
    assert_int_not_equal(b, c);
    rig_must(r, "job.cancel", "'id':%d", (int)c);
    uint64_t d =
        rig_submit(r, "'handler':'noop','unique_key':'k','delay_ms':9000,'expires_at':%lld",
                   RIG_WALL_MS + 10000);
    assert_int_not_equal(c, d);
}

static void
a_job_that_waits_for_a_retry_keeps_its_key(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    uint64_t id = rig_submit(r, "'handler':'noop','unique_key':'k'");
    rig_fail(r, id, "handler_error");
    expect_state(r, id, "scheduled");
    rig_refused(r, E_CONFLICT, "", "job.submit",
                "'handler':'noop','unique_key':'k','on_conflict':'replace'");
    rig_crash(r);
    rig_turn(r);
    assert_int_equal(rig_submit(r, "'handler':'noop','unique_key':'k'"), id);
}

static void
a_key_may_be_taken_for_a_time(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    uint64_t id = rig_submit(r, "'handler':'noop','unique_key':'k','unique_for_ms':60000");
    rig_complete(r, id);
    assert_int_equal(r->deadline.wall_ms, RIG_WALL_MS + 60000);
    rig_advance(r, 59999);
    assert_int_equal(rig_submit(r, "'handler':'noop','unique_key':'k'"), id);
    assert_string_equal(rig_text(r, "state"), "completed");
    rig_refused(r, E_CONFLICT, "", "job.submit",
                "'handler':'noop','unique_key':'k','on_conflict':'replace'");
    rig_advance(r, 1);
    assert_int_equal(rig_submit(r, "'handler':'noop','unique_key':'k'"), id + 1);
}

static void
a_key_is_taken_for_its_time_when_its_job_is_purged(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    uint64_t id = rig_submit(r, "'handler':'noop','unique_key':'k','unique_for_ms':60000");
    rig_complete(r, id);
    rig_must(r, "job.purge", "'older_ms':0");
    assert_int_equal(rig_i64(r, "done"), 1);
    rig_refused(r, E_CONFLICT, "", "job.submit", "'handler':'noop','unique_key':'k'");
    assert_non_null(strstr(r->error.msg, "no longer kept"));
    rig_advance(r, 60000);
    assert_int_equal(rig_submit(r, "'handler':'noop','unique_key':'k'"), id + 1);
}

static void
a_time_that_is_over_does_not_free_the_key_of_a_job_at_work(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    uint64_t id = rig_submit(r, "'handler':'noop','unique_key':'k','unique_for_ms':1000");
    rig_advance(r, 2000);
    assert_int_equal(rig_submit(r, "'handler':'noop','unique_key':'k'"), id);
    rig_complete(r, id);
    assert_int_equal(rig_submit(r, "'handler':'noop','unique_key':'k'"), id + 1);
}

static void
what_has_not_started_is_replaced(void **state)
{
    struct rig *r = *state;

    uint64_t a = rig_submit(r, "'handler':'noop','delay_ms':5000,'unique_key':'k'");
    uint64_t b = rig_submit(r, "'handler':'noop','unique_key':'k','on_conflict':'replace'");
    assert_int_not_equal(a, b);
    assert_false(rig_has(r, "conflict"));
    expect_state(r, a, "cancelled");
    assert_string_equal(rig_text(r, "failure.message"), "replaced by job 2");
    rig_workers(r, 1, 1);
    expect_state(r, b, "running");
    rig_refused(r, E_CONFLICT, "", "job.submit",
                "'handler':'noop','unique_key':'k','on_conflict':'replace'");
}

static void
a_retry_by_hand_claims_the_key_again(void **state)
{
    struct rig *r = *state;

    uint64_t a = rig_submit(r, "'handler':'noop','unique_key':'k'");
    rig_must(r, "job.cancel", "'id':%d", (int)a);
    uint64_t b = rig_submit(r, "'handler':'noop','unique_key':'k'");
    rig_refused(r, E_CONFLICT, "", "job.retry", "'id':%d", (int)a);
    rig_must(r, "job.cancel", "'id':%d", (int)b);
    rig_must(r, "job.retry", "'id':%d", (int)a);
    assert_int_equal(rig_submit(r, "'handler':'noop','unique_key':'k'"), a);
    rig_must(r, "job.cancel", "'id':%d", (int)a);
    assert_int_equal(rig_submit(r, "'handler':'noop','unique_key':'k'"), b + 1);
}

static void
a_batch_with_a_key_twice(void **state)
{
    struct rig *r = *state;

    rig_must(r, "job.submit_many",
             "'jobs':[{'handler':'noop','unique_key':'k'},{'handler':'noop','unique_key':'k'}]");
    assert_int_equal(rig_i64(r, "ids.0"), 1);
    assert_int_equal(rig_i64(r, "ids.1"), 1);
    rig_refused(r, E_CONFLICT, "", "job.submit_many",
                "'jobs':[{'handler':'noop','unique_key':'n'},"
                "{'handler':'noop','unique_key':'n','on_conflict':'reject'}]");
    assert_non_null(strstr(r->error.msg, "jobs[1]"));
    rig_must(r, "job.submit_many",
             "'jobs':[{'handler':'noop','unique_key':'n'},"
             "{'handler':'noop','unique_key':'n','on_conflict':'replace'},"
             "{'handler':'noop','unique_key':'n'}]");
    assert_int_equal(rig_i64(r, "ids.0"), 2);
    assert_int_equal(rig_i64(r, "ids.1"), 3);
    assert_int_equal(rig_i64(r, "ids.2"), 3);
    expect_state(r, 2, "cancelled");
}

/* ---- debounce ---- */

static void
submits_with_a_debounce_key_become_one_job(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    uint64_t id = rig_submit(
        r, "'handler':'noop','debounce_key':'k','debounce_ms':1000,'payload':1,'source':'a'");
    assert_int_equal(rig_i64(r, "run_at"), RIG_WALL_MS + 1000);
    rig_advance(r, 900);
    assert_int_equal(rig_submit(r, "'handler':'noop','debounce_key':'k','debounce_ms':1000,"
                                   "'payload':2,'source':'b'"),
                     id);
    assert_true(rig_bool(r, "merged"));
    assert_int_equal(rig_i64(r, "run_at"), RIG_WALL_MS + 1900);
    assert_int_equal(rig_i64(r, "payload"), 2);
    assert_int_equal(rig_feed_count(r, "job.merged"), 1);
    rig_advance(r, 999);
    expect_state(r, id, "scheduled");
    assert_int_equal(rig_i64(r, "causes.count"), 2);
    assert_int_equal(rig_i64(r, "causes.items.0.payload"), 1);
    assert_string_equal(rig_text(r, "causes.items.1.source"), "b");
    assert_int_equal(rig_i64(r, "causes.items.1.at"), RIG_WALL_MS + 900);
    rig_advance(r, 1);
    expect_state(r, id, "running");
    struct view document, job, causes, count;
    assert_true(mp_find(rig_lease(r, id)->body, "document", &document));
    assert_true(mp_find(document, "job", &job));
    assert_true(mp_find(job, "causes", &causes));
    assert_true(mp_find(causes, "count", &count));
    /* It has started: the next one is another job. */
    assert_int_equal(rig_submit(r, "'handler':'noop','debounce_key':'k','debounce_ms':1000"),
                     id + 1);
}

static void
the_longest_wait_ends_in_any_case(void **state)
{
    struct rig *r = *state;

    for (int i = 0; i < 4; i++) {
        assert_int_equal(rig_submit(r, "'handler':'noop','debounce_key':'k','debounce_ms':1000,"
                                       "'debounce_max_ms':2500"),
                         1);
        rig_advance(r, 800);
    }
    /* at 0, 800, 1600 and 2400: it was due at 2500 */
    assert_int_equal(rig_job_i64(r, 1, "run_at"), RIG_WALL_MS + 2500);
    expect_state(r, 1, "parked");
    /* it has not started yet */
    assert_int_equal(rig_submit(r, "'handler':'noop','debounce_key':'k','debounce_ms':1000"), 1);
    expect_state(r, 1, "parked");
    assert_int_equal(rig_i64(r, "causes.count"), 5);
    rig_must(r, "job.cancel", "'id':1");
    assert_int_equal(rig_submit(r, "'handler':'noop','debounce_key':'k','debounce_ms':1000"), 2);
}

static void
a_merged_job_expires_with_the_last_of_its_causes(void **state)
{
    struct rig *r = *state;

#define MERGED "'handler':'noop','debounce_key':'k','debounce_ms':1000,'debounce_max_ms':2000"
    uint64_t id = rig_submit(r, MERGED ",'expires_at':%lld", RIG_WALL_MS + 1500LL);
    rig_advance(r, 900);
    rig_submit(r, MERGED ",'expires_at':%lld", RIG_WALL_MS + 5000LL);
    assert_int_equal(rig_i64(r, "expires_at"), RIG_WALL_MS + 5000);
    rig_submit(r, MERGED ",'expires_at':%lld", RIG_WALL_MS + 3000LL);
    assert_int_equal(rig_i64(r, "expires_at"), RIG_WALL_MS + 5000);
    rig_advance(r, 1200); /* ready, and no worker */
    expect_state(r, id, "parked");
    rig_submit(r, MERGED);
    assert_true(rig_is_nil(r, "expires_at"));
    rig_advance(r, 10000);
    expect_state(r, id, "parked");
    assert_int_equal(rig_i64(r, "causes.count"), 4);
}

static void
the_first_hundred_causes_are_kept(void **state)
{
    struct rig *r = *state;

    for (int i = 0; i < 120; i++)
        (void)rig_submit(r, "'handler':'noop','debounce_key':'k','debounce_ms':1000,'payload':%d",
                         i);
    rig_must_read(r, "job.show", "'id':1");
    assert_int_equal(rig_i64(r, "causes.count"), 120);
    assert_int_equal(rig_len(r, "causes.items"), 100);
    assert_int_equal(rig_i64(r, "causes.items.99.payload"), 99);
    assert_int_equal(rig_i64(r, "payload"), 119);
}

static void
payloads_of_any_length_are_merged(void **state)
{
    struct rig     *r = *state;
    FREE_AUTO char *text = xmalloc(9001);

    memset(text, 'a', 9000);
    text[9000] = '\0';
    (void)rig_submit(r, "'handler':'noop','debounce_key':'k','debounce_ms':1000,'payload':'%s'",
                     text);
    assert_string_equal(rig_job_text(r, 1, "payload"), text);
    assert_true(rig_is_nil(r, "causes.items.0.payload"));
    text[5000] = '\0';
    (void)rig_submit(r, "'handler':'noop','debounce_key':'k','debounce_ms':1000,'payload':'%s'",
                     text);
    assert_string_equal(rig_job_text(r, 1, "payload"), text);
    (void)rig_submit(r, "'handler':'noop','debounce_key':'k','debounce_ms':1000,'payload':'x'");
    assert_string_equal(rig_job_text(r, 1, "payload"), "x");
}

static void
a_batch_merges_within_itself(void **state)
{
    struct rig *r = *state;

    rig_must(r, "job.submit_many",
             "'jobs':[{'handler':'noop','debounce_key':'k','debounce_ms':10,'payload':1},"
             "{'handler':'noop','debounce_key':'k','debounce_ms':10,'payload':2}]");
    assert_int_equal(rig_i64(r, "ids.1"), 1);
    assert_int_equal(rig_job_i64(r, 1, "payload"), 2);
    rig_refused(r, E_CONFLICT, "", "job.submit",
                "'handler':'echo','debounce_key':'k','debounce_ms':10");
    rig_refused(r, E_CONFLICT, "", "job.submit_many",
                "'jobs':[{'handler':'noop','debounce_key':'n'},"
                "{'handler':'echo','debounce_key':'n'}]");
}

/* ---- the queue's limit ---- */

static void
a_full_queue_takes_no_more(void **state)
{
    struct rig *r = *state;

    declare(r);
    (void)rig_submit(r, "'handler':'noop','company':'small','unique_key':'k'");
    rig_refused(r, E_QUEUE_FULL, "", "job.submit_many",
                "'jobs':[{'handler':'noop','company':'small'},{'handler':'noop','company':'acme'},"
                "{'handler':'noop','company':'small'}]");
    uint64_t b = rig_submit(r, "'handler':'noop','company':'small','delay_ms':1000");
    rig_refused(r, E_QUEUE_FULL, "", "job.submit", "'handler':'noop','company':'small'");
    assert_non_null(strstr(r->error.msg, "small"));
    /* what adds nothing is still served */
    assert_int_equal(rig_submit(r, "'handler':'noop','company':'small','unique_key':'k'"), 1);
    (void)rig_submit(r,
                     "'handler':'noop','company':'small','unique_key':'k','on_conflict':'replace'");
    rig_must(r, "job.cancel", "'id':%d", (int)b);
    (void)rig_submit(r, "'handler':'noop','company':'small'");
    rig_refused(r, E_QUEUE_FULL, "", "job.retry", "'id':%d", (int)b);
}

static void
a_firing_that_meets_a_full_queue_is_missed(void **state)
{
    struct rig *r = *state;

    r->limits.company_queue_max = 1;
    SET_HAS(&r->limits, limits, company_queue_max);
    rig_configure(r, &(struct rig_declared){0});
    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop'");
    (void)rig_submit(r, "'handler':'noop'");
    rig_advance(r, 60000);
    rig_must_read(r, "schedule.firings", "'name':'s'");
    assert_string_equal(rig_text(r, "items.0.outcome"), "missed");
    assert_non_null(strstr(rig_text(r, "items.0.reason"), "queue"));
}

/* ---- ladders ---- */

static int64_t
wait_after(struct rig *r, uint64_t id)
{
    rig_fail(r, id, "handler_error");
    return rig_job_i64(r, id, "run_at") - r->header.now.wall_ms;
}

static void
expect_wait(struct rig *r, uint64_t id, int64_t step)
{
    int64_t waited = wait_after(r, id);

    assert_in_range(waited, step - step / 4, step + step / 4);
    rig_advance(r, waited);
}

static void
a_base_makes_a_ladder(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    uint64_t id = rig_submit(r, "'handler':'noop','retry_base_ms':1000,'retry_factor':3,"
                                "'retry_max_ms':10000,'max_attempts':9");
    expect_wait(r, id, 1000);
    expect_wait(r, id, 3000);
    expect_wait(r, id, 9000);
    expect_wait(r, id, 10000);
    expect_wait(r, id, 10000);
}

static void
a_handlers_base_is_its_jobs(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_workers(r, 1, 1);
    uint64_t id = rig_submit(r, "'handler':'slow'");
    expect_wait(r, id, 1000);
    expect_wait(r, id, 2000);
    expect_wait(r, id, 4000);
    expect_wait(r, id, 5000);
}

static void
a_schedule_with_a_base_retries(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    rig_must(r, "schedule.add",
             "'name':'s','every_ms':3600000,'handler':'noop','retry_base_ms':4000");
    rig_advance(r, HOUR_MS);
    expect_state(r, 1, "running");
    assert_int_equal(rig_i64(r, "max_attempts"), 5);
    expect_wait(r, 1, 4000);
    expect_wait(r, 1, 8000);
    rig_refused(r, E_BAD_REQUEST, "retry_base_ms", "schedule.add",
                "'name':'t','every_ms':3600000,'handler':'noop','retry_base_ms':4000,'retry':[1]");
}

/* ---- what does not fit together ---- */

static void
what_cannot_be_is_refused(void **state)
{
    static const struct {
        const char *fields, *field;
    } bad[] = {
        {"'unique_key':'k','on_conflict':'explode'",        "on_conflict"    },
        {"'on_conflict':'return'",                          "on_conflict"    },
        {"'unique_for_ms':5",                               "unique_for_ms"  },
        {"'debounce_ms':5",                                 "debounce_ms"    },
        {"'debounce_ms':0",                                 "debounce_ms"    },
        {"'debounce_max_ms':5",                             "debounce_max_ms"},
        {"'debounce_key':'k','unique_key':'k'",             "debounce_key"   },
        {"'debounce_key':'k','debounce_ms':5,'delay_ms':5", "debounce_key"   },
        {"'retry_base_ms':5,'retry':[5]",                   "retry_base_ms"  },
        {"'retry_factor':5",                                "retry_factor"   },
        {"'retry_max_ms':5",                                "retry_max_ms"   },
        {"'retry_base_ms':5,'retry_max_ms':4",              "retry_max_ms"   },
        {"'retry_base_ms':5,'retry_factor':0",              "retry_factor"   },
    };
    struct rig *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        rig_refused(r, E_BAD_REQUEST, bad[i].field, "job.submit", "'handler':'noop',%s",
                    bad[i].fields);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(a_taken_key_gives_the_job_that_has_it),
        TEST(keys_are_a_companys_own),
        TEST(a_key_is_free_when_its_job_has_ended),
        TEST(a_job_that_waits_for_a_retry_keeps_its_key),
        TEST(a_key_may_be_taken_for_a_time),
        TEST(a_key_is_taken_for_its_time_when_its_job_is_purged),
        TEST(a_time_that_is_over_does_not_free_the_key_of_a_job_at_work),
        TEST(what_has_not_started_is_replaced),
        TEST(a_retry_by_hand_claims_the_key_again),
        TEST(a_batch_with_a_key_twice),
        TEST(submits_with_a_debounce_key_become_one_job),
        TEST(the_longest_wait_ends_in_any_case),
        TEST(a_merged_job_expires_with_the_last_of_its_causes),
        TEST(the_first_hundred_causes_are_kept),
        TEST(payloads_of_any_length_are_merged),
        TEST(a_batch_merges_within_itself),
        TEST(a_full_queue_takes_no_more),
        TEST(a_firing_that_meets_a_full_queue_is_missed),
        TEST(a_base_makes_a_ladder),
        TEST(a_handlers_base_is_its_jobs),
        TEST(a_schedule_with_a_base_retries),
        TEST(what_cannot_be_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
