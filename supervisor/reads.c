#include "supervisor/reads.h"

#include "common/mp.h"

void
reads_init(struct reads *r, struct store *store, struct engine *engine, struct control *control)
{
    *r = (struct reads){.store = store, .engine = engine, .control = control};
    parked_init(&r->parked);
}

void
reads_done(struct reads *r)
{
    buf_done(&r->reply);
}

/* How long the client is willing to wait; 0 for reads that do not wait. */
static int64_t
wait_ms(const struct request *req)
{
    union msg  m;
    struct err e;

    if (req->desc->id != MSG_JOB_WAIT && req->desc->id != MSG_FEED_READ) return 0;
    if (msg_unpack(req->desc, req->body, &m, &e)) return 0; /* the engine says what is wrong */
    return req->desc->id == MSG_JOB_WAIT ? m.job_wait.wait_ms : m.feed_read.wait_ms;
}

/* A reader "from now on" keeps the now of its first look: what comes while it waits is for it. */
static void
keep_place(struct reads *r, struct asked *a)
{
    struct msg_feed_read m;
    struct err           e;

    if (a->req.desc->id != MSG_FEED_READ || a->own_body.size > 0 ||
        msg_unpack(a->req.desc, a->req.body, &m, &e) || HAS(&m, feed_read, since) ||
        !mp_find_str(buf_view(&r->reply), "next", &m.since)) {
        return;
    }
    SET_HAS(&m, feed_read, since);
    msg_pack(a->req.desc, &m, &a->own_body);
    a->req.body = buf_view(&a->own_body);
}

static void
park(struct reads *r, struct asked *a)
{
    struct err e;

    keep_place(r, a);
    if (parked_add(&r->parked, a)) return;
    (void)err_set(&e, E_BUSY, "%d requests wait already", PARKED_MAX);
    control_refuse(r->control, &a, &e);
}

/* Replies with what there is when nothing can be waited for any more. */
static void
ask(struct reads *r, struct asked *a, const struct now *now)
{
    bool        is_ok = true;
    struct err  e;
    struct txn *t = txn_begin_read(r->store, &e);

    if (!t) {
        control_refuse(r->control, &a, &e);
        return;
    }
    buf_clear(&r->reply);
    a->waits_for = 0;
    enum read_result result = engine_read(r->engine, t, now, &a->actor, a->req.desc->id,
                                          a->req.body, &r->reply, &a->waits_for, &is_ok, &e);
    if (result == READ_WAIT_FEED) a->waits_for = 0;
    if (!is_ok) {
        control_refuse(r->control, &a, &e);
    } else if (result != READ_DONE && now->boot_ms < a->until_boot_ms) {
        park(r, a);
    } else {
        control_reply(r->control, &a, buf_view(&r->reply));
    }
    txn_abort(&t);
}

void
reads_serve(struct reads *r, struct asked *a, const struct now *now)
{
    a->until_boot_ms = now->boot_ms + wait_ms(&a->req);
    ask(r, a, now);
}

static void
ask_all(struct reads *r, struct asked *list, const struct now *now)
{
    while (list) {
        struct asked *a = list;

        list = a->next;
        ask(r, a, now);
    }
}

void
reads_on_job_ended(struct reads *r, uint64_t job, const struct now *now)
{
    ask_all(r, parked_take_job(&r->parked, job), now);
}

void
reads_after_turn(struct reads *r, const struct now *now)
{
    if (engine_feed_seq(r->engine) != r->feed_seq) {
        r->feed_seq = engine_feed_seq(r->engine);
        ask_all(r, parked_take_feed(&r->parked), now);
    }
    ask_all(r, parked_take_ended(&r->parked, now->boot_ms), now);
}

void
reads_end_waits(struct reads *r, const struct now *now)
{
    struct asked *list = parked_take_all(&r->parked);

    for (struct asked *a = list; a; a = a->next)
        a->until_boot_ms = now->boot_ms;
    ask_all(r, list, now);
}

int64_t
reads_deadline(const struct reads *r)
{
    return r->parked.count > 0 ? r->parked.deadline : INT64_MAX;
}

size_t
reads_waiting(const struct reads *r)
{
    return r->parked.count;
}
