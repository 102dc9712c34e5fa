#include "worker/persistent.h"

#include "proto/codec.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

void
persistent_done(struct persistent **p)
{
    if (!*p) return;
    stream_done(&(*p)->in);
    buf_done(&(*p)->input);
    buf_done(&(*p)->start);
    free(*p);
    *p = NULL;
}

static bool
is_same(const struct hash128 *a, const struct hash128 *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

static bool
is_usable(const struct lease *l)
{
    return l->kind == LEASE_IDLE && l->tree.is_running && l->tree.kill_at_ms == NEVER &&
           l->persistent->in.fd >= 0;
}

struct lease *
persistent_reuse(struct exec *x, const struct msg_job_start *m, const struct msg_handler *h)
{
    struct hash128 spec = hash128(m->handler), name = hash128(h->name);
    struct lease  *found = NULL;

    for (size_t i = 0; i < x->slots->count; i++) {
        struct lease *l = x->slots->active[i];

        if (!is_usable(l) || !is_same(&l->persistent->name, &name)) continue;
        if (!is_same(&l->persistent->spec, &spec)) {
            l->wake_at_ms = 0; /* declared otherwise: it ends in this turn */
        } else if (!found || l->wake_at_ms > found->wake_at_ms) {
            found = l;
        }
    }
    if (!found) return NULL;
    slots_rebind(x->slots, found, m->slot, m->token);
    evidence_copy(&x->launcher->evidence.leases[m->slot], &found->persistent->evidence, m->token);
    return found;
}

static enum errc
watch_input(int epoll_fd, struct stream *in, struct err *e)
{
    struct epoll_event ev = {.events = EPOLLOUT | EPOLLET, .data.ptr = in};

    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, in->fd, &ev) != 0) return err_errno(e, "epoll_ctl");
    return E_OK;
}

enum errc
persistent_begin(struct exec *x, const struct msg_job_start *m, const struct msg_handler *h,
                 struct lease *lease, int in_fd, struct err *e)
{
    struct persistent *p = xcalloc(1, sizeof(*p));

    p->spec = hash128(m->handler);
    p->name = hash128(h->name);
    p->jobs_max = HAS(h, handler, jobs_max) ? h->jobs_max : PERSISTENT_JOBS_MAX;
    p->evidence = x->launcher->evidence.leases[m->slot];
    stream_init(&p->in, lease, false, false);
    p->in.fd = in_fd;
    p->in.is_input = true;
    lease->persistent = p;
    return watch_input(x->launcher->epoll_fd, &p->in, e);
}

/* What an earlier job left unread counts, too: then more is in the pipe than was written. */
static bool
is_all_in_pipe(const struct persistent *p)
{
    int bytes = 0;

    return ioctl(p->in.fd, FIONREAD, &bytes) == 0 && (size_t)bytes >= p->written;
}

void
persistent_write(struct lease *lease, int64_t now_ms)
{
    struct persistent *p = lease->persistent;

    while (p->in.fd >= 0 && p->written < p->input.size) {
        ssize_t n = write(p->in.fd, p->input.data + p->written, p->input.size - p->written);

        if (n > 0) p->written += (size_t)n;
        if (n >= 0 || errno == EINTR) continue;
        if (errno == EAGAIN) return;
        p->is_unread = is_all_in_pipe(p);
        stream_close(&p->in); /* it reads no more: it cannot do its job */
        tree_stop(&lease->tree, DOOMED_GRACE_MS, now_ms);
    }
}

void
persistent_give(struct lease *lease, const struct msg_job_start *m, struct view line,
                int64_t now_ms)
{
    struct persistent *p = lease->persistent;

    if (p->jobs++ > 0) msg_pack(msg_desc(MSG_JOB_START), m, &p->start);
    buf_add_view(&p->input, line);
    persistent_write(lease, now_ms);
}

bool
persistent_is_unread(const struct lease *lease)
{
    const struct persistent *p = lease->persistent;

    if (!p || p->start.size == 0 || lease->is_stop_asked || lease->outcome.has_spoken) return false;
    return p->in.fd < 0 ? p->is_unread : is_all_in_pipe(p);
}

/* The end of its input tells it; TERM follows when it stays. */
void
persistent_retire(struct lease *lease, int64_t now_ms)
{
    struct stream *in = &lease->persistent->in;

    if (in->fd >= 0) {
        stream_close(in);
        lease->wake_at_ms = now_ms + PERSISTENT_GRACE_MS;
    } else {
        lease->wake_at_ms = NEVER;
        tree_stop(&lease->tree, DOOMED_GRACE_MS, now_ms);
    }
}

void
persistent_over(struct exec *x, struct lease *lease, int64_t now_ms)
{
    const struct outcome_exit alive = {.status = 0};
    struct persistent        *p = lease->persistent;
    struct msg_ended          m = {0};
    uint64_t                  slot = lease->slot;

    outcome_end(&lease->outcome, &alive, &m);
    report_ended(x->report, slot, lease->token, &m);
    evidence_clear(&x->launcher->evidence.leases[slot]);
    slots_release(x->slots, lease);
    buf_clear(&p->input);
    buf_clear(&p->start);
    p->written = 0;
    lease->wake_at_ms = now_ms + PERSISTENT_IDLE_MS;
    if (p->jobs >= p->jobs_max) persistent_retire(lease, now_ms);
}
