#include "supervisor/logsweep.h"

#include "tests/unit/store_case.h"
#include <dirent.h>
#include <inttypes.h>
#include <sys/stat.h>

static char *
path_of(const struct store_case *c, unsigned folder, const char *name)
{
    return xasprintf("%s/logs/%02x%s%s", c->dir, folder, *name ? "/" : "", name);
}

static void
make_folder(const struct store_case *c, unsigned folder)
{
    FREE_AUTO char *logs = xasprintf("%s/logs", c->dir);
    FREE_AUTO char *path = path_of(c, folder, "");

    (void)mkdir(logs, 0700); /* may be there, like the other */
    (void)mkdir(path, 0700);
}

static void
write_file(const struct store_case *c, unsigned folder, const char *name)
{
    FREE_AUTO char *path = path_of(c, folder, name);
    FILE           *f = fopen(path, "we");

    assert_non_null(f);
    assert_int_equal(fclose(f), 0);
}

static void
write_log(const struct store_case *c, uint64_t job)
{
    FREE_AUTO char *name = xasprintf("%" PRIu64 ".log", job);

    make_folder(c, (unsigned)(job % 256));
    write_file(c, (unsigned)(job % 256), name);
}

/* Removes it, too: what is left over is listed once. */
static bool
take_file(const struct store_case *c, unsigned folder, const char *name)
{
    FREE_AUTO char *path = path_of(c, folder, name);

    return unlink(path) == 0;
}

static bool
take_log(const struct store_case *c, uint64_t job)
{
    FREE_AUTO char *name = xasprintf("%" PRIu64 ".log", job);

    return take_file(c, (unsigned)(job % 256), name);
}

static void
save_job(struct store_case *c, uint64_t id)
{
    struct txn *t = must_begin(c);

    job_state_save(t, &(struct job_state){.id = id, .state = JOB_COMPLETED, .ended_at = 1});
    must_commit(&t);
}

static void
remove_folders(const struct store_case *c)
{
    FREE_AUTO char *logs = xasprintf("%s/logs", c->dir);

    for (unsigned folder = 0; folder < 256; folder++) {
        FREE_AUTO char *path = path_of(c, folder, "");
        (void)rmdir(path); /* most tests make only some */
    }
    (void)rmdir(logs);
}

static void
sweep(struct store_case *c, struct logsweep *s)
{
    logsweep_init(s, c->store, c->dir);
    while (!logsweep_is_over(s))
        logsweep_step(s);
    logsweep_done(s);
}

static int
begin(void **state)
{
    static struct store_case c;

    case_begin(&c);
    *state = &c;
    return 0;
}

static int
end(void **state)
{
    remove_folders(*state);
    case_end(*state);
    return 0;
}

static void
only_logs_of_jobs_that_are_no_more_go(void **state)
{
    struct store_case *c = *state;
    struct logsweep    s;

    save_job(c, 5);
    save_job(c, 300);
    write_log(c, 5);
    write_log(c, 300);
    write_log(c, 6);
    write_log(c, 261); /* beside the log of 5 */
    sweep(c, &s);
    assert_int_equal(s.removed, 2);
    assert_true(take_log(c, 5));
    assert_true(take_log(c, 300));
    assert_false(take_log(c, 6));
    assert_false(take_log(c, 261));
}

static void
what_is_no_jobs_log_is_left_alone(void **state)
{
    static const char *const others[] = {"notes",
                                         "7.log.old",
                                         "x7.log",
                                         "07.log",
                                         "7",
                                         ".log",
                                         "0.log",
                                         "8.log",
                                         "-7.log",
                                         "+7.log",
                                         "99999999999999999999999.log"};
    struct store_case       *c = *state;
    struct logsweep          s;

    make_folder(c, 7);
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        write_file(c, 7, others[i]);
    sweep(c, &s);
    assert_int_equal(s.removed, 0);
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_true(take_file(c, 7, others[i]));
}

static void
a_step_looks_at_few_files(void **state)
{
    struct store_case *c = *state;
    struct logsweep    s;
    unsigned           steps = 0;

    for (uint64_t job = 1; job <= 3 * LOGSWEEP_FILES_MAX; job++)
        write_log(c, job);
    logsweep_init(&s, c->store, c->dir);
    for (uint64_t before = 0; !logsweep_is_over(&s); before = s.removed, steps++) {
        logsweep_step(&s);
        assert_true(s.removed <= before + LOGSWEEP_FILES_MAX);
    }
    assert_int_equal(s.removed, 3 * LOGSWEEP_FILES_MAX);
    assert_true(steps > 3);
    logsweep_done(&s);
}

static void
without_logs_it_is_over_at_once(void **state)
{
    struct store_case *c = *state;
    struct logsweep    s;

    sweep(c, &s);
    assert_int_equal(s.removed, 0);
    logsweep_init(&s, c->store, c->dir);
    logsweep_step(&s);
    assert_true(logsweep_is_over(&s));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(only_logs_of_jobs_that_are_no_more_go),
        TEST(what_is_no_jobs_log_is_left_alone),
        TEST(a_step_looks_at_few_files),
        TEST(without_logs_it_is_over_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
