#include "tools/gateway/openapi.h"

#include "common/json.h"
#include "common/mp.h"
#include "common/version.h"
#include "tools/gateway/routes.h"
#include <assert.h>
#include <ctype.h>
#include <stdio.h>

#define JSON "application/json"

/* {key: {…}}: opens the inner map. */
static struct mp_open_map
open_in(struct buf *b, struct mp_open_map *m, const char *key)
{
    mp_key(b, m, key);
    return mp_open(b);
}

static void
put_ref(struct buf *b, struct mp_open_map *m, const char *key, const char *ref)
{
    struct mp_open_map inner = open_in(b, m, key);

    mp_put_cstr(b, &inner, "$ref", ref);
    mp_close(b, &inner);
}

/* {name: {"type": type}} */
static void
put_property(struct buf *b, struct mp_open_map *m, const char *name, const char *type)
{
    struct mp_open_map property = open_in(b, m, name);

    mp_put_cstr(b, &property, "type", type);
    mp_close(b, &property);
}

/* ---- a field --------------------------------------------------------------- */

static void
put_bounds(struct buf *b, struct mp_open_map *m, const struct field_desc *f)
{
    bool is_number = f->type <= FT_TIME;

    if (is_number) mp_put_i64(b, m, "minimum", f->low);
    if (is_number && f->high < INT64_MAX) mp_put_i64(b, m, "maximum", f->high);
    if (f->type != FT_STR && f->type != FT_TEXT) return;
    mp_put_i64(b, m, "minLength", f->low);
    if (f->high < INT64_MAX) mp_put_i64(b, m, "maxLength", f->high);
}

static void
put_schema(struct buf *b, struct mp_open_map *parent, const char *key, const struct field_desc *f)
{
    static const struct {
        const char *type; /* NULL: any */
        const char *about;
    } kinds[] = {
        [FT_U64] = {"integer", NULL                       },
        [FT_I64] = {"integer", NULL                       },
        [FT_MS] = {"integer", "milliseconds"             },
        [FT_TIME] = {"integer", "Unix time in milliseconds"},
        [FT_BOOL] = {"boolean", NULL                       },
        [FT_NAME] = {"string",  "a name: a-z 0-9 . _ -"    },
        [FT_REF] = {"string",  "a name, or company/name"  },
        [FT_STR] = {"string",  NULL                       },
        [FT_TEXT] = {"string",  NULL                       },
        [FT_JSON] = {NULL,      "any JSON"                 },
        [FT_MAP] = {"object",  NULL                       },
        [FT_LIST] = {"array",   NULL                       },
        [FT_RAW] = {NULL,      NULL                       },
    };
    struct mp_open_map m = open_in(b, parent, key);

    if (kinds[f->type].type) mp_put_cstr(b, &m, "type", kinds[f->type].type);
    if (kinds[f->type].about) mp_put_cstr(b, &m, "description", kinds[f->type].about);
    if (f->need == NULLABLE) mp_put_bool(b, &m, "nullable", true);
    if (f->type == FT_LIST) {
        struct mp_open_map items = open_in(b, &m, "items");

        mp_close(b, &items);
    }
    put_bounds(b, &m, f);
    mp_close(b, &m);
}

/* ---- what is no field ------------------------------------------------------- */

struct own_parameter {
    const char *name; /* NULL: the end */
    const char *in;
    const char *about;
};

static const struct own_parameter idempotency_key = {
    "Idempotency-Key", "header", "asked again with it within 24 hours, it is done once"};

static void
put_own_parameter(struct buf *b, const struct own_parameter *p)
{
    struct mp_open_map m = mp_open(b);

    mp_put_cstr(b, &m, "name", p->name);
    mp_put_cstr(b, &m, "in", p->in);
    mp_put_bool(b, &m, "required", strcmp(p->in, "path") == 0);
    mp_put_cstr(b, &m, "description", p->about);
    put_property(b, &m, "schema", "string");
    mp_close(b, &m);
}

/* ---- a route --------------------------------------------------------------- */

static bool
has_body(const struct route *r)
{
    return r->method == METHOD_POST || r->method == METHOD_PATCH;
}

static void
put_parameter(struct buf *b, const struct field_desc *f, bool is_in_path)
{
    struct mp_open_map m = mp_open(b);

    mp_put_cstr(b, &m, "name", f->name);
    mp_put_cstr(b, &m, "in", is_in_path ? "path" : "query");
    mp_put_bool(b, &m, "required", is_in_path || f->need == REQUIRED);
    put_schema(b, &m, "schema", f);
    mp_close(b, &m);
}

static void
put_parameters(struct buf *b, struct mp_open_map *parent, const struct route *r)
{
    const struct msg_desc *d = msg_desc(r->op);
    struct view            in_path = route_parameter(r);
    uint32_t               count = 0;

    mp_key(b, parent, "parameters");
    size_t header = mp_array_open(b);
    for (size_t i = 0; i < d->nfields; i++) {
        bool is_in_path = view_is(in_path, d->fields[i].name);

        if (!is_in_path && has_body(r)) continue;
        put_parameter(b, &d->fields[i], is_in_path);
        count++;
    }
    if (d->how == HOW_WRITE) {
        put_own_parameter(b, &idempotency_key);
        count++;
    }
    mp_array_close(b, header, count);
}

/* Of the body's fields. */
static uint32_t
count_required(const struct route *r)
{
    const struct msg_desc *d = msg_desc(r->op);
    uint32_t               count = 0;

    for (size_t i = 0; i < d->nfields; i++)
        count += d->fields[i].need == REQUIRED && !view_is(route_parameter(r), d->fields[i].name);
    return count;
}

static void
put_body_schema(struct buf *b, struct mp_open_map *parent, const struct route *r)
{
    const struct msg_desc *d = msg_desc(r->op);
    struct view            in_path = route_parameter(r);
    uint32_t               required = count_required(r);
    struct mp_open_map     m = open_in(b, parent, "schema");

    mp_put_cstr(b, &m, "type", "object");
    struct mp_open_map fields = open_in(b, &m, "properties");
    for (size_t i = 0; i < d->nfields; i++) {
        if (!view_is(in_path, d->fields[i].name))
            put_schema(b, &fields, d->fields[i].name, &d->fields[i]);
    }
    mp_close(b, &fields);
    if (required) {
        mp_key(b, &m, "required");
        mp_array(b, required);
        for (size_t i = 0; i < d->nfields; i++) {
            if (d->fields[i].need == REQUIRED && !view_is(in_path, d->fields[i].name)) {
                mp_cstr(b, d->fields[i].name);
            }
        }
    }
    mp_put_bool(b, &m, "additionalProperties", false);
    mp_close(b, &m);
}

static void
put_body(struct buf *b, struct mp_open_map *parent, const struct route *r)
{
    struct mp_open_map body = open_in(b, parent, "requestBody");

    mp_put_bool(b, &body, "required", count_required(r) > 0);
    struct mp_open_map content = open_in(b, &body, "content");
    struct mp_open_map json = open_in(b, &content, JSON);

    put_body_schema(b, &json, r);
    mp_close(b, &json);
    mp_close(b, &content);
    mp_close(b, &body);
}

/* What a good answer is. */
struct answer {
    int         status;
    const char *type; /* of its body; NULL: it has none */
    const char *ref;  /* to its schema; NULL: an object if it is JSON, else a text */
};

static const char *
about_status(int status)
{
    switch (status) {
    case 101: return "a WebSocket from now on";
    case 201: return "it was made";
    case 202: return "it will be done";
    default: return "it was done, or this is what was asked for";
    }
}

static void
put_content(struct buf *b, struct mp_open_map *parent, const struct answer *a)
{
    struct mp_open_map content = open_in(b, parent, "content");
    struct mp_open_map m = open_in(b, &content, a->type);

    if (a->ref) {
        put_ref(b, &m, "schema", a->ref);
    } else {
        put_property(b, &m, "schema", strcmp(a->type, JSON) == 0 ? "object" : "string");
    }
    mp_close(b, &m);
    mp_close(b, &content);
}

static void
put_responses(struct buf *b, struct mp_open_map *parent, const struct answer *a)
{
    char               number[8];
    struct mp_open_map m = open_in(b, parent, "responses");

    (void)snprintf(number, sizeof(number), "%d", a->status); /* three digits */
    struct mp_open_map good = open_in(b, &m, number);
    mp_put_cstr(b, &good, "description", about_status(a->status));
    if (a->type) put_content(b, &good, a);
    mp_close(b, &good);
    put_ref(b, &m, "default", "#/components/responses/error");
    mp_close(b, &m);
}

/* By the operation's name; of the second route of one by its parameter, too. */
static void
put_operation_id(struct buf *b, struct mp_open_map *m, const struct route *r)
{
    BUF_AUTO struct buf id = {0};
    size_t              count, first = 0;
    const struct route *all = routes(&count);

    while (all[first].op != r->op)
        first++;
    buf_add_str(&id, msg_desc(r->op)->op);
    for (size_t i = 0; i < id.size; i++) {
        if (id.data[i] == '.') id.data[i] = '_';
    }
    if (&all[first] != r) buf_printf(&id, "_by_%.*s", VIEW_ARG(route_parameter(r)));
    mp_put_str(b, m, "operationId", buf_view(&id));
}

static void
put_route(struct buf *b, struct mp_open_map *path, const struct route *r)
{
    const struct msg_desc *d = msg_desc(r->op);
    char                   method[8] = "";

    for (size_t i = 0; method_name(r->method)[i]; i++)
        method[i] = (char)tolower((unsigned char)method_name(r->method)[i]);
    struct mp_open_map  m = open_in(b, path, method);
    const struct answer answer = {
        r->status, JSON, route_field(r, view_str("after")) ? "#/components/schemas/page" : NULL};

    put_operation_id(b, &m, r);
    mp_put_cstr(b, &m, "summary", r->summary);
    mp_put_cstr(b, &m, "x-op", d->op);
    mp_put_cstr(b, &m, "x-role", role_name(d->role));
    put_parameters(b, &m, r);
    if (has_body(r)) put_body(b, &m, r);
    put_responses(b, &m, &answer);
    mp_close(b, &m);
}

static void
put_routes(struct buf *b, struct mp_open_map *paths)
{
    size_t              count;
    const struct route *all = routes(&count);

    for (size_t i = 0; i < count; i++) {
        size_t first = 0;

        while (strcmp(all[first].pattern, all[i].pattern) != 0)
            first++;
        if (first < i) continue; /* it stands with the first one of its path */
        struct mp_open_map path = open_in(b, paths, all[i].pattern);
        for (size_t j = i; j < count; j++) {
            if (strcmp(all[j].pattern, all[i].pattern) == 0) put_route(b, &path, &all[j]);
        }
        mp_close(b, &path);
    }
}

/* ---- the rest -------------------------------------------------------------- */

/* What is served beside the routes, with GET. */
struct own_path {
    const char          *pattern;
    const char          *id;
    const char          *summary;
    struct answer        answer;
    bool                 is_open; /* asks for no token */
    struct own_parameter parameters[4];
};

// clang-format off
static const struct own_path own_paths[] = {
    {"/v1/feed", "feed", "What happens, as Server-Sent Events", {200, "text/event-stream", NULL}, false, {
        {"since", "query", "a cursor to begin behind; 0: with all that is kept; none: from now on"},
        {"topic", "query", "a type, or the beginning of some with a dot at its end: job."},
        {"Last-Event-ID", "header", "the cursor to go on behind"}}},
    {"/v1/sessions/{key}/ws", "session_ws", "The WebSocket of a session, its sub-protocol agentd.v1", {101, NULL, NULL}, false, {
        {"key", "path", "the session's key"},
        {"company", "query", "the session's company, unless the token is of one"},
        {"Sec-WebSocket-Protocol", "header", "agentd.v1, bearer.TOKEN: instead of Authorization"}}},
    {"/v1/openapi.json", "openapi", "This document", {200, JSON, NULL}, true, {{0}}},
    {"/metrics", "metrics", "Figures, in Prometheus's text format", {200, "text/plain", NULL}, false, {{0}}},
    {"/healthz", "healthz", "Whether the gateway lives", {200, "text/plain", NULL}, true, {{0}}},
    {"/readyz", "readyz", "Whether agentd answers; 503: it does not", {200, "text/plain", NULL}, true, {{0}}},
};
// clang-format on

static void
put_own(struct buf *b, struct mp_open_map *paths, const struct own_path *own)
{
    struct mp_open_map path = open_in(b, paths, own->pattern);
    struct mp_open_map m = open_in(b, &path, "get");
    uint32_t           count = 0;

    mp_put_cstr(b, &m, "operationId", own->id);
    mp_put_cstr(b, &m, "summary", own->summary);
    mp_key(b, &m, "parameters");
    size_t header = mp_array_open(b);
    while (own->parameters[count].name)
        put_own_parameter(b, &own->parameters[count++]);
    mp_array_close(b, header, count);
    if (own->is_open) {
        mp_key(b, &m, "security");
        mp_array(b, 0);
    }
    put_responses(b, &m, &own->answer);
    mp_close(b, &m);
    mp_close(b, &path);
}

static void
put_names(struct buf *b, struct mp_open_map *m, const char *const *names, uint32_t count)
{
    mp_key(b, m, "required");
    mp_array(b, count);
    for (uint32_t i = 0; i < count; i++)
        mp_cstr(b, names[i]);
}

static void
put_error_schema(struct buf *b, struct mp_open_map *schemas)
{
    static const char *const texts[] = {"code", "message", "hint", "field"};
    static const char *const outer[] = {"error"};
    struct mp_open_map       m = open_in(b, schemas, "error");
    struct mp_open_map       properties = open_in(b, &m, "properties");
    struct mp_open_map       error = open_in(b, &properties, "error");
    struct mp_open_map       fields = open_in(b, &error, "properties");

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        put_property(b, &fields, texts[i], "string");
    put_property(b, &fields, "slot_eta_ms", "integer");
    mp_close(b, &fields);
    mp_put_cstr(b, &error, "type", "object");
    put_names(b, &error, texts, ARRAY_LEN(texts));
    mp_close(b, &error);
    mp_close(b, &properties);
    mp_put_cstr(b, &m, "type", "object");
    put_names(b, &m, outer, ARRAY_LEN(outer));
    mp_close(b, &m);
}

/* Of what is listed a page at a time. */
static void
put_page_schema(struct buf *b, struct mp_open_map *schemas)
{
    static const char *const names[] = {"items", "next"};
    struct mp_open_map       m = open_in(b, schemas, "page");
    struct mp_open_map       properties = open_in(b, &m, "properties");
    struct mp_open_map       items = open_in(b, &properties, "items");

    mp_put_cstr(b, &items, "type", "array");
    put_property(b, &items, "items", "object");
    mp_close(b, &items);
    struct mp_open_map next = open_in(b, &properties, "next");
    mp_put_cstr(b, &next, "type", "string");
    mp_put_bool(b, &next, "nullable", true);
    mp_put_cstr(b, &next, "description", "for `after` of the next page; null: this is the last");
    mp_close(b, &next);
    mp_close(b, &properties);
    mp_put_cstr(b, &m, "type", "object");
    put_names(b, &m, names, ARRAY_LEN(names));
    mp_close(b, &m);
}

static void
put_retry_after(struct buf *b, struct mp_open_map *parent)
{
    struct mp_open_map headers = open_in(b, parent, "headers");
    struct mp_open_map m = open_in(b, &headers, "Retry-After");
    put_property(b, &m, "schema", "integer");
    mp_put_cstr(b, &m, "description", "seconds, with 429 and 503");
    mp_close(b, &m);
    mp_close(b, &headers);
}

static void
put_components(struct buf *b, struct mp_open_map *parent)
{
    struct mp_open_map m = open_in(b, parent, "components");
    struct mp_open_map schemes = open_in(b, &m, "securitySchemes");
    struct mp_open_map bearer = open_in(b, &schemes, "token");

    mp_put_cstr(b, &bearer, "type", "http");
    mp_put_cstr(b, &bearer, "scheme", "bearer");
    mp_close(b, &bearer);
    mp_close(b, &schemes);
    struct mp_open_map responses = open_in(b, &m, "responses");
    struct mp_open_map error = open_in(b, &responses, "error");
    mp_put_cstr(
        b, &error, "description",
        "{\"error\": {code, message, hint, field, slot_eta_ms}}, with the status of its code");
    put_content(b, &error, &(struct answer){.type = JSON, .ref = "#/components/schemas/error"});
    put_retry_after(b, &error);
    mp_close(b, &error);
    mp_close(b, &responses);
    struct mp_open_map schemas = open_in(b, &m, "schemas");
    put_error_schema(b, &schemas);
    put_page_schema(b, &schemas);
    mp_close(b, &schemas);
    mp_close(b, &m);
}

static void
put_security(struct buf *b, struct mp_open_map *parent)
{
    mp_key(b, parent, "security");
    mp_array(b, 1);
    struct mp_open_map m = mp_open(b);
    mp_key(b, &m, "token");
    mp_array(b, 0);
    mp_close(b, &m);
}

void
openapi_text(struct buf *out)
{
    BUF_AUTO struct buf b = {0};
    struct err          e;
    struct mp_open_map  m = mp_open(&b);

    mp_put_cstr(&b, &m, "openapi", "3.0.3");
    struct mp_open_map info = open_in(&b, &m, "info");
    mp_put_cstr(&b, &info, "title", "agentd");
    mp_put_cstr(&b, &info, "version", AGENTD_VERSION);
    mp_put_cstr(&b, &info, "description",
                "A field may stand in the path, the query or the body, but once. What changes "
                "something takes Idempotency-Key.");
    mp_close(&b, &info);
    put_security(&b, &m);
    struct mp_open_map paths = open_in(&b, &m, "paths");
    put_routes(&b, &paths);
    for (size_t i = 0; i < ARRAY_LEN(own_paths); i++)
        put_own(&b, &paths, &own_paths[i]);
    mp_close(&b, &paths);
    put_components(&b, &m);
    mp_close(&b, &m);
    enum errc failed = json_from_mp(buf_view(&b), out, &e);
    assert(!failed); /* all of it is ours */
}
