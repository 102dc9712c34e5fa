#include "proto/handler_line.h"
#include "common/json.h"
#include "common/mp.h"
#include "proto/codec.h"
#include <assert.h>
#include <string.h>
#include <strings.h>

#define TEXT_MAX     HANDLER_LINE_MAX /* no limit of its own; the worker cuts for the wire */
#define METADATA_MAX 65536

static const char *const kind_names[] = {
    [LINE_TURN] = "turn",
    [LINE_USAGE] = "usage",
    [LINE_PROGRESS] = "progress",
    [LINE_LOG] = "log",
    [LINE_EFFECT] = "effect",
    [LINE_NOTIFY] = "notify",
    [LINE_CHECKPOINT] = "checkpoint",
    [LINE_DELTA] = "delta",
    [LINE_SNOOZE] = "snooze",
    [LINE_FAIL] = "fail",
    [LINE_RESULT] = "result",
};

/* The line and what of it is checked but not kept. */
struct parts {
    struct handler_line line;
    struct view         effect_kind;
};

struct line_field {
    enum line_kind    kind;
    struct field_desc field;
};

// clang-format off
#define LINE(kind, name, type, need, member, low, high) \
    {LINE_##kind, {FT_##type, need, offsetof(struct parts, member), name, low, high}}

static const struct line_field line_fields[] = {
    LINE(USAGE,      "input_tokens",   U64,  OPTIONAL, line.input_tokens,  0, INT64_MAX),
    LINE(USAGE,      "output_tokens",  U64,  OPTIONAL, line.output_tokens, 0, INT64_MAX),
    LINE(USAGE,      "cost_micros",    U64,  OPTIONAL, line.cost_micros,   0, INT64_MAX),
    LINE(PROGRESS,   "percent",        U64,  OPTIONAL, line.percent,       0, 100),
    LINE(PROGRESS,   "message",        TEXT, OPTIONAL, line.text,          0, TEXT_MAX),
    LINE(LOG,        "level",          STR,  OPTIONAL, line.level,         0, 32),
    LINE(LOG,        "message",        TEXT, REQUIRED, line.text,          0, TEXT_MAX),
    LINE(EFFECT,     "kind",           STR,  REQUIRED, effect_kind,        1, 64),
    LINE(NOTIFY,     "message",        TEXT, REQUIRED, line.text,          0, TEXT_MAX),
    LINE(NOTIFY,     "metadata",       MAP,  OPTIONAL, line.metadata,      0, METADATA_MAX),
    LINE(CHECKPOINT, "data",           JSON, REQUIRED, line.value,         0, CHECKPOINT_MAX),
    LINE(DELTA,      "text",           TEXT, REQUIRED, line.text,          0, TEXT_MAX),
    LINE(SNOOZE,     "ms",             MS,   OPTIONAL, line.after_ms,      0, YEARS_100_MS),
    LINE(FAIL,       "class",          STR,  OPTIONAL, line.fail_class,    0, 64),
    LINE(FAIL,       "message",        TEXT, OPTIONAL, line.text,          0, TEXT_MAX),
    LINE(FAIL,       "retry_after_ms", MS,   OPTIONAL, line.after_ms,      0, YEARS_100_MS),
    LINE(RESULT,     "output",         JSON, OPTIONAL, line.value,         0, OUTPUT_MAX),
    LINE(RESULT,     "notify",         BOOL, OPTIONAL, line.notify,        0, 0),
    LINE(RESULT,     "message",        TEXT, OPTIONAL, line.text,          0, TEXT_MAX),
    LINE(RESULT,     "metadata",       MAP,  OPTIONAL, line.metadata,      0, METADATA_MAX),
};
// clang-format on

static const struct field_desc effect_field = {
    FT_MAP, REQUIRED, offsetof(struct parts, line.value), "effect", 0, EFFECTS_MAX,
};

static enum line_kind
kind_of(struct view name)
{
    for (enum line_kind k = LINE_TURN; k <= LINE_RESULT; k++) {
        if (view_is(name, kind_names[k])) return k;
    }
    return LINE_LOG_TEXT;
}

static enum errc
take_line_field(const struct field_desc *f, struct view object, struct parts *p, struct err *e)
{
    struct view value;
    bool        has;

    if (!mp_find(object, f->name, &value)) {
        return f->need == REQUIRED ? err_field(e, f->name, "is missing") : E_OK;
    }
    if (field_unpack(f, value, p, &has, e)) return e->code;
    if (f->type == FT_BOOL) p->line.has_notify = has;
    return E_OK;
}

/* Appends the map without its `type` to the buf that holds it. */
static struct view
without_type(struct buf *scratch)
{
    size_t size = scratch->size;

    buf_reserve(scratch, size + 16); /* so that nothing moves while it is copied within itself */
    const char      *data = scratch->data;
    struct mp_reader r = mp_reader_of(view_of(data, size));
    struct view      key, value;
    uint32_t         pairs;

    (void)mp_read_map(&r, &pairs); /* json_to_mp made it, and it has a type */
    mp_map(scratch, pairs - 1);
    while (pairs-- > 0 && mp_read_str(&r, &key) && mp_read_any(&r, &value)) {
        if (view_is(key, "type")) continue;
        mp_str(scratch, key);
        mp_raw(scratch, value);
    }
    assert(!r.failed && scratch->data == data);
    return view_of(data + size, scratch->size - size);
}

static enum errc
take_line(enum line_kind kind, struct buf *scratch, struct parts *p, struct err *e)
{
    size_t      size = scratch->size;
    struct view effect = kind == LINE_EFFECT ? without_type(scratch) : view_of(NULL, 0);
    struct view object = view_of(scratch->data, size);
    bool        has;

    for (size_t i = 0; i < ARRAY_LEN(line_fields); i++) {
        if (line_fields[i].kind == kind && take_line_field(&line_fields[i].field, object, p, e)) {
            return err_wrap(e, "line of type %s", kind_names[kind]);
        }
    }
    if (kind == LINE_EFFECT && field_unpack(&effect_field, effect, p, &has, e)) return e->code;
    return E_OK;
}

/* Whether the text begins with {"type":"KNOWN".  A handler that says so meant protocol, also when
 * the line is too long to be parsed. */
static bool
begins_as_protocol(struct view line)
{
    static const char *const steps[] = {"{", "\"type\"", ":", "\""};
    const char              *at = line.data;
    const char              *end = line.data + line.size;

    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        size_t size = strlen(steps[i]);

        while (at < end && (*at == ' ' || *at == '\t' || *at == '\r'))
            at++;
        if ((size_t)(end - at) < size || memcmp(at, steps[i], size) != 0) return false;
        at += size;
    }
    const char *quote = memchr(at, '"', (size_t)(end - at));
    return quote && kind_of(view_of(at, (size_t)(quote - at))) != LINE_LOG_TEXT;
}

enum errc
handler_line_parse(struct view line, struct buf *scratch, struct handler_line *out, struct err *e)
{
    struct parts p = {.line.after_ms = -1};
    struct err   not_json;
    struct view  type;

    buf_clear(scratch);
    if (line.size > HANDLER_LINE_MAX && begins_as_protocol(line)) {
        return err_set(e, E_BAD_REQUEST, "a protocol line of more than %d bytes", HANDLER_LINE_MAX);
    }
    if (line.size > 0 && line.size <= HANDLER_LINE_MAX && line.data[0] == '{') {
        if (json_to_mp(line, scratch, &not_json) == E_OK) {
            if (mp_find_str(buf_view(scratch), "type", &type)) p.line.kind = kind_of(type);
        } else if (begins_as_protocol(line)) { /* a result that was cut off must not pass as text */
            return err_set(e, E_BAD_REQUEST, "a protocol line that is not JSON: %s", not_json.msg);
        }
    }
    if (p.line.kind != LINE_LOG_TEXT && take_line(p.line.kind, scratch, &p, e)) return e->code;
    *out = p.line;
    return E_OK;
}

/* What a last error text says of a failure (A6): the first row whose words are all in it. */
static const struct {
    const char *word;
    const char *other; /* NULL: one word is enough */
    const char *class;
} text_classes[] = {
    {"turn",           "limit",     "turn_limit_exceeded"},
    {"turn",           "exhausted", "turn_limit_exceeded"},
    {"turn",           "max",       "turn_limit_exceeded"},
    {"timeout",        NULL,        "timeout"            },
    {"timed out",      NULL,        "timeout"            },
    {"budget",         NULL,        "budget_exceeded"    },
    {"authentication", NULL,        "auth_failed"        },
    {"oauth",          NULL,        "auth_failed"        },
    {"rate limit",     NULL,        "rate_limited"       },
    {"429",            NULL,        "rate_limited"       },
    {"context length", NULL,        "context_exceeded"   },
};

/* What a handler may call its failure (A6). */
static const char *const handler_classes[] = {
    "turn_limit_exceeded", "timeout",         "handler_error", "invalid_output", "context_exceeded",
    "tool_failed",         "budget_exceeded", "auth_failed",   "rate_limited",
};

static bool
contains(struct view text, const char *word)
{
    size_t size = strlen(word);

    for (size_t at = 0; at + size <= text.size; at++) {
        if (strncasecmp(text.data + at, word, size) == 0) return true;
    }
    return false;
}

const char *
failure_class_from_text(struct view text)
{
    for (size_t i = 0; i < ARRAY_LEN(text_classes); i++) {
        if (contains(text, text_classes[i].word) &&
            (!text_classes[i].other || contains(text, text_classes[i].other))) {
            return text_classes[i].class;
        }
    }
    return "handler_error";
}

const char *
failure_class_from_handler(struct view name)
{
    for (size_t i = 0; i < ARRAY_LEN(handler_classes); i++) {
        if (view_is(name, handler_classes[i])) return handler_classes[i];
    }
    return "handler_error";
}
