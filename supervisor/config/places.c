#include "supervisor/config/places.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *
variable_find(const char *const *variables, const char *name)
{
    size_t size = strlen(name);

    for (; *variables; variables++) {
        if (strncmp(*variables, name, size) == 0 && (*variables)[size] == '=') {
            return *variables + size + 1;
        }
    }
    return NULL;
}

const char *
variable_get(const char *const *variables, const char *name)
{
    const char *value = variable_find(variables, name);

    return value && *value ? value : NULL;
}

const char *
path_from(struct arena *a, const char *folder, struct view path)
{
    assert(folder[0] == '/');
    if (path.size > 0 && path.data[0] == '/') return arena_printf(a, "%.*s", VIEW_ARG(path));
    while (path.size > 2 && path.data[0] == '.' && path.data[1] == '/')
        path = view_of(path.data + 2, path.size - 2);
    return arena_printf(a, "%s/%.*s", strcmp(folder, "/") == 0 ? "" : folder, VIEW_ARG(path));
}

const char *
path_folder(struct arena *a, const char *path)
{
    const char *slash = strrchr(path, '/');

    assert(slash);
    return slash == path ? "/" : arena_printf(a, "%.*s", (int)(slash - path), path);
}

enum errc
path_current(struct arena *a, const char **out, struct err *e)
{
    FREE_AUTO char *folder = getcwd(NULL, 0);

    if (!folder) return err_errno(e, "cannot tell the working directory");
    *out = arena_printf(a, "%s", folder);
    return E_OK;
}

/* $variable/agentd, else $HOME/fallback/agentd.  XDG's rule: a relative value counts as none. */
static const char *
xdg_folder(struct arena *a, const char *const *variables, const char *variable,
           const char *fallback)
{
    const char *base = variable_get(variables, variable);
    const char *home = variable_get(variables, "HOME");

    if (base && base[0] == '/') return arena_printf(a, "%s/agentd", base);
    if (!fallback || !home || home[0] != '/') return NULL;
    return arena_printf(a, "%s/%s/agentd", home, fallback);
}

const char *
place_of_config(struct arena *a, const char *const *variables, bool is_root)
{
    if (is_root) return "/etc/agentd/agentd.yaml";
    const char *folder = xdg_folder(a, variables, "XDG_CONFIG_HOME", ".config");
    return folder ? arena_printf(a, "%s/agentd.yaml", folder) : NULL;
}

enum errc
place_of_state(struct arena *a, const char *const *variables, bool is_root, const char **out,
               struct err *e)
{
    const char *folder =
        is_root ? "/var/lib/agentd" : xdg_folder(a, variables, "XDG_STATE_HOME", ".local/state");

    if (!folder) {
        err_set(e, E_BAD_REQUEST, "no state folder: neither XDG_STATE_HOME nor HOME is set");
        return err_hint(e, "name one with --state DIR or AGENTD_STATE");
    }
    *out = folder;
    return E_OK;
}

enum errc
place_of_run(struct arena *a, const char *const *variables, bool is_root, const char **out,
             struct err *e)
{
    const char *folder =
        is_root ? "/run/agentd" : xdg_folder(a, variables, "XDG_RUNTIME_DIR", NULL);

    if (!folder) {
        err_set(e, E_BAD_REQUEST, "no run folder: XDG_RUNTIME_DIR is not set");
        return err_hint(e, "name one with --run DIR or AGENTD_RUN");
    }
    *out = folder;
    return E_OK;
}

static enum errc
read_all(int fd, const char *path, size_t max, struct buf *out, struct err *e)
{
    size_t  start = out->size;
    ssize_t n = 1;

    while (n > 0 && out->size - start <= max) {
        buf_reserve(out, 65536);
        n = read(fd, out->data + out->size, 65536);
        if (n < 0 && errno == EINTR) {
            n = 1;
        } else if (n > 0) {
            out->size += (size_t)n;
        }
    }
    return n < 0 ? err_errno(e, "cannot read %s", path) : E_OK;
}

enum errc
file_read(const char *path, size_t max, struct buf *out, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        return err_set(e, E_NOT_FOUND, "%s: no such file", path);
    }
    if (fd < 0) return err_errno(e, "cannot open %s", path);
    enum errc rc = read_all(fd, path, max, out, e);
    close(fd);
    return rc;
}
