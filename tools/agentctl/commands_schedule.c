#include "tools/agentctl/command.h"
#include "tools/agentctl/ctl.h"
#include "tools/agentctl/print.h"

/* Its process may take two minutes. */
#define FORECAST_TIMEOUT_MS 130000

// clang-format off

static const struct ctl_param name_arg[] = {
    {"NAME", 0, "name", CTL_TEXT, true, NULL, "the schedule's name, or company/name"},
    {.name = NULL}};

/* What a schedule is declared with. */
#define DECLARATION                                                                                                                               \
    {"cron",         0, "cron",         CTL_TEXT,      false, "EXPR",   "a cron expression (see cron explain), or \"every D\""},                  \
    {"tz",           0, "tz",           CTL_TEXT,      false, "ZONE",   "where the expression's clock hangs, like Europe/Paris; UTC by default"}, \
    {"every",        0, "every_ms",     CTL_DURATION,  false, "D",      "an interval, instead of --cron"},                                        \
    {"handler",      0, "handler",      CTL_TEXT,      false, "H",      "what runs each firing; by default the agent's handler"},                 \
    {"agent",        0, "agent",        CTL_TEXT,      false, "A",      "the agent that is woken"},                                               \
    {"payload",      0, "payload",      CTL_JSON,      false, "P",      "any JSON value for the handler: text, @FILE or -"},                      \
    {"title",        0, "title",        CTL_TEXT,      false, "TEXT",   "a title for people"},                                                    \
    {"type",         0, "type",         CTL_TEXT,      false, "schedule|heartbeat", "schedule by default"},                                       \
    {"priority",     0, "priority",     CTL_NUMBER,    false, "N",      "of its jobs, 0 to 100"},                                                 \
    {"max-run",      0, "max_run_ms",   CTL_DURATION,  false, "D",      "stop the handler after this long"},                                      \
    {"max-turns",    0, "max_turns",    CTL_NUMBER,    false, "N",      "stop the handler after so many turns, or none"},                         \
    {"max-attempts", 0, "max_attempts", CTL_NUMBER,    false, "N",      "the first attempt and the retries of a firing"},                         \
    {"retry",        0, "retry",        CTL_DURATIONS, false, "D,D",    "the waits before each retry; the last one repeats"},                     \
    {"retry-base",   0, "retry_base_ms", CTL_DURATION, false, "D",      "the first wait, instead of --retry; each further one is longer"},        \
    {"retry-factor", 0, "retry_factor", CTL_NUMBER,    false, "N",      "... so many times (2)"},                                                 \
    {"retry-max",    0, "retry_max_ms", CTL_DURATION,  false, "D",      "... up to this one (24h)"},                                              \
    {"tag",          0, "tags",         CTL_TAG,       false, "K=V",    "a tag of its jobs; may be repeated"},                                    \
    {"profile",      0, "profile",      CTL_TEXT,      false, "P",      "the profile whose defaults it takes"},                                   \
    {"ticket",       0, "ticket",       CTL_JSON,      false, "P",      "a JSON object: what its tickets are like (see routine add)"},            \
    {"token-budget", 0, "token_budget", CTL_NUMBER,    false, "N",      "tokens that all attempts of a firing may use"},                          \
    {"cost-budget",  0, "cost_budget_micros", CTL_NUMBER, false, "N",   "cost that they may cause, in millionths"},                               \
    {"daily-turns",  0, "daily_turns",  CTL_NUMBER,    false, "N",      "turns that all its jobs may use a day, or none"},                        \
    {"daily-tokens", 0, "daily_tokens", CTL_NUMBER,    false, "N",      "tokens a day, or none"},                                                 \
    {"daily-cost",   0, "daily_cost_micros", CTL_NUMBER, false, "N",    "cost a day in millionths, or none"},                                     \
    {"daily-run",    0, "daily_run_ms", CTL_DURATION,  false, "D",      "time a day"},                                                            \
    {"overlap",      0, "overlap",      CTL_TEXT,      false, "P",      "while a firing is in flight: skip, queue_one, allow or cancel_running"}, \
    {"misfire",      0, "misfire",      CTL_TEXT,      false, "P",      "of times that nobody saw: skip, latest or all"},                         \
    {"misfire-max",  0, "misfire_max",  CTL_NUMBER,    false, "N",      "the newest so many of all (10)"},                                        \
    {"catch-up",     0, "catch_up_ms",  CTL_DURATION,  false, "D",      "times missed longer ago are not made up for"},                           \
    {"spread",       0, "spread_ms",    CTL_DURATION,  false, "D",      "an offset below this, always the same"},                                 \
    {"jitter",       0, "jitter_ms",    CTL_DURATION,  false, "D",      "an offset below this, another for each firing"},                         \
    {"start",        0, "start_at",     CTL_TIME,      false, "T",      "no firing before this"},                                                 \
    {"end",          0, "end_at",       CTL_TIME,      false, "T",      "no firing after this"},                                                  \
    {"max-firings",  0, "max_firings",  CTL_NUMBER,    false, "N",      "it ends after so many"},                                                 \
    {"quiet-hours",  0, "quiet_hours",  CTL_TEXT,      false, "FROM-TO", "like 22:00-07:00 in --tz: firings are put off to their end"},           \
    {"quiet-sends",  0, "quiet_sends",  CTL_TEXT,      false, "FROM-TO", "likewise, its messages"},                                               \
    {"gate",         0, "gate",         CTL_JSON,      false, "P",      "a JSON object: what may say that there is nothing to do"},               \
    {"idle-max",     0, "idle_max_ms",  CTL_DURATION,  false, "D",      "heartbeats with nothing to do come more seldom, up to this"},            \
    {"shadow",       0, "shadow",       CTL_BOOL,      false, NULL,     "run for real, suppress the effects"},                                    \
    {"shadow-runs",  0, "shadow_runs",  CTL_NUMBER,    false, "N",      "so many good runs in a row promote it"},                                 \
    {"ping-start",   0, "ping_start",   CTL_TEXT,      false, "URL",    "asked for when a firing starts"},                                        \
    {"ping-success", 0, "ping_success", CTL_TEXT,      false, "URL",    "... when it completes"},                                                 \
    {"ping-fail",    0, "ping_fail",    CTL_TEXT,      false, "URL",    "... when it fails"},                                                     \
    {"overdue",      0, "overdue_ms",   CTL_DURATION,  false, "D",      "an alarm so long after a firing's time without a success"},              \
    {"budget-zone",  0, "budget_zone",  CTL_TEXT,      false, "ZONE",   "where its days begin, like Europe/Paris"}

static const struct ctl_param add_flags[] = {
    DECLARATION,
    {.name = NULL}};

static const struct ctl_param set_flags[] = {
    DECLARATION,
    {"clear", 0, "clear", CTL_FLAGS, false, "FLAG,FLAG", "take these away, like jitter,gate"},
    {.name = NULL}};

static const struct ctl_param force_flags[] = {
    {"force", 0, "force", CTL_BOOL, false, NULL, "whatever runs of it, its company, its agent and its handler"},
    {.name = NULL}};

static const struct ctl_param backfill_flags[] = {
    {"from",  0, "from",  CTL_TIME, true,  "T",  "the range's first instant, itself in it"},
    {"to",    0, "to",    CTL_TIME, true,  "T",  "... and its last"},
    {"force", 0, "force", CTL_BOOL, false, NULL, "over the caps"},
    {.name = NULL}};

static const struct ctl_param pause_flags[] = {
    {"reason", 0, "reason", CTL_TEXT, false, "TEXT", "why, for those who look later"},
    {"until",  0, "until",  CTL_TIME, false, "T",    "it resumes by itself then"},
    {.name = NULL}};

static const struct ctl_param page_flags[] = {
    {"limit", 0, "limit", CTL_NUMBER, false, "N",      "at most so many (100)"},
    {"after", 0, "after", CTL_TEXT,   false, "CURSOR", "go on behind a page's \"next\""},
    {.name = NULL}};

static const struct ctl_param stats_args[] = {
    {"NAME", 0, "name", CTL_TEXT, false, NULL, "a schedule's name, or company/name; all by default"},
    {.name = NULL}};

static const struct ctl_param cron_args[] = {
    {"EXPR", 0, NULL, CTL_TEXT, true, NULL, "five or six fields in quotes, a macro like @daily, or \"every 90s\""},
    {.name = NULL}};
static const struct ctl_param cron_flags[] = {
    {"tz",    0,   NULL, CTL_TEXT,   false, "ZONE", "where its clock hangs, like Europe/Paris; UTC by default"},
    {"from",  0,   NULL, CTL_TIME,   false, "T", "times after this one; now by default"},
    {"count", 'n', NULL, CTL_NUMBER, false, "N", "so many times (5)"},
    {.name = NULL}};

static const struct ctl_param forecast_flags[] = {
    {"hours", 0, "hours", CTL_NUMBER, false, "N",    "so many hours from now on (48)"},
    {"with",  0, "with",  CTL_FILE,   false, "FILE", "suppose these schedules, limits, budgets and workers; - for standard input"},
    {.name = NULL}};

static const struct ctl_command commands[] = {
    {.noun = "schedule", .verb = "add", .op = MSG_SCHEDULE_ADD, .args = name_arg, .flags = add_flags,
     .print = ctl_print_schedule,
     .help = "make a schedule; prints it, its next firings, and warnings",
     .examples = {"schedule add nightly --cron '0 3 * * *' --handler report",
                  "schedule add acme/pulse --every 5m --agent scout --max-turns 50"}},
    {.noun = "schedule", .verb = "set", .op = MSG_SCHEDULE_SET, .args = name_arg, .flags = set_flags,
     .print = ctl_print_schedule,
     .help = "change what is given of a schedule, and take away what --clear names",
     .more = "--cron takes the place of --every, and the other way round. Other times begin now: none that has passed "
             "comes to be due. --max-turns none is no limit; --clear max-turns leaves it to the profile or the handler.",
     .examples = {"schedule set nightly --cron '30 3 * * *' --max-turns 200", "schedule set acme/pulse --clear jitter,quiet-hours"}},
    {.noun = "schedule", .verb = "run", .op = MSG_SCHEDULE_RUN, .args = name_arg, .flags = force_flags,
     .print = ctl_print_fired,
     .help = "fire a schedule now, paused or not; its next firing stays",
     .more = "Refused, and nothing is queued, when a cap, a slot, a budget or a firing in flight leaves no room: the "
             "answer says when there may be some. --force goes over the caps of schedules, company, agent and handler and "
             "starts beside a firing in flight; the audit keeps it.",
     .examples = {"schedule run nightly", "schedule run nightly --force"}},
    {.noun = "schedule", .verb = "backfill", .op = MSG_SCHEDULE_BACKFILL, .args = name_arg, .flags = backfill_flags,
     .print = ctl_print_backfilled,
     .help = "fire a schedule for the nominal times of a past range that have not fired",
     .more = "At most 1000 at once. Their jobs wait for each other unless its overlap is allow, and for the caps; --force goes "
             "over the caps of schedules, company, agent and handler, and starts them side by side.",
     .examples = {"schedule backfill nightly --from 2026-11-18T00:00:00Z --to 2026-11-21T00:00:00Z",
                  "schedule backfill acme/pulse --from -2h --to now"}},
    {.noun = "schedule", .verb = "show", .op = MSG_SCHEDULE_SHOW, .args = name_arg, .print = ctl_print_schedule,
     .help = "everything known of a schedule",
     .examples = {"schedule show nightly"}},
    {.noun = "schedule", .verb = "why", .op = MSG_SCHEDULE_WHY, .args = name_arg, .print = ctl_print_why,
     .help = "why a schedule does not fire, and what would let it",
     .examples = {"schedule why nightly"}},
    {.noun = "schedule", .verb = "list", .op = MSG_SCHEDULE_LIST, .flags = page_flags, .run = ctl_run_list,
     .print = ctl_print_schedules,
     .help = "all schedules",
     .examples = {"schedule list", "schedule list --company acme --json"}},
    {.noun = "schedule", .verb = "pause", .op = MSG_SCHEDULE_PAUSE, .args = name_arg, .flags = pause_flags,
     .print = ctl_print_schedule,
     .help = "stop firing until it is resumed",
     .more = "What runs goes on. What waits is parked until then, retries too; not what was asked for by hand: a run\n"
             "now, a backfill, a retry of a job.",
     .examples = {"schedule pause nightly --reason 'the database moves'", "schedule pause nightly --until +2h"}},
    {.noun = "schedule", .verb = "resume", .op = MSG_SCHEDULE_RESUME, .args = name_arg, .print = ctl_print_schedule,
     .help = "let a paused schedule fire again",
     .examples = {"schedule resume nightly"}},
    {.noun = "schedule", .verb = "promote", .op = MSG_SCHEDULE_PROMOTE, .args = name_arg, .print = ctl_print_schedule,
     .help = "take a schedule out of shadow mode: its effects are sent from now on",
     .examples = {"schedule promote nightly"}},
    {.noun = "schedule", .verb = "remove", .op = MSG_SCHEDULE_REMOVE, .args = name_arg, .print = ctl_print_removed,
     .help = "remove a schedule that was made by schedule add",
     .examples = {"schedule remove nightly"}},
    {.noun = "schedule", .verb = "firings", .op = MSG_SCHEDULE_FIRINGS, .args = name_arg, .flags = page_flags,
     .run = ctl_run_list, .print = ctl_print_firings,
     .help = "what became of each firing, and what it took",
     .examples = {"schedule firings nightly --limit 10"}},
    {.noun = "schedule", .verb = "stats", .op = MSG_SCHEDULE_STATS, .args = stats_args, .print = ctl_print_schedule_stats,
     .help = "what the firings of 7 days took, and whether the cap of scheduled jobs is right",
     .more = "It advises and changes nothing: slot wait p95 is to be below 60s, loop lag p99 below 50ms.",
     .examples = {"schedule stats", "schedule stats nightly --json"}},
    {.noun = "cron", .verb = "explain", .args = cron_args, .flags = cron_flags, .run = ctl_run_cron,
     .help = "a cron expression in words, and its next times",
     .more = "Needs no daemon. Times are printed in the zone. Fields: [second] minute hour day month weekday. Days "
             "also: L the last, L-3, 15W the nearest weekday, LW; weekdays: friL the last Friday, fri#2 the second.",
     .examples = {"cron explain '*/15 9-17 * * mon-fri'", "cron explain '30 2 * * *' --tz America/New_York -n 3",
                  "cron explain @weekly --from 2026-11-21T00:00:00Z -n 3"}},
    {.noun = "forecast", .op = MSG_FORECAST, .flags = forecast_flags, .timeout_ms = FORECAST_TIMEOUT_MS,
     .print = ctl_print_forecast,
     .help = "what the schedules will do: waits, full hours, overlaps, budgets that run out",
     .more = "The dispatcher itself runs on a virtual clock over a copy, with the run times and tokens that were "
             "measured; nothing is changed. Every job is taken to succeed, and nobody to submit any. FILE has the form "
             "of the configuration's sections schedules, limits, budgets and workers: a schedule keeps what its body "
             "does not name, null takes a member back or removes the schedule; both forecasts are compared.",
     .examples = {"forecast", "forecast --hours 168 --json", "forecast --with next-week.yaml"}},
};

// clang-format on

const struct ctl_commands ctl_schedule_commands = {commands, ARRAY_LEN(commands)};
