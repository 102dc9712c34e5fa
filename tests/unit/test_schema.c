/* The lists are sound, and what is printed from them is in step with them.  Run from the root of
 * the source tree. */
#include "proto/codec.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
must_read(const char *path, struct buf *out)
{
    FILE  *f = fopen(path, "r");
    char   bytes[8192];
    size_t size;

    if (!f) fail_msg("%s cannot be read; the tests run from the root of the source tree", path);
    while ((size = fread(bytes, 1, sizeof(bytes), f)) > 0)
        buf_add(out, bytes, size);
    assert_int_equal(fclose(f), 0);
}

static void
schema_lock_is_the_schema(void **state)
{
    struct buf BUF_AUTO schema = {0};
    struct buf BUF_AUTO lock = {0};

    (void)state;
    schema_text(&schema);
    must_read("proto/schema.lock", &lock);
    if (!view_eq(buf_view(&schema), buf_view(&lock))) {
        fail_msg("the messages changed: raise PROTO_VERSION and run `make docs` (the rules are in "
                 "PROTOCOL.md, Versions)");
    }
}

static void
protocol_md_shows_the_schema(void **state)
{
    struct buf BUF_AUTO schema = {0};
    struct buf BUF_AUTO page = {0};

    (void)state;
    buf_add_str(&schema, "<!-- schema: printed by `make docs` -->\n```\n");
    schema_text(&schema);
    buf_add_str(&schema, "```\n<!-- end of schema -->\n");
    must_read("proto/PROTOCOL.md", &page);
    if (!strstr(buf_str(&page), buf_str(&schema))) {
        fail_msg("proto/PROTOCOL.md does not show the messages as they are: run `make docs`");
    }
}

static void
protocol_md_shows_every_error_code(void **state)
{
    struct buf BUF_AUTO page = {0};

    (void)state;
    must_read("proto/PROTOCOL.md", &page);
    for (enum errc code = E_OK + 1; code < ERRC_COUNT; code++) {
        char row[200];

        (void)snprintf(row, sizeof(row), "\n| `%s` | %d | %d | %s |\n", errc_wire(code),
                       errc_exit(code), errc_http(code), errc_text(code)); /* fits */
        if (!strstr(buf_str(&page), row)) fail_msg("proto/PROTOCOL.md lacks the row%s", row);
    }
}

static void
every_message_is_found_by_its_op_in_its_group_only(void **state)
{
    (void)state;
    for (enum msg_id id = MSG_NONE + 1; id < MSG_COUNT; id++) {
        const struct msg_desc *d = msg_desc(id);

        assert_int_equal(d->id, id);
        assert_ptr_equal(msg_find(d->group, view_str(d->op)), d);
        assert_true((d->group == GROUP_CONTROL) == (d->role != ROLE_NONE));
        assert_true((d->group == GROUP_CONTROL) == (d->how != HOW_NONE));
    }
    assert_null(msg_find(GROUP_TO_WORKER, view_str("ended")));
    assert_null(msg_find(GROUP_CONTROL, view_str("job.show ")));
    assert_null(msg_find(GROUP_CONTROL, view_str("")));
}

static void
every_field_is_sound(void **state)
{
    (void)state;
    for (enum msg_id id = MSG_NONE + 1; id < MSG_COUNT; id++) {
        const struct msg_desc *d = msg_desc(id);

        for (size_t i = 0; i < d->nfields; i++) {
            const struct field_desc *f = &d->fields[i];

            assert_true(f->low <= f->high);
            assert_true(f->offset < d->size);
            assert_true(strlen(f->name) < sizeof(((struct err *)0)->field));
            assert_true(f->type == FT_I64 || f->low >= 0);
            if (f->need == NULLABLE) { /* NO_LIMIT is stored as a value outside the range */
                assert_true(f->type == FT_I64 || f->type == FT_MS);
                assert_true(f->low > NO_LIMIT);
            }
            for (size_t j = 0; j < i; j++)
                assert_string_not_equal(f->name, d->fields[j].name);
        }
    }
}

static void
roles_ascend_and_have_names(void **state)
{
    (void)state;
    assert_true(ROLE_NONE < ROLE_VIEW && ROLE_VIEW < ROLE_SUBMIT && ROLE_SUBMIT < ROLE_OPERATOR &&
                ROLE_OPERATOR < ROLE_ADMIN);
    assert_string_equal(role_name(ROLE_NONE), "none");
    assert_string_equal(role_name(ROLE_ADMIN), "admin");
    for (enum field_type t = FT_U64; t <= FT_RAW; t++)
        assert_non_null(field_type_name(t));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schema_lock_is_the_schema),
        cmocka_unit_test(protocol_md_shows_the_schema),
        cmocka_unit_test(protocol_md_shows_every_error_code),
        cmocka_unit_test(every_message_is_found_by_its_op_in_its_group_only),
        cmocka_unit_test(every_field_is_sound),
        cmocka_unit_test(roles_ascend_and_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
