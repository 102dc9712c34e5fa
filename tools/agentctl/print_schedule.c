#include "common/mp.h"
#include "proto/codec.h"
#include "tools/agentctl/print.h"

#define TABLE(o, list, columns) ctl_table(o, list, columns, ARRAY_LEN(columns))
#define RECORD(o, map, rows)    ctl_record(o, map, rows, ARRAY_LEN(rows))

/* ---- one ----------------------------------------------------------------------- */

static const struct ctl_column declared[] = {
    {"schedule",     "name",               CTL_AS_TEXT   },
    {"status",       "status",             CTL_AS_STATE  },
    {"paused since", "paused_at",          CTL_AS_INSTANT},
    {"until",        "pause_until",        CTL_AS_INSTANT},
    {"reason",       "pause_reason",       CTL_AS_TEXT   },
    {"company",      "company",            CTL_AS_TEXT   },
    {"origin",       "origin",             CTL_AS_TEXT   },
    {"type",         "type",               CTL_AS_TEXT   },
    {"cron",         "cron",               CTL_AS_TEXT   },
    {"zone",         "tz",                 CTL_AS_TEXT   },
    {"every",        "every_ms",           CTL_AS_SPAN   },
    {"title",        "title",              CTL_AS_TEXT   },
    {"agent",        "agent",              CTL_AS_TEXT   },
    {"profile",      "profile",            CTL_AS_TEXT   },
    {"handler",      "handler",            CTL_AS_TEXT   },
    {"priority",     "priority",           CTL_AS_TEXT   },
    {"max run",      "max_run_ms",         CTL_AS_SPAN   },
    {"max attempts", "max_attempts",       CTL_AS_TEXT   },
    {"token budget", "token_budget",       CTL_AS_TEXT   },
    {"cost budget",  "cost_budget_micros", CTL_AS_COST   },
    {"turns a day",  "daily_turns",        CTL_AS_TEXT   },
    {"tokens a day", "daily_tokens",       CTL_AS_TEXT   },
    {"cost a day",   "daily_cost_micros",  CTL_AS_COST   },
    {"time a day",   "daily_run_ms",       CTL_AS_SPAN   },
    {"budget zone",  "budget_zone",        CTL_AS_TEXT   },
    {"tags",         "tags",               CTL_AS_MAP    },
    {"payload",      "payload",            CTL_AS_JSON   },
    {"ticket",       "ticket",             CTL_AS_JSON   },
    {"created",      "created_at",         CTL_AS_INSTANT},
    {"max turns",    "turn_limit",         CTL_AS_LIMIT  },
    {"... from",     "turn_limit_from",    CTL_AS_TEXT   }, /* what says so */
};

static const struct ctl_column policies[] = {
    {"overlap",       "overlap",      CTL_AS_TEXT   },
    {"misfire",       "misfire",      CTL_AS_TEXT   },
    {"at most",       "misfire_max",  CTL_AS_TEXT   },
    {"catch up",      "catch_up_ms",  CTL_AS_SPAN   },
    {"spread",        "spread_ms",    CTL_AS_SPAN   },
    {"jitter",        "jitter_ms",    CTL_AS_SPAN   },
    {"starts",        "start_at",     CTL_AS_INSTANT},
    {"ends",          "end_at",       CTL_AS_INSTANT},
    {"max firings",   "max_firings",  CTL_AS_TEXT   },
    {"quiet hours",   "quiet_hours",  CTL_AS_TEXT   },
    {"quiet sends",   "quiet_sends",  CTL_AS_TEXT   },
    {"gate",          "gate",         CTL_AS_JSON   },
    {"idle up to",    "idle_max_ms",  CTL_AS_SPAN   },
    {"shadow",        "shadow",       CTL_AS_YES    },
    {"to promote",    "shadow_runs",  CTL_AS_TEXT   },
    {"ping start",    "ping_start",   CTL_AS_TEXT   },
    {"ping success",  "ping_success", CTL_AS_TEXT   },
    {"ping fail",     "ping_fail",    CTL_AS_TEXT   },
    {"overdue after", "overdue_ms",   CTL_AS_SPAN   },
};

static const struct ctl_column running[] = {
    {"due",           "due_at",                    CTL_AS_INSTANT},
    {"put off from",  "put_off_from",              CTL_AS_INSTANT},
    {"idle until",    "idle_until",                CTL_AS_INSTANT},
    {"firings",       "firing_count",              CTL_AS_TEXT   },
    {"suppressed",    "suppressed_count",          CTL_AS_TEXT   },
    {"missed",        "missed_count",              CTL_AS_TEXT   },
    {"gated",         "gated_count",               CTL_AS_TEXT   },
    {"in flight",     "in_flight",                 CTL_AS_TEXT   },
    {"in shadow",     "in_shadow",                 CTL_AS_TEXT   },
    {"good runs",     "shadow_runs_done",          CTL_AS_TEXT   },
    {"last fired",    "last_fired_at",             CTL_AS_INSTANT},
    {"last job",      "last_job",                  CTL_AS_TEXT   },
    {"last success",  "last_success_at",           CTL_AS_INSTANT},
    {"last failure",  "last_failure",              CTL_AS_TEXT   },
    {"failed in row", "failure_streak",            CTL_AS_TEXT   },
    {"turn breaches", "turn_budget_breach_streak", CTL_AS_TEXT   }, /* in a row; likewise */
    {"near max run",  "long_runs",                 CTL_AS_TEXT   },
    {"alerting",      "alerting",                  CTL_AS_YES    },
    {"overdue",       "overdue",                   CTL_AS_YES    },
    {"overdue at",    "overdue_at",                CTL_AS_INSTANT},
    {"last turns",    "last_turns",                CTL_AS_TEXT   },
    {"avg turns",     "avg_turns",                 CTL_AS_TEXT   },
    {"avg run",       "avg_run_ms",                CTL_AS_SPAN   },
    {"avg tokens",    "avg_tokens",                CTL_AS_TEXT   },
    {"avg cost",      "avg_cost_micros",           CTL_AS_COST   },
    {"turns today",   "spent_today.turns",         CTL_AS_TEXT   },
    {"tokens today",  "spent_today.tokens",        CTL_AS_TEXT   },
    {"cost today",    "spent_today.cost_micros",   CTL_AS_COST   },
    {"time today",    "spent_today.run_ms",        CTL_AS_SPAN   },
};

/* The grace of a limit begins then (C8); of none there is none. */
static const struct ctl_column limit_set[] = {
    {"... set", "max_turns_set_at", CTL_AS_INSTANT},
};

static void
next_times(struct ctl_out *o, struct view body)
{
    struct list_iter next = list_iter_of(ctl_list(body, "next_at"));
    struct view      item;

    for (const char *title = "next"; list_next(&next, &item); title = "") {
        BUF_AUTO struct buf text = {0};

        ctl_raw(o, item, CTL_AS_INSTANT, &text);
        ctl_line(o, title, buf_view(&text));
    }
}

void
ctl_print_schedule(struct ctl_out *o, struct view body)
{
    int64_t limit;

    RECORD(o, body, declared);
    if (mp_find_i64(body, "turn_limit", &limit)) RECORD(o, body, limit_set);
    RECORD(o, body, policies);
    RECORD(o, body, running);
    next_times(o, body);
    ctl_print_saved(o, body);
}

/* ---- many ---------------------------------------------------------------------- */

void
ctl_print_schedules(struct ctl_out *o, struct view body)
{
    static const struct ctl_column columns[] = {
        {"NAME",    "name",           CTL_AS_TEXT  },
        {"COMPANY", "company",        CTL_AS_TEXT  },
        {"STATUS",  "status",         CTL_AS_STATE },
        {"CRON",    "cron",           CTL_AS_TEXT  },
        {"EVERY",   "every_ms",       CTL_AS_SPAN  },
        {"NEXT",    "next_fire_at",   CTL_AS_WHEN  },
        {"LAST",    "last_fired_at",  CTL_AS_WHEN  },
        {"RESULT",  "last_result",    CTL_AS_STATE },
        {"AGENT",   "agent",          CTL_AS_TEXT  },
        {"HANDLER", "handler",        CTL_AS_TEXT  },
        {"FIRINGS", "firing_count",   CTL_AS_NUMBER},
        {"STREAK",  "failure_streak", CTL_AS_NUMBER},
        {"ORIGIN",  "origin",         CTL_AS_TEXT  },
        {"REASON",  "pause_reason",   CTL_AS_TEXT  },
    };

    TABLE(o, ctl_list(body, "items"), columns);
}

/* ---- by hand ------------------------------------------------------------------- */

void
ctl_print_fired(struct ctl_out *o, struct view body)
{
    static const struct ctl_column rows[] = {
        {"job",    "job",    CTL_AS_TEXT},
        {"firing", "number", CTL_AS_TEXT},
        {"forced", "forced", CTL_AS_BOOL},
    };

    RECORD(o, body, rows);
}

void
ctl_print_backfilled(struct ctl_out *o, struct view body)
{
    static const struct ctl_column rows[] = {
        {"firings", "count",    CTL_AS_TEXT   },
        {"first",   "first_at", CTL_AS_INSTANT},
        {"last",    "last_at",  CTL_AS_INSTANT},
        {"forced",  "forced",   CTL_AS_YES    },
        {"jobs",    "jobs",     CTL_AS_LIST   },
    };

    RECORD(o, body, rows);
}
