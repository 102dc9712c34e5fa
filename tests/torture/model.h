/* model - what must be so, from what the clients were answered and what the handlers wrote; and
 * what is so, from the store at the end. */
#ifndef TESTS_MODEL_H
#define TESTS_MODEL_H

#include "tests/torture/kinds.h"
#include "tests/torture/link.h"
#include "tests/torture/load.h"

struct used {
    uint64_t turns, tokens, cost_micros, run_ms, attempts;
};

enum asked { ASKED_OPEN, ASKED_YES, ASKED_JOINED, ASKED_NO, ASKED_UNKNOWN };

/* One request that makes jobs. */
struct intent {
    enum kind  kind;
    enum asked asked;
    unsigned   count;
    uint64_t  *ids;    /* ASKED_YES: count of them */
    uint64_t   joined; /* ASKED_JOINED: the job that was there already */
    unsigned   found;
    uint64_t   ticket;   /* that its job is to serve; 0: none that is known */
    unsigned   goals;    /* with its marks */
    unsigned   causes;   /* how often it stands among the causes of debounced jobs … */
    uint64_t   cause_of; /* … and of which one */
};

struct client_model {
    struct intent *intents;
    size_t         count;
};

#define NO_CLIENT (-1)

struct job {
    /* what the clients know */
    bool     is_acknowledged;
    bool     must_be_cancelled; /* acknowledged so, and not retried since */
    bool     may_be_cancelled;
    bool     was_stopping; /* a cancel was acknowledged while it ran, or the operator stopped it */
    bool     may_be_retried;
    bool     must_have_run; /* a retry was acknowledged, and no cancel was asked for since */
    bool     must_be_gone;  /* its purge was acknowledged */
    bool     may_be_gone;
    bool     was_seen_completed;
    uint64_t seen_attempt;
    /* what the handlers wrote */
    uint64_t last_start, last_end;
    bool     found_another; /* of its schedule, alive */
    /* what the store says */
    bool        is_there;
    int         client;        /* NO_CLIENT: not a client's */
    unsigned    number, index; /* of its mark */
    unsigned    schedule;      /* 1 + its place in `schedules`; 0: none */
    unsigned    end;           /* END_…; 0: it has not ended */
    uint64_t    attempt, failures, max_attempts;
    int64_t     nominal_at;
    bool        is_stopped_otherwise; /* an attempt was stopped by something else than a cancel */
    bool        is_telling;           /* its handler sends effects and keeps checkpoints */
    bool        is_closing;           /* … finishes the ticket */
    bool        is_asking;            /* its wake-up waits for a person */
    bool        is_brief;             /* of the agent that is removed */
    unsigned    session;              /* 1 + its place; 0: it is of no event … */
    uint64_t    event;                /* … of this number */
    bool        is_heard;             /* a person's message */
    uint64_t    approvals, granted, denied; /* requests of it, by what became of them … */
    uint64_t    denials;                    /* … and effects that were rejected */
    uint64_t    told_requests, told_decisions;
    uint64_t    company;       /* hash of its name */
    struct used used;          /* by all attempts */
    uint64_t   *turns;         /* of thrift: by each attempt, from 1, as its row says */
    uint64_t    attempt_turns; /* of all attempts, as their rows say */
    uint64_t    agent, calls;  /* hash of the agent, of the one that its handler wakes; 0: none */
    uint64_t    parent, root, depth, ticket;
    uint64_t    from, from_attempt;        /* the attempt whose effect it is, says its payload */
    bool        is_follow_up, is_assigned; /* its trigger */
    bool        is_taken_back;             /* its ticket was given to another agent */
    uint64_t wakes, cuts, closes, opens;   /* effects that woke, or did not; finished, or did not */
    uint64_t children, told_cuts;          /* jobs that it woke; cuts that the feed tells of */
    uint64_t seen_checkpoint; /* the job whose checkpoint its completed attempt was given */
    uint64_t firings, effects, shouts, hooks, posts;
    bool     is_forced;
    bool     was_joined;  /* a forced one of its schedule started behind it */
    unsigned by_hand;     /* enum by_hand: acknowledged as such */
    bool     is_ousted;   /* cancelled by its schedule's next firing */
    uint64_t key;         /* hash of company and unique key; 0: none */
    uint64_t replaced_by; /* the job that took its key; 0: none */
    bool     is_narrow;   /* of the company narrow */
    bool     is_thrift;
    /* what the feed says */
    uint64_t submitted, started, completed;
};

/* A goal or ticket that a client asked for. */
struct thing {
    char     title[NAME_BYTES];
    uint64_t id;    /* 0: nobody knows whether it was made */
    unsigned found; /* with this title in the store */
};

/* firings.h */
struct course;
struct span;
struct lives;
struct sessions; /* sessions.h */
struct deed;     /* deeds.c */

struct ticket {
    bool     is_there, is_done;
    uint64_t newest; /* job of its newest assignment */
    uint64_t done;   /* how often the feed says that it was finished */
    uint64_t closes, completed;
    uint64_t assignee; /* hash of its name */
    uint64_t reward;
    bool     is_chore; /* made by the routine */
    uint64_t jobs;     /* that serve it */
};

/* What the operator decided of a request. */
struct verdict {
    uint64_t approval;
    bool     is_granted;
};

struct model {
    const char         *folder;
    struct thing       *things;
    size_t              nthings;
    uint64_t           *doubts; /* effects of HOOK that the feed told to be unknown */
    size_t              ndoubts;
    struct ticket      *tickets; /* by id */
    uint64_t            ticket_cap;
    struct client_model clients[CLIENTS];
    struct job         *jobs; /* by id; 0 is none */
    uint64_t            cap;
    unsigned            raises; /* of thrift's limit, before it ended */
    struct verdict     *decisions;
    size_t              ndecisions;
    unsigned            briefs; /* jobs of the brief agent that the operator asked for */
    uint64_t            last;   /* the greatest id of the store */
    uint64_t            effects, shouts, alerts, fired, missed, suppressed, events;
    uint64_t            unknown_shouts, failed_shouts, resends; /* of a command */
    uint64_t            hooks, unknown_hooks, posts, repeated_posts;
    uint64_t read, reread, visits; /* messages by persons, those that came again; connections */
    uint64_t stopped, openings, reloads; /* jobs that the operator stopped; of breakers */
    struct course   *courses;            /* of the schedules, in their order */
    struct lives    *lives;              /* of agentd */
    struct sessions *sessions;
    uint64_t         said, dead; /* events of sessions; of them given up */
    uint64_t         voids, copies, closes, retries;
    struct deed     *deeds; /* of the clerk */
    size_t           ndeeds;
    struct span     *streams;
    size_t           nstreams;
    uint64_t         by_hand; /* firings that were acknowledged */
    uint64_t         dropped; /* nominal times that a change of the step took away */
};

void model_init(struct model *m, const char *folder);
void model_done(struct model *m);
/* The job of this id, made when it is new; NULL for an id that no store gives. */
struct job *model_job(struct model *m, uint64_t id);
/* Likewise a ticket. */
struct ticket *model_ticket(struct model *m, uint64_t id);
/* The intent of a mark; NULL when there is none. */
struct intent *model_intent(struct model *m, int client, unsigned number);

/* Whether a message, "JOB ATTEMPT", is of the attempt of this job that completed. */
bool model_is_of_completed(const struct model *m, struct view message, uint64_t job);

/* The clients' histories and the handlers' record. */
void model_read(struct model *m);
/* All jobs of the store, each looked at by itself. */
void model_fetch(struct model *m, struct link *l);

/* Reads every page of a list: take is called for each item.  body: JSON without its braces. */
void fetch_pages(struct link *l, enum msg_id op, const char *body,
                 void (*take)(struct view item, void *arg), void *arg);

#endif
