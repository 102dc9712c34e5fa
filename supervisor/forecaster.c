#include "supervisor/forecaster.h"

#include "common/log.h"
#include "common/mp.h"
#include "proto/codec.h"
#include "supervisor/signals.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXIT_NOT_STARTED 127
#define NICE             10        /* workers and agentd go first */
#define ANSWER_MAX       (1 << 26) /* bytes that are believed */
#define OOM_SCORE        "500"     /* it goes before handlers do */

/* ---- files in memory ----------------------------------------------------------------------- */

static bool
write_all(int fd, struct view text)
{
    for (size_t at = 0; at < text.size;) {
        ssize_t wrote = write(fd, text.data + at, text.size - at);

        if (wrote < 0 && errno != EINTR) return false;
        if (wrote > 0) at += (size_t)wrote;
    }
    return true;
}

static bool
read_file(int fd, struct buf *out)
{
    struct stat st;

    if (fstat(fd, &st) != 0 || st.st_size > ANSWER_MAX) return false;
    buf_reserve(out, (size_t)st.st_size + 1);
    for (ssize_t got = 1; got > 0 && out->size < (size_t)st.st_size;) {
        got = pread(fd, out->data + out->size, (size_t)st.st_size - out->size, (off_t)out->size);
        if (got > 0) out->size += (size_t)got;
    }
    return out->size == (size_t)st.st_size;
}

/* ---- the start ----------------------------------------------------------------------------- */

void
forecaster_init(struct forecaster *f, struct poller *poller, struct pool *pool, struct store *store)
{
    *f = (struct forecaster){.poller = poller,
                             .pool = pool,
                             .store = store,
                             .watch = {.fd = -1},
                             .client = {.fd = -1},
                             .answer = -1};
}

/* Between fork and exec: nothing but async-signal-safe calls. */
static _Noreturn void
become_forecast(int order, int answer, pid_t parent)
{
    char *const argv[] = {(char *)"agentd", (char *)"--forecast", NULL};
    int         score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent) _exit(EXIT_NOT_STARTED);
    (void)!write(score, OOM_SCORE, sizeof(OOM_SCORE) - 1); /* as far as we may */
    (void)setpriority(PRIO_PROCESS, 0, NICE);              /* likewise */
    signals_reset();
    if (dup2(order, STDIN_FILENO) < 0 || dup2(answer, STDOUT_FILENO) < 0 ||
        close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC)) {
        _exit(EXIT_NOT_STARTED);
    }
    (void)execv("/proc/self/exe", argv);
    _exit(EXIT_NOT_STARTED);
}

static void
on_ended(void *arg)
{
    struct forecaster *f = arg;

    f->is_over = true;
}

static void
kill_it(struct forecaster *f)
{
    (void)pidfd_send_signal(f->watch.fd, SIGKILL, NULL, 0); /* one that has ended is none */
}

static void
unwatch(struct forecaster *f, struct watch *w)
{
    int fd = w->fd;

    poller_unwatch(f->poller, w);
    if (fd >= 0) (void)close(fd);
}

/* Nobody waits for it any more. */
static void
on_client_ended(void *arg)
{
    struct forecaster *f = arg;

    unwatch(f, &f->client);
    kill_it(f);
}

/* Without it the forecast goes on to its end. */
static void
watch_client(struct forecaster *f, pid_t client)
{
    int        fd = pidfd_open(client, 0);
    struct err e;

    if (fd >= 0 && poller_watch(f->poller, &f->client, fd, on_client_ended, f, &e)) (void)close(fd);
    if (fd < 0 && errno == ESRCH) kill_it(f);
}

static void
close_process(struct forecaster *f)
{
    unwatch(f, &f->watch);
    unwatch(f, &f->client);
    if (f->answer >= 0) (void)close(f->answer);
    f->answer = -1;
    f->is_over = f->is_late = false;
    pool_keep(f->pool, KEPT_FORECAST, 0);
}

static enum errc
start_process(struct forecaster *f, int order, struct err *e)
{
    pid_t parent = getpid();
    pid_t child = fork();

    if (child < 0) return err_errno(e, "fork");
    if (child == 0) become_forecast(order, f->answer, parent);
    pool_keep(f->pool, KEPT_FORECAST, child);

    int fd = pidfd_open(child, 0);

    if (fd >= 0 && poller_watch(f->poller, &f->watch, fd, on_ended, f, e) == E_OK) return E_OK;
    if (fd < 0) err_errno(e, "pidfd of the forecast");
    if (fd >= 0) (void)close(fd);
    (void)kill(child, SIGKILL); /* it is our child and not reaped: the pid is its own */
    return e->code;
}

enum errc
forecaster_start(struct forecaster *f, const struct forecast_order *o, uint64_t tag, pid_t client,
                 int64_t boot_ms, struct err *e)
{
    struct buf packed BUF_AUTO = {0};

    if (f->watch.fd >= 0) {
        err_set(e, E_BUSY, "a forecast runs already; it ends within %" PRId64 " s",
                f->kill_boot_ms > boot_ms ? (f->kill_boot_ms - boot_ms + 999) / 1000 : 1);
        return err_hint(e, "ask again then: one runs at a time");
    }
    int order = memfd_create("agentd-order", MFD_CLOEXEC);
    f->answer = memfd_create("agentd-answer", MFD_CLOEXEC);
    forecast_pack_order(o, &packed);
    if (order < 0 || f->answer < 0 || !write_all(order, buf_view(&packed)) ||
        lseek(order, 0, SEEK_SET) != 0) {
        err_errno(e, "memory for a forecast");
    } else if (start_process(f, order, e) == E_OK) {
        (void)close(order);
        watch_client(f, client);
        f->tag = tag;
        f->kill_boot_ms = boot_ms + FORECAST_RUN_MAX_MS;
        return E_OK;
    }
    if (order >= 0) (void)close(order);
    close_process(f);
    return e->code;
}

/* ---- the end ------------------------------------------------------------------------------- */

void
forecaster_done(struct forecaster *f)
{
    if (!f->poller) return;
    if (f->watch.fd >= 0) kill_it(f);
    close_process(f);
}

int64_t
forecaster_deadline(const struct forecaster *f)
{
    return f->watch.fd >= 0 && !f->is_late ? f->kill_boot_ms : INT64_MAX;
}

void
forecaster_on_time(struct forecaster *f, int64_t boot_ms)
{
    if (boot_ms < forecaster_deadline(f)) return;
    f->is_late = true;
    kill_it(f);
}

static void
read_answer(const struct forecaster *f, struct buf *reply, struct err *e)
{
    struct buf frame BUF_AUTO = {0};
    struct view      body;
    uint64_t         id;

    if (f->is_late) {
        err_set(e, E_INTERNAL, "the forecast took more than %d s", FORECAST_RUN_MAX_MS / 1000);
        (void)err_hint(e, "ask for fewer hours");
    } else if (!read_file(f->answer, &frame) || frame.size == 0 || mp_check(buf_view(&frame))) {
        err_set(e, E_INTERNAL, "the forecast's process died before it had an answer");
        (void)err_hint(e, "its last words, if any, are in agentd's log");
    } else if (reply_open(buf_view(&frame), &id, &body, e) == E_OK) {
        buf_add_view(reply, body);
    }
}

bool
forecaster_take(struct forecaster *f, uint64_t *tag, struct buf *reply, struct err *e)
{
    if (!f->is_over) return false;
    *tag = f->tag;
    *e = (struct err){0};
    read_answer(f, reply, e);
    close_process(f);
    store_forget_readers(f->store);
    return true;
}

/* ---- in the child -------------------------------------------------------------------------- */

int
forecaster_main(void)
{
    struct buf packed     BUF_AUTO = {0};
    struct buf body       BUF_AUTO = {0};
    struct buf frame      BUF_AUTO = {0};
    struct arena          arena;
    struct forecast_order order;
    struct err            e = {0};

    arena_init(&arena);
    if (!read_file(STDIN_FILENO, &packed) ||
        !forecast_read_order(buf_view(&packed), &arena, &order)) {
        log_error("--forecast is for agentd itself", "got=%zu", packed.size);
    } else if (forecast_run(&order, &body, &e) == E_OK) {
        reply_pack(0, buf_view(&body), &frame);
    } else {
        reply_pack_error(0, &e, &frame);
    }
    arena_done(&arena);
    return frame.size > 0 && write_all(STDOUT_FILENO, buf_view(&frame)) ? 0 : 1;
}
