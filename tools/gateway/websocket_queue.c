#include "tools/gateway/websocket_queue.h"

#include "tools/gateway/write.h"
#include <stdlib.h>

struct websocket_text {
    struct websocket_text *next;
    size_t                 size;
    char                   data[];
};

void
websocket_queue_init(struct websocket_queue *q, struct websocket_queues *all)
{
    *q = (struct websocket_queue){.all = all, .next = all->first};
    if (q->next) q->next->previous = q;
    all->first = q;
}

void
websocket_queue_put(struct websocket_queue *q, struct view text)
{
    struct websocket_text *t = xmalloc(sizeof(*t) + text.size);

    t->next = NULL;
    t->size = text.size;
    memcpy(t->data, text.data, text.size);
    if (q->newest) {
        q->newest->next = t;
    } else {
        q->first = t;
    }
    q->newest = t;
    q->bytes += text.size;
    q->all->bytes += text.size;
}

struct websocket_queue *
websocket_queue_largest(struct websocket_queue *q, size_t more)
{
    struct websocket_queue *largest = q;
    size_t                  bytes = q->bytes + more;

    for (struct websocket_queue *other = q->all->first; other; other = other->next) {
        if (other->bytes <= bytes) continue;
        largest = other;
        bytes = other->bytes;
    }
    return largest;
}

static void
drop_first(struct websocket_queue *q)
{
    struct websocket_text *t = q->first;

    q->first = t->next;
    if (!q->first) q->newest = NULL;
    q->bytes -= t->size;
    q->all->bytes -= t->size;
    q->sent = 0;
    free(t);
}

bool
websocket_queue_write(struct websocket_queue *q, struct lws *wsi)
{
    const struct websocket_text *t = q->first;
    unsigned                     how;
    size_t                       size;

    if (!t) return true;
    size = t->size - q->sent > WRITE_PART ? WRITE_PART : t->size - q->sent;
    how = q->sent == 0 ? LWS_WRITE_TEXT : LWS_WRITE_CONTINUATION;
    if (q->sent + size < t->size) how |= LWS_WRITE_NO_FIN;
    if (!write_some(wsi, view_of(t->data + q->sent, size), (enum lws_write_protocol)how)) {
        return false;
    }
    q->sent += size;
    if (q->sent == t->size) drop_first(q);
    if (q->first) lws_callback_on_writable(wsi);
    return true;
}

void
websocket_queue_clear(struct websocket_queue *q)
{
    while (q->first)
        drop_first(q);
}

void
websocket_queue_done(struct websocket_queue *q)
{
    websocket_queue_clear(q);
    if (q->next) q->next->previous = q->previous;
    if (q->previous) {
        q->previous->next = q->next;
    } else {
        q->all->first = q->next;
    }
}
