#include "supervisor/clients.h"

#include "common/hash.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

static struct client **
bucket_of(struct clients *c, struct view id)
{
    return &c->buckets[hash64(id, 0) % CLIENTS_BUCKETS];
}

struct view
client_id(const struct client *c)
{
    return view_of(c->id, c->id_size);
}

static void
unlink_age(struct clients *c, struct client *cl)
{
    if (cl->newer) cl->newer->older = cl->older;
    if (cl->older) cl->older->newer = cl->newer;
    if (c->newest == cl) c->newest = cl->older;
    if (c->oldest == cl) c->oldest = cl->newer;
}

static void
link_newest(struct clients *c, struct client *cl)
{
    cl->newer = NULL;
    cl->older = c->newest;
    if (c->newest) c->newest->newer = cl;
    c->newest = cl;
    if (!c->oldest) c->oldest = cl;
}

static void
forget(struct clients *c, struct client *cl)
{
    struct client **at = bucket_of(c, client_id(cl));

    while (*at != cl)
        at = &(*at)->next_in_bucket;
    *at = cl->next_in_bucket;
    unlink_age(c, cl);
    c->count--;
    free(cl);
}

void
clients_done(struct clients *c)
{
    while (c->oldest)
        forget(c, c->oldest);
}

static bool
forget_an_idle_one(struct clients *c)
{
    for (struct client *cl = c->oldest; cl; cl = cl->newer) {
        if (cl->in_flight > 0) continue;
        forget(c, cl);
        return true;
    }
    return false;
}

struct client *
clients_get(struct clients *c, struct view id)
{
    struct client *cl = *bucket_of(c, id);

    assert(id.size <= ROUTING_ID_MAX);
    while (cl && !view_eq(client_id(cl), id))
        cl = cl->next_in_bucket;
    if (cl) {
        if (c->newest == cl) return cl;
        unlink_age(c, cl);
        link_newest(c, cl);
        return cl;
    }
    if (c->count == CLIENTS_MAX && !forget_an_idle_one(c)) return NULL;
    cl = xcalloc(1, sizeof(*cl));
    memcpy(cl->id, id.data, id.size);
    cl->id_size = (uint8_t)id.size;
    cl->next_in_bucket = *bucket_of(c, id);
    *bucket_of(c, id) = cl;
    link_newest(c, cl);
    c->count++;
    return cl;
}
