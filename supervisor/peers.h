/* peers - who asks: a user of this machine, by the role of its groups (roles.h); or agentd's own
 * gateway, known by its process, which speaks for whoever showed it a token (N36).
 *
 * Here stands everything that is judged of the asker before a request goes further. */
#ifndef SUPERVISOR_PEERS_H
#define SUPERVISOR_PEERS_H

#include "supervisor/engine/engine.h"
#include "supervisor/roles.h"

struct peers {
    struct roles *roles;
    struct store *store;
    pid_t         gateway;     /* 0: there is none */
    uid_t         gateway_uid; /* the user that it runs as */
    bool          is_heard;    /* it has asked something since this was last set to false */
};

/* Who asks over a connection of `who`, and that it may: E_UNAUTHENTICATED, E_DENIED.  The actor's
 * texts are in *text, which outlives it. */
enum errc peers_judge(struct peers *p, const struct credentials *who, const struct request *req,
                      struct actor *out, struct buf *text, struct err *e) MUST_CHECK;

#endif
