#include "tools/agentctl/command.h"
#include "tools/agentctl/ctl.h"
#include "tools/agentctl/print.h"

// clang-format off

static const struct ctl_param company_arg[] = {
    {"NAME", 0, "name", CTL_TEXT, true, NULL, "the company's name"},
    {.name = NULL}};
static const struct ctl_param agent_arg[] = {
    {"NAME", 0, "name", CTL_TEXT, true, NULL, "the agent's name, or company/name"},
    {.name = NULL}};
static const struct ctl_param profile_arg[] = {
    {"NAME", 0, "name", CTL_TEXT, true, NULL, "the profile's name, or company/name"},
    {.name = NULL}};

#define DAILY                                                                                                     \
    {"daily-turns",       0, "daily_turns",       CTL_NUMBER,   false, "N",    "turns on one day, or none"},          \
    {"daily-tokens",      0, "daily_tokens",      CTL_NUMBER,   false, "N",    "tokens on one day, or none"},         \
    {"daily-cost-micros", 0, "daily_cost_micros", CTL_NUMBER,   false, "N",    "cost on one day in millionths, or none"}, \
    {"daily-run",         0, "daily_run_ms",      CTL_DURATION, false, "D",    "time of running on one day"},         \
    {"budget-zone",       0, "budget_zone",       CTL_TEXT,     false, "ZONE", "the time zone whose days these are"}

static const struct ctl_param company_flags[] = {
    {"max-concurrent", 0, "max_concurrent", CTL_NUMBER, false, "N", "jobs of it that run at once, or none for no limit"},
    {"priority-max",   0, "priority_max",   CTL_NUMBER, false, "N", "the highest priority that its submitters may give"},
    {"queue-max",      0, "queue_max",      CTL_NUMBER, false, "N", "its jobs that have not started, or none for no limit"},
    DAILY,
    {.name = NULL}};

static const struct ctl_param agent_flags[] = {
    {"handler",         0, "handler",         CTL_TEXT,   false, "H",    "what its jobs run"},
    {"profile",         0, "profile",         CTL_TEXT,   false, "P",    "the profile whose defaults it takes"},
    {"capabilities",    0, "capabilities",    CTL_NUMBER, false, "N",    "a bit mask, handed to the handler"},
    {"data",            0, "data",            CTL_JSON,   false, "MAP",  "a JSON object, handed to the handler: text, @FILE or -"},
    {"sinks",           0, "sinks",           CTL_JSON,   false, "LIST", "a JSON list of names: where its messages go"},
    {"max-concurrent",  0, "max_concurrent",  CTL_NUMBER, false, "N",    "jobs of it that run at once, or none for no limit"},
    {"allow-self-wake", 0, "allow_self_wake", CTL_BOOL,   false, NULL,   "its effects may wake itself"},
    {"approval",        0, "approval",        CTL_TEXT,   false, "none|schedules|all", "what of its own making waits for a person"},
    DAILY,
    {.name = NULL}};

static const struct ctl_param profile_flags[] = {
    {"handler",            0, "handler",            CTL_TEXT,      false, "H",   "what jobs run that name none"},
    {"max-run",            0, "max_run_ms",         CTL_DURATION,  false, "D",   "stop the handler after this long"},
    {"max-turns",          0, "max_turns",          CTL_NUMBER,    false, "N",   "stop the handler after so many turns, or none"},
    {"max-attempts",       0, "max_attempts",       CTL_NUMBER,    false, "N",   "the first attempt and the retries"},
    {"retry",              0, "retry",              CTL_DURATIONS, false, "D,D", "the waits before each retry; the last one repeats"},
    {"retry-base",         0, "retry_base_ms",      CTL_DURATION,  false, "D",   "the first wait, instead of --retry"},
    {"retry-factor",       0, "retry_factor",       CTL_NUMBER,    false, "N",   "each further wait is longer by this (2)"},
    {"retry-max",          0, "retry_max_ms",       CTL_DURATION,  false, "D",   "the longest wait (24h)"},
    {"token-budget",       0, "token_budget",       CTL_NUMBER,    false, "N",   "tokens of all attempts of a job together"},
    {"cost-budget-micros", 0, "cost_budget_micros", CTL_NUMBER,    false, "N",   "cost of all attempts of a job, in millionths"},
    {.name = NULL}};

static const struct ctl_param pause_flags[] = {
    {"reason", 0, "reason", CTL_TEXT, false, "TEXT", "why, for those who look later"},
    {.name = NULL}};
static const struct ctl_param remove_flags[] = {
    {"cascade", 0, "cascade", CTL_BOOL, false, NULL, "cancel its jobs and remove what belongs to it"},
    {.name = NULL}};
static const struct ctl_param page_flags[] = {
    {"limit", 0, "limit", CTL_NUMBER, false, "N",      "at most so many (100)"},
    {"after", 0, "after", CTL_TEXT,   false, "CURSOR", "go on behind a page's \"next\""},
    {.name = NULL}};

static const struct ctl_command commands[] = {
    {.noun = "company", .verb = "add", .op = MSG_COMPANY_ADD, .args = company_arg, .flags = company_flags,
     .print = ctl_print_company,
     .help = "make a company",
     .examples = {"company add acme --max-concurrent 10"}},
    {.noun = "company", .verb = "set", .op = MSG_COMPANY_SET, .args = company_arg, .flags = company_flags,
     .print = ctl_print_company,
     .help = "change what is given of a company; takes effect at once",
     .examples = {"company set acme --max-concurrent none"}},
    {.noun = "company", .verb = "show", .op = MSG_COMPANY_SHOW, .args = company_arg, .print = ctl_print_company,
     .help = "everything known of a company",
     .examples = {"company show acme"}},
    {.noun = "company", .verb = "pause", .op = MSG_COMPANY_PAUSE, .args = company_arg, .flags = pause_flags,
     .print = ctl_print_company,
     .help = "start nothing of a company; what runs goes on",
     .examples = {"company pause acme --reason 'the invoice is open'"}},
    {.noun = "company", .verb = "resume", .op = MSG_COMPANY_RESUME, .args = company_arg, .print = ctl_print_company,
     .help = "let a paused company start jobs again",
     .examples = {"company resume acme"}},
    {.noun = "company", .verb = "remove", .op = MSG_COMPANY_REMOVE, .args = company_arg, .flags = remove_flags,
     .print = ctl_print_removed,
     .help = "remove a company that was made by company add",
     .examples = {"company remove acme", "company remove acme --cascade"}},
    {.noun = "agent", .verb = "add", .op = MSG_AGENT_ADD, .args = agent_arg, .flags = agent_flags,
     .print = ctl_print_agent,
     .help = "make an agent",
     .examples = {"agent add scout --handler research", "agent add acme/scout --profile fast --data '{\"prompt\":\"hello\"}'"}},
    {.noun = "agent", .verb = "set", .op = MSG_AGENT_SET, .args = agent_arg, .flags = agent_flags,
     .print = ctl_print_agent,
     .help = "change what is given of an agent; takes effect at once",
     .examples = {"agent set scout --max-concurrent 3"}},
    {.noun = "agent", .verb = "pause", .op = MSG_AGENT_PAUSE, .args = agent_arg, .flags = pause_flags,
     .print = ctl_print_agent,
     .help = "start nothing of an agent; what runs goes on",
     .examples = {"agent pause scout --reason 'its prompt is rewritten'"}},
    {.noun = "agent", .verb = "resume", .op = MSG_AGENT_RESUME, .args = agent_arg, .print = ctl_print_agent,
     .help = "let a paused agent start jobs again",
     .examples = {"agent resume scout"}},
    {.noun = "agent", .verb = "remove", .op = MSG_AGENT_REMOVE, .args = agent_arg, .flags = remove_flags,
     .print = ctl_print_removed,
     .help = "remove an agent that was made by agent add",
     .examples = {"agent remove scout", "agent remove acme/scout --cascade"}},
    {.noun = "profile", .verb = "add", .op = MSG_PROFILE_ADD, .args = profile_arg, .flags = profile_flags,
     .print = ctl_print_profile,
     .help = "make a profile: defaults that agents and schedules share",
     .examples = {"profile add fast --max-run 2m --max-turns 10"}},
    {.noun = "profile", .verb = "set", .op = MSG_PROFILE_SET, .args = profile_arg, .flags = profile_flags,
     .print = ctl_print_profile,
     .help = "change what is given of a profile; new jobs take it",
     .examples = {"profile set fast --max-run 5m"}},
    {.noun = "profile", .verb = "show", .op = MSG_PROFILE_SHOW, .args = profile_arg, .print = ctl_print_profile,
     .help = "everything known of a profile",
     .examples = {"profile show fast"}},
    {.noun = "profile", .verb = "list", .op = MSG_PROFILE_LIST, .flags = page_flags, .run = ctl_run_list,
     .print = ctl_print_profiles,
     .help = "all profiles",
     .examples = {"profile list"}},
    {.noun = "profile", .verb = "remove", .op = MSG_PROFILE_REMOVE, .args = profile_arg, .print = ctl_print_removed,
     .help = "remove a profile that nothing takes",
     .examples = {"profile remove fast"}},
};

// clang-format on

const struct ctl_commands ctl_registry_commands = {commands, ARRAY_LEN(commands)};
