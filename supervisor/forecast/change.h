/* change - what a forecast is asked to suppose (--with FILE): schedules and limits that are others.
 *
 * The text has the form of the configuration file's sections `schedules`, `limits`, `budgets` and
 * `workers`.  A schedule that is there keeps what its body does not name; null for a member takes
 * that back, null for the body removes the schedule. */
#ifndef FORECAST_CHANGE_H
#define FORECAST_CHANGE_H

#include "supervisor/config/yaml.h"
#include "supervisor/forecast/world.h"

struct change {
    const struct yaml *root;
    struct arena       arena;
    struct world_fleet fleet;    /* with the change */
    struct view        company;  /* of schedules whose body names none */
    bool               is_bound; /* only that company's schedules may be others */
    struct buf         done;     /* packed maps {action, schedule} */
    uint32_t           done_count;
};

/* Reads the text, as far as that goes without the store; fleet is the one without the change.
 * E_BAD_REQUEST begins with --with:LINE:COLUMN. */
enum errc change_read(struct change *c, struct view text, const struct world_fleet *fleet,
                      struct err *e) MUST_CHECK;
void      change_done(struct change *c);
/* A turn in which the world becomes what the text says; refused as a declaration would be. */
enum errc change_apply(struct change *c, struct world *w, struct err *e) MUST_CHECK;

#endif
