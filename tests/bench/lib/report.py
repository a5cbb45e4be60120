"""What a run prints: the machine, the table, the goals. Knows rows and goals, and not how they were measured."""

import os
import platform
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from lib.measure import Measurement


@dataclass
class Row:
    """One line of the table. `shape` and `clients` say which lines may be compared."""

    peer: str
    shape: str
    clients: int
    found: Measurement
    remark: str = ""


# Above this share of the processors in strangers' hands a figure is printed, but nothing is concluded from it.
STRANGERS_MAX = 0.05


@dataclass
class Goal:
    """A figure that proof.md asks for: `value` must be at least (or, below=True, less than) `wanted`; None: not measured.
    `strangers` is the largest share of the processors that others used during a row that the value comes from."""

    text: str
    value: float | None
    wanted: float
    strangers: float = 0.0
    unit: str = "×"
    below: bool = False

    def verdict(self):
        """One line: met, missed by how much, not measured, or measured on a machine that was not ours."""
        sign = "<" if self.below else "≥"
        if self.value is None:
            return f"  {'not measured':<12}  {self.text} (goal {sign} {self.wanted:g} {self.unit})"
        met = self.value < self.wanted if self.below else self.value >= self.wanted
        by = "" if met else f", missed by {abs(self.value - self.wanted) / self.wanted:.0%}"
        word = "met" if met else "MISSED"
        if self.strangers > STRANGERS_MAX:
            word, by = "no verdict", f"; strangers used up to {self.strangers:.0%} of the processors"
        return f"  {word:<12}  {self.text}: {self.value:.2f} {self.unit} (goal {sign} {self.wanted:g}{by})"


@dataclass
class Results:
    """All rows of a run, and remarks that are no rows."""

    rows: list = field(default_factory=list)
    remarks: list = field(default_factory=list)

    def add(self, peer, shape, clients, found, remark=""):
        """Adds a row, and says so at once: a run takes minutes."""
        row = Row(peer, shape, clients, found, remark)
        self.rows.append(row)
        print(f"  {line(cells(row, None))}", flush=True)

    def note(self, text):
        """Adds a remark."""
        self.remarks.append(text)
        print(f"  {text}", flush=True)

    def row(self, peer, shape, clients):
        """One row; None when it was not measured."""
        return next((row for row in self.rows if (row.peer, row.shape, row.clients) == (peer, shape, clients)), None)

    def rate(self, *key):
        """Successes per second of one row; None when it was not measured."""
        row = self.row(*key)
        return row.found.per_second if row else None

    def goal(self, text, ours, theirs, wanted):
        """The goal to be `wanted` times as fast as the fastest of `theirs`; all named by peer, shape and clients."""
        mine, others = self.row(*ours), [row for row in (self.row(*key) for key in theirs) if row]
        if mine is None or not others or max(row.found.per_second for row in others) == 0:
            return Goal(text, None, wanted)
        ratio = mine.found.per_second / max(row.found.per_second for row in others)
        return Goal(text, ratio, wanted, max(row.found.strangers for row in (mine, *others)))


# Texts to the left, figures to the right.
WIDTHS = ("<38", "<29", ">8", ">10", ">9", ">9", ">8", ">9", ">9")
HEADINGS = ("what", "where", "clients", "per second", "p50 ms", "p99 ms", "failed", "strangers", "Keyrack")


def cells(row, ratio):
    """A row's texts; `ratio` is how many times as fast Keyrack is."""
    found = row.found
    return (row.peer, row.shape, str(row.clients), f"{found.per_second:,.0f}", f"{found.p50_ms:.2f}", f"{found.p99_ms:.2f}",
            str(found.failed), f"{found.strangers:.0%}", f"{ratio:.2f} ×" if ratio else "")


def line(texts):
    """Texts in their columns."""
    return " ".join(f"{text:{width}}" for text, width in zip(texts, WIDTHS, strict=True)).rstrip()


def print_table(results, ours):
    """All rows, each peer with what the row of `ours(row)` (peer, shape, clients) is in its proportion."""
    print("\n" + line(HEADINGS))
    for row in results.rows:
        against = ours(row)
        mine = results.rate(*against) if against else None
        print(line(cells(row, mine / row.found.per_second if mine and row.found.per_second else None)))
    print("\n“Keyrack” is how many times that rate Keyrack reached with the same work and as many clients; “strangers” the share\n"
          "of the processors that was used by other programs meanwhile: a ratio of rows that differ there means little.\n")
    for row in results.rows:
        if row.remark:
            print(f"{row.peer}, {row.shape or 'anywhere'}, {row.clients} clients: {row.remark}")
    for remark in results.remarks:
        print(remark)


def print_goals(goals):
    """Each goal with its verdict; in short when this run could answer none of them."""
    print("\nGoals:")
    if all(goal.value is None for goal in goals):
        print("  not measured: they compare Keyrack with its peers, and not all of them took part")
        return
    for goal in goals:
        print(goal.verdict())


def print_machine(command):
    """The machine, the versions and the command: without them no figure means anything."""
    processors = re.findall(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text(), re.MULTILINE)
    os_release = re.search(r'^PRETTY_NAME="(.*)"', Path("/etc/os-release").read_text(), re.MULTILINE)
    debian = Path("/etc/debian_version")
    print(f"command   {command}")
    print(f"machine   {len(os.sched_getaffinity(0))} × {processors[0] if processors else platform.machine()}, "
          f"{int(memory[1]) / 1048576:.1f} GiB, Linux {platform.release()}, "
          f"{os_release[1] if os_release else ''} ({debian.read_text().strip() if debian.exists() else ''})")
    print(f"load      {os.getloadavg()[0]:.2f} before the run")
    versions = {"postgresql-15": "", "redis-server": "", "nginx": "", "wrk": ""}
    listed = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}\n", *versions], capture_output=True, text=True,
                            check=False).stdout
    print("versions  " + ", ".join(listed.splitlines()), flush=True)
