#include "common/mp.h"
#include "tools/agentctl/print.h"

void
ctl_print_approval(struct ctl_out *o, struct view body)
{
    static const struct ctl_column rows[] = {
        {"approval", "id",         CTL_AS_TEXT   },
        {"status",   "status",     CTL_AS_STATE  },
        {"reason",   "reason",     CTL_AS_TEXT   },
        {"kind",     "kind",       CTL_AS_TEXT   },
        {"company",  "company",    CTL_AS_TEXT   },
        {"agent",    "agent",      CTL_AS_TEXT   },
        {"job",      "job",        CTL_AS_TEXT   },
        {"effect",   "effect",     CTL_AS_TEXT   },
        {"created",  "created_at", CTL_AS_INSTANT},
        {"decided",  "decided_at", CTL_AS_INSTANT},
        {"by",       "actor",      CTL_AS_TEXT   },
        {"request",  "request",    CTL_AS_JSON   },
    };

    ctl_record(o, body, rows, ARRAY_LEN(rows));
}

void
ctl_print_approvals(struct ctl_out *o, struct view body)
{
    static const struct ctl_column columns[] = {
        {"ID",      "id",         CTL_AS_NUMBER},
        {"STATUS",  "status",     CTL_AS_STATE },
        {"KIND",    "kind",       CTL_AS_TEXT  },
        {"COMPANY", "company",    CTL_AS_TEXT  },
        {"AGENT",   "agent",      CTL_AS_TEXT  },
        {"JOB",     "job",        CTL_AS_NUMBER},
        {"CREATED", "created_at", CTL_AS_WHEN  },
        {"BY",      "actor",      CTL_AS_TEXT  },
        {"REASON",  "reason",     CTL_AS_TEXT  },
        {"REQUEST", "request",    CTL_AS_JSON  },
    };
    struct view list;

    if (mp_find(body, "items", &list)) ctl_table(o, list, columns, ARRAY_LEN(columns));
}
