"""protocol.md: presence and the roster."""

import asyncio
import contextlib
import json
import time

import pytest
from client import Client, members
from cluster_test import nodes
from harness import Server, note
from raw import Raw
from watch import Watch, roster
from watchers import Watchers, change


async def test_presence_full_tells_joined_updated_and_left(server):
    async with await Client.connect(server, "?uid=watcher") as watcher:
        ok = await watcher.ask("join", group="g-pres", presence="full", meta={"role": "host"})
        # The state at that version, the joiner included.
        assert ok["members"] == {"watcher": {"meta": {"role": "host"}, "sessions": 1}}
        watch = Watch(watcher, ok)

        bob = await Client.connect(server, "?uid=bob")
        await bob.ask("join", group="g-pres", meta=[1, 2])
        (frame,) = await watch.until(lambda m: "bob" in m)
        assert frame["group"] == "g-pres" and frame["joined"]["bob"] == {"meta": [1, 2], "sessions": 1}

        await bob.ask("update", group="g-pres", meta="busy")
        (frame,) = await watch.until(lambda m: m["bob"].get("meta") == "busy")
        assert frame["updated"]["bob"] == {"meta": "busy", "sessions": 1}

        again = await Client.connect(server, "?uid=bob&group=g-pres")
        (frame,) = await watch.until(lambda m: m["bob"]["sessions"] == 2)
        assert "bob" in frame["updated"]

        await bob.close()
        (frame,) = await watch.until(lambda m: m["bob"]["sessions"] == 1)
        assert "bob" in frame["updated"]

        await again.close()
        (frame,) = await watch.until(lambda m: "bob" not in m)
        assert frame["left"] == ["bob"]


async def test_presence_has_no_gap_under_churn_and_ends_in_the_truth(server):
    async with await Client.connect(server, "?uid=watcher") as watcher:
        watch = Watch(watcher, await watcher.ask("join", group="g-churn", presence="full"))

        async def come_and_go(i):
            async with await Client.connect(server, f"?uid=c{i % 7}&group=g-churn") as client:
                await client.ask("update", group="g-churn", meta=i)
                if i % 3 == 0:
                    await client.ask("leave", group="g-churn")

        for start in range(0, 60, 10):
            await asyncio.gather(*(come_and_go(i) for i in range(start, start + 10)))
        async with await Client.connect(server, "?uid=last&group=g-churn"):
            await watch.until(lambda m: set(m) == {"watcher", "last"})
            now = await watcher.ask("roster", group="g-churn")
            assert now["version"] == watch.version and now["members"] == watch.members


async def test_the_own_join_is_answered_before_any_presence_and_its_leave_behind_all(server):
    async with members(server, "g-own", "bob") as (bob,), await Client.connect(server, "?uid=alice") as alice:
        for _ in range(20):
            ok = await alice.ask("join", group="g-own", presence="full")
            assert "alice" in ok["members"]
            watch = Watch(alice, ok)
            told = time.time()
            await bob.ask("update", group="g-own", meta=told)
            await watch.until(lambda m: m.get("bob", {}).get("meta") == told)
            await alice.ask("leave", group="g-own")
            # Nothing of the group comes behind the answer to `leave`.
            await bob.ask("update", group="g-own", meta="unseen")
            await alice.tell("ping")
            await alice.next("pong")


async def test_joined_and_left_within_a_window_is_in_no_frame(server):
    async with await Client.connect(server, "?uid=watcher") as watcher, await Client.connect(server, "?uid=b") as brief:
        watch = Watch(watcher, await watcher.ask("join", group="g-brief", presence="full"))
        seen = []
        for i in range(20):
            # Both leave the client together; nearly always they meet within one window of 50 ms.
            asked = [brief.ask_later(kind, group="g-brief") for kind in ("join", "leave")]
            await asyncio.gather(*asked)
            # `until` checks that nobody leaves who has not joined.
            async with await Client.connect(server, f"?uid=mark-{i}&group=g-brief"):
                seen += await watch.until(lambda m: f"mark-{i}" in m)
            seen += await watch.until(lambda m: set(m) == {"watcher"})
        told = sum("b" in f.get("joined", {}) for f in seen)
        assert told < 20, "no window was ever used"


async def test_presence_count_tells_a_number_and_no_version(server):
    async with await Client.connect(server, "?uid=counter") as counter:
        assert (await counter.ask("join", group="g-count", presence="count"))["count"] == 1
        async with members(server, "g-count", "bob", "bob", "carol"):
            frame, _ = await counter.until(lambda f: f["type"] == "presence" and f["count"] == 3)
            assert "version" not in frame and "joined" not in frame and frame["group"] == "g-count"
        await counter.until(lambda f: f["type"] == "presence" and f["count"] == 1)


async def test_presence_none_tells_nothing(server):
    async with members(server, "g-none", "alice", "bob") as (alice, bob):
        async with members(server, "g-none", "carol") as (carol,):
            await carol.ask("update", group="g-none", meta=1)
            assert await bob.before_mark(alice, "g-none") == []


async def test_update_may_turn_presence_on_and_off(server):
    async with members(server, "g-turn", "alice", "bob") as (alice, bob):
        watch = Watch(alice, await alice.ask("update", group="g-turn", presence="full"))
        await watch.until(lambda m: set(m) == {"alice", "bob"})
        await bob.ask("update", group="g-turn", meta=1)
        await watch.until(lambda m: m["bob"].get("meta") == 1)
        await alice.ask("update", group="g-turn", presence="none")
        await bob.ask("update", group="g-turn", meta=2)
        await asyncio.sleep(0.2)  # Four windows of presence.
        assert await alice.before_mark(bob, "g-turn") == []


async def test_joining_again_updates_meta_presence_and_interest(server):
    async with members(server, "g-again", "alice", "bob") as (alice, bob):
        ok = await alice.ask("join", group="g-again", presence="full", meta="new")
        assert ok["members"]["alice"] == {"meta": "new", "sessions": 1}
        await alice.ask("join", group="g-again", interest="direct")
        assert (await bob.ask("publish", group="g-again", data=1))["count"] == 0


async def test_presence_comes_at_most_every_50_ms(server):
    async with await Client.connect(server, "?uid=watcher") as watcher, members(server, "g-rate", "bob") as (bob,):
        watch = Watch(watcher, await watcher.ask("join", group="g-rate", presence="full"))
        start = time.monotonic()
        for i in range(300):
            await bob.ask("update", group="g-rate", meta=i)
        frames = await watch.until(lambda m: m.get("bob", {}).get("meta") == 299)
        assert len(frames) <= (time.monotonic() - start) / 0.05 + 2


def hears_one_frame_a_window(server, client, watchers, window):
    """So many watch; two clients that `client` makes change 50 times a second for three seconds."""
    with Watchers(server, watchers, "crowd") as crowd, client("changer") as changer, client("guest") as guest:
        crowd.forget()
        before = server.metric("beckon_sent_frames_total")
        took = change(changer, guest, "crowd", 3)
        frames, counts = crowd.told("changer", "last")
        time.sleep(2 * window)
        sent = server.metric("beckon_sent_frames_total") - before
        note(f"{watchers} watchers: {len(frames)} frames to one in {took:.2f} s, {len(counts)} counts, {sent / took:.0f} frames/s in all")
        assert [f["version"] for f in frames] == [*range(frames[0]["version"], frames[0]["version"] + len(frames))]
        assert 2 <= len(frames) <= took / window + 2
        assert len(counts) <= took / window + 2
        # What else is sent are answers to the two who change.
        assert sent <= watchers * (took / window + 2) + 4 * 50 * took


@pytest.mark.limit(120)
@pytest.mark.parametrize("watchers, window", [(2000, 0.2), pytest.param(9000, 0.9, marks=[pytest.mark.long, pytest.mark.limit(300)])])
def test_the_window_of_presence_grows_with_the_watchers(watchers, window):
    with Server(ping="5m") as server:
        hears_one_frame_a_window(server, lambda uid: Raw(server.port).open(uid), watchers, window)


@pytest.mark.limit(120)
def test_the_window_grows_with_the_watchers_of_its_node_whoever_changes():
    with nodes(2, ping="5m") as (near, far):
        hears_one_frame_a_window(near, lambda uid: Raw(far.port).open(uid), 2000, 0.2)


async def test_the_roster_is_paged(server):
    async with contextlib.AsyncExitStack() as stack:
        uids = [f"r{i:02}" for i in range(25)]
        clients = await stack.enter_async_context(members(server, "g-roster", *uids))
        whole = await roster(clients[0], "g-roster", lambda m: set(m) == set(uids))
        assert "next" not in whole
        assert whole["members"]["r00"] == {"sessions": 1}
        seen, after = {}, {}
        while True:
            page = await clients[0].ask("roster", group="g-roster", limit=10, **after)
            assert len(page["members"]) <= 10 and not seen.keys() & page["members"].keys()
            assert page["version"] == whole["version"]
            seen |= page["members"]
            if "next" not in page:
                break
            after = {"after": page["next"]}
        assert seen == whole["members"]


async def test_a_large_roster_is_split_at_48_kib(server):
    meta = "x" * 1000
    async with contextlib.AsyncExitStack() as stack:
        clients = []
        for i in range(60):
            client = await stack.enter_async_context(await Client.connect(server, f"?uid=big{i}"))
            await client.ask("join", group="g-big", meta=meta)
            clients.append(client)
        await roster(clients[0], "g-big", lambda m: "big59" in m, after="big58")
        seen, after, pages = {}, {}, 0
        while True:
            page = await clients[0].ask("roster", group="g-big", **after)
            assert len(json.dumps(page, separators=(",", ":"))) <= 48 * 1024 + 1024
            seen |= page["members"]
            pages += 1
            if "next" not in page:
                break
            after = {"after": page["next"]}
        assert len(seen) == 60 and pages == 2
        # A join that asks for `full` says where its list goes on.
        watcher = await stack.enter_async_context(await Client.connect(server, "?uid=watcher"))
        ok = await watcher.ask("join", group="g-big", presence="full")
        assert ok["next"] and len(ok["members"]) < 61
