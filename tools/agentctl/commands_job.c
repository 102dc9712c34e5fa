#include "tools/agentctl/command.h"
#include "tools/agentctl/ctl.h"
#include "tools/agentctl/print.h"

// clang-format off

#define STATES "scheduled|ready|running|completed|failed|cancelled|expired|parked"

static const struct ctl_param job_id[] = {
    {"ID", 0, "id", CTL_NUMBER, true, NULL, "the job's number"},
    {.name = NULL}};

static const struct ctl_param submit_args[] = {
    {"HANDLER", 0, "handler", CTL_TEXT, false, NULL, "what runs the job; by default the agent's handler"},
    {.name = NULL}};
static const struct ctl_param submit_flags[] = {
    {"agent",        0, "agent",        CTL_TEXT,      false, "A",     "the agent that is woken"},
    {"payload",      0, "payload",      CTL_JSON,      false, "P",     "any JSON value for the handler: text, @FILE or -"},
    {"context",      0, "context",      CTL_JSON,      false, "P",     "a JSON object handed to the handler beside the payload"},
    {"title",        0, "title",        CTL_TEXT,      false, "TEXT",  "a title for people"},
    {"priority",     0, "priority",     CTL_NUMBER,    false, "N",     "0 to 100, higher first; by default the trigger's"},
    {"at",           0, "run_at",       CTL_TIME,      false, "T",     "not before this time"},
    {"in",           0, "delay_ms",     CTL_DURATION,  false, "D",     "not before this long from now"},
    {"unique",       0, "unique_key",   CTL_TEXT,      false, "KEY",   "at most one unfinished job of the company has this key"},
    {"on-conflict",  0, "on_conflict",  CTL_TEXT,      false, "return|reject|replace", "what happens when the key is taken"},
    {"unique-for",   0, "unique_for_ms", CTL_DURATION, false, "D",     "the key is taken for so long, also when the job has ended"},
    {"debounce-key", 0, "debounce_key", CTL_TEXT,      false, "KEY",   "merge into the company's job that waits under this key"},
    {"debounce",     0, "debounce_ms",  CTL_DURATION,  false, "D",     "it starts when so long no other came"},
    {"debounce-max", 0, "debounce_max_ms", CTL_DURATION, false, "D",   "... but after this long in any case"},
    {"max-run",      0, "max_run_ms",   CTL_DURATION,  false, "D",     "stop the handler after this long"},
    {"max-turns",    0, "max_turns",    CTL_NUMBER,    false, "N",     "stop the handler after so many turns, or none"},
    {"max-attempts", 0, "max_attempts", CTL_NUMBER,    false, "N",     "the first attempt and the retries"},
    {"retry",        0, "retry",        CTL_DURATIONS, false, "D,D",   "the waits before each retry; the last one repeats"},
    {"retry-base",   0, "retry_base_ms", CTL_DURATION, false, "D",     "the first wait, instead of --retry; each further one is longer"},
    {"retry-factor", 0, "retry_factor", CTL_NUMBER,    false, "N",     "... so many times (2)"},
    {"retry-max",    0, "retry_max_ms", CTL_DURATION,  false, "D",     "... up to this one (24h)"},
    {"expires",      0, "expires_at",   CTL_TIME,      false, "T",     "give up unless started by then"},
    {"tag",          0, "tags",         CTL_TAG,       false, "K=V",   "a tag; may be repeated"},
    {"trigger",      0, "trigger",      CTL_TEXT,      false, "T",     "what the job is for; manual by default"},
    {"source",       0, "source",       CTL_TEXT,      false, "TEXT",  "where it comes from"},
    {"parent",       0, "parent",       CTL_NUMBER,    false, "ID",    "the job that caused this one"},
    {"goal",         0, "goal",         CTL_NUMBER,    false, "ID",    "the goal it serves"},
    {"ticket",       0, "ticket",       CTL_NUMBER,    false, "ID",    "the ticket it serves"},
    {"token-budget", 0, "token_budget", CTL_NUMBER,    false, "N",     "tokens that all its attempts may use"},
    {"cost-budget",  0, "cost_budget_micros", CTL_NUMBER, false, "N",  "cost that all its attempts may cause, in millionths"},
    {"session",      0, "session",      CTL_TEXT,      false, "KEY",   "as an event of this session, when it is its turn"},
    {"wait",         0, NULL,           CTL_BOOL,      false, NULL,    "wait for its end; exit 4 when it did not complete"},
    {.name = NULL}};

static const struct ctl_param many_args[] = {
    {"FILE", 0, "jobs", CTL_JOBS, true, NULL, "a JSON object per line, or - for standard input"},
    {.name = NULL}};

static const struct ctl_param set_flags[] = {
    {"priority", 0, "priority", CTL_NUMBER, false, "N", "0 to 100, higher first"},
    {"at",       0, "run_at",   CTL_TIME,   false, "T", "not before this time; now for at once"},
    {.name = NULL}};

static const struct ctl_param logs_flags[] = {
    {"follow", 'f', NULL,     CTL_BOOL,   false, NULL, "go on until the job has ended"},
    {"offset", 0,   "offset", CTL_NUMBER, false, "N",  "begin at this byte"},
    {.name = NULL}};

/* Which jobs: of the list, and of what is done to many. */
#define FILTER_FLAGS \
    {"state",    0, "state",    CTL_TEXT,     false, STATES,   "only jobs in this state"}, \
    {"agent",    0, "agent",    CTL_TEXT,     false, "A",      "only jobs of this agent"}, \
    {"handler",  0, "handler",  CTL_TEXT,     false, "H",      "only jobs of this handler"}, \
    {"schedule", 0, "schedule", CTL_TEXT,     false, "S",      "only jobs of this schedule"}, \
    {"session",  0, "session",  CTL_TEXT,     false, "KEY",    "only jobs of this session"}, \
    {"trigger",  0, "trigger",  CTL_TEXT,     false, "T",      "only jobs with this trigger"}, \
    {"tag",      0, "tag",      CTL_TEXT,     false, "K=V",    "only jobs with this tag"}, \
    {"class",    0, "class",    CTL_TEXT,     false, "CLASS",  "only jobs whose last failure is of this class"}, \
    {"quarantined", 0, "quarantined", CTL_BOOL, false, NULL,   "only jobs that took their workers down with them"}, \
    {"due",      0, "due",      CTL_BOOL,     false, NULL,     "only jobs whose time has come and that do not run yet"}, \
    {"retrying", 0, "retrying", CTL_BOOL,     false, NULL,     "only jobs that wait for a retry"}, \
    {"older",    0, "older_ms", CTL_DURATION, false, "D",      "only jobs submitted longer ago than this"}, \
    {"after",    0, "after",    CTL_TEXT,     false, "CURSOR", "go on behind a page's \"next\""}

static const struct ctl_param list_flags[] = {
    FILTER_FLAGS,
    {"limit",    0, "limit",    CTL_NUMBER,   false, "N",      "at most so many (100)"},
    {.name = NULL}};

static const struct ctl_param many_flags[] = {
    FILTER_FLAGS,
    {"limit",    0, "limit",    CTL_NUMBER,   false, "N",      "at most so many; by default all"},
    {"dry-run",  0, "dry_run",  CTL_BOOL,     false, NULL,     "only count them"},
    {.name = NULL}};

static const struct ctl_param retry_many_flags[] = {
    FILTER_FLAGS,
    {"limit",    0, "limit",    CTL_NUMBER,   false, "N",      "at most so many; by default all"},
    {"dry-run",  0, "dry_run",  CTL_BOOL,     false, NULL,     "only count them"},
    {"force",    0, "force",    CTL_BOOL,     false, NULL,     "over the caps"},
    {.name = NULL}};

static const struct ctl_param stream_flags[] = {
    {"off", 0, "active", CTL_OFF, false, NULL, "it does no longer"},
    {.name = NULL}};

static const struct ctl_param retry_flags[] = {
    {"force", 0, "force", CTL_BOOL, false, NULL, "over the caps"},
    {.name = NULL}};

static const struct ctl_command commands[] = {
    {.noun = "job", .verb = "submit", .op = MSG_JOB_SUBMIT, .args = submit_args, .flags = submit_flags,
     .run = ctl_run_submit, .print = ctl_print_submitted,
     .help = "queue a job, and print it",
     .more = "With --session it prints the event, which gets its job later. With --wait it goes on until the job has ended, or --timeout has passed; then it exits 0 when the job "
             "completed, 4 when it ended in another way and 3 when the time was out.",
     .examples = {"job submit echo --payload '{\"text\":\"hello\"}' --wait",
                  "job submit --agent acme/scout --in 10m --unique scout-daily --on-conflict return",
                  "job submit report --at 2026-11-21T09:00:00Z --max-run 30m --tag team=ops"}},
    {.noun = "job", .verb = "submit-many", .op = MSG_JOB_SUBMIT_MANY, .args = many_args,
     .print = ctl_print_job_ids,
     .help = "queue all jobs of a file, or none of them",
     .more = "Each line is a JSON object with the fields of the protocol's job.submit: handler, agent, payload, priority, "
             "run_at (Unix ms), delay_ms, unique_key, tags and so on. At most 1,000 jobs and 2 MiB.",
     .examples = {"job submit-many jobs.jsonl", "job submit-many - < jobs.jsonl"}},
    {.noun = "job", .verb = "show", .op = MSG_JOB_SHOW, .args = job_id, .print = ctl_print_job,
     .help = "everything known of a job, with its attempts",
     .examples = {"job show 42"}},
    {.noun = "job", .verb = "why", .op = MSG_JOB_WHY, .args = job_id, .print = ctl_print_why,
     .help = "why a job does not run, and what would start it",
     .examples = {"job why 42"}},
    {.noun = "job", .verb = "cancel", .op = MSG_JOB_CANCEL, .args = job_id, .print = ctl_print_job,
     .help = "take a job back; a running one is stopped",
     .examples = {"job cancel 42"}},
    {.noun = "job", .verb = "retry", .op = MSG_JOB_RETRY, .args = job_id, .flags = retry_flags, .print = ctl_print_job,
     .help = "run an ended job again, or a waiting one at once",
     .more = "It waits while a cap leaves no room. --force goes over the caps of schedules, company, agent and handler, but "
             "not over slots, a stop or a budget; the audit keeps it.",
     .examples = {"job retry 42", "job retry 42 --force"}},
    {.noun = "job", .verb = "stream", .op = MSG_JOB_STREAM, .args = job_id, .flags = stream_flags, .print = ctl_print_stream,
     .help = "say that a running job answers a person, so that new firings wait a little",
     .more = "While a running job has the mark, schedules that come due are put off by limits.interactive_delay, again "
             "and again up to 5 minutes in all. The mark ends with the job's attempt, however that ends.",
     .examples = {"job stream 42", "job stream 42 --off"}},
    {.noun = "job", .verb = "set", .op = MSG_JOB_SET, .args = job_id, .flags = set_flags, .print = ctl_print_job,
     .help = "change priority or time of a job that has not started",
     .examples = {"job set 42 --priority 90", "job set 42 --at +1h"}},
    {.noun = "job", .verb = "wait", .op = MSG_JOB_WAIT, .args = job_id, .run = ctl_run_wait, .print = ctl_print_job,
     .help = "wait for a job's end, and print it",
     .more = "Without --timeout it waits for as long as the job takes. It exits 0 when the job completed, 4 when it ended "
             "in another way and 3 when the time was out.",
     .examples = {"job wait 42 --timeout 5m"}},
    {.noun = "job", .verb = "logs", .op = MSG_JOB_LOGS, .args = job_id, .flags = logs_flags, .run = ctl_run_logs,
     .help = "what a job's handler has written",
     .examples = {"job logs 42", "job logs -f 42"}},
    {.noun = "job", .verb = "list", .op = MSG_JOB_LIST, .flags = list_flags, .run = ctl_run_list, .print = ctl_print_jobs,
     .help = "jobs, the newest first",
     .examples = {"job list --state failed --limit 20", "job list --session chat/anna --json"}},
    {.noun = "job", .verb = "cancel-many", .op = MSG_JOB_CANCEL_MANY, .flags = many_flags, .run = ctl_run_many,
     .print = ctl_print_many,
     .help = "cancel all jobs that a filter names, and that have not ended",
     .examples = {"job cancel-many --agent scout --dry-run", "job cancel-many --schedule nightly"}},
    {.noun = "job", .verb = "retry-many", .op = MSG_JOB_RETRY_MANY, .flags = retry_many_flags, .run = ctl_run_many,
     .print = ctl_print_many,
     .help = "run again all jobs that a filter names",
     .more = "Without --state only failed jobs are meant. --force is that of job retry.",
     .examples = {"job retry-many --state failed --class timeout --dry-run", "job retry-many --quarantined"}},
    {.noun = "job", .verb = "purge", .op = MSG_JOB_PURGE, .flags = many_flags, .run = ctl_run_many,
     .print = ctl_print_many,
     .help = "remove ended jobs that a filter names, with their attempts, payloads, outputs and logs",
     .examples = {"job purge --state completed --older 7d --dry-run", "job purge --older 30d"}},
    {.noun = "job", .verb = "stats", .op = MSG_JOB_STATS, .print = ctl_print_job_stats,
     .help = "counts by state, rates and delays",
     .examples = {"job stats", "job stats --company acme"}},
};

// clang-format on

const struct ctl_commands ctl_job_commands = {commands, ARRAY_LEN(commands)};
