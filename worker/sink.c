#include "worker/sink.h"

#include "common/json.h"
#include "common/mp.h"
#include "proto/codec.h"
#include "worker/environment.h"
#include "worker/text.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define REPORT_MS     1000 /* to say why, for a post that gives up at its time limit */
#define TEXT_MAX      1024 /* bytes of a receipt, as in EFFECT_DONE_FIELDS */
#define EXIT_TEMPFAIL 75   /* of a command: nothing was sent */

static const char *const outcomes[] = {"delivered", "failed", "unknown", "absent"};

static enum errc
make_input(const struct msg_effect_send *m, struct buf *input, struct err *e)
{
    if (json_from_mp(m->document, input, e)) return err_wrap(e, "the document");
    buf_add(input, "\n", 1);
    return E_OK;
}

static enum errc
run(struct sink *k, char *const *argv, const struct buf *input, struct lease *lease, struct err *e)
{
    char          name[sizeof("AGENTD_LEASE=") + LEASE_NAME_MAX];
    char         *envp[] = {name, NULL};
    struct launch what = {
        .file = argv[0], .program = k->program, .argv = argv, .envp = envp, .cwd = k->state};

    (void)snprintf(name, sizeof(name), "AGENTD_LEASE=%s", lease->name); /* fits */
    what.input = buf_view(input);
    return launch(k->launcher, &what, lease, e);
}

static enum errc
run_file(struct sink *k, const struct msg_effect_send *m, struct view path, struct lease *lease,
         struct err *e)
{
    BUF_AUTO struct buf input = {0};
    FREE_AUTO char     *file = view_dup(path);
    char                effect[24], attempted[24];
    char *argv[] = {"agent-delivery", "--file", file, "--probe", effect, attempted, NULL};

    (void)snprintf(effect, sizeof(effect), "%" PRIu64, m->effect);             /* fits */
    (void)snprintf(attempted, sizeof(attempted), "%" PRId64, m->attempted_at); /* fits */
    if (!m->probe) argv[3] = NULL;
    if (!m->probe && make_input(m, &input, e)) return e->code;
    return run(k, argv, &input, lease, e);
}

/* A ping has no other place for its URL. */
static enum errc
run_ping(struct sink *k, struct view url, struct lease *lease, struct err *e)
{
    BUF_AUTO struct buf input = {0};
    char               *argv[] = {"agent-delivery", "--ping", NULL};

    buf_add_view(&input, url);
    return run(k, argv, &input, lease, e);
}

/* The same over all attempts of an effect, and no other's. */
static const char *
effect_key(struct sink *k, const struct msg_effect_send *m)
{
    size_t incarnation = strcspn(arena_printf(&k->arena, "%.*s", VIEW_ARG(m->lease)), "-");

    return arena_printf(&k->arena, "%.*s-e%" PRIu64, (int)incarnation, m->lease.data, m->effect);
}

/* How to send, as a line of JSON for sinkhttp. */
static enum errc
put_how(struct sink *k, const struct msg_effect_send *m, const struct msg_sink *sink,
        struct buf *input, struct err *e)
{
    BUF_AUTO struct buf packed = {0};
    struct mp_open_map  map = mp_open(&packed);

    mp_put_str(&packed, &map, "url", sink->url);
    mp_put_cstr(&packed, &map, "id", effect_key(k, m));
    mp_put_i64(&packed, &map, "timeout_ms", m->max_run_ms);
    if (sink->secret_file.size) mp_put_str(&packed, &map, "secret_file", sink->secret_file);
    if (sink->secret_file_old.size)
        mp_put_str(&packed, &map, "secret_file_old", sink->secret_file_old);
    if (sink->allow.size) mp_put_raw(&packed, &map, "allow", sink->allow);
    if (sink->headers.size) mp_put_raw(&packed, &map, "headers", sink->headers);
    mp_close(&packed, &map);
    if (json_from_mp(buf_view(&packed), input, e)) return err_wrap(e, "the sink");
    buf_add(input, "\n", 1);
    return E_OK;
}

static enum errc
run_http(struct sink *k, const struct msg_effect_send *m, const struct msg_sink *sink,
         struct lease *lease, struct err *e)
{
    BUF_AUTO struct buf input = {0};
    char               *argv[] = {"agent-delivery", "--http", NULL};

    if (put_how(k, m, sink, &input, e) || make_input(m, &input, e)) return e->code;
    return run(k, argv, &input, lease, e);
}

/* The operator's program; what it prints is the receipt. */
static enum errc
run_command(struct sink *k, const struct msg_effect_send *m, const struct msg_sink *sink,
            struct lease *lease, struct err *e)
{
    CLEANUP(environment_done) struct environment env;
    BUF_AUTO struct buf                          input = {0};
    struct launch                                what = {.cwd = k->work_folder};
    char                                       **argv;

    environment_init(&env, &k->arena);
    lease->delivery.is_command = true;
    if (make_input(m, &input, e) || environment_pass(&env, k->own_environ, view_of(NULL, 0), e) ||
        command_unpack(&k->arena, sink->command, &argv, e) ||
        program_find(&k->arena, argv[0], environment_get(&env, "PATH"), &what.file, e)) {
        return e->code;
    }
    environment_set(&env, view_str("AGENTD_LEASE"), view_str(lease->name));
    environment_set(&env, view_str("AGENTD_EFFECT_ID"),
                    view_str(arena_printf(&k->arena, "%" PRIu64, m->effect)));
    environment_set(&env, view_str("AGENTD_IDEMPOTENCY_KEY"), view_str(effect_key(k, m)));
    what.argv = argv;
    what.envp = env.items;
    what.input = buf_view(&input);
    return launch(k->launcher, &what, lease, e);
}

static enum errc
start(struct sink *k, const struct msg_effect_send *m, const struct msg_sink *sink,
      struct lease *lease, struct err *e)
{
    if (view_is(sink->kind, "ping")) return run_ping(k, sink->path, lease, e);
    if (view_is(sink->kind, "http")) return run_http(k, m, sink, lease, e);
    if (view_is(sink->kind, "command")) return run_command(k, m, sink, lease, e);
    return run_file(k, m, sink->path, lease, e);
}

static enum errc
check(const struct msg_sink *sink, bool is_probe, struct err *e)
{
    bool is_file = view_is(sink->kind, "file");

    if ((is_file || view_is(sink->kind, "ping")) && sink->path.size == 0)
        return err_field(e, "path", "a sink of kind file needs it");
    if (is_file || view_is(sink->kind, "ping")) return E_OK;
    if (is_probe) return err_field(e, "probe", "only a file can be asked");
    if (view_is(sink->kind, "http") || view_is(sink->kind, "command")) return E_OK;
    return err_field(e, "kind", "no sink of kind \"%.*s\" is known", VIEW_ARG(sink->kind));
}

void
sink_done(struct sink *k)
{
    arena_done(&k->arena);
}

enum errc
sink_start(struct sink *k, const struct msg_effect_send *m, int64_t now_ms, struct err *e)
{
    struct msg_sink sink;
    enum errc       rc;

    if (msg_unpack(msg_desc(MSG_SINK), m->sink, &sink, e)) return err_wrap(e, "sink");
    if (check(&sink, m->probe, e)) return e->code;

    struct lease *lease = slots_add(k->slots, LEASE_SINK, m->slot, m->token, m->lease);
    lease->wake_at_ms = now_ms + m->max_run_ms + (view_is(sink.kind, "http") ? REPORT_MS : 0);
    rc = start(k, m, &sink, lease, e);
    arena_reset(&k->arena);
    if (rc) slots_remove(k->slots, &lease);
    return rc;
}

/* What is no answer is passed over. */
static void
take_answer(struct delivery *d, struct view text)
{
    BUF_AUTO struct buf packed = {0};
    struct view         outcome, receipt = {0}, message = {0};
    struct err          e;

    if (json_to_mp(text, &packed, &e)) return;
    if (!mp_find_str(buf_view(&packed), "outcome", &outcome)) return;
    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
        if (!view_is(outcome, outcomes[i])) continue;
        (void)snprintf(d->outcome, sizeof(d->outcome), "%s", outcomes[i]); /* fits */
        (void)mp_find_str(buf_view(&packed), "receipt", &receipt);         /* may be absent */
        (void)mp_find_str(buf_view(&packed), "message", &message);         /* may be absent */
        (void)mp_find_bool(buf_view(&packed), "final", &d->is_final);      /* may be absent */
        if (!mp_find_i64(buf_view(&packed), "after_ms", &d->after_ms)) d->after_ms = -1;
        buf_clear(&d->receipt);
        buf_clear(&d->message);
        buf_add_view(&d->receipt, receipt);
        buf_add_view(&d->message, message);
    }
}

static void
take_line(void *arg, struct view text)
{
    struct stream   *s = arg;
    struct delivery *d = &s->lease->delivery;

    if (!s->is_error && !d->is_command) take_answer(d, text);
    if (!s->is_error && d->is_command && d->receipt.size == 0)
        text_clean(text_cut(text_trim(text), TEXT_MAX), &d->receipt);
    if (!s->is_error || text.size == 0) return;
    buf_clear(&d->last_error);
    text_clean(text, &d->last_error);
}

void
sink_feed(struct stream *s, struct view bytes)
{
    if (bytes.size > 0) {
        lines_feed(&s->lines, bytes, take_line, s);
    } else {
        lines_end(&s->lines, take_line, s);
    }
}

void
sink_expire(struct lease *lease, int64_t now_ms)
{
    lease->wake_at_ms = NEVER;
    lease->delivery.is_late = true;
    tree_stop(&lease->tree, SINK_GRACE_MS, now_ms);
}

/* There is no answer: why not, as far as we know. */
static void
explain_silence(const struct lease *lease, struct buf *out)
{
    int status = lease->tree.status;

    if (lease->delivery.is_late) {
        buf_add_str(out, "no answer within the time limit");
    } else if (lease->is_stop_asked) {
        buf_add_str(out, "stopped on request");
    } else if (WIFSIGNALED(status)) {
        buf_printf(out, "the sink's process was killed by signal %d", WTERMSIG(status));
    } else {
        buf_printf(out, "%s, exit code %d",
                   lease->delivery.is_command ? "the command failed"
                                              : "the sink's process gave no answer",
                   WEXITSTATUS(status));
    }
    if (lease->delivery.last_error.size == 0) return;
    buf_add_str(out, ": ");
    buf_add_view(out, buf_view(&lease->delivery.last_error));
}

/* By its exit.  Only 75 says that nothing was sent: what else went wrong may have gone wrong after
 * that. */
static void
judge_command(const struct lease *lease, struct delivery *d)
{
    int         status = lease->tree.status;
    bool        is_exit = WIFEXITED(status) && !d->is_late && !lease->is_stop_asked;
    const char *outcome = "unknown";

    if (is_exit && WEXITSTATUS(status) == 0) {
        outcome = "delivered";
    } else {
        buf_clear(&d->receipt);
        if (is_exit && WEXITSTATUS(status) == EXIT_TEMPFAIL) outcome = "failed";
        explain_silence(lease, &d->message);
    }
    (void)snprintf(d->outcome, sizeof(d->outcome), "%s", outcome); /* fits */
}

void
sink_finish(struct sink *k, struct lease **lease)
{
    struct lease          *l = *lease;
    struct delivery       *d = &l->delivery;
    struct msg_effect_done m = {0};

    if (d->is_command) judge_command(l, d);
    if (d->outcome[0] == '\0') {
        (void)snprintf(d->outcome, sizeof(d->outcome), "unknown"); /* fits */
        explain_silence(l, &d->message);
    }
    m.outcome = view_str(d->outcome);
    m.receipt = buf_view(&d->receipt);
    m.message = buf_view(&d->message);
    m.final = d->is_final;
    if (d->is_final) SET_HAS(&m, effect_done, final);
    m.after_ms = d->after_ms;
    if (d->after_ms >= 0) SET_HAS(&m, effect_done, after_ms);
    launch_end(k->launcher, l);
    report_effect_done(k->report, l->slot, l->token, &m);
    slots_remove(k->slots, lease);
}
