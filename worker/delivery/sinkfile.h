/* sinkfile - the process that appends one effect to a file, or looks whether it is there.
 *
 * `agent-delivery --file PATH` appends the line on its standard input; with `--probe EFFECT
 * ATTEMPTED_AT_MS` it looks for a complete JSON object whose effect_id is EFFECT, and which was
 * perhaps appended at that time (Unix ms) or later.  It prints one JSON line:
 *
 *   {"outcome": "delivered", "receipt": "offset N"}   it is in the file, and the file is on disk
 *   {"outcome": "absent"}                             a probe has not found it, in a file that is
 *                                                     older than the attempt
 *   {"outcome": "unknown", "final": true, …}          a probe has not found it, and the file may be
 *                                                     another than the attempt's
 *   {"outcome": "failed", "message": …}               nothing of it is in the file
 *   {"outcome": "unknown", "message": …}              something was written, or may have been
 */
#ifndef DELIVERY_SINKFILE_H
#define DELIVERY_SINKFILE_H

#include "common/buf.h"
#include <stdint.h>

/* What the process does, as a function; the answer is appended to out, without a newline. */
void sinkfile_append(const char *path, struct view line, struct buf *out);
void sinkfile_probe(const char *path, uint64_t effect, int64_t attempted_at_ms, struct buf *out);
/* The process: returns its exit code. */
int sinkfile_main(int argc, char **argv);

#endif
