#include "tools/gateway/websocket_queue.h"

#include "tools/gateway/write.h"
#include <stdlib.h>

struct websocket_text {
    struct websocket_text *next;
    size_t                 size;
    char                   data[];
};

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
}

static void
drop_first(struct websocket_queue *q)
{
    struct websocket_text *t = q->first;

    q->first = t->next;
    if (!q->first) q->newest = NULL;
    q->bytes -= t->size;
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
websocket_queue_done(struct websocket_queue *q)
{
    while (q->first)
        drop_first(q);
}
