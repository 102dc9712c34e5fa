#include "tools/agentctl/command.h"
#include "tools/agentctl/ctl.h"
#include "tools/agentctl/print.h"

// clang-format off

static const struct ctl_param page_flags[] = {
    {"limit", 0, "limit", CTL_NUMBER, false, "N",      "at most so many (100)"},
    {"after", 0, "after", CTL_TEXT,   false, "CURSOR", "go on behind a page's \"next\""},
    {.name = NULL}};

static const struct ctl_param agent_arg[] = {
    {"NAME", 0, "name", CTL_TEXT, true, NULL, "the agent's name, or company/name"},
    {.name = NULL}};
static const struct ctl_param record_args[] = {
    {"NAME", 0, "name", CTL_TEXT, true, NULL, "the agent's name, or company/name"},
    {"TYPE", 0, "type", CTL_TEXT, true, NULL, "a name for what it did: post_created, feed_reviewed, ..."},
    {.name = NULL}};
static const struct ctl_param record_flags[] = {
    {"data", 0, "data", CTL_JSON, false, "P", "any JSON value: text, @FILE or -"},
    {.name = NULL}};
static const struct ctl_param activity_flags[] = {
    {"type",  0, "type",  CTL_TEXT,   false, "TYPE",   "only records of this type"},
    {"limit", 0, "limit", CTL_NUMBER, false, "N",      "at most so many (100)"},
    {"after", 0, "after", CTL_TEXT,   false, "CURSOR", "go on behind a page's \"next\""},
    {.name = NULL}};
static const struct ctl_param effect_arg[] = {
    {"ID", 0, "id", CTL_NUMBER, true, NULL, "the effect's number"},
    {.name = NULL}};
static const struct ctl_param effect_flags[] = {
    {"status",  0, "status",  CTL_TEXT,   false,
     "pending|attempting|delivered|failed|unknown|expired|rejected|suppressed", "only effects with this status"},
    {"session", 0, "session", CTL_TEXT,   false, "KEY",    "only effects of this session"},
    {"kind",    0, "kind",    CTL_TEXT,   false, "KIND",   "only effects of this kind: send_message, notify, wake_agent, ..."},
    {"limit",   0, "limit",   CTL_NUMBER, false, "N",      "at most so many (100)"},
    {"after",   0, "after",   CTL_TEXT,   false, "CURSOR", "go on behind a page's \"next\""},
    {.name = NULL}};
static const struct ctl_param resolve_flags[] = {
    {"outcome", 0, "outcome", CTL_TEXT, true,  "delivered|failed", "what became of it"},
    {"reason",  0, "reason",  CTL_TEXT, false, "TEXT",             "how that is known"},
    {.name = NULL}};
static const struct ctl_param resend_arg[] = {
    {"ID", 0, "id", CTL_NUMBER, false, NULL, "the effect's number"},
    {.name = NULL}};
static const struct ctl_param resend_flags[] = {
    {"status",  0, "status",  CTL_TEXT,   false, "failed|expired|suppressed|rejected|pending",
     "all messages with this status; of pending ones those that are put off"},
    {"session", 0, "session", CTL_TEXT,   false, "KEY",    "only those of this session"},
    {"kind",    0, "kind",    CTL_TEXT,   false, "send_message|notify", "only those of this kind"},
    {"after",   0, "after",   CTL_TEXT,   false, "CURSOR", "go on behind a part's \"next\""},
    {"limit",   0, "limit",   CTL_NUMBER, false, "N",      "at most so many; by default all"},
    {"dry-run", 0, "dry_run", CTL_BOOL,   false, NULL,     "only count them"},
    {.name = NULL}};
static const struct ctl_param ack_flags[] = {
    {"session", 0, "session", CTL_TEXT, true, "KEY", "the session that it was sent to"},
    {.name = NULL}};

static const struct ctl_command commands[] = {
    {.noun = "company", .verb = "list", .op = MSG_COMPANY_LIST, .flags = page_flags, .run = ctl_run_list,
     .print = ctl_print_companies,
     .help = "companies, with their jobs by state",
     .examples = {"company list"}},
    {.noun = "agent", .verb = "list", .op = MSG_AGENT_LIST, .flags = page_flags, .run = ctl_run_list,
     .print = ctl_print_agents,
     .help = "agents, and what they work on",
     .examples = {"agent list", "agent list --company acme"}},
    {.noun = "agent", .verb = "show", .op = MSG_AGENT_SHOW, .args = agent_arg, .print = ctl_print_agent,
     .help = "everything known of an agent",
     .examples = {"agent show acme/scout"}},
    {.noun = "agent", .verb = "why", .op = MSG_AGENT_WHY, .args = agent_arg, .print = ctl_print_why,
     .help = "what an agent waits for: its next job, or its next wake-up",
     .examples = {"agent why acme/scout"}},
    {.noun = "agent", .verb = "record", .op = MSG_AGENT_RECORD, .args = record_args, .flags = record_flags,
     .print = ctl_print_activity,
     .help = "note that an agent did something",
     .examples = {"agent record acme/scout post_created --data '{\"post\":17}'"}},
    {.noun = "agent", .verb = "activity", .op = MSG_AGENT_ACTIVITY, .args = agent_arg, .flags = activity_flags,
     .run = ctl_run_list, .print = ctl_print_activities,
     .help = "what an agent did, the newest first",
     .examples = {"agent activity acme/scout", "agent activity acme/scout --type post_created"}},
    {.noun = "handler", .verb = "list", .op = MSG_HANDLER_LIST, .flags = page_flags, .run = ctl_run_list,
     .print = ctl_print_handlers,
     .help = "handlers, with their limits",
     .examples = {"handler list"}},
    {.noun = "effect", .verb = "list", .op = MSG_EFFECT_LIST, .flags = effect_flags, .run = ctl_run_list,
     .print = ctl_print_effects,
     .help = "effects: what jobs have sent, or are to send",
     .examples = {"effect list --status unknown"}},
    {.noun = "effect", .verb = "show", .op = MSG_EFFECT_SHOW, .args = effect_arg, .print = ctl_print_effect,
     .help = "everything known of an effect",
     .examples = {"effect show 7"}},
    {.noun = "effect", .verb = "ack", .op = MSG_EFFECT_ACK, .args = effect_arg, .flags = ack_flags,
     .print = ctl_print_effect,
     .help = "say that a message to the gateway's sink was read; the next one comes",
     .examples = {"effect ack 7 --session chat/anna"}},
    {.noun = "effect", .verb = "resolve", .op = MSG_EFFECT_RESOLVE, .args = effect_arg, .flags = resolve_flags,
     .print = ctl_print_effect,
     .help = "say what became of an effect that may have been sent",
     .examples = {"effect resolve 7 --outcome delivered --reason 'anna has it'"}},
    {.noun = "effect", .verb = "resend", .op = MSG_EFFECT_RESEND, .args = resend_arg, .flags = resend_flags, .run = ctl_run_many,
     .print = ctl_print_many,
     .help = "send messages again that failed, expired, were suppressed or rejected, or release those that are put off",
     .more = "Give one by its ID, or --status. They go over the gates of unasked messages, to the end of their queue.",
     .examples = {"effect resend 7", "effect resend --status expired --session chat/anna --dry-run"}},
    {.noun = "effect", .verb = "why", .op = MSG_EFFECT_WHY, .args = effect_arg, .print = ctl_print_why,
     .help = "why an effect is not sent, and when it will be",
     .examples = {"effect why 7"}},
};

// clang-format on

const struct ctl_commands ctl_object_commands = {commands, ARRAY_LEN(commands)};
