#include "tools/gateway/routes.h"

#include <assert.h>
#include <ctype.h>

// clang-format off
/* R(METHOD, pattern, OP, status, summary) */
#define ROUTES(R) \
    R(GET,    "/v1/status",                     STATUS,            200, "How agentd does")                                            \
    R(GET,    "/v1/jobs",                       JOB_LIST,          200, "Jobs, a page at a time")                                     \
    R(POST,   "/v1/jobs",                       JOB_SUBMIT,        202, "Submit a job")                                               \
    R(POST,   "/v1/jobs/batch",                 JOB_SUBMIT_MANY,   202, "Submit many jobs")                                           \
    R(POST,   "/v1/jobs/cancel",                JOB_CANCEL_MANY,   200, "Cancel the jobs that a filter names")                        \
    R(POST,   "/v1/jobs/retry",                 JOB_RETRY_MANY,    200, "Retry the jobs that a filter names")                         \
    R(POST,   "/v1/jobs/purge",                 JOB_PURGE,         200, "Forget the ended jobs that a filter names")                  \
    R(GET,    "/v1/jobs/stats",                 JOB_STATS,         200, "Jobs, counted")                                              \
    R(GET,    "/v1/jobs/{id}",                  JOB_SHOW,          200, "A job")                                                      \
    R(PATCH,  "/v1/jobs/{id}",                  JOB_SET,           200, "Change a job that has not started")                          \
    R(GET,    "/v1/jobs/{id}/why",              JOB_WHY,           200, "Why a job waits, or ended as it did")                        \
    R(GET,    "/v1/jobs/{id}/wait",             JOB_WAIT,          200, "Wait for the end of a job")                                  \
    R(GET,    "/v1/jobs/{id}/logs",             JOB_LOGS,          200, "What a job has logged")                                      \
    R(POST,   "/v1/jobs/{id}/cancel",           JOB_CANCEL,        200, "Cancel a job")                                               \
    R(POST,   "/v1/jobs/{id}/retry",            JOB_RETRY,         202, "Run a failed job again")                                     \
    R(POST,   "/v1/jobs/{id}/stream",           JOB_STREAM,        200, "Say that a person waits for a job")                          \
    R(GET,    "/v1/schedules",                  SCHEDULE_LIST,     200, "Schedules, a page at a time")                                \
    R(POST,   "/v1/schedules",                  SCHEDULE_ADD,      201, "Add a schedule")                                             \
    R(GET,    "/v1/schedules/stats",            SCHEDULE_STATS,    200, "The figures of firings, of all schedules")                   \
    R(GET,    "/v1/schedules/{name}",           SCHEDULE_SHOW,     200, "A schedule")                                                 \
    R(PATCH,  "/v1/schedules/{name}",           SCHEDULE_SET,      200, "Change a schedule")                                          \
    R(DELETE, "/v1/schedules/{name}",           SCHEDULE_REMOVE,   200, "Remove a schedule")                                          \
    R(POST,   "/v1/schedules/{name}/run",       SCHEDULE_RUN,      202, "Fire a schedule now")                                        \
    R(POST,   "/v1/schedules/{name}/backfill",  SCHEDULE_BACKFILL, 202, "Fire a schedule for times that have passed")                 \
    R(POST,   "/v1/schedules/{name}/pause",     SCHEDULE_PAUSE,    200, "Pause a schedule")                                           \
    R(POST,   "/v1/schedules/{name}/resume",    SCHEDULE_RESUME,   200, "Resume a schedule")                                          \
    R(POST,   "/v1/schedules/{name}/promote",   SCHEDULE_PROMOTE,  200, "Let a shadow schedule act")                                  \
    R(GET,    "/v1/schedules/{name}/why",       SCHEDULE_WHY,      200, "Why a schedule does not fire")                               \
    R(GET,    "/v1/schedules/{name}/firings",   SCHEDULE_FIRINGS,  200, "A schedule's firings")                                       \
    R(GET,    "/v1/schedules/{name}/stats",     SCHEDULE_STATS,    200, "The figures of a schedule's firings")                        \
    R(POST,   "/v1/forecast",                   FORECAST,          200, "What the schedules will do")                                 \
    R(GET,    "/v1/sessions",                   SESSION_LIST,      200, "Sessions, a page at a time")                                 \
    R(GET,    "/v1/sessions/{key}",             SESSION_SHOW,      200, "A session")                                                  \
    R(GET,    "/v1/sessions/{key}/why",         SESSION_WHY,       200, "Why a session waits")                                        \
    R(POST,   "/v1/sessions",                   SESSION_OPEN,      201, "Make a session, or open a closed one again")                 \
    R(POST,   "/v1/sessions/{key}/messages",    SESSION_SEND,      202, "Send a person's message to a session")                       \
    R(POST,   "/v1/sessions/{key}/events",      SESSION_EVENT,     202, "Append an event to a session")                               \
    R(GET,    "/v1/sessions/{key}/events",      SESSION_EVENTS,    200, "A session's events")                                         \
    R(POST,   "/v1/sessions/{key}/close",       SESSION_CLOSE,     200, "Close a session")                                            \
    R(POST,   "/v1/sessions/{key}/resume",      SESSION_RESUME,    200, "Go on behind an event that was given up")                    \
    R(POST,   "/v1/sessions/{key}/resend",      SESSION_RESEND,    202, "Send a dead event again")                                    \
    R(GET,    "/v1/timers",                     TIMER_LIST,        200, "A session's timers, a page at a time")                       \
    R(POST,   "/v1/timers",                     TIMER_SET,         201, "Set a timer of a session")                                   \
    R(POST,   "/v1/timers/cancel",              TIMER_CANCEL,      200, "Cancel a timer of a session, or all")                        \
    R(GET,    "/v1/timers/why",                 TIMER_WHY,         200, "Why a timer has not fired")                                  \
    R(GET,    "/v1/effects",                    EFFECT_LIST,       200, "Effects, a page at a time")                                  \
    R(GET,    "/v1/effects/{id}",               EFFECT_SHOW,       200, "An effect")                                                  \
    R(GET,    "/v1/effects/{id}/why",           EFFECT_WHY,        200, "Why an effect waits")                                        \
    R(POST,   "/v1/effects/{id}/ack",           EFFECT_ACK,        200, "Acknowledge a message of a session")                         \
    R(POST,   "/v1/effects/{id}/resolve",       EFFECT_RESOLVE,    200, "Say what became of an effect that may have been sent")       \
    R(POST,   "/v1/effects/resend",             EFFECT_RESEND,     200, "Send one message again, or those that a filter names")       \
    R(GET,    "/v1/companies",                  COMPANY_LIST,      200, "Companies, a page at a time")                                \
    R(GET,    "/v1/companies/{name}",           COMPANY_SHOW,      200, "A company")                                                  \
    R(POST,   "/v1/companies/{name}/pause",     COMPANY_PAUSE,     200, "Pause a company")                                            \
    R(POST,   "/v1/companies/{name}/resume",    COMPANY_RESUME,    200, "Resume a company")                                           \
    R(GET,    "/v1/agents",                     AGENT_LIST,        200, "Agents, a page at a time")                                   \
    R(POST,   "/v1/agents",                     AGENT_ADD,         201, "Add an agent")                                               \
    R(GET,    "/v1/agents/{name}",              AGENT_SHOW,        200, "An agent")                                                   \
    R(PATCH,  "/v1/agents/{name}",              AGENT_SET,         200, "Change an agent")                                            \
    R(DELETE, "/v1/agents/{name}",              AGENT_REMOVE,      200, "Remove an agent")                                            \
    R(GET,    "/v1/agents/{name}/why",          AGENT_WHY,         200, "Why an agent's work waits")                                  \
    R(POST,   "/v1/agents/{name}/wake",         AGENT_WAKE,        202, "Wake an agent, once or again and again")                     \
    R(GET,    "/v1/agents/{name}/activity",     AGENT_ACTIVITY,    200, "What an agent did, the newest first")                        \
    R(POST,   "/v1/agents/{name}/activity",     AGENT_RECORD,      201, "Note that an agent did something")                           \
    R(POST,   "/v1/agents/{name}/pause",        AGENT_PAUSE,       200, "Pause an agent")                                             \
    R(POST,   "/v1/agents/{name}/resume",       AGENT_RESUME,      200, "Resume an agent")                                            \
    R(GET,    "/v1/profiles",                   PROFILE_LIST,      200, "Profiles, a page at a time")                                 \
    R(POST,   "/v1/profiles",                   PROFILE_ADD,       201, "Add a profile")                                              \
    R(GET,    "/v1/profiles/{name}",            PROFILE_SHOW,      200, "A profile")                                                  \
    R(PATCH,  "/v1/profiles/{name}",            PROFILE_SET,       200, "Change a profile")                                           \
    R(DELETE, "/v1/profiles/{name}",            PROFILE_REMOVE,    200, "Remove a profile")                                           \
    R(GET,    "/v1/handlers",                   HANDLER_LIST,      200, "Handlers, a page at a time")                                 \
    R(GET,    "/v1/goals",                      GOAL_LIST,         200, "Goals, a page at a time")                                    \
    R(POST,   "/v1/goals",                      GOAL_ADD,          201, "Add a goal")                                                 \
    R(GET,    "/v1/goals/{id}",                 GOAL_SHOW,         200, "A goal")                                                     \
    R(PATCH,  "/v1/goals/{id}",                 GOAL_SET,          200, "Change a goal")                                              \
    R(DELETE, "/v1/goals/{id}",                 GOAL_REMOVE,       200, "Remove a goal and what is below it")                         \
    R(POST,   "/v1/goals/{id}/decompose",       GOAL_DECOMPOSE,    202, "Make goals below it and wake their agents")                  \
    R(GET,    "/v1/tickets",                    TICKET_LIST,       200, "Tickets, a page at a time")                                  \
    R(POST,   "/v1/tickets",                    TICKET_ADD,        201, "Add a ticket")                                               \
    R(GET,    "/v1/tickets/{id}",               TICKET_SHOW,       200, "A ticket")                                                   \
    R(PATCH,  "/v1/tickets/{id}",               TICKET_SET,        200, "Change a ticket")                                            \
    R(DELETE, "/v1/tickets/{id}",               TICKET_REMOVE,     200, "Remove a ticket and what is below it")                       \
    R(POST,   "/v1/tickets/{id}/assign",        TICKET_ASSIGN,     202, "Assign a ticket and wake the assignee")                      \
    R(POST,   "/v1/routines",                   ROUTINE_ADD,       201, "Add a schedule that makes tickets")                          \
    R(POST,   "/v1/tickets/{ticket}/complete",  ROUTINE_COMPLETE,  200, "A routine's ticket is done")                                 \
    R(GET,    "/v1/approvals",                  APPROVAL_LIST,     200, "What waits for a person")                                    \
    R(POST,   "/v1/approvals/{id}/grant",       APPROVAL_GRANT,    200, "Say yes")                                                    \
    R(POST,   "/v1/approvals/{id}/deny",        APPROVAL_DENY,     200, "Say no")                                                     \
    R(GET,    "/v1/usage",                      USAGE,             200, "What was used on a day")                                     \
    R(GET,    "/v1/workers",                    WORKER_LIST,       200, "Workers")                                                    \
    R(GET,    "/v1/breakers",                   BREAKER_LIST,      200, "Credentials that refuse")                                    \
    R(POST,   "/v1/breakers/{name}/reset",      BREAKER_RESET,     200, "Try a credential again")                                     \
    R(GET,    "/v1/audit",                      AUDIT_LIST,        200, "Who did what")                                               \
    R(POST,   "/v1/stop",                       STOP,              200, "Stop new work, running work or effects")                     \
    R(POST,   "/v1/resume",                     RESUME,            200, "Take back a stop or a drain")                                \
    R(POST,   "/v1/drain",                       DRAIN,             200, "Take nothing new, and finish what runs")
// clang-format on

static const struct route table[] = {
#define R(method, pattern, op, status, summary) \
    {METHOD_##method, pattern, MSG_##op, status, summary},
    ROUTES(R)
#undef R
};

const struct route *
routes(size_t *count)
{
    *count = ARRAY_LEN(table);
    return table;
}

const char *
method_name(enum method m)
{
    static const char *const names[METHOD_COUNT] = {"GET", "POST", "PATCH", "DELETE"};

    return names[m];
}

struct view
route_parameter(const struct route *r)
{
    const char *open = strchr(r->pattern, '{');

    if (!open) return (struct view){0};
    return view_of(open + 1, (size_t)(strchr(open, '}') - open) - 1);
}

const struct field_desc *
route_field(const struct route *r, struct view name)
{
    const struct msg_desc *d = msg_desc(r->op);

    for (size_t i = 0; i < d->nfields; i++) {
        if (view_is(name, d->fields[i].name)) return &d->fields[i];
    }
    return NULL;
}

/* Whether it can stand for the parameter: else the path may mean another route. */
static bool
fits(const struct route *r, struct view value)
{
    const struct field_desc *f = route_field(r, route_parameter(r));
    size_t                   slashes = 0, digits = 0;

    assert(f);
    for (size_t i = 0; i < value.size; i++) {
        slashes += value.data[i] == '/';
        digits += isdigit((unsigned char)value.data[i]) != 0;
    }
    if (f->type == FT_U64) return digits == value.size;
    return f->type == FT_STR || slashes <= 1;
}

/* The size of the pattern's literal part, 0 when the path is none of it. */
static size_t
match(const struct route *r, struct view path, struct view *value)
{
    struct view parameter = route_parameter(r);
    size_t      size = strlen(r->pattern);

    *value = (struct view){0};
    if (parameter.size == 0) return view_is(path, r->pattern) ? SIZE_MAX : 0;
    size_t      before = (size_t)(parameter.data - r->pattern) - 1;
    const char *rest = parameter.data + parameter.size + 1;
    size_t      after = size - (size_t)(rest - r->pattern);
    if (path.size <= before + after || memcmp(path.data, r->pattern, before) != 0 ||
        memcmp(path.data + path.size - after, rest, after) != 0) {
        return 0;
    }
    *value = view_of(path.data + before, path.size - before - after);
    return fits(r, *value) ? before + after : 0;
}

struct route_match
route_find(enum method method, struct view path)
{
    struct route_match found = {0};
    size_t             best = 0;

    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct view value;
        size_t      size = match(&table[i], path, &value);

        if (size == 0) continue;
        found.methods |= 1u << table[i].method;
        if (table[i].method != method || size <= best) continue;
        best = size;
        found.route = &table[i];
        found.value = value;
    }
    return found;
}
