#include "tools/gateway/readers.h"

#include "common/hash.h"
#include "common/mp.h"
#include <stdlib.h>

#define BUCKETS    4096
#define ORDERS_MAX 64 /* at agentd at a time */

/* To attach or to detach. */
struct order {
    struct order   *next;
    struct readers *readers;
    struct reader  *reader; /* NULL: it is gone, or is being detached */
    char           *company;
    char           *key;
    bool            is_attach;
    bool            is_stale; /* from before the last hello: the answer says nothing */
    bool            is_sent;
};

struct readers {
    struct client *client;
    struct reader *buckets[BUCKETS];
    struct order  *first; /* not yet sent */
    struct order **last;
    struct order  *sent; /* those at agentd */
    size_t         nsent;
};

struct readers *
readers_new(struct client *client)
{
    struct readers *rs = xcalloc(1, sizeof(*rs));

    rs->client = client;
    rs->last = &rs->first;
    return rs;
}

static void
order_free(struct order *o)
{
    free(o->company);
    free(o->key);
    free(o);
}

static void
free_all(struct order *o)
{
    while (o) {
        struct order *next = o->next;

        order_free(o);
        o = next;
    }
}

void
readers_destroy(struct readers **p)
{
    if (!*p) return;
    free_all((*p)->first);
    free_all((*p)->sent);
    free(*p);
    *p = NULL;
}

static struct reader **
bucket_of(struct readers *rs, struct view company, struct view key)
{
    return &rs->buckets[hash64(key, hash64(company, 0)) % BUCKETS];
}

/* ---- orders ---------------------------------------------------------------- */

static void send_orders(struct readers *rs);

static void
order(struct readers *rs, struct reader *r, const char *company, const char *key)
{
    struct order *o = xcalloc(1, sizeof(*o));

    o->readers = rs;
    o->reader = r;
    o->company = xstrdup(company);
    o->key = xstrdup(key);
    o->is_attach = r != NULL;
    if (r) r->order = o;
    *rs->last = o;
    rs->last = &o->next;
    send_orders(rs);
}

static void
unlink_order(struct order **list, const struct order *o)
{
    while (*list != o)
        list = &(*list)->next;
    *list = o->next;
}

static void
on_done(void *arg, const struct err *error, struct view body)
{
    struct order   *o = arg;
    struct readers *rs = o->readers;

    (void)body;
    unlink_order(&rs->sent, o);
    rs->nsent--;
    if (o->reader) {
        o->reader->order = NULL;
        o->reader->is_attached = error->code == E_OK && !o->is_stale;
        if (error->code) o->reader->calls->refused(o->reader);
    } else if (o->is_attach && !o->is_stale && error->code == E_OK) {
        order(rs, NULL, o->company, o->key); /* it went while it was being attached */
    }
    order_free(o);
    send_orders(rs);
}

/* False: it must wait. */
static bool
send_order(struct readers *rs, struct order *o)
{
    BUF_AUTO struct buf body = {0};
    struct mp_open_map  m = mp_open(&body);
    struct question     q = {.op = o->is_attach ? MSG_SESSION_ATTACH : MSG_SESSION_DETACH,
                             .on_answer = on_done,
                             .arg = o};
    struct err          e;

    mp_put_cstr(&body, &m, "key", o->key);
    mp_put_cstr(&body, &m, "company", o->company);
    mp_close(&body, &m);
    q.body = buf_view(&body);
    return client_ask(rs->client, &q, &e) != 0;
}

static void
send_orders(struct readers *rs)
{
    while (rs->first && rs->nsent < ORDERS_MAX) {
        struct order *o = rs->first;

        if (!send_order(rs, o)) return; /* tried again with the next order, or answer */
        rs->first = o->next;
        if (!rs->first) rs->last = &rs->first;
        o->is_sent = true;
        o->next = rs->sent;
        rs->sent = o;
        rs->nsent++;
    }
}

/* ---- those that come and go ------------------------------------------------ */

void
readers_add(struct readers *rs, struct reader *r, struct view company, struct view key)
{
    struct reader **bucket = bucket_of(rs, company, key);

    r->company = view_dup(company);
    r->key = view_dup(key);
    r->next = *bucket;
    *bucket = r;
    readers_attach(rs, r);
}

void
readers_attach(struct readers *rs, struct reader *r)
{
    if (!r->company || r->is_attached || r->order) return;
    order(rs, r, r->company, r->key);
}

static void
drop_unsent(struct readers *rs, struct order *o)
{
    unlink_order(&rs->first, o);
    rs->last = &rs->first;
    while (*rs->last)
        rs->last = &(*rs->last)->next;
    order_free(o);
}

void
readers_remove(struct readers *rs, struct reader *r)
{
    struct reader **at;

    if (!r->company) return;
    at = bucket_of(rs, view_str(r->company), view_str(r->key));
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    if (r->order && r->order->is_sent) {
        r->order->reader = NULL;
    } else if (r->order) {
        drop_unsent(rs, r->order);
    } else if (r->is_attached) {
        order(rs, NULL, r->company, r->key);
    }
    free(r->company);
    free(r->key);
    r->company = r->key = NULL;
}

void
readers_restart(struct readers *rs)
{
    struct order *unsent = rs->first;

    for (struct order *o = rs->sent; o; o = o->next) {
        o->is_stale = true;
        if (o->reader) o->reader->order = NULL;
        o->reader = NULL;
    }
    rs->first = NULL;
    rs->last = &rs->first;
    free_all(unsent);
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct reader *r = rs->buckets[i]; r; r = r->next) {
            r->order = NULL;
            r->is_attached = false;
            readers_attach(rs, r);
        }
    }
}

/* ---- what comes ------------------------------------------------------------ */

static bool
reads(const struct reader *r, struct view company, struct view key)
{
    return view_is(key, r->key) && view_is(company, r->company);
}

void
readers_deliver(struct readers *rs, const struct msg_gateway_deliver *m)
{
    for (struct reader *r = *bucket_of(rs, m->company, m->session); r; r = r->next) {
        if (reads(r, m->company, m->session)) r->calls->deliver(r, m->effect, m->document);
    }
}

void
readers_delta(struct readers *rs, const struct msg_gateway_delta *m)
{
    for (struct reader *r = *bucket_of(rs, m->company, m->session); r; r = r->next) {
        if (reads(r, m->company, m->session)) r->calls->delta(r, m->text);
    }
}
