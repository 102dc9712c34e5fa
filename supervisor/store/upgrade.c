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

static enum errc
empty_indexes(struct store *s, struct err *e)
{
    struct txn *t = txn_begin_write(s, e);

    if (!t) return e->code;
    for (enum index_id id = FIRST_INDEX; id < INDEX_COUNT; id++) {
        int rc = mdb_drop(t->mdb, s->dbs[id], 0);
        if (rc != 0) txn_fail(t, rc, "empty an index");
    }
    return commit(&t, e);
}

/* Gives the next rows behind `place` their index entries; false at the table's end.  Damaged rows
 * are noted and get none, until the first turn moves them into the quarantine. */
static bool
index_rows(struct txn *t, enum table_id table, struct scan *place)
{
    struct scan  s;
    union record rec;
    unsigned     left = UPGRADE_ROWS;

    scan_open(&s, t, PRIMARY_OF(table), NULL, 0, 0);
    s.started = place->started;
    s.at_size = place->at_size;
    memcpy(s.at, place->at, s.at_size);
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
    if (empty_indexes(s, e)) return e->code;
    for (enum table_id table = 0; table < TABLE_COUNT; table++) {
        if (index_table(s, table, e)) return e->code;
    }
    return finish(s, e);
}
