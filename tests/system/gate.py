"""The cluster gate from outside: certificates, nodes on fixed ports, and a peer that can say anything to a gate."""

import contextlib
import os
import random
import re
import socket
import ssl
import struct
import subprocess
import time
from datetime import datetime
from pathlib import Path

from harness import ROOT, Server, eventually

MAGIC = b"beckon-gate"
HELLO, VERDICT = 1, 2
SERVER_HANDSHAKE, CLIENT_HANDSHAKE, DIRECT, ROUTED, MONITOR, DOWN, HEARTBEAT = range(7)
ASYNCHRONOUS = 1 << 60


def certificates(directory, *names, days=365):
    """A CA and these nodes' certificates; the same CA for the same directory."""
    environment = {**os.environ, "DAYS": str(days)}
    subprocess.run([ROOT / "scripts/cluster-certs", directory, *names], check=True, capture_output=True, env=environment)
    return directory


def free_ports(count):
    """Ports that nobody listens on now. Seeds must be known before the nodes start, so they are none that the kernel may give to a
    connection meanwhile: a node that dials one that does not listen yet could even meet itself there. Where the kernel has all for
    itself they are some of its own."""
    lowest, highest = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    ours = [*range(max(1024, lowest - 20000), lowest), *range(highest + 1, 65536)]
    if len(ours) < 2 * count:
        ours = range(1024, 65536)
    found = []
    while len(found) < count:
        port = random.choice(ours)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            if port not in found:
                found.append(port)
    return found


def tls_options(directory, name):
    return [f"--cluster.cert={directory}/{name}.pem", f"--cluster.key={directory}/{name}.key",
            f"--cluster.ca={directory}/ca.pem"]


class Node(Server):
    """A server in a cluster. Without `certs` the cluster is insecure."""

    def __init__(self, name, *options, port=0, seeds=(), certs=None, address="127.0.0.1", **named):
        """`seeds` are ports of this machine, or host:port."""
        self.name = name
        where = [seed if ":" in str(seed) else f"127.0.0.1:{seed}" for seed in seeds]
        members = [f"--cluster.seeds={','.join(where)}"] if where else []
        proof = tls_options(certs, name) if certs else ["--cluster.insecure"]
        super().__init__(f"--cluster.listen={address}:{port}", f"--cluster.name={name}", *members, *proof, *options, **named)
        line = eventually(lambda: re.search(rf"^cluster on {re.escape(address)}:(\d+)$", self.out(), re.M), 5, "the third line")
        self.cluster_port = int(line[1])

    def events(self, event):
        """(time, line) of every such event in the log."""
        found = re.findall(rf"^(\S+)Z \w+ ({event}(?: .*)?)$", self.log(), re.M)
        return [(datetime.fromisoformat(at).timestamp(), line) for at, line in found]

    def ups(self, peer=""):
        return [e for e in self.events("cluster_link_up") if not peer or f"peer={peer} " in e[1]]

    def downs(self, peer=""):
        return [e for e in self.events("cluster_link_down") if not peer or f"peer={peer} " in e[1]]

    def refused(self, reason):
        return self.metric("beckon_cluster_refused_total", reason=reason)

    def links(self):
        return self.metric("beckon_cluster_links")

    def caf_node(self):
        return re.search(r"cluster_started .* caf_node=(\S+)", self.log())[1]


def text(value):
    value = value if isinstance(value, bytes) else value.encode()
    return struct.pack(">H", len(value)) + value


def texts(values):
    return struct.pack(">H", len(values)) + b"".join(text(v) for v in values)


def message(kind, body):
    return struct.pack(">IB", 1 + len(body), kind) + body


class Hello:
    """What a gate says of its node."""

    def __init__(self, node, *, cluster="beckon", versions=(1, 1), incarnation=None, nonce=1, caf_node=b"", hub=77, linked=False,
                 advertised="127.0.0.1:1", known=()):
        self.node, self.cluster, self.versions, self.nonce, self.hub = node, cluster, versions, nonce, hub
        self.incarnation = time.time_ns() if incarnation is None else incarnation
        self.caf_node, self.linked, self.advertised, self.known = caf_node, linked, advertised, list(known)

    def encode(self):
        return message(HELLO, MAGIC + bytes(self.versions) + text(self.cluster) + text(self.node)
                       + struct.pack(">QQ", self.incarnation, self.nonce) + text(self.caf_node)
                       + struct.pack(">QB", self.hub, self.linked) + text(self.advertised) + texts(self.known))

    @staticmethod
    def decode(body):
        assert body.startswith(MAGIC), body
        at = len(MAGIC)

        def take(form):
            nonlocal at
            values = struct.unpack_from(form, body, at)
            at += struct.calcsize(form)
            return values[0]

        def take_text():
            nonlocal at
            length = take(">H")
            at += length
            return body[at - length:at]

        versions = (take("B"), take("B"))
        cluster, node = take_text().decode(), take_text().decode()
        incarnation, nonce = take(">Q"), take(">Q")
        caf_node, hub, linked, advertised = take_text(), take(">Q"), take("B"), take_text().decode()
        known = [take_text().decode() for _ in range(take(">H"))]
        return Hello(node, cluster=cluster, versions=versions, incarnation=incarnation, nonce=nonce, caf_node=caf_node,
                     hub=hub, linked=bool(linked),
                     advertised=advertised, known=known)


def verdict(nonce, why=0):
    return message(VERDICT, struct.pack(">BQ", why, nonce) + texts([]))


def header(operation, *, flags=0, length=0, data=0, source=0, destination=0):
    return struct.pack(">BBBBIQQQ", operation, 0, 0, flags, length, data, source, destination)


def basp(operation, payload=b"", **fields):
    return header(operation, length=len(payload), **fields) + payload


class Peer:
    """Dials a gate, and keeps what it sent."""

    def __init__(self, port, certs=None, name=None, *, handshake=True):
        self.sent = b""
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        if certs and handshake:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE  # it is the gate that is tested
            if name:
                context.load_cert_chain(f"{certs}/{name}.pem", f"{certs}/{name}.key")
            self.socket = context.wrap_socket(self.socket)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.sent += data
        self.socket.sendall(data)

    def read(self, count):
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise ConnectionError("the gate closed")
            data += part
        return data

    def message(self):
        """The gate's next message: its kind and its body."""
        body = self.read(struct.unpack(">I", self.read(4))[0])
        return body[0], body[1:]

    def meet(self, hello):
        """Says hello. @returns the gate's hello and its verdict, 0 for let in."""
        self.send(hello.encode())
        kind, body = self.message()
        assert kind == HELLO
        theirs = Hello.decode(body)
        kind, body = self.message()
        why, nonce = struct.unpack_from(">BQ", body)
        assert kind == VERDICT and nonce == hello.nonce
        return theirs, why

    def link(self, hello):
        """Becomes a linked node, as far as the handshake of BASP. @returns the gate's hello."""
        theirs, why = self.meet(hello)
        assert why == 0, f"refused for {why}"
        self.send(verdict(theirs.nonce))
        self.read_basp(SERVER_HANDSHAKE)
        self.send(basp(CLIENT_HANDSHAKE, hello.caf_node))
        return theirs

    def read_basp(self, operation=None):
        """The next BASP message: its header's fields and its payload."""
        fields = struct.unpack(">BBBBIQQQ", self.read(32))
        payload = self.read(fields[4])
        assert operation is None or fields[0] == operation, fields
        return fields, payload

    def ended(self, within=3):
        """Whether the gate closes."""
        self.socket.settimeout(within)
        try:
            while self.socket.recv(65536):
                pass
        except (ConnectionError, ssl.SSLError):
            return True
        except TimeoutError:
            return False
        return True


def stranger(port, certs=None, name=None):
    """A CAF node id that is nobody's: the gate's own, which it tells even whom it refuses, with another process."""
    with Peer(port, certs, name) as peer:
        theirs, _ = peer.meet(Hello(name or "stranger", cluster="another"))
    return theirs.caf_node[:8] + bytes([theirs.caf_node[8] ^ 0xFF]) + theirs.caf_node[9:]
