/* The agents of etc/agents, driven as a worker drives them.  Every line they write must be
 * protocol. */
#include "common/json.h"
#include "common/mp.h"
#include "proto/codec.h"
#include "proto/handler_line.h"
#include "supervisor/config.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct rig {
    char       folder[64];
    char       path_variable[128]; /* with the folder before the system's */
    char       variables[4][256];  /* set by a test, in use up to the first empty one */
    int        status;             /* of the last run */
    struct buf out, err;
    /* Of the last run's lines. */
    unsigned   turns, results, checkpoints;
    bool       notify;
    struct buf message;    /* of the result, as it is */
    struct buf output;     /* of the result, as JSON */
    struct buf metadata;   /* likewise */
    struct buf checkpoint; /* the last one's data, as JSON; kept over runs */
};

/* ---- running an agent ---------------------------------------------------------------------------
 */

static char *
file_in(const struct rig *r, const char *name)
{
    return xasprintf("%s/%s", r->folder, name);
}

static void
write_file(const struct rig *r, const char *name, const char *mode, struct view text)
{
    FREE_AUTO char *path = file_in(r, name);
    FILE           *f = fopen(path, mode);

    assert_non_null(f);
    assert_int_equal(fwrite(text.data, 1, text.size, f), text.size);
    assert_int_equal(fclose(f), 0);
}

static void
read_file(const struct rig *r, const char *name, struct buf *out)
{
    FREE_AUTO char *path = file_in(r, name);
    FILE           *f = fopen(path, "re");
    char            block[4096];
    size_t          n;

    assert_non_null(f);
    buf_clear(out);
    while ((n = fread(block, 1, sizeof(block), f)) > 0)
        buf_add(out, block, n);
    assert_int_equal(fclose(f), 0);
}

static void
redirect(const struct rig *r, const char *name, int flags, int as)
{
    FREE_AUTO char *path = file_in(r, name);
    int             fd = open(path, flags, 0600);

    if (fd < 0 || dup2(fd, as) < 0) _exit(99);
}

static void
run_script(struct rig *r, const char *script)
{
    char *argv[] = {"sh", (char *)(uintptr_t)script, NULL};
    char *envp[8] = {r->path_variable};
    pid_t pid = fork();

    if (pid == 0) {
        for (size_t i = 0; i < ARRAY_LEN(r->variables) && r->variables[i][0]; i++)
            envp[i + 1] = r->variables[i];
        redirect(r, "stdin", O_RDONLY, 0);
        redirect(r, "stdout", O_WRONLY | O_CREAT | O_TRUNC, 1);
        redirect(r, "stderr", O_WRONLY | O_CREAT | O_TRUNC, 2);
        execve("/bin/sh", argv, envp);
        _exit(99);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &r->status, 0), pid);
    read_file(r, "stdout", &r->out);
    read_file(r, "stderr", &r->err);
}

static void
put_json(struct buf *out, struct view packed)
{
    struct err e;

    buf_clear(out);
    if (packed.size > 0) assert_int_equal(json_from_mp(packed, out, &e), E_OK);
}

static void
take_line(struct rig *r, struct view text)
{
    BUF_AUTO struct buf scratch = {0};
    struct handler_line line;
    struct err          e;

    if (handler_line_parse(text, &scratch, &line, &e)) fail_msg("%s: %.*s", e.msg, VIEW_ARG(text));
    switch (line.kind) {
    case LINE_TURN: r->turns++; break;
    case LINE_LOG: break;
    case LINE_CHECKPOINT:
        r->checkpoints++;
        put_json(&r->checkpoint, line.value);
        break;
    case LINE_RESULT:
        r->results++;
        r->notify = line.notify;
        buf_clear(&r->message);
        buf_add_view(&r->message, line.text);
        put_json(&r->output, line.value);
        put_json(&r->metadata, line.metadata);
        break;
    default: fail_msg("no such line was expected: %.*s", VIEW_ARG(text));
    }
}

static void
take_lines(struct rig *r)
{
    struct view rest = buf_view(&r->out);

    r->turns = r->results = r->checkpoints = 0;
    r->notify = false;
    while (rest.size > 0) {
        const char *end = memchr(rest.data, '\n', rest.size);

        assert_non_null(end);
        take_line(r, view_of(rest.data, (size_t)(end - rest.data)));
        rest = view_of(end + 1, (size_t)(rest.data + rest.size - end - 1));
    }
}

/* As agentd does it: the document has the last checkpoint, and the payload comes last. */
static void
run_agent(struct rig *r, const char *script, const char *payload)
{
    FREE_AUTO char *document = xasprintf(
        "{\"v\":1,\"job\":{\"id\":7,\"title\":null},\"agent\":{\"name\":\"a\"},\"why\":[],"
        "\"session\":{\"key\":\"schedule/s\",\"event_seq\":0},\"event\":null,\"checkpoint\":%s,"
        "\"action\":null,\"context\":{},\"budget\":{\"max_turns\":null},\"payload\":%s}\n",
        r->checkpoint.size > 0 ? buf_str(&r->checkpoint) : "null", payload);

    write_file(r, "stdin", "we", view_str(document));
    run_script(r, script);
    take_lines(r);
}

/* The job would complete, with one verdict. */
static void
must_complete(struct rig *r, const char *script)
{
    run_agent(r, script, "null");
    if (r->status != 0) fail_msg("status %d: %s", r->status, buf_str(&r->err));
    assert_int_equal(r->turns, 1);
    assert_int_equal(r->results, 1);
}

/* The job would fail, and standard error says why. */
static void
expect_failure(struct rig *r, const char *script, const char *says)
{
    run_agent(r, script, "null");
    assert_true(WIFEXITED(r->status) && WEXITSTATUS(r->status) == 1);
    if (!strstr(buf_str(&r->err), says)) fail_msg("%s", buf_str(&r->err));
    assert_int_equal(r->results, 0);
}

static void
set_variable(struct rig *r, size_t index, const char *name, const char *value)
{
    (void)snprintf(r->variables[index], sizeof(r->variables[index]), "%s=%s", name, value);
}

static int
rig_new(void **state)
{
    struct rig *r = xcalloc(1, sizeof(*r));

    (void)snprintf(r->folder, sizeof(r->folder), "/tmp/test_agents.XXXXXX");
    assert_non_null(mkdtemp(r->folder));
    (void)snprintf(r->path_variable, sizeof(r->path_variable), "PATH=%s:/usr/bin:/bin", r->folder);
    *state = r;
    return 0;
}

static int
rig_end(void **state)
{
    static const char *const names[] = {"stdin", "stdout", "stderr", "df",
                                        "table", "log",    "log.1",  "other"};
    struct rig              *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        FREE_AUTO char *path = file_in(r, names[i]);
        (void)unlink(path); /* most tests make only some */
    }
    assert_int_equal(rmdir(r->folder), 0);
    struct buf *all[] = {&r->out, &r->err, &r->message, &r->output, &r->metadata, &r->checkpoint};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        buf_done(all[i]);
    free(r);
    return 0;
}

/* ---- disk-watch ---------------------------------------------------------------------------------
 */

#define DISK_WATCH "etc/agents/disk-watch.sh"
#define HEADING    "Filesystem 1024-blocks Used Available Capacity Mounted on\n"

/* A df that shows this table and exits so. */
static void
fake_df(struct rig *r, const char *table, int status)
{
    FREE_AUTO char *path = file_in(r, "df");
    FREE_AUTO char *script = xasprintf("#!/bin/sh\ncat %s/table\nexit %d\n", r->folder, status);

    write_file(r, "table", "we", view_str(table));
    write_file(r, "df", "we", view_str(script));
    assert_int_equal(chmod(path, 0700), 0);
}

static void
disks_below_the_threshold_are_not_spoken_of(void **state)
{
    struct rig *r = *state;

    fake_df(r, HEADING "/dev/sda1 100 89 11 89% /\n/dev/sda2 100 0 100 0% /var\n", 0);
    must_complete(r, DISK_WATCH);
    assert_false(r->notify);
    assert_string_equal(buf_str(&r->output), "{\"seen\":2,\"over\":0}");
    assert_int_equal(r->message.size, 0);
}

static void
disks_at_the_threshold_are_named(void **state)
{
    struct rig *r = *state;

    fake_df(r,
            HEADING "/dev/sda1 100 90 10 90% /\n/dev/sda2 9 1 8 11% /a\n/dev/sdb 9 9 0 100% /b\n",
            0);
    must_complete(r, DISK_WATCH);
    assert_true(r->notify);
    assert_string_equal(buf_str(&r->message), "/ is 90% full, /b is 100% full");
    assert_string_equal(buf_str(&r->output), "{\"seen\":3,\"over\":2}");
    assert_string_equal(buf_str(&r->metadata),
                        "{\"threshold\":90,\"file_systems\":[{\"mount\":\"/\",\"used_percent\":90},"
                        "{\"mount\":\"/b\",\"used_percent\":100}]}");
    set_variable(r, 0, "THRESHOLD", "100");
    must_complete(r, DISK_WATCH);
    assert_string_equal(buf_str(&r->message), "/b is 100% full");
    set_variable(r, 0, "THRESHOLD", "0");
    must_complete(r, DISK_WATCH);
    assert_string_equal(buf_str(&r->output), "{\"seen\":3,\"over\":3}");
}

static void
strange_mount_names_stay_json(void **state)
{
    struct rig *r = *state;

    fake_df(r, HEADING "/dev/sda1 100 99 1 99% /a \"b\\n\" $(id) `id` \xc3\xa9 \xff \x01 c\n", 0);
    must_complete(r, DISK_WATCH);
    assert_string_equal(buf_str(&r->message), "/a \"b\\n\" $(id) `id` \xc3\xa9   c is 99% full");
}

static void
file_systems_without_blocks_are_passed_over(void **state)
{
    struct rig *r = *state;

    fake_df(r, HEADING "none 0 0 0 - /proc\n/dev/sda1 100 5 95 5% /\n", 0);
    must_complete(r, DISK_WATCH);
    assert_string_equal(buf_str(&r->output), "{\"seen\":1,\"over\":0}");
}

static void
a_df_that_may_not_see_all_is_believed_for_the_rest(void **state)
{
    struct rig *r = *state;

    fake_df(r, HEADING "/dev/sda1 100 95 5 95% /\n", 1);
    must_complete(r, DISK_WATCH);
    assert_string_equal(buf_str(&r->message), "/ is 95% full");
    fake_df(r, "", 1);
    expect_failure(r, DISK_WATCH, "disk-watch: df shows no file system");
    fake_df(r, HEADING, 0);
    expect_failure(r, DISK_WATCH, "disk-watch: df shows no file system");
}

static void
a_threshold_that_is_no_percentage_fails(void **state)
{
    static const char *const bad[] = {"x", "-1", "9 0", "101", "99999999999999999999", "090", "5%"};
    struct rig              *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        set_variable(r, 0, "THRESHOLD", bad[i]);
        expect_failure(r, DISK_WATCH, "disk-watch: THRESHOLD must be ");
    }
}

static void
the_disks_of_this_machine_can_be_watched(void **state)
{
    struct rig *r = *state;

    must_complete(r, DISK_WATCH);
    set_variable(r, 0, "THRESHOLD", "0");
    must_complete(r, DISK_WATCH);
    assert_true(r->notify);
}

/* ---- log-watch ----------------------------------------------------------------------------------
 */

#define LOG_WATCH "etc/agents/log-watch.sh"

/* The agent watches the file `log` of the rig, which holds `text`, and has run once. */
static void
start_watching(struct rig *r, const char *text)
{
    FREE_AUTO char *path = file_in(r, "log");

    set_variable(r, 0, "LOG_FILE", path);
    write_file(r, "log", "we", view_str(text));
    must_complete(r, LOG_WATCH);
    assert_int_equal(r->checkpoints, 1);
    assert_false(r->notify);
}

static void
append(struct rig *r, const char *text)
{
    write_file(r, "log", "ae", view_str(text));
}

static void
expect_found(struct rig *r, const char *lines, const char *last)
{
    FREE_AUTO char *path = file_in(r, "log");
    FREE_AUTO char *message =
        xasprintf("%s new lines in %s match 'error|fail|fatal|critical|panic'; the last: %s", lines,
                  path, last);
    FREE_AUTO char *output = xasprintf("{\"lines\":%s}", lines);

    must_complete(r, LOG_WATCH);
    assert_true(r->notify);
    assert_string_equal(buf_str(&r->message), message);
    assert_string_equal(buf_str(&r->output), output);
    assert_int_equal(r->checkpoints, 1);
}

static void
expect_quiet(struct rig *r)
{
    must_complete(r, LOG_WATCH);
    assert_false(r->notify);
    assert_string_equal(buf_str(&r->output), "{\"lines\":0}");
}

static void
the_first_run_starts_at_the_end_of_the_file(void **state)
{
    struct rig     *r = *state;
    FREE_AUTO char *path = file_in(r, "log");
    struct stat     st;

    start_watching(r, "error one\nerror two\n");
    assert_int_equal(stat(path, &st), 0);
    FREE_AUTO char *expected = xasprintf("{\"inode\":%llu,\"offset\":20,\"file\":\"%s\"}",
                                         (unsigned long long)st.st_ino, path);
    assert_string_equal(buf_str(&r->checkpoint), expected);
    expect_quiet(r);
}

static void
new_error_lines_are_counted_once(void **state)
{
    struct rig *r = *state;

    start_watching(r, "error old\n");
    append(r, "all is well\nERROR one\nit Failed twice, an error\nfine\n");
    expect_found(r, "2", "it Failed twice, an error");
    expect_quiet(r);
    append(r, "fine\n");
    expect_quiet(r);
    append(r, "panic\n");
    expect_found(r, "1", "panic");
}

static void
a_line_is_counted_when_it_is_whole(void **state)
{
    struct rig *r = *state;

    start_watching(r, "");
    append(r, "fine\nerror, and mo");
    expect_quiet(r);
    append(r, "re of it");
    expect_quiet(r);
    append(r, "\n");
    expect_found(r, "1", "error, and more of it");
}

static void
a_renamed_file_is_read_to_its_end_and_the_new_one_from_its_beginning(void **state)
{
    struct rig     *r = *state;
    FREE_AUTO char *path = file_in(r, "log");
    FREE_AUTO char *renamed = file_in(r, "log.1");

    start_watching(r, "error old\n");
    append(r, "error late\n");
    assert_int_equal(rename(path, renamed), 0);
    write_file(r, "log", "we", view_str("error new\nfine\n"));
    expect_found(r, "2", "error new");
    expect_quiet(r);
    append(r, "fatal\n");
    expect_found(r, "1", "fatal");
}

static void
a_file_that_is_another_is_read_from_its_beginning(void **state)
{
    struct rig     *r = *state;
    FREE_AUTO char *path = file_in(r, "log");
    FREE_AUTO char *other = file_in(r, "other");

    start_watching(r, "error old\n");
    write_file(r, "other", "we", view_str("error of another file, longer than the first\n"));
    write_file(r, "log.1", "we", view_str("error of a file that was never watched\n"));
    assert_int_equal(rename(other, path), 0);
    expect_found(r, "1", "error of another file, longer than the first");
}

static void
an_emptied_file_is_read_from_its_beginning(void **state)
{
    struct rig *r = *state;

    start_watching(r, "error old, and a long line of it\n");
    write_file(r, "log", "we", view_str("error new\n"));
    expect_found(r, "1", "error new");
    expect_quiet(r);
}

static void
a_missing_file_is_no_failure_and_keeps_the_place(void **state)
{
    struct rig     *r = *state;
    FREE_AUTO char *path = file_in(r, "log");
    FREE_AUTO char *other = file_in(r, "other");

    start_watching(r, "error old\n");
    append(r, "error new\n");
    assert_int_equal(rename(path, other), 0);
    expect_quiet(r);
    assert_int_equal(r->checkpoints, 0);
    assert_int_equal(rename(other, path), 0);
    expect_found(r, "1", "error new");
}

static void
strange_lines_stay_json(void **state)
{
    struct rig         *r = *state;
    BUF_AUTO struct buf line = {0};

    start_watching(r, "");
    append(r, "error \"q\" \\ \t\x01\x1b[31m $(id) \xc3\xa9 \xff\xc3 %s %n end\n");
    expect_found(r, "1", "error \"q\" \\  [31m $(id) \xc3\xa9  %s %n end");
    /* 200 bytes end within the last character. */
    buf_add_str(&line, "error ");
    for (int i = 0; i < 193; i++)
        buf_add_str(&line, "x");
    FREE_AUTO char *cut = xstrdup(buf_str(&line));
    buf_add_str(&line, "\xc3\xa9 and more\n");
    append(r, buf_str(&line));
    expect_found(r, "1", cut);
}

static void
nul_bytes_in_the_log_do_not_stop_it(void **state)
{
    struct rig *r = *state;

    start_watching(r, "");
    write_file(r, "log", "ae", view_of("\0\0error one\nerror two\n", 22));
    expect_found(r, "2", "error two");
}

static void
a_pattern_may_be_given_and_must_be_one(void **state)
{
    struct rig *r = *state;

    start_watching(r, "");
    append(r, "error\nit's \"odd\"\n");
    set_variable(r, 1, "PATTERN", "s \"o");
    must_complete(r, LOG_WATCH);
    assert_non_null(strstr(buf_str(&r->message), "match 's \"o'; the last: it's \"odd\""));
    append(r, "x\n");
    set_variable(r, 1, "PATTERN", "(");
    expect_failure(r, LOG_WATCH, "log-watch: grep cannot use PATTERN '('");
    set_variable(r, 1, "PATTERN", "-x");
    expect_quiet(r);
}

static void
what_is_no_file_fails(void **state)
{
    struct rig *r = *state;

    set_variable(r, 0, "LOG_FILE", r->folder);
    expect_failure(r, LOG_WATCH, " is not a file");
}

static void
text_in_the_payload_is_not_taken_for_a_checkpoint(void **state)
{
    struct rig     *r = *state;
    FREE_AUTO char *path = file_in(r, "log");

    set_variable(r, 0, "LOG_FILE", path);
    write_file(r, "log", "we", view_str("error\n"));
    run_agent(r, LOG_WATCH, "\"\\\"checkpoint\\\":{\\\"inode\\\":1,\\\"offset\\\":0}\"");
    assert_int_equal(r->status, 0);
    assert_false(r->notify);
    assert_non_null(strstr(buf_str(&r->checkpoint), "\"offset\":6"));
}

/* ---- both, and the file that names them ---------------------------------------------------------
 */

static void
without_a_document_they_fail(void **state)
{
    static const char *const documents[] = {"", "\n", "hello\n", "[1]\n", "{\"v\":2}\n"};
    struct rig              *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(documents); i++) {
        write_file(r, "stdin", "we", view_str(documents[i]));
        run_script(r, DISK_WATCH);
        assert_int_equal(WEXITSTATUS(r->status), 1);
        assert_int_equal(r->out.size, 0);
        run_script(r, LOG_WATCH);
        assert_int_equal(WEXITSTATUS(r->status), 1);
        assert_string_equal(buf_str(&r->err),
                            "log-watch: no document of version 1 on standard input\n");
    }
}

static void
check_program(struct view handler)
{
    struct msg_handler h;
    struct mp_reader   r;
    struct view        item, program;
    struct err         e;

    assert_int_equal(msg_unpack(msg_desc(MSG_HANDLER), handler, &h, &e), E_OK);
    struct list_iter it = list_iter_of(h.command);
    assert_true(list_next(&it, &item));
    r = mp_reader_of(item);
    assert_true(mp_read_str(&r, &program));
    FREE_AUTO char *path = view_dup(program);
    assert_int_equal(access(path, X_OK), 0);
}

static void
the_example_configuration_is_good_and_its_programs_are_there(void **state)
{
    static const char *const variables[] = {NULL};
    struct config_sources src = {.path = "etc/agentd.yaml", .environ = variables, .is_root = true};
    struct config         c;
    struct buf            warnings = {0};
    struct view           handlers, item;
    struct err            e;
    unsigned              count = 0;

    (void)state;
    if (config_load(&src, &c, &warnings, &e)) fail_msg("%s", e.msg);
    assert_int_equal(warnings.size, 0);
    assert_true(mp_find(buf_view(&c.engine_config), "handlers", &handlers));
    struct list_iter it = list_iter_of(handlers);
    for (; list_next(&it, &item); count++)
        check_program(item);
    assert_int_equal(count, 2);
    config_done(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_new, rig_end)
        TEST(disks_below_the_threshold_are_not_spoken_of),
        TEST(disks_at_the_threshold_are_named),
        TEST(strange_mount_names_stay_json),
        TEST(file_systems_without_blocks_are_passed_over),
        TEST(a_df_that_may_not_see_all_is_believed_for_the_rest),
        TEST(a_threshold_that_is_no_percentage_fails),
        TEST(the_disks_of_this_machine_can_be_watched),
        TEST(the_first_run_starts_at_the_end_of_the_file),
        TEST(new_error_lines_are_counted_once),
        TEST(a_line_is_counted_when_it_is_whole),
        TEST(a_renamed_file_is_read_to_its_end_and_the_new_one_from_its_beginning),
        TEST(a_file_that_is_another_is_read_from_its_beginning),
        TEST(an_emptied_file_is_read_from_its_beginning),
        TEST(a_missing_file_is_no_failure_and_keeps_the_place),
        TEST(strange_lines_stay_json),
        TEST(nul_bytes_in_the_log_do_not_stop_it),
        TEST(a_pattern_may_be_given_and_must_be_one),
        TEST(what_is_no_file_fails),
        TEST(text_in_the_payload_is_not_taken_for_a_checkpoint),
        TEST(without_a_document_they_fail),
        cmocka_unit_test(the_example_configuration_is_good_and_its_programs_are_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
