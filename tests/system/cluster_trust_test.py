"""A node with a good certificate that means ill (docs/cluster.md, what a node is trusted with): it speaks the gate's TLS and BASP, and
hubs' records, and says what no hub says. The same by the case: tests/actors/hub_trust_test.cpp."""

import asyncio
import contextlib
import json
import socket
import threading
import time

import pytest
from client import Client
from gate import ASYNCHRONOUS, DIRECT, Hello, Node, Peer, basp, certificates, stranger, verdict
from harness import ROOM, MiB, eventually, note
from raw import Raw
from records import GOODBYE, PING, batch, member, publication, record, route, user, varint

# How CAF starts the payload of a message with one string: forwarded by nobody, no known type, its name.
STRING = b"\0\0\0\x08@<>+@str"
U64_MAX = (1 << 64) - 1


@pytest.fixture(scope="module")
def certs(tmp_path_factory):
    return certificates(tmp_path_factory.mktemp("certs"), "n1", "mallory", "other")


@pytest.fixture()
def node(certs):
    with Node("n1", "--policy=one*=replace", certs=certs) as started:
        yield started


class Mallory:
    """Linked with a node as `mallory`. Reads what comes, unless it is deaf, and forgets it."""

    def __init__(self, node, certs, *, deaf=False, name="mallory"):
        self.node, self.name = node, name
        self.hello = Hello(name, caf_node=stranger(node.cluster_port, certs, name))
        self.peer = Peer(node.cluster_port, certs, name)
        before = len(node.ups(name))
        self.theirs = self.peer.link(self.hello)
        eventually(lambda: len(node.ups(name)) > before, 5, "mallory is a node")
        self.reader = None if deaf else threading.Thread(target=self._read, daemon=True)
        if self.reader:
            self.reader.start()

    def _read(self):
        with contextlib.suppress(OSError, ValueError):
            while self.peer.socket.recv(65536):
                pass

    def message(self, *records):
        said = batch(self.hello.nonce ^ self.theirs.nonce, *records)
        return basp(DIRECT, STRING + varint(len(said)) + said, data=ASYNCHRONOUS, source=self.hello.hub, destination=self.theirs.hub)

    def say(self, *records):
        self.peer.socket.sendall(self.message(*records))

    def flood(self, said, limit):
        """Sends as fast as it goes, until the link has ended or so many bytes are out. @returns how many were."""
        sent = 0
        with contextlib.suppress(OSError):
            while sent < limit:
                self.peer.socket.sendall(said)
                sent += len(said)
        return sent

    def lost(self):
        """Why the node has ended the link; empty: it stands."""
        lines = [line for _, line in self.node.events("cluster_(?:peer_lost|link_down)") if f"peer={self.name} " in line]
        return lines[0].split("why=")[1].strip('"') if lines else ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.peer.socket.shutdown(socket.SHUT_RDWR)
        if self.reader:  # or it would go on with another socket of the same number
            self.reader.join(5)
        self.peer.socket.close()


def is_idle(node):
    before = node.cpu()
    time.sleep(0.2)
    return node.cpu() - before < 0.05


def direct(sender, data="1", group="g", kind="direct"):
    return f'{{"type":"{kind}","group":"{group}","from":"{sender}","at":1,"data":{data}}}'


async def joined(node, uid, group="g"):
    return await Client.connect(node, f"?uid={uid}&group={group}")


async def lives(node, *clients):
    """The clients are connected and the node serves."""
    for client in clients:
        await client.ask("send", group="g", to=[c.welcome["user"] for c in clients], data="still here")
    for client in clients:
        for _ in clients:
            await client.until(lambda f: f["type"] == "direct" and f["data"] == "still here")
    assert node.alive()


async def test_a_node_of_good_will_is_heard(node, certs):
    """What the others here are measured by: the same peer, saying what it may."""
    async with await joined(node, "alice") as alice:
        with Mallory(node, certs) as mallory:
            mallory.say(member("g", "eve"), user("eve"), route("g", ["alice"], direct("eve")), publication("g", direct("eve", "2", kind="message")))
            assert (await alice.next("direct"))["data"] == 1
            assert (await alice.next("message"))["data"] == 2
            assert not mallory.lost()


@pytest.mark.parametrize("what", ["no UTF-8", "two lines", "another type", "another group", "no JSON"])
async def test_a_text_that_no_server_says_reaches_no_client(node, certs, what):
    frame = {
        "no UTF-8": direct("eve").encode().replace(b":1}", b':"\xff\xfe"}'),
        "two lines": direct("eve") + "\n" + '{"type":"bye","code":"draining"}',
        "another type": '{"type":"left","group":"g","why":"kicked"}',
        "another group": direct("eve", group="h"),
        "no JSON": '{"type":"direct","group":"g","from":"eve",',
    }[what]
    async with await joined(node, "alice") as alice, await joined(node, "bob") as bob:
        for how in (lambda f: route("g", ["alice"], f), lambda f: publication("g", f)):
            with Mallory(node, certs) as mallory:
                mallory.say(member("g", "eve"), how(frame))
                await asyncio.to_thread(eventually, mallory.lost, 5, "the link has ended")
                assert mallory.lost() == "bad record"
        assert alice.inbox.empty() and bob.inbox.empty()
        await lives(node, alice, bob)


async def test_nobody_speaks_for_a_member_of_this_node(node, certs):
    async with await joined(node, "alice") as alice, await joined(node, "bob") as bob:
        with Mallory(node, certs) as mallory:
            mallory.say(member("g", "eve"), route("g", ["alice"], direct("bob", '"forged"')), publication("g", direct("bob", '"forged"', kind="message")),
                        route("", ["alice"], '{"type":"direct","from":"bob","at":1,"data":"forged"}', by=1), route("g", ["alice"], direct("eve", '"mark"')))
            for member_here in (alice, bob):  # who learn that there was something
                assert (await member_here.next("gap"))["lost"] == 1
            assert (await alice.next("direct"))["data"] == "mark"
        await lives(node, alice, bob)


async def test_a_clock_of_a_far_future_does_not_win_for_ever(node, certs):
    with Mallory(node, certs) as mallory:
        mallory.say(member("one", "alice", stamp=U64_MAX, meta="1", meta_stamp=U64_MAX))
        await asyncio.to_thread(eventually, lambda: node.events("cluster_clock_ahead"), 5, "the log says so")
        async with await joined(node, "alice", "one") as alice, await joined(node, "bob", "one") as bob:
            await alice.ask("update", group="one", meta="mine")
            mallory.say(member("one", "alice", stamp=U64_MAX, meta="2", meta_stamp=2))
            members = (await bob.ask("roster", group="one"))["members"]
            assert members["alice"]["meta"] == "mine"
            assert alice.close_code is None and bob.inbox.empty()
    # Its word is gone with it, and a newer session of alice's replaces the last.
    async with await joined(node, "alice", "one") as first, await joined(node, "alice", "one") as second:
        assert (await first.next("left"))["why"] == "replaced"
        await second.ask("update", group="one", meta="newest")


async def test_a_peer_that_asks_and_does_not_read_costs_little(node, certs):
    """Each ping wants a pong, each message an outcome: who takes none of them is cut off at three windows."""
    async with await joined(node, "alice") as alice, await joined(node, "bob") as bob:
        before = node.rss()
        with Mallory(node, certs, deaf=True) as mallory:
            pings = mallory.message(*[record(PING, U64_MAX - i) for i in range(3000)])
            sent = await asyncio.to_thread(mallory.flood, pings, 400 * MiB)
            eventually(mallory.lost, 5, "the link has ended")
        grown = node.rss() - before
        note(f"pings: cut off for {mallory.lost()!r} after {sent / MiB:.0f} MiB, the node grew by {grown / MiB:.0f} MiB")
        assert mallory.lost() in ("reads nothing", "flooded") and grown < 160 * MiB
        await lives(node, alice, bob)


async def test_a_peer_that_heeds_no_window_is_cut_off(node, certs):
    """What comes faster than the hub deals with it lies in its mailbox, which has no bound of its own."""
    async with await joined(node, "alice") as alice, await joined(node, "bob") as bob:
        before = node.rss()
        with Mallory(node, certs) as mallory:
            mallory.say(member("g", "eve"))
            said = mallory.message(*[route("g", ["nobody"], direct("eve")) for _ in range(8000)])
            start = time.monotonic()
            sent = await asyncio.to_thread(mallory.flood, said, 600 * MiB)
            took = time.monotonic() - start
            await asyncio.to_thread(eventually, lambda: mallory.lost() or sent >= 600 * MiB, 5, "it is cut off, or was kept up with")
        grown = node.rss() - before
        note(f"routes: {mallory.lost() or 'kept up with'} after {sent / MiB:.0f} MiB in {took:.1f} s, the node grew by {grown / MiB:.0f} MiB")
        assert grown < 160 * MiB
        await lives(node, alice, bob)


async def test_a_group_that_is_slower_than_the_link_is_not_buried(node, certs):
    """What the hub has read lies before groups and relays, whose mailboxes have no bound either."""
    crowd = [Raw(node.port, receive_buffer=4096).open(f"m{i}", "slow") for i in range(100)]  # who read nothing
    async with await joined(node, "alice") as alice, await joined(node, "bob") as bob:
        before = node.rss()
        with Mallory(node, certs) as mallory:
            said = mallory.message(*[publication("slow", direct("eve", group="slow", kind="message")) for _ in range(2000)])
            sent = await asyncio.to_thread(mallory.flood, said, 300 * MiB)
            await asyncio.to_thread(eventually, lambda: mallory.lost() or sent >= 300 * MiB, 5, "it is cut off, or was kept up with")
        grown = node.peak_rss() - before
        note(f"publications: {mallory.lost() or 'kept up with'} after {sent / MiB:.0f} MiB, the node grew by {grown / MiB:.0f} MiB")
        assert grown < 500 * MiB  # 32 MiB of messages of 100 bytes, each of which takes several hundred in a mailbox
        await asyncio.to_thread(eventually, lambda: is_idle(node), 30, "what it had taken has been dealt with")
        await lives(node, alice, bob)
    for member_of_it in crowd:
        member_of_it.reset()


def test_two_names_cannot_have_one_id_of_cafs(node, certs):
    """Nor when both were let in before either was linked."""
    caf_node = stranger(node.cluster_port, certs, "mallory")
    with Peer(node.cluster_port, certs, "mallory") as first, Peer(node.cluster_port, certs, "other") as second:
        theirs, why = first.meet(Hello("mallory", caf_node=caf_node, nonce=11))
        assert why == 0
        second.link(Hello("other", caf_node=caf_node, nonce=12))
        eventually(lambda: node.ups("other"), 5, "the other one is linked")
        refused = node.refused("bad_hello")
        first.send(verdict(theirs.nonce))
        assert first.ended()
        assert node.refused("bad_hello") == refused + 1 and not node.ups("mallory") and not node.downs("other")
        with Peer(node.cluster_port, certs, "mallory") as third:  # and not behind it
            assert third.meet(Hello("mallory", caf_node=caf_node, nonce=13))[1] != 0


async def test_numbers_without_end_become_some(node, certs):
    async with await joined(node, "alice") as alice:
        with Mallory(node, certs) as mallory:
            mallory.say(member("g", "eve", sessions=U64_MAX), member("g", "alice", sessions=U64_MAX), record(9, "g", U64_MAX), record(9, "g", U64_MAX),
                        record(10, U64_MAX), record(11, U64_MAX), record(12, U64_MAX), record(8, 1, U64_MAX))
            assert sum([(await alice.next("gap"))["lost"] for _ in range(2)]) < 2**53
            members = (await alice.ask("roster", group="g"))["members"]
            assert members["eve"]["sessions"] == 65535 and members["alice"]["sessions"] == 65536
            assert not mallory.lost()
            mallory.say(record(14, "g", "alice", U64_MAX))
            assert (await alice.next("left"))["why"] == "kicked"
            assert await alice.refused("join", group="g") == "denied"
            page = json.loads(node.get("/cluster", admin=True)[1])
            assert page["peers"][0]["lag_us"] < ROOM * 1e6
            mallory.say(record(GOODBYE))
            await asyncio.to_thread(eventually, lambda: mallory.lost() == "said goodbye", 5, "it may go")
