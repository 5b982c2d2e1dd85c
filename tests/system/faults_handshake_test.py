"""faults.md C1: what may go wrong before a connection is a WebSocket."""

import json
import os
import time

import pytest

from harness import ROOM, Server, eventually, took
from raw import PING, PONG, TEXT, Ended, Raw, encode, request_bytes, upgrade_headers

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
PATH = "/ws?uid=fault"


def ask(server, data):
    """Sends bytes and returns the response, after which the connection must end."""
    with Raw(server.port) as peer:
        peer.send(data)
        response = peer.response()
        assert response.status != 101, response
        peer.until_end()
        return response


def upgrade(port, *, method="GET", version="HTTP/1.1", path=PATH, extra=(), **changed):
    """The bytes of an upgrade; `extra` are raw header lines behind the others."""
    data = request_bytes(path, upgrade_headers(port, **changed), method, version)
    return data[:-2] + b"".join(line + b"\r\n" for line in extra) + b"\r\n"


def fields(count):
    """So many header lines more."""
    return [b"X-%d: v" % i for i in range(count)]


STATUS = {
    "1 without Upgrade": ({400, 426}, lambda p: upgrade(p, Upgrade=None)),
    "1 without Connection": ({400, 426}, lambda p: upgrade(p, Connection=None)),
    "1 plain GET": ({400, 426}, lambda p: b"GET /ws HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    "2 POST": ({405}, lambda p: upgrade(p, method="POST")),
    "2 PUT": ({405}, lambda p: upgrade(p, method="PUT")),
    "3 HTTP/1.0": ({400}, lambda p: upgrade(p, version="HTTP/1.0")),
    "4 no Host": ({400}, lambda p: upgrade(p, Host=None)),
    "5 two Hosts": ({400}, lambda p: upgrade(p, extra=[b"Host: other.example"])),
    "6 no key": ({400}, lambda p: upgrade(p, Sec_WebSocket_Key=None)),
    "7 key of 3 characters": ({400}, lambda p: upgrade(p, Sec_WebSocket_Key="abc")),
    "7 key of 25 characters": ({400}, lambda p: upgrade(p, Sec_WebSocket_Key=KEY + "A")),
    "7 key of 15 bytes": ({400}, lambda p: upgrade(p, Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25j")),
    "7 key of 17 bytes": ({400}, lambda p: upgrade(p, Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZWU=")),
    "7 key that is not base64": ({400}, lambda p: upgrade(p, Sec_WebSocket_Key="dGhlIHN*bXBsZSBub25jZQ==")),
    "8 version 8": ({426}, lambda p: upgrade(p, Sec_WebSocket_Version="8")),
    "8 version 0": ({426}, lambda p: upgrade(p, Sec_WebSocket_Version="0")),
    "8 version 14": ({426}, lambda p: upgrade(p, Sec_WebSocket_Version="14")),
    "9 one header of 16 KiB": ({431}, lambda p: upgrade(p, extra=[b"X-Big: " + b"x" * 16384])),
    "9 many headers of 17 KiB": ({431}, lambda p: upgrade(p, extra=[b"X-%d: " % i + b"x" * 350 for i in range(50)])),
    "9 a header without end": ({431}, lambda p: upgrade(p)[:-2] + b"X-Endless: " + b"x" * 20000),
    "10 65 fields": ({431}, lambda p: upgrade(p, extra=fields(59))),
    "10 500 fields": ({431}, lambda p: upgrade(p, extra=fields(494))),
    "11 obs-fold": ({400}, lambda p: upgrade(p, extra=[b"X-Folded: a", b" b"])),
    "12 bare LF everywhere": ({400}, lambda p: upgrade(p).replace(b"\r\n", b"\n")),
    "12 bare LF once": ({400}, lambda p: upgrade(p).replace(b"websocket\r\n", b"websocket\n")),
    "12 NUL in a value": ({400}, lambda p: upgrade(p, extra=[b"X-Nul: a\0b"])),
    "13 Content-Length and Transfer-Encoding": (
        {400},
        lambda p: upgrade(p, extra=[b"Content-Length: 5", b"Transfer-Encoding: chunked"]) + b"0\r\n\r\n",
    ),
    "14 Content-Length on the upgrade": ({400}, lambda p: upgrade(p, extra=[b"Content-Length: 5"]) + b"hello"),
    "15 URI over 2 KiB": ({414}, lambda p: upgrade(p, path="/ws?uid=fault&x=" + "x" * 2048)),
    "15 URI of 7 KiB": ({414}, lambda p: upgrade(p, path="/ws?uid=fault&x=" + "x" * 7168)),
    "15 another path": ({404}, lambda p: upgrade(p, path="/other")),
    "15 the root": ({404}, lambda p: upgrade(p, path="/")),
    "18 another sub-protocol only": ({400}, lambda p: upgrade(p, Sec_WebSocket_Protocol="graphql-ws")),
    "18 other sub-protocols only": ({400}, lambda p: upgrade(p, Sec_WebSocket_Protocol="mqtt, beckon.v2")),
    "24 a PROXY header, version 1": ({400}, lambda p: b"PROXY TCP4 203.0.113.7 127.0.0.1 5555 80\r\n" + upgrade(p)),
    "an empty uid": ({400}, lambda p: upgrade(p, path="/ws?uid=")),
    "a uid of 129 bytes": ({400}, lambda p: upgrade(p, path="/ws?uid=" + "u" * 129)),
    "a uid with a control character": ({400}, lambda p: upgrade(p, path="/ws?uid=a%07b")),
    "a uid of the system": ({400}, lambda p: upgrade(p, path="/ws?uid=%24sys")),
}


@pytest.mark.parametrize("case", STATUS)
def test_a_bad_upgrade_gets_its_status(server, fleet, case):
    statuses, data = STATUS[case]
    response = ask(server, data(server.port))
    assert response.status in statuses, response
    if response.status == 426:
        if case.startswith("8"):
            assert response.headers.get("sec-websocket-version") == "13", response
        else:
            assert "websocket" in response.headers.get("upgrade", "").lower(), response


def test_every_refusal_is_counted(server):
    before = server.metric("beckon_rejects_total")
    for _ in range(5):
        ask(server, upgrade(server.port, method="POST"))
    assert server.metric("beckon_rejects_total") == before + 5


GOOD = {
    "as every client sends it": {},
    "64 fields": {"extra": fields(58)},
    "lower-case names and values": {"Upgrade": "WEBSOCKET", "Connection": "keep-alive, upgrade"},
    "17 no Origin": {"Origin": None},
    "19 hostile window bits": {"Sec_WebSocket_Extensions": "permessage-deflate; server_max_window_bits=99"},
    "19 300 parameters": {"Sec_WebSocket_Extensions": "permessage-deflate" + "; a=1" * 300},
    "19 300 extensions": {"Sec_WebSocket_Extensions": ", ".join(["permessage-deflate"] * 300)},
    "a uid of 128 bytes": {"path": "/ws?uid=" + "u" * 128},
}


@pytest.mark.parametrize("case", GOOD)
def test_a_good_upgrade_is_accepted(server, fleet, case):
    with Raw(server.port) as peer:
        peer.send(upgrade(server.port, **GOOD[case]))
        response = peer.response()
        assert response.status == 101, response
        assert response.headers["sec-websocket-protocol"] == "beckon.v1"
        assert "sec-websocket-extensions" not in response.headers
        assert peer.json()["type"] == "welcome"


def test_18_a_client_that_offers_no_sub_protocol_gets_beckon_v1(server):
    with Raw(server.port) as peer:
        response = peer.upgrade(PATH, Sec_WebSocket_Protocol=None)
        assert response.status == 101, response
        # RFC 6455, 4.1: a sub-protocol that was not asked for fails the client's handshake.
        assert "sec-websocket-protocol" not in response.headers
        assert peer.json()["type"] == "welcome"


def test_18_beckon_v1_is_chosen_among_others(server):
    with Raw(server.port) as peer:
        response = peer.upgrade(PATH, Sec_WebSocket_Protocol="mqtt, beckon.v1, graphql-ws")
        assert response.headers["sec-websocket-protocol"] == "beckon.v1", response


def test_19_hostile_extensions_cost_nothing(server):
    hostile = upgrade(server.port, Sec_WebSocket_Extensions="permessage-deflate" + "; a=1" * 300)

    def cost(data, count=100):
        before = server.cpu()
        for _ in range(count):
            with Raw(server.port) as peer:
                peer.send(data)
                assert peer.response().status == 101
        return (server.cpu() - before) / count

    # 1 ms each beyond what any connection costs; the bystanders' own work lies in both figures.
    plain = cost(upgrade(server.port))
    assert cost(hostile) - plain < 0.001 * ROOM


def test_20_a_slow_handshake_ends_after_five_seconds_in_all(server, fleet):
    silent, dripping = Raw(server.port), Raw(server.port)
    data = upgrade(server.port)
    with silent, dripping, took(4.5, 5 + ROOM):
        silent.send(data[:1])
        start, sent = time.monotonic(), 0
        dripping.socket.settimeout(0.5)
        # A byte every half second: an idle timer would never strike.
        while time.monotonic() - start < 5 + ROOM:
            dripping.try_send(data[sent : sent + 1])
            sent += 1
            try:
                dripping._more()
            except TimeoutError:
                continue
            except Ended:
                break
        else:
            raise AssertionError("the dripping handshake was not ended")
        silent.until_end()


PREFACES = {
    "TLS ClientHello": bytes.fromhex("1603010200010001fc0303") + os.urandom(509),
    "24 a PROXY header, version 2": b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes([203, 0, 113, 7, 127, 0, 0, 1, 21, 179, 0, 80]),
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0",
}


@pytest.mark.parametrize("case", PREFACES)
def test_21_another_protocol_is_closed_and_counted(server, fleet, case):
    before = server.metric("beckon_rejects_total", reason="bad_preface")
    with Raw(server.port) as peer:
        peer.try_send(PREFACES[case])
        peer.until_end()
    assert server.metric("beckon_rejects_total", reason="bad_preface") == before + 1


def test_21_random_bytes_are_closed(server, fleet):
    for seed in range(20):
        with Raw(server.port) as peer:
            # A line end, so that nothing waits for more; seeded by hand: the same bytes in every run.
            peer.try_send(bytes((seed * 7 + i * i) % 256 for i in range(300)) + b"\r\n\r\n")
            peer.until_end()


@pytest.mark.parametrize("header", ["203.0.113.7", "203.0.113.7, 127.0.0.1", ""])
def test_25_a_forwarded_address_is_not_believed(header):
    """Who it is for the limits is who has connected, whatever the headers say."""
    with Server(max_connections_per_address=1) as server, Raw(server.port) as first:
        forwarded = {"X_Forwarded_For": header, "Forwarded": f"for={header}", "X_Real_IP": header}
        assert first.upgrade(PATH, **forwarded).status == 101
        with Raw(server.port) as second:
            assert second.upgrade(PATH, X_Forwarded_For="198.51.100.1").status == 429


def test_22_frames_behind_the_handshake_are_processed_in_order(server, fleet):
    frames = b"".join(encode(TEXT, f'{{"type":"leave","id":{i},"group":"g"}}') for i in (1, 2, 3))
    with Raw(server.port) as peer:
        assert peer.upgrade(PATH + "&group=g", then=encode(PING, b"first") + frames).status == 101
        seen = []
        while len(seen) < 4:
            frame = peer.read()
            if frame.opcode == PONG:
                assert frame.payload == b"first"
            else:
                answer = json.loads(frame.payload)
                seen.append((answer["type"], answer.get("id")))
        # The first leave succeeds; the group is not joined any more at the second and third.
        assert seen == [("welcome", None), ("ok", 1), ("error", 2), ("error", 3)]


def test_23_handshakes_over_the_limit_wait_and_none_is_dropped():
    with Server(max_handshakes_in_progress=4, threads=1) as server:
        waiting = [Raw(server.port) for _ in range(4)]
        for peer in waiting:
            peer.send(b"GET ")
        eventually(lambda: server.metric("beckon_handshakes_in_progress") >= 4, 5, "four handshakes in progress")
        with Raw(server.port) as late:
            late.send(upgrade(server.port))
            late.socket.settimeout(0.5)
            with pytest.raises(TimeoutError):
                late._more()
            for peer in waiting:
                peer.reset()
            late.socket.settimeout(10)
            assert late.response().status == 101


# --- Origin ---

ALLOWED = "https://good.example"


@pytest.fixture(scope="module")
def guarded():
    with Server(f"--origin={ALLOWED}") as started:
        yield started


REFUSED_ORIGINS = [
    "null",
    "https://good.example.evil",
    "https://evil-good.example",
    "http://good.example",
    "HTTPS://GOOD.EXAMPLE",
    "https://Good.example",
    "https://good.example.",
    "https://good.example:444",
    "https://good.example/",
    "https://user@good.example",
    "https://good.example, https://evil.example",
    "http://localhost.evil.example",
    "http://127.0.0.1.evil.example",
    "file://",
    "",
]


@pytest.mark.parametrize("origin", REFUSED_ORIGINS)
def test_16_an_origin_not_on_the_list_is_refused(guarded, origin):
    before = guarded.metric("beckon_rejects_total", reason="origin")
    with Raw(guarded.port) as peer:
        response = peer.upgrade(PATH, Origin=origin)
        assert response.status == 403, response
        peer.until_end()
    assert guarded.metric("beckon_rejects_total", reason="origin") == before + 1


@pytest.mark.parametrize("origin", [ALLOWED, "http://localhost:3000", "http://127.0.0.1:8080", "http://[::1]:8080"])
def test_16_a_listed_origin_and_with_insecure_a_loopback_one_pass(guarded, origin):
    with Raw(guarded.port) as peer:
        assert peer.upgrade(PATH, Origin=origin).status == 101


# --- Anything else over HTTP ---


def test_health_and_readiness_answer_on_both_ports(server):
    for admin in (False, True):
        assert server.get("/healthz", admin=admin)[0] == 200
        assert server.get("/readyz", admin=admin)[0] == 200


def test_another_path_over_http_gets_a_status_and_a_short_text(server):
    for path in ("/nothing", "/metrics", "/"):
        status, body = server.get(path)
        assert status == 404 and 0 < len(body) < 200, (path, status, body)


def test_the_operators_listener_refuses_requests_with_an_origin(server):
    assert server.get("/metrics", admin=True)[0] == 200
    assert server.get("/metrics", admin=True, headers={"Origin": "http://localhost"})[0] == 403
    assert server.get("/healthz", admin=True, headers={"Origin": "null"})[0] == 403


def test_the_bystanders_lost_nothing(fleet):
    fleet.lost_nothing()
