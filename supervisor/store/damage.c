#include "supervisor/store/internal.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

static struct view
damage_key(const struct damage *d)
{
    return view_of(d->key, d->key_size);
}

/* The entry of this row, made when there is none; NULL when the list is full, or for a key of a
 * size that no key can have, by which the row could not be found again. */
static struct damage *
entry(struct store *s, enum index_id id, struct view key)
{
    for (size_t i = 0; i < s->damage_count; i++) {
        struct damage *d = &s->damage[i];
        if (d->id == id && view_eq(damage_key(d), key)) return d;
    }
    if (s->damage_count == DAMAGE_LIST_MAX || key.size > ROW_KEY_MAX) return NULL;
    struct damage *d = &s->damage[s->damage_count++];
    *d = (struct damage){.id = id, .key_size = (uint16_t)key.size};
    memcpy(d->key, key.data, key.size);
    return d;
}

/* What does not fit will be met again.  Other threads only read, and report by themselves. */
void
damage_note(struct txn *t, enum index_id id, struct view key)
{
    if (on_owner_thread(t->store)) (void)entry(t->store, id, key);
}

bool
store_has_damage(const struct store *s)
{
    return s->damage_count > 0;
}

void
damage_forget_moves(struct store *s)
{
    for (size_t i = 0; i < s->damage_count; i++)
        s->damage[i].is_moved = false;
}

/* Under (table or index, transaction, key): the same key may be damaged again. */
static void
quarantine_put(struct txn *t, enum index_id id, struct view key, struct view value)
{
    uint8_t  bytes[1 + 8 + ROW_KEY_MAX];
    uint64_t number = htobe64(mdb_txn_id(t->mdb));
    size_t   room = ROW_KEY_MAX - 9;

    bytes[0] = (uint8_t)id;
    memcpy(bytes + 1, &number, sizeof(number));
    size_t size = key.size < room ? key.size : room;
    memcpy(bytes + 9, key.data, size);
    row_put_aside(t, view_of(bytes, 9 + size), value);
}

/* Removes the entries of an index whose value is this primary key: a walk, since a damaged record
 * does not tell its index keys. */
static void
drop_entries(struct txn *t, enum index_id id, struct view primary)
{
    MDB_cursor *c;
    MDB_val     k;
    MDB_val     v;
    int         rc = rows_open(t, id, &c);

    if (rc != 0) {
        txn_fail(t, rc, "read");
        return;
    }
    for (rc = rows_get(c, id, &k, &v, MDB_FIRST); rc == 0 && !txn_failed(t);) {
        uint8_t bytes[ROW_KEY_MAX];
        bool    is_ours = k.mv_size <= ROW_KEY_MAX && view_eq(view_of_val(v), primary);

        if (is_ours) {
            memcpy(bytes, k.mv_data, k.mv_size);
            k.mv_data = bytes;
            row_del(t, id, view_of_val(k));
        }
        rc = rows_get(c, id, &k, &v, is_ours ? MDB_SET_RANGE : MDB_NEXT);
    }
    if (rc != MDB_NOTFOUND) txn_fail(t, rc, "read");
    mdb_cursor_close(c);
}

void
damage_recount(struct txn *t)
{
    uint64_t sum = 0;

    for (int table = 0; table < TABLE_COUNT && !txn_failed(t); table++) {
        MDB_cursor *c;
        MDB_val     k;
        MDB_val     v;
        int         rc = rows_open(t, PRIMARY_OF(table), &c);
        if (rc != 0) {
            txn_fail(t, rc, "read");
            return;
        }
        for (rc = rows_get(c, PRIMARY_OF(table), &k, &v, MDB_FIRST); rc == 0;
             rc = rows_get(c, PRIMARY_OF(table), &k, &v, MDB_NEXT))
            sum += record_sum(view_of_val(v));
        if (rc != MDB_NOTFOUND) txn_fail(t, rc, "read");
        mdb_cursor_close(c);
    }
    t->state_hash = sum;
}

static void
move_record(struct txn *t, enum table_id table, struct view key, struct view stored)
{
    BUF_AUTO struct buf copy = {0};

    buf_add_view(&copy, stored); /* a put kills what is borrowed from the map */
    quarantine_put(t, PRIMARY_OF(table), key, buf_view(&copy));
    row_del(t, PRIMARY_OF(table), key);
    for (uint64_t left = table_desc(table)->indexes; left; left &= left - 1)
        drop_entries(t, index_in(left), key);
}

void
damage_move(struct txn *t, enum table_id table, struct view key)
{
    struct store *s = t->store;
    struct view   stored;

    if (row_get(t, PRIMARY_OF(table), key, &stored) != LOAD_FOUND) return;
    struct damage *d = entry(s, PRIMARY_OF(table), key);
    if (!d) {
        s->damage_count--; /* the last one will be met again, this one will not */
        d = entry(s, PRIMARY_OF(table), key);
    }
    d->is_moved = true;
    move_record(t, table, key, stored);
    damage_recount(t);
}

/* ---- store_quarantine ---- */

static bool
quarantine_record(struct txn *t, enum table_id table, struct view key)
{
    struct view  stored;
    union record r;

    if (row_get(t, PRIMARY_OF(table), key, &stored) != LOAD_FOUND) return false;
    if (record_decode(table, key, stored, &r)) return false; /* replaced since it was noted */
    move_record(t, table, key, stored);
    return true;
}

/* Gives the record the index entries that it should have.  The record is read anew for each, since
 * a put kills what is borrowed. */
static void
reindex(struct txn *t, enum table_id table, struct view primary)
{
    for (uint64_t left = table_desc(table)->indexes; left; left &= left - 1) {
        enum index_id          id = index_in(left);
        const struct key_desc *k = key_desc(id);
        uint8_t                bytes[KEY_BYTES_MAX];
        struct view            there;
        union record           r;

        if (record_get(t, table, primary, &r) != LOAD_FOUND) return;
        if (!k->holds(&r)) continue;
        struct view key = view_of(bytes, key_encode(k, k->part_count, &r, bytes));
        if (row_get(t, id, key, &there) == LOAD_FOUND && view_eq(there, primary)) continue;
        row_put(t, id, key, primary);
    }
}

static bool
has_part(const struct key_desc *k, uint8_t part)
{
    for (unsigned i = 0; i < k->part_count; i++) {
        if ((k->parts[i] & ~KEY_DESCENDING) == part) return true;
    }
    return false;
}

/* The primary key as the index key tells it; empty when it does not. */
static struct view
primary_within(const struct key_desc *k, struct view key, uint8_t out[KEY_BYTES_MAX])
{
    const struct key_desc *p = key_desc(PRIMARY_OF(k->table));
    union record           r = {0};

    if (key.size != key_bytes(k)) return view_of(NULL, 0);
    for (unsigned i = 0; i < p->part_count; i++) {
        if (!has_part(k, p->parts[i])) return view_of(NULL, 0);
    }
    key_decode(k, (const uint8_t *)key.data, &r);
    return view_of(out, key_encode(p, p->part_count, &r, out));
}

/* Either the key or the value of the entry may be what was damaged, so the records that both name
 * get their right entries back. */
static bool
quarantine_entry(struct txn *t, enum index_id id, struct view key)
{
    const struct key_desc *k = key_desc(id);
    BUF_AUTO struct buf    copy = {0};
    uint8_t                bytes[KEY_BYTES_MAX];
    struct view            primary;
    union record           r;

    if (row_get(t, id, key, &primary) != LOAD_FOUND) return false;
    if (record_get(t, k->table, primary, &r) == LOAD_FOUND && index_has(id, &r, key)) return false;
    buf_add_view(&copy, primary); /* a put kills what is borrowed from the map */
    quarantine_put(t, id, key, buf_view(&copy));
    row_del(t, id, key);
    reindex(t, k->table, buf_view(&copy));
    reindex(t, k->table, primary_within(k, key, bytes));
    return true;
}

size_t
store_quarantine(struct txn *t, void (*report)(const char *table, struct view key, void *arg),
                 void       *arg)
{
    struct store *s = t->store;
    size_t        moved = 0;
    bool          lost_records = false;

    assert(t->is_write && on_owner_thread(s));
    for (size_t i = 0; i < s->damage_count && !txn_failed(t); i++) { /* it may grow meanwhile */
        struct damage *d = &s->damage[i];
        struct view    key = damage_key(d);
        bool           is_record = d->id < FIRST_INDEX;
        bool is_new = !d->is_moved && (is_record ? quarantine_record(t, key_desc(d->id)->table, key)
                                                 : quarantine_entry(t, d->id, key));

        if (!is_new && !d->is_moved) continue;
        lost_records = lost_records || (is_new && is_record);
        report(key_desc(d->id)->name, key, arg);
        moved++;
    }
    if (lost_records) damage_recount(t);
    if (!txn_failed(t)) s->damage_count = 0;
    return moved;
}

uint32_t
store_key_u32(struct view key)
{
    uint32_t n = 0;

    for (size_t i = 0; i < sizeof(n) && i < key.size; i++)
        n = n << 8 | (uint8_t)key.data[i]; /* keys sort as their numbers do */
    return n;
}
