#include "common/mp.h"
#include "tools/agentctl/print.h"

#define RECORD(o, map, rows) ctl_record(o, map, rows, ARRAY_LEN(rows))

void
ctl_print_stopped(struct ctl_out *o, struct view body)
{
    static const struct ctl_column rows[] = {
        {"stopped",       "stops",      CTL_AS_LIST   },
        {"since",         "stopped_at", CTL_AS_INSTANT},
        {"jobs stopping", "stopping",   CTL_AS_TEXT   },
    };

    RECORD(o, body, rows);
}

void
ctl_print_resumed(struct ctl_out *o, struct view body)
{
    bool                           resumed = false;
    static const struct ctl_column rows[] = {
        {"resumed", "was", CTL_AS_LIST},
    };

    if (mp_find_bool(body, "resumed", &resumed) && resumed) {
        RECORD(o, body, rows);
    } else {
        buf_add_str(o->buf, "nothing was stopped\n");
    }
}

void
ctl_print_breakers(struct ctl_out *o, struct view body)
{
    static const struct ctl_column columns[] = {
        {"BREAKER", "name",       CTL_AS_TEXT   },
        {"OF",      "of",         CTL_AS_TEXT   },
        {"COMPANY", "company",    CTL_AS_TEXT   },
        {"STATE",   "state",      CTL_AS_STATE  },
        {"CLASS",   "class",      CTL_AS_TEXT   },
        {"OPENS",   "opens",      CTL_AS_NUMBER },
        {"UNTIL",   "open_until", CTL_AS_INSTANT},
        {"JOB",     "job",        CTL_AS_NUMBER },
        {"MESSAGE", "message",    CTL_AS_TEXT   },
    };

    ctl_table(o, ctl_list(body, "items"), columns, ARRAY_LEN(columns));
}

void
ctl_print_breaker(struct ctl_out *o, struct view body)
{
    static const struct ctl_column rows[] = {
        {"breaker", "name",      CTL_AS_TEXT   },
        {"company", "company",   CTL_AS_TEXT   },
        {"state",   "state",     CTL_AS_STATE  },
        {"opened",  "opened_at", CTL_AS_INSTANT},
        {"message", "message",   CTL_AS_TEXT   },
    };

    RECORD(o, body, rows);
}

void
ctl_print_drained(struct ctl_out *o, struct view body)
{
    static const struct ctl_column rows[] = {
        {"draining since", "stopped_at", CTL_AS_INSTANT},
        {"jobs running",   "running",    CTL_AS_TEXT   },
    };

    RECORD(o, body, rows);
}
