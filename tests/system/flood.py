"""One node of a cluster is flooded with messages, and may be frozen: what becomes of them, what they cost the node that they come
from, and how long another node's messages take meanwhile. Flooder and reader are processes of their own: the interpreter of the
one that measures is not to be late because of them."""

import collections
import contextlib
import itertools
import json
import multiprocessing
import signal
import threading
import time
from dataclasses import dataclass

from harness import MiB, eventually
from raw import TEXT, Raw, encode

GROUP, FLOODED, BYTES = "flood", "bob", 32_000
PAUSE = 0.005  # between two messages whose time is taken


@dataclass
class Found:
    outcomes: dict  # of the flood, to how many
    rate: float  # bytes a second that were sent
    grown: int  # bytes that the sender's node took at most
    took: list  # seconds of each other message, sorted

    def p99(self):
        return self.took[len(self.took) * 99 // 100]


def flood(sender, flooded, other, seconds, rate=50 * MiB, frozen=False):
    """`rate` bytes a second go from one node to a member of another for so long; 0: none. Where that one is frozen, every node must
    miss it only after the flood, and within 5 s: a message that was accepted waits so long for an outcome."""
    with contextlib.ExitStack() as ends:
        reads = ends.enter_context(_process(_read, flooded.port))
        assert reads.recv() == "ready"
        alice, carol = [ends.enter_context(Raw(node.port)).open(uid, GROUP) for node, uid in ((sender, "alice"), (other, "carol"))]
        for uid in (FLOODED, "carol"):
            _is_known(alice, uid)
        assert carol.json()["type"] == "direct"
        floods = ends.enter_context(_process(_flood, sender.port, rate, seconds))
        assert floods.recv() == "ready"
        before = sender.rss()
        sender.forget_peak()
        if frozen:
            flooded.process.send_signal(signal.SIGSTOP)
            ends.callback(flooded.process.send_signal, signal.SIGCONT)
        floods.send("go")
        took = _times(alice, carol, seconds)
        outcomes, reached = floods.recv()
        return Found(outcomes, reached, sender.peak_rss() - before, sorted(took))


def _is_known(client, uid):
    numbers = itertools.count(1)
    eventually(lambda: client.ask({"type": "send", "id": next(numbers), "to": uid, "data": 0})["type"] == "ok", 5, f"{uid} is known")


def _times(sender, receiver, seconds):
    """One message at a time. @returns the seconds that each took to arrive."""
    took, ends = [], time.monotonic() + seconds
    while (began := time.monotonic()) < ends:
        sender.text({"type": "send", "to": "carol", "data": len(took)})
        assert receiver.json()["data"] == len(took)
        took.append(time.monotonic() - began)
        time.sleep(PAUSE)
    return took


@contextlib.contextmanager
def _process(run, *arguments):
    """@returns the end of a pipe to it."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=run, args=(theirs, *arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        process.terminate()
        process.join(10)


def _read(pipe, port):
    """The member that is flooded."""
    with Raw(port, timeout=None).open(FLOODED, GROUP) as client:
        pipe.send("ready")
        while client.socket.recv(1 << 20):
            pass


def _flood(pipe, port, rate, seconds):
    with Raw(port, timeout=30).open("flooder", GROUP) as client:
        pipe.send("ready")
        pipe.recv()
        pipe.send(_send_all(client, rate, seconds) if rate else ({}, 0))


def _send_all(client, rate, seconds):
    """@returns the outcomes of all, and the bytes a second that it came to."""
    outcomes, wanted = collections.Counter(), []
    counting = threading.Thread(target=_count, args=(client, outcomes, wanted))
    counting.start()
    began = time.monotonic()
    for number in itertools.count(1):
        if time.monotonic() - began >= seconds:
            wanted.append(number)  # before the last goes, so that whoever counts hears of it before the last answer
        client.send(encode(TEXT, b'{"type":"send","id":%d,"to":"%s","data":"%s"}' % (number, FLOODED.encode(), b"x" * BYTES)))
        if wanted:
            break
        time.sleep(max(0, began + number * BYTES / rate - time.monotonic()))
    reached = wanted[0] * BYTES / (time.monotonic() - began)
    counting.join()
    return dict(outcomes), reached


def _count(client, outcomes, wanted):
    """A refusal of the frame itself counts by its code."""
    while not wanted or outcomes.total() < wanted[0]:
        answer = client.json()
        outcomes[answer.get("outcomes", {}).get(FLOODED, "delivered" if answer["type"] == "ok" else answer["code"])] += 1
