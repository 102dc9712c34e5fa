/* The example configuration as it is delivered, in a copy: its agents run, tell when there is
 * something to tell, and are quiet otherwise. */
#include "tests/system/e2e.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#define NOTICES "state/notices.jsonl"

static void
read_file(const char *path, struct buf *text)
{
    int     fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0) daemon_fail(&d, "%s is not there: tests run in the repository's root", path);
    buf_clear(text);
    do {
        buf_reserve(text, 65536);
        n = read(fd, text->data + text->size, 65536);
        assert_true(n >= 0);
        text->size += (size_t)n;
    } while (n > 0);
    (void)close(fd);
}

static void
copy_agent(const char *name)
{
    BUF_AUTO struct buf text = {0};
    FREE_AUTO char     *path = xasprintf("etc/agents/%s", name);
    FREE_AUTO char     *to = xasprintf("agents/%s", name);

    read_file(path, &text);
    script_write(&d, to, buf_str(&text));
}

static int
make(void **state)
{
    char folder[96];

    (void)state;
    e2e_make();
    (void)snprintf(folder, sizeof(folder), "%s/agents", d.folder); /* fits */
    assert_int_equal(mkdir(folder, 0700), 0);
    copy_agent("disk-watch.sh");
    copy_agent("log-watch.sh");
    copy_agent("housekeeper.sh");
    copy_agent("companion.py");
    return 0;
}

static void
replace(struct buf *text, const char *from, const char *to)
{
    struct buf  out = {0};
    const char *at = strstr(buf_str(text), from);

    if (!at) daemon_fail(&d, "etc/agentd.yaml has no '%s'", from);
    buf_add(&out, text->data, (size_t)(at - text->data));
    buf_add_str(&out, to);
    buf_add_str(&out, at + strlen(from));
    buf_done(text);
    *text = out;
}

/* Another threshold, and a log file of our own. */
static void
write_example(const char *threshold)
{
    BUF_AUTO struct buf text = {0};
    FREE_AUTO char     *line = xasprintf("THRESHOLD: %s\n", threshold);
    FREE_AUTO char     *file = xasprintf("LOG_FILE: %s/a.log\n", d.folder);

    read_file("etc/agentd.yaml", &text);
    replace(&text, "THRESHOLD: 90\n", line);
    replace(&text, "LOG_FILE: /var/log/dpkg.log\n", file);
    daemon_write_config(&d, buf_str(&text));
}

/* Their own schedules would run the agents, too, when a minute begins. */
static void
start_with(const char *threshold)
{
    write_example(threshold);
    daemon_start(&d, NULL);
    ctl_must(&c, "schedule pause disk-watch");
    ctl_must(&c, "schedule pause log-watch");
}

static void
the_example_is_sound_as_it_is(void **state)
{
    BUF_AUTO struct buf text = {0};

    (void)state;
    read_file("etc/agentd.yaml", &text);
    daemon_write_config(&d, buf_str(&text));
    daemon_expect_refusal(&d, 0, &text, "--check", NULL);
    assert_non_null(strstr(text.data, "agentd.yaml: ok\n"));
    daemon_start(&d, NULL);
    ctl_must(&c, "status");
    ctl_expect(&c, "warnings", "[]");
    ctl_must(&c, "schedule list");
    assert_int_equal(ctl_count(&c, "items"), 2);
    ctl_expect(&c, "items.0.origin", "\"config\"");
    ctl_must(&c, "agent list");
    assert_int_equal(ctl_count(&c, "items"), 4);
    ctl_must(&c, "reload");
    ctl_expect(&c, "plan", "[]");
}

static void
expect_quiet_run(const char *agent)
{
    ctl_must(&c, "job submit %s --agent %s --wait", agent, agent);
    ctl_expect(&c, "state", "\"completed\"");
    ctl_expect(&c, "attempt", "1");
    ctl_expect(&c, "usage.turns", "1");
    ctl_must(&c, "job logs %" PRId64, ctl_number(&c, "id"));
    assert_true(ctl_number(&c, "size") > 0);
}

static void
both_agents_run_and_are_quiet_while_all_is_well(void **state)
{
    (void)state;
    start_with("100");
    expect_quiet_run("disk-watch");
    expect_quiet_run("log-watch");
    ctl_must(&c, "effect list");
    ctl_expect(&c, "items", "[]");
    assert_int_equal(marks_count(&d, NOTICES), 0);
}

static void
the_companion_answers_and_sets_itself_a_timer(void **state)
{
    (void)state;
    start_with("100");
    ctl_must(&c, "session send me 'I am Ada' --agent companion");
    ctl_until(&c, "waiting", "0", "session show me");
    ctl_expect(&c, "event_seq", "1");
    ctl_expect(&c, "timers", "1");
    ctl_must(&c, "effect list --session me");
    ctl_expect(&c, "items.0.kind", "\"send_message\"");
    ctl_expect(&c, "items.0.status", "\"pending\""); /* it waits for a reader */
    ctl_expect(&c, "items.0.sink", "\"gateway\"");
    ctl_must(&c, "timer list me");
    ctl_expect(&c, "items.0.timer_id", "\"follow-up\"");
}

static void
a_low_threshold_and_a_reload_give_one_notice(void **state)
{
    BUF_AUTO struct buf text = {0};

    (void)state;
    start_with("100");
    expect_quiet_run("disk-watch");
    write_example("1");
    ctl_must(&c, "reload");
    ctl_expect(&c, "plan.0.kind", "\"handler\"");
    ctl_expect(&c, "plan.0.name", "\"disk-watch\"");
    ctl_expect(&c, "plan.0.action", "\"change\"");
    expect_quiet_run("disk-watch"); /* quiet it is not, but the same otherwise */
    ctl_until(&c, "items.0.status", "\"delivered\"", "effect list");
    assert_int_equal(ctl_count(&c, "items"), 1);
    json_t *notice = json_loads(marks_wait(&d, NOTICES, 1, &text), 0, NULL);
    assert_non_null(notice);
    const char *message = json_string_value(json_object_get(notice, "message"));
    assert_non_null(message);
    assert_non_null(strstr(message, "% full"));
    assert_int_equal(json_integer_value(json_object_get(notice, "effect_id")), 1);
    json_t *metadata = json_object_get(notice, "metadata");
    assert_int_equal(json_integer_value(json_object_get(metadata, "threshold")), 1);
    json_decref(notice);
    write_example("100");
    ctl_must(&c, "reload");
    expect_quiet_run("disk-watch");
    ctl_must(&c, "effect list");
    assert_int_equal(ctl_count(&c, "items"), 1);
    assert_int_equal(marks_count(&d, NOTICES), 1);
}

static void
append(const char *line)
{
    FREE_AUTO char *path = xasprintf("%s/a.log", d.folder);
    FILE           *file = fopen(path, "ae");

    assert_non_null(file);
    assert_true(fputs(line, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* What it has read it remembers from run to run. */
static void
a_line_in_the_log_gives_one_notice(void **state)
{
    BUF_AUTO struct buf text = {0};

    (void)state;
    append("error: from before\n");
    start_with("100");
    ctl_must(&c, "schedule add often --every 1s --agent log-watch");
    ctl_until(&c, "checkpoint.offset", "19", "session show schedule/often");
    append("all is well\n");
    append("error: a new one\n");
    const char *lines = marks_wait(&d, NOTICES, 1, &text);
    assert_non_null(strstr(lines, "\"lines\":1"));
    assert_non_null(strstr(lines, "error: a new one"));
    ctl_until(&c, "checkpoint.offset", "48", "session show schedule/often");
    ctl_must(&c, "schedule show often");
    int64_t fired = ctl_number(&c, "firing_count");
    ctl_until_least(&c, "firing_count", fired + 2, "schedule show often"); /* and looks again */
    assert_int_equal(marks_count(&d, NOTICES), 1);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, e2e_stop)
    const struct CMUnitTest tests[] = {
        TEST(the_example_is_sound_as_it_is),
        TEST(both_agents_run_and_are_quiet_while_all_is_well),
        TEST(the_companion_answers_and_sets_itself_a_timer),
        TEST(a_low_threshold_and_a_reload_give_one_notice),
        TEST(a_line_in_the_log_gives_one_notice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
