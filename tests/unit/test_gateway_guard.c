/* By which names the gateway is spoken to, from which pages, and with which tokens. */
#include "common/listen.h"
#include "tools/gateway/auth.h"
#include "tools/gateway/guard.h"
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct guard g;

static int
set_up(void **state)
{
    (void)state;
    guard_init(&g, "10.0.0.7", "agents.example,other.example", "https://app.example:8443");
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    guard_done(&g);
    return 0;
}

static bool
knows_host(const char *host)
{
    return guard_knows_host(&g, view_str(host));
}

static bool
knows_origin(const char *origin, const char *host)
{
    return guard_knows_origin(&g, view_str(origin), view_str(host));
}

static void
known_names_are_taken_with_any_port(void **state)
{
    (void)state;
    assert_true(knows_host("10.0.0.7:8377"));
    assert_true(knows_host("localhost"));
    assert_true(knows_host("127.0.0.1:1"));
    assert_true(knows_host("[::1]:8377"));
    assert_true(knows_host("Agents.Example"));
    assert_true(knows_host("other.example:443"));
}

static void
other_names_and_what_only_looks_like_one_are_not(void **state)
{
    static const char *const bad[] = {
        "",
        "evil.example",
        "agents.example.evil.example",
        "localhost.evil.example",
        "localhost:",
        "localhost:8377x",
        "localhost:999999",
        "localhost,localhost",
        "[::1",
        "[::1]evil.example",
        "localhost@evil.example",
        " localhost",
        "::1",
        "localhost:80:80",
        ":8377",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (knows_host(bad[i])) fail_msg("\"%s\"", bad[i]);
    }
}

static void
a_page_is_of_here_or_of_a_listed_origin(void **state)
{
    (void)state;
    assert_true(knows_origin("http://localhost:8377", "localhost:8377"));
    assert_true(knows_origin("https://agents.example", "agents.example"));
    assert_true(knows_origin("https://app.example:8443", "localhost:8377"));
    assert_false(knows_origin("https://app.example", "localhost:8377"));
    assert_false(knows_origin("http://localhost:9", "localhost:8377"));
    assert_false(knows_origin("null", "localhost:8377"));
    assert_false(knows_origin("", "localhost:8377"));
    assert_false(knows_origin("http://evil.example", "evil.example"));
    assert_false(knows_origin("file://localhost:8377", "localhost:8377"));
}

static void
a_token_becomes_its_hash(void **state)
{
    char hash[TOKEN_HASH_SIZE + 1];

    (void)state;
    assert_true(auth_bearer(view_str("Bearer abc"), hash));
    assert_string_equal(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_true(auth_bearer(view_str("bearer abc"), hash));
    assert_true(auth_subprotocol(view_str("agentd.v1, bearer.abc"), hash));
    assert_string_equal(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void
what_cannot_be_a_token_is_none(void **state)
{
    static const char *const bad[] = {"",          "Bearer",         "Bearer ",    "Basic abc",
                                      "Bearer  a", "Bearer a b",     "Bearer a,b", "Bearer a\n",
                                      "abc",       "Bearer \xc3\xa4"};
    char                     hash[TOKEN_HASH_SIZE + 1], longest[TOKEN_BYTES_MAX + 2];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (auth_bearer(view_str(bad[i]), hash)) fail_msg("\"%s\"", bad[i]);
    }
    memset(longest, 'a', sizeof(longest));
    assert_true(auth_hash(view_of(longest, TOKEN_BYTES_MAX), hash));
    assert_false(auth_hash(view_of(longest, TOKEN_BYTES_MAX + 1), hash));
    assert_false(auth_subprotocol(view_str(""), hash));
    assert_false(auth_subprotocol(view_str("agentd.v1"), hash));
    assert_false(auth_subprotocol(view_str("agentd.v1, bearer."), hash));
}

static void
an_address_is_told_from_its_port(void **state)
{
    static const char *const bad[] = {
        "",           "8377",  ":8377",  "localhost:80",  "127.0.0.1:70000", "127.0.0.1",
        "[]:1",       "nope",  ":99999", "::1:80",        "[::1:80",         "127.0.0.1:-1",
        "127.1:80",   "lo:80", "*:80",   "[127.0.0.1]:1", "[fe80::1%lo]:1",  "127.0.0.1: 1",
        "/run/a.sock"};
    struct view address;
    int         port = 0;
    struct err  e;

    (void)state;
    assert_int_equal(listen_parse(view_str("127.0.0.1:8377"), &address, &port, &e), E_OK);
    assert_true(view_is(address, "127.0.0.1"));
    assert_int_equal(port, 8377);
    assert_int_equal(listen_parse(view_str("[::1]:0"), &address, &port, &e), E_OK);
    assert_true(view_is(address, "::1"));
    assert_int_equal(port, 0);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(listen_parse(view_str(bad[i]), &address, &port, &e), E_BAD_REQUEST);
}

static void
lists_of_names_and_of_origins_are_told_from_what_only_looks_like_them(void **state)
{
    static const char *const hosts[] = {"", "a", "a.example,b-c.example", "10.0.0.7, ::1 ,"};
    static const char *const no_hosts[] = {"a:80", "[::1]", "http://a", "a/b", "a,b:1", "*.a"};
    static const char *const origins[] = {"", "http://a", "https://a.example:8443, http://[::1]:80",
                                          "app://x,http://[::1]"};
    static const char *const no_origins[] = {
        "a", "*", "null", "http://", "://a", "http://a/", "http://a:b", "http://::1", "http://a,b"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
        assert_true(listen_are_hosts(view_str(hosts[i])));
    for (size_t i = 0; i < ARRAY_LEN(no_hosts); i++)
        assert_false(listen_are_hosts(view_str(no_hosts[i])));
    for (size_t i = 0; i < ARRAY_LEN(origins); i++)
        assert_true(listen_are_origins(view_str(origins[i])));
    for (size_t i = 0; i < ARRAY_LEN(no_origins); i++)
        assert_false(listen_are_origins(view_str(no_origins[i])));
}

static void
what_is_in_the_way_of_listening_is_told(void **state)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t          size = sizeof(in);
    int                fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct err         e;

    (void)state;
    assert_int_equal(bind(fd, (struct sockaddr *)&in, size), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &size), 0);
    assert_int_equal(listen_try("127.0.0.1", ntohs(in.sin_port), &e), E_INTERNAL);
    assert_non_null(strstr(e.msg, ": Address already in use"));
    assert_string_not_equal(e.hint, "");
    (void)close(fd);
    assert_int_equal(listen_try("127.0.0.1", ntohs(in.sin_port), &e), E_OK);
    assert_int_equal(listen_try("192.0.2.1", 0, &e), E_INTERNAL);
    assert_non_null(strstr(e.msg, "Cannot assign requested address"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(known_names_are_taken_with_any_port, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_names_and_what_only_looks_like_one_are_not, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_page_is_of_here_or_of_a_listed_origin, set_up, tear_down),
        cmocka_unit_test(a_token_becomes_its_hash),
        cmocka_unit_test(what_cannot_be_a_token_is_none),
        cmocka_unit_test(an_address_is_told_from_its_port),
        cmocka_unit_test(lists_of_names_and_of_origins_are_told_from_what_only_looks_like_them),
        cmocka_unit_test(what_is_in_the_way_of_listening_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
