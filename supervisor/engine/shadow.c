#include "supervisor/engine/shadow.h"

#include "supervisor/engine/feed.h"
#include "supervisor/engine/objects.h"

#include <inttypes.h>

enum errc
shadow_check(const struct msg_schedule *s, struct err *e)
{
    if (HAS(s, schedule, shadow_runs) && !s->shadow)
        return err_field(e, "shadow_runs", "only of a schedule in shadow mode");
    return E_OK;
}

void
shadow_begin(struct schedule *run)
{
    run->promoted = 0;
    run->shadow_runs = 0;
}

bool
shadow_is_in(const struct msg_schedule *s, const struct schedule *run)
{
    return s->shadow && !run->promoted;
}

bool
shadow_suppresses(struct engine *en, uint32_t schedule)
{
    const struct object_entry *o = objects_get(&en->turn.objects, schedule);
    struct schedule            run = {.id = schedule};

    return o && o->spec.schedule.shadow && schedule_by_id(turn_txn(en), &run) == LOAD_FOUND &&
           shadow_is_in(&o->spec.schedule, &run);
}

void
shadow_promote(struct engine *en, struct schedule *run, const char *reason)
{
    run->promoted = 1;
    feed_object(en, FEED_SCHEDULE_PROMOTED, run->id, reason);
}

void
shadow_job_ended(struct engine *en, const struct job_state *j)
{
    const struct object_entry *o = objects_get(&en->turn.objects, j->schedule);
    struct schedule            run = {.id = j->schedule};
    const struct msg_schedule *s;

    if (j->state != JOB_COMPLETED && j->state != JOB_FAILED) return;
    if (!o || !o->spec.schedule.shadow || schedule_by_id(turn_txn(en), &run) != LOAD_FOUND) return;
    s = &o->spec.schedule;
    if (!shadow_is_in(s, &run)) return;
    run.shadow_runs = j->state == JOB_COMPLETED ? run.shadow_runs + 1 : 0;
    if (s->shadow_runs && run.shadow_runs >= s->shadow_runs) {
        shadow_promote(en, &run,
                       arena_printf(txn_arena(turn_txn(en)), "%" PRIu32 " good runs in a row",
                                    run.shadow_runs));
    }
    schedule_save(turn_txn(en), &run);
}
