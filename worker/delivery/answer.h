/* answer - what the process of a delivery prints when it is over: one JSON line. */
#ifndef DELIVERY_ANSWER_H
#define DELIVERY_ANSWER_H

#include "common/buf.h"
#include <stdbool.h>
#include <stdint.h>

/* Appends {"outcome": …}, with a text under `key` unless that is NULL; without a newline. */
void answer_put(struct buf *out, const char *outcome, const char *key, const char *text);
/* {"outcome": "failed", "message": …}, with "final": true, or "after_ms" unless that is −1. */
void answer_put_failed(struct buf *out, const char *message, bool is_final, int64_t after_ms);
/* {"outcome": "unknown", "message": …, "final": true}: a probe that need not be made again. */
void answer_put_unknown(struct buf *out, const char *message);
/* Prints it as a line; the exit code of the process. */
int answer_print(struct buf *out);

#endif
