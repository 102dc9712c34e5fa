#include "tools/bench/bench.h"

#include "common/mp.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define WINDOW   256
#define FEW      100
#define AT_ONCE  10000
#define PERIOD_S 6 /* of those that fire again and again */
#define SELDOM   "0 0 1 1 *"
#define BURSTS   3 /* of each load in a run */

static int64_t
wall_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_REALTIME, &t); /* cannot fail */
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
sleep_until(int64_t at_ms)
{
    int64_t left = at_ms - wall_ms();

    if (left > 0) usleep((useconds_t)left * 1000);
}

/* Schedules PREFIX0, PREFIX1, … of the handler noop. */
static void
add_schedules(const struct process *p, const char *prefix, unsigned n, const char *cron)
{
    struct client c;
    unsigned      got = 0;

    client_open(&c, p);
    for (unsigned i = 0; i < n + WINDOW; i++) {
        struct msg_schedule_add m = {.cron = view_str(cron), .handler = view_str("noop")};
        struct buf packed       BUF_AUTO = {0};
        char                    name[32];

        if (i >= WINDOW && got < n) got++, (void)client_receive(&c);
        if (i >= n) continue;
        snprintf(name, sizeof(name), "%s%u", prefix, i);
        m.name = view_str(name);
        SET_HAS(&m, schedule_add, name);
        SET_HAS(&m, schedule_add, cron);
        SET_HAS(&m, schedule_add, handler);
        msg_pack(msg_desc(MSG_SCHEDULE_ADD), &m, &packed);
        client_send(&c, MSG_SCHEDULE_ADD, buf_view(&packed));
    }
    client_close(&c);
}

static struct view
ask(struct client *c, enum msg_id op, const void *message)
{
    struct buf packed BUF_AUTO = {0};

    msg_pack(msg_desc(op), message, &packed);
    return client_ask(c, op, buf_view(&packed));
}

/* Of each `step`th schedule of the prefix, n in all: from the nominal time of its last firing until
 * its job was there and, unless `ended` is NULL, until its end was known, by when a worker has had
 * it: whole ms, as the records have it. */
static void
read_lateness(const struct process *p, const char *prefix, unsigned step, unsigned n,
              int64_t nominal_ms, double *fired, double *ended)
{
    struct client c;

    client_open(&c, p);
    for (unsigned i = 0; i < n; i++) {
        struct msg_schedule_show which = {0};
        struct msg_job_show      job = {0};
        char                     name[32];
        int64_t                  fired_at = 0, ended_at = 0, id = 0;
        struct view              reply;

        snprintf(name, sizeof(name), "%s%u", prefix, i * step);
        which.name = view_str(name);
        reply = ask(&c, MSG_SCHEDULE_SHOW, &which);
        if (!mp_find_i64(reply, "last_fired_at", &fired_at) ||
            !mp_find_i64(reply, "last_job", &id) || fired_at < nominal_ms) {
            fprintf(stderr, "bench: %s has not fired\n", name);
            exit(1);
        }
        fired[i] = (double)(fired_at - nominal_ms);
        if (!ended) continue;
        job.id = (uint64_t)id;
        if (!mp_find_i64(ask(&c, MSG_JOB_SHOW, &job), "ended_at", &ended_at)) exit(1);
        ended[i] = (double)(ended_at - nominal_ms);
    }
    client_close(&c);
}

/* C6, P11: FEW schedules of an agentd that fire at the same instants, PERIOD_S apart. */
struct load {
    const struct process *p;
    const char           *prefix; /* of their names, with each step'th number */
    unsigned              step;
    unsigned              phase_s;
    double                cpu_s, fired[BURSTS * FEW], ended[BURSTS * FEW]; /* of this run */
    struct figure         fired_p50, fired_p99, p50, p99, cpu_us;
};

static void
cron_of(const struct load *l, char cron[32])
{
    snprintf(cron, 32, "%u-59/%d * * * * *", l->phase_s, PERIOD_S);
}

static void
add_load(const struct load *l)
{
    char cron[32];

    cron_of(l, cron);
    add_schedules(l->p, l->prefix, FEW, cron);
}

/* Of schedules that are there. */
static void
make_load_of(const struct load *l)
{
    struct msg_schedule_set m = {0};
    struct client           c;
    char                    cron[32], name[32];

    cron_of(l, cron);
    SET_HAS(&m, schedule_set, name);
    SET_HAS(&m, schedule_set, cron);
    m.cron = view_str(cron);
    client_open(&c, l->p);
    for (unsigned i = 0; i < FEW; i++) {
        snprintf(name, sizeof(name), "%s%u", l->prefix, i * l->step);
        m.name = view_str(name);
        (void)ask(&c, MSG_SCHEDULE_SET, &m);
    }
    client_close(&c);
}

static void
measure_burst(struct load *l, unsigned burst)
{
    int64_t      now_s = wall_ms() / 1000, nominal;
    size_t       at = (size_t)burst * FEW;
    struct usage before, after;

    nominal = (now_s / PERIOD_S * PERIOD_S + l->phase_s) * 1000;
    while (nominal < wall_ms() + 400)
        nominal += (int64_t)PERIOD_S * 1000;
    sleep_until(nominal - 200);
    before = process_usage(l->p->pid);
    sleep_until(nominal + 1000); /* it is idle again; who asked meanwhile would be measured, too */
    after = process_usage(l->p->pid);
    l->cpu_s += after.cpu_s - before.cpu_s;
    read_lateness(l->p, l->prefix, l->step, FEW, nominal, l->fired + at, l->ended + at);
}

/* What LMDB alone takes for rows that lie as the schedules do: of FEW, and of many. */
struct rows_limit {
    struct lmdb_rows *few, *many;
    struct figure     few_us, many_us;
};

static void
measure_loads(const struct options *o, struct load *loads, unsigned n, struct rows_limit *limit)
{
    unsigned bursts = o->quick ? 1 : BURSTS;

    for (int run = 0; run < o->runs; run++) {
        double few_us = 0, many_us = 0;

        for (unsigned b = 0; b < bursts; b++) {
            for (unsigned i = 0; i < n; i++)
                measure_burst(&loads[i], b);
            few_us += limit_lmdb_rewrite(limit->few, FEW);
            many_us += limit_lmdb_rewrite(limit->many, FEW);
        }
        figure_add(&limit->few_us, few_us / bursts);
        figure_add(&limit->many_us, many_us / bursts);
        for (unsigned i = 0; i < n; i++) {
            struct load *l = &loads[i];

            figure_add(&l->cpu_us, l->cpu_s * 1e6 / (bursts * FEW));
            figure_add(&l->fired_p50, percentile(l->fired, (size_t)bursts * FEW, 50));
            figure_add(&l->fired_p99, percentile(l->fired, (size_t)bursts * FEW, 99));
            figure_add(&l->p50, percentile(l->ended, (size_t)bursts * FEW, 50));
            figure_add(&l->p99, percentile(l->ended, (size_t)bursts * FEW, 99));
            l->cpu_s = 0;
        }
    }
}

/* C6: very many at one instant: until the last one has fired. */
static void
burst_figure(const struct options *o)
{
    struct figure last = {0}, p50 = {0};
    unsigned      n = o->quick ? AT_ONCE / 10 : AT_ONCE;
    double       *fired = xcalloc(n, sizeof(*fired));
    char          what[64];

    for (int i = 0; i < o->runs; i++) {
        struct process p = {0};
        int64_t        nominal = (wall_ms() / 1000 + 10) * 1000;
        time_t         at = (time_t)(nominal / 1000);
        struct tm      t;
        char           cron[32];

        (void)gmtime_r(&at, &t);
        snprintf(cron, sizeof(cron), "%d %d %d * * *", t.tm_sec, t.tm_min, t.tm_hour);
        process_start_agentd(&p, o, 2, 256);
        add_schedules(&p, "once", n, cron);
        if (wall_ms() >= nominal) {
            fprintf(stderr, "bench: %u schedules took too long to add\n", n);
            exit(1);
        }
        sleep_until(nominal + 3000);
        read_lateness(&p, "once", 1, n, nominal, fired, NULL);
        process_stop(&p);
        figure_add(&p50, percentile(fired, n, 50));
        figure_add(&last, percentile(fired, n, 100));
    }
    snprintf(what, sizeof(what), "%u schedules due at one instant: fired, p50", n);
    report_row("C6", what, "ms", &p50, NULL, 0);
    snprintf(what, sizeof(what), "%u schedules due at one instant: last one fired", n);
    report_row("C6", what, "ms", &last, NULL, 0);
    free(fired);
}

static void
idle_figures(const struct process *p, const struct options *o, unsigned total)
{
    struct figure cpu = {0}, wakeups = {0}, heap = {0};
    unsigned      seconds = o->quick ? 5 : 20;
    char          what[64];

    sleep(1);
    for (int i = 0; i < o->runs; i++) {
        struct usage before = process_usage(p->pid), after;

        sleep(seconds); /* what is measured is doing nothing */
        after = process_usage(p->pid);
        figure_add(&cpu, (after.cpu_s - before.cpu_s) / seconds * 100);
        figure_add(&wakeups, (double)(after.wakeups - before.wakeups) / seconds);
        figure_add(&heap, (double)after.heap_kb / 1024);
    }
    snprintf(what, sizeof(what), "idle, %u schedules: CPU", total);
    report_row("P10", what, "%", &cpu, NULL, 0);
    snprintf(what, sizeof(what), "idle, %u schedules: main thread woken", total);
    report_row("P10", what, "/s", &wakeups, NULL, 0);
    snprintf(what, sizeof(what), "idle, %u schedules: heap", total);
    report_row("P10", what, "MiB", &heap, NULL, 0);
}

static void
report_load(const struct load *l, const struct load *few, const struct rows_limit *limit,
            const char *which, unsigned total)
{
    char what[64], many_rows[32];

    snprintf(many_rows, sizeof(many_rows), "LMDB: of %u rows", total);
    const struct other p50[] = {
        {"of 100 schedules", &few->p50}
    };
    const struct other p99[] = {
        {"of 100 schedules", &few->p99}
    };
    const struct other cpu[] = {
        {"of 100 schedules",  &few->cpu_us   },
        {many_rows,           &limit->many_us},
        {"LMDB: of 100 rows", &limit->few_us },
    };
    snprintf(what, sizeof(what), "100%s of %u fire: time -> fired_at, p50", which, total);
    report_row("C6", what, "ms", &l->fired_p50, NULL, 0); /* mostly 0: no ratio says anything */
    snprintf(what, sizeof(what), "100%s of %u fire: time -> fired_at, p99", which, total);
    report_row("C6", what, "ms", &l->fired_p99, NULL, 0);
    snprintf(what, sizeof(what), "100%s of %u fire: time -> completed, p50", which, total);
    report_row("C6", what, "ms", &l->p50, p50, 1);
    snprintf(what, sizeof(what), "100%s of %u fire: time -> completed, p99", which, total);
    report_row("C6", what, "ms", &l->p99, p99, 1);
    snprintf(what, sizeof(what), "100%s of %u fire, complete: CPU of each", which, total);
    report_row("P11", what, "us", &l->cpu_us, cpu, ARRAY_LEN(cpu));
}

void
schedule_figures(const struct options *o)
{
    unsigned       total = o->quick ? 10000 : 100000, seldom = total - FEW;
    struct process alone = {0}, crowd = {0};
    struct load    loads[] = {
           {.p = &alone, .prefix = "often",  .step = 1,            .phase_s = 0},
           {.p = &crowd, .prefix = "often",  .step = 1,            .phase_s = 2},
           {.p = &crowd, .prefix = "seldom", .step = seldom / FEW, .phase_s = 4},
    };
    struct rows_limit limit = {0};
    struct figure     ready = {0}, added = {0};
    double            started;
    char              what[64];

    process_start_agentd(&crowd, o, 2, 256);
    started = now_s();
    add_schedules(&crowd, "seldom", seldom, SELDOM);
    figure_add(&added, seldom / (now_s() - started));
    for (int i = 0; i < o->runs; i++)
        figure_add(&ready, process_restart_agentd(&crowd, o));
    idle_figures(&crowd, o, total);
    process_start_agentd(&alone, o, 2, 256);
    add_load(&loads[0]);
    add_load(&loads[1]);
    make_load_of(&loads[2]);
    limit.few = limit_lmdb_rows_open(o, FEW);
    limit.many = limit_lmdb_rows_open(o, total);
    measure_loads(o, loads, ARRAY_LEN(loads), &limit);
    limit_lmdb_rows_close(limit.few);
    limit_lmdb_rows_close(limit.many);
    process_stop(&alone);
    process_stop(&crowd);

    report_load(&loads[1], &loads[0], &limit, "", total);
    report_load(&loads[2], &loads[0], &limit, " spread", total);
    snprintf(what, sizeof(what), "%u schedules: kill -9 -> ready", total);
    report_row("P11", what, "ms", &ready, NULL, 0);
    snprintf(what, sizeof(what), "schedule.add up to %u, window of 256", total);
    report_row("P11", what, "/s", &added, NULL, 0);
    burst_figure(o);
}
