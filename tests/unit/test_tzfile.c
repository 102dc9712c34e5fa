#include "common/tzfile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void
put_file(const char *folder, const char *name, const char *text)
{
    char  path[256];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void
only_names_below_the_folder_are_read(void **state)
{
    static const char *const bad[] = {"",           "../secret", "a/../../secret", "/etc/passwd",
                                      ".",          "Area//x",   "Area/",          "/Area/City",
                                      "A b",        "Area",      "Nowhere",        "Area/City.",
                                      "Area/./City"};
    char                     folder[] = "/tmp/agentd-tzfile-XXXXXX", area[64], file[128];
    struct buf out           BUF_AUTO = {0};

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(area, sizeof(area), "%s/Area", folder);
    assert_int_equal(mkdir(area, 0700), 0);
    put_file(area, "City_1+2-3", "bytes");
    assert_true(tzfile_read(folder, view_str("Area/City_1+2-3"), &out));
    assert_string_equal(buf_str(&out), "bytes");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(tzfile_read(folder, view_str(bad[i]), &out));
    assert_false(tzfile_read(folder, view_of("Area\0x", 6), &out));
    assert_false(tzfile_read(area, view_of("City_1+2-3\0", 11), &out));
    (void)snprintf(file, sizeof(file), "%s/City_1+2-3", area);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(rmdir(area), 0);
    assert_int_equal(rmdir(folder), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_names_below_the_folder_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
