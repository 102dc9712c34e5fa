/* nominal - the nominal times of a schedule: when it fires, by its declaration and its time zone.
 */
#ifndef ENGINE_NOMINAL_H
#define ENGINE_NOMINAL_H

#include "common/cron.h"
#include "supervisor/engine/turn.h"

/* What a declaration says of times: exactly one of cron and every, an expression that parses, a
 * zone that is known.  E_BAD_REQUEST names the field. */
enum errc nominal_check(struct txn *t, const struct msg_schedule *s, struct err *e) MUST_CHECK;
/* A declaration's times, its expression and zone read once: for who asks for many of them.  Good
 * until the transaction's next write. */
struct nominal {
    struct cron cron;
    struct tz   zone;
    int64_t     created_at;
};
/* False, and nothing filled in, when the expression is none; it was checked when it was saved. */
bool nominal_open(struct txn *t, const struct msg_schedule *s, int64_t created_at,
                  struct nominal *n);
/* The first of them after `after_ms`; 0 for never. */
int64_t nominal_after(const struct nominal *n, int64_t after_ms);
/* The first nominal time after `after_ms`; 0 for never.  created_at anchors intervals (N29). */
int64_t nominal_next(struct txn *t, const struct msg_schedule *s, int64_t created_at,
                     int64_t after_ms);
/* How many nominal times lie in (after, until], and the last of them.  Those of an expression are
 * counted one by one while *left lasts, which it takes them from. */
uint64_t nominal_count(struct txn *t, const struct msg_schedule *s, int64_t created_at,
                       int64_t after_ms, int64_t until_ms, uint32_t *left, int64_t *last_ms);
/* Whether two declarations have the same nominal times. */
bool nominal_is_same(const struct msg_schedule *a, const struct msg_schedule *b);
/* Whether it has no times of the clock: it fires once after each boot of the machine. */
bool nominal_is_at_boot(const struct msg_schedule *s);

#endif
