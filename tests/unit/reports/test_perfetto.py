"""Perfetto traces, decoded with Perfetto's own protos and compared with the runs."""

import sys
from functools import cache

import numpy as np
import pytest

pb2 = pytest.importorskip("perfetto.protos.perfetto.trace.perfetto_trace_pb2")

from cfs import CfsError, MissingExtraError, Recording, Result, Simulation, Workload, read_scenario
from cfs.reports import nr_running, run_sampled, write_perfetto
from cfs.reports.part import part_of
from cfs.result import RUN_DTYPE, Out, Ready, WokenBy

MS = 10**6


def decoded(result, path, samples=None):
    write_perfetto(result, path, samples)
    trace = pb2.Trace()
    trace.ParseFromString(path.read_bytes())
    return trace


def fork_heavy():
    recording = Recording.open("examples/recordings/fork-heavy.perf-script.txt.gz")
    return Simulation(recording.workload(recording.cpus), hz=250)


@cache
def fork_heavy_result():
    return fork_heavy().run()


@pytest.fixture(scope="module")
def fork_heavy_trace(tmp_path_factory):
    return decoded(fork_heavy_result(), tmp_path_factory.mktemp("fork-heavy") / "t.pftrace")


def switches(trace):
    """(time, cpu, pid switched in, state of who is switched out, name) of every compact switch."""
    found = []
    for packet in trace.packet:
        bundle = packet.ftrace_events
        compact = bundle.compact_sched
        times = np.cumsum(list(compact.switch_timestamp)).tolist()
        names = [compact.intern_table[index] for index in compact.switch_next_comm_index]
        cpus = [bundle.cpu] * len(times)
        found += zip(times, cpus, compact.switch_next_pid, compact.switch_prev_state, names)
    return found


@pytest.mark.slow
def test_switches_in_are_the_runs(fork_heavy_trace):
    result, trace = fork_heavy_result(), fork_heavy_trace
    ins = sorted((at, cpu, pid, name) for at, cpu, pid, _, name in switches(trace) if pid)
    runs = result.runs
    expected = zip(
        runs["start_ns"].tolist(),
        runs["cpu"].tolist(),
        result.pids[runs["task"]].tolist(),
        [result.names[task] for task in runs["task"].tolist()],
    )
    assert ins == sorted(expected)
    assert len(switches(trace)) == result.context_switches


@pytest.mark.slow
def test_wakings_are_the_wakeups_and_forks_have_their_event(fork_heavy_trace):
    result, trace = fork_heavy_result(), fork_heavy_trace
    wakings, forks = [], []
    for packet in trace.packet:
        compact = packet.ftrace_events.compact_sched
        wakings += zip(np.cumsum(list(compact.waking_timestamp)).tolist(), compact.waking_pid)
        forks += [(event.timestamp, event.sched_wakeup_new.pid) for event in packet.ftrace_events.event]
    is_fork = result.wakeups["cause"] == WokenBy.FORK
    for found, rows in ((wakings, result.wakeups[~is_fork]), (forks, result.wakeups[is_fork])):
        assert sorted(found) == sorted(zip(rows["time_ns"].tolist(), result.pids[rows["task"]].tolist()))


def wakers(trace):
    """For each waking its time, its flags, and who runs on the CPU whose bundle it is in, a pid."""
    found, current = [], {}
    for packet in trace.packet:
        bundle = packet.ftrace_events
        compact = bundle.compact_sched
        switches = zip(np.cumsum(list(compact.switch_timestamp)).tolist(), compact.switch_next_pid)
        ins = [(0, current.get(bundle.cpu, 0)), *switches]
        if len(ins) > 1:
            current[bundle.cpu] = ins[-1][1]
        for at, flags in zip(np.cumsum(list(compact.waking_timestamp)).tolist(), compact.waking_common_flags):
            found.append((at, flags, [pid for time, pid in ins if time < at][-1:]))
    return found


def test_p4_the_flags_say_whether_the_one_who_runs_there_is_the_waker(tmp_path):
    programs = {
        "hog": [("run", 50 * MS)],
        "a": [("run", MS), ("wake", "b"), ("run", MS), ("sleep", 3 * MS), ("loop",)],
        "b": [("wait",), ("run", 100_000), ("loop",)],
    }
    work = Workload.of_programs(programs, cpu={"hog": 0, "a": 1, "b": 0}, duration_ns=40 * MS)
    result = work.run()
    found = wakers(decoded(result, tmp_path / "t.pftrace"))
    a = int(result.pids[result.names.index("a")])
    by_task = [who for at, flags, who in found if not flags & (8 | 16)]
    assert by_task == [[a]] * (result.wakeups["cause"] == WokenBy.TASK).sum() and len(by_task) > 2
    timers = result.wakeups["cause"] == WokenBy.TIMER
    assert sum(flags & 8 != 0 for _, flags, _ in found) == timers.sum() > 7


def test_wakeups_in_the_context_of_a_hog_have_no_waker(tmp_path):
    result = read_scenario("tests/data/cases/timer-and-hog.toml").run()
    found = wakers(decoded(result, tmp_path / "t.pftrace"))
    assert len(found) == len(result.wakeups) and all(flags & 8 for _, flags, _ in found)


@pytest.mark.slow
def test_p5_a_part_is_a_trace_from_there_on(tmp_path):
    result, samples = run_sampled(fork_heavy())
    begin, end = 10**9, 15 * 10**8
    part = part_of(result, begin, end)
    write_perfetto(part, tmp_path / "t.pftrace", samples, from_ns=begin)
    trace = pb2.Trace()
    trace.ParseFromString((tmp_path / "t.pftrace").read_bytes())
    times = [at for at, *_ in switches(trace)] + [at for at, *_ in wakers(trace)]
    assert begin <= min(times) and max(times) <= end
    assert all(begin <= packet.timestamp <= end for packet in trace.packet if packet.timestamp)
    counted = [packet.timestamp for packet in trace.packet if packet.track_event.track_uuid == (1 << 32)]
    assert counted[0] == begin and counted == sorted(set(counted))
    runs = Recording.open(tmp_path / "t.pftrace").runs()
    assert len(runs) == len(part.runs)


@pytest.mark.slow
def test_times_in_a_bundle_never_decrease_and_columns_have_one_length(fork_heavy_trace):
    for packet in fork_heavy_trace.packet:
        compact = packet.ftrace_events.compact_sched
        lengths = {
            len(column)
            for column in (
                compact.switch_timestamp,
                compact.switch_prev_state,
                compact.switch_next_pid,
                compact.switch_next_prio,
                compact.switch_next_comm_index,
            )
        }
        assert len(lengths) == 1
        assert all(delta >= 0 for delta in [*compact.switch_timestamp, *compact.waking_timestamp])


@pytest.mark.slow
def test_a_bundle_is_of_one_cpu_and_short(fork_heavy_trace):
    bundles = [
        p.ftrace_events
        for p in fork_heavy_trace.packet
        if p.HasField("ftrace_events")
    ]
    assert {bundle.cpu for bundle in bundles} == {0, 1}
    assert max(len(bundle.compact_sched.switch_timestamp) for bundle in bundles) <= 4096 < 17000


def test_the_process_tree_has_every_task_that_ran_and_who_forked_it(tmp_path):
    work = Workload.of_programs(
        {"sh": [("run", MS), ("fork", "ls"), ("run", 5 * MS)], "ls": [("run", MS)]}, duration_ns=20 * MS
    )
    result = work.run()
    tree = next(
        p.process_tree for p in decoded(result, tmp_path / "t.pftrace").packet if p.HasField("process_tree")
    )
    pid = dict(zip(result.names, result.pids.tolist()))
    assert {process.cmdline[0]: (process.pid, process.ppid) for process in tree.processes} == {
        "sh": (pid["sh"], 0),
        "ls": (pid["ls"], pid["sh"]),
    }
    assert {(thread.tid, thread.tgid, thread.name) for thread in tree.threads} == {
        (number, number, name) for name, number in pid.items()
    }


def test_states_are_the_kernels_bits(tmp_path):
    runs = np.zeros(3, RUN_DTYPE)
    runs["start_ns"], runs["end_ns"] = (0, 10, 20), (10, 20, 30)
    runs["out"], runs["ready"] = (Out.PREEMPTED, Out.BLOCKED, Out.EXITED), Ready.FORK
    runs["task"] = 0, 1, 2
    result = Result("m", runs, 40, np.array([4, 5, 6]), np.zeros(3, int), ["a", "b", "c"], ["/"] * 3, [0], 4)
    states = [state for _, _, _, state, _ in switches(decoded(result, tmp_path / "t.pftrace"))]
    assert states == [0, 0, 1, 16]


def test_a_pid_used_again_is_a_new_task(tmp_path):
    runs = np.zeros(2, RUN_DTYPE)
    runs["ready_ns"], runs["start_ns"], runs["end_ns"] = (0, 15), (0, 20), (10, 30)
    runs["task"], runs["out"], runs["ready"] = (0, 1), Out.EXITED, Ready.FORK
    result = Result("m", runs, 40, np.array([4, 4]), np.zeros(2, int), ["old", "new"], ["/"] * 2, [0], 4)
    packets = decoded(result, tmp_path / "t.pftrace").packet
    new = [e.task_newtask for p in packets for e in p.ftrace_events.event if e.HasField("task_newtask")]
    assert [(task.pid, task.comm) for task in new] == [(4, "new")]
    tree = next(p.process_tree for p in packets if p.HasField("process_tree"))
    assert [process.cmdline[0] for process in tree.processes] == ["old"]


def counters(trace, name):
    tracks = {
        p.track_descriptor.uuid: p.track_descriptor for p in trace.packet if p.HasField("track_descriptor")
    }
    wanted = {uuid for uuid, track in tracks.items() if track.name == name}
    found = {}
    for packet in trace.packet:
        event = packet.track_event
        if packet.HasField("track_event") and event.track_uuid in wanted:
            track = tracks[event.track_uuid]
            owner = tracks[track.parent_uuid]
            found.setdefault(owner.thread.tid or owner.name, []).append(
                (packet.timestamp, event.counter_value)
            )
    return found


@pytest.mark.slow
def test_nr_running_is_a_counter_of_each_cpu(fork_heavy_trace):
    result, trace = fork_heavy_result(), fork_heavy_trace
    for cpu in result.cpus:
        values = counters(trace, f"nr_running CPU {cpu}")[f"cfs: {result.model}"]
        assert values == list(zip(*(column.tolist() for column in nr_running(result, cpu))))


@pytest.mark.slow
def test_virtual_time_is_a_counter_of_each_thread(tmp_path):
    result, samples = run_sampled(fork_heavy(), nr_instants=20)
    found = counters(decoded(result, tmp_path / "t.pftrace", samples), "vruntime")
    expected = {}
    for at_ns, task, value in samples.rows.tolist():
        expected.setdefault(int(result.pids[task]), []).append((at_ns, value))
    assert found == expected


@pytest.mark.slow
def test_every_track_hangs_below_one_that_is_there(tmp_path):
    result, samples = run_sampled(fork_heavy(), nr_instants=5)
    trace = decoded(result, tmp_path / "t.pftrace", samples)
    tracks = [p.track_descriptor for p in trace.packet if p.HasField("track_descriptor")]
    seen = set()
    for track in tracks:
        assert track.parent_uuid in seen or not track.HasField("parent_uuid")
        assert track.uuid not in seen
        seen.add(track.uuid)


@pytest.mark.slow
def test_same_input_same_bytes(tmp_path):
    for name in ("1", "2"):
        write_perfetto(fork_heavy_result(), tmp_path / name)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_a_missing_directory_is_named(tmp_path):
    with pytest.raises(CfsError, match="no directory"):
        write_perfetto(fork_heavy_result(), tmp_path / "nowhere" / "t.pftrace")


def test_without_the_package_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "perfetto.protos.perfetto.trace", None)
    with pytest.raises(MissingExtraError, match=r"\.\[perfetto\]"):
        write_perfetto(fork_heavy_result(), tmp_path / "t.pftrace")
