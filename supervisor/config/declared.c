#include "supervisor/config/declared.h"

#include "common/mp.h"
#include "common/timetext.h"
#include "supervisor/config/declared_check.h"
#include "supervisor/config/keys.h"
#include "supervisor/config/places.h"
#include "supervisor/config/value.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *section;
    enum msg_id message;
} kinds[DECLARED_KINDS] = {
    [DECLARED_COMPANY] = {"companies", MSG_COMPANY },
    [DECLARED_AGENT] = {"agents",    MSG_AGENT   },
    [DECLARED_HANDLER] = {"handlers",  MSG_HANDLER },
    [DECLARED_SINK] = {"sinks",     MSG_SINK    },
    [DECLARED_SCHEDULE] = {"schedules", MSG_SCHEDULE},
    [DECLARED_PROFILE] = {"profiles",  MSG_PROFILE },
};

/* What the type of a field does not say of how it is written. */
enum notation { PLAIN, BYTES, LADDER, ARGUMENTS, BESIDE, TEXTS, VARIABLES, GATE };

static const struct {
    const char   *field;
    enum notation notation;
} notations[] = {
    {"memory_max",      BYTES    },
    {"log_max",         BYTES    },
    {"retry",           LADDER   },
    {"command",         ARGUMENTS},
    {"cwd",             BESIDE   },
    {"secret_file",     BESIDE   },
    {"secret_file_old", BESIDE   },
    {"set_env",         VARIABLES},
    {"tags",            TEXTS    },
    {"headers",         TEXTS    },
    {"gate",            GATE     },
};

struct reader {
    struct arena          *arena;
    const char            *folder;
    const char            *section;
    const struct msg_desc *desc;
    struct buf             scratch;
};

const char *
declared_section(enum declared_kind kind)
{
    return kinds[kind].section;
}

/* ---- one field ------------------------------------------------------------- */

static enum notation
notation_of(const struct field_desc *f)
{
    for (size_t i = 0; i < ARRAY_LEN(notations); i++) {
        if (strcmp(notations[i].field, f->name) == 0) return notations[i].notation;
    }
    return PLAIN;
}

static enum errc pack_value(struct reader *r, const struct field_desc *f, const struct yaml *n,
                            struct err *e);

static enum errc
pack_number(const struct field_desc *f, const struct yaml *n, struct buf *out, struct err *e)
{
    struct value_range range = {.low = f->low, .high = f->high, .is_nullable = f->need == NULLABLE};
    int64_t            v;

    if (f->type == FT_MS) range.kind = VALUE_DURATION;
    if (notation_of(f) == BYTES) range.kind = VALUE_BYTES;
    if (value_read(&range, n, &v, e)) return e->code;
    if (f->need == NULLABLE && v == NO_LIMIT) {
        mp_nil(out);
    } else {
        mp_i64(out, v);
    }
    return E_OK;
}

static enum errc
pack_string(struct reader *r, const struct field_desc *f, const struct yaml *n, struct err *e)
{
    if (n->type != YAML_STRING) {
        yaml_refuse_found(n, e, "allowed: a string");
        if (n->type == YAML_LIST || n->type == YAML_MAP) return e->code;
        return err_hint(e, "put it in quotes");
    }
    if (notation_of(f) == BESIDE) {
        mp_cstr(&r->scratch, path_from(r->arena, r->folder, n->text));
    } else {
        mp_str(&r->scratch, n->text);
    }
    return E_OK;
}

static enum errc
pack_list(struct reader *r, const struct field_desc *f, const struct yaml *n, struct err *e)
{
    struct view text;

    if (notation_of(f) == LADDER) return value_read_ladder(n, &r->scratch, e);
    if (n->type != YAML_LIST) {
        yaml_refuse_found(n, e, "allowed: a list");
        if (notation_of(f) != ARGUMENTS) return e->code;
        return err_hint(e, "a program and its arguments, like [sh, -c, \"echo hello\"]");
    }
    mp_array(&r->scratch, n->count);
    for (const struct yaml *item = n->first; item; item = item->next) {
        if (value_read_text(item, &text, e)) return e->code;
        bool is_path = notation_of(f) == ARGUMENTS && item == n->first && text.size > 0 &&
                       memchr(text.data, '/', text.size);
        if (is_path) text = view_str(path_from(r->arena, r->folder, text));
        mp_str(&r->scratch, text);
    }
    return E_OK;
}

/* An instant in full: what is read again tomorrow must mean the same. */
static enum errc
pack_time(const struct yaml *n, struct buf *out, struct err *e)
{
    struct err why = {0};
    int64_t    at;

    if (n->type != YAML_STRING || n->text.size == 0 || n->text.data[0] < '0' ||
        n->text.data[0] > '9' || instant_parse(n->text, 0, &at, &why)) {
        return yaml_refuse_found(n, e, "allowed: an instant like 2026-11-21T09:00:00Z");
    }
    mp_i64(out, at);
    return E_OK;
}

/* A `gate`, whose fields are written like those of an object. */
static enum errc
pack_gate(struct reader *r, const struct yaml *n, struct err *e)
{
    const struct msg_desc *d = msg_desc(MSG_GATE);

    mp_map(&r->scratch, n->count);
    for (const struct yaml *item = n->first; item; item = item->next) {
        struct suggest s = suggest_for(item->key);
        bool           is_known = false;

        mp_str(&r->scratch, item->key);
        for (size_t i = 0; i < d->nfields && !is_known; i++) {
            suggest_offer(&s, view_str(d->fields[i].name));
            is_known = view_is(item->key, d->fields[i].name);
            if (is_known && pack_value(r, &d->fields[i], item, e)) return e->code;
        }
        if (!is_known) return key_refuse(item, view_str("a gate"), &s, e);
    }
    return E_OK;
}

static enum errc
pack_map(struct reader *r, const struct field_desc *f, const struct yaml *n, struct err *e)
{
    enum notation how = notation_of(f);
    struct view   text;

    if (n->type != YAML_MAP) return yaml_refuse_found(n, e, "allowed: a map");
    if (how == GATE) return pack_gate(r, n, e);
    if (how == PLAIN) return yaml_pack(n, &r->scratch, e);
    mp_map(&r->scratch, n->count);
    for (const struct yaml *item = n->first; item; item = item->next) {
        if (how == VARIABLES && declared_check_variable(item, item->key, e)) return e->code;
        if (value_read_text(item, &text, e)) return e->code;
        mp_str(&r->scratch, item->key);
        mp_str(&r->scratch, text);
    }
    return E_OK;
}

static enum errc
pack_value(struct reader *r, const struct field_desc *f, const struct yaml *n, struct err *e)
{
    switch (f->type) {
    case FT_U64:
    case FT_I64:
    case FT_MS: return pack_number(f, n, &r->scratch, e);
    case FT_NAME:
    case FT_REF:
    case FT_STR:
    case FT_TEXT: return pack_string(r, f, n, e);
    case FT_LIST: return pack_list(r, f, n, e);
    case FT_MAP: return pack_map(r, f, n, e);
    case FT_TIME: return pack_time(n, &r->scratch, e);
    case FT_BOOL:
    case FT_JSON:
    case FT_RAW: return yaml_pack(n, &r->scratch, e);
    }
    abort(); /* every type is above */
}

/* The codec judges the packed value; its sentence gets the place. */
static enum errc
take_packed(struct reader *r, const struct field_desc *f, const struct yaml *n, bool is_key,
            struct declared_object *out, struct err *e)
{
    struct view value = arena_copy(r->arena, buf_view(&r->scratch));
    struct err  why;
    bool        has;

    if (field_unpack(f, value, &out->msg, &has, &why)) {
        const char *sentence = why.msg + strlen(f->name) + strlen(": ");
        if (is_key) return yaml_refuse_key(n, e, "the name %s", sentence);
        if (n->type == YAML_STRING) return yaml_refuse_found(n, e, "%s", sentence);
        return yaml_refuse(n, e, "%s", sentence);
    }
    uint64_t *bits = (uint64_t *)(void *)&out->msg; /* `has` is the first member of every message */
    *bits |= (uint64_t)has << (f - r->desc->fields);
    return E_OK;
}

static enum errc
take_field(struct reader *r, const struct field_desc *f, const struct yaml *n,
           struct declared_object *out, struct err *e)
{
    if (n->type == YAML_NULL && f->need == OPTIONAL) return E_OK;
    buf_clear(&r->scratch);
    if (pack_value(r, f, n, e)) return e->code;
    return take_packed(r, f, n, false, out, e);
}

/* ---- one object ------------------------------------------------------------ */

/* A field's name in the file. */
static const char *
written_name(struct arena *a, const struct field_desc *f)
{
    size_t size = strlen(f->name);

    return f->type == FT_MS ? arena_printf(a, "%.*s", (int)(size - strlen("_ms")), f->name)
                            : f->name;
}

static enum errc
take_member(struct reader *r, const struct yaml *n, struct declared_object *out, struct err *e)
{
    struct suggest s = suggest_for(n->key);

    for (size_t i = 0; i < r->desc->nfields; i++) {
        const char *name = written_name(r->arena, &r->desc->fields[i]);

        if (view_is(n->key, name)) return take_field(r, &r->desc->fields[i], n, out, e);
        suggest_offer(&s, view_str(name));
    }
    return key_refuse(n, view_str(r->section), &s, e);
}

/* In a map of objects the key is the name. */
static enum errc
take_name(struct reader *r, const struct yaml *body, struct declared_object *out, struct err *e)
{
    const struct field_desc *f = &r->desc->fields[0];

    assert(strcmp(f->name, "name") == 0);
    if (body->parent->type != YAML_MAP) return E_OK;
    const struct yaml *again = yaml_get(body, "name");
    if (again) return yaml_refuse_key(again, e, "the name is given already by the key");
    buf_clear(&r->scratch);
    mp_str(&r->scratch, body->key);
    return take_packed(r, f, body, true, out, e);
}

static enum errc
take_object(struct reader *r, const struct yaml *body, struct declared_object *out, struct err *e)
{
    *out = (struct declared_object){.body = body};
    bool is_map = body->type == YAML_MAP || body->type == YAML_NULL;
    if (!is_map) return yaml_refuse_found(body, e, "allowed: a map");
    if (take_name(r, body, out, e)) return e->code;
    for (const struct yaml *n = body->first; n; n = n->next) {
        if (take_member(r, n, out, e)) return e->code;
    }
    uint64_t has = *(const uint64_t *)(const void *)&out->msg;
    for (size_t i = 0; i < r->desc->nfields; i++) {
        const struct field_desc *f = &r->desc->fields[i];

        if (f->need == REQUIRED && !((has >> i) & 1)) {
            return declared_refuse(out, e, "%s is missing", f->name);
        }
    }
    return E_OK;
}

/* ---- all of a kind --------------------------------------------------------- */

static int
compare_views(struct view a, struct view b)
{
    size_t min = a.size < b.size ? a.size : b.size;
    int    order = min > 0 ? memcmp(a.data, b.data, min) : 0;

    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static int
compare_names(const struct declared_object *a, const struct declared_object *b)
{
    int order = compare_views(a->company, b->company);

    return order != 0 ? order : compare_views(a->name, b->name);
}

static int
compare_objects(const void *a, const void *b)
{
    const struct declared_object *left = *(const struct declared_object *const *)a;
    const struct declared_object *right = *(const struct declared_object *const *)b;
    int                           order = compare_names(left, right);

    return order != 0 ? order : (left > right) - (left < right);
}

/* Twins are neighbours then; the first second one in the file is refused. */
static enum errc
sort_list(struct declared_list *list, struct err *e)
{
    const struct declared_object *again = NULL;
    const struct declared_object *first = NULL;

    for (size_t i = 0; i < list->count; i++)
        list->sorted[i] = &list->items[i];
    qsort(list->sorted, list->count, sizeof(struct declared_object *), compare_objects);
    for (size_t i = 1; i < list->count; i++) {
        if (compare_names(list->sorted[i - 1], list->sorted[i]) != 0) continue;
        if (again && again < list->sorted[i]) continue;
        again = list->sorted[i];
        first = list->sorted[i - 1];
    }
    if (!again) return E_OK;
    return declared_refuse(again, e, "%.*s is declared twice, first in line %u",
                           VIEW_ARG(again->name), declared_line(first));
}

static enum errc
read_section(struct reader *r, const struct yaml *section, enum declared_kind kind,
             struct declared_list *list, struct err *e)
{
    bool is_map = section->type == YAML_MAP || section->type == YAML_NULL;

    if (!is_map && section->type != YAML_LIST) {
        return yaml_refuse_found(section, e, "allowed: a map of name: body, or a list of bodies");
    }
    r->section = kinds[kind].section;
    r->desc = msg_desc(kinds[kind].message);
    list->items = xcalloc(section->count + 1, sizeof(*list->items));
    list->sorted = xcalloc(section->count + 1, sizeof(struct declared_object *));
    for (const struct yaml *body = section->first; body; body = body->next) {
        struct declared_object *o = &list->items[list->count];

        if (take_object(r, body, o, e) || declared_identify(o, kind, e)) return e->code;
        list->count++;
    }
    return sort_list(list, e);
}

static enum errc
read_all(struct reader *r, const struct yaml *root, struct declared *d, struct err *e)
{
    for (enum declared_kind k = 0; k < DECLARED_KINDS; k++) {
        const struct yaml *section = yaml_get(root, kinds[k].section);

        if (section && read_section(r, section, k, &d->of[k], e)) return e->code;
    }
    return declared_check(d, e);
}

enum errc
declared_read(const struct yaml *root, const char *folder, struct arena *a, struct declared *out,
              struct err *e)
{
    struct reader   r = {.arena = a, .folder = folder};
    struct declared d = {0};

    enum errc rc = read_all(&r, root, &d, e);
    buf_done(&r.scratch);
    if (rc) {
        declared_done(&d);
    } else {
        *out = d;
    }
    return rc;
}

void
declared_done(struct declared *d)
{
    for (enum declared_kind k = 0; k < DECLARED_KINDS; k++) {
        free(d->of[k].items);
        free(d->of[k].sorted);
    }
    *d = (struct declared){0};
}

static int
compare_with_key(const void *key, const void *item)
{
    return compare_names(key, *(const struct declared_object *const *)item);
}

const struct declared_object *
declared_find(const struct declared *d, enum declared_kind kind, struct view company,
              struct view name)
{
    const struct declared_list    *list = &d->of[kind];
    const struct declared_object   key = {.company = company, .name = name};
    const struct declared_object **found = NULL;

    if (list->count > 0) {
        found = bsearch(&key, list->sorted, list->count, sizeof(struct declared_object *),
                        compare_with_key);
    }
    return found ? *found : NULL;
}

/* False for what null does not take back: where it is a value, or no member at all. */
static bool
take_back(struct reader *r, const struct yaml *n, struct declared_object *o)
{
    uint64_t *has = (uint64_t *)(void *)&o->msg;

    for (size_t i = 0; n->type == YAML_NULL && i < r->desc->nfields; i++) {
        const struct field_desc *f = &r->desc->fields[i];

        if (f->need != OPTIONAL || !view_is(n->key, written_name(r->arena, f))) continue;
        *has &= ~(UINT64_C(1) << i);
        return true;
    }
    return false;
}

enum errc
declared_merge(const struct yaml *body, enum declared_kind kind, struct arena *a, void *m,
               struct err *e)
{
    struct reader          r = {.arena = a,
                                .folder = "/",
                                .section = kinds[kind].section,
                                .desc = msg_desc(kinds[kind].message)};
    struct declared_object o = {.body = body};
    enum errc              rc;

    if (body->type != YAML_MAP) return yaml_refuse_found(body, e, "allowed: a map");
    memcpy(&o.msg, m, r.desc->size);
    rc = take_name(&r, body, &o, e);
    for (const struct yaml *n = body->first; n && rc == E_OK; n = n->next)
        rc = take_back(&r, n, &o) ? E_OK : take_member(&r, n, &o, e);
    if (rc == E_OK) { /* what was taken back is as if it had never been given */
        buf_clear(&r.scratch);
        msg_pack(r.desc, &o.msg, &r.scratch);
        rc = msg_unpack(r.desc, arena_copy(a, buf_view(&r.scratch)), m, e);
    }
    buf_done(&r.scratch);
    return rc;
}

void
declared_pack(const struct declared *d, enum declared_kind kind, struct buf *out)
{
    const struct declared_list *list = &d->of[kind];

    mp_array(out, (uint32_t)list->count);
    for (size_t i = 0; i < list->count; i++)
        msg_pack(msg_desc(kinds[kind].message), &list->items[i].msg, out);
}
