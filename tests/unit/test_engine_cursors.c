/* `after` of lists: what a list gave as `next`, and nothing else (N8). */
#include "tests/unit/engine_rig.h"

#define DAY_MS 86400000LL

/* Where numbers are times, nearly any is one. */
enum { OF_IDS, OF_TIMES };

static const struct {
    const char *op, *args;
    int         kind;
} lists[] = {
    {"job.list",         "",                             OF_IDS  },
    {"job.list",         "'state':'completed'",          OF_IDS  },
    {"job.list",         "'state':'scheduled'",          OF_IDS  },
    {"job.list",         "'state':'ready'",              OF_IDS  },
    {"job.list",         "'state':'running'",            OF_IDS  },
    {"schedule.list",    "",                             OF_IDS  },
    {"schedule.firings", "'name':'s'",                   OF_TIMES},
    {"company.list",     "",                             OF_IDS  },
    {"agent.list",       "",                             OF_IDS  },
    {"agent.activity",   "'name':'a'",                   OF_IDS  },
    {"handler.list",     "",                             OF_IDS  },
    {"profile.list",     "",                             OF_IDS  },
    {"session.list",     "",                             OF_IDS  },
    {"session.events",   "'key':'k'",                    OF_IDS  },
    {"timer.list",       "'key':'k'",                    OF_IDS  },
    {"timer.list",       "'key':'k','status':'pending'", OF_IDS  },
    {"effect.list",      "",                             OF_IDS  },
    {"effect.list",      "'session':'k'",                OF_IDS  },
    {"approval.list",    "",                             OF_IDS  },
    {"token.list",       "",                             OF_IDS  },
    {"breaker.list",     "",                             OF_IDS  },
    {"audit.list",       "",                             OF_IDS  },
    {"goal.list",        "",                             OF_IDS  },
    {"ticket.list",      "",                             OF_IDS  },
    {"usage",            "",                             OF_IDS  },
};

static void
begin(struct rig *r)
{
    r->limits.session_handler = view_str("noop");
    rig_configure(r, &(struct rig_declared){
                         .companies = "{'name':'c1'},{'name':'c2'}",
                         .agents = "{'name':'a','handler':'noop'},{'name':'b','handler':'noop'}",
                         .profiles = "{'name':'p','handler':'noop'},{'name':'q','handler':'noop'}",
                         .handlers = "{'name':'h','kind':'noop'},{'name':'i','kind':'noop'}",
                         .sinks = "{'name':'file','kind':'file','path':'f'}",
                     });
    rig_must(r, "schedule.add", "'name':'s','every_ms':60000,'handler':'noop'");
    rig_must(r, "schedule.add", "'name':'t','every_ms':60000,'handler':'noop'");
    for (int i = 0; i < 2; i++) {
        rig_must(r, "session.send", "'key':'k','content':'x'");
        rig_must(r, "session.send", "'key':'l','content':'x'");
        rig_must(r, "timer.set", "'key':'k','timer_id':'t%d','delay_ms':%d", i, 600000 + i);
        rig_must(r, "agent.record", "'name':'a','type':'note','data':1");
        rig_must(r, "goal.add", "'title':'g'");
        rig_must(r, "ticket.add", "'title':'t'");
        (void)rig_submit(r, "'handler':'noop'");
        (void)rig_submit(r, "'handler':'noop','delay_ms':%lld", DAY_MS);
    }
}

static enum errc
read_after(struct rig *r, size_t list, const char *after)
{
    return rig_read(r, lists[list].op, "%s%s'limit':1,'after':'%s'", lists[list].args,
                    lists[list].args[0] ? "," : "", after);
}

static void
what_no_list_gave_is_refused_by_each(void **state)
{
    static const char *const never[] = {
        "junk",
        "0",
        "-1",
        "+1",
        " 1",
        "1 ",
        "01",
        "1.",
        ".1",
        "1x",
        "1,1",
        "0x1",
        "1.1.1.1.1.1",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "18446744073709551617",
        "99999999999999999999",
        "99999999999999999999999999999999999999",
        "4.-1",
        "1.4294967296",
        "9.0.1",
        "1.99999999999999999999.1",
        "1.300.0.0.1",
        "4294967296.1.0.0.1",
        "1.1.0.0.99999999999999999999",
        /* and as one number, not of times */
        "999999",
        "4294967297",
    };
    struct rig *r = *state;

    begin(r);
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        for (size_t k = 0; k < ARRAY_LEN(never) - (lists[i].kind == OF_TIMES ? 2 : 0); k++) {
            if (read_after(r, i, never[k]) != E_BAD_REQUEST)
                fail_msg("%s %s after %s: %s", lists[i].op, lists[i].args, never[k], rig_json(r));
            assert_string_equal(r->error.field, "after");
            assert_string_equal(r->error.msg, "after: no cursor of this list");
        }
    }
}

static void
what_a_list_gave_leads_through_it(void **state)
{
    struct rig *r = *state;

    begin(r);
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        char   next[160] = "";
        size_t items = 0;

        rig_must_read(r, lists[i].op, "%s ", lists[i].args);
        size_t all = rig_len(r, "items");
        rig_must_read(r, lists[i].op, "%s%s'limit':1", lists[i].args, lists[i].args[0] ? "," : "");
        for (int pages = 0; pages < 50; pages++) {
            items += rig_len(r, "items");
            if (rig_is_nil(r, "next")) break;
            (void)snprintf(next, sizeof(next), "%s", rig_text(r, "next"));
            if (read_after(r, i, next) != E_OK)
                fail_msg("%s after %s: %s", lists[i].op, next, r->error.msg);
        }
        if (items != all) fail_msg("%s %s: %zu of %zu", lists[i].op, lists[i].args, items, all);
    }
}

static void
a_cursor_outlives_its_row(void **state)
{
    struct rig *r = *state;

    begin(r);
    rig_must_read(r, "goal.list", "'limit':1");
    assert_string_equal(rig_text(r, "next"), "1");
    rig_must(r, "goal.remove", "'id':1");
    rig_turn(r);
    rig_must_read(r, "goal.list", "'after':'1'");
    assert_int_equal(rig_len(r, "items"), 1);
    assert_int_equal(rig_i64(r, "items.0.id"), 2);
}

static void
what_acts_on_many_refuses_it_as_well(void **state)
{
    struct rig *r = *state;

    begin(r);
    rig_refused(r, E_BAD_REQUEST, "after", "job.cancel_many", "'state':'ready','after':'-1'");
    rig_refused(r, E_BAD_REQUEST, "after", "job.purge", "'older_ms':0,'after':'999999'");
    rig_refused(r, E_BAD_REQUEST, "after", "effect.resend", "'status':'failed','after':'+1'");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
    const struct CMUnitTest tests[] = {
        TEST(what_no_list_gave_is_refused_by_each),
        TEST(what_a_list_gave_leads_through_it),
        TEST(a_cursor_outlives_its_row),
        TEST(what_acts_on_many_refuses_it_as_well),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
