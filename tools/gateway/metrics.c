#include "tools/gateway/metrics.h"

#include "common/mp.h"
#include <ctype.h>
#include <inttypes.h>

#define NAME_MAX_BYTES 200
#define DEPTH_MAX      6

static void
put_gauge(struct buf *out, const char *name, int64_t value)
{
    buf_printf(out, "# TYPE %s gauge\n%s %" PRId64 "\n", name, name, value);
}

/* "agentd_loop" and "lag_p99_us" are agentd_loop_lag_p99_us; false when it would be cut. */
static bool
join(char *out, size_t size, const char *path, struct view key)
{
    int n = snprintf(out, size, "%s_%.*s", path, VIEW_ARG(key));

    for (char *c = out; *c; c++) {
        if (!isalnum((unsigned char)*c)) *c = '_';
    }
    return n > 0 && (size_t)n < size;
}

/* Numbers and truths of the map; maps within it by their key; what has no number is left out. */
static void
put_map(struct buf *out, const char *path, struct view map, int depth)
{
    struct mp_reader r = mp_reader_of(map);
    uint32_t         pairs = 0;

    if (depth == 0 || !mp_read_map(&r, &pairs)) return;
    while (pairs-- > 0) {
        char        name[NAME_MAX_BYTES];
        struct view key, value;
        int64_t     number;
        bool        truth;

        if (!mp_read_str(&r, &key) || !mp_read_any(&r, &value)) return;
        if (!join(name, sizeof(name), path, key)) continue;
        struct mp_reader v = mp_reader_of(value);
        switch (mp_peek(&v)) {
        case MP_INT:
        case MP_UINT:
            if (mp_read_i64(&v, &number)) put_gauge(out, name, number);
            break;
        case MP_BOOL:
            if (mp_read_bool(&v, &truth)) put_gauge(out, name, truth);
            break;
        case MP_MAP: put_map(out, name, value, depth - 1); break;
        default: break;
        }
    }
}

void
metrics_text(struct buf *out, struct view status, const struct metrics *m)
{
    put_map(out, "agentd", status, DEPTH_MAX);
#define X(name, help)                                                                         \
    buf_printf(out,                                                                           \
               "# HELP agentd_gateway_" #name "_total " help "\n# TYPE agentd_gateway_" #name \
               "_total counter\n"                                                             \
               "agentd_gateway_" #name "_total %" PRIu64 "\n",                                \
               m->counters->name);
    COUNTERS(X)
#undef X
    put_gauge(out, "agentd_gateway_connections", (int64_t)m->connections);
    put_gauge(out, "agentd_gateway_websockets", (int64_t)m->websockets);
    put_gauge(out, "agentd_gateway_watchers", (int64_t)m->watchers);
    put_gauge(out, "agentd_gateway_asked_pending", (int64_t)m->client.pending);
    put_gauge(out, "agentd_gateway_asked_sent", (int64_t)m->client.sent);
    buf_printf(out,
               "# HELP agentd_gateway_asked_total Requests to agentd\n"
               "# TYPE agentd_gateway_asked_total counter\nagentd_gateway_asked_total %" PRIu64
               "\n# HELP agentd_gateway_unanswered_total Requests that agentd did not answer\n"
               "# TYPE agentd_gateway_unanswered_total counter\n"
               "agentd_gateway_unanswered_total %" PRIu64 "\n",
               m->client.asked, m->client.unanswered);
}
