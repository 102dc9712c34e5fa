#include "tools/bench/bench.h"

#include "common/mp.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* P7, P8: what waits costs memory and disk, and a start after kill -9 does not read it. */
void
pending_figures(const struct options *o)
{
    struct figure  heap = {0}, disk = {0}, ready = {0};
    struct process p = {0};
    unsigned       pending = o->quick ? 100000 : 1000000;
    char           what[64];

    process_start_agentd(&p, o, 2, 8);
    (void)load_submit(&p, pending, 256, 1, "echo");
    for (int i = 0; i < o->runs; i++) {
        figure_add(&heap, (double)process_usage(p.pid).heap_kb / 1024);
        figure_add(&disk, process_disk_mb(&p));
        figure_add(&ready, process_restart_agentd(&p, o));
    }
    process_stop(&p);
    snprintf(what, sizeof(what), "%u pending: heap", pending);
    report_row("P7", what, "MiB", &heap, NULL, 0);
    snprintf(what, sizeof(what), "%u pending: disk, with the reserve", pending);
    report_row("P7", what, "MiB", &disk, NULL, 0);
    snprintf(what, sizeof(what), "%u pending: kill -9 -> ready", pending);
    report_row("P8", what, "ms", &ready, NULL, 0);
}

/* ---- P13: does it slow down with what is stored? --------------------------- */

enum { GROWN_SUBMIT, GROWN_CYCLE, GROWN_LATENCY, GROWN_COUNT };

static void
measure_grown(const struct process *p, const struct options *o, struct figure f[GROWN_COUNT])
{
    unsigned n = o->quick ? 10000 : 50000, trips = o->quick ? 300 : 1000;
    double  *us = xcalloc(trips, sizeof(*us));

    figure_add(&f[GROWN_SUBMIT], load_submit(p, n, 256, 1, "echo"));
    figure_add(&f[GROWN_CYCLE], load_cycle(p, n, "noop"));
    load_latencies(p, MSG_JOB_SUBMIT, submit_body("noop", 0), trips, us);
    figure_add(&f[GROWN_LATENCY], percentile(us, trips, 50));
    free(us);
}

void
growth_figures(const struct options *o)
{
    static const unsigned    stored[] = {10000, 100000, 1000000};
    static const char *const what[GROWN_COUNT] = {"P2 as the store grows", "P4 as the store grows",
                                                  "P5 p50 as the store grows"};
    static const char *const unit[GROWN_COUNT] = {"/s", "/s", "us"};
    unsigned                 steps = o->quick ? 2 : ARRAY_LEN(stored);
    struct figure            f[ARRAY_LEN(stored)][GROWN_COUNT] = {0};

    for (int i = 0; i < o->runs; i++) {
        struct process p = {0};

        process_start_agentd(&p, o, 2, 256);
        for (unsigned k = 0; k < steps; k++) {
            (void)load_submit(&p, stored[k] - (k ? stored[k - 1] : 0), 256, 1, "echo");
            measure_grown(&p, o, f[k]);
        }
        process_stop(&p);
    }
    for (unsigned g = 0; g < GROWN_COUNT; g++) {
        const struct other others[] = {
            {"with 10,000",  &f[0][g]},
            {"with 100,000", &f[1][g]},
        };
        report_row("P13", what[g], unit[g], &f[steps - 1][g], others, steps - 1);
    }
}

/* ---- wake-ups ------------------------------------------------------------------------------ */

static void
wake_body(int64_t delay_ms, struct buf *out)
{
    struct msg_agent_wake m = {.name = view_str("woken"), .delay_ms = delay_ms};

    SET_HAS(&m, agent_wake, name);
    if (delay_ms) SET_HAS(&m, agent_wake, delay_ms);
    msg_pack(msg_desc(MSG_AGENT_WAKE), &m, out);
}

/* On an idle daemon, one at a time: until the wake-up is on disk; until the woken agent has come to
 * its end and that is on disk (its start lies before that). */
void
wake_figures(const struct options *o)
{
    struct figure    ack50 = {0}, ack99 = {0}, run50 = {0}, run99 = {0};
    struct process   p = {0};
    unsigned         n = o->quick ? 500 : 2000;
    double          *us = xcalloc(n, sizeof(*us));
    struct buf later BUF_AUTO = {0};
    struct buf now   BUF_AUTO = {0};

    wake_body(86400000, &later);
    wake_body(0, &now);
    process_start_agentd(&p, o, 2, 8);
    for (int i = 0; i < o->runs; i++) {
        struct client c;

        client_open(&c, &p);
        for (unsigned k = 0; k < n; k++) {
            double started = now_s();

            (void)client_ask(&c, MSG_AGENT_WAKE, buf_view(&later));
            us[k] = (now_s() - started) * 1e6;
        }
        client_close(&c);
        figure_add(&ack50, percentile(us, n, 50));
        figure_add(&ack99, percentile(us, n, 99));
        load_latencies(&p, MSG_AGENT_WAKE, buf_view(&now), n, us);
        figure_add(&run50, percentile(us, n, 50));
        figure_add(&run99, percentile(us, n, 99));
    }
    process_stop(&p);
    report_row("W1", "agent.wake -> on disk and acknowledged, p50", "us", &ack50, NULL, 0);
    report_row("W1", "agent.wake -> on disk and acknowledged, p99", "us", &ack99, NULL, 0);
    report_row("W2", "agent.wake -> started, completed and known, p50", "us", &run50, NULL, 0);
    report_row("W2", "agent.wake -> started, completed and known, p99", "us", &run99, NULL, 0);
    free(us);
}

/* ---- fairness ------------------------------------------------------------------------------- */

static struct view
sleep_body(unsigned company)
{
    static struct buf     body;
    struct buf payload    BUF_AUTO = {0};
    char                  name[16];
    struct msg_job_submit m = {.handler = view_str("sleep")};

    snprintf(name, sizeof(name), "c%u", company);
    m.company = view_str(name);
    mp_map(&payload, 1);
    mp_cstr(&payload, "ms");
    mp_u64(&payload, 2);
    m.payload = buf_view(&payload);
    SET_HAS(&m, job_submit, handler);
    SET_HAS(&m, job_submit, company);
    SET_HAS(&m, job_submit, payload);
    buf_clear(&body);
    msg_pack(msg_desc(MSG_JOB_SUBMIT), &m, &body);
    return buf_view(&body);
}

static double
start_delay(struct client *c, uint64_t id)
{
    struct msg_job_show show = {.id = id};
    struct buf packed   BUF_AUTO = {0};
    int64_t             claimed = 0, run_at = 0;
    struct view         job;

    msg_pack(msg_desc(MSG_JOB_SHOW), &show, &packed);
    job = client_ask(c, MSG_JOB_SHOW, buf_view(&packed));
    (void)mp_find_i64(job, "claimed_at", &claimed);
    (void)mp_find_i64(job, "run_at", &run_at);
    return (double)(claimed - run_at);
}

/* `n` jobs of the `companies` from `first_company` on, in turns; their ids when `ids` is not NULL.
 */
static void
submit_sleeps(struct client *c, unsigned n, unsigned first_company, unsigned companies,
              uint64_t *ids)
{
    const unsigned window = 256;

    for (unsigned sent = 0, got = 0; got < n; got++) {
        int64_t id = 0;

        for (; sent < n && sent - got < window; sent++)
            client_send(c, MSG_JOB_SUBMIT, sleep_body(first_company + sent % companies));
        (void)mp_find_i64(client_receive(c), "id", &id);
        if (ids) ids[got] = (uint64_t)id;
    }
}

/* The mean start delay of the jobs of c1, c2, …, each with `share` of 2 ms, 8 at a time, when c0
 * has submitted `first` before them. */
static double
others_delay(const struct options *o, unsigned first, unsigned share)
{
    unsigned       n = share * (COMPANIES - 1), k = 0;
    uint64_t      *ids = xcalloc(n, sizeof(*ids));
    struct process p = {0};
    struct client  c;
    double         sum = 0;

    process_start_agentd(&p, o, 2, 4);
    client_open(&c, &p);
    submit_sleeps(&c, first, 0, 1, NULL);
    submit_sleeps(&c, n, 1, COMPANIES - 1, ids);
    while (k < n) {
        double delay = start_delay(&c, ids[k]);

        if (delay < 0) { /* not yet */
            usleep(1000);
        } else {
            sum += delay;
            k++;
        }
    }
    client_close(&c);
    process_stop(&p);
    free(ids);
    return sum / n;
}

void
fairness_figure(const struct options *o)
{
    struct figure level = {0}, flooded = {0};
    unsigned      share = 20;

    for (int i = 0; i < o->runs; i++) {
        figure_add(&level, others_delay(o, share, share));
        figure_add(&flooded, others_delay(o, o->quick ? 2000 : 20000, share));
    }
    const struct other others[] = {
        {"all companies alike", &level},
    };
    report_row("F1", "start delay of 49 companies, one floods", "ms", &flooded, others,
               ARRAY_LEN(others));
}
