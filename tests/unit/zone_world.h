/* zone_world - time zones as inputs, for the tests of days and of schedules. */
#ifndef TESTS_ZONE_WORLD_H
#define TESTS_ZONE_WORLD_H

#include "tests/unit/engine_rig.h"

/* A time zone that is only a footer, as the shell tells of it: "Test/East\0" and a TZif file. */
static inline void
tell_of_zone(struct rig *r, const char *name, const char *footer)
{
    static const char header[44] = "TZif2";
    struct buf b      BUF_AUTO = {0};
    struct input      in = {.kind = INPUT_ZONE};

    buf_add(&b, name, strlen(name) + 1);
    for (int part = 0; part < 2; part++) { /* of version 1, and of version 2 */
        size_t at = b.size;

        buf_add(&b, header, sizeof(header));
        b.data[at + 39] = 1;          /* one type, */
        b.data[at + 43] = 4;          /* four letters of abbreviations */
        buf_add(&b, "\0\0\0\0\0", 6); /* UTC, which the footer outdates */
        buf_add(&b, "UTC", 4);
    }
    buf_printf(&b, "\n%s\n", footer);
    in.body = buf_view(&b);
    rig_push(r, &in);
    rig_turn(r);
}

#endif
