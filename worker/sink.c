#include "worker/sink.h"

#include "common/json.h"
#include "common/mp.h"
#include "proto/codec.h"
#include "worker/text.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define OWN_FILE "/proc/self/exe" /* also after the program's file was replaced */

static const char *const outcomes[] = {"delivered", "failed", "unknown", "absent"};

static enum errc
make_input(const struct msg_effect_send *m, struct buf *input, struct err *e)
{
    if (json_from_mp(m->document, input, e)) return err_wrap(e, "the document");
    buf_add(input, "\n", 1);
    return E_OK;
}

/* Us, as the process that delivers. */
static enum errc
run(struct sink *k, char *const *argv, const struct buf *input, struct lease *lease, struct err *e)
{
    char          name[sizeof("AGENTD_LEASE=") + LEASE_NAME_MAX];
    char         *envp[] = {name, NULL};
    struct launch what = {.file = OWN_FILE, .argv = argv, .envp = envp, .cwd = k->state};

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
    char                effect[24];
    char               *argv[] = {"agent-worker", "--sink-file", file, "--probe", effect, NULL};

    (void)snprintf(effect, sizeof(effect), "%" PRIu64, m->effect); /* fits */
    if (!m->probe) argv[3] = NULL;
    if (!m->probe && make_input(m, &input, e)) return e->code;
    return run(k, argv, &input, lease, e);
}

/* A ping has no other place for its URL. */
static enum errc
run_ping(struct sink *k, struct view url, struct lease *lease, struct err *e)
{
    BUF_AUTO struct buf input = {0};
    char               *argv[] = {"agent-worker", "--ping", NULL};

    buf_add_view(&input, url);
    return run(k, argv, &input, lease, e);
}

enum errc
sink_start(struct sink *k, const struct msg_effect_send *m, int64_t now_ms, struct err *e)
{
    struct msg_sink sink;
    enum errc       rc;

    if (msg_unpack(msg_desc(MSG_SINK), m->sink, &sink, e)) return err_wrap(e, "sink");
    bool is_ping = view_is(sink.kind, "ping");
    if (!is_ping && !view_is(sink.kind, "file")) {
        return err_field(e, "kind", "no sink of kind \"%.*s\" is known", VIEW_ARG(sink.kind));
    }
    if (sink.path.size == 0) return err_field(e, "path", "a sink of kind file needs it");

    struct lease *lease = slots_add(k->slots, LEASE_SINK, m->slot, m->token, m->lease);
    lease->wake_at_ms = now_ms + m->max_run_ms;
    rc = is_ping ? run_ping(k, sink.path, lease, e) : run_file(k, m, sink.path, lease, e);
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

    if (!s->is_error) take_answer(d, text);
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
        buf_printf(out, "the sink's process gave no answer, exit code %d", WEXITSTATUS(status));
    }
    if (lease->delivery.last_error.size == 0) return;
    buf_add_str(out, ": ");
    buf_add_view(out, buf_view(&lease->delivery.last_error));
}

void
sink_finish(struct sink *k, struct lease **lease)
{
    struct lease    *l = *lease;
    struct delivery *d = &l->delivery;
    const char      *outcome = d->outcome;

    if (outcome[0] == '\0') {
        outcome = "unknown";
        explain_silence(l, &d->message);
    }
    launch_end(k->launcher, l);
    report_effect_done(k->report, l->slot, l->token, outcome, buf_view(&d->receipt),
                       buf_view(&d->message));
    slots_remove(k->slots, lease);
}
