/* Configuration files that are accepted, and what they come to. */
#include "common/json.h"
#include "common/mp.h"
#include "proto/codec.h"
#include "tests/unit/config_fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
must_load(struct fixture *f, const char *text)
{
    if (fixture_load_text(f, text)) fail_msg("refused: %s", f->e.msg);
}

static struct view
engine_list(const struct fixture *f, const char *key)
{
    struct view list;

    assert_true(mp_find(buf_view(&f->config.engine_config), key, &list));
    return list;
}

static void
expect_list(const struct fixture *f, const char *key, const char *json)
{
    BUF_AUTO struct buf text = {0};
    struct err          e;

    assert_int_equal(json_from_mp(engine_list(f, key), &text, &e), E_OK);
    assert_string_equal(buf_str(&text), json);
}

static void
an_empty_file_is_all_defaults(void **state)
{
    static const char *const texts[] = {"",
                                        "\n",
                                        "# nothing\n",
                                        "---\n",
                                        "~\n",
                                        "{}\n",
                                        "limits:\nagents:\nhandlers: {}\nsinks: []\n"};
    struct fixture          *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        must_load(f, texts[i]);
        assert_string_equal(f->config.path, f->path);
        assert_int_equal(f->config.stop_grace_ms, 3000);
        assert_int_equal(f->config.limits.max_run_ms, 1200000);
        assert_int_equal(f->config.limits.max_concurrent, NO_LIMIT);
        assert_string_equal(f->config.log_level, "info");
        expect_list(f, "agents", "[]");
    }
}

static void
fields_are_converted_by_their_notation(void **state)
{
    struct fixture *f = *state;
    char            json[512];

    must_load(f, "handlers:\n"
                 "  h:\n"
                 "    kind: exec\n"
                 "    command: [./bin/run, 5, true, \"a b\"]\n"
                 "    cwd: work\n"
                 "    env: [LANG]\n"
                 "    set_env: {N: 90, B: false, S: 'x'}\n"
                 "    max_run: 1h30m\n"
                 "    max_turns: null\n"
                 "    retry: [250ms, 5, 1.5, 2m]\n"
                 "    memory_max: 512M\n"
                 "    log_max: 65536\n"
                 "    cpu_max: 90\n");
    (void)snprintf(json, sizeof(json),
                   "[{\"name\":\"h\",\"kind\":\"exec\",\"command\":[\"%s/bin/run\",\"5\",\"true\","
                   "\"a b\"],\"cwd\":\"%s/work\",\"env\":[\"LANG\"],\"set_env\":{\"N\":\"90\","
                   "\"B\":\"false\",\"S\":\"x\"},\"max_run_ms\":5400000,\"max_turns\":null,"
                   "\"retry\":[250,5000,1500,120000],\"memory_max\":536870912,"
                   "\"cpu_max_ms\":90000,\"log_max\":65536}]",
                   f->folder, f->folder);
    expect_list(f, "handlers", json);
}

static void
a_program_without_slash_and_absolute_paths_stay(void **state)
{
    must_load(*state, "handlers:\n"
                      "  a: {kind: exec, command: [sh, ./x], cwd: /tmp}\n"
                      "  b: {kind: exec, command: [/bin/sh]}\n");
    expect_list(*state, "handlers",
                "[{\"name\":\"a\",\"kind\":\"exec\",\"command\":[\"sh\",\"./x\"],\"cwd\":\"/tmp\"},"
                "{\"name\":\"b\",\"kind\":\"exec\",\"command\":[\"/bin/sh\"]}]");
}

static void
values_have_the_types_of_yamls_core_schema(void **state)
{
    must_load(*state, "agents: {a: {data: {\n"
                      "  n: ~, e: , t: true, f: False, i: -7, x: 0x1F, o: 0o17, p: +3, z: 007,\n"
                      "  r: 1.5, s: .5, u: 1e3, q: '7', d: \"x\\ty\", y: yes, v: 1_000, w: 1.2.3,\n"
                      "  l: [], m: {}, 5: five}}}\n");
    expect_list(*state, "agents",
                "[{\"name\":\"a\",\"data\":{\"n\":null,\"e\":null,\"t\":true,\"f\":false,\"i\":-7,"
                "\"x\":31,\"o\":15,\"p\":3,\"z\":7,\"r\":1.5,\"s\":0.5,\"u\":1000.0,\"q\":\"7\","
                "\"d\":\"x\\ty\",\"y\":\"yes\",\"v\":\"1_000\",\"w\":\"1.2.3\",\"l\":[],\"m\":{},"
                "\"5\":\"five\"}}]");
}

static void
references_may_name_built_in_and_own_objects(void **state)
{
    must_load(
        *state,
        "companies: {acme: {max_concurrent: 3}, default: {priority_max: 100}}\n"
        "sinks:\n"
        "  s: {kind: file, path: x.jsonl}\n"
        "  h: {kind: http, url: 'https://h/', not_after: null, allow: [h, 'h:8443', 10.1.0.0/16,"
        " '10.1.0.0/16:8443', '::1', '[::1]', '[fd00::/8]:443', 127.0.0.1]}\n"
        "handlers: {h: {kind: sleep}}\n"
        "agents:\n"
        "  - {name: a, company: acme, handler: h, sinks: [s]}\n"
        "  - {name: a, handler: default/echo}\n"
        "schedules:\n"
        "  - {name: s, every: 5s, agent: acme/a}\n"
        "  - {name: s, every: 5s, agent: a}\n"
        "  - {name: t, every: 5s, company: acme, agent: a, handler: default/h}\n"
        "sessions: {sinks: [s]}\n");
    expect_list(*state, "schedules",
                "[{\"name\":\"s\",\"company\":\"acme\",\"every_ms\":5000,\"agent\":\"acme/a\"},"
                "{\"name\":\"s\",\"every_ms\":5000,\"agent\":\"a\"},"
                "{\"name\":\"t\",\"company\":\"acme\",\"every_ms\":5000,\"handler\":\"default/h\","
                "\"agent\":\"a\"}]");
}

static void
a_gates_program_is_meant_from_the_files_folder(void **state)
{
    struct fixture *f = *state;

    must_load(f, "handlers: {h: {kind: exec, command: [x]}}\n"
                 "schedules: {s: {every: 5s, handler: h, gate: {command: [./look, 5]}}}\n");
    FREE_AUTO char *wanted = xasprintf("[{\"name\":\"s\",\"every_ms\":5000,\"handler\":\"h\","
                                       "\"gate\":{\"command\":[\"%s/look\",\"5\"]}}]",
                                       f->folder);
    expect_list(f, "schedules", wanted);
}

static void
expect_same_engine_config(struct fixture *f, const char *text, const struct buf *expected)
{
    must_load(f, text);
    assert_int_equal(f->config.engine_config.size, expected->size);
    assert_memory_equal(f->config.engine_config.data, expected->data, expected->size);
}

static void
the_same_declarations_make_the_same_bytes(void **state)
{
    struct fixture     *f = *state;
    BUF_AUTO struct buf first = {0};

    must_load(f, "handlers:\n"
                 "  h: {kind: exec, command: [x], max_run: 5m}\n"
                 "schedules:\n"
                 "  s: {every: 90, handler: h, payload: {a: 1}}\n");
    buf_add_view(&first, buf_view(&f->config.engine_config));
    expect_same_engine_config(f,
                              "schedules:\n"
                              "  - payload: {\"a\": 1}\n"
                              "    every: 1m30s\n"
                              "    name: s\n"
                              "    handler: h\n"
                              "handlers:\n"
                              "  - {max_run: 300, kind: exec, command: [x], name: h}\n",
                              &first);
    expect_same_engine_config(
        f,
        "{\n\t\"schedules\": {\"s\": {\"every\": \"90s\", \"handler\": \"h\",\n"
        "\t\t\"payload\": {\"a\": 1}}},\n"
        "\t\"handlers\": {\"h\": {\"kind\": \"exec\", \"command\": [\"x\"],\n"
        "\t\t\"max_run\": \"5m\"}}\n}\n",
        &first);
}

static void
the_engines_part_passes_its_own_check(void **state)
{
    struct fixture   *f = *state;
    struct msg_config config;
    struct msg_limits limits;

    must_load(f, "limits: {max_turns: 7}\nsinks: {s: {kind: file, path: x}}\n"
                 "sessions: {sinks: [s]}\n");
    assert_null(mp_check(buf_view(&f->config.engine_config)));
    assert_int_equal(
        msg_unpack(msg_desc(MSG_CONFIG), buf_view(&f->config.engine_config), &config, &f->e), E_OK);
    assert_int_equal(msg_unpack(msg_desc(MSG_LIMITS), config.limits, &limits, &f->e), E_OK);
    assert_int_equal(limits.has, f->config.limits.has);
    assert_int_equal(limits.max_turns, 7);
    assert_int_equal(limits.feed_bytes_max, 268435456);
    assert_true(view_eq(limits.session_sinks, f->config.limits.session_sinks));
    assert_true(view_eq(limits.retry, f->config.limits.retry));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_new, fixture_end)
        TEST(an_empty_file_is_all_defaults),
        TEST(fields_are_converted_by_their_notation),
        TEST(a_program_without_slash_and_absolute_paths_stay),
        TEST(values_have_the_types_of_yamls_core_schema),
        TEST(references_may_name_built_in_and_own_objects),
        TEST(a_gates_program_is_meant_from_the_files_folder),
        TEST(the_same_declarations_make_the_same_bytes),
        TEST(the_engines_part_passes_its_own_check),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
