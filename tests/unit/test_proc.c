#include "common/proc.h"

#include "common/clock.h"
#include "common/mem.h"
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define DEADLINE_MS 20000
#define TEST(fact)  cmocka_unit_test_setup_teardown(fact, setup, teardown)

static bool lists_are_hidden;

/* In place of libc's: lets a test take away the kernel's lists of children. */
int
access(const char *path, int mode)
{
    if (lists_are_hidden && strcmp(path, "/proc/thread-self/children") == 0) return -1;
    return (int)syscall(SYS_faccessat, AT_FDCWD, path, mode);
}

static int
setup(void **state)
{
    (void)state;
    lists_are_hidden = false;
    return prctl(PR_SET_CHILD_SUBREAPER, 1);
}

/* No test leaves a child behind. */
static int
teardown(void **state)
{
    int64_t deadline = clock_now().boot_ms + DEADLINE_MS;

    (void)state;
    lists_are_hidden = false;
    while (proc_kill_tree(getpid(), 0) > 0 || waitpid(-1, NULL, WNOHANG) >= 0) {
        if (clock_now().boot_ms > deadline) return -1;
    }
    return prctl(PR_SET_CHILD_SUBREAPER, 0);
}

/* Forks; the child runs `body` and waits to be killed. */
static pid_t
start(void (*body)(int ready), int *ready)
{
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(ends[0]);
        body(ends[1]);
        for (;;)
            pause();
    }
    close(ends[1]);
    *ready = ends[0];
    return pid;
}

static void
say_pid(int ready)
{
    pid_t pid = getpid();

    if (write(ready, &pid, sizeof(pid)) != (ssize_t)sizeof(pid)) _exit(1);
}

static pid_t
hear_pid(int ready)
{
    pid_t pid = 0;

    assert_int_equal(read(ready, &pid, sizeof(pid)), sizeof(pid));
    return pid;
}

static pid_t
start_idle(void)
{
    int   ready;
    pid_t pid = start(say_pid, &ready);

    assert_int_equal(hear_pid(ready), pid);
    close(ready);
    return pid;
}

static void
reap(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Waits until the process is a zombie, or until only its first thread is. */
static void
wait_dead(pid_t pid)
{
    siginfo_t info;

    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

static void
start_time_tells_processes_apart(void **state)
{
    (void)state;
    uint64_t own = proc_own_start_time();
    assert_true(own > 0);
    assert_true(proc_start_time(getpid()) == own);
    pid_t child = start_idle();
    assert_true(proc_start_time(child) >= own);
    kill(child, SIGKILL);
    wait_dead(child);
    assert_true(proc_start_time(child) >= own);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(proc_start_time(child) == 0);
}

static void
start_time_is_field_22_whatever_the_name(void **state)
{
    char               text[1024] = {0};
    unsigned long long start;

    (void)state;
    prctl(PR_SET_NAME, "a) Z 1 (b) 2");
    int fd = open("/proc/self/stat", O_RDONLY);
    assert_true(read(fd, text, sizeof(text) - 1) > 0);
    close(fd);
    assert_int_equal(sscanf(strrchr(text, ')'),
                            ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
                            "%*d %*d %llu",
                            &start),
                     1);
    assert_true(proc_own_start_time() == start);
    assert_false(proc_is_zombie(getpid()));
}

static void
boot_id_is_stable(void **state)
{
    (void)state;
    assert_true(proc_boot_id() != 0);
    assert_true(proc_boot_id() == proc_boot_id());
}

static void
ended_child_is_a_zombie_until_reaped(void **state)
{
    (void)state;
    pid_t child = start_idle();
    assert_false(proc_is_zombie(child));
    kill(child, SIGKILL);
    wait_dead(child);
    assert_true(proc_is_zombie(child));
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_false(proc_is_zombie(child));
}

static void *
say_and_pause(void *arg)
{
    int ready = *(int *)arg;

    /* The first thread's state shows when it has ended. */
    for (char state = 0; state != 'Z';) {
        FILE *f = fopen("/proc/self/stat", "r");
        if (!f || fscanf(f, "%*d (%*[^)]) %c", &state) != 1) _exit(1);
        fclose(f);
    }
    say_pid(ready);
    for (;;)
        pause();
    return NULL;
}

static void
end_first_thread(int ready)
{
    static int end;
    pthread_t  thread;

    end = ready;
    if (pthread_create(&thread, NULL, say_and_pause, &end) != 0) _exit(1);
    syscall(SYS_exit, 0); /* this thread alone */
}

static void
process_without_its_first_thread_is_alive(void **state)
{
    int ready;

    (void)state;
    pid_t child = start(end_first_thread, &ready);
    assert_int_equal(hear_pid(ready), child);
    close(ready);
    assert_false(proc_is_zombie(child));
    assert_int_equal(proc_kill_tree(getpid(), 0), 1);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void
environment_is_read_by_name(void **state)
{
    char  value[16] = "before";
    char *environment[] = {"AGENTD_LEASE=12", "LONG=0123456789abcdef",
                           "EMPTY=", "FIT=0123456789abcde", NULL};

    (void)state;
    pid_t child = fork();
    if (child == 0) {
        execle("/bin/sh", "sh", "-c", "kill -STOP $$", (char *)NULL, environment);
        _exit(1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    assert_true(WIFSTOPPED(status));
    assert_true(proc_environ(child, "AGENTD_LEASE", value, sizeof(value)));
    assert_string_equal(value, "12");
    assert_false(proc_environ(child, "AGENTD", value, sizeof(value)));
    assert_false(proc_environ(child, "LEASE", value, sizeof(value)));
    assert_false(proc_environ(child, "LONG", value, sizeof(value)));
    assert_string_equal(value, "12");
    assert_true(proc_environ(child, "FIT", value, sizeof(value)));
    assert_string_equal(value, "0123456789abcde");
    assert_true(proc_environ(child, "EMPTY", value, sizeof(value)));
    assert_string_equal(value, "");
    reap(child);
    assert_false(proc_environ(child, "AGENTD_LEASE", value, sizeof(value)));
}

static void *
fork_in_thread(void *arg)
{
    int  *talk = arg;
    pid_t child = start_idle();
    char  c;

    if (write(talk[1], &child, sizeof(child)) != (ssize_t)sizeof(child)) return NULL;
    while (read(talk[2], &c, 1) > 0)
        continue;
    return NULL;
}

static bool
is_in(const pid_t *pids, size_t count, pid_t pid)
{
    for (size_t i = 0; i < count; i++) {
        if (pids[i] == pid) return true;
    }
    return false;
}

static void
children_of_all_threads_are_found(void **state)
{
    pid_t     pids[8];
    pid_t     a = start_idle();
    pid_t     b = start_idle();
    pthread_t thread;
    int talk[4]; /* the thread tells its child's pid, and ends at the end of the second pipe */

    (void)state;
    assert_int_equal(pipe2(talk, O_CLOEXEC) | pipe2(talk + 2, O_CLOEXEC), 0);
    assert_int_equal(pthread_create(&thread, NULL, fork_in_thread, talk), 0);
    pid_t c = hear_pid(talk[0]);
    for (int hidden = 0; hidden < 2; hidden++) {
        lists_are_hidden = hidden;
        size_t count = proc_children(getpid(), pids, ARRAY_LEN(pids));
        assert_int_equal(count, 3);
        assert_true(is_in(pids, count, a) && is_in(pids, count, b) && is_in(pids, count, c));
        assert_int_equal(proc_children(getpid(), pids, 2), 2);
        assert_int_equal(proc_children(a, pids, ARRAY_LEN(pids)), 0);
    }
    assert_int_equal(proc_parent(c), getpid());
    close(talk[3]);
    reap(c); /* it holds the second pipe open too */
    assert_int_equal(pthread_join(thread, NULL), 0);
    reap(a);
    reap(b);
    for (int i = 0; i < 3; i++)
        close(talk[i]);
    assert_int_equal(proc_children(a, pids, ARRAY_LEN(pids)), 0);
}

struct search {
    pid_t wanted;
    int   seen;
    int   visits;
    int   visits_max; /* 0: no bound */
};

static bool
look(pid_t pid, void *arg)
{
    struct search *s = arg;

    s->seen += pid == s->wanted;
    return ++s->visits != s->visits_max;
}

static void
each_visits_every_process_once_until_told(void **state)
{
    pid_t         child = start_idle();
    struct search s = {.wanted = child};
    struct search own = {.wanted = getpid()};
    struct search first = {.visits_max = 1};

    (void)state;
    proc_each(look, &s);
    assert_int_equal(s.seen, 1);
    proc_each(look, &own);
    assert_int_equal(own.seen, 1);
    proc_each(look, &first);
    assert_int_equal(first.visits, 1);
    reap(child);
}

/* A child, a grandchild in a session of its own, and an orphan of it. */
static void
spread(int ready)
{
    say_pid(ready);
    if (fork() == 0) {
        setsid();
        say_pid(ready);
        if (fork() == 0) {
            if (fork() == 0) {
                setsid();
                say_pid(ready);
                for (;;)
                    pause();
            }
            _exit(0);
        }
    }
}

static void
kill_all_of_tree(void)
{
    int      ready;
    int64_t  deadline = clock_now().boot_ms + DEADLINE_MS;
    pid_t    pids[8];
    uint64_t killed = 0;
    size_t   now;

    (void)start(spread, &ready);
    for (int i = 0; i < 3; i++)
        assert_true(hear_pid(ready) > 0);
    while ((now = proc_kill_tree(getpid(), 0)) > 0) {
        killed += now;
        assert_true(clock_now().boot_ms < deadline);
    }
    assert_true(killed >= 3);
    /* Only the end of every writer ends the pipe. */
    assert_int_equal(read(ready, &now, 1), 0);
    close(ready);
    while (waitpid(-1, NULL, 0) > 0)
        continue;
    assert_int_equal(proc_children(getpid(), pids, ARRAY_LEN(pids)), 0);
}

static void
kill_tree_reaches_sessions_and_orphans(void **state)
{
    (void)state;
    kill_all_of_tree();
}

static void
kill_tree_does_without_the_kernels_lists(void **state)
{
    (void)state;
    lists_are_hidden = true;
    kill_all_of_tree();
}

static void
kill_tree_does_not_count_the_dead(void **state)
{
    (void)state;
    pid_t child = start_idle();
    kill(child, SIGKILL);
    wait_dead(child);
    assert_int_equal(proc_kill_tree(getpid(), 0), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void
lead_group(int ready)
{
    setpgid(0, 0);
    if (fork() == 0) {
        say_pid(ready);
        for (;;)
            pause();
    }
    say_pid(ready);
}

static void
kill_tree_takes_a_group_that_is_no_descendant(void **state)
{
    int     ready;
    int64_t deadline = clock_now().boot_ms + DEADLINE_MS;
    pid_t   other = start_idle();
    pid_t   leader = start(lead_group, &ready);
    char    c;

    (void)state;
    assert_true(hear_pid(ready) > 0 && hear_pid(ready) > 0);
    assert_true(proc_kill_tree(other, leader) > 0);
    while (proc_kill_tree(other, leader) > 0)
        assert_true(clock_now().boot_ms < deadline);
    assert_int_equal(read(ready, &c, 1), 0);
    close(ready);
    assert_true(proc_is_zombie(leader));
    assert_false(proc_is_zombie(other));
    assert_int_equal(waitpid(leader, NULL, 0), leader);
    reap(other);
}

static void
kill_tree_spares_root_and_its_own_group(void **state)
{
    (void)state;
    pid_t child = start_idle();
    assert_int_equal(proc_kill_tree(child, 0), 0);
    assert_int_equal(proc_kill_tree(child, getpgrp()), 0);
    assert_int_equal(proc_kill_tree(child, 1), 0);
    assert_int_equal(setpgid(child, child), 0);
    assert_int_equal(proc_kill_tree(child, child), 0);
    assert_int_equal(waitpid(child, NULL, WNOHANG), 0);
    assert_false(proc_is_zombie(child));
    reap(child);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(start_time_tells_processes_apart),
        TEST(start_time_is_field_22_whatever_the_name),
        TEST(boot_id_is_stable),
        TEST(ended_child_is_a_zombie_until_reaped),
        TEST(process_without_its_first_thread_is_alive),
        TEST(environment_is_read_by_name),
        TEST(children_of_all_threads_are_found),
        TEST(each_visits_every_process_once_until_told),
        TEST(kill_tree_reaches_sessions_and_orphans),
        TEST(kill_tree_does_without_the_kernels_lists),
        TEST(kill_tree_does_not_count_the_dead),
        TEST(kill_tree_takes_a_group_that_is_no_descendant),
        TEST(kill_tree_spares_root_and_its_own_group),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
