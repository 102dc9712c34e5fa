#include "common/listen.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT_MAX 65535

static bool
take_port(struct view digits, int *port)
{
    int n = 0;

    if (digits.size == 0 || digits.size > 5) return false;
    for (size_t i = 0; i < digits.size; i++) {
        if (!isdigit((unsigned char)digits.data[i])) return false;
        n = 10 * n + (digits.data[i] - '0');
    }
    *port = n;
    return n <= PORT_MAX;
}

/* An address of IPv6 stands in brackets, and no other. */
static bool
take_address(struct view text, struct view *address)
{
    bool has_brackets = text.size > 2 && text.data[0] == '[' && text.data[text.size - 1] == ']';
    char copy[INET6_ADDRSTRLEN];
    struct in6_addr out;

    *address = has_brackets ? view_of(text.data + 1, text.size - 2) : text;
    if (address->size >= sizeof(copy) || memchr(address->data, '\0', address->size)) return false;
    (void)snprintf(copy, sizeof(copy), "%.*s", VIEW_ARG(*address)); /* fits */
    return inet_pton(has_brackets ? AF_INET6 : AF_INET, copy, &out) == 1;
}

enum errc
listen_parse(struct view text, struct view *address, int *port, struct err *e)
{
    size_t end = text.size;

    while (end > 0 && text.data[end - 1] != ':')
        end--;
    if (end == 0 || !take_address(view_of(text.data, end - 1), address) ||
        !take_port(view_of(text.data + end, text.size - end), port)) {
        return err_set(e, E_BAD_REQUEST, "\"%.*s\" is not " LISTEN_ALLOWED, VIEW_ARG(text));
    }
    return E_OK;
}

static bool
is_host(struct view v)
{
    char            copy[254];
    struct in6_addr out;

    if (v.size == 0 || v.size >= sizeof(copy)) return false;
    (void)snprintf(copy, sizeof(copy), "%.*s", VIEW_ARG(v)); /* fits */
    if (memchr(v.data, ':', v.size)) return inet_pton(AF_INET6, copy, &out) == 1;
    for (size_t i = 0; i < v.size; i++) {
        if (!isalnum((unsigned char)copy[i]) && !strchr("-._", copy[i])) return false;
    }
    return true;
}

/* scheme://host or scheme://host:port; an address of IPv6 in brackets. */
static bool
is_origin(struct view v)
{
    const char *sign = memmem(v.data, v.size, "://", 3);
    int         port = 0;

    if (!sign || sign == v.data) return false;
    struct view host = view_of(sign + 3, v.size - (size_t)(sign + 3 - v.data));
    const char *colon = memrchr(host.data, ':', host.size);
    if (colon &&
        take_port(view_of(colon + 1, host.size - (size_t)(colon + 1 - host.data)), &port)) {
        host.size = (size_t)(colon - host.data);
    }
    if (host.size > 2 && host.data[0] == '[' && host.data[host.size - 1] == ']') {
        host = view_of(host.data + 1, host.size - 2);
    } else if (memchr(host.data, ':', host.size)) {
        return false;
    }
    return is_host(host);
}

static struct view
without_blanks(struct view v)
{
    while (v.size > 0 && v.data[0] == ' ')
        v = view_of(v.data + 1, v.size - 1);
    while (v.size > 0 && v.data[v.size - 1] == ' ')
        v.size--;
    return v;
}

static bool
are_all(struct view list, bool (*is_one)(struct view item))
{
    while (list.size > 0) {
        const char *comma = memchr(list.data, ',', list.size);
        size_t      size = comma ? (size_t)(comma - list.data) : list.size;
        struct view item = without_blanks(view_of(list.data, size));

        if (item.size > 0 && !is_one(item)) return false;
        size += comma != NULL;
        list = view_of(list.data + size, list.size - size);
    }
    return true;
}

bool
listen_are_hosts(struct view list)
{
    return are_all(list, is_host);
}

bool
listen_are_origins(struct view list)
{
    return are_all(list, is_origin);
}

static socklen_t
make_address(const char *address, int port, struct sockaddr_storage *out)
{
    struct sockaddr_in  *four = (struct sockaddr_in *)out;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;

    *out = (struct sockaddr_storage){0};
    if (inet_pton(AF_INET, address, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons((uint16_t)port);
        return sizeof(*four);
    }
    if (inet_pton(AF_INET6, address, &six->sin6_addr) != 1) return 0;
    six->sin6_family = AF_INET6;
    six->sin6_port = htons((uint16_t)port);
    return sizeof(*six);
}

static const char *
hint_at(int error)
{
    switch (error) {
    case EADDRINUSE: return "another program listens there: end it, or choose another port";
    case EADDRNOTAVAIL: return "this machine has no such address";
    case EAFNOSUPPORT: return "this machine has no IPv6";
    case EACCES: return "a port below 1024 takes a right that we do not have: choose a higher one";
    default: return "";
    }
}

enum errc
listen_try(const char *address, int port, struct err *e)
{
    struct sockaddr_storage where;
    socklen_t               size = make_address(address, port, &where);
    int                     yes = 1, fd;
    enum errc               failed = E_OK;

    if (size == 0) return err_set(e, E_BAD_REQUEST, "\"%s\" is no address", address);
    fd = socket(where.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) ||
        bind(fd, (struct sockaddr *)&where, size) || listen(fd, 1)) {
        int error = errno;

        (void)err_errno(e, "cannot listen on %s port %d", address, port);
        failed = err_hint(e, "%s", hint_at(error));
    }
    if (fd >= 0) (void)close(fd);
    return failed;
}
