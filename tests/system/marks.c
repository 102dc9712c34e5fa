#include "tests/system/marks.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct mark {
    const struct daemon *d;
    const char          *name;
    size_t               lines;
    struct buf          *text;
};

static void
read_mark(const struct daemon *d, const char *name, struct buf *text)
{
    char    path[128];
    ssize_t n;

    buf_clear(text);
    (void)snprintf(path, sizeof(path), "%s/%s", d->folder, name); /* fits */
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) assert_int_equal(errno, ENOENT);
    while (fd >= 0) {
        buf_reserve(text, 4096);
        n = read(fd, text->data + text->size, 4096);
        assert_true(n >= 0);
        if (n == 0) break;
        text->size += (size_t)n;
    }
    if (fd >= 0) (void)close(fd);
    (void)buf_str(text);
}

static size_t
count_lines(const struct buf *text)
{
    size_t lines = 0;

    for (size_t i = 0; i < text->size; i++)
        lines += text->data[i] == '\n';
    return lines;
}

void
marks_share(const struct daemon *d)
{
    assert_int_equal(setenv("DIR", d->folder, 1), 0);
}

void
script_write(const struct daemon *d, const char *name, const char *text)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", d->folder, name); /* fits */
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

static bool
has_lines(void *arg)
{
    const struct mark *m = arg;

    read_mark(m->d, m->name, m->text);
    return count_lines(m->text) >= m->lines;
}

const char *
marks_wait(const struct daemon *d, const char *name, size_t lines, struct buf *text)
{
    struct mark m = {d, name, lines, text};

    daemon_wait_until(d, name, has_lines, &m);
    return buf_str(text);
}

size_t
marks_count(const struct daemon *d, const char *name)
{
    BUF_AUTO struct buf text = {0};

    read_mark(d, name, &text);
    return count_lines(&text);
}

int64_t
marks_number(const struct daemon *d, const char *name, size_t line)
{
    BUF_AUTO struct buf text = {0};
    int64_t             number;

    read_mark(d, name, &text);
    const char *at = text.data;
    for (; line > 0; line--) {
        at = strchr(at, '\n');
        assert_non_null(at);
        at++;
    }
    assert_int_equal(sscanf(at, "%" SCNd64, &number), 1);
    return number;
}

int
gate_make(const struct daemon *d, const char *name)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", d->folder, name); /* fits */
    assert_int_equal(mkfifo(path, 0600), 0);
    int gate = open(path, O_RDWR | O_CLOEXEC); /* for both: it neither waits nor breaks */
    assert_true(gate >= 0);
    return gate;
}

void
gate_pass(int gate, size_t handlers)
{
    for (; handlers > 0; handlers--)
        assert_int_equal(write(gate, "\n", 1), 1);
}
