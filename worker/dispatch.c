#include "worker/dispatch.h"

#include "proto/codec.h"
#include "worker/builtin.h"
#include <inttypes.h>
#include <stdlib.h>

static enum errc
take_seq(struct dispatch *d, uint64_t seq, struct err *e)
{
    if (seq <= d->last_seq) {
        return err_set(e, E_BAD_REQUEST, "seq %" PRIu64 " after %" PRIu64, seq, d->last_seq);
    }
    d->last_seq = seq;
    return E_OK;
}

static enum errc
check_slot_is_free(const struct dispatch *d, uint64_t slot, struct err *e)
{
    if (!d->slots->by_slot[slot]) return E_OK;
    return err_set(e, E_BAD_REQUEST, "slot %" PRIu64 " is in use", slot);
}

/* What goes wrong here is the handler's: the job fails, the worker lives. */
static enum errc
start_job(struct dispatch *d, const struct msg_job_start *m, int64_t now_ms, struct err *e)
{
    struct msg_handler h;

    if (msg_unpack(msg_desc(MSG_HANDLER), m->handler, &h, e)) return err_wrap(e, "handler");
    bool is_exec = view_is(h.kind, "exec") || view_is(h.kind, "persistent");
    if (HAS(m, job_start, gate) && !is_exec)
        return err_set(e, E_BAD_REQUEST, "a gate's command needs a handler that is a command");
    if (is_exec) return exec_start(d->exec, m, &h, now_ms, e);
    if (builtin_start(d->slots, d->report, m, h.kind, now_ms)) return E_OK;
    return err_set(e, E_BAD_REQUEST, "no handler of kind \"%.*s\" is known", VIEW_ARG(h.kind));
}

static enum errc
on_job_start(struct dispatch *d, const struct msg_job_start *m, int64_t now_ms, struct err *e)
{
    struct err problem;

    if (take_seq(d, m->seq, e) || check_slot_is_free(d, m->slot, e)) return e->code;
    if (d->slots->job_count >= d->job_slots) {
        return err_set(e, E_BAD_REQUEST, "a job beyond the %" PRIu64 " slots", d->job_slots);
    }
    if (start_job(d, m, now_ms, &problem)) {
        report_failed(d->report, m->slot, m->token, "handler_error", problem.msg);
    }
    return E_OK;
}

static enum errc
on_job_stop(struct dispatch *d, const struct msg_job_stop *m, int64_t now_ms, struct err *e)
{
    struct lease *lease = slots_find(d->slots, m->slot, m->token);

    if (take_seq(d, m->seq, e)) return e->code;
    if (!lease) return E_OK; /* it has ended meanwhile */
    lease->is_stop_asked = true;
    if (lease->kind == LEASE_SLEEP) {
        builtin_finish(d->slots, d->report, &lease);
    } else {
        tree_stop(&lease->tree, m->grace_ms, now_ms);
    }
    return E_OK;
}

static enum errc
on_effect_send(struct dispatch *d, const struct msg_effect_send *m, int64_t now_ms, struct err *e)
{
    struct err problem;

    if (take_seq(d, m->seq, e) || check_slot_is_free(d, m->slot, e)) return e->code;
    if (sink_start(d->sink, m, now_ms, &problem)) {
        struct msg_effect_done end = {.outcome = view_str(m->probe ? "unknown" : "failed"),
                                      .message = view_str(problem.msg)};

        report_effect_done(d->report, m->slot, m->token, &end);
    }
    return E_OK;
}

enum errc
dispatch_frame(struct dispatch *d, struct view frame, const struct now *now, struct err *e)
{
    const struct msg_desc *desc;
    union msg              m;

    if (worker_open(GROUP_TO_WORKER, frame, &desc, &m, e)) return e->code;
    switch (desc->id) {
#define W(op, NAME, name) \
    case MSG_##NAME: return on_##name(d, &m.name, now->boot_ms, e);
        TO_WORKER_MESSAGES(W)
#undef W
    default: abort(); /* worker_open gives only this group's messages */
    }
}
