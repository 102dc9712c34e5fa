#include "tools/gateway/write.h"

#include <assert.h>
#include <sys/ioctl.h>

#define LOOK_US LWS_US_PER_SEC

void
write_hold(struct lws *wsi)
{
    (void)lws_rx_flow_control(wsi, 0); /* of an open connection it cannot fail */
}

void
write_start(struct lws *wsi)
{
    (void)lws_rx_flow_control(wsi, 1);
    lws_callback_on_writable(wsi);
}

/* lws wants to write into what stands before the bytes. */
bool
write_some(struct lws *wsi, struct view bytes, enum lws_write_protocol how)
{
    static unsigned char room[LWS_PRE + WRITE_PART];

    assert(bytes.size <= WRITE_PART);
    memcpy(room + LWS_PRE, bytes.data, bytes.size);
    return lws_write(wsi, room + LWS_PRE, bytes.size, how) >= (int)bytes.size;
}

bool
write_part(struct lws *wsi, const struct buf *out, size_t *sent)
{
    size_t size = out->size - *sent;

    if (size > WRITE_PART) size = WRITE_PART;
    if (size == 0) return true;
    if (!write_some(wsi, view_of(out->data + *sent, size), LWS_WRITE_HTTP)) return false;
    *sent += size;
    if (*sent < out->size) {
        lws_callback_on_writable(wsi);
        lws_set_timer_usecs(wsi, LOOK_US);
    }
    return true;
}

bool
write_is_over(struct lws *wsi, const struct buf *out, size_t sent)
{
    if (sent < out->size) return false;
    if (!lws_partial_buffered(wsi)) return true;
    lws_callback_on_writable(wsi);
    lws_set_timer_usecs(wsi, LOOK_US);
    return false;
}

bool
write_is_stuck(struct lws *wsi)
{
    int unread = 0;

    if (!lws_send_pipe_choked(wsi)) return false;
    lws_set_timer_usecs(wsi, LOOK_US);
    return ioctl(lws_get_socket_fd(wsi), FIONREAD, &unread) == 0 && unread > 0;
}
