#include "tools/bench/bench.h"

#include "common/mp.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WINDOW   256  /* unanswered */
#define SESSIONS 1000 /* that the waiting ones are of */
#define MEASURED 200
#define FIRST_MS 500 /* from then on one is due … */
#define STEP_MS  7   /* … each so many ms */

static void
send_timer(struct client *c, const char *session, unsigned timer, int64_t delay_ms)
{
    struct msg_timer_set m = {.key = view_str(session), .delay_ms = delay_ms};
    struct buf body      BUF_AUTO = {0};
    char                 id[32];

    snprintf(id, sizeof(id), "t%u", timer);
    m.timer_id = view_str(id);
    SET_HAS(&m, timer_set, delay_ms);
    msg_pack(msg_desc(MSG_TIMER_SET), &m, &body);
    client_send(c, MSG_TIMER_SET, buf_view(&body));
}

/* n timers that are due tomorrow; a second. */
static double
set_waiting(struct client *c, unsigned n)
{
    double started = now_s();

    for (unsigned sent = 0, got = 0; got < n; got++) {
        for (; sent < n && sent - got < WINDOW; sent++) {
            char session[32];

            snprintf(session, sizeof(session), "w%u", sent % SESSIONS);
            send_timer(c, session, sent, 86400000);
        }
        (void)client_receive(c);
    }
    return n / (now_s() - started);
}

/* How late the timer of the session fired, ms. */
static double
lateness(struct client *c, const char *session)
{
    struct msg_timer_list m = {.key = view_str(session)};
    struct buf packed     BUF_AUTO = {0};
    struct view           list, timer;
    struct list_iter      it;
    int64_t               fire_at, fired_at;

    msg_pack(msg_desc(MSG_TIMER_LIST), &m, &packed);
    if (!mp_find(client_ask(c, MSG_TIMER_LIST, buf_view(&packed)), "items", &list)) exit(1);
    it = list_iter_of(list);
    if (!list_next(&it, &timer) || !mp_find_i64(timer, "fire_at", &fire_at) ||
        !mp_find_i64(timer, "updated_at", &fired_at)) {
        exit(1);
    }
    return (double)(fired_at - fire_at);
}

/* Each of a session of its own, so that none waits for another. */
static void
fire_some(struct client *c, unsigned run, double *ms)
{
    uint64_t before = load_completed(c);
    char     session[32];

    for (unsigned k = 0; k < MEASURED; k++) {
        snprintf(session, sizeof(session), "m%u.%u", run, k);
        send_timer(c, session, 0, FIRST_MS + k * STEP_MS);
        (void)client_receive(c);
    }
    while (load_completed(c) < before + MEASURED)
        usleep(10000);
    for (unsigned k = 0; k < MEASURED; k++) {
        snprintf(session, sizeof(session), "m%u.%u", run, k);
        ms[k] = lateness(c, session);
    }
}

/* P6: from a timer's time to the turn that appends its event and starts its handler, in whole ms as
 * the records have it, with others pending. */
void
timer_figures(const struct options *o)
{
    struct figure  p50 = {0}, p99 = {0}, set = {0};
    unsigned       pending = o->quick ? 100000 : 1000000;
    struct process p = {0};
    struct client  c;
    double         ms[MEASURED];
    char           what[64];

    process_start_agentd(&p, o, 2, 8);
    client_open(&c, &p);
    figure_add(&set, set_waiting(&c, pending));
    for (unsigned run = 0; run < (unsigned)o->runs; run++) {
        fire_some(&c, run, ms);
        figure_add(&p50, percentile(ms, MEASURED, 50));
        figure_add(&p99, percentile(ms, MEASURED, 99));
    }
    client_close(&c);
    process_stop(&p);
    snprintf(what, sizeof(what), "lateness of timers, %u pending, p50", pending);
    report_row("P6", what, "ms", &p50, NULL, 0);
    snprintf(what, sizeof(what), "lateness of timers, %u pending, p99", pending);
    report_row("P6", what, "ms", &p99, NULL, 0);
    report_row("", "timers set, 1 client, window of 256", "/s", &set, NULL, 0);
}
