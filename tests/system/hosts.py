"""Hosts of the tests' own: network namespaces, each with a cable to this one (for clients) and one to the others (for the cluster)."""

import contextlib
import json
import os
import shutil
import subprocess

import pytest

PORT = 4700


def ip(*arguments, check=True):
    return subprocess.run(["ip", *arguments], check=check, capture_output=True, text=True)


class Host:
    """`client` is its address for clients, `address` the one for other nodes."""

    def __init__(self, mark, net, number):
        self.space, self.number = f"{mark}-{number}", number
        self.here, self.client, self.address = f"{net}.{number}.1", f"{net}.{number}.2", f"10.202.0.{number}"
        self.cable, self.bridge = f"{mark}c{number}", f"{mark}b"
        self.run = ("ip", "netns", "exec", self.space)

    def inside(self, *arguments, check=True):
        return ip("-n", self.space, *arguments, check=check)

    def mac_addresses(self):
        return {link["ifname"]: link["address"] for link in json.loads(self.inside("-json", "link", "show").stdout)}

    def cut(self):
        """The cable to the other nodes is out, both ways."""
        ip("link", "set", self.cable, "down")

    def mend(self):
        ip("link", "set", self.cable, "up")

    def unplug(self):
        """The same beyond the switch: this host's kernel, which looks at a cable once a second at most, does not see it."""
        ip("link", "set", self.cable, "nomaster")

    def plug(self):
        ip("link", "set", self.cable, "master", self.bridge)

    def narrow(self, rate):
        """So many bits a second to the other nodes, and from them."""
        limit = ("root", "tbf", "rate", rate, "burst", "4kb", "latency", "400ms")
        for here, device in ((self.run, "nodes"), ((), self.cable)):
            subprocess.run([*here, "tc", "qdisc", "add", "dev", device, *limit], check=True)

    def widen(self):
        for here, device in ((self.run, "nodes"), ((), self.cable)):
            subprocess.run([*here, "tc", "qdisc", "del", "dev", device, "root"], check=True)

    def cut_to(self, other):
        """What it sends to the other is lost; what comes from there arrives."""
        self.inside("route", "add", "blackhole", f"{other.address}/32")

    def mend_to(self, other):
        self.inside("route", "del", "blackhole", f"{other.address}/32")


@contextlib.contextmanager
def hosts(count, mac=()):
    """Skips, with its reason, where namespaces cannot be made. `mac`: of all their clients' interfaces, as `ip link` has it; from the
    beginning, as this machine may talk to them once they are up: sockets of an earlier test do, which still say that they are closed."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("network namespaces need root and iproute2")
    mark = f"bk{os.getpid() % 10000}"
    bridge = f"{mark}b"
    routes = ip("route").stdout
    # This machine's end of the clients' cables must differ from that of another run.
    net = next(net for net in (f"10.{100 + (os.getpid() + i) % 100}" for i in range(100)) if f"{net}." not in routes)
    made = [Host(mark, net, number) for number in range(1, count + 1)]
    if ip("netns", "add", made[0].space, check=False).returncode:
        pytest.skip("this machine makes no network namespaces")
    try:
        ip("link", "add", bridge, "type", "bridge")
        ip("link", "set", bridge, "up")
        for host in made:
            if host is not made[0]:
                ip("netns", "add", host.space)
            host.inside("link", "set", "lo", "up")
            ip("link", "add", f"{mark}u{host.number}", "type", "veth", "peer", "name", "users", *mac, "netns", host.space)
            ip("address", "add", f"{host.here}/24", "dev", f"{mark}u{host.number}")
            ip("link", "set", f"{mark}u{host.number}", "up")
            host.inside("address", "add", f"{host.client}/24", "dev", "users")
            host.inside("link", "set", "users", "up")
            ip("link", "add", host.cable, "type", "veth", "peer", "name", "nodes", "netns", host.space)
            ip("link", "set", host.cable, "master", bridge, "up")
            host.inside("address", "add", f"{host.address}/24", "dev", "nodes")
            host.inside("link", "set", "nodes", "up")
        yield made
    finally:
        for host in made:
            ip("netns", "del", host.space, check=False)
            ip("link", "del", host.cable, check=False)
            ip("link", "del", f"{mark}u{host.number}", check=False)
        ip("link", "del", bridge, check=False)


@contextlib.contextmanager
def containers():
    """Two hosts as alike as containers are: each interface of the one has the MAC address of the other's. A router stands between them,
    as two of one network may not be so alike."""
    with hosts(2, mac=("address", "02:42:ac:11:00:03")) as made:
        router = f"{made[0].space}r"
        ip("netns", "add", router)
        try:
            ip("netns", "exec", router, "sysctl", "-qw", "net.ipv4.ip_forward=1")
            for host in made:
                gateway, host.address = f"10.202.{host.number}.1", f"10.202.{host.number}.2"
                host.inside("link", "del", "nodes")
                ip("-n", router, "link", "add", f"to{host.number}", "type", "veth", "peer", "name", "nodes", "netns", host.space)
                ip("-n", router, "address", "add", f"{gateway}/24", "dev", f"to{host.number}")
                ip("-n", router, "link", "set", f"to{host.number}", "up")
                host.inside("link", "set", "nodes", "address", "02:42:ac:11:00:02", "up")
                host.inside("address", "add", f"{host.address}/24", "dev", "nodes")
                host.inside("route", "add", "10.202.0.0/16", "via", gateway)
            yield made
        finally:
            ip("netns", "del", router, check=False)
