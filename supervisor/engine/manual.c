#include "supervisor/engine/manual.h"

#include "supervisor/engine/audit.h"
#include "supervisor/engine/dispatch.h"
#include "supervisor/engine/fire.h"
#include "supervisor/engine/made.h"
#include "supervisor/engine/nominal.h"
#include "supervisor/engine/objects.h"
#include "supervisor/engine/room.h"
#include "supervisor/engine/schedule_ops.h"

/* Now, or the first ms after it that is neither taken nor a nominal time. */
static int64_t
free_time(struct engine *en, const struct object_entry *o, const struct schedule *run)
{
    const struct msg_schedule *s = &o->spec.schedule;
    struct firing              seen = {.schedule = run->id};
    int64_t                    at = en->turn.now.wall_ms;

    for (;; at++) {
        seen.nominal_at = at;
        if (at == run->next_at || firing_load(turn_txn(en), &seen) == LOAD_FOUND) continue;
        if (nominal_next(turn_txn(en), s, o->row.created_at, at - 1) != at) return at;
    }
}

enum errc
manual_prepare(struct engine *en, const struct actor *a, struct view name, bool is_forced,
               struct fire *how, struct schedule *run, struct err *e)
{
    if (schedule_find(en, a, name, run, e) || submit_admit(en, e)) return e->code;
    *how = (struct fire){.schedule = objects_get(&en->turn.objects, run->id),
                         .actor = a,
                         .flags = JOB_FLAG_BY_HAND | (is_forced ? JOB_FLAG_FORCED : 0)};
    if (!how->schedule) return err_set(e, E_DAMAGED, "the schedule's record is damaged");
    if (schedule_check(en, &actor_daemon, &how->schedule->spec.schedule, &how->refs, e))
        return e->code;
    how->refs.company = how->schedule->row.company;
    return E_OK;
}

void
manual_done(struct engine *en, const struct actor *a, const struct fire *how, const char *action,
            struct view after)
{
    const struct object *row = &how->schedule->row;

    if (how->refs.agent) made_answered(en, how->refs.agent);
    audit_put(en, a, action, row->company, row->name, (struct view){0}, after);
    if (how->flags & JOB_FLAG_FORCED)
        audit_put(en, a, "manual_force_bypass", row->company, row->name, (struct view){0}, after);
}

enum errc
on_schedule_run(struct engine *en, const struct actor *a, const struct msg_schedule_run *m,
                struct buf *reply, struct err *e)
{
    struct firing      f = {.kind = FIRING_MANUAL, .count = 1};
    struct schedule    run = {0};
    struct fire        how;
    struct submission  s;
    struct mp_open_map map;

    if (manual_prepare(en, a, m->name, m->force, &how, &run, e)) return e->code;
    fire_prepare(en, &how, &run, &f, &s);
    if (submit_check_queue(en, s.spec.company, 0, e) || room_check(en, &s, &run, e)) return e->code;
    f.schedule = run.id;
    f.nominal_at = free_time(en, how.schedule, &run);
    fire(en, &how, &run, &f);
    firing_save(turn_txn(en), &f);
    schedule_save(turn_txn(en), &run);
    manual_done(en, a, &how, "schedule.run", audit_i64(en, "job", (int64_t)f.job));
    dispatch_run(en);
    map = mp_open(reply);
    mp_put_u64(reply, &map, "job", f.job);
    mp_put_bool(reply, &map, "forced", m->force);
    mp_put_u64(reply, &map, "number", f.number);
    mp_close(reply, &map);
    return E_OK;
}
