"""Whole scenario files: those of the pages and of the examples."""

import io
import pathlib
import re

import numpy as np
import pytest

from cfs import WorkloadError
from cfs.result import Ready
from cfs.scenarios import read_scenario

from .texts import MS, TASK

ROOT = pathlib.Path(__file__).parents[3]
EXAMPLES = ROOT / "examples" / "scenarios"
PAGES = [ROOT / "docs" / "guides" / "write-a-scenario.md", ROOT / "docs" / "reference" / "scenario.md"]


class TestDocs:
    @pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
    def test_the_files_that_it_shows_run(self, read, page):
        (text,) = re.findall(r"^```toml\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
        assert read(text).run(group_by="uid").end in ("duration", "finished")

    def test_the_errors_that_it_shows(self, read):
        for path, text in (("9", "\n" * 4 + TASK + "\nprogram = ['run 5 min']"), ("4", TASK + "nise = 5")):
            with pytest.raises(WorkloadError) as caught:
                read(text)
            shown = str(caught.value).rpartition("some.toml")[2]
            assert f"hogs.toml{shown}\n" in PAGES[1].read_text()
            assert f", line {path}:" in shown


# ---- Examples ------------------------------------------------------------------------------------


def share_of(result):
    labels = result.keys("comm")[1]
    return {labels[row["key"]]: float(row["share"]) for row in result.stats("comm")}


def longest_wait(result, *names):
    task, wait_ns = result.waits()
    return int(wait_ns[np.isin(np.array(result.names)[task], names)].max())


@pytest.fixture(params=[None, "uid"])
def group_by(request):
    return request.param


def run_example(name, **options):
    return read_scenario(EXAMPLES / f"{name}.toml").run("linux-2.6.24-cfs", **options)


class TestExamples:
    def test_all_are_here(self):
        tested = [
            "hogs-by-nice",
            "loop-yield",
            "ring",
            "shell-under-build",
            "sleeper-among-hogs",
            "thousand-loops",
        ]
        assert sorted(path.stem for path in EXAMPLES.glob("*")) == tested

    @pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
    def test_they_open_with_what_they_show(self, path):
        lines = path.read_text().split("\n")
        assert all(line.startswith("# ") and len(line) <= 110 for line in lines[:2]) and lines[2] == ""

    def test_hogs_share_by_weight(self, group_by):
        # weights of nice 0, 1, 5, 10 (history, section 8: one level apart is 55 : 45)
        weights = {"nice0": 1024, "nice1": 820, "nice5": 335, "nice10": 110}
        shares = share_of(run_example("hogs-by-nice", group_by=group_by))
        assert shares == pytest.approx({name: weight / 2289 for name, weight in weights.items()}, rel=0.01)

    def test_yield_with_and_without_compat(self, group_by):
        # published with the commit that brought sched_compat_yield: 50 : 50, and 99 : 0
        assert share_of(run_example("loop-yield", group_by=group_by))["loop"] == pytest.approx(0.5, abs=0.01)
        shares = share_of(run_example("loop-yield", group_by=group_by, sched_compat_yield=1))
        assert shares["loop"] >= 0.99 and shares["loop_yield"] < 0.01

    def test_the_ring_never_idles_and_all_run_equally_often(self, group_by):
        result = run_example("ring", group_by=group_by)
        assert result.busy_ns == result.duration_ns
        busy = result.runs[result.run_ns > 0]
        switches = np.bincount(busy["task"])[:16]
        assert len(busy) == 100_000 and switches.max() - switches.min() <= 1

    def test_the_sleeper_gets_its_third_and_waits_less_for_having_slept(self, group_by):
        with_credit = run_example("sleeper-among-hogs", group_by=group_by)
        without = run_example("sleeper-among-hogs", group_by=group_by, NEW_FAIR_SLEEPERS=0)
        assert share_of(with_credit)["sleeper"] == pytest.approx(1 / 3, rel=0.01)
        assert share_of(without)["sleeper"] < 0.3
        waits = [
            r.waits(Ready.WAKEUP)[1][r.waits(Ready.WAKEUP)[0] == 0].mean() for r in (with_credit, without)
        ]
        assert waits[0] < waits[1]

    def test_the_shell_does_not_notice_a_build_of_another_user(self):
        # two users share a period of 20 ms, so no turn of the other, with the tick that ends it, is longer
        alone = run_example("shell-under-build", group_by="uid")
        together = run_example("shell-under-build", group_by=None)
        assert longest_wait(alone, "sh", "ls") <= 21 * MS < longest_wait(together, "sh", "ls")

    def test_a_thousand_loops(self):
        # ungrouped, the period is 4 ms for each of a thousand: 4 s; grouped, the shell sees one other user
        alone = run_example("thousand-loops", group_by="uid")
        together = run_example("thousand-loops", group_by=None)
        assert longest_wait(alone, "sh", "ls") <= 21 * MS
        assert longest_wait(together, "sh", "ls") >= 3900 * MS
        loops = together.stats()[:1000]["share"]
        assert loops == pytest.approx(np.full(1000, 0.001), rel=0.3)
