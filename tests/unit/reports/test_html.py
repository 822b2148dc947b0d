"""The page: whole, offline, safe with foreign text, small however many runs; and the notebook's view."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from cfs import CfsError, Simulation, Workload
from cfs.reports import compare, comparison_html, notebook_html, result_html, run_sampled, write_html
from cfs.reports.svg import LEFT, NR_TONES, WIDTH, levels

MS = 10**6
VOID = {"meta", "br", "link", "input", "img", "hr"}


def work(nr=4, name="t{}", **facts):
    programs = {name.format(i): [("run", (i + 3) * MS), ("sleep", 2 * MS)] * 5 for i in range(nr)}
    return Workload.of_programs(programs, duration_ns=100 * MS, source="a <source> & more", **facts)


def page(**options):
    result, samples = run_sampled(Simulation(work()), nr_instants=50)
    return result_html(result, work().run("linux-2.6.22-o1"), samples=samples, **options)


class Balance(HTMLParser):
    """Every element that is opened is closed, in order."""

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def parsed(text):
    parser = Balance()
    parser.feed(text)
    assert parser.open == []
    return parser.seen


def comparison():
    return compare(
        work(), ["linux-2.6.24-cfs", ("linux-2.6.24-cfs", {"sched_latency_ns": 10**8}), "linux-2.6.22-o1"]
    )


PAGES = {
    "result": page,
    "comparison": lambda: comparison_html(comparison()),
    "notebook": lambda: notebook_html(work().run()),
}


@pytest.mark.parametrize("kind", PAGES)
def test_every_element_is_closed(kind):
    parsed(PAGES[kind]())


@pytest.mark.parametrize("kind", PAGES)
def test_nothing_is_fetched_and_nothing_runs(kind):
    text = PAGES[kind]()
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in parsed(text)}
    assert not any({"src", "href", "onload"} & set(attributes) for _, attributes in parsed(text))
    assert "url(" not in text
    assert "@import" not in text
    assert set(re.findall(r"https?://[^\"']*", text)) <= {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize("kind", PAGES)
def test_figures_are_sound_xml_inside_their_box(kind):
    figures = re.findall(r"<svg.*?</svg>", PAGES[kind](), re.DOTALL)
    assert figures
    for figure in figures:
        root = ElementTree.fromstring(figure)
        width, height = map(float, root.get("viewBox").split()[2:])
        for element in root:
            for name, most in (
                ("x", width),
                ("x1", width),
                ("x2", width),
                ("y", height),
                ("y1", height),
                ("y2", height),
            ):
                assert 0 <= float(element.get(name, 0)) <= most + 0.1


def test_texts_of_a_figure_do_not_overlap_with_500_tasks():
    """Only those that stand below or beside each other at the left and right edge can: names and shares."""
    result = work(500, "a long name {:04}").run()
    for figure in re.findall(r"<svg.*?</svg>", result_html(result), re.DOTALL):
        places = [
            (float(text.get("x")), float(text.get("y")))
            for text in ElementTree.fromstring(figure).iter("{http://www.w3.org/2000/svg}text")
            if text.get("text-anchor") == "end"
        ]
        for x in {x for x, _ in places}:
            column = sorted(y for other, y in places if other == x)
            assert all(below - above >= 11 for above, below in zip(column, column[1:]))


@pytest.mark.parametrize("kind", ["result", "notebook"])
def test_foreign_text_is_escaped(kind):
    evil = "<b>&\"'\x1b"
    result = Workload.of_programs({evil: [("run", MS)]}, duration_ns=2 * MS, source=evil).run()
    text = result_html(result) if kind == "result" else notebook_html(result)
    assert "<b>" not in text
    assert "\x1b" not in text
    assert "&lt;b&gt;&amp;" in text


def test_same_input_same_text():
    assert page() == page()


@pytest.mark.slow
def test_a_page_is_small_whatever_the_number_of_runs():
    programs = {f"t{i}": [("run", 20_000), ("sleep", 10_000)] * 20_000 for i in range(3)}
    result = Workload.of_programs(programs, duration_ns=10**9).run()
    assert len(result.runs) > 30_000
    assert len(result_html(result)) < 400_000


def test_every_section_is_there():
    titles = re.findall(r"<h2>(.*?)</h2>", page())
    assert titles == [
        "Which tasks ran and waited",
        "Share of the CPU over time",
        "Waits longer than a given time",
        "Tasks that want to run",
        "Spread of vruntime over time",
        "CPU time and switches",
        "Scheduling latency",
        "Run lengths",
    ]


def test_groups_have_lanes_of_their_own():
    facts = {"uid": {"t0": 1000, "t1": 1000, "t2": 1001, "t3": 0}}
    result = work(**facts).run(group_by="uid")
    text = result_html(result)
    section = text[text.index("<h2>Groups</h2>") :].split("</section>")[0]
    assert {"uid:1000", "uid:1001", "uid:0"} <= set(re.findall(r">([^<]*)</text>", section))
    assert "t0" not in section


def test_lines_of_groups():
    result = work(uid={"t0": 1000, "t1": 1000, "t2": 1001, "t3": 0}).run(group_by="uid")
    assert "uid:1001" in result_html(result, by="group").split("CPU time and switches")[1]


def test_the_table_has_the_numbers():
    result = work().run()
    row = result.stats()[0]
    cells = re.findall(r"<td[^>]*>(.*?)</td>", result_html(result).split("CPU time and switches")[1])
    assert cells[:2] == [result.names[row["key"]], str(result.pids[row["key"]])]
    assert cells[4] == f"{100 * row['share']:.2f}%"


def test_a_part_is_drawn_and_said():
    text = page(from_ns=10 * MS, until_ns=20 * MS)
    assert "0.01 s … 0.02 s of " in text
    assert "0.01 s … 0.02 s of " not in page()


def test_a_part_outside_is_refused():
    with pytest.raises(CfsError, match="outside"):
        page(from_ns=10**10)


@pytest.mark.parametrize("wrong", [{"by": "pid"}, {"top": 0}])
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(ValueError, match="by|top"):
        page(**wrong)


def test_a_result_without_runs_has_a_page():
    result = Workload.of_programs({"t": [("sleep", 10**9)]}, duration_ns=MS).run()
    result.runs = result.runs[:0]
    parsed(result_html(result))
    parsed(notebook_html(result))


def test_many_cpus_share_one_timeline():
    many = work(9)
    many.tasks["cpu"] = np.arange(9)
    figure = re.search(r"<svg.*?</svg>", result_html(many.run()), re.DOTALL)[0]
    assert figure.count('class="head"') == 1
    assert "9 CPUs" in figure


def test_tones():
    ran, waited = np.array([0, 1, 0, 1e-6, 0.5]), np.array([0, 0, 1, 0, 0.5])
    assert levels(ran, waited).tolist() == [0, NR_TONES, 2, 4, 5]


def test_a_strip_is_where_the_run_was():
    """One task that runs in the second half: its path begins in the middle of the panel."""
    result = Workload.of_programs({"t": [("sleep", 50 * MS), ("run", 50 * MS)]}, duration_ns=100 * MS).run()
    result.runs = result.runs[result.runs["end_ns"] > result.runs["start_ns"]]
    figure = re.search(r"<svg.*?</svg>", result_html(result), re.DOTALL)[0]
    begin, length = map(float, re.search(r'<path d="M([\d.]+) [\d.]+h([\d.]+)"', figure).groups())
    width = WIDTH - LEFT - 62
    assert begin == pytest.approx(LEFT + width / 2, abs=1)
    assert length == pytest.approx(width / 2, abs=1)


def test_a_comparison_has_a_heading_a_column():
    found = comparison()
    headings = re.findall(r'class="head"[^>]*>([^<]*)<', comparison_html(found))
    for column in found.columns:
        assert column.label in headings


def test_a_notebook_shows_a_result():
    result = work().run()
    assert result._repr_html_() == notebook_html(result)
    assert len(notebook_html(result)) < 60_000


def test_a_missing_directory_is_named(tmp_path):
    with pytest.raises(CfsError, match="no directory"):
        write_html("", tmp_path / "nowhere" / "page.html")
