/* account - the user that a handler runs as. */
#ifndef WORKER_ACCOUNT_H
#define WORKER_ACCOUNT_H

#include "common/err.h"
#include "common/mem.h"
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct account {
    const char *name;
    const char *home;
    uid_t       uid;
    gid_t       gid;
    gid_t      *groups;
    size_t      group_count;
    bool        is_ours; /* the user that we are anyway: nothing has to change */
};

/* Looks the user up; the strings are in the arena.  Fails when there is no such user, or when we
 * are neither root nor that user.  It asks the system's name services, so a slow one slows the
 * loop. */
enum errc account_find(struct arena *arena, struct view name, struct account *out,
                       struct err *e) MUST_CHECK;

#endif
