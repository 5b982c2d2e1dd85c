#!/usr/bin/python3
"""The job of the benchmark after the tutorial of Django Channels, served by daphne.

usage: serve.py [--port 0] [--redis PATH]

Channel layer: in memory, or channels_redis with a redis-server of its own (the program at PATH) on a socket in a temporary
folder. Prints `listening on ws://127.0.0.1:PORT/ws`.
"""

import argparse
import subprocess
import tempfile
import time
from pathlib import Path

import django
from django.conf import settings

START_SECONDS_MAX = 10
# channels_redis counts its capacity per process, not per consumer, and drops what exceeds it without a word; its default of
# 100 would lose most messages of 1000 clients.
CAPACITY = 100_000


def redis_server(program, folder):
    """Starts one that keeps nothing. @returns the process and the address of its socket."""
    socket = Path(folder) / "redis.sock"
    options = ["--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", folder]
    process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + START_SECONDS_MAX
    while not socket.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit("redis-server did not start")
        time.sleep(0.02)
    return process, f"unix://{socket}"


def serve(port, layer):
    settings.configure(
        SECRET_KEY="benchmark",
        ALLOWED_HOSTS=["*"],
        INSTALLED_APPS=["channels"],
        CHANNEL_LAYERS={"default": layer},
    )
    django.setup()
    # These want the settings to be there.
    from channels.routing import ProtocolTypeRouter, URLRouter
    from consumer import ChatConsumer
    from daphne.server import Server
    from django.urls import path

    application = ProtocolTypeRouter({"websocket": URLRouter([path("ws", ChatConsumer.as_asgi())])})
    endpoints = [f"tcp:port={port}:interface=127.0.0.1"]
    server = Server(application, endpoints=endpoints, ready_callable=lambda: ready(server))
    server.run()


def ready(server):
    print(f"listening on ws://127.0.0.1:{server.listening_addresses[0][1]}/ws", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--redis", metavar="PATH")
    arguments = parser.parse_args()
    if not arguments.redis:
        serve(arguments.port, {"BACKEND": "channels.layers.InMemoryChannelLayer"})
        return
    with tempfile.TemporaryDirectory() as folder:
        redis, address = redis_server(arguments.redis, folder)
        try:
            serve(arguments.port, {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [address], "capacity": CAPACITY}})
        finally:
            redis.terminate()
            redis.wait()


if __name__ == "__main__":
    main()
