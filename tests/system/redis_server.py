"""A Redis of the test's own, and the plain words of its protocol."""

import shutil
import socket
import subprocess

from harness import eventually


class Redis:
    """Debian's Redis, in a folder and on a port of its own; the plain words of its protocol."""

    def __init__(self, folder):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.folder, self.process, self.connections = folder, None, []

    def start(self):
        command = ["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--dir", self.folder, "--save", "", "--appendonly", "no"]
        # One program, which is what its name says it is; Debian's redis-tools has it under the other name.
        program = shutil.which("redis-server") or shutil.which("redis-check-rdb")
        with open(self.folder / "redis.log", "ab") as log:
            self.process = subprocess.Popen([str(word) for word in command], executable=program, stdout=log, stderr=log)
        eventually(self.answers, 10, "Redis answers")
        return self

    def answers(self):
        try:
            return self.ask("PING") == b"+PONG"
        except OSError:
            return False

    def connect(self, *words):
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        self.connections.append(connection)
        parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        connection.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
        return connection.makefile("rb")

    def ask(self, *words):
        """@returns the first line of the answer"""
        with self.connect(*words) as reader:
            return reader.readline().rstrip()

    def publish(self, channel, data):
        """@returns how many got it"""
        return int(self.ask("PUBLISH", channel, data)[1:])

    def stop(self):
        for connection in self.connections:
            connection.close()
        self.process.kill()
        self.process.wait()


class Subscription:
    def __init__(self, redis, pattern):
        self.reader = redis.connect("PSUBSCRIBE", pattern)
        self._read()  # the confirmation

    def _read(self):
        line = self.reader.readline().rstrip()
        if line[:1] == b"*":
            return [self._read() for _ in range(int(line[1:]))]
        return self.reader.read(int(line[1:]) + 2)[:-2] if line[:1] == b"$" else line[1:]

    def next(self):
        """@returns channel and bytes of the next message"""
        return tuple(self._read()[2:])
