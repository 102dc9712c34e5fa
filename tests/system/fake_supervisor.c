#include "tests/system/fake_supervisor.h"

#include "common/clock.h"
#include "common/json.h"
#include "common/mp.h"
#include "common/proc.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define LOOK_AGAIN_MS 5 /* between looks at what gives no event: a file, a foreign process */

/* Of this build, in the folder above the test's own. */
static const char *
program(const char *name)
{
    static char path[PATH_MAX];
    ssize_t     size = readlink("/proc/self/exe", path, sizeof(path) - 32);

    assert_true(size > 0);
    path[size] = '\0';
    (void)snprintf(strrchr(path, '/') + 1, 32, "../%s", name); /* fits */
    return path;
}

static void
must_bind(void **socket, void *zmq, int type, const char *folder, const char *name)
{
    FREE_AUTO char *endpoint = xasprintf("ipc://%s/%s", folder, name);
    int             linger = 0;

    *socket = zmq_socket(zmq, type);
    assert_non_null(*socket);
    assert_int_equal(zmq_setsockopt(*socket, ZMQ_LINGER, &linger, sizeof(linger)), 0);
    assert_int_equal(zmq_bind(*socket, endpoint), 0);
}

void
fake_open(struct fake *f)
{
    FREE_AUTO char *evidence = NULL;
    struct err      e;

    *f = (struct fake){.folder = "/tmp/test_worker.XXXXXX"};
    assert_non_null(mkdtemp(f->folder));
    f->zmq = zmq_ctx_new();
    must_bind(&f->jobs, f->zmq, ZMQ_PUSH, f->folder, "worker-3.sock");
    must_bind(&f->reports, f->zmq, ZMQ_PULL, f->folder, "reports.sock");
    zmq_msg_init(&f->frame);
    evidence = xasprintf("%s/evidence", f->folder);
    assert_int_equal(evidence_open(&f->evidence, evidence, &e), E_OK);
    f->delivery_fd = open(program("agent-delivery"), O_PATH | O_CLOEXEC);
    assert_true(f->delivery_fd >= 0);
}

void
fake_become_worker(const struct fake *f, pid_t supervisor)
{
    char  parent[24], fd[24], delivery[24], heartbeat[24], slots[24], incarnation[24];
    char *argv[] = {"agent-worker",
                    "--worker",
                    "3",
                    "--generation",
                    "5",
                    "--slots",
                    slots,
                    "--run",
                    (char *)f->folder,
                    "--state",
                    (char *)f->folder,
                    "--heartbeat-ms",
                    heartbeat,
                    "--evidence-fd",
                    fd,
                    "--delivery-fd",
                    delivery,
                    "--incarnation",
                    incarnation,
                    "--supervisor-pid",
                    parent,
                    NULL};

    (void)snprintf(parent, sizeof(parent), "%d", (int)supervisor);
    (void)snprintf(fd, sizeof(fd), "%d", f->evidence.fd);
    (void)snprintf(heartbeat, sizeof(heartbeat), "%d", HEARTBEAT_MS);
    (void)snprintf(slots, sizeof(slots), "%d", FAKE_SLOTS);
    (void)snprintf(incarnation, sizeof(incarnation), "%d", INCARNATION);
    (void)snprintf(delivery, sizeof(delivery), "%d", f->delivery_fd);
    (void)fcntl(f->evidence.fd, F_SETFD, 0);
    (void)fcntl(f->delivery_fd, F_SETFD, 0);
    execv(program("agent-worker"), argv);
    _exit(127);
}

pid_t
fake_exec_worker(const struct fake *f)
{
    pid_t supervisor = getpid();
    pid_t pid = fork();

    if (pid == 0) fake_become_worker(f, supervisor);
    return pid;
}

void
fake_take_hello(struct fake *f)
{
    fake_expect(f, MSG_HELLO, 0);
    assert_int_equal(f->m.hello.worker, 3);
    assert_int_equal(f->m.hello.generation, 5);
    assert_int_equal(f->m.hello.slots, FAKE_SLOTS);
}

void
fake_start(struct fake *f)
{
    fake_open(f);
    f->pid = fake_exec_worker(f);
    assert_true(f->pid > 0);
    fake_take_hello(f);
    assert_int_equal(f->m.hello.pid, f->pid);
}

void
fake_expect_child_exit(pid_t pid, int code)
{
    int           fd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int           status = 0;

    assert_true(fd >= 0);
    assert_int_equal(poll(&p, 1, WAIT_MS), 1);
    close(fd);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), code);
}

void
fake_expect_nothing_left(const struct fake *f)
{
    pid_t children[8];

    assert_int_equal(proc_children(getpid(), children, ARRAY_LEN(children)), 0);
    for (size_t i = 0; i < SLOTS_MAX; i++)
        assert_int_equal(f->evidence.leases[i].pid, 0);
}

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

void
fake_close(struct fake *f)
{
    evidence_close(&f->evidence);
    (void)close(f->delivery_fd);
    zmq_msg_close(&f->frame);
    zmq_close(f->jobs);
    zmq_close(f->reports);
    zmq_ctx_term(f->zmq);
    assert_int_equal(nftw(f->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

void
fake_expect_exit(struct fake *f, int code)
{
    fake_expect_child_exit(f->pid, code);
    fake_expect_nothing_left(f);
    fake_close(f);
}

void
fake_stop(struct fake *f)
{
    assert_int_equal(kill(f->pid, SIGTERM), 0);
    fake_expect_exit(f, 0);
}

/* ---- to the worker -------------------------------------------------------------------------- */

void
fake_send_bytes(struct fake *f, struct view bytes)
{
    assert_int_equal(zmq_send(f->jobs, bytes.data, bytes.size, 0), (int)bytes.size);
}

void
fake_send(struct fake *f, enum msg_id op, const void *m)
{
    BUF_AUTO struct buf frame = {0};

    worker_pack(op, m, &frame);
    fake_send_bytes(f, buf_view(&frame));
}

static void
must_parse(const char *json, struct buf *out)
{
    struct err e;

    if (json_to_mp(view_str(json), out, &e) != E_OK) fail_msg("%s: %s", json, e.msg);
}

static void
put_words(struct buf *b, const char *const *words)
{
    uint32_t count = 0;
    size_t   header = mp_array_open(b);

    for (; words[count]; count++)
        mp_cstr(b, words[count]);
    mp_array_close(b, header, count);
}

static void
put_command(struct buf *b, struct mp_open_map *map, const struct fake_job *job)
{
    const char *const sh[] = {"/bin/sh", "-c", job->script, NULL};

    if (!job->command && !job->script) return;
    mp_key(b, map, "command");
    put_words(b, job->command ? job->command : sh);
}

static void
put_handler(struct buf *b, const struct fake_job *job)
{
    BUF_AUTO struct buf more = {0};
    struct mp_open_map  map = mp_open(b);
    struct view         key, value;
    uint32_t            pairs = 0;

    mp_put_cstr(b, &map, "name", "h");
    mp_put_cstr(b, &map, "kind", job->kind ? job->kind : "exec");
    put_command(b, &map, job);
    must_parse(job->handler ? job->handler : "{}", &more);
    struct mp_reader r = mp_reader_of(buf_view(&more));
    for (assert_true(mp_read_map(&r, &pairs)); pairs > 0; pairs--) {
        assert_true(mp_read_str(&r, &key) && mp_read_any(&r, &value));
        map.pairs++;
        mp_str(b, key);
        mp_raw(b, value);
    }
    mp_close(b, &map);
}

uint64_t
fake_job(struct fake *f, const struct fake_job *job)
{
    BUF_AUTO struct buf handler = {0}, document = {0}, payload = {0}, gate = {0};
    FREE_AUTO char     *lease = xasprintf("%d-%" PRIu64, INCARNATION, ++f->token);
    uint64_t            id = job->job ? job->job : f->token;
    FREE_AUTO char     *key = xasprintf("%d-%" PRIu64, INCARNATION, id);

    put_handler(&handler, job);
    must_parse(job->document ? job->document : "{}", &document);
    if (job->payload) must_parse(job->payload, &payload);
    struct msg_job_start m = {
        .seq = ++f->seq,
        .slot = job->slot,
        .token = f->token,
        .job = id,
        .attempt = 1,
        .handler = buf_view(&handler),
        .idempotency_key = view_str(key),
        .lease = view_str(lease),
        .max_turns = job->max_turns,
        .deltas = job->deltas,
        .document = buf_view(&document),
        .payload = job->payload ? buf_view(&payload) : job->packed_payload,
    };
    if (job->max_turns) SET_HAS(&m, job_start, max_turns);
    if (job->deltas) SET_HAS(&m, job_start, deltas);
    if (m.payload.size > 0) SET_HAS(&m, job_start, payload);
    if (job->gate || job->gate_command) {
        const char *const sh[] = {"/bin/sh", "-c", job->gate, NULL};

        put_words(&gate, job->gate ? sh : job->gate_command);
        m.gate = buf_view(&gate);
        SET_HAS(&m, job_start, gate);
    }
    fake_send(f, MSG_JOB_START, &m);
    return f->token;
}

void
fake_stop_job(struct fake *f, uint64_t slot, uint64_t token, int64_t grace_ms)
{
    struct msg_job_stop m = {.seq = ++f->seq, .slot = slot, .token = token, .grace_ms = grace_ms};

    fake_send(f, MSG_JOB_STOP, &m);
}

uint64_t
fake_effect(struct fake *f, uint64_t slot, const char *sink, const char *document, uint64_t effect,
            bool is_probe, int64_t max_run_ms)
{
    BUF_AUTO struct buf packed_sink = {0}, packed_document = {0};
    FREE_AUTO char     *lease = xasprintf("%d-%" PRIu64, INCARNATION, ++f->token);

    must_parse(sink, &packed_sink);
    must_parse(document, &packed_document);
    struct msg_effect_send m = {
        .seq = ++f->seq,
        .slot = slot,
        .token = f->token,
        .effect = effect,
        .probe = is_probe,
        .lease = view_str(lease),
        .sink = buf_view(&packed_sink),
        .document = buf_view(&packed_document),
        .max_run_ms = max_run_ms,
        .attempted_at = f->attempted_at,
    };
    SET_HAS(&m, effect_send, probe);
    if (is_probe) SET_HAS(&m, effect_send, attempted_at);
    fake_send(f, MSG_EFFECT_SEND, &m);
    return f->token;
}

/* ---- from the worker ------------------------------------------------------------------------ */

static uint64_t
token_of(enum msg_id id, const union msg *m)
{
    switch (id) {
    case MSG_PROGRESS: return m->progress.token;
    case MSG_DELTA: return m->delta.token;
    case MSG_ENDED: return m->ended.token;
    case MSG_EFFECT_DONE: return m->effect_done.token;
    default: return 0;
    }
}

/* MSG_NONE: nothing came in time. */
static enum msg_id
next_before(struct fake *f, int64_t end_ms)
{
    zmq_pollitem_t         item = {.socket = f->reports, .events = ZMQ_POLLIN};
    int64_t                left_ms = end_ms - clock_now().boot_ms;
    const struct msg_desc *desc;
    struct err             e;

    if (left_ms <= 0 || zmq_poll(&item, 1, left_ms) != 1) return MSG_NONE;
    assert_true(zmq_msg_recv(&f->frame, f->reports, 0) >= 0);
    struct view v = view_of(zmq_msg_data(&f->frame), zmq_msg_size(&f->frame));
    if (worker_open(GROUP_FROM_WORKER, v, &desc, &f->m, &e)) fail_msg("%s", e.msg);
    return desc->id;
}

enum msg_id
fake_next(struct fake *f)
{
    enum msg_id id = next_before(f, clock_now().boot_ms + WAIT_MS);

    assert_int_not_equal(id, MSG_NONE);
    return id;
}

void
fake_expect(struct fake *f, enum msg_id id, uint64_t token)
{
    int64_t     end_ms = clock_now().boot_ms + WAIT_MS;
    enum msg_id came;

    while ((came = next_before(f, end_ms)) != MSG_NONE) {
        bool is_of_token = token_of(came, &f->m) == token;

        if (came == id && (token == 0 || is_of_token)) return;
        /* Whoever waits for something else of a lease that has ended waits in vain. */
        if (came == MSG_ENDED && is_of_token) break;
    }
    fail_msg("no %s of token %" PRIu64, msg_desc(id)->op, token);
}

const struct msg_ended *
fake_end(struct fake *f, uint64_t token)
{
    fake_expect(f, MSG_ENDED, token);
    assert_int_equal(f->m.ended.worker, 3);
    assert_int_equal(f->m.ended.generation, 5);
    return &f->m.ended;
}

static void
expect_view(struct view v, const char *wanted)
{
    FREE_AUTO char *text = view_dup(v);

    assert_string_equal(text, wanted);
}

static void
expect_part(struct view v, const char *part)
{
    FREE_AUTO char *text = view_dup(v);

    if (!strstr(text, part)) fail_msg("\"%s\" is not in \"%s\"", part, text);
}

void
expect_completed(struct fake *f, uint64_t token, const char *output_json)
{
    const struct msg_ended *m = fake_end(f, token);
    BUF_AUTO struct buf     json = {0};
    struct err              e;

    if (HAS(m, ended, message)) expect_view(m->message, ""); /* shows it */
    expect_view(m->verdict, "completed");
    assert_int_equal(HAS(m, ended, output), output_json != NULL);
    if (!output_json) return;
    assert_int_equal(json_from_mp(m->output, &json, &e), E_OK);
    assert_string_equal(buf_str(&json), output_json);
}

void
expect_failed(struct fake *f, uint64_t token, const char *class, const char *message_part)
{
    const struct msg_ended *m = fake_end(f, token);

    expect_view(m->verdict, "failed");
    expect_part(m->message, message_part);
    expect_view(m->class, class);
    assert_false(HAS(m, ended, output) || HAS(m, ended, effects) || HAS(m, ended, checkpoint));
}

void
expect_snoozed(struct fake *f, uint64_t token, int64_t after_ms)
{
    const struct msg_ended *m = fake_end(f, token);

    expect_view(m->verdict, "snoozed");
    assert_int_equal(HAS(m, ended, after_ms), after_ms >= 0);
    if (after_ms >= 0) assert_int_equal(m->after_ms, after_ms);
    assert_false(HAS(m, ended, output) || HAS(m, ended, effects) || HAS(m, ended, checkpoint));
}

void
expect_delivery(struct fake *f, uint64_t token, const char *outcome, const char *receipt,
                const char *message_part)
{
    fake_expect(f, MSG_EFFECT_DONE, token);
    expect_part(f->m.effect_done.message, message_part);
    expect_view(f->m.effect_done.outcome, outcome);
    expect_view(f->m.effect_done.receipt, receipt);
}

/* ---- what can be seen ----------------------------------------------------------------------- */

/* NULL when it is not there. */
static char *
read_file(const char *path)
{
    BUF_AUTO struct buf text = {0};
    ssize_t             n;
    int                 fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) return NULL;
    do {
        buf_reserve(&text, 65536);
        n = read(fd, text.data + text.size, text.cap - text.size);
        if (n > 0) text.size += (size_t)n;
    } while (n > 0);
    close(fd);
    return view_dup(buf_view(&text));
}

char *
fake_file(const struct fake *f, const char *name)
{
    FREE_AUTO char *path = xasprintf("%s/%s", f->folder, name);

    for (int64_t end_ms = clock_now().boot_ms + WAIT_MS; clock_now().boot_ms < end_ms;) {
        char *text = read_file(path);

        if (text && *text) return text;
        free(text);
        (void)poll(NULL, 0, LOOK_AGAIN_MS);
    }
    fail_msg("%s does not appear", path);
    return NULL;
}

char *
fake_log(const struct fake *f, uint64_t job)
{
    FREE_AUTO char *path =
        xasprintf("%s/logs/%02x/%" PRIu64 ".log", f->folder, (unsigned)(job % 256), job);
    char *text = read_file(path);

    return text ? text : xstrdup("");
}
