#include "tools/gateway/waiters.h"

#define LOOK_US   (2 * LWS_US_PER_SEC)
#define LOOKS_MAX 256 /* at a time */

static void on_timer(lws_sorted_usec_list_t *timer);

static void
arm(struct waiters *ws)
{
    lws_sul_schedule(ws->loop, 0, &ws->timer, on_timer, LOOK_US);
}

static void
unlink_one(struct waiters *ws, struct waiter *w)
{
    w->previous->next = w->next;
    w->next->previous = w->previous;
    w->next = w->previous = NULL;
    ws->count--;
}

static void
put_last(struct waiters *ws, struct waiter *w)
{
    w->next = &ws->ring;
    w->previous = ws->ring.previous;
    w->previous->next = w;
    ws->ring.previous = w;
    ws->count++;
}

static void
on_timer(lws_sorted_usec_list_t *timer)
{
    struct waiters *ws = lws_container_of(timer, struct waiters, timer);
    size_t          looks = ws->count < LOOKS_MAX ? ws->count : LOOKS_MAX;

    for (; looks > 0 && ws->count > 0; looks--) {
        struct waiter *w = ws->ring.next;

        unlink_one(ws, w);
        put_last(ws, w);
        ws->look(w);
    }
    if (ws->count > 0) arm(ws);
}

void
waiters_init(struct waiters *ws, struct lws_context *loop, void (*look)(struct waiter *w))
{
    *ws = (struct waiters){.loop = loop, .look = look};
    ws->ring.next = ws->ring.previous = &ws->ring;
}

void
waiters_close(struct waiters *ws)
{
    lws_sul_cancel(&ws->timer);
}

void
waiters_add(struct waiters *ws, struct waiter *w)
{
    if (w->next) return;
    put_last(ws, w);
    if (ws->count == 1) arm(ws);
}

void
waiters_remove(struct waiters *ws, struct waiter *w)
{
    if (w->next) unlink_one(ws, w);
}
