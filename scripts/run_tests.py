"""Runs one set of tests and counts: the part of ./test that comes once everything is installed.

A step is one runner: ctest, pytest, a fuzz target, a check. A step that fails does not keep the next from running,
but for a build that others stand on. The closing line counts them all; the exit code is 0 only if nothing failed.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
EVERYTHING = ("-DBECKON_TESTS=ON", "-DBECKON_EXAMPLES=ON", "-DBECKON_BENCH=ON")  # also where ./run has turned it off
EVERYTHING_BUT_BENCH = ("-DBECKON_TESTS=ON", "-DBECKON_EXAMPLES=ON", "-DBECKON_BENCH=OFF")
SECONDS_MAX = 3600  # of one command; the steps know better where they can

# Formats differ between versions; this one is Debian 12's.
CLANG_FORMAT_VERSION = 14


@dataclass
class Step:
    name: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0
    notes: list = field(default_factory=list)  # what failed, and why something was skipped

    def fail(self, note):
        self.failed += 1
        self.notes.append(f"failed: {note}")

    def skip(self, note):
        self.skipped += 1
        self.notes.append(f"skipped: {note}")

    def check(self, ok, note):
        if ok:
            self.passed += 1
        else:
            self.fail(note)
        return ok


def run(command, seconds_max=SECONDS_MAX, log=None, env=None):
    """Runs a command in the tree's root, with all that it starts.

    @returns its exit code; -9 when it took longer than seconds_max and was ended. Output goes to the file `log`
    where one is named, else through.
    """
    print("+", *command, f"> {log.relative_to(ROOT)}" if log else "", flush=True)
    if log:
        log.parent.mkdir(parents=True, exist_ok=True)
    output = open(log, "w") if log else None
    child = subprocess.Popen(
        [str(part) for part in command],
        cwd=ROOT,
        env=os.environ | (env or {}),
        stdout=output,
        stderr=subprocess.STDOUT if log else None,
        start_new_session=True,  # so that one signal reaches all of it
    )
    try:
        return child.wait(timeout=seconds_max)
    except subprocess.TimeoutExpired:
        print(f"ended: took over {seconds_max} s", flush=True)
        return -signal.SIGKILL
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGTERM)
            try:
                child.wait(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        if output:
            output.close()


def show_end(log, lines=40):
    print("".join(log.read_text(errors="replace").splitlines(keepends=True)[-lines:]), flush=True)


def build(step, preset, *definitions):
    ok = run(["cmake", "--preset", preset, *definitions]) == 0
    ok = ok and run(["cmake", "--build", "--preset", preset]) == 0
    if not ok:
        step.fail(f"the build of the preset {preset}")
    return ok


def count_junit(step, report, exit_code):
    """Adds up a JUnit report as ctest and pytest write it."""
    if not report.exists():
        step.fail(f"no report; exit code {exit_code}")
        return
    failed_before = step.failed
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            step.fail(name)
        elif skipped is not None or case.get("status") in ("notrun", "disabled"):
            step.skip(f"{name}: {skipped.get('message') if skipped is not None else case.get('status')}")
        else:
            step.passed += 1
    if exit_code and step.failed == failed_before:
        step.fail(f"exit code {exit_code}")


def run_ctest(step, preset, *arguments, env=None, seconds_max=900):
    report = BUILD / preset / "ctest.xml"
    report.unlink(missing_ok=True)
    command = ["ctest", "--preset", preset, "--parallel", str(os.cpu_count()), "--no-tests=error"]
    code = run([*command, "--output-junit", report, *arguments], seconds_max, env=env)
    count_junit(step, report, code)


def run_pytest(step, *arguments, tests="tests/system", seconds_max=1200, env=None):
    report = BUILD / "system.xml"
    report.unlink(missing_ok=True)
    command = ["/usr/bin/python3", "-m", "pytest", tests, "-rs", "--durations=10"]
    code = run([*command, f"--junit-xml={report}", *arguments], seconds_max, env=env)
    count_junit(step, report, code)


def run_pytest_against(step, preset, *arguments, **named):
    """The system tests against the server of a sanitizer's preset. What it finds is a failure, whichever test it came in, and
    whether that test noticed."""
    found = BUILD / preset / "found"
    shutil.rmtree(found, ignore_errors=True)
    found.mkdir(parents=True)
    options = f"log_path={found}/report:halt_on_error=1"
    env = {
        "BECKON": str(BUILD / preset / "beckon"),
        "ASAN_OPTIONS": options,
        "UBSAN_OPTIONS": f"{options}:print_stacktrace=1",
    }
    run_pytest(step, *arguments, env=env, **named)
    for report in sorted(found.iterdir()):
        show_end(report, 200)
        step.fail(f"{preset}: see {report.relative_to(ROOT)}")


def sources(*folders):
    """Our C++ files below the folders."""
    for folder in folders or ("protocol", "actors", "net", "include", "examples", "tests", "bench", "cmake"):
        for suffix in ("cpp", "hpp"):
            files = (ROOT / folder).rglob(f"*.{suffix}")
            yield from sorted(file for file in files if "node_modules" not in file.parts)


def check_format(step):
    version = subprocess.run(["clang-format", "--version"], capture_output=True, text=True, check=True).stdout
    if f"version {CLANG_FORMAT_VERSION}." not in version:
        step.skip(f"the tree is formatted by clang-format {CLANG_FORMAT_VERSION}; here: {version.strip()}")
        return
    step.check(run(["clang-format", "--dry-run", "--Werror", *sources()]) == 0, "clang-format")


def run_clang_tidy(step, files):
    """Checks the .cpp files; headers are checked with the files that include them."""
    if not step.check(run(["cmake", "--preset", "tidy"]) == 0, "configuring for clang-tidy"):
        return
    for file in files:
        if file.suffix == ".cpp":
            name = file.relative_to(ROOT)
            step.check(run(["clang-tidy", "--quiet", "-p", "build/tidy", name], seconds_max=600) == 0, name)


def changed_files():
    base = subprocess.run(["git", "merge-base", "HEAD", "main"], capture_output=True, text=True, check=True).stdout
    command = ["git", "diff", "--name-only", "--diff-filter=d", base.strip()]
    names = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    apart = {"consumer", "new_behaviour"}  # projects of their own, which the tidy preset does not configure
    return [file for file in sources() if str(file.relative_to(ROOT)) in names and not apart & set(file.parts)]


def fuzz_targets():
    return sorted(file for file in (BUILD / "fuzz").glob("fuzz_*") if file.is_file() and os.access(file, os.X_OK))


def run_fuzz(step, target, seconds):
    """Runs one libFuzzer target from its seeds in tests/fuzz/corpus; what it finds is kept in build/fuzz."""
    log = BUILD / "fuzz" / f"{target.name}.log"
    found = BUILD / "fuzz" / "corpus" / target.name
    found.mkdir(parents=True, exist_ok=True)
    seeds = ROOT / "tests/fuzz/corpus" / target.name.removeprefix("fuzz_")
    command = [target, f"-max_total_time={seconds}", f"-artifact_prefix={BUILD}/fuzz/{target.name}-", found]
    if seeds.is_dir():
        command.append(seeds)
    ok = run(command, seconds + 120, log) == 0
    show_end(log, 1 if ok else 60)
    step.check(ok, f"{target.name}; see {log.relative_to(ROOT)}")


def check_headers(step):
    command = ["cmake", "--build", "--preset", "release", "--target", "all_verify_interface_header_sets", "--", "-k", "0"]
    step.check(run(command) == 0, "a header that does not compile alone")


def run_in_debian(step, release):
    """The two commands of the README, where nothing is installed but bash and apt."""
    become_root = [] if os.geteuid() == 0 else ["sudo"]
    inside = [*become_root, "scripts/in_debian", str(release)]
    step.check(run([*inside, "./run", "--version"]) == 0, "./run --version")
    step.check(run([*inside, "./test"]) == 0, "./test")


class Tests:
    """The steps of this run and what became of them."""

    def __init__(self):
        self.steps = []

    def step(self, name, function, *arguments, **named):
        step = Step(name)
        self.steps.append(step)
        print(f"\n== {name}", flush=True)
        started = time.monotonic()
        try:
            return function(step, *arguments, **named)
        except (OSError, subprocess.SubprocessError) as error:
            step.fail(error)
        finally:
            step.seconds = time.monotonic() - started

    def close(self):
        """Prints the table and the closing line. @returns the exit code."""
        width = max((len(step.name) for step in self.steps), default=0)
        print(f"\n{'':{width}}  passed  failed skipped  seconds")
        for step in self.steps:
            print(f"{step.name:{width}} {step.passed:7} {step.failed:7} {step.skipped:7} {step.seconds:8.1f}")
        for step in self.steps:
            for note in step.notes:
                print(f"{step.name}: {note}")
        passed, failed, skipped = (
            sum(getattr(step, what) for step in self.steps) for what in ("passed", "failed", "skipped")
        )
        print(f"\n{passed} passed, {failed} failed, {skipped} skipped", flush=True)
        return 1 if failed or not passed else 0


def fuzz(tests, seconds):
    if tests.step("build fuzz", build, "fuzz"):
        for target in fuzz_targets():
            tests.step(target.name, run_fuzz, target, seconds)


def ordinary(tests):
    tests.step("format", check_format)
    if tests.step("build release", build, "release", *EVERYTHING):
        tests.step("ctest", run_ctest, "release")
        tests.step("system", run_pytest)
    fuzz(tests, 20)


def sanitize(tests):
    if tests.step("build asan", build, "asan", *EVERYTHING_BUT_BENCH):
        tests.step("ctest asan", run_ctest, "asan")
        tests.step("system asan", run_pytest_against, "asan", seconds_max=1800)


def tidy(tests):
    tests.step("clang-tidy", run_clang_tidy, changed_files())


def long(tests):
    seeds = os.environ.get("SEEDS", "1000000")
    fuzz_minutes = int(os.environ.get("FUZZ_MINUTES", "10"))
    if tests.step("build release", build, "release", *EVERYTHING):
        tests.step(f"simulation {seeds}", run_ctest, "release", "-R", "^simulation$", env={"SEEDS": seeds},
                   seconds_max=4 * 3600)
        tests.step("system long", run_pytest, "--long", seconds_max=4 * 3600)
        tests.step("headers alone", check_headers)
    if tests.step("build asan", build, "asan", *EVERYTHING_BUT_BENCH):
        tests.step("ends asan", run_pytest_against, "asan", "--long", tests="tests/system/ends_test.py", seconds_max=4 * 3600)
    tests.step("clang-tidy", run_clang_tidy, sources("protocol", "actors", "net"))
    fuzz(tests, 60 * fuzz_minutes)
    tests.step("debian 13", run_in_debian, 13)


def main():
    kinds = {(): ordinary, ("--sanitize",): sanitize, ("--tidy",): tidy, ("--long",): long}
    kind = kinds[tuple(sys.argv[1:])]
    # A request to end becomes an exception, so that run() takes its children along.
    for request in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(request, lambda number, _: sys.exit(128 + number))
    os.environ["PATH"] += f":{BUILD}/tools:/usr/sbin:/sbin"
    tests = Tests()
    kind(tests)
    sys.exit(tests.close())


main()
