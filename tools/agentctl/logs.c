#include "common/clock.h"
#include "common/mp.h"
#include "tools/agentctl/ctl.h"
#include "tools/agentctl/text.h"

/* A log as far as it has been read. */
struct reading {
    int64_t    id;
    int64_t    offset; /* where to go on */
    int64_t    size;
    bool       has_ended;
    bool       has_news; /* the last answer held text */
    struct buf text;     /* all of it, kept for --json only */
};

static enum ctl_exit
show_text(struct ctl *c, struct reading *r, struct view text, struct err *e)
{
    if (c->is_json) {
        buf_add_view(&r->text, text);
        return CTL_DONE;
    }
    ctl_clean(text, CTL_KEEP_LINES, &c->text);
    return ctl_flush(c, e);
}

static enum ctl_exit
read_once(struct ctl *c, struct reading *r, struct err *e)
{
    BUF_AUTO struct buf body = {0};
    BUF_AUTO struct buf reply = {0};
    struct mp_open_map  m = mp_open(&body);
    struct view         text = {0};
    int64_t             offset = 0;

    mp_put_i64(&body, &m, "id", r->id);
    mp_put_i64(&body, &m, "offset", r->offset);
    mp_close(&body, &m);
    enum ctl_exit failed = ctl_ask(c, MSG_JOB_LOGS, buf_view(&body), ctl_timeout_ms(c), &reply, e);
    if (failed) return failed;
    (void)mp_find_str(buf_view(&reply), "text", &text); /* absent: nothing new */
    (void)mp_find_i64(buf_view(&reply), "offset", &offset);
    (void)mp_find_i64(buf_view(&reply), "size", &r->size);
    (void)mp_find_bool(buf_view(&reply), "ended", &r->has_ended);
    r->has_news = text.size > 0;
    /* agentd says where to go on; an answer with text must lead on in any case. */
    if (offset > r->offset) {
        r->offset = offset;
    } else {
        r->offset += (int64_t)text.size;
    }
    return show_text(c, r, text, e);
}

static enum ctl_exit
read_all(struct ctl *c, struct reading *r, bool is_following, struct err *e)
{
    for (;;) {
        bool          had_ended = r->has_ended;
        enum ctl_exit failed = read_once(c, r, e);

        if (failed) return failed;
        if (r->has_news) continue;
        /* What was written before the end is there for an answer that was asked for behind it. */
        if (!is_following || (had_ended && r->has_ended)) return CTL_DONE;
        /* A log is a file that a worker writes, no event that agentd could wait for, so following
         * one means to ask again: a quarter of a second is live enough for people and next to
         * nothing for agentd. */
        if (!r->has_ended) ctl_pause(c, CTL_PAUSE_MS);
    }
}

static enum ctl_exit
show_document(struct ctl *c, const struct reading *r, struct err *e)
{
    BUF_AUTO struct buf body = {0};
    struct mp_open_map  m = mp_open(&body);

    mp_put_str(&body, &m, "text", buf_view(&r->text));
    mp_put_i64(&body, &m, "offset", r->offset);
    mp_put_i64(&body, &m, "size", r->size);
    mp_put_bool(&body, &m, "ended", r->has_ended);
    mp_close(&body, &m);
    return ctl_show(c, buf_view(&body), e);
}

/* All that there is of a log; with -f, until the job has ended and all is printed. */
enum ctl_exit
ctl_run_logs(struct ctl *c, struct err *e)
{
    CTL_REQUEST_AUTO struct ctl_request request = {0};
    BUF_AUTO struct buf                 body = {0};
    struct reading                      r = {0};
    enum ctl_exit                       failed;

    if (ctl_request_make(&c->args, clock_now().wall_ms, &request, e)) return CTL_USAGE;
    ctl_request_pack(&request, &body);
    (void)mp_find_i64(buf_view(&body), "id", &r.id); /* ctl_request_make has judged them */
    (void)mp_find_i64(buf_view(&body), "offset", &r.offset);
    failed = read_all(c, &r, ctl_args_has(&c->args, "follow"), e);
    if (!failed && c->is_json) failed = show_document(c, &r, e);
    buf_done(&r.text);
    return failed;
}
