/* Dead-man pings: what a switch elsewhere is told of a schedule, and what becomes of a ping that
 * does not arrive (C5). */
#include "tests/unit/schedule_world.h"

#define URLS \
    "'ping_start':'http://h/start','ping_success':'https://h/success','ping_fail':'http://h/fail'"

static void
begin(struct rig *r, const char *more)
{
    r->limits.schedule_max_concurrent = NO_LIMIT;
    r->limits.company_max_concurrent = NO_LIMIT;
    r->limits.session_sinks = arena_copy(&r->kept, rig_pack(r, "['file']"));
    rig_configure(r, &(struct rig_declared){
                         .handlers = "{'name':'run','kind':'exec','command':['/bin/run']}",
                         .sinks = "{'name':'file','kind':'file','path':'out.jsonl'}",
                     });
    rig_workers(r, 1, 8);
    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'run'," URLS "%s", more);
}

static uint64_t
fired(struct rig *r)
{
    rig_advance(r, MINUTE_MS);
    return (uint64_t)schedule_i64(r, "s", "last_job");
}

/* How many effects there are; they are the reply. */
static size_t
effects(struct rig *r)
{
    rig_must_read(r, "effect.list", "'limit':1000");
    return rig_len(r, "items");
}

/* The newest effect, by its id. */
static uint64_t
newest(struct rig *r)
{
    size_t n = effects(r);

    assert_true(n > 0);
    return (uint64_t)rig_i64(r, rig_path(r, "items", n - 1, "id"));
}

static const char *
text(struct rig *r, uint64_t id, const char *field)
{
    rig_must_read(r, "effect.show", "'id':%d", (int)id);
    return rig_text(r, field);
}

static void
done(struct rig *r, uint64_t id, const char *outcome)
{
    rig_effect_done(r, id, outcome);
    rig_turn(r);
}

static void
expect_ping(struct rig *r, uint64_t id, const char *event, const char *status)
{
    assert_string_equal(text(r, id, "kind"), "ping");
    assert_string_equal(text(r, id, "payload.event"), event);
    assert_string_equal(text(r, id, "status"), status);
}

static void
urls_are_of_the_web(void **state)
{
    static const char *const bad[] = {
        "file:///etc/passwd", "http:/h",     "h/x",          "http://",
        "http:///x",          "http://h/ x", "javascript:1", "http://h:0/"};
    static const char *const fields[] = {"ping_start", "ping_success", "ping_fail"};
    struct rig              *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        for (size_t f = 0; f < ARRAY_LEN(fields); f++) {
            rig_refused(r, E_BAD_REQUEST, fields[f], "schedule.add",
                        "'name':'s','every_ms':60000,'handler':'noop','%s':'%s'", fields[f],
                        bad[i]);
        }
    }
    rig_must(r, "schedule.add",
             "'name':'s','every_ms':60000,'handler':'noop','ping_fail':'HTTPS://u:p@h:8/x?y=%%20'");
}

static void
a_firing_tells_its_start_and_its_success(void **state)
{
    struct rig *r = *state;
    struct view sink;
    uint64_t    id, start;

    begin(r, "");
    id = fired(r);
    start = newest(r);
    expect_ping(r, start, "start", "attempting");
    assert_int_equal(rig_i64(r, "job"), (int64_t)id);
    assert_string_equal(rig_text(r, "session"), "schedule/s");
    assert_true(mp_find(rig_delivery(r, start)->body, "sink", &sink));
    r->reply = sink;
    assert_string_equal(rig_text(r, "kind"), "ping");
    assert_string_equal(rig_text(r, "path"), "http://h/start");
    done(r, start, "delivered");
    rig_complete(r, id);
    expect_ping(r, newest(r), "success", "attempting");
    assert_int_equal(effects(r), 2);
}

static void
a_failure_tells_fail_and_a_cancelled_firing_nothing(void **state)
{
    struct rig *r = *state;

    begin(r, "");
    uint64_t id = fired(r);
    done(r, newest(r), "delivered");
    rig_fail(r, id, "handler_error");
    expect_ping(r, newest(r), "fail", "attempting");
    done(r, newest(r), "delivered");
    id = fired(r);
    done(r, newest(r), "delivered");
    rig_must(r, "job.cancel", "'id':%d", (int)id);
    rig_ended(r, id, "'verdict':'failed'");
    rig_turn(r);
    assert_int_equal(effects(r), 3);
}

static void
a_retried_firing_starts_once(void **state)
{
    struct rig *r = *state;

    begin(r, ",'max_attempts':2,'retry':[1000]");
    uint64_t id = fired(r);
    done(r, newest(r), "delivered");
    rig_fail(r, id, "handler_error");
    rig_advance(r, 2 * SECOND_MS);
    assert_non_null(rig_lease(r, id));
    assert_int_equal(rig_lease(r, id)->attempt, 2);
    assert_int_equal(effects(r), 1); /* it has neither started again nor failed */
    rig_complete(r, id);
    expect_ping(r, newest(r), "success", "attempting");
}

static void
a_gate_that_says_no_is_a_success(void **state)
{
    struct rig *r = *state;

    begin(r, ",'gate':{'command':['/bin/look']}");
    uint64_t id = fired(r);
    done(r, newest(r), "delivered");
    rig_ended(r, id, "'verdict':'completed','gated':true,'message':'no'");
    rig_turn(r);
    expect_ping(r, newest(r), "success", "attempting");
    rig_must(r, "schedule.pause", "'name':'s'");
    add(r, "never", "'cron':'0 0 1 1 *'");
    rig_must(r, "schedule.add",
             "'name':'w','every_ms':60000,'handler':'noop','gate':{'completed':'never'}," URLS);
    rig_advance(r, MINUTE_MS);
    expect_ping(r, newest(r), "success", "attempting");
    assert_true(rig_is_nil(r, "job"));
}

static void
pings_come_out_of_the_shadow(void **state)
{
    struct rig *r = *state;

    begin(r, ",'shadow':true");
    (void)fired(r);
    expect_ping(r, newest(r), "start", "attempting");
}

static void
a_ping_is_tried_three_times_whatever_became_of_it(void **state)
{
    struct rig *r = *state;

    begin(r, "");
    (void)fired(r);
    uint64_t id = newest(r);
    done(r, id, "failed");
    expect_ping(r, id, "start", "pending");
    rig_advance(r, 5 * SECOND_MS);
    expect_ping(r, id, "start", "attempting");
    done(r, id, "unknown"); /* to ask twice does no harm */
    expect_ping(r, id, "start", "pending");
    rig_advance(r, 9 * SECOND_MS);
    expect_ping(r, id, "start", "pending");
    rig_advance(r, SECOND_MS);
    done(r, id, "failed");
    expect_ping(r, id, "start", "failed");
    assert_int_equal(rig_i64(r, "attempts"), 3);
}

static void
a_newer_ping_waits_for_one_try_of_the_older_at_most(void **state)
{
    struct rig *r = *state;
    uint64_t    id, start, success;

    begin(r, "");
    id = fired(r);
    start = newest(r);
    rig_complete(r, id);
    success = newest(r);
    expect_ping(r, success, "success", "pending"); /* in order */
    done(r, start, "unknown");
    expect_ping(r, start, "start", "failed"); /* it gives way */
    expect_ping(r, success, "success", "attempting");
}

static void
a_ping_that_waits_to_be_tried_again_gives_way(void **state)
{
    struct rig *r = *state;
    uint64_t    id, start;

    begin(r, "");
    id = fired(r);
    start = newest(r);
    done(r, start, "failed");
    rig_complete(r, id);
    expect_ping(r, start, "start", "failed");
    expect_ping(r, newest(r), "success", "attempting");
}

static void
of_many_that_wait_the_oldest_gives_way(void **state)
{
    struct rig *r = *state;
    uint64_t    start = 0;

    begin(r, "");
    for (int i = 0; i < 20; i++) {
        uint64_t id = fired(r);

        if (i == 0) start = newest(r);
        rig_complete(r, id);
    }
    expect_ping(r, start, "start", "attempting"); /* its server hangs */
    rig_must_read(r, "effect.list", "'status':'pending','limit':1000");
    assert_int_equal(rig_len(r, "items"), 9);
    expect_ping(r, newest(r), "success", "pending");
}

static void
a_worker_that_dies_leaves_a_ping_to_be_sent_again(void **state)
{
    struct rig *r = *state;

    begin(r, "");
    (void)fired(r);
    uint64_t id = newest(r);
    rig_worker_gone(r, 0);
    rig_settle(r);
    expect_ping(r, id, "start", "pending");
    rig_workers(r, 1, 8);
    rig_advance(r, 5 * SECOND_MS);
    expect_ping(r, id, "start", "attempting");
}

static void
a_ping_survives_the_death_of_agentd(void **state)
{
    struct rig *r = *state;

    begin(r, "");
    (void)fired(r);
    uint64_t id = newest(r);
    rig_crash(r);
    rig_turn(r);
    expect_ping(r, id, "start", "attempting"); /* until its process is known to be gone */
    rig_old_leases_gone(r);
    rig_settle(r);
    expect_ping(r, id, "start", "pending");
    rig_workers(r, 1, 8);
    rig_advance(r, 5 * SECOND_MS);
    expect_ping(r, id, "start", "attempting");
}

static void
an_old_ping_is_never_sent(void **state)
{
    struct rig *r = *state;

    begin(r, "");
    rig_must(r, "schedule.set", "'name':'s','every_ms':86400000");
    rig_must(r, "stop", "'scope':'effects'");
    rig_must(r, "schedule.run", "'name':'s'");
    uint64_t id = newest(r);
    rig_advance(r, 10 * MINUTE_MS);
    expect_ping(r, id, "start", "expired");
}

static void
servers_that_hang_leave_room_for_other_effects(void **state)
{
    struct rig *r = *state;
    uint64_t    id;

    begin(r, "");
    for (int i = 0; i < 6; i++) {
        rig_must(r, "schedule.add", "'name':'x%d','every_ms':60000,'handler':'run'," URLS, i);
    }
    (void)fired(r);
    rig_must_read(r, "effect.list", "'status':'attempting'");
    assert_int_equal(rig_len(r, "items"), 2); /* of the four that a worker delivers */
    id = rig_submit(r, "'handler':'noop'");
    rig_ended(r, id, "'verdict':'completed','effects':[{'kind':'notify','message':'m'}]");
    rig_turn(r);
    assert_string_equal(text(r, newest(r), "kind"), "notify");
    assert_string_equal(rig_text(r, "status"), "attempting");
    rig_must_read(r, "effect.list", "'status':'pending'");
    rig_must_read(r, "effect.why", "'id':%d", (int)rig_i64(r, "items.0.id"));
    assert_string_equal(rig_text(r, "blockers.0.predicate"), "no_slot");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(urls_are_of_the_web),
        TEST(a_firing_tells_its_start_and_its_success),
        TEST(a_failure_tells_fail_and_a_cancelled_firing_nothing),
        TEST(a_retried_firing_starts_once),
        TEST(a_gate_that_says_no_is_a_success),
        TEST(pings_come_out_of_the_shadow),
        TEST(a_ping_is_tried_three_times_whatever_became_of_it),
        TEST(a_newer_ping_waits_for_one_try_of_the_older_at_most),
        TEST(a_ping_that_waits_to_be_tried_again_gives_way),
        TEST(of_many_that_wait_the_oldest_gives_way),
        TEST(a_worker_that_dies_leaves_a_ping_to_be_sent_again),
        TEST(a_ping_survives_the_death_of_agentd),
        TEST(an_old_ping_is_never_sent),
        TEST(servers_that_hang_leave_room_for_other_effects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
