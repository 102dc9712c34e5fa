#include "common/mp.h"
#include "tools/agentctl/print.h"

#define RECORD(o, map, rows) ctl_record(o, map, rows, ARRAY_LEN(rows))

void
ctl_print_company(struct ctl_out *o, struct view body)
{
    static const struct ctl_column rows[] = {
        {"company",   "name",           CTL_AS_TEXT   },
        {"status",    "status",         CTL_AS_TEXT   },
        {"reason",    "pause_reason",   CTL_AS_TEXT   },
        {"paused",    "paused_at",      CTL_AS_INSTANT},
        {"origin",    "origin",         CTL_AS_TEXT   },
        {"max jobs",  "max_concurrent", CTL_AS_LIMIT  },
        {"prio max",  "priority_max",   CTL_AS_TEXT   },
        {"scheduled", "scheduled",      CTL_AS_TEXT   },
        {"ready",     "ready",          CTL_AS_TEXT   },
        {"running",   "running",        CTL_AS_TEXT   },
        {"completed", "completed",      CTL_AS_TEXT   },
        {"failed",    "failed",         CTL_AS_TEXT   },
        {"cancelled", "cancelled",      CTL_AS_TEXT   },
        {"expired",   "expired",        CTL_AS_TEXT   },
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
