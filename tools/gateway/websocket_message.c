#include "tools/gateway/websocket_message.h"

#include "common/json.h"
#include "common/mp.h"
#include "proto/codec.h"
#include <stdio.h>

static const struct {
    const char *type;
    const char *fields[6];
} kinds[KIND_COUNT] = {
    [KIND_AUTH] = {"auth",    {"type", "token"}                             },
    [KIND_MESSAGE] = {"message", {"type", "content", "metadata", "agent", "id"}},
    [KIND_ACK] = {"ack",     {"type", "effect_id"}                         },
};

static enum errc
read_kind(struct websocket_message *m, struct err *e)
{
    struct view type;

    if (mp_find_str(buf_view(&m->packed), "type", &type)) {
        for (enum websocket_kind k = KIND_NONE + 1; k < KIND_COUNT; k++) {
            if (view_is(type, kinds[k].type)) m->kind = k;
        }
    }
    return m->kind ? E_OK : err_set(e, E_BAD_REQUEST, "type is auth, message or ack");
}

static enum errc
read_id(struct websocket_message *m, struct err *e)
{
    struct view map = buf_view(&m->packed), id;

    if (m->kind != KIND_MESSAGE || !mp_find(map, "id", &id)) return E_OK;
    if (!mp_find_str(map, "id", &id) || id.size == 0 || id.size > WEBSOCKET_ID_MAX) {
        return err_field(e, "id", "must be a string of 1 to %d bytes", WEBSOCKET_ID_MAX);
    }
    (void)snprintf(m->id, sizeof(m->id), "%.*s", VIEW_ARG(id)); /* fits */
    return E_OK;
}

static enum errc
check_fields(const struct websocket_message *m, struct err *e)
{
    struct mp_reader r = mp_reader_of(buf_view(&m->packed));
    struct view      name, value;
    uint32_t         pairs;
    char             shown[sizeof(e->field)];

    if (!mp_read_map(&r, &pairs)) return err_set(e, E_BAD_REQUEST, "not a JSON object");
    for (uint32_t i = 0; i < pairs; i++) {
        if (!mp_read_str(&r, &name) || !mp_read_any(&r, &value)) {
            return err_set(e, E_BAD_REQUEST, "not a JSON object");
        }
        if (view_is_any(name, kinds[m->kind].fields)) continue;
        return err_field(e, printable(name, shown, sizeof(shown)), "%s has no such field",
                         kinds[m->kind].type);
    }
    return E_OK;
}

static enum errc
read_values(struct websocket_message *m, struct err *e)
{
    struct view map = buf_view(&m->packed);
    int64_t     effect;

    if (m->kind == KIND_AUTH && !mp_find_str(map, "token", &m->token)) {
        return err_field(e, "token", "must be a string");
    }
    if (m->kind != KIND_ACK) return E_OK;
    if (!mp_find_i64(map, "effect_id", &effect) || effect <= 0) {
        return err_field(e, "effect_id", "must be an integer from 1");
    }
    m->effect = (uint64_t)effect;
    return E_OK;
}

enum errc
websocket_message_read(struct view text, struct websocket_message *out, struct err *e)
{
    *out = (struct websocket_message){0};
    if (json_to_mp(text, &out->packed, e) || read_kind(out, e) || read_id(out, e) ||
        check_fields(out, e) || read_values(out, e)) {
        return e->code;
    }
    return E_OK;
}

void
websocket_message_done(struct websocket_message *m)
{
    buf_done(&m->packed);
}
