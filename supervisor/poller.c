#include "supervisor/poller.h"

#include <assert.h>
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_MAX 64

enum errc
poller_open(struct poller *p, struct err *e)
{
    p->epoll = epoll_create1(EPOLL_CLOEXEC);
    return p->epoll < 0 ? err_errno(e, "epoll") : E_OK;
}

void
poller_close(struct poller *p)
{
    if (p->epoll >= 0) (void)close(p->epoll);
    p->epoll = -1;
}

enum errc
poller_watch(struct poller *p, struct watch *w, int fd, void (*on_ready)(void *arg), void *arg,
             struct err *e)
{
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = w}};

    assert(fd >= 0 && on_ready);
    if (epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &event)) return err_errno(e, "epoll");
    *w = (struct watch){.fd = fd, .on_ready = on_ready, .arg = arg};
    return E_OK;
}

void
poller_unwatch(struct poller *p, struct watch *w)
{
    if (w->fd < 0) return;
    (void)epoll_ctl(p->epoll, EPOLL_CTL_DEL, w->fd, NULL); /* it is there: cannot fail */
    w->fd = -1;
}

void
poller_wait(struct poller *p, int timeout_ms)
{
    struct epoll_event events[EVENTS_MAX];
    int                count = epoll_wait(p->epoll, events, EVENTS_MAX, timeout_ms);

    assert(count >= 0 || errno == EINTR);
    for (int i = 0; i < count; i++) {
        struct watch *w = events[i].data.ptr;

        if (w->fd >= 0) w->on_ready(w->arg);
    }
}
