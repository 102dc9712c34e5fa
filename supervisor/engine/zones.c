#include "supervisor/engine/zones.h"

#include "common/log.h"
#include "supervisor/engine/plan.h"

#include <string.h>

#define UTC "UTC"

static bool
find(struct txn *t, struct view name, struct zone *out)
{
    *out = (struct zone){.name = name};
    return rec_find(t, INDEX_zone_by_name, out) == LOAD_FOUND;
}

void
on_zone(struct engine *en, const struct input *in)
{
    const char *end = memchr(in->body.data, '\0', in->body.size);
    struct view name, data;
    struct zone row;
    struct tz   z;
    struct err  e = {0};
    bool        is_new = true;

    if (!end) return;
    name = view_of(in->body.data, (size_t)(end - in->body.data));
    data = view_of(end + 1, in->body.size - name.size - 1);
    if (tz_parse(data, &z, &e)) {
        turn_log(en, LOG_LEVEL_WARN, "a time zone of the system cannot be used",
                 "zone=%.*s error=%s", VIEW_ARG(name), log_quote(e.msg));
        return;
    }
    if (find(turn_txn(en), name, &row)) {
        if (view_eq(row.data, data)) return;
        is_new = false;
    } else {
        row = (struct zone){.id = (uint32_t)en->memory.meta.next_object++, .name = name};
    }
    row.data = data;
    if (!is_new) schedules_zone_changed(en, &row);
    zone_save(turn_txn(en), &row);
    en->turn.objects.version++;
    en->memory.recheck_limits = true; /* it may be another day there */
    schedules_replan_more(en);
}

enum errc
zone_check(struct txn *t, struct view name, const char *field, struct err *e)
{
    struct zone row;

    if (name.size == 0 || view_is(name, UTC) || find(t, name, &row)) return E_OK;
    err_field(e, field, "there is no time zone \"%.*s\"", VIEW_ARG(name));
    return err_hint(e, "an IANA name like Europe/Berlin, of those in /usr/share/zoneinfo");
}

void
zone_read(struct txn *t, struct view name, struct tz *out)
{
    struct zone row;
    struct err  e = {0};

    *out = (struct tz){0};
    if (name.size == 0 || view_is(name, UTC) || !find(t, name, &row)) return;
    if (tz_parse(row.data, out, &e)) *out = (struct tz){0}; /* it was parsed when it came */
}
