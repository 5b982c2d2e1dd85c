"""Many sessions that watch one group: half of them in full, the others the number of its members alone."""

import contextlib
import select
import time

from raw import TEXT, Raw


class Watchers:
    """Use as a context manager. Their server must not ping them, as they read nothing until they are asked."""

    def __init__(self, server, count, group):
        self.group, self.peers = group, []
        try:
            for number in range(count):
                peer = Raw(server.port).open(f"w{number}")
                self.peers.append(peer)
                presence = "count" if number % 2 else "full"
                assert peer.ask({"type": "join", "id": 1, "group": group, "presence": presence})["type"] == "ok"
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for peer in self.peers:
            peer.reset()

    def forget(self):
        """Reads what has come, until nothing has for two seconds: all windows are over."""
        poller = select.poll()
        by_descriptor = {peer.socket.fileno(): peer for peer in self.peers}
        for descriptor in by_descriptor:
            poller.register(descriptor, select.POLLIN)
        while ready := poller.poll(2_000):
            for descriptor, _ in ready:
                assert by_descriptor[descriptor].socket.recv(1 << 20), "a watcher was closed"
        for peer in self.peers:
            peer.buffer = b""

    def told(self, uid, meta):
        """What a watcher in full, and one of the number, were told up to the frame in which the member has this meta."""
        frames = [self.peers[0].json()]
        while frames[-1].get("updated", frames[-1].get("joined", {})).get(uid, {}).get("meta") != meta:
            frames.append(self.peers[0].json())
        counts = []
        self.peers[1].socket.settimeout(0.5)
        with contextlib.suppress(TimeoutError):
            while True:
                counts.append(self.peers[1].json()["count"])
        return frames, counts


def change(changer, guest, group, seconds, pace=0.02):
    """One member changes its meta again and again, at last to "last", another one comes and goes. @returns the seconds that it took."""
    changer.ask({"type": "join", "id": 1, "group": group})
    began, number = time.monotonic(), 1
    while time.monotonic() - began < seconds:
        number += 1
        changer.ask({"type": "update", "id": number, "group": group, "meta": number})
        guest.ask({"type": "leave" if number % 2 else "join", "id": number, "group": group})
        time.sleep(pace)
    changer.ask({"type": "update", "id": number + 1, "group": group, "meta": "last"})
    return time.monotonic() - began
