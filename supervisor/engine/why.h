/* why - why a job, a schedule, an agent, a session or an effect does nothing now (A10); all answer
 * in one shape (why_answer.h). */
#ifndef ENGINE_WHY_H
#define ENGINE_WHY_H

#include "supervisor/engine/reads.h"

enum errc read_job_why(struct reading *r, const struct msg_job_why *m) MUST_CHECK;
enum errc read_schedule_why(struct reading *r, const struct msg_schedule_why *m) MUST_CHECK;
/* Of the job that it works on next, else of its next wake-up. */
enum errc read_agent_why(struct reading *r, const struct msg_agent_why *m) MUST_CHECK;
/* Of its unfinished job. */
enum errc read_session_why(struct reading *r, const struct msg_session_why *m) MUST_CHECK;
enum errc read_effect_why(struct reading *r, const struct msg_effect_why *m) MUST_CHECK;

struct why;
/* What holds the job, or says that it runs or is over. */
void why_job_blockers(struct why *w, const struct job_state *j);

#endif
