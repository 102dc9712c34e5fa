#include "common/cron.h"
#include "common/mp.h"
#include "common/timetext.h"
#include "tools/agentctl/ctl.h"
#include "tools/agentctl/text.h"
#include <stdlib.h>

#define COUNT_DEFAULT 5
#define COUNT_MAX     1000

static void
print_explained(struct ctl_out *o, struct view body)
{
    struct list_iter it = list_iter_of(ctl_list(body, "next_at"));
    struct view      item;

    (void)ctl_value(o, body, "text", CTL_AS_TEXT, o->buf); /* always there */
    buf_add_str(o->buf, "\n");
    if (it.left == 0) buf_add_str(o->buf, "never\n");
    while (list_next(&it, &item)) {
        ctl_raw(o, item, CTL_AS_INSTANT, o->buf);
        buf_add_str(o->buf, "\n");
    }
}

static void
explain(const struct cron *cron, int64_t from_ms, int64_t count, struct buf *body)
{
    BUF_AUTO struct buf words = {0};
    struct mp_open_map  m = mp_open(body);
    uint32_t            found = 0;

    cron_words(cron, &words);
    mp_put_str(body, &m, "text", buf_view(&words));
    mp_key(body, &m, "next_at");
    size_t header = mp_array_open(body);
    for (int64_t at_ms = from_ms; found < count; found++) {
        at_ms = cron_next(cron, at_ms);
        if (at_ms < 0) break;
        mp_i64(body, at_ms);
    }
    mp_array_close(body, header, found);
    mp_close(body, &m);
}

/* Needs no daemon. */
enum ctl_exit
ctl_run_cron(struct ctl *c, struct err *e)
{
    const char         *from = ctl_args_text(&c->args, "from");
    const char         *count_text = ctl_args_text(&c->args, "count");
    int64_t             now_ms = clock_now().wall_ms;
    int64_t             from_ms = now_ms;
    int64_t             count = COUNT_DEFAULT;
    BUF_AUTO struct buf body = {0};
    struct cron         cron;

    if (cron_parse(view_str(ctl_args_text(&c->args, "EXPR")), &cron, e)) return CTL_USAGE;
    if (from && instant_parse(view_str(from), now_ms, &from_ms, e)) {
        err_wrap(e, "--from");
        return CTL_USAGE;
    }
    if (count_text) {
        char *end;

        count = strtol(count_text, &end, 10);
        if (*end || count < 1 || count > COUNT_MAX) {
            err_set(e, E_BAD_REQUEST, "--count: must be a number from 1 to %d", COUNT_MAX);
            return CTL_USAGE;
        }
    }
    explain(&cron, from_ms, count, &body);
    return ctl_show_by(c, buf_view(&body), print_explained, e);
}
