"""A process that stands still."""

import contextlib
import signal
import time
from pathlib import Path

from harness import eventually


@contextlib.contextmanager
def frozen(process, least=0.0):
    """SIGSTOP for the block, and for `least` seconds behind it. It begins once every thread stands: what one of them still read after
    the signal would come apart from the rest."""
    process.send_signal(signal.SIGSTOP)
    try:
        threads = Path(f"/proc/{process.pid}/task")
        eventually(lambda: all(state(thread) == "T" for thread in threads.iterdir()), 10, "every thread stands")
        yield
        time.sleep(least)
    finally:
        process.send_signal(signal.SIGCONT)


def state(thread):
    return (thread / "stat").read_text().rsplit(")", 1)[1].split()[0]
