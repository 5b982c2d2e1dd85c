"""Runs cases against servers, in turns, and keeps what each run found."""

import json
import os
import sys
import time
from statistics import median

import peers
import servers


def busy_seconds():
    """What all processes used of all cores so far."""
    with open("/proc/stat") as stat:
        fields = [int(field) for field in stat.readline().split()[1:9]]
    idle, iowait = fields[3], fields[4]
    return (sum(fields) - idle - iowait) / os.sysconf("SC_CLK_TCK")


def used_seconds(pids):
    used = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        used += int(fields[11]) + int(fields[12])
    return used / os.sysconf("SC_CLK_TCK")


def arguments_of(case, peer, pace, saturation):
    seconds = case.seconds or pace.seconds * peer.slowness
    arguments = [*case.load, "--warm-up", pace.warm_up * peer.slowness, "--seconds", seconds]
    if case.of_saturation:
        arguments += ["--rate", round(case.of_saturation * saturation)]
    return arguments


def run_once(case, name, pace, saturation):
    """One run of a fresh server. @returns its figures, and a sentence."""
    cores = servers.cores()
    server_cores = f"{cores[0]},{cores[1]}" if case.shares_cores else cores[0]
    options = case.options if name == "beckon" else ()
    with servers.running(name, server_cores, options=options) as server:
        began, busy, used, own = time.monotonic(), busy_seconds(), used_seconds(server.pids), os.times()
        arguments = arguments_of(case, peers.KNOWN[name], pace, saturation)
        run, sentence = servers.load(server, cores[1], *arguments, "--label", name)
        now_own = os.times()
        children = now_own.children_user + now_own.children_system - own.children_user - own.children_system
        foreign = busy_seconds() - busy - (used_seconds(server.pids) - used) - children
        run["foreign_cpu_share"] = round(max(0, foreign / (time.monotonic() - began) / os.cpu_count()), 3)
    return run | {"case": case.name}, sentence


class Progress:
    """A bar on a terminal, a line per run elsewhere."""

    WIDTH = 30

    def __init__(self, total):
        self.total = total
        self.done = 0
        self.began = time.monotonic()
        self.is_terminal = sys.stderr.isatty()

    def starts(self, what):
        if self.is_terminal:
            filled = self.WIDTH * self.done // self.total
            bar = "#" * filled + "-" * (self.WIDTH - filled)
            print(f"\r[{bar}] {self.done}/{self.total} {self.left()}{what}\033[K", end="", file=sys.stderr, flush=True)

    def left(self):
        if not self.done:
            return ""
        seconds = (time.monotonic() - self.began) / self.done * (self.total - self.done)
        return f"{seconds // 60:.0f}:{seconds % 60:02.0f} left, "

    def ended(self, sentence, failed):
        self.done += 1
        if self.is_terminal and self.done == self.total:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
        if not self.is_terminal:
            print(f"[{self.done}/{self.total}] {sentence}", file=sys.stderr, flush=True)
        elif failed:
            print(f"\r{sentence}\033[K", file=sys.stderr, flush=True)


def saturation_of_ws(found):
    runs = found.get("direct", {}).get("ws", [])
    return median(run["delivered_per_second"] for run in runs) if runs else 0


def attempt(case, name, pace, saturation):
    """Twice at most: half an hour of runs is not thrown away for one. @returns as run_once, or what was in the way."""
    for is_last in (False, True):
        try:
            return run_once(case, name, pace, saturation)
        except (RuntimeError, OSError) as problem:
            if is_last:
                return {"case": case.name, "server": name, "error": str(problem)}, f"{case.name} on {name}: {problem}"


def measure(plan, pace, record):
    """`plan`: [(case, servers)]; every run goes to `record` as a line at once. @returns {case: {server: [run, ...]}} of the runs
    that took place, and the others."""
    found = {case.name: {name: [] for name in names} for case, names in plan}
    errors = []
    progress = Progress(pace.rounds * sum(len(names) for _, names in plan))
    for case, names in plan:
        for _ in range(pace.rounds):
            for name in names:
                progress.starts(f"{case.name} on {name}")
                run, sentence = attempt(case, name, pace, saturation_of_ws(found))
                (errors if "error" in run else found[case.name][name]).append(run)
                print(json.dumps(run), file=record, flush=True)
                progress.ended(sentence, run.get("failed", True))
    return found, errors
