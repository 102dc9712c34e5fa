/* What a WebSocket's peer says: each kind with its own fields, and no others. */
#include "tools/gateway/websocket_message.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct websocket_message m;
static struct err               e;

static bool
is_taken(const char *text)
{
    websocket_message_done(&m);
    return websocket_message_read(view_str(text), &m, &e) == E_OK;
}

static int
forget(void **state)
{
    (void)state;
    websocket_message_done(&m);
    return 0;
}

static void
each_kind_is_read_with_its_fields(void **state)
{
    (void)state;
    assert_true(is_taken("{\"type\": \"auth\", \"token\": \"t\"}"));
    assert_int_equal(m.kind, KIND_AUTH);
    assert_true(view_is(m.token, "t"));
    assert_true(
        is_taken("{\"content\": [1], \"type\": \"message\", \"agent\": \"a\", \"id\": \"x\","
                 " \"metadata\": {}}"));
    assert_int_equal(m.kind, KIND_MESSAGE);
    assert_string_equal(m.id, "x");
    assert_true(is_taken("{\"type\": \"ack\", \"effect_id\": 7}"));
    assert_int_equal(m.kind, KIND_ACK);
    assert_int_equal(m.effect, 7);
    assert_string_equal(m.id, "");
}

static void
what_is_not_of_its_kind_is_refused_by_name(void **state)
{
    static const struct {
        const char         *text, *field;
        enum websocket_kind kind;
    } bad[] = {
        {"",                                                     "",          KIND_NONE   },
        {"[]",                                                   "",          KIND_NONE   },
        {"\"type\"",                                             "",          KIND_NONE   },
        {"{\"type\": 1}",                                        "",          KIND_NONE   },
        {"{\"type\": \"other\"}",                                "",          KIND_NONE   },
        {"{\"type\": \"auth\"}",                                 "token",     KIND_AUTH   },
        {"{\"type\": \"auth\", \"token\": 1}",                   "token",     KIND_AUTH   },
        {"{\"type\": \"auth\", \"token\": \"t\", \"x\": 1}",     "x",         KIND_AUTH   },
        {"{\"type\": \"message\", \"id\": 5}",                   "id",        KIND_MESSAGE},
        {"{\"type\": \"message\", \"id\": null}",                "id",        KIND_MESSAGE},
        {"{\"type\": \"message\", \"id\": \"\"}",                "id",        KIND_MESSAGE},
        {"{\"type\": \"message\", \"key\": \"a\"}",              "key",       KIND_MESSAGE},
        {"{\"type\": \"message\", \"effect_id\": 1}",            "effect_id", KIND_MESSAGE},
        {"{\"type\": \"ack\"}",                                  "effect_id", KIND_ACK    },
        {"{\"type\": \"ack\", \"effect_id\": 0}",                "effect_id", KIND_ACK    },
        {"{\"type\": \"ack\", \"effect_id\": \"1\"}",            "effect_id", KIND_ACK    },
        {"{\"type\": \"ack\", \"effect_id\": 1, \"id\": \"x\"}", "id",        KIND_ACK    },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (is_taken(bad[i].text)) fail_msg("taken: %s", bad[i].text);
        assert_int_equal(e.code, E_BAD_REQUEST);
        assert_string_equal(e.field, bad[i].field);
        assert_int_equal(m.kind, bad[i].kind);
    }
}

static void
an_id_has_at_most_64_bytes(void **state)
{
    char text[128], id[WEBSOCKET_ID_MAX + 2] = "";

    (void)state;
    memset(id, 'a', WEBSOCKET_ID_MAX);
    (void)snprintf(text, sizeof(text), "{\"type\": \"message\", \"id\": \"%s\"}", id);
    assert_true(is_taken(text));
    assert_string_equal(m.id, id);
    id[WEBSOCKET_ID_MAX] = 'a';
    (void)snprintf(text, sizeof(text), "{\"type\": \"message\", \"id\": \"%s\"}", id);
    assert_false(is_taken(text));
}

static void
what_is_refused_for_another_field_keeps_its_id(void **state)
{
    (void)state;
    assert_false(is_taken("{\"type\": \"message\", \"id\": \"m2\", \"x\": 1}"));
    assert_string_equal(m.id, "m2");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(each_kind_is_read_with_its_fields, forget),
        cmocka_unit_test_teardown(what_is_not_of_its_kind_is_refused_by_name, forget),
        cmocka_unit_test_teardown(an_id_has_at_most_64_bytes, forget),
        cmocka_unit_test_teardown(what_is_refused_for_another_field_keeps_its_id, forget),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
