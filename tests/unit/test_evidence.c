#include "common/mem.h"
#include "common/proc.h"
#include "proto/evidence.h"
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/test_evidence.XXXXXX";
static char path[64];

static int
make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) return -1;
    (void)snprintf(path, sizeof(path), "%s/evidence", folder); /* fits */
    return 0;
}

static int
remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static int
remove_file(void **state)
{
    (void)state;
    (void)unlink(path); /* a test may not have made it */
    return 0;
}

static void
must_open(struct evidence *ev)
{
    struct err e;

    assert_int_equal(evidence_open(ev, path, &e), E_OK);
}

static void
a_new_file_is_private_empty_and_not_inherited(void **state)
{
    struct evidence ev = {0};
    struct stat     st;

    (void)state;
    must_open(&ev);
    assert_int_equal(fstat(ev.fd, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_true((size_t)st.st_blocks * 512 >= (size_t)st.st_size); /* reserved: no SIGBUS later */
    assert_int_equal(fcntl(ev.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    for (size_t i = 0; i < SLOTS_MAX; i++)
        assert_int_equal(ev.leases[i].pid, 0);
    for (size_t i = 0; i < WORKERS_MAX; i++)
        assert_int_equal(ev.workers[i].pid, 0);
    evidence_close(&ev);
    assert_null(ev.workers);
    evidence_close(&ev); /* a second time does nothing */
}

static void
records_outlive_their_writer(void **state)
{
    struct evidence ev;

    (void)state;
    must_open(&ev);
    ev.workers[WORKERS_MAX - 1].token = 5;
    ev.leases[SLOTS_MAX - 1].pid = 77;
    evidence_close(&ev);
    must_open(&ev);
    assert_int_equal(ev.workers[WORKERS_MAX - 1].token, 5);
    assert_int_equal(ev.leases[SLOTS_MAX - 1].pid, 77);
    evidence_close(&ev);
}

static void
an_inherited_descriptor_maps_the_same_records(void **state)
{
    struct evidence ev;
    struct evidence worker;
    struct err      e;

    (void)state;
    must_open(&ev);
    int fd = dup(ev.fd); /* without CLOEXEC, as after an exec */
    assert_int_equal(evidence_map(&worker, fd, &e), E_OK);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    worker.leases[3].token = 9;
    assert_int_equal(ev.leases[3].token, 9);
    evidence_close(&worker);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    evidence_close(&ev);
}

static void
a_file_of_another_layout_is_replaced_and_its_users_keep_the_old_one(void **state)
{
    struct evidence ev;
    struct evidence old;
    struct err      e;
    uint64_t        other = 1;

    (void)state;
    must_open(&old);
    old.leases[0].pid = 77;
    assert_int_equal(pwrite(old.fd, &other, sizeof(other), 0), sizeof(other)); /* the magic */
    must_open(&ev);
    assert_int_equal(ev.leases[0].pid, 0);
    assert_int_equal(old.leases[0].pid, 77);
    evidence_close(&ev);
    evidence_close(&old);

    assert_int_equal(truncate(path, 100), 0);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(evidence_map(&ev, fd, &e), E_INTERNAL);
    assert_int_equal(close(fd), 0);
    must_open(&ev);
    evidence_close(&ev);
}

static void
what_cannot_be_opened_is_an_error(void **state)
{
    struct evidence ev;
    struct err      e;

    (void)state;
    assert_int_equal(evidence_open(&ev, "/proc/no/such/folder", &e), E_INTERNAL);
    assert_int_equal(symlink("elsewhere", path), 0);
    assert_int_equal(evidence_open(&ev, path, &e), E_INTERNAL);
    assert_int_equal(evidence_map(&ev, -1, &e), E_INTERNAL);
}

/* A child that has written its record and waits to be killed. */
static pid_t
start_child(struct evidence_record *r)
{
    int  ready[2];
    char byte = 0;

    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* no child outlives a failed assert */
        (void)setpgid(0, 0);                    /* seen by the parent in the record */
        evidence_write_self(r, proc_boot_id(), 11, 2, 33);
        if (write(ready[1], &byte, 1) != 1) _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(close(ready[0]) + close(ready[1]), 0);
    return pid;
}

static void
a_child_records_itself_and_is_alive_until_it_ends(void **state)
{
    struct evidence ev;
    siginfo_t       info;

    (void)state;
    must_open(&ev);
    struct evidence_record *r = &ev.leases[7];
    pid_t                   pid = start_child(r);

    assert_int_equal(r->pid, pid);
    assert_int_equal(r->pgid, pid);
    assert_int_equal(r->start_time, proc_start_time(pid));
    assert_int_equal(r->boot_id, proc_boot_id());
    assert_int_equal(r->token, 11);
    assert_int_equal(r->worker, 2);
    assert_int_equal(r->incarnation, 33);
    assert_true(evidence_is_alive(r));

    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_int_not_equal(proc_start_time(pid), 0); /* a zombie is still there … */
    assert_false(evidence_is_alive(r));            /* … and runs nothing */
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_false(evidence_is_alive(r));
    r->start_time = 0; /* as "no such process" reads */
    assert_false(evidence_is_alive(r));
    evidence_close(&ev);
}

static void
a_pid_that_was_used_again_is_not_the_recorded_process(void **state)
{
    struct evidence_record r;
    struct evidence_record other;

    (void)state;
    evidence_write_self(&r, proc_boot_id(), 1, 1, 1);
    assert_true(evidence_is_alive(&r));
    other = r;
    other.start_time++;
    assert_false(evidence_is_alive(&other));
    other = r;
    other.boot_id++;
    assert_false(evidence_is_alive(&other));
    other = r;
    other.pid = (uint64_t)INT32_MAX + 1;
    assert_false(evidence_is_alive(&other));
    evidence_clear(&r);
    assert_false(evidence_is_alive(&r));
    assert_memory_equal(&r, &(struct evidence_record){0}, sizeof(r));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_new_file_is_private_empty_and_not_inherited, remove_file),
        cmocka_unit_test_teardown(records_outlive_their_writer, remove_file),
        cmocka_unit_test_teardown(an_inherited_descriptor_maps_the_same_records, remove_file),
        cmocka_unit_test_teardown(
            a_file_of_another_layout_is_replaced_and_its_users_keep_the_old_one, remove_file),
        cmocka_unit_test_teardown(what_cannot_be_opened_is_an_error, remove_file),
        cmocka_unit_test_teardown(a_child_records_itself_and_is_alive_until_it_ends, remove_file),
        cmocka_unit_test(a_pid_that_was_used_again_is_not_the_recorded_process),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
