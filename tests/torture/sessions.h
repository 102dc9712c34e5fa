/* sessions - what the clients say in sessions, and what became of it.
 *
 * Each event's payload has a number of its own, "n", by which it is known again.  Its handler keeps
 * in the checkpoint the last event's seq, the count of all, and a sum that rests on every one of
 * them in their order; and it sends one message, with that count. */
#ifndef TESTS_TORTURE_SESSIONS_H
#define TESTS_TORTURE_SESSIONS_H

#include "tests/torture/model.h"

#define SESSIONS       30
#define SESSIONS_ALONE 18 /* the first ones have no agent: a persistent handler processes them */
#define TALK           "talk" /* the company of all */
#define SCRIBE         "scribe"
#define SPOKEN_MAX     3  /* messages in a row that no person asked for */
#define WAITING_MAX    12 /* events of a session */
#define SAID_MAX       1000000
#define SUM_FACTOR     31
#define SUM_MODULUS    1000000007

enum said_type { SAID_MESSAGE, SAID_STEP, SAID_JOB, SAID_BAD, SAID_TYPES };

/* One event that somebody asked for. */
struct said {
    unsigned       session;
    enum said_type type;
    enum asked     asked;
    uint64_t       seq; /* ASKED_YES */
    unsigned       found;
};

/* One event as the store has it, and what came of it. */
struct row {
    enum said_type type;
    bool           is_dead;
    uint64_t       n;
    uint64_t       job;              /* of a dead one: its last job */
    uint64_t       jobs, completed;  /* jobs that were made for it; the one that completed */
    uint64_t       processed, deads; /* how often the feed tells of it */
    uint64_t       rows, delivered, rejected, lines; /* of its message, and at the sink */
    uint64_t       count;                            /* that the message has */
};

struct talk {
    struct row *rows; /* by seq - 1 */
    size_t      count;
    uint64_t    told; /* seq of the last event that the feed says was processed */
};

struct sessions {
    struct said *said[CLIENTS + 1]; /* the last: before the load began */
    size_t       saids[CLIENTS + 1];
    struct talk  talks[SESSIONS];
};

/* The body of a request, and its op. */
enum msg_id sessions_request(unsigned session, enum said_type type, unsigned n, struct buf *body);
/* "n" of what a client said as its `number`th. */
unsigned sessions_number(unsigned client, unsigned number);
/* A person speaks first in each, before the load begins. */
void sessions_prepare(struct link *l);

void sessions_init(struct model *m);
void sessions_free(struct model *m);
/* A line of a client's history; false when it is of something else. */
bool sessions_history(struct model *m, unsigned client, const char *line);
/* Events and the sessions themselves, after the histories. */
void sessions_fetch(struct model *m, struct link *l);
/* 1 + the session's place; 0: it is none of these. */
unsigned sessions_find(struct view key);
/* The event; NULL, and that is a break, when there is none. */
struct row *sessions_row(struct model *m, unsigned session, uint64_t seq);
/* What the feed, the outbox and the sink's file say; of other sessions false. */
void sessions_feed(struct model *m, struct view type, struct view event);
bool sessions_effect(struct model *m, struct view item);
void sessions_line(struct model *m, struct view line);

#endif
