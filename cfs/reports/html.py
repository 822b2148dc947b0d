"""A result, or a comparison, as one HTML file that works offline; and a result in a notebook.

What it decides: what you can send to a colleague who has neither this package nor the recording. First comes
what was run, then the pictures, then the numbers. It is one file, with no scripts, fonts or images from
elsewhere, so people can mail, archive and print it. Colours follow the reader's light or dark setting and are
light on paper.

H1  Nothing is fetched: no `src`, `href`, `@import` or `url()` that leaves the file.
H2  All foreign text is escaped (V2 of `svg`).
H3  Same input, same bytes: no date, no random ids.
H4  It needs numpy alone; `svg` draws.

Rejected: matplotlib's pictures in it (they know one background, and a notebook should not need the extra
``plot``); scripts to zoom (`--from` and `--until` zoom, and Perfetto does it better).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from ..result import Result
from ..units import count_text, seconds_text, short_time
from .columns import CPU_TABLE, LATENCY_TABLE, StatColumn, columns_of_tables, left_out_of
from .comparison import Comparison
from .files import check_folder
from .lanes import (
    LAG_LEAST_NS,
    Lane,
    limits_of,
    ran_in,
    said_of,
    span_of,
    waited_in,
    waits_of,
    why_no_curves,
    with_hue,
)
from .lines import ALL, OTHERS, Lines, check_lines
from .panels import (
    HUES_OF_ROWS,
    TONES_OF_QUEUE,
    CpuRows,
    Kind,
    Panel,
    Room,
    Timeline,
    base_of_steps,
    texts_of_steps,
    timeline_of,
)
from .part import part_of
from .samples import Samples
from .settings import tunables_text
from .svg import (
    HEADING,
    LANE,
    MAP_HEIGHT,
    MAP_ROWS,
    NR_CELLS_OF_MAP,
    NR_CELLS_OF_ROWS,
    NR_WINDOWS,
    QUEUE_HEIGHT,
    Canvas,
    Curve,
    band,
    colour,
    cpu_map,
    cpu_strips,
    curves,
    empty_map,
    share_rows,
    strips,
    words,
)

__all__ = ["check_html", "comparison_html", "notebook_html", "result_html", "write_html"]

check_html = check_folder
"""Its name from before."""

LEFT_EDGE = 0

NOTEBOOK_LINES = 6

PANEL_GAP = 8
LANES_MOST = 24
"""Lanes of a page; its tables have as many lines as are asked for."""
ROOM = Room(height=1000, lane=LANE, heading=HEADING + PANEL_GAP)
"""Of the timeline of a page."""
COLUMNS_HEIGHT, COLUMN_HEIGHT = 1500, 240
"""Of the timelines of all schedulers of a comparison together, and the least of each."""
ROOM_OF_NOTEBOOK = Room(height=400, lane=LANE, heading=HEADING + PANEL_GAP)

LIGHT = "--ink:#1b1f24;--faint:#6a737d;--paper:#fff;--rule:#e4e7eb;--rule2:#b9c0c8;--grey:#5a5a5a;"
LIGHT += "--h1:#0072b2;--h2:#d55e00;--h3:#009e73;--grey2:#969696;--queue:#7a2e62"
DARK = "--ink:#e3e6ea;--faint:#959da6;--paper:#15181c;--rule:#2b3036;--rule2:#565e67;--grey:#a5abb3;"
DARK += "--h1:#56b4e9;--h2:#f08a3c;--h3:#2cc79a;--grey2:#6e747c;--queue:#dd8fc4"

STYLE = f"""
:root{{color-scheme:light dark;{LIGHT}}}
@media (prefers-color-scheme:dark){{:root{{{DARK}}}}}
*{{box-sizing:border-box}}
body{{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}}
main{{max-width:1060px;margin:0 auto;padding:32px 28px 48px}}
h1{{font-size:25px;line-height:1.25;margin:0 0 4px;overflow-wrap:anywhere}}
h2{{font-size:17px;margin:40px 0 2px}}
p{{margin:2px 0 12px;max-width:74ch}}
.facts,.note,footer{{color:var(--faint)}}
.note{{font-size:13.5px;max-width:none}}
.wide{{overflow-x:auto}}
svg{{display:block;width:100%;height:auto;margin:6px 0}}
svg text{{font:12px system-ui,sans-serif;fill:var(--ink);font-variant-numeric:tabular-nums}}
svg .small{{font-size:11px}}svg .tiny{{font-size:9.5px}}
svg .faint{{fill:var(--faint)}}svg .head{{font-weight:600}}
svg .rule{{stroke:var(--rule);stroke-width:1}}svg .axis{{stroke:var(--faint);stroke-width:1}}
table{{border-collapse:collapse;font-size:13.5px;font-variant-numeric:tabular-nums;margin:8px 0 4px}}
th,td{{padding:3px 10px 3px 0;text-align:right;white-space:nowrap;border-bottom:1px solid var(--rule)}}
th:first-child,td:first-child{{text-align:left}}
th{{font-weight:600;vertical-align:bottom}}
thead tr:last-child th{{border-bottom:1px solid var(--faint)}}
th.side{{text-align:center;border-bottom:1px solid var(--faint);padding-left:14px}}
.gap{{padding-left:26px}}
tr.sum td{{color:var(--faint)}}
.key{{margin-right:22px}}
.key span{{display:inline-block;width:26px;height:10px;margin:0 6px 0 0;background:var(--grey)}}
.key i{{display:inline-block;width:26px;border-top:2px solid var(--ink);margin:0 6px 4px 0}}
.key span+span,.key i+i{{margin-left:16px}}
.key.rows span{{width:14px;margin-left:16px}}.key.rows span.turn{{margin-left:0}}
.key.rows span:has(+.turn){{margin-right:0}}
pre{{font:12.5px/1.5 ui-monospace,monospace;margin:8px 0}}
footer{{margin-top:44px;font-size:13px}}
@media print{{:root{{color-scheme:light;{LIGHT}}}body{{font-size:11px}}main{{max-width:none;padding:0}}
h2{{margin-top:22px;break-after:avoid}}section,svg,tr{{break-inside:avoid}}.wide{{overflow:visible}}
table{{font-size:9.5px}}@page{{margin:14mm}}}}
"""

NOTEBOOK_STYLE = (
    ".cfs-result{max-width:820px;overflow-x:auto;"
    "--ink:currentColor;--faint:#808891;--rule:#80808040;--rule2:#80808080;"
    "--grey:#7d848c;--h1:#2a8fd0;--h2:#e06a10;--h3:#10a67c;--grey2:#a9afb5;--queue:#b45a9a}"
    ".cfs-result svg{display:block;width:100%;height:auto}"
    ".cfs-result svg text{font:12px system-ui,sans-serif;fill:var(--ink)}"
    ".cfs-result svg .tiny{font-size:9.5px}"
    ".cfs-result svg .small{font-size:11px}.cfs-result svg .faint{fill:var(--faint)}"
    ".cfs-result svg .head{font-weight:600}.cfs-result svg .rule{stroke:var(--rule)}"
    ".cfs-result svg .axis{stroke:var(--faint)}"
    ".cfs-result table{border-collapse:collapse;font-size:13px;margin-top:6px}"
    ".cfs-result table{font-variant-numeric:tabular-nums}"
    ".cfs-result th,.cfs-result td{text-align:right;padding:2px 12px 2px 0;white-space:nowrap}"
    ".cfs-result th:first-child,.cfs-result td:first-child{text-align:left}"
    ".cfs-result tr.sum{color:var(--faint)}"
    ".cfs-result .key{font-size:12px;color:var(--faint)}"
    ".cfs-result .key span{display:inline-block;width:14px;height:10px;margin:0 6px 0 16px}"
    ".cfs-result .key span.turn{margin-left:0}.cfs-result .key span:has(+.turn){margin-right:0}"
)


def write_html(page: str, path: str | os.PathLike[str]) -> None:
    """Write a page as UTF-8."""
    check_folder(path)
    with open(path, "w", encoding="utf-8", errors="replace", newline="\n") as file:
        file.write(page)


# --------------------------------------------------------------------------------------------------- a result


def result_html(
    result: Result,
    recorded: Result | None = None,
    *,
    samples: Samples | None = None,
    by: str = "task",
    top: int = 12,
    from_ns: int | None = None,
    until_ns: int | None = None,
    lines: Lines | None = None,
) -> str:
    """A page about a result.

    Parameters
    ----------
    result : Result
    recorded : Result, optional
        The measured result, shown beside it.
    samples : Samples, optional
        Virtual time over time: `cfs.reports.run_sampled`.
    by : {"task", "comm", "group"}, optional
        What a lane, and a line of the tables, represents.
    top : int, optional
        Lanes, at most 24, and lines of the tables; the rest is summed in one.
    from_ns, until_ns : int, optional
        The part that is shown, ns since the start.
    lines : Lines, optional
        Those of the tables, if somebody has made them for the same part already.

    Returns
    -------
    str
        The page.

    Raises
    ------
    CfsError
        The part is empty or outside the span.

    Notes
    -----
    Cost O(runs log runs + lanes); 50 to 500 kB, however many runs, tasks and CPUs there are.
    """
    check_lines(by, top)
    span = span_of(result, from_ns, until_ns)
    groups = [] if by == "group" else _group_sections(result, top, span)
    sides = [result] if recorded is None else [result, recorded]
    timeline = timeline_of(sides, by, min(top, LANES_MOST), span, ROOM)
    lanes, of_sides = timeline.lanes, timeline.lane_of
    parts = [
        _section("Which tasks ran and waited", *_timeline(timeline)),
        *groups,
        _section(
            "Share of the CPU over time", _shares(sides, lanes, of_sides, span), _dashed(sides, "as recorded")
        ),
        _section(
            "Waits longer than a given time",
            _waits(sides, lanes, of_sides, span),
            _dashed(sides, "as recorded"),
        ),
        _section(
            "Tasks that want to run",
            _runnable(result, span),
            "Mean number in each window, all CPUs together.",
        ),
        *_virtual_sections(samples, span),
        *_tables([part_of(side, *span) for side in sides], by, top, lines),
    ]
    heading = f"{words(result.model)}{f' on {words(result.source)}' if result.source else ''}"
    return _page(heading, [_facts(result, span), _settings(result)], parts)


TIMELINE_KEY = (
    '<span class="key"><span></span>running<span style="opacity:.25"></span>waiting</span>'
    "The three that waited longest in sum have a colour."
)


def _key_of(timeline: Timeline, rows: Sequence[CpuRows]) -> str:
    """What the colours mean, and which CPUs are left out."""
    idle = f" {timeline.left_out[:1].upper()}{timeline.left_out[1:]}." if timeline.left_out else ""
    if timeline.kind is Kind.TASKS:
        return TIMELINE_KEY + idle
    named = [timeline.lanes[number] for number in with_hue(timeline.lanes)]
    ran = "".join(f"{_swatch(colour(lane.hue))}{words(lane.label)}" for lane in named)
    if not timeline.lanes:
        ran = ": nothing"
    elif len(named) < len(timeline.lanes):
        ran += _swatch(colour(HUES_OF_ROWS[-2])) + _swatch(colour(HUES_OF_ROWS[-1]), look=' class="turn"')
        ran += "all others, by turns" if named else "tasks, by turns"
    steps = zip(texts_of_steps(base_of_steps(rows)), TONES_OF_QUEUE[1:])
    queue = "".join(f"{_swatch('var(--queue)', tone)}{words(text)}" for text, tone in steps)
    return f'<span class="key rows">running{ran}</span><br><span class="key rows">waiting{queue}</span>{idle}'


def _swatch(fill: str, tone: float = 1.0, look: str = "") -> str:
    return f'<span{look} style="background:{fill};opacity:{tone:.3g}"></span>'


def _dashed(sides: Sequence[Result], what: str) -> str:
    if len(sides) == 1:
        return ""
    dashed = '<i style="border-top-style:dashed"></i>'
    return f'<span class="key"><i></i>{words(sides[0].model)}{dashed}{what}</span>'


def _page(heading: str, facts: Iterable[str], parts: Iterable[str]) -> str:
    above = "".join(f'<p class="facts">{fact}</p>' for fact in facts if fact)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{heading}</title><style>{STYLE}</style></head>\n<body><main><h1>{heading}</h1>{above}\n"
        + "\n".join(parts)
        + "\n<footer>Made by cfs, the Linux fair schedulers as a library. Waits are from becoming "
        "runnable to running; quantiles are by nearest rank.</footer></main></body></html>\n"
    )


def _section(title: str, body: str, note: str = "") -> str:
    below = f'<p class="note">{note}</p>' if note else ""
    return f'<section><h2>{title}</h2>{below}<div class="wide">{body}</div></section>'


def _facts(result: Result, span: tuple[int, int]) -> str:
    is_whole = span == (0, result.duration_ns)
    part = "" if is_whole else f"{seconds_text(span[0])} … {seconds_text(span[1])} of "
    cpus = count_text(len(result.cpus), "CPU")
    hz = f", {result.hz} ticks a second" if result.hz else ""
    grouping = f", fair by {result.group_by}" if result.group_by else ""
    return (
        f"{part}{seconds_text(result.duration_ns)}, {cpus}, {result.nr_tasks} tasks, "
        f"{result.context_switches} switches{hz}{grouping}"
    )


def _settings(result: Result) -> str:
    """The changed tunables, in the terminal's words."""
    return words(tunables_text(result)) if result.tunables else ""


# ---------------------------------------------------------------------------------------------------- figures


def _timeline(timeline: Timeline, room: Room = ROOM) -> tuple[str, str]:
    """The timeline of all sides, one below the other, and its key."""
    canvas, rows = Canvas("timeline: which tasks ran and waited"), _rows_of(timeline)
    top, nr = 4.0, len(timeline.sides)
    for number, panel in enumerate(timeline.panels):
        top = _tasks(canvas, top, timeline, panel, number == len(timeline.panels) - 1) + PANEL_GAP
    for place, of_side in enumerate(rows):
        title = timeline.title(place, of_side)
        top = _cpus(canvas, top, title, timeline, rows, of_side, room, nr, place == nr - 1) + PANEL_GAP
    return canvas.svg(), _key_of(timeline, rows)


def _rows_of(timeline: Timeline) -> list[CpuRows]:
    """The rows of CPUs of each side; none if the picture has lanes of tasks."""
    if timeline.kind is Kind.TASKS:
        return []
    nr_cells = NR_CELLS_OF_MAP if timeline.kind is Kind.MAP else NR_CELLS_OF_ROWS
    return [timeline.rows(place, nr_cells, MAP_ROWS) for place in range(len(timeline.sides))]


def _tasks(
    canvas: Canvas, top: float, timeline: Timeline, panel: Panel, last: bool, title: str = ""
) -> float:
    """A panel of tasks; returns where it ends."""
    side, span, title = timeline.sides[panel.place], timeline.span, title or panel.title
    return strips(
        canvas, top, title, panel.lanes, side, panel.lane_of, span, panel.cpus, last, panel.part
    )


def _cpus(
    canvas: Canvas,
    top: float,
    title: str,
    timeline: Timeline,
    rows: Sequence[CpuRows],
    of_side: CpuRows,
    room: Room,
    nr_stacked: int,
    last: bool,
) -> float:
    """The CPUs of a side, as lanes or as two maps; returns where they end."""
    base, span = base_of_steps(rows), timeline.span
    if timeline.kind is Kind.CPUS:
        pitch = room.pitch(len(of_side.labels), nr_stacked)
        return cpu_strips(canvas, top, title, of_side, base, span, pitch, last)
    free = room.height / nr_stacked - 2 * room.heading
    part = MAP_HEIGHT / (MAP_HEIGHT + QUEUE_HEIGHT)
    top = cpu_map(canvas, top, title, of_side, span, min(MAP_HEIGHT, part * free)) + PANEL_GAP
    title, height = "tasks that waited on a CPU", min(QUEUE_HEIGHT, (1 - part) * free)
    if not of_side.waiting.any():
        return empty_map(canvas, top, title, span, "no wait is known", last)
    return cpu_map(canvas, top, title, of_side, span, height, base, last)


def _shares(
    sides: Sequence[Result], lanes: Sequence[Lane], of_sides: Sequence[np.ndarray], span: tuple[int, int]
) -> str:
    if not lanes:
        return '<p class="note">Nothing ran.</p>'
    canvas = Canvas("share of the CPU over time")
    share_rows(canvas, 4, lanes, sides, of_sides, span)
    return canvas.svg()


def _waits(
    sides: Sequence[Result], lanes: Sequence[Lane], of_sides: Sequence[np.ndarray], span: tuple[int, int]
) -> str:
    longest = [_longest(side, span) for side in sides]
    if nothing := why_no_curves(longest):
        return f'<p class="note">{nothing}</p>'
    panels = []
    for name, hue, place in _panels(lanes):
        styles = ("solid", "dashed")
        lines = [
            Curve(_waits_of(side, lane_of, place, span), hue, style)
            for side, lane_of, style in zip(sides, of_sides, styles)
        ]
        panels.append((name, hue, lines))
    canvas = Canvas("distribution of waits")
    curves(canvas, 4, panels, limits_of(longest))
    return canvas.svg()


def _waits_of(
    side: Result, lane_of: np.ndarray, place: int | None, span: tuple[int, int]
) -> Callable[[], np.ndarray]:
    """What makes the waits of a lane, or of all tasks, that ended in the span."""
    tasks = np.ones(side.nr_tasks, bool) if place is None else lane_of == place
    return lambda: waits_of(side, tasks, span)


def _longest(side: Result, span: tuple[int, int]) -> np.ndarray:
    """The longest wait that ended in the span, if there is one."""
    waits = waits_of(side, np.ones(side.nr_tasks, bool), span)
    return waits.max(keepdims=True) if len(waits) else waits


def _panels(lanes: Sequence[Lane]) -> list[tuple[str, str, int | None]]:
    """All tasks, then each lane with a hue: name, colour, and the lane."""
    panels: list[tuple[str, str, int | None]] = [("all tasks", "var(--ink)", None)]
    return panels + [(lanes[n].label, colour(lanes[n].hue), n) for n in with_hue(list(lanes))]


def _runnable(result: Result, span: tuple[int, int]) -> str:
    """Mean number of runnable tasks in each window: what runs and waits cover."""
    edges = np.linspace(*span, NR_WINDOWS + 1).round().astype(np.int64)
    one_lane = np.zeros(result.nr_tasks, np.int64)
    mean = ran_in(result, one_lane, 1, edges)[0] + waited_in(result, one_lane, 1, edges)[0]
    at_ns = (edges[1:] + edges[:-1]) / 2
    canvas = Canvas("runnable tasks over time")
    band(canvas, 0, at_ns, np.zeros(len(mean)), mean, span, " ")
    return canvas.svg()


def _virtual_sections(samples: Samples | None, span: tuple[int, int]) -> list[str]:
    if samples is None or samples.spread is None:
        return []
    spread = samples.spread
    inside = (spread.at_ns >= span[0]) & (spread.at_ns <= span[1])
    canvas = Canvas(f"spread of {spread.field} over time")
    values = spread.spread[inside].astype(float)
    band(canvas, 0, spread.at_ns[inside], np.zeros(len(values)), values, span)
    note = "From the task furthest behind to the one furthest ahead in the model's own virtual time, sampled."
    return [_section(f"Spread of {spread.field} over time", canvas.svg(), note)]


def _group_sections(result: Result, top: int, span: tuple[int, int]) -> list[str]:
    """The timeline once more, a lane a group."""
    if not result.group_by:
        return []
    timeline = timeline_of([result], "group", min(top, LANES_MOST), span, ROOM)
    figure, key = _timeline(timeline)
    parts = f'<p class="note">{key}</p>{figure}'
    parts += _shares([result], timeline.lanes, timeline.lane_of, span)
    shares = ", ".join(f"{words(name)}: {value} shares" for name, value in sorted(result.shares.items())[:12])
    return [_section("Groups", parts, shares)]


# ----------------------------------------------------------------------------------------------------- tables


def _tables(sides: Sequence[Result], by: str, top: int, lines: Lines | None) -> list[str]:
    lines = lines or Lines.of(sides, by, top)
    what = {"task": ("Task", "pid"), "comm": ("Command", "tasks"), "group": ("Group", "tasks")}[by]
    left = (*what, "nice")
    rows = [
        ((line.name, line.number, line.nice), [of.get(line.label) for of in lines.stats])
        for line in lines.lines
    ]
    headings = [said_of(side) for side in sides]
    return [
        _section(
            title.partition(":")[0],
            _table(left, headings, _named(columns), rows, _sums(lines)),
            _left_out(title, headings, lines),
        )
        for title, columns in columns_of_tables().items()
    ]


def _left_out(title: str, headings: Sequence[str], lines: Lines) -> str:
    """A sentence about what a table leaves out as not known; empty if it leaves out nothing."""
    found = left_out_of(title, [of.get(ALL) for of in lines.stats])
    if found is None:
        return ""
    counts = ", ".join(f"{count} {words(side)}" for side, count in zip(headings, found[1]))
    return f"{found[0].capitalize()}, and left out: {counts}."


def _named(columns: Sequence[StatColumn], before: str = "") -> list[tuple[str, StatColumn]]:
    """Columns with their headings."""
    return [(before + column.on_page, column) for column in columns]


def _sums(lines: Lines) -> list[bool]:
    """Which lines sum up several tasks."""
    return [line.label in (OTHERS, ALL) for line in lines.lines]


def _table(
    left: Sequence[str],
    headings: Sequence[str],
    columns: Sequence[tuple[str, StatColumn]],
    rows: Sequence[tuple[Sequence[str], Sequence[np.void | None]]],
    is_sum: Sequence[bool],
) -> str:
    """A table: columns at the left, then the same set of columns below each heading."""
    above = "".join(f'<th class="side" colspan="{len(columns)}">{words(text)}</th>' for text in headings)
    names = "".join(f"<th>{words(text)}</th>" for text in left)
    names += "".join(_cell("th", name, first=not i) for _ in headings for i, (name, _) in enumerate(columns))
    body = []
    for (texts, sides), summed in zip(rows, is_sum):
        cells = "".join(f"<td>{words(text)}</td>" for text in texts)
        for row in sides:
            cells += "".join(
                _cell("td", column.cell(row, "–"), first=not i)
                for i, (_, column) in enumerate(columns)
            )
        body.append(f'<tr class="sum">{cells}</tr>' if summed else f"<tr>{cells}</tr>")
    head = f"<tr>{names}</tr>"
    if len(headings) > 1:
        head = f'<tr><th colspan="{len(left)}"></th>{above}</tr>{head}'
    return f"<table><thead>{head}</thead><tbody>{''.join(body)}</tbody></table>"


def _cell(tag: str, text: str, first: bool) -> str:
    return f'<{tag} class="gap">{words(text)}</{tag}>' if first else f"<{tag}>{words(text)}</{tag}>"


# --------------------------------------------------------------------------------------------------- notebook


def notebook_html(result: Result) -> str:
    """What a notebook shows of a result: a line of facts, a timeline of the busiest command names, a small
    table.

    Parameters
    ----------
    result : Result

    Returns
    -------
    str
        A ``div`` with its own styles, of at most about 60 kB, or twice that with many CPUs.
    """
    span = span_of(result, None, None)
    picture = result.sums is None  # else nobody kept what it shows
    figure = key = ""
    if picture:
        timeline = timeline_of([result], "comm", NOTEBOOK_LINES, span, ROOM_OF_NOTEBOOK, together=True)
        figure, colors = _timeline(timeline, ROOM_OF_NOTEBOOK)
        key = f"<br>{colors}" if timeline.kind is not Kind.TASKS else ""
    lines, tables = Lines.of([result], "comm", NOTEBOOK_LINES), columns_of_tables()
    columns = _named(tables[CPU_TABLE]) + _named(tables[LATENCY_TABLE], "wait ")
    rows = [((line.name, line.number), [lines.stats[0].get(line.label)]) for line in lines.lines]
    table = _table(("Command", "tasks"), [said_of(result)], columns, rows, _sums(lines))
    source = f" on {words(result.source)}" if result.source else ""
    return (
        f'<div class="cfs-result"><style>{NOTEBOOK_STYLE}</style>'
        f"<strong>{words(result.model)}</strong>{source}: "
        f"{_facts(result, span)}{key}{figure}{table}</div>"
    )


# ------------------------------------------------------------------------------------------------- comparison


def comparison_html(comparison: Comparison) -> str:
    """A page about a comparison: a panel a scheduler, the same lanes and axes in all.

    Parameters
    ----------
    comparison : Comparison

    Returns
    -------
    str
        The page.

    Notes
    -----
    Cost O(columns * runs log runs); some 50 kB a column.
    """
    columns, span, by = comparison.columns, comparison.span, comparison.by
    wholes = [column.whole for column in columns]
    room = Room(max(COLUMN_HEIGHT, COLUMNS_HEIGHT / len(columns)), LANE, HEADING + PANEL_GAP)
    timeline = timeline_of(wholes, by, comparison.top, span, room, together=True)
    first = columns[0].result
    cpus = count_text(len(first.cpus), "CPU")
    facts = f"{seconds_text(span[0])} … {seconds_text(span[1])}, {cpus}, {first.hz} ticks a second"
    parts = [
        _section("Which tasks ran and waited", *_columns_timeline(comparison, timeline, room)),
        _section(
            "Waits longer than a given time",
            _columns_waits(comparison, timeline),
            "Each scheduler in its colours, the others in grey.",
        ),
        _section(
            f"Unfairness within {short_time(columns[0].lags.window_ns)}",
            _columns_lag(comparison),
            "The largest lag minus the smallest, among tasks that want the CPU all the time.",
        ),
        *(
            _section(words(table.title), f"<pre>{words_of(table.lines)}</pre>")
            for table in comparison.tables()
        ),
    ]
    names = [column.label for column in columns]
    source = words(first.source or "a workload")
    return _page(f"{source} under {len(columns)} schedulers", [words(", ".join(names)), facts], parts)


def words_of(lines: Sequence[str]) -> str:
    """Lines of a text table."""
    return "\n".join(words(line) for line in lines)


def _columns_timeline(comparison: Comparison, timeline: Timeline, room: Room) -> tuple[str, str]:
    """The timeline of each scheduler, and the key."""
    canvas, top, rows = Canvas("timeline of each scheduler"), 4.0, _rows_of(timeline)
    for place, column in enumerate(comparison.columns):
        last, title = place == len(comparison.columns) - 1, column.label
        if rows:
            top = _cpus(canvas, top, title, timeline, rows, rows[place], room, 1, last)
        else:
            top = _tasks(canvas, top, timeline, timeline.panels[place], last, title)
        top += PANEL_GAP
    return canvas.svg(), _key_of(timeline, rows)


def _columns_waits(comparison: Comparison, timeline: Timeline) -> str:
    lanes, of_wholes = timeline.lanes, timeline.lane_of
    wholes = [column.whole for column in comparison.columns]
    limits = limits_of([_longest(whole, comparison.span) for whole in wholes])
    canvas, top = Canvas("distribution of waits of each scheduler"), 4.0
    for mine, column in enumerate(comparison.columns):
        canvas.text(LEFT_EDGE, top + 12, column.label, "head")
        panels = []
        for name, hue, place in _panels(lanes):
            lines = [
                Curve(_waits_of(*side, place, comparison.span), hue, "solid" if number == mine else "behind")
                for number, side in enumerate(zip(wholes, of_wholes))
            ]
            panels.append((name, hue, lines))
        top = curves(canvas, top + 20, panels, limits, 84, mine == len(wholes) - 1) + 16
    return canvas.svg()


def _columns_lag(comparison: Comparison) -> str:
    """A logarithmic axis, so that one coarse column does not flatten the others."""
    lags = [column.lags for column in comparison.columns]
    greatest = max((int(lag.spread_ns.max()) for lag in lags if len(lag.spread_ns)), default=0)
    least, most = np.log10(LAG_LEAST_NS), np.ceil(np.log10(max(greatest, 10 * LAG_LEAST_NS)))
    ticks = [(float(power), short_time(10.0**power)) for power in range(round(least), round(most) + 1)]
    canvas, top = Canvas("unfairness of each scheduler over time"), 4.0
    for column, lag in zip(comparison.columns, lags):
        apart = np.log10(np.maximum(lag.greatest_ns - lag.least_ns, LAG_LEAST_NS))
        apart = np.where(lag.nr_tasks > 1, apart, np.nan)
        low = np.full(len(apart), least)
        canvas.text(LEFT_EDGE, top + 12, column.label, "head")
        top = band(canvas, top + 20, lag.at_ns, low, apart, comparison.span, "", (least, most), ticks) + 8
    return canvas.svg()
