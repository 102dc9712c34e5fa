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
#define PERIOD_S 5 /* of those that fire again and again */
#define OFTEN    "*/5 * * * * *"
#define SELDOM   "0 0 1 1 *"

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
show(struct client *c, enum msg_id op, const void *message)
{
    struct buf packed BUF_AUTO = {0};

    msg_pack(msg_desc(op), message, &packed);
    return client_ask(c, op, buf_view(&packed));
}

/* From the nominal time of each one's last firing until its job was there and, unless `ended` is
 * NULL, until its end was known, by when a worker has had it: whole ms, as the records have it. */
static void
read_lateness(const struct process *p, const char *prefix, unsigned n, int64_t nominal_ms,
              double *fired, double *ended)
{
    struct client c;

    client_open(&c, p);
    for (unsigned i = 0; i < n; i++) {
        struct msg_schedule_show which = {0};
        struct msg_job_show      job = {0};
        char                     name[32];
        int64_t                  fired_at = 0, ended_at = 0, id = 0;
        struct view              reply;

        snprintf(name, sizeof(name), "%s%u", prefix, i);
        which.name = view_str(name);
        reply = show(&c, MSG_SCHEDULE_SHOW, &which);
        if (!mp_find_i64(reply, "last_fired_at", &fired_at) ||
            !mp_find_i64(reply, "last_job", &id) || fired_at < nominal_ms) {
            fprintf(stderr, "bench: %s has not fired\n", name);
            exit(1);
        }
        fired[i] = (double)(fired_at - nominal_ms);
        if (!ended) continue;
        job.id = (uint64_t)id;
        if (!mp_find_i64(show(&c, MSG_JOB_SHOW, &job), "ended_at", &ended_at)) exit(1);
        ended[i] = (double)(ended_at - nominal_ms);
    }
    client_close(&c);
}

/* C6, P11: FEW fire at the same instants, among `total`. */
struct firing_figures {
    struct figure p50, p99, cpu_us;
};

static void
measure_firings(const struct process *p, const struct options *o, struct firing_figures *f)
{
    double fired[FEW], ended[FEW];

    for (int i = 0; i < o->runs; i++) {
        int64_t      now = wall_ms(), nominal = (now / 1000 / PERIOD_S + 2) * PERIOD_S * 1000;
        struct usage before, after;

        sleep_until(nominal - 500);
        before = process_usage(p->pid);
        sleep_until(nominal +
                    1500); /* it is idle again; who asked meanwhile would be measured, too */
        after = process_usage(p->pid);
        figure_add(&f->cpu_us, (after.cpu_s - before.cpu_s) * 1e6 / FEW);
        read_lateness(p, "often", FEW, nominal, fired, ended);
        figure_add(&f->p50, percentile(ended, FEW, 50));
        figure_add(&f->p99, percentile(ended, FEW, 99));
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
        read_lateness(&p, "once", n, nominal, fired, NULL);
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

void
schedule_figures(const struct options *o)
{
    unsigned              total = o->quick ? 10000 : 100000;
    struct firing_figures few = {0}, many = {0};
    struct figure         ready = {0}, added = {0};
    struct process        p = {0};
    double                started;
    char                  what[64];

    process_start_agentd(&p, o, 2, 256);
    add_schedules(&p, "often", FEW, OFTEN);
    measure_firings(&p, o, &few);
    process_stop(&p);

    process_start_agentd(&p, o, 2, 256);
    started = now_s();
    add_schedules(&p, "seldom", total - FEW, SELDOM);
    figure_add(&added, (total - FEW) / (now_s() - started));
    for (int i = 0; i < o->runs; i++)
        figure_add(&ready, process_restart_agentd(&p, o));
    idle_figures(&p, o, total);
    add_schedules(&p, "often", FEW, OFTEN);
    measure_firings(&p, o, &many);
    process_stop(&p);

    const struct other p50[] =
        {
            {"of 100 schedules", &few.p50}
    },
                       p99[] = {{"of 100 schedules", &few.p99}},
                       cpu[] = {{"of 100 schedules", &few.cpu_us}};
    snprintf(what, sizeof(what), "100 of %u fire: time -> completed, p50", total);
    report_row("C6", what, "ms", &many.p50, p50, 1);
    snprintf(what, sizeof(what), "100 of %u fire: time -> completed, p99", total);
    report_row("C6", what, "ms", &many.p99, p99, 1);
    snprintf(what, sizeof(what), "100 of %u fire and complete: CPU of each", total);
    report_row("P11", what, "us", &many.cpu_us, cpu, 1);
    snprintf(what, sizeof(what), "%u schedules: kill -9 -> ready", total);
    report_row("P11", what, "ms", &ready, NULL, 0);
    snprintf(what, sizeof(what), "schedule.add up to %u, window of 256", total);
    report_row("P11", what, "/s", &added, NULL, 0);
    burst_figure(o);
}
