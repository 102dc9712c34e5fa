#include "common/url.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define PORT_MAX 65535

static bool
is_port(struct view text)
{
    unsigned long port = 0;

    for (size_t i = 0; i < text.size && port <= PORT_MAX; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') return false;
        port = port * 10 + (unsigned long)(text.data[i] - '0');
    }
    return port > 0 && port <= PORT_MAX;
}

/* text: "user:password@host:port", all but the host optional; the host may be "[IPv6]". */
static const char *
host_problem(struct view text)
{
    const char *end = text.data + text.size;
    const char *user = memrchr(text.data, '@', text.size);
    const char *host = user ? user + 1 : text.data;
    const char *closed =
        host < end && *host == '[' ? memchr(host, ']', (size_t)(end - host)) : host;
    const char *colon = closed ? memchr(closed, ':', (size_t)(end - closed)) : NULL;

    if (host == end || !closed || colon == host) return "names no host";
    if (colon && colon + 1 < end && !is_port(view_of(colon + 1, (size_t)(end - colon - 1))))
        return "names a port that is not one of 1 to 65535";
    return NULL;
}

const char *
url_problem(struct view url)
{
    static const char *const schemes[] = {"http://", "https://"};
    size_t                   at = 0, end;

    for (size_t i = 0; i < url.size; i++) {
        if (url.data[i] <= ' ' || url.data[i] > '~')
            return "holds a blank, or a character that a URL gives as %XX";
    }
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t size = strlen(schemes[i]);

        if (url.size >= size && strncasecmp(url.data, schemes[i], size) == 0) at = size;
    }
    if (at == 0) return "is not an http:// or https:// URL";
    for (end = at; end < url.size && !strchr("/?#", url.data[end]);)
        end++;
    return host_problem(view_of(url.data + at, end - at));
}
