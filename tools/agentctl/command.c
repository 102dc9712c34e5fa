#include "tools/agentctl/command.h"
#include "common/buf.h"

#include <stdio.h>
#include <string.h>

static const struct ctl_commands *const sections[] = {
    &ctl_daemon_commands,  &ctl_brake_commands, &ctl_job_commands,      &ctl_schedule_commands,
    &ctl_object_commands,  &ctl_goal_commands,  &ctl_approval_commands, &ctl_registry_commands,
    &ctl_session_commands, &ctl_token_commands,
};

// clang-format off
const struct ctl_param ctl_globals[] = {
    {"run",     0,   NULL, CTL_TEXT,     false, "DIR",      "the daemon's run folder; by default AGENTD_RUN, /run/agentd for root, agentd in XDG_RUNTIME_DIR"},
    {"connect", 0,   NULL, CTL_TEXT,     false, "ENDPOINT", "the control socket itself: ipc://PATH"},
    {"json",    0,   NULL, CTL_BOOL,     false, NULL,       "answers and errors as JSON"},
    {"timeout", 0,   NULL, CTL_DURATION, false, "DUR",      "how long to wait for an answer (10s)"},
    {"company", 0,   NULL, CTL_TEXT,     false, "C",        "the company of bare names, and of what is listed"},
    {"help",    'h', NULL, CTL_BOOL,     false, NULL,       "help for the command"},
    {.name = NULL}};
// clang-format on

const struct ctl_command *
ctl_command_at(size_t i)
{
    for (size_t s = 0; s < ARRAY_LEN(sections); s++) {
        if (i < sections[s]->count) return &sections[s]->at[i];
        i -= sections[s]->count;
    }
    return NULL;
}

const struct ctl_command *
ctl_command_find(const char *noun, const char *verb)
{
    const struct ctl_command *c = ctl_command_of(noun);

    for (; c; c = ctl_command_next(c)) {
        if (!c->verb || (verb && strcmp(c->verb, verb) == 0)) return c;
    }
    return NULL;
}

const struct ctl_command *
ctl_command_of(const char *noun)
{
    const struct ctl_command *c;

    for (size_t i = 0; (c = ctl_command_at(i)); i++) {
        if (strcmp(c->noun, noun) == 0) return c;
    }
    return NULL;
}

const struct ctl_command *
ctl_command_next(const struct ctl_command *c)
{
    const struct ctl_command *other;
    size_t                    i = 0;

    while (ctl_command_at(i) != c)
        i++;
    while ((other = ctl_command_at(++i))) {
        if (strcmp(other->noun, c->noun) == 0) return other;
    }
    return NULL;
}

const char *
ctl_command_name(const struct ctl_command *c, char *out, size_t size)
{
    (void)snprintf(out, size, "%s%s%s", c->noun, c->verb ? " " : "", c->verb ? c->verb : "");
    return out;
}

const struct ctl_param *
ctl_param_find(const struct ctl_param *list, const char *name)
{
    for (; list && list->name; list++) {
        if (strcmp(list->name, name) == 0) return list;
    }
    return NULL;
}

const struct ctl_param *
ctl_param_letter(const struct ctl_param *list, char letter)
{
    for (; list && list->name; list++) {
        if (list->letter && list->letter == letter) return list;
    }
    return NULL;
}

const char *
ctl_param_text(const struct ctl_param *p, char *out, size_t size)
{
    bool is_flag = p->value || ctl_is_switch(p);

    (void)snprintf(out, size, "%s%s", is_flag ? "--" : "", p->name);
    return out;
}

static const struct ctl_param *
find_by_field(const struct ctl_param *list, const char *field, size_t size)
{
    for (const struct ctl_param *p = list; p && p->name; p++) {
        if (p->field && strlen(p->field) == size && memcmp(p->field, field, size) == 0) return p;
    }
    return NULL;
}

static const struct ctl_param *
param_of(const struct ctl_command *c, const char *field, size_t size)
{
    const struct ctl_param *p = find_by_field(c->args, field, size);

    return p ? p : find_by_field(c->flags, field, size);
}

const struct ctl_param *
ctl_param_of_field(const struct ctl_command *c, const char *field)
{
    return param_of(c, field, strlen(field));
}

/* Words that are fields, but not what is quoted, nor a part of a setting's name.  A word like any
 * other ("agent") is one only before a colon, where the error begins. */
static void
name_in(const struct ctl_command *c, char *text, size_t size)
{
    static const char   letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    BUF_AUTO struct buf out = {0};
    bool                is_quoted = false;

    for (const char *at = text; *at;) {
        size_t                  n = strspn(at, letters);
        const struct ctl_param *p = n && !is_quoted ? param_of(c, at, n) : NULL;
        char                    name[64];

        if (p && !memchr(at, '_', n) && (at != text || at[n] != ':')) p = NULL;
        if (p && at != text && strchr("-.", at[-1])) p = NULL;
        is_quoted ^= *at == '"';
        if (n == 0) n = 1;
        if (p) {
            buf_add_str(&out, ctl_param_text(p, name, sizeof(name)));
        } else {
            buf_add(&out, at, n);
        }
        at += n;
    }
    (void)snprintf(text, size, "%s", buf_str(&out));
}

void
ctl_name_options(const struct ctl_command *c, struct err *e)
{
    name_in(c, e->msg, sizeof(e->msg));
    name_in(c, e->hint, sizeof(e->hint));
}

/* ---- the nearest word ------------------------------------------------------ */

#define WORD_MAX 32

static size_t
least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edits (insert, delete, replace, swap of neighbours) from a to b, both at most WORD_MAX long. */
static size_t
edits(const char *a, size_t na, const char *b, size_t nb)
{
    size_t rows[3][WORD_MAX + 1];

    for (size_t j = 0; j <= nb; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t       *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];

        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);

            best = least(best, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                best = least(best, rows[(i - 2) % 3][j - 2] + 1);
            }
            row[j] = best;
        }
    }
    return rows[na % 3][nb];
}

void
ctl_nearest_try(struct ctl_nearest *n, const char *candidate)
{
    size_t na = strlen(n->word);
    size_t nb = strlen(candidate);

    if (na > WORD_MAX || nb > WORD_MAX) return;
    size_t distance = edits(n->word, na, candidate, nb);
    /* A word that begins the candidate is a good guess however much is missing. */
    if (na >= 2 && nb > na && strncmp(n->word, candidate, na) == 0) distance = 1;
    if (distance > 1 + nb / 4 || distance >= nb) return;
    if (n->best && distance >= n->distance) return;
    n->best = candidate;
    n->distance = distance;
}
