#include "tools/agentctl/print.h"

void
ctl_print_fired(struct ctl_out *o, struct view body)
{
    static const struct ctl_column rows[] = {
        {"job",    "job",    CTL_AS_TEXT},
        {"firing", "number", CTL_AS_TEXT},
        {"forced", "forced", CTL_AS_BOOL},
    };

    ctl_record(o, body, rows, ARRAY_LEN(rows));
}
