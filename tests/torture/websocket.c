#include "tests/torture/websocket.h"

#include "common/clock.h"
#include "common/json.h"
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define PART        4096
#define FIN         0x80
#define MASKED      0x80
#define OPCODE      0x0f
#define OPCODE_TEXT 1
#define OPCODE_END  8
#define OPCODE_PING 9
#define OPCODE_PONG 10
#define HEAD_END    "\r\n\r\n"
#define SEND_MS     500

/* ---- a connection ---------------------------------------------------------------------------- */

static bool
dial(struct websocket *w, int port)
{
    struct sockaddr_in   address = {.sin_family = AF_INET,
                                    .sin_port = htons((uint16_t)port),
                                    .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const struct timeval patience = {.tv_usec = SEND_MS * 1000};

    *w = (struct websocket){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    /* Of a gateway that is stopped the queue of connections may be full. */
    return w->fd >= 0 &&
           setsockopt(w->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0 &&
           connect(w->fd, (struct sockaddr *)&address, sizeof(address)) == 0;
}

static bool
send_all(struct websocket *w, struct view bytes)
{
    return send(w->fd, bytes.data, bytes.size, MSG_NOSIGNAL) == (ssize_t)bytes.size;
}

/* HEARD_TEXT when bytes came. */
static enum heard
receive(struct websocket *w, int64_t until_ms)
{
    struct pollfd p = {.fd = w->fd, .events = POLLIN};
    int64_t       left_ms = until_ms - clock_now().boot_ms;
    ssize_t       n;

    if (poll(&p, 1, left_ms > 0 ? (int)left_ms : 0) <= 0) return HEARD_NOTHING;
    buf_reserve(&w->in, PART);
    n = recv(w->fd, w->in.data + w->in.size, PART, MSG_DONTWAIT);
    if (n <= 0) return HEARD_END;
    w->in.size += (size_t)n;
    return HEARD_TEXT;
}

static void
drop(struct buf *b, size_t size)
{
    b->size -= size;
    memmove(b->data, b->data + size, b->size);
}

/* The status of an answer whose head has come; 0 when it does not. */
static int
read_head(struct websocket *w, int64_t until_ms)
{
    const char *end = NULL;
    int         status = 0;

    while (!(end = strstr(buf_str(&w->in), HEAD_END))) {
        if (receive(w, until_ms) != HEARD_TEXT) return 0;
    }
    if (sscanf(w->in.data, "HTTP/1.1 %3d", &status) != 1) return 0;
    drop(&w->in, (size_t)(end - w->in.data) + strlen(HEAD_END));
    return status;
}

void
websocket_close(struct websocket *w)
{
    if (w->fd >= 0) (void)close(w->fd);
    w->fd = -1;
    buf_done(&w->in);
    buf_done(&w->text);
}

/* ---- a WebSocket ----------------------------------------------------------------------------- */

bool
websocket_open(struct websocket *w, int port, const char *session, bool is_shown_later,
               int64_t wait_ms)
{
    BUF_AUTO struct buf head = {0};
    int64_t             until_ms = clock_now().boot_ms + wait_ms;

    buf_printf(&head,
               "GET /v1/sessions/%s/ws HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: Upgrade\r\n"
               "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Key: dG9ydHVyZSB0b3J0dXJlIQ==\r\n%s\r\n",
               session, port, is_shown_later ? "" : "Authorization: Bearer " TOKEN "\r\n");
    if (!dial(w, port) || !send_all(w, buf_view(&head)) || read_head(w, until_ms) != 101) {
        return false;
    }
    if (is_shown_later) websocket_say(w, "{\"type\":\"auth\",\"token\":\"" TOKEN "\"}");
    return true;
}

/* Masked with zeros, which leave it as it is. */
static void
send_frame(struct websocket *w, unsigned opcode, struct view payload)
{
    static const char   no_mask[4];
    BUF_AUTO struct buf frame = {0};
    const unsigned char head[] = {(unsigned char)(FIN | opcode), MASKED | 126,
                                  (unsigned char)(payload.size >> 8), (unsigned char)payload.size};
    const unsigned char small[] = {head[0], (unsigned char)(MASKED | payload.size)};

    if (payload.size < 126) {
        buf_add(&frame, small, sizeof(small));
    } else {
        buf_add(&frame, head, sizeof(head));
    }
    buf_add(&frame, no_mask, sizeof(no_mask));
    buf_add_view(&frame, payload);
    (void)send_all(w, buf_view(&frame));
}

void
websocket_say(struct websocket *w, const char *text)
{
    send_frame(w, OPCODE_TEXT, view_str(text));
}

/* The bytes of the first frame's head, and its payload; 0 when it has not come whole. */
static size_t
frame_head(const struct buf *in, struct view *payload)
{
    const unsigned char *b = (const unsigned char *)in->data;
    size_t               head = 2, size = in->size >= 2 ? b[1] & 0x7f : 0;

    if (size == 126) head += 2;
    if (size == 127) head += 8;
    if (in->size < head) return 0;
    if (head > 2) size = 0;
    for (size_t i = 2; i < head; i++)
        size = size << 8 | b[i];
    if (in->size - head < size) return 0;
    *payload = view_of(in->data + head, size);
    return head;
}

/* What the gateway says is short: it never comes in more than one frame. */
static enum heard
take_frame(struct websocket *w, unsigned first, struct view payload)
{
    struct err e;

    if (first == (FIN | OPCODE_PING)) send_frame(w, OPCODE_PONG, payload);
    if (first == (FIN | OPCODE_PING)) return HEARD_NOTHING;
    if (first == (FIN | OPCODE_END) && payload.size >= 2) {
        w->code = (unsigned char)payload.data[0] << 8 | (unsigned char)payload.data[1];
    }
    if (first != (FIN | OPCODE_TEXT)) return HEARD_END;
    buf_clear(&w->text);
    return json_to_mp(payload, &w->text, &e) ? HEARD_END : HEARD_TEXT;
}

enum heard
websocket_hear(struct websocket *w, int64_t wait_ms)
{
    int64_t     until_ms = clock_now().boot_ms + wait_ms;
    struct view payload;

    for (;;) {
        size_t     head = frame_head(&w->in, &payload);
        enum heard heard = HEARD_NOTHING;

        if (head > 0) {
            heard = take_frame(w, (unsigned char)w->in.data[0], payload);
            drop(&w->in, head + payload.size);
            if (heard != HEARD_NOTHING) return heard;
        } else if ((heard = receive(w, until_ms)) != HEARD_TEXT) {
            return heard;
        }
    }
}

/* ---- a request ------------------------------------------------------------------------------- */

int
websocket_post(int port, const char *path, const char *body, int64_t wait_ms)
{
    BUF_AUTO struct buf text = {0};
    struct websocket    w;
    int                 status = 0;

    buf_printf(&text,
               "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer " TOKEN
               "\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
               "Connection: close\r\n\r\n%s",
               path, port, strlen(body), body);
    if (dial(&w, port) && send_all(&w, buf_view(&text))) {
        status = read_head(&w, clock_now().boot_ms + wait_ms);
    }
    websocket_close(&w);
    return status;
}
