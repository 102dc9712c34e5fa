/* Inputs that wait for the next turn. */
#include "tools/sim/world.h"

#include "tools/sim/verdict.h"

#include <stdlib.h>

void
waiting_push(struct waiting *w, const struct input *in, struct view body)
{
    struct waiting_input *p = LIST_ADD(&w->list);

    p->in = *in;
    buf_add_view(&p->body, body);
    claim(in->request_id.size < sizeof(p->request_id), "a request_id that is too long");
    if (in->request_id.size) memcpy(p->request_id, in->request_id.data, in->request_id.size);
}

void
waiting_clear(struct waiting *w)
{
    for (size_t i = 0; i < w->list.count; i++)
        buf_done(&w->list.items[i].body);
    w->list.count = 0;
}

void
waiting_done(struct waiting *w)
{
    waiting_clear(w);
    free(w->list.items);
}
