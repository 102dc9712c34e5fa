#include "tools/agentctl/command.h"
#include "tools/agentctl/ctl.h"
#include "tools/agentctl/print.h"

// clang-format off

static const struct ctl_param stop_flags[] = {
    {"scope",  0, "scope",  CTL_TEXT, true,  "SCOPE", "new: nothing starts; running: and what runs is stopped for good (events of sessions that were being processed are dead: session resend); effects: nothing is sent; several with commas"},
    {"reason", 0, "reason", CTL_TEXT, false, "TEXT",  "why, for the feed and the audit"},
    {.name = NULL}};
static const struct ctl_param drain_flags[] = {
    {"reason", 0, "reason", CTL_TEXT, false, "TEXT", "why, for the feed and the audit"},
    {.name = NULL}};

static const struct ctl_param reset_args[] = {
    {"NAME", 0, "name", CTL_TEXT, true, NULL, "a credential, or a handler without one"},
    {.name = NULL}};
static const struct ctl_param list_flags[] = {
    {"limit", 0, "limit", CTL_NUMBER, false, "N",      "at most so many; by default all"},
    {"after", 0, "after", CTL_TEXT,   false, "CURSOR", "one page, behind this cursor (next in the JSON)"},
    {.name = NULL}};

static const struct ctl_command commands[] = {
    {.noun = "stop", .op = MSG_STOP, .flags = stop_flags, .print = ctl_print_stopped,
     .help = "emergency stop: of new starts, of what runs, of effects",
     .more = "It stays in force, over restarts too, until `agentctl resume`. Jobs may be submitted meanwhile; they are held.",
     .examples = {"stop --scope new", "stop --scope running,effects --reason 'wrong prompt'"}},
    {.noun = "resume", .op = MSG_RESUME, .print = ctl_print_resumed,
     .help = "end every stop and the drain",
     .examples = {"resume"}},
    {.noun = "drain", .op = MSG_DRAIN, .flags = drain_flags, .run = ctl_run_drain, .print = ctl_print_drained,
     .help = "let nothing new start, and wait until nothing runs",
     .more = "Without --timeout it waits without end. When jobs still run then it exits 3, and the drain goes on. "
             "`agentctl resume` ends it.",
     .examples = {"drain", "drain --timeout 10m"}},
    {.noun = "breaker", .verb = "list", .op = MSG_BREAKER_LIST, .flags = list_flags, .run = ctl_run_list, .print = ctl_print_breakers,
     .help = "breakers of credentials that were limited or refused",
     .examples = {"breaker list"}},
    {.noun = "breaker", .verb = "reset", .op = MSG_BREAKER_RESET, .args = reset_args, .print = ctl_print_breaker,
     .help = "close a breaker now; what it holds starts",
     .examples = {"breaker reset claude"}},
};

// clang-format on

const struct ctl_commands ctl_brake_commands = {commands, ARRAY_LEN(commands)};
