#include "tools/agentctl/client.h"
#include "common/clock.h"
#include "proto/codec.h"
#include "tools/control/connection.h"
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#define REPLY_BYTES_MAX (64 << 20)
#define RESTART_MS      3000 /* a look waits so long for a daemon that is gone: systemd's restart */

struct ctl_client {
    void             *context;
    struct connection connection;
    char             *path;
    int               interrupt_fd; /* -1: none */
    uint64_t          last_id;
    bool              is_interrupted;
};

/* ---- connect --------------------------------------------------------------- */

/* libzmq goes on trying in silence, so whether anybody listens is asked of the kernel: 0, or the
 * errno of a connection to them. */
static int
connect_errno(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int                fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int                number = 0;

    assert(strlen(path) < sizeof(address.sun_path));
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (fd < 0) return errno;
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) number = errno;
    (void)close(fd); /* nothing was written */
    return number == EAGAIN ? 0 : number;
}

static bool
is_nobody(int number)
{
    return number == ENOENT || number == ECONNREFUSED || number == ENOTDIR;
}

static enum ctl_exit
probe(const char *path, bool *is_absent, struct err *e)
{
    int length = (int)strlen(path);
    int number = connect_errno(path);

    if (number == 0) return CTL_DONE;
    *is_absent = is_nobody(number);
    if (*is_absent) {
        char *slash = strrchr(path, '/');

        if (slash) length = (int)(slash - path);
        err_set(e, E_BUSY, "no agentd at %.*s", length, path);
        err_hint(e, "start it with: agentd --run %.*s", length, path);
    } else {
        errno = number;
        err_errno(e, "cannot reach agentd at %s", path);
    }
    return CTL_NO_ANSWER;
}

enum ctl_exit
ctl_client_new(const char *path, struct ctl_client **out, bool *is_absent, struct err *e)
{
    enum ctl_exit found = probe(path, is_absent, e);

    if (found) return found;
    struct ctl_client *cl = xcalloc(1, sizeof(*cl));
    cl->path = xstrdup(path);
    cl->interrupt_fd = -1;
    cl->context = zmq_ctx_new();
    if (connection_open(&cl->connection, cl->context, ZMQ_DEALER, path, REPLY_BYTES_MAX, e)) {
        ctl_client_destroy(&cl);
        return CTL_REFUSED;
    }
    *out = cl;
    return CTL_DONE;
}

void
ctl_client_destroy(struct ctl_client **p)
{
    struct ctl_client *cl = *p;

    if (!cl) return;
    connection_close(&cl->connection);
    if (cl->context) (void)zmq_ctx_term(cl->context); /* it has no socket left */
    free(cl->path);
    free(cl);
    *p = NULL;
}

void
ctl_client_interrupt_by(struct ctl_client *cl, int fd)
{
    cl->interrupt_fd = fd;
}

bool
ctl_client_is_interrupted(const struct ctl_client *cl)
{
    return cl->is_interrupted;
}

/* ---- ask ------------------------------------------------------------------- */

/* A request under way. */
struct asking {
    enum msg_id id;
    uint64_t    number; /* that the answer echoes */
    struct buf  frame;
    int64_t     until_ms;  /* boot time */
    int64_t     broken_ms; /* boot time: since when there is no connection, when there is none */
    unsigned    sends;
    bool        is_outstanding; /* sent, and the connection stands since */
    struct buf *reply;
};

/* True when one of the messages that have come is the answer; *outcome then says what it is. */
static bool
take_answer(struct ctl_client *cl, struct asking *a, enum ctl_exit *outcome, struct err *e)
{
    BUF_AUTO struct buf frame = {0};

    while (connection_receive(&cl->connection, &frame)) {
        struct err  refusal;
        struct view body;
        uint64_t    number = 0;
        enum errc   code = reply_open(buf_view(&frame), &number, &body, &refusal);

        /* A request that agentd could not read is answered with 0. */
        if (number != a->number && (number != 0 || !code)) continue;
        if (code) *e = refusal;
        *outcome = (enum ctl_exit)errc_exit(code);
        buf_clear(a->reply);
        if (!code) buf_add_view(a->reply, body);
        return true;
    }
    return false;
}

/* What was outstanding broke with the connection. */
static void
take_changes(struct ctl_client *cl, struct asking *a)
{
    enum connection_change change;

    while ((change = connection_change(&cl->connection)) != CONNECTION_SAME) {
        if (change == CONNECTION_UP) continue;
        a->is_outstanding = false;
        a->broken_ms = clock_now().boot_ms;
    }
}

/* Whether it ends when the daemon does: what was changed is asked for again as long as there is
 * time, and what waits for something outlives a restart. */
static bool
needs_daemon(const struct asking *a)
{
    if (a->id == MSG_JOB_WAIT || a->id == MSG_FEED_READ || a->id == MSG_JOB_LOGS) return false;
    return a->sends == 0 || !connection_op_changes(a->id);
}

/* Nobody has listened for as long as a restart takes. */
static bool
is_gone(const struct ctl_client *cl, struct asking *a)
{
    int64_t now_ms = clock_now().boot_ms;

    if (cl->connection.is_up || !needs_daemon(a) || now_ms < a->broken_ms + RESTART_MS)
        return false;
    if (is_nobody(connect_errno(cl->path))) return true;
    a->broken_ms = now_ms; /* busy, or just there again: it is looked at later */
    return false;
}

static void
try_send(struct ctl_client *cl, struct asking *a)
{
    if (!connection_send(&cl->connection, buf_view(&a->frame))) return;
    a->sends++;
    a->is_outstanding = true;
}

static int64_t
left_ms(const struct asking *a)
{
    int64_t left = a->until_ms - clock_now().boot_ms;

    return left > 0 ? left : 0;
}

/* How long to wait for something to happen. */
static int64_t
pause_ms(const struct ctl_client *cl, const struct asking *a)
{
    int64_t left = left_ms(a), look = a->broken_ms + RESTART_MS - clock_now().boot_ms;

    if (cl->connection.is_up || !needs_daemon(a) || look > left) return left;
    return look > 0 ? look : 0;
}

/* Until something happens; sends when that is due and possible. */
static void
wait_a_while(struct ctl_client *cl, struct asking *a)
{
    bool           wants_send = cl->connection.is_up && !a->is_outstanding;
    zmq_pollitem_t items[] = {
        {cl->connection.socket,  0,                ZMQ_POLLIN, 0},
        {cl->connection.monitor, 0,                ZMQ_POLLIN, 0},
        {NULL,                   cl->interrupt_fd, ZMQ_POLLIN, 0}
    };
    int count = cl->interrupt_fd >= 0 ? 3 : 2;

    if (wants_send) items[0].events |= ZMQ_POLLOUT;
    if (zmq_poll(items, count, (long)pause_ms(cl, a)) < 0)
        return; /* a signal: the caller looks again */
    if (count == 3 && items[2].revents) cl->is_interrupted = true;
    /* A connection that broke meanwhile is told by the monitor first. */
    if (wants_send && !items[1].revents && items[0].revents & ZMQ_POLLOUT) try_send(cl, a);
}

static enum ctl_exit
give_up(const struct ctl_client *cl, const struct asking *a, struct err *e)
{
    const char *op = msg_desc(a->id)->op;

    if (a->sends > 0 && connection_op_changes(a->id)) {
        err_set(e, E_OUTCOME_UNKNOWN, "agentd did not answer %s; it may have been done, or not",
                op);
        err_hint(e, "look before you repeat it: agentctl job list, schedule list, or status");
        return CTL_OUTCOME_UNKNOWN;
    }
    if (a->sends == CONNECTION_SENDS_MAX && !a->is_outstanding) {
        err_set(e, E_BUSY, "agentd at %s went away twice before it answered %s", cl->path, op);
    } else if (!cl->connection.is_up && (a->sends > 0 || is_nobody(connect_errno(cl->path)))) {
        err_set(e, E_BUSY, "agentd at %s went away before it answered %s", cl->path, op);
    } else {
        err_set(e, E_BUSY, "agentd at %s did not answer %s in time", cl->path, op);
        err_hint(e, "wait longer with --timeout, or look at the daemon's log");
    }
    return CTL_NO_ANSWER;
}

static enum ctl_exit
ask(struct ctl_client *cl, struct asking *a, struct err *e)
{
    for (;;) {
        enum ctl_exit outcome;

        if (take_answer(cl, a, &outcome, e)) return outcome;
        take_changes(cl, a);
        if (cl->is_interrupted || left_ms(a) == 0 || is_gone(cl, a)) return give_up(cl, a, e);
        if (a->sends == CONNECTION_SENDS_MAX && !a->is_outstanding) return give_up(cl, a, e);
        wait_a_while(cl, a);
    }
}

enum ctl_exit
ctl_client_ask(struct ctl_client *cl, enum msg_id op, struct view body, int64_t timeout_ms,
               struct buf *reply, struct err *e)
{
    struct asking a = {.id = op, .number = ++cl->last_id, .reply = reply};
    char          request_id[REQUEST_ID_SIZE] = "";

    if (connection_op_changes(op) && connection_request_id(request_id, e)) return CTL_REFUSED;
    a.broken_ms = clock_now().boot_ms;
    a.until_ms = a.broken_ms + timeout_ms;
    request_pack(a.number, op, body, view_str(request_id), &a.frame);
    enum ctl_exit outcome = ask(cl, &a, e);
    buf_done(&a.frame);
    return outcome;
}
