/* The printers of schedules, their firings and their forecast. */
#include "tests/unit/printing.h"
#include <stdio.h>
#include <string.h>

static void
pack_firings(struct buf *body)
{
    BUF_AUTO struct buf json = {0};

    buf_add_str(&json, "{\"items\":[{\"number\":10,\"duration_ms\":8000}");
    for (int i = 9; i > 0; i--)
        buf_printf(&json, ",{\"number\":%d,\"duration_ms\":1}", i);
    buf_add_str(&json, "]}");
    buf_clear(body);
    pack(buf_str(&json), body);
}

static void
durations_of_firings_are_bars_with_the_newest_at_the_right(void **state)
{
    static const char   json[] = "{\"items\":[{\"number\":3,\"duration_ms\":8000},"
                                 "{\"number\":2,\"duration_ms\":null},"
                                 "{\"number\":1,\"duration_ms\":1000}]}";
    BUF_AUTO struct buf body = {0};
    BUF_AUTO struct buf text = {0};
    struct ctl_out      o = out_into(&text);

    (void)state;
    must_print(ctl_print_firings, json,
               "#  RAN\n"
               "3  8s\n"
               "2  -\n"
               "1  1s\n"
               "\n"
               "ran           _@ up to 8s\n");
    o.has_utf8 = true;
    pack(json, &body);
    ctl_print_firings(&o, buf_view(&body));
    assert_non_null(strstr(buf_str(&text), "ran           ▁█ up to 8s\n"));
    buf_clear(&text);
    o.width = 30; /* the oldest are left out */
    pack_firings(&body);
    ctl_print_firings(&o, buf_view(&body));
    assert_non_null(strstr(buf_str(&text), "ran           ▁▁▁▁▁▁█ up to 8s\n"));
    must_print(ctl_print_firings, "{\"items\":[{\"number\":3,\"duration_ms\":0}]}",
               "#  RAN\n"
               "3  0ms\n"); /* one alone is no picture */
}

static void
a_schedule_shows_its_next_firings_and_warnings(void **state)
{
    (void)state;
    must_print(
        ctl_print_schedule,
        "{\"name\":\"nightly\",\"cron\":\"0 3 * * *\",\"every_ms\":null,\"max_turns\":null,"
        "\"turn_limit\":null,\"turn_limit_from\":\"limits\",\"max_turns_set_at\":1795251600000,"
        "\"next_at\":[1795316400000,1795402800000],"
        "\"warnings\":[{\"type\":\"turns\",\"message\":\"no limit\"}]}",
        "schedule      nightly\n"
        "cron          0 3 * * *\n"
        "max turns     unlimited\n"
        "... from      limits\n"
        "next          2026-11-22 03:00:00Z (in 18h)\n"
        "              2026-11-23 03:00:00Z\n"
        "warning       no limit\n");
}

static void
a_schedule_shows_its_policies_and_what_became_of_it(void **state)
{
    (void)state;
    must_print(ctl_print_schedule,
               "{\"name\":\"s\",\"max_turns\":null,\"turn_limit\":5,"
               "\"turn_limit_from\":\"profile fast\",\"max_turns_set_at\":1795251600000,"
               "\"profile\":\"fast\",\"overlap\":\"skip\","
               "\"jitter_ms\":5000,\"shadow\":false,\"gate\":{\"open_tickets\":true},"
               "\"firing_count\":3,\"failure_streak\":0,\"avg_turns\":12,\"alerting\":true,"
               "\"spent_today\":{\"turns\":36,\"tokens\":0}}",
               "schedule      s\n"
               "profile       fast\n"
               "max turns     5\n"
               "... from      profile fast\n"
               "... set       2026-11-21 09:00:00Z (now)\n"
               "overlap       skip\n"
               "jitter        5s\n"
               "gate          {\"open_tickets\":true}\n"
               "firings       3\n"
               "failed in row 0\n"
               "alerting      yes\n"
               "avg turns     12\n"
               "turns today   36\n"
               "tokens today  0\n");
}

static void
a_save_tells_what_collides_and_gives_advice(void **state)
{
    (void)state;
    must_print(ctl_print_schedule,
               "{\"name\":\"nightly\",\"warnings\":[{\"type\":\"collision\","
               "\"schedules\":[\"a\",\"acme/b\"],\"minutes\":[0,545],\"turns\":3200,"
               "\"message\":\"taking turns\"}],\"advice\":{\"minute\":5,"
               "\"cron\":\"5 3 * * *\",\"median_turns\":65,\"of\":2,\"compared\":1153}}",
               "schedule      nightly\n"
               "warning       taking turns\n"
               "  with        a, acme/b; turns together: 3200\n"
               "  at          00:00 09:05 UTC\n"
               "advice        a less contended minute nearby: --cron '5 3 * * *'\n"
               "advice        schedules of its profile use 65 turns (their median)\n"
               "advice        only so many schedules were compared with it: 1153\n");
    must_print(ctl_print_schedule,
               "{\"name\":\"s\",\"warnings\":[{\"message\":\"m\",\"schedules\":[\"a\"],"
               "\"more_schedules\":3,\"turns\":9,\"minutes\":[5,10,15,20,25,30,35,40,45,50,55,60,"
               "65,-1,\"x\",2000]}],\"advice\":{}}",
               "schedule      s\n"
               "warning       m\n"
               "  with        a and 3 more; turns together: 9\n"
               "  at          00:05 00:10 00:15 00:20 00:25 00:30 00:35 00:40 00:45 00:50 00:55 "
               "01:00 and more, UTC\n");
}

static void
a_forecast_is_figures_hours_and_what_is_worst(void **state)
{
    (void)state;
    must_print(
        ctl_print_forecast,
        "{\"forecast\":{\"from_at\":1795251600000,\"until_at\":1795258800000,\"cut\":true,"
        "\"slots\":4,\"firings\":10,\"started\":9,\"suppressed\":2,\"missed\":1,"
        "\"wait\":{\"p50_ms\":0,\"p95_ms\":60000,\"max_ms\":61000},"
        "\"basis\":{\"measured\":1,\"handler\":2,\"company\":0,\"default\":1},"
        "\"hours\":[{\"at\":1795251600000,\"starts\":5,\"busy_milli\":500,\"full_ms\":0,"
        "\"held\":[{\"by\":\"agent_cap\",\"on\":\"anna\",\"ms\":60000}]},"
        "{\"at\":1795255200000,\"starts\":4,\"busy_milli\":0,\"full_ms\":0,\"held\":[]}],"
        "\"limits\":[{\"by\":\"agent_cap\",\"on\":\"anna\",\"held_ms\":60000,\"hours\":1}],"
        "\"budgets\":[{\"scope\":\"agent\",\"name\":\"anna\",\"dimension\":\"tokens\",\"limit\":9,"
        "\"spent_at\":1795255200000,\"held_at\":null,\"days\":1}],"
        "\"schedules\":[{\"schedule\":\"one\",\"firings\":10,\"started\":9,\"suppressed\":2,"
        "\"missed\":1,\"wait\":{\"p50_ms\":0,\"p95_ms\":60000,\"max_ms\":61000},"
        "\"basis\":\"measured\",\"run_ms\":5000}],"
        "\"never\":[{\"schedule\":\"off\",\"reason\":\"it is paused\",\"next_at\":null}]},"
        "\"with\":null,\"changes\":[]}",
        "forecast      2026-11-21 09:00:00Z to 2026-11-21 11:00:00Z, 4 slots\n"
        "cut           too many firings: it ends where it was cut\n"
        "assumed       3 schedules were never measured: 2 run as others of their handler, 1 for a "
        "minute\n"
        "\n"
        "FIGURE                  NOW\n"
        "firings                  10\n"
        "that start                9\n"
        "suppressed (overlap)      2\n"
        "missed                    1\n"
        "wait, half of them      0ms\n"
        "wait, 95 of 100          1m\n"
        "wait, the longest     1m 1s\n"
        "held by limits           1m\n"
        "\n"
        "FROM                  BUSY                   %  STARTS  HELD BY\n"
        "2026-11-21 09:00:00Z  ##########..........  50       5  agent_cap anna 1m\n"
        "2026-11-21 10:00:00Z  ....................   0       4  -\n"
        "\n"
        "HELD BY    OF    FOR  HOURS\n"
        "agent_cap  anna  1m       1\n"
        "\n"
        "LONGEST WAITS  FIRINGS  SUPPRESSED  MISSED  P50  P95  MAX    RUN  BASIS\n"
        "one                 10           2       1  0ms  1m   1m 1s  5s   measured\n"
        "\n"
        "BUDGET OF  SCOPE  OF      USED UP                       DAYS\n"
        "anna       agent  tokens  2026-11-21 10:00:00Z (in 1h)     1\n"
        "\n"
        "NEVER FIRES  BECAUSE\n"
        "off          it is paused\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_of_firings_are_bars_with_the_newest_at_the_right),
        cmocka_unit_test(a_schedule_shows_its_next_firings_and_warnings),
        cmocka_unit_test(a_schedule_shows_its_policies_and_what_became_of_it),
        cmocka_unit_test(a_save_tells_what_collides_and_gives_advice),
        cmocka_unit_test(a_forecast_is_figures_hours_and_what_is_worst),
    };

    return cmocka_run_group_tests(tests, set_locale, NULL);
}
