"""Hosts of the tests' own: network namespaces, each with a cable to this one (for clients) and one to the others (for the cluster)."""

import contextlib
import os
import shutil
import subprocess

import pytest

PORT = 4700


def ip(*arguments, check=True):
    return subprocess.run(["ip", *arguments], check=check, capture_output=True, text=True)


class Host:
    """`client` is its address for clients, `address` the one for other nodes."""

    def __init__(self, mark, number):
        self.space, self.number = f"{mark}-{number}", number
        self.client, self.address = f"10.201.{number}.2", f"10.202.0.{number}"
        self.cable = f"{mark}c{number}"
        self.run = ("ip", "netns", "exec", self.space)

    def inside(self, *arguments, check=True):
        return ip("-n", self.space, *arguments, check=check)

    def cut(self):
        """The cable to the other nodes is out, both ways."""
        ip("link", "set", self.cable, "down")

    def mend(self):
        ip("link", "set", self.cable, "up")

    def cut_to(self, other):
        """What it sends to the other is lost; what comes from there arrives."""
        self.inside("route", "add", "blackhole", f"{other.address}/32")

    def mend_to(self, other):
        self.inside("route", "del", "blackhole", f"{other.address}/32")


@contextlib.contextmanager
def hosts(count):
    """Skips, with its reason, where namespaces cannot be made."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("network namespaces need root and iproute2")
    mark = f"bk{os.getpid() % 10000}"
    bridge = f"{mark}b"
    made = [Host(mark, number) for number in range(1, count + 1)]
    if ip("netns", "add", made[0].space, check=False).returncode:
        pytest.skip("this machine makes no network namespaces")
    try:
        ip("link", "add", bridge, "type", "bridge")
        ip("link", "set", bridge, "up")
        for host in made:
            if host is not made[0]:
                ip("netns", "add", host.space)
            host.inside("link", "set", "lo", "up")
            ip("link", "add", f"{mark}u{host.number}", "type", "veth", "peer", "name", "users", "netns", host.space)
            ip("address", "add", f"10.201.{host.number}.1/24", "dev", f"{mark}u{host.number}")
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
