#include "worker/environment.h"

#include "common/mp.h"
#include "proto/codec.h"
#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

static const char *const usual_names[] = {"PATH", "HOME", "LANG",   "LC_ALL",
                                          "TZ",   "USER", "LOGNAME"};

/* What steers agentd, its libraries and its service manager. */
static const char *const withheld[] = {
    "AGENTD_", "ZSYS_",          "NOTIFY_SOCKET", "WATCHDOG_",
    "LISTEN_", "JOURNAL_STREAM", "INVOCATION_ID", "CREDENTIALS_DIRECTORY"};

void
environment_init(struct environment *env, struct arena *arena)
{
    *env = (struct environment){.arena = arena, .cap = 32};
    env->items = xcalloc(env->cap, sizeof(*env->items));
}

void
environment_done(struct environment *env)
{
    free(env->items);
    env->items = NULL;
}

/* The index of the variable; count when there is none. */
static size_t
find(const struct environment *env, struct view name)
{
    size_t i = 0;

    while (i < env->count &&
           !(strncmp(env->items[i], name.data, name.size) == 0 && env->items[i][name.size] == '='))
        i++;
    return i;
}

void
environment_set(struct environment *env, struct view name, struct view value)
{
    size_t at = find(env, name);

    if (at + 1 == env->cap) {
        env->cap *= 2;
        env->items = xrealloc(env->items, env->cap * sizeof(*env->items));
    }
    env->items[at] = arena_printf(env->arena, "%.*s=%.*s", VIEW_ARG(name), VIEW_ARG(value));
    if (at < env->count) return;
    env->count++;
    env->items[env->count] = NULL;
}

const char *
environment_get(const struct environment *env, const char *name)
{
    size_t at = find(env, view_str(name));

    return at < env->count ? env->items[at] + strlen(name) + 1 : NULL;
}

static void
pass(struct environment *env, char *const *own, struct view name)
{
    for (; *own; own++) {
        if (strncmp(*own, name.data, name.size) == 0 && (*own)[name.size] == '=') {
            environment_set(env, name, view_str(*own + name.size + 1));
            return;
        }
    }
}

static bool
is_withheld(struct view name)
{
    for (size_t i = 0; i < ARRAY_LEN(withheld); i++) {
        size_t size = strlen(withheld[i]);

        if (name.size >= size && memcmp(name.data, withheld[i], size) == 0) return true;
    }
    return false;
}

static bool
is_variable_name(struct view v)
{
    return v.size > 0 && !memchr(v.data, '=', v.size) && !memchr(v.data, '\0', v.size);
}

enum errc
environment_pass(struct environment *env, char *const *own, struct view names, struct err *e)
{
    struct list_iter it = list_iter_of(names);
    struct view      item, name;

    for (size_t i = 0; i < ARRAY_LEN(usual_names); i++)
        pass(env, own, view_str(usual_names[i]));
    while (list_next(&it, &item)) {
        struct mp_reader r = mp_reader_of(item);

        if (!mp_read_str(&r, &name) || !is_variable_name(name)) {
            return err_field(e, "env", "must be a list of variable names");
        }
        if (!is_withheld(name)) pass(env, own, name);
    }
    return E_OK;
}

enum errc
environment_set_map(struct environment *env, struct view map, struct err *e)
{
    struct mp_reader r = mp_reader_of(map);
    struct view      name, value;
    uint32_t         pairs;

    if (map.size == 0) return E_OK;
    if (!mp_read_map(&r, &pairs)) return err_field(e, "set_env", "must be an object");
    while (pairs-- > 0) {
        if (!mp_read_str(&r, &name) || !is_variable_name(name)) {
            return err_field(e, "set_env", "has a name that no variable can have");
        }
        if (!mp_read_str(&r, &value) || memchr(value.data, '\0', value.size)) {
            return err_field(e, "set_env", "%.*s must be a string without NUL", VIEW_ARG(name));
        }
        environment_set(env, name, value);
    }
    return E_OK;
}

enum errc
command_unpack(struct arena *arena, struct view list, char ***argv, struct err *e)
{
    struct list_iter it = list_iter_of(list);
    struct view      item, arg;
    char           **out = arena_alloc(arena, (it.left + 1) * sizeof(*out));
    size_t           count = 0;

    while (list_next(&it, &item)) {
        struct mp_reader r = mp_reader_of(item);

        if (!mp_read_str(&r, &arg) || memchr(arg.data, '\0', arg.size)) {
            return err_field(e, "command", "must be a list of strings without NUL");
        }
        out[count++] = arena_printf(arena, "%.*s", VIEW_ARG(arg));
    }
    if (count == 0 || out[0][0] == '\0') {
        return err_field(e, "command", "must name a program");
    }
    out[count] = NULL;
    *argv = out;
    return E_OK;
}

static bool
is_program(const char *file)
{
    struct stat st;

    return stat(file, &st) == 0 && S_ISREG(st.st_mode) && access(file, X_OK) == 0;
}

enum errc
program_find(struct arena *arena, const char *name, const char *path, const char **file,
             struct err *e)
{
    const char *end;

    assert(*name);
    if (strchr(name, '/')) {
        *file = name;
        return E_OK;
    }
    for (const char *p = path ? path : DEFAULT_PATH; *p; p = *end ? end + 1 : end) {
        end = strchrnul(p, ':');
        if (*p != '/') continue;
        const char *candidate = arena_printf(arena, "%.*s/%s", (int)(end - p), p, name);
        if (!is_program(candidate)) continue;
        *file = candidate;
        return E_OK;
    }
    return err_set(e, E_NOT_FOUND, "cannot start %s: no such program in PATH (%s)", name,
                   path ? path : DEFAULT_PATH);
}
