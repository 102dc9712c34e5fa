#include "common/mem.h"
#include "tools/agentctl/args.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A command line as words separated by single spaces; they live until the next call. */
static char  line[4096];
static char *words[128];

static int
split(const char *text)
{
    int n = 0;

    assert_true(strlen(text) < sizeof(line));
    memcpy(line, text, strlen(text) + 1);
    for (char *at = strtok(line, " "); at; at = strtok(NULL, " "))
        words[n++] = at;
    words[n] = NULL;
    return n;
}

static struct ctl_args
must_parse(const char *text)
{
    struct ctl_args args;
    struct err      e = {0};
    int             argc = split(text);

    if (ctl_args_parse(argc, words, &args, &e)) fail_msg("%s: %s", text, e.msg);
    return args;
}

static void
must_refuse(const char *text, const char *message, const char *hint)
{
    struct ctl_args args = {.timeout_ms = 4711};
    struct err      e = {0};
    int             argc = split(text);

    if (!ctl_args_parse(argc, words, &args, &e)) fail_msg("%s: taken", text);
    assert_int_equal(e.code, E_BAD_REQUEST);
    if (!strstr(e.msg, message)) fail_msg("%s: \"%s\" does not say \"%s\"", text, e.msg, message);
    if (!strstr(e.hint, hint)) fail_msg("%s: \"%s\" does not advise \"%s\"", text, e.hint, hint);
    assert_int_equal(args.timeout_ms, 4711);
}

static void
must_have(const struct ctl_args *a, const char *name, const char *text)
{
    const char *is = ctl_args_text(a, name);

    if (!is) fail_msg("no %s", name);
    assert_string_equal(is, text);
}

/* ---- lines ----------------------------------------------------------------- */

static void
global_options_stand_anywhere(void **state)
{
    static const char *const lines[] = {
        "agentctl --run /r --json --timeout 3s job show 12",
        "agentctl job --run /r show --json 12 --timeout 3s",
        "agentctl job show 12 --timeout=3s --json --run=/r",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct ctl_args a = must_parse(lines[i]);

        assert_int_equal(a.command->op, MSG_JOB_SHOW);
        must_have(&a, "run", "/r");
        must_have(&a, "json", "");
        must_have(&a, "ID", "12");
        assert_int_equal(a.timeout_ms, 3000);
    }
}

static void
a_value_stands_behind_its_option_or_in_the_same_word(void **state)
{
    struct ctl_args a;

    (void)state;
    a = must_parse("agentctl cron explain @daily -n 3");
    must_have(&a, "count", "3");
    a = must_parse("agentctl cron explain @daily -n3");
    must_have(&a, "count", "3");
    a = must_parse("agentctl cron explain @daily --count=3");
    must_have(&a, "count", "3");
    a = must_parse("agentctl job submit --title=a=b");
    must_have(&a, "title", "a=b");
    a = must_parse("agentctl job submit --title --json");
    must_have(&a, "title", "--json");
    assert_false(ctl_args_has(&a, "json"));
    a = must_parse("agentctl job submit --payload - x");
    must_have(&a, "payload", "-");
    must_have(&a, "HANDLER", "x");
}

static void
letters_stand_together(void **state)
{
    struct ctl_args a = must_parse("agentctl job logs -fh");

    (void)state;
    assert_true(ctl_args_has(&a, "follow"));
    assert_true(ctl_args_has(&a, "help"));
}

static void
two_dashes_end_the_options(void **state)
{
    struct ctl_args a = must_parse("agentctl session show -- --odd-key");

    (void)state;
    must_have(&a, "KEY", "--odd-key");
}

static void
a_line_may_stop_at_nothing_or_at_a_noun(void **state)
{
    struct ctl_args a = must_parse("agentctl --json");

    (void)state;
    assert_null(a.noun);
    assert_null(a.command);
    assert_int_equal(a.timeout_ms, -1);
    a = must_parse("agentctl job");
    assert_string_equal(a.noun, "job");
    assert_null(a.command);
    a = must_parse("agentctl status");
    assert_int_equal(a.command->op, MSG_STATUS);
}

static void
help_asks_for_nothing_else(void **state)
{
    struct ctl_args a = must_parse("agentctl job show --help");

    (void)state;
    assert_int_equal(a.command->op, MSG_JOB_SHOW);
    a = must_parse("agentctl job -h");
    assert_true(ctl_args_has(&a, "help"));
}

static void
a_tag_may_be_repeated_and_nothing_else(void **state)
{
    struct ctl_args a = must_parse("agentctl job submit x --tag a=1 --tag b=2");

    (void)state;
    assert_int_equal(a.ngiven, 3);
    must_refuse("agentctl job submit x --title a --title b", "--title is given twice", "");
    must_refuse("agentctl --json status --json", "--json is given twice", "");
}

static void
a_slip_is_answered_with_the_nearest_word(void **state)
{
    (void)state;
    must_refuse("agentctl jbo", "unknown command \"jbo\"", "agentctl job?");
    must_refuse("agentctl stat", "unknown command \"stat\"", "agentctl status?");
    must_refuse("agentctl job sumbit", "unknown command \"job sumbit\"", "agentctl job submit?");
    must_refuse("agentctl job list --stat x", "unknown option --stat", "--state?");
    must_refuse("agentctl job list --jsn", "unknown option --jsn", "--json?");
    must_refuse("agentctl xyzzy", "unknown command \"xyzzy\"", "agentctl help lists");
    must_refuse("agentctl job xyzzy", "unknown command \"job xyzzy\"", "agentctl help job");
    must_refuse("agentctl job show 1 -x", "unknown option -x", "agentctl help job show");
    must_refuse("agentctl "
                "a-word-that-is-much-longer-than-any-command-could-ever-reasonably-be-expected",
                "unknown command", "agentctl help");
}

static void
a_bad_line_says_what_is_wrong(void **state)
{
    (void)state;
    must_refuse("agentctl job show", "ID is missing", "agentctl help job show");
    must_refuse("agentctl job show 1 2", "one argument too many: \"2\"", "agentctl help job show");
    must_refuse("agentctl status now", "one argument too many: \"now\"", "agentctl help status");
    must_refuse("agentctl job submit --title", "--title wants a value", "");
    must_refuse("agentctl job submit --wait=1", "--wait takes no value", "");
    must_refuse("agentctl status --timeout soon", "--timeout: ", "");
    must_refuse("agentctl --priority 5 job submit", "unknown option --priority", "stand behind it");
}

static void
more_options_than_can_be_kept_are_refused(void **state)
{
    char *many[2 * CTL_GIVEN_MAX + 8] = {(char *)"agentctl", (char *)"job", (char *)"submit"};
    struct ctl_args args;
    struct err      e = {0};
    int             n = 3;

    (void)state;
    while (n < 3 + 2 * CTL_GIVEN_MAX) {
        many[n++] = (char *)"--tag";
        many[n++] = (char *)"k=v";
    }
    assert_int_equal(ctl_args_parse(n, many, &args, &e), E_OK);
    many[n++] = (char *)"--tag";
    many[n++] = (char *)"k=v";
    assert_int_equal(ctl_args_parse(n, many, &args, &e), E_BAD_REQUEST);
    assert_non_null(strstr(e.msg, "more than"));
}

static void
no_words_at_all_are_no_command(void **state)
{
    struct ctl_args args;
    struct err      e = {0};

    (void)state;
    assert_int_equal(ctl_args_parse(0, NULL, &args, &e), E_OK);
    assert_null(args.noun);
}

/* ---- sockets --------------------------------------------------------------- */

static void
must_be_at(const char *text, const struct ctl_place *place, const char *path)
{
    struct ctl_args a = must_parse(text);
    char            out[256];
    struct err      e = {0};

    if (ctl_args_socket(&a, place, out, sizeof(out), &e)) fail_msg("%s: %s", text, e.msg);
    assert_string_equal(out, path);
}

static void
must_be_nowhere(const char *text, const char *message)
{
    struct ctl_place place = {0};
    struct ctl_args  a = must_parse(text);
    char             out[256];
    struct err       e = {0};

    if (!ctl_args_socket(&a, &place, out, sizeof(out), &e)) fail_msg("%s: taken", text);
    if (!strstr(e.msg, message)) fail_msg("\"%s\" does not say \"%s\"", e.msg, message);
}

static void
the_nearest_setting_says_where_the_daemon_is(void **state)
{
    struct ctl_place root = {.uid = 0, .runtime_dir = "/run/user/0"};
    struct ctl_place user = {.uid = 1000, .runtime_dir = "/run/user/1000"};
    struct ctl_place bare = {.uid = 1000, .runtime_dir = "", .agentd_run = ""};
    struct ctl_place told = {.uid = 1000, .runtime_dir = "/x", .agentd_run = "/env"};

    (void)state;
    must_be_at("agentctl status", &root, "/run/agentd/agentd.sock");
    must_be_at("agentctl status", &user, "/run/user/1000/agentd/agentd.sock");
    must_be_at("agentctl status", &bare, "/run/user/1000/agentd/agentd.sock");
    must_be_at("agentctl status", &told, "/env/agentd.sock");
    must_be_at("agentctl status --run /flag", &told, "/flag/agentd.sock");
    must_be_at("agentctl status --connect ipc:///a/b.sock", &told, "/a/b.sock");
}

static void
what_is_no_local_socket_is_refused(void **state)
{
    char path[200] = "agentctl status --run /";

    (void)state;
    must_be_nowhere("agentctl status --connect tcp://127.0.0.1:1", "not supported by this version");
    must_be_nowhere("agentctl status --connect ipc://x", "absolute path");
    must_be_nowhere("agentctl status --connect ipc://", "absolute path");
    must_be_nowhere("agentctl status --run /a --connect ipc:///b", "exclude each other");
    memset(path + strlen(path), 'a', 120);
    must_be_nowhere(path, "the limit is 107");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(global_options_stand_anywhere),
        cmocka_unit_test(a_value_stands_behind_its_option_or_in_the_same_word),
        cmocka_unit_test(letters_stand_together),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(a_line_may_stop_at_nothing_or_at_a_noun),
        cmocka_unit_test(help_asks_for_nothing_else),
        cmocka_unit_test(a_tag_may_be_repeated_and_nothing_else),
        cmocka_unit_test(a_slip_is_answered_with_the_nearest_word),
        cmocka_unit_test(a_bad_line_says_what_is_wrong),
        cmocka_unit_test(more_options_than_can_be_kept_are_refused),
        cmocka_unit_test(no_words_at_all_are_no_command),
        cmocka_unit_test(the_nearest_setting_says_where_the_daemon_is),
        cmocka_unit_test(what_is_no_local_socket_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
