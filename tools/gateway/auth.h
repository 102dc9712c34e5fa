/* auth - the token that a request shows.
 *
 * Only its SHA-256 leaves this module: agentd compares hashes, so how long a comparison takes says
 * nothing about a token, and neither the store nor a log ever holds one. */
#ifndef TOOLS_GATEWAY_AUTH_H
#define TOOLS_GATEWAY_AUTH_H

#include "common/mem.h"
#include "proto/messages.h"

#define TOKEN_BYTES_MAX 256

/* The hash of a token in lower-case hexadecimal, NUL-terminated; false when the text cannot be a
 * token: empty, too long, or with other characters than letters, digits and -._~+/=. */
bool auth_hash(struct view token, char out[TOKEN_HASH_SIZE + 1]);
/* The same of an Authorization header's value, "Bearer TOKEN". */
bool auth_bearer(struct view header, char out[TOKEN_HASH_SIZE + 1]);
/* The same of a list of WebSocket sub-protocols, in which one is bearer.TOKEN. */
bool auth_subprotocol(struct view header, char out[TOKEN_HASH_SIZE + 1]);

#endif
