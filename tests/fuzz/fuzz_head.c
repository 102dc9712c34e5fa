/* The head of an HTTP request, as it comes from anybody: what is taken has nothing in it that two
 * readers could read in two ways, and is taken however it is cut into pieces; what is refused says
 * why. */
#include "tools/gateway/head.h"
#include <assert.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned
lines_called(struct view head, const char *name)
{
    size_t   length = strlen(name);
    unsigned count = 0;

    for (size_t i = 0; i + length < head.size; i++) {
        if (head.data[i] == '\n' && strncasecmp(head.data + i + 1, name, length) == 0) count++;
    }
    return count;
}

static void
check_taken(struct view head, const struct head *out)
{
    struct refusal no = {0};

    assert(head.size <= HEAD_BYTES_MAX);
    assert(out->length >= 0 && out->length <= HEAD_BODY_MAX);
    for (size_t i = 0; i < head.size; i++) {
        unsigned char c = (unsigned char)head.data[i];

        assert((c >= 0x20 && c != 0x7f) || strchr("\t\r\n", c));
        assert(c != '\0' && (c == '\n') == (i > 0 && head.data[i - 1] == '\r'));
        assert(head_may_go_on(view_of(head.data, i), &no));
    }
    assert(lines_called(head, "Content-Length:") <= 1 && lines_called(head, "Host:") <= 1);
    assert(lines_called(head, "Transfer-Encoding:") == 0);
    assert(out->length == 0 || lines_called(head, "Content-Length:") == 1);
}

static void
check_refused(const struct refusal *no)
{
    assert(no->status >= 400 && no->status <= 505);
    assert(no->error.code != E_OK && no->error.msg[0] != '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view    bytes = view_of(data, size), head;
    struct refusal no = {0};
    struct head    out;

    head = view_of(data, head_end(bytes));
    if (head.size == 0) {
        if (!head_may_go_on(bytes, &no)) check_refused(&no);
    } else if (head_read(head, &out, &no)) {
        check_taken(head, &out);
    } else {
        check_refused(&no);
    }
    return 0;
}
