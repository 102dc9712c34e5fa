#include "worker/stream.h"

#include <errno.h>
#include <unistd.h>

void
stream_init(struct stream *s, struct lease *lease, bool is_error, bool has_protocol)
{
    *s = (struct stream){.lease = lease, .fd = -1, .is_error = is_error};
    lines_init(&s->lines, has_protocol);
}

void
stream_done(struct stream *s)
{
    stream_close(s);
    lines_done(&s->lines);
}

void
stream_close(struct stream *s)
{
    if (s->fd >= 0) close(s->fd);
    s->fd = -1;
}

ssize_t
stream_read(struct stream *s, char *chunk, size_t size)
{
    if (s->fd < 0) return -1;
    ssize_t n = read(s->fd, chunk, size);
    if (n > 0) return n;
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
    stream_close(s);
    return -1;
}
