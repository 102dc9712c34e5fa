/* The head of a request: what is right is taken whole, and what two readers could read in two ways
 * is refused. */
#include "tools/gateway/head.h"
#include <libwebsockets.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <strings.h>

#include <cmocka.h>

#define HOST    "Host: a\r\n"
#define UPGRADE "Connection: Upgrade\r\nUpgrade: websocket\r\n"

static struct head    head;
static struct refusal no;

static bool
is_taken(const char *text)
{
    no = (struct refusal){0};
    assert_int_equal(head_end(view_str(text)), strlen(text));
    return head_read(view_str(text), &head, &no);
}

static void
what_is_right_is_taken(void **state)
{
    (void)state;
    assert_true(is_taken("GET / HTTP/1.1\r\n\r\n"));
    assert_int_equal(head.length, 0);
    assert_false(head.is_upgrade);
    assert_true(is_taken("GET /a%2fb/%C3%A4?x=1&y=a+b;z HTTP/1.0\r\n" HOST "X:\ta\tb \r\n\r\n"));
    assert_true(is_taken("POST / HTTP/1.1\r\n" HOST "content-LENGTH: 1572864\r\n\r\n"));
    assert_int_equal(head.length, HEAD_BODY_MAX);
    assert_true(is_taken("GET /a?b HTTP/1.1\r\nUpgrade: WebSocket\r\n" HOST
                         "Connection:a,\tupgrade\r\nOrigin:\r\n\r\n"));
    assert_true(head.is_upgrade);
    assert_true(view_is(head.target.path, "/a") && view_is(head.target.query, "b"));
    assert_true(view_is(head.headers[HEADER_HOST], "a"));
    assert_true(head.headers[HEADER_ORIGIN].data && head.headers[HEADER_ORIGIN].size == 0);
    assert_null(head.headers[HEADER_AUTHORIZATION].data);
}

static void
a_connection_goes_on_unless_one_of_the_two_ends_it(void **state)
{
    (void)state;
    assert_true(is_taken("GET / HTTP/1.1\r\n\r\n") && !head.closes);
    assert_true(is_taken("GET / HTTP/1.1\r\nConnection: x, CLOSE\r\n\r\n") && head.closes);
    assert_true(is_taken("GET / HTTP/1.1\r\nConnection: closed\r\n\r\n") && !head.closes);
    assert_true(is_taken("GET / HTTP/1.0\r\n\r\n") && head.closes);
    assert_true(is_taken("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n") && !head.closes);
}

static void
a_head_ends_at_its_empty_line_and_nowhere_else(void **state)
{
    (void)state;
    assert_int_equal(head_end(view_str("")), 0);
    assert_int_equal(head_end(view_str("GET / HTTP/1.1\r\nHost: a\r\n")), 0);
    assert_int_equal(head_end(view_str("GET / HTTP/1.1\r\n\r\nGET /b")), 18);
    assert_true(head_may_go_on(view_str("GET / HTTP/1.1\r"), &no));
    assert_false(head_may_go_on(view_str("GET / HTTP/1.1\n"), &no));
    assert_int_equal(no.status, 400);
    assert_false(head_may_go_on(view_str("GET / HTTP/1.1\rH"), &no));
}

static void
what_is_wrong_is_refused_with_its_status(void **state)
{
    static const struct {
        int         status;
        const char *text;
    } bad[] = {
        {400, "\r\n\r\n"                                                          },
        {400, "GET / \r\n\r\n"                                                    },
        {400, "GET  / HTTP/1.1\r\n\r\n"                                           },
        {400, "GET / HTTP/1.1 \r\n\r\n"                                           },
        {505, "GET / HTTP/2.0\r\n\r\n"                                            },
        {405, "get / HTTP/1.1\r\n\r\n"                                            },
        {405, "TRACE / HTTP/1.1\r\n\r\n"                                          },
        {400, "GET a HTTP/1.1\r\n\r\n"                                            },
        {400, "GET /%zz HTTP/1.1\r\n\r\n"                                         },
        {400, "GET /%2 HTTP/1.1\r\n\r\n"                                          },
        {400, "GET /?a=%0d HTTP/1.1\r\n\r\n"                                      },
        {400, "GET /a+b HTTP/1.1\r\n\r\n"                                         },
        {400, "GET /a#b HTTP/1.1\r\n\r\n"                                         },
        {400, "GET / HTTP/1.1\r\nHost\r\n\r\n"                                    },
        {400, "GET / HTTP/1.1\r\nHost : a\r\n\r\n"                                },
        {400, "GET / HTTP/1.1\r\n X: a\r\n\r\n"                                   },
        {400, "GET / HTTP/1.1\r\nX: a\x01\r\n\r\n"                                },
        {400, "GET / HTTP/1.1\r\n" HOST HOST "\r\n"                               },
        {411, "POST / HTTP/1.1\r\nTransfer-Encoding:chunked\r\n\r\n"              },
        {400, "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n" },
        {400, "POST / HTTP/1.1\r\nContent-Length:\r\n\r\n"                        },
        {400, "POST / HTTP/1.1\r\nContent-Length: 0x1\r\n\r\n"                    },
        {413, "POST / HTTP/1.1\r\nContent-Length: 1572865\r\n\r\n"                },
        {413, "POST / HTTP/1.1\r\nContent-Length: 18446744073709551617\r\n\r\n"   },
        {400, "GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n"                            },
        {400, "GET / HTTP/1.1\r\nUpgrade: websocket, h2c\r\n\r\n"                 },
        {400, "GET / HTTP/1.1\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n\r\n"      },
        {400, "GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"                      },
        {400, "GET / HTTP/1.0\r\n" UPGRADE "\r\n"                                 },
        {400, "GET / HTTP/1.1\r\n" UPGRADE "Content-Length: 1\r\n\r\n"            },
        {400, "GET / HTTP/1.1\r\nAuthorization: a\r\nauthorization: b\r\n\r\n"    },
        {400, "GET / HTTP/1.1\r\nIdempotency-Key: a\r\nIdempotency-Key: a\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nOrigin: a\r\nOrigin: b\r\n\r\n"                  },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (is_taken(bad[i].text)) fail_msg("taken: %s", bad[i].text);
        if (no.status != bad[i].status) fail_msg("%d: %s", no.status, bad[i].text);
        assert_string_not_equal(no.error.msg, "");
    }
}

static void
too_much_is_refused_before_its_end(void **state)
{
    char text[HEAD_BYTES_MAX + 1];

    (void)state;
    memset(text, 'a', sizeof(text));
    assert_true(head_may_go_on(view_of(text, HEAD_BYTES_MAX - 1), &no));
    assert_false(head_may_go_on(view_of(text, HEAD_BYTES_MAX), &no));
    assert_int_equal(no.status, 414);
    memcpy(text, "GET / HTTP/1.1\r\nX: ", 19);
    assert_false(head_may_go_on(view_of(text, sizeof(text)), &no));
    assert_int_equal(no.status, 431);
}

/* Each prefix and each changed byte of a good head: taken or refused, within its bounds. */
static void
no_byte_of_it_leads_beyond_its_bytes(void **state)
{
    static const char good[] = "POST /v1/a%2f?b=c HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n";

    (void)state;
    for (size_t at = 0; at + 4 < sizeof(good) - 1; at++) {
        for (int c = 0; c < 256; c++) {
            char *text = malloc(sizeof(good) - 1);

            memcpy(text, good, sizeof(good) - 1);
            text[at] = (char)c;
            size_t end = head_end(view_of(text, sizeof(good) - 1));
            if (end > 0 && !head_read(view_of(text, end), &head, &no))
                assert_true(no.status >= 400);
            free(text);
        }
    }
}

/* ---- what libwebsockets is given ------------------------------------------------------------ */

static const char *
given(const char *text)
{
    static struct buf out;

    if (!is_taken(text)) fail_msg("%s: %s", no.error.msg, text);
    buf_clear(&out);
    head_write(&head, &out);
    assert_true(out.size <= HEAD_GIVEN_MAX);
    return buf_str(&out);
}

static void
libwebsockets_is_given_what_it_needs_itself(void **state)
{
#define GIVEN " / HTTP/1.1\r\nHost: agentd\r\nConnection: "
    (void)state;
    assert_string_equal(given("GET /a/b?c HTTP/1.1\r\n" HOST "Origin: b\r\n\r\n"),
                        "GET" GIVEN "keep-alive\r\n\r\n");
    assert_string_equal(given("POST /a HTTP/1.0\r\n" HOST "\r\n"),
                        "POST" GIVEN "close\r\nContent-Length: 0\r\n\r\n");
    assert_string_equal(given("DELETE /a HTTP/1.1\r\ncontent-length:007\r\n\r\n"),
                        "DELETE" GIVEN "keep-alive\r\nContent-Length: 7\r\n\r\n");
    assert_string_equal(given("GET /a HTTP/1.1\r\n" UPGRADE
                              "Sec-WebSocket-Extensions: permessage-deflate\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                              "Sec-WebSocket-Protocol: agentd.v1, bearer.secret\r\n\r\n"),
                        "GET" GIVEN "Upgrade\r\nUpgrade: websocket\r\n"
                        "Sec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                        "Sec-WebSocket-Protocol: agentd.v1\r\n\r\n");
    assert_string_equal(given("GET / HTTP/1.1\r\n" UPGRADE "Sec-WebSocket-Key: short\r\n\r\n"),
                        "GET" GIVEN "Upgrade\r\nUpgrade: websocket\r\n"
                        "Sec-WebSocket-Version: 13\r\n\r\n");
#undef GIVEN
}

/* Whether a header of this name is nothing to us, so that nothing of it may show. */
static bool
is_nothing(struct view name)
{
    static const char *const known[] = {
#define H(name, text) text,
        HEADERS(H)
#undef H
    };

    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (name.size == strlen(known[i]) && strncasecmp(name.data, known[i], name.size) == 0) {
            return false;
        }
    }
    return name.size > 0;
}

/* Wherever it stands, what libwebsockets is given and what is read is as it is without. */
static void
try_name(struct view name)
{
    static const char before[] = "POST /a HTTP/1.1\r\n";
    static const char after[] = HOST "Content-Length: 5\r\nConnection: close\r\n\r\n";
    char              wanted[HEAD_GIVEN_MAX], text[512];

    if (!is_nothing(name)) return;
    (void)snprintf(text, sizeof(text), "%s%s", before, after);
    (void)snprintf(wanted, sizeof(wanted), "%s", given(text));
    for (size_t at = 0; after[at] != '\r' || after[at + 2] != '\0'; at++) {
        if (at > 0 && after[at - 1] != '\n') continue;
        (void)snprintf(text, sizeof(text), "%s%.*s%.*s: 9\r\n%s", before, (int)at, after,
                       VIEW_ARG(name), after + at);
        assert_string_equal(given(text), wanted);
        assert_int_equal(head.length, 5);
        assert_true(head.closes && view_is(head.headers[HEADER_HOST], "a"));
    }
}

/* libwebsockets takes a header whose name begins like one of its own together with the next. */
static void
a_header_that_is_not_read_changes_nothing(void **state)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123-_.~!";
    unsigned          random = 1;

    (void)state;
    for (int i = 0; i < WSI_TOKEN_COUNT; i++) {
        const char *known = (const char *)lws_token_to_string((enum lws_token_indexes)i);
        size_t      size = known ? strcspn(known, ":/ \r\n") : 0;

        for (size_t part = 1; part <= size; part++)
            try_name(view_of(known, part));
    }
    for (int i = 0; i < 2000; i++) {
        char   name[32];
        size_t size = 0;

        do {
            random = random * 1103515245 + 12345;
            name[size++] = letters[(random >> 16) % (sizeof(letters) - 1)];
        } while (size < sizeof(name) && (random >> 8) % 8 != 0);
        try_name(view_of(name, size));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_right_is_taken),
        cmocka_unit_test(a_head_ends_at_its_empty_line_and_nowhere_else),
        cmocka_unit_test(what_is_wrong_is_refused_with_its_status),
        cmocka_unit_test(too_much_is_refused_before_its_end),
        cmocka_unit_test(no_byte_of_it_leads_beyond_its_bytes),
        cmocka_unit_test(a_connection_goes_on_unless_one_of_the_two_ends_it),
        cmocka_unit_test(libwebsockets_is_given_what_it_needs_itself),
        cmocka_unit_test(a_header_that_is_not_read_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
