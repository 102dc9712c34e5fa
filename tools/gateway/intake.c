#include "tools/gateway/intake.h"

#include "common/buf.h"
#include "common/log.h"
#include "tools/gateway/frames.h"
#include "tools/gateway/reply.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LINGER_BYTES (16 << 20) /* of a refused request, read and thrown away */

enum stage {
    STAGE_NONE,    /* no connection of ours */
    STAGE_HEAD,    /* a request's head is awaited */
    STAGE_BODY,    /* … and its body */
    STAGE_BUSY,    /* it is served */
    STAGE_OPEN,    /* a WebSocket */
    STAGE_REFUSED, /* it is answered, and nothing more of it is taken */
};

struct intake {
    enum stage    stage;
    bool          is_stranger;
    int64_t       left;  /* of the body; REFUSED: to be thrown away */
    struct buf    bytes; /* of the head: as many as have come, until it is forgotten */
    struct head   head;  /* … what they say; empty before they are whole */
    struct frames frames;
};

/* Of the thread on purpose: the function below has the C library's signature, and libzmq's thread
 * calls it, too. */
static _Thread_local struct {
    struct intake   *all; /* by descriptor */
    size_t           count;
    struct counters *counters;
} here;

void
intake_open(size_t descriptors, struct counters *counters)
{
    here.all = xcalloc(descriptors, sizeof(*here.all));
    here.count = descriptors;
    here.counters = counters;
}

void
intake_close(void)
{
    for (size_t i = 0; i < here.count; i++)
        buf_done(&here.all[i].bytes);
    free(here.all);
    here.all = NULL;
    here.count = 0;
}

void
intake_begin(struct lws *wsi)
{
    size_t fd = (size_t)lws_get_socket_fd(wsi);

    if (fd >= here.count) return; /* the limit of descriptors forbids it */
    here.all[fd] = (struct intake){.stage = STAGE_HEAD, .is_stranger = true};
    lws_set_opaque_user_data(wsi, &here.all[fd]);
}

void
intake_end(struct lws *wsi)
{
    struct intake *i = lws_get_opaque_user_data(wsi);

    if (!i) return;
    buf_done(&i->bytes);
    *i = (struct intake){0};
}

const struct head *
intake_head(const struct lws *wsi)
{
    static const struct head none;
    const struct intake     *i = lws_get_opaque_user_data(wsi);

    return i ? &i->head : &none;
}

static void
forget_head(struct intake *i)
{
    buf_done(&i->bytes);
    i->head = (struct head){0};
}

void
intake_forget(struct lws *wsi)
{
    struct intake *i = lws_get_opaque_user_data(wsi);

    if (i) forget_head(i);
}

void
intake_next(struct lws *wsi)
{
    struct intake *i = lws_get_opaque_user_data(wsi);

    if (!i || i->stage != STAGE_BUSY) return;
    forget_head(i);
    i->stage = STAGE_HEAD;
}

bool
intake_is_stranger(const struct lws *wsi)
{
    const struct intake *i = lws_get_opaque_user_data(wsi);

    return i && i->is_stranger;
}

void
intake_meet(struct lws *wsi)
{
    struct intake *i = lws_get_opaque_user_data(wsi);

    if (i) i->is_stranger = false;
}

/* ---- reading --------------------------------------------------------------- */

static ssize_t
receive(int fd, void *out, size_t size, int flags)
{
    return syscall(SYS_recvfrom, fd, out, size, flags, NULL, NULL);
}

static ssize_t
nothing_yet(void)
{
    errno = EAGAIN;
    return -1;
}

static ssize_t
take_refused(struct intake *i, int fd, void *out, size_t size)
{
    ssize_t n = receive(fd, out, size, 0);

    if (n <= 0) return n;
    i->left -= n;
    return i->left > 0 ? nothing_yet() : 0; /* 0: hung up */
}

static ssize_t
refuse_head(struct intake *i, int fd, const struct refusal *no)
{
    BUF_AUTO struct buf answer = {0};

    here.counters->requests++;
    here.counters->requests_refused++;
    log_debug("head refused", "status=%d error=%s", no->status, log_quote(no->error.msg));
    reply_refusal(&answer, no);
    (void)send(fd, answer.data, answer.size, MSG_DONTWAIT | MSG_NOSIGNAL); /* else it is hung up */
    (void)shutdown(fd, SHUT_WR);
    forget_head(i);
    i->stage = STAGE_REFUSED;
    i->left = LINGER_BYTES;
    return nothing_yet();
}

/* What lws is given has a line and few headers, whatever has come. */
static ssize_t
pass_head(struct intake *i, void *out, size_t size)
{
    BUF_AUTO struct buf given = {0};

    head_write(&i->head, &given);
    assert(given.size <= HEAD_GIVEN_MAX && given.size <= size);
    memcpy(out, given.data, given.size);
    i->left = i->head.length;
    i->stage = i->head.is_upgrade ? STAGE_OPEN : i->left > 0 ? STAGE_BODY : STAGE_BUSY;
    return (ssize_t)given.size;
}

/* What is behind the head stays where it is until it is wanted. */
static ssize_t
take_head(struct intake *i, int fd, char *out, size_t size)
{
    struct refusal no = {0};
    size_t         had = i->bytes.size;
    ssize_t        n = receive(fd, out, size, MSG_PEEK);

    if (n <= 0) return n;
    buf_add(&i->bytes, out, (size_t)n);
    size_t end = head_end(buf_view(&i->bytes));
    if (end > 0) i->bytes.size = end;
    if (end == 0 && !head_may_go_on(buf_view(&i->bytes), &no)) return refuse_head(i, fd, &no);
    if (end > 0 && !head_read(buf_view(&i->bytes), &i->head, &no)) return refuse_head(i, fd, &no);
    n = receive(fd, out, i->bytes.size - had, 0);
    if (n < 0 || end == 0) return n < 0 ? n : nothing_yet();
    return pass_head(i, out, size);
}

static ssize_t
take_body(struct intake *i, int fd, void *out, size_t size)
{
    ssize_t n = receive(fd, out, (int64_t)size < i->left ? size : (size_t)i->left, 0);

    if (n > 0) i->left -= n;
    if (i->left == 0) i->stage = STAGE_BUSY;
    return n;
}

/* One without a mask becomes one that lws refuses, and the last that it is given. */
static ssize_t
take_frames(struct intake *i, int fd, char *out, size_t size)
{
    size_t  held = i->frames.has_first ? 1 : 0;
    ssize_t n = receive(fd, out + held, size - held, 0);

    if (n <= 0) return n;
    if (held) out[0] = i->frames.first;
    size_t good = frames_read(&i->frames, view_of(out, held + (size_t)n));
    if (i->frames.is_refused) {
        out[good++] = FRAMES_REFUSED;
        i->stage = STAGE_REFUSED;
        i->left = LINGER_BYTES;
    }
    return good > 0 ? (ssize_t)good : nothing_yet();
}

/* Its end is told, what else there is is not. */
static ssize_t
take_while_busy(int fd, void *out)
{
    ssize_t n = receive(fd, out, 1, MSG_PEEK);

    return n > 0 ? nothing_yet() : n;
}

ssize_t
recv(int fd, void *out, size_t size, int flags)
{
    struct intake *i = fd >= 0 && (size_t)fd < here.count ? &here.all[fd] : NULL;

    switch (i ? i->stage : STAGE_NONE) {
    case STAGE_HEAD: return size > HEAD_BYTES_MAX ? take_head(i, fd, out, size) : nothing_yet();
    case STAGE_BODY: return take_body(i, fd, out, size);
    case STAGE_BUSY: return take_while_busy(fd, out);
    case STAGE_OPEN: return size > 1 ? take_frames(i, fd, out, size) : nothing_yet();
    case STAGE_REFUSED: return take_refused(i, fd, out, size);
    case STAGE_NONE: break;
    }
    return receive(fd, out, size, flags);
}
