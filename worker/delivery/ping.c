#include "worker/delivery/ping.h"

#include "common/url.h"
#include "worker/delivery/answer.h"
#include "worker/delivery/reach.h"
#include "worker/delivery/request.h"
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define URL_MAX 2048 /* bytes, as in SCHEDULE_FIELDS */

static bool
allows(void *arg, const struct sockaddr *a, socklen_t size)
{
    (void)arg;
    return !reach_is_barred(a, size);
}

static void
request(const char *url, struct buf *out)
{
    const struct request r = {.url = url, .timeout_ms = PING_TIMEOUT_MS, .allows = allows};
    struct response      response;
    char                 text[32];

    request_make(&r, &response);
    (void)snprintf(text, sizeof(text), "HTTP %ld", response.status); /* fits */
    if (response.status >= 200 && response.status < 300) {
        answer_put(out, "delivered", "receipt", text);
    } else {
        answer_put(out, "failed", "message", response.status ? text : response.problem);
    }
}

void
ping_send(const char *url, struct buf *out)
{
    const char *problem = url_problem(view_str(url));

    if (problem) {
        answer_put(out, "failed", "message", problem);
    } else {
        request(url, out);
    }
}

int
ping_main(void)
{
    BUF_AUTO struct buf out = {0};
    char                url[URL_MAX + 1];
    size_t              size = 0;
    ssize_t             n;

    while (size < URL_MAX && (n = read(STDIN_FILENO, url + size, URL_MAX - size)) != 0) {
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return 1;
        size += (size_t)n;
    }
    url[size] = '\0';
    ping_send(url, &out);
    return answer_print(&out);
}
