/* load - the processes that use agentd while it is being killed: clients, readers of the feed, one
 * operator, one clerk, and persons, who stay until all that is sent to them has come. */
#ifndef TESTS_LOAD_H
#define TESTS_LOAD_H

#include "tests/torture/config.h"
#include "tests/torture/link.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CLIENTS      6
#define READERS      3
#define PERSONS      6          /* at the gateway, each in a session of its own */
#define OPERATOR     "operator" /* the name of its history */
#define STOP_RUNNING "running"  /* the reason that the operator gives when he stops what runs */
#define NAME_BYTES   32
#define PROCESSES    (CLIENTS + READERS + 2 + PERSONS) /* the persons last */
#define BATCH_LARGE  40

/* In memory that all processes of the run share. */
struct shared {
    atomic_bool  stop;      /* finish what you are at, then end */
    atomic_bool  burst;     /* agentd is about to be killed: ask without a pause */
    atomic_bool  leave;     /* persons: nothing more comes */
    atomic_uint  unsettled; /* things that persons have said, and that have no outcome yet */
    atomic_ulong requests, acknowledged, unknown, fscks;
};

struct load {
    const char    *folder;
    const char    *run_folder;
    uint64_t       seed;
    struct shared *shared;
    struct ports   ports;
    pid_t          pids[PROCESSES]; /* 0: it has ended */
    unsigned       failed;          /* that ended otherwise than with code 0 */
};

/* The name of a history: "client-3", "reader-0", "person-5". */
void load_client_name(unsigned number, char *out);
void load_reader_name(unsigned number, char *out);
void load_person_name(unsigned number, char *out);
/* What reader `number` asks for: "" for everything, else a topic. */
const char *load_reader_topic(unsigned number);

void load_start(struct load *l);
/* One of the caller's children has ended; arg is the load. */
void load_on_end(pid_t pid, int status, void *arg);
/* Whether all have ended that are to: the persons when they are to leave. */
bool load_is_over(const struct load *l);
/* Kills those of them that are still there. */
void load_kill(struct load *l);

/* What the processes run. */
_Noreturn void client_main(const struct load *l, unsigned number);
_Noreturn void reader_main(const struct load *l, unsigned number);
_Noreturn void operator_main(const struct load *l);
_Noreturn void clerk_main(const struct load *l);
_Noreturn void person_main(const struct load *l, unsigned number);

/* Makes, before the load starts, what the operator changes. */
void operator_prepare(struct link *l);

#endif
