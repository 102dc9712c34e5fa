/* readers - who reads which session, here and at agentd.
 *
 * agentd hands a message over when its session has a reader; so each reader is attached, and
 * detached when it goes, in bounded numbers at a time and in order.  One that agentd refuses is
 * told, and tries again.  After each hello all are attached anew. */
#ifndef TOOLS_GATEWAY_READERS_H
#define TOOLS_GATEWAY_READERS_H

#include "tools/gateway/client.h"

struct readers;
struct reader;

/* What comes for a reader; nothing of it may add or remove a reader. */
struct reader_calls {
    void (*deliver)(struct reader *r, uint64_t effect, struct view document);
    void (*delta)(struct reader *r, struct view text);
    void (*refused)(struct reader *r); /* it is not attached: readers_attach tries again */
};

/* Embedded in whoever reads. */
struct reader {
    const struct reader_calls *calls;
    struct reader             *next;    /* in its bucket */
    struct order              *order;   /* under way */
    char                      *company; /* NULL: it is not added */
    char                      *key;
    bool                       is_attached;
};

struct readers *readers_new(struct client *client);
void            readers_destroy(struct readers **p); /* after its readers */

/* Adds it; from now on what comes for the session is handed to it. */
void readers_add(struct readers *rs, struct reader *r, struct view company, struct view key);
/* Tries again; also of one that is attached, or is being attached. */
void readers_attach(struct readers *rs, struct reader *r);
/* Also of one that was not added. */
void readers_remove(struct readers *rs, struct reader *r);
/* agentd has been told hello: it knows of no reader. */
void readers_restart(struct readers *rs);

void readers_deliver(struct readers *rs, const struct msg_gateway_deliver *m);
void readers_delta(struct readers *rs, const struct msg_gateway_delta *m);

#endif
