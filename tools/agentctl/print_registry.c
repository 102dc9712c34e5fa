#include "common/mp.h"
#include "proto/codec.h"
#include "tools/agentctl/print.h"

#define RECORD(o, map, rows) ctl_record(o, map, rows, ARRAY_LEN(rows))

void
ctl_print_company(struct ctl_out *o, struct view body)
{
    static const struct ctl_column rows[] = {
        {"company",      "name",              CTL_AS_TEXT   },
        {"status",       "status",            CTL_AS_TEXT   },
        {"reason",       "pause_reason",      CTL_AS_TEXT   },
        {"paused",       "paused_at",         CTL_AS_INSTANT},
        {"origin",       "origin",            CTL_AS_TEXT   },
        {"max jobs",     "max_concurrent",    CTL_AS_LIMIT  },
        {"turns a day",  "daily_turns",       CTL_AS_TEXT   },
        {"tokens a day", "daily_tokens",      CTL_AS_TEXT   },
        {"cost a day",   "daily_cost_micros", CTL_AS_COST   },
        {"time a day",   "daily_run_ms",      CTL_AS_SPAN   },
        {"budget zone",  "budget_zone",       CTL_AS_TEXT   },
        {"prio max",     "priority_max",      CTL_AS_TEXT   },
        {"scheduled",    "scheduled",         CTL_AS_TEXT   },
        {"ready",        "ready",             CTL_AS_TEXT   },
        {"running",      "running",           CTL_AS_TEXT   },
        {"completed",    "completed",         CTL_AS_TEXT   },
        {"failed",       "failed",            CTL_AS_TEXT   },
        {"cancelled",    "cancelled",         CTL_AS_TEXT   },
        {"expired",      "expired",           CTL_AS_TEXT   },
    };

    RECORD(o, body, rows);
}

void
ctl_print_profile(struct ctl_out *o, struct view body)
{
    static const struct ctl_column rows[] = {
        {"profile",      "name",               CTL_AS_TEXT},
        {"company",      "company",            CTL_AS_TEXT},
        {"origin",       "origin",             CTL_AS_TEXT},
        {"handler",      "handler",            CTL_AS_TEXT},
        {"max run",      "max_run_ms",         CTL_AS_SPAN},
        {"max turns",    "max_turns",          CTL_AS_TEXT},
        {"attempts",     "max_attempts",       CTL_AS_TEXT},
        {"retry",        "retry",              CTL_AS_JSON},
        {"retry base",   "retry_base_ms",      CTL_AS_SPAN},
        {"token budget", "token_budget",       CTL_AS_TEXT},
        {"cost budget",  "cost_budget_micros", CTL_AS_TEXT},
    };

    RECORD(o, body, rows);
}

void
ctl_print_profiles(struct ctl_out *o, struct view body)
{
    static const struct ctl_column columns[] = {
        {"NAME",     "name",         CTL_AS_TEXT  },
        {"COMPANY",  "company",      CTL_AS_TEXT  },
        {"ORIGIN",   "origin",       CTL_AS_TEXT  },
        {"HANDLER",  "handler",      CTL_AS_TEXT  },
        {"MAX RUN",  "max_run_ms",   CTL_AS_SPAN  },
        {"TURNS",    "max_turns",    CTL_AS_NUMBER},
        {"ATTEMPTS", "max_attempts", CTL_AS_NUMBER},
    };
    struct view list;

    if (mp_find(body, "items", &list)) ctl_table(o, list, columns, ARRAY_LEN(columns));
}

/* ---- usage ---------------------------------------------------------------------------------- */

static const char *const dimensions[] = {"turns", "tokens", "cost_micros", "run_ms"};

static bool
says_something(struct view amounts)
{
    static const char *const parts[] = {"charged", "reserved", "overshoot"};
    int64_t                  n;

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (mp_find_i64(amounts, parts[i], &n) && n > 0) return true;
    }
    return mp_find_i64(amounts, "limit", &n);
}

/* A row of the table: one dimension of a scope's day, or none. */
static void
put_row(struct view item, const char *dimension, struct view amounts, struct buf *rows)
{
    static const char *const copied[] = {"scope",    "name",   "company",     "date",
                                         "attempts", "earned", "tickets_done"};
    struct mp_open_map       m = mp_open(rows);
    struct view              value;

    for (size_t i = 0; i < ARRAY_LEN(copied); i++) {
        if (mp_find(item, copied[i], &value)) mp_put_raw(rows, &m, copied[i], value);
    }
    if (dimension) {
        mp_put_cstr(rows, &m, "of", dimension);
        mp_put_raw(rows, &m, "amounts", amounts);
    }
    mp_close(rows, &m);
}

void
ctl_print_usage(struct ctl_out *o, struct view body)
{
    static const struct ctl_column columns[] = {
        {"SCOPE",     "scope",             CTL_AS_TEXT  },
        {"COMPANY",   "company",           CTL_AS_TEXT  },
        {"NAME",      "name",              CTL_AS_TEXT  },
        {"DATE",      "date",              CTL_AS_TEXT  },
        {"ATTEMPTS",  "attempts",          CTL_AS_NUMBER},
        {"OF",        "of",                CTL_AS_TEXT  },
        {"CHARGED",   "amounts.charged",   CTL_AS_NUMBER},
        {"RESERVED",  "amounts.reserved",  CTL_AS_NUMBER},
        {"OVERSHOOT", "amounts.overshoot", CTL_AS_NUMBER},
        {"LIMIT",     "amounts.limit",     CTL_AS_NUMBER},
        {"EARNED",    "earned",            CTL_AS_NUMBER},
        {"TICKETS",   "tickets_done",      CTL_AS_NUMBER},
    };
    BUF_AUTO struct buf rows = {0};
    size_t              header = mp_array_open(&rows);
    uint32_t            count = 0;
    struct list_iter    it = list_iter_of(ctl_list(body, "items"));
    struct view         item, amounts;

    while (list_next(&it, &item)) {
        uint32_t before = count;

        for (size_t i = 0; i < ARRAY_LEN(dimensions); i++) {
            if (!mp_find(item, dimensions[i], &amounts) || !says_something(amounts)) continue;
            put_row(item, dimensions[i], amounts, &rows);
            count++;
        }
        if (count > before) continue;
        put_row(item, NULL, amounts, &rows);
        count++;
    }
    mp_array_close(&rows, header, count);
    ctl_table(o, buf_view(&rows), columns, ARRAY_LEN(columns));
}
