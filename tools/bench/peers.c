#include "tools/bench/bench.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS_MAX 16

static void
fail(const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int
dial(int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                            .sin_port = htons((uint16_t)port)};
    int                fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a))) fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

static void
send_all(int fd, const char *data, size_t size)
{
    while (size) {
        ssize_t n = write(fd, data, size);

        if (n < 0) fail("write to a peer");
        data += n;
        size -= (size_t)n;
    }
}

/* Counts the line ends that have arrived. */
static unsigned
take_lines(int fd)
{
    char     buffer[65536];
    ssize_t  n = read(fd, buffer, sizeof(buffer));
    unsigned lines = 0;

    if (n <= 0) fail("read from a peer");
    for (ssize_t i = 0; i < n; i++)
        lines += buffer[i] == '\n';
    return lines;
}

/* n requests over `clients` connections, each with `window` unanswered; every reply is `lines`
 * lines. */
static double
ask_many(int port, unsigned n, unsigned window, unsigned clients, struct view request,
         unsigned lines)
{
    struct pollfd    fds[CLIENTS_MAX];
    unsigned         sent[CLIENTS_MAX] = {0}, got[CLIENTS_MAX] = {0}, share = n / clients, done = 0;
    struct buf batch BUF_AUTO = {0};
    double           started;

    for (unsigned c = 0; c < clients; c++)
        fds[c] = (struct pollfd){.fd = dial(port), .events = POLLIN};
    started = now_s();
    while (done < clients) {
        for (unsigned c = 0; c < clients; c++) {
            unsigned open = sent[c] - got[c] / lines;

            buf_clear(&batch);
            for (; open < window && sent[c] < share; open++, sent[c]++)
                buf_add_view(&batch, request);
            if (batch.size) send_all(fds[c].fd, batch.data, batch.size);
        }
        if (poll(fds, clients, 10000) <= 0) fail("a peer is silent");
        for (unsigned c = 0; c < clients; c++) {
            if (!(fds[c].revents & POLLIN)) continue;
            got[c] += take_lines(fds[c].fd);
            if (got[c] < share * lines) continue;
            fds[c].events = 0;
            done++;
        }
    }
    started = now_s() - started;
    for (unsigned c = 0; c < clients; c++)
        close(fds[c].fd);
    return share * clients / started;
}

static struct view
with_payload(struct buf *b, const char *before, const char *after)
{
    char payload[PAYLOAD_BYTES];

    memset(payload, 'x', sizeof(payload));
    buf_clear(b);
    buf_add_str(b, before);
    buf_add(b, payload, sizeof(payload));
    buf_add_str(b, after);
    return buf_view(b);
}

/* ---- beanstalkd ------------------------------------------------------------ */

double
beanstalkd_put(const struct process *p, unsigned n, unsigned window, unsigned clients)
{
    struct buf b BUF_AUTO = {0};

    return ask_many(p->port, n, window, clients, with_payload(&b, "put 0 0 60 256\r\n", "\r\n"), 1);
}

/* Reserves one job and deletes it. */
static void
consume(int fd)
{
    char               reply[1024], request[64];
    size_t             size = 0;
    unsigned long long id = 0;

    send_all(fd, "reserve\r\n", 9);
    while (size < sizeof(reply) - 1) {
        ssize_t n = read(fd, reply + size, sizeof(reply) - 1 - size);
        char   *head;

        if (n <= 0) fail("read from beanstalkd");
        size += (size_t)n;
        reply[size] = '\0';
        head = strchr(reply, '\n');
        if (head && size >= (size_t)(head - reply) + 1 + PAYLOAD_BYTES + 2) break;
    }
    if (sscanf(reply, "RESERVED %llu", &id) != 1) fail("beanstalkd answered something else");
    snprintf(request, sizeof(request), "delete %llu\r\n", id);
    send_all(fd, request, strlen(request));
    (void)take_lines(fd);
}

double
beanstalkd_cycle(const struct process *p, unsigned n)
{
    double started = now_s();
    int    fd;

    (void)beanstalkd_put(p, n, 256, 1);
    fd = dial(p->port);
    for (unsigned i = 0; i < n; i++)
        consume(fd);
    close(fd);
    return n / (now_s() - started);
}

void
beanstalkd_latency(const struct process *p, unsigned n, double *us)
{
    struct buf b BUF_AUTO = {0};
    struct view  put = with_payload(&b, "put 0 0 60 256\r\n", "\r\n");
    int          producer = dial(p->port), consumer = dial(p->port);
    char         reply[1024];

    /* A tube of its own: jobs of other figures still wait in the default one. */
    send_all(producer, "use latency\r\n", 13);
    (void)take_lines(producer);
    send_all(consumer, "watch latency\r\nignore default\r\n", 31);
    for (unsigned lines = 0; lines < 2;)
        lines += take_lines(consumer);
    for (unsigned i = 0; i < n; i++) {
        double             started;
        size_t             size = 0;
        unsigned long long id = 0;

        send_all(consumer, "reserve\r\n", 9);
        usleep(500); /* the reserve must be waiting there; not part of what is measured */
        started = now_s();
        send_all(producer, put.data, put.size);
        while (size < PAYLOAD_BYTES) {
            ssize_t got = read(consumer, reply + size, sizeof(reply) - 1 - size);

            if (got <= 0) fail("read from beanstalkd");
            size += (size_t)got;
        }
        us[i] = (now_s() - started) * 1e6;
        reply[size] = '\0';
        (void)take_lines(producer);
        if (sscanf(reply, "RESERVED %llu", &id) == 1) {
            char request[64];

            snprintf(request, sizeof(request), "delete %llu\r\n", id);
            send_all(consumer, request, strlen(request));
            (void)take_lines(consumer);
        }
    }
    close(producer);
    close(consumer);
}

/* ---- redis ----------------------------------------------------------------- */

double
redis_push(const struct process *p, unsigned n, unsigned window, unsigned clients)
{
    struct buf b BUF_AUTO = {0};

    return ask_many(p->port, n, window, clients,
                    with_payload(&b, "*3\r\n$5\r\nLPUSH\r\n$1\r\nq\r\n$256\r\n", "\r\n"), 1);
}

/* A list has no lease: moved to a second list, then taken from it. */
double
redis_cycle(const struct process *p, unsigned n)
{
    double started = now_s();

    (void)redis_push(p, n, 256, 1);
    (void)ask_many(p->port, n, 256, 2, view_str("*3\r\n$9\r\nRPOPLPUSH\r\n$1\r\nq\r\n$1\r\nw\r\n"),
                   2);
    (void)ask_many(p->port, n, 256, 2, view_str("*2\r\n$4\r\nRPOP\r\n$1\r\nw\r\n"), 2);
    return n / (now_s() - started);
}
