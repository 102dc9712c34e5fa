/* sessions - what the clients say in sessions, and what became of it.
 *
 * Each event's payload has a number of its own, "n", by which it is known again.  Its handler keeps
 * in the checkpoint the last event's seq, the count of all, and a sum that rests on every one of
 * them in their order; and it sends one message, with that count.  On a bad event it chokes, each
 * time, until somebody mends what it chokes on. */
#ifndef TESTS_TORTURE_SESSIONS_H
#define TESTS_TORTURE_SESSIONS_H

#include "tests/torture/deeds.h"
#include "tests/torture/model.h"

#define SESSIONS       30
#define SESSIONS_ALONE 18 /* the first ones have no agent: a persistent handler processes them */
#define SESSIONS_READ  (SESSIONS - PERSONS) /* the last ones: a person reads them at the gateway */
#define TALK           "talk"               /* the company of all */
#define SCRIBE         "scribe"
#define VOICE          "voice"  /* of those that are read */
#define CHOKES         "chokes" /* the handler that a bad event asks for … */
#define CHOKES_MAX     3        /* … its attempts … */
#define CHOKES_AT_ONCE 2        /* … of which those whose n it divides need one only */
#define SPOKEN_MAX     3        /* messages in a row that no person asked for */
#define WAITING_MAX    12       /* events of a session */
#define SAID_MAX       1000000
#define SUM_FACTOR     31
#define SUM_MODULUS    1000000007

#define PLANNED    (SAYERS * SAID_MAX) /* "n" of a timer that a handler set: and the seq */
#define PLAN_EVERY 3                   /* steps whose n it divides set a timer … */
#define PLAN_TWICE 2 /* … of those, these set one more, for much later, and cancel it */

/* Who says something: the clients, nobody before the load began, and the persons. */
#define SAYER_NOBODY CLIENTS
#define SAYER_PERSON (CLIENTS + 1)
#define SAYERS       (SAYER_PERSON + PERSONS)

enum said_type { SAID_MESSAGE, SAID_STEP, SAID_JOB, SAID_BAD, SAID_TIMER, SAID_TYPES };
enum timer { TIMER_ABSENT, TIMER_PENDING, TIMER_PROMOTED, TIMER_CANCELLED, TIMER_STATES };

/* One event that somebody asked for. */
struct said {
    unsigned       session;
    enum said_type type;
    enum asked     asked;
    uint64_t       seq; /* ASKED_YES */
    unsigned       found;
    bool           is_late; /* a timer that is due long after the run … */
    enum asked     cancel;  /* … whose cancel was asked for; ASKED_OPEN: it was not */
    enum timer     timer;   /* as the store has it … */
    enum timer     told;    /* … and as the feed tells: cancelled when a close found it pending */
    int64_t        fire_at;
    uint64_t       event;      /* … and the number of its event */
    bool           was_closed; /* refused, for that reason */
    bool           is_mended;  /* a bad one, at some time */
};

/* One event as the store has it, and what came of it. */
struct row {
    enum said_type type;
    bool           is_dead, is_void;
    int64_t        at;
    uint64_t       n;
    uint64_t       job;              /* of a dead one: its last job */
    uint64_t       jobs, completed;  /* jobs that were made for it; the one that completed */
    uint64_t       processed, deads; /* how often the feed tells of it */
    uint64_t       rows, delivered, rejected, lines; /* of its message, and at the sink */
    uint64_t       count;                            /* that the message has */
    uint64_t       plans;                            /* its effects on timers */
    enum timer     plan, spare;                      /* the timers that it set … */
    enum timer     plan_told;                        /* … and as told */
    uint64_t       plan_event, fired;
    int64_t        plan_at;
    bool           is_closed;    /* a close found it waiting, or at work */
    bool           is_cancelled; /* its timer was */
    uint64_t       copy_of;      /* 0: it is none */
    uint64_t       copies;       /* of it … */
    struct bounds  copies_asked; /* … and asked for */
    uint64_t       retries;      /* how often the feed tells that it was tried again */
};

struct talk {
    struct row *rows; /* by seq - 1 */
    size_t      count;
    uint64_t    pending; /* timers */
    /* what the feed tells */
    uint64_t      told;     /* seq of the last event that was processed, or given up */
    uint64_t      appended; /* … and that was appended */
    bool          is_closed, is_held;
    bool          owes_hold; /* the last one was given up, and must hold it */
    uint64_t      closes, retries, skips;
    struct bounds closes_asked, retries_asked, skips_asked;
};

struct sessions {
    struct said *said[SAYERS];
    size_t       saids[SAYERS];
    struct talk  talks[SESSIONS];
};

/* Whether a session is held by an event that was given up: so in half of the runs. */
extern bool sessions_hold;

/* The body of a request, and its op. */
enum msg_id sessions_request(unsigned session, enum said_type type, unsigned n, struct buf *body);
/* It alone. */
void sessions_target(unsigned session, struct buf *body);
/* A timer's, due so many ms from now. */
void sessions_timer(unsigned session, unsigned n, int64_t delay_ms, struct buf *body);
/* Whether nothing waits in a session, and no timer is due soon. */
bool sessions_are_drained(struct link *l);
/* Those that are held go on with the next event. */
void sessions_release(struct link *l);
/* "n" of what a sayer said as its `number`th. */
unsigned sessions_number(unsigned sayer, unsigned number);
/* A person speaks first in each, before the load begins. */
void sessions_prepare(struct link *l);

/* "n" of an event, by its payload. */
uint64_t sessions_n(struct view payload);

void sessions_init(struct model *m);
void sessions_free(struct model *m);
/* A line of a sayer's history; false when it is of something else. */
bool sessions_history(struct model *m, unsigned sayer, const char *line);
/* Events and the sessions themselves, after the histories. */
void sessions_fetch(struct model *m, struct link *l);
/* 1 + the session's place; 0: it is none of these. */
unsigned sessions_find(struct view key);
/* What was said with this "n"; NULL when nobody said it. */
struct said *sessions_said(struct model *m, uint64_t n);
/* Whose timer it is: 't' for what a client said, 'e' and 'x' for the first and the second one of an
 * event's handler; '?' for nobody's. */
char sessions_timer_of(struct model *m, unsigned session, struct view timer, struct said **d,
                       struct row **row);
/* The event; NULL, and that is a break, when there is none. */
struct row *sessions_row(struct model *m, unsigned session, uint64_t seq);
/* What the feed tells, in its order. */
void sessions_feed(struct model *m, struct view type, struct view event);
/* What the outbox, and what has a message (the sink's file, or a person) say; of other sessions
 * false.
 */
bool sessions_effect(struct model *m, struct view item);
void sessions_plan(struct model *m, struct view item);
void sessions_message(struct model *m, struct view content);

#endif
