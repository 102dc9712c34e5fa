#include "tools/gateway/guard.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

static void
add(char ***list, size_t *count, struct view item)
{
    char *text = view_dup(item);

    for (char *c = text; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    *list = xrealloc(*list, (*count + 1) * sizeof(**list));
    (*list)[(*count)++] = text;
}

static void
add_all(char ***list, size_t *count, const char *items)
{
    while (*items) {
        size_t size = strcspn(items, ", ");

        if (size > 0) add(list, count, view_of(items, size));
        items += size;
        items += strspn(items, ", ");
    }
}

void
guard_init(struct guard *g, const char *address, const char *hosts, const char *origins)
{
    *g = (struct guard){0};
    add(&g->hosts, &g->nhosts, view_str(address));
    add_all(&g->hosts, &g->nhosts, "localhost 127.0.0.1 ::1");
    add_all(&g->hosts, &g->nhosts, hosts);
    add_all(&g->origins, &g->norigins, origins);
}

static void
free_all(char **list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(list[i]);
    free(list);
}

void
guard_done(struct guard *g)
{
    free_all(g->hosts, g->nhosts);
    free_all(g->origins, g->norigins);
    *g = (struct guard){0};
}

static bool
is_listed(char **list, size_t count, struct view item)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(list[i]) == item.size && strncasecmp(list[i], item.data, item.size) == 0) {
            return true;
        }
    }
    return false;
}

static bool
is_port(struct view v)
{
    if (v.size < 2 || v.size > 6 || v.data[0] != ':') return false;
    for (size_t i = 1; i < v.size; i++) {
        if (!isdigit((unsigned char)v.data[i])) return false;
    }
    return true;
}

/* The name without its port and brackets; empty when it is none. */
static struct view
name_of(struct view host)
{
    const char *end;
    struct view name, rest;

    if (host.size == 0) return host;
    if (host.data[0] == '[') {
        if (!(end = memchr(host.data, ']', host.size))) return view_of(NULL, 0);
        name = view_of(host.data + 1, (size_t)(end - host.data) - 1);
        rest = view_of(end + 1, host.size - name.size - 2);
    } else {
        end = memchr(host.data, ':', host.size);
        name = view_of(host.data, end ? (size_t)(end - host.data) : host.size);
        rest = view_of(host.data + name.size, host.size - name.size);
    }
    if (rest.size > 0 && !is_port(rest)) return view_of(NULL, 0);
    return name;
}

bool
guard_knows_host(const struct guard *g, struct view host)
{
    struct view name = name_of(host);

    return name.size > 0 && is_listed(g->hosts, g->nhosts, name);
}

bool
guard_knows_origin(const struct guard *g, struct view origin, struct view host)
{
    static const char *const schemes[] = {"http://", "https://"};

    if (is_listed(g->origins, g->norigins, origin)) return true;
    if (!guard_knows_host(g, host)) return false;
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        size_t size = strlen(schemes[i]);

        if (origin.size == size + host.size && strncasecmp(origin.data, schemes[i], size) == 0 &&
            strncasecmp(origin.data + size, host.data, host.size) == 0) {
            return true;
        }
    }
    return false;
}
