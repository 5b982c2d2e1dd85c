"""How `beckon` starts, or says in one line why not (issue 2, section 1)."""

import json
import os
import socket
import subprocess

import pytest

from harness import BINARY, Server, eventually
from raw import Raw


def run(*arguments, env=None):
    environment = {"PATH": os.environ["PATH"], **(env or {})}
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=10, env=environment)


def refused(*arguments, env=None):
    """@returns the one line on stderr of a start that ends with 78."""
    result = run("serve", *arguments, env=env)
    assert result.returncode == 78, result
    assert result.stdout == "" and result.stderr.count("\n") == 1, result
    return result.stderr


@pytest.mark.parametrize("arguments, named", [
    (["--insecure", "--no-such-option"], "no-such-option"),
    (["--insecure", "--por=1"], "por"),
    (["--insecure", "--port=abc"], "port"),
    (["--insecure", "--port=65536"], "port"),
    (["--insecure", "--ping=0s"], "ping"),
    (["--insecure", "--listen=nowhere"], "listen"),
    (["--insecure", "--policy=x"], "policy"),
    (["--insecure", "--log-format=xml"], "log-format"),
    (["--token-key-file=/no/such/file"], "/no/such/file"),
    (["--insecure", "--config=/no/such/file"], "/no/such/file"),
    ([], "insecure"),
])
def test_a_wrong_option_is_named_in_one_line(arguments, named):
    assert named in refused(*arguments)


def test_a_wrong_line_of_the_file_is_named(tmp_path):
    path = tmp_path / "beckon.ini"
    path.write_text("# fine\ninsecure = true\nport = 0\nping = never\n")
    line = refused(f"--config={path}")
    assert str(path) in line and "4" in line and "ping" in line
    path.write_text("insecure = true\nno-such-option = 1\n")
    line = refused(f"--config={path}")
    assert "2" in line and "no-such-option" in line


def test_a_wrong_variable_is_named():
    assert "BECKON_PORT" in refused("--insecure", env={"BECKON_PORT": "x"})


def test_a_port_in_use_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert str(port) in refused("--insecure", f"--port={port}", "--admin-listen=off")


def test_a_second_server_on_the_same_port_does_not_start():
    with Server() as server:
        assert str(server.port) in refused("--insecure", f"--port={server.port}", "--admin-listen=off")
        assert str(server.admin_port) in refused("--insecure", "--port=0", f"--admin-listen=127.0.0.1:{server.admin_port}")
        assert Raw(server.port).open("a")


def test_command_line_beats_environment_beats_file(tmp_path):
    path = tmp_path / "beckon.ini"
    path.write_text("insecure = true\nnode = from-file\nmax-batch = 10\nmax-recipients = 10\n")
    printed = run(
        "serve", f"--config={path}", "--node=from-line", "--print-config",
        env={"BECKON_NODE": "from-environment", "BECKON_MAX_BATCH": "11"},
    )
    assert printed.returncode == 0, printed
    lines = {line.replace(" ", "") for line in printed.stdout.splitlines()}
    assert {"node=from-line", "max-batch=11", "max-recipients=10"} <= lines, printed.stdout


def test_what_is_printed_is_a_file_that_can_be_read(tmp_path):
    path = tmp_path / "beckon.ini"
    path.write_text(run("serve", "--insecure", "--port=0", "--print-config").stdout)
    assert run("serve", f"--config={path}", "--check-config").returncode == 0
    assert run("serve", f"--config={path}", "--print-config").stdout == path.read_text()


def test_a_checked_configuration_says_what_it_warns_of():
    checked = run("serve", "--insecure", "--listen=0.0.0.0", "--check-config")
    assert checked.returncode == 0 and checked.stdout == "the configuration is good\n", checked
    assert "insecure" in checked.stderr and "0.0.0.0" in checked.stderr, checked


def test_a_closed_standard_descriptor_is_no_client_s(tmp_path):
    """Else the first socket is number 2, and the log goes there."""
    command = [BINARY, "serve", "--insecure", "--port=0", "--admin-listen=off"]
    child = subprocess.Popen(["sh", "-c", 'exec "$0" "$@" <&- 2>&-', *command], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout.readline().startswith("listening on")
        for number in (0, 2):
            assert os.readlink(f"/proc/{child.pid}/fd/{number}") == "/dev/null"
    finally:
        child.terminate()
        assert child.wait(timeout=10) == 0
        child.stdout.close()


def test_help_and_version():
    for arguments in (["--help"], ["serve", "--help"], ["--version"], ["serve", "--version"]):
        result = run(*arguments)
        assert result.returncode == 0 and result.stdout and not result.stderr, result
    assert "--max-groups-per-session" in run("serve", "--help").stdout


def test_localhost_is_both_families():
    with Server() as server:
        with Raw(server.port, host="127.0.0.1") as peer:
            assert peer.upgrade("/ws?uid=a").status == 101
        if socket.has_ipv6 and os.path.exists("/proc/net/if_inet6"):
            with Raw(server.port, host="::1") as peer:
                assert peer.upgrade("/ws?uid=a").status == 101


def test_insecure_is_said_in_the_log_and_listens_on_loopback_only():
    with Server() as server:
        eventually(lambda: "insecure" in server.log(), 1, "the log says so")
        listeners = subprocess.run(["cat", "/proc/net/tcp"], capture_output=True, text=True, check=True).stdout
        bound = [line.split()[1] for line in listeners.splitlines()[1:] if f":{server.port:04X}" in line.split()[1]
                 and line.split()[3] == "0A"]
        assert bound and all(address.startswith("0100007F") for address in bound), bound


def test_options_given_win_over_what_insecure_lifts():
    with Server(max_connections_per_address=1) as server, Raw(server.port).open("a"):
        with Raw(server.port) as second:
            assert second.upgrade("/ws?uid=b").status == 429
    with Server() as server:
        peers = [Raw(server.port).open("same") for _ in range(80)]
        for peer in peers:
            peer.reset()


def test_the_log_for_machines_is_one_json_object_a_line():
    with Server(log_format="json", log_level="debug") as server:
        with Raw(server.port).open("a", "g") as peer:
            peer.text("oops")
            peer.json()
        with Raw(server.port) as peer:
            peer.send(b"POST / HTTP/1.1\r\nHost: h\r\n\r\n")
            peer.until_end()
        server.stop()
        lines = server.log().splitlines()
        assert lines and all(isinstance(json.loads(line), dict) for line in lines)


def test_the_log_never_holds_a_payload():
    canary = "canary-5b1f"
    with Server(log_level="debug") as server:
        with Raw(server.port).open("a", "g") as peer:
            peer.ask({"type": "send", "id": 1, "to": "a", "data": canary})
            peer.ask({"type": "join", "id": 2, "group": "g", "meta": canary})
            peer.text('{"type":"send","id":3,"to":"a","data":"%s' % canary)
            peer.json()
            peer.text({"type": "send", "id": 4, "to": [canary * 20], "data": {canary: 1}})
            peer.json()
        server.stop()
        assert canary not in server.log()
