/* failure - the classes of failure, written at the moment of failure (A6), as one table.
 *
 * Append-only: the numbers are stored. */
#ifndef ENGINE_FAILURE_H
#define ENGINE_FAILURE_H

#include "common/mem.h"
#include <stdbool.h>

/* What becomes of the job. */
enum failure_retry {
    RETRY_NEVER,
    RETRY_LADDER,  /* after the ladder's next step, while attempts are left */
    RETRY_AT_ONCE, /* not the job's fault */
    RETRY_BREAKER, /* held until its credential's breaker lets it through (A16) */
};
/* Which number of the job grows (N2), and so which limit ends it. */
enum failure_count { COUNT_NOTHING, COUNT_FAILURE, COUNT_CRASH };
/* Which of the schedule's streaks a firing that ends so lengthens (C8). */
enum failure_streak { STREAK_NONE, STREAK_GENERIC, STREAK_TURN_BUDGET };

// clang-format off
/*    NAME                 text                    retry          count          streak              a handler may name it */
#define FAILURES(F)                                                                                                  \
    F(TURN_LIMIT_EXCEEDED, "turn_limit_exceeded",  RETRY_NEVER,   COUNT_FAILURE, STREAK_TURN_BUDGET, true)            \
    F(LEASE_EXPIRED,       "lease_expired",        RETRY_LADDER,  COUNT_FAILURE, STREAK_GENERIC,     false)           \
    F(TIMEOUT,             "timeout",              RETRY_LADDER,  COUNT_FAILURE, STREAK_GENERIC,     true)            \
    F(HANDLER_ERROR,       "handler_error",        RETRY_LADDER,  COUNT_FAILURE, STREAK_GENERIC,     true)            \
    F(INVALID_OUTPUT,      "invalid_output",       RETRY_LADDER,  COUNT_FAILURE, STREAK_GENERIC,     true)            \
    F(CONTEXT_EXCEEDED,    "context_exceeded",     RETRY_LADDER,  COUNT_FAILURE, STREAK_GENERIC,     true)            \
    F(TOOL_FAILED,         "tool_failed",          RETRY_LADDER,  COUNT_FAILURE, STREAK_GENERIC,     true)            \
    F(BUDGET_EXCEEDED,     "budget_exceeded",      RETRY_NEVER,   COUNT_FAILURE, STREAK_GENERIC,     true)            \
    F(AUTH_FAILED,         "auth_failed",          RETRY_BREAKER, COUNT_NOTHING, STREAK_GENERIC,     true)            \
    F(RATE_LIMITED,        "rate_limited",         RETRY_BREAKER, COUNT_NOTHING, STREAK_GENERIC,     true)            \
    F(ABORTED,             "aborted",              RETRY_NEVER,   COUNT_NOTHING, STREAK_NONE,        false)           \
    F(EXPIRED,             "expired",              RETRY_NEVER,   COUNT_NOTHING, STREAK_NONE,        false)           \
    F(WORKER_LOST,         "worker_lost",          RETRY_AT_ONCE, COUNT_CRASH,   STREAK_NONE,        false)           \
    F(INTERRUPTED,         "interrupted",          RETRY_AT_ONCE, COUNT_CRASH,   STREAK_NONE,        false)
// clang-format on

enum failure_class {
    FAIL_NONE,
#define F(NAME, text, retry, count, streak, named) FAIL_##NAME,
    FAILURES(F)
#undef F
        FAIL_COUNT
};

struct failure_rule {
    const char         *name;
    enum failure_retry  retry;
    enum failure_count  count;
    enum failure_streak streak;
    bool                handler_may_name;
};
const struct failure_rule *failure_rule(enum failure_class c); /* FAIL_NONE has an empty name */
enum failure_class         failure_from(struct view name);     /* FAIL_NONE for an unknown one */
/* What a worker reports: the class of this name when a handler may name it, else
 * FAIL_HANDLER_ERROR. */
enum failure_class failure_from_report(struct view name);

#endif
