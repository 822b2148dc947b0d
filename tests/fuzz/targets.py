"""What is fuzzed: for each reader what it is given, from what it starts, and what may come of it.

    recording   text of perf script or ftrace (`Recording.open`), and the runs found in it
    answers     the same text, and every question that a recording answers: twenty times slower
    packed      the same text packed by gzip, with a damaged byte and a cut
    perf_data   a perf.data file or pipe (`Recording.open`), and the runs found in it
    trace_dat   the same of a trace.dat
    perfetto    the same of a Perfetto trace
    surroundings  the JSON in a .cfsrec, beside a sound recording, and a run under every model
    trace       conformance traces (`replay_trace`), replayed on the model that they name
    scenario    TOML (`read_scenario`), and 1 ms of a run under a model

A target returns, or raises the one error that the reader promises. Everything else is a finding: another
exception, a crash, a report of a sanitizer, more than `TIMEOUT_S` for one input. `found/TARGET/` keeps what
was ever found; `tests/unit/test_fuzz_corpus.py` gives it to the same functions in every run of the
tests.

    python -m tests.fuzz.targets TARGET FILE ...        one input after the other, with a traceback
"""

import contextlib
import gzip
import io
import json
import pathlib
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import cfs
from cfs import conformance, scenarios
from cfs.recordings.surroundings import SCHEMA
from cfs.scenarios import expand
from cfs.workload.said import lost_in
from tests.properties.test_random_recordings import SOUND, sound
from tests.unit.recordings import readings
from tests.unit.recordings.lines import text
from tests.unit.recordings.tiled import shortened

ROOT = pathlib.Path(__file__).parents[2]
FOUND = pathlib.Path(__file__).parent / "found"
TIMEOUT_S = 30
"""Longest time of one input in a sanitized build, which is some ten times slower."""
SEED_BYTES = 3_000
"""As much of a file stands for all of it; shorter inputs mean more of them."""
RUN_NS = 1_000_000
OPERATIONS_MAX = 3_000
"""A scenario may write out a million operations: legal, slow, and no finding."""


@dataclass(frozen=True)
class Target:
    """One thing to fuzz."""

    test: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    words: tuple[str, ...]
    length_max: int


# ---- Recordings ----------------------------------------------------------------------------------


def runs_of(recording):
    recording.runs()
    str(recording.warnings)


def try_recording(data, look=runs_of):
    try:
        recording = cfs.Recording.open(io.BytesIO(data))
    except cfs.RecordingError as error:
        if not str(error):
            raise AssertionError("an error without a word") from error
        return
    look(recording)


def try_answers(data):
    try_recording(data, sound)


def try_packed(data):
    """The last four bytes say where the damage is, what it is, and where the cut."""
    content, (at, byte, cut, how) = data[:-4], data[-4:] if len(data) >= 4 else b"\0\0\0\0"
    packed = bytearray(gzip.compress(content, how % 10, mtime=0))
    if how & 16:
        packed[2 + (at * 37) % (len(packed) - 2)] ^= byte
    if how & 32:
        del packed[2 + cut * len(packed) // 256 :]
    if how & 64:
        packed += gzip.compress(content[: cut * 8], mtime=0)
    try_recording(bytes(packed))


def seeds_of_recordings():
    files = [*(ROOT / "examples/recordings").glob("*.gz"), *(ROOT / "tests/data/recordings").glob("*.txt.gz")]
    return [text(*SOUND), *map(beginning, sorted(files))]


def beginning(path):
    """The first line, and as many more as there is room for."""
    with gzip.open(path, "rb") as file:
        lines = [file.readline()]
        for line in file:
            if sum(map(len, lines)) + len(line) > SEED_BYTES:
                break
            lines.append(line)
    return b"".join(lines)


WORDS_OF_RECORDINGS = (
    "sched:sched_switch: ", "sched:sched_waking: ", "sched:sched_wakeup: ", "sched:sched_wakeup_new: ",
    "sched:sched_process_fork: ", "sched:sched_process_exit: ", "sched:sched_stat_runtime: ",
    "sched_switch: ",
    "sched:sched_migrate_task: ", "sched:sched_process_exec: ",
    " prev_pid=", " next_pid=", " prev_state=", " ==> ", " prev_comm=", " next_comm=", " prev_prio=", "comm=",
    " pid=",
    " prio=", " target_cpu=", " success=1", " runtime=", " vruntime=", " [ns]", "child_pid=", "child_comm=",
    "orig_cpu=",
    "dest_cpu=", "[000]", "[4095]", " 1808.000000001: ", " 1808.000001: ", "swapper", "<idle>-0", "d..2.",
    "R+", "18446744073709551616",
    "# tracer: nop\n", "CPU 0 lost 5 events", "##### CPU 1 buffer started ####", "cpus=2\n", "\x1f\x8b\x08",
    "\x28\xb5\x2f\xfd",
)  # fmt: skip


# ---- Binary recordings ---------------------------------------------------------------------------
# Seeds are short: of a file the first records, of a pipe and a Perfetto trace the first bytes.


def seeds_of_perf_data():
    pipe = readings.data_of("perf-pipe.data")
    files = ["perf-default", "perf-callchain", "perf-bigendian-switch", "perf-zstd"]
    return [*(shortened(readings.data_of(f"{name}.data"), 4_000) for name in files), pipe[:60_000]]


def seeds_of_trace_dat():
    whole = readings.data_of("tc-v7-zstd.dat")
    return [whole, *(readings.data_of(f"{name}.dat")[:BINARY_BYTES] for name in ("tc-v6", "tc-old-arm64-b", "tc-v6-tsc"))]


def seeds_of_perfetto():
    named = [readings.data_of(f"{name}.pftrace") for name in ("pf-compact", "pf-full", "pf-lost")]
    packed = b"\x92\x03" + varint(len(deflated := zlib.compress(named[2][:4_000]))) + deflated
    return [*(content[:16_000] for content in named), b"\x0a" + varint(len(packed)) + packed + named[0][:2_000]]


def varint(value):
    return bytes([value & 127 | 128, value >> 7 & 127 | 128, value >> 14])


BINARY_BYTES = 65_536
WORDS_OF_BINARIES = (
    "PERFILE2", "\x17\x08\x44tracing", "header_page\0", "header_event\0", "flyrecord\0", "options  \0", "zstd\0", "zlib\0",
    "none\0", "\x28\xb5\x2f\xfd", "\x78\x9c", "sched\0", "name: sched_switch\nID: 372\nformat:\n",
    "\tfield:int next_pid;\toffset:56;\tsize:4;\tsigned:1;\n", "__data_loc char[] ", "print fmt: ", "REC->prev_state & ",
    "\x09\0\0\0", "\x44\0\0\0", "\x51\0\0\0", "\x53\0\0\0", "\x42\0\0\0", "\xff\xff\xff\xff\xff\xff\xff\x7f",
)  # fmt: skip


# ---- What is said beside a recording -------------------------------------------------------------


def try_surroundings(data):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("surroundings.json", data)
        archive.writestr("recording", text(*SOUND))
    try_recording(packed.getvalue(), run_by_all)


def run_by_all(recording):
    """What a file says is never an error, whatever a model knows of it."""
    work = recording.workload(None)
    work.check()
    for model in cfs.MODELS.values():
        work.run(model)
        lost_in(work, model)
    str(recording.surroundings.line)


def seeds_of_surroundings():
    task = {"pid": 101, "uid": 1000, "policy": "idle", "slice_ns": 3_000_000, "group": "/a/b"}
    group = {"path": "/a/b", "shares": 3072, "idle": True, "kind": "cgroup v1", "quota_ns": 5, "period_ns": 10}
    tables = [
        {},
        {"hz": 250, "preempt": "lazy", "cpus_in_machine": 8, "base_slice_ns": 700_000},
        {"tasks": [task, task | {"pid": 102, "group": "/a"}], "groups": [group, group | {"path": "/a", "idle": False}]},
        {"users": {"1000": 512}, "tunables": {"sched_latency_ns": 5}, "features": {"PLACE_LAG": False}, "tasks": [task]},
    ]
    return [json.dumps({"schema": SCHEMA} | table).encode() for table in tables]


WORDS_OF_SURROUNDINGS = (
    '"schema":', '"cfs-recording/1"', '"hz":', '"preempt":', '"cpus_in_machine":', '"base_slice_ns":', '"tunables":{',
    '"features":{', '"groups":[{"path":"/a"', '"tasks":[{"pid":101', '"users":{"0":2048', '"clock":"CLOCK_MONOTONIC"',
    '"seen_ns":', '"nice":', '"policy":"batch"', '"slice_ns":', '"group":"/a/b/c"', '"idle":true', '"shares":',
    '"sched_latency_ns":', '"START_DEBIT":true', '"normalized_base_slice_ns":', '"tick_nsec":', "1e9", "null", "-1",
    "4294967295", "18446744073709551615", "\\ud800", "}", "]", ",",
)  # fmt: skip


# ---- Conformance traces --------------------------------------------------------------------------


@contextlib.contextmanager
def file_of(data, suffix):
    # in memory where there is such a folder: an input is written some thousand times a second
    memory = pathlib.Path("/dev/shm")
    with tempfile.NamedTemporaryFile(suffix=suffix, dir=memory if memory.is_dir() else None) as file:
        file.write(data)
        file.flush()
        yield file.name


def try_trace(data):
    with file_of(data, ".jsonl") as path, contextlib.suppress(cfs.TraceError):
        str(conformance.replay_trace(path).difference)


def seeds_of_traces():
    files = sorted((ROOT / "tests/data/conformance").rglob("*.jsonl.gz"))
    return [seed for seed in map(beginning, files[::5]) if seed.count(b"\n") > 3]


WORDS_OF_TRACES = (
    '"op":"fork"', '"op":"wake"', '"op":"block"', '"op":"exit"', '"op":"yield"', '"op":"tick"', '"op":"nice"',
    '"op":"policy"', '"op":"move"', '"op":"shares"', '"op":"group"', '"op":"slice"', '"op":"gidle"', '"t":',
    '"task":',
    '"parent":', '"nice":-20', '"nice":19', '"policy":"batch"', '"policy":"idle"', '"policy":"normal"',
    '"group":"/"',
    '"group":"uid:0"', '"shares":2', '"slice_ns":', '"idle":1', '"sync":true', '"irq":true',
    '"clone_vm":true', '"s":{}',
    '"groups":"none"', '"groups":"uid"', '"groups":"cgroup"', '"tunables":{', '"model":"linux-2.6.24-cfs"',
    '"model":"linux-2.6.23-cfs"', '"model":"linux-2.6.22-o1"', '"model":"rfs-model"',
    '"model":"linux-6.18-eevdf"',
    '"ent_fields":', '"rq_fields":', '"cpu_fields":', '"hz":1000', '"cpus":1', "18446744073709551615", "-1",
    "1e9", "null",
    "true", "[]", "{}", "\n",
)  # fmt: skip


# ---- Scenarios -----------------------------------------------------------------------------------


def try_scenario(data):
    model = list(cfs.MODELS)[len(data) % len(cfs.MODELS)]
    expand.OPERATIONS_MAX = OPERATIONS_MAX
    try:
        with file_of(data, ".toml") as path:
            work = scenarios.read_scenario(path)
        work.check()
        cfs.Simulation(work, model).run(until_ns=min(work.duration_ns, RUN_NS))
    except cfs.WorkloadError as error:
        if not str(error):
            raise AssertionError("an error without a word") from error


def seeds_of_scenarios():
    return [path.read_bytes() for path in sorted((ROOT / "examples/scenarios").glob("*.toml"))]


WORDS_OF_SCENARIOS = (
    "[[task]]\n", "name = ", "program = [", "count = 3\n", "forked = true\n", 'start = "1 ms"\n',
    "nice = -5\n",
    'policy = "batch"\n', "uid = 1000\n", 'group = "g"\n', "cpu = 1\n", "seed = 1\n", 'duration = "5 ms"\n',
    "[groups.g]\n",
    "[users.1000]\n", "shares = 5\n", '"run 1 ms"', '"run 1 ms .. 2 ms"', '"run forever"', '"sleep 1 ms"',
    '"sleep until 2 ms"', '"next 10 ms"', '"wait"', '"wake a"', '"wake parent"', '"wake next"', '"fork t"',
    '"nice 5"',
    '"yield"', '"loop"', '"exit"', "{ repeat = 2, do = [", "{ do = [", "] }", "us", "ns",
    "9223372036854775807",
)  # fmt: skip


TARGETS = {
    "recording": Target(try_recording, seeds_of_recordings, WORDS_OF_RECORDINGS, 4_096),
    "answers": Target(try_answers, seeds_of_recordings, WORDS_OF_RECORDINGS, 4_096),
    "packed": Target(try_packed, seeds_of_recordings, WORDS_OF_RECORDINGS, 4_096),
    "perf_data": Target(try_recording, seeds_of_perf_data, WORDS_OF_BINARIES, BINARY_BYTES),
    "trace_dat": Target(try_recording, seeds_of_trace_dat, WORDS_OF_BINARIES, BINARY_BYTES),
    "perfetto": Target(try_recording, seeds_of_perfetto, WORDS_OF_BINARIES, BINARY_BYTES),
    "surroundings": Target(try_surroundings, seeds_of_surroundings, WORDS_OF_SURROUNDINGS, 4_096),
    "trace": Target(try_trace, seeds_of_traces, WORDS_OF_TRACES, 8_192),
    "scenario": Target(try_scenario, seeds_of_scenarios, WORDS_OF_SCENARIOS, 4_096),
}


def main(name, *paths):
    for path in paths:
        TARGETS[name].test(pathlib.Path(path).read_bytes())


if __name__ == "__main__":
    main(*sys.argv[1:])
