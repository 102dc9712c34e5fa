#include "common/clock.h"
#include "common/mp.h"
#include "tools/agentctl/ctl.h"

/* The parts of an operation on many jobs, put together. */
struct sum {
    int64_t    matched, done;
    bool       dry_run;
    struct buf refused; /* the first sentence */
    struct buf next;    /* the cursor; empty: all are done */
};

static void
add_part(struct sum *s, struct view body)
{
    struct view text;
    int64_t     n;

    if (mp_find_i64(body, "matched", &n)) s->matched += n;
    if (mp_find_i64(body, "done", &n)) s->done += n;
    (void)mp_find_bool(body, "dry_run", &s->dry_run);
    if (s->refused.size == 0 && mp_find_str(body, "refused", &text)) {
        buf_add_view(&s->refused, text);
    }
    buf_clear(&s->next);
    if (mp_find_str(body, "next", &text)) buf_add_view(&s->next, text);
}

/* A part takes at most LIMIT_MOST; without --limit all of them are asked for. */
#define LIMIT_MOST 1000

static enum ctl_exit
ask_parts(struct ctl *c, struct ctl_request *request, struct sum *s, struct err *e)
{
    BUF_AUTO struct buf asked = {0};
    int64_t             wanted = INT64_MAX;

    ctl_request_pack(request, &asked);
    if (mp_find_i64(buf_view(&asked), "limit", &wanted) && wanted > LIMIT_MOST) {
        err_field(e, "limit", "at most %d; leave it out for all", LIMIT_MOST);
        return CTL_USAGE;
    }
    do {
        BUF_AUTO struct buf body = {0};
        BUF_AUTO struct buf reply = {0};
        enum ctl_exit       failed;

        if (wanted != INT64_MAX) ctl_request_set_i64(request, "limit", wanted - s->matched);
        if (s->next.size > 0) ctl_request_set_str(request, "after", buf_view(&s->next));
        ctl_request_pack(request, &body);
        failed = ctl_ask(c, c->args.command->op, buf_view(&body), ctl_timeout_ms(c), &reply, e);
        if (failed) return failed;
        add_part(s, buf_view(&reply));
    } while (s->next.size > 0 && s->matched < wanted);
    return CTL_DONE;
}

static enum ctl_exit
show_sum(struct ctl *c, const struct sum *s, struct err *e)
{
    BUF_AUTO struct buf body = {0};
    struct mp_open_map  m = mp_open(&body);

    mp_put_i64(&body, &m, "matched", s->matched);
    mp_put_i64(&body, &m, "done", s->done);
    mp_put_bool(&body, &m, "dry_run", s->dry_run);
    mp_put_str_or_nil(&body, &m, "refused", buf_view(&s->refused));
    mp_put_str_or_nil(&body, &m, "next", buf_view(&s->next));
    mp_close(&body, &m);
    return ctl_show(c, buf_view(&body), e);
}

/* An operation on all jobs that a filter names, a part at a time; --timeout is for each. */
enum ctl_exit
ctl_run_many(struct ctl *c, struct err *e)
{
    CTL_REQUEST_AUTO struct ctl_request request = {0};
    struct sum                          sum = {0};
    enum ctl_exit                       failed = CTL_USAGE;

    if (ctl_request_make(&c->args, clock_now().wall_ms, &request, e) == E_OK) {
        failed = ask_parts(c, &request, &sum, e);
        if (!failed) failed = show_sum(c, &sum, e);
    }
    buf_done(&sum.refused);
    buf_done(&sum.next);
    return failed;
}
