"""Big recordings: what a line costs to read, and what a replay of millions of lines costs in time and memory.

reading    CPU time a line of plain text; bar: half a microsecond
tables     `cfs replay` with the tables: CPU time of the process and its peak memory
html       the same with a page
           bar of both, at 20 million lines: 15 s and 600 MiB, and in proportion for fewer, beside what a process
           costs that replays nothing much (half a second, 60 MiB)
no log     the same without a log of runs; with one that goes to a Parquet file there is no bar
ftrace, perfetto   the same with an export; no bar
memory     what a simulation of four million runs needs beyond what it needs before it begins, with a log, without
           one, and with one that goes to a Parquet file; bar of the latter two: 16 and 120 MiB, as for any number
start      CPU time of `cfs --version` and `cfs --help`; bars: 150 and 200 ms

The recording is a real one (tests/data/recordings/pipe-cut), laid end to end: times are shifted, pids kept. Before a
time is printed, the statistics of a short one are compared with those of a twin in plain Python, which sorts.

    python -m benchmarks recordings                       two million lines
    python -m benchmarks recordings --lines 20000000      the bar itself: about a minute, 3 GB of text
"""

import gzip
import importlib.util
import io
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cfs
from benchmarks import common

RECORDING = Path(__file__).parents[1] / "tests/data/recordings/pipe-cut.perf-script.txt.gz"
TIME = re.compile(rb"(\s)(\d+)\.(\d{9}):\s")
LINES, LINES_QUICK, LINES_COMPARED = 2_000_000, 100_000, 50_000
BAR_S, BAR_MIB, BAR_LINES = 15, 600, 20_000_000
START_S, START_MIB = 0.5, 60
READING_BAR_US = 0.5
START_BARS_MS = {"--version": 150, "--help": 200}
LOGS_MIB = {"True": None, "False": 16, "parquet": 120}
"""What is kept, and how much memory it may take."""
QUANTILES = {"p50_ns": 50, "p95_ns": 95, "p99_ns": 99, "max_ns": 100}


def tiled(nr_lines):
    """The recording end to end, in pieces of bytes, `nr_lines` lines in all."""
    with gzip.open(RECORDING) as file:
        found = [(line, TIME.search(line)) for line in file if not line.startswith(b"#")]
    lines = [
        (line[: at.start(2)], int(at[2]) * 10**9 + int(at[3]), line[at.end(3) :]) for line, at in found if at
    ]
    length_ns = lines[-1][1] - lines[0][1] + 1000
    shift_ns = 0
    while nr_lines > 0:
        piece = [(before, time_ns + shift_ns, after) for before, time_ns, after in lines[:nr_lines]]
        yield b"".join(b"%b%d.%09d%b" % (b, ns // 10**9, ns % 10**9, a) for b, ns, a in piece)
        nr_lines, shift_ns = nr_lines - len(piece), shift_ns + length_ns


def nearest_rank(ordered, percent):
    return ordered[-(-len(ordered) * percent // 100) - 1]


def twin_of(result, task):
    """Waits of one task, by a sort: count, sum and quantiles."""
    rows = zip(*(result.runs[name].tolist() for name in ("task", "ready", "ready_ns", "start_ns")))
    waits = sorted(start - since for row, how, since, start in rows if row == task and how and since >= 0)
    return {"count": len(waits), "sum_ns": sum(waits)} | {
        name: nearest_rank(waits, percent) if waits else 0 for name, percent in QUANTILES.items()
    }


def require_equal_statistics():
    """Raise unless the statistics of a short replay, and of what was recorded, are those of the twin."""
    recording = cfs.Recording.open(io.BytesIO(b"".join(tiled(LINES_COMPARED))))
    work = recording.workload(0)
    for result in (cfs.Simulation(work).run(), recording.result(0, workload=work)):
        for row in result.stats():
            latency = row["latency"]
            twin = twin_of(result, row["key"])
            if {name: int(latency[name]) for name in twin} != twin:
                raise AssertionError(f"statistics of task {row['key']} differ: no time is worth printing")


def measure_reading(turns, nr_lines=200_000):
    content = b"".join(tiled(nr_lines))
    times = []
    for _ in range(turns):
        begin = time.process_time()
        cfs.Recording.open(io.BytesIO(content))
        times.append((time.process_time() - begin) * 1e6 / nr_lines)
    return [{"what": "reading", "lines": nr_lines, "min_us": round(min(times), 3), "bar_us": READING_BAR_US}]


SCRIPT = """if True:
    import atexit, sys, time
    def tell():
        try:
            with open("/proc/self/status") as lines:
                peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
        except OSError:
            peak = 0
        print(time.process_time(), peak, file=sys.stderr)
    atexit.register(tell)
    from cfs.__main__ import main
    sys.argv[0] = "cfs"
    main()
"""


def replay(arguments):
    """CPU time in s and peak memory in MiB of a process that replays; the memory is 0 where nobody says it."""
    command = [sys.executable, "-c", SCRIPT, "replay", *arguments]
    run = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)
    seconds, mib = run.stderr.splitlines()[-1].split()
    return float(seconds), float(mib)


def measure_replays(turns, nr_lines):
    part = nr_lines / BAR_LINES
    bars = {
        "bar_s": round(START_S + (BAR_S - START_S) * part, 1),
        "bar_mib": round(START_MIB + (BAR_MIB - START_MIB) * part),
    }
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "recording.txt")
        with path.open("wb") as file:
            file.writelines(tiled(nr_lines))
        for what, options in outputs_in(folder):
            found = [replay([str(path), *options]) for _ in range(turns)]
            seconds, mib = min(one[0] for one in found), max(one[1] for one in found)
            numbers = {"cpu_s": round(seconds, 2), "peak_mib": round(mib)}
            rows.append({"what": what, "lines": nr_lines} | numbers | (bars if what not in EXPORTS else {}))
    return rows


EXPORTS = ("no log, parquet", "ftrace", "perfetto")
"""Of these there is no bar: pyarrow alone is half a second."""


def outputs_in(folder):
    """What a replay is asked for, as far as what writes it is installed."""
    yield "tables", []
    yield "html", ["--html", f"{folder}/page.html"]
    yield "no log", ["--no-log"]
    if importlib.util.find_spec("pyarrow"):
        yield "no log, parquet", ["--no-log", "--parquet", f"{folder}/runs.parquet"]
    yield "ftrace", ["--ftrace", f"{folder}/runs.txt"]
    if importlib.util.find_spec("perfetto"):
        yield "perfetto", ["--perfetto", f"{folder}/runs.pftrace"]


MEMORY = """if True:
    import os, sys, tempfile
    import cfs
    def peak():
        with open("/proc/self/status") as lines:
            return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    programs = {
        "ping": [("run", 25000), ("wake", "pong"), ("wait",), ("loop",)],
        "pong": [("wait",), ("run", 25000), ("wake", "ping"), ("loop",)],
    }
    work = cfs.Workload.of_programs(programs, duration_ns=100 * 10**9)
    if sys.argv[1] == "parquet":
        import pyarrow.parquet
        from cfs.reports.frames import run_to_parquet
        before = peak()
        run_to_parquet(cfs.Simulation(work), os.path.join(tempfile.gettempdir(), f"cfs-{os.getpid()}.parquet"))
        os.unlink(os.path.join(tempfile.gettempdir(), f"cfs-{os.getpid()}.parquet"))
    else:
        before = peak()
        cfs.Simulation(work, log=sys.argv[1] == "True").run(last=True)
    print(peak() - before)
"""


def measure_memory():
    """MiB that a log takes, or what is there in place of one; nothing where nobody says it."""
    if not Path("/proc/self/status").exists():
        return []
    rows = []
    for log, bar in LOGS_MIB.items():
        if log == "parquet" and not importlib.util.find_spec("pyarrow"):
            continue
        run = subprocess.run(
            [sys.executable, "-c", MEMORY, log], capture_output=True, text=True, check=True
        )
        rows.append({"what": "memory", "log": log, "mib": round(float(run.stdout), 1), "bar_mib": bar})
    return rows


START = """if True:
    import atexit, sys, time
    atexit.register(lambda: print(time.process_time(), file=sys.stderr))
    from cfs.__main__ import main
    sys.argv[0] = "cfs"
    sys.exit(main())
"""


def measure_start(turns):
    rows = []
    for option, bar in START_BARS_MS.items():
        times = []
        for _ in range(5 * turns):
            run = subprocess.run(
                [sys.executable, "-c", START, option], capture_output=True, text=True, check=True
            )
            times.append(1000 * float(run.stderr.splitlines()[-1]))
        rows.append({"what": "start", "option": option, "min_ms": round(min(times)), "bar_ms": bar})
    return rows


def show(rows):
    for row in rows:
        if row["what"] == "reading":
            star = "*" if row["min_us"] > row["bar_us"] else ""
            print(f"reading: {row['min_us']}{star} us a line; bar {row['bar_us']}")
            continue
        if row["what"] == "start":
            star = "*" if row["min_ms"] > row["bar_ms"] else ""
            print(f"cfs {row['option']}: {row['min_ms']}{star} ms of CPU time; bar {row['bar_ms']}")
            continue
        if row["what"] == "memory":
            bar = "" if row["bar_mib"] is None else f"; bar {row['bar_mib']}"
            star = "*" if bar and row["mib"] > row["bar_mib"] else ""
            print(f"four million runs, log = {row['log']}: {row['mib']}{star} MiB{bar}")
            continue
        bars = f"; bars {row['bar_s']} s, {row['bar_mib']} MiB" if "bar_s" in row else ""
        late = "*" if bars and row["cpu_s"] > row["bar_s"] else ""
        large = "*" if bars and row["peak_mib"] > row["bar_mib"] else ""
        print(
            f"replay of {row['lines']} lines, {row['what']}: {row['cpu_s']}{late} s of CPU time, "
            f"{row['peak_mib']}{large} MiB{bars}"
        )
    print(flush=True)


def main(arguments=None):
    parser = common.arguments("recordings", __doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=None, help="lines of the replays (default: two million)")
    options = parser.parse_args(arguments)
    turns = options.turns or (1 if options.quick else 3)
    stamp = common.machine_stamp()
    common.print_stamp(stamp)
    require_equal_statistics()
    rows = measure_reading(turns)
    rows += measure_replays(turns, options.lines or (LINES_QUICK if options.quick else LINES))
    rows += measure_memory() + measure_start(turns)
    show(rows)
    if options.json:
        common.write_json(options.json, "recordings", stamp, rows)
    return rows


if __name__ == "__main__":
    main()
