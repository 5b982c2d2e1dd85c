"""protocol.md: request and reply."""

import time

from client import Client, members


async def test_a_request_is_answered(server):
    async with members(server, "g-req", "alice", "bob") as (alice, bob):
        asked = alice.ask_later("request", group="g-req", to="bob", data={"q": 1}, timeout_ms=20000)
        request = await bob.next("request")
        assert (request["group"], request["from"], request["data"]) == ("g-req", "alice", {"q": 1})
        assert 0 < request["timeout_ms"] <= 20000 and "at" in request
        await bob.tell("reply", request=request["request"], data={"a": 2})
        ok = await asked
        assert (ok["type"], ok["from"], ok["data"]) == ("ok", "bob", {"a": 2})


async def test_a_request_to_a_user_and_to_a_session(server):
    async with await Client.connect(server, "?uid=r-alice") as alice, await Client.connect(server, "?uid=r-bob") as bob:
        for way in ({"user": "r-bob"}, {"session": bob.welcome["session"]}):
            asked = alice.ask_later("request", data=1, **way)
            request = await bob.next("request")
            assert "group" not in request and request["from"] == "r-alice"
            await bob.tell("reply", request=request["request"], data=2)
            assert (await asked)["data"] == 2


async def test_the_first_reply_wins_and_foreign_ones_are_dropped(server):
    async with members(server, "g-first", "alice", "bob", "bob", "mallory") as (alice, first, second, mallory):
        asked = alice.ask_later("request", group="g-first", to="bob", data=1)
        one, two = await first.next("request"), await second.next("request")
        for number in (one["request"], two["request"]):
            await mallory.tell("reply", request=number, data="forged")
        # Mallory's frames have been met once her own question is answered.
        await mallory.ask("roster", group="g-first")
        assert not asked.done()
        await second.tell("reply", request=two["request"], data="second")
        assert (await asked)["data"] == "second"
        await first.tell("reply", request=one["request"], data="late")
        await second.tell("reply", request=two["request"], data="twice")
        assert await alice.before_mark(first, "g-first") == []


async def test_an_error_of_the_callee_reaches_the_caller_as_it_is(server):
    async with members(server, "g-err", "alice", "bob") as (alice, bob):
        asked = alice.ask_later("request", group="g-err", to="bob", data=1)
        request = await bob.next("request")
        await bob.tell("reply", request=request["request"], error={"code": "out_of_tea_9", "message": "Sorry."})
        answer = await asked
        assert (answer["type"], answer["code"], answer["message"]) == ("error", "out_of_tea_9", "Sorry.")


async def test_a_callee_that_goes_is_told_at_once(server):
    async with members(server, "g-callee", "alice", "bob", "bob") as (alice, first, second):
        asked = alice.ask_later("request", group="g-callee", to="bob", data=1, timeout_ms=30000)
        await first.next("request"), await second.next("request")
        first.reset()
        # One of the two that were asked is still there.
        await alice.ask("roster", group="g-callee")
        assert not asked.done()
        second.reset()
        assert (await asked)["code"] == "callee_gone"


async def test_a_request_without_a_reply_times_out(server):
    async with members(server, "g-time", "alice", "bob") as (alice, bob):
        start = time.monotonic()
        assert await alice.refused("request", group="g-time", to="bob", data=1, timeout_ms=200) == "timeout"
        assert 0.19 < time.monotonic() - start < 1.5
        # A reply behind the time-out is dropped.
        await bob.tell("reply", request=(await bob.next("request"))["request"], data="late")
        assert await alice.before_mark(bob, "g-time") == []


async def test_a_request_to_nobody_is_not_delivered(server):
    async with members(server, "g-nobody", "alice") as (alice,):
        for way in ({"group": "g-nobody", "to": "ghost"}, {"user": "ghost"}, {"session": "ghost"}):
            answer = await alice.answer("request", data=1, **way)
            assert (answer["code"], answer["outcomes"]) == ("not_delivered", {"ghost": "offline"})


async def test_one_may_ask_oneself(server):
    async with members(server, "g-me", "alice") as (alice,):
        asked = alice.ask_later("request", group="g-me", to="alice", data=1)
        await alice.tell("reply", request=(await alice.next("request"))["request"], data=2)
        assert (await asked)["data"] == 2
