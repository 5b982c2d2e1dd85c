"""Members of a cluster in trouble: those who stay, watch and talk all the time, and those who come and go. What they do and see is in
a history (history.py), and who is there in truth is known."""

import asyncio
import collections
import itertools
import random
import time

from client import Client
from history import History

GROUP = "g"
STAYERS, MOVERS = 2, 3  # of each node, at any time
PACE = 0.05


class Member:
    """A session in the group. `known` is the roster as its presence frames tell it; `came` and `went` count them."""

    def __init__(self, run, uid, client, ok):
        self.run, self.uid, self.client = run, uid, client
        self.session = run.history.began(uid)
        self.known, self.version = set(ok.get("members", ())), ok["version"]
        self.came, self.went = collections.Counter(), collections.Counter()
        self.listening = asyncio.create_task(self._listen())
        run.truth.add(uid)

    @classmethod
    async def join(cls, run, node, uid, **more):
        client = await Client.connect(node, f"?uid={uid}")
        return cls(run, uid, client, await client.ask("join", group=GROUP, **more))

    async def leave(self, by_closing):
        self.run.truth.discard(self.uid)
        self.run.gone.append(self.session)
        await (self.client.socket.close() if by_closing else self.client.ask("leave", group=GROUP))

    async def _listen(self):
        while (frame := await self.client.inbox.get())["type"] != "closed":
            if frame["type"] in ("direct", "message"):
                self.run.history.read(self.session, frame["group"], frame["data"])
            elif frame["type"] == "presence" and frame["version"] == self.version + 1:
                self._apply(frame)
            else:
                self.run.surprises.append((self.uid, frame))

    def _apply(self, frame):
        self.version += 1
        joined, left = set(frame.get("joined", ())) - {self.uid}, set(frame.get("left", ()))
        self.known = (self.known | joined) - left
        self.came.update(joined)
        self.went.update(left)
        self.run.last_change = time.monotonic()

    # --- what it says ---

    def send(self, to):
        """@returns an awaitable of the outcome."""
        data = self.run.history.sent(self.session, GROUP, [to], "written")
        return self._asked(data, "outcomes", {}, self.client.ask_later("send", group=GROUP, to=to, confirm="written", data=data))

    def publish(self):
        data = self.run.history.sent(self.session, GROUP)
        return self._asked(data, "count", 0, self.client.ask_later("publish", group=GROUP, data=data))

    def _asked(self, data, field, otherwise, asked):
        async def outcome():
            answer = await asked
            assert answer["type"] == "ok" or answer["code"] == "not_delivered", answer
            self.run.history.answered(self.session, data[1], answer.get(field, otherwise))
            return answer.get(field, otherwise)

        return asyncio.ensure_future(outcome())


class Run:
    """A cluster of `nodes` and its members. Those on the nodes `silent` (by index) say nothing while they talk."""

    def __init__(self, nodes, silent=()):
        self.nodes, self.silent = nodes, silent
        self.history, self.truth, self.gone, self.surprises = History(), set(), [], []
        self.stayers, self.movers = [], [collections.deque() for _ in nodes]
        self.across, self.local_took, self.local_lost = [], [], []
        self.last_change = 0.0
        self._tasks, self._numbers, self._dice = {"talk": [], "move": []}, itertools.count(), random.Random(1)

    async def start(self):
        for i, node in enumerate(self.nodes):
            self.stayers.append([await Member.join(self, node, f"{node.name}-s{n}", presence="full") for n in range(STAYERS)])
            for _ in range(MOVERS):
                await self._come(i)

    def all_stayers(self):
        return [member for of_node in self.stayers for member in of_node]

    def talk(self):
        """Every stayer talks from now on: with the others of its node one by one, with those of other nodes besides."""
        self._tasks["talk"] = [asyncio.create_task(self._talk(i, member)) for i, of_node in enumerate(self.stayers)
                               for member in of_node if i not in self.silent]

    def move(self):
        """Members come and go from now on."""
        self._tasks["move"] = [asyncio.create_task(self._move(i)) for i in range(len(self.nodes)) if i not in self.silent]

    async def rest(self, what):
        """Ends `talk` or `move`."""
        for task in self._tasks[what]:
            task.cancel()
        for ended in await asyncio.gather(*self._tasks[what], return_exceptions=True):
            if not isinstance(ended, asyncio.CancelledError):
                raise ended

    async def _talk(self, node, member):
        near = [other.uid for other in self.stayers[node] if other is not member]
        far = [other.uid for of_node in self.stayers if of_node is not self.stayers[node] for other in of_node]
        for turn in itertools.count():
            began = time.monotonic()
            # The history wants the outcome also of what is on its way when the talk ends.
            outcome = await asyncio.shield(member.send(self._dice.choice(near)))
            self.local_took.append(time.monotonic() - began)
            if outcome:
                self.local_lost.append(outcome)
            self.across.append(member.send(self._dice.choice(far)))
            if turn % 5 == 0:
                self.across.append(member.publish())
            await asyncio.sleep(PACE)

    async def _come(self, node):
        self.movers[node].append(await Member.join(self, self.nodes[node], f"{self.nodes[node].name}-m{next(self._numbers)}"))

    async def _move(self, node):
        while True:
            await asyncio.shield(self._turn(node))
            await asyncio.sleep(4 * PACE)

    async def _turn(self, node):
        await self._come(node)
        await self.movers[node].popleft().leave(by_closing=next(self._numbers) % 2)

    def of(self, nodes):
        """Who is there in truth, on these nodes."""
        names = {self.nodes[i].name for i in nodes}
        return {uid for uid in self.truth if uid.split("-")[0] in names}

    # --- what must hold ---

    async def agreed(self, sees, within):
        """Waits until every node shows whom it `sees`: {node: nodes}, in its roster and to those who watch. @returns the seconds."""
        began = time.monotonic()
        while True:
            wrong = [f"{member.uid} sees {sorted(found ^ wanted)} differently" for node, nodes in sees.items()
                     for member in self.stayers[node] for wanted in (self.of(nodes),)
                     for found in (member.known, await self._roster(member)) if found != wanted]
            if not wrong:
                return time.monotonic() - began
            assert time.monotonic() - began < within, wrong
            await asyncio.sleep(0.02)

    @staticmethod
    async def _roster(member):
        return set((await member.client.ask("roster", group=GROUP))["members"])

    def forget_changes(self):
        for member in self.all_stayers():
            member.came.clear()
            member.went.clear()

    def moves_of_stayers(self):
        """(watcher, member that did not move, times it left, times it joined) where there are any."""
        return [(w.uid, m.uid, w.went[m.uid], w.came[m.uid]) for w in self.all_stayers() for m in self.all_stayers()
                if w.went[m.uid] or w.came[m.uid]]

    async def check(self):
        """Asks when nobody talks any more, and everybody is linked."""
        outcomes = await asyncio.gather(*self.across)
        for member in self.all_stayers():
            for other in self.all_stayers():
                if member is not other:
                    assert await member.send(other.uid) == {}, (member.uid, other.uid)
        for session in self.gone:
            self.history.ended(session)
        self.history.check()
        assert not self.surprises, self.surprises[:5]
        assert self.local_took and not self.local_lost, self.local_lost[:5]
        assert not self._publications_missed()
        return outcomes

    def _publications_missed(self):
        """Those that a stayer of their own node did not read, whatever happened between nodes."""
        return [(member.uid, message.sent, other.uid) for of_node in self.stayers for member in of_node for other in of_node
                for message in member.session.messages
                if message.to is None and other is not member and other.session.number not in message.readers]
