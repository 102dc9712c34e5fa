#include "tools/agentctl/command.h"
#include "tools/agentctl/ctl.h"
#include "tools/agentctl/print.h"

/* fsck reads the whole store. */
#define FSCK_TIMEOUT_MS 600000

// clang-format off

static const struct ctl_param scale_args[] = {
    {"N", 0, "count", CTL_NUMBER, true, NULL, "how many workers there shall be"},
    {.name = NULL}};
static const struct ctl_param restart_args[] = {
    {"WORKER", 0, "worker", CTL_NUMBER, false, NULL, "only this one; by default all, one after the other"},
    {.name = NULL}};
static const struct ctl_param watch_flags[] = {
    {"topic", 0, "topic", CTL_TEXT, false, "T",      "only events of this type; job. for all that begin so"},
    {"since", 0, "since", CTL_TEXT, false, "CURSOR", "begin behind this event; by default with the next one"},
    {.name = NULL}};
static const struct ctl_param audit_flags[] = {
    {"action", 0, "action", CTL_TEXT,   false, "A",      "only this operation; job. for all that begin so"},
    {"who",    0, "who",    CTL_TEXT,   false, "W",      "only acts of this one: uid:1000, or user:uid:1000"},
    {"since",  0, "since",  CTL_TIME,   false, "T",      "only acts from this time on, such as -2h"},
    {"limit",  0, "limit",  CTL_NUMBER, false, "N",      "at most so many (100)"},
    {"after",  0, "after",  CTL_TEXT,   false, "CURSOR", "go on behind a page's \"next\""},
    {.name = NULL}};
static const struct ctl_param usage_flags[] = {
    {"agent",    0, "agent",    CTL_TEXT,   false, "A",      "only this agent"},
    {"schedule", 0, "schedule", CTL_TEXT,   false, "S",      "only this schedule"},
    {"since",    0, "since",    CTL_TEXT,   false, "DATE",   "all days from this date on; by default the current day"},
    {"limit",    0, "limit",    CTL_NUMBER, false, "N",      "at most so many (100)"},
    {"after",    0, "after",    CTL_TEXT,   false, "CURSOR", "go on behind a page's \"next\""},
    {.name = NULL}};
static const struct ctl_param reload_flags[] = {
    {"dry-run", 0, "dry_run", CTL_BOOL, false, NULL, "only say what would change"},
    {.name = NULL}};
static const struct ctl_param help_args[] = {
    {"NOUN", 0, NULL, CTL_TEXT, false, NULL, "the commands of this noun"},
    {"VERB", 0, NULL, CTL_TEXT, false, NULL, "this command"},
    {.name = NULL}};
static const struct ctl_param help_flags[] = {
    {"man", 0, NULL, CTL_BOOL, false, NULL, "print the manual page (roff)"},
    {.name = NULL}};

static const struct ctl_command commands[] = {
    {.noun = "status", .op = MSG_STATUS, .print = ctl_print_status,
     .help = "the daemon on one screen: workers, queue, caps, next firings, warnings",
     .examples = {"status", "status --json"}},
    {.noun = "daemon", .verb = "status", .op = MSG_STATUS, .run = ctl_run_daemon_status, .print = ctl_print_status,
     .help = "as status; without a daemon it says so, and exits 3",
     .examples = {"daemon status --json"}},
    {.noun = "ping", .op = MSG_PING, .print = ctl_print_pong,
     .help = "whether the daemon answers",
     .examples = {"ping --timeout 1s"}},
    {.noun = "worker", .verb = "list", .op = MSG_WORKER_LIST, .print = ctl_print_workers,
     .help = "workers, and what they run",
     .examples = {"worker list"}},
    {.noun = "worker", .verb = "scale", .op = MSG_WORKER_SCALE, .args = scale_args, .print = ctl_print_scaled,
     .help = "more or fewer workers, until the next reload or start",
     .examples = {"worker scale 4"}},
    {.noun = "worker", .verb = "restart", .op = MSG_WORKER_RESTART, .args = restart_args,
     .print = ctl_print_restarted,
     .help = "replace workers; what they run ends first",
     .examples = {"worker restart", "worker restart 2"}},
    {.noun = "watch", .op = MSG_FEED_READ, .flags = watch_flags, .run = ctl_run_watch, .print = ctl_print_event,
     .help = "events as they happen, one a line",
     .more = "With --json each line is a JSON object. When older events are already gone, a line says so. Interrupted "
             "(Ctrl-C), it prints the cursor to go on from on standard error.",
     .examples = {"watch", "watch --topic job. --json"}},
    {.noun = "fsck", .op = MSG_FSCK, .timeout_ms = FSCK_TIMEOUT_MS, .run = ctl_run_fsck, .print = ctl_print_fsck,
     .help = "recount what the store derives, and check every record",
     .more = "Exits 1 when something is off. What was used beyond reservations of budgets is shown apart.",
     .examples = {"fsck"}},
    {.noun = "reload", .op = MSG_RELOAD, .flags = reload_flags, .print = ctl_print_reload,
     .help = "read the configuration again, and apply it as a whole or not at all",
     .examples = {"reload --dry-run", "reload"}},
    {.noun = "audit", .op = MSG_AUDIT_LIST, .flags = audit_flags, .run = ctl_run_list, .print = ctl_print_audit,
     .help = "who did what: administrative acts, the newest first",
     .examples = {"audit --since 2026-11-20T00:00:00Z", "audit --action schedule. --who uid:1000"}},
    {.noun = "usage", .op = MSG_USAGE, .flags = usage_flags, .run = ctl_run_list, .print = ctl_print_usage,
     .help = "what companies, agents and schedules used on their days, of their daily limits",
     .more = "CHARGED is what was used within reservations, RESERVED what running jobs may still use, OVERSHOOT what "
             "was used beyond; LIMIT is the one in force now. A date is one of the scope's own zone. EARNED and "
             "TICKETS are rewards of the tickets that an agent has done.",
     .examples = {"usage", "usage --company acme --since 2026-11-01", "usage --agent acme/anna --json"}},
    {.noun = "clock", .verb = "accept", .op = MSG_CLOCK_ACCEPT, .print = ctl_print_clock,
     .help = "take the wall clock as right, though the kernel does not say so yet",
     .examples = {"clock accept"}},
    {.noun = "completion", .verb = "bash", .run = ctl_run_completion,
     .help = "print the completion for bash",
     .examples = {"completion bash > /etc/bash_completion.d/agentctl"}},
    {.noun = "version", .run = ctl_run_version,
     .help = "print the version",
     .examples = {"version"}},
    {.noun = "help", .args = help_args, .flags = help_flags, .run = ctl_run_help,
     .help = "help for everything, a noun, or a command",
     .examples = {"help", "help job submit"}},
};

// clang-format on

const struct ctl_commands ctl_daemon_commands = {commands, ARRAY_LEN(commands)};
