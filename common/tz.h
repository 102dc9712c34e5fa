/* tz - time zones as TZif files of version 2 or later describe them (RFC 9636): offsets, local
 * dates, and when a local day begins.
 *
 * A zone borrows the bytes it was read from.  A zeroed one is UTC. */
#ifndef COMMON_TZ_H
#define COMMON_TZ_H

#include "common/err.h"
#include "common/mem.h"
#include <stdbool.h>
#include <stdint.h>

#define TZ_BYTES_MAX 65536 /* the largest of the system's zones has 4,000 */

/* A day of the year and a time on it, as a footer writes them. */
struct tz_rule {
    enum { TZ_JULIAN, TZ_DAY, TZ_WEEKDAY } kind; /* Jn, n, Mm.w.d */
    int month, week, day;
    int seconds; /* of local time behind the day's midnight, may be negative */
};

struct tz {
    const uint8_t *times, *indexes, *types; /* as in the file */
    uint32_t       time_count, type_count;
    bool           has_footer, has_dst;
    int32_t        offset, dst_offset; /* of the footer, seconds east of UTC */
    struct tz_rule start, end;         /* of the footer's summer time */
};

/* How long an offset holds.  In Unix seconds, as the files are. */
struct tz_span {
    int64_t until;  /* the first second behind it; INT64_MAX: for ever */
    int32_t offset; /* seconds east of UTC */
};

#define TZ_OFFSET_SPREAD 183600 /* seconds; no two offsets differ by more */

/* E_BAD_REQUEST says what is wrong with the bytes; files that count leap seconds are refused. */
enum errc tz_parse(struct view data, struct tz *out, struct err *e) MUST_CHECK;
/* Seconds east of UTC at an instant (Unix ms). */
int32_t tz_offset(const struct tz *z, int64_t at_ms);
/* The offset that is in force at a Unix second, and until when; at ends of daylight saving that
 * change nothing it may end early. */
struct tz_span tz_span_at(const struct tz *z, int64_t at);
/* The local date of an instant, as days since 1970-01-01. */
int64_t tz_day(const struct tz *z, int64_t at_ms);
/* The first instant (Unix ms) whose local date is `day` or, where that day was left out, later. */
int64_t tz_day_begin(const struct tz *z, int64_t day);

#endif
