#include "supervisor/engine/policy.h"

#include "proto/messages.h"

#include <assert.h>

const char *
policy_reason(enum policy_verdict v)
{
    assert(v != POLICY_ADMITTED); /* it has no reason */
    switch (v) {
    case POLICY_DISABLED: return "disabled";
    case POLICY_HARD_CAP: return "hard_cap_reached";
    case POLICY_COOLDOWN: return "cooldown_active";
    case POLICY_ADMITTED: break;
    }
    return "";
}

/* When the next message may be sent.  A last one further ahead than all that were counted could
 * have been put off is of a clock that has gone back since: it holds nothing up. */
static int64_t
next_at(const struct policy_rules *r, const struct policy_count *c, int64_t now_ms)
{
    int64_t put_off;

    if (c->last_at == 0) return now_ms;
    if (__builtin_mul_overflow((int64_t)c->autonomous, r->cooldown_ms, &put_off))
        put_off = INT64_MAX;
    if (c->last_at - now_ms > put_off) return now_ms;
    return c->last_at + r->cooldown_ms;
}

struct policy_ruling
policy_judge(const struct policy_rules *r, struct policy_count *c, int64_t now_ms)
{
    struct policy_ruling ruling = {.verdict = POLICY_ADMITTED};
    int64_t              at;

    if (!r->is_enabled) return (struct policy_ruling){.verdict = POLICY_DISABLED};
    if (!r->has_person) return ruling;
    if (r->max_consecutive != NO_LIMIT && c->autonomous >= r->max_consecutive)
        return (struct policy_ruling){.verdict = POLICY_HARD_CAP};
    at = next_at(r, c, now_ms);
    if (at > now_ms && !r->defers)
        return (struct policy_ruling){.verdict = POLICY_COOLDOWN, .allowed_at = at};
    if (at > now_ms) ruling.allowed_at = at;
    c->autonomous++;
    c->last_at = at > now_ms ? at : now_ms;
    return ruling;
}
