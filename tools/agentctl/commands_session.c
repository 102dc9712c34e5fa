#include "tools/agentctl/command.h"
#include "tools/agentctl/ctl.h"
#include "tools/agentctl/print.h"

// clang-format off

#define KEY_ARG {"KEY", 0, "key", CTL_TEXT, true, NULL, "the session's key"}
#define AGENT_FLAG \
    {"agent", 0, "agent", CTL_TEXT, false, "A", "who processes its events, when the session is made"}

static const struct ctl_param key_arg[] = {
    KEY_ARG,
    {.name = NULL}};
static const struct ctl_param sessions_flags[] = {
    {"status", 0, "status", CTL_TEXT, false, "open|held|closed", "only sessions with this status"},
    {"limit", 0, "limit", CTL_NUMBER, false, "N",      "at most so many (100)"},
    {"after", 0, "after", CTL_TEXT,   false, "CURSOR", "go on behind a page's \"next\""},
    {.name = NULL}};
static const struct ctl_param send_args[] = {
    KEY_ARG,
    {"TEXT", 0, "content", CTL_TEXT, true, NULL, "what the person says"},
    {.name = NULL}};
static const struct ctl_param send_flags[] = {
    AGENT_FLAG,
    {"metadata", 0, "metadata", CTL_JSON, false, "P", "a JSON object beside the text: text, @FILE or -"},
    {.name = NULL}};
static const struct ctl_param event_args[] = {
    KEY_ARG,
    {"TYPE", 0, "type", CTL_TEXT, true, NULL, "user_message, timer, tool_result, or a name of your own"},
    {.name = NULL}};
static const struct ctl_param event_flags[] = {
    AGENT_FLAG,
    {"payload", 0, "payload", CTL_JSON,   false, "P",  "any JSON value: text, @FILE or -"},
    {"parent",  0, "parent",  CTL_NUMBER, false, "ID", "the job that caused it"},
    {.name = NULL}};
static const struct ctl_param events_flags[] = {
    {"from",  0, "from",  CTL_NUMBER, false, "SEQ",    "begin at this event"},
    {"dead",  0, "dead",  CTL_BOOL,   false, NULL,     "only events that were given up"},
    {"limit", 0, "limit", CTL_NUMBER, false, "N",      "at most so many (100)"},
    {"after", 0, "after", CTL_TEXT,   false, "CURSOR", "go on behind a page's \"next\""},
    {.name = NULL}};
static const struct ctl_param set_args[] = {
    KEY_ARG,
    {"ID", 0, "timer_id", CTL_TEXT, true, NULL, "the timer's id, unique in its session"},
    {.name = NULL}};
static const struct ctl_param set_flags[] = {
    {"at",      0, "fire_at",  CTL_TIME,     false, "T", "when it fires; a time that has passed: at once"},
    {"in",      0, "delay_ms", CTL_DURATION, false, "D", "it fires this long from now"},
    {"payload", 0, "payload",  CTL_JSON,     false, "P", "any JSON value, for its event: text, @FILE or -"},
    AGENT_FLAG,
    {.name = NULL}};
static const struct ctl_param list_args[] = {
    KEY_ARG,
    {"ID", 0, "timer_id", CTL_TEXT, false, NULL, "only this timer"},
    {.name = NULL}};
static const struct ctl_param list_flags[] = {
    {"status", 0, "status", CTL_TEXT,   false, "pending|promoted|cancelled", "only timers of this status"},
    {"limit",  0, "limit",  CTL_NUMBER, false, "N",                          "at most so many (100)"},
    {"after",  0, "after",  CTL_TEXT,   false, "CURSOR",                     "go on behind a page's \"next\""},
    {.name = NULL}};
static const struct ctl_param cancel_args[] = {
    KEY_ARG,
    {"ID", 0, "timer_id", CTL_TEXT, false, NULL, "this timer; without it all that are pending, 1000 at a time"},
    {.name = NULL}};

static const struct ctl_param open_flags[] = {
    AGENT_FLAG,
    {.name = NULL}};
static const struct ctl_param close_flags[] = {
    {"reason", 0, "reason", CTL_TEXT, false, "TEXT", "why, for those who look at it"},
    {.name = NULL}};
static const struct ctl_param resume_flags[] = {
    {"skip", 0, "skip", CTL_BOOL, false, NULL, "leave the event that holds it, and go on with the next"},
    {.name = NULL}};
static const struct ctl_param resend_args[] = {
    KEY_ARG,
    {"SEQ", 0, "seq", CTL_NUMBER, true, NULL, "the number of a dead event"},
    {.name = NULL}};

static const struct ctl_command commands[] = {
    {.noun = "session", .verb = "send", .op = MSG_SESSION_SEND, .args = send_args, .flags = send_flags,
     .print = ctl_print_appended,
     .help = "say something in a session, as a person",
     .more = "The session is made when it is not there.",
     .examples = {"session send chat/42 'Where is my parcel?' --agent desk"}},
    {.noun = "session", .verb = "event", .op = MSG_SESSION_EVENT, .args = event_args, .flags = event_flags,
     .print = ctl_print_appended,
     .help = "append an event to a session",
     .more = "Events of a session are processed in order, one at a time. The session is made when it is not there.",
     .examples = {"session event chat/42 tool_result --payload '{\"ok\":true}'"}},
    {.noun = "session", .verb = "list", .op = MSG_SESSION_LIST, .flags = sessions_flags, .run = ctl_run_list,
     .print = ctl_print_sessions,
     .help = "sessions",
     .examples = {"session list --limit 20", "session list --status held"}},
    {.noun = "session", .verb = "show", .op = MSG_SESSION_SHOW, .args = key_arg, .print = ctl_print_session,
     .help = "a session, with its checkpoint",
     .examples = {"session show chat/42", "session show schedule/nightly"}},
    {.noun = "session", .verb = "events", .op = MSG_SESSION_EVENTS, .args = key_arg, .flags = events_flags,
     .run = ctl_run_list, .print = ctl_print_events,
     .help = "the events of a session, in order",
     .examples = {"session events chat/42 --from 7", "session events chat/42 --dead"}},
    {.noun = "session", .verb = "open", .op = MSG_SESSION_OPEN, .args = key_arg, .flags = open_flags,
     .print = ctl_print_session,
     .help = "make a session, or open a closed one again",
     .examples = {"session open chat/42 --agent desk"}},
    {.noun = "session", .verb = "close", .op = MSG_SESSION_CLOSE, .args = key_arg, .flags = close_flags,
     .print = ctl_print_session,
     .help = "close a session",
     .more = "Its timers and the events that wait are cancelled, its job is stopped; it takes no events until it is opened again.",
     .examples = {"session close chat/42 --reason 'parcel found'"}},
    {.noun = "session", .verb = "resume", .op = MSG_SESSION_RESUME, .args = key_arg, .flags = resume_flags,
     .print = ctl_print_session,
     .help = "let a held session go on: its event is tried again",
     .examples = {"session resume chat/42", "session resume chat/42 --skip"}},
    {.noun = "session", .verb = "resend", .op = MSG_SESSION_RESEND, .args = resend_args,
     .print = ctl_print_appended,
     .help = "append a dead event once more",
     .examples = {"session resend chat/42 7"}},
    {.noun = "session", .verb = "why", .op = MSG_SESSION_WHY, .args = key_arg, .print = ctl_print_why,
     .help = "what a session waits for: its unfinished job",
     .examples = {"session why schedule/nightly"}},
    {.noun = "timer", .verb = "set", .op = MSG_TIMER_SET, .args = set_args, .flags = set_flags,
     .print = ctl_print_timer,
     .help = "set a timer of a session",
     .more = "When it fires, an event of type timer is appended to the session. Set again, it has the new time and payload.",
     .examples = {"timer set chat/42 follow-up --in 2h --payload '{\"about\":\"parcel\"}'",
                  "timer set chat/42 birthday --at 2027-03-01T09:00:00Z --agent desk"}},
    {.noun = "timer", .verb = "list", .op = MSG_TIMER_LIST, .args = list_args, .flags = list_flags,
     .run = ctl_run_list, .print = ctl_print_timers,
     .help = "the timers of a session: those that are pending first, then those that fired, then cancelled ones",
     .examples = {"timer list chat/42", "timer list chat/42 --status pending"}},
    {.noun = "timer", .verb = "cancel", .op = MSG_TIMER_CANCEL, .args = cancel_args,
     .print = ctl_print_timer_cancel,
     .help = "cancel a timer of a session, or all",
     .more = "One that has fired is cancelled too, as long as nothing processes its event: that is void then.",
     .examples = {"timer cancel chat/42 follow-up", "timer cancel chat/42"}},
    {.noun = "timer", .verb = "why", .op = MSG_TIMER_WHY, .args = set_args, .print = ctl_print_why,
     .help = "what a timer waits for, or what became of it",
     .examples = {"timer why chat/42 follow-up"}},
};

// clang-format on

const struct ctl_commands ctl_session_commands = {commands, ARRAY_LEN(commands)};
