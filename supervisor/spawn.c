#include "supervisor/spawn.h"

#include "common/mem.h"
#include "supervisor/signals.h"
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXIT_NOT_STARTED 127
#define NUMBER_BYTES     24

/* All strings of the child's arguments: made before the fork. */
struct arguments {
    char  numbers[8][NUMBER_BYTES];
    char *argv[24];
};

enum errc
spawn_open_program(int *fd, struct err *e)
{
    const char *named = getenv("AGENTD_WORKER");
    char        path[PATH_MAX];

    if (named) {
        (void)snprintf(path, sizeof(path), "%s", named); /* one that is cut is not found */
    } else {
        ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 32);

        if (size < 0) return err_errno(e, "/proc/self/exe");
        path[size] = '\0';
        memcpy(strrchr(path, '/') + 1, "agent-worker", sizeof("agent-worker"));
    }
    int opened = open(path, O_PATH | O_CLOEXEC);
    if (opened < 0) {
        (void)err_errno(e, "worker program %s", path);
        return err_hint(e, "install agent-worker beside agentd or name it in AGENTD_WORKER");
    }
    *fd = opened;
    return E_OK;
}

static void
make_arguments(struct arguments *a, const struct spawn_setup *setup,
               const struct spawn_order *order)
{
    const struct {
        const char *flag;
        uint64_t    value;
    } numbers[] = {
        {"--worker",         order->worker                },
        {"--generation",     order->generation            },
        {"--slots",          (uint64_t)order->slots       },
        {"--heartbeat-ms",   (uint64_t)order->heartbeat_ms},
        {"--evidence-fd",    (uint64_t)setup->evidence->fd},
        {"--incarnation",    setup->incarnation           },
        {"--supervisor-pid", (uint64_t)getpid()           },
    };
    size_t n = 0;

    /* execve takes arguments that are not const, and does not change them. */
    a->argv[n++] = (char *)"agent-worker";
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        (void)snprintf(a->numbers[i], NUMBER_BYTES, "%" PRIu64, numbers[i].value); /* fits */
        a->argv[n++] = (char *)numbers[i].flag;
        a->argv[n++] = a->numbers[i];
    }
    a->argv[n++] = (char *)"--run";
    a->argv[n++] = (char *)setup->run_dir;
    a->argv[n++] = (char *)"--state";
    a->argv[n++] = (char *)setup->state_dir;
    a->argv[n] = NULL;
}

static void
restore_oom_score(const char *score)
{
    int fd = score[0] ? open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC) : -1;

    if (fd < 0) return;
    (void)!write(fd, score, strlen(score)); /* as far as we may */
    (void)close(fd);
}

/* Between fork and exec: nothing but async-signal-safe calls. */
static _Noreturn void
become_worker(const struct spawn_setup *setup, const struct spawn_order *order,
              const struct arguments *a, pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) || getppid() != parent || setpgid(0, 0)) {
        _exit(EXIT_NOT_STARTED);
    }
    restore_oom_score(setup->oom_score);
    signals_reset();
    evidence_write_self(&setup->evidence->workers[order->worker], setup->boot_id, 0, order->worker,
                        setup->incarnation);
    /* Standard output is ours alone: it says "ready". */
    if (dup2(setup->null, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0 ||
        close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) ||
        fcntl(setup->evidence->fd, F_SETFD, 0)) {
        _exit(EXIT_NOT_STARTED);
    }
    (void)syscall(SYS_execveat, setup->program, "", a->argv, environ, AT_EMPTY_PATH);
    _exit(EXIT_NOT_STARTED);
}

enum errc
spawn_worker(const struct spawn_setup *setup, const struct spawn_order *order, pid_t *pid,
             struct err *e)
{
    struct arguments a;
    pid_t            parent = getpid();

    make_arguments(&a, setup, order);
    pid_t child = fork();
    if (child < 0) return err_errno(e, "fork");
    if (child == 0) become_worker(setup, order, &a, parent);
    *pid = child;
    return E_OK;
}
