/* Reads cases, one a line: "<after, Unix s> <zone> <expression>"; answers each on a line with the
 * next firing's Unix second, "never" or "refused". */
#include "common/cron.h"
#include "common/tzfile.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    char       name[65];
    struct buf bytes;
    struct tz  rules;
} zone; /* of the last case: cases come by zone */

static void
use_zone(const char *name)
{
    struct err e = {0};

    if (strcmp(zone.name, name) == 0) return;
    buf_clear(&zone.bytes);
    (void)snprintf(zone.name, sizeof(zone.name), "%s", name);
    if (tzfile_read(tzfile_folder(), view_str(name), &zone.bytes) &&
        tz_parse(buf_view(&zone.bytes), &zone.rules, &e) == E_OK)
        return;
    (void)fprintf(stderr, "zone %s: %s\n", name, e.msg);
    exit(1);
}

int
main(void)
{
    char line[512], name[65];

    while (fgets(line, sizeof(line), stdin)) {
        struct cron c;
        struct err  e = {0};
        int64_t     after, at;
        int         begin = 0;

        line[strcspn(line, "\n")] = '\0';
        if (sscanf(line, "%" SCNd64 " %64s %n", &after, name, &begin) != 2) return 1;
        use_zone(name);
        if (cron_parse(view_str(line + begin), &c, &e)) {
            (void)puts("refused");
            continue;
        }
        at = cron_next(&c, &zone.rules, 0, after * 1000);
        if (at < 0) {
            (void)puts("never");
        } else {
            (void)printf("%" PRId64 "\n", at / 1000);
        }
    }
    buf_done(&zone.bytes);
    return 0;
}
