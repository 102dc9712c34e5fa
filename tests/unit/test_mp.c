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

static const uint64_t edges[] = {0,
                                 1,
                                 31,
                                 32,
                                 33,
                                 127,
                                 128,
                                 255,
                                 256,
                                 32767,
                                 32768,
                                 65535,
                                 65536,
                                 INT32_MAX,
                                 2147483648,
                                 UINT32_MAX,
                                 4294967296,
                                 INT64_MAX,
                                 (uint64_t)INT64_MAX + 1,
                                 UINT64_MAX};

static uint64_t
next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Everything in one map, with an open map and an open array inside. */
static void
write_sample(struct buf *b)
{
    struct mp_open_map m = mp_open(b);

    mp_put_nil(b, &m, "nil");
    mp_put_bool(b, &m, "yes", true);
    mp_put_i64(b, &m, "minus", -70000);
    mp_put_u64(b, &m, "big", INT64_MAX);
    mp_put_cstr(b, &m, "text", "héllo");
    mp_put_cstr(b, &m, "no text", NULL);
    mp_put_str(b, &m, "empty", view_str(""));
    mp_put_str_or_nil(b, &m, "absent", view_str(""));
    mp_put_str_or_nil(b, &m, "present", view_str("x"));
    mp_put_time(b, &m, "never", 0);
    mp_put_time(b, &m, "then", 1795251600000);
    mp_put_raw(b, &m, "raw", BYTES(0x92, 0x01, 0x02));
    mp_put_raw(b, &m, "no raw", view_of(NULL, 0));
    mp_key(b, &m, "real");
    mp_f64(b, 0.5);
    mp_key(b, &m, "inner");
    struct mp_open_map inner = mp_open(b);
    mp_put_bool(b, &inner, "no", false);
    mp_close(b, &inner);
    mp_key(b, &m, "list");
    size_t list = mp_array_open(b);
    for (int64_t i = 0; i < 3; i++)
        mp_i64(b, i);
    mp_array_close(b, list, 3);
    mp_close(b, &m);
}

static void
integers_are_written_as_msgpack_c_writes_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(edges); i++) {
        BUF_AUTO struct buf b = {0};
        msgpack_sbuffer     s;
        msgpack_packer      p;

        msgpack_sbuffer_init(&s);
        msgpack_packer_init(&p, &s, msgpack_sbuffer_write);
        msgpack_pack_uint64(&p, edges[i]);
        msgpack_pack_int64(&p, (int64_t)edges[i]);
        msgpack_pack_int64(&p, -(int64_t)(edges[i] & INT64_MAX) - 1);
        mp_u64(&b, edges[i]);
        mp_i64(&b, (int64_t)edges[i]);
        mp_i64(&b, -(int64_t)(edges[i] & INT64_MAX) - 1);
        assert_true(view_eq(buf_view(&b), view_of(s.data, s.size)));
        msgpack_sbuffer_destroy(&s);
    }
}

static void
strings_and_containers_are_written_as_msgpack_c_writes_them(void **state)
{
    static char text[70000];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(edges) && edges[i] <= 65536; i++) {
        BUF_AUTO struct buf b = {0};
        msgpack_sbuffer     s;
        msgpack_packer      p;
        struct view         v = view_of(text, edges[i]);

        msgpack_sbuffer_init(&s);
        msgpack_packer_init(&p, &s, msgpack_sbuffer_write);
        msgpack_pack_str(&p, v.size);
        msgpack_pack_str_body(&p, v.data, v.size);
        msgpack_pack_bin(&p, v.size);
        msgpack_pack_bin_body(&p, v.data, v.size);
        msgpack_pack_array(&p, v.size);
        msgpack_pack_map(&p, v.size);
        msgpack_pack_double(&p, -1.25);
        mp_str(&b, v);
        mp_bin(&b, v);
        mp_array(&b, (uint32_t)v.size);
        mp_map(&b, (uint32_t)v.size);
        mp_f64(&b, -1.25);
        assert_true(view_eq(buf_view(&b), view_of(s.data, s.size)));
        msgpack_sbuffer_destroy(&s);
    }
}

static void
integers_come_back_or_are_out_of_range(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(edges); i++) {
        BUF_AUTO struct buf b = {0};
        BUF_AUTO struct buf n = {0};
        uint64_t            u = 1;
        int64_t             s = 1;
        double              f = 1;

        mp_u64(&b, edges[i]);
        struct mp_reader r = mp_reader_of(buf_view(&b));
        assert_true(mp_read_u64(&r, &u));
        assert_true(u == edges[i] && r.at == r.end);
        r = mp_reader_of(buf_view(&b));
        assert_int_equal(mp_read_i64(&r, &s), edges[i] <= INT64_MAX);
        assert_true(s == (edges[i] <= INT64_MAX ? (int64_t)edges[i] : 0));
        r = mp_reader_of(buf_view(&b));
        assert_true(mp_read_f64(&r, &f) && f == (double)edges[i]);

        int64_t minus = -(int64_t)(edges[i] & INT64_MAX) - 1;
        mp_i64(&n, minus);
        r = mp_reader_of(buf_view(&n));
        assert_true(mp_read_i64(&r, &s) && s == minus);
        r = mp_reader_of(buf_view(&n));
        assert_false(mp_read_u64(&r, &u));
        assert_true(u == 0 && r.failed);
        r = mp_reader_of(buf_view(&n));
        assert_true(mp_read_f64(&r, &f) && f == (double)minus);
    }
}

static void
signed_encodings_of_positive_numbers_are_taken(void **state)
{
    struct mp_reader r = mp_reader_of(BYTES(0xd0, 5, 0xd1, 0, 6, 0xd3, 0, 0, 0, 0, 0, 0, 0, 7));
    uint64_t         u;

    (void)state;
    for (uint64_t i = 5; i <= 7; i++)
        assert_true(mp_read_u64(&r, &u) && u == i);
    assert_true(r.at == r.end && !r.failed);
}

static void
sample_reads_back(void **state)
{
    BUF_AUTO struct buf b = {0};
    struct view         v;
    int64_t             i;
    bool                flag = false;

    (void)state;
    write_sample(&b);
    struct view map = buf_view(&b);
    assert_null(mp_check(map));
    assert_null(mp_check_json(map));
    assert_true(mp_find_bool(map, "yes", &flag) && flag);
    assert_true(mp_find_i64(map, "minus", &i) && i == -70000);
    assert_true(mp_find_i64(map, "big", &i) && i == INT64_MAX);
    assert_true(mp_find_str(map, "text", &v) && view_is(v, "héllo"));
    assert_true(mp_find_str(map, "empty", &v) && v.size == 0);
    assert_true(mp_find_str(map, "present", &v) && view_is(v, "x"));
    assert_true(mp_find_i64(map, "then", &i) && i == 1795251600000);
    static const char *const nils[] = {"nil", "no text", "absent", "never", "no raw"};
    for (size_t n = 0; n < ARRAY_LEN(nils); n++)
        assert_true(mp_find(map, nils[n], &v) && view_eq(v, BYTES(0xc0)));
    assert_true(mp_find(map, "raw", &v) && view_eq(v, BYTES(0x92, 0x01, 0x02)));
    assert_true(mp_find(map, "inner", &v) && mp_find_bool(v, "no", &flag) && !flag);
    assert_true(mp_find(map, "list", &v) && v.size == 5 + 3);
}

static void
find_leaves_the_output_when_it_does_not_find(void **state)
{
    BUF_AUTO struct buf b = {0};
    struct view         v = view_str("before");
    int64_t             i = 5;
    bool                flag = true;

    (void)state;
    write_sample(&b);
    struct view map = buf_view(&b);
    assert_false(mp_find(map, "tex", &v));
    assert_false(mp_find(map, "no", &v));
    assert_false(mp_find(BYTES(0x91, 0xa1, 'a'), "a", &v));
    assert_false(mp_find(view_of(NULL, 0), "a", &v));
    assert_false(mp_find_str(map, "yes", &v));
    assert_false(mp_find_i64(map, "real", &i));
    assert_false(mp_find_bool(map, "nil", &flag));
    assert_true(view_is(v, "before"));
    assert_int_equal(i, 5);
    assert_true(flag);
}

static void
find_steps_over_keys_that_are_no_strings(void **state)
{
    struct view v;

    (void)state;
    assert_true(mp_find(BYTES(0x82, 0x05, 0x06, 0xa1, 'a', 0x07), "a", &v));
    assert_true(view_eq(v, BYTES(0x07)));
}

static void
failure_sticks_and_gives_nothing(void **state)
{
    struct mp_reader r = mp_reader_of(BYTES(0xa1, 'x', 0x01, 0xc0, 0xc3));
    struct view      v = view_str("x");
    uint32_t         n = 9;
    int64_t          i = 9;
    uint64_t         u = 9;
    double           f = 9;
    bool             b = true;

    (void)state;
    assert_false(mp_read_i64(&r, &i));
    assert_true(r.failed);
    assert_int_equal(mp_peek(&r), MP_BAD);
    assert_false(mp_read_u64(&r, &u) || mp_read_i64(&r, &i) || mp_read_f64(&r, &f));
    assert_false(mp_read_bool(&r, &b) || mp_read_nil(&r));
    assert_false(mp_read_array(&r, &n) || n != 0);
    n = 9;
    assert_false(mp_read_map(&r, &n) || n != 0);
    assert_false(mp_read_str(&r, &v) || v.size != 0);
    v = view_str("x");
    assert_false(mp_read_bin(&r, &v) || v.size != 0);
    v = view_str("x");
    assert_false(mp_read_any(&r, &v) || v.size != 0);
    assert_true(i == 0 && u == 0 && f == 0 && !b);
}

static void
each_reader_takes_only_its_types(void **state)
{
    static const unsigned char samples[][3] = {
        [MP_NIL] = {0xc0 },
        [MP_BOOL] = {0xc3 },
        [MP_INT] = {0xff },
        [MP_UINT] = {0x05 },
        [MP_FLOAT] = {0xca },
        [MP_STR] = {0xa1,  'x'},
        [MP_BIN] = {0xc4,     0x01, 'x'},
        [MP_ARRAY] = {0x91,0x01},
        [MP_MAP] = {0x80    },
    };

    (void)state;
    for (int t = MP_NIL; t < MP_BAD; t++) {
        char             data[5] = {0};
        struct view      v;
        uint32_t         n;
        int64_t          i;
        double           f;
        bool             b;
        struct mp_reader start = mp_reader_of(view_of(data, sizeof(data)));
        struct mp_reader r = start;

        memcpy(data, samples[t], sizeof(samples[t]));
        assert_int_equal(mp_peek(&r), t);
        assert_int_equal(mp_read_nil(&r), t == MP_NIL);
        assert_false(r.failed);
        r = start;
        assert_int_equal(mp_read_bool(&r, &b), t == MP_BOOL);
        assert_int_equal(r.failed, t != MP_BOOL);
        r = start;
        assert_int_equal(mp_read_i64(&r, &i), t == MP_INT || t == MP_UINT);
        r = start;
        assert_int_equal(mp_read_f64(&r, &f), t == MP_INT || t == MP_UINT || t == MP_FLOAT);
        r = start;
        assert_int_equal(mp_read_str(&r, &v), t == MP_STR);
        r = start;
        assert_int_equal(mp_read_bin(&r, &v), t == MP_STR || t == MP_BIN);
        r = start;
        assert_int_equal(mp_read_array(&r, &n), t == MP_ARRAY);
        r = start;
        assert_int_equal(mp_read_map(&r, &n), t == MP_MAP);
        r = start;
        assert_true(mp_read_any(&r, &v));
    }
}

static void
every_cut_message_is_refused(void **state)
{
    BUF_AUTO struct buf b = {0};

    (void)state;
    write_sample(&b);
    for (size_t size = 0; size < b.size; size++) {
        FREE_AUTO char *cut = view_dup(view_of(b.data, size));
        FREE_AUTO char *exact = xmalloc(size ? size : 1);
        struct view     raw;

        memcpy(exact, cut, size);
        struct mp_reader r = mp_reader_of(view_of(exact, size));
        assert_non_null(mp_check(view_of(exact, size)));
        assert_non_null(mp_check_json(view_of(exact, size)));
        assert_false(mp_read_any(&r, &raw));
    }
    buf_add(&b, "\x01", 1);
    assert_string_equal(mp_check(buf_view(&b)), "there are bytes behind the value");
}

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
        cmocka_unit_test(integers_are_written_as_msgpack_c_writes_them),
        cmocka_unit_test(strings_and_containers_are_written_as_msgpack_c_writes_them),
        cmocka_unit_test(integers_come_back_or_are_out_of_range),
        cmocka_unit_test(signed_encodings_of_positive_numbers_are_taken),
        cmocka_unit_test(sample_reads_back),
        cmocka_unit_test(find_leaves_the_output_when_it_does_not_find),
        cmocka_unit_test(find_steps_over_keys_that_are_no_strings),
        cmocka_unit_test(failure_sticks_and_gives_nothing),
        cmocka_unit_test(each_reader_takes_only_its_types),
        cmocka_unit_test(every_cut_message_is_refused),
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
