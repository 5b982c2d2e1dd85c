"""The examples, as their users run them: the server with a plug-in, or a program with a bot in it. What each does in detail, its own
test beside it says."""

import asyncio
import contextlib
import sqlite3
import stat
import subprocess
from pathlib import Path

import pytest

import harness
from client import Client, members
from gate import Node, free_ports
from harness import MiB, Server, eventually, note
from raw import Raw
from redis_server import Redis, Subscription

FOLDER = Path(harness.BINARY).parent / "examples"

if not FOLDER.is_dir():
    pytest.skip(f"no examples in {FOLDER}", allow_module_level=True)


def with_plug_in(name, *options, **more):
    """A server whose groups all have this behaviour; `options` are the behaviour's: "words=spam"."""
    wishes = [f"--behaviour-option={name}.{option}" for option in options]
    return Server(f"--behaviour-library={FOLDER}/lib{name}.so", f"--behaviour={name} @ *", *wishes, **more)


@pytest.fixture
def program(tmp_path):
    """A program of the examples in the place of `beckon serve`. The harness says `serve`, the programs do not want it."""

    def wrapped(name, *arguments):
        script = tmp_path / name
        words = " ".join(f'"{word}"' for word in (FOLDER / name, *arguments))
        script.write_text(f'#!/bin/sh\nshift\nexec {words} "$@"\n')
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        return str(script)

    return wrapped


async def test_echo_bot(program):
    with Server(binary=program("echo_bot")) as server:
        async with members(server, "lobby", "alice") as (alice,):
            await alice.ask("send", to="echo", data={"n": [1, 2]})
            assert (await alice.next("direct"))["data"] == {"n": [1, 2]}
            await alice.ask("send", to="echo", base64="AAH/")
            assert (await alice.next("direct"))["base64"] == "AAH/"
            answer = await alice.ask("request", to="echo", data="twice")
            assert (answer["from"], answer["data"]) == ("echo", "twice")


async def test_echo_bot_of_another_node(program):
    ports = free_ports(2)
    with contextlib.ExitStack() as ends:
        n1 = Node("n1", port=ports[0], seeds=ports, binary=program("echo_bot"))
        ends.callback(n1.kill)
        n2 = ends.enter_context(Node("n2", port=ports[1], seeds=ports))
        eventually(lambda: n1.links() == n2.links() == 1, 10, "the two know each other")
        async with members(n2, "lobby", "alice") as (alice,):
            assert (await alice.ask("update", presence="full"))["members"]["echo"] == {"sessions": 1, "bot": True}
            assert "outcomes" not in await alice.ask("send", to="echo", data=1, confirm="received")
            assert (await alice.next("direct"))["data"] == 1
            assert (await alice.ask("request", to="echo", data=2))["data"] == 2
            n1.kill()
            frame = (await alice.until(lambda f: f["type"] == "presence"))[0]
            assert frame["left"] == ["echo"]
            assert (await alice.answer("send", to="echo", data=3))["outcomes"] == {"echo": "offline"}


async def test_moderated_on_two_nodes():
    """Who is banned stays out, whichever node takes the next connection."""
    ports = free_ports(2)
    rule = [f"--behaviour-library={FOLDER}/libmoderated.so", "--behaviour=moderated @ *", "--behaviour-option=moderated.moderators=mia"]
    with Node("n1", *rule, port=ports[0], seeds=ports) as n1, Node("n2", *rule, port=ports[1], seeds=ports) as n2:
        eventually(lambda: n1.links() == n2.links() == 1, 10, "the two know each other")
        async with members(n1, "pub", "mia", "eve") as (mia, eve):
            await mia.ask("call", name="ban", data={"uid": "eve", "seconds": 60})
            assert (await eve.until(lambda f: f["type"] == "left"))[0]["why"] == "kicked"
            async with await Client.connect(n2, "?uid=eve") as again:
                await again.ask("join", group="pub")  # this node had no members when she was banned
                assert (await again.until(lambda f: f["type"] == "left"))[0]["why"] == "kicked"
                assert await again.refused("join", group="pub") == "denied"


async def test_moderated():
    with with_plug_in("moderated", "words=spam", "slow=60", "moderators=mia") as server:
        async with members(server, "pub", "mia", "eve", "bob") as (mia, eve, bob):
            assert await eve.refused("publish", data="Buy SPAM!") == "bad_word"
            await eve.ask("publish", data="hello")
            assert await eve.refused("publish", data="hello again") == "slow_mode"
            await mia.ask("call", name="ban", data={"uid": "eve", "seconds": 60})
            assert (await eve.until(lambda f: f["type"] == "left"))[0]["why"] == "kicked"
            assert await eve.refused("join", group="pub") == "denied"
            assert (await bob.next("message"))["data"] == "hello"


async def test_auction():
    with with_plug_in("auction", "seconds=1", "extend=1") as server:
        async with members(server, "lot-7", "alice", "bob") as (alice, bob):
            assert (await alice.ask("call", name="bid", data=120))["data"] == {"best": 120}
            assert await bob.refused("call", name="bid", data=120) == "too_low"
            await bob.ask("call", name="bid", data=130)
            assert (await alice.next("direct"))["data"] == {"outbid": 130}
            for each in (alice, bob):
                assert (await each.next("message"))["data"] == {"sold": 130, "to": "bob"}
            assert await alice.refused("call", name="bid", data=140) == "too_late"
            status = (await alice.ask("call", name="status", data=None))["data"]
            assert (status["open"], status["best"], status["by"]) == (False, 130, "bob")


def test_timers_that_were_cancelled_take_no_memory():
    """Each bid cancels the auction's timer and sets another one, in an hour."""
    with with_plug_in("auction", "seconds=3600") as server, Raw(server.port).open("alice", "lot-7") as alice:
        def bid(least, most):
            for first in range(least, most, 64):
                alice.text("\n".join(f'{{"type":"call","name":"bid","data":{n}}}' for n in range(first, first + 64)))
            assert alice.ask({"type": "call", "id": 1, "name": "status", "data": None})["data"]["best"] == first + 63

        bid(1, 10_000)
        before = server.rss()
        bid(100_000, 250_000)
        grown = server.rss() - before
        note(f"150,000 timers that were cancelled: {grown / MiB:.1f} MiB")
        assert grown < 4 * MiB


@pytest.mark.parametrize("name, option, why", [
    ("auction", "seconds=soon", "seconds: 'soon' is not a value of its kind"),
    ("inbox", "file=/nowhere/inbox.db", "file: there is no folder /nowhere"),
])
def test_options_that_a_behaviour_refuses_end_the_start(name, option, why):
    command = [harness.BINARY, "serve", "--insecure", "--port=0", "--admin-listen=off", f"--behaviour-library={FOLDER}/lib{name}.so",
               f"--behaviour={name} @ *", f"--behaviour-option={name}.{option}"]
    for check in ((), ("--check-config",)):
        done = subprocess.run([*command, *check], capture_output=True, text=True, timeout=30)
        assert (done.returncode, done.stderr) == (78, f"beckon: behaviour: '{name}' refuses its options: {why}\n"), done


def test_to_check_a_configuration_leaves_nothing_behind(tmp_path):
    done = subprocess.run([harness.BINARY, "serve", "--insecure", f"--behaviour-library={FOLDER}/libinbox.so", "--behaviour=inbox @ *",
                           f"--behaviour-option=inbox.file={tmp_path}/inbox.db", "--check-config"], capture_output=True, timeout=30)
    assert done.returncode == 0 and list(tmp_path.iterdir()) == [], done


async def test_inbox_survives_kill_9(tmp_path):
    where = f"file={tmp_path}/inbox.db"
    server = with_plug_in("inbox", where, "messages=1000")
    try:
        async with members(server, "team", "alice", "bob") as (alice, bob):
            await bob.ask("leave", group="team")
            asked = []
            for n in range(400):  # 64 of them in flight
                asked.append(alice.ask_later("send", to="bob", data=n))
                if n >= 64:
                    assert (await asked[n - 64])["outcomes"] == {"bob": "parked"}
            await asyncio.sleep(0.002)  # they are all on their way, and not all answered
            server.kill()
            await alice.reader
            ends = await asyncio.gather(*asked, return_exceptions=True)
            told = sum(isinstance(end, dict) for end in ends)
    finally:
        server.kill()
    with sqlite3.connect(tmp_path / "inbox.db") as file:
        (parked,) = file.execute("SELECT count(*) FROM parked").fetchone()
    note(f"inbox: {told} were told parked when the server was killed, {parked} are on record")
    assert 336 <= told <= parked <= 400
    with with_plug_in("inbox", where) as server:
        async with await Client.connect(server, "?uid=bob&group=team") as bob:
            for n in range(parked):
                frame = await bob.next("direct")
                assert (frame["from"], frame["data"]) == ("alice", n)

            def forgotten():
                with sqlite3.connect(tmp_path / "inbox.db") as file:
                    return file.execute("SELECT count(*) FROM parked").fetchone() == (0,)

            eventually(forgotten, 10, "what was delivered is forgotten")
    with with_plug_in("inbox", where) as server:
        async with members(server, "team", "bob", "alice") as (bob, alice):
            assert await bob.before_mark(alice, "team") == []


# --- bridge ---


@pytest.fixture
def redis(tmp_path):
    made = Redis(tmp_path)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def bridged(program, redis):
    """A server with a bridge of the group "lobby", which Redis' channels reach."""
    with Server(binary=program("bridge", f"127.0.0.1:{redis.port}", "lobby")) as server:
        eventually(lambda: "listens to lobby:in" in server.log(), 10, "the bridge's subscription")
        yield server


async def test_bridge_carries_both_ways_and_nothing_round(bridged, redis):
    heard = Subscription(redis, "lobby:*")
    async with members(bridged, "lobby", "alice", "bob") as (alice, bob):
        assert (await alice.ask("publish", data={"n": 0.10}))["count"] == 2
        assert heard.next() == (b"lobby:out:alice", b'{"n": 0.1}')
        await alice.ask("publish", base64="AAH/")
        assert heard.next() == (b"lobby:out:alice", b"\0\1\xff")
        for sent, got in ((b'{"a":\n 0.10}', {"data": {"a": 0.1}}), (b"\0\1\xff", {"base64": "AAH/"}),
                          (b'1}\n{"type":"leave","group":"lobby"', {"base64": "MX0KeyJ0eXBlIjoibGVhdmUiLCJncm91cCI6ImxvYmJ5Ig=="})):
            assert redis.publish("lobby:in", sent) == 2
            assert heard.next() == (b"lobby:in", sent)
            frame, _ = await alice.until(lambda f: f["type"] == "message")
            assert frame["from"] == "redis" and got.items() <= frame.items(), frame
        # What came from Redis has not gone back there; nor does what the bridge of another node says.
        async with await Client.connect(bridged, "?uid=redis&group=lobby") as other:
            await other.ask("publish", data="of another")
        await bob.ask("publish", data="end")
        assert heard.next() == (b"lobby:out:bob", b'"end"')


async def test_bridge_bounds_what_it_takes_from_redis(bridged, redis):
    async with members(bridged, "lobby", "alice") as (alice,):
        redis.publish("lobby:in", b'"' + b"x" * 45_000 + b'"')
        redis.publish("lobby:in", b"\xff" * 45_000)
        assert len((await alice.next("message"))["base64"]) == 60_000
        eventually(lambda: "too long" in bridged.log(), 10, "a line about the long one")
        for n in range(500):
            redis.connect("PUBLISH", "lobby:in", n)
        seen = [(await alice.next("message"))["data"] for _ in range(500)]
        assert sorted(seen) == list(range(500))


async def test_bridge_outlives_redis(bridged, redis):
    async with members(bridged, "lobby", "alice") as (alice,):
        redis.stop()
        eventually(lambda: "Redis is away" in bridged.log(), 10, "a line that it is away")
        for n in range(1100):
            await alice.ask("publish", data=n)
        await alice.ask("send", to="redis", data=None, confirm="written")  # it has handled all before this
        assert "messages are lost" in bridged.log()
        redis.start()
        # The bridge has waited for a second since its last attempt: who is here first hears all of it.
        heard = Subscription(redis, "lobby:out:*")
        first = int(heard.next()[1])
        assert [int(heard.next()[1]) for _ in range(first + 1, 1000)] == list(range(first + 1, 1000))
        note(f"bridge: the first after the restart is {first}")
        eventually(lambda: "did not get: 100" in bridged.log(), 10, "how many were lost")
        eventually(lambda: bridged.log().count("listens to lobby:in") == 2, 10, "it subscribes again")
        redis.publish("lobby:in", b"7")
        assert (await alice.next("message"))["data"] == 7
        await alice.ask("publish", data="now")
        assert heard.next()[1] == b'"now"'


def test_bridge_ends_while_redis_is_away(bridged, redis):
    redis.stop()
    eventually(lambda: "Redis is away" in bridged.log(), 10, "a line that it is away")
    bridged.stop()
