#include "tools/agentctl/help.h"

#include <string.h>

#define LINE_WIDTH 80
#define NAME_WIDTH 24

/* ---- parameters ------------------------------------------------------------ */

/* "-n, --count N", "--json", "ID" */
static void
add_param(const struct ctl_param *p, bool has_letter, struct buf *out)
{
    if (has_letter && p->letter) buf_printf(out, "-%c, ", p->letter);
    if (p->value || ctl_is_switch(p)) buf_add_str(out, "--");
    buf_add_str(out, p->name);
    if (p->value) buf_printf(out, " %s", p->value);
}

void
ctl_help_synopsis(const struct ctl_command *c, bool has_flags, struct buf *out)
{
    char name[64];

    buf_printf(out, "agentctl %s", ctl_command_name(c, name, sizeof(name)));
    for (const struct ctl_param *p = c->args; p && p->name; p++)
        buf_printf(out, p->is_required ? " %s" : " [%s]", p->name);
    for (const struct ctl_param *p = c->flags; p && p->name; p++) {
        if (!has_flags && !p->is_required) continue;
        buf_add_str(out, p->is_required ? " " : " [");
        add_param(p, false, out);
        if (!p->is_required) buf_add_str(out, "]");
        if (p->kind == CTL_TAG) buf_add_str(out, "...");
    }
}

/* ---- lines ----------------------------------------------------------------- */

/* Words, broken before LINE_WIDTH; lines after the first begin with `indent` spaces.  A word in
 * brackets is kept whole. */
static void
add_wrapped(struct buf *out, const char *text, size_t column, size_t indent)
{
    while (*text) {
        size_t n = text[0] == '[' ? strcspn(text, "]") : 0;

        n += strcspn(text + n, " ");
        if (column > indent && column + n + 1 > LINE_WIDTH) {
            buf_printf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            buf_add_str(out, " ");
            column++;
        }
        buf_add(out, text, n);
        column += n;
        text += n;
        while (*text == ' ')
            text++;
    }
    buf_add_str(out, "\n");
}

/* "  name      help" */
static void
add_entry(struct buf *out, const char *name, const char *help)
{
    size_t n = strlen(name);

    buf_printf(out, "  %-*s", NAME_WIDTH, name);
    if (n >= NAME_WIDTH) buf_printf(out, "\n  %*s", NAME_WIDTH, "");
    add_wrapped(out, help, NAME_WIDTH + 2, NAME_WIDTH + 2);
}

static void
add_params(struct buf *out, const char *title, const struct ctl_param *list)
{
    if (!list) return;
    buf_printf(out, "\n%s\n", title);
    for (; list->name; list++) {
        BUF_AUTO struct buf name = {0};

        add_param(list, true, &name);
        add_entry(out, buf_str(&name), list->help);
    }
}

static void
add_command_line(struct buf *out, const struct ctl_command *c)
{
    BUF_AUTO struct buf name = {0};

    ctl_help_synopsis(c, false, &name);
    add_entry(out, buf_str(&name) + strlen("agentctl "), c->help);
}

/* ---- help ------------------------------------------------------------------ */

void
ctl_help_all(struct buf *out)
{
    const struct ctl_command *c;

    buf_add_str(out, "agentctl - look at agentd, and tell it what to do\n\n"
                     "usage: agentctl NOUN [VERB] [ARGUMENT] [--option VALUE]\n\n");
    for (size_t i = 0; (c = ctl_command_at(i)); i++)
        add_command_line(out, c);
    add_params(out, "options, anywhere on the line:", ctl_globals);
    buf_add_str(out, "\nDurations: 90s, 5m, 1h30m, 1d; a plain number is seconds.\n"
                     "Times: RFC 3339, +10m, -10m, now.  Names: name, or company/name.\n"
                     "agentctl help NOUN VERB says more, with examples.\n");
}

void
ctl_help_noun(const char *noun, struct buf *out)
{
    buf_printf(out, "usage: agentctl %s VERB [ARGUMENT] [--option VALUE]\n\n", noun);
    for (const struct ctl_command *c = ctl_command_of(noun); c; c = ctl_command_next(c))
        add_command_line(out, c);
    buf_printf(out, "\nagentctl help %s VERB says more.\n", noun);
}

void
ctl_help_command(const struct ctl_command *c, struct buf *out)
{
    BUF_AUTO struct buf synopsis = {0};

    ctl_help_synopsis(c, true, &synopsis);
    buf_add_str(out, "usage: ");
    add_wrapped(out, buf_str(&synopsis), 7, 7);
    buf_add_str(out, "\n");
    add_wrapped(out, c->help, 0, 0);
    if (c->more) {
        buf_add_str(out, "\n");
        add_wrapped(out, c->more, 0, 0);
    }
    add_params(out, "arguments:", c->args);
    add_params(out, "options:", c->flags);
    add_params(out, "options of every command:", ctl_globals);
    buf_add_str(out, "\nexamples:\n");
    for (size_t i = 0; i < ARRAY_LEN(c->examples) && c->examples[i]; i++)
        buf_printf(out, "  agentctl %s\n", c->examples[i]);
}
