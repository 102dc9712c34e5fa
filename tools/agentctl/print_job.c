#include "common/mp.h"
#include "proto/codec.h"
#include "tools/agentctl/print.h"

#define TABLE(o, list, columns) ctl_table(o, list, columns, ARRAY_LEN(columns))
#define RECORD(o, map, rows)    ctl_record(o, map, rows, ARRAY_LEN(rows))

/* ---- jobs ------------------------------------------------------------------ */

static const struct ctl_column job_rows[] = {
    {"job",          "id",                CTL_AS_TEXT   },
    {"state",        "state",             CTL_AS_STATE  },
    {"reason",       "reason",            CTL_AS_TEXT   },
    {"stopping",     "stopping",          CTL_AS_YES    },
    {"quarantined",  "quarantined",       CTL_AS_YES    },
    {"forced",       "forced",            CTL_AS_YES    },
    {"by hand",      "by_hand",           CTL_AS_YES    },
    {"title",        "title",             CTL_AS_TEXT   },
    {"trigger",      "trigger",           CTL_AS_TEXT   },
    {"source",       "source",            CTL_AS_TEXT   },
    {"company",      "company",           CTL_AS_TEXT   },
    {"agent",        "agent",             CTL_AS_TEXT   },
    {"handler",      "handler",           CTL_AS_TEXT   },
    {"priority",     "priority",          CTL_AS_TEXT   },
    {"submitted",    "submitted_at",      CTL_AS_INSTANT},
    {"run at",       "run_at",            CTL_AS_INSTANT},
    {"claimed",      "claimed_at",        CTL_AS_INSTANT},
    {"lease ends",   "lease_expires_at",  CTL_AS_INSTANT},
    {"ended",        "ended_at",          CTL_AS_INSTANT},
    {"expires",      "expires_at",        CTL_AS_INSTANT},
    {"worker",       "worker",            CTL_AS_TEXT   },
    {"attempt",      "attempt",           CTL_AS_TEXT   },
    {"failures",     "failures",          CTL_AS_TEXT   },
    {"crashes",      "crashes",           CTL_AS_TEXT   },
    {"max attempts", "max_attempts",      CTL_AS_TEXT   },
    {"max run",      "max_run_ms",        CTL_AS_SPAN   },
    {"max turns",    "max_turns",         CTL_AS_TEXT   },
    {"failure",      "failure.class",     CTL_AS_TEXT   },
    {"message",      "failure.message",   CTL_AS_TEXT   },
    {"retry at",     "failure.retry_at",  CTL_AS_INSTANT},
    {"schedule",     "schedule",          CTL_AS_TEXT   },
    {"nominal",      "nominal_at",        CTL_AS_INSTANT},
    {"session",      "session",           CTL_AS_TEXT   },
    {"unique key",   "unique_key",        CTL_AS_TEXT   },
    {"conflict",     "conflict",          CTL_AS_YES    },
    {"debounce key", "debounce_key",      CTL_AS_TEXT   },
    {"merged",       "merged",            CTL_AS_YES    },
    {"causes",       "causes.count",      CTL_AS_TEXT   },
    {"goal",         "goal",              CTL_AS_TEXT   },
    {"ticket",       "ticket",            CTL_AS_TEXT   },
    {"parent",       "parent",            CTL_AS_TEXT   },
    {"root",         "root",              CTL_AS_TEXT   },
    {"tags",         "tags",              CTL_AS_MAP    },
    {"turns",        "usage.turns",       CTL_AS_TEXT   },
    {"tokens",       "usage.tokens",      CTL_AS_TEXT   },
    {"cost",         "usage.cost_micros", CTL_AS_COST   },
    {"ran",          "usage.run_ms",      CTL_AS_SPAN   },
    {"context",      "context",           CTL_AS_JSON   },
    {"payload",      "payload",           CTL_AS_JSON   },
    {"output",       "output",            CTL_AS_JSON   },
};

void
ctl_print_job(struct ctl_out *o, struct view body)
{
    static const struct ctl_column attempts[] = {
        {"#",       "attempt",    CTL_AS_NUMBER},
        {"CLAIMED", "claimed_at", CTL_AS_WHEN  },
        {"ENDED",   "ended_at",   CTL_AS_WHEN  },
        {"OUTCOME", "outcome",    CTL_AS_STATE },
        {"CLASS",   "class",      CTL_AS_TEXT  },
        {"EXIT",    "exit_code",  CTL_AS_NUMBER},
        {"SIGNAL",  "signal",     CTL_AS_NUMBER},
        {"TURNS",   "turns",      CTL_AS_NUMBER},
        {"RSS kB",  "rss_kb",     CTL_AS_NUMBER},
        {"WORKER",  "worker",     CTL_AS_NUMBER},
        {"MESSAGE", "message",    CTL_AS_TEXT  },
    };
    static const struct ctl_column causes[] = {
        {"AT",      "at",      CTL_AS_WHEN  },
        {"TRIGGER", "trigger", CTL_AS_TEXT  },
        {"SOURCE",  "source",  CTL_AS_TEXT  },
        {"ACTOR",   "actor",   CTL_AS_TEXT  },
        {"PARENT",  "parent",  CTL_AS_NUMBER},
        {"PAYLOAD", "payload", CTL_AS_JSON  },
    };
    struct view list = ctl_list(body, "causes");

    RECORD(o, body, job_rows);
    if (list.size) list = ctl_list(list, "items");
    if (ctl_has_items(list)) {
        ctl_title(o, "causes");
        TABLE(o, list, causes);
    }
    list = ctl_list(body, "attempts");
    if (!ctl_has_items(list)) return;
    ctl_title(o, "attempts");
    TABLE(o, list, attempts);
}

void
ctl_print_jobs(struct ctl_out *o, struct view body)
{
    static const struct ctl_column columns[] = {
        {"ID",      "id",            CTL_AS_NUMBER},
        {"STATE",   "state",         CTL_AS_STATE },
        {"PRIO",    "priority",      CTL_AS_NUMBER},
        {"COMPANY", "company",       CTL_AS_TEXT  },
        {"AGENT",   "agent",         CTL_AS_TEXT  },
        {"HANDLER", "handler",       CTL_AS_TEXT  },
        {"TRIGGER", "trigger",       CTL_AS_TEXT  },
        {"RUN AT",  "run_at",        CTL_AS_WHEN  },
        {"ENDED",   "ended_at",      CTL_AS_WHEN  },
        {"ATTEMPT", "attempt",       CTL_AS_NUMBER},
        {"FAILURE", "failure.class", CTL_AS_TEXT  },
        {"TITLE",   "title",         CTL_AS_TEXT  },
        {"REASON",  "reason",        CTL_AS_TEXT  },
    };

    TABLE(o, ctl_list(body, "items"), columns);
}

/* A job, or the event that gets one. */
void
ctl_print_submitted(struct ctl_out *o, struct view body)
{
    struct view seq;

    if (mp_find(body, "seq", &seq)) {
        ctl_print_appended(o, body);
    } else {
        ctl_print_job(o, body);
    }
}

void
ctl_print_job_ids(struct ctl_out *o, struct view body)
{
    struct list_iter it = list_iter_of(ctl_list(body, "ids"));
    struct view      item;

    while (list_next(&it, &item)) {
        struct mp_reader r = mp_reader_of(item);
        int64_t          id;

        if (mp_read_i64(&r, &id)) buf_printf(o->buf, "%lld\n", (long long)id);
    }
}

void
ctl_print_stream(struct ctl_out *o, struct view body)
{
    static const struct ctl_column rows[] = {
        {"job",       "id",        CTL_AS_TEXT},
        {"streaming", "streaming", CTL_AS_BOOL},
        {"streams",   "streams",   CTL_AS_TEXT},
    };

    ctl_record(o, body, rows, ARRAY_LEN(rows));
}

void
ctl_print_job_stats(struct ctl_out *o, struct view body)
{
    static const struct ctl_column rows[] = {
        {"scheduled",    "scheduled",                 CTL_AS_TEXT},
        {"ready",        "ready",                     CTL_AS_TEXT},
        {"running",      "running",                   CTL_AS_TEXT},
        {"completed",    "completed",                 CTL_AS_TEXT},
        {"failed",       "failed",                    CTL_AS_TEXT},
        {"cancelled",    "cancelled",                 CTL_AS_TEXT},
        {"expired",      "expired",                   CTL_AS_TEXT},
        {"recent",       "recent.window_ms",          CTL_AS_SPAN},
        {"  ended",      "recent.ended",              CTL_AS_TEXT},
        {"  per minute", "recent.per_minute",         CTL_AS_TEXT},
        {"  delay p50",  "recent.start_delay_ms.p50", CTL_AS_SPAN},
        {"  delay p99",  "recent.start_delay_ms.p99", CTL_AS_SPAN},
        {"  run p50",    "recent.run_ms.p50",         CTL_AS_SPAN},
        {"  run p99",    "recent.run_ms.p99",         CTL_AS_SPAN},
    };
    static const struct ctl_column companies[] = {
        {"COMPANY",   "company",   CTL_AS_TEXT  },
        {"SCHEDULED", "scheduled", CTL_AS_NUMBER},
        {"READY",     "ready",     CTL_AS_NUMBER},
        {"RUNNING",   "running",   CTL_AS_NUMBER},
        {"COMPLETED", "completed", CTL_AS_NUMBER},
        {"FAILED",    "failed",    CTL_AS_NUMBER},
        {"CANCELLED", "cancelled", CTL_AS_NUMBER},
        {"EXPIRED",   "expired",   CTL_AS_NUMBER},
    };
    struct view list = ctl_list(body, "companies");

    RECORD(o, body, rows);
    if (!ctl_has_items(list)) return;
    ctl_title(o, "companies");
    TABLE(o, list, companies);
}

/* Of whatever answers `why`. */
void
ctl_print_why(struct ctl_out *o, struct view body)
{
    static const struct ctl_column rows[] = {
        {"id",       "id",           CTL_AS_TEXT   },
        {"name",     "name",         CTL_AS_TEXT   },
        {"key",      "key",          CTL_AS_TEXT   },
        {"job",      "job",          CTL_AS_TEXT   },
        {"state",    "state",        CTL_AS_STATE  },
        {"status",   "status",       CTL_AS_STATE  },
        {"why",      "text",         CTL_AS_TEXT   },
        {"earliest", "earliest_at",  CTL_AS_INSTANT},
        {"next",     "next_fire_at", CTL_AS_INSTANT},
        {"change",   "change",       CTL_AS_TEXT   },
    };
    static const struct ctl_column history[] = {
        {"WAS HELD BY", "predicate", CTL_AS_TEXT   },
        {"FROM",        "at",        CTL_AS_INSTANT},
        {"UNTIL",       "until_at",  CTL_AS_INSTANT},
        {"MESSAGE",     "message",   CTL_AS_TEXT   },
    };
    static const struct ctl_column blockers[] = {
        {"HELD BY", "predicate", CTL_AS_TEXT},
        {"HOLDER",  "holder",    CTL_AS_TEXT},
        {"UNTIL",   "until_at",  CTL_AS_WHEN},
        {"MESSAGE", "message",   CTL_AS_TEXT},
        {"CHANGE",  "change",    CTL_AS_TEXT},
    };
    struct view list = ctl_list(body, "blockers");
    struct view past = ctl_list(body, "history");

    RECORD(o, body, rows);
    if (ctl_has_items(list)) buf_add_str(o->buf, "\n");
    if (ctl_has_items(list)) TABLE(o, list, blockers);
    if (ctl_has_items(past)) buf_add_str(o->buf, "\n");
    if (ctl_has_items(past)) TABLE(o, past, history);
}

void
ctl_print_removed(struct ctl_out *o, struct view body)
{
    static const struct ctl_column gone[] = {
        {"removed", "removed", CTL_AS_TEXT},
    };
    static const struct ctl_column going[] = {
        {"removing", "removed", CTL_AS_TEXT},
    };
    bool is_pending = false;

    if (mp_find_bool(body, "pending", &is_pending) && is_pending) {
        RECORD(o, body, going);
    } else {
        RECORD(o, body, gone);
    }
}

/* ---- many jobs ------------------------------------------------------------- */

void
ctl_print_many(struct ctl_out *o, struct view body)
{
    static const struct ctl_column rows[] = {
        {"matched",       "matched", CTL_AS_TEXT},
        {"done",          "done",    CTL_AS_TEXT},
        {"dry run",       "dry_run", CTL_AS_YES },
        {"first refused", "refused", CTL_AS_TEXT},
    };

    ctl_record(o, body, rows, ARRAY_LEN(rows));
}
