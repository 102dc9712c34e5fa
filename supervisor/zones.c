#include "supervisor/zones.h"

#include "common/tzfile.h"

/* The engine refuses a zone that it was not told of, by name. */
static void
push_zone(struct inputs *q, struct view name)
{
    struct input    in = {.kind = INPUT_ZONE};
    struct buf body BUF_AUTO = {0};

    if (view_is(name, "UTC")) return;
    buf_add_view(&body, name);
    buf_add(&body, "", 1);
    if (!tzfile_read(tzfile_folder(), name, &body)) return;
    in.body = buf_view(&body);
    inputs_push_copy(q, &in);
}

static void
push(struct inputs *q, struct view map)
{
    struct view name;

    if (mp_find_str(map, "budget_zone", &name)) push_zone(q, name);
    if (mp_find_str(map, "session_zone", &name)) push_zone(q, name);
    if (mp_find_str(map, "tz", &name)) push_zone(q, name);
}

enum errc
zones_push_known(struct inputs *q, struct store *store, struct err *e)
{
    struct txn *t = txn_begin_read(store, e);
    struct zone row = {0};
    struct scan s;

    if (!t) return e->code;
    scan_open(&s, t, PRIMARY_ZONE, &row, 0, 0);
    while (scan_next(&s, &row))
        push_zone(q, row.name);
    scan_close(&s);
    txn_abort(&t);
    return E_OK;
}

void
zones_push_config(struct inputs *q, struct view engine_config)
{
    static const char *const lists[] = {"companies", "agents", "schedules"};
    struct view              value, item;

    if (mp_find(engine_config, "limits", &value)) push(q, value);
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        struct list_iter it;

        if (!mp_find(engine_config, lists[i], &value)) continue;
        it = list_iter_of(value);
        while (list_next(&it, &item))
            push(q, item);
    }
}

void
zones_push_request(struct inputs *q, enum msg_id op, struct view body)
{
    switch (op) {
    case MSG_SCHEDULE_ADD:
    case MSG_SCHEDULE_SET:
    case MSG_ROUTINE_ADD:
    case MSG_AGENT_WAKE:
    case MSG_COMPANY_ADD:
    case MSG_COMPANY_SET:
    case MSG_AGENT_ADD:
    case MSG_AGENT_SET: push(q, body); break;
    default: break;
    }
}
