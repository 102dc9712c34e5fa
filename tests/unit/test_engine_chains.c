/* What agents make by their effects: wake-ups that act once, chains that end, and a person's word
 * (A15, B7, N24). */
#include "tests/unit/effects_case.h"

/* ---- chains ---- */

static void
a_wake_up_is_a_job_of_the_other_agent(void **state)
{
    struct rig *r = *state;

    declare(r);
    uint64_t a = wake(r, "anna");
    end_with(r, a, WAKE("bert"));
    uint64_t b = a + 1;
    assert_string_equal(effect(r, "status"), "delivered");
    assert_string_equal(effect(r, "kind"), "wake_agent");
    expect_state(r, b, "running");
    assert_string_equal(rig_job_text(r, b, "agent"), "bert");
    assert_string_equal(rig_text(r, "trigger"), "follow_up");
    assert_string_equal(rig_text(r, "source"), "agent:anna");
    assert_int_equal(rig_i64(r, "payload.n"), 1);
    assert_int_equal(rig_i64(r, "parent"), (int64_t)a);
    assert_int_equal(rig_i64(r, "root"), (int64_t)a);
    assert_int_equal(rig_i64(r, "depth"), 1);
    assert_int_equal(rig_feed_count(r, "effect.delivered"), 1);
}

static void
a_wake_up_may_be_for_later(void **state)
{
    struct rig *r = *state;

    declare(r);
    uint64_t a = wake(r, "anna");
    end_with(r, a, "{'kind':'wake_agent','agent':'acme/bert','in_ms':60000}");
    expect_state(r, a + 1, "scheduled");
    rig_advance(r, MINUTE_MS);
    expect_state(r, a + 1, "running");
}

static void
effects_of_a_replayed_end_act_once(void **state)
{
    struct rig *r = *state;

    declare(r);
    uint64_t a = wake(r, "anna");
    rig_ended(r, a, "'verdict':'completed','effects':[%s]", WAKE("bert"));
    rig_report(r, rig_lease(r, a), "ended", "'verdict':'completed','effects':[%s]", WAKE("bert"));
    rig_turn(r);
    assert_int_equal(jobs(r), 2);
    uint64_t b = wake(r, "anna"); /* its first attempt's end is lost with agentd */
    rig_crash(r);
    rig_turn(r);
    rig_old_leases_gone(r);
    rig_turn(r);
    rig_workers(r, 1, 8);
    end_with(r, b, WAKE("bert"));
    assert_int_equal(jobs(r), 4);
}

static void
an_agent_does_not_wake_itself_unless_allowed(void **state)
{
    struct rig *r = *state;

    declare(r);
    uint64_t a = wake(r, "anna");
    end_with(r, a, WAKE("anna"));
    assert_string_equal(effect(r, "status"), "rejected");
    assert_string_equal(effect(r, "reason"), "an agent may not wake itself");
    assert_int_equal(jobs(r), 1);
    assert_int_equal(rig_feed_count(r, "chain.cut"), 1);
    assert_int_equal(rig_feed_count(r, "effect.rejected"), 1);
    uint64_t s = wake(r, "self");
    for (int i = 0; i < 8; i++, s++)
        end_with(r, s, WAKE("self"));
    assert_string_equal(effect(r, "status"), "delivered");
    end_with(r, s, WAKE("self")); /* the ninth is too deep */
    assert_string_equal(effect(r, "status"), "rejected");
    assert_non_null(strstr(effect(r, "reason"), "chain_depth_max"));
}

static void
a_cycle_is_cut_and_both_live_on(void **state)
{
    struct rig *r = *state;

    declare(r);
    uint64_t a = wake(r, "anna");
    end_with(r, a, WAKE("bert"));
    end_with(r, a + 1, WAKE("anna"));
    assert_string_equal(effect(r, "status"), "delivered");
    end_with(r, a + 2, WAKE("bert")); /* anna → bert again */
    assert_string_equal(effect(r, "status"), "rejected");
    assert_non_null(strstr(effect(r, "reason"), "cycle"));
    assert_int_equal(jobs(r), 3);
    assert_int_equal(rig_feed_count(r, "chain.cut"), 1);
    uint64_t next = wake(r, "anna"); /* a new chain */
    end_with(r, next, WAKE("bert"));
    assert_string_equal(effect(r, "status"), "delivered");
    expect_state(r, next + 1, "running");
}

static void
a_chain_has_a_rate(void **state)
{
    struct rig *r = *state;

    r->limits.chain_rate_max = 2;
    declare(r);
    uint64_t a = wake(r, "anna");
    end_with(r, a, WAKE("bert") "," WAKE("bert") "," WAKE("bert"));
    assert_string_equal(effect(r, "status"), "rejected");
    assert_non_null(strstr(effect(r, "reason"), "chain_rate_max"));
    assert_int_equal(jobs(r), 3);
    rig_advance(r, MINUTE_MS);
    end_with(r, a + 1, WAKE("anna"));
    assert_string_equal(effect(r, "status"), "delivered");
}

static void
who_is_not_there_cannot_be_woken(void **state)
{
    static const char *const effects[] = {WAKE("nobody"), WAKE("beta/far"), WAKE("far")};
    struct rig              *r = *state;

    declare(r);
    for (size_t i = 0; i < ARRAY_LEN(effects); i++) {
        end_with(r, wake(r, "anna"), effects[i]);
        assert_string_equal(effect(r, "status"), "rejected");
        assert_int_equal(jobs(r), i + 1);
    }
}

static void
a_parent_is_a_job_of_the_company(void **state)
{
    struct rig *r = *state;

    declare(r);
    uint64_t a = wake(r, "anna");
    uint64_t b = rig_submit(r, "'agent':'acme/bert','parent':%d", (int)a);
    assert_int_equal(rig_job_i64(r, b, "parent"), (int64_t)a);
    assert_int_equal(rig_i64(r, "root"), (int64_t)a);
    assert_int_equal(rig_i64(r, "depth"), 1);
    rig_refused(r, E_BAD_REQUEST, "parent", "job.submit", "'agent':'beta/far','parent':%d", (int)a);
    rig_refused(r, E_BAD_REQUEST, "parent", "job.submit", "'agent':'acme/anna','parent':99");
    for (int i = 0; i < 7; i++)
        b = rig_submit(r, "'agent':'acme/bert','parent':%d", (int)b);
    rig_refused(r, E_BAD_REQUEST, "parent", "job.submit", "'agent':'acme/bert','parent':%d",
                (int)b);
}

/* ---- effects ---- */

static void
malformed_effects_make_the_output_invalid(void **state)
{
    static const char *const effects[] = {
        "{'kind':'wake_agent'}",
        "{'kind':'wake_agent','agent':''}",
        "{'kind':'wake_agent','agent':5}",
        "{'kind':'wake_agent','agent':'bert','in_ms':-1}",
        "{'kind':'wake_agent','agent':'bert','in_ms':'soon'}",
        "{'kind':'add_schedule','every_ms':60000}",
        "{'kind':'add_schedule','name':'Not A Name','every_ms':60000}",
        "{'kind':'add_schedule','name':'n'}",
        "{'kind':'add_schedule','name':'n','every_ms':60000,'cron':'@daily'}",
        "{'kind':'add_schedule','name':'n','cron':'every day'}",
        "{'kind':'ticket'}",
        "{'kind':'ticket','status':'done','ticket':0}",
        WAKE("bert") ",{'kind':'wake_agent'}",
    };
    struct rig *r = *state;

    declare(r);
    for (size_t i = 0; i < ARRAY_LEN(effects); i++) {
        uint64_t id = rig_submit(r, "'agent':'acme/anna','max_attempts':1");

        rig_ended(r, id, "'verdict':'completed','effects':[%s]", effects[i]);
        rig_turn(r);
        expect_state(r, id, "failed");
        assert_string_equal(rig_text(r, "failure.class"), "invalid_output");
        assert_int_equal(jobs(r), i + 1);
    }
}

static void
a_ticket_is_done_by_its_job(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_must(r, "ticket.add", "'company':'acme','title':'t','agent':'acme/anna'");
    int id = (int)rig_i64(r, "id");
    rig_must_read(r, "job.list", "'limit':10");
    uint64_t job = (uint64_t)rig_i64(r, "items.0.id");
    end_with(r, job, "{'kind':'ticket','status':'done'}");
    assert_string_equal(effect(r, "status"), "delivered");
    rig_must_read(r, "ticket.show", "'id':%d", id);
    assert_string_equal(rig_text(r, "status"), "done");
    end_with(r, wake(r, "anna"), "{'kind':'ticket','status':'done'}"); /* it serves none */
    assert_string_equal(effect(r, "status"), "rejected");
    end_with(r, wake(r, "anna"), "{'kind':'ticket','status':'done','ticket':99}");
    assert_string_equal(effect(r, "status"), "rejected");
}

/* ---- a person's word ---- */

static void
held_effects_act_when_they_are_granted(void **state)
{
    struct rig *r = *state;

    declare(r);
    end_with(r, wake(r, "asks"), WAKE("bert") "," EVERY("pulse"));
    assert_int_equal(jobs(r), 1);
    rig_must_read(r, "effect.list", "'limit':10");
    assert_int_equal(rig_len(r, "items"), 0);
    assert_int_equal(rig_feed_count(r, "approval.requested"), 2);
    rig_must_read(r, "approval.list", "'company':'acme'");
    assert_int_equal(rig_len(r, "items"), 2);
    assert_string_equal(rig_text(r, "items.0.kind"), "wake_agent");
    assert_string_equal(rig_text(r, "items.0.request.agent"), "bert");
    assert_string_equal(rig_text(r, "items.1.agent"), "asks");
    rig_must(r, "approval.grant", "'id':1");
    assert_string_equal(rig_text(r, "status"), "granted");
    assert_int_equal(rig_job_i64(r, 2, "parent"), 1);
    assert_string_equal(effect(r, "status"), "delivered");
    rig_must(r, "approval.grant", "'id':2,'reason':'fine'");
    rig_must_read(r, "schedule.show", "'name':'acme/pulse'");
    rig_refused(r, E_WRONG_STATE, "", "approval.grant", "'id':1");
    rig_refused(r, E_WRONG_STATE, "", "approval.deny", "'id':2");
    rig_refused(r, E_NOT_FOUND, "", "approval.grant", "'id':3");
    assert_int_equal(rig_feed_count(r, "approval.granted"), 2);
    rig_must_read(r, "approval.list", " ");
    assert_int_equal(rig_len(r, "items"), 0);
    rig_must_read(r, "approval.list", "'status':'granted'");
    assert_string_equal(rig_text(r, "items.1.reason"), "fine");
    assert_int_equal(rig_read(r, "approval.list", "'status':'odd'"), E_BAD_REQUEST);
}

static void
denied_effects_do_not_act(void **state)
{
    struct rig *r = *state;

    declare(r);
    end_with(r, wake(r, "plans"), WAKE("bert") "," EVERY("pulse"));
    assert_int_equal(jobs(r), 2); /* only schedules wait */
    rig_must(r, "approval.deny", "'id':1,'reason':'not now'");
    assert_string_equal(effect(r, "status"), "rejected");
    assert_string_equal(effect(r, "reason"), "not now");
    assert_int_equal(rig_read(r, "schedule.show", "'name':'acme/pulse'"), E_NOT_FOUND);
    assert_int_equal(rig_feed_count(r, "approval.denied"), 1);
    rig_refused(r, E_WRONG_STATE, "", "approval.grant", "'id':1");
}

static void
what_the_rules_forbid_is_not_granted(void **state)
{
    struct rig *r = *state;

    declare(r);
    end_with(r, wake(r, "asks"), WAKE("asks") "," EVERY("pulse"));
    r->limits.agent_schedules_max = 0;
    declare(r);
    assert_string_equal(effect(r, "status"),
                        "rejected"); /* cut at once: nobody needs to be asked */
    rig_refused(r, E_CAPACITY_FULL, "", "approval.grant", "'id':1");
    rig_must_read(r, "approval.list", " ");
    assert_int_equal(rig_len(r, "items"), 1);
}

static void
what_waits_for_a_person_is_bounded(void **state)
{
    struct rig *r = *state;

    r->limits.agent_schedules_max = 2;
    declare(r);
    end_with(r, wake(r, "plans"), EVERY("one") "," EVERY("two") "," EVERY("three"));
    assert_string_equal(effect(r, "status"), "rejected");
    rig_must_read(r, "approval.list", " ");
    assert_int_equal(rig_len(r, "items"), 2);
    rig_must(r, "approval.deny", "'id':1");
    end_with(r, wake(r, "plans"), EVERY("four"));
    rig_must_read(r, "approval.list", " ");
    assert_int_equal(rig_len(r, "items"), 2);
}

static void
a_long_request_comes_through_whole(void **state)
{
    struct rig     *r = *state;
    FREE_AUTO char *text = xmalloc(50001);

    declare(r);
    memset(text, 'm', 50000);
    text[50000] = '\0';
    FREE_AUTO char *wanted = xasprintf("{'kind':'wake_agent','agent':'bert','payload':'%s'}", text);
    end_with(r, wake(r, "asks"), wanted);
    rig_must_read(r, "approval.list", " ");
    assert_string_equal(rig_text(r, "items.0.request.payload"), text);
    rig_must(r, "approval.grant", "'id':1");
    assert_string_equal(rig_job_text(r, 2, "payload"), text);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(a_wake_up_is_a_job_of_the_other_agent),
        TEST(a_wake_up_may_be_for_later),
        TEST(effects_of_a_replayed_end_act_once),
        TEST(an_agent_does_not_wake_itself_unless_allowed),
        TEST(a_cycle_is_cut_and_both_live_on),
        TEST(a_chain_has_a_rate),
        TEST(who_is_not_there_cannot_be_woken),
        TEST(a_parent_is_a_job_of_the_company),
        TEST(a_ticket_is_done_by_its_job),
        TEST(malformed_effects_make_the_output_invalid),
        TEST(held_effects_act_when_they_are_granted),
        TEST(denied_effects_do_not_act),
        TEST(what_the_rules_forbid_is_not_granted),
        TEST(what_waits_for_a_person_is_bounded),
        TEST(a_long_request_comes_through_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
