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

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(acts_leave_rows),         TEST(jobs_of_others_are_administered),
        TEST(refused_acts_leave_none), TEST(it_is_asked_by_action_who_and_time),
        TEST(pages_follow_each_other), TEST(a_companys_reader_sees_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
