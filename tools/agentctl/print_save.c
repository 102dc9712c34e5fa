#include "common/mp.h"
#include "proto/codec.h"
#include "tools/agentctl/print.h"

#define MINUTES_SHOWN 12

/* "09:00 09:05 UTC", of minutes of the day. */
static void
put_minutes(struct view minutes, struct buf *text)
{
    struct list_iter it = list_iter_of(minutes);
    struct view      item;
    unsigned         n = 0;

    for (; list_next(&it, &item); n++) {
        struct mp_reader r = mp_reader_of(item);
        int64_t          minute;

        if (!mp_read_i64(&r, &minute) || minute < 0 || minute >= 24 * 60) continue;
        if (n < MINUTES_SHOWN) {
            buf_printf(text, "%02d:%02d ", (int)minute / 60, (int)minute % 60);
        } else if (n == MINUTES_SHOWN) {
            buf_add_str(text, "and more, ");
        }
    }
    buf_add_str(text, "UTC");
}

static void
print_warning(struct ctl_out *o, struct view warning)
{
    struct view         message, minutes = ctl_list(warning, "minutes");
    BUF_AUTO struct buf with = {0}, when = {0};
    int64_t             more;

    if (mp_find_str(warning, "message", &message)) ctl_line(o, "warning", message);
    if (!ctl_value(o, warning, "schedules", CTL_AS_LIST, &with)) return;
    if (mp_find_i64(warning, "more_schedules", &more))
        buf_printf(&with, " and %lld more", (long long)more);
    buf_add_str(&with, "; turns together: ");
    (void)ctl_value(o, warning, "turns", CTL_AS_TEXT, &with);
    ctl_line(o, "  with", buf_view(&with));
    put_minutes(minutes, &when);
    ctl_line(o, "  at", buf_view(&when));
}

static void
print_advice(struct ctl_out *o, struct view advice)
{
    static const struct {
        const char *path, *before, *after;
    } lines[] = {
        {"cron",         "a less contended minute nearby: --cron '",       "'"                    },
        {"median_turns", "schedules of its profile use ",                  " turns (their median)"},
        {"compared",     "only so many schedules were compared with it: ", ""                     },
    };

    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        BUF_AUTO struct buf text = {0};

        buf_add_str(&text, lines[i].before);
        if (!ctl_value(o, advice, lines[i].path, CTL_AS_TEXT, &text)) continue;
        buf_add_str(&text, lines[i].after);
        ctl_line(o, "advice", buf_view(&text));
    }
}

void
ctl_print_saved(struct ctl_out *o, struct view body)
{
    struct list_iter warnings = list_iter_of(ctl_list(body, "warnings"));
    struct view      item;

    while (list_next(&warnings, &item))
        print_warning(o, item);
    if (mp_find(body, "advice", &item)) print_advice(o, item);
}
