#include "tests/system/fake_agentd.h"

#include "common/clock.h"
#include "common/json.h"
#include "common/mp.h"
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include <cmocka.h>

#define STAGE_WAIT_MS 20000
#define WORDS_MAX     32

extern char **environ;

/* In the folder of the programs, which is that of the tests or above it. */
static const char *
agentctl_program(void)
{
    static char path[PATH_MAX];
    const char *build = getenv("BUILD");
    ssize_t     size;

    if (build) {
        (void)snprintf(path, sizeof(path), "%s/agentctl", build);
        return path;
    }
    size = readlink("/proc/self/exe", path, sizeof(path) - 16);
    assert_true(size > 0);
    path[size] = '\0';
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(path, '/');

        memcpy(slash + 1, "agentctl", sizeof("agentctl"));
        if (access(path, X_OK) == 0) return path;
        *slash = '\0';
    }
    fail_msg("no agentctl beside the test");
    return NULL;
}

/* ---- the socket ------------------------------------------------------------ */

void
stage_open(struct stage *s)
{
    *s = (struct stage){.folder = "/tmp/test_agentctl.XXXXXX", .out = -1, .err = -1};
    assert_non_null(mkdtemp(s->folder));
    (void)snprintf(s->socket, sizeof(s->socket), "%s/agentd.sock", s->folder); /* fits */
}

void
stage_listen(struct stage *s)
{
    FREE_AUTO char *endpoint = xasprintf("ipc://%s", s->socket);
    int             linger = 0;

    s->zmq = zmq_ctx_new();
    s->router = zmq_socket(s->zmq, ZMQ_ROUTER);
    assert_non_null(s->router);
    assert_int_equal(zmq_setsockopt(s->router, ZMQ_LINGER, &linger, sizeof(linger)), 0);
    assert_int_equal(zmq_bind(s->router, endpoint), 0);
}

void
stage_unlisten(struct stage *s)
{
    if (!s->zmq) return;
    /* The end of the context is waited for: only then has its thread removed the socket. */
    assert_int_equal(zmq_close(s->router), 0);
    assert_int_equal(zmq_ctx_term(s->zmq), 0);
    s->zmq = s->router = NULL;
    (void)unlink(s->socket); /* is gone already */
}

static void
close_files(struct stage *s)
{
    if (s->out >= 0) assert_int_equal(close(s->out), 0);
    if (s->err >= 0) assert_int_equal(close(s->err), 0);
    s->out = s->err = -1;
}

void
stage_close(struct stage *s)
{
    if (s->pid > 0) {
        assert_int_equal(kill(s->pid, SIGKILL), 0);
        assert_int_equal(waitpid(s->pid, NULL, 0), s->pid);
    }
    stage_unlisten(s);
    close_files(s);
    buf_done(&s->peer);
    buf_done(&s->frame);
    assert_int_equal(rmdir(s->folder), 0);
}

/* ---- agentctl -------------------------------------------------------------- */

void
stage_exec(struct stage *s, int out, char *const *words)
{
    posix_spawn_file_actions_t actions;

    assert_int_equal(s->pid, 0);
    close_files(s);
    s->out = memfd_create("stdout", MFD_CLOEXEC);
    s->err = memfd_create("stderr", MFD_CLOEXEC);
    assert_true(s->out >= 0 && s->err >= 0);
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0), 0);
    assert_int_equal(
        posix_spawn_file_actions_adddup2(&actions, out >= 0 ? out : s->out, STDOUT_FILENO), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, s->err, STDERR_FILENO), 0);
    assert_int_equal(posix_spawn(&s->pid, agentctl_program(), &actions, NULL, words, environ), 0);
    assert_int_equal(posix_spawn_file_actions_destroy(&actions), 0);
}

void
stage_start(struct stage *s, ...)
{
    char   *words[WORDS_MAX] = {(char *)"agentctl", (char *)"--run", s->folder};
    int     n = 3;
    va_list list;

    va_start(list, s);
    while ((words[n] = va_arg(list, char *)))
        assert_true(++n < WORDS_MAX);
    va_end(list);
    stage_exec(s, -1, words);
}

static char *
content(int fd)
{
    struct stat st;

    assert_int_equal(fstat(fd, &st), 0);
    char *text = xmalloc((size_t)st.st_size + 1);
    assert_int_equal(pread(fd, text, (size_t)st.st_size, 0), st.st_size);
    text[st.st_size] = '\0';
    return text;
}

char *
stage_out(const struct stage *s)
{
    return content(s->out);
}

char *
stage_err(const struct stage *s)
{
    return content(s->err);
}

void
stage_expect_exit(struct stage *s, int code)
{
    struct pollfd end = {.fd = pidfd_open(s->pid, 0), .events = POLLIN};
    int           status;

    assert_true(end.fd >= 0);
    if (poll(&end, 1, STAGE_WAIT_MS) != 1) fail_msg("agentctl does not end");
    assert_int_equal(close(end.fd), 0);
    assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
    s->pid = 0;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != code) {
        FREE_AUTO char *err = stage_err(s);

        fail_msg("status %#x, not exit %d: %s", (unsigned)status, code, err);
    }
}

/* ---- the dialogue ---------------------------------------------------------- */

/* One part of a message, waited for; false when it was the last. */
static bool
take_part(struct stage *s, struct buf *out)
{
    zmq_pollitem_t item = {s->router, 0, ZMQ_POLLIN, 0};
    zmq_msg_t      part;

    if (zmq_poll(&item, 1, STAGE_WAIT_MS) != 1) {
        FREE_AUTO char *err = stage_err(s);

        fail_msg("no request came; agentctl says: %s", err);
    }
    assert_int_equal(zmq_msg_init(&part), 0);
    assert_true(zmq_msg_recv(&part, s->router, 0) >= 0);
    buf_clear(out);
    buf_add(out, zmq_msg_data(&part), zmq_msg_size(&part));
    bool has_more = zmq_msg_more(&part);
    assert_int_equal(zmq_msg_close(&part), 0);
    return has_more;
}

void
stage_take(struct stage *s, const char *op)
{
    struct err e;
    uint64_t   id;
    union msg  m;

    assert_true(take_part(s, &s->peer));
    assert_false(take_part(s, &s->frame));
    if (request_open(buf_view(&s->frame), &s->request, &id, &e)) fail_msg("%s", e.msg);
    assert_string_equal(s->request.desc->op, op);
    assert_true(id > 0);
    if (msg_unpack(s->request.desc, s->request.body, &m, &e)) fail_msg("%s: %s", op, e.msg);
}

void
stage_expect_body(struct stage *s, const char *json)
{
    BUF_AUTO struct buf text = {0};
    struct err          e;

    assert_int_equal(json_from_mp(s->request.body, &text, &e), E_OK);
    assert_string_equal(buf_str(&text), json);
}

void
stage_send(struct stage *s, struct view frame, bool has_delimiter)
{
    assert_true(zmq_send(s->router, s->peer.data, s->peer.size, ZMQ_SNDMORE) >= 0);
    if (has_delimiter) assert_int_equal(zmq_send(s->router, "", 0, ZMQ_SNDMORE), 0);
    assert_true(zmq_send(s->router, frame.data, frame.size, 0) >= 0);
}

void
stage_answer(struct stage *s, const char *json)
{
    BUF_AUTO struct buf body = {0};
    BUF_AUTO struct buf frame = {0};
    struct err          e;

    if (json_to_mp(view_str(json), &body, &e)) fail_msg("%s: %s", json, e.msg);
    reply_pack(s->request.id, buf_view(&body), &frame);
    stage_send(s, buf_view(&frame), false);
}

void
stage_refuse(struct stage *s, enum errc code, const char *message, const char *hint)
{
    BUF_AUTO struct buf frame = {0};
    struct err          e;

    err_set(&e, code, "%s", message);
    err_hint(&e, "%s", hint);
    reply_pack_error(s->request.id, &e, &frame);
    stage_send(s, buf_view(&frame), false);
}
