/* replay - the feed walked through from its first event on, as a record of what ran when: nothing
 * starts while it is stopped or paused, no limit is passed, no unique key has two jobs. */
#ifndef TESTS_REPLAY_H
#define TESTS_REPLAY_H

#include "tests/torture/model.h"

struct replay;

/* The model has the store's jobs already. */
struct replay *replay_new(struct model *m);
void           replay_free(struct replay *r);
/* The next event. */
void replay_take(struct replay *r, struct view type, struct view event);

#endif
