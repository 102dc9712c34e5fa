/* What an operator says of effects: resolved, sent again; and what is refused in which state (D4,
 * D5, N22). */
#include "tests/unit/effect_world.h"

#define SAY "{'kind':'send_message','content':'c','sink':'hook'}"

static void
declare_world(struct rig *r)
{
    r->limits.session_handler = view_str("noop");
    rig_configure(r, &(struct rig_declared){
                         .companies = "{'name':'acme'}",
                         .agents = "{'name':'two','handler':'noop','sinks':['hook','file']}",
                         .sinks = "{'name':'hook','kind':'http','url':'http://h'},"
                                  "{'name':'file','kind':'file','path':'o'}",
                     });
    rig_workers(r, 1, 8);
}

static void
report(struct rig *r, uint64_t id, const char *fields)
{
    rig_report(r, rig_delivery(r, id), "effect.done", "%s", fields);
    rig_delivery(r, id)->is_live = false;
    rig_turn(r);
}

/* The last effect there is. */
static uint64_t
last(struct rig *r)
{
    rig_must_read(r, "effect.list", "'limit':1000");
    size_t n = rig_len(r, "items");

    return n ? (uint64_t)rig_i64(r, rig_path(r, "items", n - 1, "id")) : 0;
}

/* What the session's job sends when it processes an event of this type. */
static uint64_t
in_session(struct rig *r, const char *agent, const char *type, const char *effects)
{
    if (strcmp(type, "user_message") == 0) {
        rig_must(r, "session.send", "'key':'chat','content':'x'%s", agent);
    } else {
        rig_must(r, "session.event", "'key':'chat','type':'%s'%s", type, agent);
    }
    rig_turn(r);
    rig_must_read(r, "session.show", "'key':'chat'");
    uint64_t job = (uint64_t)rig_i64(r, "job"), before = last(r);
    rig_ended(r, job, "'verdict':'completed','effects':[%s]", effects);
    rig_turn(r);
    return before + 1;
}

/* ---- an effect in each state ---- */

static uint64_t
make(struct rig *r, const char *status)
{
    uint64_t id;

    if (strcmp(status, "suppressed") == 0) /* plain jobs have no default sink here */
        return effects_of(r, "'handler':'noop'", NOTIFY("x"));
    if (strcmp(status, "rejected") == 0) {
        (void)in_session(r, "", "user_message", "");
        (void)in_session(r, "", "tick", SAY);
        return in_session(r, "", "tick", SAY);
    }
    if (strcmp(status, "pending") == 0 || strcmp(status, "expired") == 0)
        rig_must(r, "stop", "'scope':'effects'");
    id = effects_of(r, "'handler':'noop'", SAY);
    if (strcmp(status, "expired") == 0) {
        rig_advance(r, HOUR_MS);
        rig_must(r, "resume", " ");
        rig_turn(r);
    }
    if (strcmp(status, "delivered") == 0) done(r, id, "delivered");
    if (strcmp(status, "unknown") == 0) done(r, id, "unknown");
    if (strcmp(status, "failed") == 0) report(r, id, "'outcome':'failed','final':true");
    return id;
}

static const struct {
    const char *status;
    bool        is_resolved, is_resent;
} table[] = {
    {"pending",    false, false},
    {"attempting", false, false},
    {"delivered",  false, false},
    {"failed",     false, true },
    {"unknown",    true,  false},
    {"expired",    false, true },
    {"rejected",   false, true },
    {"suppressed", false, true },
};

static void
try_state(struct rig *r, const char *status, const char *op, const char *rest, bool is_allowed)
{
    uint64_t id;

    declare_world(r);
    id = make(r, status);
    expect_effect(r, id, status);
    if (strcmp(status, "suppressed") == 0) { /* now it has one */
        set_default_sinks(r, "'hook'");
        declare_world(r);
    }
    if (is_allowed) {
        rig_must(r, op, "'id':%d%s", (int)id, rest);
        return;
    }
    rig_refused(r, E_WRONG_STATE, "", op, "'id':%d%s", (int)id, rest);
}

static void
only_the_unknown_is_resolved(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        assert_int_equal(rig_begin(state), 0);
        try_state(*state, table[i].status, "effect.resolve", ",'outcome':'delivered'",
                  table[i].is_resolved);
        assert_int_equal(rig_end(state), 0);
    }
}

static void
only_what_is_over_and_was_not_sent_is_sent_again(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct rig *r;

        assert_int_equal(rig_begin(state), 0);
        r = *state;
        try_state(r, table[i].status, "effect.resend", "", table[i].is_resent);
        if (table[i].is_resent) {
            assert_int_equal(rig_i64(r, "done"), 1);
            rig_turn(r);
            rig_must_read(r, "effect.list", "'status':'%s'", table[i].status);
            assert_int_equal(rig_len(r, "items"), 0);
        }
        assert_int_equal(rig_end(state), 0);
    }
}

/* ---- resolve ---- */

static void
an_operator_says_what_became_of_it(void **state)
{
    struct rig *r = *state;

    declare_world(r);
    uint64_t a = make(r, "unknown"), b = make(r, "unknown");
    rig_must(r, "effect.resolve", "'id':%d,'outcome':'delivered','reason':'anna has it'", (int)a);
    assert_string_equal(rig_text(r, "status"), "delivered");
    assert_non_null(strstr(rig_text(r, "receipt"), "resolved by "));
    assert_string_equal(rig_text(r, "reason"), "anna has it");
    rig_must(r, "effect.resolve", "'id':%d,'outcome':'failed'", (int)b);
    expect_effect(r, b, "failed");
    assert_non_null(strstr(rig_text(r, "reason"), "resolved by "));
    assert_int_equal(rig_feed_count(r, "effect.delivered"), 1);
    assert_int_equal(rig_feed_count(r, "effect.failed"), 1);
    rig_must_read(r, "audit.list", " ");
    assert_string_equal(rig_text(r, "items.0.action"), "effect.resolve");
    rig_must(r, "effect.resend", "'id':%d", (int)b); /* it is known not to have been sent */
    rig_turn(r);
    expect_effect(r, b, "attempting");
    rig_refused(r, E_BAD_REQUEST, "outcome", "effect.resolve", "'id':%d,'outcome':'lost'", (int)a);
}

static void
a_probe_under_way_comes_too_late(void **state)
{
    struct rig *r = *state;

    declare_world(r);
    uint64_t id =
        effects_of(r, "'handler':'noop'", "{'kind':'send_message','content':'c','sink':'file'}");
    done(r, id, "unknown");
    assert_true(rig_delivery(r, id)->is_probe);
    rig_must(r, "effect.resolve", "'id':%d,'outcome':'failed'", (int)id);
    done(r, id, "delivered");
    expect_effect(r, id, "failed");
}

/* ---- resend ---- */

static void
sent_again_it_has_all_its_time_and_attempts_at_the_end_of_its_queue(void **state)
{
    struct rig *r = *state;

    declare_world(r);
    uint64_t first = make(r, "failed"), second = effects_of(r, "'handler':'noop'", SAY);
    expect_effect(r, second, "attempting");
    rig_advance(r, 1000);
    rig_must(r, "effect.resend", "'id':%d", (int)first);
    rig_turn(r);
    expect_effect(r, first, "pending");
    assert_int_equal(rig_i64(r, "attempts"), 0);
    assert_int_equal(rig_i64(r, "resends"), 1);
    assert_int_equal(rig_i64(r, "not_after"), r->header.now.wall_ms + HOUR_MS);
    assert_true(rig_is_nil(r, "reason"));
    done(r, second, "delivered");
    expect_effect(r, first, "attempting");
    rig_must_read(r, "audit.list", " ");
    assert_string_equal(rig_text(r, "items.0.action"), "effect.resend");
}

static void
what_a_gate_refused_goes_to_all_its_sinks(void **state)
{
    struct rig *r = *state;

    declare_world(r);
    (void)in_session(r, ",'agent':'two'", "user_message", "");
    (void)in_session(r, "", "tick", NOTIFY("a")); /* two rows */
    uint64_t id = in_session(r, "", "tick", NOTIFY("b"));
    expect_effect(r, id, "rejected");
    assert_int_equal(last(r), id);
    rig_must(r, "effect.resend", "'id':%d", (int)id);
    rig_turn(r);
    assert_int_equal(last(r), id + 1);
    assert_string_equal(effect_text(r, id, "sink"), "hook");
    assert_string_equal(effect_text(r, id + 1, "sink"), "file");
    assert_string_equal(effect_text(r, id + 1, "payload.message"), "b");
    assert_true(rig_is_nil(r, "allowed_at"));
    rig_must_read(r, "session.show", "'key':'chat'");
    assert_int_equal(rig_i64(r, "consecutive_autonomous_msgs"), 1); /* an operator's do not count */
}

static void
what_cannot_be_sent_again_says_why(void **state)
{
    struct rig *r = *state;

    declare_world(r);
    uint64_t failed = make(r, "failed"), suppressed = make(r, "suppressed");
    rig_refused(r, E_WRONG_STATE, "", "effect.resend", "'id':%d", (int)suppressed);
    assert_non_null(strstr(r->error.msg, "no sink is configured"));
    rig_configure(r, &(struct rig_declared){.companies = "{'name':'acme'}"});
    rig_refused(r, E_WRONG_STATE, "", "effect.resend", "'id':%d", (int)failed);
    assert_non_null(strstr(r->error.msg, "no longer declared"));
    rig_refused(r, E_NOT_FOUND, "", "effect.resend", "'id':99");
    rig_refused(r, E_BAD_REQUEST, "status", "effect.resend", " ");
    rig_refused(r, E_BAD_REQUEST, "status", "effect.resend", "'status':'delivered'");
    rig_refused(r, E_BAD_REQUEST, "id", "effect.resend", "'id':1,'status':'failed'");
}

/* It would wait for a reader that never comes. */
static void
what_would_go_to_readers_of_a_session_that_is_gone_is_not_sent_again(void **state)
{
    struct rig *r = *state;
    uint64_t    sent, refused;

    r->limits.keep_events_ms = HOUR_MS;
    declare_world(r);
    (void)in_session(r, "", "user_message", "");
    sent = in_session(r, "", "tick", SAY);
    refused = in_session(r, "", "tick", "{'kind':'send_message','content':'c'}");
    expect_effect(r, refused, "rejected");
    done(r, sent, "delivered");
    rig_must(r, "session.close", "'key':'chat'");
    rig_advance(r, 2 * HOUR_MS);
    assert_int_equal(rig_read(r, "session.show", "'key':'chat'"), E_NOT_FOUND);
    rig_refused(r, E_WRONG_STATE, "", "effect.resend", "'id':%d", (int)refused);
    expect_effect(r, refused, "rejected");
}

static void
effects_that_act_inside_are_not_sent_again(void **state)
{
    struct rig *r = *state;

    declare_world(r);
    uint64_t id = effects_of(r, "'handler':'noop'", "{'kind':'wake_agent','agent':'nobody'}");
    expect_effect(r, id, "rejected");
    rig_refused(r, E_WRONG_STATE, "", "effect.resend", "'id':%d", (int)id);
    rig_must(r, "effect.resend", "'status':'rejected'");
    assert_int_equal(rig_i64(r, "matched"), 0);
}

static void
many_are_sent_again_by_filter_in_parts(void **state)
{
    struct rig *r = *state;

    declare_world(r);
    rig_must(r, "stop", "'scope':'effects'");
    for (int i = 0; i < 5; i++)
        (void)effects_of(r, "'handler':'noop'", SAY "," NOTIFY("x"));
    rig_advance(r, HOUR_MS);
    rig_must(r, "effect.resend", "'status':'expired','dry_run':true");
    assert_int_equal(rig_i64(r, "matched"), 5);
    assert_int_equal(rig_i64(r, "done"), 0);
    rig_must_read(r, "effect.list", "'status':'expired','kind':'send_message'");
    assert_int_equal(rig_len(r, "items"), 5);
    rig_must(r, "effect.resend", "'status':'expired','kind':'notify'");
    assert_int_equal(rig_i64(r, "matched"), 0);
    rig_must(r, "effect.resend", "'status':'expired','limit':3");
    assert_int_equal(rig_i64(r, "done"), 3);
    FREE_AUTO char *next = xasprintf("%s", rig_text(r, "next"));
    rig_must(r, "effect.resend", "'status':'expired','after':'%s'", next);
    assert_int_equal(rig_i64(r, "done"), 2);
    assert_true(rig_is_nil(r, "next"));
    rig_must_read(r, "effect.list", "'status':'pending'");
    assert_int_equal(rig_len(r, "items"), 5);
    rig_must(r, "effect.resend", "'status':'suppressed'"); /* no sink for any of them */
    assert_int_equal(rig_i64(r, "matched"), 5);
    assert_int_equal(rig_i64(r, "done"), 0);
    assert_non_null(strstr(rig_text(r, "refused"), "no sink is configured"));
}

static void
another_companys_effects_are_not_there(void **state)
{
    struct rig *r = *state;

    declare_world(r);
    uint64_t unknown = make(r, "unknown"), failed = make(r, "failed");
    r->actor.company = view_str("acme");
    rig_refused(r, E_NOT_FOUND, "", "effect.resolve", "'id':%d,'outcome':'failed'", (int)unknown);
    rig_refused(r, E_NOT_FOUND, "", "effect.resend", "'id':%d", (int)failed);
    rig_must(r, "effect.resend", "'status':'failed'");
    assert_int_equal(rig_i64(r, "matched"), 0);
    r->actor.company = (struct view){0};
}

static void
lists_go_by_session_and_status_without_looking_at_the_rest(void **state)
{
    struct rig         *r = *state;
    BUF_AUTO struct buf notes = {0};

    declare_world(r);
    uint64_t failed = make(r, "failed");
    uint64_t said = in_session(r, "", "user_message", SAY);
    r->is_unchecked = true;
    for (int i = 0; i < 100; i++)
        buf_add_str(&notes, i ? "," NOTIFY("x") : NOTIFY("x"));
    for (int i = 0; i <= READ_ROWS_MAX / 100; i++) {
        uint64_t job = rig_submit(r, "'handler':'noop'");

        rig_ended(r, job, "'verdict':'completed','effects':[%s]", buf_str(&notes));
        rig_turn(r);
    }
    rig_must_read(r, "effect.list", "'status':'failed'"); /* all, of more than a page's rows */
    assert_int_equal(rig_len(r, "items"), 1);
    assert_true(rig_is_nil(r, "next"));
    assert_int_equal(rig_i64(r, "items.0.id"), (int64_t)failed);
    rig_must_read(r, "effect.list", "'session':'chat'");
    assert_int_equal(rig_len(r, "items"), 1);
    assert_true(rig_is_nil(r, "next"));
    assert_int_equal(rig_i64(r, "items.0.id"), (int64_t)said);
    rig_must_read(r, "effect.list", "'session':'chat','status':'failed'");
    assert_int_equal(rig_len(r, "items"), 0);
    rig_must_read(r, "effect.list", "'status':'suppressed','kind':'wake_agent'");
    assert_int_equal(rig_len(r, "items"), 0);
    assert_false(rig_is_nil(r, "next"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_unknown_is_resolved),
        cmocka_unit_test(only_what_is_over_and_was_not_sent_is_sent_again),
        TEST(an_operator_says_what_became_of_it),
        TEST(a_probe_under_way_comes_too_late),
        TEST(sent_again_it_has_all_its_time_and_attempts_at_the_end_of_its_queue),
        TEST(what_a_gate_refused_goes_to_all_its_sinks),
        TEST(what_cannot_be_sent_again_says_why),
        TEST(what_would_go_to_readers_of_a_session_that_is_gone_is_not_sent_again),
        TEST(effects_that_act_inside_are_not_sent_again),
        TEST(many_are_sent_again_by_filter_in_parts),
        TEST(another_companys_effects_are_not_there),
        TEST(lists_go_by_session_and_status_without_looking_at_the_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
