#include "tools/bench/bench.h"

#include "common/mp.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct process beanstalkd, redis;
static bool           has_beanstalkd, has_redis;

/* Puts that only wait cost the same in all three: agentd's jobs are due tomorrow (handler echo). */
static void
submit_figure(const struct options *o, const char *id, const char *what, unsigned n,
              unsigned window, unsigned clients)
{
    struct figure a = {0}, b = {0}, r = {0}, l = {0}, f = {0}, flushes = {0};

    for (int i = 0; i < o->runs; i++) {
        struct process p = {0};

        process_start_agentd(&p, o, 2, 8);
        figure_add(&a, load_submit(&p, n, window, clients, "echo"));
        figure_add(&flushes, 2.0 * (double)load_commits(&p) / n);
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
    report_row("", "", "flushes a job", &flushes, NULL, 0);
}

static void
cycle_figure(const struct options *o)
{
    struct figure a = {0}, b = {0}, r = {0}, flushes = {0};
    unsigned      n = o->quick ? 20000 : 100000;

    for (int i = 0; i < o->runs; i++) {
        struct process p = {0};

        process_start_agentd(&p, o, 2, 256);
        figure_add(&a, load_cycle(&p, n, "noop"));
        figure_add(&flushes, 2.0 * (double)load_commits(&p) / n);
        process_stop(&p);
        if (has_beanstalkd) figure_add(&b, beanstalkd_cycle(&beanstalkd, n / 10));
        if (has_redis) figure_add(&r, redis_cycle(&redis, n));
    }
    const struct other others[] = {
        {"beanstalkd -f 0",       &b},
        {"redis lists, no lease", &r},
    };
    report_row("P4", "full cycle, 2 workers x 256 noop slots", "/s", &a, others, ARRAY_LEN(others));
    report_row("", "", "flushes a job", &flushes, NULL, 0);
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
        load_latencies(&p, MSG_JOB_SUBMIT, submit_body("noop", 0), n, us);
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
    (void)load_submit(&p, pending, 256, 1, "echo");
    for (int i = 0; i < o->runs; i++) {
        struct client c;
        int64_t       first = 0, claimed, run_at;

        client_open(&c, &p);
        for (unsigned k = 0; k < n; k++) {
            struct view job = client_ask(&c, MSG_JOB_SUBMIT, submit_body("noop", 500 + k * 7));

            if (k == 0) (void)mp_find_i64(job, "id", &first);
        }
        while (load_completed(&c) < n * (unsigned)(i + 1))
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
        (void)load_submit(&p, n, 256, 1, "true");
        load_await(&c, n);
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

static void
submit_figures(const struct options *o)
{
    unsigned n = o->quick ? 2000 : 10000;

    submit_figure(o, "P1", "durable submit, 1 client, one at a time", n, 1, 1);
    submit_figure(o, "P2", "durable submit, 1 client, window of 256", n * 10, 256, 1);
    submit_figure(o, "P3", "durable submit, 16 clients, one at a time each", n * 4, 1, 16);
}

static const struct {
    const char *name;
    void (*measure)(const struct options *o);
} figures[] = {
    {"submit",     submit_figures   },
    {"cycle",      cycle_figure     },
    {"latency",    latency_figure   },
    {"lateness",   lateness_figure  },
    {"pending",    pending_figures  },
    {"exec",       exec_figure      },
    {"idle",       idle_figure      },
    {"growth",     growth_figures   },
    {"wake",       wake_figures     },
    {"fairness",   fairness_figure  },
    {"schedules",  schedule_figures },
    {"forecast",   forecast_figures },
    {"sessions",   session_figures  },
    {"persistent", persistent_figure},
    {"timers",     timer_figures    },
    {"messages",   message_figures  },
    {"flood",      flood_figures    },
};

bool
figures_has(const char *name)
{
    for (unsigned i = 0; i < ARRAY_LEN(figures); i++) {
        if (strcmp(figures[i].name, name) == 0) return true;
    }
    return false;
}

void
figures_run(const struct options *o)
{
    has_beanstalkd = process_start_beanstalkd(&beanstalkd, o);
    has_redis = process_start_redis(&redis, o);
    printf("peers: beanstalkd %s, redis %s; %d runs a figure; payload %d bytes\n",
           has_beanstalkd ? "measured" : "not installed", has_redis ? "measured" : "not installed",
           o->runs, PAYLOAD_BYTES);
    report_head();
    for (unsigned i = 0; i < ARRAY_LEN(figures); i++) {
        if (!o->only || strcmp(o->only, figures[i].name) == 0) figures[i].measure(o);
    }
    if (has_beanstalkd) process_stop(&beanstalkd);
    if (has_redis) process_stop(&redis);
}
