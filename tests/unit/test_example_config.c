#include "common/mp.h"
#include "proto/codec.h"
#include "supervisor/config/config.h"
#include "tests/unit/agent_rig.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define DISK_WATCH  "etc/agents/disk-watch.sh"
#define LOG_WATCH   "etc/agents/log-watch.sh"
#define HOUSEKEEPER "etc/agents/housekeeper.sh"

static void
without_a_document_they_fail(void **state)
{
    static const char *const documents[] = {"", "\n", "hello\n", "[1]\n", "{\"v\":2}\n"};
    struct agent_rig        *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(documents); i++) {
        agent_rig_write(r, "stdin", "we", view_str(documents[i]));
        agent_rig_run_script(r, DISK_WATCH);
        assert_int_equal(WEXITSTATUS(r->status), 1);
        assert_int_equal(r->out.size, 0);
        agent_rig_run_script(r, LOG_WATCH);
        assert_int_equal(WEXITSTATUS(r->status), 1);
        assert_string_equal(buf_str(&r->err),
                            "log-watch: no document of version 1 on standard input\n");
        agent_rig_run_script(r, HOUSEKEEPER);
        assert_int_equal(WEXITSTATUS(r->status), 1);
        assert_string_equal(buf_str(&r->err),
                            "housekeeper: no document of version 1 on standard input\n");
    }
}

static void
check_program(struct view handler)
{
    struct msg_handler h;
    struct mp_reader   r;
    struct view        item, program;
    struct err         e;

    assert_int_equal(msg_unpack(msg_desc(MSG_HANDLER), handler, &h, &e), E_OK);
    struct list_iter it = list_iter_of(h.command);
    assert_true(list_next(&it, &item));
    r = mp_reader_of(item);
    assert_true(mp_read_str(&r, &program));
    FREE_AUTO char *path = view_dup(program);
    assert_int_equal(access(path, X_OK), 0);
}

static void
the_example_configuration_is_good_and_its_programs_are_there(void **state)
{
    static const char *const variables[] = {NULL};
    struct config_sources src = {.path = "etc/agentd.yaml", .environ = variables, .is_root = true};
    struct config         c;
    struct buf            warnings = {0};
    struct view           handlers, item;
    struct err            e;
    unsigned              count = 0;

    (void)state;
    if (config_load(&src, &c, &warnings, &e)) fail_msg("%s", e.msg);
    assert_int_equal(warnings.size, 0);
    assert_true(mp_find(buf_view(&c.engine_config), "handlers", &handlers));
    struct list_iter it = list_iter_of(handlers);
    for (; list_next(&it, &item); count++)
        check_program(item);
    assert_int_equal(count, 4);
    config_done(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, agent_rig_new, agent_rig_end)
        TEST(without_a_document_they_fail),
        cmocka_unit_test(the_example_configuration_is_good_and_its_programs_are_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
