#include "common/mp.h"
#include "proto/codec.h"
#include "tools/agentctl/print.h"
#include "tools/agentctl/text.h"

#include <inttypes.h>

#define HISTOGRAM_ROWS 24 /* more hours than that share rows */
#define BAR_WIDTH      20
#define SHOWN_MAX      5 /* of a list */

/* ---- values -------------------------------------------------------------------------------- */

static int64_t
number(struct view map, const char *key)
{
    int64_t v = 0;

    (void)mp_find_i64(map, key, &v); /* 0 where another version says nothing */
    return v;
}

static struct view
text(struct view map, const char *key)
{
    struct view v = {0};

    (void)mp_find_str(map, key, &v); /* likewise */
    return v;
}

static struct view
inner(struct view map, const char *key)
{
    struct view v = {0};

    (void)mp_find(map, key, &v); /* likewise */
    return v;
}

static void
put_span(struct buf *b, struct mp_open_map *m, const char *key, int64_t ms)
{
    BUF_AUTO struct buf span = {0};

    ctl_span(ms, &span);
    mp_put_str(b, m, key, buf_view(&span));
}

/* ---- the hours ----------------------------------------------------------------------------- */

/* What held the longest in a row, by name. */
struct held {
    struct view by, on;
    int64_t     ms;
};

static void
take_held(struct view hour, struct held *most)
{
    struct list_iter it = list_iter_of(ctl_list(hour, "held"));
    struct view      item;

    while (list_next(&it, &item)) {
        int64_t ms = number(item, "ms");

        if (ms > most->ms)
            *most = (struct held){.by = text(item, "by"), .on = text(item, "on"), .ms = ms};
    }
}

static void
put_bar(struct buf *b, struct mp_open_map *m, int64_t busy_milli)
{
    char bar[BAR_WIDTH + 1] = {0};
    int  filled = (int)((busy_milli * BAR_WIDTH + 500) / 1000);

    for (int i = 0; i < BAR_WIDTH; i++)
        bar[i] = i < filled ? '#' : '.';
    mp_put_cstr(b, m, "bar", bar);
}

static void
put_held(struct buf *b, struct mp_open_map *m, const struct held *h)
{
    BUF_AUTO struct buf line = {0};

    if (h->ms > 0) {
        buf_printf(&line, "%.*s", VIEW_ARG(h->by));
        if (h->on.size) buf_printf(&line, " %.*s", VIEW_ARG(h->on));
        buf_add_str(&line, " ");
        ctl_span(h->ms, &line);
    }
    mp_put_str(b, m, "held", buf_view(&line));
}

/* One row of the next `share` hours; false behind the last. */
static bool
put_hours(struct buf *b, struct list_iter *it, uint32_t share)
{
    BUF_AUTO struct buf at = {0};
    struct held         most = {0};
    struct mp_open_map  m;
    int64_t             busy = 0, starts = 0, full_ms = 0;
    uint32_t            n = 0;
    struct view         hour;

    for (; n < share && list_next(it, &hour); n++) {
        if (n == 0) ctl_instant(number(hour, "at"), &at);
        busy += number(hour, "busy_milli");
        starts += number(hour, "starts");
        full_ms += number(hour, "full_ms");
        take_held(hour, &most);
    }
    if (n == 0) return false;
    m = mp_open(b);
    mp_put_str(b, &m, "at", buf_view(&at));
    put_bar(b, &m, busy / n);
    mp_put_i64(b, &m, "percent", (busy / n + 5) / 10);
    mp_put_i64(b, &m, "starts", starts);
    if (full_ms > 0) put_span(b, &m, "full", full_ms);
    put_held(b, &m, &most);
    mp_close(b, &m);
    return true;
}

static void
print_hours(struct ctl_out *o, struct view forecast)
{
    static const struct ctl_column columns[] = {
        {"FROM",     "at",      CTL_AS_TEXT  },
        {"BUSY",     "bar",     CTL_AS_TEXT  },
        {"%",        "percent", CTL_AS_NUMBER},
        {"STARTS",   "starts",  CTL_AS_NUMBER},
        {"ALL FULL", "full",    CTL_AS_TEXT  },
        {"HELD BY",  "held",    CTL_AS_TEXT  },
    };
    BUF_AUTO struct buf rows = {0};
    struct list_iter    it = list_iter_of(ctl_list(forecast, "hours"));
    uint32_t            share = (it.left + HISTOGRAM_ROWS - 1) / HISTOGRAM_ROWS, n = 0;
    size_t              header = mp_array_open(&rows);

    while (share > 0 && put_hours(&rows, &it, share))
        n++;
    mp_array_close(&rows, header, n);
    if (n == 0) return;
    buf_add_str(o->buf, "\n");
    ctl_table(o, buf_view(&rows), columns, ARRAY_LEN(columns));
}

/* ---- what is worst ------------------------------------------------------------------------- */

/* The first items of a list, as one. */
static void
take_first(struct view list, struct buf *out)
{
    struct list_iter it = list_iter_of(list);
    size_t           header = mp_array_open(out);
    uint32_t         n = 0;
    struct view      item;

    for (; n < SHOWN_MAX && list_next(&it, &item); n++)
        mp_raw(out, item);
    mp_array_close(out, header, n);
}

static void
print_first(struct ctl_out *o, struct view list, const struct ctl_column *columns, size_t count)
{
    BUF_AUTO struct buf first = {0};
    struct list_iter    all = list_iter_of(list);

    if (!ctl_has_items(list)) return;
    take_first(list, &first);
    buf_add_str(o->buf, "\n");
    ctl_table(o, buf_view(&first), columns, count);
    if (all.left > SHOWN_MAX) buf_printf(o->buf, "… and %u more (--json)\n", all.left - SHOWN_MAX);
}

static void
print_lists(struct ctl_out *o, struct view forecast)
{
    static const struct ctl_column schedules[] = {
        {"LONGEST WAITS", "schedule",    CTL_AS_TEXT  },
        {"FIRINGS",       "firings",     CTL_AS_NUMBER},
        {"SUPPRESSED",    "suppressed",  CTL_AS_NUMBER},
        {"MISSED",        "missed",      CTL_AS_NUMBER},
        {"P50",           "wait.p50_ms", CTL_AS_SPAN  },
        {"P95",           "wait.p95_ms", CTL_AS_SPAN  },
        {"MAX",           "wait.max_ms", CTL_AS_SPAN  },
        {"RUN",           "run_ms",      CTL_AS_SPAN  },
        {"BASIS",         "basis",       CTL_AS_TEXT  },
    };
    static const struct ctl_column limits[] = {
        {"HELD BY", "by",      CTL_AS_TEXT  },
        {"OF",      "on",      CTL_AS_TEXT  },
        {"FOR",     "held_ms", CTL_AS_SPAN  },
        {"HOURS",   "hours",   CTL_AS_NUMBER},
    };
    static const struct ctl_column budgets[] = {
        {"BUDGET OF",  "name",      CTL_AS_TEXT   },
        {"SCOPE",      "scope",     CTL_AS_TEXT   },
        {"OF",         "dimension", CTL_AS_TEXT   },
        {"USED UP",    "spent_at",  CTL_AS_INSTANT},
        {"HOLDS FROM", "held_at",   CTL_AS_INSTANT},
        {"DAYS",       "days",      CTL_AS_NUMBER },
    };
    static const struct ctl_column never[] = {
        {"NEVER FIRES", "schedule", CTL_AS_TEXT},
        {"BECAUSE",     "reason",   CTL_AS_TEXT},
        {"NEXT",        "next_at",  CTL_AS_WHEN},
    };

    print_first(o, ctl_list(forecast, "limits"), limits, ARRAY_LEN(limits));
    print_first(o, ctl_list(forecast, "schedules"), schedules, ARRAY_LEN(schedules));
    print_first(o, ctl_list(forecast, "budgets"), budgets, ARRAY_LEN(budgets));
    print_first(o, ctl_list(forecast, "never"), never, ARRAY_LEN(never));
}

/* ---- the summary --------------------------------------------------------------------------- */

static void
print_span(struct ctl_out *o, struct view forecast)
{
    BUF_AUTO struct buf line = {0};
    bool                is_cut = false;

    ctl_instant(number(forecast, "from_at"), &line);
    buf_add_str(&line, " to ");
    ctl_instant(number(forecast, "until_at"), &line);
    buf_printf(&line, ", %" PRId64 " slots", number(forecast, "slots"));
    ctl_line(o, "forecast", buf_view(&line));
    if (mp_find_bool(forecast, "cut", &is_cut) && is_cut)
        ctl_line(o, "cut", view_str("too many firings: it ends where it was cut"));
}

static void
print_basis(struct ctl_out *o, struct view forecast)
{
    BUF_AUTO struct buf line = {0};
    struct view         basis = inner(forecast, "basis");
    int64_t by_handler = number(basis, "handler"), by_company = number(basis, "company");
    int64_t by_default = number(basis, "default");

    if (by_handler + by_company + by_default == 0) return;
    buf_printf(&line,
               "%" PRId64 " schedules were never measured:", by_handler + by_company + by_default);
    if (by_handler) buf_printf(&line, " %" PRId64 " run as others of their handler,", by_handler);
    if (by_company) buf_printf(&line, " %" PRId64 " as others of their company,", by_company);
    if (by_default) buf_printf(&line, " %" PRId64 " for a minute,", by_default);
    line.size--; /* the last comma */
    ctl_line(o, "assumed", buf_view(&line));
}

/* A figure, and the same with the change beside it. */
static void
put_figure(struct buf *rows, const char *title, struct view now, struct view with, const char *key,
           bool is_span)
{
    struct mp_open_map m = mp_open(rows);

    mp_put_cstr(rows, &m, "title", title);
    if (is_span) {
        put_span(rows, &m, "now", number(now, key));
        if (with.size) put_span(rows, &m, "with", number(with, key));
    } else {
        mp_put_i64(rows, &m, "now", number(now, key));
        if (with.size) mp_put_i64(rows, &m, "with", number(with, key));
    }
    mp_close(rows, &m);
}

static int64_t
sum_of(struct view forecast, const char *list, const char *key)
{
    struct list_iter it = list_iter_of(ctl_list(forecast, list));
    struct view      item;
    int64_t          sum = 0;

    while (list_next(&it, &item))
        sum += number(item, key);
    return sum;
}

static void
put_held_figure(struct buf *rows, struct view now, struct view with)
{
    struct mp_open_map m = mp_open(rows);

    mp_put_cstr(rows, &m, "title", "held by limits");
    put_span(rows, &m, "now", sum_of(now, "limits", "held_ms"));
    if (with.size) put_span(rows, &m, "with", sum_of(with, "limits", "held_ms"));
    mp_close(rows, &m);
}

static void
print_figures(struct ctl_out *o, struct view now, struct view with)
{
    static const struct ctl_column columns[] = {
        {"FIGURE", "title", CTL_AS_TEXT  },
        {"NOW",    "now",   CTL_AS_NUMBER},
        {"WITH",   "with",  CTL_AS_NUMBER},
    };
    static const struct {
        const char *title, *key;
    } counts[] =
        {
            {"firings",              "firings"   },
            {"that start",           "started"   },
            {"suppressed (overlap)", "suppressed"},
            {"missed",               "missed"    },
    },
      waits[] = {
          {"wait, half of them", "p50_ms"},
          {"wait, 95 of 100", "p95_ms"},
          {"wait, the longest", "max_ms"},
      };
    BUF_AUTO struct buf rows = {0};
    size_t              header = mp_array_open(&rows);

    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        put_figure(&rows, counts[i].title, now, with, counts[i].key, false);
    for (size_t i = 0; i < ARRAY_LEN(waits); i++)
        put_figure(&rows, waits[i].title, inner(now, "wait"), inner(with, "wait"), waits[i].key,
                   true);
    put_held_figure(&rows, now, with);
    mp_array_close(&rows, header, (uint32_t)(ARRAY_LEN(counts) + ARRAY_LEN(waits) + 1));
    buf_add_str(o->buf, "\n");
    ctl_table(o, buf_view(&rows), columns, ARRAY_LEN(columns));
}

void
ctl_print_forecast(struct ctl_out *o, struct view body)
{
    static const struct ctl_column changes[] = {
        {"SUPPOSED", "action",   CTL_AS_TEXT},
        {"SCHEDULE", "schedule", CTL_AS_TEXT},
    };
    struct view now = inner(body, "forecast"), with = inner(body, "with");
    bool        is_compared = with.size > 0 && !view_is(with, "\xc0"); /* nil */

    if (!is_compared) with = (struct view){0};
    print_span(o, now);
    print_basis(o, is_compared ? with : now);
    print_figures(o, now, with);
    print_first(o, ctl_list(body, "changes"), changes, ARRAY_LEN(changes));
    print_hours(o, is_compared ? with : now);
    print_lists(o, is_compared ? with : now);
}
