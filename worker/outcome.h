/* outcome - what one attempt has said so far, and what that makes of its end (N3).
 *
 * A handler gives at most one verdict: result, fail or snooze.  Its lines are taken one by one; its
 * exit decides.  The first thing that dooms an attempt (a turn too many, a protocol line that is
 * wrong, a second verdict) fixes class and message, and what comes after it is ignored.  Only
 * success reports effects and checkpoint.
 *
 * What `delta` lines say is gathered for the readers of the job's session, when it may have some,
 * and otherwise dropped. */
#ifndef WORKER_OUTCOME_H
#define WORKER_OUTCOME_H

#include "common/buf.h"
#include "proto/handler_line.h"
#include "proto/messages.h"

#define EFFECTS_COUNT_MAX    100  /* of an attempt (N43) */
#define ENDED_MESSAGE_MAX    4096 /* bytes, as in ENDED_FIELDS */
#define PROGRESS_MESSAGE_MAX 1024 /* bytes, as in PROGRESS_FIELDS */

enum outcome_verdict { VERDICT_NONE, VERDICT_RESULT, VERDICT_FAIL, VERDICT_SNOOZE };

struct outcome {
    int64_t  max_turns;     /* or NO_LIMIT */
    bool     needs_verdict; /* an end without one is a failure (N3): of a persistent handler */
    uint64_t turns, input_tokens, output_tokens, cost_micros;
    uint64_t percent;
    bool     has_percent;
    bool     takes_deltas;
    bool     has_spoken; /* a line of protocol, right or wrong */
    bool     has_news;   /* something that a progress report would carry; the reader clears it */

    const char *doomed_class; /* NULL: not doomed */
    char        doomed[320];

    enum outcome_verdict verdict;
    const char          *fail_class; /* NULL: the handler named none */
    int64_t              after_ms;   /* -1: none given */
    struct buf           message;    /* of fail */
    struct buf           output;     /* packed; empty: null */
    struct buf           checkpoint; /* packed; the last one given */
    struct buf           effects;    /* a packed list, its count yet to be filled in */
    uint32_t             effect_count;
    struct buf           progress;     /* the last message */
    struct buf           last_error;   /* the last error text, which classifies a silent failure */
    struct buf           deltas;       /* said and not yet reported, at most DELTA_MAX bytes */
    bool                 is_delta_cut; /* … and more was said, which is left out */
    uint64_t             pieces;       /* of what was said: reported, or left out */
    struct buf           text;         /* of the message of outcome_end */
};

/* How the main process went. */
struct outcome_exit {
    int      status;     /* as wait gives it */
    bool     is_stopped; /* agentd asked for the stop */
    uint64_t rss_kb;     /* the peak; 0: not known */
};

void outcome_init(struct outcome *o, int64_t max_turns);
void outcome_done(struct outcome *o);
void outcome_take(struct outcome *o, const struct handler_line *line);
/* A text that speaks of an error: a line of stderr, or a log line of level error. */
void outcome_take_error_text(struct outcome *o, struct view text);
/* Dooms the attempt as invalid_output, if nothing has doomed it yet. */
void outcome_refuse(struct outcome *o, const char *why);
/* Nothing that the handler still does can make it succeed: it should be stopped. */
bool outcome_is_doomed(const struct outcome *o);
/* What was said is reported: the next piece of it begins. */
void outcome_deltas_reported(struct outcome *o);
/* Fills what `ended` says of it, but for slot and token.  The views borrow from o. */
void outcome_end(struct outcome *o, const struct outcome_exit *how, struct msg_ended *m);

#endif
