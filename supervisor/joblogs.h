/* joblogs - a piece of a job's log, which its worker writes (worker/joblog.h). */
#ifndef SUPERVISOR_JOBLOGS_H
#define SUPERVISOR_JOBLOGS_H

#include "common/buf.h"
#include "common/err.h"
#include <stdbool.h>
#include <stdint.h>

#define JOBLOGS_PIECE 65536

/* Appends {text, offset, size, ended}: at most JOBLOGS_PIECE bytes from `offset`, ending between
 * characters, bytes that are no UTF-8 replaced; offset is where the next piece begins.  A job that
 * wrote nothing has an empty log. */
enum errc joblogs_piece(const char *state_dir, uint64_t job, uint64_t offset, bool has_ended,
                        struct buf *reply, struct err *e) MUST_CHECK;

/* The log of a job that was purged; none is fine. */
void joblogs_remove(const char *state_dir, uint64_t job);

#endif
