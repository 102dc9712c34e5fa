/* What agents did: recorded by command and by effect, listed the newest first (F0). */
#include "supervisor/engine/activity.h"
#include "tests/unit/effects_case.h"

static void
record(struct rig *r, const char *agent, const char *type)
{
    rig_must(r, "agent.record", "'name':'acme/%s','type':'%s'", agent, type);
}

static size_t
count(struct rig *r, const char *agent)
{
    rig_must_read(r, "agent.activity", "'name':'acme/%s','limit':1000", agent);
    return rig_len(r, "items");
}

static void
a_record_says_who_did_what_and_when(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_must(r, "agent.record", "'name':'acme/anna','type':'post_created','data':{'n':[1]}");
    assert_string_equal(rig_text(r, "agent"), "anna");
    assert_string_equal(rig_text(r, "company"), "acme");
    assert_string_equal(rig_text(r, "type"), "post_created");
    assert_int_equal(rig_i64(r, "at"), RIG_WALL_MS);
    assert_int_equal(rig_i64(r, "data.n.0"), 1);
    assert_true(rig_is_nil(r, "job"));
    record(r, "anna", "post_liked");
    rig_must_read(r, "agent.activity", "'name':'acme/anna'");
    assert_int_equal(rig_len(r, "items"), 2);
    assert_string_equal(rig_text(r, "items.0.type"), "post_liked"); /* the newest */
    assert_true(rig_is_nil(r, "items.0.data"));
    assert_int_equal(rig_i64(r, "items.1.data.n.0"), 1);
    assert_int_equal(count(r, "bert"), 0);
}

static void
what_is_no_record_is_refused(void **state)
{
    struct rig *r = *state;

    declare(r);
    rig_refused(r, E_BAD_REQUEST, "type", "agent.record", "'name':'acme/anna','type':'Post it'");
    rig_refused(r, E_BAD_REQUEST, "type", "agent.record", "'name':'acme/anna'");
    rig_refused(r, E_NOT_FOUND, "name", "agent.record", "'name':'acme/nobody','type':'t'");
    r->actor.company = view_str("beta");
    rig_refused(r, E_NOT_FOUND, "name", "agent.record", "'name':'acme/anna','type':'t'");
    assert_int_equal(rig_read(r, "agent.activity", "'name':'acme/anna'"), E_NOT_FOUND);
}

static void
a_completion_records_what_its_agent_did(void **state)
{
    static const char *const bad[] = {
        "{'kind':'activity'}",
        "{'kind':'activity','activity':'a b'}",
        "{'kind':'activity','activity':5}",
    };
    struct rig *r = *state;

    declare(r);
    uint64_t job = wake(r, "asks"); /* whose wishes wait for a person */
    end_with(r, job, "{'kind':'activity','activity':'comment_made','data':'hi'}");
    assert_string_equal(effect(r, "status"), "delivered");
    assert_string_equal(effect(r, "kind"), "activity");
    rig_must_read(r, "agent.activity", "'name':'acme/asks'");
    assert_string_equal(rig_text(r, "items.0.type"), "comment_made");
    assert_string_equal(rig_text(r, "items.0.data"), "hi");
    assert_string_equal(rig_text(r, "items.0.by"), "agent:asks");
    assert_int_equal(rig_i64(r, "items.0.job"), job);

    job = rig_submit(r, "'handler':'noop'");
    end_with(r, job, "{'kind':'activity','activity':'comment_made'}");
    assert_string_equal(effect(r, "status"), "rejected");
    assert_non_null(strstr(effect(r, "reason"), "only a job of an agent"));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        job = rig_submit(r, "'agent':'acme/anna','max_attempts':1");
        rig_ended(r, job, "'verdict':'completed','effects':[%s]", bad[i]);
        rig_turn(r);
        expect_state(r, job, "failed");
    }
    assert_int_equal(count(r, "anna"), 0);
}

static void
long_data_comes_through_whole_and_has_a_limit(void **state)
{
    static char text[ACTIVITY_DATA_MAX + 1];
    struct rig *r = *state;

    declare(r);
    memset(text, 'x', sizeof(text) - 1);
    rig_refused(r, E_BAD_REQUEST, "data", "agent.record",
                "'name':'acme/anna','type':'t','data':'%s'", text);
    text[60000] = '\0';
    rig_must(r, "agent.record", "'name':'acme/anna','type':'t','data':'%s'", text);
    assert_int_equal(strlen(rig_text(r, "data")), 60000);
    rig_must_read(r, "agent.activity", "'name':'acme/anna'");
    assert_int_equal(strlen(rig_text(r, "items.0.data")), 60000);
}

static void
records_are_paged_and_filtered_by_type(void **state)
{
    struct rig *r = *state;
    char        cursor[96] = "";
    int64_t     last = INT64_MAX;
    size_t      seen = 0;

    declare(r);
    for (int i = 0; i < 10; i++) {
        record(r, "anna", i % 2 ? "odd" : "even");
        record(r, "bert", "odd");
        if (i % 4 == 0) rig_advance(r, 1); /* some at the same time */
    }
    do {
        rig_must_read(r, "agent.activity", "'name':'acme/anna','limit':3,'after':'%s'", cursor);
        for (size_t i = 0; i < rig_len(r, "items"); i++, seen++) {
            assert_true(rig_i64(r, rig_path(r, "items", i, "id")) < last);
            last = rig_i64(r, rig_path(r, "items", i, "id"));
        }
        (void)snprintf(cursor, sizeof(cursor), "%s",
                       rig_is_nil(r, "next") ? "" : rig_text(r, "next"));
    } while (cursor[0]);
    assert_int_equal(seen, 10);
    rig_must_read(r, "agent.activity", "'name':'acme/anna','type':'odd'");
    assert_int_equal(rig_len(r, "items"), 5);
    assert_int_equal(rig_read(r, "agent.activity", "'name':'acme/anna','after':'x'"),
                     E_BAD_REQUEST);
}

static void
records_go_with_their_agent(void **state)
{
    enum { MANY = 1500 }; /* more than a turn removes */
    static char text[5000];
    struct rig *r = *state;

    declare(r);
    rig_must(r, "agent.add", "'name':'gone','company':'acme','handler':'noop'");
    memset(text, 'x', sizeof(text) - 1);
    rig_must(r, "agent.record", "'name':'acme/gone','type':'t','data':'%s'", text);
    assert_true(rig_rows(r, TABLE_BLOB) > 0);
    for (int i = 0; i < MANY; i++)
        record(r, "gone", "t");
    record(r, "anna", "t");
    rig_must(r, "agent.remove", "'name':'acme/gone'");
    rig_turn(r);
    assert_true(rig_rows(r, TABLE_ACTIVITY) > 1);
    rig_crash(r); /* it goes on where it was */
    rig_boot(r, true);
    rig_settle(r);
    assert_int_equal(rig_rows(r, TABLE_ACTIVITY), 1);
    assert_int_equal(rig_rows(r, TABLE_BLOB), 0);
    assert_int_equal(count(r, "anna"), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_record_says_who_did_what_and_when),
        TEST(what_is_no_record_is_refused),
        TEST(a_completion_records_what_its_agent_did),
        TEST(long_data_comes_through_whole_and_has_a_limit),
        TEST(records_are_paged_and_filtered_by_type),
        TEST(records_go_with_their_agent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
