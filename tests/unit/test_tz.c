#include "common/tz.h"

#include "common/buf.h"
#include "common/civil.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ZONES   "/usr/share/zoneinfo/"
#define HOUR_MS INT64_C(3600000)
/* Seconds from 1970 to the end of 2100. */
#define END_2100 INT64_C(4133980800)

static bool
read_zone(const char *name, struct buf *out)
{
    char  path[512];
    FILE *f;

    (void)snprintf(path, sizeof(path), ZONES "%s", name);
    buf_clear(out);
    buf_reserve(out, TZ_BYTES_MAX);
    f = fopen(path, "rb");
    if (!f) return false;
    out->size = fread(out->data, 1, TZ_BYTES_MAX, f);
    assert_int_equal(fclose(f), 0);
    return true;
}

static void
load(const char *name, struct buf *bytes, struct tz *z)
{
    struct err e = {0};

    if (!read_zone(name, bytes)) skip();
    if (tz_parse(buf_view(bytes), z, &e)) fail_msg("%s: %s", name, e.msg);
}

/* Unix ms of a UTC time. */
static int64_t
at(int64_t year, int month, int day, int hour, int minute)
{
    return civil_to_days((struct civil){year, month, day}) * CIVIL_MS_PER_DAY + hour * HOUR_MS +
           minute * INT64_C(60000);
}

static int64_t
day_of(int64_t year, int month, int day)
{
    return civil_to_days((struct civil){year, month, day});
}

static void
a_zeroed_zone_is_utc(void **state)
{
    const struct tz utc = {0};

    (void)state;
    assert_int_equal(tz_offset(&utc, at(2026, 7, 1, 0, 0)), 0);
    assert_true(tz_day(&utc, -1) == -1);
    assert_true(tz_day(&utc, at(2026, 7, 1, 23, 59)) == day_of(2026, 7, 1));
    assert_true(tz_day_begin(&utc, day_of(2026, 7, 1)) == at(2026, 7, 1, 0, 0));
}

static void
summer_time_is_followed(void **state)
{
    struct buf bytes BUF_AUTO = {0};
    struct tz        z;

    (void)state;
    load("Europe/Berlin", &bytes, &z);
    assert_int_equal(tz_offset(&z, at(2026, 1, 1, 0, 0)), 3600);
    assert_int_equal(tz_offset(&z, at(2026, 3, 29, 1, 0) - 1), 3600);
    assert_int_equal(tz_offset(&z, at(2026, 3, 29, 1, 0)), 7200);
    assert_int_equal(tz_offset(&z, at(2026, 10, 25, 1, 0) - 1), 7200);
    assert_int_equal(tz_offset(&z, at(2026, 10, 25, 1, 0)), 3600);
    /* from the footer, far behind the last transition */
    assert_int_equal(tz_offset(&z, at(2090, 7, 1, 0, 0)), 7200);
    assert_true(tz_day(&z, at(2026, 7, 1, 21, 59)) == day_of(2026, 7, 1));
    assert_true(tz_day(&z, at(2026, 7, 1, 22, 0)) == day_of(2026, 7, 2));
    assert_true(tz_day_begin(&z, day_of(2026, 7, 2)) == at(2026, 7, 1, 22, 0));
}

static void
summer_time_of_the_south_and_the_negative_one_of_dublin(void **state)
{
    struct buf bytes BUF_AUTO = {0};
    struct tz        z;

    (void)state;
    load("Australia/Sydney", &bytes, &z);
    assert_int_equal(tz_offset(&z, at(2060, 1, 1, 0, 0)), 11 * 3600);
    assert_int_equal(tz_offset(&z, at(2060, 7, 1, 0, 0)), 10 * 3600);
    load("Europe/Dublin", &bytes, &z);
    assert_int_equal(tz_offset(&z, at(2060, 1, 1, 0, 0)), 0);
    assert_int_equal(tz_offset(&z, at(2060, 7, 1, 0, 0)), 3600);
}

/* Days without a midnight, and days that were left out. */
static void
a_day_begins_at_its_first_instant(void **state)
{
    struct buf bytes BUF_AUTO = {0};
    struct tz        z;

    (void)state;
    load("America/Sao_Paulo", &bytes, &z); /* 2018-11-04 began at 01:00 */
    assert_true(tz_day_begin(&z, day_of(2018, 11, 4)) == at(2018, 11, 4, 3, 0));
    load("Pacific/Apia", &bytes, &z); /* there was no 2011-12-30 */
    assert_true(tz_day_begin(&z, day_of(2011, 12, 30)) == at(2011, 12, 30, 10, 0));
    assert_true(tz_day_begin(&z, day_of(2011, 12, 31)) == at(2011, 12, 30, 10, 0));
    assert_true(tz_day(&z, at(2011, 12, 30, 10, 0)) == day_of(2011, 12, 31));
    assert_true(tz_day(&z, at(2011, 12, 30, 10, 0) - 1) == day_of(2011, 12, 29));
}

static void
days_begin_where_their_dates_do(void **state)
{
    static const char *const names[] = {"Europe/Berlin",     "America/St_Johns", "Asia/Kathmandu",
                                        "Africa/Casablanca", "America/Havana",   "Asia/Gaza",
                                        "Pacific/Chatham",   "Antarctica/Troll", "UTC"};
    struct buf bytes         BUF_AUTO = {0};
    struct tz                z;

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        load(names[i], &bytes, &z);
        for (int64_t day = day_of(1969, 1, 1); day < day_of(2101, 1, 1); day++) {
            int64_t begin = tz_day_begin(&z, day);

            assert_true(tz_day(&z, begin) >= day);
            assert_true(tz_day(&z, begin - 1) < day);
        }
    }
}

/* ---- against Python ------------------------------------------------------------ */

/* Lines "zone seconds offset" of random instants, and of those around each transition. */
static const char python[] =
    "import random, zoneinfo, datetime as d\n"
    "random.seed(1)\n"
    "e = d.datetime(1970, 1, 1, tzinfo=d.timezone.utc)\n"
    "for n in sorted(zoneinfo.available_timezones()):\n"
    "  z = zoneinfo.ZoneInfo(n)\n"
    "  def off(s): return int((e + d.timedelta(seconds=s)).astimezone(z).utcoffset()"
    ".total_seconds())\n"
    "  for s in [random.randrange(0, 4133980800) for _ in range(60)]:\n"
    "    t = s + random.randrange(0, 400) * 86400\n"
    "    print(n, s, off(s))\n"
    "    if off(s) != off(t):\n"
    "      a, b = s, t\n"
    "      while b - a > 1:\n"
    "        m = (a + b) // 2\n"
    "        if off(m) == off(s): a = m\n"
    "        else: b = m\n"
    "      print(n, a, off(a))\n"
    "      print(n, b, off(b))\n";

static void
offsets_are_those_of_python(void **state)
{
    struct buf bytes BUF_AUTO = {0};
    char             command[4096], name[128], loaded[128] = "";
    struct tz        z = {0};
    long long        seconds;
    int              offset;
    uint32_t         n = 0;
    FILE            *f;

    (void)state;
    (void)snprintf(command, sizeof(command), "PYTHONTZPATH=%s python3 -c '%s' 2>/dev/null", ZONES,
                   python);
    f = popen(command, "r");
    assert_non_null(f);
    while (fscanf(f, "%127s %lld %d", name, &seconds, &offset) == 3) {
        if (strcmp(name, loaded) != 0) {
            load(name, &bytes, &z);
            (void)snprintf(loaded, sizeof(loaded), "%s", name);
        }
        if (seconds < END_2100 && tz_offset(&z, seconds * 1000) != offset)
            fail_msg("%s at %lld: %d, not %d", name, seconds, tz_offset(&z, seconds * 1000),
                     offset);
        n++;
    }
    (void)pclose(f);
    if (n == 0) skip(); /* no python3, or one without zoneinfo */
    assert_true(n > 10000);
}

/* ---- bytes that are no zone ------------------------------------------------------ */

static void
what_is_cut_off_is_refused(void **state)
{
    struct buf bytes BUF_AUTO = {0};
    struct tz        z;
    struct err       e = {0};

    (void)state;
    load("Europe/Berlin", &bytes, &z);
    for (size_t size = 0; size < bytes.size; size++) {
        assert_int_equal(tz_parse(view_of(bytes.data, size), &z, &e), E_BAD_REQUEST);
    }
    assert_int_equal(tz_parse(view_str("TZif"), &z, &e), E_BAD_REQUEST);
    assert_string_equal(e.msg, "not a TZif file of version 2 or later");
}

/* A file with one type, UTC, and this footer. */
static enum errc
parse_with_footer(const char *footer, struct buf *b, struct tz *z)
{
    static const char header[] = "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" /* magic, version, unused */
                                 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4";
    static const char type[] = "\0\0\0\0\0\0UTC"; /* with its NUL */
    struct err        e = {0};

    buf_clear(b);
    for (int i = 0; i < 2; i++) {
        buf_add(b, header, 44);
        buf_add(b, type, 10);
    }
    buf_printf(b, "\n%s\n", footer);
    return tz_parse(buf_view(b), z, &e);
}

static void
footers_are_read(void **state)
{
    static const char *const bad[] = {"X",
                                      "UTC",
                                      "AB1",
                                      "<+1>",
                                      "ABC25",
                                      "ABC1DEF",
                                      "ABC1DEF,M3.2.0",
                                      "ABC1DEF,M13.2.0,M11.1.0",
                                      "ABC1DEF,M3.6.0,M11.1.0",
                                      "ABC1DEF,J0,J365",
                                      "ABC1DEF,J1,J365/168",
                                      "ABC1DEF,366,1",
                                      "ABC1DEF,M3.2.0,M11.1.0x",
                                      "ABC1:60"};
    struct buf b             BUF_AUTO = {0};
    struct tz                z;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(parse_with_footer(bad[i], &b, &z), E_BAD_REQUEST);
    assert_int_equal(parse_with_footer("", &b, &z), E_OK);
    assert_int_equal(tz_offset(&z, 0), 0);
    assert_int_equal(parse_with_footer("<+0530>-5:30", &b, &z), E_OK);
    assert_int_equal(tz_offset(&z, 0), 19800);
    /* summer time all year, as RFC 9636 3.3.1 writes it */
    assert_int_equal(parse_with_footer("XXX3EDT4,0/0,J365/23", &b, &z), E_OK);
    for (int64_t t = at(2023, 1, 1, 0, 0); t < at(2026, 1, 1, 0, 0); t += HOUR_MS)
        assert_int_equal(tz_offset(&z, t), -4 * 3600);
    /* J60 is the first of March in leap years too, 59 is not */
    assert_int_equal(parse_with_footer("AAA0BBB,J60/0,J61/0", &b, &z), E_OK);
    assert_int_equal(tz_offset(&z, at(2024, 3, 1, 1, 0)), 3600);
    assert_int_equal(tz_offset(&z, at(2024, 2, 29, 1, 0)), 0);
    assert_int_equal(parse_with_footer("AAA0BBB,59/0,60/0", &b, &z), E_OK);
    assert_int_equal(tz_offset(&z, at(2024, 2, 29, 1, 0)), 3600);
    assert_int_equal(tz_offset(&z, at(2023, 3, 1, 1, 0)), 3600);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_zeroed_zone_is_utc),
        cmocka_unit_test(summer_time_is_followed),
        cmocka_unit_test(summer_time_of_the_south_and_the_negative_one_of_dublin),
        cmocka_unit_test(a_day_begins_at_its_first_instant),
        cmocka_unit_test(days_begin_where_their_dates_do),
        cmocka_unit_test(offsets_are_those_of_python),
        cmocka_unit_test(what_is_cut_off_is_refused),
        cmocka_unit_test(footers_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
