"""Many connections at once on the public port: one address takes nobody else's place, and as many of its clients get in as may."""

import contextlib
import os
import re
import resource
import socket
import threading
import time

import pytest

from frozen import frozen
from harness import ROOM, Server, eventually, note
from raw import Raw, request_bytes, upgrade_headers
from tokens import token

ADDRESS = 64  # --max-connections-per-address
CROWD = "127.7.7.7"


@pytest.fixture(scope="module", autouse=True)
def descriptors():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def limited(**more):
    """As without --insecure: its limits per address and its rate are those by default."""
    return Server(max_connections_per_address=ADDRESS, rate_handshakes=500, **more)


def upgrade(port, uid):
    return request_bytes(f"/ws?uid={uid}", upgrade_headers(port))


def connect_many(port, count, data=b"", source=CROWD):
    """`count` connections of one address, made at once; each has sent `data`, as far as it could."""
    peers = []
    for _ in range(count):
        peer = socket.socket()
        peer.setblocking(False)
        peer.bind((source, 0))
        peer.connect_ex(("127.0.0.1", port))
        peers.append(peer)
    for peer in peers:
        peer.settimeout(10)
        if data:
            with contextlib.suppress(OSError):
                peer.sendall(data)
    return peers


@contextlib.contextmanager
def crowd(port, count, data=b""):
    peers = connect_many(port, count, data)
    try:
        yield peers
    finally:
        for peer in peers:
            peer.close()


def others(server, longest=0.3 * ROOM):
    """An upgrade and /healthz of another address, several times; @returns the longest that one took."""
    worst = 0.0
    for number in range(10):
        start = time.monotonic()
        with Raw(server.port, timeout=30) as peer:
            assert peer.upgrade(f"/ws?uid=other{number}").status == 101
        middle = time.monotonic()
        assert server.get("/healthz")[0] == 200
        worst = max(worst, middle - start, time.monotonic() - middle)
    assert worst < longest, f"others waited for {worst:.2f} s"
    return worst


# --- of one address ---


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("connected_first", [True, False])
def test_10_of_80_upgrades_at_once_64_get_in(threads, connected_first):
    with limited(threads=threads) as server:
        if connected_first:
            peers = connect_many(server.port, 80)
            eventually(lambda: server.metric("beckon_handshakes_in_progress") == 80, 5, "all are there")
            for number, peer in enumerate(peers):
                peer.sendall(upgrade(server.port, number))
        else:
            peers = connect_many(server.port, 80, upgrade(server.port, "x"))
        statuses = [int(peer.recv(4096).split(b" ")[1]) for peer in peers]
        assert statuses.count(101) == ADDRESS and statuses.count(429) == 80 - ADDRESS, statuses
        if threads == 1 and connected_first:
            assert statuses[:ADDRESS] == [101] * ADDRESS, statuses
        # The other address has all of its own places; this one has one when one goes.
        with Raw(server.port) as other:
            assert other.upgrade("/ws?uid=other").status == 101
        peers[statuses.index(101)].close()

        def one_more():
            (peer,) = connect_many(server.port, 1, upgrade(server.port, "again"))
            peers.append(peer)
            return int(peer.recv(4096).split(b" ")[1]) == 101

        eventually(one_more, 1 * ROOM, "the place of the one that left")
        for peer in peers:
            peer.close()


def test_10_refused_and_silent_ones_take_no_place():
    with limited() as server:
        with crowd(server.port, 2 * ADDRESS), crowd(server.port, 30, b"POST / HTTP/1.1\r\nHost: h\r\n\r\n"):
            peers = connect_many(server.port, ADDRESS, upgrade(server.port, "x"))
            assert {int(peer.recv(4096).split(b" ")[1]) for peer in peers} == {101}
            for peer in peers:
                peer.close()


# --- of one address, and others ---


@pytest.mark.parametrize("data", [b"", b"GET "], ids=["silent", "half a request"])
def test_10_2048_connections_of_one_address_delay_nobody(data):
    with limited() as server, crowd(server.port, 2048, data):
        note(f"others waited for {others(server) * 1000:.0f} ms at most")
        assert server.metric("beckon_handshakes_in_progress") <= 2 * ADDRESS + 64
        eventually(lambda: server.metric("beckon_rejects_total", reason="crowded") >= 2048 - 2 * ADDRESS, 5, "the others made room")


def test_10_nor_without_a_limit_per_address():
    with Server() as server, crowd(server.port, 2048):
        note(f"others waited for {others(server) * 1000:.0f} ms at most")
        assert server.metric("beckon_handshakes_in_progress") <= 512 + 64


def test_10_nor_those_that_never_cease():
    with limited() as server:
        over = threading.Event()

        def knock():
            while not over.is_set():
                for peer in connect_many(server.port, 200):
                    peer.close()

        knocking = threading.Thread(target=knock)
        knocking.start()
        try:
            for _ in range(3):
                others(server)
        finally:
            over.set()
            knocking.join()


def test_10_a_request_that_is_here_is_answered_though_its_client_was_to_go():
    # They come in one go, and are asked to make room before anybody has looked at what they sent.
    with Server(max_handshakes_in_progress=4, threads=1) as server:
        with frozen(server.process):
            peers = connect_many(server.port, 300, b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
        with contextlib.ExitStack() as stack:
            for peer in peers:
                stack.enter_context(peer)
            assert {int(peer.recv(4096).split(b" ")[1]) for peer in peers} == {200}
        assert server.metric("beckon_rejects_total", reason="crowded") == 0


def test_10_the_oldest_silent_one_goes():
    with Server(max_handshakes_in_progress=4, threads=1) as server:
        with crowd(server.port, 4) as peers, Raw(server.port) as speaks:
            eventually(lambda: server.metric("beckon_rejects_total", reason="crowded") == 1, 5, "one made room")
            assert peers[0].recv(1) == b""
            assert speaks.upgrade("/ws?uid=a").status == 101
            for peer in peers[1:]:
                peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
                assert peer.recv(4096).startswith(b"HTTP/1.1 200 ")


# --- the log ---


def test_bad_tokens_do_not_push_out_other_lines(tmp_path):
    key = os.urandom(32).hex().encode()
    file = tmp_path / "token.key"
    file.write_bytes(key)
    with Server(insecure=False, token_key_file=file, max_connections_per_address=0) as server:
        start = time.monotonic()
        for number in range(300):
            bad = "x" if number % 2 else token(key, expires_in=-3600)
            with Raw(server.port) as peer:
                assert peer.upgrade("/ws", Authorization=f"Bearer {bad}").status in (401, 429)
        time.sleep(1.1)
        for _ in range(3):
            with Raw(server.port) as peer:
                peer.upgrade("/ws", Authorization="Bearer x")
            time.sleep(1.1)
        took = time.monotonic() - start
        lines = [line for line in server.log().splitlines() if " token_refused " in line]
        assert 3 <= len(lines) <= took + 1, lines
        assert sum(int(re.search(r"times=(\d+)", line)[1]) for line in lines) == 303, lines
