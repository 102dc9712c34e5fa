#include "worker/exec.h"

#include "common/json.h"
#include "common/log.h"
#include "proto/codec.h"
#include "worker/environment.h"
#include "worker/persistent.h"
#include "worker/text.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#define FILES_MAX_DEFAULT 256
#define PROGRESS_EVERY_MS 100
#define DELTAS_EVERY_MS   50 /* what a handler says is gathered for so long */
#define SCRATCH_KEPT      262144
#define DRAIN_READS_MAX   32 /* of 4 KiB: more than a pipe holds */

void
exec_done(struct exec *x)
{
    arena_done(&x->arena);
    buf_done(&x->scratch);
}

static bool
is_persistent(const struct msg_handler *h)
{
    return view_is(h->kind, "persistent");
}

/* The document with "payload" put in, and for a process that is kept what its environment cannot
 * say, as one line of JSON in x->scratch.  As text, because together the two may be nested deeper
 * than either may be. */
static enum errc
make_input(struct exec *x, const struct msg_job_start *m, const struct msg_handler *h,
           struct err *e)
{
    struct buf *out = &x->scratch;

    buf_clear(out);
    if (json_from_mp(m->document, out, e)) return err_wrap(e, "the document");
    assert(out->size >= 2 && out->data[out->size - 1] == '}');
    out->size--;
    buf_add_str(out, out->size > 1 ? ",\"payload\":" : "\"payload\":");
    if (m->payload.size == 0) {
        buf_add_str(out, "null");
    } else if (json_from_mp(m->payload, out, e)) {
        return err_wrap(e, "the payload");
    }
    if (is_persistent(h)) { /* ours: hexadecimal and '-' */
        buf_printf(out, ",\"idempotency_key\":\"%.*s\",\"lease\":\"%.*s\"",
                   VIEW_ARG(m->idempotency_key), VIEW_ARG(m->lease));
    }
    buf_add_str(out, "}\n");
    return E_OK;
}

static void
set_number(struct environment *env, const char *name, uint64_t number)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%" PRIu64, number); /* fits */
    environment_set(env, view_str(name), view_str(text));
}

/* A process that is kept learns of each job from its document. */
static enum errc
make_environment(struct exec *x, const struct msg_job_start *m, const struct msg_handler *h,
                 const struct account *account, struct environment *env, struct err *e)
{
    if (environment_pass(env, x->own_environ, h->env, e)) return e->code;
    if (account) {
        environment_set(env, view_str("HOME"), view_str(account->home));
        environment_set(env, view_str("USER"), view_str(account->name));
        environment_set(env, view_str("LOGNAME"), view_str(account->name));
    }
    if (environment_set_map(env, h->set_env, e)) return e->code;
    environment_set(env, view_str("AGENTD_LEASE"), m->lease);
    if (is_persistent(h)) return E_OK;
    set_number(env, "AGENTD_JOB_ID", m->job);
    set_number(env, "AGENTD_ATTEMPT", m->attempt);
    environment_set(env, view_str("AGENTD_IDEMPOTENCY_KEY"), m->idempotency_key);
    return E_OK;
}

static struct spawn_limits
limits_of(const struct msg_handler *h)
{
    return (struct spawn_limits){
        .memory_bytes = h->memory_max,
        .cpu_seconds = ((uint64_t)h->cpu_max_ms + 999) / 1000,
        .files = HAS(h, handler, files_max) ? h->files_max : FILES_MAX_DEFAULT,
        .processes = h->processes_max,
    };
}

static const char *
folder_of(struct exec *x, const struct msg_handler *h, const struct account *account)
{
    if (h->cwd.size > 0) return arena_printf(&x->arena, "%.*s", VIEW_ARG(h->cwd));
    return account && !account->is_ours ? "/" : x->work_folder;
}

/* What the job may do, and where its log goes. */
static void
begin_job(struct exec *x, const struct msg_job_start *m, const struct msg_handler *h,
          struct lease *lease)
{
    bool is_limited = HAS(m, job_start, max_turns) && m->max_turns != NO_LIMIT;

    outcome_init(&lease->outcome, is_limited ? m->max_turns : NO_LIMIT);
    lease->outcome.needs_verdict = is_persistent(h);
    lease->outcome.takes_deltas = m->deltas;
    joblog_init(&lease->log, x->logs_folder, m->job, m->attempt,
                HAS(h, handler, log_max) ? h->log_max : JOBLOG_MAX_DEFAULT);
}

static struct lease *
make_lease(struct exec *x, const struct msg_job_start *m, const struct msg_handler *h)
{
    struct lease *lease = slots_add(x->slots, LEASE_EXEC, m->slot, m->token, m->lease);

    begin_job(x, m, h, lease);
    return lease;
}

/* The gate's command, or the handler's, which has the lease of the gate that said yes.  Its input
 * is in x->scratch. */
static enum errc
start(struct exec *x, const struct msg_job_start *m, const struct msg_handler *h,
      struct lease **lease, struct environment *env, struct err *e)
{
    bool           is_gate = HAS(m, job_start, gate) && !*lease;
    bool           is_kept = is_persistent(h) && !is_gate;
    int            input_fd = -1;
    struct account account;
    struct launch  what = {.limits = limits_of(h)};
    char         **argv;

    if (h->user.size > 0) {
        if (account_find(&x->arena, h->user, &account, e)) return e->code;
        what.account = &account;
    }
    if (make_environment(x, m, h, what.account, env, e)) return e->code;
    if (command_unpack(&x->arena, is_gate ? m->gate : h->command, &argv, e)) return e->code;
    if (program_find(&x->arena, argv[0], environment_get(env, "PATH"), &what.file, e)) {
        return e->code;
    }
    what.argv = argv;
    what.envp = env->items;
    what.cwd = folder_of(x, h, what.account);
    what.input = buf_view(&x->scratch);
    if (is_kept) what.input_fd = &input_fd;
    if (!*lease) *lease = make_lease(x, m, h);
    stream_init(&(*lease)->out, *lease, false, !is_gate);
    stream_init(&(*lease)->err, *lease, true, false);
    if (is_gate) gate_begin(&(*lease)->gate, m);
    if (launch(x->launcher, &what, *lease, e)) return e->code;
    return is_kept ? persistent_begin(x, m, h, *lease, input_fd, e) : E_OK;
}

/* One job with a document of megabytes must not keep that memory from the system for ever. */
static void
trim(struct buf *b)
{
    if (b->cap > SCRATCH_KEPT) buf_done(b);
}

static enum errc
start_process(struct exec *x, const struct msg_job_start *m, const struct msg_handler *h,
              struct lease **lease, struct err *e)
{
    CLEANUP(environment_done) struct environment env;

    environment_init(&env, &x->arena);
    enum errc rc = start(x, m, h, lease, &env, e);
    arena_reset(&x->arena);
    return rc;
}

/* A process for the job, new or kept.  *lease: NULL, or that of the gate that said yes. */
static enum errc
start_job(struct exec *x, const struct msg_job_start *m, const struct msg_handler *h,
          struct lease **lease, int64_t now_ms, struct err *e)
{
    bool          is_kept = is_persistent(h) && !HAS(m, job_start, gate);
    enum errc     rc = make_input(x, m, h, e);
    struct lease *idle = rc == E_OK && is_kept ? persistent_reuse(x, m, h) : NULL;

    if (idle) {
        begin_job(x, m, h, idle);
        *lease = idle;
    } else if (rc == E_OK) {
        rc = start_process(x, m, h, lease, e);
    }
    if (rc == E_OK && is_kept) persistent_give(*lease, m, buf_view(&x->scratch), now_ms);
    trim(&x->scratch);
    return rc;
}

enum errc
exec_start(struct exec *x, const struct msg_job_start *m, const struct msg_handler *h,
           int64_t now_ms, struct err *e)
{
    struct lease *lease = NULL;

    if (start_job(x, m, h, &lease, now_ms, e) == E_OK) return E_OK;
    if (lease) slots_remove(x->slots, &lease);
    return HAS(m, job_start, gate) ? err_wrap(e, "the gate") : e->code;
}

/* The job's next process takes the lease's place, with nothing of what it left. */
static enum errc
start_next(struct exec *x, struct lease **lease, struct buf *start, int64_t now_ms, struct err *e)
{
    BUF_AUTO struct buf  frame = *start;
    struct msg_job_start m;
    struct msg_handler   h;

    *start = (struct buf){0};
    (*lease)->gate.is_asked = false;
    stream_done(&(*lease)->out);
    stream_done(&(*lease)->err);
    if (msg_unpack(msg_desc(MSG_JOB_START), buf_view(&frame), &m, e) ||
        msg_unpack(msg_desc(MSG_HANDLER), m.handler, &h, e)) {
        return e->code;
    }
    if (is_persistent(&h)) { /* it may get a process that is there */
        CLEAR_HAS(&m, job_start, gate);
        slots_remove(x->slots, lease);
    }
    return start_job(x, &m, &h, lease, now_ms, e);
}

/* What a line's taking needs. */
struct feeding {
    struct exec      *exec;
    struct lease     *lease;
    const struct now *now;
    bool              is_error;
};

static void
log_line(const struct feeding *f, const char *stream, struct view text)
{
    joblog_add(&f->lease->log, f->now->wall_ms, stream, text_cut(text, LOG_LINE_MAX));
}

/* A level is a word of the log line's head, so it may hold no blanks. */
static void
log_message(const struct feeding *f, const struct handler_line *line)
{
    char level[17] = "info";

    if (line->level.size > 0 && line->level.size < sizeof(level)) {
        for (size_t i = 0; i < line->level.size; i++)
            level[i] = line->level.data[i] == ' ' ? '_' : line->level.data[i];
        level[line->level.size] = '\0';
    }
    log_line(f, level, line->text);
}

static void
flush_log(struct lease *lease)
{
    struct err e;

    if (joblog_flush(&lease->log, &e)) {
        log_warn("job log not written; its later lines are discarded", "error=%s",
                 log_quote(e.msg));
    }
}

static void take_line(void *arg, struct view text);

/* A persistent handler has given its verdict.  What it wrote before to its standard error is the
 * job's, too. */
static void
end_kept(const struct feeding *f)
{
    struct feeding errors = {f->exec, f->lease, f->now, true};
    struct stream *s = &f->lease->err;
    char           chunk[4096];
    ssize_t        n;

    for (int i = 0; i < DRAIN_READS_MAX && (n = stream_read(s, chunk, sizeof(chunk))) > 0; i++)
        lines_feed(&s->lines, view_of(chunk, (size_t)n), take_line, &errors);
    flush_log(f->lease);
    persistent_over(f->exec, f->lease, f->now->boot_ms);
}

static void
take_protocol(const struct feeding *f, struct view text)
{
    struct outcome     *o = &f->lease->outcome;
    struct handler_line line;
    struct err          e;

    o->has_spoken = true;
    if (handler_line_parse(text_trim(text), &f->exec->scratch, &line, &e)) {
        outcome_refuse(o, e.msg);
        return;
    }
    if (line.kind == LINE_LOG_TEXT) log_line(f, "out", text);
    if (line.kind == LINE_LOG) log_message(f, &line);
    outcome_take(o, &line);
    if (f->lease->persistent && o->verdict != VERDICT_NONE && !outcome_is_doomed(o)) end_kept(f);
}

/* What a process prints while it has no job belongs to nobody, and it may not speak protocol. */
static void
take_idle(const struct feeding *f, struct view text)
{
    if (f->is_error || !lines_is_protocol(text)) return;
    log_warn("a persistent handler spoke without a job and is stopped", "pid=%d",
             (int)f->lease->tree.pid);
    tree_stop(&f->lease->tree, DOOMED_GRACE_MS, f->now->boot_ms);
}

static void
take_line(void *arg, struct view text)
{
    const struct feeding *f = arg;

    if (text.size > 0 && text.data[text.size - 1] == '\r') text.size--;
    if (f->lease->kind == LEASE_IDLE) {
        take_idle(f, text);
    } else if (f->lease->gate.is_asked) {
        gate_take_line(&f->lease->gate, text, f->is_error);
        log_line(f, "gate", text);
    } else if (f->is_error) {
        outcome_take_error_text(&f->lease->outcome, text);
        log_line(f, "err", text);
    } else if (!lines_is_protocol(text)) {
        log_line(f, "out", text);
    } else {
        take_protocol(f, text);
    }
}

static void
plan_progress(struct lease *lease, int64_t now_ms)
{
    if (!lease->outcome.has_news || lease->progress_at_ms != NEVER) return;
    lease->progress_at_ms =
        lease->progress_allowed_ms > now_ms ? lease->progress_allowed_ms : now_ms;
}

static void
plan_deltas(struct lease *lease, int64_t now_ms)
{
    if (lease->outcome.deltas.size > 0 && lease->delta_at_ms == NEVER)
        lease->delta_at_ms = now_ms + DELTAS_EVERY_MS;
}

void
exec_feed(struct exec *x, struct stream *s, struct view bytes, const struct now *now)
{
    struct feeding f = {x, s->lease, now, s->is_error};

    if (bytes.size > 0) {
        lines_feed(&s->lines, bytes, take_line, &f);
    } else {
        lines_end(&s->lines, take_line, &f);
    }
    trim(&x->scratch);
    if (s->lease->kind == LEASE_IDLE) return;
    flush_log(s->lease);
    plan_progress(s->lease, now->boot_ms);
    plan_deltas(s->lease, now->boot_ms);
    if (outcome_is_doomed(&s->lease->outcome) && s->lease->tree.kill_at_ms == NEVER) {
        tree_stop(&s->lease->tree, DOOMED_GRACE_MS, now->boot_ms);
    }
}

void
exec_progress(struct exec *x, struct lease *lease, int64_t now_ms)
{
    report_progress(x->report, lease);
    lease->outcome.has_news = false;
    lease->progress_at_ms = NEVER;
    lease->progress_allowed_ms = now_ms + PROGRESS_EVERY_MS;
}

void
exec_deltas(struct exec *x, struct lease *lease)
{
    report_delta(x->report, lease);
    outcome_deltas_reported(&lease->outcome);
    lease->delta_at_ms = NEVER;
}

/* `start`: job.start, of the gate that said yes, or of a kept process that did not read its job. */
static void
go_on(struct exec *x, struct lease **lease, struct buf *start, int64_t now_ms)
{
    uint64_t   slot = (*lease)->slot, token = (*lease)->token;
    struct err e;

    if (start_next(x, lease, start, now_ms, &e) == E_OK) return;
    report_failed(x->report, slot, token, "handler_error", e.msg);
    if (*lease) slots_remove(x->slots, lease);
}

void
exec_finish(struct exec *x, struct lease **lease, int64_t now_ms)
{
    struct lease       *l = *lease;
    struct outcome_exit how = {l->tree.status, l->is_stop_asked, l->tree.rss_kb};
    struct msg_ended    m = {0};

    launch_end(x->launcher, l);
    if (l->outcome.deltas.size > 0) exec_deltas(x, l);
    if (persistent_is_unread(l)) {
        go_on(x, lease, &l->persistent->start, now_ms);
        return;
    }
    if (!l->gate.is_asked) {
        outcome_end(&l->outcome, &how, &m);
    } else if (gate_end(&l->gate, &how, &m)) {
        go_on(x, lease, &l->gate.start, now_ms);
        return;
    }
    report_ended(x->report, l->slot, l->token, &m);
    slots_remove(x->slots, lease);
}
