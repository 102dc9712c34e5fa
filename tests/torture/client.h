/* client - one process that uses agentd: what its steps share. */
#ifndef TESTS_CLIENT_H
#define TESTS_CLIENT_H

#include "tests/torture/dice.h"
#include "tests/torture/history.h"
#include "tests/torture/kinds.h"
#include "tests/torture/link.h"
#include "tests/torture/load.h"

#define OWN_MAX   256 /* of its jobs that it still thinks of */
#define KEY_BYTES 48

/* A batch that is cancelled, then retried or purged, by its tag. */
struct lot {
    unsigned number; /* of the request that made it */
    size_t   count;  /* 0: there is none */
    uint64_t ids[BATCH_LARGE];
    bool     is_cancelled;
};

#define TICKETS_MAX 4 /* that it still assigns */

struct client {
    struct link    link;
    struct history history;
    struct dice    dice;
    struct shared *shared;
    unsigned       number;
    unsigned       intents;
    unsigned       changes; /* requests about what is there, for their request_id */
    uint64_t       own[OWN_MAX];
    size_t         owns; /* ever; the ring holds the last ones */
    bool           is_full;
    struct lot     lot;
    uint64_t       goal; /* the last one that it made; 0: none */
    uint64_t       tickets[TICKETS_MAX];
    size_t         ntickets; /* ever; the ring holds the last ones */
    unsigned       saids;    /* events of sessions, and timers */
    unsigned       timer,
        timer_session; /* the last one that it set, of saids; none when it is no longer … */
    bool has_timer;
};

/* Asks until it is answered, or, now and then, once only. */
enum answer client_change(struct client *c, enum msg_id op, const char *body, const char *key);
enum answer client_look(struct client *c, enum msg_id op, const char *body);
/* A number of the last reply; -1 when it has none. */
int64_t client_number(const struct client *c, const char *key);
/* A job that is this client's alone: it may cancel and retry it. */
void client_own(struct client *c, uint64_t job);
/* The request_id of the next request about what is there. */
void client_next_key(struct client *c, char key[KEY_BYTES]);

/* A request that makes jobs: its number, which stands in their marks; the history has it before it
 * is asked. */
unsigned intent_begin(struct client *c, enum kind k, unsigned count);
/* "cCLIENT-NUMBER": the mark, and the request_id. */
void intent_mark(const struct client *c, unsigned number, char mark[KEY_BYTES]);
/* A refusal and an unknown outcome stand in the history then. */
enum answer intent_ask(struct client *c, unsigned number, enum msg_id op, const char *body);
/* The ids that the answer gave, which must be `count`. */
void intent_made(struct client *c, unsigned number, unsigned count, const uint64_t *ids, size_t n);

/* Steps. */
void submit_one(struct client *c);
void submit_batch(struct client *c);
void submit_wrong(struct client *c);
void wake_one(struct client *c);
/* Makes a lot, or does with it what comes next. */
void lot_step(struct client *c);
/* Makes goals and tickets, decomposes and assigns them. */
void work_step(struct client *c);
/* Appends events to sessions; sets and cancels timers. */
void say_something(struct client *c);

#endif
