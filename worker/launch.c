#include "worker/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#define OOM_SCORE_ADJUST "500" /* before agentd and its workers */

/* The descriptors of one start, each -1 or open. */
struct pipes {
    int in;   /* the child's end */
    int give; /* ours, when it is a pipe */
    int out[2];
    int err[2];
};

static void
close_fd(int *fd)
{
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

static void
pipes_done(struct pipes *p)
{
    close_fd(&p->in);
    close_fd(&p->give);
    for (int i = 0; i < 2; i++) {
        close_fd(&p->out[i]);
        close_fd(&p->err[i]);
    }
}

static enum errc
fill_input(int fd, struct view input, struct err *e)
{
    size_t done = 0;

    while (done < input.size) { /* pwrite leaves the reader's position at the beginning */
        ssize_t n = pwrite(fd, input.data + done, input.size - done, (off_t)done);

        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return err_errno(e, "write of the input");
        done += (size_t)n;
    }
    return E_OK;
}

/* The child's ends block, as programs expect; ours do not. */
static enum errc
open_pipe(int pipe_fds[2], struct err *e)
{
    if (pipe2(pipe_fds, O_CLOEXEC) != 0) return err_errno(e, "pipe");
    if (fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK) != 0) return err_errno(e, "fcntl");
    return E_OK;
}

static enum errc
open_input_pipe(struct pipes *p, struct err *e)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0) return err_errno(e, "pipe");
    p->in = ends[0];
    p->give = ends[1];
    if (fcntl(p->give, F_SETFL, O_NONBLOCK) != 0) return err_errno(e, "fcntl");
    return E_OK;
}

static enum errc
open_input_file(struct pipes *p, struct view input, struct err *e)
{
    p->in = memfd_create("agentd-input", MFD_CLOEXEC);
    if (p->in < 0) return err_errno(e, "memfd_create");
    return fill_input(p->in, input, e);
}

static enum errc
pipes_open(struct pipes *p, const struct launch *what, struct err *e)
{
    if (what->input_fd ? open_input_pipe(p, e) : open_input_file(p, what->input, e)) return e->code;
    if (open_pipe(p->out, e)) return e->code;
    return open_pipe(p->err, e);
}

/* So that a handler of another user may open /dev/stdout and /dev/stderr, too. */
static enum errc
give_to(const struct account *account, const struct pipes *p, struct err *e)
{
    if (!account || account->is_ours) return E_OK;
    if (fchown(p->out[1], account->uid, account->gid) != 0 ||
        fchown(p->err[1], account->uid, account->gid) != 0) {
        return err_errno(e, "fchown of a pipe");
    }
    return E_OK;
}

static enum errc
watch(int epoll_fd, struct stream *s, int fd, struct err *e)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = s};

    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) != 0) return err_errno(e, "epoll_ctl");
    return E_OK;
}

/* Best effort: it fails where /proc is hidden from us.  Done by us, since the child, while it
 * shares our memory, may not open a file of a process that must not be dumped. */
static void
prefer_for_oom(pid_t pid)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)pid); /* fits */
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    (void)!write(fd, OOM_SCORE_ADJUST, sizeof(OOM_SCORE_ADJUST) - 1);
    close(fd);
}

static enum errc
start(const struct launcher *l, const struct launch *what, const struct pipes *p,
      struct lease *lease, struct err *e)
{
    struct spawn_request rq = {
        .file = what->file,
        .program = what->program,
        .argv = what->argv,
        .envp = what->envp,
        .cwd = what->cwd,
        .fds = {p->in,         p->out[1], p->err[1]},
        .account = what->account,
        .limits = what->limits,
        .mark = { &l->evidence.leases[lease->slot], l->boot_id, lease->token,                      l->worker,
                l->incarnation},
    };
    pid_t pid;

    if (watch(l->epoll_fd, &lease->out, p->out[0], e)) return e->code;
    if (watch(l->epoll_fd, &lease->err, p->err[0], e)) return e->code;
    if (spawn_process(&rq, &pid, e)) return e->code;
    tree_begin(&lease->tree, pid);
    slots_put_pid(l->slots, lease);
    return E_OK;
}

enum errc
launch(const struct launcher *l, const struct launch *what, struct lease *lease, struct err *e)
{
    CLEANUP(pipes_done)
    struct pipes p = {
        .in = -1, .give = -1, .out = {-1, -1},
                .err = {-1, -1}
    };

    if (pipes_open(&p, what, e) || give_to(what->account, &p, e) || start(l, what, &p, lease, e)) {
        return e->code; /* the closing of the pipes ends the watch, too */
    }
    lease->out.fd = p.out[0];
    lease->err.fd = p.err[0];
    p.out[0] = p.err[0] = -1;
    if (what->input_fd) *what->input_fd = p.give;
    p.give = -1;
    prefer_for_oom(lease->tree.pid);
    return E_OK;
}

void
launch_end(const struct launcher *l, const struct lease *lease)
{
    if (lease->tree.pid != 0) evidence_clear(&l->evidence.leases[lease->slot]);
}
