#include "supervisor/engine/leases.h"

#include "supervisor/engine/attempt.h"
#include "supervisor/engine/breakers.h"
#include "supervisor/engine/caps.h"
#include "supervisor/engine/fleet.h"
#include "supervisor/engine/job.h"
#include "supervisor/engine/outbox.h"

#include <string.h>

/* ---- limits that have room again ---------------------------------------------- */

#define LOOKED_BACK 64 /* a limit is noted twice only when as many others lie between */

void
limit_released(struct engine *en, uint8_t predicate, uint32_t on)
{
    struct turn *t = &en->turn;
    size_t       first = t->released_count > LOOKED_BACK ? t->released_count - LOOKED_BACK : 0;

    for (size_t i = t->released_count; i > first; i--) {
        if (t->released[i - 1].predicate == predicate && t->released[i - 1].on == on) return;
    }
    if (t->released_count == t->released_cap) {
        struct released *old = t->released;

        t->released_cap = t->released_cap ? t->released_cap * 2 : LOOKED_BACK;
        t->released = arena_alloc(txn_arena(t->txn), t->released_cap * sizeof(*t->released));
        if (old) memcpy(t->released, old, t->released_count * sizeof(*old));
    }
    t->released[t->released_count++] = (struct released){predicate, on};
}

void
lease_released(struct engine *en, const struct job_state *j)
{
    if (j->flags & JOB_FLAG_SCHEDULE_BORN) limit_released(en, HELD_SCHEDULE_CAP, 0);
    limit_released(en, HELD_COMPANY_CAP, j->company);
    if (j->agent) limit_released(en, HELD_AGENT_CAP, j->agent);
    limit_released(en, HELD_HANDLER_CAP, j->handler);
    limit_released(en, HELD_ALONE, 0);
    if (j->schedule) limit_released(en, HELD_OVERLAP, j->schedule);
    breaker_released(en, j->handler);
}

/* ---- an earlier agentd's attempts --------------------------------------------- */

void
leases_at_boot(struct engine *en)
{
    struct job_state j = {0};
    struct scan      s;

    scan_open(&s, turn_txn(en), INDEX_job_running, &j, 0, 0);
    while (scan_next(&s, &j)) {
        struct output *o = turn_output(en, OUT_OLD_LEASE);

        o->job = j.id;
        o->token = j.token;
        en->memory.old_leases++;
    }
    scan_close(&s);
}

static bool
find_running(struct engine *en, uint64_t token, struct job_state *j)
{
    struct scan s;
    bool        found = false;

    scan_open(&s, turn_txn(en), INDEX_job_running, j, 0, 0);
    while (!found && scan_next(&s, j))
        found = j->token == token;
    scan_close(&s);
    if (!found) return false;
    return job_state_load(turn_txn(en), j) == LOAD_FOUND; /* again: the scan's bytes have ended */
}

void
on_lease_gone(struct engine *en, const struct input *in)
{
    struct job_state j = {0};

    if (fleet_find(en, in->token)) return; /* not an earlier agentd's */
    if (!find_running(en, in->token, &j)) {
        if (outbox_lease_gone(en, in->token)) en->memory.old_leases--;
        return;
    }
    en->memory.old_leases--;
    attempt_interrupted(en, &j);
}

void
leases_interrupt(struct engine *en, int64_t grace_ms)
{
    for (uint32_t slot = 0; slot < en->memory.lease_high; slot++) {
        const struct fleet_lease *l = &en->memory.leases[slot];
        struct job_state          j = {.id = l->id};

        if (l->kind != LEASE_JOB) continue;
        if (job_state_load(turn_txn(en), &j) != LOAD_FOUND || j.state != JOB_RUNNING) continue;
        attempt_stop(en, &j, FAIL_INTERRUPTED, grace_ms);
    }
}

/* ---- lease ends --------------------------------------------------------------- */

void
leases_due(struct engine *en)
{
    struct job_state key = {0};
    struct scan      s;

    scan_open(&s, turn_txn(en), INDEX_job_running, &key, 0, 0);
    while (en->turn.due_left && scan_next_key(&s, &key) &&
           key.lease_end_boot <= en->turn.now.boot_ms) {
        struct job_state j = {.id = key.id};

        if (!fleet_find_job(en, key.id))
            continue; /* an earlier agentd's: its boot time may be another boot's */
        if (job_state_load(turn_txn(en), &j) != LOAD_FOUND || j.stop_reason != FAIL_NONE) continue;
        en->turn.due_left--;
        attempt_stop(en, &j, FAIL_LEASE_EXPIRED, en->memory.limits.kill_grace_ms);
    }
    scan_close(&s);
}

int64_t
leases_deadline(struct engine *en)
{
    struct job_state key = {0};
    struct scan      s;
    int64_t          first = INT64_MAX;

    scan_open(&s, turn_txn(en), INDEX_job_running, &key, 0, 0);
    while (first == INT64_MAX && scan_next_key(&s, &key)) {
        struct job_state j = {.id = key.id};

        if (!fleet_find_job(en, key.id)) continue;
        if (key.lease_end_boot > en->turn.now.boot_ms) {
            first = key.lease_end_boot;
        } else if (job_state_load(turn_txn(en), &j) == LOAD_FOUND && j.stop_reason == FAIL_NONE) {
            first = key.lease_end_boot; /* the turn's bound cut it off: at once */
        }
    }
    scan_close(&s);
    return first;
}
