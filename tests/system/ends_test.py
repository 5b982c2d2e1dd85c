"""SIGTERM, whatever the server is in the middle of: it ends with 0, and under a sanitizer without a finding. In the ordinary run one
round of each, under ASan three, or 20 (`./test --long`), as what is wrong at the end shows itself once in some."""

import asyncio
import contextlib
import json
import random
import signal
from pathlib import Path

import pytest
from client import Client, members
from gate import Node, free_ports
from harness import BINARY, SANITIZER, Server, eventually
from raw import Raw

EXAMPLES = Path(BINARY).parent / "examples"
ROUNDS = 3 if SANITIZER else 1
pytestmark = [
    pytest.mark.limit(600),
    pytest.mark.parametrize("rounds", [ROUNDS, pytest.param(20, marks=[pytest.mark.long, pytest.mark.limit(3600)])]),
]
needs_examples = pytest.mark.skipif(not (EXAMPLES / "libauction.so").is_file(), reason=f"no examples in {EXAMPLES}")


async def ends(server, within=15):
    await asyncio.to_thread(server.ends, 0, within)


async def terminate(server, within=15):
    server.process.send_signal(signal.SIGTERM)
    await ends(server, within)


async def end_of(task):
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, ConnectionError, AssertionError):
        await task


@contextlib.asynccontextmanager
async def load(node, uids, group="g", per_second=200):
    """Members that publish, send to each other and ask, until they are told to go."""

    async def talk(client, uid):
        with contextlib.suppress(Exception):  # the server goes meanwhile
            for number in range(10**9):
                await client.tell("publish", group=group, data=[number, "x" * 500])
                for confirm in ("queued", "written", "received"):
                    client.ask_later("send", group=group, to=random.choice(uids), data="y" * 200, confirm=confirm) \
                        .add_done_callback(lambda f: f.cancelled() or f.exception())
                client.ask_later("request", group=group, to=random.choice(uids), data=1, timeout_ms=500) \
                    .add_done_callback(lambda f: f.cancelled() or f.exception())
                await asyncio.sleep(len(uids) / per_second)

    async with members(node, group, *uids) as clients:
        tasks = [asyncio.create_task(talk(client, uid)) for client, uid in zip(clients, uids)]
        await asyncio.sleep(0.3)
        try:
            yield clients
        finally:
            for task in tasks:
                await end_of(task)


async def test_idle(rounds):
    for _ in range(rounds):
        server = Server()
        async with members(server, "g", "alice", "bob"):
            await terminate(server)
        await terminate(Server())


async def test_under_load(rounds):
    for _ in range(rounds):
        server = Server(threads=2)
        async with load(server, [f"u{i}" for i in range(20)], per_second=400):
            await terminate(server)


@contextlib.contextmanager
def pair(*options):
    """Two nodes that know each other."""
    ports = free_ports(2)
    with contextlib.ExitStack() as stack:
        nodes = []
        for i, port in enumerate(ports):
            nodes.append(Node(f"n{i + 1}", "--threads=2", *options, port=port, seeds=ports))
            stack.callback(nodes[-1].kill)
        for node in nodes:
            eventually(lambda: node.links() == 1, 10, "the two know each other")
        yield nodes


def await_far(node, to, sessions=4, messages=30, lines=64):
    """Leaves thousands of confirmations open that another node owes: what is settled when its link ends. @returns the sessions"""
    senders = [Raw(node.port, timeout=60).open(f"s{number}", "g") for number in range(sessions)]
    for sender in senders:
        for first in range(0, messages * lines, lines):
            sender.text("\n".join(json.dumps({"type": "send", "id": first + i + 1, "to": to, "data": 1, "confirm": "received", "ttl": 60})
                                  for i in range(lines)))
    return senders


@contextlib.asynccontextmanager
async def talking_pair():
    """Two nodes whose members talk with each other, over the link too, which nothing but its end ends."""
    with pair("--cluster.timeout=30s", "--max-confirmations=100000") as (n1, n2):
        async with load(n1, [f"a{i}" for i in range(8)]), load(n2, [f"b{i}" for i in range(8)]), members(n2, "g", "there"):
            senders = await asyncio.to_thread(await_far, n1, "there")
            try:
                yield n1, n2
            finally:
                for sender in senders:
                    sender.socket.close()


async def test_with_a_frozen_peer(rounds):
    for _ in range(rounds):
        async with talking_pair() as (n1, n2):
            n2.process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(random.choice((0, 0.1, 0.5)))
            try:
                await terminate(n1)
            finally:
                n2.process.kill()  # or each of its clients waits for its close


async def test_with_a_peer_that_has_just_died(rounds):
    for _ in range(rounds):
        async with talking_pair() as (n1, n2):
            n2.process.kill()
            await asyncio.sleep(random.choice((0, 0.01, 0.5)))
            await terminate(n1)


async def test_both_nodes_at_once(rounds):
    for _ in range(rounds):
        async with talking_pair() as (n1, n2):
            n2.process.send_signal(signal.SIGTERM)
            await asyncio.sleep(random.choice((0, 0.1, 0.5)))
            await terminate(n1)
            await ends(n2)


async def test_in_the_middle_of_a_drain(rounds):
    """A second signal waits for nothing; it must not find half a server."""
    for number in range(rounds):
        server = Server(threads=2)
        async with load(server, [f"u{i}" for i in range(10)]):
            server.process.send_signal(signal.SIGTERM)
            await asyncio.sleep(number % 10 * 0.07)
            server.process.send_signal(signal.SIGTERM)
            code = await asyncio.to_thread(server.process.wait, 60)
            assert code in (0, 128 + signal.SIGTERM), f"ended with {code}: {server.found() or server.log()[-3000:]}"
            assert not server.found(), server.found()


async def test_held_frames(rounds):
    """Frames wait in their session for an answer: for a confirmation, or for a group's."""
    for _ in range(rounds):
        server = Server(threads=2, max_confirmations=4)
        async with members(server, "g", *(f"u{i}" for i in range(8))) as clients:
            for i, client in enumerate(clients):
                for number in range(40):
                    client.ask_later("send", group="g", to=f"u{(i + 1) % 8}", data=number, confirm="received", ttl=60) \
                        .add_done_callback(lambda f: f.cancelled() or f.exception())
                    await client.tell("join", group=f"g{number}")
                    await client.tell("publish", group=f"g{number}", data=number)
            await asyncio.sleep(random.choice((0, 0.05, 0.2)))
            await terminate(server)


@needs_examples
async def test_behaviours_with_timers(rounds):
    for _ in range(rounds):
        server = Server(f"--behaviour-library={EXAMPLES}/libauction.so", "--behaviour=auction @ *", "--behaviour-option=auction.seconds=2",
                        threads=2)
        async with contextlib.AsyncExitStack() as stack:
            for i in range(20):
                client = await stack.enter_async_context(await Client.connect(server, f"?uid=u{i}&group=a{i % 10}"))
                await client.answer("call", group=f"a{i % 10}", name="bid", data=i + 1)
            await asyncio.sleep(random.choice((0, 0.5, 2)))
            await terminate(server)


@needs_examples
async def test_bots(rounds, tmp_path):
    script = tmp_path / "echo_bot"  # the harness says `serve`, which the program does not want
    script.write_text(f'#!/bin/sh\nshift\nexec "{EXAMPLES}/echo_bot" "$@"\n')
    script.chmod(0o755)
    for _ in range(rounds):
        server = Server(binary=str(script), threads=2)
        async with load(server, [f"u{i}" for i in range(5)], group="lobby") as clients:
            for number in range(200):
                await clients[0].tell("send", group="lobby", to="echo", data=number)
            await terminate(server)


async def test_a_cluster_that_forms(rounds):
    """Dials and handshakes are on their way, one to where nobody is."""
    for number in range(rounds):
        ports = free_ports(4)  # nobody ever listens on the last
        with contextlib.ExitStack() as stack:
            nodes = []
            for i, port in enumerate(ports[:3]):
                nodes.append(Node(f"n{i + 1}", "--threads=2", port=port, seeds=ports))
                stack.callback(nodes[-1].kill)
            await asyncio.sleep(number % 5 * 0.03)
            for node in nodes:
                node.process.send_signal(signal.SIGTERM)
            for node in nodes:
                await ends(node)


async def test_a_node_whose_name_is_taken(rounds):
    """It ends by itself, without a drain, and takes leave of nobody. Which of the two it is depends on who answers in time."""
    fast = ("--threads=2", "--cluster.heartbeat=100ms", "--cluster.timeout=1s")
    for _ in range(rounds):
        first_port, second_port = free_ports(2)
        with Node("n1", *fast, port=first_port) as first, contextlib.ExitStack() as stack:
            old = Node("n2", *fast, port=second_port, seeds=[first_port])
            stack.callback(old.kill)
            async with members(old, "g", "alice", "bob"):
                eventually(lambda: first.links() == 1, 10, "the two are linked")
                old.process.send_signal(signal.SIGSTOP)
                new = Node("n2", *fast, seeds=[first_port])
                stack.callback(new.kill)
                eventually(lambda: len(first.ups("n2")) == 2, 10, "the new one takes over")
                old.process.send_signal(signal.SIGCONT)
                await asyncio.to_thread(eventually, lambda: not (old.alive() and new.alive()), 15, "one of them ends")
                await asyncio.to_thread((new if old.alive() else old).ends, 78)
