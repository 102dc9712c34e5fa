#include "common/version.h"
#include "tools/agentctl/help.h"

/* Text for roff: a backslash, and a dot or quote at a line's beginning, would be commands. */
static void
add_text(struct buf *out, const char *text)
{
    if (text[0] == '.' || text[0] == '\'') buf_add_str(out, "\\&");
    for (; *text; text++) {
        if (*text == '\\') {
            buf_add_str(out, "\\e");
        } else if (*text == '-') {
            buf_add_str(out, "\\-");
        } else if (*text == '\'') {
            buf_add_str(out, "\\(aq");
        } else {
            buf_add(out, text, 1);
        }
    }
}

static void
add_params(struct buf *out, const struct ctl_param *list)
{
    for (; list && list->name; list++) {
        bool is_flag = list->value || ctl_is_switch(list);

        buf_add_str(out, ".TP\n");
        if (list->letter) buf_printf(out, "\\fB\\-%c\\fR, ", list->letter);
        buf_add_str(out, is_flag ? "\\fB\\-\\-" : "\\fI");
        add_text(out, list->name);
        buf_add_str(out, "\\fR");
        if (list->value) {
            buf_add_str(out, " \\fI");
            add_text(out, list->value);
            buf_add_str(out, "\\fR");
        }
        buf_add_str(out, "\n");
        add_text(out, list->help);
        buf_add_str(out, "\n");
    }
}

static void
add_command(struct buf *out, const struct ctl_command *c)
{
    BUF_AUTO struct buf synopsis = {0};

    ctl_help_synopsis(c, false, &synopsis);
    buf_add_str(out, ".SS ");
    add_text(out, buf_str(&synopsis));
    buf_add_str(out, "\n");
    add_text(out, c->help);
    buf_add_str(out, ".\n");
    if (c->more) {
        add_text(out, c->more);
        buf_add_str(out, "\n");
    }
    add_params(out, c->args);
    add_params(out, c->flags);
    buf_add_str(out, ".PP\n.EX\n");
    for (size_t i = 0; i < ARRAY_LEN(c->examples) && c->examples[i]; i++) {
        buf_add_str(out, "agentctl ");
        add_text(out, c->examples[i]);
        buf_add_str(out, "\n");
    }
    buf_add_str(out, ".EE\n");
}

static const char head[] =
    ".SH NAME\n"
    "agentctl \\- look at agentd, and tell it what to do\n"
    ".SH SYNOPSIS\n"
    ".B agentctl\n"
    "\\fINOUN\\fR [\\fIVERB\\fR] [\\fIARGUMENT\\fR] [\\fB\\-\\-option\\fR \\fIVALUE\\fR]\n"
    ".SH DESCRIPTION\n"
    "agentctl asks a running agentd over its control socket and prints what it answers: tables "
    "for\n"
    "people, and with \\fB\\-\\-json\\fR one JSON document for programs.\n"
    "Times in JSON are Unix milliseconds under names that end in _at.\n"
    ".PP\n"
    "Durations are written 90s, 5m, 1h30m or 1d; a plain number is seconds.\n"
    "Times are RFC 3339, +10m from now, -10m ago, or now.\n"
    "Names are bare, or company/name; a bare one belongs to the company of \\fB\\-\\-company\\fR.\n"
    "A payload is JSON text, @FILE, or \\- for standard input.\n"
    ".PP\n"
    "A request that changes something carries a random id. When the connection breaks before the\n"
    "answer, agentctl asks once more under the same id, so that agentd does it only once.\n";

static const char tail[] =
    ".SH EXIT STATUS\n"
    ".TP\n0\nDone.\n"
    ".TP\n1\nRefused or failed: the daemon said no; code and message are on standard error.\n"
    ".TP\n2\nUsage.\n"
    ".TP\n3\nNo daemon there, or it did not answer in time.\n"
    ".TP\n4\nThe job that was waited for ended, but not completed.\n"
    ".TP\n5\nThe outcome is unknown: the daemon stopped between the request and its answer, and\n"
    "asking again did not settle it.\n"
    ".SH ENVIRONMENT\n"
    ".TP\n.B AGENTD_RUN\nThe run folder, when \\fB\\-\\-run\\fR is not given.\n"
    ".TP\n.B XDG_RUNTIME_DIR\nHolds the run folder of an ordinary user, agentd.\n"
    ".TP\n.B NO_COLOR\nNo colours, on a terminal too.\n"
    ".SH SEE ALSO\n"
    ".BR agentd (8)\n";

void
ctl_man_page(struct buf *out)
{
    const struct ctl_command *c;

    buf_printf(out, ".TH AGENTCTL 1 \"\" \"agentd %s\" \"User Commands\"\n", AGENTD_VERSION);
    buf_add_str(out, head);
    buf_add_str(out, ".SH OPTIONS\nThese may stand anywhere on the line.\n");
    add_params(out, ctl_globals);
    buf_add_str(out, ".SH COMMANDS\n");
    for (size_t i = 0; (c = ctl_command_at(i)); i++)
        add_command(out, c);
    buf_add_str(out, tail);
}
