/* agent-worker: runs the handlers of the jobs that agentd gives it; started by agentd only. */
#include "common/clock.h"
#include "common/log.h"
#include "common/version.h"
#include "proto/messages.h"
#include "worker/loop.h"
#include "worker/spawn.h"
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define EXIT_USAGE 2

enum option_id {
    OPT_WORKER,
    OPT_GENERATION,
    OPT_SLOTS,
    OPT_HEARTBEAT_MS,
    OPT_EVIDENCE_FD,
    OPT_DELIVERY_FD,
    OPT_INCARNATION,
    OPT_SUPERVISOR_PID,
    OPT_NUMBERS,
    OPT_RUN = OPT_NUMBERS,
    OPT_STATE,
    OPT_COUNT
};

static const struct option options[] = {
    {"worker",         required_argument, NULL, OPT_WORKER        },
    {"generation",     required_argument, NULL, OPT_GENERATION    },
    {"slots",          required_argument, NULL, OPT_SLOTS         },
    {"heartbeat-ms",   required_argument, NULL, OPT_HEARTBEAT_MS  },
    {"evidence-fd",    required_argument, NULL, OPT_EVIDENCE_FD   },
    {"delivery-fd",    required_argument, NULL, OPT_DELIVERY_FD   },
    {"incarnation",    required_argument, NULL, OPT_INCARNATION   },
    {"supervisor-pid", required_argument, NULL, OPT_SUPERVISOR_PID},
    {"run",            required_argument, NULL, OPT_RUN           },
    {"state",          required_argument, NULL, OPT_STATE         },
    {NULL,             0,                 NULL, 0                 },
};

static const struct {
    uint64_t low;
    uint64_t high;
} ranges[OPT_NUMBERS] = {
    [OPT_WORKER] = {0,  WORKERS_MAX - 1},
      [OPT_GENERATION] = {1,  INT64_MAX      },
    [OPT_SLOTS] = {1,  SLOTS_MAX      },
      [OPT_HEARTBEAT_MS] = {10, 3600000        },
    [OPT_EVIDENCE_FD] = {3,  INT_MAX        },
      [OPT_DELIVERY_FD] = {3,  INT_MAX        },
    [OPT_INCARNATION] = {0,  UINT64_MAX     },
      [OPT_SUPERVISOR_PID] = {1,  INT_MAX        },
};

struct arguments {
    uint64_t    numbers[OPT_NUMBERS];
    const char *run_folder;
    const char *state_folder;
    bool        given[OPT_COUNT];
};

static bool
take_number(struct arguments *a, int id, const char *text)
{
    char *end;

    errno = 0;
    a->numbers[id] = strtoull(text, &end, 10);
    return errno == 0 && *text >= '0' && *text <= '9' && *end == '\0' &&
           a->numbers[id] >= ranges[id].low && a->numbers[id] <= ranges[id].high;
}

static bool
take_arguments(struct arguments *a, int argc, char **argv)
{
    int id;

    while ((id = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (id == '?') return false;
        if (id < OPT_NUMBERS && !take_number(a, id, optarg)) {
            (void)fprintf(stderr, "agent-worker: --%s: %s is not in its range\n", options[id].name,
                          optarg);
            return false;
        }
        if (id == OPT_RUN) a->run_folder = optarg;
        if (id == OPT_STATE) a->state_folder = optarg;
        a->given[id] = true;
    }
    for (id = 0; id < OPT_COUNT; id++) {
        if (a->given[id]) continue;
        (void)fprintf(stderr, "agent-worker is started by agentd; --%s is missing\n",
                      id < OPT_NUMBERS ? options[id].name
                      : id == OPT_RUN  ? "run"
                                       : "state");
        return false;
    }
    return optind == argc;
}

/* A closed 0, 1 or 2 would be given to the next thing that we open. */
static void
fill_standard_descriptors(void)
{
    int fd;

    do {
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    } while (fd >= 0 && fd <= 2);
    if (fd > 2) close(fd);
}

static void
raise_descriptor_limit(void)
{
    struct rlimit rl;

    if (getrlimit(RLIMIT_NOFILE, &rl) != 0) return;
    rl.rlim_cur = rl.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &rl); /* then a start may fail, with a clear message */
}

/* All but those that a fault of our own raises: what matters comes by the loop's descriptor. */
static void
block_signals(void)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    sigset_t         mask;

    sigfillset(&mask);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        sigdelset(&mask, faults[i]);
    (void)sigprocmask(SIG_SETMASK, &mask, NULL); /* its arguments are valid */
}

/* On agentd's death we get TERM (N31), and whatever a handler leaves behind becomes our child. */
static enum errc
set_up_process(const struct loop_options *o, struct err *e)
{
    block_signals();
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0) return err_errno(e, "PR_SET_PDEATHSIG");
    if (getppid() != o->supervisor) return err_set(e, E_INTERNAL, "the supervisor has died");
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return err_errno(e, "PR_SET_CHILD_SUBREAPER");
    if (prctl(PR_SET_DUMPABLE, 0) != 0) return err_errno(e, "PR_SET_DUMPABLE");
    if (fcntl(o->evidence_fd, F_SETFD, FD_CLOEXEC) != 0) return err_errno(e, "--evidence-fd");
    if (fcntl(o->delivery_fd, F_SETFD, FD_CLOEXEC) != 0) return err_errno(e, "--delivery-fd");
    raise_descriptor_limit();
    return spawn_prepare(e);
}

static enum errc
run(const struct arguments *a, const char *state_folder, struct err *e)
{
    struct loop_options o = {
        .worker = a->numbers[OPT_WORKER],
        .generation = a->numbers[OPT_GENERATION],
        .slots = a->numbers[OPT_SLOTS],
        .run_folder = a->run_folder,
        .state_folder = state_folder,
        .heartbeat_ms = (int64_t)a->numbers[OPT_HEARTBEAT_MS],
        .evidence_fd = (int)a->numbers[OPT_EVIDENCE_FD],
        .delivery_fd = (int)a->numbers[OPT_DELIVERY_FD],
        .incarnation = a->numbers[OPT_INCARNATION],
        .supervisor = (pid_t)a->numbers[OPT_SUPERVISOR_PID],
    };

    if (set_up_process(&o, e)) return e->code;
    return loop_run(&o, e);
}

int
main(int argc, char **argv)
{
    struct arguments a = {0};
    struct err       e;

    if (!take_arguments(&a, argc, argv)) return EXIT_USAGE;
    fill_standard_descriptors();
    log_init("agent-worker", LOG_LEVEL_INFO);

    char *state_folder = realpath(a.state_folder, NULL);
    if (!state_folder) {
        log_error("no state folder", "path=%s", log_quote(a.state_folder));
        return EXIT_FAILURE;
    }
    enum errc rc = run(&a, state_folder, &e);
    if (rc) log_error("worker ends", "error=%s", log_quote(e.msg));
    free(state_folder);
    return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}
