"""The rest of what one pays: a call from Python, memory, growth, rings, threads, import, wheel.

call       `yield_` from Python against an empty compiled method of its signature
           bar: empty + 15 ns + 1.2 times the compiled operation
memory     bytes a runnable task takes in the core: struct, slot of the table, share of the runs; and resident
growth     ns a switch from 2 to 1,048,576 tasks
ring       lat_ctx's ring, a synchronous wakeup and a block a hop: the models, and 2.6.24 and the textbook
           with a division in each charge; once with equal tasks, as lat_ctx has them (2.6.24 then has nothing
           to weight), and once with all nice values, 2.6.24 and the textbook only; final states compared
threads    two simulations in two threads against one after the other, the GIL released
build      all extensions from the sources: seconds, and megabytes
reading    a line of a recording, plain text; bar: half a microsecond; an event of perf.data, of
           650,000, as a file and as a stream; bar: 0.3 microseconds
import     `import cfs` beyond numpy's own, in a new process
"""

import gzip
import io
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import cfs
from benchmarks import bench_events, common
from benchmarks.baselines import compiled
from benchmarks.baselines.in_python import ExactRing, FromPython
from benchmarks.baselines.state import Case, boot, state_of
from tests.unit.recordings.tiled import tiled

MODELS = bench_events.MODELS
RINGS = {"equal": "ring", "mixed": "ring, all nice values"}  # nice values to what the rows are called
BOOTS = 3  # of a ring, each with its memory elsewhere
CFS, DIVIDING = (bench_events.SHORT[model] for model in (bench_events.CFS, bench_events.DIVIDING))
TEXTBOOK, TEXTBOOK_DIVIDING, EXACT = "textbook", "textbook, dividing", "exact formula of the division"
ALIKE = ((CFS, TEXTBOOK), (EXACT, DIVIDING, TEXTBOOK_DIVIDING))
RING_SIZES = (2, 4, 8, 16, 32, 64, 128, 256)
RECORDING = Path(__file__).parents[1] / "examples/recordings/fork-heavy.perf-script.txt.gz"
EVENTS_TIMES = 1000  # so often the 653 events of the small file
GROWTH = (2, 8, 64, 512, 4096, 32768, 262144, 1048576)
MEMORY_BARS = {bench_events.CFS: 192}
MEMORY_BAR = 256
CALL_SIZES = (2, 8, 64, 512)


class EmptyFromPython(FromPython):
    """The same loop over a method that does nothing."""

    def __init__(self, state):
        super().__init__(state, compiled("_events").EmptyCall())


def measure_call(turns):
    rows = []
    for n in CALL_SIZES:
        case = Case(n)
        start = state_of(boot(case), case)
        setting = bench_events.Setting(bench_events.CFS, "yield", n, mix="mixed")
        variants = {
            "call": FromPython(start, boot(case)),
            "empty": EmptyFromPython(start),
            "compiled": bench_events.variant_of(setting),
            "loop": bench_events.loop_of(setting),
        }
        common.warm_up(variants, 4 * n + common.STEPS)
        samples = common.interleave(variants, turns, 10)
        least = {name: sample.least for name, sample in samples.items()}
        bar = least["empty"] + 15 + 1.2 * (least["compiled"] - least["loop"])
        rows.append(
            {
                "what": "call",
                "nr_tasks": n,
                **{k: round(v, 1) for k, v in least.items()},
                "bar": round(bar, 1),
            }
        )
    return rows


def resident_a_task(model, nr=200_000):
    """Resident set a task, bytes, in a process of its own; None where nobody says how much it is."""
    script = f"""if True:
        import cfs
        def resident():
            with open("/proc/self/status") as lines:
                return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))
        sched = cfs.Scheduler({model!r})
        sched.fork(now_ns=1)
        before = resident()
        for i in range({nr}):
            sched.fork(now_ns=2 + i)                            # no handle is kept
        print(round((resident() - before) / {nr}))
    """
    if sys.platform != "linux":
        return None
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return int(run.stdout)


def measure_memory():
    rows = []
    for model in MODELS:
        sched = cfs.Scheduler(model)
        for number in range(10_000):
            sched.fork(now_ns=1 + number)
        core = sum(compiled("_events").Footprint.of(sched))
        bar = MEMORY_BARS.get(model, MEMORY_BAR)
        resident = resident_a_task(model)
        rows.append(
            {"what": "memory", "model": model, "bytes": core, "resident": resident, "bar": bar}
        )
    return rows


def measure_growth(turns):
    rows = []
    for n in GROWTH:
        ours = bench_events.variant_of(bench_events.Setting(bench_events.CFS, "switch", n))
        ours.prepare(min(4 * n, 1_000_000) + common.STEPS)
        ours.run()
        sample = common.interleave({"cfs": ours}, turns, 10)["cfs"]
        rows.append(
            {
                "what": "growth",
                "nr_tasks": n,
                "min_ns": round(sample.least, 1),
                "median_ns": round(sample.median, 1),
            }
        )
    return rows


def ring_variants(n, mix="equal"):
    """Name to variant, those that divide in one state and the textbook in that of 2.6.24."""
    models = (*MODELS, bench_events.DIVIDING) if mix == "equal" else (bench_events.CFS, bench_events.DIVIDING)
    rings = {
        bench_events.SHORT[model]: bench_events.variant_of(bench_events.Setting(model, "ring", n, mix=mix))
        for model in models
    }
    textbook = compiled("_events").TextbookEvents
    rings[TEXTBOOK] = textbook("ring", rings[CFS].start())
    rings[TEXTBOOK_DIVIDING] = textbook("ring", rings[DIVIDING].start(), dividing=True)
    rings[EXACT] = ExactRing(rings[DIVIDING].start())
    return rings


def ring_turns(n, mix, turns, rounds):
    """Samples of all but the exact formula, which makes the same steps; the final states compared."""
    variants = ring_variants(n, mix)
    common.warm_up(variants, 4 * n + common.STEPS)
    timed = {name: variant for name, variant in variants.items() if name != EXACT}
    samples = common.interleave(timed, turns, rounds)
    variants[EXACT].prepare(turns * (rounds + 1) * common.STEPS)
    variants[EXACT].run()
    common.require_equal_states(variants, ALIKE)
    return samples


def ring_samples(n, mix, turns, rounds=10):
    """The turns shared among several boots: where the memory of a variant lies can double its time."""
    boots = [ring_turns(n, mix, max(turns // BOOTS, 1), rounds) for _ in range(BOOTS)]
    samples = {name: common.Samples() for name in boots[0]}
    for name, sample in samples.items():
        sample.turns = [turn for boot in boots for turn in boot[name].turns]
    return samples


def ring_rows(n, mix, samples):
    return [
        {
            "what": RINGS[mix],
            "variant": name,
            "nr_tasks": n,
            "min_ns": round(sample.least, 1),
            "median_ns": round(sample.median, 1),
            "ratio": round(sample.ratio_to(samples[CFS]), 3),
        }
        for name, sample in samples.items()
    ]


def measure_ring(turns):
    cases = [(n, mix) for mix in RINGS for n in RING_SIZES]
    return [row for n, mix in cases for row in ring_rows(n, mix, ring_samples(n, mix, turns))]


def measure_threads(turns, steps=2_000_000):
    setting = bench_events.Setting(bench_events.CFS, "switch", 8)
    variants = [bench_events.variant_of(setting) for _ in range(2)]
    ratios = []
    for _ in range(turns):
        for variant in variants:
            variant.prepare(steps)
        begin = time.perf_counter()
        variants[0].run()
        alone = time.perf_counter() - begin
        threads = [threading.Thread(target=variant.run) for variant in variants]
        begin = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ratios.append((time.perf_counter() - begin) / alone)
    return [
        {
            "what": "threads",
            "two_to_one": round(min(ratios), 2),
            "median": round(statistics.median(ratios), 2),
        }
    ]


def import_time(code):
    script = f"import numpy, time\nt = time.perf_counter()\n{code}\nprint(time.perf_counter() - t)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return 1000 * float(run.stdout)


def measure_import(turns):
    times = [import_time("import cfs") for _ in range(turns)]
    return [
        {
            "what": "import",
            "min_ms": round(min(times), 1),
            "median_ms": round(statistics.median(times), 1),
            "bar": 50,
        }
    ]


def measure_build():
    """A whole build of the extensions from a copy of the sources, and how large they are."""
    root = Path(__file__).resolve().parents[1]
    with tempfile.TemporaryDirectory() as folder:
        for name in ("cfs", "setup.py", "pyproject.toml", "README.md"):
            if (root / name).is_dir():
                skip = shutil.ignore_patterns("*.so", "*.pyd", "*.c", "__pycache__")
                shutil.copytree(root / name, f"{folder}/{name}", ignore=skip)
            else:
                shutil.copy(root / name, folder)
        begin = time.perf_counter()
        build = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
        subprocess.run(build, cwd=folder, check=True, capture_output=True)
        seconds = time.perf_counter() - begin
        made = [path for end in ("so", "pyd") for path in Path(folder, "cfs").rglob(f"*.{end}")]
        size = sum(path.stat().st_size for path in made)
    return [{"what": "build", "seconds": round(seconds, 1), "modules": len(made), "mb": round(size / 1e6, 1)}]


def measure_reading(turns):
    """CPU time a line or event of a recording: what `cfs replay` does before it simulates."""
    with gzip.open(RECORDING) as file:
        text = file.read()
    perf_data, nr_events = tiled(EVENTS_TIMES)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "perf.data")
        path.write_bytes(perf_data)
        return [
            reading("text", lambda: io.BytesIO(text), text.count(b"\n"), turns, 0.5),
            reading("perf.data", lambda: path, nr_events, turns, 0.3),
            reading("perf.data, a stream", lambda: io.BytesIO(perf_data), nr_events, turns, 0.3),
        ]


def reading(name, source, nr, turns, bar):
    times = []
    for _ in range(turns):
        given = source()
        begin = time.process_time()
        cfs.Recording.open(given)
        times.append((time.process_time() - begin) * 1e6 / nr)
    least, median = round(min(times), 3), round(statistics.median(times), 3)
    return {"what": "reading", "of": name, "min_us": least, "median_us": median, "bar": bar}


def show_ring(what, rows):
    names = list(dict.fromkeys(row["variant"] for row in rows))
    cell = {(row["variant"], row["nr_tasks"]): row for row in rows}
    lines = [(name, [common.times(cell[name, n]) for n in RING_SIZES]) for name in names]
    common.print_table(f"{what}, ns a hop", RING_SIZES, lines, 13)
    lines = [(f"{name} : {CFS}", [f"{cell[name, n]['ratio']:.2f}" for n in RING_SIZES]) for name in names]
    common.print_table(f"{what}, ratios", RING_SIZES, lines, 13)


def show(rows):
    def of(what):
        return [row for row in rows if row["what"] == what]

    calls = of("call")
    sizes = [row["nr_tasks"] for row in calls]
    lines = [
        (name, [f"{row[name]:.1f}" for row in calls]) for name in ("call", "empty", "compiled", "loop", "bar")
    ]
    common.print_table("one call of yield_ from Python, ns (least)", sizes, lines, 10)
    lines = [
        (row["model"], [str(row["bytes"]), str(row["resident"]), str(row["bar"])]) for row in of("memory")
    ]
    common.print_table("bytes a runnable task", ["core", "resident", "bar"], lines, 10)
    growth = of("growth")
    lines = [("cfs 2.6.24, equal nice values", [common.times(row) for row in growth])]
    common.print_table("ns a switch as the queue grows", [row["nr_tasks"] for row in growth], lines, 13)
    for what in RINGS.values():
        show_ring(what, of(what))
    for row in of("threads"):
        print(f"two threads take {row['two_to_one']} of the time of one (least; median {row['median']})")
    for row in of("build"):
        print(f"build: {row['seconds']} s for {row['modules']} modules, {row['mb']} MB")
    for row in of("reading"):
        least, median = row["min_us"], row["median_us"]
        print(f"reading {row['of']}: {least} us a line or event least, {median} median; bar {row['bar']}")
    for row in of("import"):
        print(
            f"import cfs beyond numpy: {row['min_ms']} ms least, {row['median_ms']} median; "
            f"bar {row['bar']}\n"
        )


def main(arguments=None):
    options = common.arguments("package", __doc__.splitlines()[0]).parse_args(arguments)
    turns = options.turns or (2 if options.quick else 9)
    stamp = common.machine_stamp()
    common.print_stamp(stamp)
    rows = measure_memory()
    rows += measure_call(turns) + measure_growth(turns) + measure_ring(turns)
    rows += measure_threads(max(turns // 2, 1)) + measure_import(turns) + measure_reading(turns)
    rows += [] if options.quick else measure_build()
    show(rows)
    if options.json:
        common.write_json(options.json, "package", stamp, rows)
    return rows


if __name__ == "__main__":
    main()
