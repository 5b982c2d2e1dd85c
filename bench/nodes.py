"""Nodes that are one server while they run, for bench/cluster: those of the system tests, on cores of our choice."""

import contextlib
import sys
from pathlib import Path

import install
import servers

sys.path.insert(0, str(install.ROOT / "tests" / "system"))
from gate import Node, free_ports  # noqa: E402
from harness import Server, eventually  # noqa: E402


@contextlib.contextmanager
def running(count, cores, certs, *options):
    """n1, n2, …, which know each other; one alone is in no cluster. All are pinned to the core, or list of cores."""
    servers.allow_many_files()
    how = {"wrap": ("taskset", "-c", str(cores)), "binary": install.BUILD / "beckon"}
    with contextlib.ExitStack() as ends:
        if count == 1:
            yield [ends.enter_context(Server(*options, **how))]
            return
        ports, started = free_ports(count), []
        for i, port in enumerate(ports):
            started.append(ends.enter_context(Node(f"n{i + 1}", *options, port=port, seeds=ports, certs=certs, **how)))
        for node in started:
            eventually(lambda: node.metric("beckon_cluster_peer_up") == count - 1, 10, f"{node.name} knows all others")
        yield started


def load(started, core, *arguments):
    """Runs the generator, whose clients connect to the nodes in turns. @returns its figures."""
    first, *others = started
    more = [part for node in others for part in ("--port", node.port, "--pid", node.process.pid)]
    run, sentence = servers.load(servers.Server(first.process, first.port, "beckon.v1"), core, *arguments, *more)
    if run["failed"] or not run["delivered"]:  # the latter: a machine that stood still meanwhile
        sys.exit(f"bench: the run has failed, so it counts for nothing: {sentence}")
    return run


def cpu_seconds(node):
    """What it has used so far: by the scheduler's account, finer than the clock ticks of /proc/PID/stat."""
    tasks = Path(f"/proc/{node.process.pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
