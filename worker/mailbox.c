#include "worker/mailbox.h"

#include "common/mem.h"
#include "proto/messages.h"
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>

static enum errc
zmq_failed(struct err *e, const char *what)
{
    return err_set(e, E_INTERNAL, "%s: %s", what, zmq_strerror(zmq_errno()));
}

static enum errc
open_inbox(struct mailbox *m, const char *run_folder, uint64_t worker, struct err *e)
{
    FREE_AUTO char *endpoint = xasprintf("ipc://%s/worker-%" PRIu64 ".sock", run_folder, worker);
    int64_t         size_max = WORKER_MESSAGE_MAX;
    size_t          fd_size = sizeof(m->fd);

    m->inbox = zmq_socket(m->zmq, ZMQ_PULL);
    if (!m->inbox || zmq_setsockopt(m->inbox, ZMQ_MAXMSGSIZE, &size_max, sizeof(size_max)) != 0 ||
        zmq_connect(m->inbox, endpoint) != 0 ||
        zmq_getsockopt(m->inbox, ZMQ_FD, &m->fd, &fd_size) != 0) {
        return zmq_failed(e, endpoint);
    }
    return E_OK;
}

static enum errc
open_reports(struct mailbox *m, const char *run_folder, struct err *e)
{
    FREE_AUTO char *endpoint = xasprintf("ipc://%s/reports.sock", run_folder);
    int             no_limit = 0;

    m->reports = zmq_socket(m->zmq, ZMQ_PUSH);
    if (!m->reports || zmq_setsockopt(m->reports, ZMQ_SNDHWM, &no_limit, sizeof(no_limit)) != 0 ||
        zmq_connect(m->reports, endpoint) != 0) {
        return zmq_failed(e, endpoint);
    }
    return E_OK;
}

enum errc
mailbox_open(struct mailbox *m, const char *run_folder, uint64_t worker, struct err *e)
{
    *m = (struct mailbox){.zmq = zmq_ctx_new(), .fd = -1};
    if (!m->zmq) return zmq_failed(e, "zmq_ctx_new");
    if (open_reports(m, run_folder, e) || open_inbox(m, run_folder, worker, e)) {
        mailbox_close(m, 0);
        return e->code;
    }
    return E_OK;
}

static void
close_socket(void **socket, int linger_ms)
{
    if (!*socket) return;
    (void)zmq_setsockopt(*socket, ZMQ_LINGER, &linger_ms, sizeof(linger_ms)); /* an int suits it */
    (void)zmq_close(*socket);
    *socket = NULL;
}

void
mailbox_close(struct mailbox *m, int linger_ms)
{
    close_socket(&m->inbox, 0);
    close_socket(&m->reports, linger_ms);
    if (m->zmq) (void)zmq_ctx_term(m->zmq); /* waits for the linger */
    m->zmq = NULL;
}

enum errc
mailbox_take(struct mailbox *m, zmq_msg_t *frame, bool *has, struct err *e)
{
    *has = false;
    if (zmq_msg_recv(frame, m->inbox, ZMQ_DONTWAIT) < 0) {
        if (zmq_errno() == EAGAIN || zmq_errno() == EINTR) return E_OK;
        return zmq_failed(e, "receive");
    }
    if (zmq_msg_more(frame)) return err_set(e, E_BAD_REQUEST, "a message of more than one part");
    *has = true;
    return E_OK;
}
