/* What the rig says to the engine, and how it reads what comes back. */
#include "common/json.h"
#include "tests/unit/engine_rig.h"

/* ---- JSON with ' for " ---- */

struct view
rig_pack_between(struct rig *r, const char *open, const char *fmt, va_list ap, const char *close)
{
    BUF_AUTO struct buf text = {0};
    BUF_AUTO struct buf out = {0};
    FREE_AUTO char     *inner = NULL;
    struct err          e = {0};

    assert_true(vasprintf(&inner, fmt, ap) >= 0);
    buf_add_str(&text, open);
    buf_add_str(&text, inner);
    buf_add_str(&text, close);
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] == '\'') text.data[i] = '"';
    if (json_to_mp(buf_view(&text), &out, &e)) fail_msg("%s: %s", buf_str(&text), e.msg);
    return arena_copy(&r->inputs, buf_view(&out));
}

struct view
rig_pack(struct rig *r, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    struct view v = rig_pack_between(r, "", fmt, ap, "");
    va_end(ap);
    return v;
}

/* ---- requests ---- */

static enum msg_id
op_id(const char *op)
{
    const struct msg_desc *d = msg_find(GROUP_CONTROL, view_str(op));

    if (!d) fail_msg("no operation %s", op);
    return d->id;
}

static uint64_t
queue_request(struct rig *r, const char *op, struct view body)
{
    const struct input in = {.kind = INPUT_REQUEST,
                             .client = ++r->last_client,
                             .actor = r->actor,
                             .op = op_id(op),
                             .body = body,
                             .request_id = view_str(r->request_id)};

    rig_push(r, &in);
    return in.client;
}

uint64_t
rig_queue(struct rig *r, const char *op, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    struct view body = rig_pack_between(r, "{", fmt, ap, "}");
    va_end(ap);
    return queue_request(r, op, body);
}

enum errc
rig_answer(struct rig *r, uint64_t client)
{
    const struct output *found = NULL;

    for (size_t i = 0; i < r->output_count; i++) {
        const struct output *o = &r->outputs[i];

        if (o->kind != OUT_REPLY || o->client != client) continue;
        if (found) fail_msg("request %d is answered twice", (int)client);
        found = o;
    }
    if (!found) fail_msg("request %d is not answered", (int)client);
    r->reply = found->body;
    r->error = found->error ? *found->error : (struct err){0};
    if (!found->error) assert_null(mp_check_json(r->reply));
    return r->error.code;
}

static enum errc ask(struct rig *r, const char *op, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));
static enum errc
ask(struct rig *r, const char *op, const char *fmt, va_list ap)
{
    uint64_t client = queue_request(r, op, rig_pack_between(r, "{", fmt, ap, "}"));

    rig_turn(r);
    return rig_answer(r, client);
}

enum errc
rig_ask(struct rig *r, const char *op, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    enum errc code = ask(r, op, fmt, ap);
    va_end(ap);
    return code;
}

void
rig_must(struct rig *r, const char *op, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    if (ask(r, op, fmt, ap)) fail_msg("%s: %s (%s)", op, r->error.msg, r->error.field);
    va_end(ap);
}

/* What people ask of sessions is refused with what to do, or with the field and what it is to be.
 */
static void
expect_help(const struct rig *r, const char *op)
{
    static const char *const nouns[] = {"session.", "timer.", "effect.", "token."};

    if (r->error.hint[0] || r->error.field[0]) return;
    if (strcmp(op, "session.attach") == 0 || strcmp(op, "session.detach") == 0) return;
    for (size_t i = 0; i < ARRAY_LEN(nouns); i++) {
        if (strncmp(op, nouns[i], strlen(nouns[i])) != 0) continue;
        fail_msg("%s is refused without a hint: %s", op, r->error.msg);
    }
}

void
rig_refused(struct rig *r, enum errc code, const char *field, const char *op, const char *fmt, ...)
{
    FREE_AUTO char *body = NULL;
    uint64_t        hash = rig_hash(r);
    va_list         ap;

    va_start(ap, fmt);
    assert_true(vasprintf(&body, fmt, ap) >= 0);
    va_end(ap);
    enum errc got = rig_ask(r, op, "%s", body);
    if (got != code)
        fail_msg("%s %s: %s instead of %s: %s", op, body, errc_wire(got), errc_wire(code),
                 got == E_OK ? rig_json(r) : r->error.msg);
    if (strcmp(r->error.field, field) != 0)
        fail_msg("%s %s: names field '%s' instead of '%s': %s", op, body, r->error.field, field,
                 r->error.msg);
    if (r->error.msg[0] == '\0') fail_msg("%s %s: refused without a sentence", op, body);
    if (rig_hash(r) != hash) fail_msg("%s %s: refused, but the state has changed", op, body);
    expect_help(r, op);
}

static void
take_read(struct rig *r, struct buf *reply)
{
    struct view copy = arena_copy(&r->results, buf_view(reply));
    const char *wrong = mp_check_json(copy);

    if (wrong) fail_msg("a reply that is no JSON: %s", wrong);
    r->reply = copy;
}

static enum errc
read_op(struct rig *r, const char *op, struct view body)
{
    BUF_AUTO struct buf reply = {0};
    bool                ok = true;
    struct err          e = {0};
    struct txn         *t = rig_begin_read(r);

    r->wait_on = 0;
    r->read_result = engine_read(r->engine, t, &r->header.now, &r->actor, op_id(op), body, &reply,
                                 &r->wait_on, &ok, &e);
    txn_abort(&t);
    r->error = ok ? (struct err){0} : e;
    if (!ok) return e.code;
    take_read(r, &reply);
    return E_OK;
}

enum errc
rig_read(struct rig *r, const char *op, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    enum errc code = read_op(r, op, rig_pack_between(r, "{", fmt, ap, "}"));
    va_end(ap);
    if (code) expect_help(r, op);
    return code;
}

void
rig_must_read(struct rig *r, const char *op, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    if (read_op(r, op, rig_pack_between(r, "{", fmt, ap, "}")))
        fail_msg("%s: %s", op, r->error.msg);
    va_end(ap);
}

void
rig_status(struct rig *r)
{
    BUF_AUTO struct buf reply = {0};
    struct txn         *t = rig_begin_read(r);
    struct mp_open_map  map = mp_open(&reply);

    engine_status(r->engine, t, &r->actor, &r->header.now, &reply, &map);
    txn_abort(&t);
    mp_close(&reply, &map);
    take_read(r, &reply);
}

const char *
rig_warnings(struct rig *r)
{
    BUF_AUTO struct buf lines = {0};
    struct txn         *t = rig_begin_read(r);

    engine_warnings(r->engine, t, &r->actor, &lines);
    txn_abort(&t);
    return arena_printf(&r->results, "%.*s", VIEW_ARG(buf_view(&lines)));
}

uint64_t
rig_submit(struct rig *r, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    if (ask(r, "job.submit", fmt, ap)) fail_msg("job.submit: %s", r->error.msg);
    va_end(ap);
    return (uint64_t)rig_i64(r, "id");
}

/* ---- what replies say ---- */

static bool
item_at(struct view list, uint32_t index, struct view *out)
{
    struct mp_reader m = mp_reader_of(list);
    uint32_t         count;

    if (mp_peek(&m) != MP_ARRAY || !mp_read_array(&m, &count) || index >= count) return false;
    for (uint32_t i = 0; i <= index; i++)
        if (!mp_read_any(&m, out)) return false;
    return true;
}

static bool
find(const struct rig *r, const char *path, struct view *out)
{
    char        copy[128];
    char       *rest = copy;
    const char *part;

    assert_true(strlen(path) < sizeof(copy));
    (void)snprintf(copy, sizeof(copy), "%s", path);
    *out = r->reply;
    while ((part = strsep(&rest, "."))) {
        struct view at = *out;
        bool        is_index = part[0] >= '0' && part[0] <= '9';

        if (is_index ? !item_at(at, (uint32_t)atoi(part), out) : !mp_find(at, part, out)) {
            return false;
        }
    }
    return true;
}

static struct mp_reader
must_find(struct rig *r, const char *path)
{
    struct view v;

    if (!find(r, path, &v)) fail_msg("no %s in %s", path, rig_json(r));
    return mp_reader_of(v);
}

const char *
rig_json(struct rig *r)
{
    BUF_AUTO struct buf text = {0};
    struct err          e = {0};

    if (r->reply.size == 0) return "(no reply)";
    if (json_from_mp(r->reply, &text, &e)) return e.code ? "(no JSON)" : "";
    return arena_printf(&r->results, "%s", buf_str(&text));
}

bool
rig_has(const struct rig *r, const char *path)
{
    struct view v;

    return find(r, path, &v);
}

bool
rig_is_nil(const struct rig *r, const char *path)
{
    struct view v;

    if (!find(r, path, &v)) return false;
    struct mp_reader m = mp_reader_of(v);
    return mp_peek(&m) == MP_NIL;
}

int64_t
rig_i64(struct rig *r, const char *path)
{
    struct mp_reader m = must_find(r, path);
    int64_t          v = 0;

    if (!mp_read_i64(&m, &v)) fail_msg("%s is no integer in %s", path, rig_json(r));
    return v;
}

bool
rig_bool(struct rig *r, const char *path)
{
    struct mp_reader m = must_find(r, path);
    bool             v = false;

    if (!mp_read_bool(&m, &v)) fail_msg("%s is no boolean in %s", path, rig_json(r));
    return v;
}

const char *
rig_text(struct rig *r, const char *path)
{
    struct mp_reader m = must_find(r, path);
    struct view      v = {0};

    if (mp_peek(&m) == MP_NIL) return RIG_NO_TEXT;
    if (!mp_read_str(&m, &v)) fail_msg("%s is no text in %s", path, rig_json(r));
    return arena_printf(&r->results, "%.*s", VIEW_ARG(v));
}

size_t
rig_len(struct rig *r, const char *path)
{
    struct mp_reader m = must_find(r, path);
    uint32_t         count = 0;

    if (!mp_read_array(&m, &count)) fail_msg("%s is no list in %s", path, rig_json(r));
    return count;
}

const char *
rig_path(struct rig *r, const char *list, size_t i, const char *field)
{
    return arena_printf(&r->results, "%s.%zu.%s", list, i, field);
}

const char *
rig_job_text(struct rig *r, uint64_t id, const char *path)
{
    rig_must_read(r, "job.show", "'id':%llu", (unsigned long long)id);
    return rig_text(r, path);
}

int64_t
rig_job_i64(struct rig *r, uint64_t id, const char *path)
{
    rig_must_read(r, "job.show", "'id':%llu", (unsigned long long)id);
    return rig_i64(r, path);
}

/* ---- what the store says ---- */

uint64_t
rig_hash(struct rig *r)
{
    struct txn *t = rig_begin_read(r);
    uint64_t    hash = txn_state_hash(t);
    txn_abort(&t);
    return hash;
}

uint64_t
rig_rows(struct rig *r, enum table_id table)
{
    struct txn *t = rig_begin_read(r);
    uint64_t    rows = table_rows(t, table);
    txn_abort(&t);
    return rows;
}

/* ---- the feed ---- */

void
rig_feed(struct rig *r)
{
    char start[64];

    rig_must_read(r, "feed.read", "'limit':1"); /* from now on: its cursor tells the incarnation */
    (void)snprintf(start, sizeof(start), "%s", rig_text(r, "next"));
    char *dash = strchr(start, '-');
    assert_non_null(dash);
    *dash = '\0';
    rig_must_read(r, "feed.read", "'since':'%s-0','limit':1000", start);
}

size_t
rig_feed_count(struct rig *r, const char *type)
{
    size_t count = 0;

    rig_feed(r);
    size_t len = rig_len(r, "items");
    for (size_t i = 0; i < len; i++) {
        if (strcmp(rig_text(r, rig_path(r, "items", i, "type")), type) == 0) count++;
    }
    return count;
}

/* ---- configuration ---- */

static void
put_list(struct rig *r, struct buf *b, struct mp_open_map *m, const char *key, const char *items)
{
    mp_put_raw(b, m, key, rig_pack(r, "[%s]", items ? items : ""));
}

enum errc
rig_try_configure(struct rig *r, const struct rig_declared *d, bool dry_run)
{
    BUF_AUTO struct buf limits = {0};
    BUF_AUTO struct buf body = {0};
    struct mp_open_map  m = mp_open(&body);

    msg_pack(msg_desc(MSG_LIMITS), &r->limits, &limits);
    mp_put_raw(&body, &m, "limits", buf_view(&limits));
    put_list(r, &body, &m, "companies", d->companies);
    put_list(r, &body, &m, "agents", d->agents);
    put_list(r, &body, &m, "handlers", d->handlers);
    put_list(r, &body, &m, "sinks", d->sinks);
    put_list(r, &body, &m, "schedules", d->schedules);
    put_list(r, &body, &m, "profiles", d->profiles);
    mp_close(&body, &m);
    const struct input in = {
        .kind = INPUT_CONFIG,
        .client = ++r->last_client,
        .actor = {.kind = "daemon", .id = view_str("reload"), .role = ROLE_ADMIN},
        .body = buf_view(&body),
        .dry_run = dry_run,
        .again = r->config_again
    };
    rig_push(r, &in);
    rig_turn(r);
    return rig_answer(r, in.client);
}

void
rig_configure(struct rig *r, const struct rig_declared *d)
{
    if (rig_try_configure(r, d, false)) fail_msg("config: %s", r->error.msg);
}
