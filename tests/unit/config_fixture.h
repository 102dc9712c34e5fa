/* config_fixture - loads configurations from texts, for the tests of them. */
#ifndef TESTS_UNIT_CONFIG_FIXTURE_H
#define TESTS_UNIT_CONFIG_FIXTURE_H

#include "supervisor/config/config.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fixture {
    char                  folder[64];
    char                  path[96]; /* of the file, in the folder */
    const char           *variables[8];
    struct config_sources src;
    struct config         config;
    struct buf            warnings;
    struct err            e;
};

static inline int
fixture_new(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));

    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/test_config.XXXXXX");
    assert(mkdtemp(f->folder));
    (void)snprintf(f->path, sizeof(f->path), "%s/c.yaml", f->folder);
    f->src = (struct config_sources){.path = f->path,
                                     .state_dir = "/state",
                                     .run_dir = "/run/here",
                                     .environ = f->variables,
                                     .is_root = true};
    *state = f;
    return 0;
}

static inline int
fixture_end(void **state)
{
    struct fixture *f = *state;

    (void)unlink(f->path); /* some tests write no file */
    assert(rmdir(f->folder) == 0);
    config_done(&f->config);
    buf_done(&f->warnings);
    free(f);
    return 0;
}

static inline void
fixture_write(struct fixture *f, struct view text)
{
    FILE *file = fopen(f->path, "we");

    assert(file && fwrite(text.data, 1, text.size, file) == text.size && fclose(file) == 0);
}

static inline enum errc
fixture_load(struct fixture *f)
{
    struct config loaded;

    buf_clear(&f->warnings);
    f->e = (struct err){0};
    if (config_load(&f->src, &loaded, &f->warnings, &f->e)) return f->e.code;
    config_done(&f->config);
    f->config = loaded;
    return E_OK;
}

static inline enum errc
fixture_load_text(struct fixture *f, const char *text)
{
    fixture_write(f, view_str(text));
    return fixture_load(f);
}

#endif
