/* The head of an HTTP request, as it comes from anybody: what is taken has nothing in it that two
 * readers could read in two ways, and is taken however it is cut into pieces; what is refused says
 * why. */
#include "tools/gateway/head.h"
#include <assert.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Lines of letters that are known here, a length that was judged, and a key. */
static void
check_given(const struct head *h)
{
    static const char *const names[] = {
        "Host: agentd",       "Connection: ",           "Content-Length: ",
        "Upgrade: websocket", "Sec-WebSocket-Version:", "Sec-WebSocket-Protocol: agentd.v1",
        "Sec-WebSocket-Key: "};
    BUF_AUTO struct buf given = {0};
    unsigned            lengths = 0;

    head_write(h, &given);
    assert(given.size <= HEAD_GIVEN_MAX && head_end(buf_view(&given)) == given.size);
    struct view rest = view_of(given.data, given.size - 2), line = view_take(&rest, '\n');
    while (rest.size > 0) {
        size_t i = 0;

        line = view_take(&rest, '\n');
        while (i < sizeof(names) / sizeof(names[0]) &&
               (line.size < strlen(names[i]) || memcmp(line.data, names[i], strlen(names[i])) != 0))
            i++;
        assert(i < sizeof(names) / sizeof(names[0]));
        lengths += i == 2;
    }
    assert(lengths <= 1 && (h->length == 0 || lengths == 1));
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
    assert(out->length == 0 || (out->headers[HEADER_CONTENT_LENGTH].data && !out->is_upgrade));
    assert(!out->headers[HEADER_TRANSFER_ENCODING].data);
    assert(out->target.path.size > 0 && out->target.path.data[0] == '/');
    check_given(out);
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
