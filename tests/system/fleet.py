"""The bystanders: clients that exchange numbered messages while something else is done to the server.

They sit in rings; each sends numbered direct messages to the next one of its ring and now and then publishes a number
to the ring. FIFO and completeness hold for both kinds together (protocol.md section 6), so one counter serves for all
that one sends to another. They run in a process of their own: a test that keeps the interpreter busy must not look
like a server that is late.
"""

import asyncio
import contextlib
import multiprocessing
import time
import traceback
from types import SimpleNamespace

from client import Client

RINGS, PER_RING, PERIOD = 25, 4, 0.5


class Fleet:
    """100 bystanders of one server. `query(i)` and `headers(i)` say who the i-th is; `source(i)` from which address."""

    def __init__(self, port, *, token=None, source=None):
        self._pipe, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("fork")
        self._process = context.Process(target=_run, args=(theirs, port, token, source), daemon=True)
        self._process.start()
        theirs.close()
        self._expect("ready", 60)

    def _expect(self, what, within):
        assert self._pipe.poll(within), f"the bystanders did not say {what!r} within {within} s"
        said = self._pipe.recv()
        assert said[0] == what, said[1]
        return said[1]

    def lost_nothing(self):
        """Everything sent so far has arrived, each once and in order, and nobody was disconnected."""
        with contextlib.suppress(BrokenPipeError):  # It has ended already: why is what it said last.
            self._pipe.send("check")
        count = self._expect("well", 60)
        assert count > 0
        return count

    def stop(self):
        self._process.terminate()
        self._process.join(10)
        self._pipe.close()


def _run(pipe, port, token, source):
    try:
        asyncio.run(_live(pipe, port, token, source))
    except BaseException:
        pipe.send(("failed", traceback.format_exc()))


class _Bystander:
    def __init__(self, client, ring, seat):
        self.client, self.ring, self.seat = client, ring, seat
        self.group, self.uid = f"ring-{ring}", f"by-{ring}-{seat}"
        self.next_uid = f"by-{ring}-{(seat + 1) % PER_RING}"
        self.round = 0
        self.directs = 0  # handed to the next one
        self.got = {}  # by sender and kind: the last number
        self.wrong = []

    async def speak(self):
        """One round. Every fourth message is a publication; a number stands behind its kind's last one."""
        self.round += 1
        if self.round % 4 == 0:
            answer = await self.client.ask("publish", group=self.group, data=["p", self.round // 4])
            if answer["count"] != PER_RING - 1:
                self.wrong.append(f"{self.uid}: a publication reached {answer['count']}")
        else:
            self.directs += 1
            await self.client.ask("send", group=self.group, to=self.next_uid, data=["d", self.directs])

    async def listen(self):
        while True:
            frame = await self.client.inbox.get()
            if frame["type"] not in ("direct", "message"):
                self.wrong.append(f"{self.uid}: {frame}")
                return
            kind, number = frame["data"]
            last = self.got.get((frame["from"], kind), 0)
            if number != last + 1:
                self.wrong.append(f"{self.uid}: {kind} {number} of {frame['from']} after {last}")
            self.got[frame["from"], kind] = number

    def is_complete(self, everyone):
        before = everyone[self.ring, (self.seat - 1) % PER_RING]
        if self.got.get((before.uid, "d"), 0) != before.directs:
            return False
        others = (everyone[self.ring, s] for s in range(PER_RING) if s != self.seat)
        return all(self.got.get((other.uid, "p"), 0) == other.round // 4 for other in others)


async def _live(pipe, port, token, source):
    server = SimpleNamespace(uri=lambda query="": f"ws://127.0.0.1:{port}/ws{query}")
    everyone = {}
    for ring in range(RINGS):
        for seat in range(PER_RING):
            number = ring * PER_RING + seat
            query, headers = f"?uid=by-{ring}-{seat}&group=ring-{ring}", None
            if token:
                query, headers = f"?group=ring-{ring}", {"Authorization": f"Bearer {token(f'by-{ring}-{seat}')}"}
            more = {"local_addr": (source(number), 0)} if source else {}
            client = await Client.connect(server, query, headers=headers, **more)
            everyone[ring, seat] = _Bystander(client, ring, seat)
    listeners = [asyncio.create_task(b.listen()) for b in everyone.values()]
    pipe.send(("ready", None))

    ends, late = time.monotonic(), 0.0
    while True:
        # What the bystanders themselves are late by: a machine that did not let them run is no fault of the server's.
        late = max(late, time.monotonic() - ends)
        ends = time.monotonic() + PERIOD
        # The rounds of all start evenly over the period, so that somebody speaks at any time.
        turns = [asyncio.create_task(_after(i * PERIOD / len(everyone), b)) for i, b in enumerate(everyone.values())]
        await asyncio.sleep(PERIOD)
        for turn, bystander in zip(turns, everyone.values()):
            try:
                await turn
            except Exception as error:
                raise AssertionError(f"{bystander.uid}, {late:.1f} s late at most: {error!r}") from error
        if pipe.poll():
            try:
                pipe.recv()
            except EOFError:
                return
            kind, said = await _verdict(everyone)
            pipe.send((kind, said if kind == "well" else f"{said}\n(the bystanders were at most {late:.1f} s late)"))
        assert not any(listener.done() and listener.exception() for listener in listeners)


async def _after(delay, bystander):
    await asyncio.sleep(delay)
    await bystander.speak()


async def _verdict(everyone):
    for _ in range(1000):
        if all(b.is_complete(everyone) for b in everyone.values()):
            break
        await asyncio.sleep(0.01)
    wrong = [line for b in everyone.values() for line in b.wrong]
    wrong += [f"{b.uid} misses messages: {b.got}" for b in everyone.values() if not b.is_complete(everyone)]
    if wrong:
        return "failed", "\n".join(wrong[:20])
    return "well", sum(b.directs + b.round // 4 for b in everyone.values())
