/* text - what may be shown to people: text that cannot drive a terminal, its width, and short forms
 * of times and sizes. */
#ifndef TOOLS_AGENTCTL_TEXT_H
#define TOOLS_AGENTCTL_TEXT_H

#include "common/buf.h"
#include <stdbool.h>
#include <stdint.h>

enum ctl_lines { CTL_ONE_LINE, CTL_KEEP_LINES };

/* Appends `in` without control characters (C0, DEL, C1) and without the characters that reorder
 * text; what is not UTF-8 becomes U+FFFD.  CTL_KEEP_LINES keeps newlines and tabs, else they become
 * spaces. */
void ctl_clean(struct view in, enum ctl_lines lines, struct buf *out);
/* Columns on a terminal.  By wcwidth: the caller has set a UTF-8 locale, else a character counts
 * one. */
size_t ctl_width(struct view text);
/* Appends as much of `text` as fits into `width` columns, the last of them "…" when it is cut;
 * returns the columns used. */
size_t ctl_cut(struct view text, size_t width, struct buf *out);

/* "2026-11-21 09:00:00Z" */
void ctl_instant(int64_t at_ms, struct buf *out);
/* Less than a day away. */
bool ctl_is_near(int64_t at_ms, int64_t now_ms);
/* "12s ago", "in 3m", "now"; an instant that is not near is written out. */
void ctl_when(int64_t at_ms, int64_t now_ms, struct buf *out);
/* The two largest units: "3d 4h", "2m 5s", "850ms". */
void ctl_span(int64_t ms, struct buf *out);
/* "1.5 MiB" */
void ctl_bytes(int64_t bytes, struct buf *out);

#endif
