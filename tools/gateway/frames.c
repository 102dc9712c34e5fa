#include "tools/gateway/frames.h"

#define MASKED    0x80
#define KEY_BYTES 4
#define CONTROL   0x08 /* of an opcode */
#define LENGTH    0x7f

/* The second byte of a header, and those of a long length. */
static void
read_length(struct frames *f, uint8_t byte)
{
    uint8_t length = byte & LENGTH;

    f->length_bytes = length == 126 ? 2 : length == 127 ? 8 : 0;
    f->left = f->length_bytes ? 0 : (uint64_t)length + KEY_BYTES;
}

static void
read_long_length(struct frames *f, uint8_t byte)
{
    f->left = f->left << 8 | byte;
    if (--f->length_bytes == 0) f->left += KEY_BYTES; /* one of 2^63 and more is refused by lws */
}

/* By the two bytes of its header. */
static bool
is_bad(uint8_t first, uint8_t second)
{
    return !(second & MASKED) || ((first & CONTROL) && (second & LENGTH) > 125);
}

size_t
frames_read(struct frames *f, struct view bytes)
{
    size_t i = 0;

    f->has_first = false;
    while (i < bytes.size) {
        size_t rest = bytes.size - i;

        if (f->length_bytes) {
            read_long_length(f, (uint8_t)bytes.data[i++]);
        } else if (f->left) {
            size_t part = f->left < rest ? (size_t)f->left : rest;

            f->left -= part;
            i += part;
        } else if (rest == 1) {
            f->has_first = true;
            f->first = bytes.data[i];
            return i;
        } else if (is_bad((uint8_t)bytes.data[i], (uint8_t)bytes.data[i + 1])) {
            f->is_refused = true;
            return i;
        } else {
            read_length(f, (uint8_t)bytes.data[i + 1]);
            i += 2;
        }
    }
    return i;
}
