"""The bars that a run is held against: ratios within each round, where the machine was the same for both; medians count."""

from dataclasses import dataclass
from statistics import median
from typing import Callable

from cases import CONNECTIONS, COST, GROUP_SIZES, MEMORY, P50, P99, RATE, SHARE


@dataclass(frozen=True)
class Bar:
    about: str
    wants: str
    values: Callable  # of what was found; one per round, none where a case or a server was left out
    is_met: Callable
    show: Callable


def of_rounds(figure, case, server):
    return lambda found: [figure.of(run) for run in found.get(case, {}).get(server, [])]


def ratios(upper, lower):
    def of_found(found):
        return [a / b if b else float("inf") for a, b in zip(upper(found), lower(found))]

    return of_found


def spread_of(figure, cases):
    """How many times its least a figure of beckon is at most, over cases."""

    def of_found(found):
        by_case = [of_rounds(figure, case, "beckon")(found) for case in cases]
        return [max(costs) / min(costs) for costs in zip(*by_case)] if all(by_case) else []

    return of_found


def times(figure, case, least, than="ws", than_case=None, about=None):
    ours = of_rounds(figure, case, "beckon")
    theirs = of_rounds(figure, than_case or case, than)
    whom = "" if than == "beckon" else f" {than}"
    return Bar(about or case, f">= {least} x{whom}", ratios(ours, theirs), lambda ratio: ratio >= least, "{:.2f} x".format)


def at_most(about, limit, values, show):
    return Bar(about, f"<= {show(limit)}", values, lambda value: value <= limit, show)


def times_shown(value):
    return f"{value:.2f} x"


def connections_case(count):
    return "direct" if count == 1000 else f"connections-{count}"


BARS = [
    times(RATE, "direct", 2.9, about="direct 100 B, 1,000 connections, one in flight each"),
    times(RATE, "direct", 1.8, than="beast", about="the same, against plain Beast"),
    times(RATE, "direct-8", 5.5, about="direct, 8 in flight each"),
    times(
        RATE, "direct-id", 0.6, than="beckon", than_case="direct", about="direct with outcome (`id`), of the same without"
    ),
    times(
        RATE,
        "ten",
        1.8,
        than="beckon",
        than_case="ten-singly",
        about="one request to 10 members, of ten requests to one each, per delivery",
    ),
    times(RATE, "publish-100", 3.7, about="publication to 100, 4 in flight per group, per delivery"),
    times(RATE, "publish-1000", 3.5, about="publication to 1,000, 4 in flight, per delivery"),
    times(RATE, "direct", 20, than="channels", about="direct, against the Django Channels tutorial (daphne, in-memory)"),
    at_most("idle joined connection, 15,000 of them", 6144, of_rounds(MEMORY, "idle-15000", "beckon"), "{:,.0f} B".format),
    at_most(
        "CPU per message over 100 to 15,000 connections, most of least",
        1.5,
        spread_of(COST, [connections_case(count) for count in CONNECTIONS]),
        times_shown,
    ),
    at_most(
        "CPU per message over groups of 10 to 1,000, most of least",
        1.5,
        spread_of(COST, [f"group-{size}" for size in GROUP_SIZES]),
        times_shown,
    ),
    at_most(
        "CPU per message, two threads of one",
        1.3,
        ratios(of_rounds(COST, "two-threads", "beckon"), of_rounds(COST, "direct", "beckon")),
        times_shown,
    ),
    times(RATE, "churn", 4, about="join and leave cycle including TCP and handshake"),
    at_most(
        "p99 at half of the saturation of ws, open loop, of that of ws",
        1,
        ratios(of_rounds(P99, "rate-0.5", "beckon"), of_rounds(P99, "rate-0.5", "ws")),
        times_shown,
    ),
    at_most(
        "p50 of one message every 5 ms, of that of ws",
        1,
        ratios(of_rounds(P50, "paced", "beckon"), of_rounds(P50, "paced", "ws")),
        times_shown,
    ),
    at_most("everything idle, 10,000 connections, pings on", 0.02, of_rounds(SHARE, "idle-pings", "beckon"), "{:.2%}".format),
]


def table(found):
    """Lines of Markdown. A bar whose cases were not run is left out."""
    held = [(bar, values) for bar in BARS if (values := bar.values(found))]
    if held:
        yield "| scenario | bar | reached (least..most) | |"
        yield "|---|---|---|---|"
    for bar, values in held:
        reached = f"{bar.show(median(values))} ({bar.show(min(values))}..{bar.show(max(values))})"
        yield f"| {bar.about} | {bar.wants} | {reached} | {'met' if bar.is_met(median(values)) else '**MISSED**'} |"


def missed(found):
    return [bar.about for bar in BARS if (values := bar.values(found)) and not bar.is_met(median(values))]
