/* request - one web request, by libcurl, in a process of its own.
 *
 * http and https only; nothing is followed; no proxy, netrc or file of the user's is used; of the
 * answer's body at most REQUEST_BODY_MAX bytes are read and none are kept.  An answer counts when
 * its headers have come to their end, whatever becomes of its body; those of a 1xx do not count. */
#ifndef DELIVERY_REQUEST_H
#define DELIVERY_REQUEST_H

#include "common/mem.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define REQUEST_BODY_MAX 65536
#define REQUEST_TEXT_MAX 256

struct request {
    const char        *url;
    struct view        body;    /* POST when it is not empty, else GET */
    const char *const *headers; /* "Name: value", ended by NULL; or NULL */
    int64_t            timeout_ms;
    bool (*allows)(void *arg, const struct sockaddr *a, socklen_t size);
    void *arg;
};

struct response {
    bool    was_sent; /* the request, or some of it, may have reached the server */
    bool    is_barred;
    long    status;                    /* of HTTP; 0: no answer, its headers did not all come */
    int64_t retry_after_ms;            /* -1: the server did not say */
    char    problem[REQUEST_TEXT_MAX]; /* when there was no answer: why not */
};

void request_make(const struct request *r, struct response *out);

#endif
