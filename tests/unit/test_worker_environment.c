#include "common/json.h"
#include "worker/environment.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct arena       arena;
static struct environment env;

static int
begin(void **state)
{
    (void)state;
    arena_init(&arena);
    environment_init(&env, &arena);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    environment_done(&env);
    arena_done(&arena);
    return 0;
}

/* The packed form; in the arena. */
static struct view
packed(const char *json)
{
    BUF_AUTO struct buf out = {0};
    struct err          e;

    assert_int_equal(json_to_mp(view_str(json), &out, &e), E_OK);
    return arena_copy(&arena, buf_view(&out));
}

static void
expect_items(const char *wanted)
{
    BUF_AUTO struct buf all = {0};

    for (size_t i = 0; i < env.count; i++)
        buf_printf(&all, "%s;", env.items[i]);
    assert_null(env.items[env.count]);
    assert_string_equal(buf_str(&all), wanted);
}

static void
a_variable_is_there_once(void **state)
{
    (void)state;
    expect_items("");
    assert_null(environment_get(&env, "A"));
    environment_set(&env, view_str("A"), view_str("1"));
    environment_set(&env, view_str("AB"), view_str("2"));
    environment_set(&env, view_str("A"), view_str(""));
    expect_items("A=;AB=2;");
    assert_string_equal(environment_get(&env, "AB"), "2");
    assert_string_equal(environment_get(&env, "A"), "");
    assert_null(environment_get(&env, "B"));
}

static void
it_grows(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "V%d", i);
        environment_set(&env, view_str(name), view_str(name));
    }
    assert_int_equal(env.count, 1000);
    assert_null(env.items[1000]);
    assert_string_equal(environment_get(&env, "V999"), "V999");
}

static void
only_listed_names_pass_and_some_never(void **state)
{
    char *const own[] = {"PATH=/bin", "HOME=/h",         "SECRET=s",      "PATHS=no",
                         "WANTED=w",  "AGENTD_TOKEN=t",  "ZSYS_LINGER=1", "NOTIFY_SOCKET=n",
                         "LC_ALL=C",  "WATCHDOG_USEC=1", "LISTEN_FDS=1",  NULL};
    struct view names = packed("[\"WANTED\",\"ABSENT\",\"AGENTD_TOKEN\",\"ZSYS_LINGER\","
                               "\"NOTIFY_SOCKET\",\"WATCHDOG_USEC\",\"LISTEN_FDS\"]");
    struct err  e;

    (void)state;
    assert_int_equal(environment_pass(&env, own, names, &e), E_OK);
    expect_items("PATH=/bin;HOME=/h;LC_ALL=C;WANTED=w;");
}

static void
names_that_no_variable_can_have_are_refused(void **state)
{
    static const char *const lists[] = {"[\"\"]", "[\"A=B\"]", "[1]", "[\"A\\u0000\"]"};
    static const char *const maps[] = {"{\"\":\"x\"}", "{\"A=B\":\"x\"}", "{\"A\":1}",
                                       "{\"A\":\"x\\u0000y\"}"};
    char *const              own[] = {NULL};
    struct err               e;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        assert_int_equal(environment_pass(&env, own, packed(lists[i]), &e), E_BAD_REQUEST);
        assert_string_equal(e.field, "env");
    }
    for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
        assert_int_equal(environment_set_map(&env, packed(maps[i]), &e), E_BAD_REQUEST);
        assert_string_equal(e.field, "set_env");
    }
}

static void
a_map_is_set(void **state)
{
    struct err e;

    (void)state;
    environment_set(&env, view_str("A"), view_str("old"));
    assert_int_equal(environment_set_map(&env, packed("{\"A\":\"new = \",\"B\":\"\"}"), &e), E_OK);
    assert_int_equal(environment_set_map(&env, view_of(NULL, 0), &e), E_OK);
    expect_items("A=new = ;B=;");
}

static void
a_command_is_a_list_of_strings(void **state)
{
    static const char *const bad[] = {"[]", "[\"\"]", "[1]", "[\"a\",null]", "[\"a\\u0000b\"]"};
    char                   **argv = NULL;
    struct err               e;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(command_unpack(&arena, packed(bad[i]), &argv, &e), E_BAD_REQUEST);
    assert_int_equal(command_unpack(&arena, view_of(NULL, 0), &argv, &e), E_BAD_REQUEST);
    assert_null(argv);
    assert_int_equal(command_unpack(&arena, packed("[\"a b\",\"\",\"c\"]"), &argv, &e), E_OK);
    assert_string_equal(argv[0], "a b");
    assert_string_equal(argv[1], "");
    assert_string_equal(argv[2], "c");
    assert_null(argv[3]);
}

static void
a_program_is_found_in_the_path(void **state)
{
    const char *file = NULL;
    struct err  e;

    (void)state;
    assert_int_equal(program_find(&arena, "./x/y", NULL, &file, &e), E_OK);
    assert_string_equal(file, "./x/y");
    assert_int_equal(program_find(&arena, "sh", "/nowhere::bin:/bin:/usr/bin", &file, &e), E_OK);
    assert_string_equal(file, "/bin/sh");
    assert_int_equal(program_find(&arena, "sh", NULL, &file, &e), E_OK);
    assert_int_equal(program_find(&arena, "passwd", "/etc", &file, &e), E_NOT_FOUND);
    assert_int_equal(program_find(&arena, "ssl", "/etc", &file, &e), E_NOT_FOUND); /* a folder */
    assert_int_equal(program_find(&arena, "sh", "", &file, &e), E_NOT_FOUND);
    assert_non_null(strstr(e.msg, "cannot start sh"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_variable_is_there_once),
        TEST(it_grows),
        TEST(only_listed_names_pass_and_some_never),
        TEST(names_that_no_variable_can_have_are_refused),
        TEST(a_map_is_set),
        TEST(a_command_is_a_list_of_strings),
        TEST(a_program_is_found_in_the_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
