#include "tests/torture/history.h"

#include "common/mem.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static FILE *
open_file(const char *folder, const char *who, const char *mode)
{
    FREE_AUTO char *path = xasprintf("%s/%s.history", folder, who);

    return fopen(path, mode);
}

void
history_open(struct history *h, const char *folder, const char *who)
{
    h->file = open_file(folder, who, "we");
    if (h->file && setvbuf(h->file, NULL, _IOLBF, BUFSIZ) == 0)
        return; /* evidence, come what may */
    perror("torture: a history");
    abort();
}

void
history_close(struct history *h)
{
    if (fclose(h->file) == 0) return;
    perror("torture: a history");
    abort();
}

void
history_add(struct history *h, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vfprintf(h->file, fmt, ap); /* fclose tells of what failed */
    va_end(ap);
    (void)fputc('\n', h->file);
}

bool
history_read(const char *folder, const char *who, void (*take)(char *line, void *arg), void *arg)
{
    FREE_AUTO char *line = NULL;
    size_t          size = 0;
    ssize_t         n;
    FILE           *file = open_file(folder, who, "re");

    if (!file) return false;
    while ((n = getline(&line, &size, file)) > 0) {
        if (line[n - 1] == '\n') line[n - 1] = '\0';
        take(line, arg);
    }
    (void)fclose(file);
    return true;
}
