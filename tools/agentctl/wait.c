#include "common/clock.h"
#include "common/mp.h"
#include "tools/agentctl/ctl.h"
#include "tools/agentctl/text.h"

#define NO_END (-1)
/* How much longer than the wait that it asked for agentctl waits for the answer. */
#define GRACE_MS 2000

static int64_t
end_of_wait(const struct ctl *c)
{
    return c->args.timeout_ms < 0 ? NO_END : clock_now().boot_ms + c->args.timeout_ms;
}

/* One long poll; the job, as it stands, into `job`. */
static enum ctl_exit
ask_once(struct ctl *c, int64_t id, int64_t until_ms, struct buf *job, struct err *e)
{
    BUF_AUTO struct buf body = {0};
    BUF_AUTO struct buf reply = {0};
    int64_t             wait_ms = CTL_WAIT_MS;
    int64_t             grace_ms = CTL_TIMEOUT_MS;
    struct mp_open_map  m = mp_open(&body);

    if (until_ms != NO_END) {
        int64_t left_ms = until_ms - clock_now().boot_ms;

        if (left_ms < wait_ms) wait_ms = left_ms > 0 ? left_ms : 0;
        grace_ms = GRACE_MS;
    }
    mp_put_i64(&body, &m, "id", id);
    mp_put_i64(&body, &m, "wait_ms", wait_ms);
    mp_close(&body, &m);
    enum ctl_exit failed = ctl_ask(c, MSG_JOB_WAIT, buf_view(&body), wait_ms + grace_ms, &reply, e);
    if (failed) return failed;
    buf_clear(job);
    buf_add_view(job, buf_view(&reply));
    return CTL_DONE;
}

/* Until the job has ended: CTL_DONE, or CTL_NOT_COMPLETED. */
static enum ctl_exit
wait_for(struct ctl *c, int64_t id, int64_t until_ms, struct buf *job, struct err *e)
{
    for (;;) {
        int64_t       asked_ms = clock_now().boot_ms;
        enum ctl_exit failed = ask_once(c, id, until_ms, job, e);
        bool          is_pending = false;
        struct view   state;

        if (failed) return failed;
        if (!mp_find_bool(buf_view(job), "pending", &is_pending) || !is_pending) {
            bool has_state = mp_find_str(buf_view(job), "state", &state);

            return has_state && view_is(state, "completed") ? CTL_DONE : CTL_NOT_COMPLETED;
        }
        if (until_ms != NO_END && clock_now().boot_ms >= until_ms) {
            err_set(e, E_BUSY, "job %lld has not ended in time", (long long)id);
            err_hint(e, "agentctl job why %lld", (long long)id);
            return CTL_NO_ANSWER;
        }
        /* A daemon that stops answers all who wait, at once. */
        if (clock_now().boot_ms - asked_ms < CTL_PAUSE_MS) ctl_pause(c, CTL_PAUSE_MS);
    }
}

/* The job as it was last seen, whatever came of the wait. */
static enum ctl_exit
show_last(struct ctl *c, const struct buf *job, enum ctl_exit waited, struct err *e)
{
    struct err    failure;
    enum ctl_exit failed;

    if (job->size == 0) return waited;
    failed = ctl_show(c, buf_view(job), &failure);
    if (!failed) return waited;
    *e = failure;
    return failed;
}

enum ctl_exit
ctl_run_wait(struct ctl *c, struct err *e)
{
    CTL_REQUEST_AUTO struct ctl_request request = {0};
    BUF_AUTO struct buf                 body = {0};
    BUF_AUTO struct buf                 job = {0};
    int64_t                             id = 0;

    if (ctl_request_make(&c->args, clock_now().wall_ms, &request, e)) return CTL_USAGE;
    ctl_request_pack(&request, &body);
    (void)mp_find_i64(buf_view(&body), "id", &id); /* ctl_request_make has judged it */
    enum ctl_exit waited = wait_for(c, id, end_of_wait(c), &job, e);
    return show_last(c, &job, waited, e);
}

/* Submits, and with --wait goes on to wait. */
enum ctl_exit
ctl_run_submit(struct ctl *c, struct err *e)
{
    CTL_REQUEST_AUTO struct ctl_request request = {0};
    BUF_AUTO struct buf                 body = {0};
    BUF_AUTO struct buf                 job = {0};
    int64_t                             until_ms = end_of_wait(c);
    int64_t                             id;
    enum ctl_exit                       failed;

    if (ctl_request_make(&c->args, clock_now().wall_ms, &request, e)) return CTL_USAGE;
    if (ctl_args_has(&c->args, "wait") && ctl_args_has(&c->args, "session")) {
        err_set(e, E_BAD_REQUEST, "--wait: not together with --session, whose turn comes later");
        return CTL_USAGE;
    }
    ctl_request_pack(&request, &body);
    failed = ctl_ask(c, MSG_JOB_SUBMIT, buf_view(&body), ctl_timeout_ms(c), &job, e);
    if (failed) return failed;
    if (!ctl_args_has(&c->args, "wait")) return ctl_show(c, buf_view(&job), e);
    if (!mp_find_i64(buf_view(&job), "id", &id)) {
        err_set(e, E_INTERNAL, "agentd answered without the job's id");
        return CTL_REFUSED;
    }
    enum ctl_exit waited = wait_for(c, id, until_ms, &job, e);
    return show_last(c, &job, waited, e);
}
