/* The simulator: the real engine on a real store, in a world without sockets, processes or sleep.
 *
 *     make sim SEEDS=1000                 seeds 1 to 1000, 2000 operations each
 *     make sim SEEDS=1 SEED=77 OPS=2000   replays one run exactly
 *     make sim SEEDS=2 YEARS=2            schedules are sparse, and the runs go on for so long
 *     build/sim --hash …                  prints the hash of each run's last state, too
 *
 * How to read it: run.c is a run from its first operation to its drained end; turn.c gives the
 * engine its turns, as the reactor would, with failed commits and crashes; world.c and reports.c
 * are the workers and sinks; requests.c, config.c, faults.c and reads.c are what is done to agentd;
 * model.h says what should come of it, and the model_*.c say it rule by rule.  When a claim of the
 * model fails, the run's seed, its operation, the sentence and the command for a replay are
 * printed, and the exit is 1.  A failure is the same every time; fewer OPS make another run.
 *
 * Where what must always hold is judged:
 *   - no start over a cap, while paused, stopped or before a job that goes first; nothing that
 * could start is left waiting: model_dispatch.c, every turn;
 *   - no two jobs have one unique key, and each has its own: model_merge.c, every submit and sweep;
 *   - a removal takes the oldest, none too early, none that has not ended, at most 1,000 rows a
 *     turn, and goes on at once: model_purge.c, every turn;
 *   - no goal and no ticket is its own ancestor: model_goals.c, model_tickets.c, every change;
 *   - what agents make is bounded, and nothing that waits for a person acts before: model_made.c,
 *     model_approvals.c, every completion and decision; their counts equal recounts every sweep;
 *   - what is in use is not removed, and of what is removed nothing starts and nothing is left:
 * model_registry.c, model_removals.c, every request and turn;
 *   - each nominal time is decided once and in order, when it is due, by what the schedule says of
 * misfires, overlap, pauses, gates and people: model_nominal.c, model_plan.c, model_schedules.c,
 * model_firings.c, model_pressure.c, every turn;
 *   - no two attempts of a schedule run at once unless it says allow: model_dispatch.c, every
 * start;
 *   - what is fired by hand starts in the same turn or is refused, and leaves the schedule's times
 * alone: model_firings.c, model_dispatch.c, every schedule.run;
 *   - streaks, pauses, averages and alerts follow from how firings ended: model_outcomes.c, every
 * end;
 *   - a firing of a routine makes one ticket and one wake-up: model_routines.c, every firing;
 *   - the events of a session are processed in order, one at a time, each by a job of its own; what
 * one comes to, its checkpoint and its effects are one: model_sessions.c, every end of a job;
 *   - what no person asked for passes the gates in their order: model_policy.c, every completion;
 *   - a job never runs twice at a time, no message reaches a sink twice, unless that does no harm
 * there: world.c, reports.c;
 *   - every counter equals its recount: sim_check_store every 200 operations and at the end; queue
 *     depths also by each queue_full, statistics by reads.c;
 *   - when the faults stop all ends, but for what is held on purpose, and that ends when it is
 *     released: drain in run.c. */
#include "tools/sim/sim.h"
#include "tools/sim/verdict.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES_MAX 64

struct options {
    uint64_t           seeds, first;
    struct run_options run;
    unsigned           processes;
    bool               shows_hash;
};

/* ---- a process that makes every n-th run ----------------------------------------------------- */

static char *
make_folder(void)
{
    const char *in = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : getenv("TMPDIR");
    char       *path = xasprintf("%s/sim-XXXXXX", in ? in : "/tmp");

    if (!mkdtemp(path)) {
        fprintf(stderr, "sim: cannot make %s: %s\n", path, strerror(errno));
        exit(1);
    }
    return path;
}

static bool
send_result(int fd, const struct run_result *r)
{
    return write(fd, r, sizeof(*r)) == (ssize_t)sizeof(*r); /* less than PIPE_BUF: whole */
}

static _Noreturn void
make_runs(const struct options *o, unsigned process, const char *folder, int fd)
{
    verdict_watch();
    for (uint64_t i = process; i < o->seeds; i += o->processes) {
        struct run_result r;

        sim_run(o->first + i, &o->run, folder, &r);
        if (!send_result(fd, &r)) _exit(1);
    }
    _exit(0);
}

/* ---- all of them ----------------------------------------------------------------------------- */

struct process {
    pid_t pid;
    int   fd;
    char *folder;
};

static void
start(const struct options *o, unsigned i, struct process *p)
{
    int fds[2];

    p->folder = make_folder();
    if (pipe(fds) != 0 || (p->pid = fork()) < 0) {
        fprintf(stderr, "sim: cannot start a process: %s\n", strerror(errno));
        exit(1);
    }
    if (p->pid == 0) {
        close(fds[0]);
        make_runs(o, i, p->folder, fds[1]);
    }
    close(fds[1]);
    p->fd = fds[0];
}

/* What a broken run leaves in its folder goes, too. */
static void
clean_up(struct process *p)
{
    static const char *const files[] = {"data.mdb", "lock.mdb", "new.mdb", "new.mdb-lock"};

    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        FREE_AUTO char *path = xasprintf("%s/%s", p->folder, files[i]);

        (void)unlink(path); /* mostly not there */
    }
    (void)rmdir(p->folder); /* a folder that stays harms nobody */
    free(p->folder);
    close(p->fd);
}

/* Waits for a process; when the others have failed it need not finish.  A break has told its own
 * story; a signal from outside has not. */
static bool
end(struct process *p, bool may_finish)
{
    int status = 0;

    if (!may_finish && waitpid(p->pid, &status, WNOHANG) == 0) {
        (void)kill(p->pid, SIGKILL); /* our own child, not yet waited for */
        (void)waitpid(p->pid, NULL, 0);
    } else if (may_finish) {
        (void)waitpid(p->pid, &status, 0);
    }
    if (WIFSIGNALED(status))
        fprintf(stderr, "sim: a process was ended by signal %d\n", WTERMSIG(status));
    clean_up(p);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void
add(struct run_result *sum, const struct run_result *r)
{
    sum->operations += r->operations;
    sum->turns += r->turns;
    sum->commits += r->commits;
    sum->jobs += r->jobs;
    sum->attempts += r->attempts;
    sum->firings += r->firings;
    sum->events += r->events;
    sum->effects += r->effects;
    sum->crashes += r->crashes;
    sum->failed_commits += r->failed_commits;
    sum->stops += r->stops;
    sum->deaths += r->deaths;
    sum->simulated_ms += r->simulated_ms;
}

/* Takes the results in the order of the seeds; false when a process has ended before its last. */
static bool
collect(const struct options *o, struct process *p, struct run_result *sum)
{
    for (uint64_t i = 0; i < o->seeds; i++) {
        struct run_result r;

        if (read(p[i % o->processes].fd, &r, sizeof(r)) != (ssize_t)sizeof(r)) return false;
        if (o->shows_hash) printf("seed %" PRIu64 " hash %016" PRIx64 "\n", o->first + i, r.hash);
        add(sum, &r);
    }
    return true;
}

static int
run_all(const struct options *o)
{
    struct process    p[PROCESSES_MAX];
    struct run_result sum = {0};
    bool              ok;

    fflush(NULL);
    for (unsigned i = 0; i < o->processes; i++)
        start(o, i, &p[i]);
    ok = collect(o, p, &sum);
    for (unsigned i = 0; i < o->processes; i++) {
        ok = end(&p[i], ok) && ok;
    }
    if (!ok) return 1;
    printf("sim: %" PRIu64 " seeds, %" PRIu64 " operations, %" PRIu64 " turns, %" PRIu64
           " commits, %" PRIu64 " jobs, %" PRIu64 " attempts, %" PRIu64 " firings, %" PRIu64
           " events, %" PRIu64 " effects, %" PRIu64 " crashes, %" PRIu64 " failed commits, %" PRIu64
           " planned stops, %" PRIu64 " worker deaths, %" PRId64 " simulated days: ok\n",
           o->seeds, sum.operations, sum.turns, sum.commits, sum.jobs, sum.attempts, sum.firings,
           sum.events, sum.effects, sum.crashes, sum.failed_commits, sum.stops, sum.deaths,
           sum.simulated_ms / 86400000);
    return 0;
}

/* ---- options --------------------------------------------------------------------------------- */

static _Noreturn void
usage(void)
{
    fprintf(stderr, "usage: sim [--seeds N] [--seed FIRST] [--ops N] [--years N] [--processes N] "
                    "[--hash]\n");
    exit(2);
}

static uint64_t
number(const char *text, uint64_t low, uint64_t high)
{
    char    *end;
    uint64_t n;

    errno = 0;
    n = strtoull(text, &end, 10);
    if (errno || *end || end == text || n < low || n > high) usage();
    return n;
}

int
main(int argc, char **argv)
{
    static const struct option names[] = {
        {"seeds",            required_argument, NULL, 'n'},
        {"seed",              required_argument, NULL, 's'},
        {"ops",                  required_argument, NULL, 'o'},
        {"years",required_argument, NULL, 'y'},
        {"processes",               required_argument, NULL, 'p'},
        {"hash",              no_argument, NULL, 'h'},
        {0             }
    };
    long           cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct options o = {.seeds = 1, .first = 1, .run = {.operations = 2000}};
    int            c;

    o.processes = cores > 0 && cores < PROCESSES_MAX ? (unsigned)cores : 1;
    while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
        switch (c) {
        case 'n': o.seeds = number(optarg, 1, 1000000000); break;
        case 's': o.first = number(optarg, 0, UINT64_MAX / 2); break;
        case 'o': o.run.operations = number(optarg, 1, 1000000000); break;
        case 'y': o.run.years = (int64_t)number(optarg, 0, 1000); break;
        case 'p': o.processes = (unsigned)number(optarg, 1, PROCESSES_MAX); break;
        case 'h': o.shows_hash = true; break;
        default: usage();
        }
    }
    if (optind != argc) usage();
    if (o.seeds < o.processes) o.processes = (unsigned)o.seeds;
    return run_all(&o);
}
