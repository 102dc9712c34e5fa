#!/usr/bin/python3
"""WebSockets byte by byte, for test_e2e_sockets.c: `sockets.py CASE PORT TOKEN`; exit 1 says what is not as it should be.

Every wait ends after WAIT s.
"""
import base64, http.client, json, os, signal, socket, struct, subprocess, sys, threading, time

PORT, TOKEN = int(sys.argv[2]), sys.argv[3]
HOST = f"127.0.0.1:{PORT}"
WAIT = 20
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
MIB = 1 << 20


def expect(what, seen, wanted):
    if seen != wanted:
        sys.exit(f"{what}: {seen!r}, not {wanted!r}")


def frame(opcode, payload=b"", fin=True, masked=True, reserved=0, size=None):
    """size: what the header says, when that is not so."""
    size = len(payload) if size is None else size
    head = bytes([fin << 7 | reserved << 4 | opcode])
    if size < 126:
        head += bytes([masked << 7 | size])
    elif size < 65536:
        head += bytes([masked << 7 | 126]) + struct.pack("!H", size)
    else:
        head += bytes([masked << 7 | 127]) + struct.pack("!Q", size)
    if not masked:
        return head + payload
    key = os.urandom(4)
    return head + key + bytes(b ^ key[i % 4] for i, b in enumerate(payload))


def said(**message):
    return frame(TEXT, json.dumps(message).encode())


class Peer:
    """A WebSocket that is ready, unless it is in haste."""

    def __init__(self, session, buffer=None, in_haste=False, token=TOKEN):
        self.socket = socket.socket()
        self.socket.settimeout(WAIT)
        if buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.connect(("127.0.0.1", PORT))
        self.got = b""
        ask(self.socket, f"/v1/sessions/{session}/ws", f"Authorization: Bearer {token}")
        if not in_haste:
            self.ready()

    def ready(self):
        expect("upgrade", answer(self.socket), 101)
        self.until("ready")

    def take(self, size):
        while len(self.got) < size:
            part = self.socket.recv(65536)
            if not part:
                raise ConnectionResetError
            self.got += part
        taken, self.got = self.got[:size], self.got[size:]
        return taken

    def frame(self):
        """What comes next: (opcode, payload, whether it is the last of its message)."""
        first, size = self.take(2)
        if size == 126:
            size = struct.unpack("!H", self.take(2))[0]
        elif size == 127:
            size = struct.unpack("!Q", self.take(8))[0]
        return first & 15, self.take(size), first >> 7

    def message(self):
        text, is_last = b"", False
        while not is_last:
            opcode, payload, is_last = self.frame()
            if opcode == CLOSE:
                raise ConnectionResetError(f"closed: {payload}")
            text += payload if opcode < CLOSE else b""
            is_last = is_last and opcode < CLOSE
        return json.loads(text)

    def until(self, type):
        while True:
            message = self.message()
            if message["type"] == type:
                return message

    def send(self, data):
        """False when the gateway has hung up."""
        try:
            self.socket.sendall(data)
            return True
        except (BrokenPipeError, ConnectionResetError):
            return False

    def end(self):
        """The code that it is closed with; None when it is hung up without."""
        try:
            while True:
                opcode, payload, _ = self.frame()
                if opcode == CLOSE:
                    return struct.unpack("!H", payload[:2])[0]
        except ConnectionResetError:
            return None

    def close(self):
        self.socket.close()


def ask(s, path, *headers):
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [f"GET {path} HTTP/1.1", f"Host: {HOST}", "Connection: Upgrade", "Upgrade: websocket", f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", *headers]
    s.sendall("\r\n".join(lines + ["", ""]).encode())


def answer(s):
    """The status."""
    got = b""
    while not got.endswith(b"\r\n\r\n"):
        part = s.recv(1)
        if not part:
            raise ConnectionResetError
        got += part
    return int(got.split(b" ")[1])


def status():
    c = http.client.HTTPConnection("127.0.0.1", PORT, timeout=WAIT)
    c.request("GET", "/v1/status", headers={"Authorization": f"Bearer {TOKEN}"})
    return json.loads(c.getresponse().read())


def metric(name):
    c = http.client.HTTPConnection("127.0.0.1", PORT, timeout=WAIT)
    c.request("GET", "/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    return next(int(line.split()[1]) for line in c.getresponse().read().decode().splitlines() if line.startswith(name + " "))


def memory(pid):
    """The most that the process has had; 0 of one with a sanitizer, which keeps what is freed."""
    with open(f"/proc/{pid}/status") as f:
        sizes = {words[0]: int(words[1]) * 1024 for words in map(str.split, f) if words[0].startswith("Vm")}
    return sizes["VmHWM:"] if sizes["VmSize:"] < 1 << 40 else 0


def upgrades():
    def asked(path, *headers):
        with socket.create_connection(("127.0.0.1", PORT), timeout=WAIT) as s:
            ask(s, path, *headers)
            return answer(s)

    path, bearer = "/v1/sessions/a/ws", f"Authorization: Bearer {TOKEN}"
    expect("an honest one", asked(path, bearer), 101)
    expect("from a page of ours", asked(path, bearer, f"Origin: http://{HOST}"), 101)
    expect("from another page", asked(path, bearer, "Origin: http://evil.example"), 403)
    expect("from another port", asked(path, bearer, "Origin: http://127.0.0.1:1"), 403)
    expect("from a file", asked(path, bearer, "Origin: null"), 403)
    for name in ("token", "access_token", "bearer", "Authorization"):
        expect(f"a token in the URL, as {name}", asked(f"{path}?{name}={TOKEN}"), 401)
    expect("an argument that nobody knows", asked(f"{path}?zz=1", bearer), 400)
    expect("empty arguments", asked(f"{path}?&company=default&", bearer), 101)
    expect("a key that is no UTF-8", asked("/v1/sessions/%ff/ws", bearer), 400)
    expect("a token in the path", asked(f"/v1/sessions/a/ws/{TOKEN}", bearer), 404)
    expect("deflated", asked(path, bearer, "Sec-WebSocket-Extensions: permessage-deflate"), 101)


BAD_FRAMES = {
    "bytes": (1003, frame(BINARY, b"{}")),
    "bytes in parts": (1003, frame(BINARY, b"{", fin=False) + frame(0, b"}")),
    "a frame that is to have 64 KiB and 1": (1009, frame(TEXT, b"x", size=65537)),
    "a frame that is to have 2^62": (1009, frame(TEXT, b"x", size=1 << 62)),
    "a frame that is to have 2^63": (None, frame(TEXT, b"x", size=1 << 63)),
    "a frame over 64 KiB": (1009, frame(TEXT, b"x" * 65537)),
    "fragments without end": (1009, frame(TEXT, b"x" * 1000, fin=False) + frame(0, b"x" * 1000, fin=False) * 70),
    "bytes that are no UTF-8": (1007, frame(TEXT, b'{"type": "\xc0\xaf"}')),
    "half of a surrogate": (1007, frame(TEXT, b'{"type": "\xed\xa0\x80"}')),
    "compressed": (1002, frame(TEXT, b"{}", reserved=4)),
    "an unknown opcode": (1002, frame(3, b"{}")),
    "an unknown control opcode": (1002, frame(11, b"{}")),
    "a long ping": (1002, frame(PING, b"x" * 126)),
    "a ping in parts": (1002, frame(PING, b"x", fin=False)),
    "the rest of nothing": (1002, frame(0, b"x")),
    "a text within a text": (1002, frame(TEXT, b"x", fin=False) + frame(TEXT, b"x")),
    "100 texts at once": (1008, frame(TEXT, b"{}") * 100),
    "a text without a mask": (1002, frame(TEXT, b"{}", masked=False)),
    "a ping without a mask": (1002, frame(PING, b"x", masked=False)),
    "a goodbye without a mask": (1002, frame(CLOSE, struct.pack("!H", 1000), masked=False)),
    "64 KiB without a mask": (1002, frame(TEXT, b"x" * 65536, masked=False)),
    "the rest without a mask": (1002, frame(TEXT, b'{"type', fin=False) + frame(0, b'": 1}', masked=False)),
    "one without a mask behind 64 KiB with one": (1002, frame(TEXT, b"x" * 65536) + frame(TEXT, b"{}", masked=False)),
    "a wrong code": (1002, frame(CLOSE, struct.pack("!H", 999))),
    "a goodbye": (1000, frame(CLOSE, struct.pack("!H", 1000))),
}


def frames():
    for name, (code, data) in BAD_FRAMES.items():
        p = Peer("a")
        p.send(data)
        expect(name, p.end(), code)
        p.close()
    for masked, wanted in ((False, 1002), (True, 1000)):
        p, behind = Peer("a"), frame(CLOSE, struct.pack("!H", 1000), masked=masked)
        p.send(frame(PING) + behind[:1])
        expect("an answer before a byte of the next one", p.frame()[0], PONG)
        p.send(behind[1:])
        expect("a goodbye in two parts", p.end(), wanted)
        p.close()
    p = Peer("a")
    p.send(frame(TEXT, b'{"type": "mess', fin=False) + frame(PING, b"here") + frame(0, b'age", "content": "in parts"}'))
    expect("a ping within a text", p.frame()[:2], (PONG, b"here"))
    p.until("accepted")
    p.send(frame(TEXT, b"x" * 65536))
    expect("64 KiB", p.until("error")["code"], "bad_request")
    p.close()


def floods():
    """Of what costs no message: it holds nobody up, and costs no memory."""
    pid = status()["gateway"]["pid"]
    before = memory(pid)
    pings, empty, honest = Peer("a", buffer=4096), Peer("b", buffer=4096), Peer("c")
    empty.send(frame(TEXT, fin=False))

    def flood(peer, data):
        for _ in range(200):
            if not peer.send(data):
                return

    threads = [threading.Thread(target=flood, args=(pings, frame(PING, b"x" * 125) * 100)), threading.Thread(target=flood, args=(empty, frame(0, fin=False) * 1000))]
    for thread in threads:
        thread.start()
    for i in range(20):
        talk(honest, f"{i}")
    for thread in threads:
        thread.join(WAIT)
        expect("taken", thread.is_alive(), False)
    talk(honest, "still there?")
    expect("memory", memory(pid) - before < 16 * MIB, True)


def talk(peer, content):
    """Says it; the agent's answer, acknowledged."""
    peer.send(said(type="message", content=content))
    reply = peer.until("agent_reply")
    expect("reply", reply["content"][: len(content)], content)
    peer.send(said(type="ack", effect_id=reply["effect_id"]))
    return reply


def trickle(peer, is_over):
    """A byte a second."""
    try:
        while not is_over.wait(1) and peer.socket.recv(1):
            pass
    except ConnectionResetError:
        pass


def consumers():
    """Who reads nothing, a byte a second, or acknowledges nothing is no one else's trouble."""
    pid = status()["gateway"]["pid"]
    before = memory(pid)
    stuck = [Peer("big", buffer=4096) for _ in range(3)]
    slow, is_over = Peer("big", buffer=4096), threading.Event()
    thread = threading.Thread(target=trickle, args=(slow, is_over), daemon=True)
    thread.start()
    mute, good, other = Peer("mute"), Peer("big"), Peer("other")
    mute.send(said(type="message", content="first") + said(type="message", content="second"))
    first = mute.until("agent_reply")
    expect("first", first["content"], "first")
    for i in range(25):  # 50 texts of each: fewer than a peer may say in a moment
        expect("large", len(talk(good, f"{i} large")["content"]), 500000)
        talk(other, f"{i}")
    expect("slow readers that were ended", metric("agentd_gateway_slow_readers_total"), len(stuck) + 1)
    expect("memory", memory(pid) - before < (len(stuck) + 1) * 4 * MIB + 16 * MIB, True)
    mute.send(said(type="ack", effect_id=first["effect_id"]))
    expect("the next one, once it acknowledges", mute.until("agent_reply")["content"], "second")
    again = Peer("big")
    talk(again, "who comes back is served")
    is_over.set()
    thread.join()


def crowd():
    """All at once come to a gateway that has just begun, which is not ended for that."""
    os.kill(status()["gateway"]["pid"], signal.SIGKILL)
    peers = []
    deadline = time.monotonic() + WAIT
    while len(peers) < 600:
        try:
            peers.append(Peer(f"crowd/{len(peers)}", in_haste=True))
        except (ConnectionRefusedError, ConnectionResetError):
            expect("not back in time", time.monotonic() > deadline, False)
            time.sleep(0.001)
    for i, p in enumerate(peers):
        try:
            p.ready()
        except ConnectionResetError:  # it was the old one's last
            peers[i] = Peer(f"crowd/{i}")
    talk(peers[-1], "here we are")


def agentctl(*words):
    done = subprocess.run([os.environ["AGENTCTL"], *words, "--json"], capture_output=True, text=True, timeout=WAIT)
    if done.returncode:
        sys.exit(f"agentctl {words}: {done.stderr}")
    return json.loads(done.stdout)


def revoked():
    """Who is silent gets nothing from the moment on in which its token is revoked."""
    guest = agentctl("token", "add", "guest", "--role", "submit")["secret"]
    silent, other, honest = Peer("a", token=guest), Peer("b", token=guest), Peer("a")
    talk(honest, "before")
    expect("before", silent.until("agent_reply")["content"], "before")
    agentctl("token", "revoke", "guest")
    talk(honest, "after")
    for peer in (silent, other):
        expect("instead", peer.message()["code"], "unauthenticated")
        expect("then", peer.end(), 1008)


cases = {"revoked": revoked, "upgrades": upgrades, "frames": frames, "floods": floods, "consumers": consumers, "crowd": crowd}
cases[sys.argv[1]]()
