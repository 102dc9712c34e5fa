/* Effects whose sending failed or whose outcome is unknown (D4, N22). */
#include "supervisor/engine/objects.h"
#include "tests/unit/effect_world.h"

/* ---- attempts ---- */

static void
what_was_surely_not_sent_is_tried_again_a_few_times(void **state)
{
    static const int64_t ladder_ms[] = {2 * MINUTE_MS, 10 * MINUTE_MS, 30 * MINUTE_MS,
                                        120 * MINUTE_MS};
    struct rig          *r = *state;

    declare(r);
    uint64_t id = effects_of(r, "'handler':'noop'", NOTIFY("a"));
    uint64_t next = effects_of(r, "'handler':'noop'", NOTIFY("b"));
    for (int i = 0; i < 4; i++) {
        size_t sent = r->lease_count;

        done(r, id, "failed");
        expect_effect(r, id, "pending");
        assert_int_equal(rig_i64(r, "attempts"), i + 1);
        assert_int_equal(r->lease_count, sent);
        rig_advance(r, ladder_ms[i] - 1);
        assert_int_equal(r->lease_count, sent);
        rig_advance(r, 1);
        assert_int_equal(r->lease_count, sent + 1);
        expect_effect(r, id, "attempting");
    }
    assert_null(rig_delivery(r, next));
    done(r, id, "failed");
    expect_effect(r, id, "failed"); /* for good; it holds no follower back */
    assert_int_equal(rig_i64(r, "attempts"), 5);
    assert_non_null(rig_delivery(r, next));
    assert_int_equal(rig_feed_count(r, "effect.failed"), 1);
}

/* ---- unknown ---- */

static void
an_unknown_outcome_is_probed_never_sent_blindly(void **state)
{
    struct rig *r = *state;

    declare(r);
    uint64_t id = effects_of(r, "'handler':'noop'", NOTIFY("a"));
    done(r, id, "unknown");
    expect_effect(r, id, "unknown");
    assert_true(rig_delivery(r, id)->is_probe);
    assert_int_equal(rig_i64(r, "attempts"), 1); /* a probe is no attempt */
    done(r, id, "absent");                       /* so it was not sent: now it may be */
    expect_effect(r, id, "attempting");
    assert_false(rig_delivery(r, id)->is_probe);
    assert_int_equal(rig_i64(r, "attempts"), 2);
    done(r, id, "unknown");
    done(r, id, "delivered"); /* the probe found it */
    expect_effect(r, id, "delivered");
    assert_int_equal(rig_i64(r, "attempts"), 2);
    assert_int_equal(rig_feed_count(r, "effect.unknown"), 2);
}

static void
a_probe_without_an_answer_is_made_again(void **state)
{
    struct rig *r = *state;

    declare(r);
    uint64_t id = effects_of(r, "'handler':'noop'", NOTIFY("a"));
    done(r, id, "unknown");
    for (int i = 0; i < 10; i++) {
        size_t sent = r->lease_count;

        done(r, id, i % 2 ? "failed" : "unknown");
        expect_effect(r, id, "unknown");
        assert_int_equal(r->lease_count, sent);
        rig_advance(r, 5 * MINUTE_MS);
        assert_int_equal(r->lease_count, sent + 1);
        assert_true(rig_delivery(r, id)->is_probe);
    }
    done(r, id, "delivered");
    expect_effect(r, id, "delivered");
}

/* The sink says that it can never tell. */
static void
a_probe_that_finds_nothing_out_is_the_last(void **state)
{
    struct rig *r = *state;
    int64_t     attempted_at;

    declare(r);
    uint64_t id = effects_of(r, "'handler':'noop'", NOTIFY("a"));
    int64_t  sent_at = r->header.now.wall_ms;
    assert_false(mp_find_i64(rig_delivery(r, id)->body, "attempted_at", &attempted_at));
    done(r, id, "unknown");
    done(r, id, "unknown");
    rig_advance(r, 5 * MINUTE_MS);
    assert_true(mp_find_i64(rig_delivery(r, id)->body, "attempted_at", &attempted_at));
    assert_int_equal(attempted_at, sent_at);

    size_t sent = r->lease_count;
    rig_report(r, rig_delivery(r, id), "effect.done",
               "'outcome':'unknown','final':true,'message':'it was replaced'");
    rig_turn(r);
    expect_effect(r, id, "unknown");
    assert_string_equal(rig_text(r, "reason"), "it was replaced");
    assert_int_equal(rig_feed_count(r, "effect.unknown"), 2);
    rig_advance(r, 60 * MINUTE_MS);
    assert_int_equal(r->lease_count, sent);
    assert_int_equal(engine_lease_count(r->engine), 0);
    rig_crash(r);
    rig_turn(r);
    rig_workers(r, 1, 1);
    assert_int_equal(r->lease_count, sent);
}

static void
what_is_absent_again_and_again_is_failed(void **state)
{
    struct rig *r = *state;

    declare(r);
    uint64_t id = effects_of(r, "'handler':'noop'", NOTIFY("a"));
    for (int i = 1; i < 5; i++) {
        done(r, id, "unknown");
        done(r, id, "absent");
        expect_effect(r, id, "attempting");
        assert_int_equal(rig_i64(r, "attempts"), i + 1);
    }
    done(r, id, "unknown");
    done(r, id, "absent");
    expect_effect(r, id, "failed");
    assert_int_equal(rig_i64(r, "attempts"), 5);
}

static void
a_worker_that_dies_while_sending_leaves_it_unknown(void **state)
{
    struct rig *r = *state;

    declare(r);
    uint64_t id = effects_of(r, "'handler':'noop'", NOTIFY("a"));
    rig_worker_gone(r, 0);
    rig_turn(r);
    expect_effect(r, id, "unknown");
    rig_workers(r, 1, 1);
    assert_true(rig_delivery(r, id)->is_probe);
    rig_worker_gone(r, 0); /* and while probing */
    rig_turn(r);
    expect_effect(r, id, "unknown");
    rig_workers(r, 1, 1);
    assert_true(rig_delivery(r, id)->is_live);
    assert_true(rig_delivery(r, id)->is_probe);
    done(r, id, "absent");
    expect_effect(r, id, "attempting");
}

static void
a_planned_stop_while_sending_is_told_as_such(void **state)
{
    struct rig *r = *state;

    declare(r);
    uint64_t id = effects_of(r, "'handler':'noop'", NOTIFY("a"));
    rig_push(r, &(struct input){.kind = INPUT_DRAIN});
    rig_turn(r);
    rig_worker_gone(r, 0);
    rig_turn(r);
    expect_effect(r, id, "unknown");
    assert_string_equal(rig_text(r, "reason"), "agentd was stopped while it was being sent");
}

static void
a_crash_while_sending_leaves_it_unknown(void **state)
{
    struct rig *r = *state;

    declare(r);
    uint64_t id = effects_of(r, "'handler':'noop'", NOTIFY("a"));
    uint64_t next = effects_of(r, "'handler':'noop'", NOTIFY("b"));
    rig_crash(r);
    rig_turn(r);
    assert_int_equal(rig_output_count(r, OUT_OLD_LEASE), 1);
    assert_int_equal(rig_output(r, OUT_OLD_LEASE, 0)->token, rig_delivery(r, id)->token);
    assert_int_equal(engine_old_lease_count(r->engine), 1);
    rig_workers(r, 1, 1);
    expect_effect(r, id, "attempting"); /* its processes may still be at it */
    assert_null(rig_delivery(r, next));
    rig_old_leases_gone(r);
    rig_turn(r);
    assert_int_equal(engine_old_lease_count(r->engine), 0);
    expect_effect(r, id, "unknown");
    assert_true(rig_delivery(r, id)->is_probe);
    done(r, id, "delivered");
    expect_effect(r, id, "delivered");
    assert_int_equal(rig_i64(r, "attempts"), 1);
    assert_non_null(rig_delivery(r, next));
}

/* ---- order (N22) ---- */

static void
an_unknown_outcome_holds_back_no_follower(void **state)
{
    struct rig *r = *state;

    declare(r);
    uint64_t id = effects_of(r, "'handler':'noop'", NOTIFY("a") "," NOTIFY("b") "," NOTIFY("c"));
    done(r, id, "unknown");
    assert_true(rig_delivery(r, id)->is_probe);
    assert_non_null(rig_delivery(r, id + 1)); /* not held by what may have been sent */
    assert_null(rig_delivery(r, id + 2));     /* but by what is being sent */
    done(r, id, "unknown");                   /* the sink cannot say */
    done(r, id + 1, "delivered");
    assert_non_null(rig_delivery(r, id + 2));
    done(r, id + 2, "delivered");
    rig_advance(r, MINUTE_MS);
    done(r, id, "delivered");
    assert_int_equal(engine_lease_count(r->engine), 0);
}

/* They are sent one after the other. */
static void
expect_order(struct rig *r, const uint64_t *order, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = i; k < count; k++)
            expect_effect(r, order[k], k == i ? "attempting" : "pending");
        done(r, order[i], "delivered");
    }
    assert_int_equal(engine_lease_count(r->engine), 0);
}

static void
what_was_not_sent_goes_before_those_behind_it(void **state)
{
    struct rig *r = *state;

    declare(r);
    uint64_t id = effects_of(r, "'handler':'noop'", NOTIFY("a") "," NOTIFY("b") "," NOTIFY("c"));
    done(r, id, "unknown");
    uint64_t last = effects_of(r, "'handler':'noop'", NOTIFY("d"));
    done(r, id, "absent"); /* b is being sent */
    expect_effect(r, id, "pending");
    uint64_t       behind = effects_of(r, "'handler':'noop'", NOTIFY("e"));
    const uint64_t order[] = {id + 1, id, id + 2, last, behind};
    expect_order(r, order, ARRAY_LEN(order));
}

static void
several_that_were_not_sent_keep_their_order(void **state)
{
    struct rig *r = *state;

    declare(r);
    uint64_t id = effects_of(r, "'handler':'noop'",
                             NOTIFY("a") "," NOTIFY("b") "," NOTIFY("c") "," NOTIFY("d"));
    done(r, id, "unknown");
    done(r, id + 1, "unknown");
    done(r, id + 1, "absent"); /* c is being sent */
    done(r, id, "absent");
    const uint64_t order[] = {id + 2, id, id + 1, id + 3};
    expect_order(r, order, ARRAY_LEN(order));
}

/* The first of three comes back while the second waits for its next try. */
static uint64_t
come_back_before_a_retry(struct rig *r)
{
    declare(r);
    uint64_t id = effects_of(r, "'handler':'noop'", NOTIFY("a") "," NOTIFY("b") "," NOTIFY("c"));
    done(r, id, "unknown");
    done(r, id + 1, "failed");
    done(r, id, "absent");
    return id;
}

static void
one_that_is_tried_again_waits_for_what_was_before_it(void **state)
{
    struct rig *r = *state;
    uint64_t    id = come_back_before_a_retry(r);

    rig_advance(r, 10 * MINUTE_MS); /* its time has come */
    const uint64_t order[] = {id, id + 1, id + 2};
    expect_order(r, order, ARRAY_LEN(order));
}

static void
nor_is_it_tried_sooner_for_that(void **state)
{
    struct rig *r = *state;
    uint64_t    id = come_back_before_a_retry(r);

    done(r, id, "delivered");
    expect_effect(r, id + 1, "pending");
    rig_advance(r, 10 * MINUTE_MS);
    expect_effect(r, id + 1, "attempting");
}

/* ---- a sink that is gone from the file ---- */

static const struct rig_declared without_file = {
    .companies = "{'name':'acme'}",
    .agents = "{'name':'plain','company':'acme','handler':'noop'}",
    .sinks = "{'name':'other','kind':'file','path':'/o/other.jsonl'}",
};

static void
expect_sink_in_use(struct rig *r, const char *by)
{
    FREE_AUTO char *message = xasprintf("sink \"file\", gone from the file, is in use by %s", by);

    assert_int_equal(rig_try_configure(r, &without_file, false), E_IN_USE);
    assert_string_equal(r->error.msg, message);
}

static void
a_sink_keeps_what_is_to_be_sent_to_it_or_asked_of_it(void **state)
{
    struct rig *r = *state;

    declare(r);
    uint64_t asked = effects_of(r, "'agent':'acme/plain'", NOTIFY("a"));
    uint64_t sent = effects_of(r, "'agent':'acme/plain'", NOTIFY("b") "," NOTIFY("c"));
    (void)effects_of(r, "'agent':'acme/two'", NOTIFY("d")); /* to the other one, too */
    set_default_sinks(r, "'other'");
    expect_sink_in_use(r, "effect 1, effect 2, effect 3, effect 4");
    done(r, asked, "unknown");
    done(r, asked, "unknown"); /* it is asked again in a minute */
    for (uint64_t id = sent; id <= sent + 2; id++)
        done(r, id, "delivered");
    expect_sink_in_use(r, "effect 1");
    rig_advance(r, MINUTE_MS);
    done(r, asked, "delivered");
    rig_configure(r, &without_file);
    assert_int_equal(rig_feed_count(r, "effect.failed"), 0);
}

static void
at_a_start_a_sink_stays_until_its_messages_are_over(void **state)
{
    struct rig *r = *state;

    declare(r);
    uint64_t id = effects_of(r, "'agent':'acme/plain'", NOTIFY("a") "," NOTIFY("b"));
    done(r, id, "delivered");
    done(r, id + 1, "failed"); /* it is tried again */
    set_default_sinks(r, "'other'");
    r->config_follows = true;
    rig_crash(r);
    rig_configure(r, &without_file);
    assert_non_null(strstr(rig_warnings(r), "sink file is gone from the configuration file"));
    rig_workers(r, 1, 8);
    rig_advance(r, HOUR_MS);
    expect_effect(r, id + 1, "attempting");
    assert_string_equal(rig_text(r, "sink"), "file");
    done(r, id + 1, "delivered");
    rig_configure(r, &without_file);
    assert_string_equal(rig_warnings(r), "");
}

static void
lose_sink(struct rig *r, const char *name)
{
    struct err    e = {0};
    struct txn   *t = txn_begin_write(r->store, &e);
    bool          outcome_unknown;
    struct object o = {.id = object_find(t, KIND_SINK, COMPANY_DEFAULT_ID, view_str(name))};

    assert_int_equal(object_load(t, &o), LOAD_FOUND);
    (void)object_delete(t, &o);
    assert_int_equal(txn_commit(&t, &outcome_unknown, &e), E_OK);
    r->is_unchecked = true;
}

/* Only damage to the store takes it away. */
static void
without_its_sink_what_waits_fails_and_what_was_sent_stays_unknown(void **state)
{
    struct rig *r = *state;

    declare(r);
    uint64_t id = effects_of(r, "'agent':'acme/plain'", NOTIFY("a"));
    uint64_t sent = effects_of(r, "'agent':'acme/plain'", NOTIFY("b") "," NOTIFY("c"));
    done(r, id, "unknown");
    done(r, id, "unknown");
    lose_sink(r, "file");
    done(r, sent, "failed");
    rig_advance(r, 10 * MINUTE_MS);
    expect_effect(r, sent + 1, "failed");
    assert_string_equal(rig_text(r, "reason"), "its sink is no longer declared");
    expect_effect(r, id, "unknown"); /* it may have been delivered */
    assert_non_null(strstr(rig_text(r, "reason"), "no longer declared"));
    assert_false(rig_is_due(r));
}

static void
late_outcomes_are_refused(void **state)
{
    struct rig *r = *state;

    declare(r);
    uint64_t         id = effects_of(r, "'handler':'noop'", NOTIFY("a"));
    struct rig_lease old = *rig_delivery(r, id);
    done(r, id, "unknown");
    uint64_t hash = rig_hash(r);
    rig_report(r, &old, "effect.done", "'outcome':'delivered'");
    rig_report(r, &old, "ended", "'verdict':'completed'");
    rig_turn(r);
    assert_true(rig_hash(r) == hash);
    expect_effect(r, id, "unknown");
}

static void
what_the_worker_has_lost_is_unknown(void **state)
{
    struct rig *r = *state;

    declare(r);
    uint64_t                 id = effects_of(r, "'handler':'noop'", NOTIFY("a"));
    const struct rig_worker *w = &r->workers[0];
    rig_delivery(r, id)->is_live = false;
    rig_raw_report(r, 0,
                   rig_pack(r,
                            "{'v':1,'op':'heartbeat','body':{'worker':0,'generation':%d,"
                            "'last_seq':%d,'running':[]}}",
                            (int)w->generation, (int)w->last_seq));
    rig_turn(r);
    expect_effect(r, id, "unknown");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(what_was_surely_not_sent_is_tried_again_a_few_times),
        TEST(an_unknown_outcome_is_probed_never_sent_blindly),
        TEST(a_probe_without_an_answer_is_made_again),
        TEST(a_probe_that_finds_nothing_out_is_the_last),
        TEST(what_is_absent_again_and_again_is_failed),
        TEST(a_worker_that_dies_while_sending_leaves_it_unknown),
        TEST(a_planned_stop_while_sending_is_told_as_such),
        TEST(a_crash_while_sending_leaves_it_unknown),
        TEST(an_unknown_outcome_holds_back_no_follower),
        TEST(what_was_not_sent_goes_before_those_behind_it),
        TEST(several_that_were_not_sent_keep_their_order),
        TEST(one_that_is_tried_again_waits_for_what_was_before_it),
        TEST(nor_is_it_tried_sooner_for_that),
        TEST(a_sink_keeps_what_is_to_be_sent_to_it_or_asked_of_it),
        TEST(at_a_start_a_sink_stays_until_its_messages_are_over),
        TEST(without_its_sink_what_waits_fails_and_what_was_sent_stays_unknown),
        TEST(late_outcomes_are_refused),
        TEST(what_the_worker_has_lost_is_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
