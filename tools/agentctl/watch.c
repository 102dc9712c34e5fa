#include "common/clock.h"
#include "common/json.h"
#include "common/mp.h"
#include "tools/agentctl/ctl.h"
#include "tools/agentctl/print.h"
#include "tools/agentctl/text.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Interrupts become readable, so that one between two waits is not missed. */
static int
open_signals(struct err *e)
{
    sigset_t set;
    int      fd;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 || (fd = signalfd(-1, &set, SFD_CLOEXEC)) < 0) {
        err_errno(e, "cannot wait for signals");
        return -1;
    }
    return fd;
}

static void
print_gap(struct ctl_out *o, struct view gap)
{
    BUF_AUTO struct buf first = {0};

    (void)ctl_value(o, gap, "first", CTL_AS_TEXT, &first); /* absent: told without it */
    buf_printf(o->buf, "-- a gap: the events before %.*s are no longer kept --\n",
               VIEW_ARG(buf_view(&first)));
}

static enum ctl_exit
show_gap(struct ctl *c, struct view reply, struct err *e)
{
    BUF_AUTO struct buf body = {0};
    struct mp_open_map  m = mp_open(&body);
    struct view         gap, first = {0};
    uint32_t            pairs;

    if (!mp_find(reply, "gap", &gap)) return CTL_DONE;
    struct mp_reader r = mp_reader_of(gap);
    if (!mp_read_map(&r, &pairs)) return CTL_DONE; /* null: there is none */
    (void)mp_find(gap, "first", &first);
    mp_put_cstr(&body, &m, "type", "gap");
    mp_put_raw(&body, &m, "first", first);
    mp_close(&body, &m);
    return ctl_show_by(c, buf_view(&body), print_gap, e);
}

static enum ctl_exit
show_events(struct ctl *c, struct view reply, struct err *e)
{
    struct list_iter it = list_iter_of(ctl_list(reply, "items"));
    struct view      event;
    enum ctl_exit    failed = CTL_DONE;

    while (!failed && list_next(&it, &event))
        failed = ctl_show_by(c, event, ctl_print_event, e);
    return failed;
}

/* Without a cursor the first answer is asked for at once: it brings one, and from then on nothing
 * that happens between two requests is missed. */
static enum ctl_exit
read_once(struct ctl *c, struct ctl_request *request, struct buf *cursor, struct err *e)
{
    BUF_AUTO struct buf body = {0};
    BUF_AUTO struct buf reply = {0};
    int64_t             asked_ms = clock_now().boot_ms;
    int64_t             wait_ms = cursor->size > 0 ? CTL_WAIT_MS : 0;
    enum ctl_exit       failed;
    struct view         next;

    ctl_request_set_i64(request, "wait_ms", wait_ms);
    if (cursor->size > 0) ctl_request_set_str(request, "since", buf_view(cursor));
    ctl_request_pack(request, &body);
    failed = ctl_ask(c, MSG_FEED_READ, buf_view(&body), wait_ms + ctl_timeout_ms(c), &reply, e);
    if (failed) return failed;
    if ((failed = show_gap(c, buf_view(&reply), e))) return failed;
    if ((failed = show_events(c, buf_view(&reply), e))) return failed;
    if (!mp_find_str(buf_view(&reply), "next", &next) || next.size == 0) {
        err_set(e, E_INTERNAL, "agentd answered without a cursor");
        return CTL_REFUSED;
    }
    buf_clear(cursor);
    buf_add_view(cursor, next);
    /* A daemon that stops answers all who wait, at once and with nothing. */
    bool is_early = clock_now().boot_ms - asked_ms < CTL_PAUSE_MS;
    if (wait_ms > 0 && is_early && !ctl_has_items(ctl_list(buf_view(&reply), "items"))) {
        ctl_pause(c, CTL_PAUSE_MS);
    }
    return CTL_DONE;
}

static void
tell_cursor(const struct ctl *c, struct buf *cursor)
{
    BUF_AUTO struct buf body = {0};
    BUF_AUTO struct buf text = {0};
    const char         *topic = ctl_args_text(&c->args, "topic");
    struct err          e;

    if (cursor->size == 0) return;
    if (!c->is_json) {
        FREE_AUTO char *note =
            xasprintf("go on with: agentctl watch --since %s%s%s", buf_str(cursor),
                      topic ? " --topic " : "", topic ? topic : "");

        ctl_note(c, note);
        return;
    }
    mp_map(&body, 1);
    mp_cstr(&body, "cursor");
    mp_str(&body, buf_view(cursor));
    if (json_from_mp(buf_view(&body), &text, &e) == E_OK) fprintf(stderr, "%s\n", buf_str(&text));
}

/* Events until it is interrupted, which is its ordinary end. */
enum ctl_exit
ctl_run_watch(struct ctl *c, struct err *e)
{
    CTL_REQUEST_AUTO struct ctl_request request = {0};
    const char                         *since = ctl_args_text(&c->args, "since");
    BUF_AUTO struct buf                 cursor = {0};
    enum ctl_exit                       failed = CTL_DONE;
    bool                                is_interrupted = false;

    if (ctl_request_make(&c->args, clock_now().wall_ms, &request, e)) return CTL_USAGE;
    if (since) buf_add_str(&cursor, since);
    c->interrupt_fd = open_signals(e);
    if (c->interrupt_fd < 0) return CTL_REFUSED;
    while (!failed)
        failed = read_once(c, &request, &cursor, e);
    is_interrupted = c->client && ctl_client_is_interrupted(c->client);
    /* A cursor that was refused is none to go on from. */
    bool is_refused = failed == CTL_REFUSED && since && strcmp(buf_str(&cursor), since) == 0;
    if (!is_refused) tell_cursor(c, &cursor);
    (void)close(c->interrupt_fd); /* a signalfd: nothing to lose */
    if (!is_interrupted) return failed;
    *e = (struct err){0};
    return CTL_DONE;
}
