#include "tools/agentctl/command.h"
#include "tools/agentctl/ctl.h"
#include "tools/agentctl/print.h"

// clang-format off

static const struct ctl_param goal_id[] = {
    {"GOAL", 0, "id", CTL_NUMBER, true, NULL, "the goal's number"},
    {.name = NULL}};
static const struct ctl_param goal_title[] = {
    {"TITLE", 0, "title", CTL_TEXT, true, NULL, "what is to be reached"},
    {.name = NULL}};
static const struct ctl_param goal_add_flags[] = {
    {"parent", 0, "parent", CTL_NUMBER, false, "GOAL", "the goal that it is a part of"},
    {"agent",  0, "agent",  CTL_TEXT,   false, "A",    "who pursues it"},
    {"data",   0, "data",   CTL_JSON,   false, "P",    "a JSON object handed to those who work for it"},
    {.name = NULL}};
static const struct ctl_param goal_set_flags[] = {
    {"title",  0, "title",  CTL_TEXT,   false, "TEXT", "another title"},
    {"parent", 0, "parent", CTL_NUMBER, false, "GOAL", "another parent; 0 makes it a root"},
    {"agent",  0, "agent",  CTL_TEXT,   false, "A",    "who pursues it"},
    {"status", 0, "status", CTL_TEXT,   false, "open|done|cancelled", "how it stands"},
    {"data",   0, "data",   CTL_JSON,   false, "P",    "a JSON object in place of the old one"},
    {.name = NULL}};
static const struct ctl_param goal_list_flags[] = {
    {"parent", 0, "parent", CTL_NUMBER, false, "GOAL", "only its parts; 0: the roots"},
    {"status", 0, "status", CTL_TEXT,   false, "open|done|cancelled", "only those that stand so"},
    {"limit",  0, "limit",  CTL_NUMBER, false, "N",      "at most so many (100)"},
    {"after",  0, "after",  CTL_TEXT,   false, "CURSOR", "go on behind a page's \"next\""},
    {.name = NULL}};
static const struct ctl_param decompose_flags[] = {
    {"into",     0, "parts",    CTL_JSON,   true,  "P", "a JSON list of {title, agent, payload, data}"},
    {"agent",    0, "agent",    CTL_TEXT,   false, "A", "of the parts that name none; by default the goal's"},
    {"priority", 0, "priority", CTL_NUMBER, false, "N", "of the wake-ups (75)"},
    {.name = NULL}};

static const struct ctl_param remove_flags[] = {
    {"cascade", 0, "cascade", CTL_BOOL, false, NULL, "cancel its jobs; remove what is unfinished below it and its routines, too"},
    {.name = NULL}};
static const struct ctl_param ticket_id[] = {
    {"TICKET", 0, "id", CTL_NUMBER, true, NULL, "the ticket's number"},
    {.name = NULL}};
static const struct ctl_param ticket_title[] = {
    {"TITLE", 0, "title", CTL_TEXT, true, NULL, "what is to be done"},
    {.name = NULL}};
#define TICKET_BODY                                                                                    \
    {"goal",     0, "goal",        CTL_NUMBER, false, "GOAL",   "the goal that it serves; 0: none"},   \
    {"parent",   0, "parent",      CTL_NUMBER, false, "TICKET", "the ticket that it is a part of"},    \
    {"required", 0, "required",    CTL_NUMBER, false, "MASK",   "capabilities that its assignee must have, a bit mask"}, \
    {"reward",   0, "reward",      CTL_NUMBER, false, "N",      "what its assignee earns"},            \
    {"deadline", 0, "deadline_at", CTL_TIME,   false, "T",      "when it must be done"},               \
    {"data",     0, "data",        CTL_JSON,   false, "P",      "a JSON object handed to its assignee"}
static const struct ctl_param ticket_add_flags[] = {
    TICKET_BODY,
    {"assign",   0, "agent",   CTL_TEXT, false, "A", "assign it at once"},
    {"payload",  0, "payload", CTL_JSON, false, "P", "of the wake-up"},
    {.name = NULL}};
static const struct ctl_param ticket_set_flags[] = {
    {"title",    0, "title",   CTL_TEXT, false, "TEXT", "another title"},
    {"status",   0, "status",  CTL_TEXT, false, "open|in_progress|done|disputed", "how it stands"},
    TICKET_BODY,
    {.name = NULL}};
static const struct ctl_param ticket_list_flags[] = {
    {"status", 0, "status", CTL_TEXT,   false, "open|claimed|in_progress|done|disputed", "only those that stand so"},
    {"agent",  0, "agent",  CTL_TEXT,   false, "A",      "only those assigned to this agent"},
    {"goal",   0, "goal",   CTL_NUMBER, false, "GOAL",   "only those of this goal"},
    {"limit",  0, "limit",  CTL_NUMBER, false, "N",      "at most so many (100)"},
    {"after",  0, "after",  CTL_TEXT,   false, "CURSOR", "go on behind a page's \"next\""},
    {.name = NULL}};
static const struct ctl_param assign_args[] = {
    {"TICKET", 0, "id",    CTL_NUMBER, true, NULL, "the ticket's number"},
    {"AGENT",  0, "agent", CTL_TEXT,   true, NULL, "who is to do it"},
    {.name = NULL}};
static const struct ctl_param assign_flags[] = {
    {"payload",  0, "payload",  CTL_JSON,   false, "P", "of the wake-up"},
    {"priority", 0, "priority", CTL_NUMBER, false, "N", "of the wake-up (70)"},
    {.name = NULL}};

static const struct ctl_param routine_name[] = {
    {"NAME", 0, "name", CTL_TEXT, true, NULL, "the routine's name; it is a schedule"},
    {.name = NULL}};
static const struct ctl_param routine_flags[] = {
    {"cron",         0, "cron",         CTL_TEXT,     false, "EXPR", "when: a cron expression"},
    {"tz",           0, "tz",           CTL_TEXT,     false, "ZONE", "where the expression's clock hangs; UTC by default"},
    {"every",        0, "every_ms",     CTL_DURATION, false, "D",    "when: again and again after this long"},
    {"ticket-title", 0, "ticket_title", CTL_TEXT,     true,  "TEXT", "the title of its tickets"},
    {"assign",       0, "assign",       CTL_TEXT,     true,  "A",    "who is to do them"},
    {"goal",         0, "goal",         CTL_NUMBER,   false, "GOAL", "the goal that they serve"},
    {"required",     0, "required",     CTL_NUMBER,   false, "MASK", "capabilities, a bit mask"},
    {"reward",       0, "reward",       CTL_NUMBER,   false, "N",    "what a ticket earns"},
    {"deadline",     0, "deadline_ms",  CTL_DURATION, false, "D",    "how long after its firing a ticket must be done"},
    {"data",         0, "data",         CTL_JSON,     false, "P",    "a JSON object handed to the assignee"},
    {"payload",      0, "payload",      CTL_JSON,     false, "P",    "of the wake-ups"},
    {"max-turns",    0, "max_turns",    CTL_NUMBER,   false, "N",    "stop the handler after so many turns, or none"},
    {.name = NULL}};
static const struct ctl_param complete_args[] = {
    {"TICKET", 0, "ticket", CTL_NUMBER, true, NULL, "the ticket that is done"},
    {.name = NULL}};
static const struct ctl_param complete_flags[] = {
    {"agent",   0, "agent",   CTL_TEXT, false, "A", "who is woken; by default the assignee"},
    {"payload", 0, "payload", CTL_JSON, false, "P", "of the wake-up"},
    {.name = NULL}};

static const struct ctl_param wake_args[] = {
    {"AGENT", 0, "name", CTL_TEXT, true, NULL, "who is woken"},
    {.name = NULL}};
static const struct ctl_param wake_flags[] = {
    {"payload",      0, "payload",         CTL_JSON,     false, "P",    "any JSON value for the handler"},
    {"context",      0, "context",         CTL_JSON,     false, "P",    "a JSON object handed over beside the payload"},
    {"title",        0, "title",           CTL_TEXT,     false, "TEXT", "a title for people"},
    {"priority",     0, "priority",        CTL_NUMBER,   false, "N",    "0 to 100, higher first (80)"},
    {"at",           0, "run_at",          CTL_TIME,     false, "T",    "not before this time"},
    {"in",           0, "delay_ms",        CTL_DURATION, false, "D",    "not before this long from now"},
    {"unique",       0, "unique_key",      CTL_TEXT,     false, "KEY",  "at most one unfinished job of the company has this key"},
    {"on-conflict",  0, "on_conflict",     CTL_TEXT,     false, "return|reject|replace", "what happens when the key is taken"},
    {"unique-for",   0, "unique_for_ms",   CTL_DURATION, false, "D",    "the key is taken for so long, also when the job has ended"},
    {"debounce-key", 0, "debounce_key",    CTL_TEXT,     false, "KEY",  "merge into the waiting job with this key"},
    {"debounce",     0, "debounce_ms",     CTL_DURATION, false, "D",    "start when so long nothing came"},
    {"debounce-max", 0, "debounce_max_ms", CTL_DURATION, false, "D",    "but after this long in any case"},
    {"goal",         0, "goal",            CTL_NUMBER,   false, "GOAL", "the goal it serves"},
    {"ticket",       0, "ticket",          CTL_NUMBER,   false, "TICKET", "the ticket it serves"},
    {"every",        0, "every_ms",        CTL_DURATION, false, "D",    "again and again: a schedule is made"},
    {"cron",         0, "cron",            CTL_TEXT,     false, "EXPR", "again and again: a schedule is made"},
    {"tz",           0, "tz",              CTL_TEXT,     false, "ZONE", "where the expression's clock hangs; UTC by default"},
    {"schedule",     0, "schedule",        CTL_TEXT,     false, "NAME", "the schedule's name; by default wake-AGENT"},
    {.name = NULL}};

static const struct ctl_command commands[] = {
    {.noun = "goal", .verb = "add", .op = MSG_GOAL_ADD, .args = goal_title, .flags = goal_add_flags, .print = ctl_print_goal,
     .help = "set a goal", .examples = {"goal add 'Happy customers'", "goal add 'Answer within a day' --parent 1 --agent support"}},
    {.noun = "goal", .verb = "set", .op = MSG_GOAL_SET, .args = goal_id, .flags = goal_set_flags, .print = ctl_print_goal,
     .help = "change a goal", .examples = {"goal set 2 --status done", "goal set 2 --parent 0"}},
    {.noun = "goal", .verb = "show", .op = MSG_GOAL_SHOW, .args = goal_id, .print = ctl_print_goal,
     .help = "a goal, the way up to its root, its parts and tickets", .examples = {"goal show 2"}},
    {.noun = "goal", .verb = "list", .op = MSG_GOAL_LIST, .flags = goal_list_flags, .run = ctl_run_list, .print = ctl_print_goals,
     .help = "goals", .examples = {"goal list --parent 0", "goal list --status open"}},
    {.noun = "goal", .verb = "decompose", .op = MSG_GOAL_DECOMPOSE, .args = goal_id, .flags = decompose_flags,
     .print = ctl_print_decomposed,
     .help = "make a goal of each part, and wake the agents of the parts",
     .examples = {"goal decompose 1 --into '[{\"title\":\"Read the inbox\",\"agent\":\"support\"}]'"}},
    {.noun = "goal", .verb = "remove", .op = MSG_GOAL_REMOVE, .args = goal_id, .flags = remove_flags, .print = ctl_print_removed,
     .help = "remove a goal with all goals and tickets below it", .examples = {"goal remove 2", "goal remove 2 --cascade"}},
    {.noun = "ticket", .verb = "add", .op = MSG_TICKET_ADD, .args = ticket_title, .flags = ticket_add_flags, .print = ctl_print_ticket,
     .help = "make a ticket; with --assign its assignee is woken", .examples = {"ticket add 'Answer Ms Lee' --goal 2 --assign support --reward 5"}},
    {.noun = "ticket", .verb = "set", .op = MSG_TICKET_SET, .args = ticket_id, .flags = ticket_set_flags, .print = ctl_print_ticket,
     .help = "change a ticket", .examples = {"ticket set 7 --status done"}},
    {.noun = "ticket", .verb = "show", .op = MSG_TICKET_SHOW, .args = ticket_id, .print = ctl_print_ticket,
     .help = "a ticket and what its jobs have used", .examples = {"ticket show 7"}},
    {.noun = "ticket", .verb = "list", .op = MSG_TICKET_LIST, .flags = ticket_list_flags, .run = ctl_run_list, .print = ctl_print_tickets,
     .help = "tickets", .examples = {"ticket list --status open", "ticket list --agent support"}},
    {.noun = "ticket", .verb = "assign", .op = MSG_TICKET_ASSIGN, .args = assign_args, .flags = assign_flags, .print = ctl_print_ticket,
     .help = "give a ticket to an agent, and wake it", .examples = {"ticket assign 7 support"}},
    {.noun = "ticket", .verb = "remove", .op = MSG_TICKET_REMOVE, .args = ticket_id, .flags = remove_flags, .print = ctl_print_removed,
     .help = "remove a ticket with all tickets below it", .examples = {"ticket remove 7", "ticket remove 7 --cascade"}},
    {.noun = "routine", .verb = "add", .op = MSG_ROUTINE_ADD, .args = routine_name, .flags = routine_flags, .print = ctl_print_schedule,
     .help = "a schedule that makes a ticket and wakes its assignee",
     .examples = {"routine add inbox --cron '0 9 * * *' --ticket-title 'Read the inbox' --assign support --goal 2"}},
    {.noun = "routine", .verb = "complete", .op = MSG_ROUTINE_COMPLETE, .args = complete_args, .flags = complete_flags,
     .print = ctl_print_job,
     .help = "a routine's ticket is done: wake its agent with that", .examples = {"routine complete 7"}},
    {.noun = "agent", .verb = "wake", .op = MSG_AGENT_WAKE, .args = wake_args, .flags = wake_flags, .print = ctl_print_woken,
     .help = "wake an agent, now, later, or again and again",
     .examples = {"agent wake support --payload '{\"ask\":\"anything new?\"}'", "agent wake support --every 2h"}},
};

// clang-format on

const struct ctl_commands ctl_goal_commands = {commands, ARRAY_LEN(commands)};
