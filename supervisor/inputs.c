#include "supervisor/inputs.h"

#include <assert.h>
#include <stdlib.h>

static enum input_rank
rank_of(enum input_kind kind)
{
    switch (kind) {
    case INPUT_REPORT:
    case INPUT_WORKER_STARTED:
    case INPUT_WORKER_RETIRE:
    case INPUT_WORKER_GONE:
    case INPUT_SEND_FAILED:
    case INPUT_GATEWAY_GONE:
    case INPUT_LEASE_GONE: return RANK_REPORT;
    case INPUT_BOOT:
    case INPUT_ZONE:
    case INPUT_CONFIG:
    case INPUT_DRAIN:
    case INPUT_INTERRUPT:
    case INPUT_GOODBYE: return RANK_DAEMON;
    case INPUT_REQUEST: return RANK_REQUEST;
    }
    return RANK_REQUEST;
}

bool
turn_budget_has(const struct turn_budget *b)
{
    return b->inputs > 0 && b->bytes > 0;
}

void
turn_budget_use(struct turn_budget *b, size_t bytes)
{
    b->inputs -= b->inputs > 0;
    b->bytes -= bytes < b->bytes ? bytes : b->bytes;
}

static void
list_init(struct pending_list *l)
{
    l->first = NULL;
    l->last = &l->first;
}

void
inputs_init(struct inputs *q)
{
    q->count = 0;
    for (size_t i = 0; i < RANK_COUNT; i++)
        list_init(&q->ranks[i]);
}

void
inputs_done(struct inputs *q)
{
    for (size_t i = 0; i < RANK_COUNT; i++)
        pending_destroy_all(&q->ranks[i].first);
    inputs_init(q);
}

static struct pending *
push(struct inputs *q, const struct input *in)
{
    struct pending_list *l = &q->ranks[rank_of(in->kind)];
    struct pending      *p = xcalloc(1, sizeof(*p));

    p->in = *in;
    *l->last = p;
    l->last = &p->next;
    q->count++;
    return p;
}

void
inputs_push(struct inputs *q, const struct input *in)
{
    (void)push(q, in); /* nothing more to set */
}

void
inputs_push_copy(struct inputs *q, const struct input *in)
{
    struct pending *p = push(q, in);

    buf_add_view(&p->copy, in->body);
    p->in.body = buf_view(&p->copy);
}

void
inputs_push_frame(struct inputs *q, const struct input *in, zmq_msg_t *frame)
{
    struct pending *p = push(q, in);

    (void)zmq_msg_init(&p->frame); /* cannot fail */
    (void)zmq_msg_move(&p->frame, frame);
    p->has_frame = true;
    p->in.body = view_of(zmq_msg_data(&p->frame), zmq_msg_size(&p->frame));
}

struct pending *
inputs_take(struct inputs *q, enum input_rank rank)
{
    struct pending *list = q->ranks[rank].first;

    for (struct pending *p = list; p; p = p->next)
        q->count--;
    list_init(&q->ranks[rank]);
    return list;
}

void
inputs_put_back(struct inputs *q, struct pending *list)
{
    if (!list) return;
    struct pending_list *l = &q->ranks[rank_of(list->in.kind)];
    struct pending      *end = list;

    q->count++;
    for (; end->next; end = end->next)
        q->count++;
    if (!l->first) l->last = &end->next;
    end->next = l->first;
    l->first = list;
}

struct pending *
pending_join(struct pending *first, struct pending *second)
{
    struct pending **end = &first;

    while (*end)
        end = &(*end)->next;
    *end = second;
    return first;
}

void
pending_destroy(struct pending **p)
{
    if (!*p) return;
    if ((*p)->has_frame) (void)zmq_msg_close(&(*p)->frame);
    buf_done(&(*p)->copy);
    free(*p);
    *p = NULL;
}

void
pending_destroy_all(struct pending **list)
{
    while (*list) {
        struct pending *p = *list;

        *list = p->next;
        pending_destroy(&p);
    }
}
