/* timing - when a schedule's nominal times are decided (C3, C5): put off by its offset, by jitter,
 * and to the end of its quiet hours.
 *
 * Rows and metrics speak of nominal times; due_at says when one of them is decided.  A later
 * nominal time is never due before an earlier one. */
#ifndef ENGINE_TIMING_H
#define ENGINE_TIMING_H

#include "common/quiet.h"
#include "supervisor/engine/nominal.h"
#include "supervisor/engine/objects.h"

enum misfire { MISFIRE_LATEST, MISFIRE_SKIP, MISFIRE_ALL };

struct timing {
    struct nominal times;
    uint32_t       schedule;
    int64_t        offset_ms; /* the same for each of its times */
    int64_t        jitter_ms; /* below it, drawn for each time */
    bool           has_quiet;
    struct quiet   quiet;
    enum misfire   misfire;
    uint64_t       misfire_max; /* of MISFIRE_ALL */
};

/* What a declaration says beyond its times: a misfire policy and hours that are.  E_BAD_REQUEST
 * names the field and what is allowed. */
enum errc timing_check(const struct msg_schedule *s, struct err *e) MUST_CHECK;

void timing_open(struct timing *ti, struct objects *o, const struct object_entry *entry);
/* at_ms itself or, when it falls into quiet hours, their end. */
int64_t timing_quiet_end(const struct timing *ti, int64_t at_ms);
/* When the nominal time is decided. */
int64_t timing_due(const struct timing *ti, int64_t nominal_ms);
/* Whether that is the end of its quiet hours. */
bool timing_is_quiet(const struct timing *ti, int64_t nominal_ms);
/* How many nominal times from first_ms on, itself one of them, are due before before_ms, and the
 * last of them: at most `most`, and at least first_ms.  Takes from *left as nominal_count(). */
uint64_t timing_count(const struct timing *ti, int64_t first_ms, int64_t before_ms, uint64_t most,
                      uint32_t *left, int64_t *last_ms);

#endif
