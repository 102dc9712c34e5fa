/* ctl - one run of agentctl: what its commands share. */
#ifndef TOOLS_AGENTCTL_CTL_H
#define TOOLS_AGENTCTL_CTL_H

#include "tools/agentctl/args.h"
#include "tools/agentctl/client.h"
#include "tools/agentctl/layout.h"
#include "tools/agentctl/request.h"

#define CTL_TIMEOUT_MS 10000
#define CTL_PAUSE_MS   250   /* between questions that are answered at once */
#define CTL_WAIT_MS    25000 /* the longest that agentd lets a request wait (N41) */

struct ctl {
    struct ctl_args    args;
    bool               is_json;
    struct ctl_client *client;    /* NULL until the first request */
    bool               is_absent; /* connecting found no daemon */
    char               socket[256];
    int                interrupt_fd; /* ends a wait when it is readable; -1: none */
    struct buf         text;         /* what `out` writes to */
    struct ctl_out     out;
};

/* The whole program; returns what to exit with. */
int ctl_main(int argc, char **argv);

/* The time for one answer: --timeout, else the command's own, else 10 s. */
int64_t ctl_timeout_ms(const struct ctl *c);
/* Connects at the first call. */
enum ctl_exit ctl_ask(struct ctl *c, enum msg_id op, struct view body, int64_t timeout_ms,
                      struct buf *reply, struct err *e) MUST_CHECK;
/* Prints a reply: with --json the document on one line, else by the command's printer. */
enum ctl_exit ctl_show(struct ctl *c, struct view body, struct err *e) MUST_CHECK;
/* The same with any printer. */
enum ctl_exit ctl_show_by(struct ctl *c, struct view body,
                          void (*print)(struct ctl_out *o, struct view body),
                          struct err *e) MUST_CHECK;
/* Writes out what c->text holds, now. */
enum ctl_exit ctl_flush(struct ctl *c, struct err *e) MUST_CHECK;
/* Lets a moment pass; shorter when it is interrupted. */
void ctl_pause(const struct ctl *c, int ms);
/* A sentence on stderr that is not an error; people only. */
void ctl_note(const struct ctl *c, const char *text);

/* What commands run; each documented where it is made. */
enum ctl_exit ctl_run_list(struct ctl *c, struct err *e);
enum ctl_exit ctl_run_many(struct ctl *c, struct err *e);
enum ctl_exit ctl_run_submit(struct ctl *c, struct err *e);
enum ctl_exit ctl_run_wait(struct ctl *c, struct err *e);
enum ctl_exit ctl_run_logs(struct ctl *c, struct err *e);
enum ctl_exit ctl_run_watch(struct ctl *c, struct err *e);
enum ctl_exit ctl_run_cron(struct ctl *c, struct err *e);
enum ctl_exit ctl_run_daemon_status(struct ctl *c, struct err *e);
enum ctl_exit ctl_run_token(struct ctl *c, struct err *e);
enum ctl_exit ctl_run_drain(struct ctl *c, struct err *e);
enum ctl_exit ctl_run_fsck(struct ctl *c, struct err *e);
enum ctl_exit ctl_run_completion(struct ctl *c, struct err *e);
enum ctl_exit ctl_run_version(struct ctl *c, struct err *e);
enum ctl_exit ctl_run_help(struct ctl *c, struct err *e);

#endif
