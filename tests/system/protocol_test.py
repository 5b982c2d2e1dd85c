"""protocol.md by its sections, driven by Python's `websockets` against a real server: who connects, who is a member, what
frames look like. Its other parts: delivery_test.py, request_test.py, presence_test.py."""

import asyncio
import base64
import json
import time

import pytest
import websockets

from client import Client, binary, connect_options, members
from harness import Server
from watch import Watch


# --- Section 2: connecting ---


async def test_the_smallest_client_needs_a_url_and_one_line(server):
    async with members(server, "room-42", "alice", "bob") as (alice, bob):
        # No id, no group: the one of the URL is the default.
        await alice.socket.send('{"type":"send","to":"bob","data":"hi"}')
        direct = await bob.next("direct")
        assert (direct["group"], direct["from"], direct["data"]) == ("room-42", "alice", "hi")
        assert abs(direct["at"] / 1000 - time.time()) < 60


async def test_welcome_says_who_and_where(server):
    async with await Client.connect(server, "?uid=alice&group=one&group=two") as alice:
        w = alice.welcome
        assert w["user"] == "alice" and "." in w["session"] and w["session"].startswith(w["node"] + ".")
        assert w["ping_s"] == 10 and isinstance(w["server"], str)
        assert set(w["groups"]) == {"one", "two"}
        for group in w["groups"].values():
            assert group["as"] == "alice" and "version" in group and "epoch" in group
        # What only comes with resume.
        assert not {"secret", "resumed", "lost"} & w.keys()


async def test_with_two_groups_in_the_url_there_is_no_default_group(server):
    async with await Client.connect(server, "?uid=alice&group=one&group=two") as alice:
        assert await alice.refused("send", to="alice", data=1) == "bad_request"


async def test_names_in_the_url_are_percent_decoded(server):
    async with await Client.connect(server, "?uid=al%C3%A9%2F1&group=a%20b%26c") as alice:
        assert alice.welcome["user"] == "alé/1"
        assert list(alice.welcome["groups"]) == ["a b&c"]


async def test_every_session_has_an_id_of_its_own(server):
    async with await Client.connect(server, "?uid=a") as first, await Client.connect(server, "?uid=a") as second:
        assert first.welcome["session"] != second.welcome["session"]


async def test_one_hello_after_the_upgrade_sets_what_the_client_can(server):
    async with await Client.connect(server, "?uid=alice") as alice:
        assert (await alice.ask("hello", client="test 1.0", batch=True, binary=True))["type"] == "ok"
        assert await alice.refused("hello", token="a.b.c") == "already_authenticated"


# --- Membership ---


async def test_join_tells_as_epoch_offset_and_version(server):
    async with await Client.connect(server, "?uid=alice") as alice:
        ok = await alice.ask("join", group="g-join")
        assert ok["as"] == "alice" and ok["offset"] == 0 and "epoch" in ok and isinstance(ok["version"], int)
        assert not {"members", "count", "history", "recovered"} & ok.keys()


async def test_nobody_is_another_member_without_a_token_that_allows_it(server):
    async with await Client.connect(server, "?uid=alice") as alice:
        assert await alice.refused("join", group="g-as", **{"as": "robot"}) == "denied"
        assert (await alice.ask("join", group="g-as", **{"as": "alice"}))["as"] == "alice"


@pytest.mark.parametrize("kind, fields", [
    ("send", {"to": "x", "data": 1}),
    ("publish", {"data": 1}),
    ("request", {"to": "x", "data": 1}),
    ("roster", {}),
    ("update", {"presence": "full"}),
    ("leave", {}),
])
async def test_what_needs_membership_is_refused_without(server, kind, fields):
    async with members(server, "g-there", "bob"), await Client.connect(server, "?uid=alice") as alice:
        there = await alice.answer(kind, group="g-there", **fields)
        nowhere = await alice.answer(kind, group="g-nowhere", **fields)
        assert there["code"] == nowhere["code"] == "not_member"
        assert there["message"] == nowhere["message"]


async def test_membership_is_the_sessions_not_the_users(server):
    async with members(server, "g-two", "alice", "bob"), await Client.connect(server, "?uid=alice") as second:
        assert await second.refused("send", group="g-two", to="bob", data=1) == "not_member"


async def test_who_left_is_offline_and_hears_nothing(server):
    async with members(server, "g-leave", "alice", "bob") as (alice, bob):
        await bob.ask("leave", group="g-leave")
        answer = await alice.answer("send", group="g-leave", to="bob", data=1)
        assert (answer["code"], answer["outcomes"]) == ("not_delivered", {"bob": "offline"})
        await bob.ask("join", group="g-leave")
        await alice.ask("send", group="g-leave", to="bob", data=2)
        assert (await bob.next("direct"))["data"] == 2


# --- policies ---


@pytest.fixture(scope="module")
def strict():
    with Server("--policy=replace-*=replace", "--policy=reject-*=reject", "--policy=*=multi", ping="1s", pong="1s") as s:
        yield s


async def test_policy_replace_the_newest_session_wins_and_nobody_sees_it(strict):
    async with await Client.connect(strict, "?uid=watcher") as watcher:
        watch = Watch(watcher, await watcher.ask("join", group="replace-1", presence="full"))
        async with await Client.connect(strict, "?uid=bob&group=replace-1") as old:
            await watch.until(lambda m: "bob" in m)
            async with await Client.connect(strict, "?uid=bob&group=replace-1") as new:
                left = await old.next("left")
                assert (left["group"], left["why"]) == ("replace-1", "replaced")
                # The old one stays connected, but is no member any more.
                assert await old.refused("send", group="replace-1", to="watcher", data=1) == "not_member"
                await watcher.ask("send", group="replace-1", to="bob", data="for the new one")
                assert (await new.next("direct"))["data"] == "for the new one"
                assert old.inbox.empty()
                async with members(strict, "replace-1", "mark"):
                    frames = await watch.until(lambda m: "mark" in m)
                    assert not any("bob" in f.get("left", []) or "bob" in f.get("joined", {}) for f in frames)


async def test_policy_reject_the_newcomer_gets_exists(strict):
    async with await Client.connect(strict, "?uid=bob&group=reject-1") as old:
        async with await Client.connect(strict, "?uid=bob") as late:
            assert await late.refused("join", group="reject-1") == "exists"
        # The same session may join again.
        await old.ask("join", group="reject-1", meta=1)
        late = await Client.connect(strict, "?uid=bob&group=reject-1", welcome=False)
        code, bye = await late.closed()
        assert (code, bye["code"], bye["reconnect"]) == (4003, "exists", False)
    async with await Client.connect(strict, "?uid=bob") as next_one:
        deadline = time.monotonic() + 2
        while (await next_one.answer("join", group="reject-1"))["type"] != "ok":
            assert time.monotonic() < deadline, "the place of the one that left stays taken"


async def test_policy_multi_for_every_other_group(strict):
    async with members(strict, "other", "bob", "bob", "alice") as (first, second, alice):
        await alice.ask("send", group="other", to="bob", data=1)
        for client in (first, second):
            assert (await client.next("direct"))["data"] == 1


# --- batches and binary frames ---


async def test_the_server_batches_only_for_who_said_so(server):
    async with members(server, "g-batch", "alice", "bob") as (alice, bob):
        lines = "\n".join(json.dumps({"type": "send", "group": "g-batch", "to": "bob", "data": i}) for i in range(50))
        await alice.socket.send(lines)
        assert [(await bob.next("direct"))["data"] for _ in range(50)] == list(range(50))


async def test_a_client_that_reads_batches_gets_every_frame_in_order():
    """Looks at the messages themselves, hence without the Client."""
    with Server() as server:
        async with await Client.connect(server, "?uid=alice&group=g") as alice:
            raw = await websockets.connect(server.uri("?uid=bob&group=g"), subprotocols=["beckon.v1"], **connect_options())
            assert json.loads(await raw.recv())["type"] == "welcome"
            await raw.send('{"type":"hello","id":1,"batch":true}')
            assert json.loads(await raw.recv())["type"] == "ok"
            lines = "\n".join(json.dumps({"type": "send", "to": "bob", "data": i}) for i in range(60))
            for _ in range(5):
                await alice.socket.send(lines)
            seen = []
            while len(seen) < 300:
                message = await asyncio.wait_for(raw.recv(), 10)
                assert len(message.split("\n")) <= 64
                seen += [json.loads(line)["data"] for line in message.split("\n")]
            assert seen == list(range(60)) * 5
            await raw.close()


PAYLOAD = bytes(range(256)) * 4


async def test_a_binary_payload_reaches_a_binary_client_as_it_is(server):
    async with members(server, "g-bin", "alice", "bob", "carol") as (alice, bob, carol):
        await bob.ask("hello", binary=True)
        assert (await alice.ask_binary(PAYLOAD, "send", group="g-bin", to=["bob", "carol"]))["type"] == "ok"
        direct = await bob.next("direct")
        assert direct["payload"] == PAYLOAD and direct["from"] == "alice" and "data" not in direct
        # Who did not say so gets base64.
        direct = await carol.next("direct")
        assert base64.b64decode(direct["base64"], validate=True) == PAYLOAD and "data" not in direct

        assert (await alice.ask_binary(b"", "publish", group="g-bin"))["count"] == 2
        assert (await bob.next("message"))["payload"] == b""
        assert (await carol.next("message"))["base64"] == ""


async def test_base64_in_a_text_frame_is_a_payload(server):
    async with members(server, "g-b64", "alice", "bob") as (alice, bob):
        await bob.ask("hello", binary=True)
        await alice.ask("send", group="g-b64", to="bob", base64=base64.b64encode(PAYLOAD).decode())
        assert (await bob.next("direct"))["payload"] == PAYLOAD
        for wrong in ("%%%", "AAA", "A==="):
            assert await alice.refused("send", group="g-b64", to="bob", base64=wrong) == "bad_request"
        assert await alice.refused("send", group="g-b64", to="bob", base64="AAAA", data=1) == "bad_request"


async def test_requests_and_replies_may_be_binary(server):
    async with members(server, "g-binreq", "alice", "bob") as (alice, bob):
        await bob.ask("hello", binary=True)
        asked = alice.ask_binary(b"\0question", "request", group="g-binreq", to="bob")
        request = await bob.next("request")
        assert request["payload"] == b"\0question"
        await bob.socket.send(binary({"type": "reply", "request": request["request"]}, b"\xffanswer"))
        assert base64.b64decode((await asked)["base64"]) == b"\xffanswer"

        await alice.ask("hello", binary=True)
        asked = alice.ask_later("request", group="g-binreq", to="bob", data="text")
        request = await bob.next("request")
        assert request["data"] == "text"
        await bob.socket.send(binary({"type": "reply", "request": request["request"]}, b"\xff"))
        assert (await asked)["payload"] == b"\xff"


async def test_json_reaches_a_binary_client_as_text(server):
    async with members(server, "g-bintext", "alice", "bob") as (alice, bob):
        await bob.ask("hello", binary=True)
        await alice.ask("send", group="g-bintext", to="bob", data={"n": 1})
        assert (await bob.next("direct"))["data"] == {"n": 1}


# --- liveness ---


async def test_ping_is_answered_by_pong(server):
    async with await Client.connect(server, "?uid=alice") as alice:
        await alice.tell("ping")
        assert await alice.next() == {"type": "pong"}


async def test_the_server_pings_and_websockets_answers_by_itself(strict):
    async with await Client.connect(strict, "?uid=alice") as alice:
        assert alice.welcome["ping_s"] == 1
        # Three periods: a client that answers is not ended.
        await asyncio.sleep(3.5)
        await alice.tell("ping")
        await alice.next("pong")


# --- nothing leaks ---


async def test_the_gauges_return_to_what_they_were():
    with Server() as server:
        names = ("beckon_sessions", "beckon_groups", "beckon_members", "beckon_queued_bytes")
        async with members(server, "g", *(f"m{i}" for i in range(20))) as clients:
            await clients[0].ask("publish", group="g", data="x" * 1000)
            assert server.metric("beckon_sessions") == 20
            assert server.metric("beckon_groups") == 1
            assert server.metric("beckon_members") == 20
        deadline = time.monotonic() + 2
        while any(server.metric(name) for name in names):
            assert time.monotonic() < deadline, {name: server.metric(name) for name in names}
            await asyncio.sleep(0.01)
