/* What takes more than one request: lists, wait, logs, watch; and terminals. */
#include "tests/system/stage_case.h"
#include <pty.h>
#include <signal.h>

/* ---- lists ----------------------------------------------------------------- */

static void
pages_are_asked_for_until_there_are_enough(void **state)
{
    (void)state;
    stage_start(&s, "job", "list", "--limit", "3", "--state", "failed", "--json", NULL);
    stage_take(&s, "job.list");
    stage_expect_body(&s, "{\"limit\":3,\"state\":\"failed\"}");
    stage_answer(&s, "{\"items\":[{\"id\":1}],\"next\":\"c1\"}");
    stage_take(&s, "job.list");
    stage_expect_body(&s, "{\"limit\":2,\"state\":\"failed\",\"after\":\"c1\"}");
    stage_answer(&s, "{\"items\":[],\"next\":\"c2\"}");
    stage_take(&s, "job.list");
    stage_expect_body(&s, "{\"limit\":2,\"state\":\"failed\",\"after\":\"c2\"}");
    stage_answer(&s, "{\"items\":[{\"id\":2},{\"id\":3}],\"next\":\"c3\"}");
    stage_expect_exit(&s, 0);
    expect_out("{\"items\":[{\"id\":1},{\"id\":2},{\"id\":3}],\"next\":\"c3\"}\n");
}

static void
a_list_ends_where_there_is_no_next_page(void **state)
{
    (void)state;
    stage_start(&s, "agent", "list", "--company", "acme", "--after", "c0", NULL);
    stage_take(&s, "agent.list");
    stage_expect_body(&s, "{\"after\":\"c0\",\"company\":\"acme\",\"limit\":100}");
    stage_answer(&s, "{\"items\":[],\"next\":\"c1\"}");
    stage_take(&s, "agent.list");
    stage_answer(&s, "{\"items\":[],\"next\":null}");
    stage_expect_exit(&s, 0);
    expect_out("");
    expect_err("agentctl: nothing found\n");
}

static void
people_are_told_that_there_is_more(void **state)
{
    (void)state;
    stage_start(&s, "schedule", "list", "--limit", "1", NULL);
    stage_take(&s, "schedule.list");
    stage_answer(&s, "{\"items\":[{\"name\":\"nightly\"}],\"next\":\"c1\"}");
    stage_expect_exit(&s, 0);
    expect_out("NAME\nnightly\n");
    expect_err("agentctl: there is more: --after c1\n");
}

static void
an_error_in_the_middle_of_a_list_prints_none_of_it(void **state)
{
    (void)state;
    stage_start(&s, "job", "list", NULL);
    stage_take(&s, "job.list");
    stage_answer(&s, "{\"items\":[{\"id\":1}],\"next\":\"c1\"}");
    stage_take(&s, "job.list");
    stage_refuse(&s, E_BUSY, "too much to do", "");
    stage_expect_exit(&s, 1);
    expect_out("");
    expect_err("agentctl: too much to do\n");
}

/* ---- wait ------------------------------------------------------------------ */

static void
a_wait_goes_on_until_the_job_has_ended(void **state)
{
    (void)state;
    stage_start(&s, "job", "wait", "7", "--json", NULL);
    stage_take(&s, "job.wait");
    stage_expect_body(&s, "{\"id\":7,\"wait_ms\":25000}");
    stage_answer(&s, "{\"id\":7,\"state\":\"running\",\"pending\":true}");
    stage_take(&s, "job.wait");
    stage_expect_body(&s, "{\"id\":7,\"wait_ms\":25000}");
    stage_answer(&s, "{\"id\":7,\"state\":\"completed\",\"pending\":false}");
    stage_expect_exit(&s, 0);
    expect_out("{\"id\":7,\"state\":\"completed\",\"pending\":false}\n");
    expect_err("");
}

static void
a_job_that_did_not_complete_is_exit_4(void **state)
{
    static const char *const states[] = {"failed", "cancelled", "expired"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        FREE_AUTO char *answer =
            xasprintf("{\"id\":7,\"state\":\"%s\",\"pending\":false}", states[i]);
        FREE_AUTO char *expected = xasprintf("%s\n", answer);

        stage_start(&s, "job", "wait", "7", "--json", NULL);
        stage_take(&s, "job.wait");
        stage_answer(&s, answer);
        stage_expect_exit(&s, 4);
        expect_out(expected);
        expect_err("");
    }
}

static void
a_wait_whose_time_is_out_shows_the_job_as_it_is(void **state)
{
    (void)state;
    stage_start(&s, "job", "wait", "7", "--timeout", "0", NULL);
    stage_take(&s, "job.wait");
    stage_expect_body(&s, "{\"id\":7,\"wait_ms\":0}");
    stage_answer(&s, "{\"id\":7,\"state\":\"running\",\"pending\":true}");
    stage_expect_exit(&s, 3);
    expect_out("job           7\nstate         running\n");
    expect_err("agentctl: job 7 has not ended in time\n  hint: agentctl job why 7\n");
}

static void
a_wait_survives_a_restart_of_the_daemon(void **state)
{
    (void)state;
    stage_start(&s, "job", "wait", "7", "--json", NULL);
    stage_take(&s, "job.wait");
    stage_unlisten(&s);
    stage_listen(&s);
    stage_take(&s, "job.wait");
    stage_answer(&s, "{\"id\":7,\"state\":\"completed\",\"pending\":false}");
    stage_expect_exit(&s, 0);
}

static void
a_purged_job_is_refused(void **state)
{
    (void)state;
    stage_start(&s, "job", "wait", "7", NULL);
    stage_take(&s, "job.wait");
    stage_refuse(&s, E_GONE, "job 7 was purged", "");
    stage_expect_exit(&s, 1);
    expect_err("agentctl: job 7 was purged\n");
}

static void
submit_may_wait_and_prints_one_document(void **state)
{
    (void)state;
    stage_start(&s, "job", "submit", "echo", "--wait", "--json", NULL);
    stage_take(&s, "job.submit");
    stage_expect_body(&s, "{\"handler\":\"echo\"}");
    stage_answer(&s, "{\"id\":9,\"state\":\"ready\"}");
    stage_take(&s, "job.wait");
    stage_expect_body(&s, "{\"id\":9,\"wait_ms\":25000}");
    stage_answer(&s, "{\"id\":9,\"state\":\"failed\",\"pending\":false}");
    stage_expect_exit(&s, 4);
    expect_out("{\"id\":9,\"state\":\"failed\",\"pending\":false}\n");
}

static void
a_wait_that_fails_still_shows_what_was_submitted(void **state)
{
    (void)state;
    stage_start(&s, "job", "submit", "echo", "--wait", "--json", NULL);
    stage_take(&s, "job.submit");
    stage_answer(&s, "{\"id\":9,\"state\":\"ready\"}");
    stage_take(&s, "job.wait");
    stage_refuse(&s, E_BUSY, "too many wait", "");
    stage_expect_exit(&s, 1);
    expect_out("{\"id\":9,\"state\":\"ready\"}\n");
    expect_err("{\"error\":{\"code\":\"busy\",\"message\":\"too many wait\",\"hint\":\"\"}}\n");
}

static void
a_refused_submit_does_not_wait(void **state)
{
    (void)state;
    stage_start(&s, "job", "submit", "echo", "--wait", NULL);
    stage_take(&s, "job.submit");
    stage_refuse(&s, E_QUEUE_FULL, "the queue is full", "");
    stage_expect_exit(&s, 1);
    expect_out("");
}

/* ---- logs ------------------------------------------------------------------ */

static void
a_log_is_read_in_pieces_and_cannot_drive_the_terminal(void **state)
{
    (void)state;
    stage_start(&s, "job", "logs", "7", NULL);
    stage_take(&s, "job.logs");
    stage_expect_body(&s, "{\"id\":7,\"offset\":0}");
    stage_answer(&s, "{\"text\":\"one\\n\\ttwo \\u001b[2J\",\"offset\":14,\"size\":20,"
                     "\"ended\":false}");
    stage_take(&s, "job.logs");
    stage_expect_body(&s, "{\"id\":7,\"offset\":14}");
    stage_answer(&s, "{\"text\":\"three\\n\",\"offset\":20,\"size\":20,\"ended\":false}");
    stage_take(&s, "job.logs");
    stage_answer(&s, "{\"text\":\"\",\"offset\":20,\"size\":20,\"ended\":false}");
    stage_expect_exit(&s, 0);
    expect_out("one\n\ttwo [2Jthree\n");
}

static void
following_goes_on_until_the_job_has_ended_and_all_is_read(void **state)
{
    (void)state;
    stage_start(&s, "job", "logs", "-f", "7", "--offset", "5", NULL);
    stage_take(&s, "job.logs");
    stage_expect_body(&s, "{\"id\":7,\"offset\":5}");
    stage_answer(&s, "{\"text\":\"\",\"offset\":5,\"size\":5,\"ended\":false}");
    stage_take(&s, "job.logs");
    stage_answer(&s, "{\"text\":\"a\\n\",\"offset\":7,\"size\":7,\"ended\":false}");
    stage_take(&s, "job.logs");
    stage_expect_body(&s, "{\"id\":7,\"offset\":7}");
    expect_out("a\n"); /* at once, not at the end */
    stage_answer(&s, "{\"text\":\"\",\"offset\":7,\"size\":7,\"ended\":true}");
    stage_take(&s, "job.logs");
    stage_answer(&s, "{\"text\":\"b\\n\",\"offset\":9,\"size\":9,\"ended\":true}");
    stage_take(&s, "job.logs");
    stage_answer(&s, "{\"text\":\"\",\"offset\":9,\"size\":9,\"ended\":true}");
    stage_expect_exit(&s, 0);
    expect_out("a\nb\n");
}

static void
a_log_is_one_document_with_json(void **state)
{
    (void)state;
    stage_start(&s, "job", "logs", "7", "--json", NULL);
    stage_take(&s, "job.logs");
    stage_answer(&s, "{\"text\":\"a\\u001b\\n\",\"offset\":3,\"size\":5,\"ended\":true}");
    stage_take(&s, "job.logs");
    stage_answer(&s, "{\"text\":\"b\\n\",\"offset\":5,\"size\":5,\"ended\":true}");
    stage_take(&s, "job.logs");
    stage_answer(&s, "{\"text\":\"\",\"offset\":5,\"size\":5,\"ended\":true}");
    stage_expect_exit(&s, 0);
    expect_out("{\"text\":\"a\\u001b\\nb\\n\",\"offset\":5,\"size\":5,\"ended\":true}\n");
}

/* ---- watch ----------------------------------------------------------------- */

static void
a_watch_begins_with_a_cursor_and_goes_on_from_there(void **state)
{
    (void)state;
    stage_start(&s, "watch", "--topic", "job.", NULL);
    stage_take(&s, "feed.read");
    stage_expect_body(&s, "{\"topic\":\"job.\",\"wait_ms\":0}");
    stage_answer(&s, "{\"items\":[],\"next\":\"i-5\",\"gap\":null}");
    stage_take(&s, "feed.read");
    stage_expect_body(&s, "{\"topic\":\"job.\",\"wait_ms\":25000,\"since\":\"i-5\"}");
    stage_answer(&s, "{\"items\":[{\"seq\":6,\"type\":\"job.ended\",\"at\":1795251600000,"
                     "\"company\":\"acme\",\"job\":7,\"note\":\"\\u001b[2J\"}],"
                     "\"next\":\"i-6\",\"gap\":null}");
    stage_take(&s, "feed.read");
    stage_expect_body(&s, "{\"topic\":\"job.\",\"wait_ms\":25000,\"since\":\"i-6\"}");
    expect_out("2026-11-21 09:00:00Z  job.ended  acme  job=7  note=[2J\n");
    assert_int_equal(kill(s.pid, SIGINT), 0);
    stage_expect_exit(&s, 0);
    expect_err("agentctl: go on with: agentctl watch --since i-6 --topic job.\n");
}

static void
a_watch_says_what_it_has_missed(void **state)
{
    (void)state;
    stage_start(&s, "watch", "--since", "i-1", NULL);
    stage_take(&s, "feed.read");
    stage_expect_body(&s, "{\"since\":\"i-1\",\"wait_ms\":25000}");
    stage_answer(&s, "{\"items\":[],\"next\":\"i-9\",\"gap\":{\"first\":10}}");
    stage_take(&s, "feed.read");
    expect_out("-- a gap: the events before 10 are no longer kept --\n");
    assert_int_equal(kill(s.pid, SIGTERM), 0);
    stage_expect_exit(&s, 0);
}

static void
events_are_documents_of_a_line_with_json(void **state)
{
    (void)state;
    stage_start(&s, "watch", "--since", "i-1", "--json", NULL);
    stage_take(&s, "feed.read");
    stage_answer(&s, "{\"items\":[{\"seq\":10,\"type\":\"a\"},{\"seq\":11,\"type\":\"b\"}],"
                     "\"next\":\"i-11\",\"gap\":{\"first\":10}}");
    stage_take(&s, "feed.read");
    expect_out("{\"type\":\"gap\",\"first\":10}\n{\"seq\":10,\"type\":\"a\"}\n"
               "{\"seq\":11,\"type\":\"b\"}\n");
    assert_int_equal(kill(s.pid, SIGINT), 0);
    stage_expect_exit(&s, 0);
    expect_err("{\"cursor\":\"i-11\"}\n");
}

static void
a_watch_goes_on_behind_a_restart_of_the_daemon(void **state)
{
    (void)state;
    stage_start(&s, "watch", "--since", "i-1", "--json", NULL);
    stage_take(&s, "feed.read");
    stage_unlisten(&s);
    stage_listen(&s);
    stage_take(&s, "feed.read");
    stage_expect_body(&s, "{\"since\":\"i-1\",\"wait_ms\":25000}");
    stage_answer(&s, "{\"items\":[{\"seq\":2}],\"next\":\"i-2\",\"gap\":null}");
    stage_take(&s, "feed.read");
    stage_refuse(&s, E_DENIED, "no more", "");
    stage_expect_exit(&s, 1);
    expect_out("{\"seq\":2}\n");
    expect_err("{\"cursor\":\"i-2\"}\n"
               "{\"error\":{\"code\":\"denied\",\"message\":\"no more\",\"hint\":\"\"}}\n");
}

/* ---- terminals ------------------------------------------------------------- */

/* The text that a terminal of 30 columns gets. */
static char *
on_terminal(const char *answer)
{
    struct winsize size = {.ws_row = 24, .ws_col = 30};
    char          *words[] = {(char *)"agentctl", (char *)"--run", s.folder, (char *)"job",
                              (char *)"show",     (char *)"7",     NULL};
    int            master, slave;
    char           text[4096];
    ssize_t        got;
    size_t         n = 0;

    assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
    stage_exec(&s, slave, words);
    stage_take(&s, "job.show");
    stage_answer(&s, answer);
    stage_expect_exit(&s, 0);
    assert_int_equal(close(slave), 0);
    while ((got = read(master, text + n, sizeof(text) - 1 - n)) > 0)
        n += (size_t)got;
    assert_int_equal(close(master), 0);
    text[n] = '\0';
    return xstrdup(text);
}

#define TERMINAL_JOB \
    "{\"id\":7,\"state\":\"failed\",\"reason\":\"a very long reason indeed \\u001b[2J\"}"

static void
a_terminal_gets_colours_and_lines_that_fit(void **state)
{
    (void)state;
    FREE_AUTO char *text = on_terminal(TERMINAL_JOB);
    assert_string_equal(text, "\033[1mjob\033[0m           7\r\n"
                              "\033[1mstate\033[0m         \033[31mfailed\033[0m\r\n"
                              "\033[1mreason\033[0m        a very long rea\xe2\x80\xa6\r\n");
}

static void
no_color_is_respected(void **state)
{
    (void)state;
    assert_int_equal(setenv("NO_COLOR", "1", 1), 0);
    FREE_AUTO char *text = on_terminal(TERMINAL_JOB);
    assert_int_equal(unsetenv("NO_COLOR"), 0);
    assert_string_equal(text, "job           7\r\n"
                              "state         failed\r\n"
                              "reason        a very long rea\xe2\x80\xa6\r\n");
}

int
main(void)
{
#define WITH_DAEMON(f) cmocka_unit_test_setup_teardown(f, open_and_listen, close_stage)
    const struct CMUnitTest tests[] = {
        WITH_DAEMON(pages_are_asked_for_until_there_are_enough),
        WITH_DAEMON(a_list_ends_where_there_is_no_next_page),
        WITH_DAEMON(people_are_told_that_there_is_more),
        WITH_DAEMON(an_error_in_the_middle_of_a_list_prints_none_of_it),
        WITH_DAEMON(a_wait_goes_on_until_the_job_has_ended),
        WITH_DAEMON(a_job_that_did_not_complete_is_exit_4),
        WITH_DAEMON(a_wait_whose_time_is_out_shows_the_job_as_it_is),
        WITH_DAEMON(a_wait_survives_a_restart_of_the_daemon),
        WITH_DAEMON(a_purged_job_is_refused),
        WITH_DAEMON(submit_may_wait_and_prints_one_document),
        WITH_DAEMON(a_wait_that_fails_still_shows_what_was_submitted),
        WITH_DAEMON(a_refused_submit_does_not_wait),
        WITH_DAEMON(a_log_is_read_in_pieces_and_cannot_drive_the_terminal),
        WITH_DAEMON(following_goes_on_until_the_job_has_ended_and_all_is_read),
        WITH_DAEMON(a_log_is_one_document_with_json),
        WITH_DAEMON(a_watch_begins_with_a_cursor_and_goes_on_from_there),
        WITH_DAEMON(a_watch_says_what_it_has_missed),
        WITH_DAEMON(events_are_documents_of_a_line_with_json),
        WITH_DAEMON(a_watch_goes_on_behind_a_restart_of_the_daemon),
        WITH_DAEMON(a_terminal_gets_colours_and_lines_that_fit),
        WITH_DAEMON(no_color_is_respected),
    };

    /* The terminal's kind must not depend on where the tests run. */
    if (setenv("TERM", "xterm", 1) || unsetenv("NO_COLOR")) return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
