/* What is refused, from outside: each time it is said what was wrong, and nothing is changed. */
#include "tests/system/ctl.h"
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

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

static struct daemon d;
static struct ctl    c;
static int64_t       untouched;

static int
start(void **state)
{
    (void)state;
    daemon_make(&d);
    daemon_write_config(&d, CONFIG);
    ctl_open(&c, &d);
    daemon_start(&d, NULL);
    (void)ctl_submit(&c, "noop --in 1h");               /* 1 */
    ctl_await(&c, ctl_submit(&c, "noop"), "completed"); /* 2 */
    ctl_must(&c, "schedule add mine --every 1h --handler noop");
    untouched = ctl_state_hash(&c);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    daemon_stop(&d);
    ctl_close(&c);
    daemon_remove(&d);
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
what_this_version_cannot_do_it_does_not_pretend(void **state)
{
    static const struct refusal all[] = {
        {"job submit noop --session s", 1, "bad_request", "session"},
    };

    (void)state;
    expect_refusals(all, ARRAY_LEN(all));
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        ctl_refused(&c, 1, "bad_request", "not supported by this version", "%s", all[i].command);
    }
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
write_batch(const char *text)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/batch", d.folder); /* fits */
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void
refuse_batch(int code, const char *error, const char *about, const char *text)
{
    write_batch(text);
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
    refuse_batch(1, "bad_request", "jobs[1]",
                 "{\"handler\":\"noop\"}\n{\"handler\":\"noop\",\"session\":\"s\"}\n");
    refuse_batch(1, "bad_request", "jobs[0]",
                 "{\"handler\":\"noop\",\"retry\":[\"soon\"]}\n{\"handler\":\"noop\"}\n");
    refuse_batch(2, "usage", "line 2", "{\"handler\":\"noop\"}\n{\"handler\":\"noop\",\"x\":1}\n");
    refuse_batch(2, "usage", "line 1", "{\"handler\":\"noop\",\"priority\":101}\n");
    refuse_batch(2, "usage", "line 2", "{\"handler\":\"noop\"}\n{\"handler\":\n");
    refuse_batch(1, "bad_request", "jobs", "\n");
    for (int i = 0; i <= BATCH_MAX; i++)
        buf_add_str(&many, "{\"handler\":\"noop\"}\n");
    refuse_batch(2, "usage", "1000", buf_str(&many));

    write_batch(good);
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
    write_batch(buf_str(&many));
    ctl_must(&c, "job submit-many %s/batch", d.folder);
    assert_int_equal(ctl_count(&c, "ids"), BATCH_MAX);
    ctl_await(&c, 6 + BATCH_MAX, "completed");
    ctl_must(&c, "fsck");
    ctl_expect(&c, "ok", "true");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(a_bad_command_line_is_a_usage_error),
        TEST(what_only_the_daemon_knows_it_refuses),
        TEST(what_this_version_cannot_do_it_does_not_pretend),
        TEST(a_bad_schedule_is_refused_with_field_and_column),
        TEST(a_batch_is_taken_as_a_whole_or_not_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
