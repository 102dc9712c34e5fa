#include "supervisor/engine/objects.h"

#include "common/name.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const struct actor actor_daemon = {.kind = "daemon", .role = ROLE_ADMIN};

static const struct {
    const char *name;
    enum msg_id message;
} kinds[] = {
    [KIND_COMPANY] = {"company",  MSG_COMPANY },
      [KIND_AGENT] = {"agent",    MSG_AGENT   },
    [KIND_HANDLER] = {"handler",  MSG_HANDLER },
      [KIND_SINK] = {"sink",     MSG_SINK    },
    [KIND_SCHEDULE] = {"schedule", MSG_SCHEDULE},
      [KIND_LIMITS] = {"limits",   MSG_LIMITS  },
    [KIND_PROFILE] = {"profile",  MSG_PROFILE },
};

const char *
object_kind_name(enum object_kind k)
{
    assert(k > KIND_NONE && k < ARRAY_LEN(kinds));
    return kinds[k].name;
}

const char *
object_kind_article(enum object_kind k)
{
    return k == KIND_AGENT ? "an agent" : k == KIND_COMPANY ? "a company" : "a profile";
}

enum msg_id
object_kind_message(enum object_kind k)
{
    assert(k > KIND_NONE && k < ARRAY_LEN(kinds));
    return kinds[k].message;
}

const char *
origin_name(enum origin o)
{
    static const char *const names[] = {"builtin", "config", "api", "agent"};

    return o < ARRAY_LEN(names) ? names[o] : "unknown";
}

void
objects_init(struct objects *o, struct txn *t)
{
    *o = (struct objects){.txn = t};
}

static void
decode(struct object_entry *en)
{
    struct err e = {0};

    en->is_there =
        en->row.kind > KIND_NONE && en->row.kind < ARRAY_LEN(kinds) &&
        msg_unpack(msg_desc(kinds[en->row.kind].message), en->row.spec, &en->spec, &e) == E_OK;
}

const struct object_entry *
objects_get(struct objects *o, uint32_t id)
{
    struct object_entry *en;

    if (id == 0) return NULL;
    en = idmap_get(&o->map, id);
    if (!en) {
        en = arena_alloc(txn_arena(o->txn), sizeof(*en));
        memset(en, 0, sizeof(*en));
        en->row.id = id;
        if (object_load(o->txn, &en->row) == LOAD_FOUND) decode(en);
        idmap_put(&o->map, txn_arena(o->txn), id, en);
    }
    return en->is_there ? en : NULL;
}

struct view
objects_name(struct objects *o, uint32_t id)
{
    const struct object_entry *en = objects_get(o, id);

    return en ? en->row.name : (struct view){0};
}

struct view
objects_ref(struct objects *o, uint32_t id)
{
    const struct object_entry *en = objects_get(o, id);
    struct view                company;

    if (!en) return (struct view){0};
    if (en->row.company == 0 || en->row.company == COMPANY_DEFAULT_ID) return en->row.name;
    company = objects_name(o, en->row.company);
    return view_str(
        arena_printf(txn_arena(o->txn), "%.*s/%.*s", VIEW_ARG(company), VIEW_ARG(en->row.name)));
}

static struct object_entry *
remembered(struct objects *o, uint32_t id)
{
    struct object_entry *en = idmap_get(&o->map, id);

    if (!en) {
        en = arena_alloc(txn_arena(o->txn), sizeof(*en));
        memset(en, 0, sizeof(*en));
        idmap_put(&o->map, txn_arena(o->txn), id, en);
    }
    return en;
}

void
objects_put(struct objects *o, const struct object *row)
{
    struct object_entry *en = remembered(o, row->id);

    object_save(o->txn, row);
    o->last.is_known = false;
    o->version++;
    memset(en, 0, sizeof(*en));
    en->row = *row;
    en->row.name = arena_copy(txn_arena(o->txn), row->name);
    en->row.spec = arena_copy(txn_arena(o->txn), row->spec);
    decode(en);
}

void
objects_remove(struct objects *o, uint32_t id)
{
    struct object row = {.id = id};

    (void)object_delete(o->txn, &row);
    o->last.is_known = false;
    o->version++;
    remembered(o, id)->is_there = false;
    o->has_removed = true;
}

uint32_t
object_find(struct txn *t, enum object_kind kind, uint32_t company, struct view name)
{
    struct object row = {.kind = (uint8_t)kind, .company = company, .name = name};

    return rec_find(t, INDEX_object_by_name, &row) == LOAD_FOUND && !row.removing ? row.id : 0;
}

uint32_t
object_removing(struct txn *t, enum object_kind kind, uint32_t company, struct view name)
{
    struct object row = {.kind = (uint8_t)kind, .company = company, .name = name};

    return rec_find(t, INDEX_object_by_name, &row) == LOAD_FOUND && row.removing ? row.id : 0;
}

bool
actor_sees(struct txn *t, const struct actor *a, uint32_t company)
{
    if (a->company.size == 0) return true;
    return object_find(t, KIND_COMPANY, 0, a->company) == company;
}

__attribute__((format(printf, 3, 4))) static enum errc
not_found(struct err *e, const char *field, const char *fmt, ...)
{
    char    why[200];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    (void)err_field(e, field, "%s", why);
    return e->code = E_NOT_FOUND;
}

enum errc
object_company(struct txn *t, const struct actor *a, struct view name, uint32_t *company,
               struct err *e)
{
    uint32_t id;

    if (name.size == 0) name = a->company.size ? a->company : view_str("default");
    id = object_find(t, KIND_COMPANY, 0, name);
    if (id == 0 || !actor_sees(t, a, id)) {
        return not_found(e, "company", "there is no company \"%.*s\"", VIEW_ARG(name));
    }
    *company = id;
    return E_OK;
}

/* Whether those of `default` are there for every company. */
static bool
is_shared(enum object_kind kind)
{
    return kind == KIND_HANDLER || kind == KIND_SINK || kind == KIND_PROFILE;
}

enum errc
object_ref(struct txn *t, const struct actor *a, enum object_kind kind, struct view ref,
           const char *field, uint32_t *company, uint32_t *id, struct err *e)
{
    struct view in_company, name;
    uint32_t    owner = *company;

    if (name_split(ref, field, &in_company, &name, e)) return e->code;
    if (in_company.size || owner == 0) {
        if (object_company(t, a, in_company, &owner, e)) {
            if (in_company.size == 0) return e->code;
            return not_found(e, field, "there is no company \"%.*s\"", VIEW_ARG(in_company));
        }
    }
    if (*company != 0 && owner != *company && owner != COMPANY_DEFAULT_ID) {
        return not_found(e, field, "\"%.*s\" belongs to another company", VIEW_ARG(ref));
    }
    if (*company != 0 && owner != *company && !is_shared(kind)) {
        return not_found(e, field, "\"%.*s\" belongs to another company", VIEW_ARG(ref));
    }
    *id = object_find(t, kind, owner, name);
    if (*id == 0 && is_shared(kind)) {
        *id = object_find(t, kind, COMPANY_DEFAULT_ID, name);
    }
    if (*id == 0) {
        return not_found(e, field, "there is no %s \"%.*s\"", object_kind_name(kind),
                         VIEW_ARG(ref));
    }
    if (*company == 0) *company = owner;
    return E_OK;
}
