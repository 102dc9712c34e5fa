/* stream - what we read of a handler's standard output or error. */
#ifndef WORKER_STREAM_H
#define WORKER_STREAM_H

#include "worker/lines.h"
#include <stdbool.h>
#include <sys/types.h>

#define STREAM_CHUNK 65536 /* bytes read of one stream in one turn of the loop */

struct lease;

struct stream {
    struct lease *lease;
    int           fd; /* non-blocking; -1: closed */
    bool          is_error;
    bool          is_input; /* we write it: a persistent handler's standard input */
    struct lines  lines;
};

void stream_init(struct stream *s, struct lease *lease, bool is_error, bool has_protocol);
void stream_done(struct stream *s);
void stream_close(struct stream *s);
/* Reads once.  >0: bytes in `chunk`; 0: nothing there now; -1: the end, or an error: it is closed.
 */
ssize_t stream_read(struct stream *s, char *chunk, size_t size);

#endif
