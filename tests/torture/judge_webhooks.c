/* Messages that http sinks post (D4, D5): by the web server's record, what may have come to the one
 * that is not declared idempotent never comes again, and is delivered or stays unknown; to the
 * other each comes, maybe more than once, and then as the same. */
#include "common/hash.h"
#include "common/mp.h"
#include "tests/torture/breaks.h"
#include "tests/torture/history.h"
#include "tests/torture/items.h"
#include "tests/torture/judge.h"
#include "tests/torture/webserver.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct posted {
    uint64_t id, attempts;
    bool     is_hook, is_delivered, is_unknown;
    uint64_t requests, accepted;
    uint64_t key, body; /* their hashes */
    unsigned answer;    /* the last one */
};

struct webhooks {
    struct model  *model;
    struct posted *all; /* their ids ascend */
    size_t         count;
};

/* ---- what the feed and the store say --------------------------------------------------------- */

static bool
is_in_doubt(const struct model *m, uint64_t id)
{
    for (size_t i = 0; i < m->ndoubts; i++) {
        if (m->doubts[i] == id) return true;
    }
    return false;
}

void
judge_webhooks_feed(struct model *m, struct view type, struct view event)
{
    uint64_t id = (uint64_t)number_of(event, "effect");

    if (!view_is(text_of(event, "sink"), HOOK)) return;
    if (is_in_doubt(m, id)) {
        breaks_add(BREAK_SEND_TWICE, "effect %" PRIu64 " of " HOOK " was unknown, then: %.*s", id,
                   VIEW_ARG(type));
    }
    if (!view_is(type, "effect.unknown")) return;
    m->doubts = xrealloc(m->doubts, (m->ndoubts + 1) * sizeof(*m->doubts));
    m->doubts[m->ndoubts++] = id;
}

static void
take_effect(struct view item, void *arg)
{
    struct webhooks *w = arg;
    struct view      sink = text_of(item, "sink"), status = text_of(item, "status"), payload = {0};
    uint64_t         job = (uint64_t)number_of(item, "job");
    struct posted    ef = {.id = (uint64_t)number_of(item, "id"),
                           .attempts = (uint64_t)number_of(item, "attempts"),
                           .is_hook = view_is(sink, HOOK),
                           .is_delivered = view_is(status, "delivered"),
                           .is_unknown = view_is(status, "unknown")};

    if (!ef.is_hook && !view_is(sink, POST)) return;
    if (!ef.is_delivered && !(ef.is_hook && ef.is_unknown)) {
        breaks_add(BREAK_SEND_LOST, "effect %" PRIu64 " of %.*s is %.*s: %.*s", ef.id,
                   VIEW_ARG(sink), VIEW_ARG(status), VIEW_ARG(text_of(item, "reason")));
    }
    w->all = xrealloc(w->all, (w->count + 1) * sizeof(*w->all));
    w->all[w->count++] = ef;
    w->model->hooks += ef.is_hook;
    w->model->unknown_hooks += ef.is_unknown;
    w->model->posts += !ef.is_hook;
    (void)mp_find(item, "payload", &payload); /* without one it has no content */
    if (!model_is_of_completed(w->model, text_of(payload, "content"), job)) {
        breaks_add(BREAK_SEND_TWICE,
                   "effect %" PRIu64 " of job %" PRIu64 " is of an attempt that did not complete",
                   ef.id, job);
    } else {
        *(ef.is_hook ? &w->model->jobs[job].hooks : &w->model->jobs[job].posts) += 1;
    }
}

static void
judge_jobs_effects(const struct model *m)
{
    for (uint64_t id = 1; id <= m->last; id++) {
        const struct job *j = &m->jobs[id];
        uint64_t          wanted = j->is_telling && j->end == END_COMPLETED;

        if (j->hooks == wanted && j->posts == wanted) continue;
        breaks_add(j->hooks > wanted || j->posts > wanted ? BREAK_SEND_TWICE : BREAK_SEND_LOST,
                   "job %" PRIu64 " has %" PRIu64 " effects for " HOOK " and %" PRIu64 " for " POST
                   ", not %" PRIu64,
                   id, j->hooks, j->posts, wanted);
    }
}

/* ---- what the web server was given ----------------------------------------------------------- */

static int
compare_ids(const void *a, const void *b)
{
    const struct posted *x = a, *y = b;

    return (x->id > y->id) - (x->id < y->id);
}

static int
compare_keys(const void *a, const void *b)
{
    const struct posted *x = a, *y = b;

    return (x->key > y->key) - (x->key < y->key);
}

static void
take_request(struct posted *ef, uint64_t key, uint64_t body, unsigned answer)
{
    if (ef->requests > 0 && (key != ef->key || body != ef->body)) {
        breaks_add(BREAK_SEND_TWICE, "effect %" PRIu64 " came again, with another key or body",
                   ef->id);
    }
    if (ef->requests > 0 && ef->is_hook && ef->answer != WEB_BUSY) {
        breaks_add(BREAK_SEND_TWICE,
                   "effect %" PRIu64 " of " HOOK " came again; it was answered with %u", ef->id,
                   ef->answer);
    }
    ef->requests++;
    ef->accepted += answer == WEB_TAKEN;
    ef->key = key;
    ef->body = body;
    ef->answer = answer;
}

static void
take_line(char *line, void *arg)
{
    struct webhooks *w = arg;
    struct posted    wanted = {0}, *ef;
    char             path[64], key[128];
    uint64_t         body;
    unsigned         answer;

    if (sscanf(line, "%63s %127s %" SCNu64 " %" SCNx64 " %u", path, key, &wanted.id, &body,
               &answer) != 5) {
        breaks_add(BREAK_SEND_TWICE, "the web server's record: \"%s\"", line);
        return;
    }
    ef = w->count ? bsearch(&wanted, w->all, w->count, sizeof(*w->all), compare_ids) : NULL;
    if (!ef || strcmp(path, ef->is_hook ? HOOK : POST) != 0) {
        breaks_add(BREAK_SEND_TWICE, "the web server was given \"%s\", which is not in the store",
                   line);
    } else {
        take_request(ef, hash64(view_str(key), 0), body, answer);
    }
}

static void
judge_posted(const struct posted *ef)
{
    if (ef->requests > ef->attempts) {
        breaks_add(BREAK_SEND_TWICE,
                   "effect %" PRIu64 " came %" PRIu64 " times in %" PRIu64 " attempts", ef->id,
                   ef->requests, ef->attempts);
    }
    if (ef->is_delivered && ef->accepted == 0) {
        breaks_add(BREAK_SEND_LOST, "effect %" PRIu64 " is delivered, the web server took it never",
                   ef->id);
    }
}

void
judge_webhooks(struct model *m, struct link *l)
{
    struct webhooks w = {.model = m};

    fetch_pages(l, MSG_EFFECT_LIST, "\"kind\":\"send_message\"", take_effect, &w);
    judge_jobs_effects(m);
    if (w.count) qsort(w.all, w.count, sizeof(*w.all), compare_ids);
    (void)history_read(m->folder, WEBSERVER, take_line, &w); /* none: nothing was ever posted */
    for (size_t i = 0; i < w.count; i++) {
        judge_posted(&w.all[i]);
        m->repeated_posts += !w.all[i].is_hook && w.all[i].requests > 1;
    }
    if (w.count) qsort(w.all, w.count, sizeof(*w.all), compare_keys);
    for (size_t i = 1; i < w.count; i++) {
        if (w.all[i].requests > 0 && w.all[i - 1].requests > 0 &&
            w.all[i].key == w.all[i - 1].key) {
            breaks_add(BREAK_SEND_TWICE, "effects %" PRIu64 " and %" PRIu64 " have one key",
                       w.all[i - 1].id, w.all[i].id);
        }
    }
    free(w.all);
}
