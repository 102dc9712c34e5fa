/* operator - one process that changes what agentd does while it is killed; what its acts share. */
#ifndef TESTS_OPERATOR_H
#define TESTS_OPERATOR_H

#include "tests/torture/dice.h"
#include "tests/torture/history.h"
#include "tests/torture/link.h"
#include "tests/torture/load.h"

#define BODY_BYTES         160
#define OPERATOR_KEY_BYTES 32

struct operator_state {
    struct link    link;
    struct history history;
    struct dice    dice;
    struct shared *shared;
    const char    *folder;
    struct ports   ports;
    unsigned       requests;
    unsigned       caps;    /* how often busy's was changed */
    unsigned       raises;  /* … and thrift's limit … */
    unsigned       reloads; /* … and the configuration */
};

/* The request_id of the next request. */
void operator_next_key(struct operator_state *o, char key[OPERATOR_KEY_BYTES]);
/* A little while in which something is held. */
void operator_hold(struct operator_state *o);
/* Before the load starts: without it the run is worth nothing. */
void operator_must(struct link *l, enum msg_id op, const char *body, const char *key);

/* Makes the schedules of mixed kinds. */
void timetable_prepare(struct link *l);
/* Acts on one of them: fires it by hand, makes up for a range of the past, changes it, pauses it,
 * takes it out of the shadow; or marks a job as streaming to a person, so that firings wait. */
void timetable_act(struct operator_state *o);

#endif
