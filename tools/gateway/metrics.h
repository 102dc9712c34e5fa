/* metrics - figures as Prometheus reads them.
 *
 * Jobs by state, effects by status, caps and percentiles have labels; every other number of
 * `status` is a gauge agentd_PATH, the path's parts joined by underscores; what the gateway counts
 * of itself is agentd_gateway_NAME_total.  docs/GATEWAY.md lists them. */
#ifndef TOOLS_GATEWAY_METRICS_H
#define TOOLS_GATEWAY_METRICS_H

#include "common/buf.h"
#include "tools/gateway/client.h"
#include "tools/gateway/counters.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct metrics {
    const struct counters *counters;
    struct client_counts   client;
    size_t                 connections;
    size_t                 websockets;
    size_t                 watchers;
};
/* Appends all.  The packed answers of status and job.stats. */
void metrics_text(struct buf *out, struct view status, struct view stats, const struct metrics *m);

#endif
