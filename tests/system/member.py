"""A member in a process of its own, for tests that kill it: `member.py URI`. Says `joined` and then only lives."""

import asyncio
import sys

import websockets

from client import connect_options


async def live(uri):
    async with websockets.connect(uri, subprotocols=["beckon.v1"], **connect_options()) as socket:
        assert '"welcome"' in await socket.recv()
        print("joined", flush=True)
        async for _ in socket:
            pass


asyncio.run(live(sys.argv[1]))
