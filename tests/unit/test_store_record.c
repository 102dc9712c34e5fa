#include "supervisor/store/record.h"
#include "tests/unit/store_random.h"

#define ROUNDS 20000

static void
every_key_fits_and_names_each_field_once(void **state)
{
    (void)state;
    for (enum index_id id = 0; id < INDEX_COUNT; id++) {
        const struct key_desc *k = key_desc(id);
        uint64_t               seen = 0;

        assert_true(k->part_count > 0 && key_bytes(k) <= KEY_BYTES_MAX);
        assert_non_null(k->name);
        for (unsigned i = 0; i < k->part_count; i++) {
            uint64_t bit = 1ULL << (k->parts[i] & ~KEY_DESCENDING);
            assert_true((k->parts[i] & ~KEY_DESCENDING) < (int)table_desc(k->table)->field_count);
            assert_false(seen & bit);
            seen |= bit;
        }
    }
}

static void
every_index_is_of_one_table(void **state)
{
    unsigned count = 0;

    (void)state;
    for (enum table_id table = 0; table < TABLE_COUNT; table++) {
        for (uint64_t left = table_desc(table)->indexes; left; left &= left - 1, count++)
            assert_int_equal(key_desc(index_in(left))->table, table);
        assert_int_equal(key_desc((enum index_id)table)->table, table);
        assert_string_equal(key_desc((enum index_id)table)->name, table_desc(table)->name);
    }
    assert_int_equal(count, INDEX_COUNT - TABLE_COUNT);
}

/* How two fields order; text only as equal or not. */
static int
compare_fields(enum record_type type, const void *a, const void *b)
{
    const struct hash128 *h = a;
    const struct hash128 *i = b;

#define COMPARE(x, y) (((x) > (y)) - ((x) < (y)))
    switch (type) {
    case FIELD_U8: return COMPARE(*(const uint8_t *)a, *(const uint8_t *)b);
    case FIELD_U32: return COMPARE(*(const uint32_t *)a, *(const uint32_t *)b);
    case FIELD_U64: return COMPARE(*(const uint64_t *)a, *(const uint64_t *)b);
    case FIELD_I64: return COMPARE(*(const int64_t *)a, *(const int64_t *)b);
    case FIELD_HASH: return h->hi != i->hi ? COMPARE(h->hi, i->hi) : COMPARE(h->lo, i->lo);
    default: return view_eq(*(const struct view *)a, *(const struct view *)b) ? 0 : 2;
    }
#undef COMPARE
}

/* 2: they differ in a text first, whose order is its hash's. */
static int
compare_records(const struct key_desc *k, const union record *a, const union record *b)
{
    for (unsigned i = 0; i < k->part_count; i++) {
        const struct record_field *f = &table_desc(k->table)->fields[k->parts[i] & ~KEY_DESCENDING];
        int                        order =
            compare_fields(f->type, (const char *)a + f->offset, (const char *)b + f->offset);

        if (order == 2) return 2;
        if (order != 0) return k->parts[i] & KEY_DESCENDING ? -order : order;
    }
    return 0;
}

/* So that later fields decide too. */
static void
share_first_fields(const struct key_desc *k, unsigned count, const union record *from,
                   union record *to)
{
    for (unsigned i = 0; i < count; i++) {
        const struct record_field *f = &table_desc(k->table)->fields[k->parts[i] & ~KEY_DESCENDING];

        memcpy((char *)to + f->offset, (const char *)from + f->offset, field_bytes(f->type));
    }
}

static void
keys_order_as_their_fields_do(void **state)
{
    uint64_t     seed = 11;
    struct arena a;
    unsigned     less = 0;
    unsigned     equal = 0;

    (void)state;
    arena_init(&a);
    for (int i = 0; i < ROUNDS; i++) {
        const struct key_desc *k = key_desc((enum index_id)(next_random(&seed) % INDEX_COUNT));
        union record           r[2];
        uint8_t                key[2][KEY_BYTES_MAX];

        random_record(&seed, &a, table_desc(k->table), &r[0]);
        random_record(&seed, &a, table_desc(k->table), &r[1]);
        share_first_fields(k, (unsigned)(next_random(&seed) % (k->part_count + 1)), &r[0], &r[1]);
        assert_int_equal(key_encode(k, k->part_count, &r[0], key[0]), key_bytes(k));
        assert_int_equal(key_encode(k, k->part_count, &r[1], key[1]), key_bytes(k));
        int wanted = compare_records(k, &r[0], &r[1]);
        int order = memcmp(key[0], key[1], key_bytes(k));
        if (wanted == 2) {
            assert_int_not_equal(order, 0);
        } else {
            assert_int_equal((order > 0) - (order < 0), wanted);
        }
        less += wanted == -1;
        equal += wanted == 0;
        arena_reset(&a);
    }
    assert_true(less > ROUNDS / 10 && equal > ROUNDS / 20);
    arena_done(&a);
}

static void
first_fields_are_a_prefix_of_the_key_and_fixed_ones_come_back(void **state)
{
    uint64_t     seed = 12;
    struct arena a;

    (void)state;
    arena_init(&a);
    for (int i = 0; i < ROUNDS; i++) {
        const struct key_desc   *k = key_desc((enum index_id)(next_random(&seed) % INDEX_COUNT));
        const struct table_desc *d = table_desc(k->table);
        union record             r;
        union record             back = {0};
        uint8_t                  whole[KEY_BYTES_MAX];
        uint8_t                  first[KEY_BYTES_MAX];

        random_record(&seed, &a, d, &r);
        (void)key_encode(k, k->part_count, &r, whole); /* its size is tested above */
        size_t size =
            key_encode(k, (unsigned)(next_random(&seed) % (k->part_count + 1)), &r, first);
        assert_memory_equal(first, whole, size);
        key_decode(k, whole, &back);
        for (unsigned p = 0; p < k->part_count; p++) {
            const struct record_field *f = &d->fields[k->parts[p] & ~KEY_DESCENDING];
            const void                *there = (const char *)&back + f->offset;
            if (f->type >= FIELD_STR) {
                assert_int_equal(((const struct view *)there)->size, 0);
            } else {
                assert_true(fields_equal(f->type, there, (const char *)&r + f->offset));
            }
        }
        arena_reset(&a);
    }
    arena_done(&a);
}

static void
every_record_comes_back_as_it_was(void **state)
{
    uint64_t            seed = 13;
    struct arena        a;
    BUF_AUTO struct buf b = {0};

    (void)state;
    arena_init(&a);
    for (int i = 0; i < ROUNDS; i++) {
        enum table_id            table = (enum table_id)(next_random(&seed) % TABLE_COUNT);
        const struct table_desc *d = table_desc(table);
        union record             r;
        union record             back;

        random_record(&seed, &a, d, &r);
        buf_clear(&b);
        fields_encode(d, &r, &b);
        assert_null(mp_check(buf_view(&b)));
        memset(&back, 0xee, sizeof(back));
        assert_true(fields_decode(d, buf_view(&b), &back));
        assert_true(records_equal(d, &r, &back));
        arena_reset(&a);
    }
    arena_done(&a);
}

static void
cut_or_lengthened_arrays_are_refused(void **state)
{
    uint64_t            seed = 14;
    struct arena        a;
    BUF_AUTO struct buf b = {0};

    (void)state;
    arena_init(&a);
    for (enum table_id table = 0; table < TABLE_COUNT; table++) {
        const struct table_desc *d = table_desc(table);
        union record             r;
        union record             back;

        random_record(&seed, &a, d, &r);
        buf_clear(&b);
        fields_encode(d, &r, &b);
        for (size_t size = 0; size < b.size; size++)
            assert_false(fields_decode(d, view_of(b.data, size), &back));
        mp_nil(&b);
        assert_false(fields_decode(d, buf_view(&b), &back));
    }
    arena_done(&a);
}

/* An object written by hand: array of `count`, `version`, the first `fields` fields. */
static struct view
object_array(struct buf *b, uint32_t count, uint64_t version, unsigned fields)
{
    buf_clear(b);
    mp_array(b, count);
    mp_u64(b, version);
    if (fields > 0) mp_u64(b, 7);
    if (fields > 1) mp_u64(b, KIND_AGENT);
    if (fields > 2) mp_u64(b, 3);
    if (fields > 3) mp_cstr(b, "anna");
    return buf_view(b);
}

static void
fields_that_an_older_record_lacks_are_empty(void **state)
{
    const struct table_desc *d = table_desc(TABLE_OBJECT);
    BUF_AUTO struct buf      b = {0};
    struct object            o;

    (void)state;
    memset(&o, 0xee, sizeof(o));
    assert_true(fields_decode(d, object_array(&b, 5, d->version, 4), &o));
    assert_int_equal(o.id, 7);
    assert_int_equal(o.company, 3);
    assert_true(view_is(o.name, "anna"));
    assert_int_equal(o.origin, 0);
    assert_int_equal(o.created_at, 0);
    assert_int_equal(o.spec.size, 0);
    assert_true(fields_decode(d, object_array(&b, 1, d->version, 0), &o));
    assert_int_equal(o.id, 0);
}

static void
newer_records_and_wrong_types_are_refused(void **state)
{
    const struct table_desc *d = table_desc(TABLE_OBJECT);
    BUF_AUTO struct buf      b = {0};
    struct object            o;

    (void)state;
    assert_false(fields_decode(d, object_array(&b, 5, d->version + 1, 4), &o));
    assert_false(fields_decode(d, object_array(&b, 5, 0, 4), &o));
    assert_false(fields_decode(d, object_array(&b, 0, d->version, 4), &o));
    (void)object_array(&b, d->field_count + 2, d->version, 4);
    mp_u64(&b, 1);
    mp_u64(&b, 1);
    mp_nil(&b);
    mp_i64(&b, 1);
    mp_i64(&b, 1); /* a field more than we know */
    assert_false(fields_decode(d, buf_view(&b), &o));
    buf_clear(&b);
    mp_array(&b, 3);
    mp_u64(&b, d->version);
    mp_u64(&b, 1);
    mp_u64(&b, 256); /* kind is 8 bits */
    assert_false(fields_decode(d, buf_view(&b), &o));
    buf_clear(&b);
    mp_array(&b, 2);
    mp_u64(&b, d->version);
    mp_cstr(&b, "1");
    assert_false(fields_decode(d, buf_view(&b), &o));
}

static void
a_nil_given_as_any_reads_back_as_empty(void **state)
{
    const struct table_desc *d = table_desc(TABLE_FEED);
    BUF_AUTO struct buf      b = {0};
    struct feed              f = {.seq = 1, .events = view_of("\xc0", 1)};
    struct feed              back;

    (void)state;
    fields_encode(d, &f, &b);
    assert_true(fields_decode(d, buf_view(&b), &back));
    assert_int_equal(back.events.size, 0);
}

static void
every_flipped_bit_of_key_value_or_checksum_is_seen(void **state)
{
    BUF_AUTO struct buf b = {0};
    struct session      s = {.id = 5, .company = 2, .name = view_str("main"), .event_seq = 900};
    uint8_t             key[KEY_BYTES_MAX];
    struct session      back;

    (void)state;
    size_t size = key_encode(key_desc(PRIMARY_SESSION), 1, &s, key);
    record_encode(TABLE_SESSION, view_of(key, size), &s, &b);
    assert_true(record_decode(TABLE_SESSION, view_of(key, size), buf_view(&b), &back));
    for (size_t bit = 0; bit < b.size * 8; bit++) {
        b.data[bit / 8] = (char)(b.data[bit / 8] ^ 1 << bit % 8);
        assert_false(record_is_sound(TABLE_SESSION, view_of(key, size), buf_view(&b)));
        b.data[bit / 8] = (char)(b.data[bit / 8] ^ 1 << bit % 8);
    }
    for (size_t bit = 0; bit < size * 8; bit++) {
        key[bit / 8] = (uint8_t)(key[bit / 8] ^ 1 << bit % 8);
        assert_false(record_is_sound(TABLE_SESSION, view_of(key, size), buf_view(&b)));
        key[bit / 8] = (uint8_t)(key[bit / 8] ^ 1 << bit % 8);
    }
    assert_true(record_is_sound(TABLE_SESSION, view_of(key, size), buf_view(&b)));
    assert_false(record_is_sound(TABLE_OBJECT, view_of(key, size), buf_view(&b)));
    for (size_t cut = 0; cut < b.size; cut++)
        assert_false(record_is_sound(TABLE_SESSION, view_of(key, size), view_of(b.data, cut)));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_fits_and_names_each_field_once),
        cmocka_unit_test(every_index_is_of_one_table),
        cmocka_unit_test(keys_order_as_their_fields_do),
        cmocka_unit_test(first_fields_are_a_prefix_of_the_key_and_fixed_ones_come_back),
        cmocka_unit_test(every_record_comes_back_as_it_was),
        cmocka_unit_test(cut_or_lengthened_arrays_are_refused),
        cmocka_unit_test(fields_that_an_older_record_lacks_are_empty),
        cmocka_unit_test(newer_records_and_wrong_types_are_refused),
        cmocka_unit_test(a_nil_given_as_any_reads_back_as_empty),
        cmocka_unit_test(every_flipped_bit_of_key_value_or_checksum_is_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
