#include "supervisor/config/places.h"
#include "tests/unit/config_fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

static void
must_load(struct fixture *f, const char *text)
{
    if (fixture_load_text(f, text)) fail_msg("refused: %s", f->e.msg);
}

static void
set_variables(struct fixture *f, const char *first, const char *second)
{
    f->variables[0] = first;
    f->variables[1] = second;
}

/* ---- folders --------------------------------------------------------------- */

static void
the_command_line_beats_variable_beats_setting_beats_default(void **state)
{
    struct fixture *f = *state;
    const char     *sets[] = {"daemon.state_dir=/by-set", "daemon.run_dir=/run-by-set"};
    const char     *file = "daemon: {state_dir: /by-file, run_dir: /run-by-file}\n";

    f->src.state_dir = f->src.run_dir = NULL;
    must_load(f, "");
    assert_string_equal(f->config.state_dir, "/var/lib/agentd");
    assert_string_equal(f->config.run_dir, "/run/agentd");
    assert_string_equal(f->config.pid_file, "/run/agentd/agentd.pid");
    must_load(f, file);
    assert_string_equal(f->config.state_dir, "/by-file");
    assert_string_equal(f->config.run_dir, "/run-by-file");
    set_variables(f, "AGENTD_DAEMON_STATE_DIR=/by-key", "AGENTD_DAEMON_RUN_DIR=/run-by-key");
    must_load(f, file);
    assert_string_equal(f->config.state_dir, "/by-key");
    assert_string_equal(f->config.run_dir, "/run-by-key");
    set_variables(f, "AGENTD_STATE=/by-variable", "AGENTD_RUN=/run-by-variable");
    must_load(f, file);
    assert_string_equal(f->config.state_dir, "/by-variable");
    assert_string_equal(f->config.run_dir, "/run-by-variable");
    f->src.sets = sets;
    f->src.nsets = 2;
    must_load(f, file);
    assert_string_equal(f->config.state_dir, "/by-set");
    assert_string_equal(f->config.run_dir, "/run-by-set");
    f->src.state_dir = "/by-option";
    f->src.run_dir = "/run-by-option";
    must_load(f, file);
    assert_string_equal(f->config.state_dir, "/by-option");
    assert_string_equal(f->config.run_dir, "/run-by-option");
    assert_string_equal(f->config.pid_file, "/run-by-option/agentd.pid");
}

static void
relative_folders_are_below_the_working_directory_or_the_files_folder(void **state)
{
    struct fixture *f = *state;
    FREE_AUTO char *before = getcwd(NULL, 0);
    FREE_AUTO char *in_file = xasprintf("%s/x.pid", f->folder);

    assert_int_equal(chdir("/"), 0);
    f->src.state_dir = "some/state";
    f->src.run_dir = "./run";
    must_load(f, "daemon: {pid_file: ./x.pid}\n");
    assert_string_equal(f->config.pid_file, in_file);
    assert_string_equal(f->config.state_dir, "/some/state");
    assert_string_equal(f->config.run_dir, "/run");
    set_variables(f, "AGENTD_DAEMON_PID_FILE=y.pid", NULL);
    must_load(f, "daemon: {pid_file: x.pid}\n");
    assert_string_equal(f->config.pid_file, "/y.pid");
    assert_int_equal(chdir(before), 0);
}

static void
the_run_folder_leaves_room_for_sockets(void **state)
{
    struct fixture *f = *state;
    char            path[128];

    (void)snprintf(path, sizeof(path), "/%091d", 0);
    f->src.run_dir = path;
    must_load(f, "");
    (void)snprintf(path, sizeof(path), "/%092d", 0);
    assert_int_equal(fixture_load(f), E_BAD_REQUEST);
    assert_non_null(strstr(f->e.msg, "the run folder's path is over 92 bytes: /000"));
    f->src.run_dir = NULL;
    FREE_AUTO char *variable = xasprintf("AGENTD_DAEMON_RUN_DIR=%s", path);
    set_variables(f, variable, NULL);
    must_load(f, "daemon: {run_dir: /short}\n");
    assert_string_equal(f->config.run_dir, "/short");
    assert_true(f->warnings.size > 0);
}

static void
an_ordinary_user_has_the_xdg_folders(void **state)
{
    struct fixture *f = *state;

    f->src.is_root = false;
    f->src.state_dir = f->src.run_dir = NULL;
    f->variables[0] = "XDG_STATE_HOME=/xs";
    f->variables[1] = "XDG_RUNTIME_DIR=/xr";
    must_load(f, "");
    assert_string_equal(f->config.state_dir, "/xs/agentd");
    assert_string_equal(f->config.run_dir, "/xr/agentd");
    f->variables[0] = "HOME=/home/u";
    must_load(f, "");
    assert_string_equal(f->config.state_dir, "/home/u/.local/state/agentd");
    f->variables[2] = "XDG_STATE_HOME=not/absolute";
    must_load(f, "");
    assert_string_equal(f->config.state_dir, "/home/u/.local/state/agentd");
    f->variables[1] = "XDG_RUNTIME_DIR=";
    assert_int_equal(fixture_load(f), E_BAD_REQUEST);
    assert_string_equal(f->e.msg, "no run folder: XDG_RUNTIME_DIR is not set");
    assert_string_equal(f->e.hint, "name one with --run DIR or AGENTD_RUN");
    f->variables[0] = f->variables[1] = "X=";
    assert_int_equal(fixture_load(f), E_BAD_REQUEST);
    assert_string_equal(f->e.msg, "no state folder: neither XDG_STATE_HOME nor HOME is set");
}

/* ---- the file -------------------------------------------------------------- */

static void
the_option_beats_the_variable_and_both_must_be_there(void **state)
{
    struct fixture *f = *state;
    FREE_AUTO char *variable = xasprintf("AGENTD_CONFIG=%s", f->path);
    FREE_AUTO char *missing = xasprintf("%s/missing.yaml", f->folder);
    FREE_AUTO char *missing_variable = xasprintf("AGENTD_CONFIG=%s", missing);
    FREE_AUTO char *says = xasprintf("%s: no such file", missing);

    fixture_write(f, view_str("limits: {max_turns: 9}\n"));
    f->src.path = NULL;
    set_variables(f, variable, NULL);
    assert_int_equal(fixture_load(f), E_OK);
    assert_int_equal(f->config.limits.max_turns, 9);
    f->src.path = missing;
    assert_int_equal(fixture_load(f), E_NOT_FOUND);
    assert_string_equal(f->e.msg, says);
    f->src.path = f->path;
    set_variables(f, missing_variable, NULL);
    assert_int_equal(fixture_load(f), E_OK);
    f->src.path = NULL;
    assert_int_equal(fixture_load(f), E_NOT_FOUND);
    f->src.path = f->folder;
    assert_int_equal(fixture_load(f), E_INTERNAL);
}

static void
the_default_file_may_be_absent_and_is_read_when_there(void **state)
{
    struct fixture *f = *state;
    FREE_AUTO char *variable = xasprintf("XDG_CONFIG_HOME=%s", f->folder);
    FREE_AUTO char *folder = xasprintf("%s/agentd", f->folder);
    FREE_AUTO char *path = xasprintf("%s/agentd.yaml", folder);
    FREE_AUTO char *program = xasprintf("%s/run.sh", folder);

    f->src.path = NULL;
    f->src.is_root = false;
    set_variables(f, variable, NULL);
    assert_int_equal(fixture_load(f), E_OK);
    assert_string_equal(f->config.path, "");
    assert_int_equal(f->config.limits.max_turns, NO_LIMIT);
    assert_int_equal(mkdir(folder, 0700), 0);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs("limits: {max_turns: 9}\n"
                      "handlers: {h: {kind: exec, command: [./run.sh]}}\n",
                      file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(fixture_load(f), E_OK);
    assert_string_equal(f->config.path, path);
    assert_int_equal(f->config.limits.max_turns, 9);
    assert_non_null(memmem(f->config.engine_config.data, f->config.engine_config.size, program,
                           strlen(program)));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void
a_relative_name_of_the_file_is_made_absolute(void **state)
{
    struct fixture *f = *state;
    FREE_AUTO char *cwd = getcwd(NULL, 0);

    fixture_write(f, view_str("limits: {max_turns: x}\n"));
    assert_int_equal(chdir(f->folder), 0);
    f->src.path = "c.yaml";
    assert_int_equal(fixture_load(f), E_BAD_REQUEST);
    assert_memory_equal(f->e.msg, "c.yaml:1:21: limits.max_turns: ", 31);
    fixture_write(f, view_str("\n"));
    assert_int_equal(fixture_load(f), E_OK);
    assert_string_equal(f->config.path, f->path);
    assert_int_equal(chdir(cwd), 0);
}

static void
paths_are_joined_without_ornament(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a);
    assert_string_equal(path_from(&a, "/f", view_str("/x")), "/x");
    assert_string_equal(path_from(&a, "/f", view_str("x")), "/f/x");
    assert_string_equal(path_from(&a, "/", view_str("x")), "/x");
    assert_string_equal(path_from(&a, "/f", view_str("././x")), "/f/x");
    assert_string_equal(path_from(&a, "/f", view_str("../x")), "/f/../x");
    assert_string_equal(path_folder(&a, "/f/x"), "/f");
    assert_string_equal(path_folder(&a, "/x"), "/");
    arena_done(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_new, fixture_end)
        TEST(the_command_line_beats_variable_beats_setting_beats_default),
        TEST(relative_folders_are_below_the_working_directory_or_the_files_folder),
        TEST(the_run_folder_leaves_room_for_sockets),
        TEST(an_ordinary_user_has_the_xdg_folders),
        TEST(the_option_beats_the_variable_and_both_must_be_there),
        TEST(the_default_file_may_be_absent_and_is_read_when_there),
        TEST(a_relative_name_of_the_file_is_made_absolute),
        cmocka_unit_test(paths_are_joined_without_ornament),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
