"""Many members in a cluster: what one death, one join of all and one publication come to."""

import asyncio
import contextlib
import time

import pytest
from client import Client
from cluster_test import nodes
from harness import ROOM, note
from raw import Raw


@contextlib.contextmanager
def crowd(node, count, group="g"):
    """Members `<node>-<i>` that only are there: nobody reads what they get."""
    with contextlib.ExitStack() as ends:
        for i in range(count):
            ends.enter_context(Raw(node.port)).open(f"{node.name}-{i}", group)
        yield [f"{node.name}-{i}" for i in range(count)]


class Counter:
    """A member that counts how often each other one came and went, as it is told."""

    def __init__(self, client):
        self.client, self.joined, self.left = client, {}, {}

    @classmethod
    async def join(cls, node, group="g"):
        client = await Client.connect(node, f"?uid=watch-{node.name}")
        self = cls(client)
        ok = await client.ask("join", group=group, presence="full")
        self.joined = dict.fromkeys(ok["members"], 1)
        return self

    async def until(self, wanted, within):
        """Takes frames in until `wanted(self)`."""
        deadline = time.monotonic() + within
        while not wanted(self):
            frame = await self.client.next("presence", within=max(0.01, deadline - time.monotonic()))
            for counts, uids in ((self.joined, frame.get("joined", ())), (self.left, frame.get("left", ()))):
                for uid in uids:
                    counts[uid] = counts.get(uid, 0) + 1

    def others(self, counts):
        return {uid: n for uid, n in counts.items() if not uid.startswith("watch-")}


@pytest.mark.limit(180)
async def test_each_of_2000_members_of_a_killed_node_leaves_once_on_both_others():
    count = 2000
    with nodes(3) as started, contextlib.ExitStack() as ends:
        watchers = [await Counter.join(node) for node in started[:2]]
        uids = [ends.enter_context(crowd(node, count)) for node in started]
        everyone = {uid: 1 for of_node in uids for uid in of_node}
        for watcher in watchers:
            await watcher.until(lambda w: len(w.others(w.joined)) == 3 * count, 4 * ROOM)
            assert watcher.others(watcher.joined) == everyone
        began = time.monotonic()
        started[2].process.kill()
        took = []
        for watcher in watchers:
            await watcher.until(lambda w: len(w.others(w.left)) == count, 2 * ROOM)
            took.append(time.monotonic() - began)
        note(f"{count} of {3 * count} members left after {', '.join(f'{1000 * t:.0f}' for t in took)} ms")
        assert max(took) < 0.5 * ROOM
        for watcher in watchers:
            with pytest.raises(asyncio.TimeoutError):  # nothing comes behind it
                await watcher.until(lambda w: False, 0.5)
            assert watcher.others(watcher.left) == dict.fromkeys(uids[2], 1)
            assert watcher.others(watcher.joined) == everyone
            answer = await watcher.client.ask("update", group="g", presence="count")
            assert answer["count"] == 2 * count + len(watchers)
