/* Whatever mp_check accepts can be walked, read and copied; whatever it refuses harms nobody. */
#include "common/json.h"
#include "common/mp.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Copies one value through the typed readers and the writers. */
static void
copy(struct mp_reader *r, struct buf *out)
{
    struct view v;
    uint32_t    count;
    int64_t     i;
    uint64_t    u;
    double      f;
    bool        b;

    switch (mp_peek(r)) {
    case MP_NIL:
        assert(mp_read_nil(r));
        mp_nil(out);
        break;
    case MP_BOOL:
        assert(mp_read_bool(r, &b));
        mp_bool(out, b);
        break;
    case MP_INT:
        assert(mp_read_i64(r, &i));
        mp_i64(out, i);
        break;
    case MP_UINT:
        assert(mp_read_u64(r, &u));
        mp_u64(out, u);
        break;
    case MP_FLOAT:
        assert(mp_read_f64(r, &f));
        mp_f64(out, f);
        break;
    case MP_STR:
        assert(mp_read_str(r, &v));
        mp_str(out, v);
        break;
    case MP_BIN:
        assert(mp_read_bin(r, &v));
        mp_bin(out, v);
        break;
    case MP_ARRAY:
        assert(mp_read_array(r, &count));
        mp_array(out, count);
        for (uint32_t n = 0; n < count; n++)
            copy(r, out);
        break;
    case MP_MAP:
        assert(mp_read_map(r, &count));
        mp_map(out, count);
        for (uint32_t n = 0; n < 2 * (uint64_t)count; n++)
            copy(r, out);
        break;
    case MP_BAD: abort();
    }
}

static void
check_accepted(struct view v, bool is_json)
{
    BUF_AUTO struct buf out = {0};
    BUF_AUTO struct buf again = {0};
    struct mp_reader    r = mp_reader_of(v);
    struct view         raw;

    assert(mp_read_any(&r, &raw) && view_eq(raw, v) && r.at == r.end);
    r = mp_reader_of(v);
    copy(&r, &out);
    assert(!r.failed && r.at == r.end);
    /* The copy is in the shortest form, so it says the same and copies to itself. */
    assert(!mp_check(buf_view(&out)) && !mp_check_json(buf_view(&out)) == is_json);
    r = mp_reader_of(buf_view(&out));
    copy(&r, &again);
    assert(view_eq(buf_view(&out), buf_view(&again)));
}

/* The value as JSON text, read back and printed again, is the same text. */
static void
check_json(struct view v)
{
    BUF_AUTO struct buf text = {0};
    BUF_AUTO struct buf packed = {0};
    BUF_AUTO struct buf again = {0};
    struct err          e;

    assert(!json_from_mp(v, &text, &e));
    assert(!json_to_mp(buf_view(&text), &packed, &e));
    assert(!mp_check_json(buf_view(&packed)));
    assert(!json_from_mp(buf_view(&packed), &again, &e));
    assert(view_eq(buf_view(&text), buf_view(&again)));
}

/* Unchecked bytes, read by every reader in turn as the bytes themselves choose. */
static void
read_anyhow(struct view v)
{
    struct mp_reader r = mp_reader_of(v);
    struct view      out;
    uint32_t         n;
    int64_t          i;
    uint64_t         u;
    double           f;
    bool             b;

    for (size_t at = 0; at < v.size && !r.failed; at++) {
        switch ((uint8_t)v.data[v.size - 1 - at] % 9) {
        case 0: (void)mp_read_nil(&r); break;
        case 1: (void)mp_read_bool(&r, &b); break;
        case 2: (void)mp_read_i64(&r, &i); break;
        case 3: (void)mp_read_u64(&r, &u); break;
        case 4: (void)mp_read_f64(&r, &f); break;
        case 5: (void)mp_read_str(&r, &out); break;
        case 6: (void)mp_read_array(&r, &n); break;
        case 7: (void)mp_read_map(&r, &n); break;
        default: (void)mp_read_any(&r, &out); break;
        }
        assert(r.at <= r.end);
    }
    (void)mp_find(v, "key", &out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view v = view_of(data, size);
    const char *wrong = mp_check(v);
    const char *wrong_json = mp_check_json(v);

    assert(!wrong || wrong_json);
    if (!wrong) check_accepted(v, !wrong_json);
    if (!wrong_json) check_json(v);
    read_anyhow(v);
    (void)utf8_is_valid(v);
    return 0;
}
