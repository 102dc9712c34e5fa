#include "tools/agentctl/command.h"
#include "tools/agentctl/ctl.h"
#include "tools/agentctl/print.h"

// clang-format off

static const struct ctl_param id_arg[] = {
    {"ID", 0, "id", CTL_NUMBER, true, NULL, "its number"}, {.name = NULL}};
static const struct ctl_param title_arg[] = {
    {"TITLE", 0, "title", CTL_TEXT, true, NULL, "a title for people"}, {.name = NULL}};
static const struct ctl_param goal_flags[] = {
    {"parent", 0, "parent", CTL_NUMBER, false, "G", "the goal above it"},
    {"agent",  0, "agent",  CTL_TEXT,   false, "A", "who pursues it"},
    {"data",   0, "data",   CTL_JSON,   false, "JSON", "what the handler is told with it"}, {.name = NULL}};
static const struct ctl_param decompose_flags[] = {
    {"into",  0, "parts", CTL_JSON, true, "JSON", "the parts: a list of {title, agent, payload, data}; text, @FILE or -"},
    {"agent", 0, "agent", CTL_TEXT, false, "A", "of parts that name none"},
    {"priority", 0, "priority", CTL_NUMBER, false, "N", "of the wake-ups, 0 to 100"}, {.name = NULL}};
static const struct ctl_param page_flags[] = {
    {"status", 0, "status", CTL_TEXT, false, "S", "only with this status"},
    {"limit", 0, "limit", CTL_NUMBER, false, "N", "at most so many (100)"},
    {"after", 0, "after", CTL_TEXT, false, "CURSOR", "go on behind a page's \"next\""}, {.name = NULL}};
static const struct ctl_param ticket_flags[] = {
    {"goal",  0, "goal",  CTL_NUMBER, false, "G", "the goal that it serves"},
    {"agent", 0, "agent", CTL_TEXT, false, "A", "assign it at once"},
    {"required", 0, "required", CTL_NUMBER, false, "N", "capabilities that its assignee needs, a bit mask"}, {.name = NULL}};
static const struct ctl_param set_flags[] = {
    {"status", 0, "status", CTL_TEXT, true, "open|in_progress|done|disputed", "its new status"}, {.name = NULL}};
static const struct ctl_param assign_args[] = {
    {"ID", 0, "id", CTL_NUMBER, true, NULL, "the ticket's number"},
    {"AGENT", 0, "agent", CTL_TEXT, true, NULL, "its assignee"}, {.name = NULL}};
static const struct ctl_param name_arg[] = {
    {"NAME", 0, "name", CTL_TEXT, true, NULL, "its name, or company/name"}, {.name = NULL}};
static const struct ctl_param routine_flags[] = {
    {"cron", 0, "cron", CTL_TEXT, false, "EXPR", "a cron expression, in UTC"},
    {"every", 0, "every_ms", CTL_DURATION, false, "D", "an interval, instead of --cron"},
    {"ticket-title", 0, "ticket_title", CTL_TEXT, true, "TEXT", "the title of its tickets"},
    {"assign", 0, "assign", CTL_TEXT, true, "A", "who gets its tickets"},
    {"goal", 0, "goal", CTL_NUMBER, false, "G", "the goal that they serve"}, {.name = NULL}};
static const struct ctl_param complete_arg[] = {
    {"TICKET", 0, "ticket", CTL_NUMBER, true, NULL, "the ticket's number"}, {.name = NULL}};
static const struct ctl_param wake_flags[] = {
    {"payload", 0, "payload", CTL_JSON, false, "P", "any JSON value for the handler: text, @FILE or -"},
    {"every", 0, "every_ms", CTL_DURATION, false, "D", "again and again: makes a schedule"},
    {"cron", 0, "cron", CTL_TEXT, false, "EXPR", "the same at the times of a cron expression"}, {.name = NULL}};

static const struct ctl_command commands[] = {
    {.noun = "goal", .verb = "add", .op = MSG_GOAL_ADD, .args = title_arg, .flags = goal_flags, .print = ctl_print_goal,
     .help = "make a goal", .examples = {"goal add 'Ship it' --agent scout"}},
    {.noun = "goal", .verb = "show", .op = MSG_GOAL_SHOW, .args = id_arg, .print = ctl_print_goal,
     .help = "everything known of a goal", .examples = {"goal show 1"}},
    {.noun = "goal", .verb = "list", .op = MSG_GOAL_LIST, .flags = page_flags, .run = ctl_run_list, .print = ctl_print_goals,
     .help = "goals", .examples = {"goal list"}},
    {.noun = "goal", .verb = "decompose", .op = MSG_GOAL_DECOMPOSE, .args = id_arg, .flags = decompose_flags, .print = ctl_print_parts,
     .help = "make goals below a goal and wake their agents", .examples = {"goal decompose 1 --into '[{\"title\":\"a part\"}]' --agent scout"}},
    {.noun = "ticket", .verb = "add", .op = MSG_TICKET_ADD, .args = title_arg, .flags = ticket_flags, .print = ctl_print_ticket,
     .help = "make a ticket", .examples = {"ticket add 'Fix it' --goal 1 --agent scout"}},
    {.noun = "ticket", .verb = "set", .op = MSG_TICKET_SET, .args = id_arg, .flags = set_flags, .print = ctl_print_ticket,
     .help = "change a ticket's status", .examples = {"ticket set 1 --status done"}},
    {.noun = "ticket", .verb = "show", .op = MSG_TICKET_SHOW, .args = id_arg, .print = ctl_print_ticket,
     .help = "everything known of a ticket", .examples = {"ticket show 1"}},
    {.noun = "ticket", .verb = "list", .op = MSG_TICKET_LIST, .flags = page_flags, .run = ctl_run_list, .print = ctl_print_tickets,
     .help = "tickets", .examples = {"ticket list --status open"}},
    {.noun = "ticket", .verb = "assign", .op = MSG_TICKET_ASSIGN, .args = assign_args, .print = ctl_print_ticket,
     .help = "assign a ticket to an agent, and wake it", .examples = {"ticket assign 1 scout"}},
    {.noun = "routine", .verb = "add", .op = MSG_ROUTINE_ADD, .args = name_arg, .flags = routine_flags, .print = ctl_print_schedule,
     .help = "make a schedule whose firings make tickets", .examples = {"routine add daily --cron '0 9 * * *' --ticket-title Report --assign scout"}},
    {.noun = "routine", .verb = "complete", .op = MSG_ROUTINE_COMPLETE, .args = complete_arg, .print = ctl_print_job,
     .help = "a routine's ticket is done: wake its assignee", .examples = {"routine complete 1"}},
    {.noun = "agent", .verb = "wake", .op = MSG_AGENT_WAKE, .args = name_arg, .flags = wake_flags, .print = ctl_print_job,
     .help = "wake an agent", .examples = {"agent wake scout --payload '{\"look\":\"at this\"}'"}},
};

// clang-format on

const struct ctl_commands ctl_goal_commands = {commands, ARRAY_LEN(commands)};
