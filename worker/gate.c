#include "worker/gate.h"

#include "proto/codec.h"
#include "worker/text.h"
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define WHY_MAX     512 /* bytes of a line that says why */
#define EXIT_FAILED 255

void
gate_begin(struct gate *g, const struct msg_job_start *m)
{
    g->is_asked = true;
    msg_pack(msg_desc(MSG_JOB_START), m, &g->start);
}

void
gate_done(struct gate *g)
{
    buf_done(&g->start);
    buf_done(&g->last);
    buf_done(&g->last_error);
    buf_done(&g->text);
}

void
gate_take_line(struct gate *g, struct view text, bool is_error)
{
    struct buf *last = is_error ? &g->last_error : &g->last;
    struct view trimmed = text_trim(text);

    if (trimmed.size == 0) return;
    buf_clear(last);
    text_clean(text_cut(trimmed, WHY_MAX), last);
}

static void
fail(struct gate *g, struct msg_ended *m, const char *why)
{
    buf_printf(&g->text, "the gate failed: %s", why);
    m->verdict = view_str("failed");
    m->class = view_str("handler_error");
    SET_HAS(m, ended, class);
}

/* What it said, as far as it did. */
static void
add_said(struct gate *g, const struct buf *first, const struct buf *second, const char *between)
{
    const struct buf *said = first->size > 0 ? first : second;

    if (said->size == 0) return;
    buf_add_str(&g->text, between);
    buf_add_view(&g->text, buf_view(said));
}

bool
gate_end(struct gate *g, const struct outcome_exit *how, struct msg_ended *m)
{
    char why[64];

    buf_clear(&g->text);
    if (how->is_stopped) {
        fail(g, m, "stopped on request");
    } else if (WIFSIGNALED(how->status)) {
        (void)snprintf(why, sizeof(why), "killed by signal %d (%s)", WTERMSIG(how->status),
                       strsignal(WTERMSIG(how->status))); /* a long one is cut */
        fail(g, m, why);
        add_said(g, &g->last_error, &g->last, ": ");
    } else if (WEXITSTATUS(how->status) == EXIT_FAILED) {
        fail(g, m, "exit code 255");
        add_said(g, &g->last_error, &g->last, ": ");
    } else if (WEXITSTATUS(how->status) != 0) {
        m->verdict = view_str("completed");
        m->gated = true;
        SET_HAS(m, ended, gated);
        add_said(g, &g->last, &g->last_error, "");
        if (g->text.size == 0) buf_printf(&g->text, "exit code %d", WEXITSTATUS(how->status));
    } else {
        return true;
    }
    m->message = buf_view(&g->text);
    SET_HAS(m, ended, message);
    return false;
}
