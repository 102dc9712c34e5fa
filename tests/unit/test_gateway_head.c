/* The head of a request: what is right is taken whole, and what two readers could read in two ways
 * is refused. */
#include "tools/gateway/head.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define HOST "Host: a\r\n"

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
    assert_true(is_taken("GET / HTTP/1.1\r\nUpgrade: WebSocket\r\n" HOST "\r\n"));
    assert_true(head.is_upgrade);
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
        {400, "\r\n\r\n"                                                         },
        {400, "GET / \r\n\r\n"                                                   },
        {400, "GET  / HTTP/1.1\r\n\r\n"                                          },
        {400, "GET / HTTP/1.1 \r\n\r\n"                                          },
        {505, "GET / HTTP/2.0\r\n\r\n"                                           },
        {405, "get / HTTP/1.1\r\n\r\n"                                           },
        {405, "TRACE / HTTP/1.1\r\n\r\n"                                         },
        {400, "GET a HTTP/1.1\r\n\r\n"                                           },
        {400, "GET /%zz HTTP/1.1\r\n\r\n"                                        },
        {400, "GET /%2 HTTP/1.1\r\n\r\n"                                         },
        {400, "GET /?a=%0d HTTP/1.1\r\n\r\n"                                     },
        {400, "GET /a+b HTTP/1.1\r\n\r\n"                                        },
        {400, "GET /a#b HTTP/1.1\r\n\r\n"                                        },
        {400, "GET / HTTP/1.1\r\nHost\r\n\r\n"                                   },
        {400, "GET / HTTP/1.1\r\nHost : a\r\n\r\n"                               },
        {400, "GET / HTTP/1.1\r\n X: a\r\n\r\n"                                  },
        {400, "GET / HTTP/1.1\r\nX: a\x01\r\n\r\n"                               },
        {400, "GET / HTTP/1.1\r\n" HOST HOST "\r\n"                              },
        {411, "POST / HTTP/1.1\r\nTransfer-Encoding:chunked\r\n\r\n"             },
        {400, "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\nContent-Length:\r\n\r\n"                       },
        {400, "POST / HTTP/1.1\r\nContent-Length: 0x1\r\n\r\n"                   },
        {413, "POST / HTTP/1.1\r\nContent-Length: 1572865\r\n\r\n"               },
        {413, "POST / HTTP/1.1\r\nContent-Length: 18446744073709551617\r\n\r\n"  },
        {400, "GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n"                           },
        {400, "GET / HTTP/1.1\r\nUpgrade: websocket, h2c\r\n\r\n"                },
        {400, "GET / HTTP/1.1\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n\r\n"     },
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_right_is_taken),
        cmocka_unit_test(a_head_ends_at_its_empty_line_and_nowhere_else),
        cmocka_unit_test(what_is_wrong_is_refused_with_its_status),
        cmocka_unit_test(too_much_is_refused_before_its_end),
        cmocka_unit_test(no_byte_of_it_leads_beyond_its_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
