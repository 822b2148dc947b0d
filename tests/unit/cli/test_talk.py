"""What the command line says and where: progress, errors, and nothing that a terminal would obey."""

import gzip
import os
import subprocess
import sys

import pytest

from tests.unit.cli.commands import HOGS, ROOT, TRACE, assert_refused, process, run


def test_a_file_that_is_not_there():
    assert_refused(run("replay", "nothing.txt"), "nothing.txt", "No such file")


def test_names_cannot_send_escape_sequences_to_the_terminal():
    text = gzip.open(HOGS).read().replace(b"hog1.n-5", b"\x1b]0;evil\x07")
    result = run("replay", "-", input=text)
    assert result.exit_code == 0
    assert not {"\x1b", "\x07"} & set(result.stdout + result.stderr)


@pytest.mark.slow
def test_nothing_but_text_goes_into_pipes():
    result = process("replay", HOGS)
    assert result.returncode == 0
    assert result.stderr == "" and "\x1b" not in result.stdout


@pytest.mark.slow
def test_a_reader_that_has_seen_enough_sees_no_error():
    command = f'"{sys.executable}" -m cfs replay "{HOGS}" --top 1000 | head -n 1'
    result = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True)
    assert result.stderr == ""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_progress_shows_on_a_terminal_and_results_go_where_they_are_sent(tmp_path):
    import pty

    terminal, end = pty.openpty()
    code = "import cfs.cli, cfs.cli.talk; cfs.cli.talk.MOMENT_S = -1; cfs.cli.run()"
    with open(tmp_path / "out", "wb") as out:
        command = [sys.executable, "-c", code, "conform", TRACE, TRACE]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"}
        assert subprocess.run(command, stdout=out, stderr=end, env=environment).returncode == 0
    os.close(end)
    shown = b""
    while chunk := _read(terminal):
        shown += chunk
    assert b"replaying traces" in shown and b"operations" not in shown
    assert (tmp_path / "out").read_text().splitlines()[-1] == "2 traces, 5002 operations: none differ"


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("is_terminal", [True, False])
def test_progress_of_reading_shows_on_a_terminal_only(tmp_path, is_terminal):
    import pty

    code = "import cfs.cli, cfs.cli.talk; cfs.cli.talk.MOMENT_S = -1; cfs.cli.run()"
    command = [sys.executable, "-c", code, "replay", HOGS, "--top", "1"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"}
    if not is_terminal:
        assert subprocess.run(command, capture_output=True, env=environment).stderr == b""
        return
    terminal, end = pty.openpty()
    with open(tmp_path / "out", "wb") as out:
        assert subprocess.run(command, stdout=out, stderr=end, env=environment).returncode == 0
    os.close(end)
    shown = b""
    while chunk := _read(terminal):
        shown += chunk
    assert b"reading" in shown and b"simulating" in shown and b"CPU time" not in shown


def _read(terminal):
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so when the other end is closed
        return b""


def shown_on_a_terminal(*arguments, columns=80, moment=-1, **environment):
    """Standard output and standard error of the command on a terminal of so many columns."""
    import fcntl
    import pty
    import struct
    import termios

    terminal, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    code = f"import cfs.cli, cfs.cli.talk; cfs.cli.talk.MOMENT_S = {moment}; cfs.cli.run()"
    given = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
    given |= {"PYTHONPATH": str(ROOT), "TERM": "xterm", **environment}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    running = subprocess.Popen(command, stdout=end, stderr=end, stdin=subprocess.DEVNULL, env=given)
    os.close(end)
    shown = b""
    while chunk := _read(terminal):
        shown += chunk
    assert running.wait() == 0
    return shown


needs_terminals = pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")


@pytest.mark.slow
@needs_terminals
def test_headings_are_bold_unless_somebody_wants_no_colour():
    assert b"\x1b[1m" in shown_on_a_terminal("models", "rfs-model")
    for plain in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert b"\x1b" not in shown_on_a_terminal("models", "rfs-model", **plain)


@pytest.mark.slow
@needs_terminals
def test_a_dumb_terminal_has_no_bar():
    assert b"\x1b" not in shown_on_a_terminal("replay", HOGS, "--top", 1, TERM="dumb")


@pytest.mark.slow
@needs_terminals
@pytest.mark.parametrize("command", ["replay", "compare"])
@pytest.mark.parametrize("columns", [64, 80, 100])
def test_no_line_is_longer_than_a_terminal_is_wide(command, columns):
    shown = shown_on_a_terminal(
        command, HOGS, "--only", "hog*", "--until", "300ms", columns=columns, moment=60, NO_COLOR="1"
    )
    lines = shown.decode().replace("\r", "").splitlines()
    assert max(map(len, lines)) <= columns and any("CPU" in line for line in lines)


@pytest.mark.slow
@needs_terminals
def test_work_that_does_not_say_how_far_it_is_has_a_bar_too(tmp_path):
    shown = shown_on_a_terminal("replay", HOGS, "--json", tmp_path / "x.json")
    for what in (b"reading", b"making the workload", b"simulating", b"writing", b"counting"):
        assert what in shown
