/* command - what agentctl can do, as one const table in sections (commands_*.c): names, arguments,
 * flags, help, and what runs and prints it.
 *
 * Everything else is made from the table: parsing, the request's body, help, the completion and the
 * man page.  A command without `run` sends one request and prints its reply. */
#ifndef TOOLS_AGENTCTL_COMMAND_H
#define TOOLS_AGENTCTL_COMMAND_H

#include "common/err.h"
#include "common/mem.h"
#include "proto/messages.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What agentctl exits with.  Functions that can fail in more ways than "refused" return it, and
 * what to tell the user in a struct err; a code E_OK there means that nothing is to be told. */
enum ctl_exit {
    CTL_DONE = 0,
    CTL_REFUSED = 1,
    CTL_USAGE = 2,
    CTL_NO_ANSWER = 3,     /* no daemon, or none that answered in time */
    CTL_NOT_COMPLETED = 4, /* wait: the job ended, but not completed */
    CTL_OUTCOME_UNKNOWN = 5
};

/* How the text of an argument or flag becomes a value. */
enum ctl_kind {
    CTL_TEXT,
    CTL_NUMBER,    /* "none" is no limit, where the field is NULLABLE */
    CTL_DURATION,  /* ms */
    CTL_DURATIONS, /* "2m,10m": a list of ms */
    CTL_TIME,      /* Unix ms */
    CTL_JSON,      /* JSON text, @FILE, or - for standard input */
    CTL_TAG,       /* K=V, may be repeated: a map of strings */
    CTL_BOOL,      /* given or not: true */
    CTL_OFF,       /* given or not: false */
    CTL_FLAGS,     /* "jitter,gate": a list of the fields of these flags of the command */
    CTL_JOBS,      /* a file (or -) with a JSON object per line: a list of them */
    CTL_FILE       /* a file (or -): its text */
};

/* An argument or a flag. */
struct ctl_param {
    const char   *name;   /* of a flag without "--"; of an argument in capitals */
    char          letter; /* the short form, or 0 */
    const char   *field;  /* of the request; NULL: the command's own */
    enum ctl_kind kind;
    bool          is_required;
    const char   *value; /* what help calls a flag's value ("a|b" lists all); NULL for a switch */
    const char   *help;
};

/* A flag without a value. */
static inline bool
ctl_is_switch(const struct ctl_param *p)
{
    return p->kind == CTL_BOOL || p->kind == CTL_OFF;
}

struct ctl;
struct ctl_out;

struct ctl_command {
    const char             *noun;
    const char             *verb;       /* NULL: the noun alone is the command */
    enum msg_id             op;         /* MSG_NONE: needs no daemon, or more than one request */
    const struct ctl_param *args;       /* in order; ended by one without a name; or NULL */
    const struct ctl_param *flags;      /* likewise */
    int64_t                 timeout_ms; /* for an answer, without --timeout; 0: 10 s */
    enum ctl_exit (*run)(struct ctl *c, struct err *e);
    void (*print)(struct ctl_out *o, struct view body); /* a reply, for people */
    const char *help;                                   /* one line */
    const char *more;                                   /* further sentences, or NULL */
    const char *examples[3];                            /* at least one; what follows "agentctl " */
};

/* The table's sections. */
struct ctl_commands {
    const struct ctl_command *at;
    size_t                    count;
};
extern const struct ctl_commands ctl_job_commands;
extern const struct ctl_commands ctl_schedule_commands;
extern const struct ctl_commands ctl_object_commands;
extern const struct ctl_commands ctl_session_commands;
extern const struct ctl_commands ctl_goal_commands;
extern const struct ctl_commands ctl_approval_commands;
extern const struct ctl_commands ctl_registry_commands;
extern const struct ctl_commands ctl_daemon_commands;
extern const struct ctl_commands ctl_brake_commands;
extern const struct ctl_commands ctl_token_commands;

/* The whole table in order: the i-th command, or NULL behind the last. */
const struct ctl_command *ctl_command_at(size_t i);
/* verb is ignored for a noun that is a command by itself.  NULL when there is none. */
const struct ctl_command *ctl_command_find(const char *noun, const char *verb);
/* The first command of the noun, NULL for an unknown noun; its verb is NULL when it has no verbs.
 */
const struct ctl_command *ctl_command_of(const char *noun);
/* The next command with the same noun. */
const struct ctl_command *ctl_command_next(const struct ctl_command *c);
/* "job submit", or "status"; into out. */
const char *ctl_command_name(const struct ctl_command *c, char *out, size_t size);

/* The options that every command takes; ended by one without a name. */
extern const struct ctl_param ctl_globals[];

/* The parameter of that name or letter in a list (may be NULL), or NULL. */
const struct ctl_param *ctl_param_find(const struct ctl_param *list, const char *name);
const struct ctl_param *ctl_param_letter(const struct ctl_param *list, char letter);

/* The argument or flag that gives the field of the request, or NULL. */
const struct ctl_param *ctl_param_of_field(const struct ctl_command *c, const char *field);

/* "--at" of a flag, "ID" of an argument; into out. */
const char *ctl_param_text(const struct ctl_param *p, char *out, size_t size);
/* An error speaks of the request's fields; from now on of the command's arguments and flags. */
void ctl_name_options(const struct ctl_command *c, struct err *e);

/* Keeps the candidate nearest to `word` when it is near enough to be a slip; *best starts as NULL.
 */
struct ctl_nearest {
    const char *word;
    const char *best;
    size_t      distance;
};
void ctl_nearest_try(struct ctl_nearest *n, const char *candidate);

#endif
