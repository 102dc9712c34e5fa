/* Effects: committed with the completion only, delivered in order, holding nobody else back (D4,
 * N3, N22). */
#include "tests/unit/effect_world.h"

static size_t
effect_count(struct rig *r)
{
    rig_must_read(r, "effect.list", "'limit':1000");
    return rig_len(r, "items");
}

/* ---- committed with the completion ---- */

static void
a_completions_effects_are_sent_after_its_commit(void **state)
{
    struct rig *r = *state;
    struct view v;

    declare(r);
    uint64_t id = effects_of(r, "'handler':'noop'",
                             "{'kind':'notify','message':'hello','metadata':{'k':[1,2]}}");
    expect_effect(r, id, "attempting");
    assert_int_equal(rig_i64(r, "attempts"), 1);
    assert_int_equal(rig_i64(r, "last_attempt_at"), RIG_WALL_MS);
    assert_string_equal(rig_text(r, "kind"), "notify");
    assert_string_equal(rig_text(r, "sink"), "file");
    assert_string_equal(rig_text(r, "company"), "default");
    assert_string_equal(rig_text(r, "payload.message"), "hello");
    assert_int_equal(rig_i64(r, "created_at"), RIG_WALL_MS);
    assert_true(rig_is_nil(r, "receipt"));
    const struct rig_lease *l = rig_delivery(r, id);
    assert_non_null(l);
    assert_false(l->is_probe);
    assert_true(mp_find(l->body, "sink", &v));
    r->reply = v;
    assert_string_equal(rig_text(r, "kind"), "file");
    assert_string_equal(rig_text(r, "path"), "out.jsonl");
    assert_true(mp_find(l->body, "document", &v));
    r->reply = v;
    assert_int_equal(rig_i64(r, "effect_id"), (int64_t)id);
    assert_string_equal(rig_text(r, "message"), "hello");
    assert_int_equal(rig_i64(r, "metadata.k.1"), 2);
    assert_int_equal(rig_i64(r, "created_at"), RIG_WALL_MS);
    rig_report(r, rig_delivery(r, id), "effect.done", "'outcome':'delivered','receipt':'r1'");
    rig_delivery(r, id)->is_live = false;
    rig_turn(r);
    expect_effect(r, id, "delivered");
    assert_string_equal(rig_text(r, "receipt"), "r1");
    assert_int_equal(engine_lease_count(r->engine), 0);
    assert_int_equal(rig_feed_count(r, "effect.pending"), 1);
    assert_int_equal(rig_feed_count(r, "effect.delivered"), 1);
}

static void
effects_of_what_did_not_complete_do_not_exist(void **state)
{
    static const char *const ends[] = {"'verdict':'failed'", "'verdict':'snoozed','after_ms':0"};
    struct rig              *r = *state;

    declare(r);
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        uint64_t id = rig_submit(r, "'handler':'noop'");

        rig_ended(r, id, "%s,'effects':[" NOTIFY("x") "]", ends[i]);
        rig_turn(r);
        assert_int_equal(effect_count(r), 0);
        rig_must(r, "job.cancel", "'id':%d", (int)id);
        if (rig_lease(r, id)->is_live) rig_ended(r, id, "'verdict':'failed'");
        rig_turn(r);
    }
    uint64_t stopped = rig_submit(r, "'handler':'noop'");
    rig_must(r, "job.cancel", "'id':%d", (int)stopped);
    rig_ended(r, stopped, "'verdict':'completed','effects':[" NOTIFY("x") "]");
    rig_turn(r);
    assert_int_equal(effect_count(r), 0);
}

static void
effects_that_cannot_be_make_the_output_invalid(void **state)
{
    static const char *const effects[] = {
        "{'kind':'notify'}",
        "{'kind':'notify','message':''}",
        "{'kind':'notify','message':5}",
        "{'message':'no kind'}",
        "{'kind':'no such kind'}",
        "{'kind':7}",
        "{'kind':'send_message'}",
        "{'kind':'send_message','content':''}",
        "{'kind':'send_message','content':5}",
        "{'kind':'send_message','message':'m'}",
        "{'kind':'send_message','content':'c','sink':'nobody'}",
        "{'kind':'send_message','content':'c','sink':5}",
        "{'kind':'send_message','content':'c','sink':'gateway'}", /* of no session: for no reader */
        "{'kind':'send_message','content':'c','not_after':'soon'}",
        "{'kind':'send_message','content':'c','not_after':0}",
        "{'kind':'schedule_timer','timer_id':'t'}",
        "{'kind':'schedule_timer','in_ms':5}",
        "{'kind':'schedule_timer','timer_id':'','in_ms':5}",
        "{'kind':'schedule_timer','timer_id':'a\\u0007','in_ms':5}",
        "{'kind':'schedule_timer','timer_id':'t','in_ms':-5}",
        "{'kind':'schedule_timer','timer_id':'t','in_ms':'5'}",
        "{'kind':'schedule_timer','timer_id':'t','in_ms':5,'fire_at':5}",
        "{'kind':'cancel_timer'}",
        "{'kind':'cancel_timer','timer_id':7}",
        "{'kind':'wake_agent'}",
        "{'kind':'add_schedule','name':'n'}",
        "{'kind':'activity','type':'t'}",
        "5",
        "'text'",
        NOTIFY("good") ",{'kind':'notify','message':''}", /* all or none */
    };
    struct rig *r = *state;

    declare(r);
    for (size_t i = 0; i < ARRAY_LEN(effects); i++) {
        uint64_t id = rig_submit(r, "'handler':'noop','max_attempts':1");

        rig_ended(r, id, "'verdict':'completed','output':1,'effects':[%s]", effects[i]);
        rig_turn(r);
        expect_state(r, id, "failed");
        assert_string_equal(rig_text(r, "failure.class"), "invalid_output");
        assert_true(strlen(rig_text(r, "failure.message")) > 5);
        assert_true(rig_is_nil(r, "output"));
        assert_int_equal(effect_count(r), 0);
    }
}

static void
long_messages_come_through_whole(void **state)
{
    struct rig     *r = *state;
    FREE_AUTO char *text = xmalloc(300001);
    struct view     v;

    declare(r);
    memset(text, 'm', 300000);
    text[300000] = '\0';
    FREE_AUTO char *effect = xasprintf("{'kind':'notify','message':'%s'}", text);
    uint64_t        id = effects_of(r, "'handler':'noop'", effect);
    assert_true(mp_find(rig_delivery(r, id)->body, "document", &v));
    r->reply = v;
    assert_string_equal(rig_text(r, "message"), text);
    assert_string_equal(effect_text(r, id, "payload.message"), text);
}

/* ---- to whom ---- */

static void
each_sink_gets_its_own_effect(void **state)
{
    struct rig *r = *state;

    declare(r);
    uint64_t first = effects_of(r, "'agent':'acme/two'", NOTIFY("a"));
    assert_int_equal(effect_count(r), 2);
    (void)first;
    assert_string_equal(effect_text(r, 1, "sink"), "file");
    assert_string_equal(effect_text(r, 2, "sink"), "other");
    (void)effects_of(r, "'agent':'acme/plain'", NOTIFY("b")); /* the default sinks */
    assert_int_equal(effect_count(r), 3);
    assert_string_equal(effect_text(r, 3, "sink"), "file");
}

static void
without_a_sink_an_effect_is_suppressed(void **state)
{
    struct rig *r = *state;

    rig_workers(r, 1, 1);
    uint64_t id = effects_of(r, "'handler':'noop'", NOTIFY("a") "," NOTIFY("b"));
    assert_int_not_equal(id, 0);
    assert_int_equal(effect_count(r), 2); /* kept, with the reason */
    expect_effect(r, id, "suppressed");
    assert_string_not_equal(rig_text(r, "reason"), RIG_NO_TEXT);
    assert_true(rig_is_nil(r, "sink"));
    assert_null(rig_delivery(r, id));
    assert_int_equal(rig_feed_count(r, "effect.suppressed"), 2);
}

/* ---- order ---- */

static void
effects_of_one_session_and_sink_go_one_by_one(void **state)
{
    struct rig *r = *state;

    declare(r);
    uint64_t a = effects_of(r, "'handler':'noop'", NOTIFY("a") "," NOTIFY("b") "," NOTIFY("c"));

    assert_non_null(rig_delivery(r, a));
    assert_null(rig_delivery(r, a + 1));
    expect_effect(r, a + 1, "pending");
    done(r, a, "delivered");
    assert_non_null(rig_delivery(r, a + 1));
    assert_null(rig_delivery(r, a + 2));
    done(r, a + 1, "delivered");
    assert_non_null(rig_delivery(r, a + 2));
    done(r, a + 2, "delivered");
    assert_int_equal(engine_lease_count(r->engine), 0);
}

static void
a_failing_sink_holds_back_no_other(void **state)
{
    struct rig *r = *state;

    declare(r);
    (void)effects_of(r, "'agent':'acme/two'", NOTIFY("a") "," NOTIFY("b"));
    /* 1: a to file, 2: a to other, 3: b to file, 4: b to other */
    assert_non_null(rig_delivery(r, 1));
    assert_non_null(rig_delivery(r, 2));
    done(r, 1, "failed");
    done(r, 2, "delivered");
    assert_null(rig_delivery(r, 3));
    assert_non_null(rig_delivery(r, 4));
}

static void
many_that_wait_in_one_session_hold_back_no_other(void **state)
{
    enum { FIRINGS = 4, EACH = 100 };
    struct rig         *r = *state;
    BUF_AUTO struct buf effects = {0};

    declare(r);
    for (int i = 0; i < EACH; i++)
        buf_printf(&effects, "%s" NOTIFY("m"), i > 0 ? "," : "");
    rig_must(r, "schedule.add", "'name':'stuck','every_ms':1000,'handler':'noop'");
    for (uint64_t job = 1; job <= FIRINGS; job++) {
        rig_advance(r, SECOND_MS);
        rig_ended(r, job, "'verdict':'completed','effects':[%s]", buf_str(&effects));
        rig_turn(r);
    }
    done(r, 1, "failed"); /* its next try is minutes away, and 399 wait behind it */
    assert_null(rig_delivery(r, 2));
    uint64_t well = effects_of(r, "'handler':'noop'", NOTIFY("w")); /* of no session */
    assert_non_null(rig_delivery(r, FIRINGS * EACH + 1));
    (void)well;
}

/* ---- room ---- */

static void
deliveries_take_no_slot_and_are_four_to_a_worker(void **state)
{
    struct rig *r = *state;

    declare(r);
    for (int i = 0; i < 6; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "s%d", i); /* fits; each has a session of its own */
        rig_must(r, "schedule.add", "'name':'%s','every_ms':60000,'handler':'noop'", name);
    }
    rig_advance(r, MINUTE_MS);
    for (uint64_t id = 1; id <= 6; id++)
        rig_ended(r, id,
                  "'verdict':'completed','effects':[{'kind':'send_message','content':'x',"
                  "'sink':'%s'}]",
                  id % 2 ? "file" : "other");
    rig_turn(r);
    assert_int_equal(engine_lease_count(r->engine), 4);
    for (int i = 0; i < 8; i++)
        (void)rig_submit(r, "'handler':'noop'");
    assert_int_equal(rig_running(r), 8); /* every slot */
    done(r, 1, "delivered");
    done(r, 2, "delivered");
    assert_non_null(rig_delivery(r, 6));
    assert_int_equal(engine_lease_count(r->engine), 12);
}

static void
deliveries_and_jobs_share_the_table_of_leases(void **state)
{
    struct rig         *r = *state;
    BUF_AUTO struct buf jobs = {0};

    declare(r);
    r->is_unchecked = true;
    r->limits.company_max_concurrent = NO_LIMIT;
    for (uint32_t w = 1; w < WORKERS_MAX; w++) {
        rig_worker_started(r, w, 16);
        rig_hello(r, w);
    }
    rig_turn(r);
    for (int i = 0; i < 1000; i++)
        buf_printf(&jobs, "%s{'handler':'noop'}", i > 0 ? "," : "");
    rig_must(r, "job.submit_many", "'jobs':[%s]", buf_str(&jobs));
    rig_must(r, "job.submit_many", "'jobs':[%s]", buf_str(&jobs));
    size_t slots = 8 + 63 * 16;
    assert_int_equal(rig_running(r), slots);
    for (uint64_t id = 1; id <= 30; id++) /* of one session: one delivery at a time */
        rig_ended(r, id, "'verdict':'completed','effects':[" NOTIFY("x") "]");
    rig_turn(r);
    assert_int_equal(rig_running(r), slots);
    assert_int_equal(engine_lease_count(r->engine), slots + 1);
}

static void
a_full_table_of_leases_makes_deliveries_wait(void **state)
{
    struct rig         *r = *state;
    BUF_AUTO struct buf jobs = {0};

    declare(r);
    r->is_unchecked = true;
    rig_worker_gone(r, 0);
    for (uint32_t w = 0; w < WORKERS_MAX; w++) {
        rig_worker_started(r, w, SLOTS_MAX / WORKERS_MAX);
        rig_hello(r, w);
    }
    rig_turn(r);
    uint64_t first = rig_submit(r, "'handler':'noop'");
    for (int i = 0; i < 1000; i++)
        buf_printf(&jobs, "%s{'handler':'noop'}", i > 0 ? "," : "");
    rig_must(r, "job.submit_many", "'jobs':[%s]", buf_str(&jobs));
    rig_must(r, "job.submit_many", "'jobs':[%s]", buf_str(&jobs));
    assert_int_equal(rig_running(r), SLOTS_MAX);
    rig_ended(r, first, "'verdict':'completed','effects':[" NOTIFY("x") "]");
    rig_turn(r);
    assert_int_equal(engine_lease_count(r->engine), SLOTS_MAX); /* and agentd lives */
    while (!rig_delivery(r, 1)) { /* the queue drains, and the effect has its turn */
        assert_true(rig_running(r) > 0);
        for (size_t i = 0; i < r->lease_count; i++)
            if (r->leases[i].is_live && r->leases[i].op == MSG_JOB_START)
                rig_ended(r, r->leases[i].id, "'verdict':'completed'");
        rig_turn(r);
    }
}

/* ---- lists ---- */

static void
effects_are_listed_by_status_session_and_company(void **state)
{
    static const char *const fields[] = {
        "id",         "session",    "company",    "kind",     "status",
        "sink",       "job",        "payload",    "attempts", "last_attempt_at",
        "created_at", "updated_at", "not_after",  "receipt",  "reason",
        "event",      "autonomous", "allowed_at", "resends"};
    struct rig *r = *state;

    declare(r);
    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop'");
    rig_advance(r, MINUTE_MS);
    rig_ended(r, 1, "'verdict':'completed','effects':[" NOTIFY("x") "]");
    rig_turn(r);
    done(r, 1, "delivered");
    (void)effects_of(r, "'agent':'acme/plain'", NOTIFY("y"));
    rig_must_read(r, "effect.list", "'status':'delivered'");
    assert_int_equal(rig_len(r, "items"), 1);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (!rig_has(r, rig_path(r, "items", 0, fields[i])))
            fail_msg("no %s in %s", fields[i], rig_json(r));
    rig_must_read(r, "effect.list", "'session':'schedule/s'");
    assert_int_equal(rig_len(r, "items"), 1);
    rig_must_read(r, "effect.list", "'company':'acme'");
    assert_int_equal(rig_len(r, "items"), 1);
    assert_int_equal(rig_i64(r, "items.0.id"), 2);
    rig_must_read(r, "effect.list", "'limit':1");
    assert_int_equal(rig_len(r, "items"), 1);
    assert_false(rig_is_nil(r, "next"));
    assert_int_equal(rig_read(r, "effect.list", "'status':'lost'"), E_BAD_REQUEST);
    assert_string_equal(r->error.field, "status");
    assert_int_equal(rig_read(r, "effect.show", "'id':99"), E_NOT_FOUND);
}

static void
a_draining_daemon_sends_nothing_new(void **state)
{
    struct rig *r = *state;

    declare(r);
    uint64_t id = effects_of(r, "'handler':'noop'", NOTIFY("a") "," NOTIFY("b"));

    rig_push(r, &(struct input){.kind = INPUT_DRAIN});
    rig_turn(r);
    done(r, id, "delivered");
    expect_effect(r, id, "delivered");
    assert_null(rig_delivery(r, id + 1));
    rig_push(r, &(struct input){.kind = INPUT_GOODBYE});
    rig_turn(r);
    rig_crash(r);
    rig_turn(r);
    rig_workers(r, 1, 1);
    assert_non_null(rig_delivery(r, id + 1));
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(a_completions_effects_are_sent_after_its_commit),
        TEST(effects_of_what_did_not_complete_do_not_exist),
        TEST(effects_that_cannot_be_make_the_output_invalid),
        TEST(long_messages_come_through_whole),
        TEST(each_sink_gets_its_own_effect),
        TEST(without_a_sink_an_effect_is_suppressed),
        TEST(effects_of_one_session_and_sink_go_one_by_one),
        TEST(a_failing_sink_holds_back_no_other),
        TEST(many_that_wait_in_one_session_hold_back_no_other),
        TEST(deliveries_take_no_slot_and_are_four_to_a_worker),
        TEST(deliveries_and_jobs_share_the_table_of_leases),
        TEST(a_full_table_of_leases_makes_deliveries_wait),
        TEST(effects_are_listed_by_status_session_and_company),
        TEST(a_draining_daemon_sends_nothing_new),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
