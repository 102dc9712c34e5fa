#include "supervisor/roles.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GROUPS_MAX 1024 /* of one user, looked at */

/* The number behind the last ':' before `end`, which moves there. */
static bool
number_before(const char *start, const char **end, uint32_t *out)
{
    const char *p = *end;
    uint64_t    v = 0;

    while (p > start && p[-1] != ':')
        p--;
    if (p == start || p == *end) return false;
    for (const char *digit = p; digit < *end; digit++) {
        if (*digit < '0' || *digit > '9') return false;
        v = v * 10 + (uint64_t)(*digit - '0');
        if (v > UINT32_MAX) return false;
    }
    *end = p - 1;
    *out = (uint32_t)v;
    return true;
}

bool
credentials_parse(const char *address, struct credentials *out)
{
    uint32_t    uid, gid, pid;
    const char *end;

    if (!address) return false;
    end = address + strlen(address);
    if (!number_before(address, &end, &pid) || !number_before(address, &end, &gid) ||
        !number_before(address, &end, &uid)) {
        return false;
    }
    *out = (struct credentials){.uid = uid, .gid = gid, .pid = (pid_t)pid};
    return true;
}

static void
set_group(struct roles *r, enum role role, const char *name, struct buf *warnings)
{
    const struct group *g = name[0] ? getgrnam(name) : NULL;

    r->groups[role].is_set = g != NULL;
    if (g) r->groups[role].gid = g->gr_gid;
    if (name[0] && !g) {
        buf_printf(warnings, "the group %s of the role %s does not exist\n", name, role_name(role));
    }
}

void
roles_set(struct roles *r, const char *operators, const char *submitters, const char *viewers,
          struct buf *warnings)
{
    r->cached = 0;
    set_group(r, ROLE_OPERATOR, operators, warnings);
    set_group(r, ROLE_SUBMIT, submitters, warnings);
    set_group(r, ROLE_VIEW, viewers, warnings);
}

static enum role
role_of_groups(const struct roles *r, const gid_t *gids, size_t count)
{
    for (enum role role = ROLE_OPERATOR; role > ROLE_NONE; role--) {
        if (!r->groups[role].is_set) continue;
        for (size_t i = 0; i < count; i++) {
            if (gids[i] == r->groups[role].gid) return role;
        }
    }
    return ROLE_NONE;
}

static enum role
look_up(const struct roles *r, const struct credentials *who)
{
    gid_t gids[GROUPS_MAX];
    int   count = GROUPS_MAX;

    if (who->uid == 0 || who->uid == geteuid()) return ROLE_ADMIN;
    const struct passwd *user = getpwuid(who->uid);
    if (!user || getgrouplist(user->pw_name, who->gid, gids, &count) < 0) {
        return role_of_groups(r, &who->gid, 1);
    }
    return role_of_groups(r, gids, (size_t)count);
}

enum role
roles_of(struct roles *r, const struct credentials *who)
{
    for (size_t i = 0; i < r->cached; i++) {
        if (r->cache[i].uid == who->uid && r->cache[i].gid == who->gid) return r->cache[i].role;
    }
    if (r->cached == ROLES_CACHED) r->cached = 0;
    enum role role = look_up(r, who);
    r->cache[r->cached].uid = who->uid;
    r->cache[r->cached].gid = who->gid;
    r->cache[r->cached].role = role;
    r->cached++;
    return role;
}

bool
roles_socket_group(const struct roles *r, gid_t *out)
{
    for (enum role role = ROLE_VIEW; role < ROLE_ADMIN; role++) {
        if (!r->groups[role].is_set) continue;
        *out = r->groups[role].gid;
        return true;
    }
    return false;
}
