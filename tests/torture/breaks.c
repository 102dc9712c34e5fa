#include "tests/torture/breaks.h"

#include "common/mem.h"
#include <stdarg.h>
#include <stdio.h>

#define PRINTED_MAX 12 /* of one sort; the file has all */

static const char *const texts[BREAK_COUNT] = {
#define B(NAME, text) text,
    BREAKS(B)
#undef B
};

static unsigned counts[BREAK_COUNT];
static FILE    *file;

void
breaks_open(const char *folder)
{
    FREE_AUTO char *path = xasprintf("%s/breaks", folder);

    file = fopen(path, "we"); /* without it they are still printed */
}

void
breaks_add(enum broken b, const char *fmt, ...)
{
    char    text[1024];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap); /* a long one is cut */
    va_end(ap);
    if (file) (void)fprintf(file, "%s: %s\n", texts[b], text);
    if (file) (void)fflush(file);
    if (++counts[b] <= PRINTED_MAX) (void)printf("BREAK  %s: %s\n", texts[b], text);
    (void)fflush(stdout);
}

void
breaks_print(void)
{
    for (int b = 0; b < BREAK_COUNT; b++)
        (void)printf("  %-55s %u%s\n", texts[b], counts[b], counts[b] ? "   <<<" : "");
}

bool
breaks_any(void)
{
    for (int b = 0; b < BREAK_COUNT; b++) {
        if (counts[b]) return true;
    }
    return false;
}
