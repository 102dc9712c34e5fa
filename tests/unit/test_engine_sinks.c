/* How effects are delivered to each kind of sink: what an unknown outcome means, failures for good,
 * waits that a sink asks for (D4, D5, N22). */
#include "tests/unit/effect_world.h"

#define ALL_SINKS                                                                           \
    "{'name':'file','kind':'file','path':'o'},"                                             \
    "{'name':'hook','kind':'http','url':'http://h','timeout_ms':5000,'not_after_ms':null}," \
    "{'name':'safe','kind':'http','url':'http://h','idempotent':true,'max_attempts':3,"     \
    "'not_after_ms':null},"                                                                 \
    "{'name':'run','kind':'command','command':['x'],'not_after_ms':null},"                  \
    "{'name':'sure','kind':'command','command':['x'],'idempotent':true,'not_after_ms':null}"

static void
declare_sinks(struct rig *r)
{
    rig_configure(r, &(struct rig_declared){.sinks = ALL_SINKS});
    rig_workers(r, 1, 8);
}

static uint64_t
to(struct rig *r, const char *sink)
{
    FREE_AUTO char *effect = xasprintf("{'kind':'send_message','content':'c','sink':'%s'}", sink);
    return effects_of(r, "'handler':'noop'", effect);
}

static void
report(struct rig *r, uint64_t id, const char *fields)
{
    const struct rig_lease *l = rig_delivery(r, id);

    rig_report(r, l, "effect.done", "%s", fields);
    rig_delivery(r, id)->is_live = false;
    rig_turn(r);
}

static void
who_cannot_tell_leaves_the_unknown_to_an_operator(void **state)
{
    static const char *const sinks[] = {"hook", "run"};
    struct rig              *r = *state;

    declare_sinks(r);
    for (size_t i = 0; i < ARRAY_LEN(sinks); i++) {
        uint64_t id = to(r, sinks[i]);
        uint64_t next = to(r, sinks[i]);
        size_t   sent;

        done(r, id, "unknown");
        sent = r->lease_count;
        expect_effect(r, id, "unknown");
        assert_non_null(rig_delivery(r, next)); /* it holds nobody back */
        rig_advance(r, 24 * HOUR_MS);
        assert_int_equal(r->lease_count, sent);
        expect_effect(r, id, "unknown");
        assert_int_equal(rig_i64(r, "attempts"), 1);
        rig_must_read(r, "effect.why", "'id':%d", (int)id);
        assert_int_equal(rig_len(r, "blockers"), 0);
        assert_non_null(strstr(rig_text(r, "change"), "agentctl effect resolve"));
    }
}

static void
who_knows_effects_by_their_id_gets_them_again_while_attempts_last(void **state)
{
    struct rig *r = *state;

    declare_sinks(r);
    uint64_t id = to(r, "safe");
    uint64_t next = to(r, "safe");
    for (int i = 1; i < 3; i++) {
        done(r, id, "unknown");
        expect_effect(r, id, "pending");
        assert_int_equal(rig_i64(r, "attempts"), i);
        assert_null(rig_delivery(r, next)); /* it keeps its place */
        rig_advance(r, 30 * MINUTE_MS);
        expect_effect(r, id, "attempting");
        assert_false(rig_delivery(r, id)->is_probe);
    }
    done(r, id, "unknown");
    expect_effect(r, id, "unknown");
    assert_non_null(rig_delivery(r, next));
    rig_advance(r, 24 * HOUR_MS);
    expect_effect(r, id, "unknown");
}

static void
a_worker_that_dies_is_an_unknown_outcome_too(void **state)
{
    struct rig *r = *state;

    declare_sinks(r);
    uint64_t hook = to(r, "hook"), sure = to(r, "sure"), file = to(r, "file");
    rig_worker_gone(r, 0);
    rig_turn(r);
    expect_effect(r, hook, "unknown");
    expect_effect(r, sure, "pending");
    expect_effect(r, file, "unknown");
    rig_workers(r, 1, 8);
    rig_turn(r); /* the sink had no part in it: nothing waits for the ladder */
    expect_effect(r, hook, "unknown");
    assert_int_equal(rig_i64(r, "attempts"), 1);
    expect_effect(r, sure, "attempting");
    assert_true(rig_delivery(r, file)->is_probe);
}

static void
what_failed_for_good_is_not_tried_again(void **state)
{
    struct rig *r = *state;

    declare_sinks(r);
    uint64_t id = to(r, "hook"), next = to(r, "hook");
    report(r, id, "'outcome':'failed','final':true,'message':'HTTP 410'");
    expect_effect(r, id, "failed");
    assert_string_equal(rig_text(r, "reason"), "HTTP 410");
    assert_int_equal(rig_i64(r, "attempts"), 1);
    assert_non_null(rig_delivery(r, next));
}

static void
when_a_sink_asks_to_come_again_wins_over_the_ladder(void **state)
{
    struct rig *r = *state;

    declare_sinks(r);
    uint64_t id = to(r, "hook");
    report(r, id, "'outcome':'failed','after_ms':3600000");
    rig_advance(r, HOUR_MS - 1);
    expect_effect(r, id, "pending");
    rig_advance(r, 1);
    expect_effect(r, id, "attempting");
    report(r, id, "'outcome':'failed','after_ms':4000"); /* a shorter one as well */
    rig_advance(r, 3999);
    expect_effect(r, id, "pending");
    rig_advance(r, 1);
    expect_effect(r, id, "attempting");
    report(r, id, "'outcome':'failed'");
    rig_advance(r, 30 * MINUTE_MS - 1);
    expect_effect(r, id, "pending");
    rig_advance(r, 1);
    expect_effect(r, id, "attempting");
}

static void
a_delivery_has_its_sinks_time(void **state)
{
    struct rig *r = *state;
    struct view v;

    declare_sinks(r);
    uint64_t hook = to(r, "hook"), file = to(r, "file");
    r->reply = rig_delivery(r, hook)->body;
    assert_int_equal(rig_i64(r, "max_run_ms"), 5000);
    assert_true(mp_find(rig_delivery(r, hook)->body, "sink", &v));
    r->reply = rig_delivery(r, file)->body;
    assert_int_equal(rig_i64(r, "max_run_ms"), 60000);
}

static void
a_sink_of_another_kind_is_not_asked_what_it_cannot_know(void **state)
{
    struct rig *r = *state;

    declare_sinks(r);
    uint64_t id = to(r, "file");
    done(r, id, "unknown");
    done(r, id, "failed"); /* the probe: again in a while */
    rig_configure(
        r, &(struct rig_declared){.sinks = "{'name':'file','kind':'command','command':['x']}"});
    rig_advance(r, 5 * MINUTE_MS);
    expect_effect(r, id, "unknown");
    assert_non_null(strstr(rig_text(r, "reason"), "of another kind"));
    rig_must_read(r, "effect.why", "'id':%d", (int)id);
    assert_int_equal(rig_len(r, "blockers"), 0);
}

static void
an_agents_list_names_a_sink_once(void **state)
{
    struct rig *r = *state;

    declare_sinks(r);
    rig_refused(r, E_BAD_REQUEST, "sinks", "agent.add",
                "'name':'a','sinks':['file','hook','file']");
    rig_refused(r, E_BAD_REQUEST, "sinks", "agent.add",
                "'name':'a','sinks':['file','default/file']");
    rig_must(r, "agent.add", "'name':'a','sinks':['file','hook']");
    rig_refused(r, E_BAD_REQUEST, "sinks", "agent.set", "'name':'a','sinks':['hook','hook']");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_cannot_tell_leaves_the_unknown_to_an_operator),
        TEST(who_knows_effects_by_their_id_gets_them_again_while_attempts_last),
        TEST(a_worker_that_dies_is_an_unknown_outcome_too),
        TEST(what_failed_for_good_is_not_tried_again),
        TEST(when_a_sink_asks_to_come_again_wins_over_the_ladder),
        TEST(a_delivery_has_its_sinks_time),
        TEST(a_sink_of_another_kind_is_not_asked_what_it_cannot_know),
        TEST(an_agents_list_names_a_sink_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
