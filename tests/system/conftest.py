"""What all system tests share: `--long`, a time limit for each test, coroutine tests, the shared server and its fleet."""

import asyncio
import inspect
import os
import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import harness  # noqa: E402
from fleet import Fleet  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="also run the tests that take minutes")
    parser.addoption("--every", type=int, default=1, metavar="N", help="run only every Nth test")


def pytest_collection_modifyitems(config, items):
    items[:] = items[:: config.getoption("--every")]
    for item in items:
        if item.get_closest_marker("long") and not config.getoption("--long"):
            item.add_marker(pytest.mark.skip(reason="takes minutes: --long"))
        plain = item.get_closest_marker("plain")
        if plain and harness.SANITIZER:
            item.add_marker(pytest.mark.skip(reason=f"not under a sanitizer: {plain.args[0]}"))


def pytest_sessionstart(session):
    if not os.access(harness.BINARY, os.X_OK):
        pytest.exit(f"no server at {harness.BINARY}: build the release preset, or name one by BECKON", 2)


class TooLong(BaseException):
    """Not an Exception: no handler of a test may swallow it."""


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    marker = item.get_closest_marker("limit")
    seconds = (marker.args[0] if marker else 60) * harness.SLOWER

    def give_up(*_):
        raise TooLong(f"{item.name} took more than {seconds} s")

    previous = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(seconds)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """A test that is a coroutine runs in an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


@pytest.fixture(scope="session")
def server():
    """The server of all tests that need no options: --insecure, hence without rate limits."""
    with harness.Server() as started:
        yield started
        # P5: after everything that was done to it, nothing is left of anybody.
        for gauge in ("connections", "sessions", "groups", "members", "queued_bytes"):
            harness.eventually(lambda: started.metric(f"beckon_{gauge}") == 0, 5, f"beckon_{gauge} returns to 0")


@pytest.fixture(scope="session")
def fleet(server):
    """100 bystanders of the shared server. A table ends with a test that calls `fleet.lost_nothing()`."""
    started = Fleet(server.port)
    yield started
    started.stop()
