/* The feed: what it says, cursors, gaps, retention (H2, N40). */
#include "tests/unit/engine_rig.h"

#define TEXT_MAX 64

static uint64_t
seq(struct rig *r, size_t i)
{
    return (uint64_t)rig_i64(r, rig_path(r, "items", i, "seq"));
}

static void
read_since(struct rig *r, const char *cursor, const char *more)
{
    rig_must_read(r, "feed.read", "'since':'%s'%s", cursor, more);
}

static void
take_cursor(struct rig *r, char cursor[TEXT_MAX])
{
    (void)snprintf(cursor, TEXT_MAX, "%s", rig_text(r, "next"));
}

static void
now(struct rig *r, char cursor[TEXT_MAX])
{
    rig_must_read(r, "feed.read", " ");
    assert_int_equal(rig_len(r, "items"), 0);
    take_cursor(r, cursor);
}

static void
expect_types(struct rig *r, const char *const *types)
{
    size_t n = rig_len(r, "items");

    for (size_t i = 0; i < n && types[i]; i++)
        assert_string_equal(rig_text(r, rig_path(r, "items", i, "type")), types[i]);
    size_t wanted = 0;
    while (types[wanted])
        wanted++;
    if (n != wanted) fail_msg("%d events instead of %d: %s", (int)n, (int)wanted, rig_json(r));
}

/* ---- what is told ---- */

static void
the_life_of_a_job_is_told(void **state)
{
    struct rig *r = *state;
    char        cursor[TEXT_MAX];

    rig_configure(r, &(struct rig_declared){.agents = "{'name':'anna','handler':'noop'}"});
    rig_workers(r, 1, 1);
    now(r, cursor);
    uint64_t id = rig_submit(r, "'agent':'anna','context':{'k':1},'title':'T'");
    rig_progress(r, id, "'percent':40,'message':'m','turns':2");
    rig_turn(r);
    rig_fail(r, id, "tool_failed");
    rig_must(r, "job.retry", "'id':%d", (int)id);
    rig_settle(r);
    rig_ended(r, id, "'verdict':'snoozed','after_ms':1000");
    rig_turn(r);
    rig_must(r, "job.set", "'id':%d,'priority':1", (int)id);
    rig_advance(r, 1000);
    rig_complete(r, id);
    read_since(r, cursor, "");
    static const char *const types[] = {
        "job.submitted", "wakeup.scheduled", "job.started",  "agent.wakeup",  "job.progress",
        "job.retrying",  "job.retrying",     "job.started",  "agent.wakeup",  "job.snoozed",
        "job.changed",   "job.started",      "agent.wakeup", "job.completed", NULL};
    expect_types(r, types);
    assert_int_equal(rig_i64(r, "items.0.job"), (int64_t)id);
    assert_string_equal(rig_text(r, "items.0.company"), "default");
    assert_string_equal(rig_text(r, "items.0.agent"), "anna");
    assert_int_equal(rig_i64(r, "items.0.at"), RIG_WALL_MS);
    assert_int_equal(rig_i64(r, "items.4.percent"), 40);
    assert_string_equal(rig_text(r, "items.4.message"), "m");
    assert_string_equal(rig_text(r, "items.5.class"), "tool_failed");
    for (size_t i = 0; types[i]; i++) {
        if (strcmp(types[i], "wakeup.scheduled") != 0 && strcmp(types[i], "agent.wakeup") != 0)
            continue;
        assert_string_equal(rig_text(r, rig_path(r, "items", i, "companyId")), "default");
        assert_string_equal(rig_text(r, rig_path(r, "items", i, "actorKind")), "user");
        assert_string_equal(rig_text(r, rig_path(r, "items", i, "actorId")), "uid:1000");
        assert_int_equal(rig_i64(r, rig_path(r, "items", i, "payload.wakeupRequestId")),
                         (int64_t)id);
        assert_string_equal(rig_text(r, rig_path(r, "items", i, "payload.agentId")), "anna");
        assert_string_equal(rig_text(r, rig_path(r, "items", i, "payload.trigger")), "manual");
        assert_int_equal(rig_i64(r, rig_path(r, "items", i, "payload.context.k")), 1);
    }
}

static void
jobs_and_effects_carry_what_caused_them_and_their_chains_root(void **state)
{
    struct rig *r = *state;
    char        cursor[TEXT_MAX];

    r->limits.session_sinks = arena_copy(&r->kept, rig_pack(r, "['file']"));
    rig_configure(
        r, &(struct rig_declared){.agents = "{'name':'anna','handler':'noop'}",
                                  .sinks = "{'name':'file','kind':'file','path':'out.jsonl'}"});
    rig_workers(r, 1, 4);
    uint64_t root = rig_submit(r, "'handler':'noop'");
    uint64_t middle = rig_submit(r, "'handler':'noop','parent':%d", (int)root);
    now(r, cursor);
    uint64_t id = rig_submit(r, "'agent':'anna','parent':%d", (int)middle);
    rig_progress(r, id, "'percent':40");
    rig_ended(r, id,
              "'verdict':'completed','effects':[{'kind':'notify','message':'m'},"
              "{'kind':'wake_agent','agent':'nobody'}]");
    rig_turn(r);
    rig_effect_done(r, 1, "delivered");
    rig_turn(r);
    read_since(r, cursor, "");
    static const char *const types[] = {
        "job.submitted",  "wakeup.scheduled", "job.started",   "agent.wakeup",     "job.progress",
        "effect.pending", "effect.rejected",  "job.completed", "effect.delivered", NULL};
    expect_types(r, types);
    for (size_t i = 0; types[i]; i++) {
        bool is_effect = strncmp(types[i], "effect.", 7) == 0;

        assert_int_equal(rig_i64(r, rig_path(r, "items", i, "parent")), is_effect ? id : middle);
        assert_int_equal(rig_i64(r, rig_path(r, "items", i, "root")), root);
    }
    rig_must_read(r, "effect.show", "'id':1");
    assert_int_equal(rig_i64(r, "root"), root);
    now(r, cursor);
    uint64_t first = rig_submit(r, "'handler':'noop'");
    read_since(r, cursor, "");
    assert_true(rig_is_nil(r, "items.0.parent"));
    assert_int_equal(rig_i64(r, "items.0.root"), first);
}

static void
other_ends_are_told_too(void **state)
{
    struct rig *r = *state;
    char        cursor[TEXT_MAX];

    rig_workers(r, 1, 2);
    uint64_t a = rig_submit(r, "'handler':'noop','max_attempts':1");
    uint64_t b = rig_submit(r, "'handler':'noop'");
    uint64_t c = rig_submit(r, "'handler':'noop','expires_at':%lld", RIG_WALL_MS + 1000);
    (void)c;
    now(r, cursor);
    rig_must(r, "job.cancel", "'id':%d", (int)b);
    rig_advance(r, 1000);
    rig_ended(r, b, "'verdict':'failed'");
    rig_ended(r, a, "'verdict':'failed','class':'timeout'");
    rig_turn(r);
    read_since(r, cursor, "");
    static const char *const types[] = {"job.stopping", "job.expired", "job.cancelled",
                                        "job.failed", NULL};
    expect_types(r, types);
    assert_string_equal(rig_text(r, "items.3.class"), "timeout");
}

static void
schedules_workers_and_the_configuration_are_told(void **state)
{
    struct rig *r = *state;
    char        cursor[TEXT_MAX];

    now(r, cursor);
    rig_workers(r, 1, 1);
    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop'");
    rig_advance(r, MINUTE_MS);
    rig_must(r, "schedule.pause", "'name':'s'");
    rig_complete(r, 1);
    rig_must(r, "schedule.resume", "'name':'s'");
    rig_must(r, "schedule.remove", "'name':'s'");
    rig_worker_gone(r, 0);
    rig_turn(r);
    rig_configure(r, &(struct rig_declared){.companies = "{'name':'acme'}"});
    read_since(r, cursor, ",'limit':100");
    static const char *const types[] = {"worker.up",      "schedule.added",   "job.submitted",
                                        "schedule.fired", "job.started",      "schedule.paused",
                                        "job.completed",  "schedule.resumed", "schedule.removed",
                                        "worker.gone",    "config.applied",   NULL};
    expect_types(r, types);
    assert_string_equal(rig_text(r, "items.1.schedule"), "s");
    assert_int_equal(rig_i64(r, "items.3.nominal_at"), RIG_WALL_MS + MINUTE_MS);
    assert_int_equal(rig_i64(r, "items.3.job"), 1);
    assert_string_equal(rig_text(r, "items.3.schedule"), "s");
}

/* ---- cursors ---- */

static void
pages_have_no_hole_and_no_repeat(void **state)
{
    struct rig *r = *state;
    char        cursor[TEXT_MAX];
    uint64_t    last;

    rig_workers(r, 1, 1);
    now(r, cursor);
    read_since(r, cursor, ",'limit':1");
    for (int i = 0; i < 60; i++) {
        uint64_t id = rig_submit(r, "'handler':'noop'");
        rig_complete(r, id);
    }
    static const unsigned limits[] = {1, 2, 7, 100, 1000};
    for (size_t k = 0; k < ARRAY_LEN(limits); k++) {
        char   at[TEXT_MAX], limit[32];
        size_t count = 0;

        (void)snprintf(at, sizeof(at), "%s", cursor);
        (void)snprintf(limit, sizeof(limit), ",'limit':%u", limits[k]);
        last = 0;
        for (;;) {
            read_since(r, at, limit);
            size_t n = rig_len(r, "items");

            assert_true(rig_is_nil(r, "gap"));
            assert_true(n <= limits[k]);
            if (n == 0) break;
            for (size_t i = 0; i < n; i++) {
                if (last) assert_int_equal(seq(r, i), last + 1);
                last = seq(r, i);
            }
            count += n;
            take_cursor(r, at);
        }
        assert_int_equal(count, 3 * 60);
        assert_int_equal(last, engine_feed_seq(r->engine));
        assert_int_equal(r->read_result, READ_WAIT_FEED);
    }
}

static void
a_watcher_that_was_away_resumes_over_a_restart(void **state)
{
    struct rig *r = *state;
    char        cursor[TEXT_MAX];

    now(r, cursor);
    uint64_t id = rig_submit(r, "'handler':'noop'");
    rig_crash(r);
    rig_turn(r);
    rig_must(r, "job.cancel", "'id':%d", (int)id);
    read_since(r, cursor, "");
    static const char *const types[] = {"job.submitted", "job.cancelled", NULL};
    expect_types(r, types);
    assert_true(rig_is_nil(r, "gap"));
}

static void
reading_from_now_on_waits(void **state)
{
    struct rig *r = *state;
    char        cursor[TEXT_MAX];

    (void)rig_submit(r, "'handler':'noop'");
    now(r, cursor);
    assert_int_equal(r->read_result, READ_WAIT_FEED);
    read_since(r, cursor, ",'wait_ms':1000");
    assert_int_equal(r->read_result, READ_WAIT_FEED);
    (void)rig_submit(r, "'handler':'noop'");
    read_since(r, cursor, ",'wait_ms':1000");
    assert_int_equal(r->read_result, READ_DONE);
    assert_int_equal(rig_len(r, "items"), 1);
}

static void
topics_filter_and_the_cursor_goes_on(void **state)
{
    struct rig *r = *state;
    char        cursor[TEXT_MAX];

    rig_workers(r, 1, 1);
    now(r, cursor);
    uint64_t id = rig_submit(r, "'handler':'noop'");
    rig_complete(r, id);
    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop'");
    read_since(r, cursor, ",'topic':'job.'");
    assert_int_equal(rig_len(r, "items"), 3);
    read_since(r, cursor, ",'topic':'job.completed'");
    assert_int_equal(rig_len(r, "items"), 1);
    read_since(r, cursor, ",'topic':'jo'");
    assert_int_equal(rig_len(r, "items"), 0);
    read_since(r, cursor, ",'topic':'schedule.'");
    assert_int_equal(rig_len(r, "items"), 1);
    take_cursor(r, cursor);
    read_since(r, cursor, ""); /* what was filtered out does not come later */
    assert_int_equal(rig_len(r, "items"), 0);
    assert_int_equal(r->read_result, READ_WAIT_FEED);
}

static void
cursors_that_are_none_are_refused(void **state)
{
    static const char *const bad[] = {"x",
                                      "-",
                                      "12",
                                      "zz-1",
                                      "1-",
                                      "-1",
                                      "1-x",
                                      "0000000000000001-1x",
                                      "1-1",
                                      "0000000000000001--1",
                                      "0000000000000001-+1",
                                      "0000000000000001-01",
                                      "0000000000000001-18446744073709551616",
                                      "0x00000000000001-1"};
    struct rig              *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(rig_read(r, "feed.read", "'since':'%s'", bad[i]), E_BAD_REQUEST);
        assert_string_equal(r->error.field, "since");
    }
}

/* ---- gaps ---- */

static void
a_cursor_of_another_store_gets_a_gap(void **state)
{
    struct rig *r = *state;

    (void)rig_submit(r, "'handler':'noop'");
    read_since(r, "0000000000000001-1", "");
    assert_false(rig_is_nil(r, "gap"));
    assert_int_equal(rig_i64(r, "gap.first"), (int64_t)seq(r, 0));
    assert_true(rig_len(r, "items") > 0);
    take_cursor(r, (char[TEXT_MAX]){0});
}

static void
a_cursor_of_the_future_gets_a_gap(void **state)
{
    struct rig *r = *state;
    char        cursor[TEXT_MAX], future[2 * TEXT_MAX];

    (void)rig_submit(r, "'handler':'noop'");
    now(r, cursor);
    *strchr(cursor, '-') = '\0';
    (void)snprintf(future, sizeof(future), "%s-%d", cursor, 999999);
    read_since(r, future, "");
    assert_false(rig_is_nil(r, "gap"));
}

static void
old_events_go_by_age_and_leave_a_gap(void **state)
{
    struct rig *r = *state;
    char        cursor[TEXT_MAX];

    r->limits.feed_age_max_ms = HOUR_MS;
    rig_configure(r, &(struct rig_declared){0});
    rig_advance(r, 2 * HOUR_MS);
    now(r, cursor);
    (void)rig_submit(r, "'handler':'noop'");
    uint64_t first = engine_feed_seq(r->engine);
    assert_int_equal(r->deadline.wall_ms, r->header.now.wall_ms + HOUR_MS);
    rig_advance(r, HOUR_MS / 2);
    (void)rig_submit(r, "'handler':'noop'");
    rig_advance(r, HOUR_MS / 2 - 1);
    read_since(r, cursor, "");
    assert_true(rig_is_nil(r, "gap"));
    assert_int_equal(rig_len(r, "items"), 2);
    rig_advance(r, 1);
    read_since(r, cursor, "");
    assert_int_equal(rig_i64(r, "gap.first"), (int64_t)first + 1);
    assert_int_equal(rig_len(r, "items"), 1); /* and then what is still there */
    rig_advance(r, HOUR_MS);
    read_since(r, cursor, "");
    assert_false(rig_is_nil(r, "gap"));
    assert_int_equal(rig_len(r, "items"), 0);
    take_cursor(r, cursor);
    read_since(r, cursor, ""); /* told once */
    assert_true(rig_is_nil(r, "gap"));
}

static void
old_events_go_by_size(void **state)
{
    struct rig *r = *state;
    char        message[1001];

    r->limits.feed_bytes_max = 65536;
    rig_configure(r, &(struct rig_declared){0});
    rig_workers(r, 1, 1);
    uint64_t id = rig_submit(r, "'handler':'noop'");
    memset(message, 'm', sizeof(message) - 1);
    message[1000] = '\0';
    for (int i = 0; i < 200; i++) {
        rig_progress(r, id, "'message':'%s'", message);
        rig_settle(r);
    }
    rig_feed(r);
    size_t n = rig_len(r, "items");
    assert_in_range(n, 50, 66); /* about 64 KiB of them, the newest */
    assert_false(rig_is_nil(r, "gap"));
    assert_int_equal(seq(r, n - 1), engine_feed_seq(r->engine));
    r->limits.feed_bytes_max = 1 << 20;
    rig_configure(r, &(struct rig_declared){0});
    rig_settle(r);
    rig_feed(r);
    assert_true(rig_len(r, "items") >= n);
}

static void
a_turn_of_many_events_is_read_whole(void **state)
{
    struct rig         *r = *state;
    char                cursor[TEXT_MAX];
    BUF_AUTO struct buf jobs = {0};
    size_t              count = 0;

    for (int i = 0; i < 1000; i++)
        buf_printf(&jobs, "%s{'handler':'noop'}", i > 0 ? "," : "");
    now(r, cursor);
    rig_must(r, "job.submit_many", "'jobs':[%s]", buf_str(&jobs));
    for (;;) {
        read_since(r, cursor, ",'limit':333");
        if (rig_len(r, "items") == 0) break;
        for (size_t i = 0; i < rig_len(r, "items"); i++)
            assert_int_equal(rig_i64(r, rig_path(r, "items", i, "job")), (int64_t)++count);
        take_cursor(r, cursor);
    }
    assert_int_equal(count, 1000);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(the_life_of_a_job_is_told),
        TEST(jobs_and_effects_carry_what_caused_them_and_their_chains_root),
        TEST(other_ends_are_told_too),
        TEST(schedules_workers_and_the_configuration_are_told),
        TEST(pages_have_no_hole_and_no_repeat),
        TEST(a_watcher_that_was_away_resumes_over_a_restart),
        TEST(reading_from_now_on_waits),
        TEST(topics_filter_and_the_cursor_goes_on),
        TEST(cursors_that_are_none_are_refused),
        TEST(a_cursor_of_another_store_gets_a_gap),
        TEST(a_cursor_of_the_future_gets_a_gap),
        TEST(old_events_go_by_age_and_leave_a_gap),
        TEST(old_events_go_by_size),
        TEST(a_turn_of_many_events_is_read_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
