/* roles - what a user of this machine may ask, by the credentials of its connection.
 *
 * root and the daemon's own user are admin; members of the configured groups are operator, submit
 * or view; everybody else has no role. */
#ifndef SUPERVISOR_ROLES_H
#define SUPERVISOR_ROLES_H

#include "common/buf.h"
#include "proto/codec.h"
#include <sys/types.h>

#define ROLES_CACHED 256

/* The credentials of a peer, as the kernel noted them when it connected. */
struct credentials {
    uid_t uid;
    gid_t gid;
    pid_t pid; /* a hint: it may be used again */
};
/* Reads "ADDRESS:uid:gid:pid", libzmq's Peer-Address of an ipc connection; NULL is false. */
bool credentials_parse(const char *address, struct credentials *out);

struct roles {
    struct {
        bool  is_set;
        gid_t gid;
    } groups[ROLE_ADMIN]; /* by role */
    struct {
        uid_t     uid;
        gid_t     gid;
        enum role role;
    } cache[ROLES_CACHED];
    size_t cached;
};

/* Names of groups, "" for none.  Forgets what was cached.  A group that does not exist gives nobody
 * a role; a sentence about it, and a newline, is added to warnings. */
void roles_set(struct roles *r, const char *operators, const char *submitters, const char *viewers,
               struct buf *warnings);
/* May ask the system's user database once per user. */
enum role roles_of(struct roles *r, const struct credentials *who);
/* The group that may pass the run folder and open the sockets: that of the widest role which has
 * one; false when no group has a role. */
bool roles_socket_group(const struct roles *r, gid_t *out);

#endif
