#!/usr/bin/python3
"""Readers of sessions, for test_e2e_readers.c: `reader.py PORT TOKEN SAY ACK [COUNT]`.

Says SAY, if it is not "-"; prints what the session's agent says meanwhile, the reply's effect and the reply; acknowledges it with ACK "ack".
With COUNT: that many at a time, each in a session of its own, which it makes; prints what they heard meanwhile, each different text once.
"""
import asyncio, json, sys, time
import websockets

PORT, TOKEN, SAY, ACK = sys.argv[1:5]
COUNT = int(sys.argv[5]) if len(sys.argv) > 5 else 0
WAIT = 20


async def connected(session):
    """A gateway that has just been started listens in a moment."""
    uri = f"ws://127.0.0.1:{PORT}/v1/sessions/{session}/ws"
    until = time.monotonic() + WAIT
    while True:
        try:
            return await websockets.connect(uri, subprotocols=["agentd.v1", f"bearer.{TOKEN}"], open_timeout=WAIT)
        except ConnectionRefusedError:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.05)


async def talk(session):
    meanwhile = ""
    w = await connected(session)
    if SAY != "-":
        await w.send(json.dumps({"type": "message", "content": SAY}))
    while True:
        m = json.loads(await asyncio.wait_for(w.recv(), WAIT))
        if m["type"] == "delta":
            meanwhile += m["text"]
        if m["type"] == "agent_reply":
            break
    if ACK == "ack":
        await w.send(json.dumps({"type": "ack", "effect_id": m["effect_id"]}))
    await w.close()
    return meanwhile, f'{m["effect_id"]}|{m["content"]}'


async def main():
    if COUNT:
        heard = await asyncio.gather(*(talk(f"many/{i}") for i in range(COUNT)))
        print("|".join(sorted({meanwhile for meanwhile, _ in heard})))
    else:
        print("|".join(await talk("chat%2Fanna")))


asyncio.run(main())
