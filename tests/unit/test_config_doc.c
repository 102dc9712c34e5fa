/* docs/CONFIG.md has a row for every setting and every field, with what the lists say of it. */
#include "common/timetext.h"
#include "proto/codec.h"
#include "supervisor/config/config.h"
#include "supervisor/config/declared.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct buf page;

static int
read_page(void **state)
{
    FILE  *f = fopen("docs/CONFIG.md", "re");
    char   bytes[8192];
    size_t size;

    (void)state;
    if (!f) return -1;
    while ((size = fread(bytes, 1, sizeof(bytes), f)) > 0)
        buf_add(&page, bytes, size);
    return fclose(f);
}

static int
free_page(void **state)
{
    (void)state;
    buf_done(&page);
    return 0;
}

static void
put_bytes(struct buf *out, int64_t v)
{
    static const char units[] = " KMG";
    int               unit = 0;

    while (unit < 3 && v >= 1024 && v % 1024 == 0) {
        v /= 1024;
        unit++;
    }
    buf_printf(out, "%lld", (long long)v);
    if (unit > 0) buf_add(out, &units[unit], 1);
}

static void
put_duration(struct buf *out, int64_t ms)
{
    char text[32];

    buf_add_str(out, duration_text(ms, text, sizeof(text)));
}

static void
put_number(struct buf *out, int64_t v)
{
    buf_printf(out, "%lld", (long long)v);
}

static void
put_range(struct buf *out, int64_t low, int64_t high, void (*put)(struct buf *, int64_t))
{
    put(out, low);
    buf_add_str(out, " to ");
    if (high == INT64_MAX) {
        buf_add_str(out, "2^63 - 1");
    } else {
        put(out, high);
    }
}

static void
put_setting(struct buf *out, const struct setting *s)
{
    static const char *const types[] = {
        [SETTING_NUMBER] = "number",     [SETTING_LIMIT] = "number or null",
        [SETTING_DURATION] = "duration", [SETTING_BYTES] = "bytes",
        [SETTING_TEXT] = "text",         [SETTING_LADDER] = "durations",
        [SETTING_NAMES] = "names",       [SETTING_LASTING] = "duration or null",
        [SETTING_STRING] = "text",       [SETTING_BOOL] = "true or false",
    };

    buf_printf(out, "| `%s.%s` | %s | %s | ", s->section, s->key, types[s->type],
               s->text[0] ? s->text : "-");
    switch (s->type) {
    case SETTING_NUMBER:
    case SETTING_LIMIT: put_range(out, s->low, s->high, put_number); break;
    case SETTING_LASTING:
    case SETTING_DURATION: put_range(out, s->low, s->high, put_duration); break;
    case SETTING_BYTES: put_range(out, s->low, s->high, put_bytes); break;
    case SETTING_BOOL: buf_add_str(out, "-"); break;
    case SETTING_STRING:
    case SETTING_TEXT: buf_printf(out, "up to %lld bytes", (long long)s->high); break;
    case SETTING_LADDER:
    case SETTING_NAMES:
        put_range(out, s->low, s->high, put_number);
        buf_add_str(out, " of them");
        break;
    }
    buf_printf(out, " | %s | ", s->when == SETTING_RELOAD ? "reload" : "restart");
}

static void
put_field(struct buf *out, const char *section, const struct field_desc *f)
{
    bool is_bytes = strcmp(f->name, "memory_max") == 0 || strcmp(f->name, "log_max") == 0;
    int  size = (int)strlen(f->name) - (f->type == FT_MS ? (int)strlen("_ms") : 0);

    buf_printf(out, "| `%s.%.*s` | ", section, size, f->name);
    switch (f->type) {
    case FT_U64:
    case FT_I64:
        buf_add_str(out, is_bytes ? "bytes, " : "number, ");
        put_range(out, f->low, f->high, is_bytes ? put_bytes : put_number);
        if (f->need == NULLABLE) buf_add_str(out, ", or null");
        break;
    case FT_MS:
        buf_add_str(out, "duration, ");
        put_range(out, f->low, f->high, put_duration);
        if (f->need == NULLABLE) buf_add_str(out, ", or null");
        break;
    case FT_BOOL: buf_add_str(out, "boolean"); break;
    case FT_TIME: buf_add_str(out, "instant"); break;
    case FT_NAME: buf_add_str(out, "name"); break;
    case FT_REF: buf_add_str(out, "name or COMPANY/NAME"); break;
    case FT_STR: buf_printf(out, "text, up to %lld bytes", (long long)f->high); break;
    case FT_LIST: buf_add_str(out, "list"); break;
    case FT_MAP: buf_add_str(out, "map"); break;
    case FT_JSON: buf_add_str(out, "any value"); break;
    default: fail_msg("no row is known for the type of %s", f->name);
    }
    buf_printf(out, " | %s | ", f->need == REQUIRED ? "required" : "optional");
}

static void
must_have(struct buf *row)
{
    if (!strstr(buf_str(&page), buf_str(row))) {
        fail_msg("docs/CONFIG.md lacks the row that begins with\n%s", buf_str(row));
    }
}

static void
every_setting_has_its_row(void **state)
{
    size_t                count;
    const struct setting *all = config_settings(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        BUF_AUTO struct buf row = {0};

        put_setting(&row, &all[i]);
        must_have(&row);
    }
}

static const enum msg_id messages[DECLARED_KINDS] = {
    [DECLARED_COMPANY] = MSG_COMPANY,   [DECLARED_AGENT] = MSG_AGENT,
    [DECLARED_HANDLER] = MSG_HANDLER,   [DECLARED_SINK] = MSG_SINK,
    [DECLARED_SCHEDULE] = MSG_SCHEDULE, [DECLARED_PROFILE] = MSG_PROFILE,
};

static void
every_field_has_its_row(void **state)
{
    (void)state;
    for (enum declared_kind k = 0; k < DECLARED_KINDS; k++) {
        const struct msg_desc *d = msg_desc(messages[k]);

        for (size_t i = 0; i < d->nfields; i++) {
            BUF_AUTO struct buf row = {0};

            put_field(&row, declared_section(k), &d->fields[i]);
            must_have(&row);
        }
    }
}

static void
no_row_is_left_of_something_gone(void **state)
{
    size_t      expected;
    size_t      found = 0;
    const char *at = buf_str(&page);

    (void)state;
    (void)config_settings(&expected);
    for (enum declared_kind k = 0; k < DECLARED_KINDS; k++)
        expected += msg_desc(messages[k])->nfields;
    while ((at = strstr(at, "\n| `"))) {
        found++;
        at++;
    }
    assert_int_equal(found, expected);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_setting_has_its_row),
        cmocka_unit_test(every_field_has_its_row),
        cmocka_unit_test(no_row_is_left_of_something_gone),
    };

    return cmocka_run_group_tests(tests, read_page, free_page);
}
