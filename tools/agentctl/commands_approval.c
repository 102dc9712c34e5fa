#include "tools/agentctl/command.h"
#include "tools/agentctl/ctl.h"
#include "tools/agentctl/print.h"

// clang-format off

static const struct ctl_param id_arg[] = {
    {"ID", 0, "id", CTL_NUMBER, true, NULL, "the approval's number"},
    {.name = NULL}};
static const struct ctl_param decide_flags[] = {
    {"reason", 0, "reason", CTL_TEXT, false, "TEXT", "why, for those who look later"},
    {.name = NULL}};
static const struct ctl_param list_flags[] = {
    {"status", 0, "status", CTL_TEXT,   false, "pending|granted|denied", "pending by default"},
    {"limit",  0, "limit",  CTL_NUMBER, false, "N",      "at most so many (100)"},
    {"after",  0, "after",  CTL_TEXT,   false, "CURSOR", "go on behind a page's \"next\""},
    {.name = NULL}};

static const struct ctl_command commands[] = {
    {.noun = "approval", .verb = "list", .op = MSG_APPROVAL_LIST, .flags = list_flags, .run = ctl_run_list,
     .print = ctl_print_approvals,
     .help = "schedules and wake-ups that agents ask for, and that wait for a person",
     .examples = {"approval list", "approval list --status denied"}},
    {.noun = "approval", .verb = "grant", .op = MSG_APPROVAL_GRANT, .args = id_arg, .flags = decide_flags,
     .print = ctl_print_approval,
     .help = "let what an agent asked for happen",
     .more = "The rules for what agents make are looked at again; when one forbids it, it goes on waiting.",
     .examples = {"approval grant 3"}},
    {.noun = "approval", .verb = "deny", .op = MSG_APPROVAL_DENY, .args = id_arg, .flags = decide_flags,
     .print = ctl_print_approval,
     .help = "refuse what an agent asked for",
     .examples = {"approval deny 3 --reason 'once a day is enough'"}},
};

// clang-format on

const struct ctl_commands ctl_approval_commands = {commands, ARRAY_LEN(commands)};
