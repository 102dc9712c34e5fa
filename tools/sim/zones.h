/* zones - the time zones of a simulation: UTC and two that the shell tells of, each a whole number
 * of minutes away from UTC all the year. */
#ifndef SIM_ZONES_H
#define SIM_ZONES_H

#include "common/buf.h"
#include <stdint.h>

#define SIM_ZONES 3 /* the first is UTC, which needs no telling */

const char *zone_name(int i);
/* The body of an INPUT_ZONE: the name, a NUL, a TZif file. */
void zone_pack(int i, struct buf *out);
/* Milliseconds east of UTC; 0 for an empty name. */
int64_t zone_offset(struct view name);

#endif
