/* breaks - what the run proved wrong: printed when it is found, kept in FOLDER/breaks, counted. */
#ifndef TESTS_BREAKS_H
#define TESTS_BREAKS_H

#include <stdbool.h>

// clang-format off
#define BREAKS(B)                                                          \
    B(LOST,       "acknowledged jobs lost")                                \
    B(UNEXPECTED, "jobs that nobody submitted")                            \
    B(TWICE,      "requests that made more jobs than they asked for")      \
    B(TORN,       "batches of which only a part is there")                 \
    B(OVERLAP,    "two live attempts of one job")                          \
    B(ATTEMPTS,   "attempts whose numbers do not ascend or do not agree")  \
    B(OUTCOME,    "jobs that ended otherwise than they should")            \
    B(OUTPUT,     "wrong outputs")                                         \
    B(ANSWER,     "answers that must never be")                            \
    B(SEND_TWICE, "effects sent twice")                                    \
    B(SEND_LOST,  "effects not sent")                                      \
    B(SEND_ORDER, "effects sent out of order")                             \
    B(CHECKPOINT, "checkpoints that are not the last completed one's")     \
    B(GONE,       "purged jobs that are still there")                      \
    B(KEY,        "two unfinished jobs with one unique key, wrong heirs")  \
    B(MERGE,      "debounced submits that are not in exactly one job")     \
    B(CHAIN,      "wake-ups by effect that are not exactly one, or astray") \
    B(APPROVAL,   "requests for a person's word that went astray")         \
    B(WORK,       "goals, tickets and assignments that are not as asked")  \
    B(QUEUE,      "jobs taken into a full queue")                          \
    B(HELD,       "starts while something was stopped or paused")          \
    B(CAP,        "more jobs at once than a limit allows")                 \
    B(BUDGET,     "limits passed, or charges that nobody used")            \
    B(SCHEDULE,   "nominal times without exactly one decision")            \
    B(POLICY,     "decisions that the schedule's policies do not allow")   \
    B(LATE,       "schedules that stood still while agentd was up")        \
    B(BESIDE,     "jobs of one schedule at once that it does not allow")   \
    B(BY_HAND,    "firings and changes by hand that are not as asked for") \
    B(EVENT,      "events of sessions lost, doubled or with other numbers")  \
    B(COMMIT,     "events not processed exactly once and in order")       \
    B(CLOSED,     "closed and held sessions that did not stand still")        \
    B(TIMER,      "timers that did not fire exactly once, or too early")      \
    B(FEED,       "holes, repeats or changes in the feed")                 \
    B(FSCK,       "problems that fsck found")                              \
    B(DRAIN,      "things that did not come to an end")                    \
    B(DAEMON,     "ends and starts of agentd that went wrong")             \
    B(LEFT,       "processes left behind")
// clang-format on

enum broken {
#define B(NAME, text) BREAK_##NAME,
    BREAKS(B)
#undef B
        BREAK_COUNT
};

void breaks_open(const char *folder);
void breaks_add(enum broken b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A line for each promise and what was found. */
void breaks_print(void);
bool breaks_any(void);

#endif
