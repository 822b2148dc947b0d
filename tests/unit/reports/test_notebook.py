"""What a notebook and a prompt show of a workload, a recording and a result: short, and safe whatever it is called."""

import re

import numpy as np
import pytest

from cfs import Workload
from cfs.workload import hogs
from tests.unit.recordings.lines import read, switch

EVIL = "<script>\x1b]0;x\x07\u202e" + "y" * 300


def evil_recording():
    a, b = (EVIL[:15], 1), (EVIL[8:23], 2)
    return read(*(switch(i * 10**6, (a, b)[i % 2], (b, a)[i % 2], state="R") for i in range(20)))


def evil_workload(nr=500):
    programs = {f"{EVIL}{i}": [("run", 10**6), ("sleep", 10**6)] * 50 for i in range(nr)}
    return Workload.of_programs(programs, duration_ns=10**9, source=EVIL)


OBJECTS = {
    "workload": evil_workload,
    "recording": evil_recording,
    "result": lambda: evil_workload(20).run(until_ns=10**7),
}


@pytest.mark.parametrize("kind", OBJECTS)
def test_a_repr_fits_a_screen_and_a_terminal_obeys_none_of_it(kind):
    text = repr(OBJECTS[kind]())
    assert len(text) < 400 and text.startswith(f"<{kind.capitalize()}")
    assert text.isprintable()


@pytest.mark.parametrize("kind", OBJECTS)
def test_a_notebook_shows_no_more_than_a_screen_and_escapes_names(kind):
    html = OBJECTS[kind]()._repr_html_()
    assert html.count("<tr") <= 14 and len(html) < 60_000
    assert "<script" not in html and "\x1b" not in html and "\u202e" not in html
    assert "&lt;script&gt;" in html


def test_a_workload_shows_tasks_and_the_first_operations_of_each():
    programs = {
        "sh": [("run", 1000), ("fork", "cc"), ("wait",), ("nice", 5), ("sleep", 10**6)],
        "cc": [("run", 2_500_000), ("wake", "sh")],
    }
    html = Workload.of_programs(programs, duration_ns=10**9)._repr_html_()
    assert "run 1 µs, fork cc, wait, nice 5, and 1 more" in html
    assert "when forked" in html and "run 2.5 ms, wake sh" in html
    assert "run forever" in hogs(1)._repr_html_()


def test_a_workload_says_how_many_tasks_it_does_not_show():
    work = hogs(500, duration_ns=10**9)
    assert repr(work) == "<Workload '500 hog': 1 s, 500 tasks (hog), 500 operations>"
    assert "and 490 more tasks" in work._repr_html_()


def test_a_recording_shows_who_ran_most_and_the_warnings():
    recording = evil_recording()
    recording.warnings.extend(f"doubt {number} <b>" for number in range(9))
    html = recording._repr_html_()
    busy = np.sort(recording.busy_ns(recording.cpus))[::-1]
    assert re.findall(r"<td>([0-9.]+) ms</td>", html) == [f"{ns / 1e6:.3f}" for ns in busy]
    assert "doubt 4 &lt;b&gt;" in html and "doubt 5" not in html and "and 4 more warnings" in html
