#include "tools/bench/bench.h"

#include "common/mp.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WINDOW 512 /* unanswered */

static void
send_event(struct client *c, unsigned session)
{
    struct msg_session_event m = {.type = view_str("ping")};
    struct buf body          BUF_AUTO = {0};
    char                     key[32];

    snprintf(key, sizeof(key), "s%u", session);
    m.key = view_str(key);
    msg_pack(msg_desc(MSG_SESSION_EVENT), &m, &body);
    client_send(c, MSG_SESSION_EVENT, buf_view(&body));
}

/* n events, one to each session in turn, from the first request until all are processed; a second.
 */
static double
process_events(const struct process *p, unsigned sessions, unsigned n)
{
    struct client c;
    uint64_t      before;
    double        started;

    client_open(&c, p);
    before = load_completed(&c);
    started = now_s();
    for (unsigned sent = 0, got = 0; got < n; got++) {
        for (; sent < n && sent - got < WINDOW; sent++)
            send_event(&c, sent % sessions);
        (void)client_receive(&c);
    }
    load_await(&c, before + n);
    client_close(&c);
    return n / (now_s() - started);
}

/* P12 */
void
session_figures(const struct options *o)
{
    struct figure cpu = {0}, job_cpu = {0}, many = {0}, few = {0}, flushes = {0}, jobs = {0},
                  lmdb = {0};
    unsigned sessions = o->quick ? 1000 : 10000, n = o->quick ? 20000 : 100000;
    char     what[64];

    for (int i = 0; i < o->runs; i++) {
        struct process p = {0};
        uint64_t       commits;
        double         cpu_s;

        process_start_agentd(&p, o, 2, 256);
        (void)process_events(&p, sessions, sessions); /* they are made */
        commits = load_commits(&p);
        cpu_s = process_usage(p.pid).cpu_s;
        figure_add(&many, process_events(&p, sessions, n));
        figure_add(&cpu, (process_usage(p.pid).cpu_s - cpu_s) * 1e6 / n);
        figure_add(&flushes, 2.0 * (double)(load_commits(&p) - commits) / n);
        figure_add(&few, process_events(&p, 10, n / 10));
        process_stop(&p);
        process_start_agentd(&p, o, 2, 256);
        cpu_s = process_usage(p.pid).cpu_s;
        figure_add(&jobs, load_cycle(&p, n, "noop"));
        figure_add(&job_cpu, (process_usage(p.pid).cpu_s - cpu_s) * 1e6 / n);
        process_stop(&p);
        figure_add(&lmdb, limit_lmdb_commits(o, n / 250, 250));
    }
    const struct other others[] = {
        {"jobs, payload of 256 (P4)", &jobs},
        {"LMDB, 250 a commit",        &lmdb},
    };
    snprintf(what, sizeof(what), "events through %u sessions, 2 workers x 256 noop slots",
             sessions);
    report_row("P12", what, "/s", &many, others, ARRAY_LEN(others));
    const struct other job[] = {
        {"of a job (P4)", &job_cpu},
    };
    report_row("", "CPU of agentd", "us an event", &cpu, job, ARRAY_LEN(job));
    report_row("", "", "flushes an event", &flushes, NULL, 0);
    report_row("P12", "events through 10 sessions", "/s", &few, NULL, 0);
}
