/* What agentctl does when no answer comes: it says whether something may have been done, and asks
 * once more under the same request_id. */
#include "tests/system/stage_case.h"
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

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
