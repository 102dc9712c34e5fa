/* JSON text that is taken becomes msgpack that mp_check_json accepts and that prints as the same
 * JSON. */
#include "common/json.h"
#include "common/mp.h"
#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_taken(struct view packed)
{
    BUF_AUTO struct buf compact = {0};
    BUF_AUTO struct buf a = {0};
    struct err          e;

    assert(!mp_check_json(packed));
    assert(!json_from_mp(packed, &compact, &e));
    assert(utf8_is_valid(buf_view(&compact)));
    assert(!memchr(compact.data, '\n', compact.size));
    assert(!json_to_mp(buf_view(&compact), &a, &e));
    assert(view_eq(buf_view(&a), packed));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BUF_AUTO struct buf packed = {0};
    BUF_AUTO struct buf text = {0};
    struct err          e = {0};

    if (json_to_mp(view_of(data, size), &packed, &e)) {
        assert(e.code == E_BAD_REQUEST && packed.size == 0);
        assert(strncmp(e.msg, "line ", 5) == 0);
    } else {
        check_taken(buf_view(&packed));
    }
    /* The same bytes as msgpack that nobody has checked. */
    if (json_from_mp(view_of(data, size), &text, &e)) {
        assert(e.code == E_INTERNAL && text.size == 0);
    } else {
        assert(utf8_is_valid(buf_view(&text)));
    }
    return 0;
}
