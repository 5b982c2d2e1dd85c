"""What is installed serves those who extend it: a program that embeds the server, plug-ins, a project of `new-behaviour`."""

import contextlib
import json
import os
import re
import selectors
import shutil
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import harness
from harness import ROOT, Server, eventually, note
from raw import Raw

pytestmark = pytest.mark.plain("those who use the package build without it")
TREE = Path(harness.BINARY).parent  # what is tested must have been built there


def call(*command, cwd=None, seconds_max=300):
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=seconds_max)
    assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


def build(source, folder, prefix):
    """Configures and builds a project against the installed package. @returns the seconds of both"""
    times = [time.monotonic()]
    call("cmake", "-S", source, "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug", f"-DCMAKE_PREFIX_PATH={prefix}")
    times.append(time.monotonic())
    call("cmake", "--build", folder)
    times.append(time.monotonic())
    return times[1] - times[0], times[2] - times[1]


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """beckon, installed, and moved after that: nothing in it may depend on where it was."""
    if not (TREE / "cmake_install.cmake").exists():
        pytest.skip(f"{TREE} is no build tree to install from")
    folder = tmp_path_factory.mktemp("prefix")
    call("cmake", "--install", TREE, "--prefix", folder / "first")
    shutil.move(folder / "first", folder / "moved")
    return folder / "moved"


@pytest.fixture(scope="module")
def beckon(prefix):
    return prefix / "bin" / "beckon"


@pytest.fixture(scope="module")
def consumer(prefix, tmp_path_factory):
    """The folder with what was built of tests/consumer."""
    folder = tmp_path_factory.mktemp("consumer")
    note("the consumer: configured in %.1f s, compiled in %.1f s" % build(ROOT / "tests/consumer", folder, prefix))
    return folder


def refused(*command):
    """@returns the one line of a start that ends with 78."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=30)
    assert done.returncode == 78 and done.stdout == "" and done.stderr.count("\n") == 1, done
    return done.stderr


def keeps_out(port, group, out):
    with Raw(port).open(out) as peer:
        return peer.ask({"type": "join", "id": 1, "group": group}).get("code") == "denied"


def joins(port, group):
    with Raw(port).open("anyone") as peer:
        return peer.ask({"type": "join", "id": 1, "group": group})["type"] == "ok"


# --- a program of one's own ---


@pytest.fixture
def embedding(consumer):
    """Starts the program with `start`; ends it through stdin."""
    command = [consumer / "embedding", "start", "--insecure", "--port=0", "--admin-listen=off",
               "--behaviour=doorman @ club*", "--behaviour-option=doorman.out=eve"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.wait()


@pytest.mark.limit(300)
def test_a_program_starts_and_stops_the_server(embedding):
    port = int(embedding.stdout.readline().split()[0])
    assert joins(port, "club")
    embedding.stdin.close()
    assert embedding.stdout.read() == "stopped\n"
    assert embedding.wait(10) == 0


def test_a_behaviour_of_the_program_is_asked(embedding):
    port = int(embedding.stdout.readline().split()[0])
    assert keeps_out(port, "club 7", "eve") and not keeps_out(port, "pub", "eve")


def test_a_program_serves_as_the_command_does(consumer, tmp_path):
    serve = consumer / "embedding"
    link = tmp_path / "serve"  # the harness says `serve` where the program says `run`
    link.write_text(f'#!/bin/sh\nshift\nexec "{serve}" run "$@"\n')
    link.chmod(0o755)
    with Server("--behaviour=doorman @ *", binary=str(link)) as server:
        assert joins(server.port, "club")
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: "behaviours_chosen" in server.log(), 10, "the rules, read again")
    assert server.log().splitlines()[-1].endswith("info stopped")
    assert "auction" in refused(serve, "run", "--insecure", "--behaviour=auction @ *")


def test_a_program_is_told_why_the_server_does_not_start(consumer):
    done = subprocess.run([consumer / "embedding", "start", "--insecure", "--listen=nowhere"], capture_output=True, text=True)
    assert done.returncode == 1 and "--listen: 'nowhere'" in done.stdout, done
    # The environment is not the program's to be ruled by.
    env = {**os.environ, "BECKON_PORT": "x"}
    done = subprocess.run([consumer / "embedding", "start", "--insecure", "--port=0", "--admin-listen=off"],
                          env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0 and done.stdout.endswith(" invalid-node\nstopped\n"), done


def test_a_program_has_process_ids_of_ours(consumer):
    """Two programs in two containers may have one process id: CAF must not make the node's id of it."""
    options = ["--insecure", "--port=0", "--admin-listen=off", "--cluster.insecure", "--cluster.listen=127.0.0.1:0"]
    process = subprocess.Popen([consumer / "embedding", "start", *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    said = process.communicate(timeout=30)[0]
    assert process.returncode == 0, said
    assert re.match(r"\d+ [0-9A-F]+#\d+\nstopped\n", said) and f"#{process.pid}\n" not in said, said


# --- plug-ins ---


@pytest.fixture(scope="module")
def with_doorman(consumer, beckon):
    with Server(f"--behaviour-library={consumer}/libdoorman.so", "--behaviour=doorman @ club*", "--behaviour-option=doorman.out=eve",
                binary=str(beckon)) as server:
        yield server


def test_the_installed_server_loads_a_plug_in(with_doorman):
    assert joins(with_doorman.port, "club")


def test_a_behaviour_of_a_plug_in_is_asked(with_doorman):
    assert keeps_out(with_doorman.port, "club 7", "eve") and not keeps_out(with_doorman.port, "pub", "eve")


def test_a_living_group_gets_and_loses_a_behaviour_by_sighup(consumer, beckon, tmp_path):
    path = tmp_path / "beckon.ini"
    plain = f"insecure = true\nbehaviour-library = {consumer}/libdoorman.so\n"
    path.write_text(plain)
    with Server(f"--config={path}", insecure=False, binary=str(beckon)) as server:
        with Raw(server.port).open("anyone", "club"):
            for times, rules in enumerate(("behaviour = doorman @ club\n[behaviour.doorman]\nout = eve\n", "",
                                           "behaviour = doorman @ club\n[behaviour.doorman]\nout = eva\n")):
                path.write_text(plain + rules)
                server.process.send_signal(signal.SIGHUP)
                eventually(lambda: server.log().count("behaviours_chosen") == times + 1, 10, "the rules, read again")
                for out in ("eve", "eva"):
                    wanted = f"out = {out}\n" in rules
                    eventually(lambda: keeps_out(server.port, "club", out) == wanted, 10, f"{out} after {rules!r}")


def test_a_living_group_gets_a_behaviour_by_http(consumer, beckon, tmp_path):
    key = tmp_path / "admin.key"
    key.write_text("k" * 32)
    with Server(f"--behaviour-library={consumer}/libdoorman.so", "--behaviour-option=doorman.out=eve", f"--admin-key-file={key}",
                binary=str(beckon)) as server:
        with Raw(server.port).open("anyone", "club"):
            assert not keeps_out(server.port, "club", "eve")
            for name, kept_out in (("doorman", True), ("", False)):
                assert server.choose_behaviour("club", name, "k" * 32)["behaviour"] == (name or None)
                assert keeps_out(server.port, "club", "eve") == kept_out
                assert json.loads(server.get("/groups/club/behaviour", admin=True)[1])["behaviour"] == (name or None)


class Crowd:
    """Members of one group; each sends numbered messages to the next one, whoever's turn it is."""

    def __init__(self, port, group, size):
        self.group, self.size = group, size
        self.members = [Raw(port).open(f"m{i}", group) for i in range(size)]
        self.sent = [0] * size
        self.answered = self.got = 0
        self.last = [0] * size  # number that each got
        self.wrong = []
        self.ready = selectors.DefaultSelector()
        for i, member in enumerate(self.members):
            self.ready.register(member.socket, selectors.EVENT_READ, i)

    def send(self, turn):
        i = turn % self.size
        self.sent[i] += 1
        to = f"m{(i + 1) % self.size}"
        self.members[i].text({"type": "send", "id": self.sent[i], "group": self.group, "to": to, "data": self.sent[i]})

    def read(self, until):
        """Takes what comes until a time."""
        while (left := until - time.monotonic()) > 0:
            for key, _ in self.ready.select(left):
                self._take(key.data)

    def _take(self, i):
        member = self.members[i]
        frame = member.json()
        while True:
            if frame["type"] == "direct":
                if frame["data"] != self.last[i] + 1:
                    self.wrong.append(f"m{i}: {frame} after {self.last[i]}")
                self.last[i] = frame["data"]
                self.got += 1
            elif frame["type"] == "ok":
                self.answered += 1
            else:
                self.wrong.append(f"m{i}: {frame}")
            if not member.buffer:  # frames come whole: a segment holds some of them
                return
            frame = member.json()

    def close(self):
        for member in self.members:
            member.socket.close()


def test_swaps_lose_and_reorder_nothing(consumer, beckon, tmp_path):
    key = tmp_path / "admin.key"
    key.write_text("k" * 32)
    rate, seconds, swaps = 1000, 4, ["counting_on", "counting", "counting_on"]
    with Server(f"--behaviour-library={consumer}/libcounting.so", "--behaviour=counting @ *", f"--admin-key-file={key}",
                binary=str(beckon)) as server, contextlib.closing(Crowd(server.port, "crowd", 1000)) as crowd:
        pauses = []

        def swap(name):
            pauses.append(server.choose_behaviour("crowd", name, "k" * 32)["pause_us"])

        start = time.monotonic()
        due = {rate * seconds * (n + 1) // (len(swaps) + 1): name for n, name in enumerate(swaps)}
        with ThreadPoolExecutor(1) as elsewhere:
            swapped = []
            for turn in range(rate * seconds):
                if turn in due:
                    swapped.append(elsewhere.submit(swap, due[turn]))
                crowd.send(turn)
                crowd.read(start + turn / rate)
            for each in swapped:
                each.result(timeout=30)
        took = time.monotonic() - start
        total = rate * seconds
        deadline = time.monotonic() + 30
        while (crowd.got < total or crowd.answered < total) and not crowd.wrong and time.monotonic() < deadline:
            crowd.read(time.monotonic() + 0.1)
        assert not crowd.wrong, crowd.wrong[:5]
        assert (crowd.got, crowd.answered, len(pauses)) == (total, total, len(swaps))
        # The count went from one behaviour to the next, and none has missed a message.
        assert crowd.members[0].ask({"type": "call", "id": 10**6, "group": "crowd", "name": "sent", "data": None})["data"] == total
        note(f"three swaps among 1,000 members at {total / took:.0f} messages a second: 0 lost, 0 reordered, "
             f"the group's pause {', '.join(str(p) for p in pauses)} us")


@pytest.mark.parametrize("library, says", [
    ("libwrong_abi.so", r"was built against 'beckon-behaviour-0/0\.0\.1', and this is 'beckon-behaviour-\d+/[\d.]+'"),
    ("libno_symbol.so", r"has no beckon_register_behaviours"),
    ("libthrowing.so", r"failed at its registration: no database$"),
    ("libnowhere.so", r"cannot be loaded: cannot open shared object file: No such file or directory$"),
    ("CMakeCache.txt", r"cannot be loaded: "),
])
def test_a_library_that_is_no_plug_in_of_ours_is_named(consumer, beckon, library, says):
    path = consumer / library
    for wish in ((), ("--check-config",)):
        line = refused(beckon, "serve", "--insecure", f"--behaviour-library={path}", *wish)
        assert line.startswith(f"beckon: behaviour-library: '{path}' "[:90]) and re.search(says, line), line


def test_a_behaviour_that_two_libraries_have_is_named(consumer, beckon, tmp_path):
    again = tmp_path / "libagain.so"
    shutil.copy(consumer / "libdoorman.so", again)
    line = refused(beckon, "serve", "--insecure", f"--behaviour-library={consumer}/libdoorman.so", f"--behaviour-library={again}")
    assert "libagain.so" in line and "two behaviours named 'doorman'" in line, line


def test_a_behaviour_that_no_library_has_is_named(consumer, beckon):
    library = f"--behaviour-library={consumer}/libdoorman.so"
    line = refused(beckon, "serve", "--insecure", library, "--behaviour=auction @ *")
    assert line == "beckon: behaviour: 'auction' is no behaviour (there are: doorman)\n"
    assert "'auction' is no behaviour" in refused(beckon, "serve", "--insecure", library, "--behaviour-option=auction.x=1")
    done = subprocess.run([beckon, "serve", "--insecure", library, "--behaviour=doorman @ *", "--check-config"],
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == 0 and done.stdout == "the configuration is good\n", done


def test_a_library_without_a_slash_is_one_of_the_working_directory(consumer, beckon):
    command = [beckon, "serve", "--insecure", "--behaviour-library=libdoorman.so", "--check-config"]
    assert subprocess.run(command, cwd=consumer, capture_output=True, timeout=30).returncode == 0
    assert "cannot be loaded" in refused(*command)


@pytest.mark.limit(300)
def test_a_hook_that_would_never_be_called_does_not_compile(prefix, tmp_path):
    (tmp_path / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.24)\nproject(wrong LANGUAGES CXX)\nfind_package(beckon)\n"
                                             "add_library(wrong MODULE wrong.cpp)\ntarget_link_libraries(wrong PRIVATE beckon::beckon)\n")
    for arguments, compiles in (("beckon::group&, beckon::message&", True), ("beckon::group&, const beckon::message&", False)):
        (tmp_path / "wrong.cpp").write_text("#include <beckon/behaviour.hpp>\nstruct wrong : beckon::behaviour {\n"
                                            f"  beckon::verdict sending({arguments}) {{ return beckon::deny(); }}\n}};\n"
                                            'BECKON_BEHAVIOURS(all) { all.add<wrong>("wrong"); }\n')
        call("cmake", "-S", tmp_path, "-B", tmp_path / "build", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}",
             "-DCMAKE_CXX_FLAGS=-Wno-overloaded-virtual")
        done = subprocess.run(["cmake", "--build", tmp_path / "build"], capture_output=True, text=True, timeout=120)
        assert (done.returncode == 0) == compiles, done.stdout[-3000:]
        assert compiles or "would not be called" in done.stdout


# --- a new project ---


@pytest.mark.limit(300)
def test_a_new_project_is_built_and_its_test_passes(prefix, beckon, tmp_path):
    started = time.monotonic()
    call(beckon, "new-behaviour", "quiz_7", cwd=tmp_path)
    configured, compiled = build(tmp_path / "quiz_7", tmp_path / "build", prefix)
    call("ctest", "--test-dir", tmp_path / "build", "--output-on-failure", "--no-tests=error")
    rest = time.monotonic() - started - compiled
    note(f"new-behaviour: {rest:.1f} s ({configured:.1f} s of cmake), and {compiled:.1f} s to compile")
    assert rest < 60
    with Server(f"--behaviour-library={tmp_path}/build/libquiz_7.so", "--behaviour=quiz_7 @ *", binary=str(beckon)) as server:
        assert joins(server.port, "g")


@pytest.mark.parametrize("name", ["", "Quiz", "1st", "../x", "a-b", "x" * 65, "class"])
def test_a_bad_name_of_a_project_is_refused(tmp_path, name):
    done = subprocess.run([harness.BINARY, "new-behaviour", name], cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert done.returncode == 78 and done.stderr.count("\n") == 1 and list(tmp_path.iterdir()) == [], done


def test_a_project_never_overwrites_anything(tmp_path):
    (tmp_path / "quiz").mkdir()
    done = subprocess.run([harness.BINARY, "new-behaviour", "quiz"], cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert done.returncode == 78 and "exists already" in done.stderr and list((tmp_path / "quiz").iterdir()) == [], done
