/* control - the socket that clients ask at: requests in, replies out.
 *
 * What is received is checked here once for all operations: frames, size, envelope, version, the
 * peer's role, requests in flight.  Writes become inputs of the engine; everything else is kept
 * aside until the turn's commit.  A reply never blocks: one that its client cannot take is dropped
 * and counted.  Fairness among clients is the socket's: it takes from its connections in turn. */
#ifndef SUPERVISOR_CONTROL_H
#define SUPERVISOR_CONTROL_H

#include "proto/codec.h"
#include "supervisor/clients.h"
#include "supervisor/inputs.h"
#include "supervisor/peers.h"

#define ASKED_MAX 8192 /* requests without a reply, of all clients */
/* Tags below this are not clients': the shell's own. */
#define CLIENT_TAG_MIN 65536

/* A request that has no reply yet. */
struct asked {
    struct asked  *next; /* for whoever keeps it in a list */
    uint64_t       tag;
    struct client *client;
    zmq_msg_t      frame; /* req borrows from it */
    struct request req;
    struct actor   actor;
    struct buf     actor_text;    /* the actor borrows from it */
    pid_t          pid;           /* of the client, as of when it connected */
    bool           has_delimiter; /* asked by a REQ socket: the reply has its empty frame too */
    struct buf     own_body;      /* what the body became while it waited */
    uint64_t       waits_for;     /* parked: a job, or 0 for the feed */
    int64_t        until_boot_ms; /* parked: not longer than this */
};

struct control_counts {
    uint64_t requests;
    uint64_t refused; /* before the engine saw them */
    uint64_t replies_dropped;
};

struct control;

/* Binds RUN/agentd.sock, open to `group` too unless it is NO_GROUP.  peers outlives the control. */
enum errc control_open(struct control **out, void *zmq, const char *run_dir, gid_t group,
                       struct peers *peers, struct err *e) MUST_CHECK;
void      control_close(struct control **c);
int       control_fd(const struct control *c);
/* To be asked before sleeping. */
bool control_has_input(const struct control *c);

/* Receives until nothing is left or the turn is full.  Writes are pushed to q with the tag as
 * client; the others wait for control_take_reads. */
void control_gather(struct control *c, struct inputs *q, struct turn_budget *budget);
/* Those that are served from the snapshot after the commit, oldest first. */
struct asked *control_take_reads(struct control *c);

/* The request of a tag, NULL when it has its reply. */
struct asked *control_find(const struct control *c, uint64_t tag);
/* Send the reply, forget the request and NULL the pointer.  body: one packed value. */
void control_reply(struct control *c, struct asked **a, struct view body);
void control_refuse(struct control *c, struct asked **a, const struct err *error);

struct control_counts control_counts(const struct control *c);
size_t                control_clients(const struct control *c);

#endif
