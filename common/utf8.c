#include "common/mp.h"

#include <string.h>

static bool
is_tail(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

/* The size of the character of two or more bytes at p; 0 when it is not one. */
static size_t
wide_size(const unsigned char *p, size_t left)
{
    if (p[0] < 0xc2 || p[0] > 0xf4) return 0; /* a tail, an overlong form of ASCII, or too large */
    size_t need = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (left < need) return 0;
    for (size_t i = 1; i < need; i++) {
        if (!is_tail(p[i])) return 0;
    }
    if (p[0] == 0xe0 && p[1] < 0xa0) return 0; /* overlong */
    if (p[0] == 0xed && p[1] > 0x9f) return 0; /* surrogates */
    if (p[0] == 0xf0 && p[1] < 0x90) return 0; /* overlong */
    if (p[0] == 0xf4 && p[1] > 0x8f) return 0; /* beyond U+10FFFF */
    return need;
}

bool
utf8_is_valid(struct view v)
{
    const unsigned char *p = (const unsigned char *)v.data;
    size_t               left = v.size;

    while (left > 0) {
        uint64_t eight;

        if (left >= sizeof(eight)) {
            memcpy(&eight, p, sizeof(eight));
            if (!(eight & 0x8080808080808080u)) {
                p += sizeof(eight);
                left -= sizeof(eight);
                continue;
            }
        }
        size_t n = *p < 0x80 ? 1 : wide_size(p, left);
        if (n == 0) return false;
        p += n;
        left -= n;
    }
    return true;
}
