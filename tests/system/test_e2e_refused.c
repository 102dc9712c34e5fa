/* What is refused, from outside: each time it is said what was wrong, and nothing is changed. */
#include "tests/system/e2e.h"
#include <signal.h>

#define CONFIG                                         \
    "workers: {count: 1, slots: 1}\n"                  \
    "daemon: {stop_grace: 0s}\n"                       \
    "companies: {acme: {}}\n"                          \
    "handlers: {own: {kind: noop}}\n"                  \
    "agents:\n"                                        \
    "  - {name: scout, company: acme, handler: own}\n" \
    "  - {name: bare}\n"                               \
    "schedules:\n"                                     \
    "  nightly: {cron: \"0 3 * * *\", handler: noop}\n"

static int64_t untouched;

static int
start(void **state)
{
    (void)state;
    e2e_make();
    (void)e2e_start(CONFIG);
    (void)ctl_submit(&c, "noop --in 1h");               /* 1 */
    ctl_await(&c, ctl_submit(&c, "noop"), "completed"); /* 2 */
    ctl_must(&c, "schedule add mine --every 1h --handler noop");
    untouched = ctl_state_hash(&c);
    return 0;
}

static void
expect_untouched(const char *after)
{
    if (ctl_state_hash(&c) != untouched) daemon_fail(&d, "%s has changed something", after);
}

struct refusal {
    const char *command;
    int         code;
    const char *error;
    const char *about; /* in its message */
};

static void
expect_refusals(const struct refusal *all, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ctl_refused(&c, all[i].code, all[i].error, all[i].about, "%s", all[i].command);
        const char *field = json_string_value(json_object_get(c.error, "field"));
        if (strcmp(all[i].error, "bad_request") == 0 && (!field || !field[0])) {
            daemon_fail(&d, "%s: no field is named", all[i].command);
        }
        expect_untouched(all[i].command);
    }
}

/* ---- commands ------------------------------------------------------------------------------ */

static void
a_bad_command_line_is_a_usage_error(void **state)
{
    static const struct refusal all[] = {
        {"job submit noop --colour red",                  2, "usage", "--colour"      },
        {"job submit noop --priority high",               2, "usage", "--priority"    },
        {"job submit noop --priority 101",                2, "usage", "--priority"    },
        {"job submit noop --priority -1",                 2, "usage", "--priority"    },
        {"job submit noop --priority 5 --priority 6",     2, "usage", "--priority"    },
        {"job submit noop --max-run soon",                2, "usage", "--max-run"     },
        {"job submit noop --max-run 0s",                  2, "usage", "--max-run"     },
        {"job submit noop --max-turns 0",                 2, "usage", "--max-turns"   },
        {"job submit noop --max-turns 10001",             2, "usage", "--max-turns"   },
        {"job submit noop --max-attempts 0",              2, "usage", "--max-attempts"},
        {"job submit noop --retry 1m,often",              2, "usage", "--retry"       },
        {"job submit noop --at yesterday",                2, "usage", "--at"          },
        {"job submit noop --expires 2026-13-01",          2, "usage", "--expires"     },
        {"job submit noop --payload {",                   2, "usage", "--payload"     },
        {"job submit noop --payload '{\"a\":1,\"a\":2}'", 2, "usage", "--payload"     },
        {"job submit noop --payload @/nowhere/at/all",    2, "usage", "--payload"     },
        {"job submit noop --context 5",                   2, "usage", "--context"     },
        {"job submit noop --tag no-value",                2, "usage", "--tag"         },
        {"job submit 'not a name'",                       2, "usage", "HANDLER"       },
        {"job submit a/b/c",                              2, "usage", "HANDLER"       },
        {"job submit noop another",                       2, "usage", "another"       },
        {"job show",                                      2, "usage", "ID"            },
        {"job show twelve",                               2, "usage", "ID"            },
        {"job set 1 --priority 101",                      2, "usage", "--priority"    },
        {"job list --limit 0",                            2, "usage", "--limit"       },
        {"job lits",                                      2, "usage", "lits"          },
        {"job submit noop --company ACME",                2, "usage", "--company"     },
        {"schedule add x --every 1ms --handler noop",     2, "usage", "--every"       },
        {"worker scale 65",                               2, "usage", "N"             },
    };

    (void)state;
    expect_refusals(all, ARRAY_LEN(all));
}

static void
what_only_the_daemon_knows_it_refuses(void **state)
{
    static const struct refusal all[] = {
        {"job submit nobody",                                    1, "not_found",          "handler"   },
        {"job submit noop --agent nobody",                       1, "not_found",          "agent"     },
        {"job submit noop --company nobody",                     1, "not_found",          "company"   },
        {"job submit noop --agent scout",                        1, "not_found",          "agent"     },
        {"job submit --agent bare",                              1, "bad_request",        "handler"   },
        {"job submit",                                           1, "bad_request",        "handler"   },
        {"job submit noop --agent acme/scout --company default", 1, "not_found",          "agent"     },
        {"job submit noop --trigger whim",                       1, "bad_request",        "trigger"   },
        {"job submit noop --in 1h --at +2h",                     1, "bad_request",        "delay_ms"  },
        {"job submit noop --expires 2001-01-01T00:00:00Z",       1, "bad_request",        "expires_at"},
        {"job show 99",                                          1, "not_found",          "99"        },
        {"job cancel 99",                                        1, "not_found",          "99"        },
        {"job cancel 2",                                         1, "wrong_state",        "completed" },
        {"job retry 2",                                          1, "wrong_state",        "completed" },
        {"job set 2 --priority 3",                               1, "wrong_state",        "completed" },
        {"job set 1",                                            1, "bad_request",        "priority"  },
        {"job wait 99",                                          1, "not_found",          "99"        },
        {"job why 99",                                           1, "not_found",          "99"        },
        {"job logs 99",                                          1, "not_found",          "99"        },
        {"schedule show nobody",                                 1, "not_found",          "nobody"    },
        {"schedule pause nobody",                                1, "not_found",          "nobody"    },
        {"schedule resume mine",                                 1, "wrong_state",        "mine"      },
        {"schedule remove nobody",                               1, "not_found",          "nobody"    },
        {"schedule remove nightly",                              1, "declared_in_config", "nightly"   },
        {"agent show nobody",                                    1, "not_found",          "nobody"    },
        {"session show nobody",                                  1, "not_found",          "nobody"    },
        {"effect show 9",                                        1, "not_found",          "9"         },
        {"watch --since elsewhere",                              1, "bad_request",        "since"     },
    };

    (void)state;
    expect_refusals(all, ARRAY_LEN(all));
}

static void
bad_registrations_goals_and_tickets_are_refused(void **state)
{
    static const struct refusal all[] = {
        {"agent add a --handler own --daily-tokens -1",               2, "usage",       "--daily-tokens"      },
        {"agent add a --handler own --daily-cost-micros x",           2, "usage",       "--daily-cost-micros" },
        {"agent add a --handler own --max-concurrent -1",             2, "usage",       "--max-concurrent"    },
        {"agent add a --handler own --budget-zone Mars",              1, "bad_request", "Mars"                },
        {"agent add a --handler own --data [1]",                      2, "usage",       "--data"              },
        {"agent add a --handler own --sinks '[\"nowhere\"]'",         1, "not_found",   "nowhere"             },
        {"agent add scout --company acme --handler own",              1, "conflict",    "scout"               },
        {"company add b --daily-run -1s",                             2, "usage",       "--daily-run"         },
        {"company add b --priority-max 101",                          2, "usage",       "--priority-max"      },
        {"company add b --queue-max -5",                              2, "usage",       "--queue-max"         },
        {"profile add p --token-budget 0",                            2, "usage",       "--token-budget"      },
        {"profile add p --retry-factor 0",                            2, "usage",       "--retry-factor"      },
        {"profile add p --handler nobody",                            1, "not_found",   "handler"             },
        {"job submit noop --token-budget -1",                         2, "usage",       "--token-budget"      },
        {"job submit noop --cost-budget-micros 0",                    2, "usage",       "--cost-budget-micros"},
        {"goal add G --parent 99",                                    1, "not_found",   "99"                  },
        {"goal add G --agent nobody",                                 1, "not_found",   "nobody"              },
        {"goal add G --agent acme/scout",                             1, "not_found",   "another company"     },
        {"goal set 1 --parent 1",                                     1, "bad_request", "a cycle"             },
        {"goal set 1 --parent 3",                                     1, "bad_request", "a cycle"             },
        {"goal set 2 --status nonsense",                              1, "bad_request", "nonsense"            },
        {"goal decompose 9 --into '[{\"title\":\"x\"}]'",             1, "not_found",   "9"                   },
        {"goal decompose 1 --into '[{\"name\":\"x\"}]'",              1, "bad_request", "name"                },
        {"goal remove 9",                                             1, "not_found",   "9"                   },
        {"ticket add T --reward -1",                                  2, "usage",       "--reward"            },
        {"ticket add T --goal 99",                                    1, "not_found",   "99"                  },
        {"ticket add T --assign nobody",                              1, "not_found",   "nobody"              },
        {"ticket add T --assign acme/scout",                          1, "not_found",   "another company"     },
        {"ticket assign 9 scout",                                     1, "not_found",   "9"                   },
        {"ticket set 9 --status done",                                1, "not_found",   "9"                   },
        {"routine add r --every 1m --assign bare",                    2, "usage",       "--ticket-title"      },
        {"routine add r --every 1m --ticket-title T --assign nobody", 1, "not_found",   "nobody"              },
        {"routine add r --ticket-title T --assign bare",              1, "bad_request", "cron"                },
        {"agent wake nobody",                                         1, "not_found",   "nobody"              },
        {"agent wake bare",                                           1, "bad_request", "handler"             },
        {"agent wake acme/scout --goal 1",                            1, "not_found",   "goal"                },
    };

    (void)state;
    ctl_must(&c, "goal add Root");
    ctl_must(&c, "goal add Part --parent 1");
    ctl_must(&c, "goal add Detail --parent 2");
    untouched = ctl_state_hash(&c);
    expect_refusals(all, ARRAY_LEN(all));
}

static void
write_file(const char *name, const char *text)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", d.folder, name); /* fits */
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void
what_is_too_much_is_refused(void **state)
{
    BUF_AUTO struct buf payload = {0}, ladder = {0};

    (void)state;
    buf_add_str(&payload, "\"");
    for (int i = 0; i < PAYLOAD_MAX / 16; i++)
        buf_add_str(&payload, "sixteen bytes ..");
    buf_add_str(&payload, "\"");
    write_file("payload", buf_str(&payload));
    ctl_refused(&c, 2, "usage", "--payload", "job submit noop --payload @%s/payload", d.folder);
    expect_untouched("a payload over the limit");
    for (int i = 0; i < 1000; i++)
        buf_printf(&ladder, "%s1m", i ? "," : "");
    ctl_refused(&c, 1, "bad_request", "at most 32", "job submit noop --retry %s", buf_str(&ladder));
    ctl_refused(&c, 1, "bad_request", "at most 32", "profile add p --retry %s", buf_str(&ladder));
    expect_untouched("a ladder of 1000 steps");
}

/* What agentctl itself would not send. */
static void
the_daemon_does_not_rely_on_agentctl(void **state)
{
    static const struct {
        enum msg_id op;
        const char *body;
        enum errc   code;
        const char *field;
    } all[] = {
        {MSG_JOB_SUBMIT,  "{\"handler\":\"noop\",\"priority\":101}",                   E_BAD_REQUEST, "priority"    },
        {MSG_JOB_SUBMIT,  "{\"handler\":\"noop\",\"token_budget\":-1}",                E_BAD_REQUEST,
         "token_budget"                                                                                             },
        {MSG_JOB_SUBMIT,  "{\"handler\":\"noop\",\"colour\":\"red\"}",                 E_BAD_REQUEST, "colour"      },
        {MSG_JOB_SUBMIT,  "{\"handler\":\"noop\",\"retry\":[-1]}",                     E_BAD_REQUEST, "retry"       },
        {MSG_JOB_SUBMIT,  "{\"handler\":7}",                                           E_BAD_REQUEST, "handler"     },
        {MSG_AGENT_ADD,   "{\"name\":\"a\",\"daily_tokens\":-1}",                      E_BAD_REQUEST, "daily_tokens"},
        {MSG_AGENT_ADD,   "{\"name\":\"a\",\"capabilities\":-1}",                      E_BAD_REQUEST, "capabilities"},
        {MSG_COMPANY_ADD, "{\"name\":\"A B\"}",                                        E_BAD_REQUEST, "name"        },
        {MSG_COMPANY_ADD, "{\"name\":\"b\",\"priority_max\":101}",                     E_BAD_REQUEST, "priority_max"},
        {MSG_GOAL_ADD,    "{\"title\":\"\"}",                                          E_BAD_REQUEST, "title"       },
        {MSG_GOAL_ADD,    "{\"title\":\"G\",\"parent\":-1}",                           E_BAD_REQUEST, "parent"      },
        {MSG_TICKET_ADD,  "{\"title\":\"T\",\"reward\":-1}",                           E_BAD_REQUEST, "reward"      },
        {MSG_ROUTINE_ADD,
         "{\"name\":\"r\",\"every_ms\":1,\"ticket_title\":\"T\",\"assign\":\"bare\"}", E_BAD_REQUEST, "every_ms"    },
    };
    BUF_AUTO struct buf ladder = {0};
    struct client       raw;

    (void)state;
    client_open(&raw, &d);
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        must_refuse(&raw, all[i].op, all[i].body, all[i].code);
        if (strcmp(raw.error.field, all[i].field) != 0)
            daemon_fail(&d, "%s: names field '%s'", all[i].body, raw.error.field);
        expect_untouched(all[i].body);
    }
    buf_add_str(&ladder, "{\"handler\":\"noop\",\"retry\":[1");
    for (int i = 1; i < 1000; i++)
        buf_add_str(&ladder, ",1");
    buf_add_str(&ladder, "]}");
    must_refuse(&raw, MSG_JOB_SUBMIT, buf_str(&ladder), E_BAD_REQUEST);
    expect_untouched("a ladder of 1000 steps");
    client_close(&raw);
}

static void
a_bad_schedule_is_refused_with_field_and_column(void **state)
{
    static const struct refusal all[] = {
        {"schedule add x --cron '61 * * * *' --handler noop",           1, "bad_request",
         "cron: minute: column 1"                                                                    },
        {"schedule add x --cron '5 4 * * mon-xyz' --handler noop",      1, "bad_request", "column 13"},
        {"schedule add x --cron '* * *' --handler noop",                1, "bad_request", "field"    },
        {"schedule add x --cron '0 0 30 2 *' --handler noop",           1, "bad_request", "never"    },
        {"schedule add x --handler noop",                               1, "bad_request", "cron"     },
        {"schedule add x --cron '* * * * *' --every 1m --handler noop", 1, "bad_request", "cron"     },
        {"schedule add x --every 1m",                                   1, "bad_request", "handler"  },
        {"schedule add x --every 1m --handler nobody",                  1, "not_found",   "handler"  },
        {"schedule add x --every 1m --agent nobody",                    1, "not_found",   "agent"    },
        {"schedule add x --every 1m --handler noop --type odd",         1, "bad_request", "type"     },
        {"schedule add x --every 1m --handler noop --company nobody",   1, "not_found",   "company"  },
        {"schedule add mine --every 1m --handler noop",                 1, "conflict",    "mine"     },
        {"schedule add nightly --every 1m --handler noop",              1, "conflict",    "nightly"  },
    };

    (void)state;
    expect_refusals(all, ARRAY_LEN(all));
    ctl_must(&c, "schedule list");
    assert_int_equal(ctl_count(&c, "items"), 2);
}

/* ---- batches ------------------------------------------------------------------------------- */

static void
refuse_batch(int code, const char *error, const char *about, const char *text)
{
    write_file("batch", text);
    ctl_refused(&c, code, error, about, "job submit-many %s/batch", d.folder);
    expect_untouched(text);
}

static void
a_batch_is_taken_as_a_whole_or_not_at_all(void **state)
{
    static const char   good[] = "{\"handler\":\"noop\",\"priority\":3}\n"
                                 "\n"
                                 "{\"handler\":\"echo\",\"payload\":[1]}\n";
    BUF_AUTO struct buf many = {0};

    (void)state;
    refuse_batch(1, "not_found", "jobs[2]",
                 "{\"handler\":\"noop\"}\n{\"handler\":\"noop\"}\n{\"handler\":\"nobody\"}\n");
    refuse_batch(1, "bad_request", "jobs[0]",
                 "{\"handler\":\"noop\",\"retry\":[\"soon\"]}\n{\"handler\":\"noop\"}\n");
    refuse_batch(1, "bad_request", "jobs[0]: tags",
                 "{\"handler\":\"noop\",\"tags\":{\"a\":[1]}}\n");
    refuse_batch(2, "usage", "line 2", "{\"handler\":\"noop\"}\n{\"handler\":\"noop\",\"x\":1}\n");
    refuse_batch(2, "usage", "line 1", "{\"handler\":\"noop\",\"priority\":101}\n");
    refuse_batch(2, "usage", "line 2", "{\"handler\":\"noop\"}\n{\"handler\":\n");
    refuse_batch(1, "bad_request", "jobs", "\n");
    for (int i = 0; i <= BATCH_MAX; i++)
        buf_add_str(&many, "{\"handler\":\"noop\"}\n");
    refuse_batch(2, "usage", "1000", buf_str(&many));

    write_file("batch", good);
    ctl_must(&c, "job submit-many %s/batch", d.folder);
    ctl_expect(&c, "ids", "[3,4]");
    ctl_await(&c, 4, "completed");
    ctl_expect(&c, "output", "[1]");
    ctl_await(&c, 3, "completed");
    ctl_expect(&c, "priority", "3");
    ctl_must(&c, "--company acme job submit-many %s/batch", d.folder);
    ctl_expect(&c, "ids", "[5,6]");
    ctl_await(&c, 6, "completed");
    ctl_expect(&c, "company", "\"acme\"");
    many.size -= sizeof("{\"handler\":\"noop\"}"); /* its newline counts, its NUL does not */
    write_file("batch", buf_str(&many));
    ctl_must(&c, "job submit-many %s/batch", d.folder);
    assert_int_equal(ctl_count(&c, "ids"), BATCH_MAX);
    ctl_await(&c, 6 + BATCH_MAX, "completed");
    ctl_must(&c, "fsck");
    ctl_expect(&c, "ok", "true");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, e2e_stop)
    const struct CMUnitTest tests[] = {
        TEST(a_bad_command_line_is_a_usage_error),
        TEST(what_only_the_daemon_knows_it_refuses),
        TEST(bad_registrations_goals_and_tickets_are_refused),
        TEST(what_is_too_much_is_refused),
        TEST(the_daemon_does_not_rely_on_agentctl),
        TEST(a_bad_schedule_is_refused_with_field_and_column),
        TEST(a_batch_is_taken_as_a_whole_or_not_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
