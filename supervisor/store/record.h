/* record - the bytes of keys and values, by the schema.
 *
 * Keys order as their fields do: integers are big-endian, signed ones with the sign bit flipped,
 * descending fields complemented, text is its 128-bit hash.  A stored value is a msgpack array
 * [version, field, …] and behind it the checksum over table, key and array. */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include "common/buf.h"
#include "supervisor/store/schema.h"

#define KEY_BYTES_MAX 64

/* The first `parts` fields of rec's key into out; returns its size. */
size_t key_encode(const struct key_desc *k, unsigned parts, const void *rec,
                  uint8_t out[KEY_BYTES_MAX]);
/* Size of a whole key. */
size_t key_bytes(const struct key_desc *k);
/* Fills the key's fixed fields of rec and empties its text; `key` is a whole key. */
void key_decode(const struct key_desc *k, const uint8_t *key, void *rec);

/* Appends the array. */
void fields_encode(const struct table_desc *d, const void *rec, struct buf *out);
/* Fills rec whole: fields that an older version lacks are 0 or empty.  False for any other bytes
 * than fields_encode's, of this version or an older one; rec is then undefined.  Views are borrowed
 * from `array`.  A stored nil reads as empty, so a nil given as an ANY does too. */
bool fields_decode(const struct table_desc *d, struct view array, void *rec);

/* More than any message may carry.  A longer value is a damaged length, which could lead out of the
 * file. */
#define RECORD_BYTES_MAX (8u << 20)

/* Appends the stored form of rec. */
void record_encode(enum table_id table, struct view key, const void *rec, struct buf *out);
/* False when the checksum or the form is wrong: damaged. */
bool record_decode(enum table_id table, struct view key, struct view stored, void *rec);
/* The checksum as it is stored, 0 when the value is too short for one: the row's part of the state
 * hash. */
uint64_t record_sum(struct view stored);
bool     record_is_sound(enum table_id table, struct view key, struct view stored);
/* Replaces the record's views by copies. */
void record_keep(enum table_id table, void *rec, struct arena *a);

#endif
