/* A configuration file, and behind a NUL byte a --set and the value of a variable: what is refused
 * names its place, what is taken passes the engine's own check and reads the same again. */
#include "common/mp.h"
#include "proto/codec.h"
#include "supervisor/config/config.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The part before the next NUL byte, which it takes off. */
static struct view
take_part(struct view *rest)
{
    const char *nul = rest->size > 0 ? memchr(rest->data, '\0', rest->size) : NULL;
    struct view part = *rest;

    if (!nul) {
        *rest = view_of(NULL, 0);
        return part;
    }
    part.size = (size_t)(nul - rest->data);
    *rest = view_of(nul + 1, rest->size - part.size - 1);
    return part;
}

static void
check_list(struct view list, enum msg_id id)
{
    struct list_iter it = list_iter_of(list);
    struct view      item;
    union msg        m;
    struct err       e;

    while (list_next(&it, &item))
        assert(!msg_unpack(msg_desc(id), item, &m, &e));
}

static void
check_taken(const struct config *c)
{
    struct msg_config config;
    struct msg_limits limits;
    struct err        e;

    assert(!mp_check(buf_view(&c->engine_config)));
    assert(!msg_unpack(msg_desc(MSG_CONFIG), buf_view(&c->engine_config), &config, &e));
    assert(!msg_unpack(msg_desc(MSG_LIMITS), config.limits, &limits, &e));
    check_list(config.companies, MSG_COMPANY);
    check_list(config.agents, MSG_AGENT);
    check_list(config.handlers, MSG_HANDLER);
    check_list(config.sinks, MSG_SINK);
    check_list(config.schedules, MSG_SCHEDULE);
    assert(c->workers >= 1 && c->workers * c->slots <= SLOTS_MAX);
    assert(c->state_dir[0] == '/' && c->run_dir[0] == '/' && c->pid_file[0] == '/');
    assert(strlen(c->run_dir) <= 92);
}

static void
check_refused(const struct err *e, const char *path)
{
    size_t size = strlen(path);
    int    line, column, length = 0;

    assert(e->code == E_BAD_REQUEST);
    if (strncmp(e->msg, "--set ", 6) == 0 || strncmp(e->msg, "the ", 4) == 0) return;
    assert(strncmp(e->msg, path, size) == 0);
    assert(sscanf(e->msg + size, ":%d:%d: %n", &line, &column, &length) == 2 && length > 0);
    assert(line >= 1 && column >= 1);
    assert(strncmp(e->msg + size + length, e->field, strlen(e->field)) == 0 ||
           strlen(e->field) > 56);
    for (const char *c = e->msg; *c; c++)
        assert((unsigned char)*c >= 0x20);
}

static void
load(const struct config_sources *src)
{
    struct config       c;
    BUF_AUTO struct buf warnings = {0};
    BUF_AUTO struct buf first = {0};
    struct err          e = {0};

    if (config_load(src, &c, &warnings, &e)) {
        check_refused(&e, src->path);
        return;
    }
    check_taken(&c);
    buf_add_view(&first, buf_view(&c.engine_config));
    config_done(&c);
    assert(!config_load(src, &c, &warnings, &e));
    assert(view_eq(buf_view(&c.engine_config), buf_view(&first)));
    config_done(&c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int      fd = -1;
    struct view     rest = view_of(data, size);
    struct view     text = take_part(&rest);
    FREE_AUTO char *set = view_dup(take_part(&rest));
    FREE_AUTO char *value = view_dup(take_part(&rest));
    FREE_AUTO char *variable = xasprintf("AGENTD_LIMITS_RETRY=%s", value);
    char            path[32];

    if (fd < 0) fd = memfd_create("config", MFD_CLOEXEC);
    assert(fd >= 0 && ftruncate(fd, 0) == 0);
    assert(pwrite(fd, text.data, text.size, 0) == (ssize_t)text.size);
    assert(snprintf(path, sizeof(path), "/proc/self/fd/%d", fd) > 0);
    const char *const     sets[] = {set};
    const char *const     variables[] = {variable, NULL};
    struct config_sources src = {.path = path,
                                 .state_dir = "/s",
                                 .run_dir = "/r",
                                 .sets = sets,
                                 .nsets = set[0] != '\0',
                                 .environ = variables,
                                 .is_root = true};
    load(&src);
    return 0;
}
