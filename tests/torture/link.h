/* link - a client's connection to agentd, which is killed all the time.
 *
 * A request is asked once and answered, or not: then the socket is made anew, so that nothing asked
 * before can be confused with what is asked next. */
#ifndef TESTS_LINK_H
#define TESTS_LINK_H

#include "common/buf.h"
#include "proto/codec.h"

#define LINK_WAIT_MS 300 /* for a reply; agentd may just have been killed */

enum answer {
    ANSWER_YES,  /* body is the reply's */
    ANSWER_NO,   /* error says why */
    ANSWER_NONE, /* nobody knows whether it was done */
};

struct link {
    char       endpoint[128];
    void      *zmq;
    void      *socket;
    uint64_t   id;    /* of the last request */
    struct buf body;  /* of the last reply, packed */
    struct err error; /* of the last refusal */
};

void link_open(struct link *l, const char *run_folder);
void link_close(struct link *l);

/* body: JSON text.  request_id: NULL for none. */
enum answer link_ask(struct link *l, enum msg_id op, const char *body, const char *request_id,
                     int64_t wait_ms);
/* Asks again, with the same request_id, until there is an answer that settles it: yes, or a no for
 * another reason than that agentd is just stopping.  At most `tries` times; 0: for ever. */
enum answer link_insist(struct link *l, enum msg_id op, const char *body, const char *request_id,
                        unsigned tries);

#endif
