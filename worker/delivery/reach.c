#include "worker/delivery/reach.h"

#include "common/mp.h"
#include "proto/codec.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* An address as 16 bytes, of IPv4 as a mapped one (RFC 4291, 2.5.5.2). */
struct address {
    uint8_t  bytes[16];
    unsigned port;
};

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static void
map_v4(const void *four, uint8_t *out)
{
    memcpy(out, mapped, sizeof(mapped));
    memcpy(out + sizeof(mapped), four, 4);
}

static bool
address_of(const struct sockaddr *a, socklen_t size, struct address *out)
{
    struct sockaddr_in  v4;
    struct sockaddr_in6 v6;

    if (a->sa_family == AF_INET && size >= sizeof(v4)) {
        memcpy(&v4, a, sizeof(v4));
        map_v4(&v4.sin_addr, out->bytes);
        out->port = ntohs(v4.sin_port);
        return true;
    }
    if (a->sa_family != AF_INET6 || size < sizeof(v6)) return false;
    memcpy(&v6, a, sizeof(v6));
    memcpy(out->bytes, &v6.sin6_addr, sizeof(out->bytes));
    out->port = ntohs(v6.sin6_port);
    return true;
}

static bool
is_within(const uint8_t *bytes, const uint8_t *net, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;

    if (memcmp(bytes, net, whole) != 0) return false;
    return rest == 0 || ((bytes[whole] ^ net[whole]) >> (8 - rest)) == 0;
}

/* TEXT/BITS, of IPv4 or IPv6; bits as of the 16 bytes. */
static bool
parse_net(const char *text, uint8_t *net, unsigned *bits)
{
    char           copy[64];
    const char    *slash = strchr(text, '/');
    size_t         size = slash ? (size_t)(slash - text) : strlen(text);
    struct in_addr v4;
    char          *end;

    if (size == 0 || size >= sizeof(copy)) return false;
    memcpy(copy, text, size);
    copy[size] = '\0';
    bool is_v4 = inet_pton(AF_INET, copy, &v4) == 1;
    if (is_v4) map_v4(&v4, net);
    if (!is_v4 && inet_pton(AF_INET6, copy, net) != 1) return false;
    *bits = 128;
    if (!slash) return true;
    unsigned long given = strtoul(slash + 1, &end, 10);
    if (slash[1] < '0' || slash[1] > '9' || *end != '\0' || given > (is_v4 ? 32U : 128U))
        return false;
    *bits = (unsigned)given + (is_v4 ? 96 : 0);
    return true;
}

static bool
is_in(const struct address *a, const char *const *nets)
{
    for (; *nets; nets++) {
        uint8_t  net[16];
        unsigned bits;

        if (parse_net(*nets, net, &bits) && is_within(a->bytes, net, bits)) return true;
    }
    return false;
}

/* The registries of special addresses (RFC 6890): what is never a server that one posts to … */
static const char *const barred[] = {
    "0.0.0.0/8",    "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4",  "fe80::/10", "ff00::/8",
    "64:ff9b::/96", "2002::/16",      "2001::/32",   "192.0.0.0/24", "::/96",     NULL,
};
/* … and what is of the own network. */
static const char *const own[] = {
    "127.0.0.0/8",   "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
    "100.64.0.0/10", "::1/128",    "fc00::/7",      NULL,
};

bool
reach_is_barred(const struct sockaddr *a, socklen_t size)
{
    static const char *const loopback[] = {"::1/128", NULL}; /* which ::/96 has in it */
    struct address           address;

    return !address_of(a, size, &address) ||
           (is_in(&address, barred) && !is_in(&address, loopback));
}

/* Splits the port off: NAME, NAME:PORT, [NAME] or [NAME]:PORT.  port 0: any. */
static bool
split_entry(struct view entry, char *name, size_t size, unsigned *port)
{
    char *colon, *end;

    *port = 0;
    if (entry.size == 0 || entry.size >= size) return false;
    memcpy(name, entry.data, entry.size);
    name[entry.size] = '\0';
    if (name[0] == '[') {
        char *close = strchr(name, ']');

        if (!close) return false;
        colon = close[1] == ':' ? close + 1 : NULL;
        if (!colon && close[1] != '\0') return false;
        *close = '\0';
        memmove(name, name + 1, (size_t)(close - name));
    } else {
        colon = strchr(name, ':');
        if (colon && strchr(colon + 1, ':')) colon = NULL; /* an IPv6 address without brackets */
        if (colon) *colon = '\0';
    }
    if (!colon) return true;
    unsigned long given = strtoul(colon + 1, &end, 10);
    if (colon[1] < '0' || colon[1] > '9' || *end != '\0' || given == 0 || given > 65535)
        return false;
    *port = (unsigned)given;
    return true;
}

static bool
entry_allows(struct view entry, const struct reach *r, const struct address *a)
{
    char     name[300];
    uint8_t  net[16];
    unsigned bits, port;

    if (!split_entry(entry, name, sizeof(name), &port)) return false;
    if (port != 0 && port != a->port) return false;
    if (parse_net(name, net, &bits)) return is_within(a->bytes, net, bits);
    return r->host.size == strlen(name) && strncasecmp(r->host.data, name, r->host.size) == 0;
}

bool
reach_allows(const struct reach *r, const struct sockaddr *a, socklen_t size)
{
    struct list_iter it = list_iter_of(r->allow);
    struct address   address;
    struct view      item, entry;

    if (reach_is_barred(a, size) || !address_of(a, size, &address)) return false;
    while (list_next(&it, &item)) {
        struct mp_reader reader = mp_reader_of(item);

        if (mp_read_str(&reader, &entry) && entry_allows(entry, r, &address)) return true;
    }
    return !is_in(&address, own) && (address.port == 80 || address.port == 443);
}
