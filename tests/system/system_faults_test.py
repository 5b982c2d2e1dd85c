"""faults.md C6 (but 95, 99, 100) and the signals: what the machine does to the server."""

import asyncio
import contextlib
import glob
import os
import select
import shutil
import signal
import subprocess
import time

import pytest

from client import Client, members
from harness import MiB, ROOM, Server, eventually, note
from raw import Ended, Raw
from tokens import token

# --- 97: accept fails ---


def test_97_without_descriptors_the_server_waits_says_503_and_recovers():
    with Server(wrap=("prlimit", "--nofile=80:80", "--"), threads=1, log_level="debug") as server:
        with Raw(server.port).open("early", "g") as early:
            waiting = [Raw(server.port) for _ in range(100)]
            # The reserve descriptor turns clients away properly, one at a time.
            readable, _, _ = select.select([peer.socket for peer in waiting], [], [], 1 * ROOM)
            assert readable, "nobody was told 503"
            told = next(peer for peer in waiting if peer.socket is readable[0])
            response = told.response()
            assert response.status == 503 and "retry-after" in response.headers, response
            cpu, lines = server.cpu(), server.log().count("\n")
            time.sleep(2)
            assert server.cpu() - cpu < 2 * 0.05 * ROOM, "it spins"
            assert server.log().count("\n") - lines <= 2 + 2, server.log()[-500:]
            # Who was there before is served as ever.
            assert early.ask({"type": "send", "id": 1, "to": "early", "data": 1})["type"] == "ok"
            for peer in waiting:
                peer.reset()
            start = time.monotonic()

            def fits():
                with contextlib.suppress(Ended):
                    return _upgrades(server.port)

            eventually(fits, 1 * ROOM, "a new client is served again")
            note(f"recovered {time.monotonic() - start:.2f} s after the descriptors came back")


STRACE = shutil.which("strace")


@pytest.mark.skipif(not STRACE, reason="no `strace` to make accept fail")
@pytest.mark.plain("LeakSanitizer does not work under strace")
@pytest.mark.parametrize("error", ["EMFILE", "ENFILE", "ENOMEM", "ECONNABORTED"])
def test_97_a_failing_accept_delays_and_loses_nothing(error):
    wrap = (STRACE, "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=accept,accept4",
            "-e", f"inject=accept,accept4:error={error}:when=1..3")
    with Server(wrap=wrap, threads=1) as server:
        with Raw(server.port, timeout=2 * ROOM) as peer:
            # The reserve descriptor may turn the first away where something is said to be missing.
            if peer.upgrade("/ws?uid=a").status == 503:
                assert error != "ECONNABORTED"
        eventually(lambda: _upgrades(server.port), 2 * ROOM, "accepted after all")


def _upgrades(port):
    with Raw(port) as peer:
        return peer.upgrade("/ws?uid=a").status == 101


# --- 98: no memory ---


@pytest.mark.plain("most of the memory is the sanitizer's")
def test_98_without_memory_the_process_lives():
    with Server() as server, Raw(server.port).open("well", "g") as well:
        # So little is left that a few full queues need more.
        limit = server.memory("VmData") + 6 * MiB
        subprocess.run(["prlimit", f"--data={limit}:", f"--pid={server.process.pid}"], check=True)
        greedy, codes = [], []
        for number in range(60):
            peer = Raw(server.port, receive_buffer=4096, timeout=1)
            greedy.append(peer)
            try:
                peer.open(f"greedy{number}", "g")
                for _ in range(100):
                    peer.text({"type": "send", "to": f"greedy{number}", "data": "x" * 60000})
            except Exception:
                codes.append(number)
                if len(codes) > 3:
                    break
        assert server.alive(), server.log()[-2000:]
        for peer in greedy:
            peer.reset()
        subprocess.run(["prlimit", "--data=unlimited:", f"--pid={server.process.pid}"], check=True)
        for gauge, left in (("sessions", 1), ("connections", 1), ("queued_bytes", 0)):
            eventually(lambda: server.metric(f"beckon_{gauge}") == left, ROOM, f"beckon_{gauge} is back at {left}")
        assert well.ask({"type": "roster", "id": 1, "group": "g"})["type"] == "ok"
        assert server.metric("beckon_closes_total", code="1011") > 0


# --- 101: signals ---


def test_101_sigpipe_is_ignored():
    with Server() as server, Raw(server.port).open("a", "g") as peer:
        server.process.send_signal(signal.SIGPIPE)
        # And one that the kernel raises: a peer that resets while much is on its way to it.
        for _ in range(20):
            gone = Raw(server.port, receive_buffer=4096).open("gone", "g")
            for number in range(20):
                peer.text({"type": "send", "to": "gone", "data": "x" * 50000})
            gone.reset()
        assert peer.ask({"type": "send", "id": 1, "to": "a", "data": 1})["type"] == "ok"


async def test_102_a_server_that_was_stopped_ends_nobody_who_answers():
    # The pings that are due when it goes on find nobody slow: their queues were empty.
    with Server(ping="1s", pong="1s", stall_timeout="1s") as server:
        async with members(server, "g", *(f"m{i}" for i in range(20))) as clients:
            server.process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(4)
            server.process.send_signal(signal.SIGCONT)
            await asyncio.sleep(3)
            assert server.metric("beckon_sessions") == 20
            assert (await clients[0].ask("publish", group="g", data=1))["count"] == 19


# --- 103, 77: the clock jumps ---

FAKETIME = next(iter(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")), None)
needs_faketime = pytest.mark.skipif(not FAKETIME, reason="no `faketime` to make the clock jump")


class Clock:
    """The wall clock of a server under libfaketime; the monotonic one stays, as when NTP steps a machine."""

    def __init__(self, path):
        self.path = path
        self.jump("+0")
        self.environment = {
            "LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": str(path), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def jump(self, offset):
        # In one step: the server must never read half a file.
        fresh = self.path.with_suffix(".new")
        fresh.write_text(offset + "\n")
        fresh.rename(self.path)


@pytest.mark.plain("both want to be loaded first")
@needs_faketime
async def test_103_a_clock_that_jumps_a_day_ends_nobody(tmp_path):
    clock = Clock(tmp_path / "clock")
    with Server(env=clock.environment, ping="1s", pong="1s") as server:
        async with members(server, "g", *(f"m{i}" for i in range(20))) as clients:
            for jump, days in (("+1d", 1), ("-1d", -1), ("+0", 0)):
                clock.jump(jump)
                await asyncio.sleep(2.5)
                assert server.metric("beckon_sessions") == 20
                # The jump is real: `at` is wall-clock time.
                await clients[0].ask("send", group="g", to="m1", data=jump)
                direct = await clients[1].next("direct")
                assert abs(direct["at"] / 1000 - time.time() - days * 86400) < 60, direct


@pytest.mark.plain("both want to be loaded first")
@needs_faketime
async def test_77_expiry_is_monotonic_for_the_connected_and_wall_clock_for_the_new(tmp_path):
    clock = Clock(tmp_path / "clock")
    key = os.urandom(32).hex().encode()
    (tmp_path / "key").write_bytes(key)
    (tmp_path / "key").chmod(0o600)

    def connect(server, uid, expires_in):
        return Client.connect(server, headers={"Authorization": f"Bearer {token(key, uid, expires_in=expires_in)}"})

    with Server(insecure=False, token_key_file=tmp_path / "key", env=clock.environment) as server:
        async with await connect(server, "alice", 1800) as alice:
            for jump, fits in (("+1h", False), ("-1h", True)):
                clock.jump(jump)
                await asyncio.sleep(1.5)
                await alice.ask("join", group=f"g{jump}")
                # Half an hour is over one hour later, and not before.
                try:
                    await (await connect(server, "bob", 1800)).close()
                    assert fits
                except Exception as refused:
                    assert not fits, refused


# --- 104: the log's reader ---


async def is_well(server):
    async with members(server, "g", "alice", "bob") as (alice, bob):
        for number in range(20):
            await alice.ask("send", group="g", to="bob", data=number)
            assert (await bob.next("direct"))["data"] == number


async def test_104_a_log_whose_reader_is_gone_stops_nobody():
    read, write = os.pipe()
    os.close(read)
    with Server(log_level="debug", stderr=write) as server:
        os.close(write)
        for _ in range(5):
            await is_well(server)


async def test_104_a_log_whose_reader_does_not_read_stops_nobody():
    read, write = os.pipe()
    try:
        with Server(log_level="debug", stderr=write) as server:
            os.close(write)
            start = time.monotonic()
            # Every refusal is worth a line; a pipe holds 64 KiB.
            for number in range(2000):
                with Raw(server.port) as peer:
                    peer.send(b"POST /x HTTP/1.1\r\nHost: h\r\n\r\n")
                    peer.until_end()
            await is_well(server)
            note(f"2,000 refusals with a blocked log: {time.monotonic() - start:.1f} s")
            assert server.metric("beckon_log_lines_dropped_total") > 0
    finally:
        os.close(read)
