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
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXIT_NOT_STARTED 127
#define NUMBER_BYTES     24

/* All strings of the child's arguments: made before the fork. */
struct arguments {
    char  numbers[9][NUMBER_BYTES];
    char *argv[24];
};

enum errc
spawn_open_program(const char *name, const char *variable, int *fd, struct err *e)
{
    const char *named = getenv(variable);
    char        path[PATH_MAX];

    if (named) {
        (void)snprintf(path, sizeof(path), "%s", named); /* one that is cut is not found */
    } else {
        ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 32);

        if (size < 0) return err_errno(e, "/proc/self/exe");
        path[size] = '\0';
        char *own = strrchr(path, '/') + 1;
        (void)snprintf(own, sizeof(path) - (size_t)(own - path), "%s", name); /* likewise */
    }
    int opened = open(path, O_PATH | O_CLOEXEC);
    if (opened < 0) {
        (void)err_errno(e, "program %s", path);
        return err_hint(e, "install %s beside agentd or name it in %s", name, variable);
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
        {"--delivery-fd",    (uint64_t)setup->delivery    },
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

/* Standard output is agentd's alone: it says "ready". */
static bool
take_standard_streams(const struct spawn_setup *setup)
{
    return dup2(setup->null, STDIN_FILENO) >= 0 && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0 &&
           close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
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
    if (!take_standard_streams(setup) || fcntl(setup->evidence->fd, F_SETFD, 0) ||
        fcntl(setup->delivery, F_SETFD, 0)) {
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

/* ---- the gateway ----------------------------------------------------------- */

/* Raw calls: the library's would ask all threads, and there is but this one. */
static bool
become_user(const struct gateway_order *o)
{
    if (!o->has_user) return true;
    return syscall(SYS_setgroups, (size_t)1, &o->socket_group) == 0 &&
           syscall(SYS_setresgid, o->gid, o->gid, o->gid) == 0 &&
           syscall(SYS_setresuid, o->uid, o->uid, o->uid) == 0;
}

/* A change of user forgets the signal, so it is asked for afterwards. */
static _Noreturn void
become_gateway(const struct spawn_setup *setup, const struct gateway_order *o, char *const *argv,
               int words, pid_t parent)
{
    const struct rlimit files = {o->files_max, o->files_max};

    restore_oom_score(setup->oom_score);
    if (setpgid(0, 0) || setrlimit(RLIMIT_NOFILE, &files) || !become_user(o) ||
        prctl(PR_SET_PDEATHSIG, SIGTERM) || getppid() != parent) {
        _exit(EXIT_NOT_STARTED);
    }
    signals_reset();
    if (!take_standard_streams(setup) || dup2(words, STDOUT_FILENO) < 0) _exit(EXIT_NOT_STARTED);
    (void)syscall(SYS_execveat, o->program, "", argv, environ, AT_EMPTY_PATH);
    _exit(EXIT_NOT_STARTED);
}

enum errc
spawn_gateway(const struct spawn_setup *setup, const struct gateway_order *o, pid_t *pid,
              int *words, struct err *e)
{
    char        connections[NUMBER_BYTES], supervisor[NUMBER_BYTES];
    pid_t       parent = getpid();
    const char *args[] = {"agent-gateway", "--run",
                          setup->run_dir,  "--listen",
                          o->listen,       "--hosts",
                          o->hosts,        "--origins",
                          o->origins,      "--page",
                          o->page,         "--log-level",
                          o->log_level,    "--connections-max",
                          connections,     "--supervisor-pid",
                          supervisor,      NULL};
    char       *argv[ARRAY_LEN(args)];
    int         ends[2];

    (void)snprintf(connections, NUMBER_BYTES, "%" PRId64, o->connections_max); /* fits */
    (void)snprintf(supervisor, NUMBER_BYTES, "%d", (int)parent);               /* likewise */
    for (size_t i = 0; i < ARRAY_LEN(args); i++)
        argv[i] = (char *)args[i]; /* execve does not change them */
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK)) return err_errno(e, "pipe2");
    pid_t child = fork();
    if (child == 0) become_gateway(setup, o, argv, ends[1], parent);
    (void)close(ends[1]);
    if (child < 0) {
        (void)err_errno(e, "fork");
        (void)close(ends[0]);
        return e->code;
    }
    *pid = child;
    *words = ends[0];
    return E_OK;
}
