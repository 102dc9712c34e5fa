/* An actor of one company is blind to the others; roles are the shell's (H1, N34, N36). */
#include "tests/unit/tenant_world.h"

/* ---- companies ---- */

static void
be_of_company(struct rig *r, const char *company)
{
    r->actor.company = view_str(company);
    r->actor.role = ROLE_ADMIN;
}

static void
another_companys_rows_are_not_found(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_workers(r, 1, 1);
    uint64_t id = rig_submit(r, "'agent':'acme/anna'");
    rig_must(r, "schedule.add", "'name':'s','company':'acme','every_ms':60000,'handler':'noop'");
    be_of_company(r, "beta");
    rig_refused(r, E_NOT_FOUND, "", "job.cancel", "'id':%d", (int)id);
    rig_refused(r, E_NOT_FOUND, "", "job.retry", "'id':%d", (int)id);
    rig_refused(r, E_NOT_FOUND, "", "job.set", "'id':%d,'priority':1", (int)id);
    rig_refused(r, E_NOT_FOUND, "agent", "job.submit", "'agent':'acme/anna'");
    rig_refused(r, E_NOT_FOUND, "company", "job.submit", "'handler':'noop','company':'acme'");
    rig_refused(r, E_NOT_FOUND, "company", "job.submit", "'handler':'noop','company':'default'");
    rig_refused(r, E_NOT_FOUND, "name", "schedule.pause", "'name':'acme/s'");
    rig_refused(r, E_NOT_FOUND, "name", "schedule.pause", "'name':'s'");
    rig_refused(r, E_NOT_FOUND, "name", "schedule.remove", "'name':'acme/s'");
    rig_refused(r, E_NOT_FOUND, "company", "schedule.add",
                "'name':'t','company':'acme','every_ms':60000,'handler':'noop'");
    static const char *const reads[] = {"job.show", "job.why", "job.wait"};
    for (size_t i = 0; i < ARRAY_LEN(reads); i++)
        assert_int_equal(rig_read(r, reads[i], "'id':%d", (int)id), E_NOT_FOUND);
    assert_int_equal(rig_read(r, "schedule.show", "'name':'acme/s'"), E_NOT_FOUND);
    assert_int_equal(rig_read(r, "schedule.why", "'name':'acme/s'"), E_NOT_FOUND);
    assert_int_equal(rig_read(r, "agent.why", "'name':'acme/anna'"), E_NOT_FOUND);
    assert_int_equal(rig_read(r, "session.why", "'key':'schedule/s'"), E_NOT_FOUND);
    assert_int_equal(rig_read(r, "schedule.firings", "'name':'acme/s'"), E_NOT_FOUND);
    assert_int_equal(rig_read(r, "agent.show", "'name':'acme/anna'"), E_NOT_FOUND);
    assert_int_equal(rig_read(r, "session.show", "'key':'schedule/s'"), E_NOT_FOUND);
    assert_int_equal(rig_read(r, "job.list", "'company':'acme'"), E_NOT_FOUND);
    assert_int_equal(rig_read(r, "job.stats", "'company':'acme'"), E_NOT_FOUND);
    /* Not even that it is there: the same words as for what there is not. */
    (void)rig_read(r, "job.show", "'id':%d", (int)id);
    FREE_AUTO char *hidden = xstrdup(r->error.msg);
    (void)rig_read(r, "job.show", "'id':%d", (int)id + 1);
    hidden[strlen(hidden) - 1]++;
    assert_string_equal(r->error.msg, hidden);
}

static void
lists_show_the_actors_company_only(void **state)
{
    static const char *const lists[] = {"job.list",     "schedule.list", "agent.list",
                                        "session.list", "effect.list",   "company.list"};
    struct rig              *r = *state;

    declare(r);
    rig_workers(r, 1, 4);
    for (int i = 0; i < 2; i++) {
        const char *c = i ? "acme" : "beta";

        uint64_t id = rig_submit(r, "'handler':'noop','company':'%s'", c);
        rig_ended(r, id, "'verdict':'completed','effects':[{'kind':'notify','message':'m'}]");
        rig_turn(r);
        rig_must(r, "schedule.add", "'name':'s%d','company':'%s','every_ms':60000,'handler':'noop'",
                 i, c);
    }
    be_of_company(r, "beta");
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        rig_must_read(r, lists[i], " ");
        if (rig_len(r, "items") != 1) fail_msg("%s: %s", lists[i], rig_json(r));
        const char *field = strcmp(lists[i], "company.list") == 0 ? "name" : "company";
        assert_string_equal(rig_text(r, rig_path(r, "items", 0, field)), "beta");
    }
    rig_must_read(r, "job.stats", " ");
    assert_int_equal(rig_i64(r, "completed"), 1);
    assert_int_equal(rig_len(r, "companies"), 1);
    uint64_t mine = rig_submit(r, "'handler':'noop'"); /* bare names are of the own company */
    assert_string_equal(rig_text(r, "company"), "beta");
    rig_must(r, "job.cancel", "'id':%d", (int)mine);
    (void)rig_submit(r, "'agent':'bert'");
    assert_string_equal(rig_text(r, "agent"), "bert");
}

static void
a_worker_is_shown_with_the_actors_companys_jobs_only(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_workers(r, 1, 4);
    uint64_t its = rig_submit(r, "'handler':'noop','company':'acme'");
    uint64_t mine = rig_submit(r, "'handler':'noop','company':'beta'");
    rig_must_read(r, "worker.list", " ");
    assert_int_equal(rig_len(r, "items.0.jobs"), 2);
    assert_int_equal(rig_i64(r, "items.0.jobs.0"), its);
    be_of_company(r, "beta");
    rig_must_read(r, "worker.list", " ");
    assert_int_equal(rig_len(r, "items"), 1);
    assert_int_equal(rig_i64(r, "items.0.running"), 2);
    assert_int_equal(rig_len(r, "items.0.jobs"), 1);
    assert_int_equal(rig_i64(r, "items.0.jobs.0"), mine);
}

static void
the_feed_shows_the_actors_company_only(void **state)
{
    struct rig *r = *state;

    declare(r);
    (void)rig_submit(r, "'handler':'noop','company':'acme'");
    uint64_t mine = rig_submit(r, "'handler':'noop','company':'beta'");
    be_of_company(r, "beta");
    rig_feed(r);
    assert_int_equal(rig_len(r, "items"), 1);
    assert_int_equal(rig_i64(r, "items.0.job"), (int64_t)mine);
}

/* The one authorisation table is the shell's (H1): the engine asks for no role, but for a priority
 * above the company's. */
static void
roles_are_the_shells(void **state)
{
    struct rig *r = *state;

    r->actor.role = ROLE_VIEW;
    uint64_t id = rig_submit(r, "'handler':'noop'");
    rig_must(r, "job.cancel", "'id':%d", (int)id);
    rig_must(r, "job.retry", "'id':%d", (int)id);
    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop'");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(another_companys_rows_are_not_found),
        TEST(lists_show_the_actors_company_only),
        TEST(a_worker_is_shown_with_the_actors_companys_jobs_only),
        TEST(the_feed_shows_the_actors_company_only),
        TEST(roles_are_the_shells),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
