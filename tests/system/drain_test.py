"""SIGTERM and SIGINT drain: everybody is told, nothing that was confirmed is lost, exit 0 (P20)."""

import asyncio
import json
import signal
import socket
import struct
import time

import pytest

from client import members
from harness import Server, eventually, note, tenth
from raw import Raw, upgrade_headers, request_bytes


@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGINT], ids=lambda s: s.name)
async def test_a_drain_says_bye_and_ends_with_0(which):
    with Server() as server:
        async with members(server, "g", "alice", "bob") as clients:
            server.process.send_signal(which)
            for client in clients:
                code, bye = await client.closed()
                assert code == 4200
                assert (bye["code"], bye["reconnect"]) == ("draining", True), bye
                assert 0 <= bye["retry_after_ms"] <= 5000, bye
            await asyncio.to_thread(server.ends, 0, 10)


async def test_while_draining_nothing_new_is_taken_and_confirmations_are_awaited():
    with Server() as server:
        async with members(server, "g", "alice", "bob") as (alice, bob):
            asked = alice.ask_later("send", group="g", to="bob", data=1, confirm="received", ttl=60)
            direct = await bob.next("direct")
            server.process.send_signal(signal.SIGTERM)
            # A confirmation that waits holds the drain for up to 2 s: the time in which the rest can be seen.
            ready = 200
            deadline = time.monotonic() + 1
            while ready == 200 and time.monotonic() < deadline:
                ready = (await asyncio.to_thread(server.get, "/readyz", admin=True))[0]
            assert ready == 503
            assert await alice.refused("publish", group="g", data=1) == "unavailable"
            eventually(lambda: refuses(server.port), 0.5, "the listener is closed")
            await bob.tell("received", message=direct["message"])
            assert (await asked)["type"] == "ok"
            assert (await alice.closed())[0] == 4200
            await asyncio.to_thread(server.ends, 0, 10)


def refuses(port):
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except (ConnectionRefusedError, ConnectionResetError):
        return True
    return False


async def test_a_second_signal_ends_at_once():
    server = Server()
    try:
        async with members(server, "g", "alice", "bob") as (alice, bob):
            alice.ask_later("send", group="g", to="bob", data=1, confirm="received", ttl=60).add_done_callback(
                lambda future: future.exception()
            )
            await bob.next("direct")
            server.process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.2)
            assert server.alive(), "the confirmation should have held the drain"
            start = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(server.process.wait, 5)
            assert time.monotonic() - start < 1
    finally:
        # Not stop(): what such an end returns is not laid down.
        server.kill()


def test_a_client_that_does_not_answer_is_cut_off_at_nine_seconds():
    with Server(ping="1h") as server:
        deaf = Raw(server.port, receive_buffer=4096).open("deaf", "g")
        with Raw(server.port).open("loud", "g") as loud:
            # More than the kernel holds for one that never reads.
            for number in range(200):
                loud.ask({"type": "send", "id": number + 1, "to": "deaf", "data": "x" * 50000})
            start = time.monotonic()
            server.stop(within=10)
            assert time.monotonic() - start < 9.8
        deaf.reset()


class Light(asyncio.Protocol):
    """A session that costs next to nothing: it looks for `bye` and the close code in whatever comes."""

    def __init__(self, port, uid):
        self.request = request_bytes(f"/ws?uid={uid}&group=g{uid // 50}", upgrade_headers(port))
        self.ready, self.ended = asyncio.get_running_loop().create_future(), asyncio.get_running_loop().create_future()
        self.data = b""

    def connection_made(self, transport):
        self.transport = transport
        transport.write(self.request)

    def data_received(self, data):
        self.data += data
        if not self.ready.done() and b'"welcome"' in self.data:
            self.ready.set_result(None)
            self.data = b""

    def connection_lost(self, _):
        if not self.ended.done():
            self.ended.set_result(self.data)


@pytest.mark.limit(120)
async def test_5000_clients_are_drained_within_ten_seconds():
    count = tenth(5000)
    with Server() as server:
        loop, clients = asyncio.get_running_loop(), []
        for start in range(0, count, 250):
            made = [
                loop.create_connection(lambda uid=uid: Light(server.port, uid), "127.0.0.1", server.port)
                for uid in range(start, start + 250)
            ]
            clients += [protocol for _, protocol in await asyncio.gather(*made)]
            await asyncio.wait_for(asyncio.gather(*(c.ready for c in clients[start:])), 30)
        assert server.metric("beckon_sessions") == count

        start = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        ended = await asyncio.wait_for(asyncio.gather(*(c.ended for c in clients)), 30)
        await asyncio.to_thread(server.ends, 0, 30)
        passed = time.monotonic() - start
        note(f"drained {count} clients in {passed:.2f} s")
        assert passed < 10
        told = [data for data in ended if b'"draining"' in data and struct.pack(">H", 4200) in data]
        assert len(told) == count, f"{count - len(told)} were not told"
        # Spread, so that they do not come back all at once.
        waits = [json.loads(data[data.index(b"{") : data.rindex(b"}") + 1])["retry_after_ms"] for data in told]
        assert min(waits) < 1000 and max(waits) > 4000
