/* The printers on fabricated replies of agentd. */
#include "tests/unit/printing.h"
#include <string.h>

/* ---- what agentd sends ----------------------------------------------------- */

static void
a_job_is_a_record_with_what_is_known(void **state)
{
    (void)state;
    must_print(ctl_print_job,
               "{\"id\":42,\"state\":\"failed\",\"reason\":null,\"title\":\"\",\"agent\":null,"
               "\"handler\":\"echo\",\"priority\":80,\"submitted_at\":1795251590000,"
               "\"run_at\":1795338000000,\"max_run_ms\":1200000,"
               "\"failure\":{\"class\":\"timeout\",\"message\":\"took\\ntoo long\","
               "\"retry_at\":null},"
               "\"tags\":{\"a\":\"1\",\"b\":\"2\"},\"usage\":{\"turns\":3,\"cost_micros\":1500},"
               "\"payload\":\"1\",\"output\":{\"x\":[1]},\"quarantined\":false,\"attempts\":[]}",
               "job           42\n"
               "state         failed\n"
               "handler       echo\n"
               "priority      80\n"
               "submitted     2026-11-21 08:59:50Z (10s ago)\n"
               "run at        2026-11-22 09:00:00Z\n"
               "max run       20m\n"
               "failure       timeout\n"
               "message       took too long\n"
               "tags          a=1, b=2\n"
               "turns         3\n"
               "cost          0.001500\n"
               "payload       \"1\"\n"
               "output        {\"x\":[1]}\n");
}

static void
attempts_are_a_table_below_their_job(void **state)
{
    (void)state;
    must_print(ctl_print_job,
               "{\"id\":1,\"attempts\":[{\"attempt\":1,\"claimed_at\":1795251540000,"
               "\"outcome\":\"failed\",\"class\":\"timeout\",\"exit_code\":1,\"signal\":null},"
               "{\"attempt\":10,\"claimed_at\":1795251598500,\"outcome\":null}]}",
               "job           1\n"
               "\n"
               "attempts\n"
               " #  CLAIMED  OUTCOME  CLASS    EXIT\n"
               " 1  1m ago   failed   timeout     1\n"
               "10  1s ago   -        -           -\n");
}

static void
columns_are_aligned_and_those_that_say_nothing_are_left_out(void **state)
{
    (void)state;
    must_print(ctl_print_jobs,
               "{\"items\":[{\"id\":7,\"state\":\"running\",\"handler\":\"echo\",\"agent\":null,"
               "\"title\":\"Grüße\"},{\"id\":1000,\"state\":\"ready\",\"handler\":\"a\","
               "\"agent\":null,\"title\":\"世界\"}],\"next\":null}",
               "  ID  STATE    HANDLER  TITLE\n"
               "   7  running  echo     Grüße\n"
               "1000  ready    a        世界\n");
}

/* The newest of ten took long. */
static void
an_empty_list_prints_nothing(void **state)
{
    (void)state;
    must_print(ctl_print_jobs, "{\"items\":[],\"next\":null}", "");
    must_print(ctl_print_workers, "{\"items\":[],\"next\":null}", "");
    must_print(ctl_print_job_ids, "{\"ids\":[]}", "");
}

static void
ids_stand_one_a_line(void **state)
{
    (void)state;
    must_print(ctl_print_job_ids, "{\"ids\":[5,6,9007199254740993]}", "5\n6\n9007199254740993\n");
}

static void
no_limit_is_said(void **state)
{
    (void)state;
    must_print(ctl_print_companies,
               "{\"items\":[{\"name\":\"default\",\"max_concurrent\":null},"
               "{\"name\":\"acme\",\"max_concurrent\":0}]}",
               "NAME     MAX\n"
               "default  unlimited\n"
               "acme     0\n");
}

static void
why_names_every_blocker(void **state)
{
    (void)state;
    must_print(ctl_print_why,
               "{\"id\":3,\"state\":\"parked\",\"text\":\"company acme is at its cap\","
               "\"earliest_at\":1795251660000,\"blockers\":[{\"predicate\":\"company_cap\","
               "\"message\":\"5 of 5\",\"holder\":\"acme\",\"until_at\":1795251660000,"
               "\"change\":\"raise it to 6\"}]}",
               "id            3\n"
               "state         parked\n"
               "why           company acme is at its cap\n"
               "earliest      2026-11-21 09:01:00Z (in 1m)\n"
               "\n"
               "HELD BY      HOLDER  UNTIL  MESSAGE  CHANGE\n"
               "company_cap  acme    in 1m  5 of 5   raise it to 6\n");
}

static void
status_is_one_screen(void **state)
{
    (void)state;
    must_print(
        ctl_print_status,
        "{\"running\":true,\"pid\":7,\"version\":\"0.1.0\",\"uptime_ms\":90061000,"
        "\"last_crash_at\":null,\"unclean_stops\":0,\"run\":\"/run/agentd\",\"draining\":false,"
        "\"workers\":{\"wanted\":2,\"live\":2,\"slots_each\":8,\"died\":0,\"degraded\":false},"
        "\"queue\":{\"scheduled\":1,\"ready\":0,\"running\":3},"
        "\"caps\":[{\"cap\":\"global\",\"on\":null,\"limit\":null,\"used\":3},"
        "{\"cap\":\"company\",\"on\":\"acme\",\"limit\":5,\"used\":2}],"
        "\"next\":[{\"schedule\":\"nightly\",\"next_fire_at\":1795251660000}],"
        "\"warnings\":[\"mind the gap\"],"
        "\"store\":{\"used_bytes\":1024,\"file_bytes\":1048576},\"loop\":{\"lag_p99_us\":150}}",
        "agentd        0.1.0\n"
        "running       yes\n"
        "pid           7\n"
        "up            1d 1h\n"
        "unclean stops 0\n"
        "run folder    /run/agentd\n"
        "workers       2 of 2 up, slots of each: 8, died: 0\n"
        "queue         scheduled 1  ready 0  running 3\n"
        "store         1.0 KiB used, file 1.0 MiB\n"
        "loop lag      p99 0.1ms\n"
        "warning       mind the gap\n"
        "\n"
        "CAP      ON    USED  LIMIT\n"
        "global   -        3  unlimited\n"
        "company  acme     2  5\n"
        "\n"
        "NEXT FIRING  AT\n"
        "nightly      2026-11-21 09:01:00Z (in 1m)\n");
}

static void
a_degraded_pool_is_told(void **state)
{
    (void)state;
    must_print(ctl_print_status, "{\"workers\":{\"degraded\":true}}",
               "workers       degraded: yes\n");
}

static void
the_loop_and_the_workers_are_told_as_agentd_counts_them(void **state)
{
    (void)state;
    must_print(ctl_print_status,
               "{\"workers\":{\"wanted\":2,\"live\":1,\"slots_each\":4,\"started\":3,\"died\":1,"
               "\"degraded\":true},\"loop\":{\"lag_p99_us\":8200,\"lag_worst_us\":12100}}",
               "workers       1 of 2 up, slots of each: 4, died: 1, degraded: yes\n"
               "loop lag      p99 8.2ms, at worst 12.1ms\n");
}

static void
small_answers_are_sentences(void **state)
{
    (void)state;
    must_print(ctl_print_pong, "{}", "agentd answers\n");
    must_print(ctl_print_scaled, "{\"count\":4,\"from\":2}", "workers       4, there were 2\n");
    must_print(ctl_print_restarted, "{\"restarting\":2}", "workers       restarting 2\n");
    must_print(ctl_print_removed, "{\"removed\":\"nightly\"}", "removed       nightly\n");
    must_print(ctl_print_clock, "{\"accepted\":true}", "the clock is accepted\n");
    must_print(ctl_print_clock, "{\"accepted\":false}", "the clock was not in doubt\n");
    must_print(ctl_print_fsck, "{\"ok\":true,\"rows\":9,\"problems\":[]}",
               "store         OK\nrows          9\n");
    must_print(ctl_print_fsck, "{\"ok\":false,\"rows\":9,\"problems\":[\"one is off\"]}",
               "store         NOT OK\nrows          9\nproblem       one is off\n");
    must_print(ctl_print_fsck,
               "{\"ok\":true,\"rows\":9,\"problems\":[],\"overshoot\":[{\"scope\":\"agent\","
               "\"days\":2,\"turns\":0,\"tokens\":7,\"cost_micros\":0,\"run_ms\":0}]}",
               "store         OK\n"
               "rows          9\n"
               "\n"
               "used beyond reservations\n"
               "SCOPE  DAYS  TURNS  TOKENS  COST_MICROS  RUN_MS\n"
               "agent     2      0       7            0       0\n");
    must_print(ctl_print_reload, "{\"applied\":true,\"plan\":[],\"settings\":[]}",
               "nothing changes\napplied       yes\n");
    must_print(ctl_print_reload,
               "{\"applied\":false,\"plan\":[{\"action\":\"add\",\"kind\":\"agent\","
               "\"name\":\"a\"}],\"settings\":[{\"setting\":\"log.level\",\"from\":\"info\","
               "\"to\":\"debug\",\"needs_restart\":true}]}",
               "ACTION  KIND   NAME\n"
               "add     agent  a\n"
               "\n"
               "SETTING    FROM  TO     RESTART\n"
               "log.level  info  debug  yes\n"
               "applied       no\n");
}

static void
usage_is_a_row_for_each_dimension_that_says_something(void **state)
{
    (void)state;
    must_print(ctl_print_usage,
               "{\"items\":[{\"scope\":\"agent\",\"name\":\"anna\",\"company\":\"acme\","
               "\"date\":\"2026-11-21\",\"zone\":\"UTC\",\"attempts\":2,"
               "\"turns\":{\"charged\":0,\"reserved\":0,\"overshoot\":0,\"limit\":null},"
               "\"tokens\":{\"charged\":60,\"reserved\":30,\"overshoot\":5,\"limit\":100},"
               "\"cost_micros\":{\"charged\":0,\"reserved\":0,\"overshoot\":0,\"limit\":0},"
               "\"run_ms\":{\"charged\":7,\"reserved\":0,\"overshoot\":0,\"limit\":null},"
               "\"earned\":3,\"tickets_done\":1},"
               "{\"scope\":\"company\",\"name\":\"beta\",\"company\":\"beta\","
               "\"date\":\"2026-11-21\",\"attempts\":0,\"earned\":0,\"tickets_done\":0}],"
               "\"next\":null}",
               "SCOPE    COMPANY  NAME  DATE        ATTEMPTS  OF           CHARGED  RESERVED  "
               "OVERSHOOT  LIMIT  EARNED  TICKETS\n"
               "agent    acme     anna  2026-11-21         2  tokens            60        30       "
               "   5    100       3        1\n"
               "agent    acme     anna  2026-11-21         2  cost_micros        0         0       "
               "   0      0       3        1\n"
               "agent    acme     anna  2026-11-21         2  run_ms             7         0       "
               "   0      -       3        1\n"
               "company  beta     beta  2026-11-21         0  -                  -         -       "
               "   -      -       0        0\n");
    must_print(ctl_print_usage, "{\"items\":[],\"next\":null}", "");
}

static void
an_event_is_one_line(void **state)
{
    (void)state;
    must_print(ctl_print_event,
               "{\"seq\":5,\"type\":\"job.completed\",\"at\":1795251600123,\"company\":\"acme\","
               "\"job\":42,\"agent\":null,\"note\":\"a\\nb\",\"data\":{\"x\":1}}",
               "2026-11-21 09:00:00Z  job.completed  acme  job=42  note=a b  data={\"x\":1}\n");
    must_print(ctl_print_event,
               "{\"seq\":6,\"type\":\"worker.up\",\"at\":1795251600123,\"worker\":0}",
               "2026-11-21 09:00:00Z  worker.up  worker=0\n");
}

/* ---- terminals ------------------------------------------------------------- */

static void
states_are_coloured_on_a_terminal_only(void **state)
{
    BUF_AUTO struct buf body = {0};
    BUF_AUTO struct buf text = {0};
    struct ctl_out      o = out_into(&text);

    (void)state;
    pack("{\"items\":[{\"id\":1,\"state\":\"failed\"}]}", &body);
    o.has_colour = true;
    ctl_print_jobs(&o, buf_view(&body));
    assert_string_equal(buf_str(&text), "\033[1mID\033[0m  \033[1mSTATE\033[0m\n"
                                        " 1  \033[31mfailed\033[0m\n");
}

static void
lines_are_cut_to_the_terminal(void **state)
{
    BUF_AUTO struct buf body = {0};
    BUF_AUTO struct buf text = {0};
    struct ctl_out      o = out_into(&text);

    (void)state;
    pack("{\"items\":[{\"id\":1,\"state\":\"ready\",\"handler\":\"a\",\"title\":\"a long title\"},"
         "{\"id\":2,\"state\":\"ready\",\"handler\":\"a\",\"title\":\"short\"}]}",
         &body);
    o.width = 26;
    ctl_print_jobs(&o, buf_view(&body));
    assert_string_equal(buf_str(&text), "ID  STATE  HANDLER  TITLE\n"
                                        " 1  ready  a        a lon…\n"
                                        " 2  ready  a        short\n");
    for (size_t width = 1; width < 40; width++) {
        buf_clear(&text);
        o.width = width;
        ctl_print_jobs(&o, buf_view(&body));
        must_fit(&text, width);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usage_is_a_row_for_each_dimension_that_says_something),
        cmocka_unit_test(a_job_is_a_record_with_what_is_known),
        cmocka_unit_test(attempts_are_a_table_below_their_job),
        cmocka_unit_test(columns_are_aligned_and_those_that_say_nothing_are_left_out),
        cmocka_unit_test(an_empty_list_prints_nothing),
        cmocka_unit_test(ids_stand_one_a_line),
        cmocka_unit_test(no_limit_is_said),
        cmocka_unit_test(why_names_every_blocker),
        cmocka_unit_test(status_is_one_screen),
        cmocka_unit_test(a_degraded_pool_is_told),
        cmocka_unit_test(the_loop_and_the_workers_are_told_as_agentd_counts_them),
        cmocka_unit_test(small_answers_are_sentences),
        cmocka_unit_test(an_event_is_one_line),
        cmocka_unit_test(states_are_coloured_on_a_terminal_only),
        cmocka_unit_test(lines_are_cut_to_the_terminal),
    };

    return cmocka_run_group_tests(tests, set_locale, NULL);
}
