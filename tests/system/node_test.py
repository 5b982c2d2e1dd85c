"""Node's `ws`, which nobody here wrote, through the whole protocol: node/protocol.mjs."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from harness import BUILD

NODE, NPM = shutil.which("node"), shutil.which("npm")
SOURCE = Path(__file__).resolve().parent / "node"
TARGET = BUILD / "node-client"


def install():
    """Puts `ws`, as pinned, beside a copy of the test under build/. Does nothing where that is so already."""
    TARGET.mkdir(parents=True, exist_ok=True)
    pins = {name: (SOURCE / name).read_text() for name in ("package.json", "package-lock.json")}
    done = TARGET / "node_modules" / ".installed"
    if not done.exists() or done.read_text() != pins["package-lock.json"]:
        for name, text in pins.items():
            (TARGET / name).write_text(text)
        subprocess.run([NPM, "ci", "--no-audit", "--no-fund"], cwd=TARGET, check=True, timeout=100, capture_output=True)
        done.write_text(pins["package-lock.json"])
    # Node looks for modules beside the file that imports them.
    (TARGET / "protocol.mjs").write_text((SOURCE / "protocol.mjs").read_text())


@pytest.mark.limit(180)
@pytest.mark.skipif(not NODE or not NPM, reason="no `node` and `npm` on this machine")
def test_ws_drives_the_whole_protocol(server, fleet):
    install()
    result = subprocess.run(
        [NODE, "--test", "protocol.mjs"], cwd=TARGET, capture_output=True, text=True, timeout=60,
        env={**os.environ, "BECKON_PORT": str(server.port)},
    )
    assert result.returncode == 0, result.stdout[-8000:] + result.stderr[-2000:]
    fleet.lost_nothing()
