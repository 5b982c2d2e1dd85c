"""Draws what was found, as SVG in docs/img. Lines and bars carry their names themselves."""

from statistics import median

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402: only after the choice above
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator  # noqa: E402

from bars import connections_case
from cases import ALL, BY_NAME, CONNECTIONS, COST, GROUP_SIZES, IDLE, MEMORY, P50, P99, P999, RATE, Figure
from install import ROOT

FOLDER = ROOT / "docs" / "img"
COLOURS = {"beckon": "#0072b2", "ws": "#d55e00", "beast": "#009e73"}
OTHERS = "#8c8c8c"
OFFERED = Figure("messages per second", lambda run: run["rate"], str)
LABEL_POINTS = 11  # from one label at the end of a line to the next

plt.rcParams.update(
    {
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 11,
        "axes.titlelocation": "left",
        "svg.hashsalt": "beckon",  # equal figures make equal files
    }
)


def middle(found, figure, case, server):
    """Nothing when it was not run."""
    runs = found.get(case, {}).get(server)
    return median(figure.of(run) for run in runs) if runs else None


def save(figure, name):
    FOLDER.mkdir(parents=True, exist_ok=True)
    figure.savefig(FOLDER / f"{name}.svg", bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)


def thousands(value, _=None):
    if value == 0:
        return "0"
    return f"{value / 1000:,.0f} k" if value < 1e6 else f"{value / 1e6:,.1f} M"


def plain_ticks(axis, values):
    """On a logarithmic axis: these and no others."""
    axis.set_ticks(values, [f"{value:,}" for value in values])
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def rates(found):
    cases = {
        "direct": "direct, 1 in flight each",
        "direct-8": "direct, 8 in flight each",
        "publish-100": "publication to 100",
    }
    figure, panels = plt.subplots(1, len(cases), figsize=(10, 3.2), sharey=True, layout="constrained")
    servers = [server for server in reversed(ALL) if any(server in found.get(case, {}) for case in cases)]
    for panel, (case, title) in zip(panels, cases.items()):
        values = [middle(found, RATE, case, server) for server in servers]
        panel.barh(servers, [value or 0 for value in values], color=[COLOURS.get(server, OTHERS) for server in servers])
        for row, value in enumerate(values):
            if value is None:
                text = "no such job" if case not in found or "nchan" == servers[row] else "-"
            else:
                text = thousands(value) if value >= 10_000 else f"{value / 1000:.1f} k"
            panel.annotate(text, (value or 0, row), xytext=(4, 0), textcoords="offset points", va="center", fontsize=9)
        panel.set_title(title)
        panel.set_xlim(0, max(value or 0 for value in values) * 1.25)
        panel.xaxis.set_visible(False)
        panel.spines["bottom"].set_visible(False)
        panel.tick_params(axis="y", length=0)
    figure.suptitle("Deliveries per CPU-second of the server", x=0.01, ha="left")
    save(figure, "rates")


def name_lines(panel, ends):
    """`ends`: [(last point, label, colour)]. Labels that would cover one another move apart. The panel's limits must be set."""
    panel.figure.draw_without_rendering()
    per_pixel = 72 / panel.figure.dpi
    lowest_free = float("-inf")
    heights = {end: panel.transData.transform(end[0])[1] * per_pixel for end in ends}
    for end in sorted(ends, key=heights.get):
        point, label, colour = end
        height = max(heights[end], lowest_free)
        lowest_free = height + LABEL_POINTS
        shift = (5, height - heights[end])
        panel.annotate(label, point, xytext=shift, textcoords="offset points", va="center", color=colour, fontsize=9)


def latencies(found):
    figure, panel = plt.subplots(figsize=(8, 4.2), layout="constrained")
    cases = [name for name in BY_NAME if name.startswith("rate-") and name in found]
    ends = []
    for server in ("ws", "beckon"):
        ran = [case for case in cases if found[case].get(server)]
        for quantile, label, style in ((P50, "p50", "-"), (P99, "p99", "--"), (P999, "p99.9", ":")):
            points = sorted((middle(found, OFFERED, case, server), middle(found, quantile, case, server)) for case in ran)
            if points:
                panel.plot(*zip(*points), style, color=COLOURS[server], marker="o", markersize=3)
                ends.append((points[-1], f"{server} {label}", COLOURS[server]))
    panel.set_yscale("log")
    panel.yaxis.set_major_formatter(FuncFormatter(lambda us, _: f"{us / 1000:g} ms" if us >= 1000 else f"{us:g} us"))
    panel.xaxis.set_major_formatter(FuncFormatter(thousands))
    panel.set_xlim(left=0)
    panel.set_xlabel("messages per second offered (open loop)")
    panel.set_title("Latency from the time at which a message was due")
    panel.grid(axis="y", alpha=0.25)
    name_lines(panel, ends)
    save(figure, "latency")


def lines(panel, found, figure, cases):
    """`cases`: {x: case}, one line per server. @returns their ends, to be named when all limits are set."""
    ends = []
    for server in reversed(COLOURS):  # ours on top
        points = [(x, y) for x, case in cases.items() if (y := middle(found, figure, case, server)) is not None]
        if points:
            panel.plot(*zip(*points), color=COLOURS[server], marker="o", markersize=4)
            ends.append((points[-1], server, COLOURS[server]))
    panel.set_xscale("log")
    plain_ticks(panel.xaxis, list(cases))
    panel.grid(axis="y", alpha=0.25)
    return ends


def memory(found):
    figure, panel = plt.subplots(figsize=(6, 3.6), layout="constrained")
    ends = lines(panel, found, MEMORY, {count: f"idle-{count}" for count in IDLE})
    panel.set_ylim(bottom=0)
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / 1024:.0f} KiB"))
    panel.set_xlabel("connections, joined and idle")
    panel.set_title("Resident memory per connection")
    name_lines(panel, ends)
    save(figure, "memory")


def costs(found):
    figure, panels = plt.subplots(1, 2, figsize=(10, 3.6), sharey=True, layout="constrained")
    ends = [
        lines(panels[0], found, COST, {count: connections_case(count) for count in CONNECTIONS}),
        lines(panels[1], found, COST, {size: f"group-{size}" for size in GROUP_SIZES}),
    ]
    panels[0].set_xlabel("connections, in groups of 20")
    panels[1].set_xlabel("members of a group, 1,000 connections")
    for panel in panels:
        panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} us"))
    panels[0].set_title("CPU of the server per direct message, one in flight each")
    panels[0].set_ylim(bottom=0)  # of both
    for panel, its_ends in zip(panels, ends):
        name_lines(panel, its_ends)
    save(figure, "cost")


def draw(found):
    rates(found)
    latencies(found)
    memory(found)
    costs(found)
