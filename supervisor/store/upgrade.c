#include "supervisor/store/internal.h"

#include <string.h>

/* Rows between two commits: they bound the memory that LMDB takes for changed pages. */
#define UPGRADE_ROWS 2000

static enum errc
commit(struct txn **t, struct err *e)
{
    bool outcome_unknown; /* of no matter: what is on disk is still of the old schema */

    return txn_commit(t, &outcome_unknown, e);
}

/* What is hot now had a database of its own.  Indexes are built anyway. */
static int
move_hot(struct txn *t, enum index_id id)
{
    MDB_cursor *c;
    MDB_dbi     old;
    MDB_val     k;
    MDB_val     v;
    int         rc = mdb_dbi_open(t->mdb, key_desc(id)->name, 0, &old);

    if (rc == MDB_NOTFOUND) return 0;
    if (rc == 0 && id < FIRST_INDEX && (rc = mdb_cursor_open(t->mdb, old, &c)) == 0) {
        while ((rc = mdb_cursor_get(c, &k, &v, MDB_NEXT)) == 0)
            row_put(t, id, view_of_val(k), view_of_val(v));
        mdb_cursor_close(c);
        if (rc == MDB_NOTFOUND) rc = 0;
    }
    if (rc == 0 && !txn_failed(t)) rc = mdb_drop(t->mdb, old, 1);
    t->writes++;
    return rc;
}

/* Each in a commit of its own: they are small. */
static enum errc
move_all(struct store *s, struct err *e)
{
    for (enum index_id id = 0; id < INDEX_COUNT; id++) {
        if (!key_desc(id)->is_hot) continue;
        struct txn *t = txn_begin_write(s, e);
        if (!t) return e->code;
        int rc = move_hot(t, id);
        if (rc != 0) txn_fail(t, rc, "move a table");
        if (commit(&t, e)) return e->code;
    }
    return E_OK;
}

/* Of the rows that share a database, some; false when none is left. */
static bool
empty_some(struct txn *t, enum index_id id)
{
    MDB_cursor *c;
    MDB_val     k;
    MDB_val     v;
    unsigned    left = UPGRADE_ROWS;
    int         rc = rows_open(t, id, &c);

    if (rc == 0) {
        while (left > 0 && (rc = rows_get(c, id, &k, &v, MDB_FIRST)) == 0 &&
               (rc = mdb_cursor_del(c, 0)) == 0) {
            t->writes++;
            left--;
        }
        mdb_cursor_close(c);
    }
    if (rc != 0 && rc != MDB_NOTFOUND) txn_fail(t, rc, "empty an index");
    return rc == 0;
}

bool
store_empty_index(struct txn *t, enum index_id id)
{
    if (key_desc(id)->is_hot) return empty_some(t, id);
    int rc = mdb_drop(t->mdb, t->store->dbs[id], 0);
    if (rc != 0) txn_fail(t, rc, "empty an index");
    t->writes++;
    return false;
}

static enum errc
empty_one(struct store *s, enum index_id id, struct err *e)
{
    bool is_more = true;

    while (is_more) {
        struct txn *t = txn_begin_write(s, e);
        if (!t) return e->code;
        is_more = store_empty_index(t, id);
        if (commit(&t, e)) return e->code;
    }
    return E_OK;
}

static enum errc
empty_indexes(struct store *s, struct err *e)
{
    for (enum index_id id = FIRST_INDEX; id < INDEX_COUNT; id++) {
        if (empty_one(s, id, e)) return e->code;
    }
    return E_OK;
}

/* They are of the agentd that ran, and had another key before schema 7. */
static enum errc
forget_readers(struct store *s, struct err *e)
{
    struct txn *t;

    if (empty_one(s, PRIMARY_READER, e)) return e->code;
    t = txn_begin_write(s, e);
    if (!t) return e->code;
    damage_recount(t);
    t->writes++; /* the sum */
    return commit(&t, e);
}

/* A scan that goes on where the one of the last commit ended. */
static void
scan_on(struct scan *s, struct txn *t, enum index_id index, const struct scan *place)
{
    scan_open(s, t, index, NULL, 0, 0);
    s->started = place->started;
    s->at_size = place->at_size;
    memcpy(s->at, place->at, s->at_size);
}

/* Gives the next rows behind `place` their index entries; false at the table's end.  Damaged rows
 * are noted and get none, until the first turn moves them into the quarantine. */
static bool
index_rows(struct txn *t, enum table_id table, struct scan *place)
{
    struct scan  s;
    union record rec;
    unsigned     left = UPGRADE_ROWS;

    scan_on(&s, t, PRIMARY_OF(table), place);
    while (left > 0 && scan_next(&s, &rec)) {
        record_index(t, table, view_of(s.at, s.at_size), &rec);
        left--;
    }
    *place = s;
    scan_close(&s);
    return left == 0;
}

static enum errc
index_table(struct store *s, enum table_id table, struct err *e)
{
    struct scan place = {0};
    bool        is_more = table_desc(table)->indexes != 0;

    while (is_more) {
        struct txn *t = txn_begin_write(s, e);
        if (!t) return e->code;
        is_more = index_rows(t, table, &place);
        if (commit(&t, e)) return e->code;
    }
    return E_OK;
}

static enum errc
in_steps(struct store *s, bool (*step)(struct txn *t, struct scan *place), struct err *e)
{
    struct scan place = {0};
    bool        is_more = true;

    while (is_more) {
        struct txn *t = txn_begin_write(s, e);
        if (!t) return e->code;
        is_more = step(t, &place);
        if (commit(&t, e)) return e->code;
    }
    return E_OK;
}

/* ---- firings, which were kept by schedule before schema 6 --------------------------------------
 */

/* Rows of which an upgrade that did not end has moved some: those are passed over. */
static void
move_firing(struct txn *t, struct view old_key, const struct firing *f)
{
    const struct key_desc *k = key_desc(PRIMARY_FIRING);
    uint8_t                bytes[KEY_BYTES_MAX];
    struct view            key = view_of(bytes, key_encode(k, k->part_count, f, bytes));
    struct view            stored;

    if (view_eq(key, old_key)) return;
    if (row_get(t, PRIMARY_FIRING, old_key, &stored) != LOAD_FOUND) return;
    t->state_hash -= record_sum(stored);
    row_del(t, PRIMARY_FIRING, old_key);
    firing_save(t, f);
}

static bool
move_firings(struct txn *t, struct scan *place)
{
    struct scan   s;
    struct firing f = {0};
    unsigned      left = UPGRADE_ROWS;

    scan_on(&s, t, PRIMARY_FIRING, place);
    while (left > 0 && scan_next(&s, &f)) {
        move_firing(t, view_of(s.at, s.at_size), &f);
        left--;
    }
    *place = s;
    scan_close(&s);
    return left == 0;
}

/* The index that was there instead. */
static enum errc
drop_firing_by_age(struct store *s, struct err *e)
{
    struct txn *t = txn_begin_write(s, e);
    MDB_dbi     old;

    if (!t) return e->code;
    int rc = mdb_dbi_open(t->mdb, "firing_by_age", 0, &old);
    if (rc == 0) rc = mdb_drop(t->mdb, old, 1);
    if (rc != 0 && rc != MDB_NOTFOUND) txn_fail(t, rc, "drop an index");
    t->writes++;
    return commit(&t, e);
}

/* ---- schedules, whose key was the id alone before schema 7 --------------------------------------
 */

#define OLD_KEY_BYTES 4

/* The next rows of the old key; those of the new one are before them. */
static size_t
old_schedules(struct txn *t, uint8_t keys[UPGRADE_ROWS][OLD_KEY_BYTES])
{
    const enum index_id id = PRIMARY_SCHEDULE;
    uint8_t             first[OLD_KEY_BYTES] = {0, 0, 0, 1};
    MDB_cursor         *c;
    MDB_val             k = {OLD_KEY_BYTES, first};
    MDB_val             v;
    size_t              count = 0;
    int                 rc = rows_open(t, id, &c);

    if (rc == 0) {
        for (rc = rows_get(c, id, &k, &v, MDB_SET_RANGE); rc == 0 && count < UPGRADE_ROWS;
             rc = rows_get(c, id, &k, &v, MDB_NEXT)) {
            if (k.mv_size == OLD_KEY_BYTES) memcpy(keys[count++], k.mv_data, OLD_KEY_BYTES);
        }
        mdb_cursor_close(c);
    }
    if (rc != 0 && rc != MDB_NOTFOUND) txn_fail(t, rc, "read");
    return count;
}

/* Without a hash of their times: each has it from its next firing on.  What is damaged stays, for
 * the first turn to move into the quarantine. */
static bool
move_schedules(struct txn *t, struct scan *place)
{
    uint8_t keys[UPGRADE_ROWS][OLD_KEY_BYTES];
    size_t  count = old_schedules(t, keys);
    bool    is_moved = false;

    (void)place; /* those that were moved are behind it no more */
    for (size_t i = 0; i < count; i++) {
        struct view  key = view_of(keys[i], OLD_KEY_BYTES), stored;
        union record r;

        if (row_get(t, PRIMARY_SCHEDULE, key, &stored) != LOAD_FOUND) continue;
        if (!record_decode(TABLE_SCHEDULE, key, stored, &r)) continue;
        record_keep(TABLE_SCHEDULE, &r, &t->arena);
        t->state_hash -= record_sum(stored);
        row_del(t, PRIMARY_SCHEDULE, key);
        schedule_save(t, &r.schedule);
        is_moved = true;
    }
    return is_moved;
}

/* ---- what schema 1 did not count: the open jobs of agents ------------------------------------ */

static bool
clear_some(struct txn *t, struct scan *place)
{
    struct scan   s;
    struct object o = {0};
    unsigned      left = UPGRADE_ROWS;

    scan_on(&s, t, PRIMARY_OBJECT, place);
    while (left > 0 && scan_next(&s, &o)) {
        struct agent a = {.id = o.id};

        left--;
        if (o.kind != KIND_AGENT) continue;
        if (agent_load(t, &a) != LOAD_FOUND) a = (struct agent){.id = o.id, .company = o.company};
        a.open_jobs = 0;
        agent_save(t, &a);
    }
    *place = s;
    scan_close(&s);
    return left == 0;
}

static bool
count_some(struct txn *t, struct scan *place)
{
    struct scan      s;
    struct job_state j = {0};
    unsigned         left = UPGRADE_ROWS;

    scan_on(&s, t, PRIMARY_JOB_STATE, place);
    while (left > 0 && scan_next(&s, &j)) {
        struct agent a = {.id = j.agent};
        bool is_open = j.state == JOB_SCHEDULED || j.state == JOB_READY || j.state == JOB_RUNNING;

        left--;
        if (!is_open || j.agent == 0 || agent_load(t, &a) != LOAD_FOUND) continue;
        a.open_jobs++;
        agent_save(t, &a);
    }
    *place = s;
    scan_close(&s);
    return left == 0;
}

/* Before schema 5 a nominal time was decided when it came. */
static bool
fill_due(struct txn *t, struct scan *place)
{
    struct scan     s;
    struct schedule run = {0};
    unsigned        left = UPGRADE_ROWS;

    scan_on(&s, t, PRIMARY_SCHEDULE, place);
    while (left > 0 && scan_next(&s, &run)) {
        left--;
        if (run.due_at != 0 || run.next_at == 0) continue;
        run.due_at = run.next_at;
        schedule_save(t, &run);
    }
    *place = s;
    scan_close(&s);
    return left == 0;
}

/* The facts row with the new number is written last, in a commit of its own. */
static enum errc
finish(struct store *s, struct err *e)
{
    struct txn *t = txn_begin_write(s, e);

    if (!t) return e->code;
    s->facts.schema = SCHEMA_VERSION;
    t->writes++; /* that row */
    return commit(&t, e);
}

enum errc
store_upgrade(struct store *s, struct err *e)
{
    if (move_all(s, e) || empty_indexes(s, e) || forget_readers(s, e)) return e->code;
    if (drop_firing_by_age(s, e) || in_steps(s, move_firings, e) ||
        in_steps(s, move_schedules, e)) {
        return e->code;
    }
    for (enum table_id table = 0; table < TABLE_COUNT; table++) {
        if (index_table(s, table, e)) return e->code;
    }
    if (in_steps(s, clear_some, e) || in_steps(s, count_some, e) || in_steps(s, fill_due, e))
        return e->code;
    return finish(s, e);
}
