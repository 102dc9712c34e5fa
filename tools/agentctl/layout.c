#include "tools/agentctl/layout.h"
#include "common/json.h"
#include "common/mp.h"
#include "proto/codec.h"
#include "tools/agentctl/text.h"
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#define GAP            2 /* columns between two of a table */
#define PATH_MAX_BYTES 64
/* What a cell keeps of a value, so that a table's memory is bounded by its cells. */
#define CELL_MAX 4096
#define ROWS_MAX 10000

/* ---- values ---------------------------------------------------------------- */

static bool
find_path(struct view map, const char *path, struct view *out)
{
    char        key[PATH_MAX_BYTES];
    size_t      n;
    struct view v = map;

    for (;; path += n + 1) {
        n = strcspn(path, ".");
        assert(n < sizeof(key));
        memcpy(key, path, n);
        key[n] = '\0';
        if (!mp_find(v, key, &v)) return false;
        if (!path[n]) break;
    }
    *out = v;
    return true;
}

/* Text as it is, anything else as JSON. */
static void
put_any(struct view raw, struct buf *out)
{
    struct mp_reader    r = mp_reader_of(raw);
    struct view         text;
    BUF_AUTO struct buf json = {0};
    struct err          e;

    if (mp_peek(&r) == MP_STR && mp_read_str(&r, &text)) {
        ctl_clean(text, CTL_ONE_LINE, out);
    } else if (json_from_mp(raw, &json, &e)) {
        buf_add_str(out, "?");
    } else {
        ctl_clean(buf_view(&json), CTL_ONE_LINE, out);
    }
}

static void
put_list(struct view raw, struct buf *out)
{
    struct list_iter it = list_iter_of(raw);
    struct view      item;

    for (bool is_first = true; list_next(&it, &item); is_first = false) {
        if (!is_first) buf_add_str(out, ", ");
        put_any(item, out);
    }
}

static void
put_map(struct view raw, struct buf *out)
{
    struct mp_reader r = mp_reader_of(raw);
    uint32_t         pairs;
    struct view      key, value;

    if (!mp_read_map(&r, &pairs)) return;
    for (uint32_t i = 0; i < pairs && mp_read_any(&r, &key) && mp_read_any(&r, &value); i++) {
        if (i > 0) buf_add_str(out, ", ");
        put_any(key, out);
        buf_add_str(out, "=");
        put_any(value, out);
    }
}

static void
put_instant(const struct ctl_out *o, int64_t at_ms, struct buf *out)
{
    ctl_instant(at_ms, out);
    if (!ctl_is_near(at_ms, o->now_ms)) return;
    buf_add_str(out, " (");
    ctl_when(at_ms, o->now_ms, out);
    buf_add_str(out, ")");
}

static void
put_integer(const struct ctl_out *o, enum ctl_format format, int64_t v, struct buf *out)
{
    switch (format) {
    case CTL_AS_WHEN: ctl_when(v, o->now_ms, out); break;
    case CTL_AS_INSTANT: put_instant(o, v, out); break;
    case CTL_AS_SPAN: ctl_span(v, out); break;
    case CTL_AS_MICROS: buf_printf(out, "%.1fms", (double)v / 1000); break;
    case CTL_AS_COST: buf_printf(out, "%.6f", (double)v / 1e6); break;
    case CTL_AS_BYTES: ctl_bytes(v, out); break;
    default: buf_printf(out, "%" PRId64, v);
    }
}

static const char *
colour_of(struct view state)
{
    static const struct {
        const char *state;
        const char *colour;
    } colours[] = {
        {"running",   "\033[32m"},
        {"up",        "\033[32m"},
        {"delivered", "\033[32m"},
        {"parked",    "\033[33m"},
        {"paused",    "\033[33m"},
        {"retiring",  "\033[33m"},
        {"unknown",   "\033[33m"},
        {"failed",    "\033[31m"},
        {"expired",   "\033[31m"},
        {"lost",      "\033[31m"},
        {"missed",    "\033[31m"},
        {"cancelled", "\033[2m" },
    };

    for (size_t i = 0; i < ARRAY_LEN(colours); i++) {
        if (view_is(state, colours[i].state)) return colours[i].colour;
    }
    return NULL;
}

static bool
says_nothing(struct view raw)
{
    struct mp_reader r = mp_reader_of(raw);
    struct view      text;
    uint32_t         count;

    switch (mp_peek(&r)) {
    case MP_NIL: return true;
    case MP_STR: return mp_read_str(&r, &text) && text.size == 0;
    case MP_ARRAY: return mp_read_array(&r, &count) && count == 0;
    case MP_MAP: return mp_read_map(&r, &count) && count == 0;
    default: return false;
    }
}

void
ctl_raw(const struct ctl_out *o, struct view raw, enum ctl_format format, struct buf *out)
{
    struct mp_reader r = mp_reader_of(raw);
    enum mp_type     type = mp_peek(&r);
    int64_t          integer;
    bool             yes;

    if (type == MP_BOOL && mp_read_bool(&r, &yes)) {
        if (yes || format != CTL_AS_YES) buf_add_str(out, yes ? "yes" : "no");
    } else if ((type == MP_INT || type == MP_UINT) && mp_read_i64(&r, &integer)) {
        put_integer(o, format, integer, out);
    } else if (type == MP_ARRAY && format == CTL_AS_LIST) {
        put_list(raw, out);
    } else if (type == MP_MAP && format == CTL_AS_MAP) {
        put_map(raw, out);
    } else if (type == MP_STR && format == CTL_AS_JSON) {
        BUF_AUTO struct buf json = {0};
        struct err          e;

        /* As JSON, so that "1" and 1 differ. */
        if (json_from_mp(raw, &json, &e)) buf_add_str(&json, "?");
        ctl_clean(buf_view(&json), CTL_ONE_LINE, out);
    } else if (type != MP_NIL) {
        put_any(raw, out);
    }
}

bool
ctl_value(const struct ctl_out *o, struct view map, const char *path, enum ctl_format format,
          struct buf *out)
{
    size_t      before = out->size;
    struct view raw;

    if (!find_path(map, path, &raw)) return false;
    if (format == CTL_AS_LIMIT && says_nothing(raw)) {
        buf_add_str(out, "unlimited");
        return true;
    }
    if (says_nothing(raw)) return false;
    ctl_raw(o, raw, format, out);
    return out->size > before;
}

struct view
ctl_list(struct view map, const char *key)
{
    struct view list;

    return mp_find(map, key, &list) ? list : view_of(NULL, 0);
}

bool
ctl_has_items(struct view list)
{
    return list_iter_of(list).left > 0;
}

/* ---- records --------------------------------------------------------------- */

static void
add_spaces(struct buf *out, size_t count)
{
    while (count-- > 0)
        buf_add(out, " ", 1);
}

/* As much as fits; `used` columns of the line are taken.  Returns the columns added. */
static size_t
add_fitting(struct ctl_out *o, struct view text, size_t used)
{
    if (o->width == 0) {
        buf_add_view(o->buf, text);
        return ctl_width(text);
    }
    return ctl_cut(text, used < o->width ? o->width - used : 0, o->buf);
}

static size_t
add_coloured(struct ctl_out *o, struct view text, const char *colour, size_t used)
{
    size_t width;

    if (!o->has_colour) colour = NULL;
    if (colour) buf_add_str(o->buf, colour);
    width = add_fitting(o, text, used);
    if (colour) buf_add_str(o->buf, "\033[0m");
    return width;
}

static void
add_line(struct ctl_out *o, const char *title, struct view text, const char *colour)
{
    size_t used = add_coloured(o, view_str(title), "\033[1m", 0);
    size_t gap = used < CTL_TITLE_WIDTH ? CTL_TITLE_WIDTH - used : 1;

    add_spaces(o->buf, gap);
    (void)add_coloured(o, text, colour, used + gap);
    buf_add_str(o->buf, "\n");
}

void
ctl_record(struct ctl_out *o, struct view map, const struct ctl_column *rows, size_t count)
{
    BUF_AUTO struct buf value = {0};

    for (size_t i = 0; i < count; i++) {
        buf_clear(&value);
        if (!ctl_value(o, map, rows[i].path, rows[i].format, &value)) continue;
        struct view text = buf_view(&value);
        add_line(o, rows[i].title, text, rows[i].format == CTL_AS_STATE ? colour_of(text) : NULL);
    }
}

void
ctl_title(struct ctl_out *o, const char *title)
{
    buf_add_str(o->buf, "\n");
    (void)add_coloured(o, view_str(title), "\033[1m", 0);
    buf_add_str(o->buf, "\n");
}

void
ctl_line(struct ctl_out *o, const char *title, struct view text)
{
    BUF_AUTO struct buf clean = {0};

    ctl_clean(text, CTL_ONE_LINE, &clean);
    add_line(o, title, buf_view(&clean), NULL);
}

/* ---- tables ---------------------------------------------------------------- */

struct cells {
    const struct ctl_column *columns;
    size_t                   ncolumns;
    size_t                   nrows;
    struct view             *at;    /* nrows × ncolumns; empty: says nothing */
    size_t                  *width; /* of each column; 0: left out */
    struct arena             arena;
};

static struct view *
cell(const struct cells *t, size_t row, size_t column)
{
    return &t->at[row * t->ncolumns + column];
}

static void
fill_cells(const struct ctl_out *o, struct view list, struct cells *t)
{
    struct list_iter    it = list_iter_of(list);
    BUF_AUTO struct buf value = {0};
    struct view         item;

    for (size_t row = 0; row < t->nrows && list_next(&it, &item); row++) {
        for (size_t i = 0; i < t->ncolumns; i++) {
            BUF_AUTO struct buf cut = {0};
            size_t              width;

            buf_clear(&value);
            if (!ctl_value(o, item, t->columns[i].path, t->columns[i].format, &value)) continue;
            width = ctl_cut(buf_view(&value), CELL_MAX, &cut);
            *cell(t, row, i) = arena_copy(&t->arena, buf_view(&cut));
            if (width > t->width[i]) t->width[i] = width;
        }
    }
}

static size_t
count_items(struct view list)
{
    struct list_iter it = list_iter_of(list);
    struct view      item;
    size_t           count = 0;

    while (list_next(&it, &item))
        count++;
    return count;
}

static void
add_row(struct ctl_out *o, const struct cells *t, size_t row, bool is_title)
{
    size_t used = 0;
    size_t owed = 0; /* spaces, only written when something follows them */

    for (size_t i = 0; i < t->ncolumns; i++) {
        bool        is_number = t->columns[i].format == CTL_AS_NUMBER;
        struct view text = is_title ? view_str(t->columns[i].title) : *cell(t, row, i);
        const char *colour = is_title ? "\033[1m" : NULL;

        if (t->width[i] == 0) continue;
        if (text.size == 0) text = view_str("-");
        if (t->columns[i].format == CTL_AS_STATE && !is_title) colour = colour_of(text);
        size_t width = ctl_width(text);
        size_t pad = t->width[i] - (width < t->width[i] ? width : t->width[i]);
        if (is_number) owed += pad;
        if (o->width > 0 && used + owed >= o->width) break;
        add_spaces(o->buf, owed);
        used += owed;
        used += add_coloured(o, text, colour, used);
        owed = GAP + (is_number ? 0 : pad);
    }
    buf_add_str(o->buf, "\n");
}

void
ctl_table(struct ctl_out *o, struct view list, const struct ctl_column *columns, size_t count)
{
    struct cells t = {.columns = columns, .ncolumns = count};
    size_t       nitems = count_items(list);

    if (nitems == 0) return;
    t.nrows = nitems < ROWS_MAX ? nitems : ROWS_MAX;
    t.at = xcalloc(t.nrows * count, sizeof(*t.at));
    t.width = xcalloc(count, sizeof(*t.width));
    arena_init(&t.arena);
    fill_cells(o, list, &t);
    for (size_t i = 0; i < count; i++) {
        size_t width = strlen(columns[i].title);

        if ((i == 0 || t.width[i] > 0) && t.width[i] < width) t.width[i] = width;
    }
    add_row(o, &t, 0, true);
    for (size_t row = 0; row < t.nrows; row++)
        add_row(o, &t, row, false);
    if (nitems > t.nrows) buf_printf(o->buf, "and %zu more\n", nitems - t.nrows);
    arena_done(&t.arena);
    mem_free_at(&t.at);
    mem_free_at(&t.width);
}
