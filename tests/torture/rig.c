#include "tests/torture/rig.h"

#include "common/clock.h"
#include "common/mem.h"
#include "common/proc.h"
#include "tests/torture/breaks.h"
#include <assert.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEP_MS      2
#define OWN_ENDS_MAX 10
#define PORT_FROM    12000 /* below those that the kernel gives to connections */
#define PORTS        16000

static _Noreturn void
give_up(const char *what)
{
    perror(what);
    exit(2);
}

int64_t
rig_now_ms(void)
{
    return clock_now().boot_ms;
}

/* ---- the folder ------------------------------------------------------------------------------ */

/* The sink's file is there beforehand, as docs/SINKS.md advises, and older than all that is sent to
 * it by more than the second that is allowed for clocks: what is not in a younger one stays
 * unknown. */
static void
make_mail(const char *folder)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/mail.history", folder); /* fits */
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || close(fd)) give_up("torture: mail.history");
    (void)poll(NULL, 0, 1500);
}

void
rig_make(struct rig *r, const char *build)
{
    *r = (struct rig){.build = build, .folder = "/tmp/torture.XXXXXX", .out = -1};
    if (!mkdtemp(r->folder)) give_up("torture: mkdtemp");
    if (chmod(r->folder, 0711))
        give_up("torture: chmod"); /* the gateway, as another user, passes */
    make_mail(r->folder);
    (void)snprintf(r->run, sizeof(r->run), "%s/run", r->folder); /* fits */
    /* What a killed agentd leaves behind comes to us, and is reaped here. */
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1); /* cannot fail on the kernels we run on */
}

static bool
is_free(int port)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)port),
                                        .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int                      fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_bound = fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;

    if (fd >= 0) (void)close(fd);
    return is_bound;
}

int
rig_free_port(void)
{
    for (int n = 0; n < PORTS; n++) {
        int port = PORT_FROM + ((int)getpid() + n) % PORTS;

        if (is_free(port)) return port;
    }
    give_up("torture: a port");
}

void
rig_remove(struct rig *r, bool is_kept)
{
    pid_t child;

    free(r->ready_ms);
    lives_free(&r->lives);
    if (is_kept) return;
    if ((child = fork()) == 0) {
        (void)execlp("rm", "rm", "-rf", r->folder, (char *)NULL);
        _exit(127);
    }
    if (child > 0) (void)waitpid(child, NULL, 0);
}

/* ---- starting -------------------------------------------------------------------------------- */

static _Noreturn void
become_agentd(const struct rig *r, int out)
{
    FREE_AUTO char *program = xasprintf("%s/agentd", r->build);
    FREE_AUTO char *state = xasprintf("%s/state", r->folder);
    FREE_AUTO char *config = xasprintf("%s/agentd.yaml", r->folder);
    FREE_AUTO char *log = xasprintf("%s/log", r->folder);
    int             err = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* cannot fail */
    if (err < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0) _exit(126);
    (void)execl(program, "agentd", "-c", config, "--state", state, "--run", r->run, (char *)NULL);
    _exit(127);
}

void
rig_start(struct rig *r)
{
    int pipes[2];

    if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK)) give_up("torture: pipe");
    (void)fflush(NULL);
    r->started_ms = rig_now_ms();
    r->pid = fork();
    if (r->pid < 0) give_up("torture: fork");
    if (r->pid == 0) become_agentd(r, pipes[1]);
    (void)close(pipes[1]);
    r->out = pipes[0];
    r->is_ready = false;
    r->line_size = 0;
    r->starts++;
    lives_begin(&r->lives);
}

static void
note_ready(struct rig *r)
{
    if ((r->readies & (r->readies + 1)) == 0) { /* room for twice as many at each power of two */
        r->ready_ms = xrealloc(r->ready_ms, 2 * (r->readies + 1) * sizeof(*r->ready_ms));
    }
    r->ready_ms[r->readies++] = rig_now_ms() - r->started_ms;
    r->is_ready = true;
    lives_ready(&r->lives);
}

static void
read_out(struct rig *r)
{
    ssize_t n;

    if (r->out < 0) return;
    while ((n = read(r->out, r->line + r->line_size, sizeof(r->line) - 1 - r->line_size)) > 0) {
        r->line_size += (size_t)n;
        r->line[r->line_size] = '\0';
        if (!r->is_ready && strstr(r->line, "ready ") && strchr(r->line, '\n')) note_ready(r);
        if (r->line_size == sizeof(r->line) - 1) r->line_size = 0;
    }
}

/* ---- ending ---------------------------------------------------------------------------------- */

/* Reaps all that has ended; true when agentd was among it. */
static bool
reap(struct rig *r, int *status)
{
    bool  has_ended = false;
    int   other;
    pid_t pid;

    while ((pid = waitpid(-1, &other, WNOHANG)) > 0) {
        if (pid == r->pid) {
            *status = other;
            has_ended = true;
        } else if (r->on_end) {
            r->on_end(pid, other, r->on_end_arg);
        }
    }
    if (!has_ended) return false;
    read_out(r);
    (void)close(r->out);
    r->out = -1;
    r->pid = 0;
    return true;
}

static void
report_end(const struct rig *r, int status, const char *when)
{
    if (WIFSIGNALED(status)) {
        breaks_add(BREAK_DAEMON, "agentd ended with signal %d %s (start %zu)", WTERMSIG(status),
                   when, r->starts);
    } else {
        breaks_add(BREAK_DAEMON, "agentd ended with code %d %s (start %zu)", WEXITSTATUS(status),
                   when, r->starts);
    }
}

/* Nothing more can be learned; what runs below us dies with us. */
static _Noreturn void
give_up_run(const struct rig *r, const char *why)
{
    breaks_print();
    (void)printf("torture: FAILED: %s; see %s\n", why, r->folder);
    exit(1);
}

void
rig_step(struct rig *r)
{
    int status;

    (void)poll(NULL, 0, STEP_MS);
    read_out(r);
    if (r->pid && reap(r, &status)) {
        lives_end(&r->lives, false);
        report_end(r, status, "by itself");
        if (++r->own_ends == OWN_ENDS_MAX) give_up_run(r, "agentd does not stay");
        rig_start(r);
    }
    if (!r->is_ready && rig_now_ms() - r->started_ms > READY_WAIT_MS) {
        breaks_add(BREAK_DAEMON, "agentd was not ready after %d ms (start %zu)", READY_WAIT_MS,
                   r->starts);
        give_up_run(r, "agentd hangs at its start");
    }
}

void
rig_wait_ready(struct rig *r)
{
    while (!r->is_ready)
        rig_step(r);
}

static bool
wait_end(struct rig *r, int *status)
{
    int64_t end_ms = rig_now_ms() + STOP_WAIT_MS;

    while (!reap(r, status)) {
        if (rig_now_ms() >= end_ms) return false;
        (void)poll(NULL, 0, STEP_MS);
        read_out(r); /* it must not wait for us */
    }
    return true;
}

void
rig_kill(struct rig *r)
{
    int status;

    if (kill(r->pid, SIGKILL) || !wait_end(r, &status)) {
        breaks_add(BREAK_DAEMON, "it does not end on SIGKILL");
        give_up_run(r, "agentd cannot be killed");
    }
    lives_end(&r->lives, false);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
        report_end(r, status, "just before it was killed");
    }
}

void
rig_stop(struct rig *r)
{
    bool was_ready = r->is_ready;
    int  status;

    if (kill(r->pid, SIGTERM) || !wait_end(r, &status)) {
        breaks_add(BREAK_DAEMON, "agentd does not end %d ms after SIGTERM", STOP_WAIT_MS);
        rig_kill(r);
        return;
    }
    lives_end(&r->lives, true);
    if (WIFEXITED(status) ? WEXITSTATUS(status) != 0 : was_ready || WTERMSIG(status) != SIGTERM) {
        report_end(r, status, "on SIGTERM");
    }
}

void
rig_reap(struct rig *r)
{
    int status;

    assert(r->pid == 0);
    (void)poll(NULL, 0, STEP_MS);
    (void)reap(r, &status); /* never agentd's */
}

/* ---- what is left ---------------------------------------------------------------------------- */

struct leftovers {
    const struct rig *rig;
    bool              is_agentd_there; /* then its own processes may be, too */
};

static bool
names_folder(const struct rig *r, pid_t pid)
{
    FREE_AUTO char *path = xasprintf("/proc/%d/cmdline", (int)pid);
    char            text[4096];
    int             fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) return false;
    ssize_t n = read(fd, text, sizeof(text));
    (void)close(fd);
    return n > 0 && memmem(text, (size_t)n, r->folder, strlen(r->folder));
}

static bool
is_handler(const struct rig *r, pid_t pid, char *lease, size_t size)
{
    char folder[sizeof(r->folder)];

    return proc_environ(pid, "AGENTD_LEASE", lease, size) &&
           proc_environ(pid, "TORTURE", folder, sizeof(folder)) && strcmp(folder, r->folder) == 0;
}

/* A process of a persistent handler stays, below a worker, for the next job. */
static bool
is_kept(const struct rig *r, pid_t pid)
{
    char kind[16];

    return proc_environ(pid, "KEPT", kind, sizeof(kind)) && proc_parent(proc_parent(pid)) == r->pid;
}

static bool
visit(pid_t pid, void *arg)
{
    const struct leftovers *l = arg;
    char                    lease[64] = "";

    if (pid == getpid() || proc_is_zombie(pid)) return true;
    if (l->is_agentd_there && is_kept(l->rig, pid)) return true;
    if (is_handler(l->rig, pid, lease, sizeof(lease)) ||
        (!l->is_agentd_there && names_folder(l->rig, pid))) {
        breaks_add(BREAK_LEFT, "process %d (lease %s) %s", (int)pid, lease[0] ? lease : "none",
                   l->is_agentd_there ? "behind its job" : "behind agentd");
    }
    return true;
}

void
rig_check_nothing_left(const struct rig *r)
{
    struct leftovers l = {r, r->pid != 0};

    proc_each(visit, &l);
}
