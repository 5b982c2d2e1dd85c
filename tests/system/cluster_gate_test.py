"""The cluster gate: nodes meet, and nobody else gets in (issue 4; faults.md C7)."""

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

from gate import (ASYNCHRONOUS, CLIENT_HANDSHAKE, DIRECT, HEARTBEAT, ROUTED, Hello, Node, Peer, basp, certificates,
                  free_ports, header, stranger, tls_options, verdict)
from harness import BINARY, ROOM, MiB, eventually, note

BASP_PAYLOAD_MAX = (64 + 1024 + 8 + 1) * 1024  # 64 KiB of records, one of the longest, and CAF's head (net/basp_filter.hpp)
FAST = ("--cluster.heartbeat=100ms", "--cluster.timeout=400ms")


@pytest.fixture(scope="module")
def certs(tmp_path_factory):
    directory = tmp_path_factory.mktemp("certs")
    certificates(directory, "expired", days=-1)
    return certificates(directory, "n1", "n2", "n3", "other")


@pytest.fixture(scope="module")
def strangers(tmp_path_factory):
    """Certificates of another CA."""
    return certificates(tmp_path_factory.mktemp("strangers"), "n2")


@pytest.fixture(scope="module")
def pair(certs):
    """Two linked nodes; whatever is done to the first one's gate, the link stands."""
    first_port, second_port = free_ports(2)
    with Node("n1", port=first_port, certs=certs, log_level="debug") as first:
        with Node("n2", port=second_port, seeds=[first_port], certs=certs) as second:
            eventually(lambda: first.links() == second.links() == 1, 5, "the two are linked")
            yield first
            assert first.links() == second.links() == 1
            assert len(first.ups("n2")) == len(second.ups()) == 1 and not first.downs("n2") and not second.downs()


@contextlib.contextmanager
def counted(node, reason, more=1):
    """What is done meanwhile is counted as `reason`, and has been logged."""
    before = node.refused(reason)
    yield
    eventually(lambda: node.refused(reason) >= before + more, 5, f"{reason} is counted")
    eventually(lambda: f"reason={reason} " in node.log(), 1, f"{reason} is logged")


# --- nodes meet ---


@contextlib.contextmanager
def mesh(certs, names=("n1", "n2", "n3")):
    """Nodes that all know each other; killed at the end, where they still live."""
    ports, nodes = free_ports(len(names)), []
    try:
        for name, port in zip(names, ports):
            nodes.append(Node(name, port=port, seeds=ports, certs=certs, log_level="debug"))
        eventually(lambda: all(len(node.ups()) >= len(names) - 1 for node in nodes), 5, "the mesh is full")
        yield nodes
    finally:
        for node in nodes:
            node.kill()


@contextlib.contextmanager
def killed(node):
    """For a node that shall not, or cannot, end by SIGTERM."""
    try:
        yield node
    finally:
        node.kill()


def test_three_nodes_started_at_once_are_a_mesh_ten_times_of_ten(certs):
    slowest = 0
    for _ in range(10):
        with mesh(certs) as nodes:
            started = max(node.events("cluster_started")[0][0] for node in nodes)
            slowest = max(slowest, max(at for node in nodes for at, _ in node.ups()) - started)
            time.sleep(0.1)  # a link that is to flap has met the second connection by then
            for node in nodes:
                assert len(node.ups()) == 2 and not node.downs(), node.log()
    note(f"slowest of ten meshes: {slowest * 1000:.0f} ms")
    assert slowest < 1 * ROOM


def test_a_killed_node_is_noticed_at_once_and_its_successor_takes_over(certs):
    with mesh(certs) as (one, victim, other):
        ports = [node.cluster_port for node in (one, victim, other)]
        end = time.time()
        victim.kill()
        for node in (one, other):
            eventually(lambda: node.downs("n2"), 2, "the loss is noticed")
        noticed = max(node.downs("n2")[0][0] for node in (one, other)) - end
        with Node("n2", port=ports[1], seeds=ports, certs=certs) as again:
            eventually(lambda: len(again.ups()) == 2, 5, "the successor is linked with both")
            back = max(at for at, _ in again.ups()) - again.events("cluster_started")[0][0]
            for node in (one, other):
                eventually(lambda: len(node.ups("n2")) == 2, 1, "its links are announced")
                assert len(node.downs("n2")) == 1
                assert len({line.split("incarnation=")[1] for _, line in node.ups("n2")}) == 2
            note(f"kill -9 noticed after {noticed * 1000:.0f} ms, a successor back after {back * 1000:.0f} ms")
            assert noticed < 0.1 * ROOM and back < 1 * ROOM
        for node in (one, other):
            eventually(lambda: len(node.downs("n2")) == 2, 2, "a stopped node is noticed")
            node.stop()


def test_a_node_may_be_killed_and_restarted_in_a_row(certs):
    first_port, second_port = free_ports(2)
    with Node("n1", *FAST, port=first_port, certs=certs) as first:
        for times in range(1, 6):
            with killed(Node("n2", *FAST, port=second_port, seeds=[first_port], certs=certs)) as second:
                eventually(lambda: len(first.ups("n2")) == times and second.ups("n1"), 5, "the new one is linked")
        eventually(lambda: len(first.downs("n2")) == 5, 2, "every loss is noticed")


def test_a_second_process_of_a_name_ends_whomever_it_meets_first(certs):
    first_port, second_port = free_ports(2)
    with Node("n1", *FAST, port=first_port, certs=certs) as first:
        with Node("n2", *FAST, port=second_port, seeds=[first_port], certs=certs) as second:
            eventually(lambda: first.links() == second.links() == 1, 5, "the two are linked")
            for seed in (second_port, first_port):  # itself, and one that is linked with it
                result = subprocess.run(
                    [BINARY, "serve", "--insecure", "--port=0", "--admin-listen=off", "--cluster.listen=127.0.0.1:0",
                     f"--cluster.seeds=127.0.0.1:{seed}", "--cluster.name=n2", "--log-level=off", *FAST,
                     *tls_options(certs, "n2")], capture_output=True, text=True, timeout=10)
                assert result.returncode == 78, result
                assert result.stderr.count("\n") == 1 and "'n2' is taken" in result.stderr, result
            assert first.links() == second.links() == 1 and not first.downs() and not second.downs()


def test_a_frozen_process_loses_its_name_to_a_new_one(certs):
    first_port, second_port = free_ports(2)
    with Node("n1", *FAST, port=first_port, certs=certs) as first:
        with killed(Node("n2", *FAST, port=second_port, seeds=[first_port], certs=certs, log_level="debug")) as old:
            eventually(lambda: first.links() == 1, 5, "the two are linked")
            old.process.send_signal(signal.SIGSTOP)
            with Node("n2", *FAST, seeds=[first_port], certs=certs, log_level="debug") as new:
                eventually(lambda: len(first.ups("n2")) == 2 and new.ups("n1"), 5, "the new one takes over")
                old.process.send_signal(signal.SIGCONT)
                old.ends(78, 10)
                assert first.links() == 1 and len(first.downs("n2")) == 1 and new.alive(), first.log() + new.log()


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="needs root and `unshare`")
def test_two_processes_with_one_process_id_are_two_nodes():
    """As two containers with equal MAC addresses, where each is the process 1."""
    first_port, second_port = free_ports(2)
    contained = ("unshare", "--pid", "--fork", "--kill-child")
    # `unshare` does not pass SIGTERM on, and takes its child along when it is killed.
    with killed(Node("n1", port=first_port, wrap=contained)) as first:
        with killed(Node("n2", port=second_port, seeds=[first_port], wrap=contained)) as second:
            eventually(lambda: first.ups("n2") and second.ups("n1"), 5, "the two are linked")
            assert first.caf_node() != second.caf_node()


# --- strangers do not get in ---


@pytest.mark.parametrize("noise", [
    b"", b"\0", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", random.Random(1).randbytes(300), random.Random(2).randbytes(70_000),
    Hello("n2").encode(), header(DIRECT, length=0xFFFFFFFF), header(DIRECT, length=0),
], ids=["nothing", "a byte", "http", "random", "much random", "a hello", "a header of 4 GiB", "an empty header"])
def test_105_what_is_no_tls_is_dropped(pair, noise):
    with counted(pair, "tls"), Peer(pair.cluster_port) as peer:
        try:
            peer.send(noise)
            peer.socket.shutdown(socket.SHUT_WR)
        except OSError:  # the gate was faster
            pass
        assert peer.ended()


@pytest.mark.parametrize("who", ["another CA's", "expired", "none"])
def test_107_a_certificate_that_is_not_good_is_refused(pair, certs, strangers, who):
    directory, name = {"another CA's": (strangers, "n2"), "expired": (certs, "expired"), "none": (certs, None)}[who]
    with counted(pair, "tls"):
        try:
            with Peer(pair.cluster_port, directory, name) as peer:
                peer.send(Hello("n2").encode())
                assert peer.ended()
        except OSError:  # with TLS 1.2, or a CA that we do not know, already during the handshake
            pass


def test_107_a_certificate_of_another_name_is_refused(pair, certs):
    with counted(pair, "name"), Peer(pair.cluster_port, certs, "other") as peer:
        peer.send(Hello("n3").encode())
        assert peer.ended()


def test_107_a_node_with_another_ca_gets_nowhere(pair, strangers):
    with counted(pair, "tls", more=2):
        with Node("n2", seeds=[pair.cluster_port], certs=strangers) as node:
            eventually(lambda: node.refused("tls") >= 2, 5, "both sides refuse, again and again")
            assert not node.ups()


def test_108_another_cluster_and_another_version_are_refused(pair, certs):
    for hello, reason, number in [(Hello("other", cluster="x"), "cluster", 6), (Hello("other", versions=(9, 9)), "version", 7)]:
        with counted(pair, reason), Peer(pair.cluster_port, certs, "other") as peer:
            theirs, why = peer.meet(hello)
            assert theirs.node == "n1" and why == number and peer.ended()


def test_108_a_later_version_that_speaks_ours_is_let_in(pair, certs):
    hello = Hello("other", versions=(1, 2), caf_node=stranger(pair.cluster_port, certs, "other"))
    with Peer(pair.cluster_port, certs, "other") as peer:
        peer.send(hello.encode()[:3] + bytes([hello.encode()[3] + 4]) + hello.encode()[4:] + b"more")
        kind, _ = peer.message()
        kind, body = peer.message()
        assert body[0] == 0


def test_half_a_handshake_ends_with_the_deadline(pair, certs):
    hello = Hello("other", caf_node=stranger(pair.cluster_port, certs, "other"))
    with counted(pair, "slow", more=4):
        start = time.monotonic()
        peers = [Peer(pair.cluster_port)]  # not even TLS
        for say in (b"", hello.encode()[:20], hello.encode()):
            peers.append(Peer(pair.cluster_port, certs, "other"))
            peers[-1].send(say)
        time.sleep(0.5)
        assert pair.metric("beckon_cluster_handshakes_in_progress") == 4
        assert all(peer.ended(5) for peer in peers) and time.monotonic() - start < 1 * ROOM


def test_silent_connections_cost_nothing_and_the_oldest_makes_room(pair):
    before = pair.cpu()
    with counted(pair, "crowded", more=20):
        peers = [Peer(pair.cluster_port) for _ in range(84)]
        eventually(lambda: pair.metric("beckon_cluster_handshakes_in_progress") == 64, 1, "no more than 64 at once")
        assert peers[0].ended()
    eventually(lambda: pair.metric("beckon_cluster_handshakes_in_progress") == 0, 5, "all have gone")
    cpu = pair.cpu() - before
    note(f"84 silent connections cost {cpu:.2f} s of CPU")
    assert cpu < 0.1 * ROOM
    for peer in peers:
        peer.socket.close()


def test_refusals_do_not_fill_the_log(pair):
    time.sleep(1.1)
    before, lines = pair.refused("tls"), len(pair.events("cluster_refused"))
    for _ in range(200):
        with Peer(pair.cluster_port) as peer:
            peer.send(b"x" * 64)
            peer.ended()
    eventually(lambda: pair.refused("tls") >= before + 200, 5, "each is counted")
    assert len(pair.events("cluster_refused")) - lines <= 4


# --- a peer that got in ---


# How CAF starts the payload of a message with one string: forwarded by nobody, no known type, its name.
BATCH = b"\0\0\0\x08@<>+@str"


@pytest.fixture()
def linked(pair, certs):
    """A peer of ours that the gate takes for the node `other`, and both hellos."""
    hello = Hello("other", caf_node=stranger(pair.cluster_port, certs, "other"))
    before = len(pair.ups("other"))
    with Peer(pair.cluster_port, certs, "other") as peer:
        theirs = peer.link(hello)
        eventually(lambda: len(pair.ups("other")) == before + 1, 5, "we are a node")
        yield peer, theirs, hello
        assert peer.ended()
    eventually(lambda: len(pair.downs("other")) == before + 1, 5, "we are none any more")


def to_hub(theirs, hello, payload, **fields):
    return basp(DIRECT, payload, **{"data": ASYNCHRONOUS, "source": hello.hub, "destination": theirs.hub, **fields})


@pytest.mark.parametrize("case, reason", [
    ("payload length 0", "basp_length"), ("payload length of 4 GiB", "basp_length"), ("one byte over the longest batch", "basp_length"),
    ("routed", "basp_header"), ("a second handshake", "basp_header"), ("an operation that is none", "basp_header"),
    ("to another actor", "basp_address"), ("to the registry by name", "basp_header"), ("from another actor", "basp_address"),
    ("a request", "basp_header"), ("another type", "basp_content"), ("a monitor for another node", "basp_identity"),
    ("a heartbeat with a payload", "basp_length"), ("random bytes", "basp_header"),
])
def test_106_a_linked_peer_can_only_talk_to_the_hub(pair, linked, case, reason):
    peer, theirs, hello = linked
    good = BATCH + b"\1x"
    data = {
        "payload length 0": lambda: to_hub(theirs, hello, b""),
        "payload length of 4 GiB": lambda: header(DIRECT, length=0xFFFFFFFF, data=ASYNCHRONOUS, destination=theirs.hub),
        "one byte over the longest batch": lambda: header(DIRECT, length=BASP_PAYLOAD_MAX + 1, data=ASYNCHRONOUS, destination=theirs.hub),
        "routed": lambda: basp(ROUTED, good, data=ASYNCHRONOUS, destination=theirs.hub),
        "a second handshake": lambda: basp(CLIENT_HANDSHAKE, hello.caf_node),
        "an operation that is none": lambda: basp(99, good),
        "to another actor": lambda: to_hub(theirs, hello, good, destination=theirs.hub + 1),
        "to the registry by name": lambda: to_hub(theirs, hello, good, flags=1),
        "from another actor": lambda: to_hub(theirs, hello, good, source=hello.hub + 1),
        "a request": lambda: to_hub(theirs, hello, good, data=ASYNCHRONOUS + 1),
        "another type": lambda: to_hub(theirs, hello, b"\0\0\0\x0c@<>+@exit_msg" + good),
        "a monitor for another node": lambda: basp(4, theirs.caf_node + hello.caf_node, destination=theirs.hub),
        "a heartbeat with a payload": lambda: basp(HEARTBEAT, b"x"),
        "random bytes": lambda: b"\x07" + random.Random(3).randbytes(200),
    }[case]()
    with counted(pair, reason):
        peer.send(to_hub(theirs, hello, good) + data)


def test_106_mutated_messages_neither_crash_nor_fill_the_memory(pair, certs):
    caf_node = stranger(pair.cluster_port, certs, "other")
    before, dice, linked = pair.rss(), random.Random(4), 0
    for _ in range(60):
        hello = Hello("other", caf_node=caf_node)
        with Peer(pair.cluster_port, certs, "other") as peer:
            theirs, why = peer.meet(hello)
            if why:  # the last one of us is not yet forgotten
                time.sleep(0.02)
                continue
            stream = bytearray(verdict(theirs.nonce) + basp(CLIENT_HANDSHAKE, hello.caf_node)
                               + 5 * to_hub(theirs, hello, BATCH + b"\x05hello"))
            for _ in range(dice.randint(1, 4)):
                stream[dice.randrange(len(stream))] = dice.randrange(256)
            try:
                peer.send(bytes(stream))
            except OSError:
                pass
            linked += 1
    assert linked > 30 and pair.alive() and pair.rss() < before + 8 * MiB


def test_a_recorded_session_is_refused_where_there_is_no_tls():
    with Node("n1", log_level="debug") as node:
        hello = Hello("n2", caf_node=stranger(node.cluster_port))
        with Peer(node.cluster_port) as peer:
            peer.link(hello)
            eventually(lambda: node.ups("n2"), 5, "we are linked")
            recorded = peer.sent
        eventually(lambda: node.downs("n2"), 5, "we are gone")
        with counted(node, "replay"), Peer(node.cluster_port) as peer:
            peer.send(recorded)
            assert peer.ended()
        assert len(node.ups()) == 1


def test_a_recorded_session_is_refused_by_tls(certs):
    """What went over the wire is recorded between two nodes, and said again to one of them."""
    with Node("n1", certs=certs) as node:
        with Recorder(node.cluster_port) as recorder:
            with Node("n2", seeds=[recorder.port], certs=certs) as other:
                eventually(lambda: node.links() == other.links() == 1, 5, "the two are linked")
        eventually(lambda: node.links() == 0, 5, "the other is gone")
        with counted(node, "tls"), Peer(node.cluster_port) as peer:
            try:
                peer.send(recorder.first())
            except ConnectionError:
                pass
            assert peer.ended()
        assert len(node.ups()) == 1


class Recorder:
    """Passes connections on to a port and keeps what the diallers sent."""

    def __init__(self, port):
        self.target, self.streams = port, []
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listening.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.target))
            self.streams.append(bytearray())
            threading.Thread(target=self._pass, args=(client, server, self.streams[-1]), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client, None), daemon=True).start()

    @staticmethod
    def _pass(source, sink, record):
        try:
            while data := source.recv(65536):
                if record is not None:
                    record += data
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def first(self):
        return bytes(max(self.streams, key=len))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listening.close()


# --- what does not start (faults.md 112) ---


@pytest.fixture(scope="module")
def misfits(tmp_path_factory, certs, strangers):
    directory = tmp_path_factory.mktemp("misfits")
    shutil.copy(certs / "n1.key", directory / "open.key")
    (directory / "open.key").chmod(0o640)
    (directory / "text").write_text("no PEM\n")
    (directory / "text").chmod(0o600)
    return {"{certs}": str(certs), "{strangers}": str(strangers), "{misfits}": str(directory)}


@pytest.mark.parametrize("options, named, words", [
    (["--cluster.cert="], "cluster.cert", "should follow"),
    (["--cluster.cert=/nowhere"], "cluster.cert", "cannot be read"),
    (["--cluster.key=/nowhere"], "cluster.key", "cannot be read"),
    (["--cluster.ca=/nowhere"], "cluster.ca", "cannot be read"),
    (["--cluster.cert={misfits}/text"], "cluster.cert", "no certificate"),
    (["--cluster.key={misfits}/text"], "cluster.key", "no private key"),
    (["--cluster.ca={misfits}/text"], "cluster.ca", "no certificate"),
    (["--cluster.key={misfits}/open.key"], "cluster.key", "read by others"),
    (["--cluster.key={certs}/n2.key"], "cluster.key", "not the key of"),
    (["--cluster.ca={strangers}/ca.pem"], "cluster.cert", "not signed by"),
    (["--cluster.cert={certs}/n2.pem", "--cluster.key={certs}/n2.key"], "cluster.cert", "'n1'"),
    (["--node=n2"], "cluster.name", "differs"),
    (["--cluster.heartbeat=0s"], "cluster.heartbeat", "not within"),
    (["--cluster.timeout=0s"], "cluster.timeout", "not within"),
    (["--cluster.timeout=900ms"], "cluster.timeout", "twice"),
    (["--cluster.listen=127.0.0.1"], "cluster.listen", "ADDRESS:PORT"),
    (["--cluster.sedes=a:1"], "cluster.sedes", "unrecognised"),
    (["--max-frame=1048577", "--max-outbound=4MiB"], "max-frame", "more than 1MiB"),
    (["--cluster.insecure", "--cluster.listen=0.0.0.0:0"], "cluster.insecure", "loopback"),
    (["--cluster.insecure", "--cluster.seeds=10.0.0.1:1"], "cluster.insecure", "loopback"),
])
def test_112_a_node_that_cannot_prove_itself_does_not_start(misfits, options, named, words):
    given = {option.split("=")[0] for option in options}
    base = ["--insecure", "--port=0", "--admin-listen=off", "--cluster.listen=127.0.0.1:0", "--cluster.name=n1",
            "--cluster.cert={certs}/n1.pem", "--cluster.key={certs}/n1.key", "--cluster.ca={certs}/ca.pem"]
    command = [option for option in base if option.split("=")[0] not in given] + options
    for place, path in misfits.items():
        command = [option.replace(place, path) for option in command]
    for check in ([], ["--check-config"]):
        result = subprocess.run([BINARY, "serve", *command, *check], capture_output=True, text=True, timeout=10)
        assert result.returncode == 78 and result.stdout == "", result
        assert result.stderr.count("\n") == 1 and named in result.stderr and words in result.stderr, result.stderr


def test_112_the_name_may_be_any_dns_name_of_the_certificate(certs, tmp_path):
    extension = tmp_path / "extension"
    extension.write_text("subjectAltName=DNS:alias,DNS:n9\n")
    subprocess.run(["openssl", "req", "-new", "-key", f"{certs}/n1.key", "-subj", "/CN=x", "-out", f"{tmp_path}/csr"], check=True)
    subprocess.run(["openssl", "x509", "-req", "-in", f"{tmp_path}/csr", "-CA", f"{certs}/ca.pem", "-CAkey", f"{certs}/ca.key",
                    "-CAcreateserial", "-extfile", extension, "-out", f"{tmp_path}/n9.pem"], check=True, capture_output=True)
    for name, code in (("n9", 0), ("alias", 0), ("x", 0), ("n", 78), ("n99", 78)):
        result = subprocess.run(
            [BINARY, "serve", "--insecure", "--check-config", "--cluster.listen=127.0.0.1:0", f"--cluster.name={name}",
             f"--cluster.cert={tmp_path}/n9.pem", f"--cluster.key={certs}/n1.key", f"--cluster.ca={certs}/ca.pem"],
            capture_output=True, text=True, timeout=10)
        assert result.returncode == code, result


def test_112_a_port_in_use_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = subprocess.run([BINARY, "serve", "--insecure", "--port=0", "--admin-listen=off", "--cluster.insecure",
                                 f"--cluster.listen=127.0.0.1:{port}"], capture_output=True, text=True, timeout=10)
    assert result.returncode == 78 and result.stderr.count("\n") == 1, result
    assert f"cluster.listen: 127.0.0.1:{port}" in result.stderr, result


def test_insecure_is_said_in_the_log_and_the_file_takes_the_options(tmp_path):
    path = tmp_path / "beckon.ini"
    path.write_text("insecure = true\ncluster.listen = 127.0.0.1:0\ncluster.insecure = true\nport = 0\nadmin-listen = off\n")
    result = subprocess.run([BINARY, "serve", f"--config={path}", "--print-config"], capture_output=True, text=True,
                            timeout=10, env={**os.environ, "BECKON_CLUSTER_ID": "from-environment"})
    assert "cluster.id = from-environment" in result.stdout and "cluster.listen = 127.0.0.1:0" in result.stdout, result
    with Node("n1") as node:
        eventually(lambda: "cluster.insecure" in node.log(), 1, "the log says so")
