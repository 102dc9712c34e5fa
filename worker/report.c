#include "worker/report.h"

#include "common/mp.h"
#include "common/version.h"
#include "proto/codec.h"
#include "worker/text.h"
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#define SHORT_TEXT_MAX 1024 /* receipt and message, as in EFFECT_DONE_FIELDS */
#define FRAME_KEPT     262144

void
report_init(struct report *r, void *socket, uint64_t worker, uint64_t generation)
{
    *r = (struct report){.socket = socket, .worker = worker, .generation = generation};
}

void
report_done(struct report *r)
{
    buf_done(&r->frame);
}

enum errc
report_check(const struct report *r, struct err *e)
{
    if (r->error.code != E_OK) *e = r->error;
    return r->error.code;
}

static void
send_frame(struct report *r)
{
    if (r->error.code == E_OK &&
        zmq_send(r->socket, r->frame.data, r->frame.size, ZMQ_DONTWAIT) < 0) {
        (void)err_set(&r->error, E_INTERNAL, "cannot send a report: %s", zmq_strerror(zmq_errno()));
    }
    if (r->frame.cap > FRAME_KEPT) buf_done(&r->frame);
}

static void
pack(struct report *r, enum msg_id op, const void *m)
{
    buf_clear(&r->frame);
    worker_pack(op, m, &r->frame);
}

void
report_hello(struct report *r, uint64_t slots)
{
    struct msg_hello m = {
        .worker = r->worker,
        .generation = r->generation,
        .slots = slots,
        .pid = (uint64_t)getpid(),
        .version = view_str(AGENTD_VERSION),
    };

    pack(r, MSG_HELLO, &m);
    send_frame(r);
}

void
report_heartbeat(struct report *r, const struct slots *s, uint64_t last_seq, uint64_t lag_us)
{
    BUF_AUTO struct buf  running = {0};
    struct msg_heartbeat m = {
        .worker = r->worker,
        .generation = r->generation,
        .last_seq = last_seq,
        .lag_us = lag_us,
    };

    size_t   at = mp_array_open(&running);
    uint32_t count = 0;

    for (size_t i = 0; i < s->count; i++) {
        if (s->active[i]->kind == LEASE_IDLE) continue;
        mp_u64(&running, s->active[i]->token);
        count++;
    }
    mp_array_close(&running, at, count);
    m.running = buf_view(&running);
    SET_HAS(&m, heartbeat, lag_us);
    pack(r, MSG_HEARTBEAT, &m);
    send_frame(r);
}

void
report_progress(struct report *r, const struct lease *lease)
{
    const struct outcome *o = &lease->outcome;
    struct msg_progress   m = {
          .worker = r->worker,
          .generation = r->generation,
          .slot = lease->slot,
          .token = lease->token,
          .turns = o->turns,
          .input_tokens = o->input_tokens,
          .output_tokens = o->output_tokens,
          .cost_micros = o->cost_micros,
          .percent = o->percent,
          .message = buf_view(&o->progress),
    };

    SET_HAS(&m, progress, turns);
    SET_HAS(&m, progress, input_tokens);
    SET_HAS(&m, progress, output_tokens);
    SET_HAS(&m, progress, cost_micros);
    if (o->has_percent) SET_HAS(&m, progress, percent);
    if (o->progress.size > 0) SET_HAS(&m, progress, message);
    pack(r, MSG_PROGRESS, &m);
    send_frame(r);
}

void
report_delta(struct report *r, const struct lease *lease)
{
    const struct msg_delta m = {
        .worker = r->worker,
        .generation = r->generation,
        .slot = lease->slot,
        .token = lease->token,
        .text = buf_view(&lease->outcome.deltas),
        .piece = lease->outcome.pieces + 1,
    };

    pack(r, MSG_DELTA, &m);
    send_frame(r);
}

/* Drops what the handler gave, which is all that can be wrong with a message of ours. */
static void
refuse_values(struct msg_ended *m, const char *message)
{
    m->has &= ~(1ULL << msg_ended_BIT_output | 1ULL << msg_ended_BIT_effects |
                1ULL << msg_ended_BIT_checkpoint);
    m->verdict = view_str("failed");
    m->class = view_str("invalid_output");
    SET_HAS(m, ended, class);
    m->message = view_str(message);
    SET_HAS(m, ended, message);
}

void
report_ended(struct report *r, uint64_t slot, uint64_t token, struct msg_ended *m)
{
    const struct msg_desc *desc;
    union msg              opened;
    struct err             e;

    m->worker = r->worker;
    m->generation = r->generation;
    m->slot = slot;
    m->token = token;
    pack(r, MSG_ENDED, m);
    if ((HAS(m, ended, output) || HAS(m, ended, effects) || HAS(m, ended, checkpoint)) &&
        worker_open(GROUP_FROM_WORKER, buf_view(&r->frame), &desc, &opened, &e)) {
        refuse_values(m, e.msg);
        pack(r, MSG_ENDED, m);
    }
    send_frame(r);
}

void
report_failed(struct report *r, uint64_t slot, uint64_t token, const char *class,
              const char *message)
{
    struct msg_ended m = {
        .verdict = view_str("failed"),
        .class = view_str(class),
        .message = view_str(message),
    };

    SET_HAS(&m, ended, class);
    SET_HAS(&m, ended, message);
    report_ended(r, slot, token, &m);
}

void
report_effect_done(struct report *r, uint64_t slot, uint64_t token, struct msg_effect_done *m)
{
    m->worker = r->worker;
    m->generation = r->generation;
    m->slot = slot;
    m->token = token;
    m->receipt = text_cut(m->receipt, SHORT_TEXT_MAX);
    m->message = text_cut(m->message, SHORT_TEXT_MAX);
    if (m->receipt.size > 0) SET_HAS(m, effect_done, receipt);
    if (m->message.size > 0) SET_HAS(m, effect_done, message);
    pack(r, MSG_EFFECT_DONE, m);
    send_frame(r);
}
