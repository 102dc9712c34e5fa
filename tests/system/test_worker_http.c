/* Effects as a worker posts them: signed, within the rules, and what an answer makes of each (D5).
 */
#include "tests/system/fake_supervisor.h"
#include "tests/system/web.h"
#include "worker/delivery/sinkhttp.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <cmocka.h>

#define SECRET     "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define SECRET_OLD "an old key"

static struct fake f;
static struct web  web;

static void
write_secret(const char *name, const char *text)
{
    FREE_AUTO char *path = xasprintf("%s/%s", f.folder, name);
    FILE           *out = fopen(path, "we");

    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static int
start(void **state)
{
    (void)state;
    fake_start(&f);
    web_start(&web, f.folder);
    write_secret("secret", SECRET "\n");
    write_secret("old", SECRET_OLD);
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

/* more: fields of the sink, each with a comma before it. */
static uint64_t
post_to(const char *url, const char *more, int64_t max_run_ms)
{
    FREE_AUTO char *sink =
        xasprintf("{\"name\":\"hook\",\"kind\":\"http\",\"url\":\"%s\"%s}", url, more);

    return fake_effect(&f, 100, sink, "{\"effect_id\": 7, \"message\": \"hi\"}", 7, false,
                       max_run_ms);
}

static uint64_t
post_at(const char *path, const char *more, int64_t max_run_ms)
{
    FREE_AUTO char *url = xasprintf("http://127.0.0.1:%d%s", web.port, path);
    FREE_AUTO char *all = xasprintf(",\"allow\":[\"127.0.0.1\"]%s", more);

    return post_to(url, all, max_run_ms);
}

static uint64_t
post(const char *path)
{
    return post_at(path, "", WAIT_MS);
}

static void
expect_failed_delivery(uint64_t token, const char *message, bool is_final, int64_t after_ms)
{
    expect_delivery(&f, token, "failed", "", message);
    assert_int_equal(f.m.effect_done.final, is_final);
    assert_int_equal(HAS(&f.m.effect_done, effect_done, after_ms), after_ms >= 0);
    if (after_ms >= 0) assert_int_equal(f.m.effect_done.after_ms, after_ms);
}

static void
a_post_has_a_stable_id_and_the_document(void **state)
{
    (void)state;
    expect_delivery(&f, post("/ok?a=1"), "delivered", "HTTP 204", "");
    expect_delivery(&f, post("/ok?a=1"), "delivered", "HTTP 204", "");
    FREE_AUTO char *seen = web_seen(&web);
    char            path[2][64], id[2][64], ts[2][64], sig[2][512], key[2][64], own[2][64];
    char            body[2][128];
    assert_int_equal(sscanf(seen,
                            "POST %63s %63s %63s %511s %63s %63s %127[^\n]\n"
                            "POST %63s %63s %63s %511s %63s %63s %127[^\n]",
                            path[0], id[0], ts[0], sig[0], key[0], own[0], body[0], path[1], id[1],
                            ts[1], sig[1], key[1], own[1], body[1]),
                     14);
    assert_string_equal(id[0], id[1]);
    assert_string_equal(id[0], key[0]);
    assert_non_null(strstr(id[0], "-e7"));
    assert_string_equal(sig[0], "-"); /* there is no secret */
    assert_string_equal(body[0], "{\"effect_id\":7,\"message\":\"hi\"}");
}

static void
a_signature_is_made_with_each_secret(void **state)
{
    FREE_AUTO char *more =
        xasprintf(",\"secret_file\":\"%s/secret\",\"secret_file_old\":\"%s/old\","
                  "\"headers\":{\"X-Own\":\"mine\"}",
                  f.folder, f.folder);
    char       id[64], ts[64], sig[2][128], own[64], body[128], expected[SIGNATURE_MAX];
    struct err e;

    (void)state;
    expect_delivery(&f, post_at("/ok", more, WAIT_MS), "delivered", "HTTP 204", "");
    FREE_AUTO char *seen = web_seen(&web);
    assert_int_equal(sscanf(seen, "POST /ok %63s %63s %127s %127s %*s %63s %127[^\n]", id, ts,
                            sig[0], sig[1], own, body),
                     6);
    assert_string_equal(own, "mine");
    static const char *const secrets[] = {SECRET, SECRET_OLD};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(sinkhttp_sign(view_str(secrets[i]), view_str(id), strtoll(ts, NULL, 10),
                                       view_str(body), expected, &e),
                         E_OK);
        assert_memory_equal(sig[i], "v1,", 3);
        assert_string_equal(sig[i] + 3, expected);
    }
}

static void
what_the_server_says_decides(void **state)
{
    (void)state;
    expect_failed_delivery(post("/no"), "HTTP 500", false, -1);
    expect_failed_delivery(post("/busy"), "HTTP 429", false, 7000);
    expect_failed_delivery(post("/gone"), "HTTP 410", true, -1);
    expect_failed_delivery(post("/moved"), "HTTP 302", true, -1); /* nothing is followed */
    expect_failed_delivery(post("/odd"), "HTTP 999", true, -1);
    expect_delivery(&f, post("/flood"), "delivered", "HTTP 200", "");
}

static void
an_answer_counts_whose_body_does_not_come(void **state)
{
    (void)state;
    expect_failed_delivery(post_at("/late", "", 1300), "HTTP 503", false, 7000);
    expect_delivery(&f, post_at("/quiet", "", 1300), "delivered", "HTTP 200", "");
    expect_delivery(&f, post("/short"), "delivered", "HTTP 200", "");
    expect_delivery(&f, post("/second"), "delivered", "HTTP 204", "");
}

static void
a_part_of_the_headers_is_no_answer(void **state)
{
    (void)state;
    expect_delivery(&f, post("/half"), "unknown", "", "closed within the answer's headers");
    expect_delivery(&f, post("/line"), "unknown", "", "closed within the answer's headers");
    expect_delivery(&f, post("/interim"), "unknown", "", "");
    expect_delivery(&f, post("/much"), "unknown", "", "the answer's headers are too large");
}

static void
no_answer_is_unknown_and_no_connection_is_not(void **state)
{
    (void)state;
    expect_delivery(&f, post("/cut"), "unknown", "", "");
    expect_delivery(&f, post_at("/hang", "", 1300), "unknown", "", "");
    web_stop(&web);
    web.port = 1;
    expect_failed_delivery(post("/ok"), "connect", false, -1);
    expect_failed_delivery(post_to("http://no-such-host.invalid/", "", WAIT_MS),
                           "no-such-host.invalid", false, -1);
}

static void
the_own_network_is_not_reached(void **state)
{
    FREE_AUTO char *url = xasprintf("http://localhost:%d/ok", web.port);
    FREE_AUTO char *number = xasprintf("http://2130706433:%d/ok", web.port); /* 127.0.0.1 */

    (void)state;
    expect_failed_delivery(post_to(url, "", WAIT_MS), "may not be reached", true, -1);
    expect_failed_delivery(post_to(number, "", WAIT_MS), "may not be reached", true, -1);
    expect_failed_delivery(
        post_to("http://169.254.169.254/", ",\"allow\":[\"169.254.169.254\"]", WAIT_MS),
        "may not be reached", true, -1);
    expect_failed_delivery(post_to("file:///etc/hostname", "", WAIT_MS), "http", true, -1);
    FREE_AUTO char *seen = web_seen(&web);
    assert_string_equal(seen, "");
    expect_delivery(&f, post_to(url, ",\"allow\":[\"localhost\"]", WAIT_MS), "delivered",
                    "HTTP 204", "");
}

static void
a_secret_that_cannot_be_read_sends_nothing(void **state)
{
    (void)state;
    expect_failed_delivery(post_at("/ok", ",\"secret_file\":\"/no/such/file\"", WAIT_MS),
                           "/no/such/file", false, -1);
    FREE_AUTO char *seen = web_seen(&web);
    assert_string_equal(seen, "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
        TEST(a_post_has_a_stable_id_and_the_document),
        TEST(a_signature_is_made_with_each_secret),
        TEST(what_the_server_says_decides),
        TEST(an_answer_counts_whose_body_does_not_come),
        TEST(a_part_of_the_headers_is_no_answer),
        TEST(no_answer_is_unknown_and_no_connection_is_not),
        TEST(the_own_network_is_not_reached),
        TEST(a_secret_that_cannot_be_read_sends_nothing),
#undef TEST
    };

    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
