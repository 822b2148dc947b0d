"""A result, or a comparison, as one HTML file that works offline; and a result in a notebook.

What it decides: what a colleague without this package and without the recording gets. First comes what was
run, then the pictures, then the numbers. It is one file, with no scripts, fonts or images from elsewhere, so
people can mail, archive and print it. Colours follow the reader's light or dark setting and are light on
paper.

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

from .._statistics import ran_within
from ..result import Result
from ..units import count_text, seconds_text, short_time
from .columns import CPU_TABLE, LATENCY_TABLE, StatColumn, columns_of_tables, left_out_of
from .comparison import Comparison
from .files import check_folder
from .lanes import (
    LAG_LEAST_NS,
    Lane,
    chosen_cpus,
    lane_of_task,
    lanes_of,
    limits_of,
    ran_in,
    said_of,
    span_of,
    waited_in,
    waits_of,
    with_hue,
)
from .lines import ALL, OTHERS, Lines, check_lines
from .part import part_of
from .samples import Samples
from .settings import tunables_text
from .svg import (
    NR_WINDOWS,
    Canvas,
    Curve,
    band,
    colour,
    curves,
    share_rows,
    strips,
    words,
)

__all__ = ["check_html", "comparison_html", "notebook_html", "result_html", "write_html"]

check_html = check_folder
"""Its name from before."""

LEFT_EDGE = 0

NOTEBOOK_LINES = 6

CPUS_APART = 4
"""With more CPUs than this, all share one timeline."""

LIGHT = "--ink:#1b1f24;--faint:#6a737d;--paper:#fff;--rule:#e4e7eb;--rule2:#b9c0c8;--grey:#5a5a5a;"
LIGHT += "--h1:#0072b2;--h2:#d55e00;--h3:#009e73"
DARK = "--ink:#e3e6ea;--faint:#959da6;--paper:#15181c;--rule:#2b3036;--rule2:#565e67;--grey:#a5abb3;"
DARK += "--h1:#56b4e9;--h2:#f08a3c;--h3:#2cc79a"

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
svg .small{{font-size:11px}}svg .faint{{fill:var(--faint)}}svg .head{{font-weight:600}}
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
pre{{font:12.5px/1.5 ui-monospace,monospace;margin:8px 0}}
footer{{margin-top:44px;font-size:13px}}
@media print{{:root{{color-scheme:light;{LIGHT}}}body{{font-size:11px}}main{{max-width:none;padding:0}}
h2{{margin-top:22px;break-after:avoid}}section,svg,tr{{break-inside:avoid}}.wide{{overflow:visible}}
table{{font-size:9.5px}}@page{{margin:14mm}}}}
"""

NOTEBOOK_STYLE = (
    ".cfs-result{max-width:820px;overflow-x:auto;"
    "--ink:currentColor;--faint:#808891;--rule:#80808040;--rule2:#80808080;"
    "--grey:#7d848c;--h1:#2a8fd0;--h2:#e06a10;--h3:#10a67c}"
    ".cfs-result svg{display:block;width:100%;height:auto}"
    ".cfs-result svg text{font:12px system-ui,sans-serif;fill:var(--ink)}"
    ".cfs-result svg .small{font-size:11px}.cfs-result svg .faint{fill:var(--faint)}"
    ".cfs-result svg .head{font-weight:600}.cfs-result svg .rule{stroke:var(--rule)}"
    ".cfs-result svg .axis{stroke:var(--faint)}"
    ".cfs-result table{border-collapse:collapse;font-size:13px;margin-top:6px}"
    ".cfs-result table{font-variant-numeric:tabular-nums}"
    ".cfs-result th,.cfs-result td{text-align:right;padding:2px 12px 2px 0;white-space:nowrap}"
    ".cfs-result th:first-child,.cfs-result td:first-child{text-align:left}"
    ".cfs-result tr.sum{color:var(--faint)}"
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
        Lanes and lines; the rest is summed in one.
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
    Cost O(runs log runs + lanes); 50 to 300 kB, however many runs there are.
    """
    check_lines(by, top)
    span = span_of(result, from_ns, until_ns)
    groups = [] if by == "group" else _group_sections(result, top, span)
    sides = [result] if recorded is None else [result, recorded]
    lanes = lanes_of(sides, by, top, span)
    of_sides = [lane_of_task(side, lanes, by) for side in sides]
    parts = [
        _section("Who ran and who waited", _timeline(sides, lanes, of_sides, span), TIMELINE_KEY),
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


def _timeline(
    sides: Sequence[Result], lanes: Sequence[Lane], of_sides: Sequence[np.ndarray], span: tuple[int, int]
) -> str:
    cpus = sides[0].cpus
    panels = [[cpu] for cpu in cpus] if len(cpus) <= CPUS_APART else [list(cpus)]
    canvas, top = Canvas("timeline: who ran and who waited"), 4.0
    for place, some in enumerate(panels):
        here = _lanes_on(some, sides, of_sides, span)
        for number, (side, lane_of) in enumerate(zip(sides, of_sides)):
            where = f"CPU {some[0]}" if len(some) == 1 else f"{len(some)} CPUs"
            last = place == len(panels) - 1 and number == len(sides) - 1
            shown = [lanes[n] for n in here]
            places = np.full(len(lanes) + 1, -1)  # the last one is for tasks without a lane
            places[here] = np.arange(len(here))
            top = (
                strips(
                    canvas, top, f"{where}, {said_of(side)}", shown, side, places[lane_of], span, some, last
                )
                + 6
            )
    return canvas.svg()


def _lanes_on(
    cpus: Sequence[int], sides: Sequence[Result], of_sides: Sequence[np.ndarray], span: tuple[int, int]
) -> list[int]:
    """Lanes with a task that ran on these CPUs in the span, on any side."""
    found: set[int] = set()
    for side, lane_of in zip(sides, of_sides):
        columns = (side.runs[name] for name in ("task", "cpu", "start_ns", "end_ns"))
        tasks = np.flatnonzero(ran_within(side.nr_tasks, chosen_cpus(cpus), *columns, *span))
        found.update(lane_of[tasks].tolist())
    return sorted(found - {-1})


def _shares(
    sides: Sequence[Result], lanes: Sequence[Lane], of_sides: Sequence[np.ndarray], span: tuple[int, int]
) -> str:
    canvas = Canvas("share of the CPU over time")
    share_rows(canvas, 4, lanes, sides, of_sides, span)
    return canvas.svg()


def _waits(
    sides: Sequence[Result], lanes: Sequence[Lane], of_sides: Sequence[np.ndarray], span: tuple[int, int]
) -> str:
    panels = []
    for name, hue, place in _panels(lanes):
        styles = ("solid", "dashed")
        lines = [
            Curve(_waits_of(side, lane_of, place, span), hue, style)
            for side, lane_of, style in zip(sides, of_sides, styles)
        ]
        panels.append((name, hue, lines))
    canvas = Canvas("distribution of waits")
    curves(canvas, 4, panels, limits_of([_longest(side, span) for side in sides]))
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
    note = "From who is furthest behind to who is furthest ahead in the model's own virtual time, sampled."
    return [_section(f"Spread of {spread.field} over time", canvas.svg(), note)]


def _group_sections(result: Result, top: int, span: tuple[int, int]) -> list[str]:
    """The timeline once more, a lane a group."""
    if not result.group_by:
        return []
    lanes = lanes_of([result], "group", top, span)
    of_sides = [lane_of_task(result, lanes, "group")]
    parts = _timeline([result], lanes, of_sides, span) + _shares([result], lanes, of_sides, span)
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
    """What a table leaves out as not known, in a sentence; empty if there is nothing."""
    found = left_out_of(title, [of.get(ALL) for of in lines.stats])
    if found is None:
        return ""
    counts = ", ".join(f"{count} {words(side)}" for side, count in zip(headings, found[1]))
    return f"{found[0].capitalize()}, and left out: {counts}."


def _named(columns: Sequence[StatColumn], before: str = "") -> list[tuple[str, StatColumn]]:
    """Columns with their headings."""
    return [(before + column.on_page, column) for column in columns]


def _sums(lines: Lines) -> list[bool]:
    """Which lines represent many."""
    return [line.label in (OTHERS, ALL) for line in lines.lines]


def _table(
    left: Sequence[str],
    headings: Sequence[str],
    columns: Sequence[tuple[str, StatColumn]],
    rows: Sequence[tuple[Sequence[str], Sequence[np.void | None]]],
    is_sum: Sequence[bool],
) -> str:
    """Columns at the left, and the same columns once a heading."""
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
        A ``div`` with its own styles, of at most about 60 kB.
    """
    span = span_of(result, None, None)
    picture = result.sums is None  # else nobody kept what it shows
    lanes = lanes_of([result], "comm", NOTEBOOK_LINES, span) if picture else []
    canvas = Canvas("timeline: who ran and who waited")
    where = f"CPU {result.cpus[0]}" if len(result.cpus) == 1 else f"{len(result.cpus)} CPUs"
    if picture:
        strips(canvas, 4, where, lanes, result, lane_of_task(result, lanes, "comm"), span, result.cpus or [0])
    lines, tables = Lines.of([result], "comm", NOTEBOOK_LINES), columns_of_tables()
    columns = _named(tables[CPU_TABLE]) + _named(tables[LATENCY_TABLE], "wait ")
    rows = [((line.name, line.number), [lines.stats[0].get(line.label)]) for line in lines.lines]
    table = _table(("Command", "tasks"), [said_of(result)], columns, rows, _sums(lines))
    source = f" on {words(result.source)}" if result.source else ""
    return (
        f'<div class="cfs-result"><style>{NOTEBOOK_STYLE}</style>'
        f"<strong>{words(result.model)}</strong>{source}: "
        f"{_facts(result, span)}{canvas.svg() if picture else ''}{table}</div>"
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
    lanes = lanes_of(wholes, by, comparison.top, span)
    first = columns[0].result
    cpus = count_text(len(first.cpus), "CPU")
    facts = f"{seconds_text(span[0])} … {seconds_text(span[1])}, {cpus}, {first.hz} ticks a second"
    parts = [
        _section("Who ran and who waited", _columns_timeline(comparison, lanes), TIMELINE_KEY),
        _section(
            "Waits longer than a given time",
            _columns_waits(comparison, lanes),
            "The others stand behind in grey.",
        ),
        _section(
            f"Unfairness within {short_time(columns[0].lags.window_ns)}",
            _columns_lag(comparison),
            "Lag of who is most behind less that of who is most ahead, of all who want the CPU all the time.",
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


def _columns_timeline(comparison: Comparison, lanes: list[Lane]) -> str:
    canvas, top = Canvas("timeline of each scheduler"), 4.0
    for number, column in enumerate(comparison.columns):
        lane_of = lane_of_task(column.whole, lanes, comparison.by)
        last = number == len(comparison.columns) - 1
        cpus = column.whole.cpus
        top = strips(canvas, top, column.label, lanes, column.whole, lane_of, comparison.span, cpus, last) + 6
    return canvas.svg()


def _columns_waits(comparison: Comparison, lanes: list[Lane]) -> str:
    wholes = [column.whole for column in comparison.columns]
    of_wholes = [lane_of_task(whole, lanes, comparison.by) for whole in wholes]
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
        top = curves(canvas, top + 20, panels, limits, 84, mine == len(wholes) - 1) + 8
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
