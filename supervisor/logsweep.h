/* logsweep - once after a start, the logs of jobs that are no more go.
 *
 * A purged job's log is removed after the commit that purged it (joblogs.h); a crash between the
 * two leaves the file behind.  A step looks at LOGSWEEP_FILES_MAX names, so that the loop is never
 * held long.  What is not named as a job's log is left alone. */
#ifndef SUPERVISOR_LOGSWEEP_H
#define SUPERVISOR_LOGSWEEP_H

#include "supervisor/store/store.h"
#include <dirent.h>

#define LOGSWEEP_FILES_MAX 256 /* names looked at in one step */

struct logsweep {
    struct store *store;
    const char   *state_dir;
    DIR          *dir;     /* of the folder that is looked at; NULL: not opened yet */
    unsigned      folder;  /* logs are in 256 folders; 256: it is over */
    uint64_t      removed; /* files */
};

/* Borrows both. */
void logsweep_init(struct logsweep *s, struct store *store, const char *state_dir);
void logsweep_done(struct logsweep *s);
bool logsweep_is_over(const struct logsweep *s);
/* Looks at the next files.  Between two transactions of the writer: a log whose job is not in the
 * store then is nobody's. */
void logsweep_step(struct logsweep *s);

#endif
