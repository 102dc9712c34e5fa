#include "common/mp.h"

#include <msgpack.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
