/* sinkhttp - the process that posts one effect to a web server, signed (Standard Webhooks).
 *
 * `agent-delivery --http` reads two lines of JSON from its standard input, where no other user
 * sees them: how to send ({url, id, timeout_ms, secret_file, secret_file_old, allow, headers}), and
 * the body.  It prints the outcome as sinkfile does:
 *
 *   delivered   an answer of 2xx
 *   failed      the request was not sent, or the server said no: 408, 425, 429 and 5xx are tried
 *               again, after Retry-After when it is given; any other answer is final
 *   unknown     it was sent, and no answer came
 *
 * Headers: webhook-id and Idempotency-Key (`id`, the same over all attempts of an effect),
 * webhook-timestamp (Unix seconds), and webhook-signature: for each secret `v1,` and the base64 of
 * HMAC-SHA256 over "id.timestamp.body"; two while a key is replaced.  A secret file holds
 * `whsec_` and base64, or any other text, whose bytes are the key.  Which addresses may be reached
 * says reach.h. */
#ifndef DELIVERY_SINKHTTP_H
#define DELIVERY_SINKHTTP_H

#include "common/buf.h"
#include "common/err.h"
#include <stdint.h>

/* base64 of the signature, of at most SIGNATURE_MAX bytes with its NUL. */
#define SIGNATURE_MAX 64
/* E_INTERNAL: libsodium cannot be loaded, or the secret is no base64 behind its whsec_. */
enum errc sinkhttp_sign(struct view secret, struct view id, int64_t timestamp, struct view body,
                        char *out, struct err *e) MUST_CHECK;

/* What the process does, as a function; the answer is appended to out, without a newline. */
void sinkhttp_send(struct view how, struct view body, struct buf *out);
/* The process: returns its exit code. */
int sinkhttp_main(void);

#endif
