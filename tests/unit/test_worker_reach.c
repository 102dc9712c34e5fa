/* Which addresses a webhook may reach. */
#include "common/buf.h"
#include "common/json.h"
#include "worker/delivery/reach.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct target {
    struct sockaddr_storage a;
    socklen_t               size;
};

static struct target
at(const char *address, uint16_t port)
{
    struct target       t = {0};
    struct sockaddr_in  v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    if (inet_pton(AF_INET, address, &v4.sin_addr) == 1) {
        memcpy(&t.a, &v4, sizeof(v4));
        t.size = sizeof(v4);
    } else {
        assert_int_equal(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
        memcpy(&t.a, &v6, sizeof(v6));
        t.size = sizeof(v6);
    }
    return t;
}

static bool
is_allowed(const char *allow, const char *host, const char *address, uint16_t port)
{
    BUF_AUTO struct buf packed = {0};
    struct target       t = at(address, port);
    struct err          e;

    assert_int_equal(json_to_mp(view_str(allow), &packed, &e), E_OK);
    const struct reach r = {.allow = buf_view(&packed), .host = view_str(host)};
    return reach_allows(&r, (const struct sockaddr *)&t.a, t.size);
}

static void
public_addresses_are_reached_at_the_ports_of_the_web(void **state)
{
    (void)state;
    assert_true(is_allowed("[]", "h", "93.184.216.34", 443));
    assert_true(is_allowed("[]", "h", "93.184.216.34", 80));
    assert_false(is_allowed("[]", "h", "93.184.216.34", 8080));
    assert_false(is_allowed("[]", "h", "93.184.216.34", 22));
    assert_true(is_allowed("[]", "h", "2606:2800:220:1::1", 443));
    assert_true(is_allowed("[]", "h", "172.15.255.255", 443));
    assert_true(is_allowed("[]", "h", "172.32.0.0", 443));
}

static void
the_own_network_is_not_reached(void **state)
{
    static const char *const own[] = {
        "127.0.0.1",  "127.9.9.9", "10.0.0.1", "172.16.0.1", "172.31.255.255",   "192.168.1.1",
        "100.64.0.1", "::1",       "fc00::1",  "fdff::1",    "::ffff:127.0.0.1", "::ffff:10.1.2.3"};

    (void)state;
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        if (is_allowed("[]", "h", own[i], 443)) fail_msg("%s is reached", own[i]);
    }
}

static void
what_is_no_server_is_never_reached(void **state)
{
    static const char *const barred[] = {"169.254.169.254",
                                         "224.0.0.1",
                                         "255.255.255.255",
                                         "0.0.0.0",
                                         "240.0.0.1",
                                         "fe80::1",
                                         "ff02::1",
                                         "::",
                                         "::ffff:169.254.169.254",
                                         "::127.0.0.1",
                                         "64:ff9b::a9fe:a9fe",
                                         "2002:7f00:1::",
                                         "2001:0:1::"};

    (void)state;
    for (size_t i = 0; i < sizeof(barred) / sizeof(barred[0]); i++) {
        struct target t = at(barred[i], 443);

        if (!reach_is_barred((const struct sockaddr *)&t.a, t.size) ||
            is_allowed("[\"h\", \"0.0.0.0/0\", \"::/0\"]", "h", barred[i], 443)) {
            fail_msg("%s is reached", barred[i]);
        }
    }
    const struct sockaddr local = {.sa_family = AF_UNIX};
    assert_true(reach_is_barred(&local, sizeof(local)));
}

static void
the_list_lets_hosts_addresses_and_networks_through(void **state)
{
    (void)state;
    assert_true(is_allowed("[\"127.0.0.1:8080\"]", "h", "127.0.0.1", 8080));
    assert_false(is_allowed("[\"127.0.0.1:8080\"]", "h", "127.0.0.1", 8081));
    assert_true(is_allowed("[\"127.0.0.1\"]", "h", "127.0.0.1", 9));
    assert_true(is_allowed("[\"10.0.0.0/8\"]", "h", "10.255.0.1", 99));
    assert_false(is_allowed("[\"10.0.0.0/9\"]", "h", "10.128.0.1", 99));
    assert_true(is_allowed("[\"Crm.Local\"]", "crm.local", "192.168.7.7", 8443));
    assert_false(is_allowed("[\"crm.local\"]", "crm.local.evil.com", "192.168.7.7", 8443));
    assert_true(is_allowed("[\"crm.local:443\"]", "crm.local", "192.168.7.7", 443));
    assert_false(is_allowed("[\"crm.local:443\"]", "crm.local", "192.168.7.7", 444));
    assert_true(is_allowed("[\"[::1]:8080\"]", "h", "::1", 8080));
    assert_false(is_allowed("[\"[::1]:8080\"]", "h", "::1", 8081));
    assert_true(is_allowed("[\"fd00::/8\"]", "h", "fd12::3", 1));
    assert_true(is_allowed("[\"10.0.0.1\"]", "h", "::ffff:10.0.0.1", 1));
}

static void
entries_that_make_no_sense_let_nothing_through(void **state)
{
    static const char *const bad[] = {"[\"\"]",
                                      "[\"127.0.0.1:\"]",
                                      "[\"127.0.0.1:0\"]",
                                      "[\"127.0.0.1:x\"]",
                                      "[\"127.0.0.0/33\"]",
                                      "[\"127.0.0.0/\"]",
                                      "[\"[127.0.0.1\"]",
                                      "[\"/8\"]",
                                      "[7]",
                                      "[\"127.0.0.1:65536\"]"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (is_allowed(bad[i], "h", "127.0.0.1", 80)) fail_msg("%s lets through", bad[i]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(public_addresses_are_reached_at_the_ports_of_the_web),
        cmocka_unit_test(the_own_network_is_not_reached),
        cmocka_unit_test(what_is_no_server_is_never_reached),
        cmocka_unit_test(the_list_lets_hosts_addresses_and_networks_through),
        cmocka_unit_test(entries_that_make_no_sense_let_nothing_through),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
