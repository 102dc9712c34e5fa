/* Configuration files that are refused: what is said, and the place it is said of. */
#include "tests/unit/config_fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* ---- what is refused, and where -------------------------------------------- */

struct bad {
    const char *text;
    const char *place; /* LINE:COL */
    const char *field;
    const char *says;
    const char *hint; /* or NULL */
};

#define HTTP "sinks: {s: {kind: http, url: 'http://h', "
#define EXEC "handlers:\n  h: {kind: exec, command: [x], "

// clang-format off
static const struct bad bad_syntax[] = {
    {"a: [1, 2\n",                       "2:1", "", "not YAML: flow sequence without a closing bracket", NULL},
    {"\tlimits: {}\n",                   "1:1", "", "not YAML: ", NULL},
    {"limits:\n  max_run: 1m\n max_turns: 5\n", "3:2", "", "not YAML: invalid indentation in mapping", NULL},
    {"limits: \"x\n",                    "1:10", "", "not YAML: double-quoted scalar without closing quote", NULL},
    {"a: b: c\n",                        "1:5", "", "not YAML: ", NULL},
    {"%YAML 3.0\n---\n",                 "1:1", "", "not YAML", NULL},
    {"x: a\x01z\n",                      "1:5", "", "a control character", NULL},
    {"x: \"\xc3\xa9\x7f\"\n",            "1:6", "", "a control character", NULL},
    {"x: 1\ny: \xc3(\n",                 "2:4", "", "not UTF-8", NULL},
    {"x: 1\ny: \xe2\x82",                "2:4", "", "not UTF-8", NULL},
    {"x: 1\ry: 2\n",                     "1:5", "", "a control character", NULL},
    {"limits: {}\n---\nlimits: {}\n",    "2:1", "", "a second document", NULL},
    {"agents:\n  a: &x {}\n  b: *x\n",   "2:9", "agents", "anchors and aliases are not supported", NULL},
    {"agents:\n  a: {data: *x}\n",       "2:13", "agents.a", "anchors and aliases are not supported", NULL},
    {"agents: !!map {}\n",               "1:15", "", "tags are not supported", NULL},
    {"limits:\n  max_run: 1m\n  max_turns: 5\n  max_run: 2m\n", "4:3", "limits.max_run", "given twice, first in line 2", NULL},
    {"{\"limits\": {}, \"log\": {}, \"limits\": {}}", "1:27", "limits", "given twice, first in line 1", NULL},
    {"? [a]\n: 1\n",                     "1:3", "", "a key must be a word", NULL},
    {"- a\n- b\n",                       "1:1", "", "found a list, allowed: a map of sections", NULL},
    {"agents: {a: {data: {x: 'x''''y'}}}\n", "1:24", "agents.a.data", "this text cannot be read reliably: write it in double quotes", NULL},
    {"agents: {a: {data: {x: 1, '''''''': 1}}}\n", "1:27", "agents.a.data", "this text cannot be read reliably", NULL},
    {"agents:\n  a: {data: }\n  b:\n    data:\n      t: >\n        one\n    \n         two\n", "6:1", "agents.b.data", "this text cannot be read reliably", NULL},
    {"hello\n",                          "1:1", "", "found \"hello\", allowed: a map of sections", NULL},
    {"agents: {a: {data: {x: [[[[[[[[[[[[[[]]]]]]]]]]]]]]}}}\n", "1:36", "agents.a.data.x[0][0][0][0][0][0][0][0][0][0][0]", "nested too deep", NULL},
};

static const struct bad bad_keys[] = {
    {"limit: {}\n",                      "1:1", "limit", "unknown key", "did you mean \"limits\"?"},
    {"log: {level: info}\nwokers: {count: 2}\n", "2:1", "wokers", "unknown key", "did you mean \"workers\"?"},
    {"nothing_like_it: {}\n",            "1:1", "nothing_like_it", "unknown key", ""},
    {"limits:\n  max_rum: 5m\n",         "2:3", "limits.max_rum", "unknown key", "did you mean \"max_run\"?"},
    {"handlers:\n  x:\n    knid: exec\n", "3:5", "handlers.x.knid", "unknown key", "did you mean \"kind\"?"},
    {"handlers:\n  x:\n    kind: noop\n    max_run_ms: 5\n", "4:5", "handlers.x.max_run_ms", "unknown key", NULL},
    {"gateway: {lisen: x}\n",            "1:11", "gateway.lisen", "unknown key", "did you mean \"listen\"?"},
    {"heartbeat: {}\n",                  "1:1", "heartbeat", "not supported by this version", ""},
    {"cycles: {}\n",                     "1:1", "cycles", "not supported by this version", ""},
    {"daemon:\n  stop_grace: 1s\n  watchdog_interval: 60s\n", "3:3", "daemon.watchdog_interval", "not supported by this version", ""},
};

static const struct bad bad_values[] = {
    {"limits:\n  max_run: 5x\n",         "2:12", "limits.max_run", "found \"5x\", allowed: a duration like 90s or 1h30m, or a number of seconds, from 1ms to 36525d", NULL},
    {"limits: {max_run: 0}\n",           "1:19", "limits.max_run", "found 0, allowed: a duration", NULL},
    {"limits: {max_run: [5m]}\n",        "1:19", "limits.max_run", "found a list, allowed: a duration", NULL},
    {"limits: {max_run: null}\n",        "1:19", "limits.max_run", "found null, allowed: a duration", NULL},
    {"limits:\n  max_turns:\n  max_run: 5\n", "2:3", "limits.max_turns", "found nothing, allowed: an integer from 1 to 10000, or null", NULL},
    {"limits: {max_turns: 10001}\n",     "1:21", "limits.max_turns", "found 10001, allowed: an integer from 1 to 10000, or null", NULL},
    {"limits: {max_turns: \"5\"}\n",     "1:21", "limits.max_turns", "found \"5\", allowed: an integer", NULL},
    {"limits: {max_turns: 5.5}\n",       "1:21", "limits.max_turns", "found 5.5, allowed: an integer", NULL},
    {"limits: {max_attempts: 99999999999999999999}\n", "1:24", "limits.max_attempts", "found 99999999999999999999, allowed: an integer from 1 to 1000", NULL},
    {"limits: {feed_bytes: 1T}\n",       "1:22", "limits.feed_bytes", "found \"1T\", allowed: a number of bytes, also with K, M or G, from 65536", NULL},
    {"limits: {feed_bytes: 9999999999G}\n", "1:22", "limits.feed_bytes", "found \"9999999999G\", allowed:", NULL},
    {"limits: {retry: []}\n",            "1:17", "limits.retry", "found a list, allowed: a list of 1 to 32 durations", NULL},
    {"limits: {retry: [1m, -1]}\n",      "1:22", "limits.retry[1]", "found -1, allowed: a duration", NULL},
    {"limits: [1]\n",                    "1:9", "limits", "found a list, allowed: a map of settings", NULL},
    {"log: {level: inof}\n",             "1:14", "log.level", "found \"inof\", allowed: debug, info, warn or error", "did you mean \"info\"?"},
    {"log: {level: 3}\n",                "1:14", "log.level", "found 3, allowed: debug, info, warn or error", NULL},
    {"daemon: {durability: none}\n",     "1:22", "daemon.durability", "found \"none\", allowed: full or relaxed", NULL},
    {"daemon: {pid_file: 7}\n",          "1:20", "daemon.pid_file", "found 7, allowed: a path of 0 to 4096 bytes", NULL},
    {"daemon: {view_group: \"a\\nb\"}\n", "1:22", "daemon.view_group", "found \"a?b\", allowed: a text of 0 to 64 bytes", NULL},
    {"sessions: {sinks: [a]}\n",         "1:20", "sessions.sinks[0]", "found \"a\", no such sink is declared", NULL},
    {"sessions: {sinks: [gateway, gateway]}\n", "1:29", "sessions.sinks[1]", "found \"gateway\", the sink is named twice", NULL},
    {"sessions: {sinks: a}\n",           "1:19", "sessions.sinks", "found \"a\", allowed: a list of up to 8 names", NULL},
    {"workers:\n  slots: 600\n  count: 2\n", "2:10", "workers.slots", "workers.count times workers.slots is over 1024", NULL},
    {"workers: {count: 65}\n",           "1:18", "workers.count", "found 65, allowed: an integer from 0 to 64", NULL},
    {"sessions: {enabled: yes}\n",       "1:21", "sessions.enabled", "found \"yes\", allowed: true or false", NULL},
    {"gateway: {listen: nope}\n",        "1:19", "gateway.listen", "found \"nope\", allowed: ADDRESS:PORT, like 127.0.0.1:8377", NULL},
    {"gateway: {listen: 'localhost:8377'}\n", "1:19", "gateway.listen", "found \"localhost:8377\", allowed: ADDRESS:PORT", NULL},
    {"gateway: {listen: /run/a.sock}\n", "1:19", "gateway.listen", "found \"/run/a.sock\", allowed: ADDRESS:PORT", NULL},
    {"gateway: {listen: '[fe80::1%lo]:80'}\n", "1:19", "gateway.listen", "found \"[fe80::1%lo]:80\", allowed: ADDRESS:PORT", NULL},
    {"gateway: {listen: '127.0.0.1:0'}\n", "1:19", "gateway.listen", "found \"127.0.0.1:0\", allowed: ADDRESS:PORT, like 127.0.0.1:8377 or [::1]:8377, the port 1 to 65535", NULL},
    {"gateway: {hosts: 'a.example b.example'}\n", "1:18", "gateway.hosts", "found \"a.example b.example\", allowed: names and addresses with commas between them", NULL},
    {"gateway: {origins: 'http://a.example http://b.example'}\n", "1:20", "gateway.origins", "found \"http://a.example http://b.example\", allowed: origins with commas between them", NULL},
    {"gateway: {hosts: 'a.example, b.example:80'}\n", "1:18", "gateway.hosts", "found \"a.example, b.example:80\", allowed: names and addresses with commas between them, without ports", NULL},
    {"gateway: {hosts: 'https://a.example'}\n", "1:18", "gateway.hosts", "found \"https://a.example\", allowed: names and addresses", NULL},
    {"gateway: {origins: 'https://a.example/'}\n", "1:20", "gateway.origins", "found \"https://a.example/\", allowed: origins with commas between them, without paths", NULL},
    {"gateway: {origins: a.example}\n", "1:20", "gateway.origins", "found \"a.example\", allowed: origins", NULL},
    {"gateway: {listen: ':99999'}\n",    "1:19", "gateway.listen", "found \":99999\", allowed: ADDRESS:PORT", NULL},
    {"sessions: {handler: h}\n",         "1:21", "sessions.handler", "found \"h\", allowed: a declared handler", NULL},
    {"sessions: {zone: Mars/X}\n",       "1:18", "sessions.zone", "found \"Mars/X\", allowed: a time zone of the system's", NULL},
    {"sessions: {zone: ''}\n",           "1:18", "sessions.zone", "found \"\", allowed: a time zone of the system's", NULL},
    {"budgets: {zone: ../UTC}\n",        "1:17", "budgets.zone", "found \"../UTC\", allowed: a time zone of the system's", NULL},
    {"sessions: {quiet_hours: junk}\n",  "1:25", "sessions.quiet_hours", "found \"junk\", allowed: hours of the day as FROM-TO, like 22:00-07:00", NULL},
    {"sessions: {quiet_hours: '22:00-22:00'}\n", "1:25", "sessions.quiet_hours", "found \"22:00-22:00\", allowed: hours of the day as FROM-TO", NULL},
    {"sessions: {on_cooldown: wait}\n",  "1:25", "sessions.on_cooldown", "found \"wait\", allowed: reject or defer", NULL},
    {"sessions: {on_failure: stop}\n",   "1:24", "sessions.on_failure", "found \"stop\", allowed: skip or hold", NULL},
};

static const struct bad bad_objects[] = {
    {"agents: 5\n",                      "1:9", "agents", "found 5, allowed: a map of name: body, or a list of bodies", NULL},
    {"agents:\n  a: 5\n",                "2:6", "agents.a", "found 5, allowed: a map", NULL},
    {"agents:\n  - a\n",                 "2:5", "agents[0]", "found \"a\", allowed: a map", NULL},
    {"agents:\n  - company: default\n",  "2:5", "agents[0]", "name is missing", NULL},
    {"agents:\n  a: {name: b}\n",        "2:7", "agents.a.name", "the name is given already by the key", NULL},
    {"agents:\n  Bot: {}\n",             "2:3", "agents.Bot", "the name must be 1 to 64 of a-z 0-9 . _ -", NULL},
    {"agents:\n  - name: Bot\n",         "2:11", "agents[0].name", "found \"Bot\", must be 1 to 64 of", NULL},
    {"agents:\n  - name: 7\n",           "2:11", "agents[0].name", "found 7, allowed: a string", "put it in quotes"},
    {"agents:\n  - {name: a}\n  - {name: a}\n", "3:5", "agents[1]", "a is declared twice, first in line 2", NULL},
    {"agents: {a: {capabilities: -1}}\n", "1:28", "agents.a.capabilities", "found -1, allowed: an integer from 0", NULL},
    {"agents: {a: {max_concurrent: 2000}}\n", "1:30", "agents.a.max_concurrent", "found 2000, allowed: an integer from 0 to 1024, or null", NULL},
    {"agents: {a: {data: []}}\n",        "1:20", "agents.a.data", "found a list, allowed: a map", NULL},
    {"agents: {a: {data: {x: 99999999999999999999}}}\n", "1:24", "agents.a.data.x", "found 99999999999999999999, allowed: integers of 64 bits", NULL},
    {"agents: {a: {data: {x: .inf}}}\n", "1:24", "agents.a.data.x", "found .inf, allowed: finite numbers", NULL},
    {"agents: {a: {data: {x: 1e999}}}\n", "1:24", "agents.a.data.x", "found 1e999, allowed: finite numbers", NULL},
    {"agents: {a: {handler: nop}}\n",    "1:23", "agents.a.handler", "found \"nop\", no such handler is declared", NULL},
    {"handlers: {fetch: {kind: noop}}\nagents: {a: {handler: fetsh}}\n", "2:23", "agents.a.handler", "found \"fetsh\", no such handler is declared", "did you mean \"fetch\"?"},
    {"handlers: {fetch: {kind: noop}}\nagents: {a: {handler: x/fetch}}\n", "2:23", "agents.a.handler", "found \"x/fetch\", no such handler is declared", NULL},
    {"agents: {a: {approval: maybe}}\n", "1:24", "agents.a.approval", "found \"maybe\", allowed: none, schedules or all", NULL},
    {"profiles: {fast: {}}\nagents: {a: {profile: fats}}\n", "2:23", "agents.a.profile", "found \"fats\", no such profile is declared in this company", "did you mean \"fast\"?"},
    {"profiles: {p: {handler: nop}}\n",  "1:25", "profiles.p.handler", "found \"nop\", no such handler is declared", NULL},
    {"profiles: {p: {company: acme}}\n", "1:25", "profiles.p.company", "found \"acme\", no such company is declared", NULL},
    {"handlers: {h: {kind: noop, credential: \"A b\"}}\n", "1:40", "handlers.h.credential", "found \"A b\", must be 1 to 64 of", NULL},
    {"schedules: {s: {every: 5s, handler: noop, profile: p}}\n", "1:52", "schedules.s.profile", "found \"p\", no such profile is declared", NULL},
    {"agents: {a: {handler: noop}}\nschedules: {s: {every: 5s, agent: a, ticket: {titel: x}}}\n", "2:46", "schedules.s.ticket", "titel", NULL},
    {"schedules: {s: {every: 5s, handler: noop, ticket: {title: x}}}\n", "1:43", "schedules.s.ticket", "a routine's ticket needs an agent", NULL},
    {"profiles: {p: {max_turns: 5}}\nschedules: {s: {every: 5s, profile: p}}\n", "2:13", "schedules.s", "needs a handler, or an agent that has one", NULL},
    {"agents: {a: {handler: a/b/c}}\n",  "1:23", "agents.a.handler", "found \"a/b/c\", not a name", NULL},
    {"agents: {a: {company: acme}}\n",   "1:23", "agents.a.company", "found \"acme\", no such company is declared", NULL},
    {"agents: {a: {sinks: [s]}}\n",      "1:22", "agents.a.sinks[0]", "found \"s\", no such sink is declared", NULL},
    {"agents: {a: {sinks: s}}\n",        "1:21", "agents.a.sinks", "found \"s\", allowed: a list", NULL},
    {"sinks: {s: {kind: file, path: x}}\nagents: {a: {sinks: [s, gateway, s]}}\n", "2:34", "agents.a.sinks[2]", "found \"s\", the sink is named twice", NULL},
    {"sinks: {s: {kind: file, path: x}}\nagents: {a: {sinks: [s, s, s, s, s, s, s, s, s]}}\n", "2:21", "agents.a.sinks", "more than 8 sinks", NULL},
    {"handlers:\n  h:\n    command: [x]\n", "2:3", "handlers.h", "kind is missing", NULL},
    {"handlers: {h: {kind: exce}}\n",    "1:22", "handlers.h.kind", "found \"exce\", allowed: exec, persistent, noop, echo or sleep", "did you mean \"exec\"?"},
    {"handlers: {h: {kind: http}}\n",    "1:22", "handlers.h.kind", "found \"http\", not supported by this version", NULL},
    {"handlers: {h: {kind: persistent}}\n", "1:12", "handlers.h", "a handler of kind persistent needs a command", NULL},
    {"handlers: {h: {kind: exec, command: [a], jobs_max: 2}}\n", "1:42", "handlers.h.jobs_max", "only for handlers of kind persistent", NULL},
    {"handlers: {h: {kind: plugin}}\n",  "1:22", "handlers.h.kind", "found \"plugin\", not supported by this version", NULL},
    {"handlers: {echo: {kind: echo}}\n", "1:12", "handlers.echo", "echo is built in", NULL},
    {"handlers:\n  h: {kind: exec}\n",   "2:3", "handlers.h", "a handler of kind exec needs a command", NULL},
    {"handlers:\n  h: {kind: exec, command: []}\n", "2:28", "handlers.h.command", "must name a program", NULL},
    {"handlers:\n  h: {kind: exec, command: ['']}\n", "2:29", "handlers.h.command[0]", "must name a program", NULL},
    {"handlers:\n  h: {kind: exec, command: ls}\n", "2:28", "handlers.h.command", "found \"ls\", allowed: a list", "a program and its arguments, like [sh, -c, \"echo hello\"]"},
    {"handlers:\n  h: {kind: exec, command: [ls, [x]]}\n", "2:33", "handlers.h.command[1]", "found a list, allowed: a string", NULL},
    {"handlers:\n  h: {kind: exec, command: [\"l\\0s\"]}\n", "2:29", "handlers.h.command[0]", "must not contain NUL", NULL},
    {"handlers:\n  h: {kind: noop, command: [ls]}\n", "2:19", "handlers.h.command", "only for handlers of kind exec", NULL},
    {EXEC "cwd: 5}\n",                   "2:38", "handlers.h.cwd", "found 5, allowed: a string", "put it in quotes"},
    {EXEC "env: [A=B]}\n",               "2:39", "handlers.h.env[0]", "not a variable's name", NULL},
    {EXEC "set_env: {A=B: x}}\n",        "2:43", "handlers.h.set_env.A=B", "not a variable's name", NULL},
    {EXEC "set_env: {AGENTD_LEASE: x}}\n", "2:43", "handlers.h.set_env.AGENTD_LEASE", "is set by agentd", NULL},
    {EXEC "set_env: {A: ~}}\n",          "2:46", "handlers.h.set_env.A", "found null, allowed: a string", NULL},
    {EXEC "retry: 5m}\n",                "2:40", "handlers.h.retry", "found \"5m\", allowed: a list of 1 to 32 durations", NULL},
    {EXEC "retry: [1m, x]}\n",           "2:45", "handlers.h.retry[1]", "found \"x\", allowed: a duration", NULL},
    {EXEC "memory_max: 1K}\n",           "2:45", "handlers.h.memory_max", "found \"1K\", allowed: a number of bytes", NULL},
    {EXEC "files_max: 10K}\n",           "2:44", "handlers.h.files_max", "found \"10K\", allowed: an integer from 8 to 1048576", NULL},
    {EXEC "max_turns: }\n",              "2:33", "handlers.h.max_turns", "found nothing, allowed: an integer from 1 to 10000, or null", NULL},
    {"sinks: {s: {kind: file}}\n",       "1:9", "sinks.s", "a sink of kind file needs a path", NULL},
    {"sinks: {s: {kind: file, path: data.mdb}}\n", "1:31", "sinks.s.path", "found \"data.mdb\", is one of agentd's own files", NULL},
    {"sinks: {s: {kind: file, path: \"./a/../lock.mdb\"}}\n", "1:31", "sinks.s.path", "found \"./a/../lock.mdb\", is one of agentd's own files", NULL},
    {"sinks: {s: {kind: file, path: logs/00/1.log}}\n", "1:31", "sinks.s.path", "found \"logs/00/1.log\", is one of agentd's own files", NULL},
    {"sinks: {s: {kind: file, path: work}}\n", "1:31", "sinks.s.path", "found \"work\", is one of agentd's own files", NULL},
    {"sinks: {s: {kind: file, path: /state//data.mdb}}\n", "1:31", "sinks.s.path", "found \"/state//data.mdb\", is one of agentd's own files", NULL},
    {"sinks: {s: {kind: file, path: /run/here/any}}\n", "1:31", "sinks.s.path", "found \"/run/here/any\", is one of agentd's own files", NULL},
    {"daemon: {pid_file: /p}\nsinks: {s: {kind: file, path: /p}}\n", "2:31", "sinks.s.path", "found \"/p\", is one of agentd's own files", NULL},
    {"sinks: {s: {kind: file, path: ../x}}\n", "1:31", "sinks.s.path", "found \"../x\", a relative path stays below the state folder", NULL},
    {"sinks: {s: {kind: file, path: a/../../state/../x}}\n", "1:31", "sinks.s.path", "found \"a/../../state/../x\", a relative path stays below the state folder", NULL},
    {"sinks: {s: {kind: file, path: \".\"}}\n", "1:31", "sinks.s.path", "found \".\", a relative path stays below the state folder", NULL},
    {"sinks: {s: {kind: htp}}\n",        "1:19", "sinks.s.kind", "found \"htp\", allowed: gateway, http, command or file", "did you mean \"http\"?"},
    {"sinks: {s: {kind: file, path: x, url: x}}\n", "1:34", "sinks.s.url", "only for sinks of kind http", NULL},
    {"sinks: {s: {kind: file, path: x, timeout: 5s}}\n", "1:34", "sinks.s.timeout", "only for sinks of kind http and command", NULL},
    {"sinks: {gateway: {kind: gateway, command: [x]}}\n", "1:34", "sinks.gateway.command", "only for sinks of kind command", NULL},
    {"sinks: {gateway: {kind: file, path: x}}\n", "1:9", "sinks.gateway", "of kind gateway is the built-in sink, and it is named so", NULL},
    {"sinks: {s: {kind: gateway}}\n",    "1:9", "sinks.s", "of kind gateway is the built-in sink, and it is named so", NULL},
    {"sinks: {s: {kind: http}}\n",       "1:9", "sinks.s", "a sink of kind http needs a url", NULL},
    {"sinks: {s: {kind: command}}\n",    "1:9", "sinks.s", "a sink of kind command needs a command", NULL},
    {"sinks: {s: {kind: command, command: []}}\n", "1:37", "sinks.s.command", "must name a program", NULL},
    {"sinks: {s: {kind: command, command: [x], max_attempts: 0}}\n", "1:56", "sinks.s.max_attempts", "found 0, allowed: an integer from 1 to 1000", NULL},
    {"sinks: {s: {kind: file, path: x, not_after: 0}}\n", "1:45", "sinks.s.not_after", "found 0, allowed: a duration", NULL},
    {HTTP "timeout: 11m}}\n",            "1:51", "sinks.s.timeout", "found \"11m\", allowed: a duration", NULL},
    {HTTP "secret_file_old: b}}\n",      "1:42", "sinks.s.secret_file_old", "needs secret_file", NULL},
    {HTTP "allow: [\"10.0.0.0/33\"]}}\n", "1:50", "sinks.s.allow[0]", "found \"10.0.0.0/33\", allowed: a host, an address, or a network like 10.1.0.0/16", NULL},
    {HTTP "allow: [\"h:0\"]}}\n",        "1:50", "sinks.s.allow[0]", "found \"h:0\", allowed: a host", NULL},
    {HTTP "allow: [\"[::1]x\"]}}\n",     "1:50", "sinks.s.allow[0]", "found \"[::1]x\", allowed: a host", NULL},
    {HTTP "allow: [\"::1:::\"]}}\n",     "1:50", "sinks.s.allow[0]", "found \"::1:::\", allowed: a host", NULL},
    {HTTP "allow: [\"h/8\"]}}\n",        "1:50", "sinks.s.allow[0]", "found \"h/8\", allowed: a host", NULL},
    {HTTP "headers: {\"X Y\": a}}}\n",   "1:52", "sinks.s.headers.X Y", "not a header's name", NULL},
    {HTTP "headers: {Webhook-Id: a}}}\n", "1:52", "sinks.s.headers.Webhook-Id", "is set by agentd", NULL},
    {HTTP "headers: {X-A: \"a\\nb\"}}}\n", "1:57", "sinks.s.headers.X-A", "holds a control character", NULL},
    {"sinks: {s: {kind: http, url: \"ftp://h\"}}\n", "1:30", "sinks.s.url", "found \"ftp://h\", is not an http:// or https:// URL", NULL},
    {"sinks: {s: {kind: http, url: \"https://x:99999/\"}}\n", "1:30", "sinks.s.url", "found \"https://x:99999/\", names a port that is not one of 1 to 65535", NULL},
    {"schedules: {s: {handler: noop}}\n", "1:13", "schedules.s", "needs one of cron and every, and not both", NULL},
    {"schedules: {s: {handler: noop, cron: '* * * * *', every: 5s}}\n", "1:13", "schedules.s", "needs one of cron and every, and not both", NULL},
    {"schedules: {s: {handler: noop, every: 5s, tz: UTC}}\n", "1:47", "schedules.s.tz", "found \"UTC\", only fields of a cron expression and quiet hours are times of a zone", NULL},
    {"schedules: {s: {handler: noop, cron: '0 9 * * *', tz: Mars/Base}}\n", "1:55", "schedules.s.tz", "found \"Mars/Base\", there is no such time zone", "an IANA name like Europe/Berlin, of those in /usr/share/zoneinfo"},
    {"schedules:\n  s:\n    handler: noop\n    cron: '0 9 * * *'\n    budget_zone: ../UTC\n", "5:18", "schedules.s.budget_zone", "found \"../UTC\", there is no such time zone", NULL},
    {"agents: {a: {handler: noop, budget_zone: Mars}}\n", "1:42", "agents.a.budget_zone", "found \"Mars\", there is no such time zone", NULL},
    {"companies: {c: {budget_zone: Mars}}\n", "1:30", "companies.c.budget_zone", "found \"Mars\", there is no such time zone", NULL},
    {"schedules: {s: {handler: noop, every: 5s, overlap: queue}}\n", "1:52", "schedules.s.overlap", "found \"queue\", allowed: skip, queue_one, allow or cancel_running", NULL},
    {"schedules: {s: {handler: noop, every: 5s, misfire: newest}}\n", "1:52", "schedules.s.misfire", "found \"newest\", allowed: skip, latest or all", NULL},
    {"schedules: {s: {handler: noop, every: 5s, misfire_max: 3}}\n", "1:43", "schedules.s.misfire_max", "only with misfire: all", NULL},
    {"schedules: {s: {handler: noop, every: 5s, quiet_hours: night}}\n", "1:56", "schedules.s.quiet_hours", "found \"night\", hours of the day as FROM-TO, like 22:00-07:00", NULL},
    {"schedules: {s: {handler: noop, every: 5s, quiet_sends: '9:00-10:00'}}\n", "1:56", "schedules.s.quiet_sends", "found \"9:00-10:00\", hours of the day as FROM-TO, like 22:00-07:00", NULL},
    {"schedules: {s: {handler: noop, every: 5s, start_at: '2027-01-02T00:00:00Z', end_at: '2027-01-01T00:00:00Z'}}\n", "1:85", "schedules.s.end_at", "found \"2027-01-01T00:00:00Z\", is not after start_at", NULL},
    {"schedules: {s: {handler: noop, cron: '61 * * * *'}}\n", "1:38", "schedules.s.cron", "found \"61 * * * *\", not a cron expression: ", NULL},
    {"schedules: {s: {handler: noop, every: 5s, shadow_runs: 3}}\n", "1:43", "schedules.s.shadow_runs", "needs shadow: true", NULL},
    {"schedules: {s: {handler: noop, every: 5s, ping_fail: \"ftp://h/x\"}}\n", "1:54", "schedules.s.ping_fail", "found \"ftp://h/x\", is not an http:// or https:// URL", NULL},
    {"schedules: {s: {handler: noop, every: 5s, ping_fail: \"http://h:0/x\"}}\n", "1:54", "schedules.s.ping_fail", "found \"http://h:0/x\", names a port that is not one of 1 to 65535", NULL},
    {"schedules: {s: {handler: noop, every: 5s, gate: {}}}\n", "1:49", "schedules.s.gate", "needs exactly one of command, completed and open_tickets", NULL},
    {"schedules: {s: {handler: noop, every: 5s, gate: {open_tickets: true}}}\n", "1:50", "schedules.s.gate.open_tickets", "needs an agent", NULL},
    {"schedules: {s: {handler: noop, every: 5s, gate: {comand: [x]}}}\n", "1:50", "schedules.s.gate.comand", "unknown key", "did you mean \"command\"?"},
    {"schedules: {s: {handler: noop, every: 5s, gate: {command: [x]}}}\n", "1:50", "schedules.s.gate.command", "needs a handler of kind exec", NULL},
    {"handlers: {h: {kind: exec, command: [x]}}\nschedules: {s: {handler: h, every: 5s, gate: {command: []}}}\n", "2:56", "schedules.s.gate.command", "must name a program", NULL},
    {"schedules: {s: {handler: noop, every: 5s, gate: {completed: bakup}}, backup: {handler: noop, every: 5s}}\n", "1:61", "schedules.s.gate.completed", "found \"bakup\", no such schedule is declared", "did you mean \"backup\"?"},
    {"schedules: {s: {handler: noop, every: 5s, gate: {completed: s}}}\n", "1:61", "schedules.s.gate.completed", "a cycle: s → s", NULL},
    {"schedules: {a: {handler: noop, every: 5s, gate: {completed: b}}, b: {handler: noop, every: 5s, gate: {completed: c}}, c: {handler: noop, every: 5s, gate: {completed: a}}}\n", "1:61", "schedules.a.gate.completed", "a cycle: a → b → c → a", NULL},
    {"schedules: {s: {handler: noop, every: 999ms}}\n", "1:39", "schedules.s.every", "found \"999ms\", allowed: a duration", NULL},
    {"schedules: {s: {handler: noop, every: 5s, start_at: +5m}}\n", "1:53", "schedules.s.start_at", "found \"+5m\", allowed: an instant like 2026-11-21T09:00:00Z", NULL},
    {"schedules: {s: {handler: noop, every: 5s, end_at: 2026-13-21T09:00:00Z}}\n", "1:51", "schedules.s.end_at", "found \"2026-13-21T09:00:00Z\", allowed: an instant", NULL},
    {"schedules: {s: {every: 5s}}\n",    "1:13", "schedules.s", "needs a handler, or an agent that has one", NULL},
    {"agents: {a: {}}\nschedules: {s: {every: 5s, agent: a}}\n", "2:13", "schedules.s", "needs a handler, or an agent that has one", NULL},
    {"schedules: {s: {every: 5s, handler: x}}\n", "1:37", "schedules.s.handler", "found \"x\", no such handler is declared", NULL},
    {"schedules: {s: {every: 5s, agent: x}}\n", "1:35", "schedules.s.agent", "found \"x\", no such agent is declared in this company", NULL},
    {"companies: {c: {}}\nagents: {a: {handler: noop}}\nschedules: {s: {every: 5s, agent: c/a}}\n", "3:35", "schedules.s.agent", "found \"c/a\", no such agent is declared in this company", NULL},
    {"companies: {c: {}, d: {}}\nschedules: {s: {every: 5s, company: d, agent: c/a}}\n", "2:47", "schedules.s.agent", "found \"c/a\", an agent of another company", NULL},
    {"schedules: {s: {every: 5s, agent: c/a}}\n", "1:35", "schedules.s.agent", "found \"c/a\", no such company is declared", NULL},
    {"schedules: {s: {every: 5s, handler: noop, type: once}}\n", "1:49", "schedules.s.type", "found \"once\", allowed: schedule or heartbeat", NULL},
    {"schedules: {s: {every: 5s, handler: noop, title: \"a\\nb\"}}\n", "1:50", "schedules.s.title", "found \"a?b\", must not contain control characters", NULL},
    {"schedules: {s: {every: 5s, handler: noop, priority: 101}}\n", "1:53", "schedules.s.priority", "found 101, allowed: an integer from 0 to 100", NULL},
};
// clang-format on

/* Says what is wrong, so that one run shows all of a list. */
static bool
is_refused(struct fixture *f, const struct bad *bad)
{
    char begin[512];

    (void)snprintf(begin, sizeof(begin), "%s:%s: %s%s%s", f->path, bad->place, bad->field,
                   bad->field[0] ? ": " : "", bad->says);
    bool is_right = fixture_load_text(f, bad->text) == E_BAD_REQUEST &&
                    strncmp(f->e.msg, begin, strlen(begin)) == 0 &&
                    strcmp(f->e.field, bad->field) == 0 &&
                    (!bad->hint || strcmp(f->e.hint, bad->hint) == 0);
    if (!is_right) {
        print_error("%sshould say: %s\nand says:   %s\nfield %s, hint %s\n\n", bad->text, begin,
                    f->e.msg, f->e.field, f->e.hint);
    }
    return is_right;
}

#define REFUSES(name, list)                          \
    static void name(void **state)                   \
    {                                                \
        size_t right = 0;                            \
        for (size_t i = 0; i < ARRAY_LEN(list); i++) \
            right += is_refused(*state, &(list)[i]); \
        assert_int_equal(right, ARRAY_LEN(list));    \
    }

REFUSES(bad_syntax_is_refused_where_it_stands, bad_syntax)

REFUSES(unknown_keys_are_refused_where_they_stand, bad_keys)

REFUSES(bad_values_are_refused_where_they_stand, bad_values)

REFUSES(bad_objects_are_refused_where_they_stand, bad_objects)

static void
sinks_may_write_any_other_file(void **state)
{
    static const char *const paths[] = {"x",         "logs.txt",     "a/../b/data.mdb",
                                        "/data.mdb", "/state2/work", "/run/here2"};

    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        char text[128];

        (void)snprintf(text, sizeof(text), "sinks: {s: {kind: file, path: %s}}\n", paths[i]);
        if (fixture_load_text(*state, text)) fail_msg("%s", ((struct fixture *)*state)->e.msg);
    }
}

static void
a_refused_file_leaves_the_output_as_it_was(void **state)
{
    struct fixture *f = *state;
    struct config   out, before;

    memset(&out, 0x5a, sizeof(out));
    memcpy(&before, &out, sizeof(out));
    fixture_write(f, view_str("schedules: {s: {every: 5s, handler: x}}\n"));
    assert_int_equal(config_load(&f->src, &out, &f->warnings, &f->e), E_BAD_REQUEST);
    assert_memory_equal(&out, &before, sizeof(out));
}

static void
a_long_file_name_keeps_its_end_and_the_rest_of_the_message(void **state)
{
    struct fixture *f = *state;
    char            path[256];

    (void)snprintf(path, sizeof(path), "%s/%0180d", f->folder, 0);
    f->src.path = path;
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs("limits: {max_run: x}\n", file) >= 0 && fclose(file) == 0);
    assert_int_equal(fixture_load(f), E_BAD_REQUEST);
    assert_memory_equal(f->e.msg, "...000", 6);
    assert_non_null(strstr(f->e.msg, "000:1:19: limits.max_run: found \"x\", allowed: a duration"));
    assert_int_equal(unlink(path), 0);
}

/* ---- bounds ---------------------------------------------------------------- */

static void
expect_too_much(struct fixture *f, struct buf *text, const char *says)
{
    fixture_write(f, buf_view(text));
    assert_int_equal(fixture_load(f), E_BAD_REQUEST);
    if (!strstr(f->e.msg, says)) fail_msg("%s", f->e.msg);
}

static void
a_file_of_more_than_4_mib_is_refused(void **state)
{
    BUF_AUTO struct buf text = {0};

    buf_add_str(&text, "log: {level: info}\n#");
    while (text.size < 4194304)
        buf_add_str(&text, "x");
    fixture_write(*state, buf_view(&text));
    assert_int_equal(fixture_load(*state), E_OK);
    buf_add_str(&text, "x");
    expect_too_much(*state, &text, ":1:1: the file is over 4194304 bytes");
}

static void
too_many_values_are_refused(void **state)
{
    BUF_AUTO struct buf flow = {0};
    BUF_AUTO struct buf block = {0};
    BUF_AUTO struct buf braces = {0};

    buf_add_str(&flow, "agents: {a: {data: {x: [");
    buf_add_str(&block, "agents:\n");
    for (int i = 0; i < 65536; i++) {
        buf_add_str(&flow, "1,");
        buf_printf(&block, "  a%d:\n", i);
    }
    buf_add_str(&flow, "]}}}\n");
    while (braces.size < 1000000)
        buf_add_str(&braces, "{");
    expect_too_much(*state, &flow, "agents.a.data.x: too many values");
    expect_too_much(*state, &block, "agents: too many values");
    expect_too_much(*state, &braces, ":1:262145: too many values");
}

static void
many_objects_that_exceed_the_engines_input_are_refused(void **state)
{
    BUF_AUTO struct buf text = {0};

    buf_add_str(&text, "agents:\n");
    for (int i = 0; i < 21000; i++)
        buf_printf(&text, "  a%d:\n", i);
    fixture_write(*state, buf_view(&text));
    assert_int_equal(fixture_load(*state), E_OK);
    for (int i = 21000; i < 30000; i++)
        buf_printf(&text, "  a%d:\n", i);
    expect_too_much(*state, &text, ":1:1: agents: more than fits: ");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_new, fixture_end)
        TEST(bad_syntax_is_refused_where_it_stands),
        TEST(unknown_keys_are_refused_where_they_stand),
        TEST(bad_values_are_refused_where_they_stand),
        TEST(bad_objects_are_refused_where_they_stand),
        TEST(sinks_may_write_any_other_file),
        TEST(a_refused_file_leaves_the_output_as_it_was),
        TEST(a_long_file_name_keeps_its_end_and_the_rest_of_the_message),
        TEST(a_file_of_more_than_4_mib_is_refused),
        TEST(too_many_values_are_refused),
        TEST(many_objects_that_exceed_the_engines_input_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
