#include "common/mp.h"

#include <math.h>
#include <msgpack.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BYTES(...) \
    view_of((const unsigned char[]){__VA_ARGS__}, sizeof((unsigned char[]){__VA_ARGS__}))

static void
claims_reserved_and_ext_are_refused(void **state)
{
    static const struct {
        unsigned char bytes[10];
        size_t        size;
        const char   *wrong;
    } cases[] = {
        {{0xdd, 0xff, 0xff, 0xff, 0xff}, 5, "a container claims more elements than bytes remain"},
        {{0xdf, 0xff, 0xff, 0xff, 0xff}, 5, "a container claims more elements than bytes remain"},
        {{0x81, 0x01},                   2, "a container claims more elements than bytes remain"},
        {{0x92, 0x01},                   2, "a container claims more elements than bytes remain"},
        {{0xdb, 0xff, 0xff, 0xff, 0xff}, 5, "the bytes end within a string"                     },
        {{0xc6, 0xff, 0xff, 0xff, 0xff}, 5, "the bytes end within a string"                     },
        {{0xc1},                         1, "a reserved byte"                                   },
        {{0xd4, 1, 1},                   3, "an extension type"                                 },
        {{0xd8, 1},                      2, "an extension type"                                 },
        {{0xc7, 0, 1},                   3, "an extension type"                                 },
        {{0xc9, 0, 0, 0, 0, 1},          6, "an extension type"                                 },
        {{0xcb, 1, 2, 3},                4, "the bytes end within a value"                      },
        {{0},                            0, "the bytes end within a value"                      },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct view      v = view_of(cases[i].bytes, cases[i].size);
        struct mp_reader r = mp_reader_of(v);
        struct view      raw;

        assert_string_equal(mp_check(v), cases[i].wrong);
        assert_string_equal(mp_check_json(v), cases[i].wrong);
        assert_false(mp_read_any(&r, &raw));
    }
}

static void
depth_and_nodes_have_limits(void **state)
{
    BUF_AUTO struct buf b = {0};

    (void)state;
    for (int i = 1; i < MP_DEPTH_MAX; i++)
        mp_array(&b, 1);
    mp_map(&b, 0);
    assert_null(mp_check(buf_view(&b)));
    buf_clear(&b);
    for (int i = 0; i < MP_DEPTH_MAX; i++)
        mp_array(&b, 1);
    mp_array(&b, 0);
    assert_string_equal(mp_check(buf_view(&b)), "nested too deep");

    for (uint32_t count = MP_NODES_MAX - 1; count <= MP_NODES_MAX; count++) {
        buf_clear(&b);
        mp_array(&b, count);
        for (uint32_t i = 0; i < count; i++)
            mp_nil(&b);
        const char *wrong = mp_check(buf_view(&b));
        if (count < MP_NODES_MAX) {
            assert_null(wrong);
        } else {
            assert_string_equal(wrong, "too many values");
        }
    }
}

static void
write_map_of(struct buf *b, uint32_t pairs, uint32_t twin)
{
    mp_map(b, pairs);
    for (uint32_t i = 0; i < pairs; i++) {
        char key[32];

        snprintf(key, sizeof(key), "key %u", i == twin ? 0 : i);
        mp_cstr(b, key);
        mp_nil(b);
    }
}

static void
twin_keys_are_refused_in_maps_of_every_size(void **state)
{
    static const uint32_t sizes[] = {2, 3, 7, 8, 9, 10, 100, 1000, MP_NODES_MAX / 2 - 1};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        BUF_AUTO struct buf good = {0};
        BUF_AUTO struct buf bad = {0};

        write_map_of(&good, sizes[i], 0);
        write_map_of(&bad, sizes[i], sizes[i] - 1);
        assert_null(mp_check_json(buf_view(&good)));
        assert_string_equal(mp_check_json(buf_view(&bad)), "a map has a key twice");
        assert_null(mp_check(buf_view(&bad)));
    }
}

static void
keys_are_compared_within_one_map_only(void **state)
{
    (void)state;
    /* {a: {a: 1}, b: {a: 1}} */
    assert_null(
        mp_check_json(BYTES(0x82, 0xa1, 'a', 0x81, 0xa1, 'a', 1, 0xa1, 'b', 0x81, 0xa1, 'a', 1)));
    /* {a: {b: 1}, a: 1} */
    assert_string_equal(mp_check_json(BYTES(0x82, 0xa1, 'a', 0x81, 0xa1, 'b', 1, 0xa1, 'a', 1)),
                        "a map has a key twice");
    /* [{}, {"": {}}] */
    assert_null(mp_check_json(BYTES(0x92, 0x80, 0x81, 0xa0, 0x80)));
}

static void
what_json_cannot_say_is_refused(void **state)
{
    BUF_AUTO struct buf b = {0};
    const double        odd[] = {(double)NAN, (double)INFINITY, -(double)INFINITY};

    (void)state;
    assert_string_equal(mp_check_json(BYTES(0x81, 0x01, 0x01)), "a map key is not a string");
    assert_string_equal(mp_check_json(BYTES(0x81, 0xa1, 0x00, 0x01)), "a map key contains a NUL");
    assert_string_equal(mp_check_json(BYTES(0x81, 0xa1, 0xff, 0x01)), "a string that is not UTF-8");
    assert_string_equal(mp_check_json(BYTES(0xa1, 0xff)), "a string that is not UTF-8");
    assert_string_equal(mp_check_json(BYTES(0xc4, 0x00)), "binary data");
    assert_null(mp_check(BYTES(0xc4, 0x00)));
    assert_null(mp_check_json(BYTES(0xa1, 0x00)));
    mp_u64(&b, (uint64_t)INT64_MAX + 1);
    assert_null(mp_check(buf_view(&b)));
    assert_string_equal(mp_check_json(buf_view(&b)), "an integer beyond int64");
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        buf_clear(&b);
        mp_f64(&b, odd[i]);
        assert_null(mp_check(buf_view(&b)));
        assert_string_equal(mp_check_json(buf_view(&b)), "a number that is not finite");
    }
    assert_string_equal(mp_check_json(BYTES(0xca, 0x7f, 0x80, 0, 0)),
                        "a number that is not finite");
    assert_null(mp_check_json(BYTES(0xca, 0x3f, 0x80, 0, 0)));
}

static uint64_t
next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* What we accept is a part of what msgpack-c accepts, and our reader walks it. */
static void
random_bytes_never_pass_wrongly(void **state)
{
    uint64_t seed = 20261121;
    size_t   accepted = 0;

    (void)state;
    for (int round = 0; round < 300000; round++) {
        unsigned char    bytes[12];
        size_t           size = next_random(&seed) % (sizeof(bytes) + 1);
        msgpack_unpacked u;
        size_t           off = 0;
        struct view      raw;

        for (size_t i = 0; i < size; i++) {
            bytes[i] = (unsigned char)next_random(&seed);
            if (bytes[i] % 3) bytes[i] = (unsigned char)(0x80 + bytes[i] % 0x60);
        }
        struct view v = view_of(bytes, size);
        bool        is_json = !mp_check_json(v);
        if (mp_check(v)) {
            assert_false(is_json);
            continue;
        }
        accepted++;
        msgpack_unpacked_init(&u);
        assert_int_equal(msgpack_unpack_next(&u, v.data, v.size, &off), MSGPACK_UNPACK_SUCCESS);
        assert_int_equal(off, v.size);
        msgpack_unpacked_destroy(&u);
        struct mp_reader r = mp_reader_of(v);
        assert_true(mp_read_any(&r, &raw) && view_eq(raw, v));
    }
    assert_true(accepted > 1000);
}

static void
utf8_is_shortest_form_without_surrogates(void **state)
{
    static const char *const good[] = {"",
                                       "ascii",
                                       "\x7f",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xef\xbf\xbf",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf",
                                       "12345678é12345678"};
    static const char *const bad[] = {"\x80",
                                      "\xbf",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc2",
                                      "\xc2 ",
                                      "\xe0\x9f\xbf",
                                      "\xe1\x80",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xf1\x80\x80",
                                      "\xfe",
                                      "\xff",
                                      "12345678\xff",
                                      "1234567\xc3",
                                      "\xe2\x82z"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(utf8_is_valid(view_str(good[i])));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(utf8_is_valid(view_str(bad[i])));
    assert_true(utf8_is_valid(view_of("\0", 1)));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claims_reserved_and_ext_are_refused),
        cmocka_unit_test(depth_and_nodes_have_limits),
        cmocka_unit_test(twin_keys_are_refused_in_maps_of_every_size),
        cmocka_unit_test(keys_are_compared_within_one_map_only),
        cmocka_unit_test(what_json_cannot_say_is_refused),
        cmocka_unit_test(random_bytes_never_pass_wrongly),
        cmocka_unit_test(utf8_is_shortest_form_without_surrogates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
