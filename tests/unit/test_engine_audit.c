/* Who did what (K2): a row per administrative act, with what was before and after. */
#include "tests/unit/engine_rig.h"
#include <inttypes.h>

static size_t
rows(struct rig *r, const char *filter)
{
    rig_must_read(r, "audit.list", "%s", filter);
    return rig_len(r, "items");
}

static void
acts_leave_rows(void **state)
{
    struct rig *r = *state;

    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop'");
    rig_must(r, "schedule.pause", "'name':'s','reason':'holiday'");
    rig_must(r, "schedule.resume", "'name':'s'");
    rig_must(r, "schedule.remove", "'name':'s'");
    assert_int_equal(rows(r, ""), 4);
    assert_string_equal(rig_text(r, "items.0.action"), "schedule.remove"); /* the newest first */
    assert_string_equal(rig_text(r, "items.0.before.name"), "s");
    assert_true(rig_is_nil(r, "items.0.after"));
    assert_string_equal(rig_text(r, "items.2.action"), "schedule.pause");
    assert_string_equal(rig_text(r, "items.2.subject"), "s");
    assert_string_equal(rig_text(r, "items.2.company"), "default");
    assert_string_equal(rig_text(r, "items.2.after.reason"), "holiday");
    assert_int_equal(rig_i64(r, "items.2.at"), r->header.now.wall_ms);
    assert_int_equal(rig_i64(r, "items.3.after.every_ms"), 60000);
}

static void
jobs_of_others_are_administered(void **state)
{
    struct rig *r = *state;
    uint64_t    own = rig_submit(r, "'handler':'noop'");
    uint64_t    other = rig_submit(r, "'handler':'noop'");

    rig_must(r, "job.cancel", "'id':%" PRIu64, own);
    assert_int_equal(rows(r, ""), 0);
    r->actor.id = view_str("uid:77");
    rig_must(r, "job.set", "'id':%" PRIu64 ",'priority':3", other);
    rig_must(r, "job.cancel", "'id':%" PRIu64, other);
    rig_must(r, "job.retry", "'id':%" PRIu64, other);
    assert_int_equal(rows(r, "'who':'uid:77'"), 3);
    assert_string_equal(rig_text(r, "items.0.action"), "job.retry");
    assert_string_equal(rig_text(r, "items.0.before.state"), "cancelled");
    assert_string_equal(rig_text(r, "items.1.subject"), "job 2");
    assert_int_equal(rig_i64(r, "items.2.before.priority"), 80);
    assert_int_equal(rig_i64(r, "items.2.after.priority"), 3);
}

static void
refused_acts_leave_none(void **state)
{
    struct rig *r = *state;

    rig_refused(r, E_NOT_FOUND, "name", "schedule.pause", "'name':'s'");
    rig_refused(r, E_NOT_FOUND, "", "job.retry", "'id':9");
    assert_int_equal(rows(r, ""), 0);
}

static void
it_is_asked_by_action_who_and_time(void **state)
{
    struct rig *r = *state;
    int64_t     later;

    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop'");
    rig_must(r, "schedule.pause", "'name':'s'");
    rig_wait(r, SECOND_MS);
    later = r->header.now.wall_ms;
    r->actor.kind = "agent";
    rig_must(r, "schedule.resume", "'name':'s'");
    assert_int_equal(rows(r, "'action':'schedule.pause'"), 1);
    assert_int_equal(rows(r, "'action':'schedule.'"), 3);
    assert_int_equal(rows(r, "'action':'schedule'"), 0);
    rig_must_read(r, "audit.list", "'since':%" PRId64, later);
    assert_int_equal(rig_len(r, "items"), 1);
    assert_string_equal(rig_text(r, "items.0.action"), "schedule.resume");
    rig_must_read(r, "audit.list", "'who':'nobody'");
    assert_int_equal(rig_len(r, "items"), 0);
    assert_int_equal(rig_read(r, "audit.list", "'after':'x'"), E_BAD_REQUEST);
}

static void
pages_follow_each_other(void **state)
{
    struct rig *r = *state;

    for (int i = 0; i < 5; i++)
        rig_must(r, "schedule.add", "'name':'s%d','every_ms':60000,'handler':'noop'", i);
    assert_int_equal(rows(r, "'limit':2"), 2);
    assert_string_equal(rig_text(r, "next"), "4");
    assert_int_equal(rows(r, "'limit':3,'after':'4'"), 3);
    assert_string_equal(rig_text(r, "items.2.subject"), "s0");
    assert_true(rig_is_nil(r, "next"));
}

static void
a_companys_reader_sees_its_own(void **state)
{
    struct rig *r = *state;

    rig_configure(r, &(struct rig_declared){.companies = "{'name':'acme'},{'name':'beta'}"});
    rig_must(r, "schedule.add", "'name':'a','company':'acme','every_ms':60000,'handler':'noop'");
    rig_must(r, "schedule.add", "'name':'b','company':'beta','every_ms':60000,'handler':'noop'");
    r->actor.company = view_str("acme");
    assert_int_equal(rows(r, ""), 1);
    assert_string_equal(rig_text(r, "items.0.subject"), "a");
}

static void
what_is_done_to_goals_and_tickets_leaves_rows(void **state)
{
    struct rig *r = *state;

    rig_must(r, "agent.add", "'name':'a','handler':'noop'");
    rig_must(r, "goal.add", "'title':'g','agent':'a'");
    rig_must(r, "goal.set", "'id':1,'title':'h'");
    rig_must(r, "goal.decompose", "'id':1,'parts':[{'title':'p'},{'title':'q'}]");
    rig_must(r, "ticket.add", "'title':'t','reward':5");
    rig_must(r, "ticket.assign", "'id':1,'agent':'a'");
    rig_must(r, "ticket.set", "'id':1,'status':'done'");
    rig_refused(r, E_NOT_FOUND, "", "ticket.set", "'id':9,'title':'x'");
    assert_int_equal(rows(r, "'action':'goal.'"), 3);
    assert_int_equal(rig_i64(r, "items.0.after.parts"), 2);
    assert_string_equal(rig_text(r, "items.1.subject"), "goal 1");
    assert_string_equal(rig_text(r, "items.1.before.title"), "g");
    assert_string_equal(rig_text(r, "items.1.after.title"), "h");
    assert_string_equal(rig_text(r, "items.2.after.agent"), "a");
    assert_int_equal(rows(r, "'action':'ticket.'"), 3);
    assert_string_equal(rig_text(r, "items.0.before.status"), "claimed");
    assert_string_equal(rig_text(r, "items.0.after.status"), "done");
    assert_true(rig_is_nil(r, "items.1.before.assignee"));
    assert_string_equal(rig_text(r, "items.1.after.assignee"), "a");
    assert_int_equal(rig_i64(r, "items.2.after.reward"), 5);
}

static void
a_routines_completion_leaves_a_row(void **state)
{
    struct rig *r = *state;

    rig_must(r, "agent.add", "'name':'a','handler':'noop'");
    rig_must(r, "routine.add", "'name':'r','every_ms':60000,'assign':'a','ticket_title':'t'");
    rig_advance(r, MINUTE_MS);
    rig_must(r, "routine.complete", "'ticket':1");
    assert_int_equal(rows(r, "'action':'routine.complete'"), 1);
    assert_string_equal(rig_text(r, "items.0.subject"), "ticket 1");
    assert_string_equal(rig_text(r, "items.0.before.status"), "claimed");
    assert_string_equal(rig_text(r, "items.0.after.status"), "done");
}

static void
a_pause_has_the_same_keys_before_and_after(void **state)
{
    struct rig *r = *state;

    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop'");
    rig_must(r, "company.add", "'name':'acme'");
    rig_must(r, "schedule.pause", "'name':'s','reason':'x'");
    rig_must(r, "schedule.resume", "'name':'s'");
    rig_must(r, "company.pause", "'name':'acme','reason':'x'");
    rig_must(r, "company.resume", "'name':'acme'");
    rows(r, "");
    for (size_t i = 0; i < 4; i++) {
        const char *on = i % 2 ? "after" : "before", *off = i % 2 ? "before" : "after";
        char        path[40];

        snprintf(path, sizeof(path), "items.%zu.%s.paused", i, on);
        assert_true(rig_bool(r, path));
        snprintf(path, sizeof(path), "items.%zu.%s.reason", i, on);
        assert_string_equal(rig_text(r, path), "x");
        snprintf(path, sizeof(path), "items.%zu.%s.paused", i, off);
        assert_false(rig_bool(r, path));
        snprintf(path, sizeof(path), "items.%zu.%s.reason", i, off);
        assert_true(rig_is_nil(r, path));
    }
}

static void
a_row_keeps_the_name_of_a_company_that_is_gone(void **state)
{
    struct rig *r = *state;

    rig_must(r, "company.add", "'name':'acme'");
    rig_must(r, "agent.add", "'name':'a','company':'acme','handler':'noop'");
    rig_must(r, "company.remove", "'name':'acme','cascade':true");
    rig_settle(r);
    assert_int_equal(rig_read(r, "company.show", "'name':'acme'"), E_NOT_FOUND);
    assert_int_equal(rows(r, ""), 3);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(rig_text(r, rig_path(r, "items", i, "company")), "acme");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(what_is_done_to_goals_and_tickets_leaves_rows),
        TEST(a_routines_completion_leaves_a_row),
        TEST(a_pause_has_the_same_keys_before_and_after),
        TEST(a_row_keeps_the_name_of_a_company_that_is_gone),
        TEST(acts_leave_rows),
        TEST(jobs_of_others_are_administered),
        TEST(refused_acts_leave_none),
        TEST(it_is_asked_by_action_who_and_time),
        TEST(pages_follow_each_other),
        TEST(a_companys_reader_sees_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
