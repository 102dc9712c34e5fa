#include "proto/codec.h"

#include <inttypes.h>

static const char *const type_names[] = {
    [FT_U64] = "U64",   [FT_I64] = "I64",   [FT_MS] = "MS",   [FT_TIME] = "TIME",
    [FT_BOOL] = "BOOL", [FT_NAME] = "NAME", [FT_REF] = "REF", [FT_STR] = "STR",
    [FT_TEXT] = "TEXT", [FT_JSON] = "JSON", [FT_MAP] = "MAP", [FT_LIST] = "LIST",
    [FT_RAW] = "RAW",
};
static const char *const need_names[] = {
    [REQUIRED] = "required",
    [OPTIONAL] = "optional",
    [NULLABLE] = "nullable",
};
static const char *const group_names[] = {
    [GROUP_OBJECT] = "object",         [GROUP_CONTROL] = "control",
    [GROUP_TO_WORKER] = "to_worker",   [GROUP_FROM_WORKER] = "from_worker",
    [GROUP_TO_GATEWAY] = "to_gateway",
};
static const char *const how_names[] = {
    [HOW_NONE] = "none",
    [HOW_WRITE] = "write",
    [HOW_READ] = "read",
    [HOW_SHELL] = "shell",
};
static const char *const role_names[] = {
    [ROLE_NONE] = "none",         [ROLE_VIEW] = "view",   [ROLE_SUBMIT] = "submit",
    [ROLE_OPERATOR] = "operator", [ROLE_ADMIN] = "admin", [ROLE_GATEWAY] = "gateway",
};

static void
print_bound(struct buf *out, int64_t bound)
{
    if (bound == INT64_MAX) {
        buf_add_str(out, "2^63-1");
    } else {
        buf_printf(out, "%" PRId64, bound);
    }
}

static void
print_range(struct buf *out, const struct field_desc *f)
{
    switch (f->type) {
    case FT_BOOL:
    case FT_NAME:
    case FT_REF: return; /* by their own rules */
    case FT_U64:
    case FT_I64:
    case FT_MS:
    case FT_TIME:
    case FT_STR:
    case FT_TEXT:
    case FT_JSON:
    case FT_MAP:
    case FT_LIST:
    case FT_RAW: break;
    }
    buf_add_str(out, "  ");
    print_bound(out, f->low);
    buf_add_str(out, " to ");
    print_bound(out, f->high);
    if (f->type >= FT_STR) buf_add_str(out, " bytes");
}

static void
print_message(struct buf *out, const struct msg_desc *d)
{
    buf_printf(out, "\n%s %s", group_names[d->group], d->op);
    if (d->group == GROUP_CONTROL) {
        buf_printf(out, "  (%s, %s)", how_names[d->how], role_name(d->role));
    }
    buf_add_str(out, "\n");
    for (size_t i = 0; i < d->nfields; i++) {
        const struct field_desc *f = &d->fields[i];

        buf_printf(out, "  %-23s  %-4s  %s", f->name, field_type_name(f->type),
                   need_names[f->need]);
        print_range(out, f);
        buf_add_str(out, "\n");
    }
}

void
schema_text(struct buf *out)
{
    buf_printf(out, "agentd protocol version %d\n", PROTO_VERSION);
    for (enum msg_id id = MSG_NONE + 1; id < MSG_COUNT; id++) {
        print_message(out, msg_desc(id));
    }
}

const char *
field_type_name(enum field_type t)
{
    return type_names[t];
}

const char *
role_name(enum role r)
{
    return role_names[r];
}
