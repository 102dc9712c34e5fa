#include "worker/lines.h"

#include "proto/handler_line.h"
#include <string.h>

void
lines_init(struct lines *l, bool has_protocol)
{
    *l = (struct lines){.has_protocol = has_protocol};
}

void
lines_done(struct lines *l)
{
    buf_done(&l->part);
}

static size_t
count_blanks(struct view line)
{
    size_t n = 0;

    while (n < line.size && (line.data[n] == ' ' || line.data[n] == '\t'))
        n++;
    return n;
}

bool
lines_is_protocol(struct view line)
{
    size_t at = count_blanks(line);

    return at < line.size && line.data[at] == '{';
}

/* Of the line that begins with `part` and goes on with `piece`. */
static size_t
limit_of(const struct lines *l, struct view piece)
{
    struct view part = buf_view(&l->part);
    bool        is_protocol = lines_is_protocol(count_blanks(part) < part.size ? part : piece);

    return l->has_protocol && is_protocol ? HANDLER_LINE_MAX + 1 : LOG_LINE_MAX;
}

/* Bytes that continue the line in `part`, or begin one; is_whole: its newline was behind them. */
static void
feed_piece(struct lines *l, struct view piece, bool is_whole, lines_fn *take, void *arg)
{
    if (l->is_dropping) {
        l->is_dropping = !is_whole;
        return;
    }
    size_t limit = limit_of(l, piece);
    bool   is_cut = l->part.size + piece.size > limit;

    if (is_whole && l->part.size == 0) { /* the usual case: nothing is copied */
        take(arg, view_of(piece.data, is_cut ? limit : piece.size));
        return;
    }
    buf_add(&l->part, piece.data, is_cut ? limit - l->part.size : piece.size);
    if (!is_cut && !is_whole) return;
    take(arg, buf_view(&l->part));
    buf_clear(&l->part);
    l->is_dropping = is_cut && !is_whole;
}

void
lines_feed(struct lines *l, struct view bytes, lines_fn *take, void *arg)
{
    while (bytes.size > 0) {
        const char *newline = memchr(bytes.data, '\n', bytes.size);
        size_t      size = newline ? (size_t)(newline - bytes.data) : bytes.size;
        size_t      used = newline ? size + 1 : size;

        feed_piece(l, view_of(bytes.data, size), newline != NULL, take, arg);
        bytes = view_of(bytes.data + used, bytes.size - used);
    }
}

void
lines_end(struct lines *l, lines_fn *take, void *arg)
{
    if (l->part.size > 0) take(arg, buf_view(&l->part));
    buf_clear(&l->part);
    l->is_dropping = false;
}
