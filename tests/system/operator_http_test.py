"""The operators' listener as HTTP/1.1: one connection for many requests, its limits, its deadlines, and who is kept out."""

import time

import pytest

from harness import ROOM, Server, took
from raw import Ended, Raw

KEY = "k" * 32
PATH = "/groups/g/behaviour"
STEP = 5.0  # operator_limits::step_max


@pytest.fixture(scope="module")
def key_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("key") / "admin.key"
    path.write_text(KEY + "\n")
    path.chmod(0o600)
    return path


@pytest.fixture(scope="module")
def operated(key_file):
    with Server("--admin-host=Beckon.Example", admin_key_file=key_file) as server:
        yield server


def request(path="/healthz", method="GET", version="1.1", body=b"", **fields):
    """The bytes of a request. A field that is None is left out; a list is sent as several."""
    fields = {"Host": "127.0.0.1", **{name.replace("_", "-"): value for name, value in fields.items()}}
    lines = [f"{method} {path} HTTP/{version}"]
    for name, value in fields.items():
        values = value if isinstance(value, list) else [] if value is None else [value]
        lines += [f"{name}: {v}" for v in values]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def swap(body=b'{"behaviour":"x"}', path=PATH, **fields):
    length = {} if "Content_Length" in fields else {"Content_Length": len(body)}
    return request(path, "POST", Authorization=f"Bearer {KEY}", body=body, **length, **fields)


class Operator(Raw):
    def __init__(self, server, **how):
        super().__init__(server.admin_port, **how)

    def ask(self, *args, **fields):
        self.send(request(*args, **fields))
        return self.response()

    def is_closed(self, within=10):
        self.socket.settimeout(within)
        try:
            self._more()
        except Ended:
            return True
        return False


def ask(server, *args, **fields):
    with Operator(server) as operator:
        return operator.ask(*args, **fields)


# --- one connection, many requests ---


def test_a_connection_is_kept_for_the_next_request(operated):
    with Operator(operated) as operator:
        for number in range(50):
            path = ("/healthz", "/readyz", "/metrics", "/nothing", "/groups/g/behaviour")[number % 5]
            answer = operator.ask(path)
            assert answer.status == (200, 200, 200, 404, 404)[number % 5], answer
            assert answer.headers.get("connection", "keep-alive") == "keep-alive"


def test_a_connection_ends_where_the_client_wants_it(operated):
    for fields in ({"Connection": "close"}, {"version": "1.0"}):
        with Operator(operated) as operator:
            answer = operator.ask(**fields)
            assert answer.status == 200 and answer.headers.get("connection", "close") == "close", answer
            assert operator.is_closed()
    with Operator(operated) as operator:
        for _ in range(3):
            answer = operator.ask(version="1.0", Connection="keep-alive")
            assert answer.status == 200 and answer.headers["connection"] == "keep-alive", answer


def test_requests_in_one_go_are_answered_in_order(operated):
    with Operator(operated) as operator:
        operator.send(request("/healthz") + request("/nothing") + swap() + request("/metrics", "HEAD") + request("/readyz")
                      + swap(b"{}") + request("/healthz", Connection="close") + request("/healthz"))
        found = []
        for _ in range(3):
            found.append(operator.response().status)
        while b"\r\n\r\n" not in operator.buffer:
            operator._more()
        head, operator.buffer = operator.buffer.split(b"\r\n\r\n", 1)
        found.append(int(head.split(b" ")[1]))
        for _ in range(3):
            found.append(operator.response().status)
        assert found == [200, 404, 404, 200, 200, 400, 200], found
        assert operator.until_end() == b"", "what stands behind `close` is not answered"


def test_a_thousand_requests_in_one_go(operated):
    with Operator(operated) as operator:
        operator.send(request() * 1000)
        for _ in range(1000):
            assert operator.response().status == 200


def test_a_request_may_come_byte_by_byte(operated):
    with Operator(operated) as operator:
        for data in (request(), swap(b"{}")):
            for byte in data:
                operator.send(bytes([byte]))
            assert operator.response().status in (200, 400)


def test_a_client_that_sends_its_end_is_answered(operated):
    with Operator(operated) as operator:
        operator.send(request())
        operator.finish()
        assert operator.response().status == 200
        assert operator.is_closed()


# --- what it says ---


def test_head_is_get_without_a_body(operated):
    with Operator(operated) as operator:
        for path, status in (("/healthz", 200), ("/readyz", 200), ("/metrics", 200), ("/nothing", 404), (PATH, 404)):
            operator.send(request(path, "HEAD") + request("/healthz"))
            while operator.buffer.count(b"\r\n\r\n") < 2:
                operator._more()
            head, operator.buffer = operator.buffer.split(b"\r\n\r\n", 1)
            assert int(head.split(b" ")[1]) == status, head
            assert b"Content-Length: 0" not in head and b"Content-Length: " in head, head
            assert operator.response().status == 200, path


def test_another_method_is_told_which_there_are(operated):
    with Operator(operated) as operator:
        for method, path, allow in (("POST", "/metrics", "GET, HEAD"), ("DELETE", "/healthz", "GET, HEAD"),
                                    ("BREW", "/readyz", "GET, HEAD"), ("PUT", PATH, "GET, HEAD, POST")):
            answer = operator.ask(path, method, Content_Length=0)
            assert answer.status == 405 and answer.headers["allow"] == allow, answer
        answer = operator.ask("/nothing", "POST", Content_Length=0)
        assert answer.status == 404 and "allow" not in answer.headers, answer


@pytest.mark.parametrize("path", ["/", "/nothing", "/metrics/", "//metrics", "/groups", "/groups/g", "/v1/send",
                                  "/groups/a/b/behaviour", "/healthz/x", "http://127.0.0.1/healthz", "*"])
def test_an_unknown_path_is_not_found(operated, path):
    assert ask(operated, path).status == 404


def test_the_query_is_not_looked_at(operated):
    for path in ("/healthz?", "/metrics?name[]=x&%", "/cluster?a=b"):
        assert ask(operated, path).status in (200, 404), path
    assert ask(operated, "/metrics?name[]=x").headers["content-type"].startswith("text/plain; version=0.0.4")


def test_what_is_no_request_gets_400(operated):
    for data in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9\r\n\r\n",
                 b"GET / HTTP/1.1\nHost: a\n\n" + b"\r\n\r\n", request(Content_Length="x"), request(Content_Length=[1, 2]),
                 b"GET / HTTP/1.1\r\nHost 127.0.0.1\r\n\r\n"):
        with Operator(operated) as operator:
            operator.send(data)
            answer = operator.response()
            assert answer.status == 400 and answer.headers["connection"] == "close", (data, answer)
            assert operator.is_closed()
    assert ask(operated).status == 200


# --- limits ---


def test_a_huge_head_gets_431(operated):
    for data in (request(X="x" * 15_000), request("/healthz?" + "x" * 15_000)):
        with Operator(operated) as operator:
            operator.send(data)
            assert operator.response().status == 200
    for data in (request(X="x" * 17_000), request("/" + "x" * 17_000), b"GET /healthz HTTP/1.1\r\n" + b"X: y\r\n" * 100_000,
                 b"x" * 200_000):
        with Operator(operated) as operator:
            operator.try_send(data)
            assert operator.response().status in (431, 400), data[:100]


def test_a_huge_body_is_refused_at_once_and_its_sender_reads_it(operated):
    most = 64 * 1024
    with Operator(operated) as operator:
        operator.send(swap(b"x" * most))
        assert operator.response().status == 400
        # The connection goes on: the body was read.
        assert operator.ask().status == 200
    with Operator(operated) as operator, took(most=1 * ROOM):
        operator.send(swap(b"", Content_Length=most + 1))
        assert operator.response().status == 413
    with Operator(operated) as operator:
        operator.try_send(swap(b"x" * 4_000_000))
        answer = operator.response()
        assert answer.status == 413 and answer.headers["connection"] == "close"


def test_a_body_has_a_length(operated):
    with Operator(operated) as operator:
        operator.send(request(PATH, "POST", Authorization=f"Bearer {KEY}"))
        answer = operator.response()
        assert answer.status == 411 and answer.headers["connection"] == "close", answer
    with Operator(operated) as operator:
        operator.send(request(PATH, "POST", Authorization=f"Bearer {KEY}", Transfer_Encoding="chunked")
                      + b"11\r\n{\"behaviour\":\"x\"}\r\n0\r\n\r\n")
        assert operator.response().status == 411
        assert operator.is_closed()


def test_a_client_may_ask_whether_to_send_its_body(operated):
    with Operator(operated) as operator:
        operator.send(swap(b"", Content_Length=2, Expect="100-continue"))
        assert operator.response().status == 100
        operator.send(b"[]")
        assert operator.response().status == 400
        assert operator.ask().status == 200
    with Operator(operated) as operator:
        operator.send(swap(b"", Content_Length=10**6, Expect="100-continue"))
        assert operator.response().status == 413


def test_a_body_that_nobody_wants_is_not_taken_for_a_request(operated):
    inner = request("/metrics")
    with Operator(operated) as operator:
        operator.send(request("/healthz", Content_Length=len(inner), body=inner))
        answer = operator.response()
        assert answer.status == 200 and answer.headers["connection"] == "close", answer
        assert operator.until_end() == b""


# --- time ---


@pytest.mark.parametrize("data", [b"", b"GET /hea", request()[:-2], swap(b"", Content_Length=10), swap(b"12345", Content_Length=10)])
def test_half_a_request_ends_with_its_deadline(operated, data):
    with Operator(operated, timeout=60) as operator, took(STEP - 0.5, 2 * STEP * ROOM):
        operator.send(data)
        assert operator.until_end() == b""


def test_bytes_that_dribble_in_do_not_move_the_deadline(operated):
    with Operator(operated) as head, Operator(operated) as body, took(STEP - 0.5, 2 * STEP * ROOM):
        head.send(b"GET /healthz HTTP/1.1\r\n")
        body.send(swap(b"", Content_Length=1000))
        left = [head, body]
        while left:
            time.sleep(0.2)
            for operator in list(left):
                operator.try_send(b"x")
                operator.socket.settimeout(0.01)
                try:
                    operator._more()
                except TimeoutError:
                    continue
                except Ended:
                    left.remove(operator)


def test_an_idle_connection_ends_and_a_used_one_does_not(operated):
    with Operator(operated, timeout=60) as idle, Operator(operated) as used:
        assert idle.ask().status == 200
        start = time.monotonic()
        while time.monotonic() - start < STEP + 2:
            assert used.ask().status == 200
            time.sleep(0.5)
        assert idle.is_closed(STEP * ROOM)
        assert used.ask().status == 200


# --- web pages ---

PAGES = [
    {"Host": "evil.example"}, {"Host": "evil.example:{port}"}, {"Host": "localhost.evil.example"}, {"Host": "127.1"},
    {"Host": ""}, {"Host": "beckon.example.evil"}, {"Origin": "null"}, {"Origin": "http://localhost"},
    {"Origin": "https://127.0.0.1"}, {"Origin": "http://evil.example"}, {"Sec_Fetch_Site": "cross-site"},
    {"Sec_Fetch_Site": "same-site"}, {"Host": "evil.example", "Sec_Fetch_Site": "same-origin"},
    {"Host": "evil.example", "Origin": "http://evil.example"},
]


@pytest.mark.parametrize("fields", PAGES)
def test_13_a_web_page_reads_nothing(operated, fields):
    fields = {name: value.format(port=operated.admin_port) for name, value in fields.items()}
    for path in ("/metrics", "/cluster", PATH, "/nothing"):
        assert ask(operated, path, **fields).status == 403, path
    with Operator(operated) as operator:
        operator.send(swap(**fields))
        assert operator.response().status == 403


@pytest.mark.parametrize("fields", [
    {"Host": "127.0.0.1"}, {"Host": "127.0.0.1:{port}"}, {"Host": "localhost:{port}"}, {"Host": "[::1]:9"}, {"Host": "10.0.0.1"},
    {"Host": "beckon.example"}, {"Host": "BECKON.example:80"}, {"Sec_Fetch_Site": "none"}, {"Sec_Fetch_Site": "same-origin"},
    {"Host": "localhost:{port}", "Origin": "http://localhost:{port}"}, {"Host": None, "version": "1.0"},
    {"Host": "beckon.example", "Origin": "http://beckon.example", "Sec_Fetch_Site": "same-origin"},
])
def test_13_who_asks_by_a_name_of_its_own_reads(operated, fields):
    fields = {name: value and value.format(port=operated.admin_port) for name, value in fields.items()}
    assert ask(operated, "/metrics", **fields).status == 200


def test_13_health_is_told_by_any_name_but_to_no_page(operated):
    for path in ("/healthz", "/readyz"):
        for host in ("evil.example", "a b", None, ["a", "b"]):
            assert ask(operated, path, Host=host).status == 200, host
        assert ask(operated, path, Origin="http://evil.example").status == 403
        assert ask(operated, path, Sec_Fetch_Site="cross-site").status == 403


def test_13_there_must_be_one_host(operated):
    assert ask(operated, "/metrics", Host=None).status == 400
    assert ask(operated, "/metrics", Host=["localhost", "localhost"]).status == 400


def test_13_elsewhere_a_name_is_checked_where_one_is_given():
    for hosts, status in (([], 200), (["--admin-host=good.example"], 403)):
        with Server(*hosts, host="0.0.0.0") as server:
            for host, found in (("node-7.internal", status), ("good.example", 200), ("127.0.0.1", 200), ("localhost", 200)):
                assert ask(server, "/metrics", Host=host).status == found, (hosts, host)
            assert ask(server, "/metrics", Host="evil.example", Origin="http://evil.example").status == 403
