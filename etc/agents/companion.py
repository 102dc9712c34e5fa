#!/usr/bin/env python3
"""companion - a session agent in plain Python: it answers, remembers, and comes back by itself.

A persistent handler: each line of standard input is a job, each job an event of a session. What it
knows of a person it keeps in the session's checkpoint. When a person has spoken it sets a timer; when
the timer fires and the person has been quiet it writes once more, unasked, and sets it again, for twice
as long. agentd's policy ends that (sessions.max_consecutive, sessions.cooldown): a message beyond it is
refused, whatever the companion thinks.

Put a model where `reply` and `follow_up` are; everything else stays as it is.
"""
import json
import os
import re
import sys

FOLLOW_UP_MS = int(float(os.environ.get("FOLLOW_UP_SECONDS", "60")) * 1000)


def say(**line):
    print(json.dumps(line), flush=True)


def reply(text, known):
    """The answer to what a person said."""
    called = re.search(r"\b(?:my name is|i am|i'm)\s+([A-Za-z]+)", text, re.IGNORECASE)
    if called:
        known["name"] = called.group(1)
        return f"Nice to meet you, {known['name']}. What are you working on?"
    if re.search(r"\b(bye|goodbye|thanks)\b", text, re.IGNORECASE):
        known["done"] = True
        return "Until next time."
    known["topic"] = text
    who = f", {known['name']}" if "name" in known else ""
    return f"I see{who}. You said: {text}"


def follow_up(known):
    """What it says by itself; None: nothing."""
    if known.get("done") or "topic" not in known:
        return None
    return f"I was still thinking about \"{known['topic']}\". Did it work out?"


def process(job):
    event, known = job["event"], job["checkpoint"] or {}
    if event is None:
        say(type="fail", **{"class": "handler_error"}, message="the companion needs a session")
        return
    if event["type"] == "user_message":
        text = event["payload"]["content"]
        known.pop("done", None)
        answer = reply(text, known)
        for i in range(0, len(answer), 16):  # as a model would, bit by bit
            say(type="delta", text=answer[i:i + 16])
    elif event["type"] == "timer":
        answer = follow_up(known)
    else:
        answer = None
    say(type="turn")
    if answer:
        say(type="effect", kind="send_message", content=answer)
    unasked = 0 if event["type"] == "user_message" else job["session"]["consecutive_autonomous_msgs"] + 1
    if answer and not known.get("done") and unasked <= 3:
        say(type="effect", kind="schedule_timer", timer_id="follow-up", in_ms=FOLLOW_UP_MS << unasked)
    known["events"] = known.get("events", 0) + 1
    say(type="checkpoint", data=known)
    say(type="result")


for line in sys.stdin:
    process(json.loads(line))
