#include "tests/system/ctl.h"
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
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define WORDS_MAX 64

/* ---- a command ----------------------------------------------------------------------------- */

/* The words of one command line, within its text. */
struct words {
    char *text;
    char *argv[WORDS_MAX];
    int   argc;
};

static void
add_word(struct words *w, const char *word)
{
    assert_true(w->argc + 1 < WORDS_MAX);
    w->argv[w->argc++] = (char *)word;
    w->argv[w->argc] = NULL;
}

static void
split(struct words *w)
{
    char *from = w->text, *to = w->text;

    while (*from) {
        bool is_quoted = false;

        while (*from == ' ')
            from++;
        if (!*from) break;
        add_word(w, to);
        for (; *from && (is_quoted || *from != ' '); from++) {
            if (*from == '\'')
                is_quoted = !is_quoted;
            else
                *to++ = *from;
        }
        assert_false(is_quoted);
        from += *from == ' ';
        *to++ = '\0';
    }
}

static void
make_words(struct words *w, const struct daemon *d, const char *line)
{
    *w = (struct words){.text = xstrdup(line)};
    add_word(w, "agentctl");
    add_word(w, "--run");
    add_word(w, d->run);
    split(w);
}

static bool
has_word(const struct words *w, const char *word)
{
    for (int i = 0; i < w->argc; i++) {
        if (strcmp(w->argv[i], word) == 0) return true;
    }
    return false;
}

static pid_t
launch(const struct words *w, int out, int complaint)
{
    const char *program = daemon_program("agentctl");
    pid_t       child = fork();

    assert_true(child >= 0);
    if (child > 0) return child;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (dup2(out, STDOUT_FILENO) < 0 || dup2(complaint, STDERR_FILENO) < 0) _exit(126);
    (void)execv(program, w->argv);
    _exit(127);
}

static int
wait_for_end(const struct daemon *d, pid_t pid, const char *what)
{
    struct pollfd p = {.fd = pidfd_open(pid, 0), .events = POLLIN};
    int           status;

    assert_true(p.fd >= 0);
    bool has_ended = poll(&p, 1, 2 * DAEMON_WAIT_MS) == 1;
    if (!has_ended) (void)kill(pid, SIGKILL);
    (void)close(p.fd);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!has_ended) daemon_fail(d, "agentctl %s does not end", what);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

static void
take_file(int fd, struct buf *out)
{
    ssize_t n;

    buf_clear(out);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    do {
        buf_reserve(out, 65536);
        n = read(fd, out->data + out->size, 65536);
        assert_true(n >= 0);
        out->size += (size_t)n;
    } while (n > 0);
    (void)buf_str(out);
    (void)close(fd);
}

static void
take_answers(struct ctl *c)
{
    json_error_t e;

    json_decref(c->out);
    json_decref(c->error);
    c->error = NULL;
    c->out = json_loadb(c->text.data, c->text.size, JSON_DECODE_ANY, &e);
    if (!c->out && c->text.size > 0) daemon_fail(c->d, "%s: %s", buf_str(&c->line), e.text);
    json_t *said = json_loadb(c->complaint.data, c->complaint.size, 0, &e);
    if (said) c->error = json_incref(json_object_get(said, "error"));
    json_decref(said);
}

static int
run_line(struct ctl *c)
{
    int          out = memfd_create("out", MFD_CLOEXEC);
    int          complaint = memfd_create("err", MFD_CLOEXEC);
    struct words w;

    assert_true(out >= 0 && complaint >= 0);
    make_words(&w, c->d, buf_str(&c->line));
    add_word(&w, "--json");
    if (!has_word(&w, "--timeout")) {
        add_word(&w, "--timeout");
        add_word(&w, "20s");
    }
    c->code = wait_for_end(c->d, launch(&w, out, complaint), buf_str(&c->line));
    free(w.text);
    take_file(out, &c->text);
    take_file(complaint, &c->complaint);
    take_answers(c);
    return c->code;
}

static void set_line(struct ctl *c, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

static void
set_line(struct ctl *c, const char *fmt, va_list ap)
{
    char *line;

    assert_true(vasprintf(&line, fmt, ap) >= 0);
    buf_clear(&c->line);
    buf_add_str(&c->line, line);
    free(line);
}

#define SET_LINE(c, fmt)      \
    do {                      \
        va_list ap;           \
        va_start(ap, fmt);    \
        set_line(c, fmt, ap); \
        va_end(ap);           \
    } while (0)

void
ctl_open(struct ctl *c, const struct daemon *d)
{
    *c = (struct ctl){.d = d};
}

void
ctl_close(struct ctl *c)
{
    if (daemon_log_has(c->d, "Sanitizer")) daemon_fail(c->d, "a sanitizer has something to say");
    json_decref(c->out);
    json_decref(c->error);
    buf_done(&c->line);
    buf_done(&c->text);
    buf_done(&c->complaint);
    buf_done(&c->value);
    *c = (struct ctl){.d = c->d};
}

int
ctl_run(struct ctl *c, const char *fmt, ...)
{
    SET_LINE(c, fmt);
    return run_line(c);
}

static void
expect_code(struct ctl *c, int code)
{
    if (c->code == code) return;
    daemon_fail(c->d, "agentctl %s: exit code %d instead of %d: %s%.2000s", buf_str(&c->line),
                c->code, code, buf_str(&c->complaint), buf_str(&c->text));
}

void
ctl_ends(struct ctl *c, int code, const char *fmt, ...)
{
    SET_LINE(c, fmt);
    (void)run_line(c); /* judged by c->code */
    expect_code(c, code);
}

void
ctl_must(struct ctl *c, const char *fmt, ...)
{
    SET_LINE(c, fmt);
    (void)run_line(c); /* judged by c->code */
    expect_code(c, 0);
}

void
ctl_refused(struct ctl *c, int code, const char *error, const char *about, const char *fmt, ...)
{
    SET_LINE(c, fmt);
    (void)run_line(c); /* judged by c->code */
    expect_code(c, code);
    const char *got = json_string_value(json_object_get(c->error, "code"));
    const char *message = json_string_value(json_object_get(c->error, "message"));
    const char *field = json_string_value(json_object_get(c->error, "field"));
    bool is_about = (message && strstr(message, about)) || (field && strcmp(field, about) == 0);
    if (got && is_about && strcmp(got, error) == 0) return;
    daemon_fail(c->d, "agentctl %s: not %s about '%s': %s", buf_str(&c->line), error, about,
                buf_str(&c->complaint));
}

/* ---- values -------------------------------------------------------------------------------- */

static json_t *
find(const struct ctl *c, const char *path)
{
    json_t *at = c->out;

    while (at && *path) {
        size_t          size = strcspn(path, ".");
        FREE_AUTO char *key = xstrndup(path, size);

        at = json_is_array(at) ? json_array_get(at, strtoul(key, NULL, 10))
                               : json_object_get(at, key);
        path += size + (path[size] == '.');
    }
    return at;
}

const char *
ctl_value(struct ctl *c, const char *path)
{
    json_t *at = find(c, path);
    char   *text = at ? json_dumps(at, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS) : NULL;

    buf_clear(&c->value);
    if (text) buf_add_str(&c->value, text);
    free(text);
    return buf_str(&c->value);
}

static _Noreturn void
fail_at(struct ctl *c, const char *path, const char *wanted)
{
    FREE_AUTO char *got = xstrdup(ctl_value(c, path));

    daemon_fail(c->d, "agentctl %s: %s is '%s', not %s, in %.2000s", buf_str(&c->line), path, got,
                wanted, buf_str(&c->text));
}

int64_t
ctl_number(struct ctl *c, const char *path)
{
    json_t *at = find(c, path);

    if (!json_is_integer(at)) fail_at(c, path, "a number");
    return json_integer_value(at);
}

size_t
ctl_count(struct ctl *c, const char *path)
{
    json_t *at = find(c, path);

    if (!json_is_array(at)) fail_at(c, path, "an array");
    return json_array_size(at);
}

void
ctl_copy(struct ctl *c, const char *path, char *out, size_t size)
{
    json_t *at = find(c, path);

    if (!json_is_string(at)) fail_at(c, path, "a string");
    assert_true(json_string_length(at) < size);
    (void)snprintf(out, size, "%s", json_string_value(at)); /* fits */
}

void
ctl_expect(struct ctl *c, const char *path, const char *value)
{
    if (strcmp(ctl_value(c, path), value) != 0) fail_at(c, path, value);
}

void
ctl_expect_text(struct ctl *c, const char *path, const char *text)
{
    json_t *at = find(c, path);

    if (!json_is_string(at) || !strstr(json_string_value(at), text)) fail_at(c, path, text);
}

static void
repeat(struct ctl *c, const char *path, const char *wanted, int64_t end)
{
    if (daemon_now_ms() >= end) fail_at(c, path, wanted);
    daemon_nap();
    (void)run_line(c); /* judged by c->code */
    expect_code(c, 0);
}

static void
until(struct ctl *c, const char *path, const char *value)
{
    int64_t end = daemon_now_ms() + DAEMON_WAIT_MS;

    (void)run_line(c); /* judged by c->code */
    expect_code(c, 0);
    while (strcmp(ctl_value(c, path), value) != 0)
        repeat(c, path, value, end);
}

void
ctl_until(struct ctl *c, const char *path, const char *value, const char *fmt, ...)
{
    SET_LINE(c, fmt);
    until(c, path, value);
}

void
ctl_until_least(struct ctl *c, const char *path, int64_t least, const char *fmt, ...)
{
    int64_t end = daemon_now_ms() + DAEMON_WAIT_MS;

    SET_LINE(c, fmt);
    (void)run_line(c); /* judged by c->code */
    expect_code(c, 0);
    while (ctl_number(c, path) < least)
        repeat(c, path, "as large as that", end);
}

/* ---- jobs ---------------------------------------------------------------------------------- */

uint64_t
ctl_submit(struct ctl *c, const char *fmt, ...)
{
    SET_LINE(c, fmt);
    FREE_AUTO char *line = xasprintf("job submit %s", buf_str(&c->line));
    ctl_must(c, "%s", line);
    return (uint64_t)ctl_number(c, "id");
}

void
ctl_await(struct ctl *c, uint64_t job, const char *state)
{
    static const char *const ends[] = {"completed", "failed", "cancelled", "expired"};
    char                     wanted[32];

    (void)snprintf(wanted, sizeof(wanted), "\"%s\"", state); /* fits */
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        if (strcmp(state, ends[i]) != 0) continue;
        (void)ctl_run(c, "job wait %" PRIu64, job);
        expect_code(c, i == 0 ? 0 : 4);
        ctl_expect(c, "state", wanted);
        ctl_must(c, "job show %" PRIu64, job); /* with its attempts */
        return;
    }
    ctl_until(c, "state", wanted, "job show %" PRIu64, job);
}

int64_t
ctl_state_hash(struct ctl *c)
{
    ctl_until(c, "items.0.state", "\"up\"", "worker list"); /* before, there is no such limit */
    ctl_must(c, "status");
    FREE_AUTO char *slots = xasprintf(
        "%d", (int)(ctl_number(c, "workers.wanted") * ctl_number(c, "workers.slots_each")));
    ctl_until(c, "caps.0.limit", slots, "status"); /* null before the first hello */
    return ctl_number(c, "state_hash");
}

/* ---- in the background --------------------------------------------------------------------- */

void
ctl_start(struct ctl_process *p, const struct daemon *d, const char *fmt, ...)
{
    struct words w;
    va_list      ap;
    char        *line;
    int          pipes[2];

    va_start(ap, fmt);
    assert_true(vasprintf(&line, fmt, ap) >= 0);
    va_end(ap);
    make_words(&w, d, line);
    free(line);
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    *p = (struct ctl_process){.d = d, .out = pipes[0]};
    p->complaint = memfd_create("err", MFD_CLOEXEC);
    assert_true(p->complaint >= 0);
    p->pid = launch(&w, pipes[1], p->complaint);
    (void)close(pipes[1]);
    free(w.text);
}

static bool
read_more(struct ctl_process *p)
{
    struct pollfd look = {.fd = p->out, .events = POLLIN};

    if (poll(&look, 1, DAEMON_WAIT_MS) != 1) daemon_fail(p->d, "agentctl says nothing");
    buf_reserve(&p->read, 4096);
    ssize_t n = read(p->out, p->read.data + p->read.size, 4096);
    assert_true(n >= 0);
    p->read.size += (size_t)n;
    return n > 0;
}

const char *
ctl_line(struct ctl_process *p)
{
    char *end;

    p->read.size -= p->taken;
    if (p->read.size) memmove(p->read.data, p->read.data + p->taken, p->read.size);
    p->taken = 0;
    while (p->read.size == 0 || !(end = memchr(p->read.data, '\n', p->read.size))) {
        if (!read_more(p)) return NULL;
    }
    *end = '\0';
    p->taken = (size_t)(end - p->read.data) + 1;
    return p->read.data;
}

const char *
ctl_line_with(struct ctl_process *p, const char *text)
{
    const char *line;

    do {
        if (!(line = ctl_line(p))) daemon_fail(p->d, "agentctl ended without a line '%s'", text);
    } while (!strstr(line, text));
    return line;
}

int
ctl_end(struct ctl_process *p, int number, struct buf *complaint)
{
    BUF_AUTO struct buf unread = {0};

    if (number) assert_int_equal(kill(p->pid, number), 0);
    int code = wait_for_end(p->d, p->pid, "in the background");
    p->pid = 0;
    take_file(p->complaint, complaint ? complaint : &unread);
    (void)close(p->out);
    buf_done(&p->read);
    return code;
}
