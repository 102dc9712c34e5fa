#include "common/mp.h"
#include "tools/agentctl/print.h"

void
ctl_print_goal(struct ctl_out *o, struct view body)
{
    static const struct ctl_column rows[] = {
        {"goal",      "id",         CTL_AS_TEXT   },
        {"title",     "title",      CTL_AS_TEXT   },
        {"status",    "status",     CTL_AS_STATE  },
        {"company",   "company",    CTL_AS_TEXT   },
        {"parent",    "parent",     CTL_AS_TEXT   },
        {"agent",     "agent",      CTL_AS_TEXT   },
        {"open jobs", "open_jobs",  CTL_AS_TEXT   },
        {"created",   "created_at", CTL_AS_INSTANT},
        {"changed",   "updated_at", CTL_AS_INSTANT},
        {"data",      "data",       CTL_AS_JSON   },
        {"why",       "why",        CTL_AS_JSON   },
        {"parts",     "children",   CTL_AS_JSON   },
        {"tickets",   "tickets",    CTL_AS_JSON   },
    };

    ctl_record(o, body, rows, ARRAY_LEN(rows));
}

void
ctl_print_goals(struct ctl_out *o, struct view body)
{
    static const struct ctl_column columns[] = {
        {"ID",        "id",        CTL_AS_NUMBER},
        {"STATUS",    "status",    CTL_AS_STATE },
        {"COMPANY",   "company",   CTL_AS_TEXT  },
        {"PARENT",    "parent",    CTL_AS_NUMBER},
        {"AGENT",     "agent",     CTL_AS_TEXT  },
        {"OPEN JOBS", "open_jobs", CTL_AS_NUMBER},
        {"TITLE",     "title",     CTL_AS_TEXT  },
    };
    struct view list;

    if (mp_find(body, "items", &list)) ctl_table(o, list, columns, ARRAY_LEN(columns));
}

void
ctl_print_decomposed(struct ctl_out *o, struct view body)
{
    static const struct ctl_column columns[] = {
        {"GOAL",  "goal",  CTL_AS_NUMBER},
        {"AGENT", "agent", CTL_AS_TEXT  },
        {"JOB",   "job",   CTL_AS_NUMBER},
        {"TITLE", "title", CTL_AS_TEXT  },
    };
    struct view list;

    if (mp_find(body, "parts", &list)) ctl_table(o, list, columns, ARRAY_LEN(columns));
}

void
ctl_print_ticket(struct ctl_out *o, struct view body)
{
    static const struct ctl_column rows[] = {
        {"ticket",    "id",          CTL_AS_TEXT   },
        {"title",     "title",       CTL_AS_TEXT   },
        {"status",    "status",      CTL_AS_STATE  },
        {"company",   "company",     CTL_AS_TEXT   },
        {"goal",      "goal",        CTL_AS_TEXT   },
        {"parent",    "parent",      CTL_AS_TEXT   },
        {"assignee",  "assignee",    CTL_AS_TEXT   },
        {"required",  "required",    CTL_AS_TEXT   },
        {"reward",    "reward",      CTL_AS_TEXT   },
        {"deadline",  "deadline_at", CTL_AS_INSTANT},
        {"routine",   "routine",     CTL_AS_TEXT   },
        {"created",   "created_at",  CTL_AS_INSTANT},
        {"claimed",   "claimed_at",  CTL_AS_INSTANT},
        {"done",      "done_at",     CTL_AS_INSTANT},
        {"wake-up",   "job",         CTL_AS_TEXT   },
        {"open jobs", "open_jobs",   CTL_AS_TEXT   },
        {"used",      "usage",       CTL_AS_JSON   },
        {"data",      "data",        CTL_AS_JSON   },
    };

    ctl_record(o, body, rows, ARRAY_LEN(rows));
}

void
ctl_print_tickets(struct ctl_out *o, struct view body)
{
    static const struct ctl_column columns[] = {
        {"ID",       "id",          CTL_AS_NUMBER},
        {"STATUS",   "status",      CTL_AS_STATE },
        {"COMPANY",  "company",     CTL_AS_TEXT  },
        {"GOAL",     "goal",        CTL_AS_NUMBER},
        {"ASSIGNEE", "assignee",    CTL_AS_TEXT  },
        {"REWARD",   "reward",      CTL_AS_NUMBER},
        {"DEADLINE", "deadline_at", CTL_AS_WHEN  },
        {"TITLE",    "title",       CTL_AS_TEXT  },
    };
    struct view list;

    if (mp_find(body, "items", &list)) ctl_table(o, list, columns, ARRAY_LEN(columns));
}

/* A job, or the schedule that wakes again and again. */
void
ctl_print_woken(struct ctl_out *o, struct view body)
{
    struct view is_job;

    if (mp_find(body, "attempt", &is_job)) {
        ctl_print_job(o, body);
    } else {
        ctl_print_schedule(o, body);
    }
}
