/* clients - the connections of the control socket that are remembered: who has how many requests in
 * flight.
 *
 * A client is known by its routing id, which the socket makes for each connection.  At most
 * CLIENTS_MAX are remembered; the one that was idle longest gives its place to a new one. */
#ifndef SUPERVISOR_CLIENTS_H
#define SUPERVISOR_CLIENTS_H

#include "common/mem.h"
#include <stdint.h>

#define CLIENTS_MAX      1024
#define CLIENT_IN_FLIGHT 512
#define ROUTING_ID_MAX   255
#define CLIENTS_BUCKETS  2048

struct client {
    struct client *next_in_bucket;
    struct client *newer;
    struct client *older;
    unsigned       in_flight; /* requests without a reply; only at 0 may it be forgotten */
    uint8_t        id_size;
    char           id[ROUTING_ID_MAX];
};

struct clients {
    struct client *buckets[CLIENTS_BUCKETS];
    struct client *newest;
    struct client *oldest;
    size_t         count;
};

void clients_done(struct clients *c);
/* Finds or remembers; NULL when CLIENTS_MAX others all have requests in flight. */
struct client *clients_get(struct clients *c, struct view id);
struct view    client_id(const struct client *c);

#endif
