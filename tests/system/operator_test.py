"""The operator's listener: what changes something wants the operator's key, and a body is read within its bounds."""

import http.client
import json
import signal
import socket

import pytest

from harness import Server, eventually
from raw import Raw

KEY = "k" * 32
PATH = "/groups/a%2Fb/behaviour"
GOOD = json.dumps({"behaviour": "none_of_ours"})


@pytest.fixture(scope="module")
def key_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("key") / "admin.key"
    path.write_text(KEY + "\n")
    path.chmod(0o600)
    return path


@pytest.fixture(scope="module")
def guarded(key_file):
    with Server(admin_key_file=key_file) as server:
        yield server


def ask(server, method, path=PATH, body=None, **headers):
    """@returns the status and the body of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.admin_port, timeout=10)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def bearer(key=KEY):
    return {"Authorization": f"Bearer {key}"}


def test_without_a_key_file_nobody_changes_anything(server):
    assert ask(server, "POST", body=GOOD, **bearer())[0] == 403
    assert ask(server, "POST", body=GOOD)[0] == 403


@pytest.mark.parametrize("headers", [
    {}, bearer(""), bearer(KEY[:-1]), bearer(KEY + "k"), bearer("x" * 32), {"Authorization": f"Basic {KEY}"},
    {"Authorization": KEY},
])
def test_another_key_is_refused(guarded, headers):
    assert ask(guarded, "POST", body=GOOD, **headers)[0] == 401


def test_a_browser_is_refused_even_with_the_key(guarded):
    assert ask(guarded, "POST", body=GOOD, Origin="http://localhost", **bearer())[0] == 403


@pytest.mark.parametrize("body", ["", "{", "[]", "{}", '{"behaviour":1}', '{"behaviour":"a","x":1}', '"a"'])
def test_a_body_that_is_no_choice_is_refused(guarded, body):
    assert ask(guarded, "POST", body=body, **bearer())[0] == 400


@pytest.mark.parametrize("path", ["/groups/%/behaviour", "/groups/%00/behaviour", "/groups/%24a/behaviour"])
def test_a_path_that_names_no_group_is_refused(guarded, path):
    assert ask(guarded, "POST", path, GOOD, **bearer())[0] == 400


@pytest.mark.parametrize("path", ["/groups//behaviour", "/groups/a/b/behaviour", "/groups/a", "/groups/behaviour"])
def test_another_path_is_not_found(guarded, path):
    assert ask(guarded, "POST", path, GOOD, **bearer())[0] == 404


def test_a_group_that_is_not_here_is_said_to_be(guarded):
    for method, body in (("GET", None), ("POST", GOOD)):
        status, text = ask(guarded, method, body=body, **bearer())
        assert status == 404 and "no such group" in text, (method, status, text)


def test_who_may_read_may_ask_for_a_behaviour_and_not_change_it(guarded):
    path = "/groups/caf%C3%A9%2F+1/behaviour"
    with Raw(guarded.port).open("a", "caf%C3%A9%2F%2B1"):
        status, text = ask(guarded, "GET", path)
        assert status == 200 and json.loads(text) == {"group": "café/+1", "behaviour": None}, text
        assert ask(guarded, "POST", path, GOOD)[0] == 401
        assert ask(guarded, "POST", path, GOOD, **bearer())[0] == 422


def test_other_methods_are_named(guarded):
    assert ask(guarded, "PUT", body=GOOD, **bearer())[0] == 405
    assert ask(guarded, "POST", "/metrics", GOOD, **bearer())[0] == 405


def test_the_length_of_a_body_is_bounded(guarded):
    most = 64 * 1024
    assert ask(guarded, "POST", body="x" * most, **bearer())[0] == 400
    assert ask(guarded, "POST", body="x" * (most + 1), **bearer())[0] == 413
    assert ask(guarded, "POST", body="", Content_Length=str(2**63), **bearer())[0] == 413


def test_a_body_without_a_length_is_refused(guarded):
    with socket.create_connection(("127.0.0.1", guarded.admin_port), timeout=10) as client:
        client.sendall(f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\n\r\n".encode())
        assert client.recv(100).startswith(b"HTTP/1.1 411 ")
        client.sendall(b"late")


def test_a_body_that_comes_in_pieces_is_read(guarded):
    with socket.create_connection(("127.0.0.1", guarded.admin_port), timeout=10) as client:
        head = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\nContent-Length: 2\r\n\r\n"
        client.sendall(head.encode() + b"{")
        client.sendall(b"]")
        assert client.recv(100).startswith(b"HTTP/1.1 400 ")


def test_sighup_reads_the_behaviours_again(tmp_path):
    path = tmp_path / "beckon.ini"
    path.write_text("insecure = true\n")
    with Server(f"--config={path}") as server:
        path.write_text("insecure = true\nbehaviour = nowhere @ *\n")
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: "behaviours_refused" in server.log(), 10, "the refusal in the log")
        assert "'nowhere' is no behaviour" in server.log()
        path.write_text("insecure = maybe\n")
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: server.log().count("behaviours_refused") == 2, 10, "the second refusal")
        path.write_text("insecure = true\n")
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: "behaviours_chosen" in server.log(), 10, "the new ones")
        assert server.get("/healthz")[0] == 200
