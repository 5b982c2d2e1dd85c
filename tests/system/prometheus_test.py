"""A real Prometheus, started here and never as a service, scrapes the operator's listener."""

import json
import shutil
import socket
import subprocess
import urllib.parse
import urllib.request

import pytest

from harness import Server, eventually
from raw import Raw

PROMETHEUS = shutil.which("prometheus")
CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: beckon
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


@pytest.mark.skipif(not PROMETHEUS, reason="no `prometheus` on this machine")
def test_prometheus_scrapes_the_server(tmp_path):
    with Server() as server, Raw(server.port).open("alice", "g"):
        config = tmp_path / "prometheus.yml"
        config.write_text(CONFIG.format(port=server.admin_port))
        # It cannot be told to choose a port and say which: a free one is asked for, then tried.
        port = _free_port()
        with open(tmp_path / "log", "wb") as log:
            process = subprocess.Popen(
                [PROMETHEUS, f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'data'}",
                 f"--web.listen-address=127.0.0.1:{port}"],
                stdout=log, stderr=log,
            )
        try:

            def value(query):
                try:
                    found = _query(port, query)
                except OSError:
                    return None
                return float(found[0]["value"][1]) if found else None

            eventually(lambda: value('up{job="beckon"}') == 1, 30, "up == 1")
            eventually(lambda: value("sum(beckon_sessions)") == 1, 30, "beckon_sessions == 1")
            names = {series["metric"]["__name__"] for series in _query(port, '{job="beckon"}')}
            assert {"beckon_groups", "beckon_members"} <= names, names
            # Labels per uid or group would grow without bound.
            labels = {label for series in _query(port, '{job="beckon"}') for label in series["metric"]}
            assert not labels & {"uid", "user", "group", "session"}, labels
        finally:
            process.terminate()
            process.wait(15)


def test_the_metrics_say_what_happened():
    with Server() as server:
        with Raw(server.port).open("alice", "g") as alice:
            alice.ask({"type": "send", "id": 1, "to": ["alice", "ghost"], "data": 1})
            assert server.metric("beckon_messages_total", kind="send", outcome="delivered") == 1
            assert server.metric("beckon_messages_total", kind="send", outcome="offline") == 1
            assert (server.metric("beckon_sessions"), server.metric("beckon_groups")) == (1, 1)
            assert server.metric("beckon_members") == 1
        names = {name for name, _ in server.metrics()}
        for part in ("queued_bytes", "slow_consumers", "closes", "rejects", "handed", "memory"):
            assert any(part in name for name in names), f"nothing about {part}: {sorted(names)}"


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _query(port, query):
    url = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": query})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=5) as answer:
        return json.load(answer)["data"]["result"]
