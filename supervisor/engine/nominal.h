/* nominal - the nominal times of a schedule: when it fires, by its declaration and its time zone,
 * from its start_at to its end_at. */
#ifndef ENGINE_NOMINAL_H
#define ENGINE_NOMINAL_H

#include "common/cron.h"
#include "supervisor/engine/turn.h"

/* What a declaration says of times: exactly one of cron and every, an expression that parses, a
 * zone that is known, an end that is not before the start.  E_BAD_REQUEST names the field. */
enum errc nominal_check(struct txn *t, const struct msg_schedule *s, struct err *e) MUST_CHECK;
/* The first nominal time after `after_ms`; 0 for never.  created_at anchors intervals (N29). */
int64_t nominal_next(struct txn *t, const struct msg_schedule *s, int64_t created_at,
                     int64_t after_ms);
/* Whether it has no times of the clock: it fires once after each boot of the machine. */
bool nominal_is_at_boot(const struct msg_schedule *s);

/* Whether two declarations have the same nominal times. */
bool nominal_is_same(const struct msg_schedule *a, const struct msg_schedule *b);
/* Of the expression and the zone: equal for those that fire together, and chance has it for others.
 */
uint32_t nominal_hash(const struct msg_schedule *s);

/* A declaration's times, its expression and zone read once: for who asks for many of them.  Good
 * until the transaction ends. */
struct nominal {
    struct cron cron;
    struct tz   zone;
    int64_t     created_at, start_at, end_at; /* end_at INT64_MAX: none */
};

/* False when the expression is none: then it has no times.  It was checked when it was saved. */
bool nominal_open(struct txn *t, const struct msg_schedule *s, int64_t created_at,
                  struct nominal *n);
/* The first of them after `after_ms`; 0 for never. */
int64_t nominal_after(const struct nominal *n, int64_t after_ms);
/* How many nominal times lie in (after, until], at most `most`, and the last of them; after_ms for
 * none.  Those of an expression are counted one by one while *left lasts, which it takes them from.
 */
uint64_t nominal_count(const struct nominal *n, int64_t after_ms, int64_t until_ms, uint64_t most,
                       uint32_t *left, int64_t *last_ms);

#endif
