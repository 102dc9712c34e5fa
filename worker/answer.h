/* answer - what the process of a delivery prints when it is over: one JSON line. */
#ifndef WORKER_ANSWER_H
#define WORKER_ANSWER_H

#include "common/buf.h"

/* Appends {"outcome": …}, with a text under `key` unless that is NULL; without a newline. */
void answer_put(struct buf *out, const char *outcome, const char *key, const char *text);
/* Prints it as a line; the exit code of the process. */
int answer_print(struct buf *out);

#endif
