/* quiet - hours of the day in which something is put off: "22:00-07:00", local time. */
#ifndef COMMON_QUIET_H
#define COMMON_QUIET_H

#include "common/err.h"
#include "common/mem.h"
#include "common/tz.h"

/* Minutes of the day; they begin with `from` and end before `to`, of the next day when that is
 * less. */
struct quiet {
    int from, to;
};

#define QUIET_ALLOWED "hours of the day as FROM-TO, like 22:00-07:00"

/* E_BAD_REQUEST says what is wrong, and what is allowed. */
enum errc quiet_parse(struct view text, struct quiet *out, struct err *e) MUST_CHECK;
/* at_ms (Unix ms) itself or, when its local time is one of the hours, the first instant behind
 * them. */
int64_t quiet_end(const struct quiet *q, const struct tz *z, int64_t at_ms);
/* The first instant whose quiet_end() is at_ms or later: all before it are put off to less. */
int64_t quiet_bound(const struct quiet *q, const struct tz *z, int64_t at_ms);

#endif
