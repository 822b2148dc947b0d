"""Perfetto traces against the official protobuf classes, against perf, and against damage.

Way to be right: another program. The traces of `made` are written here, byte by byte.
"""

import bisect
import collections
import zlib

import pytest

from cfs import RecordingError
from cfs.recordings import perfetto
from cfs.recordings.source import unpacked_zlib
from tests.unit.recordings import readings

SEEN = {
    "sched_switch": {
        "prev_pid": "pid", "prev_prio": "prio", "prev_comm": "name", "prev_state": "value", "next_pid": "other",
        "next_prio": "other_prio", "next_comm": "other_name",
    },
    "sched_process_fork": {
        "parent_pid": "pid", "parent_comm": "name", "child_pid": "other", "child_comm": "other_name"
    },
    "sched_stat_runtime": {"pid": "pid", "comm": "name", "runtime": "value"},
    "sched_process_exit": {"pid": "pid", "prio": "prio", "comm": "name"},
    "sched_migrate_task": {"pid": "pid", "prio": "prio", "comm": "name", "orig_cpu": "other", "dest_cpu": "other_prio"},
    "task_newtask": {"pid": "other", "comm": "other_name"},
    "task_rename": {"pid": "pid", "newcomm": "name"},
} | dict.fromkeys(
    ("sched_waking", "sched_wakeup", "sched_wakeup_new"),
    {"pid": "pid", "prio": "prio", "comm": "name", "target_cpu": "other"},
)  # fmt: skip


@pytest.mark.parametrize("name", ["pf-compact", "pf-full", "pf-lost"])
def test_every_event_is_read_as_protobuf_reads_it(name):
    """All events with all their fields, in its order: I1 of cfs/recordings/_perfetto.pyx."""
    facts, about = readings.read(perfetto, readings.data_of(f"{name}.pftrace"))
    facts = [fact for fact in facts if fact["kind"] != "lost"]
    want = readings.of_perfetto(readings.FORMATS / f"{name}.expected.txt.gz")
    assert len(facts) == len(want) > 400
    for (time, cpu, tid, event, fields), fact in zip(want, facts, strict=True):
        assert (time, cpu, event) == (fact["time"], fact["cpu"], about.event_names[fact["event"]])
        assert tid is None or tid == fact["tid"]
        for field, part in SEEN.get(event, {}).items():
            assert field not in fields or fields[field] == str(fact[part]), (event, field)


def test_i3_who_ran_is_inferred_right_or_said_to_be_unknown():
    """Against perf, which recorded the same second on the same clock, a little earlier each event."""
    facts, about = readings.read(perfetto, readings.data_of("pf-compact.pftrace"))
    truth = collections.defaultdict(list)
    path = readings.FORMATS / "pf-compact.truth.perf-script.txt.gz"
    for time, cpu, tid, _, kind, fields in readings.of_perf_script(path):
        if kind in ("switch", "waking"):
            task, who = (fields[5], fields[1]) if kind == "switch" else (fields[1], tid)
            truth[kind, cpu, task].append((time, who))
    found = {"switch": collections.Counter(), "waking": collections.Counter()}
    for fact in facts:
        if fact["kind"] not in found or (
            fact["kind"] == "switch" and fact["tid"] >= 0 and not fact["is_inferred"]
        ):
            continue
        task, who = (fact["other"], fact["pid"]) if fact["kind"] == "switch" else (fact["pid"], fact["tid"])
        seen = truth[fact["kind"], fact["cpu"], task]
        i = bisect.bisect_right(seen, (fact["time"], 1 << 40)) - 1
        if i >= 0 and fact["time"] - seen[i][0] < 20_000:
            verdict = "unknown" if who < 0 else "right" if who == seen[i][1] else "wrong"
            found[fact["kind"]][verdict] += 1
    assert found["switch"]["right"] >= 1420 and found["switch"]["wrong"] <= 6
    assert found["waking"]["right"] >= 700 and found["waking"]["wrong"] <= 5
    assert "421 times" in about.warnings[0]


def test_losses_are_told():
    facts, about = readings.read(perfetto, readings.data_of("pf-lost.pftrace"))
    assert {fact["cpu"] for fact in facts if fact["kind"] == "lost"} == {0, 1}
    assert [(fact["value"], fact["tid"], fact["name"]) for fact in facts if fact["kind"] == "lost"] == [(0, -1, None)] * 2
    assert about.nr_lost == 19645 + 15560
    after = [i + 1 for i, fact in enumerate(facts) if fact["kind"] == "lost"]
    assert all(facts[i]["kind"] != "switch" or facts[i]["pid"] < 0 for i in after if not facts[i]["tid"] >= 0)


def test_the_file_says_its_clock_and_kernel():
    about = readings.read(perfetto, readings.data_of("pf-full.pftrace"))[1]
    assert (about.clock, about.kernel, about.nr_cpus) == ("boottime", "6.18.44-generic", 2)


def test_text_is_no_perfetto_trace():
    """Though it may begin with an empty line, which is the same byte."""
    for text in (
        b"\n\n\n\n",
        b"\n# tracer: nop\n" * 50,
        b"\n" + b"a 1/1 [000] 5.000: x: y\n" * 99,
        b"\n",
        b"\n\x05",
    ):
        assert not perfetto.is_perfetto(text)
    for name in ("pf-compact", "pf-full", "pf-lost"):
        content = readings.data_of(f"{name}.pftrace")
        assert perfetto.is_perfetto(content) and perfetto.is_perfetto(content[:5000])


# ---- made here


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def message(**fields):
    """Field 7 is f7=...; numbers, bytes, messages as bytes, and lists of numbers, which are packed."""
    out = b""
    for name, value in fields.items():
        number = int(name[1:].partition("_")[0])
        if isinstance(value, list):
            value = b"".join(map(varint, value))
        if isinstance(value, bytes):
            out += varint(number << 3 | 2) + varint(len(value)) + value
        else:
            out += varint(number << 3) + varint(value)
    return out


def switch(time, prev, next, state=0, tid=None):
    body = message(f1=b"a", f2=prev, f3=120, f4=state, f5=b"b", f6=next, f7=120)
    return message(f1=time, f2=prev if tid is None else tid, f5=1, f4=body)


def compact(switches=(), wakings=(), **more):
    """Switches (time after the one before, state, next), wakings (time, pid, flags)."""
    fields = {"f5": b"name"}
    fields |= {"f1": [s[0] for s in switches], "f2": [s[1] for s in switches], "f3": [s[2] for s in switches]}
    fields |= {"f4": [120] * len(switches), "f6": [0] * len(switches)}
    fields |= {"f7": [w[0] for w in wakings], "f8": [w[1] for w in wakings], "f9": [0] * len(wakings)}
    fields |= {"f10": [120] * len(wakings), "f11": [0] * len(wakings), "f12": [w[2] for w in wakings]}
    return message(**(fields | more))


def made(*bundles, **fields):
    """A trace of these bundles, a packet each."""
    return b"".join(message(f1=message(f1=bundle, **fields)) for bundle in bundles)


def read(content):
    return readings.read(perfetto, content)


def whoes(facts):
    return [(fact["kind"], fact["tid"], fact["pid"]) for fact in facts]


def test_in_the_compact_form_who_goes_is_who_came_before():
    bundle = message(f1=0, f4=compact([(10, 0, 5), (10, 1, 6), (10, 1, 0)], [(15, 7, 1), (10, 8, 1)]))
    assert whoes(read(made(bundle))[0]) == [
        ("switch", -1, -1),
        ("waking", 5, 7),
        ("switch", 5, 5),
        ("waking", 6, 8),
        ("switch", 6, 6),
    ]


def test_i3_a_task_is_not_switched_to_itself():
    bundle = message(f1=0, f4=compact([(10, 0, 5), (10, 1, 5), (10, 1, 6)], [(15, 7, 1)]))
    assert whoes(read(made(bundle))[0]) == [
        ("switch", -1, -1),
        ("waking", -1, 7),
        ("switch", -1, -1),
        ("switch", 5, 5),
    ]


def test_i3_the_idle_task_does_not_sleep_nor_wake_but_from_interrupts():
    bundle = message(f1=0, f4=compact([(10, 0, 0), (10, 1, 6)], [(12, 7, 1), (1, 8, 9)]))
    assert whoes(read(made(bundle))[0]) == [
        ("switch", -1, -1),
        ("waking", -1, 7),
        ("waking", -1, 8),
        ("switch", -1, -1),
    ]
    bundle = message(f1=0, f4=compact([(10, 0, 0), (10, 0, 6)], [(12, 7, 1), (1, 8, 9)]))
    assert whoes(read(made(bundle))[0])[1:3] == [("waking", -1, 7), ("waking", 0, 8)]


def test_a_check_looks_into_the_next_bundle():
    one = message(f1=0, f4=compact([(10, 0, 5)], [(15, 7, 1)]))
    two = message(f1=0, f4=compact([(20, 1, 5)]))
    assert whoes(read(made(one, two))[0])[1] == ("waking", -1, 7)


def test_after_a_loss_nobody_is_inferred():
    one = message(f1=0, f4=compact([(10, 0, 5)]))
    two = message(f1=0, f3=1, f4=compact([(20, 1, 6)], [(19, 7, 1)]))
    assert whoes(read(made(one, two))[0]) == [
        ("switch", -1, -1),
        ("lost", -1, -1),
        ("waking", -1, 7),
        ("switch", -1, -1),
    ]


def test_after_dropped_packets_nobody_is_inferred_but_the_first_packet_says_so_always():
    one = message(f1=0, f4=compact([(10, 0, 5)]))
    two = message(f1=0, f4=compact([(20, 1, 6)]))
    facts, _ = read(made(one, two, f10=3, f42=1))
    assert [fact["kind"] for fact in facts] == ["switch", "lost", "switch"]


def test_arrays_of_different_lengths_are_damage():
    bundle = message(f1=0, f4=compact([(10, 0, 5)], f3=[1, 2]), f2=switch(30, 5, 6))
    facts, about = read(made(bundle))
    assert whoes(facts) == [("switch", 5, 5)] and "1 parts of packets are damaged" in about.warnings[0]


def test_arrays_that_are_not_packed_are_read_as_well():
    unpacked = b"".join(message(f1=t, f2=0, f3=p, f4=120, f6=0) for t, p in ((10, 5), (10, 6))) + message(
        f5=b"x"
    )
    facts, _ = read(made(message(f4=unpacked)))
    assert [(fact["time"], fact["other"], fact["other_name"]) for fact in facts] == [
        (10, 5, "x"),
        (20, 6, "x"),
    ]


def test_negative_numbers_are_ten_bytes_long():
    bundle = message(f2=message(f1=5, f2=1, f4=message(f2=1, f3=-1, f4=0, f6=2, f7=-1)))
    fact = read(made(bundle))[0][0]
    assert (fact["prio"], fact["other_prio"]) == (-1, -1)


def test_a_fork_that_is_said_twice_is_one():
    new = message(f1=5, f2=1, f235=message(f1=9, f2=b"kid"))
    fork = message(f1=6, f2=1, f239=message(f1=b"a", f2=1, f3=b"kid", f4=9))
    bundle = message(f2=new) + message(f2=fork) + message(f2=switch(7, 1, 9))
    assert [fact["kind"] for fact in read(made(bundle))[0]] == ["fork", "context", "switch"]


def test_names_change_at_exec_and_by_rename():
    exec_ = message(f1=5, f2=1, f237=message(f1=b"/usr/bin/a-rather-long-name", f2=1, f3=1))
    rename = message(f1=6, f2=1, f236=message(f1=1, f2=b"old", f3=b"new"))
    facts, _ = read(made(message(f2=exec_) + message(f2=rename)))
    assert [(fact["kind"], fact["pid"], fact["name"]) for fact in facts] == [
        ("rename", 1, "a-rather-long-n"),
        ("rename", 1, "new"),
    ]


def test_another_clock_is_made_boottime_where_the_trace_says_how():
    bundle = message(f5=3, f6=100, f7=1100, f2=switch(150, 1, 2))
    facts, about = read(made(bundle))
    assert (facts[0]["time"], about.clock) == (1150, "boottime")
    assert read(made(message(f5=3, f2=switch(150, 1, 2))))[1].clock == "local"


def test_different_clocks_are_refused():
    with pytest.raises(RecordingError, match="different clocks"):
        read(made(message(f5=3, f2=switch(1, 1, 2)), message(f2=switch(2, 2, 1))))


@pytest.mark.parametrize("wrong", [0, 1, 3])
def test_i1_an_event_with_a_wrong_bit_in_its_time_is_left_out(wrong):
    """All later ones of its CPU would come after those of the others, and be too late there."""
    events = [switch(1000 + i | (i == wrong) << 40, i + 1, i + 2) for i in range(5)]
    facts, about = read(made(b"".join(message(f2=event) for event in events), message(f2=switch(2000, 6, 7))))
    assert [fact["time"] for fact in facts] == [1000 + i for i in range(5) if i != wrong] + [2000]
    assert about.warnings == ["1 events are more than 10 s later than those around them: left out"]


@pytest.mark.parametrize(("wrong", "nr"), [((0, 0), 3), ((1, 0), 3), ((1, 2), 1)])
def test_i1_in_the_compact_form_a_wrong_time_costs_the_rest_of_its_bundle(wrong, nr):
    """Times there are those since the one before; the first is since the boot. Who ran then is not known."""
    bundles = []
    for number in range(4):
        times = [1000 * (number + 1), 1, 1]
        if number == wrong[0]:
            times[wrong[1]] |= 1 << 40
        bundles.append(message(f4=compact([(time, 1, 1 + (number + i) % 2) for i, time in enumerate(times)])))
    facts, about = read(made(*bundles, message(f1=1, f2=switch(4500, 6, 7))))
    times = [fact["time"] for fact in facts if fact["kind"] != "lost"]
    assert times == sorted(times) and len(times) == 13 - nr and max(times) == 4500
    lost = [fact["time"] for fact in facts if fact["kind"] == "lost"]
    assert lost == [1000 * (wrong[0] + 2)]
    assert about.warnings[0] == f"{nr} events are more than 10 s later than those around them: left out"


def test_i1_a_bundle_from_the_past_does_not_condemn_the_one_before():
    late = 1 << 40
    bundles = [message(f4=compact([(time, 1, 1 + i % 2)])) for i, time in enumerate((late, 5, late + 9))]
    facts, about = read(made(*bundles))
    assert [fact["time"] for fact in facts] == [late, 5, late + 9] and about.warnings == []


def test_packed_packets_are_read():
    content = readings.data_of("pf-full.pftrace")
    packed = message(f1=message(f50=zlib.compress(content)))
    assert read(packed)[0] == read(content)[0]
    zstandard = pytest.importorskip("zstandard")
    assert read(message(f1=message(f133=zstandard.compress(content))))[0] == read(content)[0]


@pytest.mark.slow
def test_a_bomb_is_not_unpacked():
    bomb = message(f1=message(f50=zlib.compress(bytes(200 << 20), 9)))
    facts, about = read(bomb + made(message(f2=switch(1, 1, 2))))
    assert len(facts) == 1 and "damaged" in about.warnings[0]


def test_packed_packets_in_packed_packets_are_damage():
    inner = message(f1=message(f50=zlib.compress(made(message(f2=switch(1, 1, 2))))))
    outer = message(f1=message(f50=zlib.compress(inner)))
    facts, about = read(outer + made(message(f2=switch(5, 2, 1))))
    assert [fact["time"] for fact in facts] == [5] and "damaged" in about.warnings[0]


def test_packed_packets_in_packed_packets_are_not_unpacked(monkeypatch):
    """They could be as many as fit into 64 MiB, each of them a bomb."""
    nr = []
    monkeypatch.setattr(perfetto, "unpacked_zlib", lambda *given: (nr.append(1), unpacked_zlib(*given))[1])
    inner = message(f1=message(f50=zlib.compress(bytes(1 << 20))))
    read(message(f1=message(f50=zlib.compress(inner * 100))) + made(message(f2=switch(5, 2, 1))))
    assert len(nr) == 1


def test_a_trace_without_the_scheduler_says_what_it_is_of():
    config = message(f2=message(f1=message(f1=b"linux.process_stats")))
    with pytest.raises(
        RecordingError, match=r"linux\.process_stats, without events of ftrace.*sched/sched_switch"
    ):
        read(message(f1=message(f33=config)) * 3)


@pytest.mark.parametrize("length", [100, 5000, 30_000, 69_000])
def test_of_a_cut_trace_the_whole_packets_are_read(length):
    content = readings.data_of("pf-full.pftrace")
    whole = {str(fact) for fact in read(content)[0]}
    try:
        facts, about = read(content[:length])
    except RecordingError as error:
        assert length < 30_000 and "without events of ftrace" in str(error)
        return
    assert facts and {str(fact) for fact in facts} <= whole and "cut or damaged at byte" in about.warnings[0]


@pytest.mark.parametrize(
    "body",
    [
        b"\x0a",  # a length that is missing
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # longer than ten bytes
        b"\x0a\x7f\x01",  # longer than the message
        b"\x00\x01",  # field 0
        b"\x0b",  # a group
        b"\x09\x01",  # eight bytes, of which one is there
    ],
)
def test_i2_a_damaged_message_is_left_out(body):
    """In a packet, in a bundle, in an event."""
    good = message(f2=switch(5, 1, 2))
    for bad in (
        message(f1=body),
        message(f1=message(f1=body)),
        message(f1=message(f1=message(f2=body))),
        message(f1=message(f1=message(f4=body))),
        message(f1=message(f1=message(f2=message(f1=1, f2=1, f4=body)))),
    ):
        facts, about = read(made(good) + bad + made(good))
        assert [fact["time"] for fact in facts] == [
            5,
            5,
        ] and "1 parts of packets are damaged" in about.warnings[0]


@pytest.mark.slow
def test_i4_what_waits_for_a_check_is_limited():
    """A CPU without a switch for ever: its wakings are handed on all the same."""
    bundles = [message(f4=compact([], [(1 + i * 1000, 7, 1), *[(1, 7, 1)] * 999])) for i in range(200)]
    facts, _ = read(made(*bundles))
    assert len(facts) == 200_000
