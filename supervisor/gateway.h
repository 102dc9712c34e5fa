/* gateway - the agent-gateway process: started, watched, replaced, ended (I1, I2); and the way to
 * it.
 *
 *     DOWN ──start──▶ UP ──TERM──▶ ENDING ──exit──▶ DOWN
 *                      └── KILL: it is silent, or takes no messages ──▶ KILLED ──exit──▶ DOWN
 *
 * One that ends unasked is replaced as deaths.h says, and what it wrote to its standard output is
 * the reason that status tells; a reload tries at once.  It is heard whenever it asks something
 * (peers.h); its end is told to the engine (INPUT_GATEWAY_GONE).  What agentd has to say goes over
 * RUN/gateway.sock, which each process gets anew and only it may connect to. */
#ifndef SUPERVISOR_GATEWAY_H
#define SUPERVISOR_GATEWAY_H

#include "common/mp.h"
#include "supervisor/config/config.h"
#include "supervisor/inputs.h"
#include "supervisor/peers.h"
#include "supervisor/poller.h"
#include "supervisor/pool.h"

struct gateway;

/* All of it outlives the gateway. */
struct gateway_parts {
    void                     *zmq;
    struct poller            *poller;
    struct inputs            *inputs;
    struct pool              *pool;
    struct peers             *peers;
    const struct spawn_setup *setup;
};

/* The group of the user that it is to run as, which then must pass the run folder; false when it
 * runs as we do. */
bool gateway_group(const struct config *c, gid_t *out);

/* Finds the program: from now on that one is started, whatever becomes of its file (N33). */
struct gateway *gateway_new(const struct gateway_parts *parts);
/* The process must have ended, or is left to PDEATHSIG. */
void gateway_destroy(struct gateway **g);

/* What is wanted; one that runs with other settings is started anew, and with the same reads the
 * files of its page again.  socket_group: of the run
 * folder.  Sentences about what cannot be had go to warnings; an unknown user, or a page's folder
 * that is not there, leaves all as it was. */
void gateway_set(struct gateway *g, const struct config *c, gid_t socket_group,
                 struct buf *warnings);
/* Starts, ends and kills what is to be by now; after the clients were heard.  stall_ms: how long we
 * ourselves were kept from hearing it. */
void    gateway_on_time(struct gateway *g, int64_t boot_ms, int64_t stall_ms);
int64_t gateway_deadline(const struct gateway *g);

/* OUT_TO_GATEWAY.  One that cannot be sent now is dropped when may_drop; else the process is taken
 * for stuck, and ended. */
void gateway_send(struct gateway *g, struct view message, bool may_drop);

/* The planned stop: TERM now, KILL at kill_boot_ms; it is not started again. */
void gateway_stop(struct gateway *g, int64_t kill_boot_ms);
bool gateway_is_down(const struct gateway *g);

/* The value of `gateway` in status, and the lines that warn there. */
void gateway_status(const struct gateway *g, int64_t boot_ms, struct buf *out);
void gateway_warn(const struct gateway *g, int64_t boot_ms, struct buf *lines);

#endif
