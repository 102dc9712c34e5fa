/* layout - tables and records for people, by lists of columns.
 *
 * A column names its value by its path in the reply's map ("failure.class").  A value that is
 * absent, or not of the kind that its format wants, is shown as well as can be, never an error: a
 * reply may come from another version. */
#ifndef TOOLS_AGENTCTL_LAYOUT_H
#define TOOLS_AGENTCTL_LAYOUT_H

#include "common/buf.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where text for people goes, and how. */
struct ctl_out {
    struct buf *buf;
    bool        has_colour;
    bool        has_utf8; /* its terminal shows more than ASCII */
    size_t      width;    /* of the terminal; 0: lines are not cut */
    int64_t     now_ms;
};

enum ctl_format {
    CTL_AS_TEXT,
    CTL_AS_STATE,   /* text, coloured */
    CTL_AS_NUMBER,  /* right-aligned */
    CTL_AS_LIMIT,   /* null is "unlimited" */
    CTL_AS_WHEN,    /* an instant, relative */
    CTL_AS_INSTANT, /* an instant, in full and relative */
    CTL_AS_SPAN,    /* ms */
    CTL_AS_MICROS,  /* µs, as ms */
    CTL_AS_COST,    /* millionths of a currency unit */
    CTL_AS_BYTES,
    CTL_AS_YES,  /* true is "yes", false is nothing */
    CTL_AS_BOOL, /* "yes", "no" */
    CTL_AS_LIST, /* items, separated by commas */
    CTL_AS_MAP,  /* key=value, separated by commas */
    CTL_AS_JSON
};

struct ctl_column {
    const char     *title;
    const char     *path;
    enum ctl_format format;
};

/* Appends the value at `path` of the map; false, and nothing, when there is none or it says
 * nothing (null, "", an empty list). */
bool ctl_value(const struct ctl_out *o, struct view map, const char *path, enum ctl_format format,
               struct buf *out);
/* The same of one packed value; nothing for a null. */
void ctl_raw(const struct ctl_out *o, struct view raw, enum ctl_format format, struct buf *out);
/* The list under `key` of the map; empty when there is none. */
struct view ctl_list(struct view map, const char *key);
bool        ctl_has_items(struct view list);
#define CTL_TITLE_WIDTH 14 /* columns before the values of records */
/* One line per row that says something: its title, its value. */
void ctl_record(struct ctl_out *o, struct view map, const struct ctl_column *rows, size_t count);
/* A line of titles and one per item; columns that say nothing in any item are left out, the first
 * apart.  No items: nothing. */
void ctl_table(struct ctl_out *o, struct view list, const struct ctl_column *columns, size_t count);
/* A line of its own before a table within a record. */
void ctl_title(struct ctl_out *o, const char *title);
/* A title and free text, as ctl_record writes them. */
void ctl_line(struct ctl_out *o, const char *title, struct view text);

#endif
