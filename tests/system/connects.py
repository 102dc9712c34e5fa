#!/usr/bin/python3
"""Connects without end, by hand against an agentd of your own: `connects.py PORT IN_TURN AT_ONCE`, with $AGENTCTL and $AGENTD_RUN.

IN_TURN connections one after the other ask without a token, and each is to be answered 401; AT_ONCE are held open, and an honest request is to be
answered behind them.  Prints what came back, and how long `agentctl ping` took meanwhile against before, slice by slice.
"""
import collections, os, resource, socket, statistics, struct, subprocess, sys, threading, time

PORT, IN_TURN, AT_ONCE = map(int, sys.argv[1:4])
SLICES, PINGS, WAIT = 10, 10, 20
ASK = f"GET /v1/status HTTP/1.1\r\nHost: 127.0.0.1:{PORT}\r\nConnection: close\r\n\r\n".encode()


def ask(source):
    """The status; the connection leaves no port behind that waits."""
    with socket.socket() as s:
        s.settimeout(WAIT)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.bind((source, 0))
        try:
            s.connect(("127.0.0.1", PORT))
            s.sendall(ASK)
            return s.recv(4096).split(b" ", 2)[1].decode() or "nothing"
        except (OSError, IndexError) as e:
            return type(e).__name__


def pings():
    took = []
    for _ in range(PINGS):
        began = time.monotonic()
        subprocess.run([os.environ["AGENTCTL"], "ping"], check=True, capture_output=True, timeout=WAIT)
        took.append(time.monotonic() - began)
    return took


def in_turn():
    seen, before, during = collections.Counter(), [], []
    for n in range(SLICES):
        before += pings()
        thread = threading.Thread(target=lambda: seen.update(ask(f"127.0.0.{i % 200 + 2}") for i in range(IN_TURN // SLICES)))
        thread.start()
        while thread.is_alive():
            during += pings()
    print(f"in turn: {dict(seen)}; ping p50 {statistics.median(before) * 1000:.1f} ms before, {statistics.median(during) * 1000:.1f} ms meanwhile")
    return set(seen) == {"401"}


def at_once():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    held = []
    for _ in range(AT_ONCE):
        held.append(socket.create_connection(("127.0.0.1", PORT), timeout=WAIT))
        held[-1].setblocking(False)
    deadline = time.monotonic() + WAIT
    while (last := ask("127.0.0.1")) != "401" and time.monotonic() < deadline:
        pass
    gone = 0
    for s in held:
        try:
            gone += not s.recv(1)
        except BlockingIOError:
            pass
        except ConnectionResetError:
            gone += 1
        s.close()
    print(f"at once: {AT_ONCE}, of which {gone} were hung up; behind them {last}")
    return last == "401"


sys.exit(0 if in_turn() & at_once() else 1)
