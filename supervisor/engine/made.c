#include "supervisor/engine/made.h"

#include "supervisor/engine/agents.h"
#include "supervisor/engine/chain.h"

struct agent
made_row(struct engine *en, uint32_t agent)
{
    const struct agent *row = agent_row(en, agent);

    return row ? *row : (struct agent){.id = agent};
}

/* An agent that was removed has no row, and gets none again. */
static void
save(struct engine *en, const struct agent *row)
{
    struct agent *kept = agent_row(en, row->id);

    if (kept) *kept = *row;
}

static void
count(uint32_t *counter, int change)
{
    if (change > 0 || *counter > 0) *counter += (uint32_t)change;
}

void
made_schedules(struct engine *en, uint32_t agent, int change)
{
    struct agent row = made_row(en, agent);

    count(&row.made_schedules, change);
    save(en, &row);
}

void
made_wakes(struct engine *en, uint32_t agent, int change)
{
    struct agent row = made_row(en, agent);

    count(&row.made_wakes, change);
    save(en, &row);
}

void
made_asked(struct engine *en, uint32_t agent, int change)
{
    struct agent row = made_row(en, agent);

    count(&row.asked, change);
    save(en, &row);
}

void
made_wake_over(struct engine *en, uint64_t job)
{
    struct job_spec spec = {.id = job};

    if (job_spec_load(turn_txn(en), &spec) == LOAD_FOUND && chain_last(&spec))
        made_wakes(en, chain_last(&spec), -1);
}

void
made_answered(struct engine *en, uint32_t agent)
{
    struct agent row = made_row(en, agent);

    row.answered_at = en->turn.now.wall_ms;
    save(en, &row);
}

bool
made_is_unanswered(struct engine *en, uint32_t agent, int64_t created_at)
{
    struct agent row = made_row(en, agent);
    int64_t      since = row.answered_at > created_at ? row.answered_at : created_at;
    int64_t      max = en->memory.limits.agent_unanswered_ms;

    return max != NO_LIMIT && en->turn.now.wall_ms - since >= max;
}
