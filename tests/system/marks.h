/* marks - what handlers leave in the daemon's folder, and gates that hold them.
 *
 * Handlers find the folder in $DIR.  A handler writes a mark with `echo … >>$DIR/NAME`, and is held
 * at a gate by `read x <$DIR/NAME` until the test lets it through. */
#ifndef TESTS_MARKS_H
#define TESTS_MARKS_H

#include "tests/system/daemon.h"

/* Tells handlers of the folder: before the daemon is started. */
void marks_share(const struct daemon *d);
/* An executable file in the folder. */
void script_write(const struct daemon *d, const char *name, const char *text);
/* Waits until the file has at least this many lines: its text. */
const char *marks_wait(const struct daemon *d, const char *name, size_t lines, struct buf *text);
/* How many lines the file has now; 0 when it is not there. */
size_t marks_count(const struct daemon *d, const char *name);
/* The number that begins this line, from 0, of the file. */
int64_t marks_number(const struct daemon *d, const char *name, size_t line);

/* The gate, closed.  It stands while this descriptor is open. */
int  gate_make(const struct daemon *d, const char *name);
void gate_pass(int gate, size_t handlers);

#endif
