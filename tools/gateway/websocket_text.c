#include "tools/gateway/websocket_text.h"

#include "common/mp.h"
#include "proto/codec.h"

void
websocket_text_ready(struct buf *out, const char *key)
{
    struct mp_open_map m = mp_open(out);

    mp_put_cstr(out, &m, "type", "ready");
    mp_put_cstr(out, &m, "session", key);
    mp_close(out, &m);
}

void
websocket_text_accepted(struct buf *out, const char *id, struct view body)
{
    struct mp_open_map m = mp_open(out);
    int64_t            seq;

    mp_put_cstr(out, &m, "type", "accepted");
    if (*id) mp_put_cstr(out, &m, "id", id);
    if (mp_find_i64(body, "seq", &seq)) mp_put_i64(out, &m, "seq", seq);
    mp_close(out, &m);
}

void
websocket_text_error(struct buf *out, const struct err *e, const char *id)
{
    struct mp_open_map m = mp_open(out);
    char               text[sizeof(e->msg)];

    mp_put_cstr(out, &m, "type", "error");
    if (*id) mp_put_cstr(out, &m, "id", id);
    mp_put_cstr(out, &m, "code", errc_wire(e->code));
    mp_put_cstr(out, &m, "message", printable(view_str(e->msg), text, sizeof(text)));
    mp_put_cstr(out, &m, "hint", printable(view_str(e->hint), text, sizeof(text)));
    if (e->slot_eta_ms > 0) mp_put_i64(out, &m, "slot_eta_ms", e->slot_eta_ms);
    mp_close(out, &m);
}

void
websocket_text_delivery(struct buf *out, uint64_t effect, struct view document)
{
    struct mp_open_map m = mp_open(out);
    bool               is_autonomous = false;
    struct view        value;
    int64_t            seq;

    (void)mp_find_bool(document, "autonomous", &is_autonomous);
    mp_put_cstr(out, &m, "type", is_autonomous ? "agent_follow_up" : "agent_reply");
    mp_put_u64(out, &m, "effect_id", effect);
    if (mp_find(document, "content", &value) || mp_find(document, "message", &value)) {
        mp_put_raw(out, &m, "content", value);
    }
    if (mp_find(document, "metadata", &value)) mp_put_raw(out, &m, "metadata", value);
    if (mp_find_i64(document, "event", &seq)) mp_put_i64(out, &m, "seq", seq);
    mp_close(out, &m);
}

void
websocket_text_delta(struct buf *out, uint64_t piece, struct view text)
{
    struct mp_open_map m = mp_open(out);

    mp_put_cstr(out, &m, "type", "delta");
    mp_put_str(out, &m, "text", text);
    mp_put_u64(out, &m, "piece", piece);
    mp_close(out, &m);
}
