#include "tools/bench/bench.h"

#include "common/mp.h"
#include <stdio.h>
#include <stdlib.h>

#define SCHEDULES 100 /* once a minute each */
#define HOURS     8
#define PINGS_MAX 100000

static void
add_schedules(struct client *c)
{
    for (unsigned i = 0; i < SCHEDULES; i++) {
        char                    name[16];
        struct buf body         BUF_AUTO = {0};
        struct msg_schedule_add m = {.cron = view_str("* * * * *"), .handler = view_str("noop")};

        snprintf(name, sizeof(name), "s%u", i);
        m.name = view_str(name);
        SET_HAS(&m, schedule_add, cron);
        SET_HAS(&m, schedule_add, handler);
        msg_pack(msg_desc(MSG_SCHEDULE_ADD), &m, &body);
        (void)client_ask(c, MSG_SCHEDULE_ADD, buf_view(&body));
    }
}

static struct view
forecast_body(void)
{
    static struct buf   body;
    struct msg_forecast m = {.hours = HOURS};

    SET_HAS(&m, forecast, hours);
    buf_clear(&body);
    msg_pack(msg_desc(MSG_FORECAST), &m, &body);
    return buf_view(&body);
}

/* Firings of one forecast a second; *took is its time. */
static double
forecast_rate(struct client *c, double *took)
{
    double      started = now_s();
    struct view reply = client_ask(c, MSG_FORECAST, forecast_body());
    struct view shown;
    int64_t     firings = 0;

    *took = now_s() - started;
    if (!mp_find(reply, "forecast", &shown) || !mp_find_i64(shown, "firings", &firings)) exit(1);
    return (double)firings / *took;
}

/* The 99th percentile of a ping's round trip in so much time, in microseconds. */
static double
ping_p99(struct client *c, double for_s)
{
    double     *us = xcalloc(PINGS_MAX, sizeof(*us));
    double      begun = now_s();
    struct view nothing = {"\x80", 1};
    unsigned    n = 0;

    while (n < PINGS_MAX && (n == 0 || now_s() - begun < for_s)) {
        double sent = now_s();

        (void)client_ask(c, MSG_PING, nothing);
        us[n++] = (now_s() - sent) * 1e6;
    }
    double p99 = percentile(us, n, 99);
    free(us);
    return p99;
}

/* C12: what a forecast takes, and what agentd's clients notice of it. */
void
forecast_figures(const struct options *o)
{
    struct figure  rate = {0}, alone = {0}, beside = {0};
    struct process p = {0};
    struct client  asks, pings;
    char           what[64];

    process_start_agentd(&p, o, 2, 64);
    client_open(&asks, &p);
    client_open(&pings, &p);
    add_schedules(&asks);
    for (int i = 0; i < o->runs; i++) {
        double took;

        figure_add(&rate, forecast_rate(&asks, &took));
        figure_add(&alone, ping_p99(&pings, took));
        client_send(&asks, MSG_FORECAST, forecast_body());
        figure_add(&beside, ping_p99(&pings, took));
        (void)client_receive(&asks);
    }
    client_close(&asks);
    client_close(&pings);
    process_stop(&p);
    snprintf(what, sizeof(what), "forecast of %d firings", SCHEDULES * HOURS * 60);
    report_row("C12", what, "firings/s", &rate, NULL, 0);
    const struct other others[] = {
        {"without a forecast", &alone},
    };
    report_row("C12", "ping while it runs, p99", "us", &beside, others, ARRAY_LEN(others));
}
