/* hash - xxh3, by xxHash: checksums of records and 128-bit names in keys.  Not for secrets. */
#ifndef COMMON_HASH_H
#define COMMON_HASH_H

#include "common/mem.h"
#include <stdint.h>

struct hash128 {
    uint64_t hi;
    uint64_t lo;
};
uint64_t       hash64(struct view v, uint64_t seed);
struct hash128 hash128(struct view v);

#endif
