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
    struct reader  *reader;  /* NULL: it is gone, or is being detached */
    uint64_t        number;  /* by which agentd says that it was attached */
    char           *company; /* to attach: as it was asked for, "" for the token's */
    char           *key;
    char            token_hash[TOKEN_HASH_SIZE + 1]; /* "": to detach */
    bool            is_stale; /* from before the last hello: the answer says nothing */
    bool            is_sent;
};

struct readers {
    struct client *client;
    bool           is_greeted; /* hello was said: what is ordered before would not count */
    struct reader *buckets[BUCKETS];
    struct order  *first; /* not yet sent */
    struct order **last;
    struct order  *sent; /* those at agentd */
    size_t         nsent;
    uint64_t       last_number;
    void (*on_doubt)(void *arg);
    void *on_doubt_arg;
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

/* By the key alone: until agentd has said of which company a reader is, it may be of any. */
static struct reader **
bucket_of(struct readers *rs, struct view key)
{
    return &rs->buckets[hash64(key, 0) % BUCKETS];
}

/* ---- orders ---------------------------------------------------------------- */

static void send_orders(struct readers *rs);

static void
order(struct readers *rs, struct order *o)
{
    o->readers = rs;
    *rs->last = o;
    rs->last = &o->next;
    send_orders(rs);
}

static void
order_attach(struct readers *rs, struct reader *r)
{
    struct order *o = xcalloc(1, sizeof(*o));

    o->reader = r;
    o->number = ++rs->last_number;
    o->company = xstrdup(r->wanted_company);
    o->key = xstrdup(r->key);
    memcpy(o->token_hash, r->token_hash, sizeof(o->token_hash));
    r->order = o;
    order(rs, o);
}

static void
order_detach(struct readers *rs, struct view company, const char *key)
{
    struct order *o = xcalloc(1, sizeof(*o));

    o->company = view_dup(company);
    o->key = xstrdup(key);
    order(rs, o);
}

static void
unlink_order(struct order **list, const struct order *o)
{
    while (*list != o)
        list = &(*list)->next;
    *list = o->next;
}

static void
attached(struct reader *r, struct view company)
{
    if (r->company) return; /* it is said twice: to the gateway, and in answer to its request */
    r->company = view_dup(company);
    r->calls->attached(r);
}

/* It may be done later, or a reader that is gone counts still. */
static bool
is_doubtful(const struct order *o, const struct err *error)
{
    if (o->is_stale) return false;
    return error->code == E_OUTCOME_UNKNOWN || (!o->number && error->code == E_BUSY);
}

static void
on_done(void *arg, const struct err *error, struct view body)
{
    struct order   *o = arg;
    struct readers *rs = o->readers;
    struct reader  *r = o->reader;
    struct view     company;
    bool            is_attached = o->token_hash[0] && !o->is_stale && error->code == E_OK &&
                       mp_find_str(body, "company", &company);
    bool is_in_doubt = is_doubtful(o, error);

    unlink_order(&rs->sent, o);
    rs->nsent--;
    if (r) r->order = NULL;
    if (r && is_attached) {
        attached(r, company);
    } else if (r) {
        r->calls->refused(r, error);
    } else if (is_attached) {
        order_detach(rs, company, o->key); /* it went while it was being attached */
    }
    order_free(o);
    if (is_in_doubt) rs->on_doubt(rs->on_doubt_arg);
    send_orders(rs);
}

/* False: it must wait. */
static bool
send_order(struct readers *rs, struct order *o)
{
    BUF_AUTO struct buf body = {0};
    struct mp_open_map  m = mp_open(&body);
    struct question     q = {.op = o->number ? MSG_SESSION_ATTACH : MSG_SESSION_DETACH,
                             .token_hash = view_str(o->token_hash),
                             .on_answer = on_done,
                             .arg = o};
    struct err          e;

    mp_put_cstr(&body, &m, "key", o->key);
    if (o->company[0]) mp_put_cstr(&body, &m, "company", o->company);
    if (o->number) mp_put_u64(&body, &m, "reader", o->number);
    mp_close(&body, &m);
    q.body = buf_view(&body);
    return client_ask(rs->client, &q, &e) != 0;
}

static void
send_orders(struct readers *rs)
{
    while (rs->is_greeted && rs->first && rs->nsent < ORDERS_MAX) {
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
readers_add(struct readers *rs, struct reader *r, const char *company, const char *key,
            const char *token_hash)
{
    struct reader **bucket = bucket_of(rs, view_str(key));

    r->wanted_company = xstrdup(company);
    r->key = xstrdup(key);
    r->token_hash = token_hash;
    r->next = *bucket;
    *bucket = r;
    order_attach(rs, r);
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

/* Of one that is being attached the answer is waited for. */
static void
detach(struct readers *rs, struct reader *r)
{
    if (r->order && r->order->is_sent) {
        r->order->reader = NULL;
    } else if (r->order) {
        drop_unsent(rs, r->order);
    } else if (r->company) {
        order_detach(rs, view_str(r->company), r->key);
    }
    r->order = NULL;
}

void
readers_remove(struct readers *rs, struct reader *r)
{
    struct reader **at;

    if (!r->key) return;
    at = bucket_of(rs, view_str(r->key));
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    detach(rs, r);
    free(r->company);
    free(r->wanted_company);
    free(r->key);
    r->company = r->wanted_company = r->key = NULL;
}

void
readers_restart(struct readers *rs)
{
    struct order *unsent = rs->first;

    rs->is_greeted = true;
    for (struct order *o = rs->sent; o; o = o->next) {
        o->is_stale = true;
        o->reader = NULL;
    }
    rs->first = NULL;
    rs->last = &rs->first;
    free_all(unsent);
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct reader *r = rs->buckets[i]; r; r = r->next) {
            free(r->company);
            r->company = NULL;
            order_attach(rs, r);
        }
    }
}

void
readers_on_doubt(struct readers *rs, void (*on_doubt)(void *arg), void *arg)
{
    rs->on_doubt = on_doubt;
    rs->on_doubt_arg = arg;
}

/* ---- what comes ------------------------------------------------------------ */

void
readers_attached(struct readers *rs, const struct msg_gateway_attached *m)
{
    for (struct order *o = rs->sent; o; o = o->next) {
        if (o->number == m->reader && o->reader) attached(o->reader, m->company);
    }
}

void
readers_removed(struct readers *rs, const struct msg_gateway_removed *m)
{
    struct err e;

    err_set(&e, E_NOT_FOUND, "company \"%.*s\" was removed", VIEW_ARG(m->company));
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct reader *r = rs->buckets[i]; r; r = r->next) {
            if (r->company && view_is(m->company, r->company)) r->calls->refused(r, &e);
        }
    }
}

void
readers_revoked(struct readers *rs, const struct msg_gateway_revoked *m)
{
    struct err e;

    err_set(&e, E_UNAUTHENTICATED, "the token was revoked");
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct reader *r = rs->buckets[i]; r; r = r->next) {
            if (view_is(m->token_hash, r->token_hash)) r->calls->refused(r, &e);
        }
    }
}

static bool
reads(const struct reader *r, struct view company, struct view key)
{
    return r->company && view_is(key, r->key) && view_is(company, r->company);
}

void
readers_deliver(struct readers *rs, const struct msg_gateway_deliver *m)
{
    for (struct reader *r = *bucket_of(rs, m->session); r; r = r->next) {
        if (reads(r, m->company, m->session)) r->calls->deliver(r, m->effect, m->document);
    }
}

void
readers_delta(struct readers *rs, const struct msg_gateway_delta *m)
{
    for (struct reader *r = *bucket_of(rs, m->session); r; r = r->next) {
        if (reads(r, m->company, m->session)) r->calls->delta(r, m->piece, m->text);
    }
}
