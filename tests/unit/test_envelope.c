#include "common/mp.h"
#include "proto/codec.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* {v: 1, id: 7, op: "ping"} with one more pair or another value; nil leaves the key out. */
static void
put_request(struct buf *b, int64_t v, int64_t id, const char *op, const char *key,
            struct view value)
{
    struct mp_open_map m = mp_open(b);

    mp_put_i64(b, &m, "v", v);
    mp_put_i64(b, &m, "id", id);
    mp_put_cstr(b, &m, "op", op);
    if (key) mp_put_raw(b, &m, key, value);
    mp_close(b, &m);
}

/* A refused request leaves `out` as it was. */
static void
expect_refused(struct view frame, enum errc code, uint64_t id, const char *message)
{
    struct request rq;
    struct request before;
    struct err     e;
    uint64_t       seen_id = 99;

    memset(&rq, 0x5a, sizeof(rq));
    memcpy(&before, &rq, sizeof(rq));
    assert_int_equal(request_open(frame, &rq, &seen_id, &e), code);
    assert_int_equal(e.code, code);
    assert_int_equal(seen_id, id);
    assert_non_null(strstr(e.msg, message));
    assert_memory_equal(&rq, &before, sizeof(rq));
}

static void
a_request_opens_as_it_was_packed(void **state)
{
    struct buf BUF_AUTO body = {0};
    struct buf BUF_AUTO frame = {0};
    struct msg_job_show m = {.id = 12};
    struct request      rq;
    struct err          e;
    uint64_t            id;

    (void)state;
    msg_pack(msg_desc(MSG_JOB_SHOW), &m, &body);
    request_pack(41, MSG_JOB_SHOW, buf_view(&body), view_str("rq-1"), &frame);
    assert_int_equal(request_open(buf_view(&frame), &rq, &id, &e), E_OK);
    assert_int_equal(id, 41);
    assert_int_equal(rq.id, 41);
    assert_ptr_equal(rq.desc, msg_desc(MSG_JOB_SHOW));
    assert_true(view_eq(rq.body, buf_view(&body)));
    assert_true(view_is(rq.request_id, "rq-1"));
    assert_int_equal(rq.on_behalf_of.size, 0);
}

static void
a_request_for_another_carries_the_hash_of_its_token(void **state)
{
    static const char   hash[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    struct buf BUF_AUTO frame = {0};
    struct buf BUF_AUTO bad = {0};
    struct request      rq;
    struct err          e;
    uint64_t            id;

    (void)state;
    request_pack_for(41, MSG_PING, view_str(""), view_str(""), view_str(hash), &frame);
    assert_int_equal(request_open(buf_view(&frame), &rq, &id, &e), E_OK);
    assert_true(view_is(rq.on_behalf_of, hash));
    put_request(&bad, 1, 7, "ping", "on_behalf_of",
                view_str("\xa3"
                         "abc"));
    expect_refused(buf_view(&bad), E_BAD_REQUEST, 7, "on_behalf_of: ");
}

/* The examples of PROTOCOL.md. */
static void
envelopes_are_byte_exact(void **state)
{
    static const char   request[] = "\xdf\0\0\0\4\xa1v\1\xa2id\7\xa2op\xa8job.show"
                                    "\xa4"
                                    "body\x81\xa2id\x0c";
    static const char   reply[] = "\xdf\0\0\0\4\xa1v\1\xa2id\7\xa2ok\xc2\xa5"
                                  "error"
                                  "\xdf\0\0\0\4\xa4"
                                  "code\xa9not_found\xa7message\xa9no job 12"
                                  "\xa4hint\xa0\xa5"
                                  "field\xa0";
    struct msg_job_show m = {.id = 12};
    struct buf BUF_AUTO body = {0};
    struct buf BUF_AUTO b = {0};
    struct err          e;

    (void)state;
    msg_pack(msg_desc(MSG_JOB_SHOW), &m, &body);
    request_pack(7, MSG_JOB_SHOW, buf_view(&body), view_str(NULL), &b);
    assert_true(view_eq(buf_view(&b), view_of(request, sizeof(request) - 1)));
    (void)err_set(&e, E_NOT_FOUND, "no job 12");
    buf_clear(&b);
    reply_pack_error(7, &e, &b);
    assert_true(view_eq(buf_view(&b), view_of(reply, sizeof(reply) - 1)));
}

static void
a_request_without_body_has_an_empty_one(void **state)
{
    struct err     e;
    struct request rq;
    uint64_t       id;

    (void)state;
    for (int given = 0; given < 2; given++) {
        struct buf BUF_AUTO b = {0};

        put_request(&b, 1, 7, "ping", given ? "body" : NULL, view_str("\xc0"));
        assert_int_equal(request_open(buf_view(&b), &rq, &id, &e), E_OK);
        assert_true(view_is(rq.body, "\x80"));
        assert_int_equal(rq.request_id.size, 0);
    }
}

static void
a_version_that_is_not_served_is_refused_before_anything_else(void **state)
{
    struct buf BUF_AUTO b = {0};
    struct buf BUF_AUTO old = {0};

    (void)state;
    put_request(&b, PROTO_VERSION + 1, 7, "no.such", "news", view_str("\x01"));
    expect_refused(buf_view(&b), E_UNSUPPORTED, 7, "only 1 to 1");
    put_request(&old, PROTO_VERSION_MIN - 1, 7, "ping", NULL, view_str(""));
    expect_refused(buf_view(&old), E_UNSUPPORTED, 7, "version 0");
}

static void
an_unknown_op_is_named_printably(void **state)
{
    struct buf BUF_AUTO b = {0};
    struct buf BUF_AUTO other = {0};

    (void)state;
    put_request(&b, 1, 7, "job.\x1b[31m\xff", NULL, view_str(""));
    expect_refused(buf_view(&b), E_BAD_REQUEST, 7, "unknown op \"job.?[31m?\"");
    put_request(&other, 1, 7, "ended", NULL, view_str("")); /* a worker's, not a client's */
    expect_refused(buf_view(&other), E_BAD_REQUEST, 7, "unknown op \"ended\"");
}

static void
bad_envelopes_are_refused_and_their_id_is_still_read(void **state)
{
    struct buf BUF_AUTO extra = {0};
    struct buf BUF_AUTO twice = {0};
    struct buf BUF_AUTO body = {0};
    struct buf BUF_AUTO long_id = {0};
    struct buf BUF_AUTO no_id = {0};

    (void)state;
    put_request(&extra, 1, 7, "ping", "ok", view_str("\xc3"));
    expect_refused(buf_view(&extra), E_BAD_REQUEST, 7, "ok: unknown key of the envelope");
    put_request(&twice, 1, 7, "ping", "op", view_str("\xa4ping"));
    expect_refused(buf_view(&twice), E_BAD_REQUEST, 7, "op: given twice");
    put_request(&long_id, 1, 7, "ping", "request_id", view_str("\xa0"));
    expect_refused(buf_view(&long_id), E_BAD_REQUEST, 7, "request_id: ");
    put_request(&no_id, 1, -7, "ping", NULL, view_str(""));
    expect_refused(buf_view(&no_id), E_BAD_REQUEST, 0, "id: ");
    put_request(&body, 1, 7, "ping", "body", view_str("\x90"));

    struct request rq;
    struct err     e;
    uint64_t       id;
    union msg      m;

    assert_int_equal(request_open(buf_view(&body), &rq, &id, &e), E_OK);
    assert_int_equal(msg_unpack(rq.desc, rq.body, &m, &e), E_BAD_REQUEST);
}

static void
bytes_that_are_no_message_are_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t      size;
    } bad[] = {
        {"",                     0},
        {"\x01",                 1},
        {"\x90",                 1},
        {"\x80",                 1},
        {"\x81\x01\x01",         3},
        {"\xc1",                 1},
        {"\x81\xa1v\x01\x01",    5},
        {"\xdf\xff\xff\xff\xff", 5},
        {"\x82\xa1v\x01\xa2id",  7},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        expect_refused(view_of(bad[i].bytes, bad[i].size), E_BAD_REQUEST, 0, "");
}

static void
a_request_over_the_limit_is_too_large_with_its_id(void **state)
{
    struct buf BUF_AUTO b = {0};
    struct buf BUF_AUTO body = {0};
    char               *text = xcalloc(1, CLIENT_MESSAGE_MAX);

    (void)state;
    mp_map(&body, 1);
    mp_cstr(&body, "k");
    mp_str(&body, view_of(text, CLIENT_MESSAGE_MAX));
    put_request(&b, 1, 7, "ping", "body", buf_view(&body));
    expect_refused(buf_view(&b), E_TOO_LARGE, 7, "the limit is 2097152");
    free(text);
}

static void
nesting_over_the_limit_is_refused(void **state)
{
    struct buf BUF_AUTO b = {0};
    char                deep[MP_DEPTH_MAX + 1];

    (void)state;
    memset(deep, '\x91', sizeof(deep));
    deep[MP_DEPTH_MAX] = '\x01';
    put_request(&b, 1, 7, "ping", "body", view_of(deep, sizeof(deep)));
    expect_refused(buf_view(&b), E_BAD_REQUEST, 7, "malformed message: nested too deep");
}

/* A request whose field, or that of the first of many, is `depth` lists within each other. */
static enum errc
open_with_payload(int depth, bool is_of_many)
{
    struct buf BUF_AUTO b = {0};
    struct buf BUF_AUTO deep = {0};
    struct buf BUF_AUTO body = {0};
    struct mp_open_map  m;
    struct request      rq;
    struct err          e;
    uint64_t            id;
    union msg           out;

    for (int i = 1; i < depth; i++)
        mp_array(&deep, 1);
    mp_array(&deep, 0);
    m = mp_open(&body);
    if (is_of_many) {
        mp_key(&body, &m, "jobs");
        mp_array(&body, 1);
        mp_map(&body, 1);
        mp_cstr(&body, "payload");
        mp_raw(&body, buf_view(&deep));
    } else {
        mp_put_raw(&body, &m, "payload", buf_view(&deep));
    }
    mp_close(&body, &m);
    put_request(&b, 1, 7, is_of_many ? "job.submit_many" : "job.submit", "body", buf_view(&body));
    if (request_open(buf_view(&b), &rq, &id, &e)) return e.code;
    assert_int_equal(msg_unpack(rq.desc, rq.body, &out, &e), E_OK);
    return E_OK;
}

static void
a_fields_value_is_at_most_14_deep(void **state)
{
    (void)state;
    assert_int_equal(open_with_payload(14, false), E_OK);
    assert_int_equal(open_with_payload(15, false), E_BAD_REQUEST);
    assert_int_equal(open_with_payload(12, true), E_OK);
    assert_int_equal(open_with_payload(13, true), E_BAD_REQUEST);
}

static void
a_reply_gives_back_its_body_or_its_error(void **state)
{
    struct buf BUF_AUTO ok = {0};
    struct buf BUF_AUTO bad = {0};
    struct view         body = {0};
    struct err          e;
    struct err          sent;
    uint64_t            id;

    (void)state;
    reply_pack(5, view_str("\x91\x01"), &ok);
    assert_int_equal(reply_open(buf_view(&ok), &id, &body, &e), E_OK);
    assert_int_equal(id, 5);
    assert_true(view_is(body, "\x91\x01"));

    (void)err_field(&sent, "priority", "is silly: %s", "\xff");
    (void)err_hint(&sent, "be serious");
    reply_pack_error(6, &sent, &bad);
    assert_null(mp_check_json(buf_view(&bad)));
    assert_int_equal(reply_open(buf_view(&bad), &id, &body, &e), E_BAD_REQUEST);
    assert_int_equal(id, 6);
    assert_int_equal(e.code, E_BAD_REQUEST);
    assert_string_equal(e.field, "priority");
    assert_string_equal(e.msg, "priority: is silly: ?");
    assert_string_equal(e.hint, "be serious");
    assert_int_equal(e.slot_eta_ms, 0);

    (void)err_set(&sent, E_CAPACITY_FULL, "no room");
    sent.slot_eta_ms = 1500;
    buf_clear(&bad);
    reply_pack_error(7, &sent, &bad);
    assert_int_equal(reply_open(buf_view(&bad), &id, &body, &e), E_CAPACITY_FULL);
    assert_int_equal(e.slot_eta_ms, 1500);
}

/* {id: 1, ok: false, error: {code: CODE}, new: 1} */
static enum errc
open_error(const char *code, struct err *e)
{
    struct buf BUF_AUTO b = {0};
    struct mp_open_map  m = mp_open(&b);
    struct view         body;
    uint64_t            id;

    mp_put_i64(&b, &m, "id", 1);
    mp_put_bool(&b, &m, "ok", false);
    mp_key(&b, &m, "error");
    struct mp_open_map inner = mp_open(&b);
    mp_put_cstr(&b, &inner, "code", code);
    mp_put_i64(&b, &inner, "newer", 2);
    mp_close(&b, &inner);
    mp_put_i64(&b, &m, "newest", 3);
    mp_close(&b, &m);
    return reply_open(buf_view(&b), &id, &body, e);
}

static void
a_client_ignores_what_it_does_not_know_of_a_reply(void **state)
{
    struct err e;

    (void)state;
    for (enum errc code = E_OK + 1; code < ERRC_COUNT; code++)
        assert_int_equal(open_error(errc_wire(code), &e), code);
    assert_int_equal(open_error("brand_new", &e), E_INTERNAL);
    assert_int_equal(open_error("ok", &e), E_INTERNAL);
    assert_int_equal(e.code, E_INTERNAL);
}

static void
a_malformed_reply_is_an_internal_error(void **state)
{
    static const struct {
        const char *bytes;
        size_t      size;
    } bad[] = {
        {"",                             0 },
        {"\x80",                         1 },
        {"\x90",                         1 },
        {"\x81\xa2ok\xc3",               5 },
        {"\x81\xa2id\x01",               5 },
        {"\x82\xa2ok\x01\xa2id\x01",     9 },
        {"\x82\xa2ok\xc3\xa2id\x01\x01", 10},
    };
    struct view body = {0};
    struct err  e;
    uint64_t    id;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(reply_open(view_of(bad[i].bytes, bad[i].size), &id, &body, &e),
                         E_INTERNAL);
        assert_memory_equal(e.msg, "malformed reply", 15);
    }
}

static void
a_worker_message_opens_in_its_own_group_only(void **state)
{
    struct buf BUF_AUTO    b = {0};
    struct msg_heartbeat   m = {.worker = 3, .generation = 2, .last_seq = 8};
    const struct msg_desc *d = NULL;
    struct err             e;
    union msg              out;

    (void)state;
    m.running = view_str("\x92\x05\x06");
    worker_pack(MSG_HEARTBEAT, &m, &b);
    assert_int_equal(worker_open(GROUP_FROM_WORKER, buf_view(&b), &d, &out, &e), E_OK);
    assert_ptr_equal(d, msg_desc(MSG_HEARTBEAT));
    assert_int_equal(out.heartbeat.last_seq, 8);
    assert_true(view_is(out.heartbeat.running, "\x92\x05\x06"));

    d = NULL;
    assert_int_equal(worker_open(GROUP_TO_WORKER, buf_view(&b), &d, &out, &e), E_BAD_REQUEST);
    assert_null(d);
    for (size_t size = 0; size < b.size; size++) {
        assert_int_equal(worker_open(GROUP_FROM_WORKER, view_of(b.data, size), &d, &out, &e),
                         E_BAD_REQUEST);
    }
    assert_null(d);
}

/* What a client may submit must reach the worker: the frame around it must not tip the scales. */
static void
a_payload_at_the_limit_of_nodes_passes_between_agentd_and_worker(void **state)
{
    struct buf BUF_AUTO    payload = {0};
    struct buf BUF_AUTO    b = {0};
    struct msg_job_start   m = {.seq = 1, .token = 1, .job = 1, .attempt = 1};
    const struct msg_desc *d = NULL;
    struct err             e;
    union msg              out;

    (void)state;
    mp_array(&payload, MP_NODES_MAX - 1);
    for (unsigned i = 0; i < MP_NODES_MAX - 1; i++)
        mp_i64(&payload, 1);
    m.payload = buf_view(&payload);
    m.handler = m.document = view_str("\x80");
    m.idempotency_key = m.lease = view_str("k");
    SET_HAS(&m, job_start, payload);
    worker_pack(MSG_JOB_START, &m, &b);
    assert_non_null(mp_check(buf_view(&b)));
    assert_int_equal(worker_open(GROUP_TO_WORKER, buf_view(&b), &d, &out, &e), E_OK);
    assert_int_equal(out.job_start.payload.size, payload.size);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_opens_as_it_was_packed),
        cmocka_unit_test(a_request_for_another_carries_the_hash_of_its_token),
        cmocka_unit_test(envelopes_are_byte_exact),
        cmocka_unit_test(a_request_without_body_has_an_empty_one),
        cmocka_unit_test(a_version_that_is_not_served_is_refused_before_anything_else),
        cmocka_unit_test(an_unknown_op_is_named_printably),
        cmocka_unit_test(bad_envelopes_are_refused_and_their_id_is_still_read),
        cmocka_unit_test(bytes_that_are_no_message_are_refused),
        cmocka_unit_test(a_request_over_the_limit_is_too_large_with_its_id),
        cmocka_unit_test(nesting_over_the_limit_is_refused),
        cmocka_unit_test(a_fields_value_is_at_most_14_deep),
        cmocka_unit_test(a_reply_gives_back_its_body_or_its_error),
        cmocka_unit_test(a_client_ignores_what_it_does_not_know_of_a_reply),
        cmocka_unit_test(a_malformed_reply_is_an_internal_error),
        cmocka_unit_test(a_worker_message_opens_in_its_own_group_only),
        cmocka_unit_test(a_payload_at_the_limit_of_nodes_passes_between_agentd_and_worker),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
