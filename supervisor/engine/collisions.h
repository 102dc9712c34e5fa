/* collisions - what else fires when a schedule does: told to who saves it, with a better minute
 * (C12) and what schedules of the same profile use (C13).
 *
 * The nominal times of the next 24 h fall into buckets: five minutes of the day, in UTC.  A
 * schedule collides with another one that is active when a time of each falls into the same bucket.
 * It is compared with those of its company; one of `default`, where a schedule without a company
 * is, with all that the actor sees.
 *
 * All saves of a turn together look at TURN_LOOKS_MAX schedules and nominal times; a save that
 * could not look at all says so. */
#ifndef ENGINE_COLLISIONS_H
#define ENGINE_COLLISIONS_H

#include "supervisor/engine/turn.h"

#define COLLISION_BUCKETS   288
#define COLLISION_NAMES_MAX 20

struct collisions {
    bool        is_warned;                  /* the turns reach limits.collision_turns */
    uint64_t    turns;                      /* averages of this schedule and all that collide */
    bool        shared[COLLISION_BUCKETS];  /* by bucket */
    struct view names[COLLISION_NAMES_MAX]; /* those that use most, sorted; in the turn's memory */
    uint32_t    name_count;
    uint32_t    unnamed; /* that collide, too */

    struct view cron; /* the same with a less contended minute; empty: there is none */
    int         minute;

    uint64_t median_turns; /* of the average turns of schedules with its profile … */
    uint32_t median_of;    /* … so many of them; 0: none has been measured */

    uint32_t compared; /* schedules looked at … */
    bool     is_all;   /* … and these are all */
};

/* Of a schedule that is stored; run is its row. */
void collisions_of(struct engine *en, const struct actor *a, const struct object_entry *o,
                   const struct schedule *run, struct collisions *out);

/* What a reply says of them: an item of `warnings` (when is_warned), and the pair `advice`. */
void collisions_put_warning(const struct collisions *c, struct buf *b);
void collisions_put_advice(const struct collisions *c, struct buf *b, struct mp_open_map *map);

#endif
