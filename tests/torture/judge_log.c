#include "supervisor/deaths.h"
#include "tests/torture/breaks.h"
#include "tests/torture/judge.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What agentd and its workers write only when they themselves went wrong. */
static const char *const complaints[] = {"level=error", "Assertion", "Sanitizer", "runtime error:"};

#define IN_USE "cannot listen on"

struct log {
    const struct killer *killer;
    pid_t                agentd;      /* of the life that the line is of */
    unsigned             deaths;      /* of workers in it, that were not planned */
    bool                 is_degraded; /* it said so */
    unsigned             silent;      /* workers that were killed for their silence */
};

static long
number_of(const char *line, const char *key)
{
    const char *at = strstr(line, key);

    return at ? strtol(at + strlen(key), NULL, 10) : -1;
}

/* One that ended before agentd killed it was killed by us, or something went wrong. */
static void
judge_death(struct log *l, const char *line)
{
    pid_t worker = (pid_t)number_of(line, " pid=");

    l->deaths++;
    if (strstr(line, "phase=killed")) {
        l->silent++;
    } else if (!killer_has_killed(l->killer, l->agentd, worker)) {
        breaks_add(BREAK_DAEMON, "log: nobody killed it: %.300s", line);
    }
}

/* It ended before agentd ended it; its address may be held by the one of the agentd before. */
static void
judge_gateways_death(const struct log *l, const char *line)
{
    pid_t gateway = (pid_t)number_of(line, " pid=");

    if (strstr(line, "phase=up") && !killer_has_killed(l->killer, l->agentd, gateway) &&
        !strstr(line, IN_USE)) {
        breaks_add(BREAK_DAEMON, "log: nobody killed it: %.300s", line);
    }
}

/* A gateway that cannot listen, and too many deaths of gateways, are told as errors. */
static bool
is_of_gateways_end(const char *line)
{
    return strstr(line, "msg=\"gateway degraded\"") ||
           (strstr(line, "msg=\"gateway ends\"") && strstr(line, IN_USE));
}

/* The pool is degraded when DEATHS_MAX workers have died, and says so at once; no life that workers
 * die in is as long as DEATHS_WINDOW_MS. */
static void
judge_pool(struct log *l, const char *line)
{
    bool must_say = l->deaths == DEATHS_MAX && !l->is_degraded;
    bool says = strstr(line, "msg=\"worker pool degraded\"");

    if (must_say != says) {
        breaks_add(BREAK_DAEMON, "log: after %u deaths of workers: %.300s", l->deaths, line);
    }
    l->is_degraded |= must_say || says;
}

static void
judge_line(char *line, struct log *l)
{
    bool is_wrong = false;

    if (strstr(line, "msg=\"ready\"") || strstr(line, "msg=\"the last end was not planned\"")) {
        l->agentd = (pid_t)number_of(line, " pid="); /* the second has none: ready follows it */
        l->deaths = 0;
        l->is_degraded = false;
    } else if (strstr(line, "program=agentd ")) {
        judge_pool(l, line);
    }
    if (strstr(line, "level=warn") && strstr(line, "msg=\"worker ended\"")) judge_death(l, line);
    if (strstr(line, "level=warn") && strstr(line, "msg=\"gateway ended\"")) {
        judge_gateways_death(l, line);
    }
    if (strstr(line, "msg=\"worker pool degraded\"") || is_of_gateways_end(line)) return;
    for (size_t i = 0; i < ARRAY_LEN(complaints); i++)
        is_wrong |= strstr(line, complaints[i]) != NULL;
    if (is_wrong) breaks_add(BREAK_DAEMON, "log: %.300s", line);
}

void
judge_log(const char *folder, const struct killer *k)
{
    FREE_AUTO char *path = xasprintf("%s/log", folder);
    FREE_AUTO char *text = NULL;
    struct log      l = {.killer = k};
    size_t          size = 0;
    ssize_t         n;
    FILE           *file = fopen(path, "re");

    if (!file) {
        breaks_add(BREAK_DAEMON, "there is no log");
        return;
    }
    while ((n = getline(&text, &size, file)) > 0) {
        if (text[n - 1] == '\n') text[n - 1] = '\0';
        judge_line(text, &l);
    }
    (void)fclose(file);
    if (l.silent > k->workers_stopped) { /* a machine that is too busy does that */
        (void)printf("note: %u workers were silent, only %u were stopped\n", l.silent,
                     k->workers_stopped);
    }
}
