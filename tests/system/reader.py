#!/usr/bin/python3
"""A reader of a session, for test_e2e_readers.c: `reader.py PORT TOKEN SAY ACK`.

Says SAY, if it is not "-"; prints what the session's agent says meanwhile, the reply's effect and the reply; acknowledges it with ACK "ack".
"""
import asyncio, json, sys, time
import websockets

PORT, TOKEN, SAY, ACK = sys.argv[1:]
WAIT = 20


async def connected():
    """A gateway that has just been started listens in a moment."""
    uri = f"ws://127.0.0.1:{PORT}/v1/sessions/chat%2Fanna/ws"
    until = time.monotonic() + WAIT
    while True:
        try:
            return await websockets.connect(uri, subprotocols=["agentd.v1", f"bearer.{TOKEN}"], open_timeout=WAIT)
        except ConnectionRefusedError:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.05)


async def main():
    meanwhile = ""
    w = await connected()
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
    print(f'{meanwhile}|{m["effect_id"]}|{m["content"]}')


asyncio.run(main())
