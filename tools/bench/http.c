#include "tools/bench/bench.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS 32
#define SECRET      "agt_bench"
#define SECRET_HASH "9ce9da6a7d1b646e998e83e03ee9cb3a87ddd5f4a29b2f69b1d7f3a59223c23e"
#define TRIES_MAX   500
#define TRY_US      20000

struct http {
    int      port;
    int      fds[CONNECTIONS];
    bool     is_asked[CONNECTIONS]; /* its answer is still to be read */
    unsigned next;
};

void
http_add_token(struct client *c)
{
    struct msg_token_add m = {
        .name = view_str("bench"), .hash = view_str(SECRET_HASH), .role = view_str("submit")};
    struct buf body BUF_AUTO = {0};

    SET_HAS(&m, token_add, hash);
    msg_pack(msg_desc(MSG_TOKEN_ADD), &m, &body);
    (void)client_ask(c, MSG_TOKEN_ADD, buf_view(&body));
}

static int
connect_to(int port)
{
    const struct sockaddr_in a = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)port)};

    for (int i = 0; i < TRIES_MAX; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0) return fd;
        close(fd);
        usleep(TRY_US); /* it is starting */
    }
    fprintf(stderr, "bench: no gateway on port %d\n", port);
    exit(1);
}

struct http *
http_open(int port)
{
    struct http *h = xcalloc(1, sizeof(*h));

    h->port = port;
    for (unsigned i = 0; i < CONNECTIONS; i++)
        h->fds[i] = connect_to(port);
    return h;
}

/* Head and body, whose length the head says. */
static void
read_answer(struct http *h, unsigned k)
{
    char        text[8192];
    size_t      size = 0, whole = sizeof(text);
    const char *end, *length;

    while (size < whole) {
        ssize_t n = read(h->fds[k], text + size, sizeof(text) - 1 - size);

        if (n <= 0) break;
        size += (size_t)n;
        text[size] = '\0';
        end = strstr(text, "\r\n\r\n");
        length = strcasestr(text, "content-length:");
        if (end && length)
            whole =
                (size_t)(end + 4 - text) + strtoul(length + strlen("content-length:"), NULL, 10);
    }
    if (size < whole || strncmp(text, "HTTP/1.1 20", 11) != 0) {
        fprintf(stderr, "bench: the gateway answered: %.*s\n", (int)size, text);
        exit(1);
    }
    h->is_asked[k] = false;
}

void
http_post(struct http *h, const char *path, const char *json)
{
    char     text[1024];
    unsigned k = h->next++ % CONNECTIONS;
    int      n = snprintf(text, sizeof(text),
                          "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                               "Authorization: Bearer " SECRET "\r\nContent-Type: application/json\r\n"
                               "Content-Length: %zu\r\n\r\n%s",
                          path, h->port, strlen(json), json);

    if (h->is_asked[k]) read_answer(h, k);
    if (write(h->fds[k], text, (size_t)n) != n) {
        perror("bench: gateway");
        exit(1);
    }
    h->is_asked[k] = true;
}

void
http_close(struct http **h)
{
    for (unsigned k = 0; k < CONNECTIONS; k++) {
        if ((*h)->is_asked[k]) read_answer(*h, k);
        close((*h)->fds[k]);
    }
    free(*h);
    *h = NULL;
}
