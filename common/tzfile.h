/* tzfile - the files of the system's time zones. */
#ifndef COMMON_TZFILE_H
#define COMMON_TZFILE_H

#include "common/buf.h"
#include <stdbool.h>

/* Where they are: TZDIR of the environment, as the C library has it, else /usr/share/zoneinfo. */
const char *tzfile_folder(void);

/* The zone's file (see tz_parse) appended to out; false when the name is none of a zone below the
 * folder, or there is no such file.  A name cannot lead out of the folder. */
bool tzfile_read(const char *folder, struct view name, struct buf *out);
/* Whether it is UTC, or a zone of the system's whose file can be used. */
bool tzfile_has(struct view name);

#endif
