"""Writes what was found as Markdown: a summary, and docs/benchmarks.md from its template, whose hand-written text stays."""

import json
import os
import platform
from statistics import median

import bars
from cases import ALL, BY_NAME
from install import ROOT

TEMPLATE = ROOT / "bench" / "benchmarks.template.md"
PAGE = ROOT / "docs" / "benchmarks.md"
FOREIGN_SHARE_MAX = 0.05  # of all cores, used by others, above which the page says that it is not to be trusted

SECTIONS = {
    "Messages": ["direct", "direct-8", "direct-id", "ten", "ten-singly", "publish-100", "publish-1000", "slow"],
    "Coming and going": ["churn", "storm"],
    "Latency": ["paced", *(name for name in BY_NAME if name.startswith("rate-"))],
    "Cost of a message": [*(name for name in BY_NAME if name.startswith(("connections-", "group-"))), "two-threads"],
    "At rest": [*(name for name in BY_NAME if name.startswith("idle-"))],
}


def machine():
    with open("/proc/cpuinfo") as info:
        model = next((line.split(":", 1)[1].strip() for line in info if line.startswith("model name")), "unknown CPU")
    system = platform.freedesktop_os_release()["PRETTY_NAME"]
    return f"{model}, {os.cpu_count()} cores, {system}, Linux {platform.release()}"


def cell(figure, runs):
    if not runs:
        return "-"
    values = [figure.of(run) for run in runs]
    middle, low, high = (figure.show(value) for value in (median(values), min(values), max(values)))
    failed = " FAILED" if any(run["failed"] for run in runs) else ""
    return f"{middle} ({low}..{high}){failed}"


def section(title, names, found):
    present = [name for name in names if name in found]
    if not present:
        return
    servers = [server for server in (*ALL, "floor") if any(server in found[name] for name in present)]
    yield from (f"### {title}", "", f"| case | figure | {' | '.join(servers)} |", "|---" * (len(servers) + 2) + "|")
    for name in present:
        for figure in BY_NAME[name].figures:
            cells = " | ".join(cell(figure, found[name].get(server)) for server in servers)
            yield f"| {BY_NAME[name].about} | {figure.what} | {cells} |"
    yield ""


def tables(found):
    for title, names in SECTIONS.items():
        yield from section(title, names, found)


def remarks(found, errors):
    """What a reader must know before believing the tables."""
    for run in errors:
        yield f"- COULD NOT RUN: {run['case']} on {run['server']}: `{run['error']}`"
    runs = [run for by_server in found.values() for runs in by_server.values() for run in runs]
    for run in runs:
        if run["failed"]:
            yield f"- FAILED: {run['case']} on {run['server']}: `{json.dumps(run['faults'])}`"
    busy = max(runs, key=lambda run: run["load_cpu_ns"] / run["elapsed_ns"])
    share = busy["load_cpu_ns"] / busy["elapsed_ns"]
    yield f"- The generator used at most {share:.0%} of its core ({busy['case']} on {busy['server']})."
    disturbed = [run for run in runs if run["foreign_cpu_share"] > FOREIGN_SHARE_MAX]
    if disturbed:
        worst = max(run["foreign_cpu_share"] for run in disturbed)
        yield (
            f"- **NOT QUIET**: in {len(disturbed)} of {len(runs)} runs other processes used more than"
            f" {FOREIGN_SHARE_MAX:.0%} of all cores, up to {worst:.0%}; shares and latencies are not to be trusted."
        )


def parts(header, found, errors):
    """What the template's names stand for."""
    return {
        "command": f"`{header['command']}`, {header['date']}, {header['rounds']} rounds",
        "machine": header["machine"],
        "versions": "\n".join(f"- {name}: {version}" for name, version in header["versions"].items()),
        "bars": "\n".join(bars.table(found)),
        "tables": "\n".join(tables(found)).rstrip(),
        "remarks": "\n".join(remarks(found, errors)),
    }


def summary(header, found, errors):
    filled = parts(header, found, errors)
    return "\n\n".join(filled[name] for name in ("command", "machine", "versions", "bars", "tables", "remarks")) + "\n"


def write(header, found, errors):
    text = TEMPLATE.read_text()
    for name, value in parts(header, found, errors).items():
        text = text.replace("{{" + name + "}}", value)
    PAGE.write_text(text)
