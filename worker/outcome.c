#include "worker/outcome.h"

#include "common/mp.h"
#include "common/sum.h"
#include "worker/text.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define LAST_ERROR_MAX 2048 /* enough to classify by and to show */
#define EXIT_SNOOZE    75   /* EX_TEMPFAIL: come back at the ladder's next step */

static const char *const verdict_names[] = {
    [VERDICT_RESULT] = "result",
    [VERDICT_FAIL] = "fail",
    [VERDICT_SNOOZE] = "snooze",
};

void
outcome_init(struct outcome *o, int64_t max_turns)
{
    *o = (struct outcome){.max_turns = max_turns, .after_ms = -1};
}

void
outcome_done(struct outcome *o)
{
    struct buf *all[] = {&o->message,  &o->output,     &o->checkpoint, &o->effects,
                         &o->progress, &o->last_error, &o->deltas,     &o->text};

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        buf_done(all[i]);
}

bool
outcome_is_doomed(const struct outcome *o)
{
    return o->doomed_class != NULL;
}

__attribute__((format(printf, 3, 4))) static void
doom(struct outcome *o, const char *class, const char *fmt, ...)
{
    va_list args;

    if (o->doomed_class) return;
    o->doomed_class = class;
    va_start(args, fmt);
    (void)vsnprintf(o->doomed, sizeof(o->doomed), fmt, args); /* a long one is cut */
    va_end(args);
}

void
outcome_refuse(struct outcome *o, const char *why)
{
    doom(o, "invalid_output", "%s", why);
}

static void
replace(struct buf *b, struct view v)
{
    buf_clear(b);
    buf_add_view(b, v);
}

static void
take_turn(struct outcome *o)
{
    sum_add(&o->turns, 1);
    o->has_news = true;
    if (o->max_turns == NO_LIMIT || o->turns <= (uint64_t)o->max_turns) return;
    doom(o, "turn_limit_exceeded", "turn %llu is beyond max_turns %lld",
         (unsigned long long)o->turns, (long long)o->max_turns);
}

static void
take_usage(struct outcome *o, const struct handler_line *line)
{
    sum_add(&o->input_tokens, line->input_tokens);
    sum_add(&o->output_tokens, line->output_tokens);
    sum_add(&o->cost_micros, line->cost_micros);
    o->has_news = true;
}

static void
take_progress(struct outcome *o, const struct handler_line *line)
{
    o->percent = line->percent;
    o->has_percent = true;
    replace(&o->progress, text_cut(line->text, PROGRESS_MESSAGE_MAX));
    o->has_news = true;
}

static void
add_effect(struct outcome *o, struct view map)
{
    if (o->effect_count == EFFECTS_COUNT_MAX) {
        doom(o, "invalid_output", "more than %d effects", EFFECTS_COUNT_MAX);
        return;
    }
    if (o->effects.size == 0) (void)mp_array_open(&o->effects); /* its header stands at 0 */
    if (map.size > EFFECTS_MAX - o->effects.size) {
        doom(o, "invalid_output", "effects of more than %d bytes", EFFECTS_MAX);
        return;
    }
    mp_raw(&o->effects, map);
    o->effect_count++;
}

static void
add_notify(struct outcome *o, const struct handler_line *line)
{
    BUF_AUTO struct buf effect = {0};
    struct mp_open_map  m = mp_open(&effect);

    mp_put_cstr(&effect, &m, "kind", "notify");
    mp_put_str(&effect, &m, "message", line->text);
    if (line->metadata.size > 0) mp_put_raw(&effect, &m, "metadata", line->metadata);
    mp_close(&effect, &m);
    add_effect(o, buf_view(&effect));
}

static void
take_result(struct outcome *o, const struct handler_line *line)
{
    replace(&o->output, line->value);
    if (!line->notify) return;
    if (line->text.size == 0) {
        outcome_refuse(o, "a result with notify needs a message");
        return;
    }
    add_notify(o, line);
}

static void
take_fail(struct outcome *o, const struct handler_line *line)
{
    if (line->fail_class.size > 0) o->fail_class = failure_class_from_handler(line->fail_class);
    replace(&o->message, text_cut(line->text, ENDED_MESSAGE_MAX));
}

static void
take_verdict(struct outcome *o, const struct handler_line *line)
{
    enum outcome_verdict verdict = line->kind == LINE_RESULT ? VERDICT_RESULT
                                   : line->kind == LINE_FAIL ? VERDICT_FAIL
                                                             : VERDICT_SNOOZE;

    if (o->verdict != VERDICT_NONE) {
        doom(o, "invalid_output", "%s after %s: a handler gives one verdict",
             verdict_names[verdict], verdict_names[o->verdict]);
        return;
    }
    o->verdict = verdict;
    o->after_ms = line->after_ms;
    if (verdict == VERDICT_RESULT) take_result(o, line);
    if (verdict == VERDICT_FAIL) take_fail(o, line);
}

/* What is over the limit until the next report is left out: the message itself comes whole. */
static void
take_delta(struct outcome *o, struct view text)
{
    struct view taken = text_cut(text, DELTA_MAX - o->deltas.size);

    if (!o->takes_deltas || o->is_delta_cut) return;
    buf_add_view(&o->deltas, taken);
    o->is_delta_cut = taken.size < text.size;
}

void
outcome_deltas_reported(struct outcome *o)
{
    o->pieces += o->is_delta_cut ? 2 : 1;
    o->is_delta_cut = false;
    buf_clear(&o->deltas);
}

void
outcome_take(struct outcome *o, const struct handler_line *line)
{
    if (outcome_is_doomed(o)) return;
    switch (line->kind) {
    case LINE_LOG_TEXT: return;
    case LINE_DELTA: take_delta(o, line->text); return;
    case LINE_LOG:
        if (view_is(line->level, "error")) outcome_take_error_text(o, line->text);
        return;
    case LINE_TURN: take_turn(o); return;
    case LINE_USAGE: take_usage(o, line); return;
    case LINE_PROGRESS: take_progress(o, line); return;
    case LINE_EFFECT: add_effect(o, line->value); return;
    case LINE_NOTIFY: add_notify(o, line); return;
    case LINE_CHECKPOINT: replace(&o->checkpoint, line->value); return;
    case LINE_SNOOZE:
    case LINE_FAIL:
    case LINE_RESULT: take_verdict(o, line); return;
    }
}

void
outcome_take_error_text(struct outcome *o, struct view text)
{
    struct view trimmed = text_trim(text);

    if (trimmed.size == 0) return;
    buf_clear(&o->last_error);
    text_clean(text_cut(trimmed, LAST_ERROR_MAX), &o->last_error);
}

static bool
is_exit(const struct outcome_exit *how, int code)
{
    return WIFEXITED(how->status) && WEXITSTATUS(how->status) == code;
}

static void
fail(struct msg_ended *m, const char *class, struct view message)
{
    m->verdict = view_str("failed");
    m->class = view_str(class);
    SET_HAS(m, ended, class);
    m->message = text_cut(message, ENDED_MESSAGE_MAX);
    SET_HAS(m, ended, message);
}

static void
put_after(const struct outcome *o, struct msg_ended *m)
{
    if (o->after_ms < 0) return;
    m->after_ms = o->after_ms;
    SET_HAS(m, ended, after_ms);
}

/* An exit that nobody explained, or that contradicts the verdict. */
static void
fail_by_exit(struct outcome *o, const struct outcome_exit *how, struct msg_ended *m)
{
    buf_clear(&o->text);
    if (WIFEXITED(how->status)) {
        buf_printf(&o->text, "exit code %d", WEXITSTATUS(how->status));
    } else {
        buf_printf(&o->text, "killed by signal %d (%s)", WTERMSIG(how->status),
                   strsignal(WTERMSIG(how->status)));
    }
    if (o->verdict != VERDICT_NONE)
        buf_printf(&o->text, " after its %s", verdict_names[o->verdict]);
    if (o->verdict == VERDICT_NONE && o->needs_verdict) buf_add_str(&o->text, " without a verdict");
    if (o->last_error.size > 0) {
        buf_add_str(&o->text, ": ");
        buf_add_view(&o->text, buf_view(&o->last_error));
    }
    fail(m, failure_class_from_text(buf_view(&o->last_error)), buf_view(&o->text));
}

static void
complete(struct outcome *o, struct msg_ended *m)
{
    m->verdict = view_str("completed");
    if (o->output.size > 0) {
        m->output = buf_view(&o->output);
        SET_HAS(m, ended, output);
    }
    if (o->effect_count > 0) {
        mp_array_close(&o->effects, 0, o->effect_count);
        m->effects = buf_view(&o->effects);
        SET_HAS(m, ended, effects);
    }
    if (o->checkpoint.size > 0) {
        m->checkpoint = buf_view(&o->checkpoint);
        SET_HAS(m, ended, checkpoint);
    }
}

/* As the handler says, whatever its exit code is then; what it left out is its last error text. */
static void
fail_by_verdict(struct outcome *o, struct msg_ended *m)
{
    struct view message = buf_view(o->message.size > 0 ? &o->message : &o->last_error);

    fail(m, o->fail_class ? o->fail_class : failure_class_from_text(message), message);
    put_after(o, m);
}

static void
snooze(const struct outcome *o, struct msg_ended *m)
{
    m->verdict = view_str("snoozed");
    put_after(o, m);
}

static void
decide(struct outcome *o, const struct outcome_exit *how, struct msg_ended *m)
{
    if (o->doomed_class) {
        fail(m, o->doomed_class, view_str(o->doomed));
    } else if (o->verdict == VERDICT_FAIL) {
        fail_by_verdict(o, m);
    } else if (is_exit(how, 0) && o->verdict == VERDICT_RESULT) {
        complete(o, m);
    } else if (is_exit(how, 0) && o->verdict == VERDICT_SNOOZE) {
        snooze(o, m);
    } else if (how->is_stopped) {
        fail(m, "handler_error", view_str("stopped on request"));
    } else if (is_exit(how, 0) && !o->needs_verdict) {
        complete(o, m);
    } else if (is_exit(how, EXIT_SNOOZE) && o->verdict == VERDICT_NONE && !o->needs_verdict) {
        m->verdict = view_str("snoozed");
    } else {
        fail_by_exit(o, how, m);
    }
}

static void
put_usage(const struct outcome *o, struct msg_ended *m)
{
    m->turns = o->turns;
    m->input_tokens = o->input_tokens;
    m->output_tokens = o->output_tokens;
    m->cost_micros = o->cost_micros;
    SET_HAS(m, ended, turns);
    SET_HAS(m, ended, input_tokens);
    SET_HAS(m, ended, output_tokens);
    SET_HAS(m, ended, cost_micros);
}

static void
put_exit(const struct outcome_exit *how, struct msg_ended *m)
{
    m->exit_code = WIFEXITED(how->status) ? WEXITSTATUS(how->status) : -1;
    SET_HAS(m, ended, exit_code);
    if (WIFSIGNALED(how->status)) {
        m->signal = (uint64_t)WTERMSIG(how->status);
        SET_HAS(m, ended, signal);
    }
    if (how->rss_kb == 0) return;
    m->rss_kb = how->rss_kb;
    SET_HAS(m, ended, rss_kb);
}

void
outcome_end(struct outcome *o, const struct outcome_exit *how, struct msg_ended *m)
{
    decide(o, how, m);
    put_usage(o, m);
    put_exit(how, m);
}
