/* schema - the lists of records.h as constant tables: fields, keys and indexes.
 *
 * A primary key and an index are described alike and share one numbering, enum index_id; that of a
 * primary key equals its table's. */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include "supervisor/store/records.h"
#include <stdbool.h>

/* Written into the store; a store of a greater number is refused.  Raised with every change of
 * records.h that an older agentd would misread: a field, a table or an index more, or another
 * place. */
#define SCHEMA_VERSION 7

enum record_type {
    FIELD_U8,
    FIELD_U32,
    FIELD_U64,
    FIELD_I64,
    FIELD_HASH,
    FIELD_STR, /* from here on: views, hashed in keys */
    FIELD_ANY,
    FIELD_BIN
};

struct record_field {
    const char      *name;
    enum record_type type;
    uint16_t         offset; /* in the record's struct */
};

struct table_desc {
    const char                *name;
    const struct record_field *fields;
    uint32_t                   field_count;
    uint32_t                   version;
    uint32_t                   record_bytes;
    uint64_t                   indexes; /* bit n: FIRST_INDEX + n is an index of this table */
    uint64_t                   views;   /* bit n: field n is a view */
};

#define FIRST_INDEX ((enum index_id)TABLE_COUNT)
/* for (uint64_t left = table_desc(table)->indexes; left; left &= left - 1) … index_in(left) */
static inline enum index_id
index_in(uint64_t left)
{
    return (enum index_id)(FIRST_INDEX + __builtin_ctzll(left));
}

#define KEY_DESCENDING 0x80
struct key_desc {
    const char    *name; /* of the table for a primary key */
    enum table_id  table;
    const uint8_t *parts; /* places in the table's fields, KEY_DESCENDING added */
    unsigned       part_count;
    bool           is_ascending;    /* new keys are usually the largest */
    bool           is_hot;          /* shares one database with all the others that are */
    bool (*holds)(const void *rec); /* whether the index has rec; a primary key has all */
};

const struct table_desc *table_desc(enum table_id table);
const struct key_desc   *key_desc(enum index_id index);

/* Defines NAME_is_same(a, b): whether all fields are equal, of a record that has no text.  The
 * bytes between the fields are nobody's: memcmp would compare them, too. */
#define RECORD_FIELD_IS_SAME(type, name) &&a->name == b->name
#define RECORD_IS_SAME(NAME, name)                                                \
    static inline bool name##_is_same(const struct name *a, const struct name *b) \
    {                                                                             \
        return true NAME##_RECORD(RECORD_FIELD_IS_SAME);                          \
    }

/* Room for a record of any table. */
union record {
#define T(NAME, name, version, order) struct name name;
    RECORDS(T)
#undef T
};

#endif
