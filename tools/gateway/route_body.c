#include "common/json.h"
#include "tools/gateway/routes.h"
#include "tools/gateway/target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void
put_key(struct route_body *b, struct view key)
{
    mp_str(&b->packed, key);
    b->map.pairs++;
}

static enum errc
pack_integer(const struct field_desc *f, struct view text, struct buf *out, struct err *e)
{
    char  digits[24];
    char *end;

    if (text.size == 0 || text.size >= sizeof(digits)) {
        return err_field(e, f->name, "must be an integer");
    }
    memcpy(digits, text.data, text.size);
    digits[text.size] = '\0';
    errno = 0;
    long long n = strtoll(digits, &end, 10);
    if (errno || end == digits || *end) return err_field(e, f->name, "must be an integer");
    mp_i64(out, n);
    return E_OK;
}

static enum errc
pack_bool(const struct field_desc *f, struct view text, struct buf *out, struct err *e)
{
    bool is_true = text.size == 0 || view_is(text, "true") || view_is(text, "1");

    if (!is_true && !view_is(text, "false") && !view_is(text, "0")) {
        return err_field(e, f->name, "must be true or false");
    }
    mp_bool(out, is_true);
    return E_OK;
}

/* A text as a value of the field's type: JSON where a text cannot express it. */
static enum errc
pack_text(const struct field_desc *f, struct view text, struct buf *out, struct err *e)
{
    switch (f->type) {
    case FT_U64:
    case FT_I64:
    case FT_MS:
    case FT_TIME: return pack_integer(f, text, out, e);
    case FT_BOOL: return pack_bool(f, text, out, e);
    case FT_NAME:
    case FT_REF:
    case FT_STR:
    case FT_TEXT:
        if (!utf8_is_valid(text)) return err_field(e, f->name, "must be UTF-8");
        mp_str(out, text);
        return E_OK;
    default: return json_to_mp(text, out, e);
    }
}

static enum errc
put_text(struct route_body *b, const struct route *r, struct view name, struct view text,
         struct err *e)
{
    const struct field_desc *f = route_field(r, name);
    char                     shown[sizeof(e->field)];

    if (!f) {
        return err_field(e, printable(name, shown, sizeof(shown)), "%s has no such field",
                         msg_desc(r->op)->op);
    }
    put_key(b, name);
    return pack_text(f, text, &b->packed, e);
}

/* A company goes before a name where the message has both in one field (REF); where it has two
 * fields, the path is split. */
static enum errc
put_path(struct route_body *b, const struct route *r, struct view value, struct err *e)
{
    struct view              parameter = route_parameter(r);
    const struct field_desc *f = route_field(r, parameter);
    const char              *slash = memchr(value.data, '/', value.size);

    if (f->type == FT_NAME && slash) {
        struct view company = view_of(value.data, (size_t)(slash - value.data));

        if (put_text(b, r, view_str("company"), company, e)) return e->code;
        value = view_of(slash + 1, value.size - company.size - 1);
    }
    return put_text(b, r, parameter, value, e);
}

enum errc
route_body_begin(struct route_body *b, const struct route_match *m, struct err *e)
{
    BUF_AUTO struct buf value = {0};

    *b = (struct route_body){0};
    b->map = mp_open(&b->packed);
    target_decode(m->value, &value);
    return value.size > 0 ? put_path(b, m->route, buf_view(&value), e) : E_OK;
}

enum errc
route_body_query(struct route_body *b, const struct route *r, struct view name, struct view value,
                 struct err *e)
{
    return put_text(b, r, name, value, e);
}

enum errc
route_body_json(struct route_body *b, struct view text, struct err *e)
{
    BUF_AUTO struct buf packed = {0};
    struct mp_reader    r;
    uint32_t            pairs;

    if (text.size == 0) return E_OK;
    if (json_to_mp(text, &packed, e)) return e->code;
    r = mp_reader_of(buf_view(&packed));
    if (!mp_read_map(&r, &pairs)) {
        return err_set(e, E_BAD_REQUEST, "the body must be a JSON object");
    }
    for (uint32_t i = 0; i < pairs; i++) {
        struct view key, value;

        if (!mp_read_str(&r, &key) || !mp_read_any(&r, &value)) {
            return err_set(e, E_INTERNAL, "malformed body");
        }
        put_key(b, key);
        mp_raw(&b->packed, value);
    }
    return E_OK;
}

struct view
route_body_end(struct route_body *b)
{
    mp_close(&b->packed, &b->map);
    return buf_view(&b->packed);
}

void
route_body_done(struct route_body *b)
{
    buf_done(&b->packed);
}
