"""protocol.md: send, publish, their outcomes, confirmations and order."""

import json
import time

from client import Client, members
from raw import Raw
from watch import roster


# --- send ---


async def test_send_to_one_and_to_several(server):
    async with members(server, "g-send", "alice", "bob", "carol") as (alice, bob, carol):
        ok = await alice.ask("send", group="g-send", to="bob", data={"n": 1})
        assert "outcomes" not in ok or ok["outcomes"] == {}
        assert (await bob.next("direct"))["data"] == {"n": 1}
        await alice.ask("send", group="g-send", to=["bob", "carol"], data=[2])
        for client in (bob, carol):
            assert (await client.next("direct"))["data"] == [2]


async def test_outcomes_list_only_who_did_not_get_it(server):
    async with members(server, "g-out", "alice", "bob") as (alice, bob):
        ok = await alice.ask("send", group="g-out", to=["bob", "nobody", "no one"], data=1)
        assert ok["outcomes"] == {"nobody": "offline", "no one": "offline"}
        await bob.next("direct")
        error = await alice.answer("send", group="g-out", to=["nobody", "no one"], data=1)
        assert error["code"] == "not_delivered" and error["outcomes"] == {"nobody": "offline", "no one": "offline"}


def test_a_message_to_itself_comes_before_its_answer(server):
    with Raw(server.port).open("alice", "g-self") as alice:
        alice.text({"type": "send", "id": 1, "to": "alice", "data": "me"})
        assert [alice.json()["type"], alice.json()["type"]] == ["direct", "ok"]


async def test_every_session_of_a_member_gets_it(server):
    async with members(server, "g-multi", "alice", "bob", "bob") as (alice, first, second):
        await alice.ask("send", group="g-multi", to="bob", data=1)
        for client in (first, second):
            assert (await client.next("direct"))["data"] == 1


async def test_send_to_a_user_reaches_all_its_sessions_without_a_group(server):
    async with await Client.connect(server, "?uid=u-alice") as alice, \
            await Client.connect(server, "?uid=u-bob") as first, await Client.connect(server, "?uid=u-bob") as second:
        await alice.ask("send", user="u-bob", data=1)
        for client in (first, second):
            direct = await client.next("direct")
            assert "group" not in direct and (direct["from"], direct["data"]) == ("u-alice", 1)
        answer = await alice.answer("send", user="u-nobody", data=1)
        assert (answer["code"], answer["outcomes"]) == ("not_delivered", {"u-nobody": "offline"})


async def test_send_to_a_session_reaches_that_one_alone(server):
    async with members(server, "g-session", "alice", "bob", "bob") as (alice, first, second):
        session = second.welcome["session"]
        await alice.ask("send", session=session, data="only")
        assert (await second.next("direct"))["data"] == "only"
        assert await first.before_mark(alice, "g-session") == []
        for absent in (session[:-1] + ("0" if session[-1] != "0" else "1"), "x", "other.1234"):
            answer = await alice.answer("send", session=absent, data=1)
            assert (answer["code"], answer["outcomes"]) == ("not_delivered", {absent: "offline"})


async def test_frames_without_id_are_not_answered(server):
    async with members(server, "g-quiet", "alice") as (alice,):
        await alice.tell("send", group="g-quiet", to="nobody", data=1)
        await alice.tell("send", group="elsewhere", to="nobody", data=1)
        await alice.tell("publish", group="g-quiet", data=1)
        assert await alice.before_mark(alice, "g-quiet") == []


async def test_send_publish_and_request_keep_their_order(server):
    async with members(server, "g-order", "alice", "bob") as (alice, bob):
        frames = [{"type": "send", "to": "bob"}, {"type": "publish"}, {"type": "request", "to": "bob"}]
        for i in range(60):
            await alice.socket.send(json.dumps({"id": 1000 + i, "group": "g-order", "data": i, **frames[i % 3]}))
        assert [(await bob.next())["data"] for _ in range(60)] == list(range(60))


# --- confirm ---


async def test_confirmed_as_written(server):
    async with members(server, "g-written", "alice", "bob") as (alice, bob):
        await alice.ask("send", group="g-written", to="bob", data=1, confirm="written")
        assert "message" not in await bob.next("direct")


async def test_confirmed_as_received_by_the_client_itself(server):
    async with members(server, "g-received", "alice", "bob", "carol") as (alice, bob, carol):
        asked = alice.ask_later("send", group="g-received", to=["bob", "carol"], data=1, confirm="received")
        for client in (bob, carol):
            direct = await client.next("direct")
            assert not asked.done()
            await client.tell("received", message=direct["message"])
        ok = await asked
        assert ok["type"] == "ok" and not ok.get("outcomes")


async def test_several_messages_are_received_by_one_frame(server):
    async with members(server, "g-list", "alice", "bob") as (alice, bob):
        asked = [alice.ask_later("send", group="g-list", to="bob", data=i, confirm="received") for i in range(3)]
        numbers = [(await bob.next("direct"))["message"] for _ in range(3)]
        await bob.tell("received", message=numbers)
        assert {(await a)["type"] for a in asked} == {"ok"}


async def test_a_confirmation_that_does_not_come_expires(server):
    async with members(server, "g-expire", "alice", "bob") as (alice, bob):
        start = time.monotonic()
        asked = alice.ask_later("send", group="g-expire", to=["bob", "nobody"], data=1, confirm="received", ttl=1)
        direct = await bob.next("direct")
        answer = await asked
        assert answer["code"] == "not_delivered"
        assert answer["outcomes"] == {"bob": "expired", "nobody": "offline"}
        assert 0.9 < time.monotonic() - start < 5
        # Late, foreign and invented confirmations change nothing.
        await bob.tell("received", message=[direct["message"], 1, 2**53 - 1])
        assert await bob.before_mark(alice, "g-expire") == []


async def test_who_goes_before_it_has_received_is_offline(server):
    async with members(server, "g-gone", "alice", "bob") as (alice, bob):
        asked = alice.ask_later("send", group="g-gone", to="bob", data=1, confirm="received", ttl=30)
        await bob.next("direct")
        bob.reset()
        answer = await asked
        assert answer["outcomes"] == {"bob": "offline"}


async def test_another_session_cannot_confirm(server):
    async with members(server, "g-forge", "alice", "bob", "mallory") as (alice, bob, mallory):
        asked = alice.ask_later("send", group="g-forge", to="bob", data=1, confirm="received", ttl=1)
        direct = await bob.next("direct")
        await mallory.tell("received", message=direct["message"])
        assert (await asked)["outcomes"] == {"bob": "expired"}


# --- publish ---


async def test_publish_reaches_everybody_but_its_session(server):
    async with members(server, "g-pub", "alice", "alice", "bob", "carol") as (alice, other, bob, carol):
        ok = await alice.ask("publish", group="g-pub", data="news")
        assert ok["count"] == 3
        for client in (other, bob, carol):
            message = await client.next("message")
            assert (message["group"], message["from"], message["data"]) == ("g-pub", "alice", "news")
        assert await alice.before_mark(bob, "g-pub") == []


async def test_publish_with_echo_comes_back(server):
    async with members(server, "g-echo", "alice", "bob") as (alice, bob):
        assert (await alice.ask("publish", group="g-echo", data=1, echo=True))["count"] == 2
        assert (await alice.next("message"))["data"] == 1


async def test_publish_except_some_members(server):
    async with members(server, "g-except", "alice", "bob", "bob", "carol") as (alice, bob, bobs, carol):
        ok = await alice.ask("publish", group="g-except", data=1, **{"except": ["bob", "stranger"]})
        assert ok["count"] == 1
        await carol.next("message")
        # The mark goes to both sessions of bob: it must be the first that each of them hears.
        await alice.ask("send", group="g-except", to="bob", data="mark")
        for client in (bob, bobs):
            assert (await client.next())["data"] == "mark"


async def test_publish_into_an_otherwise_empty_group_counts_nobody(server):
    async with members(server, "g-alone", "alice") as (alice,):
        assert (await alice.ask("publish", group="g-alone", data=1))["count"] == 0


async def test_interest_direct_is_present_reachable_and_not_published_to(server):
    async with members(server, "g-passive", "alice") as (alice,), await Client.connect(server, "?uid=idle") as idle:
        await idle.ask("join", group="g-passive", interest="direct")
        await roster(alice, "g-passive", lambda m: "idle" in m)
        assert (await alice.ask("publish", group="g-passive", data=1))["count"] == 0
        await alice.ask("send", group="g-passive", to="idle", data=2)
        assert (await idle.next())["data"] == 2
        asked = alice.ask_later("request", group="g-passive", to="idle", data=3)
        await idle.tell("reply", request=(await idle.next("request"))["request"], data=4)
        assert (await asked)["data"] == 4
        await idle.ask("update", group="g-passive", interest="full")
        assert (await alice.ask("publish", group="g-passive", data=5))["count"] == 1
        assert (await idle.next("message"))["data"] == 5
