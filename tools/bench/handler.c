#include "tools/bench/bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t
now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail */
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int
handler_run(const char *name)
{
    bool   is_telling = strcmp(name, HANDLER_TELLS) == 0;
    char  *line = NULL;
    size_t size = 0;

    while (getline(&line, &size, stdin) > 0) {
        int64_t read_ns = now_ns();

        if (is_telling) {
            printf("{\"type\":\"effect\",\"kind\":\"send_message\",\"content\":\"%" PRId64 "\"}\n",
                   now_ns());
        }
        printf("{\"type\":\"result\",\"output\":{\"read_ns\":%" PRId64 "}}\n", read_ns);
        if (fflush(stdout)) break;
    }
    free(line);
    return 0;
}
