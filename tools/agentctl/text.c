#include "tools/agentctl/text.h"
#include "common/civil.h"
#include "common/mp.h"
#include "common/timetext.h"
#include <inttypes.h>
#include <string.h>
#include <wchar.h>

#define REPLACEMENT "\xef\xbf\xbd"
#define ELLIPSIS    "\xe2\x80\xa6"

/* ---- characters ------------------------------------------------------------ */

/* The bytes of the character at the front of `v`, at most 4; 0 when they are no UTF-8. */
static size_t
char_size(struct view v)
{
    unsigned char lead = (unsigned char)v.data[0];
    size_t        n = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

    if (n > v.size || !utf8_is_valid(view_of(v.data, n))) return 0;
    return n;
}

static uint32_t
decode(const char *s, size_t n)
{
    static const unsigned char lead_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t                   c = (unsigned char)s[0] & lead_bits[n];

    for (size_t i = 1; i < n; i++)
        c = c << 6 | ((unsigned char)s[i] & 0x3f);
    return c;
}

static bool
is_dropped(uint32_t c)
{
    if (c < 0x20 || (c >= 0x7f && c < 0xa0)) return true;
    /* marks, embeddings, overrides and isolates that change the order of what is read */
    return c == 0x200e || c == 0x200f || c == 0x061c || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

void
ctl_clean(struct view in, enum ctl_lines lines, struct buf *out)
{
    while (in.size > 0) {
        size_t   n = char_size(in);
        uint32_t c = n ? decode(in.data, n) : 0xfffd;

        if (c == '\n' || c == '\t') {
            buf_add(out, lines == CTL_KEEP_LINES ? in.data : " ", 1);
        } else if (!n) {
            buf_add_str(out, REPLACEMENT);
        } else if (!is_dropped(c)) {
            buf_add(out, in.data, n);
        }
        in = view_of(in.data + (n ? n : 1), in.size - (n ? n : 1));
    }
}

/* The columns of the character at the front; *n its bytes. */
static size_t
char_width(struct view v, size_t *n)
{
    int width;

    *n = char_size(v);
    if (*n <= 1) {
        *n = 1;
        return 1;
    }
    width = wcwidth((wchar_t)decode(v.data, *n));
    return width < 0 ? 1 : (size_t)width;
}

size_t
ctl_width(struct view text)
{
    size_t width = 0;

    while (text.size > 0) {
        size_t n;

        width += char_width(text, &n);
        text = view_of(text.data + n, text.size - n);
    }
    return width;
}

size_t
ctl_cut(struct view text, size_t width, struct buf *out)
{
    size_t used = 0;
    size_t all = ctl_width(text);

    if (all <= width) {
        buf_add_view(out, text);
        return all;
    }
    if (width == 0) return 0;
    for (;;) {
        size_t n;
        size_t w = char_width(text, &n);

        if (used + w > width - 1) break;
        buf_add(out, text.data, n);
        text = view_of(text.data + n, text.size - n);
        used += w;
    }
    buf_add_str(out, ELLIPSIS);
    return used + 1;
}

/* ---- times and sizes ------------------------------------------------------- */

void
ctl_instant(int64_t at_ms, struct buf *out)
{
    char  text[64];
    char *point;

    instant_text(at_ms, text, sizeof(text));
    point = strchr(text, '.');
    if (point) memcpy(point, "Z", 2);
    buf_add_str(out, text);
}

bool
ctl_is_near(int64_t at_ms, int64_t now_ms)
{
    int64_t distance;

    return !__builtin_sub_overflow(at_ms, now_ms, &distance) && distance < CIVIL_MS_PER_DAY &&
           distance > -CIVIL_MS_PER_DAY;
}

void
ctl_when(int64_t at_ms, int64_t now_ms, struct buf *out)
{
    if (!ctl_is_near(at_ms, now_ms)) {
        ctl_instant(at_ms, out);
        return;
    }
    int64_t distance = at_ms - now_ms;
    if (distance > -1000 && distance < 1000) {
        buf_add_str(out, "now");
    } else if (distance > 0) {
        buf_add_str(out, "in ");
        ctl_span(distance, out);
    } else {
        ctl_span(-distance, out);
        buf_add_str(out, " ago");
    }
}

void
ctl_span(int64_t ms, struct buf *out)
{
    static const struct {
        int64_t     ms;
        const char *unit;
    } units[] = {
        {86400000, "d"},
        {3600000,  "h"},
        {60000,    "m"},
        {1000,     "s"},
    };
    size_t i = 0;

    if (ms < 1000) {
        buf_printf(out, "%" PRId64 "ms", ms);
        return;
    }
    while (ms < units[i].ms)
        i++;
    buf_printf(out, "%" PRId64 "%s", ms / units[i].ms, units[i].unit);
    if (i + 1 == ARRAY_LEN(units)) return;
    int64_t rest = ms % units[i].ms / units[i + 1].ms;
    if (rest > 0) buf_printf(out, " %" PRId64 "%s", rest, units[i + 1].unit);
}

void
ctl_bytes(int64_t bytes, struct buf *out)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double                   v = (double)bytes;
    size_t                   i = 0;

    for (; v >= 1024 && i + 1 < ARRAY_LEN(units); i++)
        v /= 1024;
    buf_printf(out, i == 0 || v >= 100 ? "%.0f %s" : "%.1f %s", v, units[i]);
}
