"""What one message costs in steady state, by the difference between a run of few messages and one of many: start, connections
and end cancel."""

import argparse
import re
import sys

import install
import peers
import servers

FEW, MANY = 2_000, 12_000  # messages; where each reaches several members, so many times fewer

SCENARIOS = {
    "direct": (["direct", "--clients", "100"], 1),
    "direct-8": (["direct", "--clients", "100", "--window", "8"], 1),
    "direct-id": (["direct-id", "--clients", "100"], 1),
    "ten": (["ten", "--clients", "100"], 10),
    "publish": (["publish", "--clients", "100"], 99),
}


def read_arguments(doc):
    """@returns the names of the chosen scenarios, and sets up what runs them."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--built", action="store_true", help="take what is built, and build nothing")
    parser.add_argument("scenario", nargs="*", metavar="SCENARIO", help=f"of {', '.join(SCENARIOS)} (default: all)")
    arguments = parser.parse_args()
    if unknown := set(arguments.scenario) - set(SCENARIOS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    if not arguments.built:
        peers.set_up(["beckon"])
        install.build("beckon_allocations")
    return arguments.scenario or list(SCENARIOS)


def run(name, messages, **how):
    """One run of a fresh beckon. @returns its deliveries."""
    cores = servers.cores()
    with servers.running("beckon", cores[0], **how) as server:
        found, sentence = servers.load(server, cores[1], *SCENARIOS[name][0], "--messages", messages, seconds_max=900)
    if found["failed"]:
        sys.exit(f"bench: the run has failed, so it counts for nothing: {sentence}")
    return found["delivered"]


def instructions(name, messages, profile=None, **how):
    """A run under callgrind, which leaves a profile in build/bench. @returns its deliveries, and all instructions of the process."""
    kept = servers.OUTPUT / f"callgrind.{profile or name}.out"
    kept.unlink(missing_ok=True)
    delivered = run(name, messages, wrapper=["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={kept}"], **how)
    totals = re.findall(r"^(?:totals|summary): (\d+)", kept.read_text(), re.MULTILINE)
    if not totals:
        sys.exit(f"bench: {kept} has no total")
    return delivered, int(totals[-1])


def per_delivery(name, count):
    """`count(name, messages)` makes a run and @returns its deliveries and what it spent."""
    receivers = SCENARIOS[name][1]
    few = count(name, FEW // receivers)
    many = count(name, MANY // receivers)
    return (many[1] - few[1]) / (many[0] - few[0])
