/* deeds - what the clerk did to sessions, their dead events, and messages that ended otherwise than
 * they should; and what of it the judge holds against the store. */
#ifndef TESTS_DEEDS_H
#define TESTS_DEEDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLERK "clerk" /* the name of its history */

enum deed_kind {
    DEED_CLOSE,     /* a session */
    DEED_RETRY,     /* the event that holds it … */
    DEED_SKIP,      /* … or the next one */
    DEED_COPY,      /* of a dead event, at the end */
    DEED_DELIVERED, /* a message of unknown outcome is said to be so … */
    DEED_FAILED,    /* … or so */
    DEED_SEND,      /* one that failed or expired, again */
    DEEDS
};

struct model;

/* How often it was done, surely and perhaps. */
struct bounds {
    uint64_t surely, perhaps;
};

bool bounds_hold(const struct bounds *b, uint64_t count);

/* The word that stands for it in the history. */
const char *deed_name(enum deed_kind k);

/* The clerk's history. */
void deeds_read(struct model *m);
void deeds_free(struct model *m);
/* How often this was asked for, of one message. */
struct bounds deeds_count(const struct model *m, enum deed_kind k, uint64_t effect);
/* What was done to sessions against what the feed and the store have of it. */
void judge_deeds(struct model *m);

#endif
