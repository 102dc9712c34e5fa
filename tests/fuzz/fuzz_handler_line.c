/* Any bytes as a line of a handler's standard output. */
#include "common/json.h"
#include "common/mp.h"
#include "proto/handler_line.h"
#include "proto/messages.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool claim)
{
    if (!claim) abort();
}

/* What is passed on to the supervisor must be what it takes. */
static void
must_be_json(struct view v, size_t most)
{
    struct buf BUF_AUTO text = {0};
    struct err          e;

    if (v.size == 0) return;
    must(v.size <= most && !mp_check_json(v));
    must(!json_from_mp(v, &text, &e));
}

static void
must_be_sound(const struct handler_line *l)
{
    must(l->kind >= LINE_TURN && l->kind <= LINE_RESULT);
    must(l->input_tokens <= INT64_MAX && l->output_tokens <= INT64_MAX);
    must(l->cost_micros <= INT64_MAX && l->percent <= 100);
    must(l->after_ms >= -1 && l->after_ms <= YEARS_100_MS);
    must(utf8_is_valid(l->level) && utf8_is_valid(l->text) && utf8_is_valid(l->fail_class));
    must_be_json(l->value, OUTPUT_MAX);
    must_be_json(l->metadata, OUTPUT_MAX);
    if (l->kind == LINE_EFFECT) {
        struct view kind;

        must(mp_find_str(l->value, "kind", &kind) && kind.size > 0);
        must(!mp_find(l->value, "type", &kind));
    }
    if (l->kind == LINE_CHECKPOINT) must(l->value.size > 0 && l->value.size <= CHECKPOINT_MAX);
}

static void
try_line(struct view line)
{
    struct buf BUF_AUTO scratch = {0};
    struct handler_line out;
    struct err          e;
    enum errc           code = handler_line_parse(line, &scratch, &out, &e);

    if (code) {
        must(code == E_BAD_REQUEST && e.code == code && e.msg[0]);
    } else if (out.kind != LINE_LOG_TEXT) {
        must_be_sound(&out);
    }
}

/* The same bytes as choices of a protocol line's fields and values, so that few of them go far: the
 * JSON parser gives a fuzzer no hints. */
static void
try_built_line(const uint8_t *data, size_t size)
{
    static const char *const kinds[] = {
        "turn",       "usage", "progress", "log",  "effect", "notify",
        "checkpoint", "delta", "snooze",   "fail", "result", "unknown",
    };
    static const char *const fields[] = {
        "input_tokens", "output_tokens", "cost_micros",    "percent", "message", "level",
        "kind",         "metadata",      "data",           "text",    "ms",      "class",
        "output",       "notify",        "retry_after_ms", "other",
    };
    static const char *const values[] = {
        "null", "true", "0",      "100",       "101",       "9223372036854775807",
        "-1",   "1.5",  "\"\"",   "\"text\"",  "\"a\\nb\"", "\"\\u0000\"",
        "{}",   "[]",   "[[{}]]", "{\"a\":1}",
    };
    struct buf BUF_AUTO line = {0};

    buf_printf(&line, "{\"type\":\"%s\"", kinds[size ? data[0] % ARRAY_LEN(kinds) : 0]);
    for (size_t i = 1; i < size && i < 20; i++)
        buf_printf(&line, ",\"%s\":%s", fields[data[i] >> 4], values[data[i] & 15]);
    buf_add_str(&line, "}");
    try_line(buf_view(&line));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FREE_AUTO char *copy = xmalloc(size ? size : 1); /* so that a read beyond the end is seen */
    struct view     line = view_of(copy, size);

    if (size > 0) memcpy(copy, data, size);
    try_line(line);
    try_built_line(data, size);
    must(failure_class_from_text(line)[0]);
    must(failure_class_from_handler(line)[0]);
    return 0;
}
