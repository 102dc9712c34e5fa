#include "supervisor/config/declared_sink.h"

#include "common/url.h"
#include "supervisor/config/declared_check.h"
#include "supervisor/config/keys.h"
#include "supervisor/config/places.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PLACE_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-:/"

static const char *const kinds[] = {"gateway", "http", "command", "file", NULL};
static const char *const none[] = {NULL};

/* Fields that only sinks of these kinds have. */
static const struct {
    const char *field;
    const char *kinds[2];
} fields_of_kinds[] = {
    {"path",            {"file", NULL}     },
    {"url",             {"http", NULL}     },
    {"secret_file",     {"http", NULL}     },
    {"secret_file_old", {"http", NULL}     },
    {"allow",           {"http", NULL}     },
    {"headers",         {"http", NULL}     },
    {"command",         {"command", NULL}  },
    {"idempotent",      {"http", "command"}},
    {"timeout",         {"http", "command"}},
};

static const struct {
    const char *kind;
    const char *field;
} needs[] = {
    {"file",    "path"   },
    {"http",    "url"    },
    {"command", "command"},
};

/* Headers that every request has by itself. */
static const char *const own_headers[] = {
    "host",       "content-length",    "content-type",      "transfer-encoding", "connection",
    "webhook-id", "webhook-timestamp", "webhook-signature", "idempotency-key",
};

static const struct yaml *
given(const struct declared_object *o, const char *field)
{
    const struct yaml *n = yaml_get(o->body, field);

    return n && n->type != YAML_NULL ? n : NULL;
}

static enum errc
check_fields(const struct declared_object *o, struct err *e)
{
    struct view kind = o->msg.sink.kind;

    for (size_t i = 0; i < ARRAY_LEN(fields_of_kinds); i++) {
        const struct yaml *n = given(o, fields_of_kinds[i].field);
        const char *const *of = fields_of_kinds[i].kinds;

        if (!n || view_is(kind, of[0]) || (of[1] && view_is(kind, of[1]))) continue;
        return yaml_refuse_key(n, e, "only for sinks of kind %s%s%s", of[0], of[1] ? " and " : "",
                               of[1] ? of[1] : "");
    }
    for (size_t i = 0; i < ARRAY_LEN(needs); i++) {
        if (!view_is(kind, needs[i].kind) || given(o, needs[i].field)) continue;
        return declared_refuse(o, e, "a sink of kind %s needs a %s", needs[i].kind, needs[i].field);
    }
    return E_OK;
}

/* ---- http ------------------------------------------------------------------ */

static bool
is_number(const char *text, long max)
{
    char *end;
    long  value = strtol(text, &end, 10);

    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && value <= max;
}

/* A host's name, an address, or a network: an address and the length of its prefix. */
static bool
is_host(char *text)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    char         *slash = strchr(text, '/');

    if (text[0] == '\0' || strspn(text, PLACE_LETTERS) != strlen(text)) return false;
    if (slash) *slash = '\0';
    if (inet_pton(AF_INET, text, bytes) == 1) return !slash || is_number(slash + 1, 32);
    if (inet_pton(AF_INET6, text, bytes) == 1) return !slash || is_number(slash + 1, 128);
    return !slash && !strchr(text, ':');
}

/* HOST, HOST:PORT, [HOST] or [HOST]:PORT. */
static bool
is_place(struct view v)
{
    char text[256], *host = text, *port;

    if (v.size == 0 || v.size >= sizeof(text)) return false;
    memcpy(text, v.data, v.size);
    text[v.size] = '\0';
    port = strchr(text, ':');
    if (text[0] == '[') {
        host = text + 1;
        port = strchr(host, ']');
        if (!port || (port[1] != '\0' && port[1] != ':')) return false;
        *port++ = '\0';
        if (*port == '\0') port = NULL;
    } else if (port && strchr(port + 1, ':')) {
        port = NULL; /* an IPv6 address by itself */
    }
    if (port) *port = '\0';
    return (!port || (is_number(port + 1, 65535) && strcmp(port + 1, "0") != 0)) && is_host(host);
}

static bool
is_own_header(struct view name)
{
    for (size_t i = 0; i < ARRAY_LEN(own_headers); i++) {
        if (name.size == strlen(own_headers[i]) &&
            strncasecmp(name.data, own_headers[i], name.size) == 0) {
            return true;
        }
    }
    return false;
}

/* A token of RFC 9110. */
static bool
is_header_name(struct view name)
{
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        bool is_alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if (!is_alnum && (c == '\0' || !strchr("!#$%&'*+-.^_`|~", c))) return false;
    }
    return name.size > 0;
}

static bool
has_control(struct view v)
{
    for (size_t i = 0; i < v.size; i++) {
        if ((unsigned char)v.data[i] < ' ' || v.data[i] == 0x7f) return true;
    }
    return false;
}

static enum errc
check_headers(const struct yaml *headers, struct err *e)
{
    for (const struct yaml *n = headers ? headers->first : NULL; n; n = n->next) {
        if (!is_header_name(n->key)) return yaml_refuse_key(n, e, "not a header's name");
        if (is_own_header(n->key)) return yaml_refuse_key(n, e, "is set by agentd");
        if (has_control(n->text)) return yaml_refuse(n, e, "holds a control character");
    }
    return E_OK;
}

static enum errc
check_http(const struct declared_object *o, struct err *e)
{
    const struct yaml *url = given(o, "url"), *old = given(o, "secret_file_old");
    const struct yaml *allow = given(o, "allow");
    const char        *problem = url_problem(url->text);

    if (problem) return yaml_refuse_found(url, e, "%s", problem);
    if (old && !given(o, "secret_file")) return yaml_refuse_key(old, e, "needs secret_file");
    for (const struct yaml *n = allow ? allow->first : NULL; n; n = n->next) {
        if (is_place(n->text)) continue;
        return yaml_refuse_found(n, e,
                                 "allowed: a host, an address, or a network like 10.1.0.0/16");
    }
    return check_headers(given(o, "headers"), e);
}

/* ---- file ------------------------------------------------------------------ */

/* What agentd keeps in its folders. */
static const char *const own_names[] = {
    "data.mdb",    "lock.mdb",     "new.mdb",      "new.mdb-lock", "logs",
    "work",        "starts",       "evidence",     "agentd.log",   "agentd.pid",
    "agentd.sock", "gateway.sock", "reports.sock", "feed.sock",
};

/* An absolute path without "//", "." and "..". */
static const char *
plain_path(struct arena *a, const char *path)
{
    char  *out = arena_alloc(a, strlen(path) + 2);
    size_t size = 0, n;

    for (; *path; path += n) {
        path += strspn(path, "/");
        n = strcspn(path, "/");
        if (n == 0 || (n == 1 && path[0] == '.')) continue;
        if (n == 2 && memcmp(path, "..", 2) == 0) {
            while (size > 0 && out[--size] != '/')
                continue;
            continue;
        }
        out[size++] = '/';
        memcpy(out + size, path, n);
        size += n;
    }
    out[size] = '\0';
    return out;
}

/* What of `path` comes after the folder and a '/'; NULL: it is not below it.  Both are plain. */
static const char *
below(const char *path, const char *folder)
{
    size_t size = strlen(folder);

    return strncmp(path, folder, size) == 0 && path[size] == '/' ? path + size + 1 : NULL;
}

static bool
is_own_name(const char *name)
{
    size_t size = strcspn(name, "/");

    for (size_t i = 0; i < ARRAY_LEN(own_names); i++) {
        if (size == strlen(own_names[i]) && memcmp(name, own_names[i], size) == 0) return true;
    }
    return false;
}

enum errc
declared_check_sink_path(const struct declared_object *o, const struct config *c, struct arena *a,
                         struct err *e)
{
    const struct yaml *at = given(o, "path");

    if (!at) return E_OK;
    const char *path = plain_path(a, path_from(a, c->state_dir, at->text));
    const char *state = plain_path(a, c->state_dir), *run = plain_path(a, c->run_dir);
    const char *in_state = below(path, state);
    bool        is_in_run = below(path, run) && (!in_state || below(run, state));

    if (at->text.size && at->text.data[0] != '/' && !in_state)
        return yaml_refuse_found(at, e, "a relative path stays below the state folder");
    if (is_in_run || (in_state && is_own_name(in_state)) ||
        strcmp(path, plain_path(a, c->pid_file)) == 0) {
        return yaml_refuse_found(at, e, "is one of agentd's own files");
    }
    return E_OK;
}

/* ---- all ------------------------------------------------------------------- */

enum errc
declared_check_sink(const struct declared_object *o, struct err *e)
{
    struct view        kind = o->msg.sink.kind;
    const struct yaml *command = given(o, "command");

    if (word_check(yaml_get(o->body, "kind"), kinds, none, e)) return e->code;
    if (view_is(o->name, SINK_GATEWAY) != view_is(kind, SINK_GATEWAY)) {
        return declared_refuse(o, e, "of kind gateway is the built-in sink, and it is named so");
    }
    if (check_fields(o, e)) return e->code;
    if (command && (command->count == 0 || command->first->text.size == 0)) {
        return yaml_refuse(command, e, "must name a program");
    }
    return view_is(kind, "http") ? check_http(o, e) : E_OK;
}
