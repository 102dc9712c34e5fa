#!/usr/bin/env python3
"""The README's way to the example page, in a headless Chromium, with the real programs and the example configuration:
enable the gateway, reload, make a token, open the page, type, get an answer, wait for the follow-up while agentd and the
gateway are killed with -9 in between, and see each message once.

  tests/browser/chat.py BUILD     (needs chromium and chromium-driver)
"""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

WAIT_S = 60
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def fail(text):
    raise SystemExit("chat.py: " + text)


def until(what, test):
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        found = test()
        if found:
            return found
        time.sleep(0.05)
    fail(f"{what}: not within {WAIT_S} s")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Daemon:
    def __init__(self, build, folder):
        self.build, self.folder, self.port = build, folder, free_port()
        shutil.copytree(os.path.join(ROOT, "etc"), os.path.join(folder, "etc"))
        self.config = os.path.join(folder, "etc/agentd.yaml")
        self.edit("FOLLOW_UP_SECONDS: 60", "FOLLOW_UP_SECONDS: 3")
        self.process = None
        self.start()

    def edit(self, old, new):
        with open(self.config, encoding="utf-8") as file:
            text = file.read()
        if text.count(old) != 1:
            fail(f"the example configuration has not one \"{old}\"")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(text.replace(old, new))

    def start(self):
        self.log = open(os.path.join(self.folder, "log"), "ab")
        self.process = subprocess.Popen(
            [os.path.join(self.build, "agentd"), "-c", self.config, "--state", self.folder + "/state",
             "--run", self.folder + "/run", "--set", f"gateway.listen=127.0.0.1:{self.port}"], stdout=self.log, stderr=self.log)
        until("agentd answers", lambda: self.ctl("status", check=False).returncode == 0)

    def ctl(self, *words, check=True):
        done = subprocess.run([os.path.join(self.build, "agentctl"), "--run", self.folder + "/run",
                               "--json", *words], capture_output=True, text=True, check=False)
        if check and done.returncode:
            fail(f"agentctl {' '.join(words)}: {done.stderr}")
        return done

    def json(self, *words):
        return json.loads(self.ctl(*words).stdout)

    def answers(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5) as r:
                return r.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def gateway_pid(self):
        found = re.findall(r'^(\d+) ', subprocess.run(
            ["pgrep", "-a", "-P", str(self.process.pid), "-f", "agent-gateway"],
            capture_output=True, text=True, check=False).stdout, re.MULTILINE)
        return int(found[0]) if found else 0

    def kill_gateway(self):
        os.kill(until("there is a gateway", self.gateway_pid), signal.SIGKILL)
        until("the gateway is back", self.answers)

    def kill_agentd(self):
        self.process.kill()
        self.process.wait()
        self.start()
        until("the gateway is back", self.answers)

    def stop(self):
        self.process.terminate()
        if self.process.wait(timeout=WAIT_S) != 0:
            fail("agentd did not stop in order")


class Browser:
    """WebDriver (W3C), by chromedriver."""

    def __init__(self, folder):
        self.port = free_port()
        self.driver = subprocess.Popen(["chromedriver", f"--port={self.port}"], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, start_new_session=True)
        self.path = ""
        until("chromedriver answers", self.is_ready)
        options = {"args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                            f"--user-data-dir={folder}/browser"]}
        made = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}})
        self.path = "/session/" + made["sessionId"]

    def is_ready(self):
        try:
            return self.ask("GET", "/status")["ready"]
        except (urllib.error.URLError, OSError):
            return False

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{self.path}{path}", data, method=method)
        with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
            return json.load(answer)["value"]

    def run(self, script, *args):
        return self.ask("POST", "/execute/sync", {"script": script, "args": list(args)})

    def type_into(self, selector, text):
        element = self.ask("POST", "/element", {"using": "css selector", "value": selector})
        where = f"/element/{list(element.values())[0]}"
        self.ask("POST", where + "/clear", {})
        self.ask("POST", where + "/value", {"text": text})

    def messages(self):
        """[kind, text] of what the page shows, but for what is still being said."""
        return self.run("return [...document.querySelectorAll('#messages li:not(.partial)')]"
                        ".map(l => [l.className, l.textContent])")

    def close(self):
        try:
            self.ask("DELETE", "")
        finally:
            os.killpg(self.driver.pid, signal.SIGTERM)
            self.driver.wait()


def join(browser, secret):
    browser.type_into("#token", secret)
    browser.run("document.querySelector('#join button').click()")


def watch(browser, secret):
    """The function of the documentation hears from the page what has happened."""
    with open(ROOT + "/docs/GATEWAY.md", encoding="utf-8") as docs:
        function = re.search(r"^    async function watch.*?^    }\n", docs.read(), re.MULTILINE | re.DOTALL)[0]
    browser.run(function + "window.heard = []; watch(arguments[0], 'job.', (type, event) => heard.push([type, event.type]));", secret)


def hear(browser):
    return browser.run("return window.heard")


def talk(daemon, browser):
    daemon.edit("enabled: false", "enabled: true")
    daemon.ctl("reload")
    secret = daemon.json("token", "add", "me", "--role", "submit")["secret"]
    until("the gateway answers", daemon.answers)
    browser.ask("POST", "/url", {"url": f"http://127.0.0.1:{daemon.port}/"})
    refused = daemon.json("token", "add", "refused", "--role", "submit")["secret"]
    daemon.ctl("token", "revoke", "refused")
    join(browser, refused)
    state = "return document.querySelector('#state').textContent"
    until("the page is refused", lambda: browser.run(state) == "refused: unauthenticated")
    if [m[0] for m in browser.messages()] != ["error"] or browser.run("return document.querySelector('#join').hidden"):
        fail(f"a token that is not good: {browser.messages()}")
    browser.run("document.querySelector('#messages').replaceChildren()")

    join(browser, secret)  # session and agent stay as the page proposes them
    connected = "return document.querySelector('#state').textContent === 'connected'"
    until("the page is connected", lambda: browser.run(connected))
    watch(browser, secret)

    browser.type_into("#text", "the mill jams\ue007")  # Enter
    answer = ["agent_reply", "I see. You said: the mill jams"]
    until("an answer", lambda: answer in browser.messages())
    daemon.kill_gateway()
    daemon.kill_agentd()
    until("the page is connected again", lambda: browser.run(connected))
    follow_up = ["agent_follow_up", "I was still thinking about \"the mill jams\". Did it work out?"]
    until("a follow-up", lambda: follow_up in browser.messages())
    browser.type_into("#text", "thanks\ue007")
    until("a good-bye", lambda: ["agent_reply", "Until next time."] in browser.messages())

    completed = ["job.completed", "job.completed"]
    until("each job's end is heard once", lambda: hear(browser).count(completed) == len(
        daemon.json("job", "list", "--state", "completed")["items"]))
    shown = browser.messages()
    effects = [e for e in daemon.json("effect", "list", "--session", "chat/me")["items"]
               if e["kind"] == "send_message" and e["status"] == "delivered"]
    said = [m for m in shown if m[0].startswith("agent_")]
    if len(said) != len(effects):
        fail(f"{len(effects)} messages were delivered, the page shows {shown}")
    if shown.count(answer) != 1 or [m[1] for m in shown if m[0] == "person"] != ["the mill jams", "thanks"]:
        fail(f"the page shows {shown}")
    print(f"ok: {len(shown)} lines, each once, through kill -9 of the gateway and of agentd")


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    folder = tempfile.mkdtemp(prefix="chat-")
    os.chmod(folder, 0o711)  # the gateway may run as another user
    daemon = browser = None
    try:
        daemon = Daemon(os.path.abspath(sys.argv[1]), folder)
        browser = Browser(folder)
        talk(daemon, browser)
    except BaseException:
        with open(folder + "/log", encoding="utf-8", errors="replace") as log:
            sys.stderr.write(log.read()[-4000:])
        raise
    finally:
        if browser:
            browser.close()
        if daemon and daemon.process.poll() is None:
            daemon.stop()
        shutil.rmtree(folder, ignore_errors=True)


main()
