#include "common/mp.h"
#include "proto/codec.h"
#include <assert.h>
#include <inttypes.h>
#include <string.h>

enum envelope_key {
    KEY_V,
    KEY_ID,
    KEY_OP,
    KEY_BODY,
    KEY_REQUEST_ID,
    KEY_OK,
    KEY_ERROR,
    KEY_ON_BEHALF_OF,
    KEY_COUNT
};
static const char *const envelope_keys[KEY_COUNT] = {
    "v", "id", "op", "body", "request_id", "ok", "error", "on_behalf_of",
};
#define KEY(name)    (1u << KEY_##name)
#define REQUEST_KEYS (KEY(V) | KEY(ID) | KEY(OP) | KEY(BODY) | KEY(REQUEST_ID) | KEY(ON_BEHALF_OF))
#define REPLY_KEYS   (KEY(ID) | KEY(BODY) | KEY(OK) | KEY(ERROR))
#define WORKER_KEYS  (KEY(V) | KEY(OP) | KEY(BODY))

enum others { OTHERS_REFUSED, OTHERS_IGNORED };

static const struct field_desc id_field = {FT_U64, REQUIRED, 0, "id", 0, INT64_MAX};
static const struct field_desc request_id_field = {FT_STR, OPTIONAL, 0, "request_id", 1, 64};
static const struct field_desc on_behalf_of_field = {
    FT_STR, OPTIONAL, 0, "on_behalf_of", TOKEN_HASH_SIZE, TOKEN_HASH_SIZE};

static unsigned
find_key(struct view key, unsigned known)
{
    for (unsigned i = 0; i < KEY_COUNT; i++) {
        if (known & (1u << i) && view_is(key, envelope_keys[i])) return i;
    }
    return KEY_COUNT;
}

static enum errc
refuse_key(struct view key, const char *what, struct err *e)
{
    char name[sizeof(e->field)];

    return err_field(e, printable(key, name, sizeof(name)), "%s", what);
}

/* The packed values of the `known` keys into raw, each empty when it is absent or nil. */
static enum errc
envelope_open(struct view frame, unsigned known, enum others others, struct view raw[KEY_COUNT],
              struct err *e)
{
    struct mp_reader r = mp_reader_of(frame);
    unsigned         seen = 0;
    uint32_t         pairs;

    if (!mp_read_map(&r, &pairs)) return err_set(e, E_BAD_REQUEST, "a message must be a map");
    memset(raw, 0, KEY_COUNT * sizeof(*raw));
    for (uint32_t i = 0; i < pairs; i++) {
        struct view key, value;

        if (!mp_read_str(&r, &key) || !mp_read_any(&r, &value)) {
            return err_set(e, E_BAD_REQUEST, "malformed envelope");
        }
        unsigned at = find_key(key, known);
        if (at == KEY_COUNT) {
            if (others == OTHERS_IGNORED) continue;
            return refuse_key(key, "unknown key of the envelope", e);
        }
        if (seen & (1u << at)) return refuse_key(key, "given twice in the envelope", e);
        seen |= 1u << at;
        if (value.data[0] != '\xc0') raw[at] = value;
    }
    if (r.at != r.end) return err_set(e, E_BAD_REQUEST, "bytes behind the message");
    return E_OK;
}

/* Before anything else is judged: another version may well have other keys. */
static enum errc
check_version(struct view frame, struct err *e)
{
    int64_t v;

    if (!mp_find_i64(frame, "v", &v)) {
        return err_field(e, "v", "a message must be a map with the integer v, its version");
    }
    if (v >= PROTO_VERSION_MIN && v <= PROTO_VERSION) return E_OK;
    return err_set(e, E_UNSUPPORTED, "protocol version %" PRId64 " is not served, only %d to %d", v,
                   PROTO_VERSION_MIN, PROTO_VERSION);
}

static enum errc
find_op(enum msg_group group, struct view raw, const struct msg_desc **desc, struct err *e)
{
    struct mp_reader r = mp_reader_of(raw);
    struct view      op;
    char             text[65];

    if (!mp_read_str(&r, &op)) return err_field(e, "op", "must be a string");
    *desc = msg_find(group, op);
    if (*desc) return E_OK;
    return err_set(e, E_BAD_REQUEST, "unknown op \"%s\"", printable(op, text, sizeof(text)));
}

static struct view
body_of(struct view raw)
{
    return raw.size > 0 ? raw : view_str("\x80"); /* no body is an empty map */
}

static enum errc
request_read(struct view frame, struct request *out, struct err *e)
{
    struct view    raw[KEY_COUNT];
    struct request rq = {0};
    const char    *wrong;
    bool           has;

    if (frame.size > CLIENT_MESSAGE_MAX) {
        return err_set(e, E_TOO_LARGE, "the message is %zu bytes, the limit is %d", frame.size,
                       CLIENT_MESSAGE_MAX);
    }
    if ((wrong = mp_check(frame))) return err_set(e, E_BAD_REQUEST, "malformed message: %s", wrong);
    if (check_version(frame, e)) return e->code;
    if (envelope_open(frame, REQUEST_KEYS, OTHERS_REFUSED, raw, e)) return e->code;
    if (field_unpack(&id_field, raw[KEY_ID], &rq.id, &has, e)) return e->code;
    if (find_op(GROUP_CONTROL, raw[KEY_OP], &rq.desc, e)) return e->code;
    if (raw[KEY_REQUEST_ID].size > 0 &&
        field_unpack(&request_id_field, raw[KEY_REQUEST_ID], &rq.request_id, &has, e)) {
        return e->code;
    }
    if (raw[KEY_ON_BEHALF_OF].size > 0 &&
        field_unpack(&on_behalf_of_field, raw[KEY_ON_BEHALF_OF], &rq.on_behalf_of, &has, e)) {
        return e->code;
    }
    rq.body = body_of(raw[KEY_BODY]);
    *out = rq;
    return E_OK;
}

/* The cursor trusts nothing, so a frame that was refused can still be asked for its id. */
static uint64_t
id_of(struct view frame)
{
    int64_t id;

    return mp_find_i64(frame, "id", &id) && id >= 0 ? (uint64_t)id : 0;
}

enum errc
request_open(struct view frame, struct request *out, uint64_t *id, struct err *e)
{
    *id = id_of(frame);
    return request_read(frame, out, e);
}

void
request_pack(uint64_t id, enum msg_id op, struct view body, struct view request_id, struct buf *out)
{
    request_pack_for(id, op, body, request_id, (struct view){0}, out);
}

void
request_pack_for(uint64_t id, enum msg_id op, struct view body, struct view request_id,
                 struct view on_behalf_of, struct buf *out)
{
    struct mp_open_map m = mp_open(out);

    assert(id <= INT64_MAX && request_id.size <= 64);
    assert(on_behalf_of.size == 0 || on_behalf_of.size == TOKEN_HASH_SIZE);
    assert(msg_desc(op)->group == GROUP_CONTROL);
    mp_put_i64(out, &m, "v", PROTO_VERSION);
    mp_put_u64(out, &m, "id", id);
    mp_put_cstr(out, &m, "op", msg_desc(op)->op);
    mp_put_raw(out, &m, "body", body_of(body));
    if (request_id.size > 0) mp_put_str(out, &m, "request_id", request_id);
    if (on_behalf_of.size > 0) mp_put_str(out, &m, "on_behalf_of", on_behalf_of);
    mp_close(out, &m);
}

void
reply_pack(uint64_t id, struct view body, struct buf *out)
{
    struct mp_open_map m = mp_open(out);

    mp_put_i64(out, &m, "v", PROTO_VERSION);
    mp_put_u64(out, &m, "id", id);
    mp_put_bool(out, &m, "ok", true);
    mp_put_raw(out, &m, "body", body);
    mp_close(out, &m);
}

/* An error may quote bytes of a peer that are no UTF-8; a reply is. */
static void
put_text(struct buf *out, struct mp_open_map *m, const char *key, const char *text)
{
    char ascii[sizeof(((struct err *)0)->msg)];

    if (!utf8_is_valid(view_str(text))) text = printable(view_str(text), ascii, sizeof(ascii));
    mp_put_cstr(out, m, key, text);
}

void
error_pack(const struct err *e, struct buf *out)
{
    struct mp_open_map m = mp_open(out);

    mp_put_cstr(out, &m, "code", errc_wire(e->code));
    put_text(out, &m, "message", e->msg);
    put_text(out, &m, "hint", e->hint);
    put_text(out, &m, "field", e->field);
    if (e->slot_eta_ms > 0) mp_put_i64(out, &m, "slot_eta_ms", e->slot_eta_ms);
    mp_close(out, &m);
}

void
reply_pack_error(uint64_t id, const struct err *error, struct buf *out)
{
    struct mp_open_map m = mp_open(out);

    assert(error->code != E_OK);
    mp_put_i64(out, &m, "v", PROTO_VERSION);
    mp_put_u64(out, &m, "id", id);
    mp_put_bool(out, &m, "ok", false);
    mp_key(out, &m, "error");
    error_pack(error, out);
    mp_close(out, &m);
}

static void
copy_text(struct view map, const char *key, char *out, size_t size)
{
    struct view text = {0};

    (void)mp_find_str(map, key, &text); /* absent: empty */
    size_t n = text.size < size - 1 ? text.size : size - 1;
    if (n > 0) memcpy(out, text.data, n);
    out[n] = '\0';
}

static enum errc
take_error(struct view error, struct err *e)
{
    char    code[sizeof(e->field)];
    int64_t eta_ms;

    copy_text(error, "code", code, sizeof(code));
    copy_text(error, "message", e->msg, sizeof(e->msg));
    copy_text(error, "hint", e->hint, sizeof(e->hint));
    copy_text(error, "field", e->field, sizeof(e->field));
    if (!mp_find_i64(error, "slot_eta_ms", &eta_ms)) eta_ms = 0;
    e->slot_eta_ms = eta_ms;
    e->code = errc_from_wire(code);
    if (e->code == E_OK) e->code = E_INTERNAL; /* "ok" is no error's name */
    return e->code;
}

enum errc
reply_open(struct view frame, uint64_t *id, struct view *body, struct err *e)
{
    struct view raw[KEY_COUNT];
    bool        ok;

    *id = id_of(frame);
    if (envelope_open(frame, REPLY_KEYS, OTHERS_IGNORED, raw, e)) {
        e->code = E_INTERNAL;
        return err_wrap(e, "malformed reply");
    }
    if (raw[KEY_ID].size == 0 || !mp_find_bool(frame, "ok", &ok)) {
        return err_set(e, E_INTERNAL, "malformed reply: no id or no ok");
    }
    if (!ok) return take_error(raw[KEY_ERROR], e);
    *body = raw[KEY_BODY].size > 0 ? raw[KEY_BODY] : view_str("\xc0");
    return E_OK;
}

void
worker_pack(enum msg_id op, const void *m, struct buf *out)
{
    const struct msg_desc *d = msg_desc(op);

    assert(d->group >= GROUP_TO_WORKER);
    mp_map(out, 3);
    mp_cstr(out, "v");
    mp_i64(out, PROTO_VERSION);
    mp_cstr(out, "op");
    mp_cstr(out, d->op);
    mp_cstr(out, "body");
    msg_pack(d, m, out);
}

/* Without mp_check: the cursor and msg_unpack judge every byte anyway, and a payload that was
 * admitted near the limits of depth and nodes must still fit between agentd and its worker. */
enum errc
worker_open(enum msg_group group, struct view frame, const struct msg_desc **desc, union msg *out,
            struct err *e)
{
    struct view            raw[KEY_COUNT];
    const struct msg_desc *d;

    if (frame.size > WORKER_MESSAGE_MAX) {
        return err_set(e, E_TOO_LARGE, "the message is %zu bytes, the limit is %d", frame.size,
                       WORKER_MESSAGE_MAX);
    }
    if (check_version(frame, e)) return e->code;
    if (envelope_open(frame, WORKER_KEYS, OTHERS_REFUSED, raw, e)) return e->code;
    if (find_op(group, raw[KEY_OP], &d, e)) return e->code;
    if (msg_unpack(d, body_of(raw[KEY_BODY]), out, e)) return e->code;
    *desc = d;
    return E_OK;
}
