#include "common/cron.h"
#include "common/mp.h"
#include "common/timetext.h"
#include "common/tzfile.h"
#include "tools/agentctl/ctl.h"
#include "tools/agentctl/text.h"
#include <stdlib.h>
#include <string.h>

#define COUNT_DEFAULT 5
#define COUNT_MAX     1000

static enum errc
read_zone(struct view name, struct buf *bytes, struct tz *out, struct err *e)
{
    *out = (struct tz){0};
    if (name.size == 0 || view_is(name, "UTC")) return E_OK;
    if (!tzfile_read(tzfile_folder(), name, bytes)) {
        err_field(e, "--tz", "there is no time zone \"%.*s\"", VIEW_ARG(name));
        return err_hint(e, "an IANA name like Europe/Berlin, of those in %s", tzfile_folder());
    }
    return tz_parse(buf_view(bytes), out, e) ? err_wrap(e, "--tz") : E_OK;
}

/* "2026-11-21 10:00:00.000+01:00" */
static void
add_local(struct buf *out, const struct tz *z, int64_t at_ms)
{
    int32_t offset = tz_offset(z, at_ms), minutes = abs(offset) / 60;
    char    text[40];

    instant_text(at_ms + offset * INT64_C(1000), text, sizeof(text));
    text[strcspn(text, "Z")] = '\0';
    buf_printf(out, "%s%c%02d:%02d", text, offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

static void
print_explained(struct ctl_out *o, struct view body)
{
    struct list_iter    it = list_iter_of(ctl_list(body, "next_at"));
    struct view         item, name = {0};
    BUF_AUTO struct buf bytes = {0};
    struct err          e = {0};
    struct tz           zone;

    (void)ctl_value(o, body, "text", CTL_AS_TEXT, o->buf); /* always there */
    buf_add_str(o->buf, "\n");
    if (it.left == 0 && !mp_find(body, "at_boot", &item)) buf_add_str(o->buf, "never\n");
    if (!mp_find_str(body, "tz", &name) || read_zone(name, &bytes, &zone, &e)) name.size = 0;
    while (list_next(&it, &item)) {
        struct mp_reader r = mp_reader_of(item);
        int64_t          at_ms;

        if (name.size && mp_read_i64(&r, &at_ms)) {
            add_local(o->buf, &zone, at_ms);
        } else {
            ctl_raw(o, item, CTL_AS_INSTANT, o->buf);
        }
        buf_add_str(o->buf, "\n");
    }
}

static void
explain(const struct cron *cron, const struct tz *zone, int64_t from_ms, int64_t count,
        struct view zone_name, struct buf *body)
{
    BUF_AUTO struct buf words = {0};
    struct mp_open_map  m = mp_open(body);
    uint32_t            found = 0;

    cron_words(cron, &words);
    mp_put_str(body, &m, "text", buf_view(&words));
    mp_key(body, &m, "next_at");
    size_t header = mp_array_open(body);
    for (int64_t at_ms = from_ms; found < count; found++) {
        at_ms = cron_next(cron, zone, from_ms, at_ms);
        if (at_ms < 0) break;
        mp_i64(body, at_ms);
    }
    mp_array_close(body, header, found);
    if (zone_name.size) mp_put_str(body, &m, "tz", zone_name);
    if (cron->kind == CRON_REBOOT) mp_put_bool(body, &m, "at_boot", true);
    mp_close(body, &m);
}

/* Needs no daemon. */
enum ctl_exit
ctl_run_cron(struct ctl *c, struct err *e)
{
    const char         *from = ctl_args_text(&c->args, "from");
    const char         *count_text = ctl_args_text(&c->args, "count");
    struct view         zone_name = view_str(ctl_args_text(&c->args, "tz"));
    int64_t             now_ms = clock_now().wall_ms;
    int64_t             from_ms = now_ms;
    int64_t             count = COUNT_DEFAULT;
    BUF_AUTO struct buf body = {0}, zone_bytes = {0};
    struct cron         cron;
    struct tz           zone;

    if (cron_parse(view_str(ctl_args_text(&c->args, "EXPR")), &cron, e)) return CTL_USAGE;
    if (read_zone(zone_name, &zone_bytes, &zone, e)) return CTL_USAGE;
    if (from && instant_parse(view_str(from), now_ms, &from_ms, e)) {
        err_wrap(e, "--from");
        return CTL_USAGE;
    }
    if (count_text) {
        char *end;

        count = strtol(count_text, &end, 10);
        if (*end || count < 1 || count > COUNT_MAX) {
            err_set(e, E_BAD_REQUEST, "--count: must be a number from 1 to %d", COUNT_MAX);
            return CTL_USAGE;
        }
    }
    explain(&cron, &zone, from_ms, count, zone_name, &body);
    return ctl_show_by(c, buf_view(&body), print_explained, e);
}
