#include "tests/torture/breaks.h"
#include "tests/torture/judge.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What agentd and its workers write only when they themselves went wrong. */
static const char *const complaints[] = {"level=error", "Assertion", "Sanitizer", "runtime error:"};

/* A worker that ended by a signal which nobody sent. */
static bool
is_crash(const char *line)
{
    const char *signal = strstr(line, " signal=");

    if (!signal || !strstr(line, "msg=\"worker ended\"")) return false;
    long number = strtol(signal + strlen(" signal="), NULL, 10);
    return number != SIGKILL && number != SIGTERM;
}

static void
judge_line(const char *line)
{
    bool is_wrong = is_crash(line);

    /* The killer kills more workers than a healthy pool loses; that this is said is right (G8). */
    if (strstr(line, "msg=\"worker pool degraded\"")) return;
    for (size_t i = 0; i < ARRAY_LEN(complaints); i++)
        is_wrong |= strstr(line, complaints[i]) != NULL;
    if (is_wrong) breaks_add(BREAK_DAEMON, "log: %.300s", line);
}

void
judge_log(const char *folder)
{
    FREE_AUTO char *path = xasprintf("%s/log", folder);
    FREE_AUTO char *line = NULL;
    size_t          size = 0;
    ssize_t         n;
    FILE           *file = fopen(path, "re");

    if (!file) {
        breaks_add(BREAK_DAEMON, "there is no log");
        return;
    }
    while ((n = getline(&line, &size, file)) > 0) {
        if (line[n - 1] == '\n') line[n - 1] = '\0';
        judge_line(line);
    }
    (void)fclose(file);
}
