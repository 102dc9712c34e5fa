#include "supervisor/deaths.h"

#include "common/log.h"
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#define BACK_OFF_MS 100 /* before the second replacement; doubles with each further death */

static int64_t
oldest(const struct deaths *d)
{
    return d->at_boot_ms[d->count % DEATHS_MAX];
}

bool
deaths_are_too_many(const struct deaths *d, int64_t boot_ms)
{
    return d->count >= DEATHS_MAX && boot_ms - oldest(d) < DEATHS_WINDOW_MS;
}

const char *
death_word(const siginfo_t *how)
{
    return how->si_code == CLD_EXITED ? "exit" : "signal";
}

int64_t
deaths_note(struct deaths *d, int64_t boot_ms)
{
    unsigned recent = 0;

    d->at_boot_ms[d->count++ % DEATHS_MAX] = boot_ms;
    for (unsigned i = 0; i < DEATHS_MAX && i < d->count; i++)
        recent += boot_ms - d->at_boot_ms[i] < DEATHS_WINDOW_MS;
    if (recent == DEATHS_MAX) return oldest(d) + DEATHS_WINDOW_MS;
    return recent < 2 ? boot_ms : boot_ms + (BACK_OFF_MS << (recent - 2));
}

void
deaths_forget(struct deaths *d)
{
    for (size_t i = 0; i < DEATHS_MAX; i++)
        d->at_boot_ms[i] = -DEATHS_WINDOW_MS;
}

void
deaths_say(struct deaths *d, const char *of, int64_t boot_ms)
{
    bool are_too_many = deaths_are_too_many(d, boot_ms);
    char text[64];

    (void)snprintf(text, sizeof(text), "%s %s", of, are_too_many ? "degraded" : "recovered");

    if (are_too_many && !d->is_said) {
        log_error(text, "deaths=%d window_ms=%d", DEATHS_MAX, DEATHS_WINDOW_MS);
    } else if (!are_too_many && d->is_said) {
        log_info(text, "died=%" PRIu64, d->count);
    }
    d->is_said = are_too_many;
}

int64_t
deaths_deadline(const struct deaths *d)
{
    return d->is_said ? oldest(d) + DEATHS_WINDOW_MS : INT64_MAX;
}
