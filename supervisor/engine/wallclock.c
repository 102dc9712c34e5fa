#include "supervisor/engine/wallclock.h"

#include "common/log.h"
#include "supervisor/engine/audit.h"
#include "supervisor/engine/breakers.h"
#include "supervisor/engine/feed.h"
#include "supervisor/engine/plan.h"

#include <inttypes.h>

bool
wallclock_is_held(const struct engine *en)
{
    return en->turn.header.clock_is_held && !en->memory.clock_accepted;
}

/* Plans by a clock that went back, once it is believed; one that was set right meanwhile has not
 * gone back. */
static void
replan(struct engine *en)
{
    int64_t now = en->turn.now.wall_ms, from = en->memory.behind_from;

    if (from == 0 || wallclock_is_held(en)) return;
    en->memory.behind_from = 0;
    if (from <= now) return;
    en->memory.recheck_limits = true;
    schedules_replan(en);
    breakers_replan(en, from - now);
    en->memory.meta.last_wall_ms = now;
}

void
wallclock_notice(struct engine *en)
{
    const struct now   now = en->turn.now, seen = en->memory.seen;
    int64_t            from = seen.wall_ms + (now.boot_ms - seen.boot_ms);
    struct mp_open_map m;

    en->memory.seen = now;
    if (!en->memory.is_booted) return;
    if (now.wall_ms + 1000 < from) {
        m = feed_open(en, FEED_CLOCK_CHANGED, 0);
        mp_put_i64(feed_buf(en), &m, "from", from);
        mp_put_i64(feed_buf(en), &m, "to", now.wall_ms);
        feed_close(en, &m);
        turn_log(en, LOG_LEVEL_WARN, "the wall clock went back",
                 "from_ms=%" PRId64 " to_ms=%" PRId64, from, now.wall_ms);
        if (en->memory.behind_from < from) en->memory.behind_from = from;
        en->memory.recheck_limits = true; /* held or not, it may be another day for budgets */
    }
    replan(en);
}

void
wallclock_at_boot(struct engine *en)
{
    int64_t last = en->memory.meta.last_wall_ms;

    if (last > en->turn.now.wall_ms) en->memory.behind_from = last;
    replan(en);
}

void
wallclock_keep(struct engine *en)
{
    if (en->memory.behind_from == 0) en->memory.meta.last_wall_ms = en->turn.now.wall_ms;
}

enum errc
on_clock_accept(struct engine *en, const struct actor *a, struct buf *reply)
{
    struct mp_open_map map = mp_open(reply);
    bool               was_held = wallclock_is_held(en);

    mp_put_bool(reply, &map, "accepted", was_held);
    mp_close(reply, &map);
    if (was_held) {
        audit_put(en, a, "clock.accept", 0, view_str("clock"), audit_bool(en, "accepted", false),
                  audit_bool(en, "accepted", true));
    }
    en->memory.clock_accepted = true;
    replan(en);
    return E_OK;
}
