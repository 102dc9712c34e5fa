#include "supervisor/zones.h"

#include "common/tzfile.h"

/* The engine refuses a zone that it was not told of, by name. */
static void
push(struct inputs *q, struct view map)
{
    struct input    in = {.kind = INPUT_ZONE};
    struct buf body BUF_AUTO = {0};
    struct view     name;

    if (!mp_find_str(map, "budget_zone", &name) || view_is(name, "UTC")) return;
    buf_add_view(&body, name);
    buf_add(&body, "", 1);
    if (!tzfile_read(TZFILE_FOLDER, name, &body)) return;
    in.body = buf_view(&body);
    inputs_push_copy(q, &in);
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
    case MSG_COMPANY_ADD:
    case MSG_COMPANY_SET:
    case MSG_AGENT_ADD:
    case MSG_AGENT_SET: push(q, body); break;
    default: break;
    }
}
