/* Any bytes as a client's request, as each message's body, and as a worker's message; what is taken
 * must survive packing and unpacking with the same meaning. */
#include "common/mp.h"
#include "proto/codec.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool claim)
{
    if (!claim) abort();
}

static void
must_be_refused(const struct err *e, enum errc code)
{
    must(e->code == code && code > E_OK && code < ERRC_COUNT && e->msg[0]);
    must(utf8_is_valid(view_str(e->msg)) && utf8_is_valid(view_str(e->field)));
}

static bool
is_same(const struct field_desc *f, const char *a, const char *b)
{
    if (f->type >= FT_NAME) {
        return view_eq(*(const struct view *)(a + f->offset),
                       *(const struct view *)(b + f->offset));
    }
    return memcmp(a + f->offset, b + f->offset,
                  f->type == FT_BOOL ? sizeof(bool) : sizeof(uint64_t)) == 0;
}

static void
pack_and_unpack_again(const struct msg_desc *d, const union msg *m)
{
    struct buf BUF_AUTO packed = {0};
    union msg           again;
    struct err          e;

    msg_pack(d, m, &packed);
    must(!msg_unpack(d, buf_view(&packed), &again, &e));
    must(*(const uint64_t *)m == *(const uint64_t *)&again);
    for (size_t i = 0; i < d->nfields; i++)
        must(is_same(&d->fields[i], (const char *)m, (const char *)&again));
}

static void
try_body(const struct msg_desc *d, struct view body)
{
    union msg  m;
    struct err e;
    enum errc  code = msg_unpack(d, body, &m, &e);

    if (code) {
        must_be_refused(&e, code);
    } else {
        pack_and_unpack_again(d, &m);
    }
}

static void
try_request(struct view frame)
{
    struct buf BUF_AUTO again = {0};
    struct request      rq;
    struct request      second;
    struct err          e;
    uint64_t            id;
    enum errc           code = request_open(frame, &rq, &id, &e);

    if (code) {
        must_be_refused(&e, code);
        return;
    }
    must(id == rq.id);
    try_body(rq.desc, rq.body);
    request_pack(rq.id, rq.desc->id, rq.body, rq.request_id, &again);
    must(!request_open(buf_view(&again), &second, &id, &e));
    must(second.id == rq.id && second.desc == rq.desc && view_eq(second.body, rq.body) &&
         view_eq(second.request_id, rq.request_id));
}

static void
try_reply(struct view frame)
{
    struct view body;
    struct err  e;
    uint64_t    id;
    enum errc   code = reply_open(frame, &id, &body, &e);

    if (code) {
        struct buf BUF_AUTO again = {0};
        struct err          second;

        must(e.code == code && code > E_OK && code < ERRC_COUNT);
        reply_pack_error(id, &e, &again);
        must(!mp_check_json(buf_view(&again)));
        must(reply_open(buf_view(&again), &id, &body, &second) == code);
    } else {
        struct list_iter it = list_iter_of(body);
        struct view      item;

        while (list_next(&it, &item))
            must(item.size > 0);
    }
}

static void
try_worker(enum msg_group group, struct view frame)
{
    const struct msg_desc *d;
    union msg              m;
    struct err             e;
    enum errc              code = worker_open(group, frame, &d, &m, &e);

    if (code) {
        must_be_refused(&e, code);
    } else {
        must(d->group == group);
        pack_and_unpack_again(d, &m);
    }
}

static void
put_some_value(struct buf *b, uint8_t choice)
{
    switch (choice % 16) {
    case 0: mp_nil(b); break;
    case 1: mp_bool(b, choice & 16); break;
    case 2: mp_i64(b, -1); break;
    case 3: mp_i64(b, 1 << (choice >> 4)); break;
    case 4: mp_u64(b, UINT64_MAX >> (choice >> 4)); break;
    case 5: mp_f64(b, choice); break;
    case 6: mp_cstr(b, ""); break;
    case 7: mp_cstr(b, "company/name"); break;
    case 8: mp_cstr(b, "a\nb"); break;
    case 9: mp_cstr(b, "\xff"); break;
    case 10: mp_bin(b, view_str("bin")); break;
    case 11: mp_map(b, 0); break;
    case 12: mp_raw(b, view_str("\x81\xa1k\x91\xc3")); break;
    case 13: mp_raw(b, view_str("\x82\xa1k\x01\xa1k\x01")); break;
    case 14: mp_array(b, 0); break;
    default: mp_cstr(b, "name"); break;
    }
}

static void
put_good_value(struct buf *b, const struct field_desc *f)
{
    switch (f->type) {
    case FT_BOOL: mp_bool(b, true); break;
    case FT_NAME:
    case FT_REF:
    case FT_STR:
    case FT_TEXT: mp_cstr(b, "a"); break;
    case FT_JSON:
    case FT_LIST:
    case FT_RAW: mp_array(b, 0); break;
    case FT_MAP: mp_map(b, 0); break;
    default: mp_i64(b, f->low); break;
    }
}

/* The same bytes as choices: of a message, whether it has what is required, then of its fields and
 * their values. */
static void
put_some_body(const struct msg_desc *d, struct buf *b, const uint8_t *data, size_t size)
{
    struct mp_open_map m = mp_open(b);

    for (size_t i = 0; i < d->nfields && size > 0 && data[0] & 1; i++) {
        if (d->fields[i].need != REQUIRED) continue;
        mp_key(b, &m, d->fields[i].name);
        put_good_value(b, &d->fields[i]);
    }
    for (size_t i = 1; i + 1 < size; i += 2) {
        size_t at = data[i] % (d->nfields + 1);

        mp_key(b, &m, at < d->nfields ? d->fields[at].name : "other");
        put_some_value(b, data[i + 1]);
    }
    mp_close(b, &m);
}

static void
try_built(const uint8_t *data, size_t size)
{
    const struct msg_desc *d = msg_desc(1 + (size ? data[0] % (MSG_COUNT - 1) : 0));
    struct buf BUF_AUTO    body = {0};
    struct buf BUF_AUTO    frame = {0};
    struct mp_open_map     m = mp_open(&frame);

    put_some_body(d, &body, size ? data + 1 : data, size ? size - 1 : 0);
    mp_put_i64(&frame, &m, "v", PROTO_VERSION);
    if (d->group == GROUP_CONTROL) mp_put_i64(&frame, &m, "id", 7);
    mp_put_cstr(&frame, &m, "op", d->op);
    mp_put_raw(&frame, &m, "body", buf_view(&body));
    mp_close(&frame, &m);
    try_body(d, buf_view(&body));
    if (d->group == GROUP_CONTROL) try_request(buf_view(&frame));
    if (d->group > GROUP_CONTROL) try_worker(d->group, buf_view(&frame));
    buf_clear(&frame);
    reply_pack(7, buf_view(&body), &frame);
    try_reply(buf_view(&frame));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* A block of its own, so that a read beyond the end is seen. */
    FREE_AUTO char *copy = xmalloc(size ? size : 1);
    struct view     v = view_of(copy, size);

    if (size > 0) memcpy(copy, data, size);
    try_request(v);
    try_reply(v);
    try_worker(GROUP_TO_WORKER, v);
    try_worker(GROUP_FROM_WORKER, v);
    for (enum msg_id id = MSG_NONE + 1; id < MSG_COUNT; id++)
        try_body(msg_desc(id), v);
    try_built(data, size);
    return 0;
}
