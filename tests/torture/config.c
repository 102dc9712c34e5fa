#include "tests/torture/config.h"

#include "common/mem.h"
#include "tests/torture/rig.h"
#include "tests/torture/schedules.h"
#include "tests/torture/sessions.h"
#include "tests/torture/webserver.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define KEPT_JOBS 20   /* of one process of the persistent handler */
#define SHOUT_MS  1500 /* a message that the command has not got so long after is not sent */

int
busy_cap(unsigned changes)
{
    static const int caps[] = {2, 0, 1, 3};

    return caps[changes % ARRAY_LEN(caps)];
}

int
beta_cap(unsigned changes)
{
    static const int caps[] = {3, 1, 2};

    return caps[changes % ARRAY_LEN(caps)];
}

/* What the handlers do.  Each holds a lock of its job for as long as it lives, its children too,
 * and writes a line when it starts and one when it is about to give its verdict.  Likewise one of
 * its schedule, whose name is the mark. */
static const char handler[] =
    "exec 9>>\"$TORTURE/locks/$AGENTD_JOB_ID\"\n"
    "note() {\n"
    "    read -r up rest </proc/uptime\n"
    "    printf '%s %s %s %s %s %s\\n' \"$1\" \"$AGENTD_JOB_ID\" \"$AGENTD_ATTEMPT\" "
    "\"$AGENTD_LEASE\" \"$$\" \"$up\" >>\"$TORTURE/handlers.history\"\n"
    "}\n"
    "flock -n 9 || note overlap\n"
    "note start\n"
    "read -r document\n"
    "mark=${document##*\\\"mark\\\":\\\"}\n"
    "mark=${mark%%\\\"*}\n"
    "case $mark in *-*|from*) ;; *)\n"
    "    exec 8>>\"$TORTURE/locks/of-$mark\"\n"
    "    flock -n 8 || note beside ;;\n"
    "esac\n"
    "seen=${document#*\\\"checkpoint\\\":\\{\\\"job\\\":}\n"
    "seen=${seen%%[,\\}]*}\n"
    "case $seen in *[!0-9]*) seen=0 ;; esac\n"
    "result() {\n"
    "    note end\n"
    "    printf '{\"type\":\"result\",\"output\":"
    "{\"mark\":\"%s\",\"job\":%s,\"attempt\":%s,\"seen\":%s}}\\n' "
    "\"$mark\" \"$AGENTD_JOB_ID\" \"$AGENTD_ATTEMPT\" \"$seen\"\n"
    "    exit 0\n"
    "}\n"
    "wake() {\n"
    "    printf '{\"type\":\"effect\",\"kind\":\"wake_agent\",\"agent\":\"%s\",\"payload\":"
    "{\"mark\":\"from %s\",\"from\":%s,\"attempt\":%s}}\\n' "
    "\"$1\" \"$AGENTD_JOB_ID\" \"$AGENTD_JOB_ID\" \"$AGENTD_ATTEMPT\"\n"
    "    result\n"
    "}\n"
    "case $1 in\n"
    "work) result ;;\n"
    "slow) sleep 0.$(($$ % 8 + 1)); result ;;\n"
    "forks)\n"
    "    trap '' TERM\n"
    "    setsid sleep 60 </dev/null >/dev/null 2>&1 &\n"
    "    sleep 0.2\n"
    "    result ;;\n"
    "flaky) [ $(($$ % 3)) -ne 0 ] || { note end; exit 3; }; result ;;\n"
    "limited)\n"
    "    [ $(($$ % 4)) -ne 0 ] || { note end; echo "
    "'{\"type\":\"fail\",\"class\":\"rate_limited\",\"retry_after_ms\":100}'; exit 0; }\n"
    "    result ;;\n"
    "fails) note end; echo 'it never works' >&2; exit 1 ;;\n"
    "snoozes)\n"
    "    [ \"$AGENTD_ATTEMPT\" -ne 1 ] || { note end; echo '{\"type\":\"snooze\",\"ms\":100}'; "
    "exit 0; }\n"
    "    result ;;\n"
    "overruns) sleep 30; note end ;;\n"
    "tells)\n"
    "    printf '{\"type\":\"notify\",\"message\":\"%s %s\"}\\n' \"$AGENTD_JOB_ID\" "
    "\"$AGENTD_ATTEMPT\"\n"
    "    for sink in shout " HOOK " " POST "; do\n"
    "        printf '{\"type\":\"effect\",\"kind\":\"send_message\",\"sink\":\"%s\","
    "\"content\":\"%s %s\"}\\n' \"$sink\" \"$AGENTD_JOB_ID\" \"$AGENTD_ATTEMPT\"\n"
    "    done\n"
    "    printf '{\"type\":\"checkpoint\",\"data\":{\"job\":%s,\"attempt\":%s}}\\n' "
    "\"$AGENTD_JOB_ID\" \"$AGENTD_ATTEMPT\"\n"
    "    result ;;\n"
    "closes) echo '{\"type\":\"effect\",\"kind\":\"ticket\",\"status\":\"done\"}'; result ;;\n"
    "spends)\n"
    "    n=$(($$ % 6 + 1))\n"
    "    while [ $n -gt 0 ]; do\n"
    "        echo '{\"type\":\"turn\"}'\n"
    "        echo "
    "'{\"type\":\"usage\",\"input_tokens\":7,\"output_tokens\":3,\"cost_micros\":11}'\n"
    "        n=$((n - 1))\n"
    "        sleep 0.04\n"
    "    done\n"
    "    result ;;\n"
    "calls) wake sleeper ;;\n"
    "pings) wake pong ;;\n"
    "pongs) wake ping ;;\n"
    "esac\n";

/* A sink that writes down what it was given, at once or after a while; what it was given twice is
 * there twice.  Now and then it does not take it. */
static const char shout[] = "read -r document\n"
                            "[ $(($$ % 4)) -ne 0 ] || exit 75\n"
                            "id=${document#*'\"effect_id\":'}\n"
                            "id=${id%%[!0-9]*}\n"
                            "[ $((id % 3)) -ne 0 ] || sleep 0.1\n"
                            "echo \"$id\" >>\"$1/shouts.history\"\n"
                            "[ $((id % 3)) -ne 1 ] || sleep 0.1\n";

/* What processes events.  It fails, dies and talks nonsense now and then, before and behind what
 * counts. */
static const char session_handler[] =
    "note() {\n"
    "    read -r up rest </proc/uptime\n"
    "    printf '%s %s %s %s %s %s\\n"
    "' \"$1\" \"$job\" \"$attempt\" \"$AGENTD_LEASE\" \"$$\" \"$up\" \\\n"
    "        >>\"$TORTURE/handlers.history\"\n"
    "}\n"
    "after() {\n"
    "    value=${document#*\"$1\"}\n"
    "    value=${value%%[!0-9]*}\n"
    "    value=${value:-0}\n"
    "}\n"
    "effect() {\n"
    "    printf '{\"type\":\"effect\",\"kind\":\"%s\",' \"$1\"\n"
    "    shift\n"
    "    printf \"$@\"\n"
    "    echo }\n"
    "}\n"
    "plan() {\n"
    "    effect schedule_timer '\"timer_id\":\"e%s\",\"in_ms\":%s,\"payload\":{\"n\":%s}' \\\n"
    "        \"$seq\" $((n % 700)) $((seq + PLANNED))\n"
    "    [ $((n % TWICE)) -eq 0 ] || return\n"
    "    effect schedule_timer '\"timer_id\":\"x%s\",\"in_ms\":3600000' \"$seq\"\n"
    "    effect cancel_timer '\"timer_id\":\"x%s\"' \"$seq\"\n"
    "}\n"
    "choke() {\n"
    "    note end\n"
    "    [ $((n % AT_ONCE)) -eq 0 ] || exit 1\n"
    "    echo '{\"type\":\"fail\",\"class\":\"budget_exceeded\"}'\n"
    "    return 1\n"
    "}\n"
    "process() {\n"
    "    after '\"job\":{\"id\":'; job=$value\n"
    "    after '\"attempt\":'; attempt=$value\n"
    "    key=${document#*'\"session\":{\"key\":\"'}\n"
    "    key=${key%%'\"'*}\n"
    "    exec 9>>\"$TORTURE/locks/session-$key\"\n"
    "    flock -n 9 || note overlap\n"
    "    note start\n"
    "    document=${document#*'\"session\":{\"key\":\"'}\n"
    "    after '\"event\":{\"seq\":'; seq=$value\n"
    "    after '\"n\":'; n=$value\n"
    "    type=${document#*'\"type\":\"'}\n"
    "    type=${type%%'\"'*}\n"
    "    document=${document#*'\"checkpoint\":{\"seq\":'}\n"
    "    after '\"count\":'; count=$((value + 1))\n"
    "    after '\"sum\":'; sum=$(((value * FACTOR + seq + n) % MODULUS))\n"
    "    [ -z \"$CHOKES\" ] || [ -e \"$TORTURE/mended/$n\" ] || choke || return\n"
    "    what=$(((job * 7 + attempt * 5) % 24))\n"
    "    [ -z \"$CHOKES\" ] || what=7 # no more than it chokes\n"
    "    case $what in\n"
    "    0) note end; exit 3 ;;\n"
    "    1) note end; echo '{\"type\":\"fail\",\"message\":\"not now\"}'; return ;;\n"
    "    2) effect send_message '\"content\":\"\"' ;;\n"
    "    3) kill -9 $$ ;;\n"
    "    4) sleep 0.1 9>&- ;;\n"
    "    5) note end; echo '{\"type\":\"snooze\",\"ms\":50}'; return ;;\n"
    "    esac\n"
    "    effect send_message '\"content\":\"%s %s %s %s %s\"' \"$key\" \"$seq\" \"$count\" "
    "\"$job\" \"$attempt\"\n"
    "    [ \"$type\" != step ] || [ $((n % EVERY)) -ne 0 ] || plan\n"
    "    printf '{\"type\":\"checkpoint\",\"data\":{\"seq\":%s,\"count\":%s,\"sum\":%s}}\\n"
    "' \"$seq\" \"$count\" \"$sum\"\n"
    "    [ $what -ne 6 ] || kill -9 $$\n"
    "    note end\n"
    "    printf '{\"type\":\"result\",\"output\":{\"job\":%s,\"attempt\":%s}}\\n"
    "' \"$job\" \"$attempt\"\n"
    "}\n"
    "while read -r document; do\n"
    "    process\n"
    "    exec 9>&-\n"
    "done\n";

static const char *const exec_handlers[] = {"work",    "slow",     "forks", "flaky",  "fails",
                                            "snoozes", "overruns", "tells", "closes", "calls",
                                            "pings",   "spends",   "pongs", LIMITED};

static FILE *
create(const char *folder, const char *name)
{
    FREE_AUTO char *path = xasprintf("%s/%s", folder, name);

    return fopen(path, "we");
}

static void
print_settings(FILE *f, const struct ports *p, unsigned changes)
{
    (void)fprintf(f,
                  "daemon: {stop_grace: 500ms}\n"
                  "workers: {count: %d, slots: %d, heartbeat_interval: 100ms, "
                  "heartbeat_timeout: 700ms}\n"
                  "limits:\n"
                  "  max_crashes: 1000000\n"
                  "  retry: [50ms, 100ms]\n"
                  "  kill_grace: 200ms\n"
                  "  company_max_concurrent: %d\n"
                  "  agent_max_concurrent: %d\n"
                  "  schedule_max_concurrent: %d\n"
                  "  interactive_delay: %dms\n"
                  "  feed_bytes: 64G\n"
                  "  feed_age: 3650d\n"
                  "  agent_wakes_max: null\n"
                  "  chain_rate_max: null\n"
                  "sessions: {handler: listens, sinks: [mail], max_consecutive: %d, cooldown: 0s, "
                  "queue_max: %d, on_failure: %s}\n"
                  "gateway: {listen: \"127.0.0.1:%d\", connections_max: %u}\n"
                  "companies:\n"
                  "  acme: {}\n"
                  "  " TALK ": {}\n"
                  "  beta: {max_concurrent: %d, priority_max: 60}\n"
                  "  narrow: {queue_max: %d}\n",
                  WORKERS, SLOTS, COMPANY_CAP, AGENT_CAP, SCHEDULE_CAP, PUT_OFF_MS, SPOKEN_MAX,
                  WAITING_MAX, sessions_hold ? "hold" : "skip", p->gateway, 1000 + changes % 2,
                  beta_cap(changes), NARROW_MAX);
}

static void
print_sinks(FILE *f, const char *folder, const struct ports *p)
{
    static const char *const posts[] = {HOOK, POST};

    (void)fprintf(f,
                  "sinks:\n  mail: {kind: file, path: %s/mail.history}\n"
                  "  " SHOUT ": {kind: command, command: [/bin/sh, %s/shout.sh, %s], "
                  "max_attempts: %d, not_after: %dms}\n",
                  folder, folder, folder, SHOUT_ATTEMPTS, SHOUT_MS);
    for (unsigned i = 0; i < ARRAY_LEN(posts); i++) {
        (void)fprintf(f,
                      "  %s: {kind: http, url: \"http://127.0.0.1:%d/%s\", "
                      "allow: [\"127.0.0.1:%d\"], timeout: %dms, max_attempts: 1000, "
                      "idempotent: %s}\n",
                      posts[i], p->web, posts[i], p->web, WEB_TIMEOUT_MS,
                      strcmp(posts[i], POST) == 0 ? "true" : "false");
    }
}

static void
print_objects(FILE *f, const char *folder, unsigned changes)
{
    (void)fprintf(f, "handlers:\n");
    for (unsigned i = 0; i < ARRAY_LEN(exec_handlers); i++) {
        (void)fprintf(f,
                      "  %s:\n    kind: exec\n    command: [/bin/sh, %s/handler.sh, %s]\n"
                      "    set_env: {TORTURE: %s}\n    max_attempts: 1000\n",
                      exec_handlers[i], folder, exec_handlers[i], folder);
    }
    (void)fprintf(f,
                  "  hears:\n    kind: exec\n    command: [/bin/sh, %s/session.sh]\n"
                  "    set_env: {TORTURE: %s}\n    max_attempts: 1000\n"
                  "  listens:\n    kind: persistent\n    command: [/bin/sh, %s/session.sh]\n"
                  "    jobs_max: %d\n"
                  "    set_env: {TORTURE: %s, KEPT: kept}\n    max_attempts: 1000\n",
                  folder, folder, folder, KEPT_JOBS, folder);
    (void)fprintf(f,
                  "  " CHOKES ":\n    kind: exec\n    command: [/bin/sh, %s/session.sh]\n"
                  "    set_env: {TORTURE: %s, CHOKES: chokes}\n    max_attempts: %d\n",
                  folder, folder, CHOKES_MAX);
    (void)fprintf(f,
                  "agents:\n"
                  "  - {name: " SCRIBE ", company: " TALK ", handler: hears}\n"
                  "  - {name: " VOICE ", company: " TALK ", handler: listens, sinks: [gateway]}\n"
                  "  - {name: herald, company: acme, handler: tells, sinks: [mail]}\n"
                  "  - {name: sleeper, company: acme, handler: work}\n"
                  "  - {name: caller, company: acme, handler: calls}\n"
                  "  - {name: " ASKER ", company: acme, handler: calls, approval: all}\n"
                  "  - {name: maid, handler: closes}\n"
                  "  - {name: ping, company: acme, handler: pings}\n"
                  "  - {name: pong, company: acme, handler: pongs}\n"
                  "  - {name: alice, company: acme, handler: closes}\n"
                  "  - {name: bob, company: acme, handler: closes}\n"
                  "schedules:\n");
    (void)fprintf(f, "  %s: {cron: \"0 0 29 2 *\", handler: noop, priority: %u}\n", RELOADED,
                  changes % 100);
    for (unsigned i = 0; i < schedules_count; i++) {
        if (!schedules[i].when) continue;
        (void)fprintf(f, "  %s: {%s, handler: %s, max_attempts: 1000, payload: {mark: %s}}\n",
                      schedules[i].name, schedules[i].when, schedules[i].handler,
                      schedules[i].name);
    }
}

static bool
write_settings(const char *folder, const char *name, const struct ports *p, unsigned changes)
{
    FILE *config = create(folder, name);

    if (!config) return false;
    print_settings(config, p, changes);
    print_sinks(config, folder, p);
    print_objects(config, folder, changes);
    return fclose(config) == 0;
}

bool
config_change(const char *folder, const struct ports *p, unsigned changes)
{
    FREE_AUTO char *from = xasprintf("%s/agentd.yaml.new", folder);
    FREE_AUTO char *to = xasprintf("%s/agentd.yaml", folder);

    return write_settings(folder, "agentd.yaml.new", p, changes) && rename(from, to) == 0;
}

static bool
write_script(const char *folder, const char *name, const char *text)
{
    FILE *script = create(folder, name);

    if (!script) return false;
    (void)fprintf(script,
                  "#!/bin/sh\nFACTOR=%d MODULUS=%d PLANNED=%d EVERY=%d TWICE=%d AT_ONCE=%d\n%s",
                  SUM_FACTOR, SUM_MODULUS, PLANNED, PLAN_EVERY, PLAN_TWICE, CHOKES_AT_ONCE,
                  text); /* fclose tells of what failed */
    return fclose(script) == 0;
}

bool
config_write(const char *folder, const struct ports *p)
{
    FREE_AUTO char *locks = xasprintf("%s/locks", folder);
    FREE_AUTO char *mended = xasprintf("%s/mended", folder);

    return mkdir(locks, 0700) == 0 && mkdir(mended, 0700) == 0 &&
           write_script(folder, "handler.sh", handler) &&
           write_script(folder, "session.sh", session_handler) &&
           write_script(folder, "shout.sh", shout) && write_settings(folder, "agentd.yaml", p, 0);
}
