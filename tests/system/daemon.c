#include "tests/system/daemon.h"

#include "common/json.h"
#include "common/mp.h"
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define ARGUMENTS_MAX 48
#define NAP_MS        5

/* ---- waiting ------------------------------------------------------------------------------- */

int64_t
daemon_now_ms(void)
{
    struct timespec t;

    assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &t), 0);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void
daemon_nap(void)
{
    (void)poll(NULL, 0, NAP_MS);
}

static void
print_log(const struct daemon *d)
{
    char    text[4096];
    int     fd = open(d->log, O_RDONLY | O_CLOEXEC);
    ssize_t size;

    if (fd < 0) return;
    while ((size = read(fd, text, sizeof(text))) > 0)
        (void)!write(STDERR_FILENO, text, (size_t)size);
    (void)close(fd);
}

_Noreturn void
daemon_fail(const struct daemon *d, const char *fmt, ...)
{
    char    text[1024];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    print_log(d);
    if (getpid() != d->owner) {
        (void)fprintf(stderr, "%s\n", text);
        _exit(99); /* the failure's way out is the parent's */
    }
    fail_msg("%s", text);
    abort(); /* fail_msg does not return */
}

void
daemon_wait_until(const struct daemon *d, const char *what, bool (*check)(void *arg), void *arg)
{
    int64_t end = daemon_now_ms() + DAEMON_WAIT_MS;

    while (!check(arg)) {
        if (daemon_now_ms() >= end) daemon_fail(d, "waited in vain until %s", what);
        daemon_nap();
    }
}

/* ---- the folder ---------------------------------------------------------------------------- */

void
file_copy(const char *from, const char *to)
{
    struct stat st;
    int         in = open(from, O_RDONLY | O_CLOEXEC);
    int         out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

    assert_true(in >= 0 && out >= 0);
    assert_int_equal(fstat(in, &st), 0);
    for (off_t at = 0; at < st.st_size;)
        assert_true(sendfile(out, in, &at, (size_t)(st.st_size - at)) > 0);
    assert_int_equal(close(in), 0);
    assert_int_equal(close(out), 0);
}

const char *
daemon_program(const char *name)
{
    static char path[512];
    ssize_t     size = readlink("/proc/self/exe", path, sizeof(path) - 64);

    assert_true(size > 0);
    path[size] = '\0';
    for (int i = 0; i < 2; i++) /* BUILD/system/test_… */
        *strrchr(path, '/') = '\0';
    (void)snprintf(path + strlen(path), 64, "/%s", name);
    return path;
}

void
daemon_make(struct daemon *d)
{
    *d = (struct daemon){.folder = "/tmp/test_daemon.XXXXXX", .owner = getpid(), .out = -1};
    assert_non_null(mkdtemp(d->folder));
    (void)snprintf(d->run, sizeof(d->run), "%s/run", d->folder);
    (void)snprintf(d->state, sizeof(d->state), "%s/state", d->folder);
    (void)snprintf(d->config, sizeof(d->config), "%s/agentd.yaml", d->folder);
    (void)snprintf(d->log, sizeof(d->log), "%s/log", d->folder);
}

void
daemon_remove(struct daemon *d)
{
    char *const argv[] = {(char *)"rm", (char *)"-rf", d->folder, NULL};
    int         status;

    if (d->pid) daemon_kill(d);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)execvp("rm", argv);
        _exit(127);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
}

void
daemon_write_config(struct daemon *d, const char *yaml)
{
    FILE *file = fopen(d->config, "we");

    assert_non_null(file);
    assert_int_equal(fwrite(yaml, 1, strlen(yaml), file), strlen(yaml));
    assert_int_equal(fclose(file), 0);
    d->has_config = true;
}

/* ---- start and end ------------------------------------------------------------------------- */

static void
collect(const struct daemon *d, const char **argv, va_list more)
{
    size_t      n = 0;
    const char *next;

    argv[n++] = "agentd";
    argv[n++] = "--state";
    argv[n++] = d->state;
    argv[n++] = "--run";
    argv[n++] = d->run;
    if (d->has_config) {
        argv[n++] = "-c";
        argv[n++] = d->config;
    }
    while ((next = va_arg(more, const char *))) {
        assert_true(n + 1 < ARGUMENTS_MAX);
        argv[n++] = next;
    }
    argv[n] = NULL;
}

static _Noreturn void
become_agentd(const struct daemon *d, const char *const *argv, const char *program, int out,
              int err)
{
    struct rlimit files = {d->files_max, d->files_max};

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (d->files_max && setrlimit(RLIMIT_NOFILE, &files)) _exit(126);
    (void)unsetenv("AGENTD_CONFIG");
    if (!d->has_config) (void)setenv("AGENTD_CONFIG", "/dev/null", 1);
    if (dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0) _exit(126);
    (void)execv(program, (char *const *)argv);
    _exit(127);
}

static pid_t
launch(struct daemon *d, const char *const *argv, int *out)
{
    const char *program = daemon_program("agentd");
    int         log = open(d->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int         pipes[2];

    assert_true(log >= 0);
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) become_agentd(d, argv, program, pipes[1], log);
    (void)close(pipes[1]);
    (void)close(log);
    *out = pipes[0];
    return child;
}

/* Reads until a line or the end has come; whether it was a line. */
static bool
read_line(const struct daemon *d, int fd, char *line, size_t size)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    size_t        n = 0;

    while (n + 1 < size) {
        if (poll(&p, 1, DAEMON_WAIT_MS) != 1) daemon_fail(d, "agentd says nothing");
        if (read(fd, line + n, 1) != 1) break;
        if (line[n] == '\n') {
            line[n] = '\0';
            return true;
        }
        n++;
    }
    line[n] = '\0';
    return false;
}

void
daemon_start(struct daemon *d, ...)
{
    const char *argv[ARGUMENTS_MAX];
    va_list     more;

    assert_int_equal(d->pid, 0);
    va_start(more, d);
    collect(d, argv, more);
    va_end(more);
    d->pid = launch(d, argv, &d->out);
    if (!read_line(d, d->out, d->ready, sizeof(d->ready))) daemon_fail(d, "agentd ended early");
    if (strncmp(d->ready, "ready ", 6) != 0) daemon_fail(d, "not ready: %s", d->ready);
}

void
daemon_start_two(struct daemon *d)
{
    const char   *argv[] = {"agentd", "--state", d->state, "--run", d->run, NULL};
    struct daemon both[2] = {*d, *d};
    bool          is_ready[2];

    for (int i = 0; i < 2; i++)
        both[i].pid = launch(&both[i], argv, &both[i].out);
    for (int i = 0; i < 2; i++)
        is_ready[i] = read_line(d, both[i].out, both[i].ready, sizeof(both[i].ready));
    if (is_ready[0] == is_ready[1]) daemon_fail(d, "%d of two are ready", is_ready[0] * 2);
    *d = both[is_ready[1]];
    int code = daemon_wait(&both[is_ready[0]]);
    if (code != 1) daemon_fail(d, "the other one ended with %d", code);
}

static void
add_file(const char *path, off_t from, struct buf *text)
{
    char    piece[4096];
    ssize_t size;
    int     fd = open(path, O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_true(lseek(fd, from, SEEK_SET) == from);
    while ((size = read(fd, piece, sizeof(piece))) > 0)
        buf_add(text, piece, (size_t)size);
    (void)close(fd);
}

void
daemon_expect_refusal(struct daemon *d, int code, struct buf *text, ...)
{
    const char   *argv[ARGUMENTS_MAX];
    char          line[512];
    va_list       more;
    struct daemon other = *d; /* the one that may run stays what it is */
    struct stat   st = {0};

    (void)stat(d->log, &st); /* no log yet: from its start */
    va_start(more, text);
    collect(d, argv, more);
    va_end(more);
    buf_clear(text);
    other.pid = launch(&other, argv, &other.out);
    while (read_line(d, other.out, line, sizeof(line)))
        buf_printf(text, "%s\n", line);
    int got = daemon_wait(&other);
    if (got != code) daemon_fail(d, "exit code %d instead of %d", got, code);
    add_file(d->log, st.st_size, text);
    (void)buf_str(text); /* as a string too */
}

void
daemon_signal(const struct daemon *d, int number)
{
    assert_true(d->pid > 0);
    assert_int_equal(kill(d->pid, number), 0);
}

struct end {
    pid_t pid;
    int   status;
};

static bool
has_ended(void *arg)
{
    struct end *e = arg;

    return waitpid(e->pid, &e->status, WNOHANG) == e->pid;
}

int
daemon_wait(struct daemon *d)
{
    struct end e = {.pid = d->pid};

    daemon_wait_until(d, "agentd ends", has_ended, &e);
    (void)close(d->out);
    d->pid = 0;
    d->out = -1;
    return WIFEXITED(e.status) ? WEXITSTATUS(e.status) : 256 + WTERMSIG(e.status);
}

void
daemon_stop(struct daemon *d)
{
    daemon_signal(d, SIGTERM);
    int code = daemon_wait(d);
    if (code != 0) daemon_fail(d, "agentd ended with %d", code);
}

void
daemon_kill(struct daemon *d)
{
    daemon_signal(d, SIGKILL);
    (void)daemon_wait(d);
}

bool
daemon_log_has(const struct daemon *d, const char *text)
{
    BUF_AUTO struct buf log = {0};

    add_file(d->log, 0, &log);
    return strstr(buf_str(&log), text) != NULL;
}

struct log_wait {
    const struct daemon *d;
    const char          *text;
};

static bool
log_has(void *arg)
{
    const struct log_wait *w = arg;

    return daemon_log_has(w->d, w->text);
}

void
daemon_expect_log(const struct daemon *d, const char *text)
{
    struct log_wait w = {d, text};

    daemon_wait_until(d, text, log_has, &w);
}
