#include "supervisor/roles.h"

#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void
credentials_are_the_last_three_numbers(void **state)
{
    struct credentials who;

    (void)state;
    assert_true(credentials_parse("localhost:1000:1001:77", &who));
    assert_int_equal(who.uid, 1000);
    assert_int_equal(who.gid, 1001);
    assert_int_equal(who.pid, 77);
    assert_true(credentials_parse(":0:0:4294967295", &who));
    assert_true(credentials_parse("[::1]:5:6:7", &who));
    assert_int_equal(who.uid, 5);
}

static void
other_addresses_are_none(void **state)
{
    static const char *const bad[] = {"",         "localhost",        "127.0.0.1", "a:1:2",
                                      "a:1:2:",   "a:1::3",           "a:-1:2:3",  "a:1:2:3x",
                                      "a: 1:2:3", "a:1:2:4294967296", "1:2:3"};
    struct credentials       who;

    (void)state;
    assert_false(credentials_parse(NULL, &who));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(credentials_parse(bad[i], &who));
}

static void
we_and_root_are_admin_and_others_nobody(void **state)
{
    struct roles r = {0};
    struct buf   warnings = {0};

    (void)state;
    roles_set(&r, "", "", "", &warnings);
    assert_int_equal(roles_of(&r, &(struct credentials){.uid = 0, .gid = 5}), ROLE_ADMIN);
    assert_int_equal(roles_of(&r, &(struct credentials){.uid = geteuid(), .gid = 5}), ROLE_ADMIN);
    assert_int_equal(roles_of(&r, &(struct credentials){.uid = 3999999, .gid = 3999999}),
                     ROLE_NONE);
    assert_int_equal(warnings.size, 0);
    gid_t group;
    assert_false(roles_socket_group(&r, &group));
}

/* The group of the process that connected counts, whatever the user database says. */
static void
groups_give_the_highest_role(void **state)
{
    struct roles             r = {0};
    struct buf               warnings = {0};
    const struct group      *g = getgrgid(0);
    const struct credentials who = {.uid = 3999999, .gid = 0};
    gid_t                    group = 99;

    (void)state;
    assert_non_null(g);
    FREE_AUTO char *name = xstrdup(g->gr_name);
    roles_set(&r, "", "", name, &warnings);
    assert_int_equal(roles_of(&r, &who), ROLE_VIEW);
    assert_true(roles_socket_group(&r, &group));
    assert_int_equal(group, 0);
    roles_set(&r, "", name, name, &warnings); /* what was cached is forgotten */
    assert_int_equal(roles_of(&r, &who), ROLE_SUBMIT);
    roles_set(&r, name, "", name, &warnings);
    assert_int_equal(roles_of(&r, &who), ROLE_OPERATOR);
    assert_int_equal(warnings.size, 0);
}

static void
a_group_that_is_not_there_is_warned_of(void **state)
{
    struct roles r = {0};
    struct buf   warnings = {0};

    (void)state;
    roles_set(&r, "no-such-group", "", "", &warnings);
    assert_non_null(strstr(buf_str(&warnings), "no-such-group of the role operator"));
    assert_int_equal(roles_of(&r, &(struct credentials){.uid = 3999999, .gid = 3999999}),
                     ROLE_NONE);
    buf_done(&warnings);
}

static void
more_users_than_are_cached_are_told_apart(void **state)
{
    struct roles r = {0};
    struct buf   warnings = {0};

    (void)state;
    roles_set(&r, "", "", "", &warnings);
    for (uid_t uid = 0; uid < 3 * ROLES_CACHED; uid++) {
        const struct credentials who = {.uid = uid ? 3000000 + uid : 0, .gid = 3000000};

        assert_int_equal(roles_of(&r, &who), uid ? ROLE_NONE : ROLE_ADMIN);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(credentials_are_the_last_three_numbers),
        cmocka_unit_test(other_addresses_are_none),
        cmocka_unit_test(we_and_root_are_admin_and_others_nobody),
        cmocka_unit_test(groups_give_the_highest_role),
        cmocka_unit_test(a_group_that_is_not_there_is_warned_of),
        cmocka_unit_test(more_users_than_are_cached_are_told_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
