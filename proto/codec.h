/* codec - one walker decodes, checks and packs every message by its descriptor.
 *
 * Decoding is total: type, range, required, unknown and duplicate fields are all judged here, so
 * that a handler gets a struct that needs no further suspicion (what concerns other objects apart).
 */
#ifndef PROTO_CODEC_H
#define PROTO_CODEC_H

#include "common/buf.h"
#include "common/err.h"
#include "proto/messages.h"

struct field_desc {
    enum field_type type;
    enum field_need need;
    size_t          offset; /* in the message's struct */
    const char     *name;
    int64_t         low;
    int64_t         high;
};

struct msg_desc {
    enum msg_id              id;
    enum msg_group           group;
    const char              *op;   /* the object's name for GROUP_OBJECT */
    enum msg_how             how;  /* control only */
    enum role                role; /* control only: the least that may ask */
    size_t                   size; /* of the struct */
    size_t                   nfields;
    const struct field_desc *fields;
};

const struct msg_desc *msg_desc(enum msg_id id);
/* By op within a group; NULL when there is none. */
const struct msg_desc *msg_find(enum msg_group group, struct view op);

/* `text` for an error message, into out: cut to fit, and what is not printable ASCII becomes '?'.
 */
const char *printable(struct view text, char *out, size_t size);

/* Decodes a packed map into *out (a struct msg_<name>, all bytes set).  Views borrow from `body`.
 * Any bytes may come: what is no map of these fields is refused, and JSON, MAP and LIST values are
 * checked by mp_check_json here.  E_BAD_REQUEST names the field. */
enum errc msg_unpack(const struct msg_desc *d, struct view body, void *out,
                     struct err *e) MUST_CHECK;
/* One value by its descriptor, as msg_unpack takes it, into the member of *out; *has is false when
 * it is a nil that means absent. */
enum errc field_unpack(const struct field_desc *f, struct view value, void *out, bool *has,
                       struct err *e) MUST_CHECK;
/* Packs the fields that `has` names (REQUIRED ones always) as a map.  Values are asserted to be in
 * range. */
void msg_pack(const struct msg_desc *d, const void *m, struct buf *out);

/* The items of a LIST value: calls of list_next give each item's packed bytes; false at the end. */
struct list_iter {
    struct view rest;
    uint32_t    left;
};
struct list_iter list_iter_of(struct view list);
bool             list_next(struct list_iter *it, struct view *item);

/* ---- envelopes ----------------------------------------------------------------------------------
 * request {v, id, op, body, request_id?, on_behalf_of?}; reply {v, id, ok: true, body} or {v, id,
 * ok: false, error: {code, message, hint, field, slot_eta_ms?}}; messages to and from workers, and
 * to the gateway, {v, op, body}. */
struct request {
    uint64_t               id; /* chosen by the client, echoed */
    const struct msg_desc *desc;
    struct view            body; /* in the frame; without one, a constant empty map outside it */
    struct view            request_id; /* empty: none; else 1–64 bytes, in the frame */
    struct view on_behalf_of; /* empty: none; else the SHA-256 of a token in hexadecimal, in the
                                 frame (the gateway's requests only) */
};
/* Checks size, form, version and op.  On failure *id is still set when it could be read, else 0, so
 * that the error can be answered. */
enum errc request_open(struct view frame, struct request *out, uint64_t *id,
                       struct err *e) MUST_CHECK;
void      request_pack(uint64_t id, enum msg_id op, struct view body, struct view request_id,
                       struct buf *out);
/* The same for whoever has the token of that hash (TOKEN_HASH_SIZE); empty: for oneself. */
void request_pack_for(uint64_t id, enum msg_id op, struct view body, struct view request_id,
                      struct view on_behalf_of, struct buf *out);
void reply_pack(uint64_t id, struct view body, struct buf *out); /* body: one packed value */
void reply_pack_error(uint64_t id, const struct err *error, struct buf *out);
/* An error as replies have it, a map; what is no UTF-8 is escaped. */
void error_pack(const struct err *e, struct buf *out);
/* Client side: E_OK and the body; or the error that the server answered, in *e; *id is what it
 * echoed. */
enum errc reply_open(struct view frame, uint64_t *id, struct view *body, struct err *e) MUST_CHECK;

void worker_pack(enum msg_id op, const void *m, struct buf *out);
/* Opens and decodes a worker message of `group` into *out; *desc tells which it is. */
enum errc worker_open(enum msg_group group, struct view frame, const struct msg_desc **desc,
                      union msg *out, struct err *e) MUST_CHECK;

/* Prints the whole schema, a line per field, in the order of the lists: schema.lock, and the tables
 * of PROTOCOL.md. */
void        schema_text(struct buf *out);
const char *field_type_name(enum field_type t);
const char *role_name(enum role r);

#endif
