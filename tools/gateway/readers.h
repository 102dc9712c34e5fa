/* readers - who reads which session, here and at agentd.
 *
 * agentd hands a message over when its session has a reader; so each reader is attached on behalf
 * of the token that it showed, whether the session is there or not, and detached when it goes, in
 * bounded numbers at a time and in order.  After each hello all are attached anew.
 *
 * Of which company a reader is, agentd says (gateway.attached) before the first that is for it. */
#ifndef TOOLS_GATEWAY_READERS_H
#define TOOLS_GATEWAY_READERS_H

#include "tools/gateway/client.h"

struct readers;
struct reader;

/* What comes for a reader; nothing of it may add or remove a reader. */
struct reader_calls {
    void (*attached)(struct reader *r); /* its token is good: what comes for the session is its */
    void (*refused)(struct reader *r, const struct err *error); /* it never will be, or no more */
    void (*deliver)(struct reader *r, uint64_t effect, struct view document);
    void (*delta)(struct reader *r, uint64_t piece, struct view text);
};

/* Embedded in whoever reads. */
struct reader {
    const struct reader_calls *calls;
    struct reader             *next;  /* in its bucket */
    struct order              *order; /* to attach it; without an answer yet */
    const char                *token_hash;
    char                      *wanted_company;
    char                      *company; /* NULL: it is not attached */
    char                      *key;     /* NULL: it is not added */
};

struct readers *readers_new(struct client *client);
void            readers_destroy(struct readers **p); /* after its readers */

/* Adds it, and has it attached.  company: "" for the token's, or the default one; token_hash must
 * outlive it. */
void readers_add(struct readers *rs, struct reader *r, const char *company, const char *key,
                 const char *token_hash);
/* Also of one that was not added. */
void readers_remove(struct readers *rs, struct reader *r);
/* agentd has been told hello: it knows of no reader. */
void readers_restart(struct readers *rs);
/* Is called when agentd's count of readers may be wrong, one of them lost: hello is to be said. */
void readers_on_doubt(struct readers *rs, void (*on_doubt)(void *arg), void *arg);

void readers_attached(struct readers *rs, const struct msg_gateway_attached *m);
void readers_removed(struct readers *rs, const struct msg_gateway_removed *m);
void readers_revoked(struct readers *rs, const struct msg_gateway_revoked *m);
void readers_deliver(struct readers *rs, const struct msg_gateway_deliver *m);
void readers_delta(struct readers *rs, const struct msg_gateway_delta *m);

#endif
