#include "tools/agentctl/ctl.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/mp.h"
#include "common/version.h"
#include "tools/agentctl/help.h"
#include "tools/agentctl/text.h"
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- what commands share --------------------------------------------------- */

int64_t
ctl_timeout_ms(const struct ctl *c)
{
    if (c->args.timeout_ms >= 0) return c->args.timeout_ms;
    return c->args.command->timeout_ms ? c->args.command->timeout_ms : CTL_TIMEOUT_MS;
}

enum ctl_exit
ctl_ask(struct ctl *c, enum msg_id op, struct view body, int64_t timeout_ms, struct buf *reply,
        struct err *e)
{
    if (!c->client) {
        enum ctl_exit failed = ctl_client_new(c->socket, &c->client, &c->is_absent, e);

        if (failed) return failed;
        ctl_client_interrupt_by(c->client, c->interrupt_fd);
    }
    return ctl_client_ask(c->client, op, body, timeout_ms, reply, e);
}

enum ctl_exit
ctl_show_by(struct ctl *c, struct view body, void (*print)(struct ctl_out *o, struct view body),
            struct err *e)
{
    c->out.now_ms = clock_now().wall_ms;
    if (!c->is_json) {
        print(&c->out, body);
    } else if (json_from_mp(body, &c->text, e)) {
        err_wrap(e, "the answer");
        return CTL_REFUSED;
    } else {
        buf_add_str(&c->text, "\n");
    }
    return ctl_flush(c, e);
}

enum ctl_exit
ctl_show(struct ctl *c, struct view body, struct err *e)
{
    return ctl_show_by(c, body, c->args.command->print, e);
}

enum ctl_exit
ctl_flush(struct ctl *c, struct err *e)
{
    size_t written = fwrite(c->text.data ? c->text.data : "", 1, c->text.size, stdout);

    if (written != c->text.size || fflush(stdout) != 0) {
        err_errno(e, "cannot write the answer");
        return CTL_REFUSED;
    }
    buf_clear(&c->text);
    return CTL_DONE;
}

void
ctl_pause(const struct ctl *c, int ms)
{
    struct pollfd interrupt = {.fd = c->interrupt_fd, .events = POLLIN};

    (void)poll(&interrupt, 1, ms); /* a negative fd is passed over; a signal may end it early */
}

void
ctl_note(const struct ctl *c, const char *text)
{
    BUF_AUTO struct buf clean = {0};

    if (c->is_json) return;
    ctl_clean(view_str(text), CTL_ONE_LINE, &clean);
    fprintf(stderr, "agentctl: %s\n", buf_str(&clean));
}

/* ---- errors ---------------------------------------------------------------- */

static const char *
code_of(enum ctl_exit code, const struct err *e)
{
    if (code == CTL_USAGE) return "usage";
    if (code == CTL_NO_ANSWER) return "no_answer";
    return errc_wire(e->code);
}

static void
put_clean(struct buf *out, struct mp_open_map *m, const char *key, const char *text)
{
    BUF_AUTO struct buf clean = {0};

    ctl_clean(view_str(text), CTL_ONE_LINE, &clean);
    mp_put_str(out, m, key, buf_view(&clean));
}

static void
complain_json(enum ctl_exit code, const struct err *e)
{
    BUF_AUTO struct buf body = {0};
    BUF_AUTO struct buf text = {0};
    struct mp_open_map  outer = mp_open(&body);
    struct err          failed;

    mp_key(&body, &outer, "error");
    struct mp_open_map inner = mp_open(&body);
    put_clean(&body, &inner, "code", code_of(code, e));
    put_clean(&body, &inner, "message", e->msg);
    put_clean(&body, &inner, "hint", e->hint);
    if (e->field[0]) put_clean(&body, &inner, "field", e->field);
    if (e->slot_eta_ms > 0) mp_put_i64(&body, &inner, "slot_eta_ms", e->slot_eta_ms);
    mp_close(&body, &inner);
    mp_close(&body, &outer);
    if (json_from_mp(buf_view(&body), &text, &failed)) abort(); /* clean strings only */
    fprintf(stderr, "%s\n", buf_str(&text));
}

static void
complain(enum ctl_exit code, bool is_json, const struct err *e)
{
    BUF_AUTO struct buf text = {0};

    if (is_json) {
        complain_json(code, e);
        return;
    }
    buf_add_str(&text, "agentctl: ");
    ctl_clean(view_str(e->msg), CTL_ONE_LINE, &text);
    if (e->hint[0]) {
        buf_add_str(&text, "\n  hint: ");
        ctl_clean(view_str(e->hint), CTL_ONE_LINE, &text);
    }
    fprintf(stderr, "%s\n", buf_str(&text));
}

/* ---- one run --------------------------------------------------------------- */

static enum ctl_exit
run_request(struct ctl *c, struct err *e)
{
    CTL_REQUEST_AUTO struct ctl_request request = {0};
    BUF_AUTO struct buf                 body = {0};
    BUF_AUTO struct buf                 reply = {0};
    enum ctl_exit                       failed;

    if (ctl_request_make(&c->args, clock_now().wall_ms, &request, e)) return CTL_USAGE;
    ctl_request_pack(&request, &body);
    failed = ctl_ask(c, c->args.command->op, buf_view(&body), ctl_timeout_ms(c), &reply, e);
    return failed ? failed : ctl_show(c, buf_view(&reply), e);
}

static enum ctl_exit
show_help(struct ctl *c, struct err *e)
{
    if (c->args.command) {
        ctl_help_command(c->args.command, &c->text);
    } else if (c->args.noun) {
        ctl_help_noun(c->args.noun, &c->text);
    } else {
        ctl_help_all(&c->text);
    }
    return ctl_flush(c, e);
}

/* Without a command, or with a noun that wants a verb: what there is. */
static enum ctl_exit
refuse_half(struct ctl *c, struct err *e)
{
    if (c->is_json) {
        err_set(e, E_BAD_REQUEST, "%s%s", c->args.noun ? c->args.noun : "a command",
                c->args.noun ? ": a verb is missing" : " is missing");
        err_hint(e, "agentctl help %s", c->args.noun ? c->args.noun : "");
        return CTL_USAGE;
    }
    if (c->args.noun) {
        ctl_help_noun(c->args.noun, &c->text);
    } else {
        ctl_help_all(&c->text);
    }
    fputs(buf_str(&c->text), stderr);
    return CTL_USAGE;
}

static enum ctl_exit
find_socket(struct ctl *c, struct err *e)
{
    struct ctl_place place = {
        .agentd_run = getenv("AGENTD_RUN"),
        .runtime_dir = getenv("XDG_RUNTIME_DIR"),
        .uid = geteuid(),
    };

    if (ctl_args_socket(&c->args, &place, c->socket, sizeof(c->socket), e)) return CTL_USAGE;
    return CTL_DONE;
}

static enum ctl_exit
run(struct ctl *c, int argc, char **argv, struct err *e)
{
    enum ctl_exit failed;

    if (ctl_args_parse(argc, argv, &c->args, e)) return CTL_USAGE;
    c->is_json = ctl_args_has(&c->args, "json");
    if (ctl_args_has(&c->args, "help")) return show_help(c, e);
    if (!c->args.command) return refuse_half(c, e);
    if ((failed = find_socket(c, e))) return failed;
    if (c->args.command->run) return c->args.command->run(c, e);
    return run_request(c, e);
}

/* A line that could not be read is complained about in the form that it asked for. */
static bool
wants_json(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0) return true;
    }
    return false;
}

/* By the variables that say it, the first that is set: ours is not the user's locale. */
static bool
says_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *value = getenv(names[i]);

        if (!value || !value[0]) continue;
        return strcasestr(value, "UTF-8") || strcasestr(value, "utf8");
    }
    return false;
}

static void
look_at_terminal(struct ctl_out *out)
{
    const char    *no_colour = getenv("NO_COLOR");
    const char    *term = getenv("TERM");
    struct winsize size;

    if (!isatty(STDOUT_FILENO)) return;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) out->width = size.ws_col;
    out->has_colour = !(no_colour && no_colour[0]) && !(term && strcmp(term, "dumb") == 0);
}

int
ctl_main(int argc, char **argv)
{
    struct ctl c = {.is_json = wants_json(argc, argv), .interrupt_fd = -1};
    struct err e = {0};

    /* Only for the width of characters; numbers stay as in C. */
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    c.out = (struct ctl_out){.buf = &c.text};
    c.out.has_utf8 = says_utf8();
    look_at_terminal(&c.out);
    enum ctl_exit code = run(&c, argc, argv, &e);
    if (e.code && c.args.command) ctl_name_options(c.args.command, &e);
    if (e.code) complain(code, c.is_json, &e);
    ctl_client_destroy(&c.client);
    buf_done(&c.text);
    return code;
}

/* ---- small commands -------------------------------------------------------- */

static void
print_absent(struct ctl_out *o, struct view body)
{
    static const struct ctl_column rows[] = {
        {"last crash", "last_crash_at", CTL_AS_INSTANT},
    };

    buf_add_str(o->buf, "agentd is not running\n");
    ctl_record(o, body, rows, ARRAY_LEN(rows));
}

/* When the daemon that left its PID file behind gave its last sign of life; 0: the last one ended
 * as it should, or one is there (it may be starting), or nothing is known. */
static int64_t
last_crash_at(const char *control_socket)
{
    const char     *slash = strrchr(control_socket, '/');
    FREE_AUTO char *path =
        xasprintf("%.*s/agentd.pid", slash ? (int)(slash - control_socket) : 0, control_socket);
    int         fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;
    int64_t     at = 0;

    if (fd < 0) return 0;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
        flock(fd, LOCK_SH | LOCK_NB) == 0) {
        at = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
    }
    (void)close(fd); /* and the lock */
    return at;
}

/* As status; that there is no daemon is an answer here, not an error. */
enum ctl_exit
ctl_run_daemon_status(struct ctl *c, struct err *e)
{
    enum ctl_exit       code = run_request(c, e);
    BUF_AUTO struct buf body = {0};
    struct mp_open_map  m;

    if (!c->is_absent) return code;
    *e = (struct err){0};
    m = mp_open(&body);
    mp_put_bool(&body, &m, "running", false);
    mp_put_time(&body, &m, "last_crash_at", last_crash_at(c->socket));
    mp_close(&body, &m);
    enum ctl_exit failed = ctl_show_by(c, buf_view(&body), print_absent, e);
    return failed ? failed : code;
}

/* What is off is shown like any reply, and told by the exit too. */
enum ctl_exit
ctl_run_fsck(struct ctl *c, struct err *e)
{
    BUF_AUTO struct buf reply = {0};
    bool                is_ok = false;
    enum ctl_exit failed = ctl_ask(c, MSG_FSCK, view_of(NULL, 0), ctl_timeout_ms(c), &reply, e);

    if (failed || (failed = ctl_show(c, buf_view(&reply), e))) return failed;
    return mp_find_bool(buf_view(&reply), "ok", &is_ok) && is_ok ? CTL_DONE : CTL_REFUSED;
}

static void
print_version(struct ctl_out *o, struct view body)
{
    (void)body;
    buf_printf(o->buf, "agentctl %s\n", AGENTD_VERSION);
}

enum ctl_exit
ctl_run_version(struct ctl *c, struct err *e)
{
    BUF_AUTO struct buf body = {0};
    struct mp_open_map  m = mp_open(&body);

    mp_put_cstr(&body, &m, "version", AGENTD_VERSION);
    mp_put_i64(&body, &m, "protocol", PROTO_VERSION);
    mp_close(&body, &m);
    return ctl_show_by(c, buf_view(&body), print_version, e);
}

enum ctl_exit
ctl_run_completion(struct ctl *c, struct err *e)
{
    ctl_completion_bash(&c->text);
    return ctl_flush(c, e);
}

enum ctl_exit
ctl_run_help(struct ctl *c, struct err *e)
{
    const char *noun = ctl_args_text(&c->args, "NOUN");
    const char *verb = ctl_args_text(&c->args, "VERB");

    if (ctl_args_has(&c->args, "man")) {
        ctl_man_page(&c->text);
        return ctl_flush(c, e);
    }
    c->args.command = NULL;
    c->args.noun = noun;
    if (noun && !ctl_command_of(noun)) {
        err_set(e, E_BAD_REQUEST, "unknown command \"%s\"", noun);
        err_hint(e, "agentctl help lists the commands");
        return CTL_USAGE;
    }
    if (noun) c->args.command = ctl_command_find(noun, verb);
    if (verb && !c->args.command) {
        err_set(e, E_BAD_REQUEST, "unknown command \"%s %s\"", noun, verb);
        err_hint(e, "agentctl help %s lists the commands", noun);
        return CTL_USAGE;
    }
    return show_help(c, e);
}
