"""What is measured: beckon and what people would take instead. Each knows how it is set up, started and named."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import install
from install import BUILD, ROOT

PEERS = ROOT / "bench" / "peers"
CHANNELS = PEERS / "channels" / "serve.py"
NCHAN = ("usr/sbin/nginx", "nginx", "libnginx-mod-nchan")
REDIS = ("usr/bin/redis-server", "redis-server")
GORILLA = BUILD / "bench" / "gorilla"


def nothing():
    pass


@dataclass(frozen=True)
class Peer:
    command: Callable  # of the port it is to listen on, where it cannot ask the kernel for one itself
    version: Callable
    set_up: Callable = nothing
    target: str = ""  # what we build for it
    dialect: str = "beckon.v1"
    processes: int = 1  # that it consists of
    says_port: bool = True  # prints `listening on ws://127.0.0.1:PORT/ws` as its first line
    environment: Callable = dict
    slowness: float = 1  # runs last so many times as long: its messages take so much longer


def beckon(_port):
    return [BUILD / "beckon", "serve", "--insecure", "--port", "0", "--admin-listen", "off"]


def beckon_version():
    commit = install.first_line("git", "describe", "--always", "--dirty", cwd=ROOT)
    return f"{install.first_line(BUILD / 'beckon', '--version')} ({commit})"


def beast_version():
    text = Path("/usr/include/boost/version.hpp").read_text()
    return "Boost.Beast " + re.search(r'BOOST_LIB_VERSION "([\d_]+)"', text)[1].replace("_", ".")


def node():
    return f"Node {install.first_line('node', '--version')}"


def set_up_channels():
    install.need({"/usr/bin/python3": "python3", "/usr/lib/python3/dist-packages/daphne": "python3-daphne"})
    install.need({"/usr/lib/python3/dist-packages/channels": "python3-django-channels"})


def set_up_redis():
    set_up_channels()
    install.need({"/usr/lib/python3/dist-packages/channels_redis": "python3-channels-redis"})
    install.unpack(*REDIS)


def redis():
    """The folder of the program, which has its own libraries where the machine lacks them."""
    folder = install.unpack(*REDIS)
    libraries = ":".join(str(path) for path in folder.glob("usr/lib/*-linux-gnu"))
    return folder / REDIS[0], {"LD_LIBRARY_PATH": libraries}


def channels_version():
    names = {"Channels": "python3-django-channels", "daphne": "python3-daphne", "Django": "python3-django"}
    versions = [f"{name} {install.package_version(package)}" for name, package in names.items()]
    return f"{', '.join(versions)} on {install.first_line('/usr/bin/python3', '--version')}"


def redis_version():
    program, environment = redis()
    said = install.first_line(program, "--version", env=os.environ | environment)  # Redis server v=7.0.15 …
    layer = install.package_version("python3-channels-redis")
    return f"channels_redis {layer} with Redis {said.split()[2].removeprefix('v=')}"


def set_up_gorilla():
    install.need({"go": "golang-go"})
    install.need({"/usr/share/gocode/src/github.com/gorilla/websocket": "golang-github-gorilla-websocket-dev"})
    GORILLA.parent.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": ""}
    subprocess.run(["go", "build", "-o", GORILLA, "."], cwd=PEERS / "gorilla", env=environment, check=True)


def gorilla_version():
    library = install.package_version("golang-github-gorilla-websocket-dev")
    return f"gorilla/websocket {library} on {install.first_line('go', 'version').split()[2]}"


def nchan(port):
    return [PEERS / "nchan" / "start", install.unpack(*NCHAN), ROOT / "build" / "bench" / "nchan.work", port]


def nchan_version():
    archives = (install.unpack(*NCHAN) / "archives").glob("libnginx-mod-nchan_*.deb")
    nginx = install.first_line(install.unpack(*NCHAN) / NCHAN[0], "-v").rpartition("/")[2]
    return f"nchan {next(archives).name.split('_')[1].replace('%3a', ':')} in nginx {nginx}"


KNOWN = {
    # One thread, unless a case's options say otherwise, which win over the environment.
    "beckon": Peer(beckon, beckon_version, target="beckon", environment=lambda: {"BECKON_THREADS": "1"}),
    "ws": Peer(
        lambda _: ["node", PEERS / "ws" / "server.js", "--port", "0"],
        lambda: f"ws {install.npm_version(PEERS / 'ws', 'ws')} on {node()}",
        lambda: install.npm(PEERS / "ws", "ws"),
    ),
    "beast": Peer(lambda _: [BUILD / "bench" / "beckon_beast"], beast_version, target="beckon_beast"),
    "socket.io": Peer(
        lambda _: ["node", PEERS / "socketio" / "server.js", "--port", "0"],
        lambda: f"socket.io {install.npm_version(PEERS / 'socketio', 'socket.io')} on {node()}",
        lambda: install.npm(PEERS / "socketio", "socket.io"),
        dialect="socket.io",
    ),
    "gorilla": Peer(lambda _: [GORILLA, "--port", "0"], gorilla_version, set_up_gorilla),
    "channels": Peer(
        lambda _: ["/usr/bin/python3", CHANNELS, "--port", "0"], channels_version, set_up_channels, slowness=2.5
    ),
    "channels-redis": Peer(
        lambda _: ["/usr/bin/python3", CHANNELS, "--port", "0", "--redis", redis()[0]],
        redis_version,
        set_up_redis,
        processes=2,
        environment=lambda: redis()[1],
        slowness=2.5,
    ),
    "nchan": Peer(
        nchan, nchan_version, lambda: install.unpack(*NCHAN), dialect="nchan", processes=2, says_port=False
    ),
    "floor": Peer(
        lambda _: [BUILD / "bench" / "beckon_floor"], lambda: "floor (bench/peers/floor)", target="beckon_floor"
    ),
}


def set_up(names):
    """Whatever these and the generator need."""
    install.build("beckon_load", *(KNOWN[name].target for name in names if KNOWN[name].target))
    for name in names:
        KNOWN[name].set_up()
