/* policy - whether a message that no person asked for may be sent (D6, D7).
 *
 * Pure: of the rules, what the session has counted, and the time.  The gates in their order:
 * nothing unasked is sent at all; so many in a row; so far apart.  A message that is admitted is
 * counted, one that is refused changes nothing. */
#ifndef ENGINE_POLICY_H
#define ENGINE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

enum policy_verdict { POLICY_ADMITTED, POLICY_DISABLED, POLICY_HARD_CAP, POLICY_COOLDOWN };

struct policy_rules {
    bool    is_enabled;
    bool    has_person;      /* a person takes part: only then the rules below count */
    bool    defers;          /* a message too soon is put off instead of refused */
    int64_t max_consecutive; /* NO_LIMIT: any number */
    int64_t cooldown_ms;
};

/* What a session counts since a person last spoke. */
struct policy_count {
    uint32_t autonomous;
    int64_t  last_at; /* Unix ms; 0: none.  Ahead of now: put off until then */
};

struct policy_ruling {
    enum policy_verdict verdict;
    int64_t             allowed_at; /* refused: when it would not be; admitted: when it may be
                                       sent, if it is put off; else 0 */
};

/* Judges one message that is about to be written at now_ms (Unix ms), and counts it when it is
 * admitted. */
struct policy_ruling policy_judge(const struct policy_rules *r, struct policy_count *c,
                                  int64_t now_ms);
/* The reason that a refused effect carries: "hard_cap_reached", … */
const char *policy_reason(enum policy_verdict v);

#endif
