#include "tools/agentctl/text.h"
#include <limits.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NOW_MS INT64_C(1795251600000) /* 2026-11-21T09:00:00Z */

static void
must_clean(const char *in, enum ctl_lines lines, const char *expected)
{
    BUF_AUTO struct buf out = {0};

    ctl_clean(view_str(in), lines, &out);
    assert_string_equal(buf_str(&out), expected);
}

static void
nothing_that_drives_a_terminal_passes(void **state)
{
    (void)state;
    must_clean("a\033[31mb", CTL_ONE_LINE, "a[31mb");
    must_clean("\a\b\r\v\f\x7f", CTL_KEEP_LINES, "");
    must_clean("c1 \xc2\x9b"
               "31m \xc2\x85 end",
               CTL_KEEP_LINES, "c1 31m  end");
    must_clean("title\033]0;owned\a", CTL_ONE_LINE, "title]0;owned");
    must_clean("\xe2\x80\xae"
               "live\xe2\x81\xa6 \xe2\x80\x8f.",
               CTL_ONE_LINE, "live .");
}

static void
lines_are_kept_only_where_they_are_wanted(void **state)
{
    (void)state;
    must_clean("a\n\tb", CTL_KEEP_LINES, "a\n\tb");
    must_clean("a\n\tb", CTL_ONE_LINE, "a  b");
}

static void
text_passes_and_what_is_none_is_replaced(void **state)
{
    (void)state;
    must_clean("Grüße, 世界 🙂", CTL_ONE_LINE, "Grüße, 世界 🙂");
    must_clean("a\xff"
               "b",
               CTL_ONE_LINE,
               "a\xef\xbf\xbd"
               "b");
    must_clean("\xe4\xb8", CTL_ONE_LINE, "\xef\xbf\xbd\xef\xbf\xbd");
    must_clean("\xc0\x9b"
               "31m",
               CTL_ONE_LINE,
               "\xef\xbf\xbd\xef\xbf\xbd"
               "31m");
    must_clean("\xed\xa0\x80", CTL_ONE_LINE, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    must_clean("", CTL_ONE_LINE, "");
}

static void
a_nul_is_a_control_character(void **state)
{
    BUF_AUTO struct buf out = {0};

    (void)state;
    ctl_clean(view_of("a\0b", 3), CTL_KEEP_LINES, &out);
    assert_int_equal(out.size, 2);
    assert_memory_equal(out.data, "ab", 2);
}

static void
must_cut(const char *in, size_t width, const char *expected)
{
    BUF_AUTO struct buf out = {0};
    size_t              used = ctl_cut(view_str(in), width, &out);

    assert_string_equal(buf_str(&out), expected);
    assert_int_equal(used, ctl_width(buf_view(&out)));
    assert_true(used <= width);
}

static void
text_is_cut_between_characters(void **state)
{
    (void)state;
    must_cut("abc", 3, "abc");
    must_cut("abcd", 3, "ab…");
    must_cut("abcd", 1, "…");
    must_cut("abcd", 0, "");
    must_cut("äöüß", 3, "äö…");
    must_cut("", 0, "");
    must_cut("世界世", 5, "世界…");
    must_cut("世界世", 4, "世…");
}

static void
width_counts_columns(void **state)
{
    (void)state;
    assert_int_equal(ctl_width(view_str("")), 0);
    assert_int_equal(ctl_width(view_str("abc")), 3);
    assert_int_equal(ctl_width(view_str("äöü")), 3);
    assert_int_equal(ctl_width(view_str("世界")), 4);
    assert_int_equal(ctl_width(view_str("e\xcc\x81")), 1);
    assert_int_equal(ctl_width(view_str("\xff\xfe")), 2);
}

static void
must_be_when(int64_t at_ms, const char *expected)
{
    BUF_AUTO struct buf out = {0};

    ctl_when(at_ms, NOW_MS, &out);
    assert_string_equal(buf_str(&out), expected);
}

static void
instants_that_are_near_are_told_from_now(void **state)
{
    (void)state;
    must_be_when(NOW_MS, "now");
    must_be_when(NOW_MS + 999, "now");
    must_be_when(NOW_MS - 999, "now");
    must_be_when(NOW_MS - 12000, "12s ago");
    must_be_when(NOW_MS + 180000, "in 3m");
    must_be_when(NOW_MS + 86399999, "in 23h 59m");
    must_be_when(NOW_MS + 86400000, "2026-11-22 09:00:00Z");
    must_be_when(NOW_MS - 86400000, "2026-11-20 09:00:00Z");
}

static void
no_instant_is_too_far(void **state)
{
    BUF_AUTO struct buf out = {0};

    (void)state;
    ctl_when(INT64_MIN, NOW_MS, &out);
    ctl_when(INT64_MAX, -1, &out);
    ctl_when(INT64_MAX, NOW_MS, &out);
    assert_true(out.size > 0);
    buf_clear(&out);
    ctl_instant(NOW_MS + 1, &out);
    assert_string_equal(buf_str(&out), "2026-11-21 09:00:00Z");
}

static void
must_span(int64_t ms, const char *expected)
{
    BUF_AUTO struct buf out = {0};

    ctl_span(ms, &out);
    assert_string_equal(buf_str(&out), expected);
}

static void
spans_have_at_most_two_units(void **state)
{
    (void)state;
    must_span(0, "0ms");
    must_span(850, "850ms");
    must_span(1999, "1s");
    must_span(125000, "2m 5s");
    must_span(120000, "2m");
    must_span(3 * 86400000LL + 4 * 3600000LL + 59000, "3d 4h");
    must_span(3 * 86400000LL + 59000, "3d");
    must_span(-5, "-5ms");
    must_span(INT64_MIN, "-9223372036854775808ms");
}

static void
must_weigh(int64_t bytes, const char *expected)
{
    BUF_AUTO struct buf out = {0};

    ctl_bytes(bytes, &out);
    assert_string_equal(buf_str(&out), expected);
}

static void
sizes_are_short(void **state)
{
    (void)state;
    must_weigh(0, "0 B");
    must_weigh(1023, "1023 B");
    must_weigh(1536, "1.5 KiB");
    must_weigh(64LL << 30, "64.0 GiB");
    must_weigh(200LL << 20, "200 MiB");
    must_weigh(INT64_MAX, "8.0 EiB");
    must_weigh(-1, "-1 B");
}

static int
set_locale(void **state)
{
    (void)state;
    return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_that_drives_a_terminal_passes),
        cmocka_unit_test(lines_are_kept_only_where_they_are_wanted),
        cmocka_unit_test(text_passes_and_what_is_none_is_replaced),
        cmocka_unit_test(a_nul_is_a_control_character),
        cmocka_unit_test(text_is_cut_between_characters),
        cmocka_unit_test(width_counts_columns),
        cmocka_unit_test(instants_that_are_near_are_told_from_now),
        cmocka_unit_test(no_instant_is_too_far),
        cmocka_unit_test(spans_have_at_most_two_units),
        cmocka_unit_test(sizes_are_short),
    };

    return cmocka_run_group_tests(tests, set_locale, NULL);
}
