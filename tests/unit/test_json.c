#include "common/json.h"

#include "common/mp.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
expect_refused(struct view text, const char *message)
{
    BUF_AUTO struct buf out = {0};
    struct err          e = {0};

    buf_add_str(&out, "kept");
    assert_int_equal(json_to_mp(text, &out, &e), E_BAD_REQUEST);
    if (strncmp(e.msg, message, strlen(message)) != 0)
        fail_msg("\"%s\", not \"%s\"", e.msg, message);
    assert_true(view_is(buf_view(&out), "kept"));
}

static void
expect_not_json(struct view value, const char *message)
{
    BUF_AUTO struct buf out = {0};
    struct err          e = {0};

    buf_add_str(&out, "kept");
    assert_int_equal(json_from_mp(value, &out, &e), E_INTERNAL);
    assert_non_null(strstr(e.msg, message));
    assert_true(view_is(buf_view(&out), "kept"));
}

static void
compact_text_comes_back_as_it_was(void **state)
{
    static const char *const texts[] = {"null",
                                        "true",
                                        "false",
                                        "0",
                                        "-1",
                                        "9223372036854775807",
                                        "-9223372036854775808",
                                        "0.5",
                                        "1.0",
                                        "-0.0",
                                        "1e+300",
                                        "0.1",
                                        "4.94065645841247e-324",
                                        "\"\"",
                                        "\"text\"",
                                        "[]",
                                        "{}",
                                        "[1,2,[3]]",
                                        "{\"b\":1,\"a\":{\"c\":[null]}}",
                                        "\"\\\"\\\\\\n\\r\\t\\u0000\\u001f\\u007f\\u009b\"",
                                        "\"é€😀\"",
                                        "{\"\":\"\"}"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        BUF_AUTO struct buf packed = {0};
        BUF_AUTO struct buf text = {0};
        struct err          e;

        assert_int_equal(json_to_mp(view_str(texts[i]), &packed, &e), E_OK);
        assert_null(mp_check_json(buf_view(&packed)));
        assert_int_equal(json_from_mp(buf_view(&packed), &text, &e), E_OK);
        assert_string_equal(buf_str(&text), texts[i]);
    }
}

static void
text_becomes_the_right_types(void **state)
{
    BUF_AUTO struct buf out = {0};
    struct err          e;
    static const char   wanted[] = "\x86\xa1i\x01\xa1n\xff\xa1r\xcb\x3f\xf0\0\0\0\0\0\0\xa1s\xa1x"
                                   "\xa1l\x92\xc2\xc3\xa1z\xc0";

    (void)state;
    assert_int_equal(
        json_to_mp(
            view_str(" {\"i\":1, \"n\":-1,\n\"r\":1.0,\"s\":\"x\",\"l\":[false,true],\"z\":null} "),
            &out, &e),
        E_OK);
    assert_true(view_eq(buf_view(&out), view_of(wanted, sizeof(wanted) - 1)));
}

static void
both_directions_append(void **state)
{
    BUF_AUTO struct buf packed = {0};
    BUF_AUTO struct buf text = {0};
    struct err          e;

    (void)state;
    assert_int_equal(json_to_mp(view_str("1"), &packed, &e), E_OK);
    assert_int_equal(json_to_mp(view_str("2"), &packed, &e), E_OK);
    assert_true(view_is(buf_view(&packed), "\x01\x02"));
    buf_add_str(&text, "data: ");
    assert_int_equal(json_from_mp(view_str("\x01"), &text, &e), E_OK);
    assert_string_equal(buf_str(&text), "data: 1");
}

static void
bad_text_is_refused_with_its_place(void **state)
{
    (void)state;
    expect_refused(view_str(""), "line 1, column 1: ");
    expect_refused(view_of(NULL, 0), "line 1, column 1: ");
    expect_refused(view_str("[1,\n2,\n x]"), "line 3, column 2: invalid token");
    expect_refused(view_str("{\"a\":1,\n\"a\":2}"), "line 2, column 3: duplicate object key");
    expect_refused(view_str("{\"a\":{\"b\":1,\"b\":2}}"),
                   "line 1, column 15: duplicate object key");
    expect_refused(view_str("9223372036854775808"), "line 1, column 19: too big integer");
    expect_refused(view_str("-9223372036854775809"), "line 1, column 20: too big negative integer");
    expect_refused(view_str("1e400"), "line 1, column 5: real number overflow");
    expect_refused(view_str("\"\xff\""), "line 1, column 1: unable to decode byte 0xff");
    expect_refused(view_str("\"\xed\xa0\x80\""), "line 1, column 1: unable to decode byte 0xed");
    expect_refused(view_str("\"\\ud800\""), "line 1, column ");
    expect_refused(view_str("{\"a\\u0000\":1}"), "line 1, column 10: NUL byte in object key");
    expect_refused(view_str("1 2"), "line 1, column 3: end of file expected");
    expect_refused(view_of("1\0", 2), "line 1, column 2: a NUL byte");
    expect_refused(view_of("[1\0,\n2]", 7), "line 1, column 3: a NUL byte");
    expect_refused(view_str("NaN"), "line 1, column ");
    expect_refused(view_str("\"open"), "line 1, column ");
    expect_refused(view_str("\"a\\"), "line 1, column ");
}

static void
deep_text_is_refused_at_its_place(void **state)
{
    BUF_AUTO struct buf text = {0};
    BUF_AUTO struct buf out = {0};
    struct err          e;

    (void)state;
    for (int i = 0; i < MP_DEPTH_MAX; i++)
        buf_add_str(&text, "[");
    for (int i = 0; i < MP_DEPTH_MAX; i++)
        buf_add_str(&text, "]");
    assert_int_equal(json_to_mp(buf_view(&text), &out, &e), E_OK);
    assert_null(mp_check_json(buf_view(&out)));
    buf_clear(&text);
    buf_add_str(&text, "\n\"é[[[[[[[[[[[[[[[[[[[[\", ");
    for (int i = 0; i < 100000; i++)
        buf_add_str(&text, "[");
    expect_refused(buf_view(&text), "line 2, column 42: nested too deep");
}

static void
too_many_values_are_refused_at_their_place(void **state)
{
    BUF_AUTO struct buf text = {0};
    BUF_AUTO struct buf out = {0};
    struct err          e;

    (void)state;
    /* The array, and in it a map of a key and a value; the rest are numbers. */
    buf_add_str(&text, "[{\"a\\\"b\":-1.5e3}");
    for (int i = 4; i < MP_NODES_MAX; i++)
        buf_add_str(&text, ",1");
    buf_add_str(&text, "]");
    assert_int_equal(json_to_mp(buf_view(&text), &out, &e), E_OK);
    assert_null(mp_check_json(buf_view(&out)));
    text.size--;
    buf_add_str(&text, ",\n1]");
    expect_refused(buf_view(&text), "line 2, column 1: too many values");
}

static void
what_json_cannot_express_is_an_error(void **state)
{
    BUF_AUTO struct buf b = {0};

    (void)state;
    expect_not_json(view_of("\x92\x01\xc4\x00", 4), "binary data");
    expect_not_json(view_of("\x91\xc7\x00\x01", 4), "malformed");
    expect_not_json(view_str("\x91"), "malformed");
    expect_not_json(view_of(NULL, 0), "malformed");
    expect_not_json(view_str("\x01\x01"), "behind the value");
    expect_not_json(view_str("\x81\x01\x01"), "key is not a string");
    expect_not_json(view_str("\xa1\xff"), "not UTF-8");
    expect_not_json(view_str("\x81\xa1\xff\x01"), "not UTF-8");
    mp_f64(&b, (double)NAN);
    expect_not_json(buf_view(&b), "not finite");
    buf_clear(&b);
    mp_f64(&b, -(double)INFINITY);
    expect_not_json(buf_view(&b), "not finite");
    buf_clear(&b);
    for (int i = 0; i <= 2 * MP_DEPTH_MAX; i++)
        mp_array(&b, 1);
    mp_nil(&b);
    expect_not_json(buf_view(&b), "too deep");
}

static void
integers_beyond_int64_are_printed(void **state)
{
    BUF_AUTO struct buf b = {0};
    BUF_AUTO struct buf text = {0};
    struct err          e;

    (void)state;
    mp_u64(&b, UINT64_MAX);
    assert_int_equal(json_from_mp(buf_view(&b), &text, &e), E_OK);
    assert_string_equal(buf_str(&text), "18446744073709551615");
}

static void
every_double_comes_back_bit_by_bit(void **state)
{
    uint64_t seed = 88172645463325252u;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        BUF_AUTO struct buf b = {0};
        BUF_AUTO struct buf text = {0};
        BUF_AUTO struct buf again = {0};
        struct err          e;
        double              v;

        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        memcpy(&v, &seed, sizeof(v));
        if (!isfinite(v)) continue;
        if (i % 2) v = (double)(int64_t)(seed % 100000) / 100;
        mp_f64(&b, v);
        assert_int_equal(json_from_mp(buf_view(&b), &text, &e), E_OK);
        assert_int_equal(json_to_mp(buf_view(&text), &again, &e), E_OK);
        assert_true(view_eq(buf_view(&b), buf_view(&again)));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compact_text_comes_back_as_it_was),
        cmocka_unit_test(text_becomes_the_right_types),
        cmocka_unit_test(both_directions_append),
        cmocka_unit_test(bad_text_is_refused_with_its_place),
        cmocka_unit_test(deep_text_is_refused_at_its_place),
        cmocka_unit_test(too_many_values_are_refused_at_their_place),
        cmocka_unit_test(what_json_cannot_express_is_an_error),
        cmocka_unit_test(integers_beyond_int64_are_printed),
        cmocka_unit_test(every_double_comes_back_bit_by_bit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
