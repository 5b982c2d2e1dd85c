"""A group's members as a client knows them, by protocol.md section 4."""

import asyncio
import time

from harness import ROOM


class Watch:
    """The state that a client keeps from the `ok` of its join and the presence frames behind it."""

    def __init__(self, client, ok):
        self.client, self.version, self.members = client, ok["version"], dict(ok["members"])
        # The joiner stands in its `ok` already and in the frame that tells the others: that once, `joined` is no news.
        self.own = client.welcome["user"]

    async def until(self, wanted):
        """Applies presence frames until `wanted(members)` holds. @returns them."""
        frames = []
        while not wanted(self.members):
            frame = await self.client.next("presence")
            frames.append(frame)
            assert frame["version"] == self.version + 1, f"a gap after {self.version}: {frame}"
            self.version = frame["version"]
            joined, left, updated = frame.get("joined", {}), frame.get("left", []), frame.get("updated", {})
            assert len({*joined, *left, *updated}) == len(joined) + len(left) + len(updated), frame
            assert not joined.keys() & self.members.keys() - {self.own}, f"joined twice: {frame}"
            if self.own in joined:
                self.own = None
            assert set(left) <= self.members.keys() and updated.keys() <= self.members.keys(), frame
            self.members.update(joined)
            self.members.update(updated)
            for uid in left:
                del self.members[uid]
        return frames


async def roster(client, group, wanted, **page):
    """The roster once `wanted(members)` holds: it is the state of the last version, at most 50 ms old."""
    deadline = time.monotonic() + 0.05 * ROOM
    while True:
        ok = await client.ask("roster", group=group, **page)
        if wanted(ok["members"]):
            return ok
        assert time.monotonic() < deadline, ok
        await asyncio.sleep(0.02)
