#include "worker/delivery/answer.h"

#include "common/err.h"
#include "common/json.h"
#include "common/mp.h"
#include "worker/text.h"
#include <stdlib.h>
#include <unistd.h>

void
answer_put(struct buf *out, const char *outcome, const char *key, const char *text)
{
    BUF_AUTO struct buf packed = {0}, clean = {0};
    struct mp_open_map  m = mp_open(&packed);
    struct err          e;

    text_clean(view_str(text), &clean);
    mp_put_cstr(&packed, &m, "outcome", outcome);
    if (key) mp_put_str(&packed, &m, key, buf_view(&clean));
    mp_close(&packed, &m);
    if (json_from_mp(buf_view(&packed), out, &e)) abort(); /* we have just made it */
}

static void
put(struct buf *out, const char *outcome, const char *message, bool is_final, int64_t after_ms)
{
    BUF_AUTO struct buf packed = {0}, clean = {0};
    struct mp_open_map  m = mp_open(&packed);
    struct err          e;

    text_clean(view_str(message), &clean);
    mp_put_cstr(&packed, &m, "outcome", outcome);
    mp_put_str(&packed, &m, "message", buf_view(&clean));
    if (is_final) mp_put_bool(&packed, &m, "final", true);
    if (!is_final && after_ms >= 0) mp_put_i64(&packed, &m, "after_ms", after_ms);
    mp_close(&packed, &m);
    if (json_from_mp(buf_view(&packed), out, &e)) abort(); /* we have just made it */
}

void
answer_put_failed(struct buf *out, const char *message, bool is_final, int64_t after_ms)
{
    put(out, "failed", message, is_final, after_ms);
}

void
answer_put_unknown(struct buf *out, const char *message)
{
    put(out, "unknown", message, true, -1);
}

int
answer_print(struct buf *out)
{
    buf_add(out, "\n", 1);
    return write(STDOUT_FILENO, out->data, out->size) == (ssize_t)out->size ? 0 : 1;
}
