#include "common/hash.h"

#include <xxhash.h>

uint64_t
hash64(struct view v, uint64_t seed)
{
    return XXH3_64bits_withSeed(v.data ? v.data : "", v.size, seed);
}

struct hash128
hash128(struct view v)
{
    XXH128_hash_t h = XXH3_128bits(v.data ? v.data : "", v.size);

    return (struct hash128){.hi = h.high64, .lo = h.low64};
}
