/* Pings as a worker sends them: what an answer makes of one, and what a server may not do to us
 * (C5). */
#include "tests/system/fake_supervisor.h"
#include "tests/system/web.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include <cmocka.h>

static struct fake f;
static struct web  web;

static int
start(void **state)
{
    (void)state;
    fake_start(&f);
    web_start(&web, f.folder);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    web_stop(&web);
    fake_stop(&f);
    return 0;
}

static uint64_t
ping_url(uint64_t slot, const char *url, int64_t max_run_ms)
{
    FREE_AUTO char *sink = xasprintf("{\"name\":\"ping\",\"kind\":\"ping\",\"path\":\"%s\"}", url);

    return fake_effect(&f, slot, sink, "{}", 7, false, max_run_ms);
}

static uint64_t
ping_at(uint64_t slot, const char *path, int64_t max_run_ms)
{
    FREE_AUTO char *url = xasprintf("http://127.0.0.1:%d%s", web.port, path);

    return ping_url(slot, url, max_run_ms);
}

static uint64_t
ping(const char *path)
{
    return ping_at(100, path, WAIT_MS);
}

static void
expect_seen(const char *wanted)
{
    FREE_AUTO char *seen = web_seen(&web);

    assert_string_equal(seen, wanted);
}

static void
a_status_of_2xx_is_delivered(void **state)
{
    (void)state;
    expect_delivery(&f, ping("/ok?a=%20b"), "delivered", "HTTP 204", "");
    expect_seen("GET /ok?a=%20b\n");
}

static void
any_other_status_fails_and_nothing_is_followed(void **state)
{
    (void)state;
    expect_delivery(&f, ping("/no"), "failed", "", "HTTP 500");
    expect_delivery(&f, ping("/moved"), "failed", "", "HTTP 302");
    expect_seen("GET /no\nGET /moved\n");
}

static void
a_server_that_is_not_there_fails(void **state)
{
    (void)state;
    web_stop(&web);
    web.port = 1;
    expect_delivery(&f, ping("/ok"), "failed", "", "connect");
    expect_delivery(&f, ping_url(100, "http://no-such-host.invalid/", WAIT_MS), "failed", "",
                    "no-such-host.invalid");
}

static void
other_protocols_and_link_local_addresses_are_refused(void **state)
{
    static const char *const barred[] = {"http://169.254.169.254/latest/meta-data",
                                         "http://[fe80::1]/", "http://[::ffff:169.254.169.254]/",
                                         "http://224.0.0.1/"};

    (void)state;
    expect_delivery(&f, ping_url(100, "file:///etc/hostname", WAIT_MS), "failed", "",
                    "is not an http:// or https:// URL");
    for (size_t i = 0; i < ARRAY_LEN(barred); i++)
        expect_delivery(&f, ping_url(100, barred[i], WAIT_MS), "failed", "",
                        "this address may not be reached");
}

static void
a_server_that_hangs_is_left_at_the_time_limit(void **state)
{
    uint64_t t;

    (void)state;
    t = ping_at(101, "/hang", 200);
    expect_delivery(&f, ping("/ok"), "delivered", "HTTP 204", ""); /* meanwhile */
    expect_delivery(&f, t, "unknown", "", "no answer within the time limit");
}

static void
a_body_without_end_is_cut_off(void **state)
{
    (void)state;
    expect_delivery(&f, ping("/flood"), "delivered", "HTTP 200", "");
}

static void
jobs_run_while_servers_hang(void **state)
{
    uint64_t hanging[4];

    (void)state;
    for (uint64_t i = 0; i < ARRAY_LEN(hanging); i++)
        hanging[i] = ping_at(100 + i, "/hang", 3600000);
    expect_completed(&f, fake_job(&f, &(struct fake_job){.script = "exit 0"}), NULL);
    for (uint64_t i = 0; i < ARRAY_LEN(hanging); i++) {
        fake_stop_job(&f, 100 + i, hanging[i], 0);
        expect_delivery(&f, hanging[i], "unknown", "", "stopped on request");
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_status_of_2xx_is_delivered),
        TEST(any_other_status_fails_and_nothing_is_followed),
        TEST(a_server_that_is_not_there_fails),
        TEST(other_protocols_and_link_local_addresses_are_refused),
        TEST(a_server_that_hangs_is_left_at_the_time_limit),
        TEST(a_body_without_end_is_cut_off),
        TEST(jobs_run_while_servers_hang),
    };

    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
