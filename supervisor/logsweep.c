#include "supervisor/logsweep.h"

#include "common/log.h"
#include "common/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOLDERS 256 /* by the job's number, as workers make them */

void
logsweep_init(struct logsweep *s, struct store *store, const char *state_dir)
{
    *s = (struct logsweep){.store = store, .state_dir = state_dir};
}

void
logsweep_done(struct logsweep *s)
{
    if (s->dir) (void)closedir(s->dir);
    s->dir = NULL;
}

bool
logsweep_is_over(const struct logsweep *s)
{
    return s->folder == FOLDERS;
}

static void
leave_folder(struct logsweep *s)
{
    logsweep_done(s);
    s->folder++;
    if (logsweep_is_over(s) && s->removed > 0)
        log_info("logs of purged jobs removed", "count=%" PRIu64, s->removed);
}

/* False: there is none of this number, or it cannot be read. */
static bool
enter_folder(struct logsweep *s)
{
    FREE_AUTO char *path = xasprintf("%s/logs/%02x", s->state_dir, s->folder);

    s->dir = opendir(path);
    if (!s->dir && errno != ENOENT)
        log_warn("logs cannot be looked at", "path=%s error=%s", log_quote(path), strerror(errno));
    return s->dir;
}

/* The job whose log has this name in this folder; 0 for another file. */
static uint64_t
job_of(const struct logsweep *s, const char *name)
{
    char     expected[32], *end;
    uint64_t job = strtoull(name, &end, 10);

    (void)snprintf(expected, sizeof(expected), "%" PRIu64 ".log", job); /* fits */
    return strcmp(name, expected) == 0 && job % FOLDERS == s->folder ? job : 0;
}

static void
look_at(struct logsweep *s, struct txn *t, const char *name)
{
    struct job_state j = {.id = job_of(s, name)};

    if (j.id == 0 || job_state_load(t, &j) != LOAD_ABSENT) return;
    if (unlinkat(dirfd(s->dir), name, 0) == 0) {
        s->removed++;
    } else if (errno != ENOENT) {
        log_warn("a purged job's log stays", "job=%" PRIu64 " error=%s", j.id, strerror(errno));
    }
}

void
logsweep_step(struct logsweep *s)
{
    struct err     e;
    struct txn    *t = txn_begin_read(s->store, &e);
    struct dirent *entry;

    if (!t) {
        log_warn("logs of purged jobs may stay", "error=%s", log_quote(e.msg));
        s->folder = FOLDERS; /* the next start looks again */
        return;
    }
    for (unsigned n = 0; n < LOGSWEEP_FILES_MAX && !logsweep_is_over(s); n++) {
        if (!s->dir && !enter_folder(s)) {
            leave_folder(s);
        } else if ((entry = readdir(s->dir))) {
            look_at(s, t, entry->d_name);
        } else {
            leave_folder(s);
        }
    }
    txn_abort(&t);
}
