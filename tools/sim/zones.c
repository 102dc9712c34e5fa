#include "tools/sim/zones.h"

#include "tools/sim/verdict.h"

#include <string.h>

#define MINUTE_MS 60000
#define HOUR_MS   3600000
#define DAY_MS    86400000

static const struct {
    const char *name, *footer;
    int         minutes;
} zones[SIM_ALL_ZONES] = {
    {"UTC",        "",                               0   },
    {"Sim/East",   "\n<+0530>-5:30\n",               330 },
    {"Sim/West",   "\n<-08>8\n",                     -480},
    {"Sim/Summer", "\nCET-1CEST,M3.5.0,M10.5.0/3\n", 60  }, /* and an hour more in summer */
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

/* ---- summer time ----------------------------------------------------------------------------- */

/* The day of 1 March of a year, the year's day 59 or 60, since the epoch. */
static int64_t
first_of_march(int64_t year)
{
    return 365 * (year - 1970) + (year - 1968) / 4 - (year - 1900) / 100 + (year - 1600) / 400 + 59;
}

/* 01:00 UTC of the last Sunday of March (31 days) or October (245 days behind 1 March). */
static int64_t
change_of(int64_t year, bool is_autumn)
{
    int64_t last = first_of_march(year) + (is_autumn ? 244 : 30);

    return (last - (last + 4) % 7) * DAY_MS + HOUR_MS; /* the epoch was a Thursday */
}

int64_t
zone_change_before(int64_t at)
{
    int64_t year = 1970 + at / (366 * (int64_t)DAY_MS);

    while (change_of(year + 1, false) <= at)
        year++;
    return change_of(year, true) <= at ? change_of(year, true) : change_of(year, false);
}

int64_t
zone_offset_at(struct view name, int64_t at)
{
    int64_t year, ms = zone_offset(name);

    if (!view_is(name, zones[SIM_ALL_ZONES - 1].name)) return ms;
    for (year = 1970 + at / (366 * (int64_t)DAY_MS); change_of(year, true) <= at;)
        year++;
    return at >= change_of(year, false) ? ms + HOUR_MS : ms;
}

int64_t
zone_offset(struct view name)
{
    if (name.size == 0) return 0;
    for (int i = 0; i < SIM_ALL_ZONES; i++) {
        if (view_is(name, zones[i].name)) return (int64_t)zones[i].minutes * MINUTE_MS;
    }
    broken("a zone that the simulation does not know: %.*s", VIEW_ARG(name));
}
