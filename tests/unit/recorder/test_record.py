"""All of it: a command under a perf that only pretends, under the real one, and under tracefs.

Way to be right: the pretended perf writes a known file; of the real kernel what it did is known (who was
forked, with which nice value, in which group), and nothing of the numbers.
"""

import os
import shutil
import subprocess
import sys
import textwrap
import zipfile

import pytest

from cfs.errors import RecorderError
from cfs.recorder import tracefs
from cfs.recorder.files import Root
from cfs.recorder.record import record, target
from cfs.recordings import Recording
from tests.unit.recorder import trees
from tests.unit.recordings import readings

pytestmark = pytest.mark.skipif(os.name != "posix", reason="perf and tracefs are Linux")

PERF = """\
#!{python}
import subprocess, sys
words = sys.argv[1:]
open({log!r}, "a").write(repr(words) + "\\n")
if words[0] == "script":
    sys.stdout.write(open({text!r}).read())
    raise SystemExit({script_status})
at = words.index("--")
try:
    status = subprocess.call(words[at + 1:])
except KeyboardInterrupt:
    status = 130
if {content!r}:
    open(words[words.index("-o") + 1], "wb").write(open({content!r}, "rb").read())
raise SystemExit(status)
"""


@pytest.fixture
def pretend(tmp_path, monkeypatch):
    """Put a perf on PATH that writes what it is given; the lines of its log."""

    def put(content=readings.data_of("perf-monotonic.data"), text="", script_status=0):
        folder = tmp_path / "bin"
        folder.mkdir()
        for name, data in (("content", content or b""), ("text", text.encode())):
            (folder / name).write_bytes(data)
        perf = folder / "perf"
        perf.write_text(
            PERF.format(
                python=sys.executable,
                log=str(folder / "log"),
                text=str(folder / "text"),
                content=str(folder / "content") if content is not None else "",
                script_status=script_status,
            )
        )
        perf.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        return folder / "log"

    return put


@pytest.fixture
def root(tmp_path):
    return Root(trees.linux_6_18(tmp_path / "root").task(42, "make", cgroup="0::/work.slice\n").path)


def command(status=0):
    return [sys.executable, "-c", f"raise SystemExit({status})"]


def test_perf_records_and_the_facts_are_beside_it(pretend, root, tmp_path):
    log = pretend()
    done = record(command(7), tmp_path / "x.cfsrec", root=root, options=["-m", "64"])
    assert (done.status, done.tool, done.path) == (7, "perf", str(tmp_path / "x.cfsrec"))
    words = eval(log.read_text())
    assert words[:4] == ["sched", "record", "-k", "CLOCK_MONOTONIC"]
    assert words[words.index("--") - 2 :] == ["-m", "64", "--", *command(7)]
    for event in ("sched:sched_process_exit", "sched:sched_wakeup"):
        assert words[words.index(event) - 1] == "-e"
    recording = Recording.open(done.path)
    assert recording.surroundings == done.said and recording.kind == "perf.data"
    assert (done.said.hz, done.said.preempt, done.said.base_slice_ns) == (250, "full", 2_800_000)
    assert [(task.pid, task.group) for task in done.said.tasks] == [(42, "/work.slice")]
    assert [group.path for group in done.said.groups] == ["/work.slice"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bin", "root", "x.cfsrec"]


def test_anonymous_files_have_no_name_of_anybody(pretend, root, tmp_path):
    pretend()
    done = record(command(), tmp_path / "x.cfsrec", root=root, anonymous=True)
    known = Recording.open(record(command(), tmp_path / "y.cfsrec", root=root).path)
    other = Recording.open(done.path)
    assert other.surroundings.anonymous and other.surroundings.groups[0].path == "/group1"
    assert len(set(other.names)) == len(set(known.names)) and set(other.names).isdisjoint(known.names)
    assert other.packed_events.tobytes() == known.packed_events.tobytes()
    with zipfile.ZipFile(done.path) as archive:
        assert b"make" not in archive.read("surroundings.json") and b"work.slice" not in archive.read(
            "surroundings.json"
        )


@pytest.mark.slow
def test_a_perf_data_that_is_not_understood_becomes_text(pretend, root, tmp_path):
    text = readings.text_of(readings.FORMATS / "perf-zstd.perf-script.txt.gz")
    pretend(readings.data_of("perf-zstd.data"), text)
    recording = Recording.open(record(command(), tmp_path / "x.cfsrec", root=root).path)
    assert recording.kind == "perf script" and recording.nr_switches > 50
    assert any("the recording is the text of perf script" in line for line in recording.surroundings.not_read)


def test_whoever_cannot_read_it_at_all_says_so(pretend, root, tmp_path):
    pretend(b"rubbish", script_status=255)
    with pytest.raises(RecorderError, match="neither cfs nor perf script can read"):
        record(command(), tmp_path / "x.cfsrec", root=root)
    assert not (tmp_path / "x.cfsrec").exists()


@pytest.mark.parametrize("content", [None, b""])
def test_a_perf_that_writes_nothing_is_an_error(pretend, root, tmp_path, content):
    pretend(content)
    with pytest.raises(RecorderError, match="perf recorded nothing and ended with status 3"):
        record(command(3), tmp_path / "x.cfsrec", root=root)
    assert [p.name for p in tmp_path.iterdir() if p.suffix] == []


def test_an_interrupt_keeps_what_was_recorded(pretend, root, tmp_path):
    """Here only this process is interrupted, as soon as the command runs; so it hands that on. At a terminal all are."""
    pretend()
    command = f"import os, signal, time; os.kill({os.getpid()}, signal.SIGINT); time.sleep(3600)"
    done = record([sys.executable, "-c", command], tmp_path / "x.cfsrec", root=root)
    assert done.status == 130 and Recording.open(done.path).nr_switches > 50


@pytest.mark.parametrize(
    "option", ["-o", "-ofile", "--output=x", "-k", "--clockid=0", "-z", "--threads", "--switch-output"]
)
def test_options_that_would_break_it_are_refused(pretend, root, tmp_path, option):
    pretend()
    with pytest.raises(RecorderError, match=option):
        record(command(), tmp_path / "x", root=root, options=[option])


@pytest.mark.parametrize("words", [[], ["no such command"], [""]])
def test_without_a_command_nothing_is_recorded(root, tmp_path, words):
    with pytest.raises(RecorderError, match="there is no command"):
        record(words, tmp_path / "x", root=root)


def test_without_perf_and_tracefs_it_says_what_to_install(root, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        RecorderError, match="no perf on PATH, and /sys/kernel/tracing is not there.*install perf"
    ):
        record(command(), tmp_path / "x", root=root)


def test_a_folder_gets_the_next_free_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert target(None) == "recording.cfsrec"
    (tmp_path / "recording.cfsrec").touch()
    assert target(None) == "recording-2.cfsrec" and target(tmp_path) == str(tmp_path / "recording-2.cfsrec")
    assert target("x/../y") == "x/../y" if (tmp_path / "x").mkdir() is None else False
    for wrong in ("nowhere/", "nowhere/x.cfsrec"):
        with pytest.raises(RecorderError, match="there is no directory nowhere"):
            target(wrong)


# ---- the real thing

SCENE = textwrap.dedent("""
    import os, subprocess, sys, time
    os.nice(5)
    busy = "import time; t = time.monotonic() + 0.3\\nwhile time.monotonic() < t: pass"
    children = [subprocess.Popen([sys.executable, "-c", busy]) for _ in range(2)]
    print(*(child.pid for child in children), flush=True)
    for child in children: child.wait()
    raise SystemExit(9)
""")


def pids_and_done(tmp_path, capfd, **options):
    done = record([sys.executable, "-c", SCENE], tmp_path / "x.cfsrec", **options)
    out = capfd.readouterr().out
    return [int(word) for word in out.split()], done


def require_same_ids():
    if os.path.exists("/proc/self/ns/pid") and "4026531836" not in os.readlink("/proc/self/ns/pid"):
        pytest.skip("this is a container: ids of tasks are not those of the kernel")


def assert_scene(pids, done):
    """Both children are in the recording, of our user, of nice 5, in the group that was seen."""
    assert done.status == 9 and len(pids) == 2
    recording = Recording.open(done.path)
    rows = {task.pid: task for task in recording.tasks}
    assert set(pids) <= set(rows) and all(rows[pid].nice == os.nice(0) + 5 for pid in pids)
    seen = {task.pid: task for task in done.said.tasks}
    assert set(pids) <= set(seen), "they lived for 0.3 s, and a look is taken every 25 ms"
    assert all((seen[pid].uid, seen[pid].nice) == (os.getuid(), os.nice(0) + 5) for pid in pids)
    assert done.said.kernel == os.uname().release and done.said.cpus_in_machine == len(
        os.sched_getaffinity(1)
    )
    work = recording.workload(None)
    of_pid = {pid: row for row, pid in enumerate(work.tasks["pid"].tolist())}
    for pid in pids:
        assert work.groups[work.tasks["group"][of_pid[pid]]] == seen[pid].group
        assert work.tasks["uid"][of_pid[pid]] == os.getuid()


@pytest.mark.slow
def test_the_real_perf_and_the_real_kernel(tmp_path, capfd):
    perf = shutil.which("perf")
    if perf is None:
        pytest.skip("there is no perf here")
    tried = subprocess.run(
        [perf, "sched", "record", "-o", str(tmp_path / "try"), "--", "true"], capture_output=True
    )
    if tried.returncode:
        pytest.skip("perf may not record here: run as root, or set kernel.perf_event_paranoid to -1")
    require_same_ids()
    pids, done = pids_and_done(tmp_path, capfd)
    assert done.tool == "perf"
    assert_scene(pids, done)
    recording = Recording.open(done.path)
    assert (recording.kind, recording.clock) == ("perf.data", "CLOCK_MONOTONIC")


@pytest.mark.slow
def test_the_real_tracefs_and_the_real_kernel(tmp_path, capfd, monkeypatch):
    where, why = tracefs.folder()
    if not where:
        pytest.skip(f"tracefs may not be used here: {why}")
    require_same_ids()
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "perf" else name)
    pids, done = pids_and_done(tmp_path, capfd)
    assert done.tool == "tracefs" and Recording.open(done.path).kind == "ftrace"
    assert_scene(pids, done)
    assert not [name for name in os.listdir(f"{where}/instances") if name == f"cfs-{os.getpid()}"]
