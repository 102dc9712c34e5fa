/* kinds - what the clients submit, and what may become of it.
 *
 * A job's title is its mark: "cCLIENT-NUMBER", of a batch's jobs "cCLIENT-NUMBER-INDEX".  The mark
 * stands in the payload too, and what a handler made of it in the output. */
#ifndef TESTS_KINDS_H
#define TESTS_KINDS_H

#include <stdbool.h>

#define END_SCHEDULED 1u /* still waiting for its time */
#define END_COMPLETED 2u
#define END_FAILED    4u
#define END_CANCELLED 8u
#define END_EXPIRED   16u

#define PATIENT 1000 /* attempts: killed handlers alone must not use them up */

// clang-format off
/*  K(NAME, handler, attempts, ends, output, weight): attempts is max_attempts; weight: how often of all that are
 *  submitted one by one; those without have a step of their own */
#define KINDS(K)                                                                                 \
    K(noop,           "noop",     5,       END_COMPLETED,                 OUTPUT_NULL, 16)       \
    K(echo,           "echo",     5,       END_COMPLETED,                 OUTPUT_SAME, 16)       \
    K(nap,            "sleep",    5,       END_COMPLETED,                 OUTPUT_NULL, 8)        \
    K(work,           "work",     PATIENT, END_COMPLETED,                 OUTPUT_MARK, 14)       \
    K(slow,           "slow",     PATIENT, END_COMPLETED,                 OUTPUT_MARK, 8)        \
    K(forks,          "forks",    PATIENT, END_COMPLETED,                 OUTPUT_MARK, 4)        \
    K(flaky,          "flaky",    PATIENT, END_COMPLETED,                 OUTPUT_MARK, 6)        \
    K(fails,          "fails",    2,       END_FAILED,                    OUTPUT_NULL, 4)        \
    K(snoozes,        "snoozes",  PATIENT, END_COMPLETED,                 OUTPUT_MARK, 4)        \
    K(overruns,       "overruns", 2,       END_FAILED,                    OUTPUT_NULL, 2)        \
    K(tells,          "tells",    PATIENT, END_COMPLETED,                 OUTPUT_MARK, 6)        \
    K(delayed,        "echo",     5,       END_COMPLETED,                 OUTPUT_SAME, 6)        \
    K(late,           "noop",     5,       END_SCHEDULED,                 OUTPUT_NULL, 2)        \
    K(expires,        "work",     PATIENT, END_COMPLETED | END_EXPIRED,   OUTPUT_MARK, 4)        \
    K(hurries,        "slow",     PATIENT, END_COMPLETED,                 OUTPUT_MARK, 6)        \
    K(narrow,         "noop",     5,       END_COMPLETED,                 OUTPUT_NULL, 8)        \
    K(unique_return,  "work",     PATIENT, END_COMPLETED,                 OUTPUT_MARK, 4)        \
    K(unique_reject,  "work",     PATIENT, END_COMPLETED,                 OUTPUT_MARK, 4)        \
    K(unique_replace, "work",     PATIENT, END_COMPLETED,                 OUTPUT_MARK, 4)        \
    K(merged,         "work",     PATIENT, END_COMPLETED,                 OUTPUT_MARK, 10)       \
    K(spends,         "spends",   PATIENT, END_COMPLETED,                 OUTPUT_MARK, 6)        \
    K(limited,        "limited",  PATIENT, END_COMPLETED,                 OUTPUT_MARK, 6)        \
    K(lot,            "noop",     5,       END_SCHEDULED,                 OUTPUT_NULL, 0)        \
    K(woken,          "work",     PATIENT, END_COMPLETED,                 OUTPUT_MARK, 0)        \
    K(calls,          "calls",    PATIENT, END_COMPLETED,                 OUTPUT_MARK, 0)        \
    K(asks,           "calls",    PATIENT, END_COMPLETED,                 OUTPUT_MARK, 0)        \
    K(cycle,          "pings",    PATIENT, END_COMPLETED,                 OUTPUT_MARK, 0)        \
    K(assigned,       "closes",   PATIENT, END_COMPLETED,                 OUTPUT_MARK, 0)        \
    K(part,           "work",     PATIENT, END_COMPLETED,                 OUTPUT_MARK, 0)
// clang-format on

enum kind_output { OUTPUT_NULL, OUTPUT_SAME, OUTPUT_MARK };
enum kind {
#define K(name, handler, attempts, ends, output, weight) KIND_##name,
    KINDS(K)
#undef K
        KIND_COUNT
};

struct kind_rule {
    const char      *name;
    const char      *handler;
    unsigned         max_attempts;
    unsigned         ends;
    enum kind_output output;
    unsigned         weight;
};

const struct kind_rule *kind_rule(enum kind k);
/* By its name; KIND_COUNT when there is none. */
enum kind kind_from(const char *name);
/* Whether an exec handler runs it, which keeps the record. */
bool kind_is_recorded(enum kind k);

/* Whether it has a unique key: one of unique_return, unique_reject, unique_replace. */
bool kind_is_unique(enum kind k);

#endif
