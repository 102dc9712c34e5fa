#include "tools/bench/bench.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void
make_folder(struct process *p, const struct options *o, const char *name)
{
    snprintf(p->dir, sizeof(p->dir), "%s/%s.XXXXXX", o->dir, name);
    if (!mkdtemp(p->dir)) {
        fprintf(stderr, "bench: %s: %s\n", p->dir, strerror(errno));
        exit(1);
    }
}

/* A free TCP port of loopback. */
static int
free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t          size = sizeof(a);
    int                fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&a, size) ||
        getsockname(fd, (struct sockaddr *)&a, &size)) {
        perror("bench: port");
        exit(1);
    }
    close(fd);
    return ntohs(a.sin_port);
}

static pid_t
start(char *const argv[], int out)
{
    pid_t pid = fork();

    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);

        (void)prctl(PR_SET_PDEATHSIG, SIGTERM); /* a bench that gives up leaves nothing behind */
        dup2(null, 0);
        dup2(out < 0 ? null : out, 1);
        dup2(null, 2);
        execvp(argv[0], argv);
        _exit(127);
    }
    return pid;
}

/* Two of them run this program. */
static void
write_handlers(FILE *f)
{
    char    self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self));

    if (n < 0) {
        perror("bench: /proc/self/exe");
        exit(1);
    }
    fprintf(f,
            "handlers:\n  true: {kind: exec, command: [/bin/true]}\n"
            "  answers: {kind: persistent, command: [%.*s, handler, answers], jobs_max: 1000000,\n"
            "    max_concurrent: %d}\n"
            "  tells: {kind: persistent, command: [%.*s, handler, tells], jobs_max: 1000000}\n",
            (int)n, self, PERSISTENT, (int)n, self);
}

static void
write_config(const struct process *p, unsigned workers, unsigned slots)
{
    char  path[4200];
    FILE *f;

    snprintf(path, sizeof(path), "%s/agentd.yaml", p->dir);
    f = fopen(path, "w");
    if (!f) {
        perror(path);
        exit(1);
    }
    fprintf(f,
            "workers: {count: %u, slots: %u}\n"
            "limits: {company_max_concurrent: null, agent_max_concurrent: null, "
            "schedule_max_concurrent: null}\n"
            "sessions: {handler: noop, queue_max: null, timers_max: null, sinks: [mail]}\n"
            "sinks: {mail: {kind: file, path: mail}}\n",
            workers, slots);
    if (p->port) fprintf(f, "gateway: {listen: \"127.0.0.1:%d\"}\n", p->port);
    write_handlers(f);
    fprintf(f, "agents: {woken: {handler: noop}, answers: {handler: answers}, "
               "tells: {handler: tells}}\ncompanies:\n");
    for (unsigned i = 0; i < COMPANIES; i++)
        fprintf(f, "  c%u: {}\n", i);
    fclose(f);
}

/* Returns when it has said that it is ready. */
static void
launch_agentd(struct process *p, const struct options *o)
{
    char  program[4200], config[4200], state[4200], run[4200], line[256];
    char *argv[] = {program, "-c", config, "--state", state, "--run", run, NULL};
    int   out[2];
    FILE *f;

    snprintf(program, sizeof(program), "%s/agentd", o->build);
    snprintf(config, sizeof(config), "%s/agentd.yaml", p->dir);
    snprintf(state, sizeof(state), "%s/s", p->dir);
    snprintf(run, sizeof(run), "%s/r", p->dir);
    if (pipe2(out, O_CLOEXEC)) {
        perror("bench: pipe");
        exit(1);
    }
    p->pid = start(argv, out[1]);
    close(out[1]);
    f = fdopen(out[0], "r");
    if (!f || !fgets(line, sizeof(line), f) || strncmp(line, "ready ", 6) != 0) {
        fprintf(stderr, "bench: agentd did not start\n");
        exit(1);
    }
    fclose(f);
}

void
process_start_agentd(struct process *p, const struct options *o, unsigned workers, unsigned slots)
{
    make_folder(p, o, "agentd");
    write_config(p, workers, slots);
    launch_agentd(p, o);
}

void
process_start_with_gateway(struct process *p, const struct options *o, unsigned workers,
                           unsigned slots)
{
    p->port = free_port();
    (void)chmod(o->dir, 0711); /* the gateway may run as another user … */
    make_folder(p, o, "agentd");
    (void)chmod(p->dir, 0711); /* … and says itself what it cannot enter */
    write_config(p, workers, slots);
    launch_agentd(p, o);
}

double
process_restart_agentd(struct process *p, const struct options *o)
{
    double started;
    int    status;

    kill(p->pid, SIGKILL);
    (void)waitpid(p->pid, &status, 0);
    started = now_s();
    launch_agentd(p, o);
    return (now_s() - started) * 1e3;
}

double
process_disk_mb(const struct process *p)
{
    char        path[4200];
    struct stat st;

    snprintf(path, sizeof(path), "%s/s/data.mdb", p->dir);
    return stat(path, &st) ? 0 : (double)st.st_blocks * 512 / (1 << 20);
}

static bool
wait_for_port(int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                            .sin_port = htons((uint16_t)port)};

    for (int i = 0; i < 500; i++) {
        int  fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool ok = connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;

        close(fd);
        if (ok) return true;
        usleep(10000);
    }
    return false;
}

static bool
start_peer(struct process *p, char *const argv[])
{
    int status;

    p->pid = start(argv, -1);
    if (wait_for_port(p->port)) return true;
    kill(p->pid, SIGKILL);
    (void)waitpid(p->pid, &status, 0);
    p->pid = 0;
    return false;
}

static bool
is_installed(const char *program)
{
    const char *const folders[] = {"/usr/bin", "/usr/sbin", "/usr/local/bin"};
    char              path[128];

    for (unsigned i = 0; i < ARRAY_LEN(folders); i++) {
        snprintf(path, sizeof(path), "%s/%s", folders[i], program);
        if (access(path, X_OK) == 0) return true;
    }
    return false;
}

bool
process_start_beanstalkd(struct process *p, const struct options *o)
{
    char  port[16];
    char *argv[] = {"beanstalkd", "-b", p->dir, "-f", "0", "-l", "127.0.0.1", "-p", port, NULL};

    if (!is_installed("beanstalkd")) return false;
    make_folder(p, o, "beanstalkd");
    p->port = free_port();
    snprintf(port, sizeof(port), "%d", p->port);
    return start_peer(p, argv);
}

bool
process_start_redis(struct process *p, const struct options *o)
{
    char  port[16];
    char *argv[] = {"redis-server",
                    "--port",
                    port,
                    "--bind",
                    "127.0.0.1",
                    "--dir",
                    p->dir,
                    "--appendonly",
                    "yes",
                    "--appendfsync",
                    "always",
                    "--save",
                    "",
                    NULL};

    if (!is_installed("redis-server")) return false;
    make_folder(p, o, "redis");
    p->port = free_port();
    snprintf(port, sizeof(port), "%d", p->port);
    return start_peer(p, argv);
}

void
process_stop(struct process *p)
{
    char *argv[] = {"rm", "-rf", p->dir, NULL};
    int   status;

    if (p->pid > 0) {
        kill(p->pid, SIGTERM);
        (void)waitpid(p->pid, &status, 0);
    }
    p->pid = start(argv, -1);
    (void)waitpid(p->pid, &status, 0);
    p->pid = 0;
}

/* ---- what a process used -------------------------------------------------------------------- */

static uint64_t
line_of(pid_t pid, const char *file, const char *key)
{
    char     path[64], line[256];
    uint64_t value = 0;
    FILE    *f;

    snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
    f = fopen(path, "r");
    while (f && fgets(line, sizeof(line), f)) {
        if (strncmp(line, key, strlen(key)) == 0) value = strtoull(line + strlen(key), NULL, 10);
    }
    if (f) fclose(f);
    return value;
}

/* Of all its threads, as the scheduler counts it: to the nanosecond. */
static double
cpu_seconds(pid_t pid)
{
    char           path[64 + NAME_MAX];
    double         ns = 0;
    DIR           *d;
    struct dirent *task;

    snprintf(path, sizeof(path), "/proc/%d/task", pid);
    d = opendir(path);
    while (d && (task = readdir(d))) {
        uint64_t ran = 0;
        FILE    *f;

        snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", pid, task->d_name);
        f = fopen(path, "r");
        if (f && fscanf(f, "%" SCNu64, &ran) == 1) ns += (double)ran;
        if (f) fclose(f);
    }
    if (d) closedir(d);
    return ns / 1e9;
}

struct usage
process_usage(pid_t pid)
{
    struct usage u = {0};

    u.cpu_s = cpu_seconds(pid);
    u.wakeups = line_of(pid, "status", "voluntary_ctxt_switches:");
    u.rss_kb = line_of(pid, "status", "VmRSS:");
    u.heap_kb = line_of(pid, "status", "RssAnon:");
    u.written_bytes = line_of(pid, "io", "wchar:");
    return u;
}

pid_t
process_child(pid_t pid)
{
    char  path[64];
    int   child = 0;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
    f = fopen(path, "r");
    if (f && fscanf(f, "%d", &child) != 1) child = 0;
    if (f) fclose(f);
    return child;
}
