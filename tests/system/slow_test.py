"""faults.md 95: who reads slowly or not at all costs a bounded amount and nobody else's time."""

import asyncio
import contextlib
import json
import time

import pytest

from client import members
from harness import MiB, ROOM, Server, eventually, note, tenth
from raw import TEXT, Raw, encode

QUEUE = 256 * 1024 + 64 * 1024


def wait_for_close(server, before):
    eventually(lambda: server.metric("beckon_closes_total", code="4103") > before, 10 + 5 * ROOM, "the close 4103")
    eventually(lambda: "slow_consumer" in server.log(), 1 + ROOM, "the log, which another thread writes, tells it too")


def test_100000_messages_to_one_that_does_not_read(server, fleet):
    total, step = tenth(100_000), 50
    closes = server.metric("beckon_closes_total", code="4103")
    with Raw(server.port, receive_buffer=4096).open("deaf", "slow") as _, \
            Raw(server.port).open("well", "slow") as well, Raw(server.port).open("writer", "slow") as writer:
        line = '{"type":"send","id":%d,"to":["deaf"],"data":"' + "x" * 1024 + '"}'
        outcomes = {}
        server.forget_peak()
        before, start, slowest = server.rss(), time.monotonic(), 0
        for first in range(1, total, step):
            asked = time.monotonic()
            writer.text("\n".join(line % n for n in range(first, first + step)))
            for n in range(first, first + step):
                answer = writer.json()
                assert answer["id"] == n, answer
                outcome = answer.get("outcomes", {}).get("deaf", "delivered")
                assert (outcome == "delivered") == (answer["type"] == "ok"), answer
                assert outcome == "delivered" or answer["code"] == "not_delivered", answer
                outcomes[outcome] = outcomes.get(outcome, 0) + 1
            slowest = max(slowest, time.monotonic() - asked)
            if first % 5000 == 1:
                writer.text({"type": "send", "to": "well", "data": first})
                assert well.json()["data"] == first
        growth = server.peak_rss() - before
        note(f"{outcomes} in {time.monotonic() - start:.1f} s, at worst {1000 * slowest:.0f} ms for {step}; "
             f"memory + {growth / MiB:.2f} MiB")
        assert outcomes["overloaded"] > 0 and outcomes["delivered"] > 0
        # Offline once it has been closed; nothing else.
        assert outcomes.keys() <= {"delivered", "overloaded", "offline"}
        # Its queue and, with room for buffers kept in pools, one writer's and one reader's.
        assert growth < QUEUE + 4 * MiB
        assert slowest < 1
        wait_for_close(server, closes)
    assert server.metric("beckon_slow_consumers_total") > 0


@pytest.fixture(scope="module")
def patient():
    """A server that ends nobody for being slow: however long this machine takes, the queues stay to be looked at."""
    with Server(stall_timeout="1h", over_limit_timeout="1h", ping="1h") as started:
        yield started


async def test_a_publication_that_was_dropped_is_told_by_one_gap(patient):
    total = 6000
    server = patient
    with Raw(server.port, receive_buffer=4096).open("deaf", "gaps") as deaf:
        async with members(server, "gaps", "writer") as (writer,):
            taken = 0
            for first in range(0, total, 100):
                asked = [
                    writer.ask("publish", group="gaps", data=[number, "x" * 1000])
                    for number in range(first, first + 100)
                ]
                taken += sum(ok["count"] for ok in await asyncio.gather(*asked))
            assert 0 < taken < total, "the queue was never full"
            # It reads again before it is closed: first what was queued, then one gap, then what comes anew.
            numbers, gap = [], None
            while gap is None:
                frame = deaf.json()
                if frame["type"] == "gap":
                    gap = frame
                else:
                    numbers.append(frame["data"][0])
            assert (gap["group"], gap["why"]) == ("gaps", "slow"), gap
            await writer.ask("publish", group="gaps", data=["anew"])
            while (frame := deaf.json())["type"] == "message" and frame["data"] != ["anew"]:
                numbers.append(frame["data"][0])
            assert frame["type"] == "message", frame
            assert numbers == sorted(set(numbers))
            assert len(numbers) == taken and gap["lost"] == total - taken, (len(numbers), taken, gap)


async def test_a_request_to_one_that_does_not_read_is_overloaded_at_once(server, fleet):
    with Raw(server.port, receive_buffer=4096).open("deaf", "asked"):
        async with members(server, "asked", "writer") as (writer,):
            answer = {"type": "ok"}
            while answer["type"] == "ok":
                answer = await writer.answer("send", group="asked", to="deaf", data="x" * 50000)
            assert answer["outcomes"] == {"deaf": "overloaded"}
            start = time.monotonic()
            answer = await writer.answer("request", group="asked", to="deaf", data="x" * 50000, timeout_ms=60000)
            assert answer["type"] == "error", answer
            assert answer["code"] == "overloaded" or answer["outcomes"] == {"deaf": "overloaded"}, answer
            assert time.monotonic() - start < ROOM


def test_a_reader_that_makes_progress_is_closed_when_it_stays_over_the_limit():
    with Server(over_limit_timeout="3s", stall_timeout="1h") as server:
        with Raw(server.port, receive_buffer=4096).open("drip", "slow") as drip, \
                Raw(server.port).open("writer", "slow") as writer:
            frame = encode(TEXT, json.dumps({"type": "send", "id": 1, "to": "drip", "data": "x" * 50000}))
            start = None
            drip.socket.settimeout(5)
            while server.metric("beckon_closes_total", code="4103") == 0:
                writer.send(frame)
                if writer.json()["type"] == "error" and start is None:
                    start = time.monotonic()
                if start:
                    drip.socket.recv(4096)
                    assert time.monotonic() - start < 3 * ROOM
                    time.sleep(0.02)
            assert time.monotonic() - start > 2.5
            for gauge, left in (("connections", 1), ("queued_bytes", 0)):
                eventually(lambda: server.metric(f"beckon_{gauge}") == left, 1 + ROOM, f"beckon_{gauge} is {left}")


def test_who_asks_without_reading_the_answers_is_not_read_any_more(patient):
    """Answers cannot be dropped: the server stops reading instead, and everything is answered in the end."""
    server = patient
    frame = encode(TEXT, '{"type":"ping"}')
    with Raw(server.port, receive_buffer=4096).open("greedy") as greedy:
        server.forget_peak()
        before = server.rss()
        greedy.socket.setblocking(False)
        sent, quiet = 0, time.monotonic()
        block = frame * 500
        # The kernel's buffers fill first; then nothing moves any more.
        while time.monotonic() - quiet < 1:
            try:
                sent += greedy.socket.send(block[sent % len(frame):])
                quiet = time.monotonic()
            except BlockingIOError:
                time.sleep(0.01)
        assert server.peak_rss() - before < 4 * MiB
        greedy.socket.settimeout(10)
        for _ in range(sent // len(frame)):
            assert greedy.json() == {"type": "pong"}


def test_a_slow_reader_without_traffic_is_not_ended():
    """Silence is no slowness: only pings, unanswered for less than their time."""
    with Server(stall_timeout="1s", over_limit_timeout="1s") as quiet, Raw(quiet.port).open("calm", "g") as calm:
        time.sleep(3)
        calm.text({"type": "ping"})
        assert calm.json()["type"] == "pong"


@pytest.mark.parametrize("kind", ['"send","to":"reader"', '"publish"'], ids=["send", "publish"])
def test_who_writes_faster_than_a_group_works_fills_no_mailbox(kind):
    """Without rates and without ids nothing else slows a sender down."""
    data = encode(TEXT, '{"type":%s,"data":"%s"}' % (kind, "x" * 1024)) * 200
    with Server(threads=2) as server, Raw(server.port).open("reader", "hot") as reader:
        writers = [Raw(server.port).open(f"w{number}", "hot") for number in range(4)]
        unsent = dict.fromkeys(writers, b"")
        for peer in (*writers, reader):
            peer.socket.setblocking(False)
        server.forget_peak()
        before, start, sent, got = server.rss(), time.monotonic(), 0, 0
        while time.monotonic() - start < 3:
            for peer in (*writers, reader):
                with contextlib.suppress(BlockingIOError):
                    got += len(peer.socket.recv(1 << 20))
                with contextlib.suppress(BlockingIOError):
                    if peer is not reader:
                        unsent[peer] = unsent[peer] or data
                        count = peer.socket.send(unsent[peer])
                        sent, unsent[peer] = sent + count, unsent[peer][count:]
        growth = server.peak_rss() - before
        note(f"{sent / MiB:.0f} MiB sent, {got / MiB:.0f} MiB got; memory + {growth / MiB:.1f} MiB")
        assert got > MiB and sent > 20 * MiB
        # What four senders may have on its way, five queues, and room for buffers.
        assert growth < 16 * MiB
        for peer in writers:
            peer.reset()


@pytest.mark.long
@pytest.mark.limit(300)
def test_a_hundred_slow_readers_cost_their_queues_and_no_more():
    """P12: a quarter of its size, for two cores."""
    # No pings: on a machine so busy that filling the kernel's buffers takes 20 s, an unanswered one would come first.
    with Server(ping="1h") as server:
        slow = [Raw(server.port, receive_buffer=4096).open(f"slow{i}", "p12") for i in range(100)]
        with Raw(server.port).open("writer", "p12") as writer:
            server.forget_peak()
            before, number = server.rss(), 0
            start = time.monotonic()
            while server.metric("beckon_closes_total", code="4103") < 100:
                assert time.monotonic() - start < 60, {k: v for k, v in server.metrics().items() if "closes" in k[0]}
                for _ in range(100):
                    number += 1
                    assert writer.ask({"type": "publish", "id": number, "data": "x" * 10000})["type"] == "ok"
            growth = server.peak_rss() - before
            note(f"100 slow readers: + {growth / MiB:.1f} MiB")
            assert growth < 100 * QUEUE * 1.05 + 8 * MiB
        assert server.metric("beckon_slow_consumers_total") >= 100
        for peer in slow:
            peer.reset()


def test_the_bystanders_lost_nothing(fleet):
    fleet.lost_nothing()
