#include "tools/gateway/websocket_requests.h"

#include <stdlib.h>

static void
forget(struct websocket_request *r)
{
    struct websocket_request **at = &r->all->first;

    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    r->all->count--;
    free(r);
}

static void
on_answer(void *arg, const struct err *error, struct view body)
{
    struct websocket_request *r = arg;

    r->all->on_answer(r->all, r, error, body);
    forget(r);
}

enum errc
websocket_requests_ask(struct websocket_requests *rs, const struct question *q, uint64_t effect,
                       struct err *e)
{
    struct question           asked = *q;
    struct websocket_request *r;

    if (rs->count == WEBSOCKET_REQUESTS_MAX) {
        err_set(e, E_BUSY, "at most %d messages without an answer", WEBSOCKET_REQUESTS_MAX);
        return err_hint(e, "wait for what was sent to be accepted, then send this one again");
    }
    r = xcalloc(1, sizeof(*r));
    r->all = rs;
    r->op = q->op;
    r->effect = effect;
    if (q->request_id.size) memcpy(r->id, q->request_id.data, q->request_id.size);
    asked.on_answer = on_answer;
    asked.arg = r;
    r->asked = client_ask(rs->client, &asked, e);
    if (!r->asked) {
        free(r);
        return e->code;
    }
    r->next = rs->first;
    rs->first = r;
    rs->count++;
    return E_OK;
}

void
websocket_requests_done(struct websocket_requests *rs)
{
    while (rs->first) {
        client_forget(rs->client, rs->first->asked);
        forget(rs->first);
    }
}
