#include "supervisor/store/internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define KEY_SHOWN_BYTES 40

struct check {
    struct txn *t;
    void (*problem)(const char *sentence, void *arg);
    void       *arg;
    const bool *cancel; /* set by another thread; may be NULL */
    uint64_t    rows;
    uint64_t    state_hash;
};

static bool
goes_on(const struct check *c)
{
    return !txn_failed(c->t) && !(c->cancel && __atomic_load_n(c->cancel, __ATOMIC_RELAXED));
}

__attribute__((format(printf, 4, 5))) static void
problem(const struct check *c, enum index_id id, struct view key, const char *fmt, ...)
{
    char    hex[2 * KEY_SHOWN_BYTES + 1] = "";
    char    what[128];
    char    sentence[384];
    va_list args;

    for (size_t i = 0; i < key.size && i < KEY_SHOWN_BYTES; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", (unsigned)(uint8_t)key.data[i]);
    va_start(args, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, args); /* cut is fine */
    va_end(args);
    (void)snprintf(sentence, sizeof(sentence), "%s %s, key %s: %s",
                   id < FIRST_INDEX ? "table" : "index", key_desc(id)->name, hex, what);
    c->problem(sentence, c->arg);
}

/* That each index has the record, under its key. */
static void
check_indexed(const struct check *c, enum index_id id, struct view primary, const union record *r)
{
    for (uint64_t left = table_desc(key_desc(id)->table)->indexes; left; left &= left - 1) {
        enum index_id          i = index_in(left);
        const struct key_desc *k = key_desc(i);
        uint8_t                bytes[KEY_BYTES_MAX];
        struct view            there;

        if (!k->holds(r)) continue;
        struct view key = view_of(bytes, key_encode(k, k->part_count, r, bytes));
        enum load   found = row_get(c->t, i, key, &there);
        if (found == LOAD_ABSENT) problem(c, id, primary, "it is missing in the index %s", k->name);
        if (found == LOAD_FOUND && !view_eq(there, primary)) {
            problem(c, id, primary, "the index %s has another record in its place", k->name);
        }
    }
}

static void
check_record(struct check *c, enum index_id id, struct view key, struct view value)
{
    enum table_id table = key_desc(id)->table;
    union record  r;

    c->state_hash += record_sum(value);
    if (!record_is_sound(table, key, value)) {
        problem(c, id, key, "the checksum is wrong");
    } else if (!record_decode(table, key, value, &r)) {
        problem(c, id, key, "the record cannot be read");
    } else if (!index_has(id, &r, key)) {
        problem(c, id, key, "the record has another key");
    } else {
        check_indexed(c, id, key, &r);
    }
}

static void
check_entry(struct check *c, enum index_id id, struct view key, struct view primary)
{
    enum table_id table = key_desc(id)->table;
    struct view   stored;
    union record  r;
    enum load     found = row_get(c->t, PRIMARY_OF(table), primary, &stored);

    if (found == LOAD_ABSENT) problem(c, id, key, "it leads to no record");
    if (found != LOAD_FOUND || !record_decode(table, primary, stored, &r)) return;
    if (!index_has(id, &r, key)) problem(c, id, key, "its record has another key");
}

/* Keys that do not ascend mean damaged pages, on which a walk could go round for ever. */
static void
check_rows(struct check *c, enum index_id id)
{
    uint8_t     last[ROW_KEY_MAX] = {0};
    size_t      last_size = 0;
    MDB_cursor *cursor;
    MDB_val     k;
    MDB_val     v;
    int         rc = rows_open(c->t, id, &cursor);

    if (rc != 0) {
        problem(c, id, view_of(NULL, 0), "it cannot be read: %s", mdb_strerror(rc));
        return;
    }
    for (rc = rows_get(cursor, id, &k, &v, MDB_FIRST); goes_on(c) && rc == 0;
         rc = rows_get(cursor, id, &k, &v, MDB_NEXT)) {
        if (k.mv_size > ROW_KEY_MAX) {
            problem(c, id, view_of(NULL, 0), "a key has an impossible size");
            break;
        }
        size_t both = k.mv_size < last_size ? k.mv_size : last_size;
        int    order = memcmp(k.mv_data, last, both);
        if (order < 0 || (order == 0 && k.mv_size <= last_size)) {
            problem(c, id, view_of_val(k), "its keys do not ascend");
            break;
        }
        c->rows++;
        if (id < FIRST_INDEX) {
            check_record(c, id, view_of_val(k), view_of_val(v));
        } else {
            check_entry(c, id, view_of_val(k), view_of_val(v));
        }
        memcpy(last, k.mv_data, k.mv_size);
        last_size = k.mv_size;
    }
    if (rc != 0 && rc != MDB_NOTFOUND) {
        problem(c, id, view_of(last, last_size), "nothing behind it can be read: %s",
                mdb_strerror(rc));
    }
    mdb_cursor_close(cursor);
}

static void
check_state_hash(const struct check *c)
{
    struct facts f;
    char         sentence[160];

    if (facts_read(c->t->mdb, c->t->store->facts_db, &f) != 0) {
        c->problem("the store's own row is damaged", c->arg);
    } else if (f.state_hash != c->state_hash) {
        (void)snprintf(sentence, sizeof(sentence),
                       "the state hash is %016" PRIx64 ", but the records add up to %016" PRIx64,
                       f.state_hash, c->state_hash);
        c->problem(sentence, c->arg);
    }
}

uint64_t
store_check(struct txn *t, void (*problem_fn)(const char *sentence, void *arg), void *arg,
            const bool *cancel)
{
    struct check c = {.t = t, .problem = problem_fn, .arg = arg, .cancel = cancel};

    for (enum index_id id = 0; id < INDEX_COUNT && goes_on(&c); id++)
        check_rows(&c, id);
    if (goes_on(&c)) check_state_hash(&c);
    if (txn_failed(t)) problem_fn(t->failure.msg, arg);
    return c.rows;
}
