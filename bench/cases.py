"""What is run: the cases, and which servers take part in each; a server that has no such job does not."""

from dataclasses import dataclass
from typing import Callable

PAIR = ("beckon", "ws")
TRIO = ("beckon", "ws", "beast")
DIRECT = ("beckon", "ws", "beast", "socket.io", "gorilla", "channels", "channels-redis")
ALL = (*DIRECT, "nchan")
DEEP = tuple(name for name in DIRECT if not name.startswith("channels"))  # 8,000 messages in flight take those a minute


@dataclass(frozen=True)
class Figure:
    """One number of a run, from the generator's JSON."""

    what: str
    of: Callable
    show: Callable


RATE = Figure("deliveries per CPU-second", lambda run: run["delivered_per_cpu_second"], "{:,.0f}".format)
COST = Figure("CPU per delivery, us", lambda run: run["cpu_ns_per_delivery"] / 1000, "{:,.2f}".format)
CYCLES = Figure("cycles per CPU-second", RATE.of, RATE.show)
MEMORY = Figure("resident bytes each", lambda run: run["resident_bytes_per_client"], "{:,.0f}".format)
GROWTH = Figure("memory grown by, MiB", lambda run: run["growth_bytes"] / 2**20, "{:,.1f}".format)
SHARE = Figure("CPU, share of a core", lambda run: run["server_cpu_ns"] / run["elapsed_ns"], "{:.2%}".format)
SECONDS = Figure("seconds until all are welcome", lambda run: run["elapsed_ns"] / 1e9, "{:.2f}".format)
CPU_SECONDS = Figure("CPU-seconds until then", lambda run: run["server_cpu_ns"] / 1e9, "{:.2f}".format)


def latency(quantile, label):
    return Figure(f"latency {label}, us", lambda run: run["latency_ns"][quantile] / 1000, "{:,.0f}".format)


P50, P90, P99, P999 = (
    latency(name, label) for name, label in (("p50", "p50"), ("p90", "p90"), ("p99", "p99"), ("p999", "p99.9"))
)


@dataclass(frozen=True)
class Case:
    name: str
    load: tuple  # arguments of the generator
    about: str
    servers: tuple
    figures: tuple = (RATE,)
    options: tuple = ()  # further ones of beckon
    shares_cores: bool = False  # the server may use the generator's core, too
    of_saturation: float = 0  # open loop: the rate, as a share of what ws reaches in `direct` of the same run
    seconds: float = 0  # measured; 0: as long as all


def connections(count):
    about = f"direct, {count:,} connections in groups of 20"
    return Case(f"connections-{count}", ("direct", "--clients", count), about, TRIO, (COST,))


def group_size(size):
    about = f"direct, 1,000 connections in groups of {size:,}"
    return Case(f"group-{size}", ("direct", "--group-size", size), about, TRIO, (COST,))


def idle(count, who):
    return Case(f"idle-{count}", ("idle", "--clients", count), f"{count:,} joined, idle", who, (MEMORY,))


def open_loop(share, who):
    about = f"direct, open loop, {share:g} x what ws saturates at"
    figures = (P50, P90, P99, P999) if share == 0.5 else (P50, P99)  # the plot shows the others
    return Case(f"rate-{share:g}", ("direct",), about, who, figures, of_saturation=share)


CONNECTIONS = (100, 1000, 5000, 15000)  # `direct` itself has 1000
GROUP_SIZES = (10, 100, 1000)
IDLE = (1000, 5000, 15000)
SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)  # of ws's saturation; beckon goes on where ws ends
SHARES_BEYOND = (1.25, 1.75)

CASES = [
    Case("direct", ("direct",), "direct 100 B, 1,000 connections in groups of 20, 1 in flight each", DIRECT),
    Case("direct-8", ("direct", "--window", 8), "the same, 8 in flight each", DEEP),
    Case("direct-id", ("direct-id",), "direct with `id`, the acknowledgement lets the next go", DIRECT),
    Case("ten", ("ten",), "one request to 10 members", ("beckon",)),
    Case("ten-singly", ("ten-singly",), "ten requests to one member each, sent together", TRIO),
    Case("publish-100", ("publish",), "publication to groups of 100, 4 in flight each", ALL),
    Case("publish-1000", ("publish", "--group-size", 1000), "publication to a group of 1,000, 4 in flight", ALL),
    Case("slow", ("slow",), "publication to groups of 100, 10 of which do not read", TRIO, (RATE, GROWTH)),
    Case("churn", ("churn",), "connect, join, leave, close; 64 at a time", ALL, (CYCLES,)),
    Case(
        "storm",
        ("storm",),
        "5,000 connections reset and coming back at once",
        TRIO,
        (SECONDS, CPU_SECONDS),
    ),
    Case("paced", ("paced",), "one direct message every 5 ms, 1,000 connections", PAIR, (P50, P99, SHARE)),
    *(open_loop(share, TRIO if share == 0.5 else PAIR) for share in SHARES),
    *(open_loop(share, ("beckon",)) for share in SHARES_BEYOND),
    *(connections(count) for count in CONNECTIONS if count != 1000),
    *(group_size(size) for size in GROUP_SIZES),
    idle(1000, ALL),
    idle(5000, TRIO),
    idle(15000, TRIO),
    Case(
        "idle-pings",
        ("idle", "--clients", 10000),
        "10,000 joined, idle, pinged every 10 s",
        ("beckon",),
        (SHARE,),
        seconds=12,
    ),
    Case(
        "two-threads",
        ("direct",),
        "direct, two threads on both cores, one of them the generator's",
        ("beckon",),
        (COST,),
        options=("--threads", "2"),
        shares_cores=True,
    ),
]
BY_NAME = {case.name: case for case in CASES}

# --quick: two minutes. The others' figures do not change with ours.
QUICK = {
    "direct": TRIO,
    "direct-8": PAIR,
    "direct-id": ("beckon",),
    "ten": ("beckon",),
    "ten-singly": ("beckon",),
    "publish-100": PAIR,
    "paced": PAIR,
    "idle-5000": ("beckon",),
}
