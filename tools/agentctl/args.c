#include "tools/agentctl/args.h"
#include "common/timetext.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#define SOCKET_NAME "agentd.sock"
#define DEFAULT_RUN "/run/agentd"

/* How far the reading of a command line has come. */
struct reading {
    int             argc;
    char          **argv;
    int             at; /* the next word */
    size_t          nargs;
    struct ctl_args out;
};

static enum errc
hint_at_help(const struct reading *r, struct err *e)
{
    char name[64];

    if (!r->out.command) return err_hint(e, "agentctl help lists the commands");
    return err_hint(e, "agentctl help %s", ctl_command_name(r->out.command, name, sizeof(name)));
}

static enum errc
hint_nearest(const struct reading *r, const struct ctl_nearest *n, const char *before,
             struct err *e)
{
    if (!n->best) return hint_at_help(r, e);
    return err_hint(e, "did you mean %s%s?", before, n->best);
}

static enum errc
add(struct reading *r, const struct ctl_param *p, const char *text, struct err *e)
{
    struct ctl_args *a = &r->out;
    char             name[64];

    if (p->kind != CTL_TAG && ctl_args_has(a, p->name)) {
        return err_set(e, E_BAD_REQUEST, "%s is given twice",
                       ctl_param_text(p, name, sizeof(name)));
    }
    if (a->ngiven == CTL_GIVEN_MAX) {
        return err_set(e, E_BAD_REQUEST, "more than %d options", CTL_GIVEN_MAX);
    }
    a->given[a->ngiven++] = (struct ctl_given){p, text};
    return E_OK;
}

/* ---- words ----------------------------------------------------------------- */

static enum errc
take_noun(struct reading *r, const char *word, struct err *e)
{
    struct ctl_nearest        nearest = {.word = word};
    const struct ctl_command *c = ctl_command_of(word);

    if (c) {
        r->out.noun = c->noun;
        if (!c->verb) r->out.command = c;
        return E_OK;
    }
    for (size_t i = 0; (c = ctl_command_at(i)); i++)
        ctl_nearest_try(&nearest, c->noun);
    err_set(e, E_BAD_REQUEST, "unknown command \"%s\"", word);
    return hint_nearest(r, &nearest, "agentctl ", e);
}

static enum errc
take_verb(struct reading *r, const char *word, struct err *e)
{
    struct ctl_nearest        nearest = {.word = word};
    char                      before[64];
    const struct ctl_command *c = ctl_command_find(r->out.noun, word);

    if (c) {
        r->out.command = c;
        return E_OK;
    }
    for (c = ctl_command_of(r->out.noun); c; c = ctl_command_next(c))
        ctl_nearest_try(&nearest, c->verb);
    (void)snprintf(before, sizeof(before), "agentctl %s ", r->out.noun);
    err_set(e, E_BAD_REQUEST, "unknown command \"%s %s\"", r->out.noun, word);
    if (!nearest.best) return err_hint(e, "agentctl help %s lists the commands", r->out.noun);
    return hint_nearest(r, &nearest, before, e);
}

static enum errc
take_word(struct reading *r, const char *word, struct err *e)
{
    const struct ctl_param *args;

    if (!r->out.noun) return take_noun(r, word, e);
    if (!r->out.command) return take_verb(r, word, e);
    args = r->out.command->args;
    if (!args || !args[r->nargs].name) {
        err_set(e, E_BAD_REQUEST, "one argument too many: \"%s\"", word);
        return hint_at_help(r, e);
    }
    return add(r, &args[r->nargs++], word, e);
}

/* ---- options --------------------------------------------------------------- */

static bool
is_of_any_command(const char *name)
{
    const struct ctl_command *c;

    for (size_t i = 0; (c = ctl_command_at(i)); i++) {
        if (ctl_param_find(c->flags, name)) return true;
    }
    return false;
}

static enum errc
refuse_option(const struct reading *r, const char *name, struct err *e)
{
    const struct ctl_param *own = r->out.command ? r->out.command->flags : NULL;
    struct ctl_nearest      nearest = {.word = name};

    err_set(e, E_BAD_REQUEST, "unknown option --%s", name);
    if (!r->out.command && is_of_any_command(name)) {
        return err_hint(e, "a command's own options stand behind it: agentctl NOUN VERB --%s",
                        name);
    }
    for (; own && own->name; own++)
        ctl_nearest_try(&nearest, own->name);
    for (const struct ctl_param *p = ctl_globals; p->name; p++)
        ctl_nearest_try(&nearest, p->name);
    return hint_nearest(r, &nearest, "--", e);
}

/* `value` is what stands in the same word, or NULL. */
static enum errc
take_option(struct reading *r, const struct ctl_param *p, const char *value, struct err *e)
{
    char name[64];

    ctl_param_text(p, name, sizeof(name));
    if (ctl_is_switch(p)) {
        if (value) return err_set(e, E_BAD_REQUEST, "%s takes no value", name);
        return add(r, p, "", e);
    }
    if (!value && r->at == r->argc) {
        return err_set(e, E_BAD_REQUEST, "%s wants a value: %s", name, p->value);
    }
    return add(r, p, value ? value : r->argv[r->at++], e);
}

static enum errc
take_long(struct reading *r, const char *word, struct err *e)
{
    const struct ctl_param *p;
    const char             *value = strchr(word, '=');
    char                    name[64];
    size_t                  n = value ? (size_t)(value - word) : strlen(word);

    if (n > sizeof(name) - 1) n = sizeof(name) - 1; /* no option is as long */
    memcpy(name, word, n);
    name[n] = '\0';
    p = ctl_param_find(ctl_globals, name);
    if (!p && r->out.command) p = ctl_param_find(r->out.command->flags, name);
    if (!p) return refuse_option(r, name, e);
    return take_option(r, p, value ? value + 1 : NULL, e);
}

/* Letters that take no value may stand together: -fh. */
static enum errc
take_short(struct reading *r, const char *letters, struct err *e)
{
    for (; *letters; letters++) {
        const struct ctl_param *p = ctl_param_letter(ctl_globals, *letters);

        if (!p && r->out.command) p = ctl_param_letter(r->out.command->flags, *letters);
        if (!p) {
            err_set(e, E_BAD_REQUEST, "unknown option -%c", *letters);
            return hint_at_help(r, e);
        }
        if (!ctl_is_switch(p)) return take_option(r, p, letters[1] ? letters + 1 : NULL, e);
        if (take_option(r, p, NULL, e)) return e->code;
    }
    return E_OK;
}

/* ---- the whole line -------------------------------------------------------- */

static enum errc
take_all(struct reading *r, struct err *e)
{
    bool is_words = false;

    while (r->at < r->argc) {
        const char *word = r->argv[r->at++];
        enum errc   code;

        if (!is_words && strcmp(word, "--") == 0) {
            is_words = true;
            continue;
        }
        if (is_words || word[0] != '-' || !word[1]) {
            code = take_word(r, word, e);
        } else if (word[1] == '-') {
            code = take_long(r, word + 2, e);
        } else {
            code = take_short(r, word + 1, e);
        }
        if (code) return code;
    }
    return E_OK;
}

static enum errc
check_required(const struct reading *r, const struct ctl_param *list, struct err *e)
{
    for (; list && list->name; list++) {
        if (list->is_required && !ctl_args_has(&r->out, list->name)) {
            char name[64];

            err_set(e, E_BAD_REQUEST, "%s is missing: %s", ctl_param_text(list, name, sizeof(name)),
                    list->help);
            return hint_at_help(r, e);
        }
    }
    return E_OK;
}

static enum errc
take_timeout(struct ctl_args *a, struct err *e)
{
    const char *text = ctl_args_text(a, "timeout");

    a->timeout_ms = -1;
    if (!text) return E_OK;
    if (duration_parse(view_str(text), &a->timeout_ms, e)) return err_wrap(e, "--timeout");
    return E_OK;
}

enum errc
ctl_args_parse(int argc, char **argv, struct ctl_args *out, struct err *e)
{
    struct reading r = {.argc = argc, .argv = argv, .at = argc > 0 ? 1 : 0};

    if (take_all(&r, e)) return e->code;
    if (take_timeout(&r.out, e)) return e->code;
    if (r.out.command && !ctl_args_has(&r.out, "help")) {
        if (check_required(&r, r.out.command->args, e)) return e->code;
        if (check_required(&r, r.out.command->flags, e)) return e->code;
    }
    *out = r.out;
    return E_OK;
}

const char *
ctl_args_text(const struct ctl_args *a, const char *name)
{
    for (size_t i = 0; i < a->ngiven; i++) {
        if (strcmp(a->given[i].param->name, name) == 0) return a->given[i].text;
    }
    return NULL;
}

bool
ctl_args_has(const struct ctl_args *a, const char *name)
{
    return ctl_args_text(a, name) != NULL;
}

/* ---- where the daemon is --------------------------------------------------- */

static enum errc
path_of_endpoint(const char *endpoint, char *out, size_t size, int *length, struct err *e)
{
    if (strncmp(endpoint, "ipc://", 6) != 0) {
        err_set(e, E_BAD_REQUEST, "--connect: %s is not supported by this version", endpoint);
        return err_hint(e, "ipc://PATH names the control socket, as in ipc:///run/agentd/%s",
                        SOCKET_NAME);
    }
    if (endpoint[6] != '/') {
        return err_set(e, E_BAD_REQUEST, "--connect: ipc:// is followed by an absolute path");
    }
    *length = snprintf(out, size, "%s", endpoint + 6);
    return E_OK;
}

enum errc
ctl_args_socket(const struct ctl_args *a, const struct ctl_place *place, char *out, size_t size,
                struct err *e)
{
    const size_t path_max = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
    const char  *endpoint = ctl_args_text(a, "connect");
    const char  *run = ctl_args_text(a, "run");
    int          length = 0;

    assert(size > path_max);
    if (endpoint && run) {
        return err_set(e, E_BAD_REQUEST, "--run and --connect exclude each other");
    }
    if (!run && place->agentd_run && place->agentd_run[0]) run = place->agentd_run;
    if (endpoint) {
        if (path_of_endpoint(endpoint, out, size, &length, e)) return e->code;
    } else if (run) {
        length = snprintf(out, size, "%s/%s", run, SOCKET_NAME);
    } else if (place->uid == 0) {
        length = snprintf(out, size, "%s/%s", DEFAULT_RUN, SOCKET_NAME);
    } else if (place->runtime_dir && place->runtime_dir[0]) {
        length = snprintf(out, size, "%s/agentd/%s", place->runtime_dir, SOCKET_NAME);
    } else {
        length = snprintf(out, size, "/run/user/%u/agentd/%s", place->uid, SOCKET_NAME);
    }
    if (length < 0 || (size_t)length > path_max) {
        err_set(e, E_BAD_REQUEST, "the control socket's path is %d bytes, the limit is %zu", length,
                path_max);
        return err_hint(e, "a shorter run folder: --run DIR");
    }
    return E_OK;
}
