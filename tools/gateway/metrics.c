#include "tools/gateway/metrics.h"

#include "common/mp.h"
#include <ctype.h>
#include <inttypes.h>

#define NAME_MAX_BYTES 200
#define DEPTH_MAX      6
#define OF_STATUS      "As in GET /v1/status"

/* Maps whose keys are a label's values. */
static const struct family {
    const char *path, *name, *label, *help;
} families[] = {
    {"agentd_queue",                 "agentd_jobs",           "state",      "Jobs by state"                               },
    {"agentd_outbox",                "agentd_effects",        "status",     "Messages and pings by status, unsettled ones"},
    {"agentd_sessions",              "agentd_sessions",       "status",     "Sessions by status"                          },
    {"agentd_recent_start_delay_ms", "agentd_start_delay_ms", "percentile",
     "From due to started, of jobs that completed within the last minute"                                                 },
    {"agentd_recent_run_ms",         "agentd_run_ms",         "percentile",
     "From started to completed, of the same"                                                                             },
};

/* Numbers that are no figures. */
static const char *const names_only[] = {"agentd_pid", "agentd_gateway_pid", "agentd_state_hash"};

static void
put_about(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
put_gauge(struct buf *out, const char *name, const char *help, int64_t value)
{
    put_about(out, name, "gauge", help);
    buf_printf(out, "%s %" PRId64 "\n", name, value);
}

static void
put_label(struct buf *out, const char *label, struct view value)
{
    buf_printf(out, "%s=\"", label);
    for (size_t i = 0; i < value.size; i++) {
        char c = value.data[i];

        if (c == '"' || c == '\\') buf_add_str(out, "\\");
        if (c == '\n') {
            buf_add_str(out, "\\n");
        } else {
            buf_add(out, &c, 1);
        }
    }
    buf_add_str(out, "\"");
}

static void
put_family(struct buf *out, const struct family *f, struct view map)
{
    struct mp_reader r = mp_reader_of(map);
    uint32_t         pairs = 0;
    struct view      key;
    int64_t          number;

    if (!mp_read_map(&r, &pairs)) return;
    put_about(out, f->name, "gauge", f->help);
    while (pairs-- > 0 && mp_read_str(&r, &key) && mp_read_i64(&r, &number)) {
        buf_printf(out, "%s{", f->name);
        put_label(out, f->label, key);
        buf_printf(out, "} %" PRId64 "\n", number);
    }
}

/* One figure of each cap that has it; `on` is empty for the general ones. */
static void
put_caps(struct buf *out, struct view list, const char *name, const char *field, const char *help)
{
    struct list_iter it = list_iter_of(list);
    struct view      cap, kind, on;
    int64_t          number;

    put_about(out, name, "gauge", help);
    while (list_next(&it, &cap)) {
        if (!mp_find_str(cap, "cap", &kind) || !mp_find_i64(cap, field, &number)) continue;
        if (!mp_find_str(cap, "on", &on)) on = (struct view){0};
        buf_printf(out, "%s{", name);
        put_label(out, "cap", kind);
        buf_add_str(out, ",");
        put_label(out, "on", on);
        buf_printf(out, "} %" PRId64 "\n", number);
    }
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

static bool
is_name_only(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(names_only); i++) {
        if (strcmp(names_only[i], name) == 0) return true;
    }
    return false;
}

static void put_map(struct buf *out, const char *path, struct view map, int depth);

static void
put_inner(struct buf *out, const char *path, struct view map, int depth)
{
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        if (strcmp(families[i].path, path) != 0) continue;
        put_family(out, &families[i], map);
        return;
    }
    put_map(out, path, map, depth);
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
        if (!join(name, sizeof(name), path, key) || is_name_only(name)) continue;
        struct mp_reader v = mp_reader_of(value);
        switch (mp_peek(&v)) {
        case MP_INT:
        case MP_UINT:
            if (mp_read_i64(&v, &number)) put_gauge(out, name, OF_STATUS, number);
            break;
        case MP_BOOL:
            if (mp_read_bool(&v, &truth)) put_gauge(out, name, OF_STATUS, truth);
            break;
        case MP_MAP: put_inner(out, name, value, depth - 1); break;
        default: break;
        }
    }
}

static void
put_own(struct buf *out, const struct metrics *m)
{
#define X(name, help)                                                  \
    put_about(out, "agentd_gateway_" #name "_total", "counter", help); \
    buf_printf(out, "agentd_gateway_" #name "_total %" PRIu64 "\n", m->counters->name);
    COUNTERS(X)
#undef X
    put_gauge(out, "agentd_gateway_connections", "Open connections", (int64_t)m->connections);
    put_gauge(out, "agentd_gateway_websockets", "Open WebSockets", (int64_t)m->websockets);
    put_gauge(out, "agentd_gateway_watchers", "Watchers of the feed", (int64_t)m->watchers);
    put_gauge(out, "agentd_gateway_asked_pending", "Requests to agentd without an answer now",
              (int64_t)m->client.pending);
    put_gauge(out, "agentd_gateway_asked_sent", "Of these, sent", (int64_t)m->client.sent);
    put_about(out, "agentd_gateway_asked_total", "counter", "Requests to agentd");
    buf_printf(out, "agentd_gateway_asked_total %" PRIu64 "\n", m->client.asked);
    put_about(out, "agentd_gateway_unanswered_total", "counter",
              "Requests that agentd did not answer");
    buf_printf(out, "agentd_gateway_unanswered_total %" PRIu64 "\n", m->client.unanswered);
}

void
metrics_text(struct buf *out, struct view status, struct view stats, const struct metrics *m)
{
    struct view caps, recent;

    put_map(out, "agentd", status, DEPTH_MAX);
    if (mp_find(status, "caps", &caps)) {
        put_caps(out, caps, "agentd_cap_used", "used", "What runs under a cap");
        put_caps(out, caps, "agentd_cap_limit", "limit", "A cap's limit; none: unlimited");
    }
    if (mp_find(stats, "recent", &recent)) put_map(out, "agentd_recent", recent, DEPTH_MAX);
    put_own(out, m);
}
