/* agentctl forecast on the real daemon: it changes nothing, one runs at a time, and neither its
 * death nor anybody else's is the other's (C12). */
#include "common/proc.h"
#include "tests/system/e2e.h"
#include <fcntl.h>
#include <signal.h>

#define CONFIG                                          \
    "workers: {count: 1, slots: 4}\n"                   \
    "daemon: {stop_grace: 0s}\n"                        \
    "companies: {acme: {}}\n"                           \
    "limits: {schedule_max_concurrent: 1}\n"            \
    "schedules:\n"                                      \
    "  nightly: {cron: \"0 3 * * *\", handler: noop}\n" \
    "  report: {cron: \"0 3 * * *\", handler: noop, company: acme}\n"

static int
start(void **state)
{
    (void)state;
    e2e_make();
    return e2e_start(CONFIG);
}

/* ---- its process --------------------------------------------------------------------------- */

static bool
is_forecast(pid_t pid)
{
    char    path[64], line[64] = "";
    int     fd;
    ssize_t size;

    (void)snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid); /* fits */
    if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0) return false;
    size = read(fd, line, sizeof(line) - 1);
    (void)close(fd);
    return size == sizeof("agentd") + sizeof("--forecast") &&
           strcmp(line + sizeof("agentd"), "--forecast") == 0;
}

/* Into *arg; 0: there is none. */
static bool
find_forecast(void *arg)
{
    pid_t  children[64], *found = arg;
    size_t count = proc_children(d.pid, children, 64);

    *found = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_forecast(children[i]) && !proc_is_zombie(children[i])) *found = children[i];
    }
    return *found != 0;
}

static bool
is_gone(void *arg)
{
    const pid_t *pid = arg;

    return kill(*pid, 0) != 0 || proc_is_zombie(*pid);
}

/* A forecast of a million firings, whose process is stopped as soon as it is there. */
static pid_t
start_long(struct ctl_process *p)
{
    pid_t pid;

    for (int i = 0; i < 20; i++)
        ctl_must(&c, "schedule add every%d --every 1s --handler noop", i);
    ctl_start(p, &d, "forecast --hours 720");
    daemon_wait_until(&d, "a forecast runs", find_forecast, &pid);
    assert_int_equal(kill(pid, SIGSTOP), 0);
    return pid;
}

/* ---- tests --------------------------------------------------------------------------------- */

static void
a_forecast_tells_of_waits_and_changes_nothing(void **state)
{
    int64_t before = ctl_state_hash(&c);

    (void)state;
    ctl_must(&c, "forecast --hours 24");
    ctl_expect(&c, "forecast.firings", "2");
    ctl_expect(&c, "forecast.slots", "4");
    ctl_expect(&c, "forecast.wait.max_ms", "60000"); /* never measured: a minute each */
    ctl_expect(&c, "forecast.limits.0.by", "\"schedule_cap\"");
    ctl_expect(&c, "with", "null");
    assert_true(ctl_state_hash(&c) == before);
}

static void
a_file_says_what_a_change_would_do(void **state)
{
    char path[128];
    int  fd;

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/with.yaml", d.folder); /* fits */
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(dprintf(fd, "schedules:\n  nightly: {cron: \"0 4 * * *\"}\n") > 0);
    assert_int_equal(close(fd), 0);
    ctl_must(&c, "forecast --hours 24 --with %s", path);
    ctl_expect(&c, "forecast.wait.max_ms", "60000");
    ctl_expect(&c, "with.wait.max_ms", "0");
    ctl_must(&c, "schedule show nightly");
    ctl_expect(&c, "cron", "\"0 3 * * *\"");
    fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_true(dprintf(fd, "schedules:\n  nightly: {corn: \"0 4 * * *\"}\n") > 0);
    assert_int_equal(close(fd), 0);
    ctl_refused(&c, 1, "bad_request", "--with:2:13", "forecast --with %s", path);
}

static void
a_company_is_shown_alone(void **state)
{
    (void)state;
    ctl_must(&c, "forecast --hours 24 --company acme");
    ctl_expect(&c, "forecast.firings", "1");
    ctl_expect(&c, "forecast.schedules.0.schedule", "\"acme/report\"");
    ctl_refused(&c, 1, "not_found", "nobody", "forecast --company nobody");
}

static void
a_second_forecast_is_busy_and_a_killed_one_is_an_error(void **state)
{
    struct ctl_process first;
    struct buf         complaint = {0};
    pid_t              pid = start_long(&first);

    (void)state;
    ctl_refused(&c, 1, "busy", "it ends within", "forecast --hours 1");
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(ctl_end(&first, 0, &complaint), 1);
    buf_add(&complaint, "", 1);
    assert_non_null(strstr(complaint.data, "died"));
    buf_done(&complaint);
    ctl_must(&c, "forecast --hours 1");
    ctl_must(&c, "fsck");
    ctl_expect(&c, "ok", "true");
}

static void
a_worker_s_death_is_not_the_forecast_s(void **state)
{
    struct ctl_process first;
    pid_t              pid = start_long(&first), found;

    (void)state;
    ctl_must(&c, "worker list");
    assert_int_equal(kill((pid_t)ctl_number(&c, "items.0.pid"), SIGKILL), 0);
    ctl_until(&c, "workers.died", "1", "status");
    ctl_until(&c, "workers.live", "1", "status");
    assert_true(find_forecast(&found));
    assert_int_equal(found, pid);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(ctl_end(&first, 0, NULL), 1);
}

static bool
has_room(void *arg)
{
    (void)arg;
    return ctl_run(&c, "forecast --hours 1") == 0;
}

static void
it_ends_with_whoever_asked_for_it(void **state)
{
    struct ctl_process first;
    pid_t              pid = start_long(&first);

    (void)state;
    (void)ctl_end(&first, SIGINT, NULL);
    daemon_wait_until(&d, "the forecast ends", is_gone, &pid);
    daemon_wait_until(&d, "another forecast runs", has_room, NULL);
}

static void
it_ends_with_the_daemon(void **state)
{
    struct ctl_process first;
    pid_t              pid = start_long(&first);

    (void)state;
    daemon_stop(&d);
    daemon_wait_until(&d, "the forecast ends", is_gone, &pid);
    (void)ctl_end(&first, SIGKILL, NULL); /* it would ask again for minutes */
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, e2e_stop)
    const struct CMUnitTest tests[] = {
        TEST(a_forecast_tells_of_waits_and_changes_nothing),
        TEST(a_file_says_what_a_change_would_do),
        TEST(a_company_is_shown_alone),
        TEST(a_second_forecast_is_busy_and_a_killed_one_is_an_error),
        TEST(a_worker_s_death_is_not_the_forecast_s),
        TEST(it_ends_with_whoever_asked_for_it),
        TEST(it_ends_with_the_daemon),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
