#include "tools/sim/zones.h"

#include "tools/sim/verdict.h"

#include <string.h>

#define MINUTE_MS 60000

static const struct {
    const char *name, *footer;
    int         minutes;
} zones[SIM_ZONES] = {
    {"UTC",      "",                 0   },
    {"Sim/East", "\n<+0530>-5:30\n", 330 },
    {"Sim/West", "\n<-08>8\n",       -480},
};

const char *
zone_name(int i)
{
    return zones[i].name;
}

/* A file with one type, UTC, and no transition: the footer alone says the time (RFC 9636). */
void
zone_pack(int i, struct buf *out)
{
    static const char header[] = "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" /* magic, version, unused */
                                 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4";
    static const char type[] = "\0\0\0\0\0\0UTC"; /* with its NUL */

    buf_add(out, zones[i].name, strlen(zones[i].name) + 1);
    for (int part = 0; part < 2; part++) {
        buf_add(out, header, 44);
        buf_add(out, type, 10);
    }
    buf_add(out, zones[i].footer, strlen(zones[i].footer));
}

int64_t
zone_offset(struct view name)
{
    if (name.size == 0) return 0;
    for (int i = 0; i < SIM_ZONES; i++) {
        if (view_is(name, zones[i].name)) return (int64_t)zones[i].minutes * MINUTE_MS;
    }
    broken("a zone that the simulation does not know: %.*s", VIEW_ARG(name));
}
