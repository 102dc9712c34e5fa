/* The first eight bytes are an instant, the rest a TZif file: what is read of it stays within the
 * file, and days begin where their dates do. */
#include "common/tz.h"

#include "common/civil.h"
#include <assert.h>
#include <string.h>

#define YEARS_MS (INT64_C(10000) * 366 * CIVIL_MS_PER_DAY)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tz  z;
    struct err e = {0};
    int64_t    at_ms, begin, day;

    if (size < sizeof(at_ms)) return 0;
    memcpy(&at_ms, data, sizeof(at_ms));
    at_ms %= YEARS_MS;
    if (tz_parse(view_of(data + sizeof(at_ms), size - sizeof(at_ms)), &z, &e)) {
        assert(e.code == E_BAD_REQUEST && e.msg[0]);
        return 0;
    }
    assert(tz_offset(&z, at_ms) >= -89999 && tz_offset(&z, at_ms) <= 93599);
    day = tz_day(&z, at_ms);
    begin = tz_day_begin(&z, day);
    assert(begin <= at_ms && tz_day(&z, begin) >= day);
    return 0;
}
