#include "tools/gateway/auth.h"

#include <ctype.h>
#include <sodium.h>
#include <strings.h>

static bool
is_token(struct view v)
{
    if (v.size == 0 || v.size > TOKEN_BYTES_MAX) return false;
    for (size_t i = 0; i < v.size; i++) {
        unsigned char c = (unsigned char)v.data[i];

        if (!isalnum(c) && (c == '\0' || !strchr("-._~+/=", c))) return false;
    }
    return true;
}

bool
auth_hash(struct view token, char out[TOKEN_HASH_SIZE + 1])
{
    unsigned char hash[crypto_hash_sha256_BYTES];

    _Static_assert(TOKEN_HASH_SIZE == 2 * crypto_hash_sha256_BYTES, "in hexadecimal");
    if (!is_token(token)) return false;
    (void)crypto_hash_sha256(hash, (const unsigned char *)token.data, token.size); /* cannot fail */
    (void)sodium_bin2hex(out, TOKEN_HASH_SIZE + 1, hash, sizeof(hash));
    return true;
}

bool
auth_bearer(struct view header, char out[TOKEN_HASH_SIZE + 1])
{
    static const char scheme[] = "Bearer ";
    size_t            size = sizeof(scheme) - 1;

    if (header.size <= size || strncasecmp(header.data, scheme, size) != 0) return false;
    return auth_hash(view_of(header.data + size, header.size - size), out);
}

bool
auth_subprotocol(struct view header, char out[TOKEN_HASH_SIZE + 1])
{
    static const char prefix[] = "bearer.";
    size_t            size = sizeof(prefix) - 1;

    if (header.size == 0) return false;
    const char *at = header.data, *end = at + header.size;
    while (at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma ? comma : end;

        while (at < stop && isspace((unsigned char)*at))
            at++;
        while (stop > at && isspace((unsigned char)stop[-1]))
            stop--;
        if ((size_t)(stop - at) > size && memcmp(at, prefix, size) == 0) {
            return auth_hash(view_of(at + size, (size_t)(stop - at) - size), out);
        }
        at = comma ? comma + 1 : end;
    }
    return false;
}
