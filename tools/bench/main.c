#include "tools/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
    struct options o = {.build = "build", .runs = 5};

    if (argc == 3 && strcmp(argv[1], "handler") == 0) return handler_run(argv[2]);
    if (argc == 6 && strcmp(argv[1], "flood") == 0)
        return flood_run(argv[2], argv[3], (unsigned)atoi(argv[4]), atoi(argv[5]));
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0) {
            o.quick = true;
            o.runs = 3;
        } else if (strcmp(argv[i], "--build") == 0 && i + 1 < argc) {
            o.build = argv[++i];
        } else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc && figures_has(argv[i + 1])) {
            o.only = argv[++i];
        } else {
            fprintf(stderr,
                    "usage: bench [--quick] [--build DIR] [--only submit|cycle|latency|lateness|"
                    "pending|exec|idle|growth|wake|fairness|schedules|forecast|sessions|timers|"
                    "persistent|"
                    "messages|flood]\n");
            return 2;
        }
    }
    /* Below the build folder: on the disk that the project is on, not on one of memory. */
    snprintf(o.dir, sizeof(o.dir), "%s/b.XXXXXX", o.build);
    if (!mkdtemp(o.dir)) {
        perror(o.dir);
        return 1;
    }
    figures_run(&o);
    (void)rmdir(o.dir);
    return 0;
}
