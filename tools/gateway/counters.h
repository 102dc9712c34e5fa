/* counters - what the gateway counts of itself, for /metrics. */
#ifndef TOOLS_GATEWAY_COUNTERS_H
#define TOOLS_GATEWAY_COUNTERS_H

#include <stdint.h>

/*    name                 help */
#define COUNTERS(X)                                                           \
    X(connections, "Connections that were taken")                             \
    X(connections_shed, "Connections that were closed at once: too many")     \
    X(requests, "Requests by HTTP")                                           \
    X(requests_refused, "Requests that the gateway itself refused")           \
    X(unauthenticated, "Requests without a token, or with one that is none")  \
    X(hosts_refused, "Requests under a Host that is not known")               \
    X(origins_refused, "Requests from a page of an Origin that is not known") \
    X(upgrades_refused, "Upgrades that were refused")                         \
    X(messages, "Messages of people by WebSocket")                            \
    X(deliveries, "Messages handed to readers by WebSocket")                  \
    X(deltas, "Pieces of text streamed to readers by WebSocket")              \
    X(slow_readers, "Readers hung up: too much waited for them")              \
    X(feed_events, "Events sent to watchers of the feed")                     \
    X(feed_gaps, "Gaps that watchers of the feed were told of")

struct counters {
#define X(name, help) uint64_t name;
    COUNTERS(X)
#undef X
};

#endif
