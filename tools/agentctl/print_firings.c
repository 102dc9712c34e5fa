#include "common/mp.h"
#include "proto/codec.h"
#include "tools/agentctl/print.h"
#include "tools/agentctl/text.h"

#define TABLE(o, list, columns) ctl_table(o, list, columns, ARRAY_LEN(columns))
#define RECORD(o, map, rows)    ctl_record(o, map, rows, ARRAY_LEN(rows))

#define BARS_MAX 60 /* of a line, when it has room for them */

/* ---- durations as bars -------------------------------------------------------------- */

/* The newest durations of the list, the newest first; how many. */
static size_t
take_durations(struct view list, int64_t durations[BARS_MAX])
{
    struct list_iter it = list_iter_of(list);
    struct view      item;
    size_t           n = 0;

    while (n < BARS_MAX && list_next(&it, &item)) {
        int64_t ms;

        if (mp_find_i64(item, "duration_ms", &ms) && ms >= 0) durations[n++] = ms;
    }
    return n;
}

static void
add_bar(const struct ctl_out *o, int64_t ms, int64_t longest, struct buf *out)
{
    static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const ascii[] = {"_", ".", "-", "=", "+", "*", "#", "@"};
    size_t                   level = longest > 0 ? (size_t)((double)ms / (double)longest * 7.0) : 0;

    buf_add_str(out, o->has_utf8 ? blocks[level] : ascii[level]);
}

/* " up to" the longest of them, which is returned. */
static int64_t
add_longest(const int64_t *durations, size_t n, struct buf *out)
{
    int64_t longest = 0;

    for (size_t i = 0; i < n; i++)
        longest = durations[i] > longest ? durations[i] : longest;
    buf_clear(out);
    buf_add_str(out, " up to ");
    ctl_span(longest, out);
    return longest;
}

/* How many bars a line has room for before `end`. */
static size_t
room_before(const struct ctl_out *o, const struct buf *end)
{
    size_t taken = CTL_TITLE_WIDTH + end->size;

    if (o->width == 0) return BARS_MAX;
    return o->width > taken ? o->width - taken : 0;
}

static void
put_durations(struct ctl_out *o, struct view list)
{
    int64_t             durations[BARS_MAX];
    size_t              n = take_durations(list, durations);
    BUF_AUTO struct buf line = {0};
    BUF_AUTO struct buf end = {0};
    int64_t             longest = add_longest(durations, n, &end);
    size_t              room = room_before(o, &end);

    if (n > room) { /* the oldest are left out */
        n = room;
        longest = add_longest(durations, n, &end);
    }
    if (n < 2) return;
    for (size_t i = n; i-- > 0;)
        add_bar(o, durations[i], longest, &line);
    buf_add_view(&line, buf_view(&end));
    buf_add_str(o->buf, "\n");
    ctl_line(o, "ran", buf_view(&line));
}

/* ---- firings ------------------------------------------------------------------------ */

void
ctl_print_firings(struct ctl_out *o, struct view body)
{
    static const struct ctl_column columns[] = {
        {"#",       "number",       CTL_AS_NUMBER},
        {"NOMINAL", "nominal_at",   CTL_AS_WHEN  },
        {"OUTCOME", "outcome",      CTL_AS_STATE },
        {"KIND",    "kind",         CTL_AS_TEXT  },
        {"COUNT",   "count",        CTL_AS_NUMBER},
        {"UNTIL",   "until_at",     CTL_AS_WHEN  },
        {"JOB",     "job",          CTL_AS_NUMBER},
        {"STATE",   "state",        CTL_AS_STATE },
        {"LATE",    "late_ms",      CTL_AS_SPAN  },
        {"WAITED",  "slot_wait_ms", CTL_AS_SPAN  },
        {"RAN",     "duration_ms",  CTL_AS_SPAN  },
        {"TURNS",   "turns",        CTL_AS_NUMBER},
        {"TOKENS",  "tokens",       CTL_AS_NUMBER},
        {"CLASS",   "class",        CTL_AS_TEXT  },
        {"REASON",  "reason",       CTL_AS_TEXT  },
    };

    TABLE(o, ctl_list(body, "items"), columns);
    put_durations(o, ctl_list(body, "items"));
}

void
ctl_print_schedule_stats(struct ctl_out *o, struct view body)
{
    static const struct ctl_column rows[] = {
        {"since",         "since",                   CTL_AS_INSTANT},
        {"a sample",      "sample",                  CTL_AS_YES    },
        {"started",       "started",                 CTL_AS_TEXT   },
        {"slot wait p95", "slot_wait_p95_ms",        CTL_AS_SPAN   },
        {"of it the cap", "cap_wait_p95_ms",         CTL_AS_SPAN   },
        {"loop lag p99",  "lag_p99_us",              CTL_AS_MICROS },
        {"first replies", "first_replies",           CTL_AS_TEXT   },
        {"p99 below",     "first_reply_p99_ms",      CTL_AS_SPAN   },
        {"at once",       "schedule_max_concurrent", CTL_AS_LIMIT  },
        {"advice",        "advice",                  CTL_AS_TEXT   },
    };
    static const struct ctl_column columns[] = {
        {"SCHEDULE",   "schedule",       CTL_AS_TEXT  },
        {"COMPANY",    "company",        CTL_AS_TEXT  },
        {"FIRED",      "fired",          CTL_AS_NUMBER},
        {"COMPLETED",  "completed",      CTL_AS_NUMBER},
        {"FAILED",     "failed",         CTL_AS_NUMBER},
        {"CANCELLED",  "cancelled",      CTL_AS_NUMBER},
        {"MISSED",     "missed",         CTL_AS_NUMBER},
        {"SUPPRESSED", "suppressed",     CTL_AS_NUMBER},
        {"GATED",      "gated",          CTL_AS_NUMBER},
        {"RUN",        "avg_run_ms",     CTL_AS_SPAN  },
        {"TURNS",      "avg_turns",      CTL_AS_NUMBER},
        {"TOKENS",     "avg_tokens",     CTL_AS_NUMBER},
        {"STREAK",     "failure_streak", CTL_AS_NUMBER},
    };
    struct view list = ctl_list(body, "schedules");

    RECORD(o, body, rows);
    if (ctl_has_items(list)) buf_add_str(o->buf, "\n");
    TABLE(o, list, columns);
}
