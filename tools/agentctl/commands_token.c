#include "tools/agentctl/command.h"
#include "tools/agentctl/ctl.h"
#include "tools/agentctl/print.h"

// clang-format off

static const struct ctl_param name_arg[] = {
    {"NAME", 0, "name", CTL_TEXT, true, NULL, "the token's name"},
    {.name = NULL}};
static const struct ctl_param add_flags[] = {
    {"role",    0, "role",    CTL_TEXT,     true,  "view|submit|operator", "what whoever has the token may do"},
    {"session", 0, "session", CTL_TEXT,     false, "KEY", "only the session with this key or, when it ends in /, those below; nothing else"},
    {"expires", 0, NULL,      CTL_DURATION, false, "DUR",    "how long it is good; without it until it is revoked"},
    {.name = NULL}};
static const struct ctl_param list_flags[] = {
    {"limit", 0, "limit", CTL_NUMBER, false, "N",      "at most so many; by default all"},
    {"after", 0, "after", CTL_TEXT,   false, "CURSOR", "one page, behind this cursor (next in the JSON)"},
    {.name = NULL}};

static const struct ctl_command commands[] = {
    {.noun = "token", .verb = "add", .op = MSG_TOKEN_ADD, .args = name_arg, .flags = add_flags, .run = ctl_run_token,
     .print = ctl_print_token,
     .help = "make a token for the gateway, and print its secret",
     .more = "The secret is shown once and nowhere kept; agentd knows its SHA-256. With --company it is of that company only; with --session and without --company, of the company default.",
     .examples = {"token add dashboard --role view", "token add anna --role submit --company acme --session chat/anna --expires 30d"}},
    {.noun = "token", .verb = "list", .op = MSG_TOKEN_LIST, .flags = list_flags, .run = ctl_run_list,
     .print = ctl_print_tokens,
     .help = "tokens of the gateway, without their secrets",
     .examples = {"token list"}},
    {.noun = "token", .verb = "revoke", .op = MSG_TOKEN_REVOKE, .args = name_arg, .print = ctl_print_token,
     .help = "end a token; what is asked with it from now on is refused",
     .examples = {"token revoke anna"}},
};

// clang-format on

const struct ctl_commands ctl_token_commands = {commands, ARRAY_LEN(commands)};
