#include "tools/sim/verdict.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* For the signal handler, which is given nothing else. */
static uint64_t the_seed, the_operations, the_operation;
static int64_t  the_years;

static void
print_place(const char *sentence)
{
    char text[1024];
    int  n = snprintf(text, sizeof(text),
                      "sim: seed %" PRIu64 ", operation %" PRIu64 ": %s\n"
                       "sim: replay: make sim SEEDS=1 SEED=%" PRIu64 " OPS=%" PRIu64 " YEARS=%" PRId64
                      "\n",
                      the_seed, the_operation, sentence, the_seed, the_operations, the_years);

    /* One write, so that the lines of two processes do not mix. */
    if (n > 0 && write(STDERR_FILENO, text, (size_t)n) < 0) _exit(1);
}

static void
on_fatal_signal(int signal)
{
    print_place(signal == SIGABRT ? "an assertion failed" : "a fatal signal");
    _exit(1);
}

void
verdict_watch(void)
{
    const int              signals[] = {SIGABRT, SIGSEGV, SIGFPE, SIGBUS};
    const struct sigaction act = {.sa_handler = on_fatal_signal, .sa_flags = (int)SA_RESETHAND};

    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        (void)sigaction(signals[i], &act, NULL); /* only a good sentence is lost */
}

void
verdict_begin(uint64_t seed, uint64_t operations, int64_t years)
{
    the_years = years;
    the_seed = seed;
    the_operations = operations;
    the_operation = 0;
}

void
verdict_at(uint64_t operation)
{
    the_operation = operation;
}

void
broken(const char *fmt, ...)
{
    char    sentence[768];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(sentence, sizeof(sentence), fmt, ap); /* cut is fine */
    va_end(ap);
    print_place(sentence);
    _exit(1);
}
