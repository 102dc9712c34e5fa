/* link - the way to one worker: a socket of its own, and the reports that came before it was
 * connected.
 *
 * The socket is bound once and serves every process in this place, one after the other.  A worker
 * may report before its end of it is there; what it then says is kept until an answer could be
 * sent.
 */
#ifndef SUPERVISOR_LINK_H
#define SUPERVISOR_LINK_H

#include "supervisor/inputs.h"
#include "supervisor/poller.h"

#define LINK_EARLY_MAX 64

struct link {
    struct poller *poller;
    struct inputs *inputs;
    struct input   as; /* the report input that a frame becomes: worker and generation */
    void          *push;
    struct watch   watch; /* until it is connected */
    bool           is_connected;
    zmq_msg_t      early[LINK_EARLY_MAX];
    size_t         nearly;
};

void link_init(struct link *l, struct poller *poller, struct inputs *inputs);
void link_done(struct link *l);
/* A process is about to start in the place: binds RUN/worker-N.sock when it is not yet. */
enum errc link_expect(struct link *l, void *zmq, const char *run_dir, uint32_t worker,
                      struct err *e) MUST_CHECK;
/* It has started: its reports are of this generation. */
void link_begin(struct link *l, uint32_t worker, uint64_t generation);
/* It has ended, or was never started. */
void link_end(struct link *l);

/* False when the message cannot be sent now. */
bool link_send(struct link *l, struct view message) MUST_CHECK;
/* Takes the frame; false when too many came before it was connected. */
bool link_report(struct link *l, zmq_msg_t *frame) MUST_CHECK;

#endif
