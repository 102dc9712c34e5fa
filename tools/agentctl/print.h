/* print - the replies, for people.  Each takes a reply's body and appends to the out's buf. */
#ifndef TOOLS_AGENTCTL_PRINT_H
#define TOOLS_AGENTCTL_PRINT_H

#include "tools/agentctl/layout.h"

void ctl_print_submitted(struct ctl_out *o, struct view body);
void ctl_print_job(struct ctl_out *o, struct view body);
void ctl_print_jobs(struct ctl_out *o, struct view body);
void ctl_print_job_ids(struct ctl_out *o, struct view body);
void ctl_print_many(struct ctl_out *o, struct view body);
void ctl_print_job_stats(struct ctl_out *o, struct view body);
void ctl_print_stream(struct ctl_out *o, struct view body);
void ctl_print_why(struct ctl_out *o, struct view body);
void ctl_print_schedule(struct ctl_out *o, struct view body);
/* The `warnings` of a schedule, and the `advice` that a save gives. */
void ctl_print_saved(struct ctl_out *o, struct view body);
void ctl_print_schedules(struct ctl_out *o, struct view body);
void ctl_print_fired(struct ctl_out *o, struct view body);
void ctl_print_backfilled(struct ctl_out *o, struct view body);
void ctl_print_firings(struct ctl_out *o, struct view body);
void ctl_print_schedule_stats(struct ctl_out *o, struct view body);
void ctl_print_removed(struct ctl_out *o, struct view body);

void ctl_print_companies(struct ctl_out *o, struct view body);
void ctl_print_company(struct ctl_out *o, struct view body);
void ctl_print_profile(struct ctl_out *o, struct view body);
void ctl_print_profiles(struct ctl_out *o, struct view body);
void ctl_print_agent(struct ctl_out *o, struct view body);
void ctl_print_agents(struct ctl_out *o, struct view body);
void ctl_print_handlers(struct ctl_out *o, struct view body);
void ctl_print_effect(struct ctl_out *o, struct view body);
void ctl_print_effects(struct ctl_out *o, struct view body);

void ctl_print_appended(struct ctl_out *o, struct view body);
void ctl_print_session(struct ctl_out *o, struct view body);
void ctl_print_activity(struct ctl_out *o, struct view body);
void ctl_print_activities(struct ctl_out *o, struct view body);
void ctl_print_timer(struct ctl_out *o, struct view body);
void ctl_print_timers(struct ctl_out *o, struct view body);
void ctl_print_timer_cancel(struct ctl_out *o, struct view body);
void ctl_print_sessions(struct ctl_out *o, struct view body);
void ctl_print_events(struct ctl_out *o, struct view body);

void ctl_print_goal(struct ctl_out *o, struct view body);
void ctl_print_goals(struct ctl_out *o, struct view body);
void ctl_print_decomposed(struct ctl_out *o, struct view body);
void ctl_print_ticket(struct ctl_out *o, struct view body);
void ctl_print_tickets(struct ctl_out *o, struct view body);
void ctl_print_woken(struct ctl_out *o, struct view body);

void ctl_print_approval(struct ctl_out *o, struct view body);
void ctl_print_approvals(struct ctl_out *o, struct view body);

void ctl_print_status(struct ctl_out *o, struct view body);
void ctl_print_pong(struct ctl_out *o, struct view body);
void ctl_print_workers(struct ctl_out *o, struct view body);
void ctl_print_scaled(struct ctl_out *o, struct view body);
void ctl_print_restarted(struct ctl_out *o, struct view body);
void ctl_print_fsck(struct ctl_out *o, struct view body);
void ctl_print_forecast(struct ctl_out *o, struct view body);
void ctl_print_reload(struct ctl_out *o, struct view body);
void ctl_print_audit(struct ctl_out *o, struct view body);
void ctl_print_usage(struct ctl_out *o, struct view body);
void ctl_print_clock(struct ctl_out *o, struct view body);
void ctl_print_stopped(struct ctl_out *o, struct view body);
void ctl_print_resumed(struct ctl_out *o, struct view body);
void ctl_print_breaker(struct ctl_out *o, struct view body);
void ctl_print_breakers(struct ctl_out *o, struct view body);
void ctl_print_token(struct ctl_out *o, struct view body);
void ctl_print_tokens(struct ctl_out *o, struct view body);
void ctl_print_drained(struct ctl_out *o, struct view body);
/* One event of the feed, on one line. */
void ctl_print_event(struct ctl_out *o, struct view event);

#endif
