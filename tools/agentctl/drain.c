#include "common/clock.h"
#include "common/mp.h"
#include "tools/agentctl/ctl.h"

#define NO_END (-1)

/* How many jobs run now. */
static enum ctl_exit
ask_running(struct ctl *c, int64_t *running, struct err *e)
{
    BUF_AUTO struct buf body = {0};
    BUF_AUTO struct buf reply = {0};
    struct mp_open_map  m = mp_open(&body);
    struct view         queue;
    enum ctl_exit       failed;

    mp_close(&body, &m);
    failed = ctl_ask(c, MSG_STATUS, buf_view(&body), CTL_TIMEOUT_MS, &reply, e);
    if (failed) return failed;
    if (mp_find(buf_view(&reply), "queue", &queue) && mp_find_i64(queue, "running", running))
        return CTL_DONE;
    err_set(e, E_INTERNAL, "agentd answered without its queue");
    return CTL_REFUSED;
}

/* Asks again and again until nothing runs. */
static enum ctl_exit
wait_for_none(struct ctl *c, int64_t running, int64_t until_ms, struct err *e)
{
    while (running > 0) {
        enum ctl_exit failed;

        if (until_ms != NO_END && clock_now().boot_ms >= until_ms) {
            err_set(e, E_BUSY, "%lld jobs still run", (long long)running);
            err_hint(e, "agentctl job list --state running; agentctl resume ends the drain");
            return CTL_NO_ANSWER;
        }
        ctl_pause(c, CTL_PAUSE_MS);
        failed = ask_running(c, &running, e);
        if (failed) return failed;
    }
    return CTL_DONE;
}

static enum ctl_exit
show_end(struct ctl *c, struct view stopped_at, struct err *e)
{
    BUF_AUTO struct buf body = {0};
    struct mp_open_map  m = mp_open(&body);

    mp_put_raw(&body, &m, "stopped_at", stopped_at);
    mp_put_i64(&body, &m, "running", 0);
    mp_close(&body, &m);
    return ctl_show(c, buf_view(&body), e);
}

/* Drains, and waits until nothing runs. */
enum ctl_exit
ctl_run_drain(struct ctl *c, struct err *e)
{
    CTL_REQUEST_AUTO struct ctl_request request = {0};
    BUF_AUTO struct buf                 body = {0};
    BUF_AUTO struct buf                 reply = {0};
    int64_t until_ms = c->args.timeout_ms < 0 ? NO_END : clock_now().boot_ms + c->args.timeout_ms;
    int64_t running = 0;
    struct view   stopped_at = {0};
    enum ctl_exit failed;

    if (ctl_request_make(&c->args, clock_now().wall_ms, &request, e)) return CTL_USAGE;
    ctl_request_pack(&request, &body);
    failed = ctl_ask(c, MSG_DRAIN, buf_view(&body), CTL_TIMEOUT_MS, &reply, e);
    if (failed) return failed;
    (void)mp_find_i64(buf_view(&reply), "running", &running);
    (void)mp_find(buf_view(&reply), "stopped_at", &stopped_at);
    failed = wait_for_none(c, running, until_ms, e);
    return failed ? failed : show_end(c, stopped_at, e);
}
