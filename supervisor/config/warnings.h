/* warnings - sentences, one a line, on their way to a log or a reply. */
#ifndef CONFIG_WARNINGS_H
#define CONFIG_WARNINGS_H

#include "common/buf.h"

/* Appends a packed list of the lines. */
void warnings_pack(struct view lines, struct buf *out);
void warnings_log(struct view lines);

#endif
