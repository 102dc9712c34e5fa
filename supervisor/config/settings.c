#include "supervisor/config/settings.h"

#include "supervisor/config/keys.h"
#include "supervisor/config/places.h"
#include <assert.h>
#include <ctype.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define VARIABLE_MAX 64
#define SHOWN_MAX    48 /* bytes of a value in a message */

static const struct setting *
setting_at(size_t i)
{
    size_t count;

    return config_settings(&count) + i;
}

static size_t
index_of(const struct setting *s)
{
    return (size_t)(s - setting_at(0));
}

static bool
is_first_of_section(size_t i)
{
    size_t first = 0;

    while (strcmp(setting_at(first)->section, setting_at(i)->section) != 0)
        first++;
    return first == i;
}

const char *
settings_section(size_t n)
{
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        if (is_first_of_section(i) && n-- == 0) return setting_at(i)->section;
    }
    return NULL;
}

void
settings_init(struct settings *s, struct config *c, const struct declared *d, const char *folder,
              struct buf *warnings)
{
    *s = (struct settings){
        .target = {c, d},
          .folder = folder, .warnings = warnings
    };
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        bool is_stored =
            setting_store(&s->target, setting_at(i), view_str(setting_at(i)->text), folder);
        assert(is_stored); /* the list's own text */
    }
    c->limits.has = (UINT64_C(1) << msg_limits_BITS) - 1;
    s->config_below = *c;
}

/* ---- the file -------------------------------------------------------------- */

static void
suggest_keys(struct suggest *near, struct view section)
{
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        if (view_is(section, setting_at(i)->section)) {
            suggest_offer(near, view_str(setting_at(i)->key));
        }
    }
}

enum errc
settings_from_file(struct settings *s, const struct yaml *section, const char *folder,
                   struct err *e)
{
    if (section->type != YAML_MAP && section->type != YAML_NULL) {
        return yaml_refuse_found(section, e, "allowed: a map of settings");
    }
    for (const struct yaml *n = section->first; n; n = n->next) {
        const struct setting *setting = setting_find(section->key, n->key);

        if (!setting) {
            struct suggest near = suggest_for(n->key);

            suggest_keys(&near, section->key);
            return key_refuse(n, section->key, &near, e);
        }
        if (setting_read(&s->target, setting, n, folder, e)) return e->code;
        s->source[index_of(setting)] = FROM_FILE;
        s->node[index_of(setting)] = n;
    }
    return E_OK;
}

/* ---- the environment ------------------------------------------------------- */

/* AGENTD_SECTION_KEY; with an empty key the beginning of all of a section. */
static const char *
variable_name(const char *section, const char *key, char *out)
{
    int len = snprintf(out, VARIABLE_MAX, "AGENTD_%s_%s", section, key);

    assert(len > 0 && len < VARIABLE_MAX);
    for (char *c = out; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    return out;
}

static bool
is_setting(struct view variable, struct suggest *near)
{
    char name[VARIABLE_MAX];

    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        variable_name(setting_at(i)->section, setting_at(i)->key, name);
        if (view_is(variable, name)) return true;
        suggest_offer(near, view_str(name));
    }
    return false;
}

static bool
begins_with_section(struct view variable)
{
    const char *section;
    char        prefix[VARIABLE_MAX];

    for (size_t i = 0; (section = settings_section(i)); i++) {
        size_t size = strlen(variable_name(section, "", prefix));

        if (variable.size >= size && memcmp(variable.data, prefix, size) == 0) return true;
    }
    return false;
}

static void
warn_of_unknown(struct settings *s, struct view variable)
{
    struct suggest near = suggest_for(variable);
    char           shown[VARIABLE_MAX];

    if (!begins_with_section(variable) || is_setting(variable, &near)) return;
    buf_printf(s->warnings, "%s: no such setting", printable(variable, shown, sizeof(shown)));
    if (near.best[0]) buf_printf(s->warnings, "; did you mean %s?", near.best);
    buf_add_str(s->warnings, "\n");
}

static void
take_variable(struct settings *s, const struct setting *setting, const char *const *variables)
{
    char        name[VARIABLE_MAX], shown[SHOWN_MAX], allowed[SETTING_ALLOWED_MAX];
    const char *value =
        variable_find(variables, variable_name(setting->section, setting->key, name));

    if (!value) return;
    if (setting_store(&s->target, setting, view_str(value), s->folder)) {
        s->source[index_of(setting)] = FROM_ENVIRONMENT;
        return;
    }
    buf_printf(s->warnings, "%s: ignored: found \"%s\", allowed: %s\n", name,
               printable(view_str(value), shown, sizeof(shown)), setting_allowed(setting, allowed));
}

void
settings_from_environment(struct settings *s, const char *const *variables)
{
    s->config_below = *s->target.config;
    memcpy(s->source_below, s->source, sizeof(s->source));
    for (size_t i = 0; i < SETTINGS_COUNT; i++)
        take_variable(s, setting_at(i), variables);
    for (; *variables; variables++) {
        const char *end = strchr(*variables, '=');

        if (end) warn_of_unknown(s, view_of(*variables, (size_t)(end - *variables)));
    }
}

/* ---- --set ----------------------------------------------------------------- */

static enum errc
refuse_set(struct view name, struct view section, struct view key, struct err *e)
{
    struct suggest near = suggest_for(name);
    char           shown[SHOWN_MAX], full[VARIABLE_MAX];

    printable(name, shown, sizeof(shown));
    if (key_is_of_later(section, key)) {
        return err_set(e, E_BAD_REQUEST, "--set %s: not supported by this version", shown);
    }
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        int len = snprintf(full, sizeof(full), "%s.%s", setting_at(i)->section, setting_at(i)->key);
        assert(len > 0 && (size_t)len < sizeof(full));
        suggest_offer(&near, view_str(full));
    }
    err_set(e, E_BAD_REQUEST, "--set %s: no such setting", shown);
    return suggest_hint(&near, e);
}

enum errc
settings_from_set(struct settings *s, const char *set, struct err *e)
{
    const char *equals = strchr(set, '=');
    const char *dot = strchr(set, '.');
    char        shown[SHOWN_MAX], allowed[SETTING_ALLOWED_MAX];

    if (!equals || !dot || dot > equals) {
        return err_set(e, E_BAD_REQUEST, "--set %s: must be section.key=value",
                       printable(view_str(set), shown, sizeof(shown)));
    }
    struct view           section = view_of(set, (size_t)(dot - set));
    struct view           key = view_of(dot + 1, (size_t)(equals - dot - 1));
    const struct setting *setting = setting_find(section, key);

    if (!setting) return refuse_set(view_of(set, (size_t)(equals - set)), section, key, e);
    if (!setting_store(&s->target, setting, view_str(equals + 1), s->folder)) {
        return err_set(e, E_BAD_REQUEST, "--set %s.%s: found \"%s\", allowed: %s", setting->section,
                       setting->key, printable(view_str(equals + 1), shown, sizeof(shown)),
                       setting_allowed(setting, allowed));
    }
    s->source[index_of(setting)] = FROM_SET;
    return E_OK;
}

/* ---- what two settings must be together ------------------------------------ */

static bool
has_too_many_slots(const struct config *c)
{
    return c->workers * c->slots > SLOTS_MAX; /* 0 workers: as many as there is room for */
}

static bool
has_late_heartbeats(const struct config *c)
{
    return c->heartbeat_interval_ms >= c->limits.heartbeat_timeout_ms;
}

static const struct rule {
    bool (*is_broken)(const struct config *c);
    const char *sentence;
    const char *section;
    const char *keys[2];
} rules[] = {
    {has_too_many_slots,
     "workers.count times workers.slots is over 1024",                         "workers",
     {"slots", "count"}                         },
    {has_late_heartbeats,
     "workers.heartbeat_interval must be less than workers.heartbeat_timeout", "workers",
     {"heartbeat_interval", "heartbeat_timeout"}},
};
_Static_assert(SLOTS_MAX == 1024, "the sentence of the first rule says so");

/* Takes back what the environment said of the setting. */
static void
drop_variable(struct settings *s, const struct setting *setting, const struct rule *rule)
{
    char name[VARIABLE_MAX];

    if (s->source[index_of(setting)] != FROM_ENVIRONMENT) return;
    buf_printf(s->warnings, "%s: ignored: %s\n",
               variable_name(setting->section, setting->key, name), rule->sentence);
    memcpy(setting_member(s->target.config, setting), setting_member(&s->config_below, setting),
           sizeof(int64_t));
    s->source[index_of(setting)] = s->source_below[index_of(setting)];
}

/* At the stronger source of the two. */
static enum errc
refuse_pair(const struct settings *s, const struct setting *a, const struct setting *b,
            const struct rule *rule, struct err *e)
{
    const struct setting *at = s->source[index_of(b)] > s->source[index_of(a)] ? b : a;

    if (s->source[index_of(at)] == FROM_FILE) {
        return yaml_refuse(s->node[index_of(at)], e, "%s", rule->sentence);
    }
    return err_set(e, E_BAD_REQUEST, "--set %s.%s: %s", at->section, at->key, rule->sentence);
}

static enum errc
keep_rule(struct settings *s, const struct rule *rule, struct err *e)
{
    const struct config  *c = s->target.config;
    const struct setting *a = setting_find(view_str(rule->section), view_str(rule->keys[0]));
    const struct setting *b = setting_find(view_str(rule->section), view_str(rule->keys[1]));

    if (rule->is_broken(c)) drop_variable(s, a, rule);
    if (rule->is_broken(c)) drop_variable(s, b, rule);
    return rule->is_broken(c) ? refuse_pair(s, a, b, rule, e) : E_OK;
}

static int64_t
count_cores(void)
{
    cpu_set_t set;
    long      online;

    if (sched_getaffinity(0, sizeof(set), &set) == 0) return CPU_COUNT(&set);
    online = sysconf(_SC_NPROCESSORS_ONLN); /* more cores than the set has bits */
    return online > 0 ? online : 1;
}

/* Who says anything of the gateway wants one, unless "enabled" is said, too. */
static void
choose_gateway(struct settings *s)
{
    const struct setting *enabled = setting_find(view_str("gateway"), view_str("enabled"));

    if (s->source[index_of(enabled)] != FROM_DEFAULT) return;
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        if (strcmp(setting_at(i)->section, "gateway") == 0 && s->source[i] != FROM_DEFAULT) {
            s->target.config->gateway_is_enabled = true;
        }
    }
}

enum errc
settings_finish(struct settings *s, struct err *e)
{
    struct config *c = s->target.config;

    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        if (keep_rule(s, &rules[i], e)) return e->code;
    }
    choose_gateway(s);
    if (c->workers > 0) return E_OK;
    c->workers = count_cores();
    if (c->workers > WORKERS_MAX) c->workers = WORKERS_MAX;
    if (c->workers > SLOTS_MAX / c->slots) c->workers = SLOTS_MAX / c->slots;
    return E_OK;
}
