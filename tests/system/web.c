#include "tests/system/web.h"

#include "common/mem.h"
#include "tests/system/webrequest.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void
say(int fd, const char *text)
{
    (void)!write(fd, text, strlen(text));
}

static void
flood(int fd)
{
    char bytes[4096];

    memset(bytes, 'x', sizeof(bytes));
    say(fd, "HTTP/1.1 200 OK\r\n\r\n");
    while (write(fd, bytes, sizeof(bytes)) > 0)
        ;
}

/* More than an HTTP client takes. */
static void
say_much(int fd)
{
    char bytes[4096];

    memset(bytes, 'x', sizeof(bytes));
    say(fd, "HTTP/1.1 200 OK\r\nX-Much: ");
    for (int i = 0; i < 100 && write(fd, bytes, sizeof(bytes)) > 0; i++)
        ;
    say(fd, "\r\n\r\n");
}

static void
answer(int fd, const char *path)
{
    static const struct {
        const char *path, *text;
        bool        is_left_open;
    } all[] = {
        {"/hang",    "",                                                                    true },
        {"/ok",      "HTTP/1.1 204 No Content\r\n\r\n",                                     false},
        {"/no",      "HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",   false},
        {"/moved",   "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n",    false},
        {"/busy",    "HTTP/1.1 429 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n",    false},
        {"/gone",    "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n",                      false},
        {"/odd",     "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",                       false},
        {"/late",    "HTTP/1.1 503 Late\r\nRetry-After: 7\r\nContent-Length: 9\r\n\r\nabc", true },
        {"/quiet",   "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",                     true },
        {"/short",   "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",                     false},
        {"/half",    "HTTP/1.1 200 OK\r\nContent-Le",                                       false},
        {"/line",    "HTTP/1.1 200 OK\r\n",                                                 false},
        {"/interim", "HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n",                               false},
        {"/second",  "HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 204 No\r\n\r\n",                   false},
    };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (strncmp(path, all[i].path, strlen(all[i].path)) != 0) continue;
        say(fd, all[i].text);
        if (all[i].is_left_open) return;
    }
    if (strncmp(path, "/flood", 6) == 0) flood(fd);
    if (strncmp(path, "/much", 5) == 0) say_much(fd);
    close(fd);
}

static void
note(int out, const char *method, const char *path, const char *head, const char *body)
{
    static const char *const names[] = {"webhook-id", "webhook-timestamp", "webhook-signature",
                                        "idempotency-key", "x-own"};
    BUF_AUTO struct buf      line = {0};
    char                     value[512];

    buf_printf(&line, "%s %s", method, path);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && strcmp(method, "POST") == 0; i++) {
        webrequest_header(head, names[i], value, sizeof(value));
        buf_printf(&line, " %s", value);
    }
    if (strcmp(method, "POST") == 0) buf_printf(&line, " %s", body);
    buf_add(&line, "\n", 1);
    (void)!write(out, line.data, line.size);
}

static _Noreturn void
serve(int listener, int out)
{
    static char head[WEBREQUEST_MAX];
    char        method[16], path[1024];

    (void)signal(SIGPIPE, SIG_IGN);
    for (;;) {
        int         fd = accept(listener, NULL, NULL);
        const char *body;

        if (fd < 0) _exit(1);
        body = webrequest_read(fd, head);
        if (!body || sscanf(head, "%15s %1023s", method, path) != 2) {
            close(fd);
            continue;
        }
        note(out, method, path, head, body);
        answer(fd, path);
    }
}

void
web_start(struct web *w, const char *folder)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t          size = sizeof(a);
    int                listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), out;

    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &size), 0);
    assert_int_equal(listen(listener, 64), 0);
    w->port = ntohs(a.sin_port);
    w->path = xasprintf("%s/web", folder);
    out = open(w->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(out >= 0);
    w->pid = fork();
    assert_true(w->pid >= 0);
    if (w->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(listener, out);
    }
    close(listener);
    close(out);
}

void
web_stop(struct web *w)
{
    if (w->pid > 0) {
        (void)kill(w->pid, SIGKILL);
        (void)waitpid(w->pid, NULL, 0);
    }
    w->pid = 0;
    if (w->path) (void)unlink(w->path);
    free(w->path);
    w->path = NULL;
}

char *
web_seen(const struct web *w)
{
    FILE               *in = fopen(w->path, "r");
    BUF_AUTO struct buf text = {0};
    char                chunk[4096];
    size_t              n;

    assert_non_null(in);
    while ((n = fread(chunk, 1, sizeof(chunk), in)) > 0)
        buf_add(&text, chunk, n);
    assert_int_equal(fclose(in), 0);
    return view_dup(buf_view(&text));
}
