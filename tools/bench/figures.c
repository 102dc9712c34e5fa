#include "tools/bench/bench.h"

#include "common/mp.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

static struct process beanstalkd, redis;
static bool           has_beanstalkd, has_redis;

/* n single submits over `clients` connections, each with `window` unanswered. */
static double
submit_many(const struct process *p, unsigned n, unsigned window, unsigned clients,
            const char *handler)
{
    struct client   c[16];
    zmq_pollitem_t  items[16];
    unsigned        sent[16] = {0}, got[16] = {0}, share = n / clients, done = 0;
    struct buf body BUF_AUTO = {0};
    double          started;

    buf_add_view(&body, submit_body(handler, handler[0] == 'e' ? 86400000 : 0));
    for (unsigned i = 0; i < clients; i++) {
        client_open(&c[i], p);
        items[i] = (zmq_pollitem_t){.socket = c[i].socket, .events = ZMQ_POLLIN};
    }
    started = now_s();
    while (done < clients) {
        for (unsigned i = 0; i < clients; i++) {
            for (; sent[i] - got[i] < window && sent[i] < share; sent[i]++) {
                client_send(&c[i], MSG_JOB_SUBMIT, buf_view(&body));
            }
        }
        if (zmq_poll(items, (int)clients, 60000) <= 0) {
            fprintf(stderr, "bench: agentd is silent\n");
            exit(1);
        }
        for (unsigned i = 0; i < clients; i++) {
            int    events = 0;
            size_t size = sizeof(events);

            if (!(items[i].revents & ZMQ_POLLIN)) continue;
            do {
                (void)client_receive(&c[i]);
                done += ++got[i] == share;
                zmq_getsockopt(c[i].socket, ZMQ_EVENTS, &events, &size);
            } while (events & ZMQ_POLLIN);
        }
    }
    started = now_s() - started;
    for (unsigned i = 0; i < clients; i++)
        client_close(&c[i]);
    return share * clients / started;
}

/* Puts that only wait cost the same in all three: agentd's jobs are due tomorrow (handler echo). */
static void
submit_figure(const struct options *o, const char *id, const char *what, unsigned n,
              unsigned window, unsigned clients)
{
    struct figure a = {0}, b = {0}, r = {0}, l = {0}, f = {0};

    for (int i = 0; i < o->runs; i++) {
        struct process p = {0};

        process_start_agentd(&p, o, 2, 8);
        figure_add(&a, submit_many(&p, n, window, clients, "echo"));
        process_stop(&p);
        if (has_beanstalkd) figure_add(&b, beanstalkd_put(&beanstalkd, n, window, clients));
        if (has_redis) figure_add(&r, redis_push(&redis, n, window, clients));
        if (window == 1 && clients == 1) {
            figure_add(&l, limit_lmdb_commits(o, n, 1));
            figure_add(&f, limit_fdatasync(o, n));
        } else {
            figure_add(&l, limit_lmdb_commits(o, n / 250 + 1, 250));
        }
    }
    const struct other others[] = {
        {window == 1 && clients == 1 ? "LMDB, 1 a commit" : "LMDB, 250 a commit", &l},
        {"fdatasync",                                                             &f},
        {"beanstalkd -f 0",                                                       &b},
        {"redis, always",                                                         &r},
    };
    report_row(id, what, "/s", &a, others, ARRAY_LEN(others));
}

static uint64_t
completed(struct client *c)
{
    struct buf empty BUF_AUTO = {0};
    int64_t          n = 0;

    mp_map(&empty, 0);
    (void)mp_find_i64(client_ask(c, MSG_JOB_STATS, buf_view(&empty)), "completed", &n);
    return (uint64_t)n;
}

static double
full_cycle(const struct process *p, unsigned n)
{
    struct client c;
    double        started = now_s();

    (void)submit_many(p, n, 512, 1, "noop");
    client_open(&c, p);
    while (completed(&c) < n)
        usleep(1000);
    client_close(&c);
    return n / (now_s() - started);
}

static void
cycle_figure(const struct options *o)
{
    struct figure a = {0}, b = {0}, r = {0};
    unsigned      n = o->quick ? 20000 : 100000;

    for (int i = 0; i < o->runs; i++) {
        struct process p = {0};

        process_start_agentd(&p, o, 2, 256);
        figure_add(&a, full_cycle(&p, n));
        process_stop(&p);
        if (has_beanstalkd) figure_add(&b, beanstalkd_cycle(&beanstalkd, n / 10));
        if (has_redis) figure_add(&r, redis_cycle(&redis, n));
    }
    const struct other others[] = {
        {"beanstalkd -f 0",       &b},
        {"redis lists, no lease", &r},
    };
    report_row("P4", "full cycle, 2 workers x 256 noop slots", "/s", &a, others, ARRAY_LEN(others));
}

/* From the submit to the answer that the job has completed and that this is on disk: two commits.
 * beanstalkd's figure ends when the consumer has the job. */
static void
latencies(const struct process *p, unsigned n, double *us)
{
    struct client   c;
    struct buf body BUF_AUTO = {0};

    buf_add_view(&body, submit_body("noop", 0));
    client_open(&c, p);
    for (unsigned i = 0; i < n; i++) {
        struct msg_job_wait wait = {.wait_ms = 25000};
        struct buf packed   BUF_AUTO = {0};
        double              started = now_s();
        int64_t             id = 0;

        (void)mp_find_i64(client_ask(&c, MSG_JOB_SUBMIT, buf_view(&body)), "id", &id);
        wait.id = (uint64_t)id;
        SET_HAS(&wait, job_wait, wait_ms);
        msg_pack(msg_desc(MSG_JOB_WAIT), &wait, &packed);
        (void)client_ask(&c, MSG_JOB_WAIT, buf_view(&packed));
        us[i] = (now_s() - started) * 1e6;
    }
    client_close(&c);
}

static void
latency_figure(const struct options *o)
{
    struct figure a50 = {0}, a99 = {0}, b50 = {0}, b99 = {0}, commit = {0}, trip = {0};
    unsigned      n = o->quick ? 500 : 2000;
    double       *us = xcalloc(n, sizeof(*us));

    for (int i = 0; i < o->runs; i++) {
        struct process p = {0};

        process_start_agentd(&p, o, 2, 8);
        latencies(&p, n, us);
        process_stop(&p);
        figure_add(&a50, percentile(us, n, 50));
        figure_add(&a99, percentile(us, n, 99));
        if (has_beanstalkd) {
            beanstalkd_latency(&beanstalkd, n, us);
            figure_add(&b50, percentile(us, n, 50));
            figure_add(&b99, percentile(us, n, 99));
        }
        figure_add(&commit, 1e6 / limit_lmdb_commits(o, n, 1));
        figure_add(&trip, 1e6 / limit_zmq_round_trips(o, n));
    }
    const struct other p50[] = {
        {"beanstalkd, has it", &b50   },
        {"one LMDB commit",    &commit},
        {"ZeroMQ round trip",  &trip  },
    };
    const struct other p99[] = {
        {"beanstalkd, has it", &b99},
    };
    report_row("P5", "submit -> completed and known, p50", "us", &a50, p50, ARRAY_LEN(p50));
    report_row("P5", "submit -> completed and known, p99", "us", &a99, p99, ARRAY_LEN(p99));
    free(us);
}

/* Lateness of delayed jobs, in whole ms as the records have it, with others pending. */
static void
lateness_figure(const struct options *o)
{
    struct figure  p50 = {0}, p99 = {0};
    unsigned       pending = o->quick ? 20000 : 1000000, n = 200;
    struct process p = {0};
    double        *ms = xcalloc(n, sizeof(*ms));
    char           what[64];

    process_start_agentd(&p, o, 2, 8);
    (void)submit_many(&p, pending, 256, 1, "echo");
    for (int i = 0; i < o->runs; i++) {
        struct client c;
        int64_t       first = 0, claimed, run_at;

        client_open(&c, &p);
        for (unsigned k = 0; k < n; k++) {
            struct view job = client_ask(&c, MSG_JOB_SUBMIT, submit_body("noop", 500 + k * 7));

            if (k == 0) (void)mp_find_i64(job, "id", &first);
        }
        while (completed(&c) < n * (unsigned)(i + 1))
            usleep(10000);
        for (unsigned k = 0; k < n; k++) {
            struct msg_job_show show = {.id = (uint64_t)first + k};
            struct buf packed   BUF_AUTO = {0};
            struct view         job;

            msg_pack(msg_desc(MSG_JOB_SHOW), &show, &packed);
            job = client_ask(&c, MSG_JOB_SHOW, buf_view(&packed));
            if (!mp_find_i64(job, "claimed_at", &claimed) || !mp_find_i64(job, "run_at", &run_at))
                exit(1);
            ms[k] = (double)(claimed - run_at);
        }
        client_close(&c);
        figure_add(&p50, percentile(ms, n, 50));
        figure_add(&p99, percentile(ms, n, 99));
    }
    process_stop(&p);
    snprintf(what, sizeof(what), "lateness, %u pending, p50", pending);
    report_row("P6", what, "ms", &p50, NULL, 0);
    snprintf(what, sizeof(what), "lateness, %u pending, p99", pending);
    report_row("P6", what, "ms", &p99, NULL, 0);
    free(ms);
}

static void
exec_figure(const struct options *o)
{
    struct figure a = {0}, serial = {0}, parallel = {0};
    unsigned      n = o->quick ? 1500 : 6000;

    for (int i = 0; i < o->runs; i++) {
        struct process p = {0};
        struct client  c;
        double         started;

        process_start_agentd(&p, o, 2, 8);
        client_open(&c, &p);
        started = now_s();
        (void)submit_many(&p, n, 256, 1, "true");
        while (completed(&c) < n)
            usleep(1000);
        figure_add(&a, n / (now_s() - started));
        client_close(&c);
        process_stop(&p);
        figure_add(&serial, limit_spawn(n, 1));
        figure_add(&parallel, limit_spawn(n, 4));
    }
    const struct other others[] = {
        {"posix_spawn, serial",   &serial  },
        {"posix_spawn, parallel", &parallel},
    };
    report_row("P9", "exec handler /bin/true, one process a job", "/s", &a, others,
               ARRAY_LEN(others));
}

static void
idle_figure(const struct options *o)
{
    struct figure  cpu = {0}, wakeups = {0}, rss = {0}, worker_rss = {0};
    struct process p = {0};
    unsigned       seconds = o->quick ? 5 : 20;

    process_start_agentd(&p, o, 2, 8);
    sleep(1); /* it has started; idle from here on */
    for (int i = 0; i < o->runs; i++) {
        struct usage before = process_usage(p.pid), after;

        sleep(seconds); /* what is measured is doing nothing */
        after = process_usage(p.pid);
        figure_add(&cpu, (after.cpu_s - before.cpu_s) / seconds * 100);
        figure_add(&wakeups, (double)(after.wakeups - before.wakeups) / seconds);
        figure_add(&rss, (double)after.rss_kb / 1024);
        figure_add(&worker_rss, (double)process_usage(process_child(p.pid)).rss_kb / 1024);
    }
    process_stop(&p);
    report_row("P10", "idle: CPU", "%", &cpu, NULL, 0);
    report_row("P10", "idle: main thread woken (2 workers: 2 heartbeats)", "/s", &wakeups, NULL, 0);
    report_row("P10", "idle: RSS of agentd", "MiB", &rss, NULL, 0);
    report_row("P10", "idle: RSS of a worker", "MiB", &worker_rss, NULL, 0);
}

void
figures_run(const struct options *o)
{
    unsigned n = o->quick ? 2000 : 10000;

    has_beanstalkd = process_start_beanstalkd(&beanstalkd, o);
    has_redis = process_start_redis(&redis, o);
    printf("peers: beanstalkd %s, redis %s; %d runs a figure; payload %d bytes\n",
           has_beanstalkd ? "measured" : "not installed", has_redis ? "measured" : "not installed",
           o->runs, PAYLOAD_BYTES);
    report_head();
    submit_figure(o, "P1", "durable submit, 1 client, one at a time", n, 1, 1);
    submit_figure(o, "P2", "durable submit, 1 client, window of 256", n * 10, 256, 1);
    submit_figure(o, "P3", "durable submit, 16 clients, one at a time each", n * 4, 1, 16);
    cycle_figure(o);
    latency_figure(o);
    lateness_figure(o);
    exec_figure(o);
    idle_figure(o);
    if (has_beanstalkd) process_stop(&beanstalkd);
    if (has_redis) process_stop(&redis);
}
