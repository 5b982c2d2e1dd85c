"""A rolling restart of a cluster under its clients (promise P21): each is offline for at most two seconds, and what was
answered `ok` has arrived, once."""

import asyncio
import random
import signal
import time
from collections import Counter

import pytest
import websockets
from client import Client
from cluster_test import nodes, states
from gate import Node
from harness import eventually, note

CLIENTS, PER_GROUP = 150, 10
OFFLINE_MAX = 2.0  # seconds, p99


class Resident:
    """Obeys: told to go, it waits as long as it was told, and comes back through a balancer that knows who is there."""

    def __init__(self, number, balancer):
        self.uid, self.group = f"r{number}", f"g{number // PER_GROUP}"
        self.next_uid = f"r{number // PER_GROUP * PER_GROUP + (number + 1) % PER_GROUP}"
        self.balancer = balancer
        self.offline, self.waits = [], []
        self.sent, self.got = set(), Counter()
        self.last = 0
        self.speaks = True
        self.online = asyncio.Event()
        self.client = None
        self.tasks = []

    async def live(self):
        gone = None
        while True:
            self.client = await self.connect()
            if gone is not None:
                self.offline.append(time.monotonic() - gone)
            self.online.set()
            bye = None
            while (frame := await self.client.next(within=600))["type"] != "closed":
                if frame["type"] == "direct":
                    self.got[frame["from"], frame["data"]] += 1
                elif frame["type"] == "bye":
                    bye, gone = frame, time.monotonic()
            self.online.clear()
            assert bye and bye["code"] == "draining" and bye["reconnect"] and frame["code"] == 4200, (bye, frame)
            self.waits.append(bye["retry_after_ms"])
            await asyncio.sleep(bye["retry_after_ms"] / 1000)

    async def connect(self):
        while True:
            node = random.choice(self.balancer)
            try:
                return await Client.connect(node, f"?uid={self.uid}&group={self.group}")
            except (OSError, EOFError, AssertionError, websockets.WebSocketException):
                await asyncio.sleep(0.02)  # as a balancer tries the next one

    async def speak(self):
        while self.speaks:
            await self.online.wait()
            self.last += 1
            number, client = self.last, self.client
            try:
                answer = await client.answer("send", group=self.group, to=self.next_uid, data=number)
            except (ConnectionError, asyncio.TimeoutError, websockets.ConnectionClosed):
                answer = {"type": "none"}  # it cannot know
            if answer["type"] == "ok":
                self.sent.add(number)
            await asyncio.sleep(random.uniform(0.1, 0.3))


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


@pytest.mark.limit(180)
async def test_p21_a_rolling_restart_keeps_nobody_away_for_two_seconds():
    with nodes(3) as cluster:
        balancer = list(cluster)
        residents = [Resident(i, balancer) for i in range(CLIENTS)]
        lives = [asyncio.create_task(r.live()) for r in residents]
        await asyncio.gather(*(r.online.wait() for r in residents))
        speakers = [asyncio.create_task(r.speak()) for r in residents]
        ports = [node.cluster_port for node in cluster]
        for i, node in enumerate(list(cluster)):
            await asyncio.sleep(1)
            balancer.remove(node)
            node.process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(node.ends, 0, 30)
            again = await asyncio.to_thread(Node, node.name, port=ports[i], seeds=ports)
            cluster[i] = again
            await asyncio.to_thread(eventually, lambda: all(states(n) == ["up"] * 2 for n in cluster), 10, "all are linked")
            balancer.append(again)
            failed = [task for task in lives if task.done()]
            assert not failed, failed[0].exception()
        for r in residents:
            r.speaks = False
        await asyncio.gather(*speakers)
        await asyncio.gather(*(r.online.wait() for r in residents))
        await asyncio.sleep(0.5)  # what was answered is on its way to its recipient at most
        offline = [t for r in residents for t in r.offline]
        waits = [w for r in residents for w in r.waits]
        note(f"{len(offline)} times offline: median {percentile(offline, .5):.2f} s, p99 {percentile(offline, .99):.2f} s, "
             f"longest {max(offline):.2f} s; told to wait for up to {max(waits)} ms")
        assert len(offline) >= CLIENTS and percentile(offline, 0.99) <= OFFLINE_MAX
        assert 150 < max(waits) <= 250, "so few are spread over 250 ms"
        by_uid = {r.uid: r for r in residents}
        lost = [(r.uid, number) for r in residents for number in r.sent if not by_uid[r.next_uid].got[r.uid, number]]
        twice = [(r.uid, *what) for r in residents for what, times in r.got.items() if times > 1]
        answered = sum(len(r.sent) for r in residents)
        note(f"{answered} messages were answered ok")
        assert answered > 1000 and not lost and not twice, (lost[:10], twice[:10])
        for task in lives:
            task.cancel()
        for r in residents:
            await r.client.close()
