"""A well-mannered client of beckon.v1 over Python's `websockets`, which nobody here wrote."""

import asyncio
import contextlib
import json
import socket
import struct

import websockets
import websockets.version

from harness import SLOWER

WAIT = 10.0 * SLOWER  # For whatever must come: far above any latency, so that only its absence fails.

# websockets 14 renamed one argument and began to honour proxies; Debian 12 has 10.4, Debian 13 has 15.
_NEW = int(websockets.version.version.split(".")[0]) >= 14


def connect_options(headers=None):
    options = {"max_size": None, "compression": None, "ping_interval": None, "close_timeout": 2}
    if _NEW:
        options["proxy"] = None
    if headers:
        options["additional_headers" if _NEW else "extra_headers"] = headers
    return options


class Refused(Exception):
    """`error` where `ok` was expected. `frame` is the whole answer."""

    def __init__(self, frame):
        super().__init__(str(frame))
        self.frame, self.code = frame, frame["code"]


class Client:
    """One session. Answers go to whoever asked; everything else waits in `inbox`, in the order in which it came."""

    def __init__(self, connection):
        self.socket = connection
        self.inbox = asyncio.Queue()
        self.answers = {}
        self.last_id = 0
        self.close_code = None
        self.welcome = None
        self.reader = asyncio.create_task(self._read())

    @classmethod
    async def connect(cls, server, query="", *, headers=None, welcome=True, **more):
        connection = await websockets.connect(
            server.uri(query), subprotocols=["beckon.v1"], **connect_options(headers), **more
        )
        self = cls(connection)
        if welcome:
            self.welcome = await self.next("welcome")
        return self

    async def _read(self):
        with contextlib.suppress(websockets.ConnectionClosed):
            async for message in self.socket:
                frame = json.loads(message) if isinstance(message, str) else _split(message)
                waiting = self.answers.pop(frame.get("id"), None)
                if waiting and not waiting.done():
                    waiting.set_result(frame)
                else:
                    self.inbox.put_nowait(frame)
        # The code that the server sent; 1006 where it sent none.
        self.close_code = self.socket.close_code
        for waiting in self.answers.values():
            if not waiting.done():
                waiting.set_exception(ConnectionError(f"closed {self.close_code} before the answer"))
        self.inbox.put_nowait({"type": "closed", "code": self.close_code})

    # --- out ---

    async def tell(self, type, **fields):
        """Sends a frame without `id`."""
        await self.socket.send(json.dumps({"type": type, **fields}))

    def ask_later(self, type, **fields):
        """Sends a frame with `id`. @returns an awaitable of its `ok` or `error`, whichever it is."""
        return self._with_id(lambda id: json.dumps({"type": type, "id": id, **fields}))

    def ask_binary(self, payload, type, **fields):
        return self._with_id(lambda id: binary({"type": type, "id": id, **fields}, payload))

    def _with_id(self, message):
        self.last_id += 1
        answer = asyncio.get_running_loop().create_future()
        self.answers[self.last_id] = answer
        text = message(self.last_id)

        async def exchange():
            await self.socket.send(text)
            return await asyncio.wait_for(answer, WAIT)

        return asyncio.ensure_future(exchange())

    async def answer(self, type, **fields):
        """The `ok` or `error`, as it is."""
        return await self.ask_later(type, **fields)

    async def ask(self, type, **fields):
        """The `ok`; raises Refused for an `error`."""
        frame = await self.ask_later(type, **fields)
        if frame["type"] == "error":
            raise Refused(frame)
        return frame

    async def refused(self, type, **fields):
        """The code of the `error` that must come."""
        frame = await self.ask_later(type, **fields)
        assert frame["type"] == "error", frame
        return frame["code"]

    # --- in ---

    async def next(self, type=None, within=WAIT):
        """The next frame that is no answer; it must be of `type`."""
        frame = await asyncio.wait_for(self.inbox.get(), within)
        assert type is None or frame["type"] == type, f"expected {type}: {frame}"
        return frame

    async def until(self, wanted, within=WAIT):
        """The next frame for which `wanted(frame)` holds, and all that came before it."""
        before = []

        async def search():
            while True:
                frame = await self.inbox.get()
                if wanted(frame):
                    return frame
                assert frame["type"] != "closed", frame
                before.append(frame)

        try:
            return await asyncio.wait_for(search(), within), before
        except asyncio.TimeoutError:
            raise AssertionError(f"did not come; what came: {before}") from None

    async def before_mark(self, sender, group, mark="mark"):
        """What came before a mark which `sender` sends now on the same ordered way. Shows an absence without a pause."""
        me = self.welcome["groups"][group]["as"] if group in self.welcome["groups"] else self.welcome["user"]
        await sender.tell("send", group=group, to=me, data=mark)
        return (await self.until(lambda f: f["type"] == "direct" and f.get("data") == mark))[1]

    async def closed(self, within=WAIT):
        """The code with which the server ended the connection, and the `bye` before it (or None)."""
        bye = None
        while True:
            frame = await asyncio.wait_for(self.inbox.get(), within)
            if frame["type"] == "bye":
                bye = frame
            elif frame["type"] == "closed":
                return frame["code"], bye

    # --- end ---

    async def close(self):
        await self.socket.close()
        await self.reader

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.close()

    def reset(self):
        """Ends by RST, as a killed machine's connection does when its kernel is asked."""
        raw = self.socket.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.transport.abort()


def binary(header, payload):
    head = json.dumps(header).encode()
    return struct.pack(">H", len(head)) + head + payload


def _split(message):
    """A binary message as a frame whose payload stands under `payload`."""
    size = struct.unpack(">H", message[:2])[0]
    return {**json.loads(message[2 : 2 + size]), "payload": message[2 + size :]}


@contextlib.asynccontextmanager
async def members(server, group, *uids, presence=None):
    """One client per uid, all joined to `group` by their URLs (or by a join where `presence` is wanted)."""
    async with contextlib.AsyncExitStack() as stack:
        clients = []
        for uid in uids:
            query = f"?uid={uid}" + (f"&group={group}" if presence is None else "")
            client = await stack.enter_async_context(await Client.connect(server, query))
            if presence is not None:
                client.joined = await client.ask("join", group=group, presence=presence)
            clients.append(client)
        yield clients
