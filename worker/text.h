/* text - bytes from outside as text that is safe to store and to show. */
#ifndef WORKER_TEXT_H
#define WORKER_TEXT_H

#include "common/buf.h"

/* Appends v with every control character but tab, and every byte that is no UTF-8, as '?'; so the
 * text is as long as v and has no newline. */
void text_clean(struct view v, struct buf *out);
/* The beginning of v, at most max bytes, not ending inside a UTF-8 character. */
struct view text_cut(struct view v, size_t max);
/* v without blanks at either end. */
struct view text_trim(struct view v);

#endif
