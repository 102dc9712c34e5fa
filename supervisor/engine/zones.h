/* zones - the time zones that the shell has told of (N10, N28), by name.  UTC needs no row. */
#ifndef ENGINE_ZONES_H
#define ENGINE_ZONES_H

#include "common/tz.h"
#include "supervisor/engine/turn.h"

/* INPUT_ZONE: keeps the zone, or its newer bytes; what is no TZif file is logged and left out. */
void on_zone(struct engine *en, const struct input *in);
/* Whether `name`, as `field` of an object gives it, is known; an empty one is.  E_BAD_REQUEST names
 * the field. */
enum errc zone_check(struct txn *t, struct view name, const char *field, struct err *e) MUST_CHECK;
/* The zone's rules, in the transaction's memory; UTC for an empty or unknown name. */
void zone_read(struct txn *t, struct view name, struct tz *out);

#endif
