#include "common/mp.h"
#include "tools/agentctl/print.h"

// clang-format off
void
ctl_print_goal(struct ctl_out *o, struct view body)
{
    static const struct ctl_column rows[] = {
        {"goal", "id", CTL_AS_TEXT}, {"title", "title", CTL_AS_TEXT}, {"status", "status", CTL_AS_TEXT},
        {"company", "company", CTL_AS_TEXT}, {"parent", "parent", CTL_AS_TEXT}, {"agent", "agent", CTL_AS_TEXT},
        {"open jobs", "open_jobs", CTL_AS_TEXT}, {"children", "children", CTL_AS_LIST},
        {"tickets", "tickets", CTL_AS_LIST}, {"created", "created_at", CTL_AS_INSTANT}, {"data", "data", CTL_AS_JSON}};

    ctl_record(o, body, rows, ARRAY_LEN(rows));
}

void
ctl_print_goals(struct ctl_out *o, struct view body)
{
    static const struct ctl_column columns[] = {
        {"ID", "id", CTL_AS_NUMBER}, {"PARENT", "parent", CTL_AS_NUMBER}, {"STATUS", "status", CTL_AS_TEXT},
        {"COMPANY", "company", CTL_AS_TEXT}, {"AGENT", "agent", CTL_AS_TEXT}, {"JOBS", "open_jobs", CTL_AS_NUMBER},
        {"TITLE", "title", CTL_AS_TEXT}};

    ctl_table(o, ctl_list(body, "items"), columns, ARRAY_LEN(columns));
}

void
ctl_print_parts(struct ctl_out *o, struct view body)
{
    static const struct ctl_column columns[] = {
        {"GOAL", "goal", CTL_AS_NUMBER}, {"AGENT", "agent", CTL_AS_TEXT}, {"JOB", "job", CTL_AS_NUMBER},
        {"TITLE", "title", CTL_AS_TEXT}};

    ctl_table(o, ctl_list(body, "parts"), columns, ARRAY_LEN(columns));
}

void
ctl_print_ticket(struct ctl_out *o, struct view body)
{
    static const struct ctl_column rows[] = {
        {"ticket", "id", CTL_AS_TEXT}, {"title", "title", CTL_AS_TEXT}, {"status", "status", CTL_AS_TEXT},
        {"company", "company", CTL_AS_TEXT}, {"goal", "goal", CTL_AS_TEXT}, {"parent", "parent", CTL_AS_TEXT},
        {"assignee", "assignee", CTL_AS_TEXT}, {"required", "required", CTL_AS_TEXT}, {"reward", "reward", CTL_AS_TEXT},
        {"deadline", "deadline_at", CTL_AS_INSTANT}, {"routine", "routine", CTL_AS_TEXT}, {"job", "job", CTL_AS_TEXT},
        {"done", "done_at", CTL_AS_INSTANT}, {"usage", "usage", CTL_AS_MAP}, {"data", "data", CTL_AS_JSON}};

    ctl_record(o, body, rows, ARRAY_LEN(rows));
}

void
ctl_print_tickets(struct ctl_out *o, struct view body)
{
    static const struct ctl_column columns[] = {
        {"ID", "id", CTL_AS_NUMBER}, {"STATUS", "status", CTL_AS_TEXT}, {"GOAL", "goal", CTL_AS_NUMBER},
        {"ASSIGNEE", "assignee", CTL_AS_TEXT}, {"JOB", "job", CTL_AS_NUMBER}, {"TITLE", "title", CTL_AS_TEXT}};

    ctl_table(o, ctl_list(body, "items"), columns, ARRAY_LEN(columns));
}
// clang-format on
