#include "tests/unit/agent_rig.h"

#include "common/json.h"
#include "proto/handler_line.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

char *
agent_rig_path(const struct agent_rig *r, const char *name)
{
    return xasprintf("%s/%s", r->folder, name);
}

void
agent_rig_write(const struct agent_rig *r, const char *name, const char *mode, struct view text)
{
    FREE_AUTO char *path = agent_rig_path(r, name);
    FILE           *f = fopen(path, mode);

    assert_non_null(f);
    assert_int_equal(fwrite(text.data, 1, text.size, f), text.size);
    assert_int_equal(fclose(f), 0);
}

static void
read_file(const struct agent_rig *r, const char *name, struct buf *out)
{
    FREE_AUTO char *path = agent_rig_path(r, name);
    FILE           *f = fopen(path, "re");
    char            block[4096];
    size_t          n;

    assert_non_null(f);
    buf_clear(out);
    while ((n = fread(block, 1, sizeof(block), f)) > 0)
        buf_add(out, block, n);
    assert_int_equal(fclose(f), 0);
}

static void
redirect(const struct agent_rig *r, const char *name, int flags, int as)
{
    FREE_AUTO char *path = agent_rig_path(r, name);
    int             fd = open(path, flags, 0600);

    if (fd < 0 || dup2(fd, as) < 0) _exit(99);
}

void
agent_rig_run_script(struct agent_rig *r, const char *script)
{
    char *argv[] = {"sh", (char *)(uintptr_t)script, NULL};
    char *envp[8] = {r->path_variable};
    pid_t pid = fork();

    if (pid == 0) {
        for (size_t i = 0; i < ARRAY_LEN(r->variables) && r->variables[i][0]; i++)
            envp[i + 1] = r->variables[i];
        redirect(r, "stdin", O_RDONLY, 0);
        redirect(r, "stdout", O_WRONLY | O_CREAT | O_TRUNC, 1);
        redirect(r, "stderr", O_WRONLY | O_CREAT | O_TRUNC, 2);
        execve("/bin/sh", argv, envp);
        _exit(99);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &r->status, 0), pid);
    read_file(r, "stdout", &r->out);
    read_file(r, "stderr", &r->err);
}

static void
put_json(struct buf *out, struct view packed)
{
    struct err e;

    buf_clear(out);
    if (packed.size > 0) assert_int_equal(json_from_mp(packed, out, &e), E_OK);
}

static void
take_line(struct agent_rig *r, struct view text)
{
    BUF_AUTO struct buf scratch = {0};
    struct handler_line line;
    struct err          e;

    if (handler_line_parse(text, &scratch, &line, &e)) fail_msg("%s: %.*s", e.msg, VIEW_ARG(text));
    switch (line.kind) {
    case LINE_TURN: r->turns++; break;
    case LINE_LOG: break;
    case LINE_CHECKPOINT:
        r->checkpoints++;
        put_json(&r->checkpoint, line.value);
        break;
    case LINE_RESULT:
        r->results++;
        r->notify = line.notify;
        buf_clear(&r->message);
        buf_add_view(&r->message, line.text);
        put_json(&r->output, line.value);
        put_json(&r->metadata, line.metadata);
        break;
    default: fail_msg("no such line was expected: %.*s", VIEW_ARG(text));
    }
}

static void
take_lines(struct agent_rig *r)
{
    struct view rest = buf_view(&r->out);

    r->turns = r->results = r->checkpoints = 0;
    r->notify = false;
    while (rest.size > 0) {
        const char *end = memchr(rest.data, '\n', rest.size);

        assert_non_null(end);
        take_line(r, view_of(rest.data, (size_t)(end - rest.data)));
        rest = view_of(end + 1, (size_t)(rest.data + rest.size - end - 1));
    }
}

void
agent_rig_run(struct agent_rig *r, const char *script, const char *payload)
{
    FREE_AUTO char *document = xasprintf(
        "{\"v\":1,\"job\":{\"id\":7,\"title\":null},\"agent\":{\"name\":\"a\"},\"why\":[],"
        "\"session\":{\"key\":\"schedule/s\",\"event_seq\":0},\"event\":null,\"checkpoint\":%s,"
        "\"action\":null,\"context\":{},\"budget\":{\"max_turns\":null},\"payload\":%s}\n",
        r->checkpoint.size > 0 ? buf_str(&r->checkpoint) : "null", payload);

    agent_rig_write(r, "stdin", "we", view_str(document));
    agent_rig_run_script(r, script);
    take_lines(r);
}

void
agent_rig_must_complete(struct agent_rig *r, const char *script)
{
    agent_rig_run(r, script, "null");
    if (r->status != 0) fail_msg("status %d: %s", r->status, buf_str(&r->err));
    assert_int_equal(r->turns, 1);
    assert_int_equal(r->results, 1);
}

void
agent_rig_expect_failure(struct agent_rig *r, const char *script, const char *says)
{
    agent_rig_run(r, script, "null");
    assert_true(WIFEXITED(r->status) && WEXITSTATUS(r->status) == 1);
    if (!strstr(buf_str(&r->err), says)) fail_msg("%s", buf_str(&r->err));
    assert_int_equal(r->results, 0);
}

void
agent_rig_set_variable(struct agent_rig *r, size_t index, const char *name, const char *value)
{
    (void)snprintf(r->variables[index], sizeof(r->variables[index]), "%s=%s", name, value);
}

int
agent_rig_new(void **state)
{
    struct agent_rig *r = xcalloc(1, sizeof(*r));

    (void)snprintf(r->folder, sizeof(r->folder), "/tmp/test_agents.XXXXXX");
    assert_non_null(mkdtemp(r->folder));
    (void)snprintf(r->path_variable, sizeof(r->path_variable), "PATH=%s:/usr/bin:/bin", r->folder);
    *state = r;
    return 0;
}

int
agent_rig_end(void **state)
{
    static const char *const names[] = {"stdin", "stdout", "stderr", "df",
                                        "table", "log",    "log.1",  "other"};
    struct agent_rig        *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        FREE_AUTO char *path = agent_rig_path(r, names[i]);
        (void)unlink(path); /* most tests make only some */
    }
    assert_int_equal(rmdir(r->folder), 0);
    struct buf *all[] = {&r->out, &r->err, &r->message, &r->output, &r->metadata, &r->checkpoint};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        buf_done(all[i]);
    free(r);
    return 0;
}
