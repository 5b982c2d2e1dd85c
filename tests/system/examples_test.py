"""The examples, as their users run them: the server with a plug-in, or a program with a bot in it. What each does in detail, its own
test beside it says."""

import asyncio
import sqlite3
import stat
from pathlib import Path

import pytest

import harness
from client import Client, members
from harness import Server, eventually, note

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
