#include "supervisor/config/config.h"

#include "common/mp.h"
#include "supervisor/config/declared.h"
#include "supervisor/config/declared_sink.h"
#include "supervisor/config/keys.h"
#include "supervisor/config/places.h"
#include "supervisor/config/settings.h"
#include <assert.h>
#include <string.h>

/* One load, from its start to its end. */
struct load {
    const struct config_sources *src;
    struct config                config; /* what it makes */
    struct arena                 arena;  /* of what is gone afterwards: the file's tree */
    const char                  *folder; /* the working directory */
    const char                  *file_folder;
    const struct yaml           *root;
    struct declared              declared;
    struct settings              settings;
};

/* ---- the file -------------------------------------------------------------- */

/* The file to read; *is_needed is false when nobody asked for it.  NULL: there is no place. */
static const char *
choose_file(struct load *l, bool *is_needed)
{
    const char *named = l->src->path;

    if (!named) named = variable_get(l->src->environ, "AGENTD_CONFIG");
    *is_needed = named != NULL;
    return named ? named : place_of_config(&l->arena, l->src->environ, l->src->is_root);
}

static enum errc
read_file(struct load *l, struct buf *text, const char **name, struct err *e)
{
    bool is_needed;

    *name = choose_file(l, &is_needed);
    l->config.path = "";
    l->file_folder = l->folder;
    if (!*name) return E_OK;
    if (file_read(*name, YAML_BYTES_MAX, text, e)) {
        if (e->code == E_NOT_FOUND && !is_needed) return E_OK;
        return e->code;
    }
    l->config.path = path_from(&l->config.arena, l->folder, view_str(*name));
    l->file_folder = path_folder(&l->arena, l->config.path);
    return E_OK;
}

static bool
is_section(struct view key, struct suggest *near)
{
    bool        found = false;
    const char *name;

    for (enum declared_kind k = 0; k < DECLARED_KINDS; k++) {
        suggest_offer(near, view_str(declared_section(k)));
        found = found || view_is(key, declared_section(k));
    }
    for (size_t i = 0; (name = settings_section(i)); i++) {
        suggest_offer(near, view_str(name));
        found = found || view_is(key, name);
    }
    return found;
}

static enum errc
check_sections(const struct yaml *root, struct err *e)
{
    for (const struct yaml *n = root->first; n; n = n->next) {
        struct suggest near = suggest_for(n->key);

        if (!is_section(n->key, &near)) return key_refuse(n, view_of(NULL, 0), &near, e);
    }
    return E_OK;
}

static enum errc
take_file_settings(struct load *l, struct err *e)
{
    const char *name;

    for (size_t i = 0; (name = settings_section(i)); i++) {
        const struct yaml *section = yaml_get(l->root, name);

        if (section && settings_from_file(&l->settings, section, l->file_folder, e)) {
            return e->code;
        }
    }
    return E_OK;
}

static enum errc
take_sources(struct load *l, struct buf *warnings, struct err *e)
{
    settings_init(&l->settings, &l->config, &l->declared, l->folder, warnings);
    if (take_file_settings(l, e)) return e->code;
    settings_from_environment(&l->settings, l->src->environ);
    for (size_t i = 0; i < l->src->nsets; i++) {
        if (settings_from_set(&l->settings, l->src->sets[i], e)) return e->code;
    }
    return settings_finish(&l->settings, e);
}

/* ---- folders --------------------------------------------------------------- */

/* What the command line or a variable of its own says beats the setting, but for --set, which is on
 * the command line too. */
static const char *
choose_folder(const struct load *l, const char *option, const struct setting *s,
              const char *variable)
{
    size_t count;
    bool   is_set = l->settings.source[s - config_settings(&count)] == FROM_SET;

    if (option) return option;
    return is_set ? NULL : variable_get(l->src->environ, variable);
}

static enum errc
check_length(const char *what, const char *path, const struct setting *s, struct err *e)
{
    if ((int64_t)strlen(path) <= s->high) return E_OK;
    return err_set(e, E_BAD_REQUEST, "the %s's path is over %d bytes: %.100s...", what,
                   (int)s->high, path);
}

static enum errc
place_state(struct load *l, struct err *e)
{
    const struct setting *s = setting_find(view_str("daemon"), view_str("state_dir"));
    struct config        *c = &l->config;
    const char           *named = choose_folder(l, l->src->state_dir, s, "AGENTD_STATE");

    if (named) c->state_dir = path_from(&c->arena, l->folder, view_str(named));
    if (!c->state_dir[0] &&
        place_of_state(&c->arena, l->src->environ, l->src->is_root, &c->state_dir, e)) {
        return e->code;
    }
    return check_length("state folder", c->state_dir, s, e);
}

/* The run folder's limit leaves room for the sockets' names in a socket address. */
static enum errc
place_run(struct load *l, struct err *e)
{
    const struct setting *s = setting_find(view_str("daemon"), view_str("run_dir"));
    struct config        *c = &l->config;
    const char           *named = choose_folder(l, l->src->run_dir, s, "AGENTD_RUN");

    if (named) c->run_dir = path_from(&c->arena, l->folder, view_str(named));
    if (!c->run_dir[0] &&
        place_of_run(&c->arena, l->src->environ, l->src->is_root, &c->run_dir, e)) {
        return e->code;
    }
    if (check_length("run folder", c->run_dir, s, e)) return e->code;
    if (!c->pid_file[0]) c->pid_file = arena_printf(&c->arena, "%s/agentd.pid", c->run_dir);
    return E_OK;
}

static enum errc
check_sink_paths(struct load *l, struct err *e)
{
    const struct declared_list *sinks = &l->declared.of[DECLARED_SINK];

    for (size_t i = 0; i < sinks->count; i++) {
        if (declared_check_sink_path(&sinks->items[i], &l->config, &l->arena, e)) return e->code;
    }
    return E_OK;
}

/* ---- the engine's part ----------------------------------------------------- */

#define MORE_THAN_FITS \
    "more than fits: %s (%d in all, counting keys and the name of each that is declared)"

static enum errc
pack_kind(struct load *l, enum declared_kind kind, struct view *out, struct err *e)
{
    BUF_AUTO struct buf packed = {0};
    const struct yaml  *section = yaml_get(l->root, declared_section(kind));

    declared_pack(&l->declared, kind, &packed);
    const char *wrong = mp_check_json(buf_view(&packed));
    if (packed.size > WORKER_MESSAGE_MAX) wrong = "over 4 MiB";
    assert(section || !wrong);
    if (wrong) return yaml_refuse_key(section, e, MORE_THAN_FITS, wrong, MP_NODES_MAX);
    *out = arena_copy(&l->arena, buf_view(&packed));
    return E_OK;
}

static enum errc
pack_engine_config(struct load *l, struct err *e)
{
    struct config     *c = &l->config;
    struct msg_config  m = {0};
    struct view *const lists[DECLARED_KINDS] = {
        [DECLARED_COMPANY] = &m.companies,  [DECLARED_AGENT] = &m.agents,
        [DECLARED_HANDLER] = &m.handlers,   [DECLARED_SINK] = &m.sinks,
        [DECLARED_SCHEDULE] = &m.schedules, [DECLARED_PROFILE] = &m.profiles,
    };
    BUF_AUTO struct buf limits = {0};

    for (enum declared_kind k = 0; k < DECLARED_KINDS; k++) {
        if (pack_kind(l, k, lists[k], e)) return e->code;
    }
    msg_pack(msg_desc(MSG_LIMITS), &c->limits, &limits);
    m.limits = buf_view(&limits);
    SET_HAS(&m, config, profiles);
    msg_pack(msg_desc(MSG_CONFIG), &m, &c->engine_config);
    const char *wrong = mp_check(buf_view(&c->engine_config));
    return wrong ? yaml_refuse(l->root, e, MORE_THAN_FITS, wrong, MP_NODES_MAX) : E_OK;
}

/* ---- all ------------------------------------------------------------------- */

static enum errc
load(struct load *l, struct buf *text, struct buf *warnings, struct err *e)
{
    const char *name;

    if (path_current(&l->arena, &l->folder, e)) return e->code;
    if (read_file(l, text, &name, e)) return e->code;
    if (yaml_parse(buf_view(text), name ? name : "", &l->arena, &l->root, e)) return e->code;
    if (check_sections(l->root, e)) return e->code;
    if (declared_read(l->root, l->file_folder, &l->arena, &l->declared, e)) return e->code;
    if (take_sources(l, warnings, e)) return e->code;
    if (place_state(l, e) || place_run(l, e)) return e->code;
    if (check_sink_paths(l, e)) return e->code;
    return pack_engine_config(l, e);
}

enum errc
config_load(const struct config_sources *src, struct config *out, struct buf *warnings,
            struct err *e)
{
    struct load l = {.src = src};
    struct buf  text = {0};

    enum errc rc = load(&l, &text, warnings, e);
    declared_done(&l.declared);
    arena_done(&l.arena);
    buf_done(&text);
    if (rc) {
        config_done(&l.config);
    } else {
        *out = l.config;
    }
    return rc;
}

void
config_done(struct config *c)
{
    buf_done(&c->engine_config);
    arena_done(&c->arena);
    *c = (struct config){0};
}
