/* Which files of a folder are served, and what is said of those that are not. */
#include "tools/gateway/page.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define NOBODY 65534

struct fixture {
    char        folder[64];
    struct page page;
};

static int
set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));

    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/page.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    assert_int_equal(chmod(f->folder, 0755), 0);
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;
    FREE_AUTO char *command = xasprintf("rm -r %s", f->folder);

    page_done(&f->page);
    assert_int_equal(system(command), 0); /* NOLINT: a folder of our own */
    free(f);
    return 0;
}

static void
put_file(const struct fixture *f, const char *name, mode_t mode)
{
    FREE_AUTO char *path = xasprintf("%s/%s", f->folder, name);
    int             fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, "text", 4), 4);
    assert_int_equal(close(fd), 0);
}

static bool
has(const struct fixture *f, const char *path)
{
    return page_find(&f->page, view_str(path)) != NULL;
}

static void
its_own_files_are_served_and_hidden_ones_links_and_folders_are_not(void **state)
{
    struct fixture *f = *state;
    FREE_AUTO char *link = xasprintf("%s/link.html", f->folder);
    FREE_AUTO char *folder = xasprintf("%s/folder.html", f->folder);
    struct err      e;

    put_file(f, "index.html", 0644);
    put_file(f, "a.js", 0644);
    put_file(f, "a.txt", 0644);
    put_file(f, ".hidden.html", 0644);
    assert_int_equal(symlink("index.html", link), 0);
    assert_int_equal(mkdir(folder, 0755), 0);
    assert_int_equal(page_read(&f->page, f->folder, &e), E_OK);
    assert_int_equal(f->page.count, 2);
    assert_true(has(f, "/") && has(f, "/index.html") && has(f, "/a.js"));
    assert_false(has(f, "/.hidden.html"));
}

/* Reads the page as one who may not read all of it; what is logged meanwhile. */
static void
read_as_nobody(struct fixture *f, char *logged, size_t size)
{
    bool       is_root = geteuid() == 0;
    FILE      *log = tmpfile();
    int        stderr_before = dup(STDERR_FILENO);
    struct err e;

    assert_non_null(log);
    assert_true(stderr_before >= 0 && dup2(fileno(log), STDERR_FILENO) >= 0);
    if (is_root) assert_int_equal(seteuid(NOBODY), 0);
    enum errc failed = page_read(&f->page, f->folder, &e);
    if (is_root) assert_int_equal(seteuid(0), 0);
    assert_true(dup2(stderr_before, STDERR_FILENO) >= 0);
    assert_int_equal(close(stderr_before), 0);
    assert_int_equal(failed, E_OK);
    ssize_t n = pread(fileno(log), logged, size - 1, 0);
    assert_true(n >= 0);
    logged[n] = '\0';
    assert_int_equal(fclose(log), 0);
}

static void
a_file_that_may_not_be_read_is_told_by_its_name(void **state)
{
    struct fixture *f = *state;
    char            logged[2048];

    put_file(f, "a.html", 0644);
    put_file(f, "b.html", 0);
    put_file(f, "b.txt", 0);
    read_as_nobody(f, logged, sizeof(logged));
    assert_true(has(f, "/a.html"));
    assert_false(has(f, "/b.html"));
    assert_non_null(strstr(logged, "a file of the page is not served"));
    assert_non_null(
        strstr(logged, "file=\"b.html\" error=\"it cannot be read: Permission denied\""));
    assert_null(strstr(logged, "b.txt"));
    assert_null(strstr(logged, "a.html"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(its_own_files_are_served_and_hidden_ones_links_and_folders_are_not),
        TEST(a_file_that_may_not_be_read_is_told_by_its_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
