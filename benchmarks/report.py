"""One page of HTML from the rows of all benchmarks: the machine, the noise, pictures, tables.

What it decides: what comes first: what machine it was, and how far two measurements of the same thing lay
apart. The pictures need matplotlib; without it the page has the tables alone.
"""

import base64
import html
import io

STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;max-width:1100px;margin:2em auto;padding:0 1em;color:#222}"
    "table{border-collapse:collapse;font-size:12px;margin:.5em 0 2em}"
    "td,th{padding:2px 9px;border-bottom:1px solid #ddd;text-align:right}"
    "td:first-child,th:first-child{text-align:left}img{max-width:100%}"
)


def heading(document):
    noise = document["noise"]
    machine = ", ".join(f"{key} {value}" for key, value in document["machine"].items())
    return (
        f"<h1>cfs: benchmarks</h1><p>{html.escape(machine)}</p><p><b>Noise:</b> the same variant, measured "
        f"twice, gave ratios of {noise['least']:.2f} to {noise['greatest']:.2f} in {noise['runs']} cases. "
        "Read nothing into a smaller gap.</p>"
    )


def table(name, rows):
    """All rows of one benchmark, their fields as columns."""
    kinds = {}
    for row in rows:
        kinds.setdefault(tuple(row), []).append(row)
    parts = [f"<h2>{html.escape(name)}</h2>"]
    for fields, alike in kinds.items():
        head = "".join(f"<th>{html.escape(field)}</th>" for field in fields)
        lines = ("".join(f"<td>{html.escape(str(row[field]))}</td>" for field in fields) for row in alike)
        parts.append(f"<table><tr>{head}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>")
    return "".join(parts)


# Okabe and Ito's, ours first: told apart by all eyes
HUES = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#56B4E9", "#CC79A7", "#000000", "#999999")


def frame(axes, title, label, unit):
    axes.set_xscale("log", base=2)
    axes.set_title(title, loc="left", fontsize=10)
    axes.set_xlabel(label)
    axes.set_ylabel(unit)
    axes.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1, 1))


def lines(axes, rows, key, title, label):
    """One line a variant: ns against the number of tasks, both by factors."""
    for hue, name in zip(HUES, dict.fromkeys(row[key] for row in rows), strict=False):
        points = [(row["nr_tasks"], row["min_ns"]) for row in rows if row[key] == name]
        axes.plot(*zip(*points, strict=True), marker="o", markersize=3, label=name, color=hue)
    axes.set_yscale("log", base=2)
    axes.yaxis.set_major_formatter("{x:.0f}")
    frame(axes, title, label, "ns, least round")


def speed_ups(axes, curves, title, label):
    """One line a name of ratios against the number of tasks: how many times as long the other one takes."""
    for hue, (name, rows) in zip(HUES, curves.items(), strict=False):
        points = [(row["nr_tasks"], row["ratio"]) for row in rows]
        axes.plot(*zip(*points, strict=True), marker="o", markersize=3, label=name, color=hue)
    axes.axhline(1, color="#999", linewidth=0.8)
    axes.set_ylim(bottom=0)
    frame(axes, title, label, "time of the other / time of ours")


def ring_speed_ups(package):
    """Name to rows, of the division-free class over the others."""

    def of(what, variant):
        return [row for row in package if row["what"] == what and row["variant"] == variant]

    return {
        "over 2.6.23": of("ring", "2.6.23"),
        "over O(1)": of("ring", "O(1)"),
        "over the same code with divisions": of("ring", "2.6.24, dividing"),
        "over the same, all nice values": of("ring, all nice values", "2.6.24, dividing"),
    }


def switch_speed_ups(switch):
    return {
        "cfs over the same code with divisions": [
            row for row in switch if row["variant"] == "cfs, compiled, dividing"
        ],
        "the same of the textbook": [row for row in switch if row["variant"] == "textbook C, dividing"],
        "the textbook over itself (A/A)": [row for row in switch if "A/A" in row["variant"]],
    }


def bars(axes, rows):
    """Instructions beside the kernel's own."""
    rows = [
        row for row in rows if row["kernel"] and row["variant"] == "cfs, compiled" and row["nice"] == "equal"
    ]
    names = [f"{row['model'][6:]} {row['operation']}, {row['layout']}, {row['nr_tasks']}" for row in rows]
    places = range(len(rows))
    for aside, field, hue in ((-0.2, "instructions", HUES[0]), (0.2, "kernel", "#bbb")):
        name = "cfs" if field == "instructions" else field
        values = [row[field] for row in rows]
        axes.barh([place + aside for place in places], values, 0.4, label=name, color=hue)
    axes.set_yticks(list(places), names, fontsize=7)
    axes.invert_yaxis()
    axes.set_title("instructions an operation", loc="left", fontsize=10)
    axes.legend(fontsize=7, frameon=False)


def picture(document):
    """A PNG, or None without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return None
    results = document["benchmarks"]
    figure = Figure(figsize=(15, 13.5), layout="constrained")
    axes = figure.subplots(3, 2)
    switch = [
        row
        for row in results["switch"]
        if row["layout"] == "flat" and "Python" not in row["variant"] and "loop" not in row["variant"]
    ]
    lines(axes[0, 0], switch, "variant", "a context switch, compiled, flat", "runnable tasks")
    package = results["package"]
    lines(
        axes[0, 1],
        [r for r in package if r["what"] == "ring"],
        "variant",
        "a hop of lat_ctx's ring",
        "tasks in the ring",
    )
    title = "speed-up without divisions: a hop of the ring"
    speed_ups(axes[1, 1], ring_speed_ups(package), title, "tasks in the ring")
    title = "speed-up without divisions: a switch, all nice values"
    speed_ups(axes[1, 0], switch_speed_ups(switch), title, "runnable tasks")
    growth = [row | {"variant": "cfs 2.6.24"} for row in package if row["what"] == "growth"]
    lines(axes[2, 0], growth, "variant", "a context switch as the queue grows", "runnable tasks")
    if results["instructions"]:
        bars(axes[2, 1], results["instructions"])
    noise = document["noise"]
    figure.suptitle(
        f"{document['machine']['cpu']}, {document['machine']['date'][:10]}; "
        f"A/A noise {noise['least']:.2f} to {noise['greatest']:.2f}",
        fontsize=9,
    )
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=110)
    return out.getvalue()


def write(path, document):
    """The page, and its picture beside it as a PNG."""
    image = picture(document)
    parts = [
        f"<!doctype html><meta charset=utf-8><title>cfs: benchmarks</title><style>{STYLE}</style>",
        heading(document),
    ]
    if image is not None:
        path.with_suffix(".png").write_bytes(image)
        parts.append(f"<img alt='pictures' src='data:image/png;base64,{base64.b64encode(image).decode()}'>")
    parts += [table(name, rows) for name, rows in document["benchmarks"].items() if rows]
    path.write_text("\n".join(parts), encoding="utf-8")
    print(f"written: {path}")
