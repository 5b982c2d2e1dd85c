"""A thread that does not run for a while: the process is stopped and goes on, as on a machine that stands still for a moment. Deadlines
wait for what has come meanwhile, and for no more than that."""

import asyncio
import contextlib
import json
import multiprocessing
import re
import signal
import socket
import struct
import time

import pytest
from client import members
from harness import Server, eventually, note
from raw import PONG, PING, TEXT, Raw, encode, request_bytes, upgrade_headers


def stop(server):
    """As long as the kernel takes to stop all of its threads."""
    server.process.send_signal(signal.SIGSTOP)
    state = f"/proc/{server.process.pid}/stat"
    eventually(lambda: open(state).read().rsplit(")", 1)[1].split()[0] == "T", 5, "it is stopped")


def go_on(server):
    server.process.send_signal(signal.SIGCONT)


# --- answers that lie in the sockets ---


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("kind", ["received", "reply"])
async def test_an_answer_that_came_during_the_stop_is_not_overtaken_by_its_deadline(kind, threads):
    pairs = 8  # on one thread or on two, as chance has it
    with Server(threads=threads) as server:
        async with members(server, "g", *(f"{who}{i}" for who in "ab" for i in range(pairs))) as clients:
            askers, answerers = clients[:pairs], clients[pairs:]
            for after in (0.2, 2):  # so long after the deadline it goes on
                asked_at = time.monotonic()
                asked = [
                    a.ask_later("send", to=f"b{i}", data=1, confirm="received", ttl=3) if kind == "received" else
                    a.ask_later("request", to=f"b{i}", data=1, timeout_ms=3000) for i, a in enumerate(askers)
                ]
                came = [await b.next("direct" if kind == "received" else "request") for b in answerers]
                stop(server)
                for b, frame in zip(answerers, came):
                    if kind == "received":
                        await b.tell("received", message=frame["message"])
                    else:
                        await b.tell("reply", request=frame["request"], data=2)
                await asyncio.sleep(asked_at + 3 + after - time.monotonic())
                go_on(server)
                answers = [await answer for answer in asked]
                assert [answer["type"] for answer in answers] == ["ok"] * pairs, answers
        eventually(lambda: "thread_stood_still" in server.log(), 5, "the log tells of it")


# --- deadlines under load ---


FRAME = len(encode(PONG))


class Flood:
    """Frames without an answer on so many sockets that each look finds more than it can tell of. Ends by itself."""

    SOCKETS, PROCESSES, SECONDS_MAX = 1200, 2, 300

    def __init__(self, server):
        self.peers = [Raw(server.port).open(f"f{number}") for number in range(self.SOCKETS)]
        share = self.SOCKETS // self.PROCESSES
        self.processes = [
            multiprocessing.get_context("fork").Process(target=self._run, args=(self.peers[n * share:(n + 1) * share],), daemon=True)
            for n in range(self.PROCESSES)
        ]
        for process in self.processes:
            process.start()

    def _run(self, peers):
        block, until = encode(PONG) * (30_000 // FRAME), time.monotonic() + self.SECONDS_MAX  # much for the server, little for us
        for peer in peers:
            peer.socket.setblocking(False)
            peer.sent = 0
        while time.monotonic() < until:
            for peer in peers:
                with contextlib.suppress(BlockingIOError):
                    peer.sent += peer.socket.send(block[peer.sent % FRAME:])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.join()
        for peer in self.peers:
            peer.socket.close()


@pytest.mark.limit(300)
@pytest.mark.plain("the flood is to be more than the server can do")
def test_deadlines_fire_after_a_stop_although_the_load_never_ends():
    """No bound on the seconds but the sockets' own 120: a thread that is owed half a core gets less from a machine that is busy. What
    must not be is that it never happens."""
    with Server(threads=1, ping="1s", pong="1h", handshake_timeout="120s", auth_timeout="120s") as server:
        with Raw(server.port, timeout=60).open("alice", "g") as alice, Raw(server.port).open("bob", "g"), Flood(server):
            alice.text({"type": "send", "id": 1, "to": "bob", "data": 1, "confirm": "received", "ttl": 1})
            stop(server)
            time.sleep(0.9)
            go_on(server)
            gone_on = time.monotonic()
            answer, pinged = {}, False
            while answer.get("id") != 1 or not pinged:
                frame = alice.read()
                pinged |= frame.opcode == PING  # it was silent for a second
                answer = json.loads(frame.payload) if frame.opcode == TEXT else answer
            assert answer["outcomes"] == {"bob": "expired"}, answer
            note(f"expired and pinged {time.monotonic() - gone_on:.1f} s after the stop")
            # More than one turn accepts: it goes on by a deadline.
            new = [Raw(server.port, timeout=150) for _ in range(100)]
            for peer in new:  # all ask at once: one after the other would wait for as many passes over the flood
                peer.send(request_bytes("/ws?uid=new", upgrade_headers(server.port)))
            for peer in new:
                assert peer.response().status == 101
            note(f"100 more were let in {time.monotonic() - gone_on:.1f} s after the stop")
            for peer in new:
                peer.reset()


# --- a turn that takes long ---


def test_a_slow_turn_is_counted_and_told():
    with Server(threads=1) as server, Flood(server):  # a turn reads what lies in 512 sockets
        eventually(lambda: server.metric("beckon_turns_slow_total") > 0, 30, "turns are slow, and counted")
        told = eventually(lambda: re.search(r"turn_slow thread=0 took_ms=(\S+) cpu_ms=(\S+) doing=(\w+) doing_ms=(\S+)", server.log()), 5,
                          "the log tells of it")
        took, cpu, doing_ms = float(told[1]), float(told[2]), float(told[4])
        assert took > 50 and cpu <= took and doing_ms <= took, told[0]
        assert told[3] in ("sockets", "deadlines", "coroutines", "actors", "sending"), told[0]


# --- the operators' listener, whose deadlines are its own ---


@pytest.mark.limit(120)
def test_a_request_that_ends_at_its_deadline_is_answered_or_cut_off():
    """It goes while the server is stopped, and its time is over: both are met in one turn, in either order."""
    half = b"GET /metrics HTTP/1.1\r\n"
    with Server() as server:
        for last in (None, b"Host: 127.0.0.1\r\n\r\n"):
            peers = [socket.create_connection(("127.0.0.1", server.admin_port), timeout=20) for _ in range(20)]
            for peer in peers:
                peer.sendall(half)
            time.sleep(4)  # its limit is 5 s
            stop(server)
            for peer in peers:
                if last:
                    peer.sendall(last)
                else:  # it goes, by FIN or by RST
                    if peer is not peers[0]:
                        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    peer.close()
            time.sleep(2)
            go_on(server)
            eventually(lambda: server.get("/healthz", admin=True)[0] == 200, 10, "it goes on")
            for peer in peers:
                peer.close()
