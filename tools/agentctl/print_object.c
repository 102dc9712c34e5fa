#include "common/mp.h"
#include "tools/agentctl/print.h"

#define RECORD(o, map, rows) ctl_record(o, map, rows, ARRAY_LEN(rows))

static void
items(struct ctl_out *o, struct view body, const struct ctl_column *columns, size_t count)
{
    struct view list;

    if (mp_find(body, "items", &list)) ctl_table(o, list, columns, count);
}
#define ITEMS(o, body, columns) items(o, body, columns, ARRAY_LEN(columns))

void
ctl_print_companies(struct ctl_out *o, struct view body)
{
    static const struct ctl_column columns[] = {
        {"NAME",      "name",           CTL_AS_TEXT  },
        {"STATUS",    "status",         CTL_AS_TEXT  },
        {"ORIGIN",    "origin",         CTL_AS_TEXT  },
        {"MAX",       "max_concurrent", CTL_AS_LIMIT },
        {"PRIO MAX",  "priority_max",   CTL_AS_NUMBER},
        {"SCHEDULED", "scheduled",      CTL_AS_NUMBER},
        {"READY",     "ready",          CTL_AS_NUMBER},
        {"RUNNING",   "running",        CTL_AS_NUMBER},
        {"COMPLETED", "completed",      CTL_AS_NUMBER},
        {"FAILED",    "failed",         CTL_AS_NUMBER},
        {"CANCELLED", "cancelled",      CTL_AS_NUMBER},
        {"EXPIRED",   "expired",        CTL_AS_NUMBER},
    };

    ITEMS(o, body, columns);
}

void
ctl_print_agent(struct ctl_out *o, struct view body)
{
    static const struct ctl_column rows[] = {
        {"agent",        "name",              CTL_AS_TEXT   },
        {"company",      "company",           CTL_AS_TEXT   },
        {"state",        "state",             CTL_AS_TEXT   },
        {"status",       "status",            CTL_AS_TEXT   },
        {"reason",       "pause_reason",      CTL_AS_TEXT   },
        {"last seen",    "last_seen",         CTL_AS_INSTANT},
        {"last result",  "last_result",       CTL_AS_JSON   },
        {"current job",  "current_job",       CTL_AS_TEXT   },
        {"handler",      "handler",           CTL_AS_TEXT   },
        {"profile",      "profile",           CTL_AS_TEXT   },
        {"origin",       "origin",            CTL_AS_TEXT   },
        {"capabilities", "capabilities",      CTL_AS_TEXT   },
        {"sinks",        "sinks",             CTL_AS_LIST   },
        {"max jobs",     "max_concurrent",    CTL_AS_LIMIT  },
        {"turns a day",  "daily_turns",       CTL_AS_TEXT   },
        {"tokens a day", "daily_tokens",      CTL_AS_TEXT   },
        {"cost a day",   "daily_cost_micros", CTL_AS_COST   },
        {"time a day",   "daily_run_ms",      CTL_AS_SPAN   },
        {"budget zone",  "budget_zone",       CTL_AS_TEXT   },
        {"current jobs", "current_jobs",      CTL_AS_LIST   },
        {"data",         "data",              CTL_AS_JSON   },
    };

    RECORD(o, body, rows);
}

void
ctl_print_agents(struct ctl_out *o, struct view body)
{
    static const struct ctl_column columns[] = {
        {"NAME",    "name",           CTL_AS_TEXT },
        {"COMPANY", "company",        CTL_AS_TEXT },
        {"STATE",   "state",          CTL_AS_TEXT },
        {"STATUS",  "status",         CTL_AS_TEXT },
        {"SEEN",    "last_seen",      CTL_AS_WHEN },
        {"HANDLER", "handler",        CTL_AS_TEXT },
        {"ORIGIN",  "origin",         CTL_AS_TEXT },
        {"MAX",     "max_concurrent", CTL_AS_LIMIT},
        {"SINKS",   "sinks",          CTL_AS_LIST },
        {"JOBS",    "current_jobs",   CTL_AS_LIST },
    };

    ITEMS(o, body, columns);
}

void
ctl_print_handlers(struct ctl_out *o, struct view body)
{
    static const struct ctl_column columns[] = {
        {"NAME",     "name",           CTL_AS_TEXT  },
        {"COMPANY",  "company",        CTL_AS_TEXT  },
        {"KIND",     "kind",           CTL_AS_TEXT  },
        {"ORIGIN",   "origin",         CTL_AS_TEXT  },
        {"MAX",      "max_concurrent", CTL_AS_LIMIT },
        {"MAX RUN",  "max_run_ms",     CTL_AS_SPAN  },
        {"TURNS",    "max_turns",      CTL_AS_LIMIT },
        {"ATTEMPTS", "max_attempts",   CTL_AS_NUMBER},
        {"COMMAND",  "command",        CTL_AS_LIST  },
    };

    ITEMS(o, body, columns);
}

void
ctl_print_effect(struct ctl_out *o, struct view body)
{
    static const struct ctl_column rows[] = {
        {"effect",     "id",              CTL_AS_TEXT   },
        {"status",     "status",          CTL_AS_STATE  },
        {"reason",     "reason",          CTL_AS_TEXT   },
        {"kind",       "kind",            CTL_AS_TEXT   },
        {"sink",       "sink",            CTL_AS_TEXT   },
        {"session",    "session",         CTL_AS_TEXT   },
        {"company",    "company",         CTL_AS_TEXT   },
        {"job",        "job",             CTL_AS_TEXT   },
        {"event",      "event",           CTL_AS_TEXT   },
        {"checkpoint", "checkpoint",      CTL_AS_TEXT   },
        {"unasked",    "autonomous",      CTL_AS_TEXT   },
        {"allowed",    "allowed_at",      CTL_AS_INSTANT},
        {"attempts",   "attempts",        CTL_AS_TEXT   },
        {"resends",    "resends",         CTL_AS_TEXT   },
        {"last try",   "last_attempt_at", CTL_AS_INSTANT},
        {"created",    "created_at",      CTL_AS_INSTANT},
        {"updated",    "updated_at",      CTL_AS_INSTANT},
        {"not after",  "not_after",       CTL_AS_INSTANT},
        {"receipt",    "receipt",         CTL_AS_TEXT   },
        {"payload",    "payload",         CTL_AS_JSON   },
    };

    RECORD(o, body, rows);
}

void
ctl_print_effects(struct ctl_out *o, struct view body)
{
    static const struct ctl_column columns[] = {
        {"ID",       "id",         CTL_AS_NUMBER},
        {"STATUS",   "status",     CTL_AS_STATE },
        {"KIND",     "kind",       CTL_AS_TEXT  },
        {"SINK",     "sink",       CTL_AS_TEXT  },
        {"SESSION",  "session",    CTL_AS_TEXT  },
        {"COMPANY",  "company",    CTL_AS_TEXT  },
        {"JOB",      "job",        CTL_AS_NUMBER},
        {"ATTEMPTS", "attempts",   CTL_AS_NUMBER},
        {"CREATED",  "created_at", CTL_AS_WHEN  },
        {"REASON",   "reason",     CTL_AS_TEXT  },
        {"PAYLOAD",  "payload",    CTL_AS_JSON  },
    };

    ITEMS(o, body, columns);
}

void
ctl_print_activity(struct ctl_out *o, struct view body)
{
    static const struct ctl_column rows[] = {
        {"record",  "id",      CTL_AS_NUMBER },
        {"agent",   "agent",   CTL_AS_TEXT   },
        {"company", "company", CTL_AS_TEXT   },
        {"type",    "type",    CTL_AS_TEXT   },
        {"at",      "at",      CTL_AS_INSTANT},
        {"job",     "job",     CTL_AS_NUMBER },
        {"by",      "by",      CTL_AS_TEXT   },
        {"data",    "data",    CTL_AS_JSON   },
    };

    ctl_record(o, body, rows, ARRAY_LEN(rows));
}

void
ctl_print_activities(struct ctl_out *o, struct view body)
{
    static const struct ctl_column columns[] = {
        {"TYPE", "type", CTL_AS_TEXT  },
        {"AT",   "at",   CTL_AS_WHEN  },
        {"JOB",  "job",  CTL_AS_NUMBER},
        {"BY",   "by",   CTL_AS_TEXT  },
        {"DATA", "data", CTL_AS_JSON  },
    };
    struct view list;

    if (mp_find(body, "items", &list)) ctl_table(o, list, columns, ARRAY_LEN(columns));
}
