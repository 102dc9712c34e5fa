/* help - texts made from the command table: help, the completion, the man page. */
#ifndef TOOLS_AGENTCTL_HELP_H
#define TOOLS_AGENTCTL_HELP_H

#include "common/buf.h"
#include "tools/agentctl/command.h"

void ctl_help_all(struct buf *out);
void ctl_help_noun(const char *noun, struct buf *out); /* its commands, one a line */
void ctl_help_command(const struct ctl_command *c, struct buf *out);
/* "agentctl job show ID": arguments and required flags; with all flags when asked. */
void ctl_help_synopsis(const struct ctl_command *c, bool has_flags, struct buf *out);
void ctl_completion_bash(struct buf *out);
void ctl_man_page(struct buf *out);

#endif
