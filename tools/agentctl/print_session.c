#include "common/mp.h"
#include "tools/agentctl/print.h"

void
ctl_print_appended(struct ctl_out *o, struct view body)
{
    static const struct ctl_column rows[] = {
        {"event",   "seq",     CTL_AS_TEXT},
        {"type",    "type",    CTL_AS_TEXT},
        {"session", "session", CTL_AS_TEXT},
        {"company", "company", CTL_AS_TEXT},
        {"waiting", "waiting", CTL_AS_TEXT},
        {"job",     "job",     CTL_AS_TEXT},
    };

    ctl_record(o, body, rows, ARRAY_LEN(rows));
}

void
ctl_print_session(struct ctl_out *o, struct view body)
{
    static const struct ctl_column rows[] = {
        {"session",          "key",                         CTL_AS_TEXT   },
        {"status",           "status",                      CTL_AS_STATE  },
        {"reason",           "reason",                      CTL_AS_TEXT   },
        {"company",          "company",                     CTL_AS_TEXT   },
        {"agent",            "agent",                       CTL_AS_TEXT   },
        {"created",          "created_at",                  CTL_AS_INSTANT},
        {"last event",       "active_at",                   CTL_AS_INSTANT},
        {"events",           "appended",                    CTL_AS_TEXT   },
        {"waiting",          "waiting",                     CTL_AS_TEXT   },
        {"dead",             "dead",                        CTL_AS_TEXT   },
        {"job",              "job",                         CTL_AS_TEXT   },
        {"event seq",        "event_seq",                   CTL_AS_TEXT   },
        {"timers",           "timers",                      CTL_AS_TEXT   },
        {"readers",          "readers",                     CTL_AS_TEXT   },
        {"person spoke",     "person_at",                   CTL_AS_INSTANT},
        {"unasked in a row", "consecutive_autonomous_msgs", CTL_AS_TEXT   },
        {"last unasked",     "last_autonomous_at",          CTL_AS_INSTANT},
        {"checkpoint",       "checkpoint_id",               CTL_AS_TEXT   },
        {"taken",            "checkpoint_at",               CTL_AS_INSTANT},
        {"holds",            "checkpoint",                  CTL_AS_JSON   },
    };

    ctl_record(o, body, rows, ARRAY_LEN(rows));
}

void
ctl_print_sessions(struct ctl_out *o, struct view body)
{
    static const struct ctl_column columns[] = {
        {"KEY",        "key",           CTL_AS_TEXT  },
        {"STATUS",     "status",        CTL_AS_STATE },
        {"COMPANY",    "company",       CTL_AS_TEXT  },
        {"AGENT",      "agent",         CTL_AS_TEXT  },
        {"EVENTS",     "appended",      CTL_AS_NUMBER},
        {"WAITING",    "waiting",       CTL_AS_NUMBER},
        {"DEAD",       "dead",          CTL_AS_NUMBER},
        {"JOB",        "job",           CTL_AS_NUMBER},
        {"TIMERS",     "timers",        CTL_AS_NUMBER},
        {"LAST EVENT", "active_at",     CTL_AS_WHEN  },
        {"CHECKPOINT", "checkpoint_id", CTL_AS_NUMBER},
        {"TAKEN",      "checkpoint_at", CTL_AS_WHEN  },
        {"CREATED",    "created_at",    CTL_AS_WHEN  },
    };
    struct view list;

    if (mp_find(body, "items", &list)) ctl_table(o, list, columns, ARRAY_LEN(columns));
}

void
ctl_print_events(struct ctl_out *o, struct view body)
{
    static const struct ctl_column columns[] = {
        {"SEQ",     "seq",        CTL_AS_NUMBER},
        {"STATUS",  "status",     CTL_AS_STATE },
        {"TYPE",    "type",       CTL_AS_TEXT  },
        {"TIMER",   "timer_id",   CTL_AS_TEXT  },
        {"CREATED", "created_at", CTL_AS_WHEN  },
        {"JOB",     "job",        CTL_AS_NUMBER},
        {"COPY OF", "copy_of",    CTL_AS_NUMBER},
        {"PAYLOAD", "payload",    CTL_AS_JSON  },
    };
    struct view list;

    if (mp_find(body, "items", &list)) ctl_table(o, list, columns, ARRAY_LEN(columns));
}

void
ctl_print_timer(struct ctl_out *o, struct view body)
{
    static const struct ctl_column rows[] = {
        {"timer",   "timer_id", CTL_AS_TEXT   },
        {"status",  "status",   CTL_AS_STATE  },
        {"fires",   "fire_at",  CTL_AS_INSTANT},
        {"session", "session",  CTL_AS_TEXT   },
        {"company", "company",  CTL_AS_TEXT   },
        {"payload", "payload",  CTL_AS_JSON   },
    };

    ctl_record(o, body, rows, ARRAY_LEN(rows));
}

void
ctl_print_timers(struct ctl_out *o, struct view body)
{
    static const struct ctl_column columns[] = {
        {"TIMER",   "timer_id",   CTL_AS_TEXT  },
        {"STATUS",  "status",     CTL_AS_STATE },
        {"FIRES",   "fire_at",    CTL_AS_WHEN  },
        {"EVENT",   "event",      CTL_AS_NUMBER},
        {"SET BY",  "actor",      CTL_AS_TEXT  },
        {"CHANGED", "updated_at", CTL_AS_WHEN  },
        {"PAYLOAD", "payload",    CTL_AS_JSON  },
    };
    struct view list;

    if (mp_find(body, "items", &list)) ctl_table(o, list, columns, ARRAY_LEN(columns));
}

void
ctl_print_timer_cancel(struct ctl_out *o, struct view body)
{
    static const struct ctl_column rows[] = {
        {"cancelled",     "cancelled", CTL_AS_TEXT},
        {"still pending", "pending",   CTL_AS_TEXT},
        {"session",       "session",   CTL_AS_TEXT},
        {"company",       "company",   CTL_AS_TEXT},
    };

    ctl_record(o, body, rows, ARRAY_LEN(rows));
}
