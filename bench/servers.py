"""The servers under test: how each is set up, started on a core of its own, and ended.

A server prints `listening on ws://127.0.0.1:PORT/ws` as its first line. All of them get the same connections and
frames, so what differs is the server alone.
"""

import contextlib
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "release"
OUTPUT = ROOT / "build" / "bench"
LOAD = BUILD / "bench" / "beckon_load"
WS = ROOT / "bench" / "peers" / "ws"

START_SECONDS_MAX = 60  # under valgrind a start takes some seconds
STOP_SECONDS_MAX = 15  # a drain of beckon is cut off at 9 s

COMMANDS = {
    "beckon": [BUILD / "beckon", "serve", "--insecure", "--threads", "1", "--port", "0", "--admin-listen", "off"],
    "floor": [BUILD / "bench" / "beckon_floor"],
    "ws": ["node", WS / "server.js", "--port", "0"],
}
TARGETS = {"beckon": "beckon", "floor": "beckon_floor"}  # those that we build


def need(**packages):
    """Installs the Debian package of each command that is not there, as root or through sudo."""
    missing = [package for command, package in packages.items() if not shutil.which(command)]
    if not missing:
        return
    root = [] if os.geteuid() == 0 else ["sudo"]
    if root and not shutil.which("sudo"):
        sys.exit(f"bench: missing are {' '.join(missing)}; run this as root, or install sudo")
    apt = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"]
    print("bench: installing", *missing, file=sys.stderr)
    subprocess.run([*apt, "update"], check=True, stdout=sys.stderr)
    subprocess.run(
        [*apt, "install", "--yes", "--no-install-recommends", "--no-remove", *missing], check=True, stdout=sys.stderr
    )


def build(*targets):
    """Builds targets of the release preset."""
    subprocess.run([ROOT / "scripts" / "setup", "run"], check=True)
    # Without the tests on a first build, whose libraries need not be here; a tree that has them keeps them.
    first = [] if (BUILD / "build.ninja").exists() else ["-DBECKON_TESTS=OFF"]
    quiet = {"cwd": ROOT, "check": True, "stdout": sys.stderr}
    subprocess.run(["cmake", "--preset", "release", "-DBECKON_BENCH=ON", *first], **quiet)
    subprocess.run(["cmake", "--build", "--preset", "release", "--target", *targets], **quiet)


def set_up(names):
    """Whatever these servers and the generator need."""
    build("beckon_load", *(TARGETS[name] for name in names if name in TARGETS))
    if "ws" in names:
        set_up_ws()


def set_up_ws():
    need(node="nodejs", npm="npm")
    installed = WS / "node_modules" / "ws" / "package.json"
    wanted = json.loads((WS / "package.json").read_text())["dependencies"]["ws"]
    if not installed.exists() or json.loads(installed.read_text())["version"] != wanted:
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=WS, check=True, stdout=sys.stderr)


def version(name):
    def first_line(*command):
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]

    if name == "ws":
        package = json.loads((WS / "node_modules" / "ws" / "package.json").read_text())
        return f"ws {package['version']} on Node {first_line('node', '--version')}"
    if name == "floor":
        return "floor (bench/peers/floor)"
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    return f"{first_line(BUILD / 'beckon', '--version')} ({commit.stdout.strip()})"


def cores():
    """One core for the server, another for the generator."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        sys.exit("bench: needs two cores, one for the server and one for the generator")
    return usable[0], usable[1]


class Server:
    def __init__(self, process, port):
        self.process = process
        self.pid = process.pid
        self.port = port


@contextlib.contextmanager
def running(name, core, wrapper=()):
    """A server of that name, pinned to the core, ended at the end of the block. `wrapper` goes in front of its command."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # inherited by the server
    OUTPUT.mkdir(parents=True, exist_ok=True)
    said = OUTPUT / f"{name}.out"
    command = ["taskset", "-c", str(core), *wrapper, *COMMANDS[name]]
    # taskset and valgrind become the server by exec, so that the process we start is the one to count and to end.
    with open(said, "w") as out, open(OUTPUT / f"{name}.log", "w") as log:
        process = subprocess.Popen(
            [str(part) for part in command], stdout=out, stderr=log, env=os.environ | {"NODE_ENV": "production"}
        )
    try:
        yield Server(process, port_of(process, said))
    finally:
        end(process)


def port_of(process, said):
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline and process.poll() is None:
        line = re.match(r"listening on ws://127\.0\.0\.1:(\d+)/ws\n", said.read_text())
        if line:
            return int(line[1])
        time.sleep(0.02)
    raise RuntimeError(f"{said.stem} did not start; see {said.with_suffix('.log')}")


def end(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        print(f"bench: process {process.pid} ignored SIGTERM for {STOP_SECONDS_MAX} s", file=sys.stderr)
        process.kill()
        process.wait()


def load(server, core, *arguments, seconds_max=120):
    """Runs the generator once. @returns its figures, whether or not the run was a clean one."""
    command = ["taskset", "-c", core, LOAD, *arguments, "--port", server.port, "--pid", server.pid]
    done = subprocess.run(
        [str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=seconds_max
    )
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stderr.strip())
    return json.loads(done.stdout), done.stderr.strip()
