/* joblog - the log of one job: STATE/logs/XX/ID.log, XX being ID % 256 in hex.
 *
 * One line "TIME attempt stream text" for each line that the handler wrote; the stream is out, err
 * or the level of a log line.  The file is made at the first line, mode 0600, and appended to by
 * all attempts of the job.  At `max` bytes a last line says so and later ones are discarded. */
#ifndef WORKER_JOBLOG_H
#define WORKER_JOBLOG_H

#include "common/buf.h"
#include "common/err.h"
#include <stdbool.h>
#include <stdint.h>

#define JOBLOG_MAX_DEFAULT 1048576

struct joblog {
    const char *folder; /* STATE/logs, borrowed */
    uint64_t    job;
    uint64_t    attempt;
    uint64_t    max;
    int         fd;      /* -1: not open */
    bool        is_full; /* or broken: lines are discarded */
    uint64_t    size;    /* of the file, pending lines included */
    struct buf  pending; /* lines that are not written yet */
    struct err  error;   /* what broke it; code E_OK: nothing, or already told */
};

void joblog_init(struct joblog *l, const char *folder, uint64_t job, uint64_t attempt,
                 uint64_t max);
void joblog_done(struct joblog *l); /* drops what is pending */
/* Keeps a line; text may be any bytes.  An error waits for joblog_flush. */
void joblog_add(struct joblog *l, int64_t wall_ms, const char *stream, struct view text);
/* Writes what is pending.  An error is told once; from then on the log discards. */
enum errc joblog_flush(struct joblog *l, struct err *e) MUST_CHECK;

#endif
