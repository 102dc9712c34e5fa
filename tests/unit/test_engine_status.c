/* status: what it says of companies is for those who see them (N36). */
#include "tests/unit/schedule_world.h"

static const struct rig_declared two = {
    .companies = "{'name':'acme'},{'name':'beta'}",
    .handlers = "{'name':'own','kind':'exec','command':['x']}",
    .agents = "{'name':'anna','company':'acme','handler':'noop'}",
};

/* Something of acme for each part of it. */
static void
begin(struct rig *r)
{
    r->limits.failure_pause = 1;
    rig_configure(r, &two);
    rig_workers(r, 1, 8);
    rig_must(r, "schedule.add", "'name':'s','company':'acme','every_ms':60000,'handler':'noop'");
    rig_must(r, "schedule.add", "'name':'t','company':'acme','every_ms':86400000,'handler':'noop'");
    rig_must(r, "schedule.add", "'name':'u','company':'beta','every_ms':86400000,'handler':'noop'");
    rig_advance(r, MINUTE_MS);
    rig_fail(r, 1, "tool_failed");
    rig_turn(r);
    uint64_t limited = rig_submit(r, "'handler':'own','company':'acme'");
    rig_ended(r, limited, "'verdict':'failed','class':'rate_limited','after_ms':3600000");
    rig_turn(r);
    (void)rig_submit(r, "'agent':'acme/anna'");
}

static bool
warns(struct rig *r, const char *words)
{
    return strstr(rig_warnings(r), words) != NULL;
}

static bool
names(struct rig *r, const char *list, const char *field, const char *name)
{
    rig_status(r);
    for (size_t i = 0; i < rig_len(r, list); i++) {
        const char *path = rig_path(r, list, i, field);

        if (!rig_is_nil(r, path) && strcmp(rig_text(r, path), name) == 0) return true;
    }
    return false;
}

static void
expect_acmes(struct rig *r, bool sees)
{
    assert_int_equal(warns(r, "schedule acme/s: paused"), sees);
    assert_int_equal(names(r, "next", "schedule", "acme/t"), sees);
    assert_int_equal(names(r, "caps", "on", "acme"), sees);
    assert_int_equal(names(r, "caps", "on", "acme/anna"), sees);
    assert_int_equal(rig_i64(r, "queue.running"), sees ? 1 : 0);
}

static void
who_is_of_a_company_is_told_of_no_other(void **state)
{
    struct rig *r = *state;

    begin(r);
    expect_acmes(r, true);
    assert_true(warns(r, "the breaker of own")); /* all handlers are of `default` */
    assert_true(names(r, "next", "schedule", "beta/u"));
    r->actor.company = view_str("acme");
    expect_acmes(r, true);
    assert_false(warns(r, "breaker"));
    assert_false(names(r, "next", "schedule", "beta/u"));
    r->actor.company = view_str("beta");
    expect_acmes(r, false);
    assert_true(names(r, "next", "schedule", "beta/u"));
    assert_string_equal(rig_warnings(r), "");
}

static void
a_handlers_cap_is_shown_to_whose_jobs_run_with_it(void **state)
{
    struct rig *r = *state;

    rig_configure(r, &two);
    rig_workers(r, 1, 8);
    (void)rig_submit(r, "'handler':'own','company':'acme'");
    assert_true(names(r, "caps", "on", "own"));
    r->actor.company = view_str("acme");
    assert_true(names(r, "caps", "on", "own"));
    r->actor.company = view_str("beta");
    assert_false(names(r, "caps", "on", "own"));
    assert_true(names(r, "caps", "cap", "global_cap"));
    assert_true(names(r, "caps", "cap", "no_slot"));
    (void)rig_submit(r, "'handler':'own'");
    assert_true(names(r, "caps", "on", "own"));
}

static void
the_outbox_and_timers_are_counted_for_who_sees_all(void **state)
{
    struct rig *r = *state;

    r->limits.session_handler = view_str("noop");
    rig_configure(r, &two);
    rig_must(r, "timer.set", "'key':'k','timer_id':'t','delay_ms':60000");
    rig_must(r, "timer.set", "'key':'k','timer_id':'u','delay_ms':60000");
    rig_status(r);
    assert_int_equal(rig_i64(r, "timers_pending"), 2);
    assert_int_equal(rig_i64(r, "outbox.pending"), 0);
    r->actor.company = view_str("acme");
    rig_status(r);
    assert_false(rig_has(r, "outbox"));
}

static void
expect_sessions(struct rig *r, int64_t open, int64_t held, int64_t closed, int64_t waiting)
{
    rig_status(r);
    assert_int_equal(rig_i64(r, "sessions.open"), open);
    assert_int_equal(rig_i64(r, "sessions.held"), held);
    assert_int_equal(rig_i64(r, "sessions.closed"), closed);
    assert_int_equal(rig_i64(r, "events_waiting"), waiting);
}

static void
sessions_and_what_waits_in_them_are_counted_for_who_sees_all(void **state)
{
    struct rig *r = *state;

    r->limits.session_handler = view_str("noop");
    rig_configure(r, &two); /* its schedules' own sessions are not counted */
    expect_sessions(r, 0, 0, 0, 0);
    rig_workers(r, 1, 8);
    rig_must(r, "session.send", "'key':'k','content':'one'");
    rig_must(r, "session.send", "'key':'k','content':'two'");
    rig_must(r, "session.send", "'key':'l','content':'one'");
    rig_must(r, "session.send", "'key':'m','content':'one'");
    expect_sessions(r, 3, 0, 0, 4);
    rig_must(r, "session.close", "'key':'m'");
    rig_turn(r);
    expect_sessions(r, 2, 0, 1, 4); /* the job of its one is being stopped */
    rig_crash(r);
    rig_turn(r);
    expect_sessions(r, 2, 0, 1, 4);
    r->actor.company = view_str("acme");
    rig_status(r);
    assert_false(rig_has(r, "sessions"));
    assert_false(rig_has(r, "events_waiting"));
}

/* More than are counted in one turn. */
static void
sessions_are_counted_anew_after_a_start(void **state)
{
    struct rig *r = *state;

    r->is_unchecked = true;
    r->limits.session_handler = view_str("noop");
    rig_configure(r, &two);
    for (int i = 0; i < 2100; i++)
        rig_must(r, "session.send", "'key':'k%d','content':'x'", i);
    rig_crash(r);
    rig_turn(r);
    rig_status(r);
    assert_false(rig_has(r, "sessions"));
    rig_must(r, "session.send", "'key':'k1','content':'of one that is counted'");
    rig_must(r, "session.send", "'key':'k2099','content':'of one that is not'");
    rig_must(r, "session.send", "'key':'new','content':'of one that is new'");
    while (rig_is_due(r))
        rig_turn(r);
    expect_sessions(r, 2101, 0, 0, 2103);
}

/* Beyond as many schedules as one read looks at. */
static void
warnings_find_the_one_among_many(void **state)
{
    struct rig         *r = *state;
    BUF_AUTO struct buf all = {0};

    r->is_unchecked = true;
    r->limits.failure_pause = 1;
    for (int i = 0; i < READ_ROWS_MAX; i++)
        buf_printf(&all, "{'name':'n%d','every_ms':86400000,'handler':'noop'},", i);
    buf_add_str(&all, "{'name':'last','every_ms':60000,'handler':'noop'}");
    buf_add(&all, "", 1);
    rig_configure(r, &(struct rig_declared){.schedules = all.data});
    rig_workers(r, 1, 8);
    rig_advance(r, MINUTE_MS);
    rig_fail(r, 1, "tool_failed");
    rig_turn(r);
    assert_true(warns(r, "schedule last: paused"));
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(who_is_of_a_company_is_told_of_no_other),
        TEST(a_handlers_cap_is_shown_to_whose_jobs_run_with_it),
        TEST(the_outbox_and_timers_are_counted_for_who_sees_all),
        TEST(sessions_and_what_waits_in_them_are_counted_for_who_sees_all),
        TEST(sessions_are_counted_anew_after_a_start),
        TEST(warnings_find_the_one_among_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
