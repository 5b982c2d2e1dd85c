"""One connection under stress: what it may hold, how long it may keep a thread, how it is told to have ended."""

import socket
import threading
import time

import pytest

from harness import MiB, ROOM, Server, eventually, note
from raw import CLOSE, PING, TEXT, Ended, Raw, close_payload, encode

QUEUE = 256 * 1024 + 64 * 1024
# What all queues may hold beside what waits in them, and the pieces that a thread keeps for the next ones.
KEPT = 256 * 1024


@pytest.fixture(scope="module")
def patient():
    """A server that ends nobody for being slow, without rates, with one thread."""
    with Server(threads=1, stall_timeout="1h", over_limit_timeout="1h", ping="1h") as started:
        yield started


@pytest.fixture
def strict():
    """One thread, and the rates of a server that is not --insecure."""
    with Server(threads=1, rate_frames=200, rate_bytes="1MiB") as started:
        yield started


class Loop(threading.Thread):
    """Does one thing again and again until it is stopped, or cannot."""

    def __init__(self, step):
        super().__init__(daemon=True)
        self.step, self.going, self.error = step, True, None
        self.start()

    def run(self):
        try:
            while self.going:
                self.step()
        except OSError as error:
            self.error = error

    def stop(self):
        self.going = False
        self.join(10)


def p99(peer, seconds):
    """Round trips for so long, within the rate. @returns the 99th percentile of their times, in seconds."""
    took, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        start = time.monotonic()
        answer = peer.ask({"type": "publish", "id": 1, "data": 1})
        assert answer["type"] == "ok", answer
        took.append(time.monotonic() - start)
        time.sleep(0.01)
    return sorted(took)[int(len(took) * 0.99)]


def served_on(before, meanwhile):
    """The others' p99 is what it was, but for what two busy cores do to it."""
    note(f"others' p99 {1000 * before:.1f} ms before, {1000 * meanwhile:.1f} ms meanwhile")
    return meanwhile < max(0.02 * ROOM, 3 * before)


# ---- outbound queues ----


def test_a_queue_that_never_runs_empty_does_not_grow(patient):
    """A reader that is slower than what is sent to it, and reads on: 8 MiB pass through a queue of 256 KiB."""
    lines = "\n".join('{"type":"send","to":"wan","data":"%s"}' % ("x" * 1000) for _ in range(60))
    frame = encode(TEXT, lines)
    # Segments of a wide network: with those of loopback the kernel takes all of a queue at once, now and then.
    with Raw(patient.port, receive_buffer=8192, segment=1000).open("wan", "w") as wan, Raw(patient.port).open("fast", "w") as fast:
        sender = Loop(lambda: fast.send(frame))
        eventually(lambda: patient.metric("beckon_queued_bytes") > 200_000, 10, "the queue is full")
        patient.forget_peak()
        before, got, queued, held = patient.rss(), 0, [], []
        start = time.monotonic()
        while got < 8 * MiB:
            assert time.monotonic() - start < 8 * ROOM
            # Never more at once than a part of the queue: it is not empty before the sender has its turn.
            got += len(wan.socket.recv(16 * 1024))
            time.sleep(0.005)
            if got // (512 * 1024) > len(queued):
                queued.append(patient.metric("beckon_queued_bytes"))
                held.append(patient.metric("beckon_queue_memory_bytes"))
        sender.stop()
        growth = patient.peak_rss() - before
        note(f"{got / MiB:.0f} MiB read in {time.monotonic() - start:.0f} s; queued {min(queued):.0f} to {max(queued):.0f}, "
             f"held {max(held):.0f}; memory + {growth / MiB:.2f} MiB")
        assert min(queued) > 0
        assert max(held) <= 1.25 * QUEUE + KEPT
        assert growth < 4 * MiB
        wan.reset()
        fast.reset()


def test_a_hundred_slow_readers_of_small_frames_cost_a_quarter_more_than_waits(patient):
    slow = [Raw(patient.port, receive_buffer=4096).open(f"s{i}", "many") for i in range(100)]
    with Raw(patient.port).open("writer", "many") as writer:
        patient.forget_peak()
        before, number = patient.rss(), 0
        empty = patient.metric("beckon_queue_memory_bytes")
        frame = {"type": "publish", "data": "x" * 700}
        while True:
            number += 1
            if writer.ask({**frame, "id": number})["count"] == 0:
                break
            assert number < 10_000
        queued, held = patient.metric("beckon_queued_bytes"), patient.metric("beckon_queue_memory_bytes")
        growth = patient.peak_rss() - before
        note(f"{number} publications: {queued / MiB:.1f} MiB queued, {held / MiB:.1f} MiB held; memory + {growth / MiB:.1f} MiB")
        assert queued > 90 * 250 * 1024
        assert queued <= held <= 1.25 * queued + KEPT
        assert growth <= 1.25 * queued + 4 * MiB
        for peer in slow:
            peer.reset()
        eventually(lambda: patient.metric("beckon_queued_bytes") == 0, 5, "they are gone")
        assert patient.metric("beckon_queue_memory_bytes") <= empty + KEPT


# ---- a client that is told to go, and does not ----


def test_who_goes_on_sending_after_its_close_has_no_thread_for_itself(patient):
    """4009 for ten mistakes, and megabytes behind them."""
    block = encode(2, b"\0" * 60_000) * 16
    with Raw(patient.port).open("calm", "calm") as calm:
        before = p99(calm, 0.5)
        read_before = patient.metric("beckon_received_bytes_total")
        deaf = [Raw(patient.port).open(f"deaf{i}") for i in range(4)]
        floods = []
        for peer in deaf:
            peer.send(encode(TEXT, "no json") * 10)

            def flood(peer=peer):
                peer.socket.sendall(block)
            floods.append(Loop(flood))
        start = time.monotonic()
        meanwhile = p99(calm, 0.5)
        for loop in floods:
            loop.join(2 * ROOM)
            assert loop.error is not None, "it may still send"
        read = patient.metric("beckon_received_bytes_total") - read_before
        note(f"all four cut off after {time.monotonic() - start:.2f} s and {read / MiB:.1f} MiB")
        assert read < 4 * (4 * MiB + 2 * 65536) + MiB
        assert served_on(before, meanwhile)


def test_the_code_reaches_who_was_sending_a_large_message():
    """Read and dropped, so that a reset does not eat the code."""
    with Server() as server:
        for total in (100_000, 1_000_000, 3_000_000):
            with Raw(server.port).open("large") as large:
                large.send(encode(2, b"x" * total))
                assert large.close_code() == 1009


# ---- rates ----


def test_who_floods_over_its_rate_is_read_no_faster_and_closed_after_ten_seconds(strict):
    ping = encode(PING, b"p" * 125) * 5_000
    with Raw(strict.port).open("calm", "calm") as calm, Raw(strict.port).open("flood") as flood:
        before = p99(calm, 1)
        read_before, cpu_before = strict.metric("beckon_received_bytes_total"), strict.cpu()
        start = time.monotonic()
        sender = Loop(lambda: flood.socket.sendall(ping))
        flood.socket.settimeout(30)
        reader = Loop(lambda: None if flood.socket.recv(1 << 16) else sender.stop())
        meanwhile = p99(calm, 5)
        took = time.monotonic() - start
        read, cpu = strict.metric("beckon_received_bytes_total") - read_before, strict.cpu() - cpu_before
        note(f"{read / took / MiB:.2f} MiB/s read, {100 * cpu / took:.0f} % of a core")
        assert read / took < 2 * MiB
        assert served_on(before, meanwhile)
        eventually(lambda: strict.metric("beckon_closes_total", code="4102") == 1, 10 + ROOM, "the close 4102")
        assert time.monotonic() - start > 9.5
        sender.stop()
        reader.stop()


def test_who_keeps_to_what_it_is_told_is_heard_again(strict):
    with Raw(strict.port).open("eager", "g") as eager:
        for number in range(1, 501):
            eager.text({"type": "roster", "id": number} if number % 100 == 0 else {"type": "update", "id": number, "group": "g"})
        refused = [a for a in (eager.json() for _ in range(500)) if a["type"] == "error"]
        assert refused and all(a["code"] == "rate_limited" for a in refused), refused[:3]
        time.sleep(refused[-1]["retry_after_ms"] / 1000)
        start = time.monotonic()
        assert eager.ask({"type": "update", "id": 501, "group": "g"})["type"] == "ok"
        assert time.monotonic() - start < 0.2 * ROOM


@pytest.mark.parametrize("how", ["finish", "reset"])
def test_the_end_of_a_client_over_its_rate_is_seen_while_it_is_not_read(how):
    """A pause of many seconds: one frame of 200 KB a minute."""
    with Server(rate_bytes="20KiB", max_frame="200KiB", max_outbound="1MiB", ping="1h") as server:
        with Raw(server.port).open("watch", "g") as watch, Raw(server.port).open("large", "g") as large:
            for _ in range(2):
                large.text('{"type":"publish","data":"' + "x" * 199_000 + '"}')
            eventually(lambda: server.metric("beckon_frames_refused_total", code="rate_limited") == 1, ROOM, "it is over")
            time.sleep(0.2)
            getattr(large, how)()
            eventually(lambda: server.metric("beckon_sessions") == 1, ROOM, "its session ends")
            assert watch.json()["type"] == "message"


def test_the_pong_deadline_rests_while_a_client_over_its_rate_is_not_read():
    with Server(rate_bytes="20KiB", max_frame="200KiB", max_outbound="1MiB", ping="1s", pong="1s") as server:
        with Raw(server.port).open("large", "g") as large:
            large.text('{"type":"publish","id":1,"data":"' + "x" * 199_000 + '"}')
            large.text('{"type":"publish","id":2,"data":"' + "x" * 60_000 + '"}')
            until, seen = time.monotonic() + 6, []
            while time.monotonic() < until:
                large.socket.settimeout(max(0.01, until - time.monotonic()))
                try:
                    frame = large.read()
                except TimeoutError:
                    break
                seen.append(frame.opcode)
                if frame.opcode == PING:
                    large.frame(10, frame.payload)
            assert CLOSE not in seen and PING in seen, seen


# ---- held frames ----


@pytest.mark.parametrize("end", ["close", "finish", "both", "shut", "reset"])
def test_what_was_sent_before_the_end_takes_effect(patient, end):
    """join, fifty publications, the end: in one go, and the publications are held back for the answer to the join."""
    with Raw(patient.port).open("ear", "held") as ear:
        for _ in range(20):
            mouth = Raw(patient.port).open("mouth")
            data = encode(TEXT, '{"type":"join","id":1,"group":"held"}')
            data += b"".join(encode(TEXT, '{"type":"publish","group":"held","data":%d}' % n) for n in range(50))
            if end in ("close", "both", "reset"):
                data += encode(CLOSE, close_payload(1000))
            mouth.send(data)
            if end in ("finish", "both"):
                mouth.finish()
            elif end == "shut":
                mouth.socket.close()
            elif end == "reset":
                # Once the kernel of the other side has it all, which loopback delivers within send.
                mouth.reset()
            got = [ear.json()["data"] for _ in range(50)]
            assert got == list(range(50))
            mouth.socket.close()
        eventually(lambda: patient.metric("beckon_sessions") == 1, ROOM, "they are gone")


# ---- how it ended ----


def slow_ends(server):
    return (server.metric("beckon_closes_total", code="4103"), server.metric("beckon_closes_total", code="lost"))


def test_who_does_not_read_ends_as_slow_with_the_kernels_buffers_as_they_are():
    """No small receive buffer, the default time-outs, and some 100 KB/s, of which 15 s fit into what a stock kernel buffers."""
    with Server(threads=1) as server:
        deaf = [Raw(server.port).open(f"deaf{i}", "g") for i in range(20)]
        with Raw(server.port).open("writer", "g") as writer:
            number, start = 0, time.monotonic()
            while sum(slow_ends(server)) < 20:
                assert time.monotonic() - start < 30 * ROOM, slow_ends(server)
                number += 1
                writer.ask({"type": "publish", "id": number, "data": "x" * 10_000})
                time.sleep(0.1)
            note(f"after {time.monotonic() - start:.1f} s: 4103 and lost {slow_ends(server)}, "
                 f"full {server.metric('beckon_slow_consumers_total')}")
            assert slow_ends(server) == (20, 0)
            assert server.metric("beckon_slow_consumers_total") >= 20
        for peer in deaf:
            peer.socket.close()


def test_who_does_not_read_little_ends_as_slow_as_well():
    """All of it fits into the kernel's buffers, so that only the kernel sees that nothing moves."""
    with Server(threads=1, ping="1h") as server:
        with Raw(server.port, receive_buffer=4096).open("deaf", "g"), Raw(server.port).open("writer", "g") as writer:
            for number in range(1, 4):
                writer.ask({"type": "publish", "id": number, "data": "x" * 30_000})
            eventually(lambda: server.metric("beckon_queued_bytes") == 0, ROOM, "the kernel has it all")
            start = time.monotonic()
            eventually(lambda: sum(slow_ends(server)) == 1, 15 + 4 * ROOM, "the kernel gives it up")
            note(f"after {time.monotonic() - start:.1f} s")
            assert slow_ends(server) == (1, 0)
            assert server.metric("beckon_slow_consumers_total") == 1
            eventually(lambda: "slow_consumer" in server.log(), 1 + ROOM, "the log tells it too")
