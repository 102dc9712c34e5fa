/* agent-delivery: sends one effect, asks its sink for it, or tells a dead-man's switch; started by
 * agent-worker only.  A program of its own because it is small: a delivery's time is that of its
 * start (1.1 ms to its end for a file; 3.0 ms with the libraries of a worker, which it does not
 * need). */
#include "worker/delivery/ping.h"
#include "worker/delivery/sinkfile.h"
#include "worker/delivery/sinkhttp.h"
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#define EXIT_USAGE 2

int
main(int argc, char **argv)
{
    (void)prctl(PR_SET_NAME, "agent-delivery"); /* it was started by a descriptor */
    if (argc > 1 && strcmp(argv[1], "--file") == 0) return sinkfile_main(argc, argv);
    if (argc == 2 && strcmp(argv[1], "--http") == 0) return sinkhttp_main();
    if (argc == 2 && strcmp(argv[1], "--ping") == 0) return ping_main();
    (void)fprintf(stderr, "agent-delivery is started by agent-worker\n");
    return EXIT_USAGE;
}
