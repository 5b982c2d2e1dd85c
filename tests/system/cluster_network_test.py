"""A cluster of hosts whose cables are pulled: both sides go on, and agree again once they are back."""

import asyncio
import contextlib

import pytest
from client import Client
from cluster_test import roster_is, states
from gate import Node, certificates
from harness import ROOM, eventually, note
from hosts import PORT, hosts


@contextlib.contextmanager
def cluster_of(count, directory):
    with hosts(count) as machines, contextlib.ExitStack() as ends:
        names = [f"n{host.number}" for host in machines]
        certs = certificates(directory, *names)
        seeds = [f"{host.address}:{PORT}" for host in machines]
        nodes = []
        for host, name in zip(machines, names):
            node = Node(name, port=PORT, seeds=seeds, certs=certs, address=host.address, host=host.client, wrap=host.run)
            ends.callback(node.kill)
            nodes.append(node)
        for node in nodes:
            eventually(lambda: states(node) == ["up"] * (count - 1), 10, f"{node.name} knows all others")
        yield machines, nodes


async def join(node, uid):
    return await Client.connect(node, f"?uid={uid}&group=g")


async def talk(one, other, uid, seconds):
    """Numbered messages within one side, until `seconds` are over. @returns how many; each must be delivered at once."""
    end = asyncio.get_running_loop().time() + seconds
    count = 0
    while asyncio.get_running_loop().time() < end:
        assert (await one.ask("send", group="g", to=uid, data=count)).get("outcomes") is None
        assert (await other.next("direct"))["data"] == count
        count += 1
        await asyncio.sleep(0.01)
    return count


def everybody(*uids):
    return {uid: 1 for uid in uids}


@pytest.mark.limit(120)
@pytest.mark.parametrize("ways", ["both ways", "one way"])
async def test_a_pulled_cable_parts_the_cluster_and_its_return_joins_it(ways, tmp_path):
    with cluster_of(2, tmp_path) as ((first, second), (here, there)):
        alice, amy = await join(here, "alice"), await join(here, "amy")
        bob, ben = await join(there, "bob"), await join(there, "ben")
        for client in (alice, bob):
            await roster_is(client, "g", everybody("alice", "amy", "bob", "ben"))
        first.cut() if ways == "both ways" else first.cut_to(second)
        asked = alice.ask_later("send", group="g", to="bob", data="lost?")
        began = asyncio.get_running_loop().time()
        await asyncio.gather(talk(amy, alice, "alice", 3), talk(ben, bob, "bob", 3))
        await roster_is(alice, "g", everybody("alice", "amy"), within=3 * ROOM)
        await roster_is(bob, "g", everybody("bob", "ben"), within=3 * ROOM)
        note(f"{ways}: parted after {asyncio.get_running_loop().time() - began:.1f} s")
        answer = await asked
        assert answer.get("outcomes", {}).get("bob") == "unknown", answer
        # What happens on each side meanwhile is known to both afterwards.
        await amy.ask("leave", group="g")
        carol, dave = await join(here, "carol"), await join(there, "dave")
        await ben.socket.close()
        first.mend() if ways == "both ways" else first.mend_to(second)
        began = asyncio.get_running_loop().time()
        truth = everybody("alice", "bob", "carol", "dave")
        for client in (alice, bob, carol, dave):
            await roster_is(client, "g", truth, within=5 * ROOM)
        note(f"{ways}: joined again after {asyncio.get_running_loop().time() - began:.1f} s")
        await alice.ask("send", group="g", to=["bob", "dave"], data="again")
        assert (await bob.next("direct"))["data"] == (await dave.next("direct"))["data"] == "again"


@pytest.mark.limit(240)
@pytest.mark.parametrize("times", [3, pytest.param(30, marks=pytest.mark.long)])
async def test_a_flapping_cable_leaves_no_ghost_and_hides_nobody(times, tmp_path):
    with cluster_of(3, tmp_path) as (machines, nodes):
        members = [await join(node, f"u{i}") for i, node in enumerate(nodes * 2)]
        truth = everybody(*(f"u{i}" for i in range(6)))
        for client in members:
            await roster_is(client, "g", truth)
        for _ in range(times):
            machines[1].cut()
            await asyncio.sleep(0.5)
            machines[1].mend()
            await asyncio.sleep(0.5)
        for client in members:
            await roster_is(client, "g", truth, within=5 * ROOM)
