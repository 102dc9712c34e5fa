#include "supervisor/engine/pressure.h"

#include "supervisor/engine/fleet.h"
#include "supervisor/engine/job.h"
#include "supervisor/engine/nominal.h"

#include <inttypes.h>

#define LOOKS_MAX 1000 /* schedules that one question looks at */

enum errc
on_job_stream(struct engine *en, const struct actor *a, const struct msg_job_stream *m,
              struct buf *reply, struct err *e)
{
    bool                active = !HAS(m, job_stream, active) || m->active;
    struct fleet_lease *l;
    struct job_state    j;
    struct mp_open_map  map;
    uint64_t            first;

    if (job_get(turn_txn(en), a, m->id, &j, e)) return e->code;
    l = fleet_find_job(en, m->id);
    if (j.state != JOB_RUNNING || !l) {
        err_set(e, E_WRONG_STATE, "job %" PRIu64 " does not run here: it is %s", j.id,
                job_state_name(j.state));
        return err_hint(e, "only a running job can stream to a person");
    }
    pressure_mark(en, l, active);
    map = mp_open(reply);
    mp_put_u64(reply, &map, "id", j.id);
    mp_put_bool(reply, &map, "streaming", active);
    mp_put_u64(reply, &map, "streams", pressure_streams(&en->memory, turn_txn(en), a, &first));
    mp_close(reply, &map);
    return E_OK;
}

void
pressure_mark(struct engine *en, struct fleet_lease *l, bool is_streaming)
{
    en->memory.streams += is_streaming;
    en->memory.streams -= l->is_streaming;
    l->is_streaming = is_streaming;
}

bool
pressure_puts_off(struct engine *en, const struct msg_schedule *s, struct schedule *run)
{
    int64_t now = en->turn.now.wall_ms, delay = en->memory.limits.interactive_delay_ms, last;

    if (en->memory.streams == 0 || delay == 0 || run->paused || nominal_is_at_boot(s)) return false;
    if (run->put_off_from == 0 || run->put_off_from > now) run->put_off_from = now;
    last = run->put_off_from + PUT_OFF_MAX_MS;
    if (now >= last) return false;
    run->due_at = run->put_off_until = now + delay < last ? now + delay : last;
    if (run->put_off_until > en->memory.put_off_last) en->memory.put_off_last = run->put_off_until;
    return true;
}

uint32_t
pressure_streams(const struct memory *m, struct txn *t, const struct actor *a, uint64_t *job)
{
    uint32_t n = 0;

    *job = 0;
    for (uint32_t i = 0; i < m->lease_high; i++) {
        struct job_state j = {.id = m->leases[i].id};

        if (!m->leases[i].is_streaming || job_state_load(t, &j) != LOAD_FOUND ||
            !actor_sees(t, a, j.company)) {
            continue;
        }
        if (n++ == 0) *job = j.id;
    }
    return n;
}

bool
pressure_is_on(const struct schedule *run)
{
    return run->due_at != 0 && run->due_at <= run->put_off_until;
}

/* One that is further ahead is from before the clock went back. */
bool
pressure_is_on_any(const struct engine *en)
{
    int64_t left = en->memory.put_off_last - en->turn.now.wall_ms;

    return left >= 0 && left <= PUT_OFF_MAX_MS;
}

void
pressure_begin(struct engine *en)
{
    struct schedule run = {0};
    struct scan     s;
    uint32_t        looks = 0;
    int64_t         last = en->turn.now.wall_ms + PUT_OFF_MAX_MS;

    scan_open(&s, turn_txn(en), INDEX_schedule_next, &run, 0, 0);
    while (looks < LOOKS_MAX && scan_next(&s, &run) && run.due_at <= last) {
        if (pressure_is_on(&run) && run.put_off_until > en->memory.put_off_last)
            en->memory.put_off_last = run.put_off_until;
        looks++;
    }
    scan_close(&s);
    if (looks == LOOKS_MAX) en->memory.put_off_last = last;
}

void
pressure_is_over(struct schedule *run)
{
    run->put_off_from = 0;
    run->put_off_until = 0;
}

void
pressure_put_status(const struct memory *m, struct txn *t, const struct actor *a,
                    const struct now *now, struct buf *out, struct mp_open_map *map)
{
    struct schedule run = {0};
    struct scan     s;
    uint32_t        looks = 0, put_off = 0;
    uint64_t        job;

    scan_open(&s, t, INDEX_schedule_next, &run, 0, 0);
    while (looks++ < LOOKS_MAX && scan_next(&s, &run) &&
           run.due_at <= now->wall_ms + PUT_OFF_MAX_MS) {
        put_off += pressure_is_on(&run) && actor_sees(t, a, run.company);
    }
    scan_close(&s);
    mp_put_u64(out, map, "streams", pressure_streams(m, t, a, &job));
    mp_put_u64(out, map, "put_off", put_off);
}
