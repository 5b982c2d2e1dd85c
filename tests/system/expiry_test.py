"""What waits for outcomes that never come: it must cost nobody else anything."""

import multiprocessing
import selectors
import time

from cluster_test import nodes, states
from harness import ROOM, eventually, note
from raw import TEXT, Raw, encode

SENDERS, PER_SECOND, SECONDS = 100, 50, 12
GROUP = "waiting"
PAUSE = 0.005  # between two messages whose time is taken
LATE_MAX = 0.15 * ROOM


def crowd(pipe, sender_port, receiver_port):
    """Each of the senders writes to a member of its own on the other node, which reads and never confirms: so each message waits its
    `ttl`, 5 s, and a quarter of a hundred thousand wait at a time."""
    receivers = [Raw(receiver_port).open(f"to{i}", GROUP) for i in range(SENDERS)]
    senders = [Raw(sender_port).open(f"from{i}", GROUP) for i in range(SENDERS)]
    pipe.send("ready")
    pipe.recv()
    batches = [encode(TEXT, b"\n".join(b'{"type":"send","id":%d,"to":"to%d","data":0,"confirm":"received"}' % (n + 1, i)
                                       for n in range(PER_SECOND))) for i in range(SENDERS)]
    with selectors.DefaultSelector() as ready:
        for client in senders + receivers:
            client.socket.setblocking(False)
            ready.register(client.socket, selectors.EVENT_READ, client in senders)
        expired, began = 0, time.monotonic()
        for turn in range(SECONDS * SENDERS):  # one sender after the other, each once a second
            if turn < SECONDS * SENDERS:
                senders[turn % SENDERS].socket.send(batches[turn % SENDERS])
            until = began + turn / SENDERS
            while True:
                for key, _ in ready.select(max(0, until - time.monotonic())):
                    data = key.fileobj.recv(1 << 18)
                    expired += data.count(b'"expired"') if key.data else 0
                if time.monotonic() >= until:
                    break
    pipe.send(expired)
    for client in senders + receivers:
        client.socket.close()


def test_thousands_that_expire_on_another_node_hold_nobody_up():
    with nodes(2) as (here, there):
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("fork").Process(target=crowd, args=(theirs, here.port, there.port), daemon=True)
        process.start()
        try:
            assert ours.recv() == "ready"
            with Raw(here.port).open("alice", GROUP) as alice, Raw(there.port).open("bob", GROUP) as bob:
                eventually(lambda: alice.ask({"type": "send", "id": 1, "to": "bob", "data": 0})["type"] == "ok", 5, "bob is known")
                assert bob.json()["data"] == 0
                ours.send("go")
                took = []
                while not ours.poll():
                    began = time.monotonic()
                    alice.text({"type": "send", "to": "bob", "data": len(took)})
                    assert bob.json()["data"] == len(took)
                    took.append(time.monotonic() - began)
                    assert states(here) == states(there) == ["up"], "the link was cut"
                    time.sleep(PAUSE)
            expired = ours.recv()
        finally:
            process.terminate()
            process.join(10)
        took.sort()
        note(f"{expired} expired; another message took {took[len(took) // 2] * 1000:.1f} ms, at most {took[-1] * 1000:.1f} ms")
        assert expired > SENDERS * PER_SECOND * (SECONDS - 7) * 0.8
        assert took[-1] < LATE_MAX
        for node in (here, there):
            assert node.metric("beckon_messages_total", outcome="unknown") == 0
            assert "silent" not in node.log()
