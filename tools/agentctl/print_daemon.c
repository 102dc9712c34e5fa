#include "common/mp.h"
#include "proto/codec.h"
#include "tools/agentctl/print.h"
#include "tools/agentctl/text.h"
#include <inttypes.h>
#include <string.h>

#define TABLE(o, list, columns) ctl_table(o, list, columns, ARRAY_LEN(columns))
#define RECORD(o, map, rows)    ctl_record(o, map, rows, ARRAY_LEN(rows))

static bool
is_true(struct view body, const char *key)
{
    bool yes = false;

    return mp_find_bool(body, key, &yes) && yes;
}

/* ---- status ---------------------------------------------------------------- */

/* A line made of several values: each with the text before it, when it is there. */
struct part {
    const char     *before;
    const char     *path;
    enum ctl_format format;
};

static void
add_parts(struct ctl_out *o, const char *title, struct view body, const struct part *parts,
          size_t count)
{
    BUF_AUTO struct buf line = {0};

    for (size_t i = 0; i < count; i++) {
        BUF_AUTO struct buf value = {0};

        if (!ctl_value(o, body, parts[i].path, parts[i].format, &value)) continue;
        buf_add_str(&line, parts[i].before + (line.size > 0 ? 0 : strspn(parts[i].before, " ,;")));
        buf_add_view(&line, buf_view(&value));
    }
    if (line.size > 0) ctl_line(o, title, buf_view(&line));
}
#define PARTS(o, title, body, parts) add_parts(o, title, body, parts, ARRAY_LEN(parts))

static void
add_workers(struct ctl_out *o, struct view body)
{
    static const struct part parts[] = {
        {"",                     "workers.live",       CTL_AS_TEXT},
        {" of ",                 "workers.wanted",     CTL_AS_TEXT},
        {" up, slots of each: ", "workers.slots_each", CTL_AS_TEXT},
        {", died: ",             "workers.died",       CTL_AS_TEXT},
        {", degraded: ",         "workers.degraded",   CTL_AS_YES },
    };

    PARTS(o, "workers", body, parts);
}

static void
add_gateway(struct ctl_out *o, struct view body)
{
    static const struct part parts[] = {
        {"",              "gateway.state",    CTL_AS_TEXT},
        {", listens on ", "gateway.listen",   CTL_AS_TEXT},
        {", died: ",      "gateway.died",     CTL_AS_TEXT},
        {", degraded: ",  "gateway.degraded", CTL_AS_YES },
    };
    struct view gateway;

    if (mp_find(body, "gateway", &gateway) && is_true(gateway, "enabled")) {
        PARTS(o, "gateway", body, parts);
    }
}

static void
add_queue(struct ctl_out *o, struct view body)
{
    static const struct part parts[] = {
        {"scheduled ",   "queue.scheduled", CTL_AS_TEXT},
        {"  ready ",     "queue.ready",     CTL_AS_TEXT},
        {"  running ",   "queue.running",   CTL_AS_TEXT},
        {"  completed ", "queue.completed", CTL_AS_TEXT},
        {"  failed ",    "queue.failed",    CTL_AS_TEXT},
        {"  cancelled ", "queue.cancelled", CTL_AS_TEXT},
        {"  expired ",   "queue.expired",   CTL_AS_TEXT},
    };

    PARTS(o, "queue", body, parts);
}

/* While sessions stream to people, or firings are put off for them. */
static void
add_pressure(struct ctl_out *o, struct view body)
{
    static const struct part parts[] = {
        {"streams ",   "streams", CTL_AS_TEXT},
        {"  put off ", "put_off", CTL_AS_TEXT},
    };
    int64_t streams = 0, put_off = 0;

    if (mp_find_i64(body, "streams", &streams) && mp_find_i64(body, "put_off", &put_off) &&
        streams + put_off > 0) {
        PARTS(o, "people first", body, parts);
    }
}

static void
add_store(struct ctl_out *o, struct view body)
{
    static const struct part store[] = {
        {"",             "store.used_bytes",      CTL_AS_BYTES},
        {" used, file ", "store.file_bytes",      CTL_AS_BYTES},
        {", at most ",   "store.map_bytes",       CTL_AS_BYTES},
        {"; disk free ", "store.disk_free_bytes", CTL_AS_BYTES},
    };
    static const struct part lag[] = {
        {"p99 ",        "loop.lag_p99_us",   CTL_AS_MICROS},
        {", at worst ", "loop.lag_worst_us", CTL_AS_MICROS},
    };

    PARTS(o, "store", body, store);
    PARTS(o, "loop lag", body, lag);
}

static void
add_list(struct ctl_out *o, const char *title, struct view list)
{
    struct list_iter it = list_iter_of(list);
    struct view      item;

    while (list_next(&it, &item)) {
        struct mp_reader r = mp_reader_of(item);
        struct view      text;

        if (mp_read_str(&r, &text)) ctl_line(o, title, text);
    }
}

void
ctl_print_status(struct ctl_out *o, struct view body)
{
    static const struct ctl_column rows[] = {
        {"agentd",        "version",       CTL_AS_TEXT   },
        {"running",       "running",       CTL_AS_BOOL   },
        {"draining",      "draining",      CTL_AS_YES    },
        {"pid",           "pid",           CTL_AS_TEXT   },
        {"up",            "uptime_ms",     CTL_AS_SPAN   },
        {"last crash",    "last_crash_at", CTL_AS_INSTANT},
        {"unclean stops", "unclean_stops", CTL_AS_TEXT   },
        {"run folder",    "run",           CTL_AS_TEXT   },
        {"state folder",  "state",         CTL_AS_TEXT   },
    };
    static const struct ctl_column caps[] = {
        {"CAP",   "cap",   CTL_AS_TEXT  },
        {"ON",    "on",    CTL_AS_TEXT  },
        {"USED",  "used",  CTL_AS_NUMBER},
        {"LIMIT", "limit", CTL_AS_LIMIT },
    };
    static const struct ctl_column next[] = {
        {"NEXT FIRING", "schedule",     CTL_AS_TEXT   },
        {"AT",          "next_fire_at", CTL_AS_INSTANT},
    };
    struct view cap_list = ctl_list(body, "caps");
    struct view next_list = ctl_list(body, "next");

    RECORD(o, body, rows);
    add_workers(o, body);
    add_gateway(o, body);
    add_queue(o, body);
    add_pressure(o, body);
    add_store(o, body);
    add_list(o, "warning", ctl_list(body, "warnings"));
    if (ctl_has_items(cap_list)) buf_add_str(o->buf, "\n");
    TABLE(o, cap_list, caps);
    if (ctl_has_items(next_list)) buf_add_str(o->buf, "\n");
    TABLE(o, next_list, next);
}

void
ctl_print_pong(struct ctl_out *o, struct view body)
{
    (void)body; /* an answer is the news */
    buf_add_str(o->buf, "agentd answers\n");
}

/* ---- workers --------------------------------------------------------------- */

void
ctl_print_workers(struct ctl_out *o, struct view body)
{
    static const struct ctl_column columns[] = {
        {"WORKER",  "worker",     CTL_AS_NUMBER},
        {"STATE",   "state",      CTL_AS_STATE },
        {"PID",     "pid",        CTL_AS_NUMBER},
        {"START",   "generation", CTL_AS_NUMBER},
        {"SLOTS",   "slots",      CTL_AS_NUMBER},
        {"RUNNING", "running",    CTL_AS_NUMBER},
        {"SENDING", "deliveries", CTL_AS_NUMBER},
        {"SILENT",  "silent_ms",  CTL_AS_SPAN  },
        {"LAG",     "lag_us",     CTL_AS_MICROS},
        {"JOBS",    "jobs",       CTL_AS_LIST  },
        {"STARTS",  "starts_at",  CTL_AS_WHEN  },
        {"REASON",  "reason",     CTL_AS_TEXT  },
    };

    TABLE(o, ctl_list(body, "items"), columns);
}

void
ctl_print_scaled(struct ctl_out *o, struct view body)
{
    static const struct part parts[] = {
        {"",              "count", CTL_AS_TEXT},
        {", there were ", "from",  CTL_AS_TEXT},
    };

    PARTS(o, "workers", body, parts);
}

void
ctl_print_restarted(struct ctl_out *o, struct view body)
{
    static const struct part parts[] = {
        {"restarting ", "restarting", CTL_AS_TEXT},
    };

    PARTS(o, "workers", body, parts);
}

/* ---- the daemon's own ------------------------------------------------------ */

void
ctl_print_fsck(struct ctl_out *o, struct view body)
{
    static const struct ctl_column rows[] = {
        {"rows", "rows", CTL_AS_TEXT},
    };

    static const struct ctl_column overshoot[] = {
        {"SCOPE",       "scope",       CTL_AS_TEXT  },
        {"DAYS",        "days",        CTL_AS_NUMBER},
        {"TURNS",       "turns",       CTL_AS_NUMBER},
        {"TOKENS",      "tokens",      CTL_AS_NUMBER},
        {"COST_MICROS", "cost_micros", CTL_AS_NUMBER},
        {"RUN_MS",      "run_ms",      CTL_AS_NUMBER},
    };
    struct view list = ctl_list(body, "overshoot");

    ctl_line(o, "store", view_str(is_true(body, "ok") ? "OK" : "NOT OK"));
    RECORD(o, body, rows);
    add_list(o, "problem", ctl_list(body, "problems"));
    if (!ctl_has_items(list)) return;
    ctl_title(o, "used beyond reservations");
    TABLE(o, list, overshoot);
}

void
ctl_print_reload(struct ctl_out *o, struct view body)
{
    static const struct ctl_column plan[] = {
        {"ACTION", "action", CTL_AS_TEXT},
        {"KIND",   "kind",   CTL_AS_TEXT},
        {"NAME",   "name",   CTL_AS_TEXT},
    };
    static const struct ctl_column settings[] = {
        {"SETTING", "setting",       CTL_AS_TEXT},
        {"FROM",    "from",          CTL_AS_TEXT},
        {"TO",      "to",            CTL_AS_TEXT},
        {"RESTART", "needs_restart", CTL_AS_YES },
    };
    struct view plan_list = ctl_list(body, "plan");
    struct view setting_list = ctl_list(body, "settings");

    TABLE(o, plan_list, plan);
    if (ctl_has_items(plan_list) && ctl_has_items(setting_list)) {
        buf_add_str(o->buf, "\n");
    }
    TABLE(o, setting_list, settings);
    if (!ctl_has_items(plan_list) && !ctl_has_items(setting_list)) {
        buf_add_str(o->buf, "nothing changes\n");
    }
    add_list(o, "warning", ctl_list(body, "warnings"));
    ctl_line(o, "applied", view_str(is_true(body, "applied") ? "yes" : "no"));
}

void
ctl_print_clock(struct ctl_out *o, struct view body)
{
    buf_add_str(o->buf, is_true(body, "accepted") ? "the clock is accepted\n"
                                                  : "the clock was not in doubt\n");
}

void
ctl_print_audit(struct ctl_out *o, struct view body)
{
    static const struct ctl_column columns[] = {
        {"AT",      "at",      CTL_AS_INSTANT},
        {"WHO",     "who",     CTL_AS_TEXT   },
        {"ACTION",  "action",  CTL_AS_TEXT   },
        {"COMPANY", "company", CTL_AS_TEXT   },
        {"SUBJECT", "subject", CTL_AS_TEXT   },
        {"BEFORE",  "before",  CTL_AS_MAP    },
        {"AFTER",   "after",   CTL_AS_MAP    },
    };

    TABLE(o, ctl_list(body, "items"), columns);
}

/* ---- events ---------------------------------------------------------------- */

/* "name=value", or the value alone when name is empty; nothing when there is no value. */
static void
add_pair(const struct ctl_out *o, struct view name, struct view raw, struct buf *line)
{
    BUF_AUTO struct buf value = {0};

    ctl_raw(o, raw, CTL_AS_TEXT, &value);
    if (value.size == 0) return;
    if (line->size > 0) buf_add_str(line, "  ");
    ctl_clean(name, CTL_ONE_LINE, line);
    if (name.size > 0) buf_add_str(line, "=");
    buf_add_view(line, buf_view(&value));
}

void
ctl_print_event(struct ctl_out *o, struct view event)
{
    struct mp_reader    r = mp_reader_of(event);
    BUF_AUTO struct buf line = {0};
    struct view         key, raw;
    uint32_t            pairs = 0;
    int64_t             at_ms;

    if (mp_find_i64(event, "at", &at_ms)) ctl_instant(at_ms, &line);
    if (mp_find(event, "type", &raw)) add_pair(o, view_of(NULL, 0), raw, &line);
    if (mp_find(event, "company", &raw)) add_pair(o, view_of(NULL, 0), raw, &line);
    if (!mp_read_map(&r, &pairs)) pairs = 0;
    for (uint32_t i = 0; i < pairs && mp_read_str(&r, &key) && mp_read_any(&r, &raw); i++) {
        if (view_is(key, "at") || view_is(key, "type") || view_is(key, "company")) continue;
        if (!view_is(key, "seq")) add_pair(o, key, raw, &line);
    }
    if (o->width > 0) {
        (void)ctl_cut(buf_view(&line), o->width, o->buf);
    } else {
        buf_add_view(o->buf, buf_view(&line));
    }
    buf_add_str(o->buf, "\n");
}
