#include "worker/loop.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/proc.h"
#include "worker/builtin.h"
#include "worker/dispatch.h"
#include "worker/mailbox.h"
#include "worker/persistent.h"
#include "worker/reap.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define EVENTS_PER_TURN   64
#define MESSAGES_PER_TURN 256
#define DRAIN_BYTES_MAX \
    2097152 /* above what a pipe can hold, should somebody foreign still write */
#define LINGER_MS 1000

struct loop {
    const struct loop_options *options;
    struct mailbox             mailbox;
    int                        signal_fd;
    int                        timer_fd;
    int64_t                    timer_at_ms; /* what the timer is set to */
    int64_t                    heartbeat_at_ms;
    uint64_t                   lag_us;   /* the longest turn since the last heartbeat */
    bool                       has_more; /* in the inbox, beyond this turn's share */
    bool                       has_died; /* a child of ours */
    bool                       is_stopping;
    char                      *work_folder;
    char                      *logs_folder;
    struct slots               slots;
    struct reaper              reaper;
    struct report              report;
    struct launcher            launcher;
    struct exec                exec;
    struct sink                sink;
    struct dispatch            dispatch;
    char                       chunk[STREAM_CHUNK];
};

/* ---- coming up ------------------------------------------------------------------------------ */

static enum errc
watch(struct loop *l, int *fd, struct err *e)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = fd};

    if (*fd < 0) return err_errno(e, "a descriptor of the loop");
    if (epoll_ctl(l->launcher.epoll_fd, EPOLL_CTL_ADD, *fd, &ev) != 0) {
        return err_errno(e, "epoll_ctl");
    }
    return E_OK;
}

static enum errc
open_descriptors(struct loop *l, struct err *e)
{
    sigset_t mask;

    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGINT);
    l->launcher.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    l->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    l->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (watch(l, &l->signal_fd, e) || watch(l, &l->timer_fd, e)) return e->code;
    return watch(l, &l->mailbox.fd, e);
}

static enum errc
make_folder(const char *path, struct err *e)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST) return err_errno(e, "mkdir %s", path);
    return E_OK;
}

static void
wire(struct loop *l)
{
    const struct loop_options *o = l->options;

    report_init(&l->report, l->mailbox.reports, o->worker, o->generation);
    l->launcher.slots = &l->slots;
    l->launcher.boot_id = proc_boot_id();
    l->launcher.worker = o->worker;
    l->launcher.incarnation = o->incarnation;
    l->exec = (struct exec){
        .slots = &l->slots,
        .report = &l->report,
        .launcher = &l->launcher,
        .own_environ = environ,
        .work_folder = l->work_folder,
        .logs_folder = l->logs_folder,
    };
    l->sink = (struct sink){
        .slots = &l->slots,
        .report = &l->report,
        .launcher = &l->launcher,
        .state = o->state_folder,
        .work_folder = l->work_folder,
        .own_environ = environ,
        .program = o->delivery_fd,
    };
    l->dispatch = (struct dispatch){
        .slots = &l->slots,
        .report = &l->report,
        .exec = &l->exec,
        .sink = &l->sink,
        .job_slots = o->slots,
    };
}

static enum errc
open_loop(struct loop *l, const struct loop_options *o, struct err *e)
{
    l->options = o;
    l->signal_fd = l->timer_fd = l->launcher.epoll_fd = -1;
    l->timer_at_ms = NEVER;
    l->work_folder = xasprintf("%s/work", o->state_folder);
    l->logs_folder = xasprintf("%s/logs", o->state_folder);
    if (make_folder(l->work_folder, e) || make_folder(l->logs_folder, e)) return e->code;
    if (evidence_map(&l->launcher.evidence, o->evidence_fd, e)) return e->code;
    if (mailbox_open(&l->mailbox, o->run_folder, o->worker, e)) return e->code;
    if (open_descriptors(l, e)) return e->code;
    wire(l);
    return E_OK;
}

/* ---- going down ----------------------------------------------------------------------------- */

static void
close_fd(int fd)
{
    if (fd >= 0) close(fd);
}

static void
close_loop(struct loop *l)
{
    reaper_kill_all();
    while (l->slots.count > 0) {
        struct lease *lease = l->slots.active[0];

        launch_end(&l->launcher, lease);
        slots_remove(&l->slots, &lease);
    }
    bool has_reader = getppid() == l->options->supervisor;
    mailbox_close(&l->mailbox, has_reader ? LINGER_MS : 0);
    if (l->launcher.evidence.leases) evidence_close(&l->launcher.evidence);
    close_fd(l->signal_fd);
    close_fd(l->timer_fd);
    close_fd(l->launcher.epoll_fd);
    reaper_done(&l->reaper);
    report_done(&l->report);
    exec_done(&l->exec);
    sink_done(&l->sink);
    free(l->work_folder);
    free(l->logs_folder);
}

/* ---- a turn: what has come ------------------------------------------------------------------ */

static void
feed(struct loop *l, struct stream *s, struct view bytes, const struct now *now)
{
    if (s->lease->kind == LEASE_EXEC || s->lease->kind == LEASE_IDLE) {
        exec_feed(&l->exec, s, bytes, now);
    } else {
        sink_feed(s, bytes);
    }
}

/* False when there is nothing more to read now. */
static bool
read_stream(struct loop *l, struct stream *s, const struct now *now)
{
    if (s->is_input) {
        persistent_write(s->lease, now->boot_ms);
        return false;
    }
    ssize_t n = s->fd < 0 ? 0 : stream_read(s, l->chunk, sizeof(l->chunk));

    if (n != 0) feed(l, s, view_of(l->chunk, n > 0 ? (size_t)n : 0), now);
    return n > 0;
}

static void
read_signals(struct loop *l)
{
    struct signalfd_siginfo infos[16];
    ssize_t                 n;

    while ((n = read(l->signal_fd, infos, sizeof(infos))) > 0) {
        for (size_t i = 0; i < (size_t)n / sizeof(infos[0]); i++) {
            if (infos[i].ssi_signo == SIGCHLD) {
                l->has_died = true;
            } else {
                l->is_stopping = true;
            }
        }
    }
}

/* One message.  *has: there was one. */
static enum errc
read_message(struct loop *l, zmq_msg_t *frame, const struct now *now, bool *has, struct err *e)
{
    if (mailbox_take(&l->mailbox, frame, has, e)) return e->code;
    if (!*has) return E_OK;
    return dispatch_frame(&l->dispatch, view_of(zmq_msg_data(frame), zmq_msg_size(frame)), now, e);
}

static enum errc
read_inbox(struct loop *l, const struct now *now, struct err *e)
{
    zmq_msg_t frame;
    enum errc rc = E_OK;

    zmq_msg_init(&frame);
    l->has_more = true;
    for (int i = 0; i < MESSAGES_PER_TURN && rc == E_OK && l->has_more; i++)
        rc = read_message(l, &frame, now, &l->has_more, e);
    zmq_msg_close(&frame);
    return rc;
}

/* Waits, unless something is left to do, and reads what has come. */
static enum errc
gather(struct loop *l, struct now *now, int64_t *woken_us, struct err *e)
{
    struct epoll_event events[EVENTS_PER_TURN];
    uint64_t           expirations;
    bool               has_input = l->has_more;

    int n = epoll_wait(l->launcher.epoll_fd, events, EVENTS_PER_TURN, l->has_more ? 0 : -1);
    if (n < 0 && errno != EINTR) return err_errno(e, "epoll_wait");
    *woken_us = clock_boot_us();
    *now = clock_now();
    for (int i = 0; i < n; i++) {
        void *source = events[i].data.ptr;

        if (source == &l->mailbox.fd) {
            has_input = true;
        } else if (source == &l->signal_fd) {
            read_signals(l);
        } else if (source == &l->timer_fd) {
            (void)!read(l->timer_fd, &expirations, sizeof(expirations)); /* only to make it quiet */
            l->timer_at_ms = NEVER;
        } else {
            (void)read_stream(l, source, now); /* the rest in the next turn */
        }
    }
    return has_input ? read_inbox(l, now, e) : E_OK;
}

/* ---- a turn: what is due -------------------------------------------------------------------- */

static void
finish_process(struct loop *l, struct lease *lease, const struct now *now)
{
    struct stream *streams[] = {&lease->out, &lease->err};

    for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
        for (size_t read = 0; read < DRAIN_BYTES_MAX && read_stream(l, streams[i], now);)
            read += STREAM_CHUNK;
        if (streams[i]->fd < 0) continue;
        stream_close(streams[i]);
        feed(l, streams[i], view_of(NULL, 0), now);
    }
    if (lease->kind == LEASE_EXEC) {
        exec_finish(&l->exec, &lease, now->boot_ms);
    } else if (lease->kind == LEASE_IDLE) {
        slots_remove(&l->slots, &lease);
    } else {
        sink_finish(&l->sink, &lease);
    }
}

static void
wake_lease(struct loop *l, struct lease *lease, int64_t now_ms, bool *must_settle)
{
    if (lease->progress_at_ms <= now_ms) exec_progress(&l->exec, lease, now_ms);
    if (lease->delta_at_ms <= now_ms) exec_deltas(&l->exec, lease);
    if (!lease->tree.is_killed && lease->tree.kill_at_ms <= now_ms) {
        tree_kill(&lease->tree);
        *must_settle = true;
    }
    if (lease->wake_at_ms > now_ms) return;
    if (lease->kind == LEASE_SINK) {
        sink_expire(lease, now_ms);
    } else if (lease->kind == LEASE_IDLE) {
        persistent_retire(lease, now_ms);
    } else {
        builtin_finish(&l->slots, &l->report, &lease);
    }
}

static void
beat(struct loop *l, int64_t now_ms)
{
    report_heartbeat(&l->report, &l->slots, l->dispatch.last_seq, l->lag_us);
    l->lag_us = 0;
    l->heartbeat_at_ms = now_ms + l->options->heartbeat_ms;
}

/* Removing a lease puts the last one in its place, so the walk goes down. */
static void
act(struct loop *l, const struct now *now)
{
    bool must_settle = l->has_died || reaper_deadline(&l->reaper) <= now->boot_ms;

    if (l->has_died) reaper_collect(&l->reaper, &l->slots, now->boot_ms);
    l->has_died = false;
    for (size_t i = l->slots.count; i-- > 0;) {
        if (lease_deadline(l->slots.active[i]) <= now->boot_ms) {
            wake_lease(l, l->slots.active[i], now->boot_ms, &must_settle);
        }
    }
    if (must_settle) {
        reaper_settle(&l->reaper, &l->slots, now->boot_ms);
        for (size_t i = l->slots.count; i-- > 0;) {
            if (l->slots.active[i]->tree.is_gone) finish_process(l, l->slots.active[i], now);
        }
    }
    if (l->heartbeat_at_ms <= now->boot_ms) beat(l, now->boot_ms);
}

static void
set_timer(struct loop *l)
{
    int64_t at_ms = l->heartbeat_at_ms;

    if (reaper_deadline(&l->reaper) < at_ms) at_ms = reaper_deadline(&l->reaper);
    for (size_t i = 0; i < l->slots.count; i++) {
        if (lease_deadline(l->slots.active[i]) < at_ms) {
            at_ms = lease_deadline(l->slots.active[i]);
        }
    }
    if (at_ms == l->timer_at_ms) return;
    clock_arm_boot(l->timer_fd, at_ms);
    l->timer_at_ms = at_ms;
}

static enum errc
turn(struct loop *l, struct err *e)
{
    struct now now = {0};
    int64_t    woken_us = 0;

    set_timer(l);
    if (gather(l, &now, &woken_us, e)) return e->code;
    act(l, &now);
    int64_t lag_us = clock_boot_us() - woken_us;
    if ((uint64_t)lag_us > l->lag_us) l->lag_us = (uint64_t)lag_us;
    return report_check(&l->report, e);
}

static enum errc
run(struct loop *l, struct err *e)
{
    struct now now = clock_now();

    report_hello(&l->report, l->options->slots);
    beat(l, now.boot_ms);
    while (!l->is_stopping) {
        if (turn(l, e)) return e->code;
    }
    return E_OK;
}

enum errc
loop_run(const struct loop_options *o, struct err *e)
{
    struct loop *l = xcalloc(1, sizeof(*l));
    enum errc    rc = open_loop(l, o, e);

    if (rc == E_OK) rc = run(l, e);
    close_loop(l);
    free(l);
    return rc;
}
