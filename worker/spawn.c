#include "worker/spawn.h"

#include "common/proc.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_STACK_BYTES 65536

/* What the child and we share. */
struct child {
    const struct spawn_request *rq;
    pid_t                       parent;
    const char                 *step; /* that failed */
    int                         error;
};

enum errc
spawn_prepare(struct err *e)
{
    struct rlimit none = {0, 0};

    proc_default_signals();
    umask(077);
    if (setrlimit(RLIMIT_CORE, &none) != 0) return err_errno(e, "setrlimit(RLIMIT_CORE)");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return err_errno(e, "no_new_privs");
    return E_OK;
}

/* From here to child_main: in the child, so async-signal-safe calls only.  glibc's setuid and its
 * kin would also change our other threads, hence the bare system calls. */
static bool
child_failed(struct child *c, const char *step)
{
    c->error = errno;
    c->step = step;
    return false;
}

static bool
child_limit(struct child *c, __rlimit_resource_t what, uint64_t soft, uint64_t hard,
            const char *step)
{
    struct rlimit own, rl = {soft, hard};

    if (soft == 0 || setrlimit(what, &rl) == 0) return true;
    if (errno != EPERM || getrlimit(what, &own) != 0) return child_failed(c, step);
    if (rl.rlim_max > own.rlim_max) rl.rlim_max = own.rlim_max;
    if (rl.rlim_cur > rl.rlim_max) rl.rlim_cur = rl.rlim_max;
    return setrlimit(what, &rl) == 0 || child_failed(c, step);
}

static bool
child_limits(struct child *c)
{
    const struct spawn_limits *l = &c->rq->limits;

    return child_limit(c, RLIMIT_AS, l->memory_bytes, l->memory_bytes, "setrlimit(RLIMIT_AS)") &&
           child_limit(c, RLIMIT_CPU, l->cpu_seconds, l->cpu_seconds + 1,
                       "setrlimit(RLIMIT_CPU)") &&
           child_limit(c, RLIMIT_NOFILE, l->files, l->files, "setrlimit(RLIMIT_NOFILE)") &&
           child_limit(c, RLIMIT_NPROC, l->processes, l->processes, "setrlimit(RLIMIT_NPROC)");
}

static bool
child_become(struct child *c, const struct account *a)
{
    if (!a || a->is_ours) return true;
    if (syscall(SYS_setgroups, a->group_count, a->groups) != 0) {
        return child_failed(c, "setgroups");
    }
    if (syscall(SYS_setresgid, a->gid, a->gid, a->gid) != 0) return child_failed(c, "setgid");
    if (syscall(SYS_setresuid, a->uid, a->uid, a->uid) != 0) return child_failed(c, "setuid");
    return true;
}

/* Now, not with the exec: that lets us go on before it closes anything, and of what we close then
 * epoll would go on to tell, as long as it is open in the child. */
static bool
child_close(const struct child *c)
{
    unsigned kept = (unsigned)c->rq->program;

    if (kept == 0) return close_range(3, ~0U, 0) == 0;
    return (kept == 3 || close_range(3, kept - 1, 0) == 0) && close_range(kept + 1, ~0U, 0) == 0;
}

static bool
child_descriptors(struct child *c)
{
    for (int fd = 0; fd < 3; fd++) {
        if (dup2(c->rq->fds[fd], fd) < 0) return child_failed(c, "dup2");
    }
    return child_close(c) || child_failed(c, "close_range");
}

static void
child_exec(const struct spawn_request *rq)
{
    if (rq->program != 0) {
        (void)syscall(SYS_execveat, rq->program, "", rq->argv, rq->envp, AT_EMPTY_PATH);
    } else {
        execve(rq->file, rq->argv, rq->envp);
    }
}

static bool
child_set_up(struct child *c)
{
    const struct spawn_mark *m = &c->rq->mark;

    if (setpgid(0, 0) != 0) return child_failed(c, "setpgid");
    evidence_write_self(m->record, m->boot_id, m->token, m->worker, m->incarnation);
    if (!child_limits(c) || !child_become(c, c->rq->account)) return false;
    /* A change of credentials clears it, so it comes after; and we may have died before it. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return child_failed(c, "prctl");
    if (getppid() != c->parent) {
        errno = ESRCH;
        return child_failed(c, "the worker has died");
    }
    if (chdir(c->rq->cwd) != 0) return child_failed(c, "chdir");
    return child_descriptors(c);
}

static int
child_main(void *arg)
{
    struct child *c = arg;
    sigset_t      none;

    if (!child_set_up(c)) return 127;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    child_exec(c->rq);
    (void)child_failed(c, "exec");
    return 127;
}

/* Every signal waits: in the child that shares our memory none may be handled. */
static pid_t
clone_child(struct child *c)
{
    /* Not kept: a sanitizer then sees a fresh block each time, without what a child that never
     * returned had marked in it. */
    char    *stack = xmalloc(CHILD_STACK_BYTES);
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = clone(child_main, stack + CHILD_STACK_BYTES, CLONE_VM | CLONE_VFORK | SIGCHLD, c);
    int   error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    free(stack);
    errno = error;
    return pid;
}

enum errc
spawn_process(const struct spawn_request *rq, pid_t *pid, struct err *e)
{
    struct child c = {.rq = rq, .parent = getpid()};

    assert(rq->fds[0] > 2 && rq->fds[1] > 2 && rq->fds[2] > 2);
    pid_t made = clone_child(&c);
    if (made < 0) return err_errno(e, "cannot start %s: clone", rq->file);
    if (!c.step) {
        *pid = made;
        return E_OK;
    }
    while (waitpid(made, NULL, 0) < 0 && errno == EINTR)
        ;
    evidence_clear(rq->mark.record);
    errno = c.error;
    return err_errno(e, "cannot start %s: %s%s%s", rq->file, c.step,
                     strcmp(c.step, "chdir") == 0 ? " to " : "",
                     strcmp(c.step, "chdir") == 0 ? rq->cwd : "");
}
