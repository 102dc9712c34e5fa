/* The store against a model of a few lines: lists of records that are searched from end to end. */
#include "supervisor/store/record.h"
#include "tests/unit/store_random.h"

#define ROWS_MAX 4000

struct row {
    uint8_t      key[KEY_BYTES_MAX];
    union record record;
};

struct rows {
    size_t     count;
    struct row list[ROWS_MAX];
};

struct model {
    struct rows tables[TABLE_COUNT];
};

struct world {
    struct store_case c;
    struct txn       *t;
    struct model     *now, *committed;
    struct arena      arena; /* of the models' text */
    uint64_t          seed;
    uint64_t          domain; /* ids are below it */
    unsigned          hits, steps, aborts;
};

static struct view
key_in(enum index_id id, const union record *r, uint8_t out[KEY_BYTES_MAX])
{
    return view_of(out, key_encode(key_desc(id), key_desc(id)->part_count, r, out));
}

static struct row *
model_find(struct model *m, enum table_id table, const union record *r)
{
    uint8_t     bytes[KEY_BYTES_MAX];
    struct view key = key_in((enum index_id)table, r, bytes);

    for (size_t i = 0; i < m->tables[table].count; i++) {
        struct row *row = &m->tables[table].list[i];
        if (memcmp(row->key, key.data, key.size) == 0) return row;
    }
    return NULL;
}

static void
model_save(struct model *m, enum table_id table, const union record *r)
{
    struct row *row = model_find(m, table, r);

    if (!row) row = &m->tables[table].list[m->tables[table].count++];
    (void)key_in((enum index_id)table, r, row->key); /* its size is the table's */
    row->record = *r;
}

static void
model_delete(struct model *m, enum table_id table, struct row *row)
{
    *row = m->tables[table].list[--m->tables[table].count];
}

/* Whether another record has the key of one of the table's indexes: only unique ones can. */
static bool
model_conflicts(struct model *m, enum table_id table, const union record *r)
{
    const struct row *own = model_find(m, table, r);

    for (uint64_t left = table_desc(table)->indexes; left; left &= left - 1) {
        enum index_id id = index_in(left);
        uint8_t       bytes[2][KEY_BYTES_MAX];
        struct view   key = key_in(id, r, bytes[0]);

        for (size_t i = 0; i < m->tables[table].count; i++) {
            const struct row *row = &m->tables[table].list[i];
            if (row == own || !key_desc(id)->holds(&row->record)) continue;
            if (view_eq(key_in(id, &row->record, bytes[1]), key)) return true;
        }
    }
    return false;
}

/* The record with the least index key that has the prefix and is not before `from` (or, when
 * `behind`, is behind it). */
static const union record *
model_next(struct model *m, enum index_id id, struct view prefix, struct view from, bool behind)
{
    const struct rows  *rows = &m->tables[key_desc(id)->table];
    const union record *best = NULL;
    uint8_t             best_key[KEY_BYTES_MAX] = {0};
    uint8_t             bytes[KEY_BYTES_MAX];

    for (size_t i = 0; i < rows->count; i++) {
        const union record *r = &rows->list[i].record;
        struct view         key = key_in(id, r, bytes);
        int                 order = memcmp(key.data, from.data, from.size);

        if (!key_desc(id)->holds(r) || memcmp(key.data, prefix.data, prefix.size) != 0) continue;
        if (order < 0 || (behind && order == 0)) continue;
        if (best && memcmp(key.data, best_key, key.size) > 0) continue;
        best = r;
        memcpy(best_key, key.data, key.size);
    }
    return best;
}

/* ---- random steps ---- */

static enum table_id
random_table(struct world *w)
{
    static const enum table_id busy[] = {TABLE_JOB_STATE, TABLE_LANE, TABLE_EFFECT, TABLE_BLOB};

    if (next_random(&w->seed) % 2) return busy[next_random(&w->seed) % ARRAY_LEN(busy)];
    return (enum table_id)(next_random(&w->seed) % TABLE_COUNT);
}

static enum index_id
random_index(struct world *w)
{
    enum table_id table = random_table(w);
    uint64_t      left = table_desc(table)->indexes;

    if (!left || next_random(&w->seed) % 3 == 0) return (enum index_id)table;
    for (uint64_t skip = next_random(&w->seed) % (uint64_t)__builtin_popcountll(left); skip; skip--)
        left &= left - 1;
    return index_in(left);
}

static void
shrink(uint64_t domain, const struct record_field *f, union record *r)
{
    void *field = (char *)r + f->offset;

    switch (f->type) {
    case FIELD_U8: *(uint8_t *)field %= 3; break;
    case FIELD_U32: *(uint32_t *)field %= (uint32_t)domain; break;
    case FIELD_U64: *(uint64_t *)field %= domain; break;
    case FIELD_I64: *(int64_t *)field %= (int64_t)domain; break;
    case FIELD_HASH:
        *(struct hash128 *)field = (struct hash128){0, next_random(&domain) % 50};
        break;
    default: break;
    }
}

/* Its key from a small range, so that keys meet again; states that indexes look at likewise. */
static union record
random_row(struct world *w, enum table_id table)
{
    const struct table_desc *d = table_desc(table);
    const struct key_desc   *k = key_desc((enum index_id)table);
    union record             r;

    random_record(&w->seed, &w->arena, d, &r);
    for (unsigned i = 0; i < k->part_count; i++)
        shrink(w->domain, &d->fields[k->parts[i] & ~KEY_DESCENDING], &r);
    if (table == TABLE_JOB_STATE) r.job_state.state %= JOB_STATE_COUNT;
    if (table == TABLE_EFFECT) r.effect.status %= STATUS_COUNT;
    if (table == TABLE_JOB_STATE && next_random(&w->seed) % 2) r.job_state.lane %= 4;
    if (table == TABLE_LANE && next_random(&w->seed) % 2) r.lane.blocked_by = 0;
    return r;
}

static void
save_one(struct world *w)
{
    enum table_id table = random_table(w);
    union record  r = random_row(w, table);

    if (w->now->tables[table].count == ROWS_MAX || model_conflicts(w->now, table, &r)) return;
    if (next_random(&w->seed) % 2) {
        rec_save(w->t, table, &r);
    } else {
        rec_insert(w->t, table, &r); /* of one that is there as well */
    }
    model_save(w->now, table, &r);
}

static void
delete_one(struct world *w)
{
    enum table_id table = random_table(w);
    union record  r = random_row(w, table);
    struct row   *row = model_find(w->now, table, &r);

    assert_int_equal(rec_delete(w->t, table, &r), row != NULL);
    if (row) model_delete(w->now, table, row);
    w->hits += row != NULL;
}

static void
load_one(struct world *w)
{
    enum table_id table = random_table(w);
    union record  r = random_row(w, table);
    struct row   *row = model_find(w->now, table, &r);

    assert_int_equal(rec_load(w->t, table, &r), row ? LOAD_FOUND : LOAD_ABSENT);
    if (row) assert_true(records_equal(table_desc(table), &r, &row->record));
    w->hits += row != NULL;
}

/* Up to 30 steps with writes between them, which may hit the scanned table. */
static void
scan_some(struct world *w, bool writes)
{
    enum index_id          id = random_index(w);
    const struct key_desc *k = key_desc(id);
    const struct rows     *rows = &w->now->tables[k->table];
    union record           from = random_row(w, k->table);
    union record           r;
    uint8_t                prefix[KEY_BYTES_MAX];
    uint8_t                at[KEY_BYTES_MAX];
    bool                   behind = false;
    struct scan            s;

    if (rows->count > 0 && next_random(&w->seed) % 4) {
        from = rows->list[next_random(&w->seed) % rows->count].record;
    }
    unsigned    parts = (unsigned)(next_random(&w->seed) % (k->part_count + 1));
    unsigned    start = parts + (unsigned)(next_random(&w->seed) % (k->part_count - parts + 1));
    struct view p = view_of(prefix, key_encode(k, parts, &from, prefix));
    struct view last = view_of(at, key_encode(k, start, &from, at));

    scan_open(&s, w->t, id, &from, parts, start);
    for (int step = 0; step < 30; step++) {
        const union record *wanted = model_next(w->now, id, p, last, behind);

        assert_int_equal(scan_next(&s, &r), wanted != NULL);
        if (!wanted) break;
        assert_true(records_equal(table_desc(k->table), &r, wanted));
        last = key_in(id, wanted, at);
        behind = true;
        w->steps++;
        for (uint64_t n = writes ? next_random(&w->seed) % 3 : 0; n > 0; n--)
            next_random(&w->seed) % 2 ? save_one(w) : delete_one(w);
    }
    scan_close(&s);
}

static void
end_transaction(struct world *w)
{
    uint64_t how = next_random(&w->seed) % 8;

    for (enum table_id table = 0; table < TABLE_COUNT; table++)
        assert_int_equal(table_rows(w->t, table), w->now->tables[table].count);
    if (how < 3) {
        txn_abort(&w->t);
        *w->now = *w->committed;
        w->aborts++;
    } else {
        must_commit(&w->t);
        *w->committed = *w->now;
    }
    if (how == 7) {
        expect_sound(&w->c);
        case_reopen(&w->c);
    }
    w->t = must_begin(&w->c);
}

static void
run(uint64_t seed, uint64_t domain, unsigned transactions, unsigned size)
{
    struct world w = {.seed = seed, .domain = domain};

    print_message("seed %llu\n", (unsigned long long)seed);
    w.now = xcalloc(1, sizeof(*w.now));
    w.committed = xcalloc(1, sizeof(*w.committed));
    arena_init(&w.arena);
    case_begin(&w.c);
    w.t = must_begin(&w.c);
    for (unsigned i = 0; i < transactions; i++) {
        for (uint64_t n = next_random(&w.seed) % size; n > 0; n--) {
            uint64_t what = next_random(&w.seed) % 16;
            if (what < 9) {
                save_one(&w);
            } else if (what < 12) {
                delete_one(&w);
            } else if (what < 15) {
                load_one(&w);
            } else {
                scan_some(&w, next_random(&w.seed) % 2);
            }
        }
        end_transaction(&w);
    }
    txn_abort(&w.t);
    expect_sound(&w.c);
    assert_true(w.hits > 50 && w.steps > 50 && w.aborts > 0); /* the run met what it is for */
    case_end(&w.c);
    arena_done(&w.arena);
    free(w.now);
    free(w.committed);
}

static void
few_keys_that_meet_again_and_again(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++)
        run(seed, 20, 150, 60);
}

static void
many_keys_over_several_pages(void **state)
{
    (void)state;
    run(9, 3000, 60, 600);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_keys_that_meet_again_and_again),
        cmocka_unit_test(many_keys_over_several_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
