"""The operators' listener under a crowd: health is told whoever else is there, and nobody's end takes another one's memory."""

import contextlib
import resource
import time

import pytest

from frozen import frozen
from harness import ROOM, Server, eventually, note
from raw import Raw

CONNECTIONS = 256  # operator_limits::connections_max


@pytest.fixture(scope="module", autouse=True)
def descriptors():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@pytest.fixture(scope="module")
def alone():
    with Server() as server:
        yield server


def open_many(server, count, data=b""):
    """Connections that have sent `data` and read nothing; closed at the end of the block."""
    stack = contextlib.ExitStack()
    for _ in range(count):
        peer = stack.enter_context(Raw(server.admin_port, receive_buffer=2048))
        peer.try_send(data)
    return stack


def readiness(server):
    """The longest that /readyz takes, of ten times, each on a connection of its own."""
    longest = 0.0
    for _ in range(10):
        start = time.monotonic()
        assert server.get("/readyz", admin=True)[0] == 200
        longest = max(longest, time.monotonic() - start)
    return longest


GET = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST /groups/g/behaviour HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n"


@pytest.mark.parametrize("count", [32, 300, 2000])
@pytest.mark.parametrize("data", [b"", b"GET /readyz HTTP/1.1\r\n", POST, GET * 2], ids=["silent", "half a head", "no body", "unread"])
def test_20_a_crowd_takes_no_readiness_away(alone, count, data):
    with open_many(alone, count, data):
        longest = readiness(alone)
        note(f"/readyz beside {count}: {longest * 1000:.0f} ms at most")
        assert longest < 0.3 * ROOM


def test_20_nor_does_one_that_never_ends(alone):
    with contextlib.ExitStack() as stack:
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            stack.enter_context(open_many(alone, 200))
            assert readiness(alone) < 0.3 * ROOM


def test_20_the_one_that_is_idle_longest_goes_first(alone):
    with Raw(alone.admin_port) as idle, Raw(alone.admin_port) as used:
        for peer in (used, idle):
            peer.send(GET)
            assert peer.response().status == 200
        with open_many(alone, CONNECTIONS - 3):
            used.send(GET)
            assert used.response().status == 200
            with open_many(alone, 3):
                assert idle.until_end() == b""
                used.send(GET)
                assert used.response().status == 200


def test_20_no_descriptors_left_and_health_is_told(tmp_path):
    # 16 clients' connections would fit, the operators' could take all.
    with Server(wrap=["prlimit", "--nofile=120:120"], threads=1) as server:
        with open_many(server, 200):
            eventually(lambda: server.get("/readyz", admin=True)[0] == 200, 1 * ROOM, "/readyz is told")


# --- lifetimes: what an AddressSanitizer would see ---


def various(server):
    """Connections in every state that their end may find them in."""
    for data in (b"", b"GET /he", POST, GET, GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), b"bad\r\n\r\n", GET * 30):
        for _ in range(4):
            peer = Raw(server.admin_port)
            peer.try_send(data)
            yield peer


@pytest.mark.parametrize("after", [1.5, 4.4], ids=["linger", "step"])
def test_6_clients_that_go_at_the_moment_of_their_deadlines(after):
    """The server is stopped while both happen, so that it finds both at once."""
    with Server() as server:
        peers = list(various(server))
        time.sleep(after)
        with frozen(server.process, least=1.0):
            for number, peer in enumerate(peers):
                peer.reset() if number % 2 else peer.socket.close()
        # Memory that was freed and used might still look good; a sanitizer would have ended the server, and said so.
        for _ in range(20):
            with contextlib.suppress(OSError):
                assert server.get("/healthz", admin=True)[0] == 200
        assert server.alive() and "Sanitizer" not in server.log(), server.log()[-6000:]


def test_6_a_server_ends_whatever_its_operators_do():
    with Server() as server:
        peers = list(various(server))
        server.stop()
        assert "Sanitizer" not in server.log()
        for peer in peers:
            peer.socket.close()
