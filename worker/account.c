#include "worker/account.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENTRY_BYTES 16384

static void
find_groups(struct arena *arena, struct account *out)
{
    int count = NGROUPS_MAX;

    out->groups = arena_alloc(arena, (size_t)count * sizeof(gid_t));
    if (getgrouplist(out->name, out->gid, out->groups, &count) < 0) {
        count = 1; /* more groups than any process can have: only its own */
        out->groups[0] = out->gid;
    }
    out->group_count = (size_t)count;
}

enum errc
account_find(struct arena *arena, struct view name, struct account *out, struct err *e)
{
    const char   *wanted = arena_printf(arena, "%.*s", VIEW_ARG(name));
    char         *bytes = arena_alloc(arena, ENTRY_BYTES);
    struct passwd entry, *found = NULL;

    int rc = getpwnam_r(wanted, &entry, bytes, ENTRY_BYTES, &found);
    if (!found) {
        errno = rc;
        return rc ? err_errno(e, "user %s", wanted)
                  : err_set(e, E_NOT_FOUND, "there is no user %s on this machine", wanted);
    }
    struct account account = {
        .name = wanted,
        .home = entry.pw_dir,
        .uid = entry.pw_uid,
        .gid = entry.pw_gid,
        .is_ours = entry.pw_uid == geteuid(),
    };
    if (!account.is_ours && geteuid() != 0) {
        return err_set(e, E_DENIED, "cannot run as user %s: agentd does not run as root", wanted);
    }
    if (!account.is_ours) find_groups(arena, &account);
    *out = account;
    return E_OK;
}
