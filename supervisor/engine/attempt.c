#include "supervisor/engine/attempt.h"

#include "supervisor/engine/agents.h"
#include "supervisor/engine/budgets.h"
#include "supervisor/engine/events.h"
#include "supervisor/engine/firings.h"
#include "supervisor/engine/fleet.h"
#include "supervisor/engine/gates.h"
#include "supervisor/engine/pings.h"
#include "supervisor/engine/pressure.h"
#include "supervisor/engine/tickets.h"
#include "supervisor/engine/views.h"
#include <assert.h>
#include <inttypes.h>

/* ---- start -------------------------------------------------------------------- */

struct materials {
    struct job_spec            spec;
    const struct object_entry *handler;
    const struct session      *session; /* NULL: none */
    struct event               event;   /* seq 0: none */
    struct view                checkpoint, payload;
};

static bool
gather_session(struct engine *en, const struct job_state *j, struct materials *m)
{
    struct txn *t = turn_txn(en);

    m->session = session_row(en, j->session);
    if (!m->session || session_checkpoint(t, m->session, &m->checkpoint) == LOAD_DAMAGED)
        return false;
    if (m->spec.event == 0) return true;
    m->event = (struct event){.session = j->session, .seq = m->spec.event};
    return session_event(en, m->session, &m->event) == LOAD_FOUND &&
           event_payload(t, &m->event, &m->event.payload) == LOAD_FOUND;
}

/* Everything that the message needs, read before anything is written. */
static bool
gather(struct engine *en, const struct job_state *j, struct materials *m)
{
    struct txn *t = turn_txn(en);

    m->spec.id = j->id;
    if (job_spec_load(t, &m->spec) != LOAD_FOUND) return false;
    m->handler = objects_get(&en->turn.objects, j->handler);
    if (!m->handler) return false;
    m->payload = m->spec.payload;
    if (m->spec.payload_bytes &&
        bytes_load(t, BLOB_PAYLOAD, j->id, m->spec.payload_bytes, &m->payload) != LOAD_FOUND) {
        return false;
    }
    return j->session == 0 || gather_session(en, j, m);
}

static void
send_start(struct engine *en, const struct job_state *j, struct materials *m, uint32_t slot)
{
    struct fleet_lease  *l = &en->memory.leases[slot];
    struct buf document  BUF_AUTO = {0};
    struct msg_job_start start = {0};
    uint64_t             incarnation = store_incarnation(en->store);

    l->seq = fleet_next_seq(en, l->worker);
    if (en->is_mute) {
        fleet_send(en, l->worker, j->token, MSG_JOB_START, &start);
        return;
    }
    view_document(&en->turn.objects, j, &m->spec,
                  &(const struct document_session){.row = m->session,
                                                   .event = m->event.seq ? &m->event : NULL,
                                                   .checkpoint = m->checkpoint},
                  &document);
    start.seq = l->seq;
    start.slot = slot;
    start.token = j->token;
    start.job = j->id;
    start.attempt = j->attempt;
    start.handler = m->handler->row.spec;
    start.idempotency_key = view_str(
        arena_printf(txn_arena(turn_txn(en)), "%016" PRIx64 "-%" PRIu64, incarnation, j->id));
    start.lease = view_str(
        arena_printf(txn_arena(turn_txn(en)), "%016" PRIx64 "-%" PRIu64, incarnation, j->token));
    start.max_turns = m->spec.max_turns;
    SET_HAS(&start, job_start, max_turns);
    start.document = buf_view(&document);
    start.payload = m->payload;
    if (m->payload.size) SET_HAS(&start, job_start, payload);
    if (view_is(m->handler->spec.handler.kind, "exec")) start.gate = gate_command(en, &m->spec);
    if (start.gate.size) SET_HAS(&start, job_start, gate);
    start.deltas = m->event.seq != 0;
    if (start.deltas) SET_HAS(&start, job_start, deltas);
    fleet_send(en, l->worker, j->token, MSG_JOB_START, &start);
}

bool
attempt_start(struct engine *en, struct job_state *j, unsigned worker)
{
    struct materials m = {0};
    const struct now now = en->turn.now;
    uint32_t         slot;
    int64_t          run_ms;

    if (!gather(en, j, &m)) return false;
    run_ms = budget_run_max(&en->turn.objects, j, &m.spec);
    j->attempt++;
    j->token = en->memory.meta.next_token++;
    j->worker = worker;
    j->claimed_at = now.wall_ms;
    j->lease_expires_at = now.wall_ms + run_ms;
    j->lease_end_boot = now.boot_ms + run_ms;
    j->stop_reason = FAIL_NONE;
    slot = fleet_take(en, worker, LEASE_JOB, j->id, j->token, j->flags & JOB_FLAG_ALONE);
    job_must_move(en, j, JOB_ON_START);
    budget_reserve(en, j, &m.spec);
    pressure_mark(en, &en->memory.leases[slot], view_is(m.event.type, EVENT_MESSAGE));
    send_start(en, j, &m, slot);
    if (j->schedule) {
        firing_started(en, j, &m.spec);
        ping_job_started(en, j);
    }
    feed_job(en, FEED_JOB_STARTED, j, &m.spec);
    if (j->agent) feed_wakeup(en, FEED_AGENT_WAKEUP, j, &m.spec);
    return true;
}

/* ---- stop --------------------------------------------------------------------- */

void
attempt_stop(struct engine *en, struct job_state *j, enum failure_class reason, int64_t grace_ms)
{
    struct fleet_lease *l = fleet_find(en, j->token);
    struct msg_job_stop stop = {0};

    assert(j->state == JOB_RUNNING);
    if (j->stop_reason == FAIL_NONE) {
        j->stop_reason = (uint8_t)reason;
        job_must_move(en, j, JOB_ON_STOP);
        feed_job(en, FEED_JOB_STOPPING, j, NULL);
    } else if (reason != FAIL_INTERRUPTED) {
        return; /* only the end of agentd itself shortens the grace of a stop under way */
    }
    if (!l) return; /* of an earlier agentd: the shell is ending its processes already */
    stop.seq = fleet_next_seq(en, l->worker);
    stop.slot = fleet_slot(en, l);
    stop.token = j->token;
    stop.grace_ms = grace_ms;
    fleet_send(en, l->worker, j->token, MSG_JOB_STOP, &stop);
}

void
attempt_abort(struct engine *en, struct job_state *j, const char *message)
{
    if (j->stop_reason == FAIL_NONE) { /* else another reason fixes what it fails as */
        j->failure = FAIL_ABORTED;
        j->failure_message = view_str(message);
    }
    attempt_stop(en, j, FAIL_ABORTED, en->memory.limits.kill_grace_ms);
}

/* ---- usage -------------------------------------------------------------------- */

/* Workers send totals of the attempt; the job counts all attempts. */
static uint64_t
grow(uint64_t *reported, uint64_t total)
{
    uint64_t more = total > *reported ? total - *reported : 0;

    *reported += more;
    return more;
}

bool
attempt_charge(struct fleet_lease *l, struct job_state *j, const struct amounts *totals,
               uint64_t input, struct amounts *more)
{
    uint64_t more_input = grow(&l->input_tokens, input);
    uint64_t more_output = grow(&l->output_tokens, totals->of[DIM_TOKENS] - input);

    *more = (struct amounts){0};
    more->of[DIM_TURNS] = grow(&l->turns, totals->of[DIM_TURNS]);
    more->of[DIM_TOKENS] = sum_of(more_input, more_output);
    more->of[DIM_COST] = grow(&l->cost_micros, totals->of[DIM_COST]);
    sum_add(&j->turns, more->of[DIM_TURNS]);
    sum_add(&j->input_tokens, more_input);
    sum_add(&j->output_tokens, more_output);
    sum_add(&j->cost_micros, more->of[DIM_COST]);
    return more->of[DIM_TURNS] || more->of[DIM_TOKENS] || more->of[DIM_COST];
}

/* The report that goes beyond a budget stops the handler: the overshoot is one report at most. */
static void
charge_progress(struct engine *en, struct fleet_lease *l, struct job_state *j,
                const struct msg_progress *m)
{
    const struct amounts totals = {
        {m->turns, m->input_tokens + m->output_tokens, m->cost_micros}
    };
    struct amounts more;
    bool           is_over;

    if (!attempt_charge(l, j, &totals, m->input_tokens, &more)) return;
    job_must_move(en, j, JOB_ON_REPORT);
    is_over = budget_charge(en, j, &more);
    if (budget_of_job(en, j, &more) || is_over)
        attempt_stop(en, j, FAIL_BUDGET_EXCEEDED, en->memory.limits.kill_grace_ms);
}

void
attempt_progress(struct engine *en, struct fleet_lease *l, const struct msg_progress *m)
{
    struct job_state   j = {.id = l->id};
    struct mp_open_map map;

    if (job_state_load(turn_txn(en), &j) != LOAD_FOUND || j.state != JOB_RUNNING) return;
    charge_progress(en, l, &j, m);
    agent_seen(en, j.agent);
    map = feed_open_job(en, FEED_JOB_PROGRESS, &j, NULL);
    if (HAS(m, progress, percent)) mp_put_u64(feed_buf(en), &map, "percent", m->percent);
    if (m->message.size) mp_put_str(feed_buf(en), &map, "message", m->message);
    mp_put_u64(feed_buf(en), &map, "turns", l->turns);
    feed_close(en, &map);
}
