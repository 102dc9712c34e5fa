/* timetext - durations and instants as people write them. */
#ifndef COMMON_TIMETEXT_H
#define COMMON_TIMETEXT_H

#include "common/clock.h"
#include "common/err.h"
#include "common/mem.h"

/* "90s", "5m", "2h", "1d", "250ms", "1h30m"; a plain number is seconds ("1.5" too).  At most 100
 * years, not negative.  E_BAD_REQUEST says what is wrong. */
enum errc duration_parse(struct view text, int64_t *ms, struct err *e) MUST_CHECK;
/* RFC 3339 ("2026-11-21T09:00:00Z", with fraction or offset), "+10m" (from now), "-10m" (ago),
 * "now".  E_BAD_REQUEST too for times before 1970 and for a second 60; digits below the millisecond
 * are cut off. */
enum errc instant_parse(struct view text, int64_t now_ms, int64_t *at_ms, struct err *e) MUST_CHECK;

/* The shortest exact form ("1h30m", "250ms") into out; size ≥ 32. */
const char *duration_text(int64_t ms, char *out, size_t size);
/* "2026-11-21 09:00:00.000Z"; "-" for 0; size ≥ 32. */
const char *instant_text(int64_t at_ms, char *out, size_t size);

#endif
