"""Three nodes of which one dies every five seconds, under messages whose whole history is checked afterwards."""

import asyncio
import contextlib
import json
import random
import time

import pytest
import websockets
from client import connect_options
from cluster_test import nodes
from gate import Node
from harness import note, tenth
from history import History

CLIENTS, GROUPS, BATCH = 24, 4, 16
KILL_EVERY = 5.0


class Talker:
    """A client that talks all the time, in batches, and goes to another node when its own dies."""

    def __init__(self, run, number):
        self.run, self.dice = run, random.Random(number)
        self.uid = f"u{number}"
        self.groups = [f"g{number % GROUPS}", f"g{(number + 1) % GROUPS}"]

    async def live(self):
        while True:
            with contextlib.suppress(OSError, websockets.WebSocketException):
                await self._connect(self.dice.choice([node for node in self.run.cluster if node.alive()]))
            if self.run.over.is_set():
                return
            await asyncio.sleep(0.05)

    async def _connect(self, node):
        query = f"?uid={self.uid}" + "".join(f"&group={g}" for g in self.groups)
        async with websockets.connect(node.uri(query), subprotocols=["beckon.v1"], **connect_options()) as socket:
            await socket.send(json.dumps({"type": "hello", "id": 2**40, "batch": True}))
            session = None
            open_answers = {}
            talking = None
            try:
                async for text in socket:
                    for line in text.split("\n"):
                        frame = json.loads(line)
                        if frame["type"] == "welcome":
                            session = self.run.history.began(self.uid)
                            talking = asyncio.create_task(self._talk(socket, session, open_answers))
                        else:
                            self._take(session, frame, open_answers)
            finally:
                if talking:
                    talking.cancel()
                if session and not self.run.over.is_set():
                    self.run.history.ended(session)

    def _take(self, session, frame, open_answers):
        history = self.run.history
        if frame["type"] in ("direct", "message"):
            history.read(session, frame["group"], frame["data"])
        elif frame["type"] in ("ok", "error") and frame["id"] < 2**40:
            is_publication = open_answers.pop(frame["id"])
            assert frame["type"] == "ok" or frame["code"] == "not_delivered", frame
            history.answered(session, frame["id"] - 1, frame["count"] if is_publication else frame.get("outcomes", {}))
        elif frame["type"] in ("gap", "left", "bye"):
            self.run.surprises.append(frame)

    async def _talk(self, socket, session, open_answers):
        while not self.run.done():
            if len(open_answers) < 4 * BATCH:
                await socket.send("\n".join(self._message(session, open_answers) for _ in range(BATCH)))
            await asyncio.sleep(self.run.pause)

    def _message(self, session, open_answers):
        group = self.dice.choice(self.groups)
        kind = self.dice.random()
        self.run.messages += 1
        number = len(session.messages)
        frame = {"id": number + 1, "group": group}
        if kind < 0.1:
            open_answers[number + 1] = True
            return json.dumps({"type": "publish", **frame, "data": self.run.history.sent(session, group)})
        confirm = "written" if kind < 0.9 else "queued"
        # The members of a group g are those of its own number and of the one before.
        own = [n for n in range(CLIENTS) if int(group[1:]) in (n % GROUPS, (n + 1) % GROUPS)]
        to = [f"u{n}" for n in self.dice.sample(own, self.dice.choice((1, 1, 1, 2, 3)))]
        data = self.run.history.sent(session, group, to, confirm)
        open_answers[number + 1] = False
        return json.dumps({"type": "send", **frame, "to": to, "confirm": confirm, "data": data})


class Run:
    """`messages_wanted` messages, and at least four deaths."""

    def __init__(self, cluster, messages_wanted, seconds_least, pause):
        self.cluster, self.messages_wanted, self.pause = cluster, messages_wanted, pause
        self.history, self.over, self.surprises, self.messages = History(), asyncio.Event(), [], 0
        self.ends, self.deaths = time.monotonic() + seconds_least, 0

    def done(self):
        return self.messages >= self.messages_wanted and time.monotonic() >= self.ends

    async def kill_in_turn(self):
        ports = [node.cluster_port for node in self.cluster]
        while not self.done():
            await asyncio.sleep(KILL_EVERY)
            i = self.deaths % len(self.cluster)
            await asyncio.to_thread(self.cluster[i].kill)
            self.deaths += 1
            self.cluster[i] = await asyncio.to_thread(Node, f"n{i + 1}", port=ports[i], seeds=ports)

    def is_quiet(self):
        return all(m.answered or not m.asked for s in self.history.sessions if s.ended is None for m in s.messages)

    async def play(self):
        talkers = [asyncio.create_task(Talker(self, number).live()) for number in range(CLIENTS)]
        await self.kill_in_turn()
        # Everybody has an outcome within the longest wait, or never.
        for _ in range(80):
            await asyncio.sleep(0.1)
            if self.is_quiet():
                break
        await asyncio.sleep(0.5)
        self.over.set()
        broken = [t.exception() for t in talkers if t.done() and t.exception()]
        for talker in talkers:
            talker.cancel()
        await asyncio.gather(*talkers, return_exceptions=True)
        assert not broken, broken


@pytest.mark.parametrize("messages, pause", [
    pytest.param(tenth(20_000), 0.02, marks=pytest.mark.limit(120)),
    pytest.param(1_000_000, 0.02, marks=[pytest.mark.long, pytest.mark.limit(3600)]),
])
async def test_no_message_is_lost_doubled_or_lied_about_while_nodes_die(messages, pause):
    with nodes(3) as cluster:
        run = Run(cluster, messages, 4 * KILL_EVERY, pause)
        began = time.monotonic()
        await run.play()
        note(f"{run.deaths} deaths in {time.monotonic() - began:.0f} s: {run.history.figures()}; besides: {len(run.surprises)}")
        run.history.check()
        assert run.deaths >= 4 and run.messages >= messages and not run.surprises, run.surprises[:5]
        figures = run.history.figures()
        assert figures["delivered"] > messages / 2 and figures["sessions"] > CLIENTS
