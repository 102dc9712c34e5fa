/* Deliveries: sent, looked for, failed, and not known. */
#include "tests/system/worker_case.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILE_SINK "{\"name\":\"s\",\"kind\":\"file\",\"path\":\"out.jsonl\"}"

static uint64_t
deliver(const char *sink, uint64_t effect)
{
    FREE_AUTO char *document = xasprintf("{\"effect_id\":%d,\"content\":\"hi\"}", (int)effect);

    return fake_effect(&f, 100, sink, document, effect, false, WAIT_MS);
}

/* Of an attempt that was made a day after now: every file is older. */
static uint64_t
probe(uint64_t effect)
{
    f.attempted_at = (int64_t)time(NULL) * 1000 + 86400000;
    return fake_effect(&f, 100, FILE_SINK, "{}", effect, true, WAIT_MS);
}

/* Replaces the sink's file. */
static void
put_file(const char *text)
{
    FREE_AUTO char *path = xasprintf("%s/out.jsonl", f.folder);
    FILE           *out = fopen(path, "w");

    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static void
expect_file(const char *wanted)
{
    FREE_AUTO char *text = fake_file(&f, "out.jsonl");

    assert_string_equal(text, wanted);
}

static void
an_effect_is_appended_as_a_line(void **state)
{
    FREE_AUTO char *path = xasprintf("%s/out.jsonl", f.folder);
    struct stat     st;

    (void)state;
    expect_delivery(&f, deliver(FILE_SINK, 1), "delivered", "offset 0", "");
    expect_delivery(&f, deliver(FILE_SINK, 2), "delivered", "offset 31", "");
    expect_file("{\"effect_id\":1,\"content\":\"hi\"}\n{\"effect_id\":2,\"content\":\"hi\"}\n");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void
a_torn_line_is_ended_first(void **state)
{
    (void)state;
    put_file("{\"effect_id\":1,\"conte");
    expect_delivery(&f, probe(1), "absent", "", "");
    expect_delivery(&f, deliver(FILE_SINK, 1), "delivered", "offset 22", "");
    expect_file("{\"effect_id\":1,\"conte\n{\"effect_id\":1,\"content\":\"hi\"}\n");
    expect_delivery(&f, probe(1), "delivered", "offset 22", "");
}

static void
a_probe_finds_what_is_there_and_only_that(void **state)
{
    BUF_AUTO struct buf text = {0};

    (void)state;
    put_file("text \"effect_id\":5\n{\"x\":{\"effect_id\":5}}\n{\"effect_id\":50}\n"
             "{\"effect_id\":\"7\"}\n{\"effect_id\":8}");
    expect_delivery(&f, probe(5), "absent", "", "");
    expect_delivery(&f, probe(50), "delivered", "offset 41", "");
    expect_delivery(&f, probe(7), "delivered", "offset 58", "");
    expect_delivery(&f, probe(8), "delivered", "offset 76", ""); /* only its newline is torn off */

    for (int i = 0; i < 600000; i++)
        buf_add_str(&text, i % 1000 == 0 ? "\n" : "xxxxxxxxxx");
    buf_add_str(&text, "\n{\"effect_id\":9}\n");
    put_file(buf_str(&text));
    expect_delivery(&f, probe(9), "delivered", "offset 5994601", "");
}

/* Of an attempt that was made a day before: every file is younger. */
static uint64_t
probe_late(uint64_t effect)
{
    f.attempted_at = (int64_t)time(NULL) * 1000 - 86400000;
    return fake_effect(&f, 100, FILE_SINK, "{}", effect, true, WAIT_MS);
}

static bool
has_birth_time(const char *path)
{
    struct statx st;

    return statx(AT_FDCWD, path, 0, STATX_BTIME, &st) == 0 && (st.stx_mask & STATX_BTIME);
}

/* It was moved away perhaps, with what was sent in it. */
static void
a_file_that_is_younger_than_the_attempt_proves_nothing(void **state)
{
    (void)state;
    expect_delivery(&f, probe(5), "unknown", "", "there is no file");
    assert_true(f.m.effect_done.final);
    expect_delivery(&f, probe_late(5), "unknown", "", "there is no file");
    put_file("{\"effect_id\":6}\n");
    if (!has_birth_time(f.folder)) skip();
    expect_delivery(&f, probe_late(5), "unknown", "", "it may be in the one before");
    assert_true(f.m.effect_done.final);
    expect_delivery(&f, probe_late(6), "delivered", "offset 0", "");
    expect_delivery(&f, probe(5), "absent", "", "");
}

static void
what_cannot_be_written_has_failed(void **state)
{
    FREE_AUTO char *fifo = xasprintf("%s/fifo", f.folder);

    (void)state;
    expect_delivery(&f, deliver("{\"name\":\"s\",\"kind\":\"file\",\"path\":\"no/such\"}", 1),
                    "failed", "", "No such file");
    expect_delivery(&f, deliver("{\"name\":\"s\",\"kind\":\"file\",\"path\":\"work\"}", 1),
                    "failed", "", "directory");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    expect_delivery(&f, deliver("{\"name\":\"s\",\"kind\":\"file\",\"path\":\"fifo\"}", 1),
                    "failed", "", "regular file");
    expect_delivery(&f, deliver("{\"name\":\"s\",\"kind\":\"pigeon\"}", 1), "failed", "", "pigeon");
    expect_delivery(&f, deliver("{\"name\":\"s\",\"kind\":\"file\"}", 1), "failed", "", "path");
    expect_delivery(&f, deliver("{\"name\":\"s\",\"kind\":\"file\",\"path\":\"/dev/full\"}", 1),
                    "failed", "", "regular file");
}

/* The file is locked by somebody who does not let go: as good as a file system that hangs. */
static void
what_does_not_answer_in_time_is_unknown(void **state)
{
    FREE_AUTO char *path = xasprintf("%s/out.jsonl", f.folder);
    int             fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    uint64_t        a, b, c;

    (void)state;
    assert_int_equal(flock(fd, LOCK_EX), 0);
    c = fake_effect(&f, 102, FILE_SINK, "{}", 1, true, 3600000);
    expect_completed(&f, fake_job(&f, &(struct fake_job){.kind = "noop"}), NULL);
    fake_stop_job(&f, 102, c, 0);
    expect_delivery(&f, c, "unknown", "", "stopped on request");
    a = fake_effect(&f, 100, FILE_SINK, "{\"effect_id\":1}", 1, false, 50);
    b = fake_effect(&f, 101, FILE_SINK, "{}", 1, true, 50);
    /* Both time-outs may come in either order. */
    fake_expect(&f, MSG_EFFECT_DONE, 0);
    assert_true(f.m.effect_done.token == a || f.m.effect_done.token == b);
    assert_true(view_is(f.m.effect_done.outcome, "unknown"));
    expect_delivery(&f, f.m.effect_done.token == a ? b : a, "unknown", "",
                    "no answer within the time limit");
    close(fd);
}

static void
a_killed_delivery_is_unknown(void **state)
{
    FREE_AUTO char *path = xasprintf("%s/out.jsonl", f.folder);
    int             fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    uint64_t        t;

    (void)state;
    assert_int_equal(flock(fd, LOCK_EX), 0);
    t = fake_effect(&f, 100, FILE_SINK, "{\"effect_id\":1}", 1, false, 3600000);
    do {
        fake_expect(&f, MSG_HEARTBEAT, 0);
    } while (f.m.heartbeat.last_seq != f.seq);
    pid_t pid = (pid_t)f.evidence.leases[100].pid;
    assert_true(pid > 1 && pid != f.pid);
    assert_int_equal(kill(pid, SIGKILL), 0);
    expect_delivery(&f, t, "unknown", "", "killed by signal 9");
    close(fd);
}

static void
deliveries_take_no_job_slot(void **state)
{
    uint64_t tokens[FAKE_SLOTS];

    (void)state;
    for (uint64_t i = 0; i < FAKE_SLOTS; i++) {
        tokens[i] = fake_job(
            &f, &(struct fake_job){.slot = i, .kind = "sleep", .payload = "{\"ms\":900000}"});
    }
    expect_delivery(&f, deliver(FILE_SINK, 1), "delivered", "offset 0", "");
    for (uint64_t i = 0; i < FAKE_SLOTS; i++)
        fake_stop_job(&f, i, tokens[i], 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_effect_is_appended_as_a_line),
        TEST(a_torn_line_is_ended_first),
        TEST(a_probe_finds_what_is_there_and_only_that),
        TEST(a_file_that_is_younger_than_the_attempt_proves_nothing),
        TEST(what_cannot_be_written_has_failed),
        TEST(what_does_not_answer_in_time_is_unknown),
        TEST(a_killed_delivery_is_unknown),
        TEST(deliveries_take_no_job_slot),
    };

    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
