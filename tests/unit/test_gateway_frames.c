/* Frames of a WebSocket's peer, however they are cut: masked ones are passed on, byte by byte the
 * same, and the first one without a mask ends it. */
#include "common/buf.h"
#include "tools/gateway/frames.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define FRAMES 200

/* A frame of so many bytes that are all 0: as a header, they would be one without a mask. */
static void
add_frame(struct buf *out, size_t size, bool is_masked)
{
    static const char zero[70000];
    const uint8_t     mask = is_masked ? 0x80 : 0;
    const uint8_t     small[] = {0x81, (uint8_t)(mask | size)};
    const uint8_t     medium[] = {0x81, mask | 126, (uint8_t)(size >> 8), (uint8_t)size};
    const uint8_t     large[] = {
            0x81,         mask | 127, 0, 0, 0, 0, 0, (uint8_t)(size >> 16), (uint8_t)(size >> 8),
            (uint8_t)size};

    if (size < 126) {
        buf_add(out, small, sizeof(small));
    } else if (size < 65536) {
        buf_add(out, medium, sizeof(medium));
    } else {
        buf_add(out, large, sizeof(large));
    }
    buf_add(out, zero, size + (is_masked ? 4 : 0));
}

/* As intake.c does, with parts of at most `most` bytes. */
static void
pass(struct frames *f, struct view bytes, size_t most, struct buf *out)
{
    char room[70000];

    while (bytes.size > 0 && !f->is_refused) {
        size_t held = f->has_first ? 1 : 0;
        size_t part = (size_t)rand() % most + 1;

        if (part > bytes.size) part = bytes.size;
        room[0] = f->first;
        memcpy(room + held, bytes.data, part);
        bytes = view_of(bytes.data + part, bytes.size - part);
        size_t good = frames_read(f, view_of(room, held + part));
        assert_true(good <= held + part);
        buf_add(out, room, good);
    }
}

static void
expect_same(const struct buf *seen, struct view wanted)
{
    assert_int_equal(seen->size, wanted.size);
    assert_memory_equal(seen->data, wanted.data, wanted.size);
}

static void
masked_frames_are_passed_on_as_they_are(void **state)
{
    static const size_t sizes[] = {0, 1, 2, 125, 126, 127, 65535, 65536, 66000};
    BUF_AUTO struct buf all = {0};

    (void)state;
    for (size_t i = 0; i < FRAMES; i++)
        add_frame(&all, i < ARRAY_LEN(sizes) ? sizes[i] : (size_t)rand() % 300, true);
    for (size_t most = 1; most <= 4096; most *= 2) {
        BUF_AUTO struct buf seen = {0};
        struct frames       f = {0};

        pass(&f, buf_view(&all), most, &seen);
        assert_false(f.is_refused);
        assert_false(f.has_first);
        expect_same(&seen, buf_view(&all));
    }
}

static void
nothing_from_the_first_one_without_a_mask_on_is(void **state)
{
    static const size_t sizes[] = {0, 1, 125, 126, 65536};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes) * FRAMES; i++) {
        BUF_AUTO struct buf all = {0};
        BUF_AUTO struct buf seen = {0};
        struct frames       f = {0};

        for (size_t n = i % 5; n > 0; n--)
            add_frame(&all, (size_t)rand() % 300, true);
        size_t good = all.size;
        add_frame(&all, sizes[i % ARRAY_LEN(sizes)], false);
        add_frame(&all, 10, true);
        pass(&f, buf_view(&all), (size_t)rand() % 20 + 1, &seen);
        assert_true(f.is_refused);
        expect_same(&seen, view_of(all.data, good));
    }
}

static void
a_control_frame_has_at_most_125_bytes(void **state)
{
    (void)state;
    for (unsigned opcode = 0; opcode < 16; opcode++) {
        for (unsigned length = 125; length < 128; length++) {
            const char    header[] = {(char)(0x80 | opcode), (char)(0x80 | length)};
            struct frames f = {0};

            (void)frames_read(&f, view_of(header, 2));
            assert_int_equal(f.is_refused, opcode >= 8 && length > 125);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masked_frames_are_passed_on_as_they_are),
        cmocka_unit_test(nothing_from_the_first_one_without_a_mask_on_is),
        cmocka_unit_test(a_control_frame_has_at_most_125_bytes),
    };

    srand(1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
