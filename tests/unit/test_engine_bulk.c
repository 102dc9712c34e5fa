/* Operations on many jobs, and what ages (A11, A14, N15). */
#include "tests/unit/engine_rig.h"
#include <inttypes.h>

static void
submit_many(struct rig *r, int count, const char *fields)
{
    for (int done = 0; done < count;) {
        BUF_AUTO struct buf jobs = {0};
        int                 n = count - done < 1000 ? count - done : 1000;

        for (int i = 0; i < n; i++)
            buf_printf(&jobs, "%s{'handler':'noop'%s}", i > 0 ? "," : "", fields);
        rig_must(r, "job.submit_many", "'jobs':[%s]", buf_str(&jobs));
        done += n;
    }
}

/* Repeats until `next` is null; the sum of `field`. */
static int64_t
repeat(struct rig *r, const char *op, const char *filter, const char *field)
{
    int64_t sum = 0;
    char    after[64] = "";

    for (int i = 0; i < 1000; i++) {
        rig_must(r, op, "%s%s", filter, after);
        sum += rig_i64(r, field);
        if (rig_is_nil(r, "next")) return sum;
        snprintf(after, sizeof(after), ",'after':'%s'", rig_text(r, "next"));
    }
    fail_msg("%s does not end", op);
    return 0;
}

static void
ten_thousand_are_purged_in_bounded_turns(void **state)
{
    struct rig *r = *state;

    r->is_unchecked = true;
    submit_many(r, 10000, ",'delay_ms':3600000");
    assert_int_equal(repeat(r, "job.cancel_many", "'state':'scheduled'", "done"), 10000);
    assert_int_equal(repeat(r, "job.purge", "'older_ms':0,'dry_run':true", "matched"), 10000);
    assert_int_equal(rig_rows(r, TABLE_JOB_STATE), 10000);
    rig_must(r, "job.purge", "'state':'cancelled'");
    assert_int_equal(rig_i64(r, "done"), 200); /* three rows are taken for each */
    assert_int_equal(rig_output_count(r, OUT_JOB_PURGED), 200);
    assert_int_equal(repeat(r, "job.purge", "'state':'cancelled'", "done"), 9800);
    r->is_unchecked = false;
    rig_turn(r);
    assert_int_equal(rig_rows(r, TABLE_JOB_STATE), 0);
    assert_int_equal(rig_rows(r, TABLE_JOB_SPEC), 0);
    rig_must_read(r, "job.stats", "%s", "");
    assert_int_equal(rig_i64(r, "cancelled"), 0);
}

static void
all_of_a_job_goes(void **state)
{
    struct rig         *r = *state;
    BUF_AUTO struct buf text = {0};
    uint64_t            id;

    for (int i = 0; i < 5000; i++)
        buf_add_str(&text, "x");
    rig_workers(r, 1, 1);
    id = rig_submit(r, "'handler':'noop','payload':'%s'", buf_str(&text));
    rig_ended(r, id, "'verdict':'completed','output':'%s'", buf_str(&text));
    rig_turn(r);
    assert_int_equal(rig_rows(r, TABLE_BLOB), 4);
    assert_int_equal(rig_rows(r, TABLE_ATTEMPT), 1);
    rig_must(r, "job.purge", "'state':'completed','dry_run':true");
    assert_int_equal(rig_i64(r, "matched"), 1);
    assert_int_equal(rig_i64(r, "done"), 0);
    assert_int_equal(rig_rows(r, TABLE_BLOB), 4);
    rig_must(r, "job.purge", "'state':'completed'");
    assert_int_equal(rig_output(r, OUT_JOB_PURGED, 0)->job, id);
    assert_int_equal(rig_rows(r, TABLE_BLOB), 0);
    assert_int_equal(rig_rows(r, TABLE_ATTEMPT), 0);
    assert_int_equal(rig_read(r, "job.show", "'id':%" PRIu64, id), E_GONE);
    assert_int_equal(rig_read(r, "job.why", "'id':%" PRIu64, id), E_GONE);
    assert_int_equal(rig_read(r, "job.show", "'id':999999"), E_NOT_FOUND);
    rig_must_read(r, "audit.list", "'action':'job.purge'");
    assert_string_equal(rig_text(r, "items.0.subject"), "1 jobs");
    assert_string_equal(rig_text(r, "items.0.before.state"), "completed");
}

static void
a_dry_run_changes_nothing(void **state)
{
    static const char *const ops[] = {"job.cancel_many", "job.retry_many", "job.purge"};
    struct rig              *r = *state;
    uint64_t                 before;

    submit_many(r, 3, ",'delay_ms':3600000");
    before = rig_hash(r);
    for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
        rig_must(r, ops[i], "'older_ms':0,'dry_run':true");
        assert_int_equal(rig_i64(r, "matched"), i == 0 ? 3 : 0);
        assert_int_equal(rig_hash(r), before);
    }
}

static void
no_dry_run_may_be_said(void **state)
{
    struct rig *r = *state;

    submit_many(r, 3, ",'delay_ms':3600000");
    rig_must(r, "job.cancel_many", "'older_ms':0,'dry_run':false");
    assert_int_equal(rig_i64(r, "done"), 3);
    rig_must(r, "job.retry_many", "'state':'cancelled','limit':1,'dry_run':false");
    assert_int_equal(rig_i64(r, "done"), 1);
    rig_must(r, "job.purge", "'state':'cancelled','dry_run':false");
    assert_int_equal(rig_i64(r, "done"), 2);
    rig_refused(r, E_BAD_REQUEST, "state", "job.purge", "'dry_run':false");
}

static void
dead_letters_are_sent_again(void **state)
{
    struct rig *r = *state;
    uint64_t    a, b;

    rig_workers(r, 1, 2);
    a = rig_submit(r, "'handler':'noop','max_attempts':1");
    b = rig_submit(r, "'handler':'noop','max_attempts':1");
    rig_fail(r, a, "timeout");
    rig_fail(r, b, "bad_input");
    rig_must_read(r, "job.list", "'state':'failed'");
    assert_int_equal(rig_len(r, "items"), 2);
    const char *class = rig_text(r, "items.0.failure.class");
    rig_must_read(r, "job.list", "'state':'failed','class':'%s'", class);
    assert_true(rig_len(r, "items") >= 1);
    rig_must_read(r, "job.list", "'quarantined':true");
    assert_int_equal(rig_len(r, "items"), 0);
    rig_must(r, "job.retry_many", "'state':'failed'");
    assert_int_equal(rig_i64(r, "done"), 2);
    expect_state(r, a, "running");
}

static void
bad_filters_are_refused(void **state)
{
    struct rig *r = *state;

    submit_many(r, 1, "");
    rig_refused(r, E_BAD_REQUEST, "state", "job.purge", "%s", "");
    rig_refused(r, E_BAD_REQUEST, "state", "job.cancel_many", "'limit':5,'dry_run':true");
    rig_refused(r, E_BAD_REQUEST, "state", "job.purge", "'state':'ready'");
    rig_refused(r, E_BAD_REQUEST, "state", "job.cancel_many", "'state':'failed'");
    rig_refused(r, E_BAD_REQUEST, "state", "job.retry_many", "'state':'completed'");
    rig_refused(r, E_BAD_REQUEST, "class", "job.purge", "'class':'nonsense'");
    rig_refused(r, E_BAD_REQUEST, "after", "job.purge", "'older_ms':0,'after':'x'");
}

static void
what_ages_goes(void **state)
{
    struct rig *r = *state;
    uint64_t    done, failed;

    r->limits.keep_completed_ms = HOUR_MS;
    r->limits.keep_failed_ms = 2 * HOUR_MS;
    r->limits.keep_audit_ms = HOUR_MS;
    rig_configure(r, &(struct rig_declared){0});
    rig_workers(r, 1, 2);
    done = rig_submit(r, "'handler':'noop'");
    failed = rig_submit(r, "'handler':'noop','max_attempts':1");
    rig_complete(r, done);
    rig_fail(r, failed, "bad_input");
    rig_must(r, "schedule.add", "'name':'s','cron':'0 0 1 1 *','handler':'noop'");
    rig_advance(r, HOUR_MS - SECOND_MS);
    expect_state(r, done, "completed");
    rig_advance(r, SECOND_MS);
    assert_int_equal(rig_read(r, "job.show", "'id':%" PRIu64, done), E_GONE);
    assert_int_equal(rig_rows(r, TABLE_AUDIT), 0);
    expect_state(r, failed, "failed");
    rig_advance(r, HOUR_MS);
    assert_int_equal(rig_rows(r, TABLE_JOB_STATE), 0);
}

static void
retention_takes_many_turns_for_many(void **state)
{
    struct rig *r = *state;

    r->limits.keep_completed_ms = HOUR_MS;
    rig_configure(r, &(struct rig_declared){0});
    r->is_unchecked = true;
    submit_many(r, 2000, ",'delay_ms':3600000");
    (void)repeat(r, "job.cancel_many", "'state':'scheduled'", "done");
    rig_wait(r, HOUR_MS);
    rig_turn(r);
    assert_int_equal(rig_rows(r, TABLE_JOB_STATE), 2000 - 500);
    rig_settle(r);
    r->is_unchecked = false;
    assert_int_equal(rig_rows(r, TABLE_JOB_STATE), 0);
}

static void
firings_age(void **state)
{
    struct rig *r = *state;

    r->limits.keep_firings_ms = 10 * MINUTE_MS;
    rig_configure(r, &(struct rig_declared){0});
    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop'");
    for (int i = 0; i < 30; i++)
        rig_advance(r, MINUTE_MS);
    assert_int_equal(rig_rows(r, TABLE_FIRING), 10);
}

static void
no_limit_keeps_for_ever(void **state)
{
    struct rig *r = *state;
    uint64_t    id;

    r->limits.keep_completed_ms = NO_LIMIT;
    rig_configure(r, &(struct rig_declared){0});
    id = rig_submit(r, "'handler':'noop','delay_ms':3600000");
    rig_must(r, "job.cancel", "'id':%" PRIu64, id);
    rig_advance(r, 1000 * DAY_MS);
    expect_state(r, id, "cancelled");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(ten_thousand_are_purged_in_bounded_turns),
        TEST(all_of_a_job_goes),
        TEST(a_dry_run_changes_nothing),
        TEST(no_dry_run_may_be_said),
        TEST(dead_letters_are_sent_again),
        TEST(bad_filters_are_refused),
        TEST(what_ages_goes),
        TEST(retention_takes_many_turns_for_many),
        TEST(firings_age),
        TEST(no_limit_keeps_for_ever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
