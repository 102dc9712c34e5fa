/* How soon people get a first reply in sessions: what is measured, what that costs, and what
 * schedule.stats says of it (C11). */
#include "tests/unit/session_world.h"

#define SAY "'verdict':'completed','effects':[{'kind':'send_message','content':'hello'}]"

static int
begin(void **state)
{
    int rc = rig_begin(state);

    declare(*state);
    rig_workers(*state, 1, 4);
    return rc;
}

/* A person's message; its job. */
static uint64_t
ask(struct rig *r, const char *key)
{
    rig_must(r, "session.send", "'key':'%s','content':'hi'", key);
    return job_of(r, key);
}

static void
hear(struct rig *r, uint64_t job)
{
    rig_report(r, rig_lease(r, job), "delta", "'text':'…','piece':1");
    rig_turn(r);
}

static void
answer(struct rig *r, uint64_t job)
{
    rig_ended(r, job, SAY);
    rig_turn(r);
    expect_state(r, job, "completed");
}

static void
answer_after(struct rig *r, int64_t ms)
{
    uint64_t job = ask(r, "chat");

    rig_advance(r, ms);
    answer(r, job);
}

static void
expect_replies(struct rig *r, int64_t count, int64_t below_ms)
{
    rig_must_read(r, "schedule.stats", " ");
    assert_int_equal(rig_i64(r, "first_replies"), count);
    if (count) assert_int_equal(rig_i64(r, "first_reply_p99_ms"), below_ms);
    if (!count) assert_true(rig_is_nil(r, "first_reply_p99_ms"));
}

static void
without_a_delta_the_message_that_is_committed_is_the_first_reply(void **state)
{
    struct rig *r = *state;

    expect_replies(r, 0, 0);
    answer_after(r, 400);
    expect_replies(r, 1, 500);
    answer_after(r, 1999);
    expect_replies(r, 2, 2000);
    answer_after(r, 2000);
    expect_replies(r, 3, 3000);
}

static void
the_first_delta_is_the_first_reply_and_deltas_write_nothing(void **state)
{
    struct rig *r = *state;
    uint64_t    job = ask(r, "chat");

    rig_advance(r, 40);
    for (int i = 0; i < 3; i++) {
        hear(r, job);
        assert_int_equal(r->writes, 0);
        assert_false(r->was_dirty);
        rig_advance(r, 5000);
    }
    expect_replies(r, 0, 0);
    answer(r, job);
    expect_replies(r, 1, 50);
    assert_int_equal(rig_rows(r, TABLE_FIRST_REPLY), 1);
}

static void
only_what_is_said_to_a_person_is_a_reply(void **state)
{
    struct rig *r = *state;
    uint64_t    job;

    (void)append(r, "chat", "news");
    job = job_of(r, "chat");
    hear(r, job);
    answer(r, job); /* nobody asked */
    job = ask(r, "chat");
    rig_complete(r, job); /* and this one is told nothing */
    expect_replies(r, 0, 0);
}

static void
a_message_that_is_tried_again_has_one_first_reply(void **state)
{
    struct rig *r = *state;
    uint64_t    job = ask(r, "chat");

    rig_advance(r, 900);
    hear(r, job);
    rig_fail(r, job, "handler_error");
    expect_replies(r, 1, 1000);
    rig_advance(r, HOUR_MS);
    rig_turn(r);
    hear(r, job);
    answer(r, job);
    expect_replies(r, 1, 1000);
}

static void
the_slowest_of_a_hundred_is_not_the_99th_percentile(void **state)
{
    struct rig *r = *state;

    for (int i = 0; i < 99; i++)
        answer_after(r, 10);
    answer_after(r, 7 * MINUTE_MS);
    expect_replies(r, 100, 15);
    rig_advance(r, 8 * DAY_MS); /* all these are more than a week ago */
    answer_after(r, 7 * MINUTE_MS);
    expect_replies(r, 1, 10 * MINUTE_MS);
}

static void
replies_are_counted_by_company_and_kept_as_firings_are(void **state)
{
    struct rig *r = *state;

    r->limits.keep_firings_ms = 30 * DAY_MS;
    rig_configure(r, &(struct rig_declared){.companies = "{'name':'acme'}"});
    rig_must(r, "session.send", "'key':'k','company':'acme','content':'hi'");
    rig_must_read(r, "session.show", "'key':'k','company':'acme'");
    answer(r, (uint64_t)rig_i64(r, "job"));
    answer_after(r, 100);
    answer_after(r, 100);
    expect_replies(r, 3, 150);
    rig_must_read(r, "schedule.stats", "'company':'acme'");
    assert_int_equal(rig_i64(r, "first_replies"), 1);
    assert_int_equal(rig_i64(r, "first_reply_p99_ms"), 1);
    assert_int_equal(rig_rows(r, TABLE_FIRST_REPLY), 2);
    rig_advance(r, 32 * DAY_MS);
    rig_settle(r);
    assert_int_equal(rig_rows(r, TABLE_FIRST_REPLY), 0);
}

static void
fewer_scheduled_jobs_at_once_are_advised_when_people_wait(void **state)
{
    struct rig *r = *state;

    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop'");
    for (int i = 0; i < 20; i++) {
        rig_advance(r, MINUTE_MS);
        rig_must_read(r, "schedule.show", "'name':'s'");
        rig_complete(r, (uint64_t)rig_i64(r, "last_job"));
    }
    for (int i = 0; i < 19; i++)
        answer_after(r, 2500);
    rig_must_read(r, "schedule.stats", " "); /* 19 say nothing */
    assert_string_equal(rig_text(r, "advice"), "limits.schedule_max_concurrent is right as it is");
    answer_after(r, 2500);
    rig_must_read(r, "schedule.stats", " ");
    assert_string_equal(rig_text(r, "advice"), "people wait for a first reply: lower "
                                               "limits.schedule_max_concurrent from 2 to 1");
    r->limits.schedule_max_concurrent = 1;
    declare(r);
    rig_must_read(r, "schedule.stats", " ");
    assert_string_equal(
        rig_text(r, "advice"),
        "people wait for a first reply, and fewer scheduled jobs at once would not help");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(a_message_that_is_tried_again_has_one_first_reply),
        TEST(fewer_scheduled_jobs_at_once_are_advised_when_people_wait),
        TEST(only_what_is_said_to_a_person_is_a_reply),
        TEST(replies_are_counted_by_company_and_kept_as_firings_are),
        TEST(the_first_delta_is_the_first_reply_and_deltas_write_nothing),
        TEST(the_slowest_of_a_hundred_is_not_the_99th_percentile),
        TEST(without_a_delta_the_message_that_is_committed_is_the_first_reply),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
