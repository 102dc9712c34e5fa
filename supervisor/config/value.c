#include "supervisor/config/value.h"

#include "common/mp.h"
#include "common/timetext.h"
#include "proto/messages.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Takes the unit off the text's end. */
static int64_t
take_byte_unit(struct view *text)
{
    static const char units[] = "KMG";

    if (text->size == 0 || text->data[text->size - 1] == '\0') return 1;
    const char *unit = strchr(units, text->data[text->size - 1]);
    if (!unit) return 1;
    text->size--;
    return INT64_C(1) << (10 * (unit - units + 1));
}

static bool
parse_bytes(struct view text, int64_t *out)
{
    int64_t unit = take_byte_unit(&text);
    int64_t v;

    return yaml_integer(text, &v) && !__builtin_mul_overflow(v, unit, out);
}

static bool
parse(enum value_kind kind, struct view text, int64_t *out)
{
    struct err ignored; /* the caller says what is allowed */

    switch (kind) {
    case VALUE_NUMBER: return yaml_integer(text, out);
    case VALUE_DURATION: return duration_parse(text, out, &ignored) == E_OK;
    case VALUE_BYTES: return parse_bytes(text, out);
    }
    abort(); /* every kind is above */
}

bool
value_parse(const struct value_range *r, struct view text, int64_t *out)
{
    int64_t v;

    if (r->is_nullable && text.size > 0 && yaml_plain_type(text) == YAML_NULL) {
        *out = NO_LIMIT;
        return true;
    }
    if (!parse(r->kind, text, &v) || v < r->low || v > r->high) return false;
    *out = v;
    return true;
}

static bool
is_type_allowed(const struct value_range *r, const struct yaml *node)
{
    switch (node->type) {
    case YAML_NULL: return r->is_nullable && node->text.size > 0;
    case YAML_INTEGER: return true;
    case YAML_REAL: return r->kind == VALUE_DURATION;
    case YAML_STRING: return r->kind != VALUE_NUMBER && yaml_plain_type(node->text) != YAML_NULL;
    case YAML_BOOL:
    case YAML_LIST:
    case YAML_MAP: break;
    }
    return false;
}

enum errc
value_read(const struct value_range *r, const struct yaml *node, int64_t *out, struct err *e)
{
    char allowed[VALUE_ALLOWED_MAX];

    if (is_type_allowed(r, node) && value_parse(r, node->text, out)) return E_OK;
    return yaml_refuse_found(node, e, "allowed: %s", value_allowed(r, allowed));
}

const char *
value_allowed(const struct value_range *r, char *out)
{
    const char *null = r->is_nullable ? ", or null" : "";
    char        low[32], high[32];
    int         len = 0;

    switch (r->kind) {
    case VALUE_NUMBER:
        len = snprintf(out, VALUE_ALLOWED_MAX, "an integer from %" PRId64 " to %" PRId64 "%s",
                       r->low, r->high, null);
        break;
    case VALUE_DURATION:
        len = snprintf(out, VALUE_ALLOWED_MAX,
                       "a duration like 90s or 1h30m, or a number of seconds, from %s to %s%s",
                       duration_text(r->low, low, sizeof(low)),
                       duration_text(r->high, high, sizeof(high)), null);
        break;
    case VALUE_BYTES:
        len = snprintf(out, VALUE_ALLOWED_MAX,
                       "a number of bytes, also with K, M or G, from %" PRId64 " to %" PRId64 "%s",
                       r->low, r->high, null);
        break;
    }
    assert(len > 0 && len < VALUE_ALLOWED_MAX);
    return out;
}

enum errc
value_read_ladder(const struct yaml *node, struct buf *out, struct err *e)
{
    int64_t ms = 0;

    if (node->type != YAML_LIST || node->count < 1 || node->count > LADDER_MAX) {
        return yaml_refuse_found(node, e, "allowed: a list of 1 to %d durations", LADDER_MAX);
    }
    mp_array(out, node->count);
    for (const struct yaml *n = node->first; n; n = n->next) {
        if (value_read(&LADDER_STEP, n, &ms, e)) return e->code;
        mp_i64(out, ms);
    }
    return E_OK;
}

enum errc
value_read_text(const struct yaml *node, struct view *out, struct err *e)
{
    if (node->type == YAML_NULL || node->type == YAML_LIST || node->type == YAML_MAP) {
        return yaml_refuse_found(node, e, "allowed: a string");
    }
    if (memchr(node->text.data ? node->text.data : "", '\0', node->text.size)) {
        return yaml_refuse(node, e, "must not contain NUL");
    }
    *out = node->text;
    return E_OK;
}
