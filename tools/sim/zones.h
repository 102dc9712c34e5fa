/* zones - the time zones of a simulation: UTC and two that are a whole number of minutes away from
 * UTC all the year, for everything; and one with summer time, for schedules. */
#ifndef SIM_ZONES_H
#define SIM_ZONES_H

#include "common/buf.h"
#include <stdint.h>

#define SIM_ZONES     3 /* the first is UTC, which needs no telling */
#define SIM_ALL_ZONES 4

const char *zone_name(int i);
/* The body of an INPUT_ZONE: the name, a NUL, a TZif file. */
void zone_pack(int i, struct buf *out);
/* Milliseconds east of UTC of a zone without summer time; 0 for an empty name. */
int64_t zone_offset(struct view name);
/* Of any zone, at an instant. */
int64_t zone_offset_at(struct view name, int64_t at);
/* The last change to or from summer time that is not behind `at`. */
int64_t zone_change_before(int64_t at);

#endif
