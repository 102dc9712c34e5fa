/* Messages as the one walker packs and unpacks them, field by field. */
#include "common/mp.h"
#include "tests/unit/codec_case.h"
#include <stdlib.h>

#define ALL_FIELDS SIZE_MAX

enum end { LOW, HIGH };

/* A packed string that is `size` bytes with its header. */
static void
put_packed_string(struct buf *b, size_t size)
{
    size_t header = size <= 32 ? 1 : size <= 257 ? 2 : size <= 65538 ? 3 : 5;
    size_t before = b->size;
    char  *text = xmalloc(size);

    memset(text, 'x', size);
    mp_str(b, view_of(text, size - header));
    assert_int_equal(b->size - before, size);
    free(text);
}

/* A value whose measure, bytes of text or packed bytes, is `size`; at least one packed byte. */
static void
put_sized(struct buf *b, enum field_type type, size_t size)
{
    char *text;

    switch (type) {
    case FT_STR:
    case FT_TEXT:
        text = xmalloc(size + 1);
        memset(text, 'x', size);
        mp_str(b, view_of(text, size));
        free(text);
        break;
    case FT_MAP:
        mp_map(b, size > 1);
        if (size <= 1) break;
        mp_cstr(b, "k");
        put_packed_string(b, size - 3);
        break;
    case FT_LIST:
    case FT_RAW:
        mp_array(b, size > 1);
        if (size > 1) put_packed_string(b, size - 1);
        break;
    default: put_packed_string(b, size > 0 ? size : 1);
    }
}

static void
put_value(struct buf *b, const struct field_desc *f, enum end end)
{
    switch (f->type) {
    case FT_U64:
    case FT_I64:
    case FT_MS:
    case FT_TIME: mp_i64(b, end == LOW ? f->low : f->high); break;
    case FT_BOOL: mp_bool(b, end == HIGH); break;
    case FT_NAME: mp_cstr(b, end == LOW ? "a" : "a-name_with.all-0-9"); break;
    case FT_REF: mp_cstr(b, end == LOW ? "name" : "company/name"); break;
    default: put_sized(b, f->type, (size_t)(end == LOW ? f->low : f->high));
    }
}

/* All fields but one; or, when `required_only`, the required ones but one. */
static void
put_fields(struct buf *b, struct mp_open_map *m, const struct msg_desc *d, size_t but,
           bool required_only, enum end end)
{
    for (size_t i = 0; i < d->nfields; i++) {
        if (i == but || (required_only && d->fields[i].need != REQUIRED)) continue;
        mp_key(b, m, d->fields[i].name);
        put_value(b, &d->fields[i], end);
    }
}

/* What the one walker says of a message whose field `at` has the value `value`. */
static enum errc
unpack_with(const struct msg_desc *d, size_t at, const struct buf *value, union msg *out,
            struct err *e)
{
    static struct buf  b; /* out borrows from it until the next call */
    struct mp_open_map m;

    buf_clear(&b);
    m = mp_open(&b);
    put_fields(&b, &m, d, at, true, LOW);
    mp_put_raw(&b, &m, d->fields[at].name, buf_view(value));
    mp_close(&b, &m);
    assert_null(mp_check(buf_view(&b)));
    enum errc code = msg_unpack(d, buf_view(&b), out, e);
    return code;
}

static bool
is_view(const struct field_desc *f)
{
    return f->type >= FT_NAME;
}

static void
expect_same_field(const struct field_desc *f, const void *a, const void *b)
{
    const char *x = (const char *)a + f->offset;
    const char *y = (const char *)b + f->offset;

    if (is_view(f)) {
        assert_true(view_eq(*(const struct view *)x, *(const struct view *)y));
    } else {
        assert_memory_equal(x, y, f->type == FT_BOOL ? sizeof(bool) : sizeof(uint64_t));
    }
}

static void
every_message_survives_a_round_trip_at_both_ends_of_its_ranges(void **state)
{
    struct buf BUF_AUTO first = {0};
    struct buf BUF_AUTO second = {0};
    struct err          e;

    (void)state;
    for (int i = 0; i < 2 * (MSG_COUNT - 1); i++) {
        const struct msg_desc *d = msg_desc((enum msg_id)(MSG_NONE + 1 + i / 2));
        union msg              a, b;

        buf_clear(&first);
        buf_clear(&second);
        struct mp_open_map m = mp_open(&first);
        put_fields(&first, &m, d, ALL_FIELDS, false, i % 2 ? HIGH : LOW);
        mp_close(&first, &m);
        assert_int_equal(msg_unpack(d, buf_view(&first), &a, &e), E_OK);
        msg_pack(d, &a, &second);
        assert_int_equal(msg_unpack(d, buf_view(&second), &b, &e), E_OK);
        assert_int_equal(*(uint64_t *)&a, d->nfields == 0 ? 0 : UINT64_MAX >> (64 - d->nfields));
        assert_int_equal(*(uint64_t *)&a, *(uint64_t *)&b);
        for (size_t f = 0; f < d->nfields; f++)
            expect_same_field(&d->fields[f], &a, &b);
    }
}

static void
fields_come_in_any_order(void **state)
{
    struct buf BUF_AUTO   b = {0};
    struct msg_job_submit m;
    struct err            e;

    (void)state;
    mp_map(&b, 3);
    mp_cstr(&b, "tags");
    mp_map(&b, 0);
    mp_cstr(&b, "priority");
    mp_i64(&b, 7);
    mp_cstr(&b, "handler");
    mp_cstr(&b, "acme/build");
    assert_int_equal(msg_unpack(msg_desc(MSG_JOB_SUBMIT), buf_view(&b), &m, &e), E_OK);
    assert_int_equal(m.priority, 7);
    assert_true(view_is(m.handler, "acme/build"));
    assert_true(HAS(&m, job_submit, tags) && HAS(&m, job_submit, priority));
    assert_false(HAS(&m, job_submit, payload));
}

static void
a_field_that_is_missing_unknown_or_twice_is_named(void **state)
{
    struct buf BUF_AUTO b = {0};
    struct err          e;
    union msg           out;

    (void)state;
    for (enum msg_id id = MSG_NONE + 1; id < MSG_COUNT; id++) {
        const struct msg_desc *d = msg_desc(id);

        for (size_t i = 0; i <= d->nfields; i++) {
            const char *name = i < d->nfields ? d->fields[i].name : "no_such_field";

            for (int twice = 0; twice < 2; twice++) {
                buf_clear(&b);
                struct mp_open_map m = mp_open(&b);
                put_fields(&b, &m, d, twice ? ALL_FIELDS : i, true, LOW);
                if (i == d->nfields) mp_put_nil(&b, &m, name);
                if (i < d->nfields && twice) {
                    mp_key(&b, &m, name);
                    put_value(&b, &d->fields[i], LOW);
                    if (d->fields[i].need != REQUIRED) mp_put_nil(&b, &m, name);
                }
                mp_close(&b, &m);
                enum errc code = msg_unpack(d, buf_view(&b), &out, &e);
                if (!twice && i < d->nfields && d->fields[i].need != REQUIRED) {
                    assert_int_equal(code, E_OK);
                } else {
                    expect_refused(code, &e, name);
                    assert_non_null(strstr(e.msg, i == d->nfields ? "unknown field"
                                                  : twice         ? "given twice"
                                                                  : "is missing"));
                }
            }
        }
    }
}

static void
nil_is_absent_or_no_limit_or_an_error(void **state)
{
    struct buf BUF_AUTO nil = {0};
    struct err          e;
    union msg           m;

    (void)state;
    mp_nil(&nil);
    for (enum msg_id id = MSG_NONE + 1; id < MSG_COUNT; id++) {
        const struct msg_desc *d = msg_desc(id);

        for (size_t i = 0; i < d->nfields; i++) {
            const struct field_desc *f = &d->fields[i];
            enum errc                code = unpack_with(d, i, &nil, &m, &e);

            if (f->need == REQUIRED && f->type != FT_JSON && f->type != FT_RAW) {
                expect_refused(code, &e, f->name);
                continue;
            }
            assert_int_equal(code, E_OK);
            assert_int_equal((*(uint64_t *)&m >> i) & 1, f->need != OPTIONAL);
            if (f->need == NULLABLE) {
                assert_int_equal(*(int64_t *)((char *)&m + f->offset), NO_LIMIT);
            }
        }
    }
}

static bool
takes(enum field_type type, enum mp_type value)
{
    switch (type) {
    case FT_BOOL: return value == MP_BOOL;
    case FT_JSON: return value != MP_BIN;
    case FT_RAW: return true;
    case FT_MAP: return value == MP_MAP;
    case FT_LIST: return value == MP_ARRAY;
    case FT_NAME:
    case FT_REF:
    case FT_STR:
    case FT_TEXT: return value == MP_STR;
    default: return value == MP_INT || value == MP_UINT;
    }
}

static void
a_value_of_another_type_is_refused_by_name(void **state)
{
    struct err e;
    union msg  m;

    (void)state;
    for (enum mp_type t = MP_BOOL; t < MP_BAD; t++) {
        struct buf BUF_AUTO value = {0};

        switch (t) {
        case MP_BOOL: mp_bool(&value, true); break;
        case MP_INT: mp_i64(&value, -5000); break;
        case MP_UINT: mp_u64(&value, 5000); break;
        case MP_FLOAT: mp_f64(&value, 1.0); break;
        case MP_STR: mp_cstr(&value, "1"); break;
        case MP_BIN: mp_bin(&value, view_str("1")); break;
        case MP_ARRAY: mp_array(&value, 0); break;
        default: mp_map(&value, 0);
        }
        for (enum msg_id id = MSG_NONE + 1; id < MSG_COUNT; id++) {
            const struct msg_desc *d = msg_desc(id);

            for (size_t i = 0; i < d->nfields; i++) {
                if (takes(d->fields[i].type, t)) continue;
                expect_refused(unpack_with(d, i, &value, &m, &e), &e, d->fields[i].name);
            }
        }
    }
}

/* A value just outside: one below or above, or as many bytes. False when there is none. */
static bool
put_outside(struct buf *b, const struct field_desc *f, enum end end)
{
    int64_t bound = end == LOW ? f->low : f->high;

    if (f->type == FT_BOOL || f->type == FT_NAME || f->type == FT_REF) return false;
    if (is_view(f)) {
        if (end == LOW && bound == 0) return false;
        put_sized(b, f->type, (size_t)(end == LOW ? bound - 1 : bound + 1));
    } else if (end == HIGH && bound == INT64_MAX) {
        mp_u64(b, (uint64_t)INT64_MAX + 1);
    } else {
        mp_i64(b, end == LOW ? bound - 1 : bound + 1);
    }
    return true;
}

static void
a_value_just_out_of_range_is_refused_by_name(void **state)
{
    struct err e;
    union msg  m;
    unsigned   tried = 0;

    (void)state;
    for (enum msg_id id = MSG_NONE + 1; id < MSG_COUNT; id++) {
        const struct msg_desc *d = msg_desc(id);

        for (size_t i = 0; i < 2 * d->nfields; i++) {
            struct buf BUF_AUTO      value = {0};
            const struct field_desc *f = &d->fields[i / 2];

            if (!put_outside(&value, f, i % 2 ? HIGH : LOW)) continue;
            expect_refused(unpack_with(d, i / 2, &value, &m, &e), &e, f->name);
            tried++;
        }
    }
    assert_true(tried > 200);
}

static void
text_may_hold_control_characters_but_must_be_utf8(void **state)
{
    static const char        lines[] = "two\nlines\0";
    struct buf BUF_AUTO      b = {0};
    struct err               e;
    union msg                m;
    const struct msg_desc   *d = msg_desc(MSG_PROGRESS);
    const struct field_desc *last = &d->fields[d->nfields - 1];

    (void)state;
    assert_string_equal(last->name, "message");
    mp_str(&b, view_of(lines, sizeof(lines)));
    assert_int_equal(unpack_with(d, d->nfields - 1, &b, &m, &e), E_OK);
    assert_int_equal(m.progress.message.size, sizeof(lines));
    buf_clear(&b);
    mp_cstr(&b, "\xc0\x80");
    expect_refused(unpack_with(d, d->nfields - 1, &b, &m, &e), &e, "message");
}

static void
pack_writes_required_fields_and_what_has_names(void **state)
{
    struct buf BUF_AUTO b = {0};
    struct msg_job_set  m = {.id = 9, .priority = 5, .run_at = 77};
    struct msg_job_set  back;
    struct msg_agent    agent = {.name = view_str("a"), .max_concurrent = NO_LIMIT};
    struct view         raw;
    struct err          e;

    (void)state;
    SET_HAS(&m, job_set, run_at);
    msg_pack(msg_desc(MSG_JOB_SET), &m, &b);
    assert_int_equal(msg_unpack(msg_desc(MSG_JOB_SET), buf_view(&b), &back, &e), E_OK);
    assert_int_equal(back.id, 9);
    assert_int_equal(back.run_at, 77);
    assert_false(HAS(&back, job_set, priority));
    assert_int_equal(back.priority, 0);

    buf_clear(&b);
    SET_HAS(&agent, agent, max_concurrent);
    msg_pack(msg_desc(MSG_AGENT), &agent, &b);
    assert_true(mp_find(buf_view(&b), "max_concurrent", &raw));
    assert_true(view_is(raw, "\xc0"));
}

static void
a_list_gives_its_items_and_ends(void **state)
{
    struct list_iter it = list_iter_of(view_of("\x93\x01\xa1x\x91\x02", 6));
    struct view      item;

    (void)state;
    assert_true(list_next(&it, &item) && view_is(item, "\x01"));
    assert_true(list_next(&it, &item) && view_is(item, "\xa1x"));
    assert_true(list_next(&it, &item) && view_is(item, "\x91\x02"));
    assert_false(list_next(&it, &item));
    it = list_iter_of(view_of("\x80", 1));
    assert_false(list_next(&it, &item));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_survives_a_round_trip_at_both_ends_of_its_ranges),
        cmocka_unit_test(fields_come_in_any_order),
        cmocka_unit_test(a_field_that_is_missing_unknown_or_twice_is_named),
        cmocka_unit_test(nil_is_absent_or_no_limit_or_an_error),
        cmocka_unit_test(a_value_of_another_type_is_refused_by_name),
        cmocka_unit_test(a_value_just_out_of_range_is_refused_by_name),
        cmocka_unit_test(text_may_hold_control_characters_but_must_be_utf8),
        cmocka_unit_test(pack_writes_required_fields_and_what_has_names),
        cmocka_unit_test(a_list_gives_its_items_and_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
