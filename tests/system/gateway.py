#!/usr/bin/python3
"""A client of the gateway, for test_e2e_gateway.c: `gateway.py CASE PORT TOKEN…`; exit 1 says what is not as it should be.

Attacks go over plain sockets, byte by byte; WebSockets by the websockets package, a client that is not ours.  Every wait ends after WAIT s.
"""
import asyncio, http.client, json, os, re, signal, socket, subprocess, sys, time

PORT = int(sys.argv[2])
TOKENS = sys.argv[3:]
HOST = f"127.0.0.1:{PORT}"
WAIT = 20


def expect(what, seen, wanted):
    if seen != wanted:
        sys.exit(f"{what}: {seen!r}, not {wanted!r}")


class Connection:
    """Requests one after the other, on one connection unless the gateway closes it."""

    def __init__(self, token):
        self.token = token
        self.http = http.client.HTTPConnection("127.0.0.1", PORT, timeout=WAIT)

    def ask(self, method, path, body=None, **headers):
        all = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if body is not None:
            all["Content-Type"] = "application/json"
            body = json.dumps(body)
        all.update({k.replace("_", "-"): v for k, v in headers.items()})
        self.http.request(method, path, body=body, headers=all)
        reply = self.http.getresponse()
        self.headers = reply.headers
        self.text = reply.read().decode()
        return reply.status, json.loads(self.text) if self.text.startswith(("{", "[")) else self.text

    def must(self, status, method, path, body=None, **headers):
        seen, answer = self.ask(method, path, body, **headers)
        if seen != status:
            sys.exit(f"{method} {path}: {seen} {answer}, not {status}")
        return answer

    def refused(self, status, code, method, path, body=None, **headers):
        answer = self.must(status, method, path, body, **headers)
        expect(f"{method} {path}", answer["error"]["code"], code)
        return answer["error"]


def requests():
    view, submit, operator = (Connection(t) for t in TOKENS)
    nobody = Connection(None)
    expect("healthz", nobody.must(200, "GET", "/healthz"), "ok\n")
    expect("readyz", nobody.must(200, "GET", "/readyz"), "ready\n")
    expect("running", view.must(200, "GET", "/v1/status")["running"], True)

    job = submit.must(202, "POST", "/v1/jobs", {"handler": "echo", "payload": {"a": 1}}, Idempotency_Key="once")
    again = submit.must(202, "POST", "/v1/jobs", {"handler": "echo", "payload": {"a": 1}}, Idempotency_Key="once")
    expect("asked twice with a key", again["id"], job["id"])
    submit.refused(400, "bad_request", "POST", "/v1/jobs", {"handler": "echo"}, Idempotency_Key="a" * 65)
    other = submit.must(202, "POST", "/v1/jobs", {"handler": "echo"})
    expect("asked twice without", other["id"] != job["id"], True)
    done = view.must(200, "GET", f"/v1/jobs/{job['id']}/wait?wait_ms=20000")
    expect("output", (done["state"], done["output"]), ("completed", {"a": 1}))
    expect("list", [j["id"] for j in view.must(200, "GET", "/v1/jobs?state=completed&limit=1")["items"]] != [], True)
    submit.refused(409, "wrong_state", "POST", f"/v1/jobs/{job['id']}/cancel")

    late = submit.must(202, "POST", "/v1/jobs", {"handler": "sleep", "payload": {"ms": 6500}})
    expect("waited for longer than for a head", Connection(TOKENS[0]).must(200, "GET", f"/v1/jobs/{late['id']}/wait?wait_ms=20000")["state"], "completed")

    operator.must(201, "POST", "/v1/schedules", {"name": "nightly", "cron": "0 3 * * *", "handler": "echo"})
    expect("schedule", view.must(200, "GET", "/v1/schedules/default/nightly")["name"], "nightly")
    operator.must(200, "PATCH", "/v1/schedules/nightly", {"cron": "0 4 * * *"})
    expect("changed", view.must(200, "GET", "/v1/schedules/nightly")["cron"], "0 4 * * *")
    operator.must(202, "POST", "/v1/schedules/nightly/run?force=true")
    for job in view.must(200, "GET", "/v1/jobs?schedule=nightly")["items"]:
        view.must(200, "GET", f"/v1/jobs/{job['id']}/wait?wait_ms=20000")
    operator.must(200, "DELETE", "/v1/schedules/nightly")
    view.refused(404, "not_found", "GET", "/v1/schedules/nightly")

    goal = submit.must(201, "POST", "/v1/goals", {"title": "a goal"})
    expect("goal", view.must(200, "GET", f"/v1/goals/{goal['id']}")["title"], "a goal")
    woken = submit.must(202, "POST", "/v1/agents/acme/scout/wake", {"payload": 7})
    expect("woken", view.must(200, "GET", f"/v1/jobs/{woken['id']}")["company"], "acme")
    submit.must(202, "POST", "/v1/sessions/chat/anna/messages", {"content": "hello"})
    expect("session", view.must(200, "GET", "/v1/sessions/chat/anna")["key"], "chat/anna")
    expect("events", view.must(200, "GET", "/v1/sessions/chat/anna/events")["items"][0]["seq"], 1)

    view.refused(403, "denied", "POST", "/v1/jobs", {"handler": "echo"})
    submit.refused(403, "denied", "POST", "/v1/drain")
    Connection("agt_wrong").refused(401, "unauthenticated", "GET", "/v1/status")
    expect("field at fault", submit.refused(400, "bad_request", "POST", "/v1/jobs", {"nothing": 1})["field"], "nothing")
    expect("field twice", submit.refused(400, "bad_request", "POST", "/v1/jobs/1/cancel", {"id": 2})["field"], "id")
    view.refused(400, "bad_request", "GET", "/v1/jobs?limit=many")
    for empty in ("", "&", "limit=1&", "&limit=1", "limit=1&&state=ready"):
        view.must(200, "GET", f"/v1/jobs?{empty}")
    expect("unknown", view.refused(400, "bad_request", "GET", "/v1/feed?zz=1")["field"], "zz")
    view.refused(404, "not_found", "GET", "/v1/nothing")
    view.refused(405, "bad_request", "DELETE", "/v1/jobs")
    expect("allow", view.headers["Allow"], "GET, POST")

    api = nobody.must(200, "GET", "/v1/openapi.json")
    expect("described", api["paths"]["/v1/jobs/{id}"]["get"]["x-op"], "job.show")
    for name, value in {"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY"}.items():
        expect(name, nobody.headers[name], value)
    expect("CSP", "frame-ancestors 'none'" in nobody.headers["Content-Security-Policy"], True)
    expect("CORS", nobody.headers["Access-Control-Allow-Origin"], None)


def read_figures(text):
    """{series: value} of Prometheus's text format, version 0.0.4: each name has its HELP and TYPE before it, once, and its series together."""
    seen, series, current = set(), {}, None
    expect("its end", text[-1], "\n")
    lines = iter(text[:-1].split("\n"))
    for line in lines:
        if about := re.fullmatch(r"# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) [^\\]+", line):
            current = about[1]
            expect(f"{current} again", current in seen, False)
            seen.add(current)
            expect("TYPE", re.fullmatch(f"# TYPE {current} (gauge|counter)", type := next(lines)) != None, True)
            expect(f"{current}: a counter's name", current.endswith("_total"), type.endswith("counter"))
            continue
        label = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
        sample = re.fullmatch(rf"(([a-zA-Z_:][a-zA-Z0-9_:]*)(?:{{{label}(?:,{label})*}})?) (-?[0-9]+)", line)
        if not sample:
            sys.exit(f"no sample: {line!r}")
        expect(line, (sample[2], sample[1] in series), (current, False))
        series[sample[1]] = int(sample[3])
    return series


def figures():
    view, submit = (Connection(t) for t in TOKENS[:2])
    job = submit.must(202, "POST", "/v1/jobs", {"handler": "noop"})["id"]
    view.must(200, "GET", f"/v1/jobs/{job}/wait?wait_ms=20000")
    submit.must(202, "POST", "/v1/sessions/chat/figures/messages", {"content": "hello"})
    deadline = time.monotonic() + WAIT
    while True:
        text = view.must(200, "GET", "/metrics")
        expect("type", view.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        seen = read_figures(text)
        if seen['agentd_effects{status="pending"}'] == 1:
            break
        if time.monotonic() > deadline:
            sys.exit(f"no answer is pending: {text}")
        time.sleep(0.05)
    expect("completed", seen['agentd_jobs{state="completed"}'], 2)
    expect("sessions", (seen['agentd_sessions{status="open"}'], seen["agentd_events_waiting"]), (1, 0))
    expect("lateness", seen['agentd_start_delay_ms{percentile="p99"}'] >= 0, True)
    expect("caps", (seen['agentd_cap_limit{cap="schedule_cap",on=""}'], 'agentd_cap_limit{cap="global_cap",on=""}' in seen), (1, False))
    for name in ("agentd_loop_lag_p99_us", "agentd_workers_live", "agentd_timers_pending", "agentd_gateway_requests_total", "agentd_gateway_connections"):
        expect(name, name in seen, True)
    expect("names", [n for n in seen if n.endswith("_pid")], [])
    Connection(None).refused(401, "unauthenticated", "GET", "/metrics")
    own = agentctl("token", "add", "acmes", "--role", "view", "--company", "acme")["secret"]
    others = read_figures(Connection(own).must(200, "GET", "/metrics"))
    expect("of one company", (others['agentd_jobs{state="completed"}'], [n for n in others if "effects" in n or "sessions" in n]), (0, []))


def page():
    c = Connection(None)
    expect("page", "<title>" in c.must(200, "GET", "/"), True)
    expect("CSP", "script-src 'self'" in c.headers["Content-Security-Policy"], True)
    c.must(200, "GET", "/page.js")
    expect("type", c.headers["Content-Type"], "text/javascript; charset=utf-8")
    for path in ("/secret", "/link.js", "/..%2fagentd.yaml", "/page%2Ejs%2f"):
        c.refused(404, "not_found", "GET", path)
    for path in ("/../agentd.yaml", "/%2e%2e/agentd.yaml", "//page.js"):
        c.refused(400, "bad_request", "GET", path)

    status = agentctl("status")["gateway"]
    folder = os.path.join(os.path.dirname(agentctl("status")["config"]), "page")
    for name, text in {"index.html": "changed", "new.css": "a {}"}.items():
        with open(os.path.join(folder, name), "w") as out:
            out.write(text)
    os.unlink(os.path.join(folder, "page.js"))
    agentctl("reload")
    deadline = time.monotonic() + WAIT
    while c.must(200, "GET", "/") != "changed":
        expect("not read again in time", time.monotonic() > deadline, False)
        time.sleep(0.01)
    expect("a new file", c.must(200, "GET", "/new.css"), "a {}")
    c.refused(404, "not_found", "GET", "/page.js")
    with open(os.path.join(folder, "index.html"), "w") as out:
        out.write("x" * (1 << 20) + "x")
    agentctl("reload")
    expect("the same gateway", agentctl("status")["gateway"]["pid"], status["pid"])


# ---- the table of routes ----------------------------------------------------------------------------------------


DAY = 86400000
FUTURE = int(time.time() * 1000) + DAY
FILTER = {"handler": "noop", "dry_run": True}

# (method, path, what stands for its parameter, fields, status): each does what it says.  A $NAME is what the answer of an earlier row, which
# ends with NAME, has as its id.  Of what no client can make here, only that it is not there.
ROUTES = [
    ("GET", "/v1/status", None, {}, 200),
    ("POST", "/v1/jobs", None, {"handler": "echo", "delay_ms": DAY}, 202, "JOB"),
    ("GET", "/v1/jobs", None, {"state": "scheduled", "limit": 10}, 200),
    ("POST", "/v1/jobs/batch", None, {"jobs": [{"handler": "noop"}, {"handler": "noop"}]}, 202),
    ("POST", "/v1/jobs/cancel", None, FILTER, 200),
    ("POST", "/v1/jobs/retry", None, FILTER, 200),
    ("POST", "/v1/jobs/purge", None, FILTER, 200),
    ("GET", "/v1/jobs/stats", None, {}, 200),
    ("GET", "/v1/jobs/{id}", "$JOB", {}, 200),
    ("PATCH", "/v1/jobs/{id}", "$JOB", {"priority": 60}, 200),
    ("GET", "/v1/jobs/{id}/why", "$JOB", {}, 200),
    ("GET", "/v1/jobs/{id}/wait", "$JOB", {"wait_ms": 0}, 200),
    ("GET", "/v1/jobs/{id}/logs", "$JOB", {}, 200),
    ("POST", "/v1/jobs/{id}/stream", "$JOB", {}, 409),
    ("POST", "/v1/jobs/{id}/cancel", "$JOB", {}, 200),
    ("POST", "/v1/jobs/{id}/retry", "$JOB", {}, 202),
    ("POST", "/v1/schedules", None, {"name": "daily", "cron": "0 3 * * *", "handler": "echo"}, 201),
    ("GET", "/v1/schedules", None, {"company": "default"}, 200),
    ("GET", "/v1/schedules/stats", None, {}, 200),
    ("GET", "/v1/schedules/{name}", "default/daily", {}, 200),
    ("PATCH", "/v1/schedules/{name}", "daily", {"cron": "0 4 * * *"}, 200),
    ("POST", "/v1/schedules/{name}/run", "daily", {"force": True}, 202),
    ("POST", "/v1/schedules/{name}/backfill", "daily", {"from": FUTURE - 3 * DAY, "to": FUTURE - 2 * DAY}, 202),
    ("POST", "/v1/schedules/{name}/pause", "daily", {"reason": "a test"}, 200),
    ("POST", "/v1/schedules/{name}/resume", "daily", {}, 200),
    ("POST", "/v1/schedules/{name}/promote", "daily", {}, 409),
    ("GET", "/v1/schedules/{name}/why", "daily", {}, 200),
    ("GET", "/v1/schedules/{name}/firings", "daily", {"limit": 5}, 200),
    ("GET", "/v1/schedules/{name}/stats", "daily", {}, 200),
    ("POST", "/v1/forecast", None, {"hours": 24}, 200),
    ("POST", "/v1/sessions", None, {"key": "chat/eve"}, 201),
    ("GET", "/v1/sessions", None, {"limit": 5}, 200),
    ("GET", "/v1/sessions/{key}", "chat/eve", {}, 200),
    ("GET", "/v1/sessions/{key}/why", "chat/eve", {}, 200),
    ("POST", "/v1/sessions/{key}/messages", "chat/eve", {"content": "hello"}, 202),
    ("POST", "/v1/sessions/{key}/events", "chat/eve", {"type": "ping", "payload": {"a": [1]}}, 202),
    ("GET", "/v1/sessions/{key}/events", "chat/eve", {"from": 1}, 200),
    ("POST", "/v1/sessions/{key}/resume", "chat/eve", {}, 409),
    ("POST", "/v1/sessions/{key}/resend", "chat/eve", {"seq": 1}, 409),
    ("POST", "/v1/timers", None, {"key": "chat/eve", "timer_id": "t", "fire_at": FUTURE}, 201),
    ("GET", "/v1/timers", None, {"key": "chat/eve"}, 200),
    ("GET", "/v1/timers/why", None, {"key": "chat/eve", "timer_id": "t"}, 200),
    ("POST", "/v1/timers/cancel", None, {"key": "chat/eve"}, 200),
    ("GET", "/v1/effects", None, {"session": "chat/eve"}, 200, "EFFECT"),
    ("GET", "/v1/effects/{id}", "$EFFECT", {}, 200),
    ("GET", "/v1/effects/{id}/why", "$EFFECT", {}, 200),
    ("POST", "/v1/effects/{id}/ack", "$EFFECT", {"session": "chat/eve"}, 200),
    ("POST", "/v1/effects/{id}/resolve", "$EFFECT", {"outcome": "delivered"}, 409),
    ("POST", "/v1/effects/resend", None, {"status": "failed", "dry_run": True}, 200),
    ("POST", "/v1/sessions/{key}/close", "chat/eve", {"reason": "a test"}, 200),
    ("GET", "/v1/companies", None, {}, 200),
    ("GET", "/v1/companies/{name}", "acme", {}, 200),
    ("POST", "/v1/companies/{name}/pause", "acme", {}, 200),
    ("POST", "/v1/companies/{name}/resume", "acme", {}, 200),
    ("POST", "/v1/agents", None, {"name": "rover", "company": "acme", "handler": "echo"}, 201),
    ("GET", "/v1/agents", None, {"company": "acme"}, 200),
    ("GET", "/v1/agents/{name}", "acme/rover", {}, 200),
    ("PATCH", "/v1/agents/{name}", "acme/rover", {"max_concurrent": 2}, 200),
    ("GET", "/v1/agents/{name}/why", "acme/rover", {}, 200),
    ("POST", "/v1/agents/{name}/wake", "acme/rover", {"payload": 1}, 202),
    ("POST", "/v1/agents/{name}/activity", "acme/rover", {"type": "post_liked", "data": {"post": 1}}, 201),
    ("GET", "/v1/agents/{name}/activity", "acme/rover", {}, 200),
    ("POST", "/v1/agents/{name}/pause", "acme/rover", {}, 200),
    ("POST", "/v1/agents/{name}/resume", "acme/rover", {}, 200),
    ("DELETE", "/v1/agents/{name}", "acme/rover", {"cascade": True}, 200),
    ("POST", "/v1/profiles", None, {"name": "calm", "handler": "echo"}, 201),
    ("GET", "/v1/profiles", None, {}, 200),
    ("GET", "/v1/profiles/{name}", "calm", {}, 200),
    ("PATCH", "/v1/profiles/{name}", "calm", {"max_turns": 3}, 200),
    ("DELETE", "/v1/profiles/{name}", "calm", {}, 200),
    ("GET", "/v1/handlers", None, {}, 200),
    ("POST", "/v1/goals", None, {"title": "a goal", "company": "acme"}, 201, "GOAL"),
    ("GET", "/v1/goals", None, {"company": "acme"}, 200),
    ("GET", "/v1/goals/{id}", "$GOAL", {}, 200),
    ("PATCH", "/v1/goals/{id}", "$GOAL", {"title": "another"}, 200),
    ("POST", "/v1/goals/{id}/decompose", "$GOAL", {"parts": [{"title": "a part", "agent": "scout"}]}, 202),
    ("POST", "/v1/tickets", None, {"title": "a ticket", "company": "acme"}, 201, "TICKET"),
    ("GET", "/v1/tickets", None, {"company": "acme"}, 200),
    ("GET", "/v1/tickets/{id}", "$TICKET", {}, 200),
    ("PATCH", "/v1/tickets/{id}", "$TICKET", {"title": "another"}, 200),
    ("POST", "/v1/tickets/{id}/assign", "$TICKET", {"agent": "scout"}, 202),
    ("POST", "/v1/tickets/{ticket}/complete", "$TICKET", {}, 409),
    ("DELETE", "/v1/tickets/{id}", "$TICKET", {"cascade": True}, 200),
    ("DELETE", "/v1/goals/{id}", "$GOAL", {"cascade": True}, 200),
    ("POST", "/v1/routines", None, {"name": "weekly", "cron": "0 5 * * 1", "ticket_title": "tidy", "assign": "scout", "company": "acme"}, 201),
    ("DELETE", "/v1/schedules/{name}", "daily", {}, 200),
    ("GET", "/v1/approvals", None, {}, 200),
    ("POST", "/v1/approvals/{id}/grant", "99999", {}, 404),
    ("POST", "/v1/approvals/{id}/deny", "99999", {}, 404),
    ("GET", "/v1/usage", None, {}, 200),
    ("GET", "/v1/workers", None, {}, 200),
    ("GET", "/v1/breakers", None, {}, 200),
    ("POST", "/v1/breakers/{name}/reset", "none", {}, 404),
    ("GET", "/v1/audit", None, {"limit": 5}, 200),
    ("POST", "/v1/stop", None, {"scope": "new"}, 200),
    ("POST", "/v1/resume", None, {}, 200),
    ("POST", "/v1/drain", None, {"reason": "a test"}, 200),
    ("POST", "/v1/resume", None, {}, 200),
]
# What cannot be missing, for asking makes it.
MADE_BY_ASKING = {"/v1/sessions/{key}/messages", "/v1/sessions/{key}/events"}


def ask_route(c, method, path, value, fields):
    from urllib.parse import quote, urlencode

    path = re.sub("{.*}", quote(value or ""), path)
    if method in ("POST", "PATCH"):
        return c.ask(method, path, fields)
    query = urlencode({k: str(v).lower() if isinstance(v, bool) else v for k, v in fields.items()})
    return c.ask(method, path + (f"?{query}" if query else ""))


def check_refused(what, c, answer, status, code=None, field=None):
    expect(what, answer[0], status)
    error = answer[1]["error"]
    expect(f"{what}: its error", (error["code"] if code else None, error["field"] if field else None, error["message"] != ""), (code, field, True))
    if status == 405:
        expect(f"{what}: Allow", c.headers["Allow"] != None, True)


def full():
    """By the configuration one firing runs at a time: of another by hand it is said when there is room."""
    operator = Connection(TOKENS[2])
    for name in ("slow", "other"):
        operator.must(201, "POST", "/v1/schedules", {"name": name, "every_ms": DAY, "handler": "sleep", "payload": {"ms": 30000}, "max_run_ms": 60000})
    operator.must(202, "POST", "/v1/schedules/slow/run")
    operator.refused(429, "capacity_full", "POST", "/v1/schedules/other/run")
    eta = json.loads(operator.text)["error"]["slot_eta_ms"]
    expect("Retry-After", int(operator.headers["Retry-After"]), -(-eta // 1000))
    expect("forced", operator.must(202, "POST", "/v1/schedules/other/run?force=true")["forced"], True)


def routes():
    view, submit, operator = (Connection(t) for t in TOKENS)
    nobody = Connection(None)
    api = nobody.must(200, "GET", "/v1/openapi.json")
    described = {(m.upper(), p): about for p, all in api["paths"].items() for m, about in all.items() if "x-op" in about}
    expect("the rows here are the routes", {row[:2] for row in ROUTES}, set(described))
    saved = {}
    for method, path, value, fields, status, *name in ROUTES:
        about, what = described[method, path], f"{method} {path} {fields}"
        named = {p["name"] for p in about["parameters"]} | set(about.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {}).get("properties", {}))
        expect(f"{what}: described", set(fields) - named, set())
        value = saved[value] if value and value.startswith("$") else value
        for _ in range(400 if "EFFECT" in name else 1):  # made by a job
            answer = ask_route(operator, method, path, value, fields)
            if answer[1].get("items") != []:
                break
            time.sleep(0.05)
        expect(f"{what}: {answer[1]}", answer[0], status)
        if status < 400:
            expect(f"{what}: described status", str(status) in about["responses"], True)
        if name:
            found = answer[1]["items"][0] if "items" in answer[1] else answer[1]
            saved["$" + name[0]] = str(found.get("id"))
    for (method, path), about in described.items():
        _, _, value, fields, *_ = next(row for row in ROUTES if row[:2] == (method, path))
        value = "99999" if value and "{name}" not in path and "{key}" not in path else value and "no-such"
        what = f"{method} {path}"
        check_refused(f"{what} without a token", nobody, ask_route(nobody, method, path, value, fields), 401, "unauthenticated")
        check_refused(f"{what} with a field of no meaning", operator, ask_route(operator, method, path, value, fields | {"nothing": 1}), 400, "bad_request", "nothing")
        check_refused(f"{what} with PUT", operator, ask_route(operator, "PUT", path, value, {}), 405)
        if about["x-role"] != "view":
            check_refused(f"{what} by a viewer", view, ask_route(view, method, path, value, fields), 403, "denied")
        if value and path not in MADE_BY_ASKING:
            check_refused(f"{what} of nothing", operator, ask_route(operator, method, path, value, fields), 404, "not_found")


# ---- attacks ----------------------------------------------------------------------------------------------------


def send(data):
    """What comes back until the gateway hangs up; b"…" when it does not."""
    s = socket.create_connection(("127.0.0.1", PORT), timeout=WAIT)
    got = b""
    try:
        s.sendall(data)
    except (BrokenPipeError, ConnectionResetError):
        pass
    try:
        while part := s.recv(65536):
            got += part
    except (BrokenPipeError, ConnectionResetError):
        pass
    except TimeoutError:
        sys.exit(f"not hung up: {data[:100]!r}")
    finally:
        s.close()
    return got


def status(data):
    """The status; of a refusal only in our own form."""
    got = send(data)
    if not got.startswith(b"HTTP/1."):
        return None
    code, head, body = int(got.split(b" ", 2)[1]), *got.split(b"\r\n\r\n", 1)
    if code >= 400 and not data.startswith(b"HEAD"):
        expect("the error's parts", sorted(json.loads(body)["error"]), ["code", "field", "hint", "message"])
        expect("its type", b"\r\nContent-Type: application/json\r\n" in head, True)
    return code


def request(line, *headers, host=HOST, token=True, body=b""):
    all = [line.encode()] + ([b"Host: " + host.encode()] if host else []) + [h.encode() for h in headers]
    if token:
        all.append(b"Authorization: Bearer " + TOKENS[2].encode())
    return b"\r\n".join(all) + b"\r\n\r\n" + body


def attacks():
    get, post, shut, json_type = "GET /v1/status HTTP/1.1", "POST /v1/drain HTTP/1.1", "Connection: close", "Content-Type: application/json"
    upgrade = ["Connection: Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"]
    ws = "GET /v1/sessions/a/ws HTTP/1.1"
    cases = {
        "an honest one": (200, request(get, shut)),
        "no token": (401, request(get, shut, token=False)),
        "no Host": (400, request(get, shut, host=None)),
        "another Host": (421, request(get, shut, host="evil.example")),
        "a Host that begins like ours": (421, request(get, shut, host=f"localhost.evil.example:{PORT}")),
        "two Hosts": (400, request(get, "Host: evil.example", shut)),
        "another Origin": (403, request(post, "Origin: http://evil.example", "Content-Length: 0", shut)),
        "no Origin to speak of": (403, request(post, "Origin: null", "Content-Length: 0", shut)),
        "h2c": (400, request(get, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA")),
        "HTTP/2 at once": (505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        "another upgrade": (400, request(get, "Connection: Upgrade", "Upgrade: other")),
        "two upgrades": (400, request(get, "Connection: Upgrade", "Upgrade: websocket", "Upgrade: h2c")),
        "a WebSocket elsewhere": (404, request(get, *upgrade, "Upgrade: websocket")),
        "a WebSocket from another page": (403, request(ws, *upgrade, "Upgrade: websocket", "Origin: http://evil.example")),
        "a WebSocket without a token": (401, request(ws, *upgrade, "Upgrade: websocket", token=False)),
        "a WebSocket of an inner protocol": (400, request(ws, *upgrade, "Upgrade: websocket", "Sec-WebSocket-Protocol: descriptor")),
        "a WebSocket of another version": (426, request(ws, *upgrade[:2], "Sec-WebSocket-Version: 8", "Upgrade: websocket")),
        "a WebSocket of no version": (426, request(ws, *upgrade[:2], "Upgrade: websocket")),
        "a WebSocket of two versions": (400, request(ws, *upgrade, "Sec-WebSocket-Version: 8", "Upgrade: websocket")),
        "a WebSocket that is none": (426, request(ws, shut)),
        "a WebSocket without a key": (400, request(ws, upgrade[0], upgrade[2], "Upgrade: websocket")),
        "chunked": (411, request(post, "Transfer-Encoding: chunked", json_type, body=b"2\r\n{}\r\n0\r\n\r\n")),
        "chunked and with a length": (411, request(post, "Content-Length: 5", "Transfer-Encoding: chunked", json_type, body=b"0\r\n\r\n")),
        "two lengths": (400, request(post, "Content-Length: 2", "Content-Length: 3", json_type, body=b"{}x")),
        "a length below 0": (400, request(post, "Content-Length: -1", json_type, body=b"{}")),
        "a body that is too large": (413, request(post, "Content-Length: 99999999", json_type, body=b"x" * 300000)),
        "a body of another type": (415, request(post, "Content-Length: 2", "Content-Type: text/plain", shut, body=b"{}")),
        "a body of no type": (415, request(post, "Content-Length: 2", shut, body=b"{}")),
        "no JSON": (400, request(post, "Content-Length: 2", json_type, shut, body=b"{x")),
        "headers over the limit": (431, request(get, "Cookie: " + "a" * 9000, shut)),
        "9 kB of a header that nobody knows": (431, request(get, "X-Nobody: " + "a" * 9000, shut)),
        "13 kB of headers": (431, request(get, "Cookie: " + "a" * 13000, shut)),
        "10 MiB of a header": (431, request(get, "Cookie: " + "a" * 10485760, shut)),
        "100 headers": (431, request(get, *(f"X-{i}: a" for i in range(100)), shut)),
        "10,000 headers": (431, request(get, *(f"X-{i}: a" for i in range(10000)), shut)),
        "100 arguments": (431, request("GET /v1/jobs?" + "a&" * 100 + " HTTP/1.1", shut)),
        "a long path": (414, request("GET /" + "a" * 20000 + " HTTP/1.1", shut)),
        "a path with a NUL": (400, request("GET /a%00b HTTP/1.1", shut)),
        "a path with half a byte": (400, request("GET /a%f HTTP/1.1", shut)),
        "a path with what lws ends it at": (400, request("GET /v1/jobs/1&2 HTTP/1.1", shut)),
        "a proxy's request": (400, request("GET http://evil.example/ HTTP/1.1", shut)),
        "CONNECT": (405, request("CONNECT evil.example:443 HTTP/1.1")),
        "TRACE": (405, request("TRACE / HTTP/1.1", shut)),
        "HTTP/0.9": (400, b"GET /\r\n\r\n"),
        "HTTP/3": (505, request("GET / HTTP/3.0", shut)),
        "TLS": (None, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
        "a space before a colon": (400, request(post, "Transfer-Encoding : chunked", "Content-Length: 2", json_type, body=b"{}")),
        "a tabulator before a colon": (400, request(post, "Content-Length\t: 2", json_type, body=b"{}")),
        "a folded header": (400, request(post, "X: a", " Transfer-Encoding: chunked", "Content-Length: 2", json_type, body=b"{}")),
        "a bare line feed": (400, request(post, "X: a\nTransfer-Encoding: chunked", "Content-Length: 2", json_type, body=b"{}")),
        "a bare carriage return": (400, request(post, "X: a\rTransfer-Encoding: chunked", "Content-Length: 2", json_type, body=b"{}")),
        "line feeds only": (400, request(get, shut).replace(b"\r\n", b"\n")),
        "a NUL in a header": (400, request(get, "X: a\0b", shut)),
        "a header without a name": (400, request(get, ": a", shut)),
        "a length twice": (400, request(post, "Content-Length: 2", "Content-Length: 2", json_type, body=b"{}")),
        "a list of lengths": (400, request(post, "Content-Length: 2, 2", json_type, body=b"{}")),
        "a length with a sign": (400, request(post, "Content-Length: +2", json_type, body=b"{}")),
        "a length beyond all": (413, request(post, "Content-Length: " + "9" * 40, json_type, body=b"{}")),
        "a compressed body": (415, request(post, "Content-Length: 20", "Content-Encoding: gzip", json_type, shut, body=b"\x1f\x8b" + b"\0" * 18)),
        "PUT": (405, request("PUT /v1/jobs HTTP/1.1", "Content-Length: 0", shut)),
        "a path above": (400, request("GET /../../etc/passwd HTTP/1.1", shut)),
        "lines in a path": (400, request("GET /v1/schedules/a%0d%0aX-Evil:%20b HTTP/1.1", shut)),
        "a path with a carriage return": (400, request("POST /v1/jobs%0d/x HTTP/1.1", "Content-Length: 2", json_type, shut, body=b"{}")),
        "a query with a carriage return": (400, request("GET /v1/jobs?limit=1%0d HTTP/1.1", shut)),
        "a path with a tabulator": (400, request("GET /v1/jobs/1%09 HTTP/1.1", shut)),
        "a path with a DEL": (400, request("GET /v1/jobs/1%7f HTTP/1.1", shut)),
        "a WebSocket's path with a line feed": (400, request("GET /v1/sessions/a%0ab/ws HTTP/1.1", *upgrade, "Upgrade: websocket")),
        "a WebSocket of a key that is no UTF-8": (400, request("GET /v1/sessions/%ff/ws HTTP/1.1", *upgrade, "Upgrade: websocket")),
        "a WebSocket with a body": (400, request(ws, *upgrade, "Upgrade: websocket", "Content-Length: 1", body=b"x")),
        "a WebSocket of a company with a long name": (400, request("GET /v1/sessions/a/ws?company=" + "a" * 600 + " HTTP/1.1", *upgrade, "Upgrade: websocket")),
        "a WebSocket with an argument of no meaning": (400, request("GET /v1/sessions/a/ws?compny=acme HTTP/1.1", *upgrade, "Upgrade: websocket")),
        "a feed with an argument of no meaning": (400, request("GET /v1/feed?sinc=0 HTTP/1.1", shut)),
        "two Authorizations": (400, request(get, "Authorization: Bearer x", shut)),
        "two keys": (400, request(post, "Idempotency-Key: a", "Idempotency-Key: b", "Content-Length: 0", shut)),
        "an empty key": (400, request(post, "Idempotency-Key:", "Content-Length: 0", shut)),
        "a token with blanks behind it": (200, request(get, shut, f"Authorization: \tBearer {TOKENS[2]} \t", token=False)),
        "HEAD of the feed": (405, request("HEAD /v1/feed HTTP/1.1", shut)),
        "headers that do not end": (None, b"GET /healthz HTTP/1.1\r\nHost: "),
        "nothing": (None, b""),
        "a body that does not come": (None, request(post, "Content-Length: 20", json_type, body=b"{")),
    }
    for name, (wanted, data) in cases.items():
        expect(name, status(data), wanted)
    for name in ("a WebSocket of another version", "a WebSocket that is none"):
        got = send(cases[name][1]).lower()
        expect(name, [h in got for h in (b"upgrade: websocket\r\n", b"connection: upgrade\r\n", b"sec-websocket-version: 13\r\n")], [True] * 3)
    got = send(request(get) + request(get) + request("GET /v1/nothing HTTP/1.1", shut))
    expect("three on a connection", got.count(b"HTTP/1.1 200") + got.count(b"HTTP/1.1 404"), 3)
    got = send(request("POST /v1/jobs/99/cancel HTTP/1.1", "Content-Length: 2", json_type, body=b"{}") * 3 + request(get, shut))
    expect("four with bodies on a connection", (got.count(b"HTTP/1.1 404"), got.count(b"HTTP/1.1 200")), (3, 1))
    got = send(request(get) + request(post, "Content-Length: 1", "Content-Length: 2") + request(get))
    expect("a bad one behind a good one", (got.count(b"HTTP/1.1 200"), got.count(b"HTTP/1.1 400"), got.count(b"HTTP/1.1")), (1, 1, 2))
    for name in ("X", "A", "If", "Con", "Content", "X-Forwarded", "Prox", "Sec", "Transfer", "I"):
        begins_alike(f"{name}: 1")
    names_of_keys()
    slow = [socket.create_connection(("127.0.0.1", PORT)) for _ in range(500)]
    for s in slow:
        s.sendall(b"GET / HTTP/1.1\r\nX: ")
    expect("behind 500 slow ones", status(cases["an honest one"][1]), 200)
    for s in slow:
        s.close()


def begins_alike(header):
    """A header whose name begins like one that libwebsockets knows: neither it nor the one behind it is taken for another."""
    shut, json_type, body = "Connection: close", "Content-Type: application/json", b'{"handler": "noop"}'
    length = f"Content-Length: {len(body)}"
    expect(f"{header} last", status(request("GET /healthz HTTP/1.1", shut, header)), 200)
    expect(f"{header} before Connection", status(request("GET /healthz HTTP/1.1", header, shut)), 200)
    expect(f"{header} before Authorization", status(request("GET /v1/status HTTP/1.1", shut, header)), 200)
    expect(f"{header} before Origin", status(request("POST /v1/jobs HTTP/1.1", shut, json_type, length, header, "Origin: http://evil.example", body=body)), 403)
    once = [send(request("POST /v1/jobs HTTP/1.1", shut, json_type, header, f"Idempotency-Key: {header}", header, length, body=body)).split(b"\r\n\r\n")[1] for _ in range(2)]
    expect(f"{header} before Idempotency-Key", json.loads(once[0])["id"], json.loads(once[1])["id"])
    inner = request("GET /v1/schedules/stats HTTP/1.1", shut)
    for method, path in (("GET", "/healthz"), ("DELETE", "/v1/agents/none")):
        got = send(request(f"{method} {path} HTTP/1.1", header, f"Content-Length: {len(inner)}", json_type, shut, body=inner))
        expect(f"{header}: what is smuggled with {method} in a body", got.count(b"HTTP/1.1 "), 1)


def names_of_keys():
    """A key in a path is the one that was meant, or is refused: never another one, or another route."""
    submit = Connection(TOKENS[1])
    for key, path in (("w//x", "w%2F%2Fx"), ("../x", "..%2Fx"), ("w/S/../e", "w%2FS%2F..%2Fe"), ("w/e/", "w/e%2F"), ("chat/events", "chat%2Fevents"), ("chat/../../jobs/stats", "chat%2F..%2F..%2Fjobs%2Fstats"), ("../../healthz", "..%2f..%2fhealthz"), ("a+b&c;d%2F", "a%2Bb%26c%3Bd%252F")):
        submit.must(202, "POST", f"/v1/sessions/{path}/messages", {"content": "hello"})
        expect(path, submit.must(200, "GET", f"/v1/sessions/{path}")["key"], key)
        listed = submit.must(200, "GET", "/v1/sessions?limit=200")["items"]
        expect(f"{path}: made", [s["key"] for s in listed].count(key), 1)
    for path in ("w/S/../e", "w//x", "w/./e", "w/e/", "%2e%2e/jobs/stats", "w/%2E/e"):
        submit.refused(400, "bad_request", "GET", f"/v1/sessions/{path}")
        submit.refused(400, "bad_request", "POST", f"/v1/sessions/{path}/messages", {"content": "hello"})
    submit.refused(400, "bad_request", "GET", "/v1/schedules/..%2f..")


def trickle(until):
    """A body that comes by a byte a second; when it is hung up."""
    s = socket.create_connection(("127.0.0.1", PORT), timeout=1)
    s.sendall(request("POST /v1/drain HTTP/1.1", "Content-Length: 1000", "Content-Type: application/json"))
    while time.monotonic() < until:
        try:
            s.sendall(b" ")
            if s.recv(1) == b"":
                return True
        except TimeoutError:
            continue
        except (BrokenPipeError, ConnectionResetError):
            return True
    return False


def flood():
    """More connections than may be without a request, half a head each, and a body that never ends: others are served all the same."""
    import resource, threading

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    view, ended = Connection(TOKENS[0]), []
    thread = threading.Thread(target=lambda: ended.append(trickle(time.monotonic() + 2 * WAIT)))
    thread.start()
    many = [socket.create_connection(("127.0.0.1", PORT)) for _ in range(3000)]
    for s in many:
        try:
            s.sendall(b"GET /healthz HTTP/1.1\r\nHost: ")
        except OSError:
            pass  # hung up already
    deadline = time.monotonic() + WAIT
    while status(request("GET /v1/status HTTP/1.1", "Connection: close")) != 200:
        if time.monotonic() > deadline:
            sys.exit("behind 3,000 half heads nobody is served")
    expect("shed", read_figures(view.must(200, "GET", "/metrics"))["agentd_gateway_connections_shed_total"] > 0, True)
    expect("died", agentctl("status")["gateway"]["died"], 0)
    for s in many:
        s.close()
    thread.join()
    expect("a body without end is hung up", ended, [True])


# ---- the feed ---------------------------------------------------------------------------------------------------


class Feed:
    def __init__(self, token, query="", last=None, wait=WAIT):
        headers = {"Authorization": f"Bearer {token}"} | ({"Last-Event-ID": last} if last else {})
        self.http = http.client.HTTPConnection("127.0.0.1", PORT, timeout=wait)
        self.http.request("GET", "/v1/feed" + query, headers=headers)
        self.reply = self.http.getresponse()
        if self.reply.status != 200:
            sys.exit(f"feed {query} {last}: {self.reply.status} {self.reply.read()}")
        expect("feed", self.reply.headers["Content-Type"], "text/event-stream")

    def next(self):
        """The next event that has data: (type, data), and its cursor in self.last."""
        event = {}
        while True:
            line = self.reply.readline().decode().rstrip("\n")
            key, _, value = line.partition(": ")
            if line:
                event[key] = value
            elif "data" in event:
                self.last = event.get("id")
                return event["event"], json.loads(event["data"])
            else:
                event = {}

    def until(self, type, job):
        seen = []
        while True:
            kind, data = self.next()
            seen.append(data.get("seq"))
            if kind == type and data.get("job") == job:
                return seen


def feed():
    view, submit = TOKENS[0], Connection(TOKENS[1])
    first = submit.must(202, "POST", "/v1/jobs", {"handler": "noop"})["id"]
    f = Feed(view, "?since=0")
    seen = f.until("job.completed", first)
    expect("no hole", seen, list(range(1, seen[-1] + 1)))
    second = submit.must(202, "POST", "/v1/jobs", {"handler": "noop"})["id"]
    g = Feed(view, last=f.last)
    expect("goes on behind the cursor", g.until("job.completed", second)[0], seen[-1] + 1)
    expect("as does the first", f.until("job.completed", second)[0], seen[-1] + 1)
    third = submit.must(202, "POST", "/v1/jobs", {"handler": "noop"})["id"]
    f.until("job.completed", third)
    late = Feed(view, "?since=0", wait=10)
    late.until("job.completed", third)  # now, not with the next event or the sign of life after 15 s
    h = Feed(view, "?topic=job.completed")
    fourth = submit.must(202, "POST", "/v1/jobs", {"handler": "noop"})["id"]
    expect("the topic only", len(h.until("job.completed", fourth)), 1)
    slow = socket.create_connection(("127.0.0.1", PORT))
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.sendall(request("GET /v1/feed?since=0 HTTP/1.1"))
    for _ in range(200):
        last = submit.must(202, "POST", "/v1/jobs", {"handler": "noop"})["id"]
    f.until("job.completed", last)  # a watcher that takes nothing holds nobody up
    late = Feed(view, "?since=0", wait=10)
    late.until("job.completed", last)  # likewise of many pages
    slow.settimeout(10)
    got = b""
    while f"id: {f.last}\n".encode() not in got:  # … and of what the kernel did not take at once
        got = got[-100:] + slow.recv(65536)
    restored = Feed(view, "?since=0000000000000001-5")
    expect("another store's cursor", restored.next()[0], "gap")
    expect("a bad cursor", Connection(view).ask("GET", "/v1/feed?since=nonsense")[0], 400)
    expect("a bad token", Connection("agt_x").ask("GET", "/v1/feed")[0], 401)


# ---- WebSockets -------------------------------------------------------------------------------------------------


def socket_to(session, query="", **options):
    import websockets

    return websockets.connect(f"ws://{HOST}/v1/sessions/{session}/ws{query}", open_timeout=WAIT, **options)


def bearer(token):
    return {"extra_headers": {"Authorization": f"Bearer {token}"}}


async def read(w, type):
    said = json.loads(await asyncio.wait_for(w.recv(), WAIT))
    expect("said", said["type"], type)
    return said


async def tell(w, **message):
    await w.send(json.dumps(message))


async def closed(w, code):
    import websockets

    try:
        while True:
            await asyncio.wait_for(w.recv(), WAIT)
    except websockets.ConnectionClosed as e:
        expect("closed", e.code, code)


async def sockets():
    view, submit, _ = TOKENS
    origin = {"origin": f"http://{HOST}"}
    async with socket_to("chat/ben", "?company=acme", **bearer(submit)) as w:
        await read(w, "ready")
        await tell(w, type="message", content="hello", id="m1", agent="scout")
        expect("stored", (await read(w, "accepted")), {"type": "accepted", "id": "m1", "seq": 1})
        await tell(w, type="message", content="hello", id="m1", agent="scout")
        expect("said twice, stored once", (await read(w, "accepted"))["seq"], 1)
        for wrong in ("no JSON", "[]", '{"type": "other"}', '{"type": "ack"}', '{"type": "message"}', '{"type": "ack", "effect_id": 1, "id": 1}', '{"type": "message", "content": "x", "ID": "a"}'):
            await w.send(wrong)
            expect(wrong, (await read(w, "error"))["code"], "bad_request")
        for wrong in ({"id": 5}, {"id": None}, {"id": ""}, {"id": "a" * 65}, {"idd": "x"}, {"company": "acme"}):
            await tell(w, type="message", content="not stored", agent="scout", **wrong)
            said = await read(w, "error")
            expect(wrong, (said["code"], said["message"].startswith(*wrong)), ("bad_request", True))
        await tell(w, type="message", content="not stored", id="m2", x=1)
        expect("refused by its id", (await read(w, "error"))["id"], "m2")
        await tell(w, type="ack", effect_id=1, x=1)
        expect("an ack with more", (await read(w, "error"))["code"], "bad_request")
        await tell(w, type="message", content="next", id="m3")
        expect("nothing between was stored", (await read(w, "accepted"))["seq"], 2)
        await tell(w, type="ack", effect_id=12345)
        expect("no such effect", (await read(w, "error"))["code"], "not_found")
        await w.send("x" * 70000)
        await closed(w, 1009)
    async with socket_to("w%2F%2Fx%2F..", **bearer(submit)) as w:
        expect("a key of slashes and dots", (await read(w, "ready"))["session"], "w//x/..")
    async with socket_to("chat/ben", "?company=acme", subprotocols=["agentd.v1", f"bearer.{submit}"], **origin) as w:
        expect("protocol", (w.subprotocol, w.extensions), ("agentd.v1", []))
        await read(w, "ready")
        await w.send(b"bytes")
        await closed(w, 1003)
    async with socket_to("chat/ben", "?company=acme", **origin) as w:
        await tell(w, type="auth", token=submit, x=1)
        expect("a token with more", (await read(w, "error"))["code"], "bad_request")
        await tell(w, type="auth", token=submit)
        await read(w, "ready")
        for _ in range(100):
            await tell(w, type="other")
        await closed(w, 1008)
    async with socket_to("chat/ben", "?company=acme", **origin) as w:
        await closed(w, 1008)  # nothing was shown in 5 s
    async with socket_to("chat/ben", "?company=acme", **origin) as w:
        await tell(w, type="auth", token="agt_wrong")
        await read(w, "error")
        await closed(w, 1008)
    async with socket_to("chat/ben", "?company=acme", **origin) as w:
        await tell(w, type="message", content="before I say who I am")
        await closed(w, 1008)
    async with socket_to("chat/ben", "?company=acme", **bearer(view)) as w:
        await read(w, "ready")
        await tell(w, type="message", content="I may only look")
        expect("a viewer", (await read(w, "error"))["code"], "denied")


def agentctl(*words):
    done = subprocess.run([os.environ["AGENTCTL"], *words, "--json"], capture_output=True, text=True, timeout=WAIT)
    if done.returncode:
        sys.exit(f"agentctl {words}: {done.stderr}")
    return json.loads(done.stdout)


async def until_ready(session, token):
    """A WebSocket, as soon as there is a gateway."""
    import websockets

    deadline = time.monotonic() + WAIT
    while True:
        try:
            w = await socket_to(session, **bearer(token))
            await read(w, "ready")
            return w
        except (OSError, websockets.WebSocketException):
            if time.monotonic() > deadline:
                sys.exit("the gateway does not come back")
            await asyncio.sleep(0.05)


async def until_left(token, session):
    deadline = time.monotonic() + WAIT
    while await asyncio.to_thread(lambda: Connection(token).must(200, "GET", f"/v1/sessions/{session}")["readers"]):
        expect("still read", time.monotonic() > deadline, False)


async def repeated():
    """Who comes, acknowledges once more and goes leaves nothing in the store."""
    submit = TOKENS[1]
    async with socket_to("chat/gus", **bearer(submit)) as w:
        await read(w, "ready")
        await tell(w, type="message", content="hello")
        await read(w, "accepted")
        effect = (await read(w, "agent_reply"))["effect_id"]
        await tell(w, type="ack", effect_id=effect)
        await (await w.ping())  # it was taken
        ack = await asyncio.to_thread(Connection(submit).must, 200, "POST", f"/v1/effects/{effect}/ack", {"session": "chat/gus"})
        expect("acknowledged", ack["status"], "delivered")
    await until_left(submit, "chat/gus")
    rows = agentctl("fsck")["rows"]
    async with socket_to("chat/gus", **bearer(submit)) as w:
        await read(w, "ready")
        for _ in range(5):
            await tell(w, type="ack", effect_id=effect)
        await (await w.ping())
        await asyncio.to_thread(Connection(submit).must, 200, "POST", f"/v1/effects/{effect}/ack", {"session": "chat/gus"})
    await until_left(submit, "chat/gus")
    expect("rows left behind", agentctl("fsck")["rows"] - rows, 0)


async def deliveries():
    submit = TOKENS[1]
    async with socket_to("chat/cleo", **bearer(submit)) as w:
        await read(w, "ready")
        await tell(w, type="message", content="first")
        await read(w, "accepted")
        reply = await read(w, "agent_reply")
        expect("reply", (reply["content"], reply["seq"]), ("you said: first", 1))
    async with socket_to("chat/cleo", **bearer(submit)) as w, socket_to("chat/cleo", **bearer(submit)) as other:
        for each in (w, other):
            await read(each, "ready")
            expect("again after a reconnect", await read(each, "agent_reply"), reply)
        await tell(w, type="message", content="second")
        await read(w, "accepted")
        await tell(other, type="ack", effect_id=reply["effect_id"])
        for each in (w, other):
            expect("the next one", (await read(each, "agent_reply"))["content"], "you said: second")
    async with socket_to("chat/early", **bearer(submit)) as w, socket_to("chat/early", **bearer(submit)) as other:
        for each in (w, other):
            await read(each, "ready")
        await asyncio.to_thread(Connection(submit).must, 202, "POST", "/v1/sessions/chat/early/messages", {"content": "from elsewhere"})
        for each in (w, other):
            expect("of a session that was not there", (await read(each, "agent_reply"))["content"], "you said: from elsewhere")
    os.kill(agentctl("status")["gateway"]["pid"], signal.SIGKILL)
    w = await until_ready("chat/cleo", submit)
    second = await read(w, "agent_reply")
    expect("again after its death", second["content"], "you said: second")
    await tell(w, type="ack", effect_id=second["effect_id"])
    agentctl("session", "event", "chat/cleo", "wake", "--payload", '"me"')
    expect("not in answer to a person", (await read(w, "agent_follow_up"))["seq"], 3)
    await w.close()


async def revoked():
    secret = agentctl("token", "add", "guest", "--role", "submit")["secret"]
    async with socket_to("chat/dora", **bearer(secret)) as w:
        await read(w, "ready")
        agentctl("token", "revoke", "guest")
        await tell(w, type="message", content="still here?")
        expect("a token that was taken back", (await read(w, "error"))["code"], "unauthenticated")
        await closed(w, 1008)
    secret = agentctl("token", "add", "own", "--role", "submit", "--session", "chat/own")["secret"]
    for session in ("chat/other", "chat/owner", "chat/own/1"):
        async with socket_to(session, **bearer(secret)) as w:
            expect(session, (await read(w, "error"))["code"], "denied")
            await closed(w, 1008)
    abroad = await asyncio.to_thread(Connection(secret).ask, "POST", "/v1/sessions/chat/own/messages", {"content": "hello", "company": "acme"})
    expect("its key in another company", abroad[0], 404)
    async with socket_to("chat/own", **bearer(secret)) as w:
        await read(w, "ready")


# agentd is stopped: what it was asked it does when it goes on.
async def silent():
    def ask(path, body, **headers):
        return asyncio.to_thread(Connection(TOKENS[1]).refused, 500, "outcome_unknown", "POST", path, body, **headers)

    job = {"handler": "echo"}
    with_key, without, message, acknowledged = await asyncio.gather(
        ask("/v1/jobs", job, Idempotency_Key="once"), ask("/v1/jobs", job), ask("/v1/sessions/chat/anna/messages", {"content": "hello"}),
        ask("/v1/effects/1/ack", {"session": "chat/anna"}))
    expect("with a key", with_key["hint"].startswith("ask again with the same Idempotency-Key"), True)
    for each in (without, message):
        expect("without", each["hint"].startswith("look whether it was done before you ask again"), True)
    expect("of no matter", acknowledged["hint"].startswith("ask again: "), True)


cases = {
    "requests": requests,
    "page": page,
    "routes": routes,
    "flood": flood,
    "figures": figures,
    "full": full,
    "attacks": attacks,
    "feed": feed,
    "sockets": lambda: asyncio.run(sockets()),
    "deliveries": lambda: asyncio.run(deliveries()),
    "repeated": lambda: asyncio.run(repeated()),
    "revoked": lambda: asyncio.run(revoked()),
    "silent": lambda: asyncio.run(silent()),
}
cases[sys.argv[1]]()
