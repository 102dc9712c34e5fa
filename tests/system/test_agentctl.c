/* One request, one answer: what agentctl sends, prints and exits with. */
#include "tests/system/stage_case.h"
#include <fcntl.h>

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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
