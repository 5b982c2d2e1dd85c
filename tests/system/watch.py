"""A group's members as a client knows them."""


class Watch:
    """The state of a group as a client keeps it by section 4's rules."""

    def __init__(self, client, ok):
        self.client, self.version, self.members = client, ok["version"], dict(ok["members"])

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
            assert not joined.keys() & self.members.keys(), f"joined twice: {frame}"
            assert set(left) <= self.members.keys() and updated.keys() <= self.members.keys(), frame
            self.members.update(joined)
            self.members.update(updated)
            for uid in left:
                del self.members[uid]
        return frames
