"""A real `beckon serve` in its own process, and what can be learnt about it from outside. Every wait is bounded."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("BECKON_BUILD", ROOT / "build"))
BINARY = os.environ.get("BECKON", str(BUILD / "release" / "beckon"))


def sanitizer_of(binary):
    """The sanitizer that the program was built with, or "": `asan` (with UBSan), `tsan`."""
    code = Path(binary).read_bytes() if os.access(binary, os.R_OK) else b""
    return "asan" if b"__asan_init" in code else "tsan" if b"__tsan_init" in code else ""


SANITIZER = sanitizer_of(BINARY)
# Under a sanitizer all takes longer, and memory is mostly the sanitizer's.
SLOWER = 4 if SANITIZER else 1
# Wall-clock bounds get five times the room of the figure in the specification: two cores are shared by many.
ROOM = 5 * SLOWER

MiB = 1024 * 1024


def tenth(count):
    """So many; under a sanitizer a tenth of them."""
    return max(1, count // 10) if SANITIZER else count


def option(name, value):
    """`max_frame=1024` as the server's command line has it."""
    return f"--{name.replace('_', '-')}={value}"


class Server:
    """One server process. `options` are given to `serve`; keywords likewise, `_` for `-` (see option()). `host` is the address
    at which it is reached, of another network namespace where `wrap` starts it in one."""

    def __init__(self, *options, insecure=True, wrap=(), env=None, stderr=None, host="127.0.0.1", binary=BINARY, **named):
        self.host = host
        self.directory = tempfile.TemporaryDirectory(prefix="beckon-")
        path = Path(self.directory.name)
        self.log_path, self.out_path = path / "log", path / "out"
        command = [*wrap, binary, "serve", "--port", "0", "--admin-listen", f"{host}:0"]
        command += [] if host == "127.0.0.1" else ["--listen", host]
        command += ["--insecure"] if insecure else []
        command += [*options, *(option(name, value) for name, value in named.items())]
        with open(self.out_path, "wb") as out, open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=log if stderr is None else stderr,
                env={**os.environ, **(env or {})},
            )
        try:
            self._await_lines()
        except BaseException:
            self.kill()
            raise

    def _await_lines(self):
        host = re.escape(self.host)
        pattern = rf"listening on ws://{host}:(\d+)/ws\nadmin on http://{host}:(\d+)\n"
        eventually(lambda: self.process.poll() is not None or re.match(pattern, self.out()), 20, "the server's two lines")
        match = re.match(pattern, self.out())
        assert match, f"the server ended with {self.process.poll()}: {self.out()} {self.log()}"
        self.port, self.admin_port = int(match[1]), int(match[2])

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        # A test that has failed already is not covered up by the way the server ends.
        if kind is None:
            self.stop()
        else:
            self.kill()

    # --- its end ---

    def stop(self, within=15.0):
        """SIGTERM; a server that drains ends with 0."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.ends(0, within)

    def ends(self, code, within=15.0):
        try:
            found = self.process.wait(within * SLOWER)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the server did not end within {within} s; its log ends: {self.log()[-2000:]}") from None
        assert found == code and not self.found(), f"the server ended with {found}, its log: {self.found() or self.log()[-3000:]}"

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def alive(self):
        return self.process.poll() is None

    # --- what it says ---

    def out(self):
        return self.out_path.read_text()

    def log(self):
        return self.log_path.read_text(errors="replace")

    def found(self):
        """What a sanitizer has found, from its log or from the file that its options name; else nothing."""
        path = re.search(r"log_path=([^:]+)", os.environ.get("ASAN_OPTIONS", ""))
        reports = Path(path[1]).parent.glob(f"{Path(path[1]).name}.{self.process.pid}") if path else ()
        log = self.log() + "".join(report.read_text(errors="replace") for report in reports)
        at = re.search(r"==\d+==ERROR: |WARNING: ThreadSanitizer|: runtime error: ", log)
        return log[at.start() :][:8000] if at else ""

    def uri(self, query=""):
        return f"ws://{self.host}:{self.port}/ws{query}"

    def get(self, path, *, admin=False, headers=None):
        """@returns status and body of a plain GET."""
        url = f"http://{self.host}:{self.admin_port if admin else self.port}{path}"
        # No proxy of the environment may stand between the test and the server.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(urllib.request.Request(url, headers=headers or {}), timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def choose_behaviour(self, group, name, key):
        """Gives the living group another behaviour; "": none. @returns what the operators' listener says of it."""
        request = urllib.request.Request(f"http://{self.host}:{self.admin_port}/groups/{group}/behaviour",
                                         json.dumps({"behaviour": name}).encode(), {"Authorization": f"Bearer {key}"})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
            return json.load(answer)

    def metrics(self):
        """Every sample of /metrics: (name, labels as a frozenset of pairs) to its value."""
        status, text = self.get("/metrics", admin=True)
        assert status == 200, text
        samples = {}
        for line in text.splitlines():
            match = re.match(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)", line)
            if match:
                labels = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2] or "")
                samples[match[1], frozenset(labels)] = float(match[3])
        return samples

    def metric(self, name, **labels):
        """The sum of all samples of `name` that carry `labels`; 0 where there is none yet."""
        wanted = set(labels.items())
        return sum(v for (n, have), v in self.metrics().items() if n == name and wanted <= have)

    def memory(self, what):
        """Bytes, by a field of /proc/PID/status: VmRSS, VmHWM, VmSize. Under a sanitizer 0: nothing can be told from it."""
        if SANITIZER:
            return 0
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{what}:\s+(\d+) kB", status)[1]) * 1024

    def rss(self):
        """Resident bytes."""
        return self.memory("VmRSS")

    def peak_rss(self):
        """The most resident bytes since start or forget_peak()."""
        return self.memory("VmHWM")

    def forget_peak(self):
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def cpu(self):
        """Seconds of CPU that it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def eventually(condition, within, what):
    """Waits until `condition()` holds and returns its value; fails by `what` when it never does."""
    deadline = time.monotonic() + within * SLOWER
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s: {what}")
        time.sleep(0.01)


@contextlib.contextmanager
def took(least=0.0, most=float("inf")):
    """The block takes `least` to `most` seconds, under a sanitizer some times as many."""
    most *= SLOWER
    start = time.monotonic()
    yield
    passed = time.monotonic() - start
    assert least <= passed <= most, f"{passed:.3f} s, not {least} to {most} s"


def note(text):
    """A figure worth keeping: shown by `pytest -s` and in the report of a failing test."""
    print(text, file=sys.stderr)
