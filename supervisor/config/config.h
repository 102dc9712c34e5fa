/* config - the settings and declarations of one daemon, from all their sources, checked as a whole.
 *
 * Every setting is a line of the lists below; the declared objects (companies, agents, handlers,
 * sinks, schedules) are those of proto/messages.h.  Precedence: --set, environment
 * (AGENTD_SECTION_KEY in capitals), file, default.  A bad value in the file or of --set refuses the
 * whole; a bad one in the environment is a warning and the next source counts (J6). */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "common/buf.h"
#include "common/err.h"
#include "proto/messages.h"
#include <stdbool.h>
#include <stdint.h>

// clang-format off

/*  S(section, key, TYPE, member, default, low, high, when)
 *
 *   TYPE      written as                          low, high        member
 *   NUMBER    an integer                          least, largest   int64_t
 *   LIMIT     an integer or null (NO_LIMIT)       least, largest   int64_t
 *   DURATION  "5m" or a number of seconds         ms               int64_t, ms
 *   LASTING   as DURATION, or null (NO_LIMIT)     ms               int64_t, ms
 *   STRING    a string                            bytes            struct view
 *   BYTES     a number, or with K, M, G (1024s)   bytes            int64_t
 *   TEXT      a string                            bytes            const char *, never NULL
 *   BOOL      true or false                       -                bool
 *   LADDER    a list of durations, "2m,10m"       items            struct view, a packed list of ms
 *   NAMES     a list of names, "a,b"              items            struct view, a packed list of strings
 *
 * default: the text that --set would take.  when: RELOAD, a reload applies it; RESTART, only a new start. */
#define SHELL_SETTINGS(S)                                                                                          \
    S("daemon",  "state_dir",          TEXT,     state_dir,            "",     0, 4096,            RESTART)        \
    S("daemon",  "run_dir",            TEXT,     run_dir,              "",     0, 92,              RESTART)        \
    S("daemon",  "pid_file",           TEXT,     pid_file,             "",     0, 4096,            RESTART)        \
    S("daemon",  "stop_grace",         DURATION, stop_grace_ms,        "3s",   0, 3600000,         RELOAD)         \
    S("daemon",  "operator_group",     TEXT,     operator_group,       "",     0, 64,              RELOAD)         \
    S("daemon",  "submit_group",       TEXT,     submit_group,         "",     0, 64,              RELOAD)         \
    S("daemon",  "view_group",         TEXT,     view_group,           "",     0, 64,              RELOAD)         \
    S("daemon",  "durability",         TEXT,     durability,           "full", 1, 8,               RESTART)        \
    S("daemon",  "map_size",           BYTES,    map_bytes,            "64G",  1048576, 1LL << 46, RESTART)        \
    S("daemon",  "reserve_floor",      BYTES,    reserve_floor_bytes,  "16M",  65536, 1LL << 40,   RESTART)        \
    S("log",     "level",              TEXT,     log_level,            "info", 1, 8,               RELOAD)         \
    S("workers", "count",              NUMBER,   workers,              "0",    0, WORKERS_MAX,     RELOAD)         \
    S("workers", "slots",              NUMBER,   slots,                "8",    1, SLOTS_MAX,       RELOAD)         \
    S("workers", "heartbeat_interval", DURATION, heartbeat_interval_ms, "1s",  10, 3600000,        RELOAD)         \
    S("gateway", "enabled",            BOOL,     gateway_is_enabled,   "false", 0, 1,              RELOAD)         \
    S("gateway", "listen",             TEXT,     gateway_listen,       "127.0.0.1:8377", 1, 256,   RELOAD)         \
    S("gateway", "user",               TEXT,     gateway_user,         "nobody", 0, 64,            RELOAD)         \
    S("gateway", "hosts",              TEXT,     gateway_hosts,        "",     0, 4096,            RELOAD)         \
    S("gateway", "origins",            TEXT,     gateway_origins,      "",     0, 4096,            RELOAD)         \
    S("gateway", "connections_max",    NUMBER,   gateway_connections_max, "12000", 1, 100000,      RELOAD)         \
    S("gateway", "page",               TEXT,     gateway_page,         "",     0, 4096,            RELOAD)

/* What the engine works by: members of struct msg_limits, all applied by a reload. */
#define LIMIT_SETTINGS(S)                                                                                          \
    S("workers",  "heartbeat_timeout",       DURATION, limits.heartbeat_timeout_ms,    "10s",  100, 3600000, RELOAD) \
    S("limits",   "max_concurrent",          LIMIT,    limits.max_concurrent,          "null", 0, SLOTS_MAX, RELOAD) \
    S("limits",   "schedule_max_concurrent", LIMIT,    limits.schedule_max_concurrent, "2",    0, SLOTS_MAX, RELOAD) \
    S("limits",   "company_max_concurrent",  LIMIT,    limits.company_max_concurrent,  "5",    0, SLOTS_MAX, RELOAD) \
    S("limits",   "agent_max_concurrent",    LIMIT,    limits.agent_max_concurrent,    "1",    0, SLOTS_MAX, RELOAD) \
    S("limits",   "max_run",                 DURATION, limits.max_run_ms,              "20m",  1, YEARS_100_MS, RELOAD) \
    S("limits",   "max_turns",               LIMIT,    limits.max_turns,               "null", 1, 10000, RELOAD)     \
    S("limits",   "max_attempts",            NUMBER,   limits.max_attempts,            "5",    1, 1000, RELOAD)      \
    S("limits",   "retry",                   LADDER,   limits.retry,       "2m,10m,30m,2h",    1, LADDER_MAX, RELOAD) \
    S("limits",   "max_crashes",             NUMBER,   limits.max_crashes,             "3",    1, 1000000, RELOAD)   \
    S("limits",   "kill_grace",              DURATION, limits.kill_grace_ms,           "10s",  0, 3600000, RELOAD)   \
    S("limits",   "catch_up",                DURATION, limits.catch_up_ms,             "24h",  0, YEARS_100_MS, RELOAD) \
    S("limits",   "feed_bytes",              BYTES,    limits.feed_bytes_max,          "256M", 65536, INT64_MAX, RELOAD) \
    S("limits",   "feed_age",                DURATION, limits.feed_age_max_ms,         "24h",  1000, YEARS_100_MS, RELOAD) \
    S("sessions", "sinks",                   NAMES,    limits.session_sinks,           "",     0, SINKS_MAX, RELOAD) \
    S("limits",   "company_queue_max",       LIMIT,    limits.company_queue_max,       "10000000", 0, INT64_MAX, RELOAD) \
    S("limits",   "chain_depth_max",         NUMBER,   limits.chain_depth_max,         "8",    1, 16, RELOAD)        \
    S("limits",   "chain_rate_max",          LIMIT,    limits.chain_rate_max,          "60",   1, 1000000, RELOAD)   \
    S("limits",   "agent_interval_min",      DURATION, limits.agent_interval_min_ms,   "1m",   1000, YEARS_100_MS, RELOAD) \
    S("limits",   "agent_schedules_max",     LIMIT,    limits.agent_schedules_max,     "10",   0, 1000000, RELOAD)   \
    S("limits",   "agent_wakes_max",         LIMIT,    limits.agent_wakes_max,         "20",   0, 1000000, RELOAD)   \
    S("limits",   "agent_approval",          STRING,   limits.agent_approval,          "none", 1, 16, RELOAD)        \
    S("limits",   "agent_unanswered",        LASTING,  limits.agent_unanswered_ms,     "30d",  1000, YEARS_100_MS, RELOAD) \
    S("limits",   "breaker_base",            DURATION, limits.breaker_base_ms,         "30s",  1, YEARS_100_MS, RELOAD) \
    S("limits",   "breaker_max",             DURATION, limits.breaker_max_ms,          "1h",   1, YEARS_100_MS, RELOAD) \
    S("limits",   "stale_after",             NUMBER,   limits.stale_after,             "3",    1, 1000, RELOAD)      \
    S("limits",   "dead_after",              NUMBER,   limits.dead_after,              "10",   1, 1000, RELOAD)      \
    S("budgets",  "zone",                    STRING,   limits.budget_zone,             "UTC",  1, 64, RELOAD)        \
    S("budgets",  "reserve_turns",           NUMBER,   limits.reserve_turns,           "10",   0, 10000, RELOAD)     \
    S("budgets",  "reserve_tokens",          NUMBER,   limits.reserve_tokens,          "10000", 0, INT64_MAX, RELOAD) \
    S("budgets",  "reserve_cost_micros",     NUMBER,   limits.reserve_cost_micros,     "100000", 0, INT64_MAX, RELOAD) \
    S("retention", "completed",              LASTING,  limits.keep_completed_ms,       "7d",   1000, YEARS_100_MS, RELOAD) \
    S("retention", "failed",                 LASTING,  limits.keep_failed_ms,          "30d",  1000, YEARS_100_MS, RELOAD) \
    S("retention", "effects",                LASTING,  limits.keep_effects_ms,         "30d",  1000, YEARS_100_MS, RELOAD) \
    S("retention", "firings",                LASTING,  limits.keep_firings_ms,         "30d",  1000, YEARS_100_MS, RELOAD) \
    S("retention", "reasons",                LASTING,  limits.keep_reasons_ms,         "7d",   1000, YEARS_100_MS, RELOAD) \
    S("retention", "ledgers",                LASTING,  limits.keep_ledgers_ms,         "400d", 1000, YEARS_100_MS, RELOAD) \
    S("retention", "approvals",              LASTING,  limits.keep_approvals_ms,       "90d",  1000, YEARS_100_MS, RELOAD) \
    S("retention", "audit",                  LASTING,  limits.keep_audit_ms,           "400d", 1000, YEARS_100_MS, RELOAD) \
    S("limits",   "catch_up_stagger",        DURATION, limits.catch_up_stagger_ms,     "100ms", 0, 3600000, RELOAD)  \
    S("limits",   "interactive_delay",       DURATION, limits.interactive_delay_ms,    "30s",  0, 300000, RELOAD)    \
    S("limits",   "failure_pause",           LIMIT,    limits.failure_pause,           "3",    1, 1000000, RELOAD)   \
    S("limits",   "breach_warn",             LIMIT,    limits.breach_warn,             "2",    1, 1000000, RELOAD)   \
    S("limits",   "breach_pause",            LIMIT,    limits.breach_pause,            "5",    1, 1000000, RELOAD)   \
    S("limits",   "collision_turns",         LIMIT,    limits.collision_turns,         "3000", 1, INT64_MAX, RELOAD) \
    S("alerts",   "after",                   LIMIT,    limits.alert_after,             "2",    1, 1000000, RELOAD)   \
    S("alerts",   "skips",                   LIMIT,    limits.alert_skips,             "5",    1, 1000000, RELOAD)   \
    S("alerts",   "cooldown",                DURATION, limits.alert_cooldown_ms,       "1h",   0, YEARS_100_MS, RELOAD) \
    S("alerts",   "sinks",                   NAMES,    limits.alert_sinks,             "",     0, SINKS_MAX, RELOAD) \
    S("sessions", "enabled",                 BOOL,     limits.session_enabled,         "true", 0, 1, RELOAD)         \
    S("sessions", "handler",                 STRING,   limits.session_handler,         "",     0, 129, RELOAD)       \
    S("sessions", "max_consecutive",         LIMIT,    limits.session_max_consecutive, "3",    0, 1000000, RELOAD)   \
    S("sessions", "cooldown",                DURATION, limits.session_cooldown_ms,     "15s",  0, YEARS_100_MS, RELOAD) \
    S("sessions", "on_cooldown",             STRING,   limits.session_on_cooldown,     "reject", 1, 16, RELOAD)      \
    S("sessions", "on_failure",              STRING,   limits.session_on_failure,      "skip", 1, 16, RELOAD)        \
    S("sessions", "min_timer_delay",         DURATION, limits.session_timer_delay_min_ms, "0s", 0, YEARS_100_MS, RELOAD) \
    S("sessions", "timers_max",              LIMIT,    limits.session_timers_max,      "1000", 0, INT64_MAX, RELOAD) \
    S("sessions", "queue_max",               LIMIT,    limits.session_queue_max,       "10000", 0, INT64_MAX, RELOAD) \
    S("sessions", "quiet_hours",             STRING,   limits.session_quiet_hours,     "",     0, 64, RELOAD)        \
    S("sessions", "zone",                    STRING,   limits.session_zone,            "UTC",  1, 64, RELOAD)        \
    S("retention", "events",                 LASTING,  limits.keep_events_ms,          "30d",  1000, YEARS_100_MS, RELOAD) \
    S("retention", "timers",                 LASTING,  limits.keep_timers_ms,          "30d",  1000, YEARS_100_MS, RELOAD) \
    S("retention", "activity",               LASTING,  limits.keep_activity_ms,        "30d",  1000, YEARS_100_MS, RELOAD)

#define SETTINGS(S) SHELL_SETTINGS(S) LIMIT_SETTINGS(S)

// clang-format on

enum setting_type {
    SETTING_NUMBER,
    SETTING_LIMIT,
    SETTING_DURATION,
    SETTING_BYTES,
    SETTING_TEXT,
    SETTING_LADDER,
    SETTING_NAMES,
    SETTING_LASTING,
    SETTING_STRING,
    SETTING_BOOL
};
enum setting_when { SETTING_RELOAD, SETTING_RESTART };

typedef int64_t     setting_NUMBER;
typedef int64_t     setting_DURATION;
typedef int64_t     setting_BYTES;
typedef const char *setting_TEXT;
typedef struct view setting_STRING;
typedef bool        setting_BOOL;
typedef int64_t     setting_LASTING;

#define SETTING_MEMBER(section, key, type, member, text, low, high, when) setting_##type member;

/* A whole configuration.  Texts and views are in its arena and live as long as it. */
struct config {
    SHELL_SETTINGS(SETTING_MEMBER)
    struct msg_limits limits; /* all REQUIRED and NULLABLE fields given */
    const char       *path;   /* of the file that was read, absolute; "" when there was none */
    struct buf        engine_config; /* the packed `config` object: body of INPUT_CONFIG */
    struct arena      arena;
};

struct setting {
    const char       *section;
    const char       *key;
    enum setting_type type;
    enum setting_when when;
    size_t            offset; /* in struct config */
    const char       *text;   /* the default */
    int64_t           low;
    int64_t           high;
};
/* The lists above as data; *count of them. */
const struct setting *config_settings(size_t *count);

struct config_sources {
    const char *path; /* -c, or NULL: AGENTD_CONFIG, else the default place of is_root, where
                         the file may be absent */
    const char        *state_dir; /* --state, or NULL: AGENTD_STATE, the file, the default place */
    const char        *run_dir;   /* --run, likewise */
    const char *const *sets;      /* "section.key=value" each, nsets of them; the last wins */
    size_t             nsets;
    const char *const *environ; /* NULL-terminated */
    bool               is_root; /* else the XDG folders are the default places */
};

/* Reads and checks everything.  What comes out needs no further suspicion: folders are absolute,
 * pid_file is set (RUN/agentd.pid by default), the control socket's path fits into a socket
 * address, workers is 1 or more (0: one per core), workers times slots is at most SLOTS_MAX, level
 * and durability are known words.  Groups are names, "" for none; whether they exist is not looked
 * at.  Warnings: one sentence a line, of bad values in the environment.  On failure *out is
 * untouched and the message begins with FILE:LINE:COL when the file is at fault, else with what is
 * at fault: the variable or --set. */
enum errc config_load(const struct config_sources *src, struct config *out, struct buf *warnings,
                      struct err *e) MUST_CHECK;
void      config_done(struct config *c);

#endif
