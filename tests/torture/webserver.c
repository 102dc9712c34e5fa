#include "tests/torture/webserver.h"

#include "common/hash.h"
#include "common/json.h"
#include "tests/system/webrequest.h"
#include "tests/torture/dice.h"
#include "tests/torture/history.h"
#include "tests/torture/items.h"
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_S 5 /* with a sender that sends nothing more */

struct behaviour {
    unsigned percent, status, from_ms, to_ms;
};

static const struct behaviour behaviours[] = {
    {62, WEB_TAKEN, 0,                  0                     },
    {12, WEB_TAKEN, 0,                  WEB_TIMEOUT_MS / 2    },
    {4,  WEB_TAKEN, WEB_TIMEOUT_MS * 2, WEB_TIMEOUT_MS * 2 + 1},
    {14, WEB_BUSY,  0,                  0                     },
    {8,  WEB_CUT,   0,                  0                     },
};

static const struct behaviour *
pick(struct dice *d)
{
    unsigned at = (unsigned)dice_below(d, 100), i;

    for (i = 0; at >= behaviours[i].percent; i++)
        at -= behaviours[i].percent;
    return &behaviours[i];
}

static void
note(struct history *h, const char *head, const char *body, unsigned status)
{
    BUF_AUTO struct buf packed = {0};
    char                path[64] = "-", key[128];
    struct err          e;

    webrequest_header(head, "idempotency-key", key, sizeof(key));
    (void)sscanf(head, "POST /%63s", path); /* what is no POST has none */
    if (json_to_mp(view_str(body), &packed, &e)) buf_clear(&packed);
    history_add(h, "%s %s %" PRId64 " %016" PRIx64 " %u", path, key,
                number_of(buf_view(&packed), "effect_id"), hash64(view_str(body), 0), status);
}

/* One request, in a process of its own: some take long. */
static _Noreturn void
serve(int fd, struct history *h, const struct behaviour *b, int delay_ms)
{
    static char          head[WEBREQUEST_MAX];
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    const char          *body;
    char                 answer[96];

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)); /* or without */
    body = webrequest_read(fd, head);
    if (!body) _exit(0); /* its sender was killed before it was whole */
    note(h, head, body, b->status);
    (void)poll(NULL, 0, delay_ms);
    (void)snprintf(answer, sizeof(answer),
                   "HTTP/1.1 %u As Asked\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                   b->status); /* fits */
    if (b->status != WEB_CUT) (void)send(fd, answer, strlen(answer), MSG_NOSIGNAL);
    _exit(0);
}

static _Noreturn void
serve_all(int listener, struct history *h, struct dice dice)
{
    for (;;) {
        int                     fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        const struct behaviour *b = pick(&dice);
        unsigned delay_ms = b->from_ms + (unsigned)dice_below(&dice, b->to_ms - b->from_ms + 1);

        if (fd < 0) continue; /* it has hung up already */
        if (fork() == 0) serve(fd, h, b, (int)delay_ms);
        (void)close(fd);
    }
}

static _Noreturn void
give_up(void)
{
    perror("torture: web server");
    exit(2);
}

void
webserver_start(struct webserver *w, const char *folder, uint64_t seed)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t          size = sizeof(address);
    int                listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct history     h;

    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) ||
        getsockname(listener, (struct sockaddr *)&address, &size) || listen(listener, SOMAXCONN)) {
        give_up();
    }
    w->port = ntohs(address.sin_port);
    (void)fflush(NULL);
    w->pid = fork();
    if (w->pid < 0) give_up();
    if (w->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* cannot fail */
        (void)signal(SIGCHLD, SIG_IGN);         /* likewise: nobody waits for those that serve */
        history_open(&h, folder, WEBSERVER);
        serve_all(listener, &h, dice_of(seed, 500));
    }
    (void)close(listener);
}

void
webserver_stop(const struct webserver *w)
{
    (void)kill(w->pid, SIGKILL); /* not reaped: it ends by nothing else */
    (void)waitpid(w->pid, NULL, 0);
}
