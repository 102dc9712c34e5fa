#include "tests/unit/agent_rig.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#define DISK_WATCH "etc/agents/disk-watch.sh"
#define HEADING    "Filesystem 1024-blocks Used Available Capacity Mounted on\n"

/* A df that shows this table and exits so. */
static void
fake_df(struct agent_rig *r, const char *table, int status)
{
    FREE_AUTO char *path = agent_rig_path(r, "df");
    FREE_AUTO char *script = xasprintf("#!/bin/sh\ncat %s/table\nexit %d\n", r->folder, status);

    agent_rig_write(r, "table", "we", view_str(table));
    agent_rig_write(r, "df", "we", view_str(script));
    assert_int_equal(chmod(path, 0700), 0);
}

static void
disks_below_the_threshold_are_not_spoken_of(void **state)
{
    struct agent_rig *r = *state;

    fake_df(r, HEADING "/dev/sda1 100 89 11 89% /\n/dev/sda2 100 0 100 0% /var\n", 0);
    agent_rig_must_complete(r, DISK_WATCH);
    assert_false(r->notify);
    assert_string_equal(buf_str(&r->output), "{\"seen\":2,\"over\":0}");
    assert_int_equal(r->message.size, 0);
}

static void
disks_at_the_threshold_are_named(void **state)
{
    struct agent_rig *r = *state;

    fake_df(r,
            HEADING "/dev/sda1 100 90 10 90% /\n/dev/sda2 9 1 8 11% /a\n/dev/sdb 9 9 0 100% /b\n",
            0);
    agent_rig_must_complete(r, DISK_WATCH);
    assert_true(r->notify);
    assert_string_equal(buf_str(&r->message), "/ is 90% full, /b is 100% full");
    assert_string_equal(buf_str(&r->output), "{\"seen\":3,\"over\":2}");
    assert_string_equal(buf_str(&r->metadata),
                        "{\"threshold\":90,\"file_systems\":[{\"mount\":\"/\",\"used_percent\":90},"
                        "{\"mount\":\"/b\",\"used_percent\":100}]}");
    agent_rig_set_variable(r, 0, "THRESHOLD", "100");
    agent_rig_must_complete(r, DISK_WATCH);
    assert_string_equal(buf_str(&r->message), "/b is 100% full");
    agent_rig_set_variable(r, 0, "THRESHOLD", "0");
    agent_rig_must_complete(r, DISK_WATCH);
    assert_string_equal(buf_str(&r->output), "{\"seen\":3,\"over\":3}");
}

static void
strange_mount_names_stay_json(void **state)
{
    struct agent_rig *r = *state;

    fake_df(r, HEADING "/dev/sda1 100 99 1 99% /a \"b\\n\" $(id) `id` \xc3\xa9 \xff \x01 c\n", 0);
    agent_rig_must_complete(r, DISK_WATCH);
    assert_string_equal(buf_str(&r->message), "/a \"b\\n\" $(id) `id` \xc3\xa9   c is 99% full");
}

static void
file_systems_without_blocks_are_passed_over(void **state)
{
    struct agent_rig *r = *state;

    fake_df(r, HEADING "none 0 0 0 - /proc\n/dev/sda1 100 5 95 5% /\n", 0);
    agent_rig_must_complete(r, DISK_WATCH);
    assert_string_equal(buf_str(&r->output), "{\"seen\":1,\"over\":0}");
}

static void
a_df_that_may_not_see_all_is_believed_for_the_rest(void **state)
{
    struct agent_rig *r = *state;

    fake_df(r, HEADING "/dev/sda1 100 95 5 95% /\n", 1);
    agent_rig_must_complete(r, DISK_WATCH);
    assert_string_equal(buf_str(&r->message), "/ is 95% full");
    fake_df(r, "", 1);
    agent_rig_expect_failure(r, DISK_WATCH, "disk-watch: df shows no file system");
    fake_df(r, HEADING, 0);
    agent_rig_expect_failure(r, DISK_WATCH, "disk-watch: df shows no file system");
}

static void
a_threshold_that_is_no_percentage_fails(void **state)
{
    static const char *const bad[] = {"x", "-1", "9 0", "101", "99999999999999999999", "090", "5%"};
    struct agent_rig        *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        agent_rig_set_variable(r, 0, "THRESHOLD", bad[i]);
        agent_rig_expect_failure(r, DISK_WATCH, "disk-watch: THRESHOLD must be ");
    }
}

static void
the_disks_of_this_machine_can_be_watched(void **state)
{
    struct agent_rig *r = *state;

    agent_rig_must_complete(r, DISK_WATCH);
    agent_rig_set_variable(r, 0, "THRESHOLD", "0");
    agent_rig_must_complete(r, DISK_WATCH);
    assert_true(r->notify);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, agent_rig_new, agent_rig_end)
        TEST(disks_below_the_threshold_are_not_spoken_of),
        TEST(disks_at_the_threshold_are_named),
        TEST(strange_mount_names_stay_json),
        TEST(file_systems_without_blocks_are_passed_over),
        TEST(a_df_that_may_not_see_all_is_believed_for_the_rest),
        TEST(a_threshold_that_is_no_percentage_fails),
        TEST(the_disks_of_this_machine_can_be_watched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
