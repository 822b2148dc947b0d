"""Which panels and rows a timeline has, for paper and for pages alike.

What it decides: that a timeline fits its room, however many CPUs and tasks there are. CPUs on which nothing
ran and nothing waited are left out; their number is stated. What is left decides the kind of picture:

    tasks   up to 8 CPUs: a panel a CPU, and in it a lane for each task that ran there. The busiest tasks of
            that CPU have a lane of their own, as many as fit; the others share one
    cpus    up to 32 CPUs, or fewer whose tasks would not fit: a lane a CPU. Its colour says which task ran,
            and a thin line below says how many waited there
    map     more: two maps of CPUs by time, of what ran and of how many waited. A row is a CPU, or the mean of
            a few if there are more CPUs than rows

A panel of tasks needs room for the three that waited longest and for all others; with less the picture is of
CPUs. In a comparison, where each scheduler has a small column, the CPUs share one panel of tasks.

In rows of CPUs the three tasks that waited longest in sum keep their hues. The others have two greys by
turns, so that a switch between two tasks of one CPU is seen. A cell has the hue of whatever ran most in it.

    I1  The panels of a timeline are never higher than its room, and have at least one row each.
    I2  A lane of a panel has a task that ran on the panel's CPU in the span.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .._statistics import coverage
from ..result import Result
from ..units import count_text
from .lanes import GREY, HUES, NR_CPU_NUMBERS, SPECK, Lane, Ranking, cut_waits, ranked, said_of

__all__ = ["CpuRows", "Kind", "Panel", "Room", "Timeline", "timeline_of"]

CPUS_ABOVE = 8
"""With more CPUs than this, a lane is a CPU."""
MAP_ABOVE = 32
"""With more CPUs than this, the picture is a map."""
LEAST_LANES = 3
"""A panel of tasks has room for at least so many, and for the others."""
LANES_MOST = 40
"""Lanes of any figure, whatever is asked for and however high the room."""

HUES_OF_ROWS = (*HUES, GREY, "#969696")
"""What a cell of a CPU's row can be: three hues and two greys."""
SPECK_OF_MAP = 0.15
"""The least tone of a run in a map, where a row is too thin for `SPECK`: an idle machine must look idle."""
TONES_OF_QUEUE = (0.0, 0.16, 0.36, 0.56, 0.78, 1.0)
"""How dark none, less than one, and each further step of waiting tasks are."""


class Kind(enum.Enum):
    """What a row of a timeline is."""

    TASKS = "tasks"
    CPUS = "cpus"
    MAP = "map"


@dataclass(frozen=True)
class Room:
    """What the panels of a timeline may take, in the unit of the drawing: inches or pixels.

    Parameters
    ----------
    height : float
        Of all panels, with their headings.
    lane : float
        From one lane to the next, where there is room for it.
    heading : float
        Above each panel.
    """

    height: float
    lane: float
    heading: float

    def nr_lanes(self, nr_panels: int) -> int:
        """How many lanes `nr_panels` panels can have together."""
        return int((self.height - nr_panels * self.heading) / self.lane + 1e-9)

    def pitch(self, nr_rows: int, nr_panels: int) -> float:
        """The distance between rows if each panel has `nr_rows`: that of lanes, or less."""
        return min(self.lane, (self.height / nr_panels - self.heading) / max(1, nr_rows))


@dataclass(frozen=True, eq=False)
class Panel:
    """Lanes of tasks, on some CPUs of one side.

    Parameters
    ----------
    title : str
    place : int
        Number of the side.
    cpus : list of int
    lanes : list of Lane
    lane_of : numpy.ndarray
        Number of the lane of each task, -1 without one; ``(nr_tasks,) int64``.
    part : float
        Fraction of the CPUs that is drawn. Shares are of all CPUs, the idle ones too.
    """

    title: str
    place: int
    cpus: list[int]
    lanes: list[Lane]
    lane_of: np.ndarray
    part: float = 1.0


@dataclass(frozen=True, eq=False)
class CpuRows:
    """What CPUs did over time: a row a CPU, or a few of them.

    Parameters
    ----------
    labels : list of str
        Of each row, the number of its first CPU.
    size : int
        CPUs a row; the last row may have fewer.
    ran : numpy.ndarray
        ``(rows, cells)`` float64: the part of the time in which something ran, 0 ... 1.
    hue : numpy.ndarray
        ``(rows, cells)`` int64: what ran most, as an index of `HUES_OF_ROWS`.
    waiting : numpy.ndarray
        ``(rows, cells)`` float64: how many tasks waited on a CPU, mean.
    share : numpy.ndarray
        ``(rows,)`` float64: the part of the span in which something ran.
    """

    labels: list[str]
    size: int
    ran: np.ndarray
    hue: np.ndarray
    waiting: np.ndarray
    share: np.ndarray

    def tones(self, speck: float) -> np.ndarray:
        """How dark each cell is; a cell in which anything ran is at least `speck`."""
        return np.where(self.ran > 0, np.maximum(self.ran, speck), 0.0)

    def steps(self, base: int) -> np.ndarray:
        """The step of each cell's waiting tasks: 0 none, 1 less than one, 2 from 1 on, 3 from `base` on."""
        bounds = [base**power for power in range(len(TONES_OF_QUEUE) - 2)]
        return (self.waiting > 0.01) + np.searchsorted(bounds, np.round(self.waiting, 6), "right")


@dataclass(frozen=True, eq=False)
class Timeline:
    """The panels of a timeline, or the CPUs that are its rows.

    Parameters
    ----------
    kind : Kind
    sides : list of Result
    span : tuple of int
    lanes : list of Lane
        Lanes of all CPUs together; those with a hue have a panel of waits.
    lane_of : list of numpy.ndarray
        For each side the number of the lane of each task, -1 without one.
    cpus : list of int
        The CPUs that are drawn.
    nr_cpus : int
        How many there are, the idle ones too.
    panels : list of Panel
        Of the kind `TASKS`; empty for the others.
    class_of : list of numpy.ndarray
        For each side, what each task is in rows of CPUs: an index of `HUES_OF_ROWS`.
    """

    kind: Kind
    sides: list[Result]
    span: tuple[int, int]
    lanes: list[Lane]
    lane_of: list[np.ndarray]
    cpus: list[int]
    nr_cpus: int
    panels: list[Panel]
    class_of: list[np.ndarray]

    @property
    def left_out(self) -> str:
        """Says how many CPUs were idle; empty if all are drawn."""
        nr = self.nr_cpus - len(self.cpus)
        return "" if nr == 0 or not self.cpus else f"{nr} of {count_text(self.nr_cpus, 'CPU')} idle, left out"

    def title(self, place: int, rows: CpuRows) -> str:
        """The heading of a side's CPUs."""
        few = f", a row is {rows.size} of them" if rows.size > 1 else ""
        return f"{count_text(len(self.cpus), 'CPU')}{few}, {said_of(self.sides[place])}"

    def rows(self, place: int, nr_cells: int, most_rows: int) -> CpuRows:
        """What the CPUs of a side did, in at most so many rows."""
        side, runs = self.sides[place], self.sides[place].runs
        edges = np.linspace(*self.span, nr_cells + 1).round().astype(np.int64)
        size = -(-len(self.cpus) // most_rows)
        of_cpu = np.full(NR_CPU_NUMBERS, -1, np.int64)
        of_cpu[self.cpus] = np.arange(len(self.cpus)) // size
        nr = int(of_cpu.max()) + 1
        time_ns = np.bincount(of_cpu[self.cpus], minlength=nr)[:, None] * np.maximum(np.diff(edges), 1)
        row, short = of_cpu[runs["cpu"]], cut_waits(side)
        of_class = self.class_of[place][runs["task"]]
        ran_ns = _covered(
            np.where(row < 0, -1, of_class * nr + row),
            len(HUES_OF_ROWS) * nr,
            runs["start_ns"],
            runs["end_ns"],
            edges,
        ).reshape(len(HUES_OF_ROWS), nr, nr_cells)
        waited_ns = _covered(row, nr, runs["ready_ns"], runs["start_ns"], edges, runs["ready"])
        waited_ns += _covered(of_cpu[short["cpu"]], nr, short["begin_ns"], short["end_ns"], edges)
        all_ns = ran_ns.sum(0)
        return CpuRows(
            [str(cpu) for cpu in self.cpus[::size]],
            size,
            np.clip(all_ns / time_ns, 0, 1),
            ran_ns.argmax(0),
            waited_ns / time_ns,
            all_ns.sum(1) / time_ns.sum(1),
        )


def _covered(
    row: np.ndarray,
    nr: int,
    begin_ns: np.ndarray,
    end_ns: np.ndarray,
    edges: np.ndarray,
    kind: np.ndarray | None = None,
) -> np.ndarray:
    """`_statistics.coverage` of intervals that know their rows; a row of -1 does not count."""
    row_of = np.arange(nr + 1)
    row_of[nr] = -1
    row = np.where(row < 0, nr, row).astype(np.uint32)
    cpu, chosen = np.zeros(len(row), np.uint16), np.ones(1, np.uint8)
    return coverage(row_of, nr, chosen, row, cpu, begin_ns, end_ns, edges, kind)


def base_of_steps(rows: Sequence[CpuRows]) -> int:
    """The ratio of one step of waiting tasks to the next: 2, or more if the longest queue needs it."""
    longest = max((float(of_side.waiting.max(initial=0)) for of_side in rows), default=0.0)
    return next((base for base in (2, 4, 10) if longest < base ** (len(TONES_OF_QUEUE) - 2)), 100)


def texts_of_steps(base: int) -> list[str]:
    """What each step but the first means."""
    bounds = [base**power for power in range(len(TONES_OF_QUEUE) - 2)]
    between = [
        str(low) if high == low + 1 else f"{low}\N{EN DASH}{high - 1}"
        for low, high in zip(bounds, bounds[1:])
    ]
    return ["< 1", *between, f"{bounds[-1]} and more"]


def rows_between_labels(nr_rows: int, most: int = 8) -> int:
    """From one numbered row of a map to the next: a power of two, as machines are built."""
    return next(step for step in (1 << power for power in range(32)) if nr_rows <= step * most)


# ----------------------------------------------------------------------------------------------- what to draw


def timeline_of(
    sides: list[Result], by: str, top: int, span: tuple[int, int], room: Room, together: bool = False
) -> Timeline:
    """The kind of picture that fits the room, and its panels.

    Parameters
    ----------
    sides : list of Result
        They share the room, one below the other; if `together`, each has the room for itself.
    by : {"comm", "task", "group"}
    top : int
        Lanes of a panel; the rest shares one more. The room may allow for fewer.
    span : tuple of int
    room : Room
    together : bool, optional
        Panels of tasks are of all CPUs, not one a CPU.

    Returns
    -------
    Timeline
    """
    ranking, every, cpus = ranked(sides, by, span), _every_cpu(sides), busy_cpus(sides, span)
    top = min(top, room.nr_lanes(1 if together else len(sides)) - 1, LANES_MOST)
    kind, panels = _kind_of(len(cpus)), list[Panel]()
    if kind is Kind.TASKS and not cpus:
        panels = [_empty_panel(side, place, every) for place, side in enumerate(sides)]
    elif kind is Kind.TASKS and together:
        panels = [_panel_of_all(sides, place, ranking, top, cpus, every) for place in range(len(sides))]
    elif kind is Kind.TASKS:
        panels = _panels_apart(sides, ranking, top, cpus, span, room)
        kind = kind if panels else Kind.CPUS
    lanes = ranking.lanes(top)
    lane_of = [_lane_of(ranking, place, lanes) for place in range(len(sides))]
    classes = _classes(sides, ranking, ranking.hues(top))
    return Timeline(kind, sides, span, lanes, lane_of, cpus, len(every), panels, classes)


def _kind_of(nr_cpus: int) -> Kind:
    return Kind.MAP if nr_cpus > MAP_ABOVE else Kind.CPUS if nr_cpus > CPUS_ABOVE else Kind.TASKS


def busy_cpus(sides: Sequence[Result], span: tuple[int, int]) -> list[int]:
    """CPUs on which a task ran or waited in the span, on any side."""
    there = np.zeros(NR_CPU_NUMBERS, bool)
    for side in sides:
        runs = side.runs
        since_ns = np.where(runs["ready_ns"] < 0, runs["start_ns"], runs["ready_ns"])
        inside = (since_ns < span[1]) & ((runs["end_ns"] > span[0]) | (runs["start_ns"] >= span[0]))
        there[runs["cpu"][inside]] = True
        short = cut_waits(side)
        there[short["cpu"][short["begin_ns"] < span[1]]] = True
    return [int(cpu) for cpu in np.flatnonzero(there)]


def _every_cpu(sides: Sequence[Result]) -> list[int]:
    found = {int(cpu) for side in sides for cpu in side.cpus}
    for side in sides:
        found.update(np.flatnonzero(np.bincount(side.runs["cpu"])).tolist())
    return sorted(found)


def _lane_of(ranking: Ranking, place: int, lanes: Sequence[Lane]) -> np.ndarray:
    """The number of the lane of each task of a side."""
    rank_of = {name: rank for rank, name in enumerate(ranking.names)}
    return _numbered(ranking, place, [[rank_of[key] for key in lane.keys] for lane in lanes])


def _numbered(ranking: Ranking, place: int, ranks: Sequence[Sequence[int]]) -> np.ndarray:
    lane_of_rank = np.full(len(ranking.names) + 1, -1)  # the last one is that of tasks without a rank
    for number, of_lane in enumerate(ranks):
        lane_of_rank[list(of_lane)] = number
    return lane_of_rank[ranking.of_task[place]]


# ------------------------------------------------------------------------------------------- panels of tasks


def _empty_panel(side: Result, place: int, every: Sequence[int]) -> Panel:
    where = f"CPU {every[0]}" if len(every) == 1 else count_text(len(every), "CPU")
    return Panel(f"{where}, {said_of(side)}", place, list(every), [], np.full(side.nr_tasks, -1))


def _panel_of_all(
    sides: Sequence[Result],
    place: int,
    ranking: Ranking,
    top: int,
    cpus: Sequence[int],
    every: Sequence[int],
) -> Panel:
    lanes = ranking.lanes(top)
    where = f"CPU {cpus[0]}" if len(cpus) == 1 else count_text(len(cpus), "CPU")
    lane_of, part = _lane_of(ranking, place, lanes), len(cpus) / len(every)
    return Panel(f"{where}, {said_of(sides[place])}", place, list(cpus), lanes, lane_of, part)


def _panels_apart(
    sides: Sequence[Result],
    ranking: Ranking,
    top: int,
    cpus: Sequence[int],
    span: tuple[int, int],
    room: Room,
) -> list[Panel]:
    """A panel for each CPU and side, with as many lanes as fit; none if too few do."""
    orders = _orders(sides, ranking, cpus, span)
    free = room.nr_lanes(len(cpus) * len(sides)) // len(sides)
    fitting = (
        nr
        for nr in range(top, min(top, LEAST_LANES) - 1, -1)
        if sum(max(1, min(len(order), nr + 1)) for order in orders) <= free
    )
    nr = next(fitting, 0)
    hues = ranking.hues(top)
    panels = []
    for cpu, order in zip(cpus, orders) if nr else ():
        own, rest = _chosen(order, nr, hues)
        lanes = [ranking.lane([rank], hues.get(rank, GREY)) for rank in own]
        lanes += [ranking.lane(rest, GREY)] if rest else []
        for place, side in enumerate(sides):
            numbers = _numbered(ranking, place, [*([rank] for rank in own), *([rest] if rest else [])])
            panels.append(Panel(f"CPU {cpu}, {said_of(side)}", place, [cpu], lanes, numbers))
    return panels


def _chosen(order: Sequence[int], nr: int, hues: dict[int, str]) -> tuple[list[int], list[int]]:
    """Which ranks have a lane of their own on a CPU, and the rest: both in order of rank."""
    if len(order) <= nr + 1:
        return sorted(order), []
    first = [rank for rank in order if rank in hues]
    own = [*first, *(rank for rank in order if rank not in hues)][:nr]
    return sorted(own), sorted(set(order) - set(own))


def _orders(
    sides: Sequence[Result], ranking: Ranking, cpus: Sequence[int], span: tuple[int, int]
) -> list[list[int]]:
    """For each CPU the ranks that ran on it in the span, most CPU time there first."""
    nr, place_of = len(ranking.names), np.full(NR_CPU_NUMBERS, 0, np.int64)
    place_of[list(cpus)] = np.arange(len(cpus))
    cpu_ns = np.zeros((len(sides), len(cpus), nr), np.int64)
    ran = np.zeros((len(cpus), nr), bool)
    for number, side in enumerate(sides):
        runs = side.runs
        rank, start_ns, end_ns = ranking.of_task[number][runs["task"]], runs["start_ns"], runs["end_ns"]
        inside = (rank >= 0) & (start_ns < span[1]) & ((end_ns > span[0]) | (start_ns >= span[0]))
        flat = (place_of[runs["cpu"]] * nr + rank)[inside]
        lengths = (end_ns.clip(*span) - start_ns.clip(*span))[inside]
        ran.ravel()[flat] = True
        cpu_ns[number] = np.bincount(flat, lengths, len(cpus) * nr).reshape(len(cpus), nr)
    orders = (np.lexsort([np.arange(nr), *-cpu_ns[::-1, place]]) for place in range(len(cpus)))
    return [order[ran[place][order]].tolist() for place, order in enumerate(orders)]


# ----------------------------------------------------------------------------------------------- rows of CPUs


def _classes(sides: Sequence[Result], ranking: Ranking, hues: dict[int, str]) -> list[np.ndarray]:
    """For each side what each task is in rows of CPUs: its hue, or one of two greys by turns on a CPU."""
    nr = len(ranking.names)
    home = np.zeros(nr + 1, np.int64)  # the last one is that of tasks without a rank
    for side, of_task in zip(reversed(sides), reversed(ranking.of_task)):
        home[of_task[side.runs["task"][::-1]]] = side.runs["cpu"][::-1]  # the first run is written last
    home[list(hues)] = NR_CPU_NUMBERS
    order = np.argsort(home[:nr], kind="stable")
    sorted_home = home[:nr][order]
    turn = np.arange(nr) - np.searchsorted(sorted_home, sorted_home)
    of_rank = np.full(nr + 1, len(HUES))
    of_rank[order] = len(HUES) + turn % (len(HUES_OF_ROWS) - len(HUES))
    of_rank[list(hues)] = [HUES.index(hue) for hue in hues.values()]
    return [of_rank[of_task] for of_task in ranking.of_task]
