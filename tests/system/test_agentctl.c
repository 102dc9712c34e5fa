/* One request, one answer: what agentctl sends, prints and exits with, and what it does when no
 * answer comes. */
#include "common/json.h"
#include "common/mp.h"
#include "tests/system/fake_agentd.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static struct stage s;

static int
open_stage(void **state)
{
    (void)state;
    stage_open(&s);
    return 0;
}

static int
open_and_listen(void **state)
{
    (void)state;
    stage_open(&s);
    stage_listen(&s);
    return 0;
}

static int
close_stage(void **state)
{
    (void)state;
    stage_close(&s);
    return 0;
}

static void
expect_out(const char *expected)
{
    FREE_AUTO char *out = stage_out(&s);

    assert_string_equal(out, expected);
}

static void
expect_err(const char *expected)
{
    FREE_AUTO char *err = stage_err(&s);

    assert_string_equal(err, expected);
}

static void
expect_err_says(const char *part)
{
    FREE_AUTO char *err = stage_err(&s);

    if (!strstr(err, part)) fail_msg("\"%s\" does not say \"%s\"", err, part);
}

/* ---- 0: done --------------------------------------------------------------- */

static void
an_answer_is_one_document_with_json(void **state)
{
    (void)state;
    stage_start(&s, "status", "--json", NULL);
    stage_take(&s, "status");
    stage_expect_body(&s, "{}");
    stage_answer(&s, "{\"running\":true,\"warnings\":[],\"text\":\"a\\u001b[31mb\"}");
    stage_expect_exit(&s, 0);
    expect_out("{\"running\":true,\"warnings\":[],\"text\":\"a\\u001b[31mb\"}\n");
    expect_err("");
}

static void
an_answer_is_a_table_without(void **state)
{
    (void)state;
    stage_start(&s, "worker", "list", NULL);
    stage_take(&s, "worker.list");
    stage_answer(&s, "{\"items\":[{\"worker\":0,\"state\":\"u\\u001b[31mp\",\"pid\":12}],"
                     "\"next\":null}");
    stage_expect_exit(&s, 0);
    expect_out("WORKER  STATE   PID\n     0  u[31mp   12\n");
    expect_err("");
}

static void
what_was_given_is_in_the_request(void **state)
{
    (void)state;
    stage_start(&s, "job", "submit", "echo", "--payload", "{\"a\":[1]}", "--company", "acme",
                "--in", "5m", "--tag", "k=v", "--json", NULL);
    stage_take(&s, "job.submit");
    stage_expect_body(&s, "{\"handler\":\"echo\",\"payload\":{\"a\":[1]},\"delay_ms\":300000,"
                          "\"tags\":{\"k\":\"v\"},\"company\":\"acme\"}");
    stage_answer(&s, "{\"id\":7}");
    stage_expect_exit(&s, 0);
    expect_out("{\"id\":7}\n");
}

static void
a_change_carries_a_random_request_id_and_a_look_none(void **state)
{
    char first[33];

    (void)state;
    for (int i = 0; i < 2; i++) {
        stage_start(&s, "job", "cancel", "5", NULL);
        stage_take(&s, "job.cancel");
        assert_int_equal(s.request.request_id.size, 32);
        assert_int_equal(strspn(s.request.request_id.data, "0123456789abcdef") >= 32, 1);
        if (i == 1) assert_memory_not_equal(first, s.request.request_id.data, 32);
        memcpy(first, s.request.request_id.data, 32);
        stage_answer(&s, "{\"id\":5}");
        stage_expect_exit(&s, 0);
    }
    stage_start(&s, "job", "show", "5", NULL);
    stage_take(&s, "job.show");
    assert_int_equal(s.request.request_id.size, 0);
    stage_answer(&s, "{\"id\":5}");
    stage_expect_exit(&s, 0);
}

static void
the_daemon_is_found_by_endpoint_and_by_environment(void **state)
{
    FREE_AUTO char *endpoint = xasprintf("ipc://%s", s.socket);
    char *by_endpoint[] = {(char *)"agentctl", (char *)"ping", (char *)"--connect", endpoint, NULL};
    char *by_environment[] = {(char *)"agentctl", (char *)"ping", NULL};

    (void)state;
    stage_exec(&s, -1, by_endpoint);
    stage_take(&s, "ping");
    stage_answer(&s, "{}");
    stage_expect_exit(&s, 0);
    assert_int_equal(setenv("AGENTD_RUN", s.folder, 1), 0);
    stage_exec(&s, -1, by_environment);
    assert_int_equal(unsetenv("AGENTD_RUN"), 0);
    stage_take(&s, "ping");
    stage_answer(&s, "{}");
    stage_expect_exit(&s, 0);
    expect_out("agentd answers\n");
}

static void
some_commands_need_no_daemon(void **state)
{
    (void)state;
    stage_start(&s, "cron", "explain", "0 9 * * *", "--from", "2026-11-21T00:00:00Z", "-n", "2",
                "--json", NULL);
    stage_expect_exit(&s, 0);
    FREE_AUTO char *out = stage_out(&s);
    assert_non_null(strstr(out, "\"next_at\":[1795251600000,1795338000000]}\n"));
    stage_start(&s, "version", "--json", NULL);
    stage_expect_exit(&s, 0);
    stage_start(&s, "completion", "bash", NULL);
    stage_expect_exit(&s, 0);
    stage_start(&s, "help", "job", "submit", NULL);
    stage_expect_exit(&s, 0);
    stage_start(&s, "job", "submit", "--help", NULL);
    stage_expect_exit(&s, 0);
}

/* ---- 1: refused ------------------------------------------------------------ */

static void
a_refusal_is_told_with_its_hint(void **state)
{
    (void)state;
    stage_start(&s, "job", "show", "12", NULL);
    stage_take(&s, "job.show");
    stage_refuse(&s, E_NOT_FOUND, "no job 12\033[31m", "agentctl job list");
    stage_expect_exit(&s, 1);
    expect_out("");
    expect_err("agentctl: no job 12[31m\n  hint: agentctl job list\n");
    stage_start(&s, "job", "show", "12", "--json", NULL);
    stage_take(&s, "job.show");
    stage_refuse(&s, E_NOT_FOUND, "no job 12", "agentctl job list");
    stage_expect_exit(&s, 1);
    expect_out("");
    expect_err("{\"error\":{\"code\":\"not_found\",\"message\":\"no job 12\","
               "\"hint\":\"agentctl job list\"}}\n");
}

static void
what_fsck_finds_is_a_failure_too(void **state)
{
    (void)state;
    stage_start(&s, "fsck", "--json", NULL);
    stage_take(&s, "fsck");
    stage_answer(&s, "{\"ok\":false,\"rows\":3,\"problems\":[\"one\"]}");
    stage_expect_exit(&s, 1);
    expect_out("{\"ok\":false,\"rows\":3,\"problems\":[\"one\"]}\n");
    stage_start(&s, "fsck", NULL);
    stage_take(&s, "fsck");
    stage_answer(&s, "{\"ok\":true,\"rows\":3,\"problems\":[]}");
    stage_expect_exit(&s, 0);
}

static void
an_answer_that_cannot_be_written_is_a_failure(void **state)
{
    int   full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    char *words[] = {(char *)"agentctl", (char *)"--run", s.folder, (char *)"ping", NULL};

    (void)state;
    assert_true(full >= 0);
    stage_exec(&s, full, words);
    stage_take(&s, "ping");
    stage_answer(&s, "{}");
    stage_expect_exit(&s, 1);
    expect_err_says("cannot write the answer");
    assert_int_equal(close(full), 0);
}

static void
an_answer_that_is_none_is_a_failure(void **state)
{
    BUF_AUTO struct buf frame = {0};

    (void)state;
    stage_start(&s, "ping", NULL);
    stage_take(&s, "ping");
    stage_send(&s, view_str("\xc1garbage"), false);
    stage_expect_exit(&s, 1);
    expect_err_says("malformed reply");
    stage_start(&s, "ping", "--json", NULL);
    stage_take(&s, "ping");
    reply_pack(s.request.id, view_str("\xc4\x01x"), &frame); /* bin: no JSON */
    stage_send(&s, buf_view(&frame), false);
    stage_expect_exit(&s, 1);
    expect_out("");
    expect_err_says("not expressible as JSON");
}

static void
an_error_without_a_number_is_the_answer_and_another_number_is_none(void **state)
{
    BUF_AUTO struct buf other = {0};
    BUF_AUTO struct buf nobodys = {0};
    struct err          e;

    (void)state;
    stage_start(&s, "ping", NULL);
    stage_take(&s, "ping");
    reply_pack(s.request.id + 1, view_str("\x80"), &other);
    stage_send(&s, buf_view(&other), false);
    err_set(&e, E_UNSUPPORTED, "version 1 is not served");
    reply_pack_error(0, &e, &nobodys);
    stage_send(&s, buf_view(&nobodys), false);
    stage_expect_exit(&s, 1);
    expect_err("agentctl: version 1 is not served\n");
}

static void
an_answer_behind_a_delimiter_is_taken(void **state)
{
    BUF_AUTO struct buf frame = {0};

    (void)state;
    stage_start(&s, "ping", NULL);
    stage_take(&s, "ping");
    reply_pack(s.request.id, view_str("\x80"), &frame);
    stage_send(&s, buf_view(&frame), true);
    stage_expect_exit(&s, 0);
}

/* ---- 2: usage -------------------------------------------------------------- */

static void
a_bad_line_asks_nobody(void **state)
{
    (void)state;
    stage_start(&s, "job", "sbumit", NULL);
    stage_expect_exit(&s, 2);
    expect_out("");
    expect_err("agentctl: unknown command \"job sbumit\"\n"
               "  hint: did you mean agentctl job submit?\n");
    stage_start(&s, "job", "submit", "--priority", "900", "--json", NULL);
    stage_expect_exit(&s, 2);
    expect_out("");
    expect_err("{\"error\":{\"code\":\"usage\",\"message\":\"--priority: must be an integer from 0 "
               "to 100\",\"hint\":\"\"}}\n");
    stage_start(&s, "job", "\033[31m\xff", "--json", NULL);
    stage_expect_exit(&s, 2);
    expect_err_says("unknown command \\\"job [31m\xef\xbf\xbd\\\"");
    stage_start(&s, "cron", "explain", "nonsense", NULL);
    stage_expect_exit(&s, 2);
    char *tcp[] = {(char *)"agentctl", (char *)"ping", (char *)"--connect",
                   (char *)"tcp://127.0.0.1:1", NULL};
    stage_exec(&s, -1, tcp);
    stage_expect_exit(&s, 2);
    expect_err_says("not supported by this version");
}

static void
half_a_line_lists_what_there_is(void **state)
{
    (void)state;
    stage_start(&s, "job", NULL);
    stage_expect_exit(&s, 2);
    expect_out("");
    expect_err_says("  job submit-many FILE");
    stage_start(&s, NULL);
    stage_expect_exit(&s, 2);
    expect_err_says("  schedule add NAME");
    stage_start(&s, "job", "--json", NULL);
    stage_expect_exit(&s, 2);
    expect_err_says("{\"error\":{\"code\":\"usage\",");
}

/* ---- 3: nobody there, or silent -------------------------------------------- */

static void
no_daemon_is_told_at_once(void **state)
{
    FREE_AUTO char *expected = xasprintf(
        "agentctl: no agentd at %s\n  hint: start it with: agentd --run %s\n", s.folder, s.folder);

    (void)state;
    /* Longer than the test's own deadline: nothing is waited for. */
    stage_start(&s, "status", "--timeout", "1h", NULL);
    stage_expect_exit(&s, 3);
    expect_out("");
    expect_err(expected);
    stage_start(&s, "job", "submit", "echo", "--timeout", "1h", "--json", NULL);
    stage_expect_exit(&s, 3);
    expect_err_says("{\"error\":{\"code\":\"no_answer\",\"message\":\"no agentd at ");
}

static int
bind_raw(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int                fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    memcpy(address.sun_path, s.socket, strlen(s.socket) + 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void
a_socket_that_nobody_listens_on_is_no_daemon(void **state)
{
    int fd = bind_raw();

    (void)state;
    stage_start(&s, "status", "--timeout", "1h", NULL);
    stage_expect_exit(&s, 3);
    expect_err_says("no agentd at ");
    assert_int_equal(close(fd), 0);
    assert_int_equal(unlink(s.socket), 0);
}

static void
a_daemon_that_hangs_before_it_takes_a_request_has_changed_nothing(void **state)
{
    int fd = bind_raw();

    (void)state;
    assert_int_equal(listen(fd, 8), 0);
    stage_start(&s, "job", "submit", "echo", "--timeout", "300ms", NULL);
    stage_expect_exit(&s, 3);
    expect_err_says("did not answer job.submit in time");
    assert_int_equal(close(fd), 0);
    assert_int_equal(unlink(s.socket), 0);
}

static void
a_look_that_is_not_answered_is_no_answer(void **state)
{
    (void)state;
    stage_start(&s, "status", "--timeout", "2s", "--json", NULL);
    stage_take(&s, "status");
    stage_expect_exit(&s, 3);
    expect_out("");
    expect_err_says("{\"error\":{\"code\":\"no_answer\",\"message\":\"agentd at ");
    expect_err_says("did not answer status in time");
}

static void
a_look_whose_daemon_goes_away_for_good_is_no_answer(void **state)
{
    (void)state;
    stage_start(&s, "status", "--timeout", "1h", NULL); /* it does not wait so long */
    stage_take(&s, "status");
    stage_unlisten(&s);
    stage_expect_exit(&s, 3);
    expect_err_says("went away before it answered status");
}

/* It got no further than the kernel's queue of connections. */
static void
a_daemon_that_goes_away_before_it_was_asked_is_noticed(void **state)
{
    int fd = bind_raw();

    (void)state;
    assert_int_equal(listen(fd, 8), 0);
    stage_start(&s, "job", "submit", "echo", "--timeout", "1h", NULL);
    for (int i = 0; i < 2; i++) { /* its question whether anybody listens, and libzmq's */
        int peer = accept(fd, NULL, NULL);

        assert_true(peer >= 0);
        if (i == 1) assert_int_equal(close(fd), 0);
        assert_int_equal(close(peer), 0);
    }
    stage_expect_exit(&s, 3);
    expect_err_says("went away before it answered job.submit");
    assert_int_equal(unlink(s.socket), 0);
}

/* The PID file of a daemon that was killed stays behind; its time is the last sign of life. */
static void
daemon_status_knows_the_last_crash(void **state)
{
    const struct timespec times[2] = {{.tv_sec = 1800000000}, {.tv_sec = 1800000000}};
    FREE_AUTO char       *path = xasprintf("%s/agentd.pid", s.folder);
    int                   fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    (void)state;
    assert_int_equal(write(fd, "1\n", 2), 2);
    assert_int_equal(futimens(fd, times), 0);
    stage_start(&s, "daemon", "status", "--json", NULL);
    stage_expect_exit(&s, 3);
    expect_out("{\"running\":false,\"last_crash_at\":1800000000000}\n");
    assert_int_equal(flock(fd, LOCK_EX), 0); /* as one that is starting */
    stage_start(&s, "daemon", "status", "--json", NULL);
    stage_expect_exit(&s, 3);
    expect_out("{\"running\":false,\"last_crash_at\":null}\n");
    assert_int_equal(close(fd), 0);
    assert_int_equal(unlink(path), 0);
}

static void
daemon_status_answers_without_a_daemon(void **state)
{
    (void)state;
    stage_start(&s, "daemon", "status", "--json", NULL);
    stage_expect_exit(&s, 3);
    expect_out("{\"running\":false,\"last_crash_at\":null}\n");
    expect_err("");
    stage_start(&s, "daemon", "status", NULL);
    stage_expect_exit(&s, 3);
    expect_out("agentd is not running\n");
    stage_listen(&s);
    stage_start(&s, "daemon", "status", "--json", NULL);
    stage_take(&s, "status");
    stage_answer(&s, "{\"running\":true}");
    stage_expect_exit(&s, 0);
    expect_out("{\"running\":true}\n");
}

/* ---- 5: the outcome is unknown --------------------------------------------- */

static void
expect_unknown(void)
{
    stage_expect_exit(&s, 5);
    expect_out("");
    expect_err_says("{\"error\":{\"code\":\"outcome_unknown\",");
}

static void
a_change_that_is_not_answered_may_have_been_done(void **state)
{
    (void)state;
    stage_start(&s, "job", "submit", "echo", "--timeout", "2s", "--json", NULL);
    stage_take(&s, "job.submit");
    expect_unknown();
}

static void
a_change_whose_daemon_goes_away_for_good_may_have_been_done(void **state)
{
    (void)state;
    stage_start(&s, "job", "submit", "echo", "--timeout", "2s", "--json", NULL);
    stage_take(&s, "job.submit");
    stage_unlisten(&s);
    expect_unknown();
}

static void
a_daemon_that_does_not_know_itself_says_so(void **state)
{
    (void)state;
    stage_start(&s, "reload", "--json", NULL);
    stage_take(&s, "reload");
    stage_refuse(&s, E_OUTCOME_UNKNOWN, "the commit failed", "");
    expect_unknown();
}

/* ---- asking again ---------------------------------------------------------- */

/* Takes a request whose daemon then dies and comes back, and takes it again: it must be the same.
 */
static void
take_twice(const char *op)
{
    BUF_AUTO struct buf first = {0};

    stage_take(&s, op);
    buf_add_view(&first, buf_view(&s.frame));
    stage_unlisten(&s);
    stage_listen(&s);
    stage_take(&s, op);
    assert_int_equal(s.frame.size, first.size);
    assert_memory_equal(s.frame.data, first.data, first.size);
}

static void
a_change_is_asked_again_under_the_same_request_id(void **state)
{
    (void)state;
    stage_start(&s, "schedule", "pause", "nightly", "--json", NULL);
    take_twice("schedule.pause");
    assert_int_equal(s.request.request_id.size, 32);
    stage_answer(&s, "{\"name\":\"nightly\"}");
    stage_expect_exit(&s, 0);
    expect_out("{\"name\":\"nightly\"}\n");
    expect_err("");
}

static void
a_look_is_asked_again_too(void **state)
{
    (void)state;
    stage_start(&s, "job", "stats", "--json", NULL);
    take_twice("job.stats");
    stage_answer(&s, "{\"ready\":0}");
    stage_expect_exit(&s, 0);
    expect_out("{\"ready\":0}\n");
}

static void
a_request_is_not_sent_a_third_time(void **state)
{
    (void)state;
    stage_start(&s, "job", "submit", "echo", "--timeout", "1h", "--json", NULL);
    take_twice("job.submit");
    stage_unlisten(&s);
    expect_unknown();
    stage_listen(&s);
    stage_start(&s, "status", "--timeout", "1h", NULL);
    take_twice("status");
    stage_unlisten(&s);
    stage_expect_exit(&s, 3);
    expect_err_says("went away twice");
}

int
main(void)
{
#define WITH_NOBODY(f) cmocka_unit_test_setup_teardown(f, open_stage, close_stage)
#define WITH_DAEMON(f) cmocka_unit_test_setup_teardown(f, open_and_listen, close_stage)
    const struct CMUnitTest tests[] = {
        WITH_DAEMON(an_answer_is_one_document_with_json),
        WITH_DAEMON(an_answer_is_a_table_without),
        WITH_DAEMON(what_was_given_is_in_the_request),
        WITH_DAEMON(a_change_carries_a_random_request_id_and_a_look_none),
        WITH_DAEMON(the_daemon_is_found_by_endpoint_and_by_environment),
        WITH_NOBODY(some_commands_need_no_daemon),
        WITH_DAEMON(a_refusal_is_told_with_its_hint),
        WITH_DAEMON(what_fsck_finds_is_a_failure_too),
        WITH_DAEMON(an_answer_that_cannot_be_written_is_a_failure),
        WITH_DAEMON(an_answer_that_is_none_is_a_failure),
        WITH_DAEMON(an_error_without_a_number_is_the_answer_and_another_number_is_none),
        WITH_DAEMON(an_answer_behind_a_delimiter_is_taken),
        WITH_NOBODY(a_bad_line_asks_nobody),
        WITH_NOBODY(half_a_line_lists_what_there_is),
        WITH_NOBODY(no_daemon_is_told_at_once),
        WITH_NOBODY(a_socket_that_nobody_listens_on_is_no_daemon),
        WITH_NOBODY(a_daemon_that_hangs_before_it_takes_a_request_has_changed_nothing),
        WITH_DAEMON(a_look_that_is_not_answered_is_no_answer),
        WITH_DAEMON(a_look_whose_daemon_goes_away_for_good_is_no_answer),
        WITH_NOBODY(a_daemon_that_goes_away_before_it_was_asked_is_noticed),
        WITH_NOBODY(daemon_status_knows_the_last_crash),
        WITH_NOBODY(daemon_status_answers_without_a_daemon),
        WITH_DAEMON(a_change_that_is_not_answered_may_have_been_done),
        WITH_DAEMON(a_change_whose_daemon_goes_away_for_good_may_have_been_done),
        WITH_DAEMON(a_daemon_that_does_not_know_itself_says_so),
        WITH_DAEMON(a_change_is_asked_again_under_the_same_request_id),
        WITH_DAEMON(a_look_is_asked_again_too),
        WITH_DAEMON(a_request_is_not_sent_a_third_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
