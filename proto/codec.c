#include "proto/codec.h"
#include "common/mp.h"
#include "common/name.h"
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// clang-format off
#define FIELD(S, type, name, need, low, high) \
    {FT_##type, need, offsetof(struct S, name), #name, low, high},
#define FIELD_TABLE(NAME, name)                                                        \
    static const struct field_desc name##_fields[] = {NAME##_FIELDS(FIELD, msg_##name) \
                                                      {FT_U64, OPTIONAL, 0, NULL, 0, 0}};                 \
    _Static_assert(msg_##name##_BITS <= 64, "has is 64 bits");

#define O(NAME, name) FIELD_TABLE(NAME, name)
OBJECTS(O)
#undef O
#define C(op, NAME, name, how, role) FIELD_TABLE(NAME, name)
CONTROL_MESSAGES(C)
#undef C
#define W(op, NAME, name) FIELD_TABLE(NAME, name)
TO_WORKER_MESSAGES(W)
FROM_WORKER_MESSAGES(W)
TO_GATEWAY_MESSAGES(W)
#undef W

#define DESC(NAME, name, group, op, how, role)                      \
    [MSG_##NAME] = {MSG_##NAME, group, op, how, role,               \
                    sizeof(struct msg_##name), msg_##name##_BITS, name##_fields},

static const struct msg_desc descs[MSG_COUNT] = {
#define O(NAME, name) DESC(NAME, name, GROUP_OBJECT, #name, HOW_NONE, ROLE_NONE)
    OBJECTS(O)
#undef O
#define C(op, NAME, name, how, role) DESC(NAME, name, GROUP_CONTROL, op, HOW_##how, ROLE_##role)
    CONTROL_MESSAGES(C)
#undef C
#define W(op, NAME, name) DESC(NAME, name, GROUP_TO_WORKER, op, HOW_NONE, ROLE_NONE)
    TO_WORKER_MESSAGES(W)
#undef W
#define W(op, NAME, name) DESC(NAME, name, GROUP_FROM_WORKER, op, HOW_NONE, ROLE_NONE)
    FROM_WORKER_MESSAGES(W)
#undef W
#define W(op, NAME, name) DESC(NAME, name, GROUP_TO_GATEWAY, op, HOW_NONE, ROLE_NONE)
    TO_GATEWAY_MESSAGES(W)
#undef W
};
// clang-format on

const struct msg_desc *
msg_desc(enum msg_id id)
{
    assert(id > MSG_NONE && id < MSG_COUNT);
    return &descs[id];
}

const struct msg_desc *
msg_find(enum msg_group group, struct view op)
{
    for (size_t i = MSG_NONE + 1; i < MSG_COUNT; i++) {
        if (descs[i].group == group && view_is(op, descs[i].op)) return &descs[i];
    }
    return NULL;
}

const char *
printable(struct view text, char *out, size_t size)
{
    size_t n = text.size < size - 1 ? text.size : size - 1;

    for (size_t i = 0; i < n; i++) {
        out[i] = text.data[i] >= 0x20 && text.data[i] < 0x7f ? text.data[i] : '?';
    }
    out[n] = '\0';
    return out;
}

/* ---- unpack ---------------------------------------------------------------------------------- */

static enum errc
take_integer(const struct field_desc *f, struct mp_reader *r, char *member, struct err *e)
{
    int64_t v;

    if (!mp_read_i64(r, &v) || v < f->low || v > f->high) {
        return err_field(e, f->name, "must be an integer from %" PRId64 " to %" PRId64, f->low,
                         f->high);
    }
    if (f->type == FT_U64) {
        *(uint64_t *)member = (uint64_t)v;
    } else {
        *(int64_t *)member = v;
    }
    return E_OK;
}

static enum errc
check_size(const struct field_desc *f, struct view v, struct err *e)
{
    if ((int64_t)v.size >= f->low && (int64_t)v.size <= f->high) return E_OK;
    return err_field(e, f->name, "is %zu bytes, must be %" PRId64 " to %" PRId64, v.size, f->low,
                     f->high);
}

static bool
has_control(struct view v)
{
    for (size_t i = 0; i < v.size; i++) {
        unsigned char c = (unsigned char)v.data[i];

        if (c < 0x20 || c == 0x7f) return true;
    }
    return false;
}

static enum errc
take_string(const struct field_desc *f, struct mp_reader *r, char *member, struct err *e)
{
    struct view v, company, name;

    if (!mp_read_str(r, &v)) return err_field(e, f->name, "must be a string");
    switch (f->type) {
    case FT_NAME:
        if (!name_is_valid(v)) {
            return err_field(e, f->name,
                             "must be 1 to %d of a-z 0-9 . _ - and begin with a letter or digit",
                             NAME_MAX_BYTES);
        }
        break;
    case FT_REF:
        if (name_split(v, f->name, &company, &name, e)) return e->code;
        break;
    default:
        if (check_size(f, v, e)) return e->code;
        if (!utf8_is_valid(v)) return err_field(e, f->name, "is not valid UTF-8");
        if (f->type == FT_STR && has_control(v)) {
            return err_field(e, f->name, "must not contain control characters");
        }
    }
    *(struct view *)member = v;
    return E_OK;
}

static enum errc
take_value(const struct field_desc *f, struct mp_reader *r, char *member, struct err *e)
{
    enum mp_type type = mp_peek(r);
    struct view  v;
    const char  *wrong;

    if (f->type == FT_MAP && type != MP_MAP) return err_field(e, f->name, "must be an object");
    if (f->type == FT_LIST && type != MP_ARRAY) return err_field(e, f->name, "must be a list");
    if (!mp_read_any(r, &v)) return err_field(e, f->name, "is malformed");
    if (check_size(f, v, e)) return e->code;
    if (f->type != FT_RAW && (wrong = mp_check_json(v))) return err_field(e, f->name, "%s", wrong);
    *(struct view *)member = v;
    return E_OK;
}

/* What nil says of a field: nothing was given, or "no limit", or it is a value like any other. */
static bool
take_nil(const struct field_desc *f, struct mp_reader *r, char *member, bool *has)
{
    if (f->need == REQUIRED || !mp_read_nil(r)) return false;
    *has = f->need == NULLABLE;
    if (*has) *(int64_t *)member = NO_LIMIT;
    return true;
}

static enum errc
take_field(const struct field_desc *f, struct mp_reader *r, void *out, bool *has, struct err *e)
{
    char *member = (char *)out + f->offset;
    bool  yes;

    if (take_nil(f, r, member, has)) return E_OK;
    *has = true;
    switch (f->type) {
    case FT_U64:
    case FT_I64:
    case FT_MS:
    case FT_TIME: return take_integer(f, r, member, e);
    case FT_BOOL:
        if (!mp_read_bool(r, &yes)) return err_field(e, f->name, "must be true or false");
        *(bool *)member = yes;
        return E_OK;
    case FT_NAME:
    case FT_REF:
    case FT_STR:
    case FT_TEXT: return take_string(f, r, member, e);
    case FT_JSON:
    case FT_MAP:
    case FT_LIST:
    case FT_RAW: return take_value(f, r, member, e);
    }
    abort(); /* every type of the enum is above */
}

enum errc
field_unpack(const struct field_desc *f, struct view value, void *out, bool *has, struct err *e)
{
    struct mp_reader r = mp_reader_of(value);

    return take_field(f, &r, out, has, e);
}

/* Senders mostly keep the order of the list, so the field after the last one is looked at first;
 * nfields when there is no such field. */
static size_t
find_field(const struct msg_desc *d, struct view key, size_t expected)
{
    for (size_t i = expected; i < d->nfields; i++) {
        if (view_is(key, d->fields[i].name)) return i;
    }
    for (size_t i = 0; i < expected; i++) {
        if (view_is(key, d->fields[i].name)) return i;
    }
    return d->nfields;
}

static enum errc
refuse_key(struct view key, const char *what, const char *where, struct err *e)
{
    char name[sizeof(e->field)];

    return err_field(e, printable(key, name, sizeof(name)), "%s %s", what, where);
}

/* How far the reading of one map has come. */
struct taken {
    size_t   expected; /* the field after the last one */
    uint64_t seen;
    uint64_t has;
};

static enum errc
take_pair(const struct msg_desc *d, struct mp_reader *r, void *m, struct taken *t, struct err *e)
{
    struct view key;
    bool        has;

    if (!mp_read_str(r, &key)) {
        return err_set(e, E_BAD_REQUEST, "%s: a field's name must be a string", d->op);
    }
    size_t at = find_field(d, key, t->expected);
    if (at == d->nfields) return refuse_key(key, "unknown field of", d->op, e);
    if (t->seen & (1ULL << at)) return refuse_key(key, "given twice in", d->op, e);
    if (take_field(&d->fields[at], r, m, &has, e)) return e->code;
    t->expected = at + 1;
    t->seen |= 1ULL << at;
    t->has |= (uint64_t)has << at;
    return E_OK;
}

enum errc
msg_unpack(const struct msg_desc *d, struct view body, void *out, struct err *e)
{
    struct mp_reader r = mp_reader_of(body);
    struct taken     taken = {0};
    union msg        m; /* out stays untouched on failure */
    uint32_t         pairs;

    memset(&m, 0, d->size);
    if (!mp_read_map(&r, &pairs)) {
        return err_set(e, E_BAD_REQUEST, "%s: the body must be a map", d->op);
    }
    for (uint32_t i = 0; i < pairs; i++) {
        if (take_pair(d, &r, &m, &taken, e)) return e->code;
    }
    if (r.at != r.end) return err_set(e, E_BAD_REQUEST, "%s: bytes behind the body", d->op);
    for (size_t i = 0; i < d->nfields; i++) {
        if (d->fields[i].need == REQUIRED && !(taken.seen & (1ULL << i))) {
            return err_field(e, d->fields[i].name, "is missing");
        }
    }
    memcpy(&m, &taken.has, sizeof(taken.has)); /* `has` is the first member of every message */
    memcpy(out, &m, d->size);
    return E_OK;
}

/* ---- pack ------------------------------------------------------------------------------------ */

static bool
is_in_range(const struct field_desc *f, const char *member)
{
    int64_t i;

    switch (f->type) {
    case FT_BOOL: return true;
    case FT_NAME: return name_is_valid(*(const struct view *)member);
    case FT_REF: return ((const struct view *)member)->size > 0;
    case FT_JSON:
    case FT_MAP:
    case FT_LIST:
    case FT_RAW:
        if (((const struct view *)member)->size == 0) return false;
        /* fall through */
    case FT_STR:
    case FT_TEXT:
        i = (int64_t)((const struct view *)member)->size;
        return i >= f->low && i <= f->high;
    default:
        i = *(const int64_t *)member; /* U64 ranges end within int64 */
        return (i >= f->low && i <= f->high) || (f->need == NULLABLE && i == NO_LIMIT);
    }
}

static void
put_field(const struct field_desc *f, const char *member, struct buf *out)
{
    assert(is_in_range(f, member));
    mp_cstr(out, f->name);
    switch (f->type) {
    case FT_U64:
    case FT_I64:
    case FT_MS:
    case FT_TIME:
        if (f->need == NULLABLE && *(const int64_t *)member == NO_LIMIT) {
            mp_nil(out);
        } else {
            mp_i64(out, *(const int64_t *)member);
        }
        break;
    case FT_BOOL: mp_bool(out, *(const bool *)member); break;
    case FT_NAME:
    case FT_REF:
    case FT_STR:
    case FT_TEXT: mp_str(out, *(const struct view *)member); break;
    case FT_JSON:
    case FT_MAP:
    case FT_LIST:
    case FT_RAW: mp_raw(out, *(const struct view *)member); break;
    }
}

void
msg_pack(const struct msg_desc *d, const void *m, struct buf *out)
{
    uint64_t fields = *(const uint64_t *)m; /* every message begins with `has` */

    for (size_t i = 0; i < d->nfields; i++) {
        if (d->fields[i].need == REQUIRED) fields |= 1ULL << i;
    }
    assert(d->nfields == 64 || fields >> d->nfields == 0);
    mp_map(out, (uint32_t)__builtin_popcountll(fields));
    for (size_t i = 0; i < d->nfields; i++) {
        if (fields & (1ULL << i))
            put_field(&d->fields[i], (const char *)m + d->fields[i].offset, out);
    }
}

struct list_iter
list_iter_of(struct view list)
{
    struct mp_reader r = mp_reader_of(list);
    uint32_t         count;

    (void)mp_read_array(&r, &count); /* no list: no items */
    return (struct list_iter){view_of(r.at, (size_t)(r.end - r.at)), count};
}

bool
list_next(struct list_iter *it, struct view *item)
{
    struct mp_reader r = mp_reader_of(it->rest);

    if (it->left == 0 || !mp_read_any(&r, item)) return false;
    it->left--;
    it->rest = view_of(r.at, (size_t)(r.end - r.at));
    return true;
}
