"""A cluster of hosts of which one freezes, or whose cables are pulled: all go on with whom they have, and agree again afterwards."""

import asyncio
import contextlib
import random
import signal
import time
from pathlib import Path

import pytest
from client import Client
from cluster_test import roster_is, states
from gate import Node, certificates
from harness import ROOM, eventually, note
from hosts import PORT, containers, hosts
from troubled import Run

EVERYBODY = dict.fromkeys(range(3), (0, 1, 2))


@contextlib.contextmanager
def cluster_on(machines, directory, *inside):
    """A node on each; `inside` goes in front of its command."""
    with contextlib.ExitStack() as ends:
        names = [f"n{host.number}" for host in machines]
        certs = certificates(directory, *names)
        seeds = [f"{host.address}:{PORT}" for host in machines]
        nodes = []
        for host, name in zip(machines, names):
            node = Node(name, port=PORT, seeds=seeds, certs=certs, address=host.address, host=host.client, wrap=(*host.run, *inside))
            ends.callback(node.kill)
            nodes.append(node)
        for node in nodes:
            eventually(lambda: states(node) == ["up"] * (len(nodes) - 1), 10, f"{node.name} knows all others")
        yield nodes


class Trouble:
    """Something that happens to three hosts. `sees` is whom each node sees before it ends: {node: nodes}."""

    sees, silent = EVERYBODY, ()

    def __init__(self, machines, nodes):
        self.machines, self.nodes = machines, nodes

    def begin(self):
        pass

    async def last(self, seconds):
        await asyncio.sleep(seconds)

    def end(self):
        pass


class Frozen(Trouble):
    sees, silent = {0: (0, 2), 2: (0, 2)}, (1,)

    def begin(self):
        self.nodes[1].process.send_signal(signal.SIGSTOP)

    def end(self):
        self.nodes[1].process.send_signal(signal.SIGCONT)


class Cut(Trouble):
    sees = {0: (0, 2), 1: (1,), 2: (0, 2)}

    def begin(self):
        self.machines[1].cut()

    def end(self):
        self.machines[1].mend()


class CutOneWay(Trouble):
    sees = {0: (0, 2), 1: (1, 2), 2: (0, 1, 2)}

    def begin(self):
        self.machines[0].cut_to(self.machines[1])

    def end(self):
        self.machines[0].mend_to(self.machines[1])


class Flapping(Trouble):
    async def last(self, seconds):
        for _ in range(seconds):
            self.machines[1].unplug()
            await asyncio.sleep(0.5)
            self.machines[1].plug()
            await asyncio.sleep(0.5)


class Lossy(Trouble):
    """Half of what the host sends and gets is lost: its cable is out half of the time, for some hundredths of a second each."""

    async def last(self, seconds):
        dice, ends = random.Random(1), time.monotonic() + seconds
        while time.monotonic() < ends:
            self.machines[1].unplug()
            await asyncio.sleep(dice.uniform(0, 0.06))
            self.machines[1].plug()
            await asyncio.sleep(dice.uniform(0, 0.06))


class Narrow(Trouble):
    """64 kbit/s each way, which is less than the members say."""

    def begin(self):
        self.machines[1].narrow("64kbit")

    def end(self):
        self.machines[1].widen()


def lasting(trouble, seconds, *marks):
    return pytest.param(trouble, seconds, marks=[pytest.mark.limit(90 + 2 * seconds), *marks], id=f"{trouble.__name__}-{seconds}s")


@pytest.mark.parametrize("kind, seconds", [
    *(lasting(kind, 4) for kind in (Frozen, CutOneWay, Flapping)), lasting(Cut, 6),
    *(lasting(kind, 10, pytest.mark.long) for kind in (Frozen, Cut, CutOneWay)),
    lasting(Flapping, 30, pytest.mark.long), lasting(Cut, 60, pytest.mark.long),
])
async def test_all_go_on_with_whom_they_have_and_agree_again(kind, seconds, tmp_path):
    with hosts(3) as machines, cluster_on(machines, tmp_path) as nodes:
        trouble = kind(machines, nodes)
        run = Run(nodes, trouble.silent)
        await run.start()
        await run.agreed(EVERYBODY, ROOM)
        run.forget_changes()
        run.talk()
        run.move()
        began = time.monotonic()
        trouble.begin()
        await trouble.last(seconds)
        await run.rest("move")
        # The moves that were told last, and a link that was not missed yet.
        await run.agreed(trouble.sees, 3 * ROOM)
        lasted = time.monotonic() - began
        trouble.end()
        healed = await run.agreed(EVERYBODY, 5 * ROOM)
        await run.rest("talk")
        outcomes = await run.check()
        moves = run.moves_of_stayers()
        took = sorted(run.local_took)
        lost = sum(bool(outcome) for outcome in outcomes if isinstance(outcome, dict))
        note(f"{kind.__name__}: {lasted:.1f} s; agreed {healed:.2f} s after its end; {len(took)} local messages, all delivered, p99 "
             f"{1000 * took[len(took) * 99 // 100]:.1f} ms, last {1000 * took[-1]:.0f} ms; {len(run.gone)} members came and went; "
             f"{lost} messages across not delivered; {len(moves)} pairs of a watcher and a member that did not move and was told to")
        assert all(left == joined == 1 for _, _, left, joined in moves), moves
        parted = {(w, m) for w in trouble.sees for m in range(3) if m not in trouble.sees[w]}
        assert parted <= {tuple(int(uid[1]) - 1 for uid in move[:2]) for move in moves}
        assert (lost > 0) == (trouble.sees is not EVERYBODY)


@pytest.mark.parametrize("kind, seconds", [lasting(Lossy, 6), lasting(Narrow, 6), lasting(Lossy, 30, pytest.mark.long), lasting(Narrow, 30, pytest.mark.long)])
async def test_110_a_line_that_loses_half_or_is_too_narrow_breaks_no_promise(kind, seconds, tmp_path):
    """Links may end and be made again meanwhile. What must hold: outcomes are true, each node serves its own, all agree afterwards."""
    with hosts(3) as machines, cluster_on(machines, tmp_path) as nodes:
        trouble = kind(machines, nodes)
        run = Run(nodes)
        await run.start()
        await run.agreed(EVERYBODY, ROOM)
        run.talk()
        run.move()
        trouble.begin()
        await trouble.last(seconds)
        await run.rest("move")
        trouble.end()
        healed = await run.agreed(EVERYBODY, 5 * ROOM)
        await run.rest("talk")
        outcomes = await run.check()
        lost = sum(bool(outcome) for outcome in outcomes if isinstance(outcome, dict))
        links = sum(node.metric("beckon_cluster_lost_total") for node in nodes)
        took = sorted(run.local_took)
        note(f"{kind.__name__}, {seconds} s: agreed {healed:.2f} s after its end; {links:.0f} ends of links; {lost} of {len(outcomes)} messages "
             f"across not delivered; {len(took)} local ones, all delivered, p99 {1000 * took[len(took) * 99 // 100]:.1f} ms")


async def test_two_containers_that_are_alike_are_two_nodes(tmp_path):
    """CAF makes a node's id of the MAC addresses that it sees and the number of its process."""
    with containers() as machines, cluster_on(machines, tmp_path, "unshare", "--pid", "--fork", "--kill-child") as nodes:
        assert machines[0].mac_addresses() == machines[1].mac_addresses()
        for node in nodes:
            child = Path(f"/proc/{node.process.pid}/task/{node.process.pid}/children").read_text().split()[0]
            assert Path(f"/proc/{child}/status").read_text().split("NSpid:")[1].split()[1] == "1"
        assert nodes[0].caf_node() != nodes[1].caf_node()
        alice, bob = [await Client.connect(node, f"?uid={uid}&group=g") for node, uid in zip(nodes, ("alice", "bob"))]
        for client in (alice, bob):
            await roster_is(client, "g", {"alice": 1, "bob": 1})
        assert (await alice.ask("send", to="bob", data=1)).get("outcomes") is None
        assert (await bob.next("direct"))["data"] == 1
