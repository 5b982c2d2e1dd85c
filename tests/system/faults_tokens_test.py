"""faults.md C4, as far as it applies to one HS256 key: at the upgrade 401, in `hello` 4002, the detail only in the log."""

import hashlib
import itertools
import os
import socket
import subprocess
import time

import pytest

from fleet import Fleet
from harness import BINARY, ROOM, ROOT, Server
from raw import Closed, Raw
from tokens import base64url, sign, token

KEY = os.urandom(32).hex().encode()
HS256 = {"alg": "HS256", "typ": "JWT"}


def now():
    return int(time.time())


@pytest.fixture(scope="module")
def key_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("key") / "token.key"
    path.write_bytes(KEY)
    path.chmod(0o600)
    return path


@pytest.fixture(scope="module")
def server(key_file):
    # The bystanders share an address and must not use up its connections.
    with Server(insecure=False, token_key_file=key_file, max_connections_per_address=0) as started:
        yield started


@pytest.fixture(scope="module")
def fleet(server):
    started = Fleet(server.port, token=lambda uid: token(KEY, uid))
    yield started
    started.stop()


# Twenty failures a minute from one address bring 429 (case 84), so each case comes from another one.
_addresses = (f"127.0.{a}.{b}" for a, b in itertools.product(range(2, 20), range(1, 250)))


def fresh_address():
    return next(_addresses)


def good(**said):
    return token(KEY, **said)


def claims(**said):
    return {"sub": "alice", "exp": now() + 3600, **said}


def tamper(name):
    """A good token whose signature is not what it was."""
    head, body, signature = good().split(".")
    changed = {
        "empty": "",
        "truncated": signature[:-4],
        "extended": signature + "AAAA",
        "padded": signature + "=",
        "of another message": good(sub="bob").split(".")[2],
        # The last character of 43 carries four bits: its two lowest must be zero (RFC 4648, 3.5).
        "not canonical": signature[:-1] + chr(ord(signature[-1]) + 1),
        "of the other alphabet": signature[:10] + "+/" + signature[12:],
    }[name]
    return f"{head}.{body}.{changed}"


BAD = {
    **{
        f"71 alg {alg}": lambda alg=alg: ".".join(
            [base64url(b'{"alg":"%s"}' % alg.encode()), good().split(".")[1], ""]
        )
        for alg in ("none", "None", "nOnE", "NONE")
    },
    "71 alg none with a good signature": lambda: sign(KEY, {"alg": "none"}, claims()),
    "71 no alg": lambda: sign(KEY, {"typ": "JWT"}, claims()),
    "71 alg null": lambda: sign(KEY, {"alg": None}, claims()),
    "71 alg is a list": lambda: sign(KEY, {"alg": ["HS256"]}, claims()),
    "72 RS256 in the header": lambda: sign(KEY, {"alg": "RS256"}, claims()),
    "72 ES256 in the header": lambda: sign(KEY, {"alg": "ES256"}, claims()),
    "73 HS384, rightly signed": lambda: sign(KEY, {"alg": "HS384"}, claims(), hashlib.sha384),
    "73 HS512, rightly signed": lambda: sign(KEY, {"alg": "HS512"}, claims(), hashlib.sha512),
    "73 hs256 in lower case": lambda: sign(KEY, {"alg": "hs256"}, claims()),
    "74 another key": lambda: token(b"x" * 32, "alice"),
    "74 the empty key": lambda: token(b"", "alice"),
    **{
        f"74 a signature {name}": lambda name=name: tamper(name)
        for name in ("empty", "truncated", "extended", "padded", "of another message", "not canonical",
                     "of the other alphabet")
    },
    "74 two parts": lambda: ".".join(good().split(".")[:2]),
    "74 four parts": lambda: good() + ".AAAA",
    "74 claims of another token": lambda: ".".join(
        [good().split(".")[0], good(sub="mallory").split(".")[1], good().split(".")[2]]
    ),
    "74 no token": lambda: "x",
    "74 a header that is not JSON": lambda: sign(KEY, b"{alg:HS256}", claims()),
    "74 claims that are not JSON": lambda: sign(KEY, HS256, b"sub=alice"),
    "74 claims that are an array": lambda: sign(KEY, HS256, [claims()]),
    "76 expired": lambda: good(expires_in=-60),
    "76 no exp": lambda: good(exp=None),
    "76 exp is a string": lambda: good(exp=str(now() + 3600)),
    "76 exp is negative": lambda: good(exp=-1),
    "76 exp is 1e300": lambda: sign(KEY, HS256, b'{"sub":"alice","exp":1e300}'),
    "76 exp is null": lambda: sign(KEY, HS256, b'{"sub":"alice","exp":null}'),
    "76 nbf in the future": lambda: good(nbf=now() + 300),
    "76 nbf is a string": lambda: good(nbf="now"),
    "79 over 8 KiB": lambda: good(x="x" * 8192),
    "79 claims of depth 33": lambda: sign(KEY, HS256, b'{"sub":"alice","exp":%d,"x":%s%s}' % (now() + 60, b"[" * 33, b"]" * 33)),
    "81 no sub": lambda: good(sub=None),
    "81 an empty sub": lambda: good(sub=""),
    "81 sub is a number": lambda: good(sub=7),
    "81 sub of 129 bytes": lambda: good(sub="u" * 129),
    "81 sub with a control character": lambda: good(sub="a\x07"),
    "81 sub of the system": lambda: good(sub="$sys"),
    "81 two subs": lambda: sign(KEY, HS256, b'{"sub":"alice","sub":"bob","exp":%d}' % (now() + 60)),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_token_is_401_at_the_upgrade_and_4002_in_hello(server, fleet, case):
    bad, address = BAD[case](), fresh_address()
    with Raw(server.port, source=address) as peer:
        response = peer.upgrade(Authorization=f"Bearer {bad}")
        assert response.status == 401, response
        peer.until_end()
    with Raw(server.port, source=address) as peer:
        assert peer.upgrade().status == 101
        peer.text({"type": "hello", "id": 1, "token": bad})
        bye = peer.json()
        assert (bye["type"], bye["code"], bye["reconnect"]) == ("bye", "invalid_token", False), bye
        # Only the log may say why.
        assert "signature" not in bye["message"] and "exp" not in bye["message"], bye
        assert peer.close_code() == 4002


GOOD = {
    "as beckon expects it": lambda: good(),
    "no typ": lambda: sign(KEY, {"alg": "HS256"}, claims()),
    "76 nbf in the past": lambda: good(nbf=now() - 10),
    "76 nbf within the leeway": lambda: good(nbf=now() + 20),
    "81 sub of 128 bytes": lambda: good(sub="u" * 128),
    "81 sub beyond ASCII": lambda: good(sub="é"),
    "78 aud and iss, which are not looked at": lambda: good(aud=["others", "more"], iss="https://other.example"),
    "unknown claims": lambda: good(role="x", nested={"a": [1]}),
    "79 nearly 8 KiB": lambda: good(x="x" * 5800),
}


@pytest.mark.parametrize("case", GOOD)
def test_a_good_token_is_welcome_both_ways(server, fleet, case):
    said, address = GOOD[case](), fresh_address()
    with Raw(server.port, source=address) as peer:
        assert peer.upgrade(Authorization=f"Bearer {said}").status == 101
        assert peer.json()["type"] == "welcome"
    with Raw(server.port, source=address) as peer:
        assert peer.upgrade().status == 101
        peer.text({"type": "hello", "id": 1, "token": said})
        welcome = peer.json()
        assert welcome["type"] == "welcome" and 3500 < welcome["expires_in"] <= 3600, welcome


def test_beckon_token_makes_one_that_is_welcome(server, key_file):
    with Raw(server.port, source=fresh_address()) as peer:
        said = made(key_file, "--user", "carol")
        assert peer.upgrade(Authorization=f"Bearer {said}").status == 101
        welcome = peer.json()
        assert welcome["user"] == "carol" and 3500 < welcome["expires_in"] <= 3600, welcome


def test_a_uid_in_the_url_proves_nothing(server):
    with Raw(server.port, source=fresh_address()) as peer:
        if peer.upgrade("/ws?uid=alice").status == 101:
            peer.text({"type": "ping"})
            assert peer.json()["code"] == "unauthenticated"


def test_75_a_token_makes_the_server_fetch_nothing(server):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.5)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/keys"
        for header in ({"jku": url}, {"x5u": url}, {"kid": url}, {"kid": "../../dev/null"}, {"kid": "x" * 4096}):
            with Raw(server.port, source=fresh_address()) as peer:
                peer.upgrade(Authorization="Bearer " + good(header={**HS256, **header}))
        with pytest.raises(TimeoutError):
            listener.accept()
    assert server.alive()


def test_80_a_token_may_be_shown_twice(server):
    said = good(jti="once")
    for _ in range(2):
        with Raw(server.port, source=fresh_address()) as peer:
            assert peer.upgrade(Authorization=f"Bearer {said}").status == 101


def test_85_a_signature_is_compared_in_constant_time():
    """No clock of a test sees the nanoseconds of 32 bytes: what is held is that OpenSSL's comparison is the one that judges."""
    source = (ROOT / "net/token.cpp").read_text()
    assert source.count("CRYPTO_memcmp(signature->data()") == 1 and "memcmp" not in source.replace("CRYPTO_memcmp", "")
    assert "signature ==" not in source and "== expected" not in source


def test_83_a_token_in_the_url_authenticates_nobody(server):
    for name in ("token", "access_token"):
        with Raw(server.port, source=fresh_address()) as peer:
            if peer.upgrade(f"/ws?{name}={good()}").status == 101:
                peer.text({"type": "ping"})
                assert peer.json()["code"] == "unauthenticated"


def test_64_after_a_failure_there_is_no_second_try(server):
    with Raw(server.port, source=fresh_address()) as peer:
        assert peer.upgrade().status == 101
        peer.text({"type": "hello", "id": 1, "token": token(b"x" * 32, "alice")})
        peer.text({"type": "hello", "id": 2, "token": good()})
        with pytest.raises(Closed):
            while True:
                assert peer.json()["type"] == "bye"


def test_a_session_ends_4106_within_a_second_of_its_expiry(server):
    expiry = int(time.time()) + 3
    with Raw(server.port, source=fresh_address()) as peer:
        assert peer.upgrade(Authorization="Bearer " + good(exp=expiry)).status == 101
        assert peer.json()["expires_in"] <= 3
        bye = peer.json()
        assert expiry - 0.1 <= time.time() <= expiry + ROOM
        assert (bye["type"], bye["code"]) == ("bye", "token_expired"), bye
        assert peer.close_code() == 4106


def test_nobody_is_another_member_than_the_token_allows(server):
    with Raw(server.port, source=fresh_address()) as peer:
        assert peer.upgrade(Authorization="Bearer " + good()).status == 101
        assert peer.json()["type"] == "welcome"
        assert peer.ask({"type": "join", "id": 1, "group": "g", "as": "bob"})["code"] == "denied"
        assert peer.ask({"type": "join", "id": 2, "group": "g", "as": "alice"})["as"] == "alice"


def made(key_file, *arguments):
    """What `beckon token` prints."""
    command = [BINARY, "token", "--for", "1h", "--token-key-file", str(key_file), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()


def test_a_member_may_have_another_name_where_the_token_allows_it(server, key_file):
    said = made(key_file, "--user", "alice", "--as", "robot", "--as", "other")
    with Raw(server.port, source=fresh_address()) as alice:
        assert alice.upgrade(Authorization=f"Bearer {said}").status == 101
        assert alice.json()["type"] == "welcome"
        assert alice.ask({"type": "join", "id": 1, "group": "g", "as": "robot"})["as"] == "robot"
        alice.text({"type": "send", "group": "g", "to": "robot", "data": 1})
        direct = alice.json()
        assert (direct["from"], direct["data"]) == ("robot", 1)
        # One session is one member of a group.
        assert alice.ask({"type": "join", "id": 2, "group": "g", "as": "other"})["code"] == "exists"
        assert alice.ask({"type": "join", "id": 3, "group": "h", "as": "stranger"})["code"] == "denied"


def test_84_after_twenty_failures_a_minute_an_address_gets_429(server, fleet):
    bad, address = token(b"x" * 32, "alice"), fresh_address()

    def status(said, source):
        with Raw(server.port, source=source) as peer:
            return peer.upgrade(Authorization=f"Bearer {said}").status

    found = [status(bad, address) for _ in range(30)]
    assert found[:19] == [401] * 19 and found[21:] == [429] * 9, found
    assert status(good(), fresh_address()) == 101


def test_no_token_and_no_key_is_in_the_log(server):
    log = server.log()
    assert KEY.decode() not in log
    # Every token of these tests begins with its header: {"alg": or {"typ": in base64url.
    assert "eyJhbGci" not in log and "eyJ0eXAi" not in log


def test_the_bystanders_lost_nothing(fleet):
    fleet.lost_nothing()
