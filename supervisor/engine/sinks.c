#include "supervisor/engine/sinks.h"

#define ATTEMPTS_MAX 5
#define TIMEOUT_MS   60000
#define NOT_AFTER_MS 3600000

static const struct msg_sink *
declared(struct objects *o, uint32_t sink)
{
    const struct object_entry *s = objects_get(o, sink);

    return s && s->row.kind == KIND_SINK ? &s->spec.sink : NULL;
}

bool
sink_is_among(uint32_t sink, const uint32_t *sinks, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (sinks[i] == sink) return true;
    }
    return false;
}

bool
sink_is_gateway(struct objects *o, uint32_t sink)
{
    const struct msg_sink *s = declared(o, sink);

    return s && view_is(s->kind, SINK_GATEWAY);
}

enum sink_doubt
sink_doubt(struct objects *o, uint32_t sink)
{
    const struct msg_sink *s = declared(o, sink);

    if (!s || view_is(s->kind, "file")) return DOUBT_PROBE;
    return s->idempotent || view_is(s->kind, SINK_GATEWAY) ? DOUBT_SEND_AGAIN : DOUBT_STAYS;
}

uint32_t
sink_attempts_max(struct objects *o, uint32_t sink)
{
    const struct msg_sink *s = declared(o, sink);

    return s && HAS(s, sink, max_attempts) ? (uint32_t)s->max_attempts : ATTEMPTS_MAX;
}

int64_t
sink_timeout_ms(struct objects *o, uint32_t sink)
{
    const struct msg_sink *s = declared(o, sink);

    return s && HAS(s, sink, timeout_ms) ? s->timeout_ms : TIMEOUT_MS;
}

int64_t
sink_not_after_ms(struct objects *o, uint32_t sink)
{
    const struct msg_sink *s = declared(o, sink);

    if (s && HAS(s, sink, not_after_ms)) return s->not_after_ms;
    return s && view_is(s->kind, SINK_GATEWAY) ? NO_LIMIT : NOT_AFTER_MS;
}

bool
sink_has_reader(struct objects *o, uint64_t gateway, uint32_t session)
{
    struct session s = {.id = session};

    if (session == 0 || session_load(o->txn, &s) != LOAD_FOUND) return false;
    struct reader r = {.company = objects_name(o, s.company), .name = s.name};
    return reader_load(o->txn, &r) == LOAD_FOUND && r.generation == gateway && r.count > 0;
}
