/* Jobs that are like another, through agentctl on a real daemon: unique keys, debounced submits, a
 * full queue, ladders from a base; and what is refused of them. */
#include "tests/system/e2e.h"

#define CONFIG                                                       \
    "workers: {count: 1, slots: 2}\n"                                \
    "daemon: {stop_grace: 0s}\n"                                     \
    "companies: {small: {queue_max: 1}}\n"                           \
    "handlers:\n"                                                    \
    "  often: {kind: exec, command: [\"false\"], retry_base: 10ms, " \
    "retry_max: 20ms, max_attempts: 3}\n"

static int
start(void **state)
{
    (void)state;
    e2e_make();
    return e2e_start(CONFIG);
}

static int
stop(void **state)
{
    ctl_must(&c, "fsck");
    ctl_expect(&c, "ok", "true");
    return e2e_stop(state);
}

static void
a_unique_key_is_one_jobs(void **state)
{
    (void)state;
    uint64_t a = ctl_submit(&c, "noop --in 1h --unique k");
    assert_int_equal(ctl_submit(&c, "noop --unique k"), a);
    ctl_expect(&c, "conflict", "true");
    ctl_refused(&c, 1, "conflict", "job 1", "job submit noop --unique k --on-conflict reject");
    daemon_kill(&d);
    daemon_start(&d, NULL);
    assert_int_equal(ctl_submit(&c, "noop --unique k"), a);
    uint64_t b = ctl_submit(&c, "noop --unique k --on-conflict replace --unique-for 1h");
    assert_int_not_equal(a, b);
    ctl_await(&c, a, "cancelled");
    ctl_expect_text(&c, "failure.message", "replaced by job 2");
    ctl_await(&c, b, "completed");
    assert_int_equal(ctl_submit(&c, "noop --unique k"), b);
    ctl_refused(&c, 1, "conflict", "job 2", "job retry %" PRIu64, a);
}

static void
debounced_submits_are_one_job(void **state)
{
    (void)state;
    uint64_t id = ctl_submit(&c, "echo --debounce-key k --debounce 1h --payload 1");
    assert_int_equal(ctl_submit(&c, "echo --debounce-key k --debounce 1h --payload 2"), id);
    ctl_expect(&c, "merged", "true");
    assert_int_equal(ctl_submit(&c, "echo --debounce-key k --debounce 0s --payload 3"), id);
    ctl_await(&c, id, "completed");
    ctl_expect(&c, "output", "3");
    ctl_must(&c, "job show %" PRIu64, id);
    ctl_expect(&c, "causes.count", "3");
    ctl_expect(&c, "causes.items.0.payload", "1");
    ctl_expect(&c, "causes.items.2.payload", "3");
}

static void
a_full_queue_says_so(void **state)
{
    (void)state;
    (void)ctl_submit(&c, "noop --company small --in 1h");
    ctl_refused(&c, 1, "queue_full", "small", "job submit noop --company small --in 1h");
}

static void
a_handlers_base_makes_its_ladder(void **state)
{
    (void)state;
    ctl_await(&c, ctl_submit(&c, "often"), "failed");
    ctl_expect(&c, "failures", "3");
    ctl_await(&c, ctl_submit(&c, "often --retry-base 1ms --retry-factor 3 --retry-max 5ms"),
              "failed");
    ctl_expect(&c, "failures", "3");
}

static void
what_cannot_be_is_refused(void **state)
{
    static const struct {
        const char *flags;
        int         code;
        const char *error, *about;
    } bad[] = {
        {"--unique k --on-conflict explode",          1, "bad_request", "explode"       },
        {"--on-conflict return",                      1, "bad_request", "--unique"      },
        {"--debounce 5s",                             1, "bad_request", "--debounce-key"},
        {"--debounce-key k --debounce 5s --unique k", 1, "bad_request", "--unique"      },
        {"--retry 1m --retry-base 1m",                1, "bad_request", "retry"         },
        {"--retry-factor 3",                          1, "bad_request", "--retry-base"  },
        {"--retry-base 1m --retry-factor 101",        2, "usage",       "--retry-factor"},
        {"--priority 101",                            2, "usage",       "--priority"    },
    };
    BUF_AUTO struct buf long_one = {0};

    (void)state;
    ctl_must(&c, "job list");
    int64_t untouched = ctl_state_hash(&c);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ctl_refused(&c, bad[i].code, bad[i].error, bad[i].about, "job submit noop %s",
                    bad[i].flags);
    for (int i = 0; i < 1000; i++)
        buf_add_str(&long_one, i ? ",1s" : "1s");
    ctl_refused(&c, 1, "bad_request", "32 steps", "job submit noop --retry %s", buf_str(&long_one));

    char path[128];
    (void)snprintf(path, sizeof(path), "%s/payload", d.folder); /* fits */
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputc('"', file) >= 0);
    for (int i = 0; i <= PAYLOAD_MAX; i++)
        assert_true(fputc('a', file) >= 0);
    assert_true(fputc('"', file) >= 0);
    assert_int_equal(fclose(file), 0);
    ctl_refused(&c, 2, "usage", "--payload", "job submit noop --payload @%s", path);
    assert_true(ctl_state_hash(&c) == untouched);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(a_unique_key_is_one_jobs),  TEST(debounced_submits_are_one_job),
        TEST(a_full_queue_says_so),      TEST(a_handlers_base_makes_its_ladder),
        TEST(what_cannot_be_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
