"""Servers while they run: started on their cores, awaited, loaded by the generator, ended."""

import contextlib
import json
import os
import re
import resource
import socket
import subprocess
import sys
import time
from pathlib import Path

import peers
from install import BUILD, ROOT

OUTPUT = ROOT / "build" / "bench"
LOAD = BUILD / "bench" / "beckon_load"

START_SECONDS_MAX = 60  # under valgrind a start takes some seconds
STOP_SECONDS_MAX = 15  # a drain of beckon is cut off at 9 s
FILES_MIN = 16_000  # 15,000 connections


def cores():
    """One core for the server, another for the generator."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        sys.exit("bench: needs two cores, one for the server and one for the generator")
    return usable[0], usable[1]


def allow_many_files():
    """As many as the hard limit allows, which root raises where it is low. Servers inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < FILES_MIN and os.geteuid() == 0:
        hard = FILES_MIN
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < FILES_MIN:
        print(f"bench: `ulimit -Hn` is {hard}: runs with 15,000 connections will fail", file=sys.stderr)


class Server:
    def __init__(self, process, port, dialect):
        self.process = process
        self.pid = process.pid
        self.pids = [process.pid, *descendants(process.pid)]
        self.port = port
        self.dialect = dialect


def descendants(pid):
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield int(child)
            yield from descendants(int(child))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(name, core, wrapper=(), options=(), environment=None, mark="", program=None):
    """A server of that name, pinned to the core (or list of cores), ended at the end of the block. `wrapper` goes in front of its
    command, `options` behind it, `program` in the place of `beckon serve`; `mark` tells its output from that of another one of the name."""
    peer = peers.KNOWN[name]
    allow_many_files()
    OUTPUT.mkdir(parents=True, exist_ok=True)
    said = OUTPUT / f"{name}{mark}.out"
    port = 0 if peer.says_port else free_port()
    own = [program, *peer.command(port)[2:]] if program else peer.command(port)
    command = ["taskset", "-c", core, *wrapper, *own, *options]
    all_environment = os.environ | {"NODE_ENV": "production"} | peer.environment() | (environment or {})
    # taskset and valgrind become the server by exec, so that the process we start is the one to count and to end.
    with open(said, "w") as out, open(said.with_suffix(".log"), "w") as log:
        process = subprocess.Popen([str(part) for part in command], stdout=out, stderr=log, env=all_environment)
    try:
        await_start(process, said, port, peer.processes)
        yield Server(process, port or port_of(said), peer.dialect)
    finally:
        end(process)


def await_start(process, said, port, processes):
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline and process.poll() is None:
        serves = is_listening(port) if port else port_of(said)
        if serves and 1 + len(list(descendants(process.pid))) >= processes:
            return
        time.sleep(0.02)
    raise RuntimeError(f"{said.stem} did not start; see {said.with_suffix('.log')}")


def port_of(said):
    line = re.match(r"listening on ws://127\.0\.0\.1:(\d+)/ws\n", said.read_text())
    return int(line[1]) if line else 0


def is_listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def end(process):
    process.terminate()
    try:
        process.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        print(f"bench: process {process.pid} ignored SIGTERM for {STOP_SECONDS_MAX} s", file=sys.stderr)
        process.kill()
        process.wait()


def load(server, core, *arguments, seconds_max=180):
    """Runs the generator once. @returns its figures, whether or not the run was a clean one."""
    whom = ["--port", server.port, "--dialect", server.dialect]
    for pid in server.pids:
        whom += ["--pid", pid]
    command = ["taskset", "-c", core, LOAD, *arguments, *whom]
    done = subprocess.run(
        [str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=seconds_max
    )
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stderr.strip())
    return json.loads(done.stdout), done.stderr.strip()
