#include "supervisor/config/declared_check.h"

#include "common/cron.h"
#include "common/mp.h"
#include "common/name.h"
#include "common/quiet.h"
#include "common/tzfile.h"
#include "common/url.h"
#include "supervisor/config/declared_gate.h"
#include "supervisor/config/declared_sink.h"
#include "supervisor/config/keys.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const handler_kinds[] = {"exec", "persistent", "noop", "echo", "sleep", NULL};
static const char *const later_handler_kinds[] = {"http", "plugin", NULL};
static const char *const schedule_types[] = {"schedule", "heartbeat", NULL};
static const char *const overlaps[] = {"skip", "queue_one", "allow", "cancel_running", NULL};
static const char *const misfires[] = {"skip", "latest", "all", NULL};
static const char *const approvals[] = {"none", "schedules", "all", NULL};
static const char *const none[] = {NULL};

static const char *const builtin_handlers[] = {"noop", "echo", "sleep", NULL};

/* What a lease gives to its handler. */
static const char *const lease_variables[] = {"AGENTD_JOB_ID", "AGENTD_ATTEMPT",
                                              "AGENTD_IDEMPOTENCY_KEY", "AGENTD_LEASE", NULL};

enum errc
declared_refuse(const struct declared_object *o, struct err *e, const char *fmt, ...)
{
    char    what[sizeof(e->msg)];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, args); /* a long one is cut */
    va_end(args);
    return o->body->parent->type == YAML_MAP ? yaml_refuse_key(o->body, e, "%s", what)
                                             : yaml_refuse(o->body, e, "%s", what);
}

uint32_t
declared_line(const struct declared_object *o)
{
    return o->body->parent->type == YAML_MAP ? o->body->key_line : o->body->line;
}

enum errc
declared_check_variable(const struct yaml *at, struct view name, struct err *e)
{
    bool is_name =
        name.size > 0 && !memchr(name.data, '=', name.size) && !memchr(name.data, '\0', name.size);

    bool        is_taken = view_is_any(name, lease_variables);
    const char *what = is_taken ? "is set by agentd" : "not a variable's name";

    if (is_name && !is_taken) return E_OK;
    return at->parent->type == YAML_MAP ? yaml_refuse_key(at, e, "%s", what)
                                        : yaml_refuse(at, e, "%s", what);
}

/* ---- an object by itself --------------------------------------------------- */

static enum errc
check_zone(const struct declared_object *o, const char *key, struct err *e)
{
    const struct yaml *at = yaml_get(o->body, key);

    if (!at || at->text.size == 0 || tzfile_has(at->text)) return E_OK;
    yaml_refuse_found(at, e, "there is no such time zone");
    return err_hint(e, "an IANA name like Europe/Berlin, of those in %s", tzfile_folder());
}

/* A ladder is given as steps, or as a base that they are worked out from, and no longest wait below
 * it. */
static enum errc
check_ladder(const struct declared_object *o, int64_t base_ms, int64_t max_ms, struct err *e)
{
    static const char *const of_base[] = {"retry_factor", "retry_max"};
    const struct yaml       *base = yaml_get(o->body, "retry_base");

    if (base && yaml_get(o->body, "retry"))
        return yaml_refuse_key(base, e, "not together with retry");
    for (size_t i = 0; i < ARRAY_LEN(of_base); i++) {
        const struct yaml *n = yaml_get(o->body, of_base[i]);

        if (n && !base) return yaml_refuse_key(n, e, "needs retry_base");
    }
    if (yaml_get(o->body, "retry_max") && max_ms < base_ms)
        return yaml_refuse(yaml_get(o->body, "retry_max"), e, "is less than retry_base");
    return E_OK;
}

static enum errc
check_handler(const struct declared_object *o, struct err *e)
{
    const struct msg_handler *h = &o->msg.handler;
    const struct yaml        *env = HAS(h, handler, env) ? yaml_get(o->body, "env") : NULL;
    bool                      is_persistent = view_is(h->kind, "persistent");
    bool                      is_exec = view_is(h->kind, "exec") || is_persistent;

    if (word_check(yaml_get(o->body, "kind"), handler_kinds, later_handler_kinds, e)) {
        return e->code;
    }
    if (view_is_any(o->name, builtin_handlers)) {
        return declared_refuse(o, e, "%.*s is built in", VIEW_ARG(o->name));
    }
    if (is_exec && !HAS(h, handler, command)) {
        return declared_refuse(o, e, "a handler of kind %.*s needs a command", VIEW_ARG(h->kind));
    }
    if (is_exec && yaml_get(o->body, "command")->count == 0) {
        return yaml_refuse(yaml_get(o->body, "command"), e, "must name a program");
    }
    if (is_exec && yaml_get(o->body, "command")->first->text.size == 0) {
        return yaml_refuse(yaml_get(o->body, "command")->first, e, "must name a program");
    }
    if (!is_exec && HAS(h, handler, command)) {
        return yaml_refuse_key(yaml_get(o->body, "command"), e,
                               "only for handlers of kind exec and persistent");
    }
    if (!is_persistent && HAS(h, handler, jobs_max)) {
        return yaml_refuse_key(yaml_get(o->body, "jobs_max"), e,
                               "only for handlers of kind persistent");
    }
    for (const struct yaml *n = env ? env->first : NULL; n; n = n->next) {
        if (declared_check_variable(n, n->text, e)) return e->code;
    }
    return check_ladder(o, h->retry_base_ms, h->retry_max_ms, e);
}

/* The ticket of a routine has the fields of a `routine`, and somebody to work on it. */
static enum errc
check_ticket(const struct declared_object *o, struct err *e)
{
    const struct msg_schedule *s = &o->msg.schedule;
    const struct yaml         *at = yaml_get(o->body, "ticket");
    struct msg_routine         routine;
    struct err                 why;

    if (!HAS(s, schedule, ticket)) return E_OK;
    if (msg_unpack(msg_desc(MSG_ROUTINE), s->ticket, &routine, &why)) {
        return yaml_refuse(at, e, "%s", why.msg);
    }
    if (HAS(s, schedule, agent)) return E_OK;
    return yaml_refuse_key(at, e, "a routine's ticket needs an agent that it is assigned to");
}

static enum errc
check_pings(const struct declared_object *o, struct err *e)
{
    static const char *const fields[] = {"ping_start", "ping_success", "ping_fail"};

    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        const struct yaml *at = yaml_get(o->body, fields[i]);
        const char        *problem = at && at->text.size ? url_problem(at->text) : NULL;

        if (problem) return yaml_refuse_found(at, e, "%s", problem);
    }
    return E_OK;
}

static enum errc
check_approval(const struct declared_object *o, struct err *e)
{
    if (!HAS(&o->msg.agent, agent, approval)) return E_OK;
    return word_check(yaml_get(o->body, "approval"), approvals, none, e);
}

static enum errc
check_hours(const struct declared_object *o, const char *key, struct view text, struct err *e)
{
    struct quiet q;
    struct err   why;

    if (text.size == 0 || quiet_parse(text, &q, &why) == E_OK) return E_OK;
    return yaml_refuse_found(yaml_get(o->body, key), e, "%s", why.msg);
}

/* When and how its firings come. */
static enum errc
check_policies(const struct declared_object *o, struct err *e)
{
    const struct msg_schedule *s = &o->msg.schedule;

    if (HAS(s, schedule, start_at) && HAS(s, schedule, end_at) && s->end_at <= s->start_at)
        return yaml_refuse_found(yaml_get(o->body, "end_at"), e, "is not after start_at");
    if (HAS(s, schedule, overlap) && word_check(yaml_get(o->body, "overlap"), overlaps, none, e))
        return e->code;
    if (HAS(s, schedule, misfire) && word_check(yaml_get(o->body, "misfire"), misfires, none, e))
        return e->code;
    if (HAS(s, schedule, misfire_max) && !view_is(s->misfire, "all"))
        return yaml_refuse_key(yaml_get(o->body, "misfire_max"), e, "only with misfire: all");
    if (check_hours(o, "quiet_hours", s->quiet_hours, e)) return e->code;
    return check_hours(o, "quiet_sends", s->quiet_sends, e);
}

static enum errc
check_schedule(const struct declared_object *o, struct err *e)
{
    const struct msg_schedule *s = &o->msg.schedule;
    bool                       has_hours = s->quiet_hours.size || s->quiet_sends.size;
    struct cron                cron;
    struct err                 why;

    if (HAS(s, schedule, cron) == HAS(s, schedule, every_ms)) {
        return declared_refuse(o, e, "needs one of cron and every, and not both");
    }
    if (HAS(s, schedule, cron) && cron_parse(s->cron, &cron, &why)) {
        return yaml_refuse_found(yaml_get(o->body, "cron"), e, "not a cron expression: %s",
                                 why.msg);
    }
    if (HAS(s, schedule, tz) && !has_hours &&
        (!HAS(s, schedule, cron) || cron.kind != CRON_FIELDS)) {
        return yaml_refuse_found(
            yaml_get(o->body, "tz"), e,
            "only fields of a cron expression and quiet hours are times of a zone");
    }
    if (check_zone(o, "tz", e) || check_zone(o, "budget_zone", e)) return e->code;
    if (HAS(s, schedule, type) && word_check(yaml_get(o->body, "type"), schedule_types, none, e)) {
        return e->code;
    }
    if (HAS(s, schedule, shadow_runs) && !s->shadow)
        return yaml_refuse_key(yaml_get(o->body, "shadow_runs"), e, "needs shadow: true");
    if (check_policies(o, e)) return e->code;
    if (check_ladder(o, s->retry_base_ms, s->retry_max_ms, e) || check_pings(o, e)) return e->code;
    return check_ticket(o, e);
}

/* A schedule that names no company is of its agent's. */
static enum errc
take_schedule_company(struct declared_object *o, struct err *e)
{
    struct msg_schedule *s = &o->msg.schedule;
    struct view          company = view_of(NULL, 0);
    struct view          name;

    if (HAS(s, schedule, agent) && name_split(s->agent, "agent", &company, &name, e)) {
        return e->code; /* not reached: the codec has split it already */
    }
    if (company.size > 0 && HAS(s, schedule, company) && !view_eq(company, s->company)) {
        return yaml_refuse_found(yaml_get(o->body, "agent"), e, "an agent of another company");
    }
    if (company.size > 0) {
        s->company = company;
        SET_HAS(s, schedule, company);
    }
    o->company = HAS(s, schedule, company) ? s->company : view_str(COMPANY_DEFAULT);
    return E_OK;
}

enum errc
declared_identify(struct declared_object *o, enum declared_kind kind, struct err *e)
{
    const struct msg_agent *agent = &o->msg.agent;

    switch (kind) {
    case DECLARED_COMPANY: o->name = o->msg.company.name; return check_zone(o, "budget_zone", e);
    case DECLARED_AGENT:
        o->name = agent->name;
        o->company = HAS(agent, agent, company) ? agent->company : view_str(COMPANY_DEFAULT);
        return check_zone(o, "budget_zone", e) ? e->code : check_approval(o, e);
    case DECLARED_HANDLER: o->name = o->msg.handler.name; return check_handler(o, e);
    case DECLARED_SINK: o->name = o->msg.sink.name; return declared_check_sink(o, e);
    case DECLARED_SCHEDULE:
        o->name = o->msg.schedule.name;
        if (take_schedule_company(o, e)) return e->code;
        return check_schedule(o, e);
    case DECLARED_PROFILE:
        o->name = o->msg.profile.name;
        o->company = HAS(&o->msg.profile, profile, company) ? o->msg.profile.company
                                                            : view_str(COMPANY_DEFAULT);
        return check_ladder(o, o->msg.profile.retry_base_ms, o->msg.profile.retry_max_ms, e);
    case DECLARED_KINDS: break;
    }
    return E_OK;
}

/* ---- what it refers to ----------------------------------------------------- */

/* Refuses the value with the nearest name that a list declares. */
static enum errc
refuse_reference(const struct yaml *at, const struct declared *d, enum declared_kind kind,
                 const char *what, struct err *e)
{
    struct suggest s = suggest_for(at->text);

    yaml_refuse_found(at, e, "%s", what);
    for (size_t i = 0; i < d->of[kind].count; i++)
        suggest_offer(&s, d->of[kind].items[i].name);
    return suggest_hint(&s, e);
}

static enum errc
check_company(const struct declared *d, const struct declared_object *o, struct err *e)
{
    const struct yaml *at = yaml_get(o->body, "company");
    bool               is_known = view_is(o->company, COMPANY_DEFAULT) ||
                    declared_find(d, DECLARED_COMPANY, view_of(NULL, 0), o->company);

    if (is_known) return E_OK;
    if (!at) at = yaml_get(o->body, "agent"); /* which named it */
    return refuse_reference(at, d, DECLARED_COMPANY, "no such company is declared", e);
}

/* Handlers are those of `default`, for every company. */
bool
declared_has_handler(const struct declared *d, struct view ref)
{
    struct view company, name;
    struct err  e;

    if (name_split(ref, "handler", &company, &name, &e)) return false;
    bool is_shared = company.size == 0 || view_is(company, COMPANY_DEFAULT);
    bool is_known = view_is_any(name, builtin_handlers) ||
                    declared_find(d, DECLARED_HANDLER, view_of(NULL, 0), name);
    return is_shared && is_known;
}

static enum errc
check_handler_ref(const struct declared *d, const struct declared_object *o, struct view ref,
                  struct err *e)
{
    if (declared_has_handler(d, ref)) return E_OK;
    return refuse_reference(yaml_get(o->body, "handler"), d, DECLARED_HANDLER,
                            "no such handler is declared", e);
}

/* A profile of the object's company, else of `default`. */
static enum errc
check_profile_ref(const struct declared *d, const struct declared_object *o, struct view ref,
                  const struct msg_profile **profile, struct err *e)
{
    const struct declared_object *found = NULL;
    struct view                   company, name;

    if (name_split(ref, "profile", &company, &name, e)) return e->code; /* split before */
    if (company.size == 0 || view_eq(company, o->company)) {
        found = declared_find(d, DECLARED_PROFILE, o->company, name);
    }
    if (!found && (company.size == 0 || view_is(company, COMPANY_DEFAULT))) {
        found = declared_find(d, DECLARED_PROFILE, view_str(COMPANY_DEFAULT), name);
    }
    if (!found) {
        return refuse_reference(yaml_get(o->body, "profile"), d, DECLARED_PROFILE,
                                "no such profile is declared in this company", e);
    }
    *profile = &found->msg.profile;
    return E_OK;
}

static enum errc
check_profile(const struct declared *d, const struct declared_object *o, struct err *e)
{
    const struct msg_profile *p = &o->msg.profile;

    if (check_company(d, o, e)) return e->code;
    return HAS(p, profile, handler) ? check_handler_ref(d, o, p->handler, e) : E_OK;
}

bool
declared_has_sink(const struct declared *d, struct view name)
{
    return view_is(name, SINK_GATEWAY) ||
           declared_find(d, DECLARED_SINK, view_of(NULL, 0), name) != NULL;
}

static enum errc
check_agent(const struct declared *d, const struct declared_object *o, struct err *e)
{
    const struct msg_agent   *a = &o->msg.agent;
    const struct yaml        *sinks = HAS(a, agent, sinks) ? yaml_get(o->body, "sinks") : NULL;
    const struct msg_profile *profile;

    if (check_company(d, o, e)) return e->code;
    if (HAS(a, agent, profile) && check_profile_ref(d, o, a->profile, &profile, e)) return e->code;
    if (HAS(a, agent, handler) && check_handler_ref(d, o, a->handler, e)) return e->code;
    if (sinks && sinks->count > SINKS_MAX) {
        return yaml_refuse(sinks, e, "more than %d sinks", SINKS_MAX);
    }
    for (const struct yaml *n = sinks ? sinks->first : NULL; n; n = n->next) {
        if (!declared_has_sink(d, n->text))
            return refuse_reference(n, d, DECLARED_SINK, "no such sink is declared", e);
        if (yaml_is_repeated(n)) return yaml_refuse_found(n, e, "the sink is named twice");
    }
    return E_OK;
}

/* *handler, when it is empty yet, becomes the handler that the profile, if one is named, names. */
static enum errc
check_profile_handler(const struct declared *d, const struct declared_object *o, struct view ref,
                      struct view *handler, struct err *e)
{
    const struct msg_profile *profile;

    if (ref.size == 0) return E_OK;
    if (check_profile_ref(d, o, ref, &profile, e)) return e->code;
    if (handler->size == 0) *handler = profile->handler;
    return E_OK;
}

static enum errc
check_schedule_refs(const struct declared *d, const struct declared_object *o, struct err *e)
{
    const struct msg_schedule    *s = &o->msg.schedule;
    const struct declared_object *agent = NULL;
    struct view                   company, name, handler = s->handler;

    if (check_company(d, o, e)) return e->code;
    if (HAS(s, schedule, agent)) {
        if (name_split(s->agent, "agent", &company, &name, e)) return e->code; /* split before */
        agent = declared_find(d, DECLARED_AGENT, o->company, name);
        if (!agent) {
            return refuse_reference(yaml_get(o->body, "agent"), d, DECLARED_AGENT,
                                    "no such agent is declared in this company", e);
        }
    }
    if (handler.size == 0 && agent) handler = agent->msg.agent.handler;
    if (check_profile_handler(d, o, s->profile, &handler, e)) return e->code;
    if (agent && check_profile_handler(d, agent, agent->msg.agent.profile, &handler, e)) {
        return e->code;
    }
    if (HAS(s, schedule, handler) && check_handler_ref(d, o, s->handler, e)) return e->code;
    if (handler.size == 0) {
        return declared_refuse(o, e, "needs a handler, or an agent that has one");
    }
    return declared_check_gate(d, o, handler, e);
}

enum errc
declared_check(const struct declared *d, struct err *e)
{
    const struct declared_list *profiles = &d->of[DECLARED_PROFILE];
    const struct declared_list *agents = &d->of[DECLARED_AGENT];
    const struct declared_list *schedules = &d->of[DECLARED_SCHEDULE];

    for (size_t i = 0; i < profiles->count; i++) {
        if (check_profile(d, &profiles->items[i], e)) return e->code;
    }
    for (size_t i = 0; i < agents->count; i++) {
        if (check_agent(d, &agents->items[i], e)) return e->code;
    }
    for (size_t i = 0; i < schedules->count; i++) {
        if (check_schedule_refs(d, &schedules->items[i], e)) return e->code;
    }
    return E_OK;
}
