"""The table and the figure of the page: what they have in them."""

import itertools
import shutil

import pytest

from benchmarks.how_right import WRONG, main, pairs
from cfs.validate.paper import draw, draw_all
from tests.unit.validate.truths import NAMES, SMALL, FOLDERS, TRUTHS, recording_path, truth_path, validated

SEVERAL = "kbuild-shell-2cpu"


@pytest.fixture
def folder(tmp_path):
    for name in (SMALL, SEVERAL):
        shutil.copy(recording_path(name), tmp_path)
        shutil.copy(truth_path(name), tmp_path)
    return tmp_path


def test_recordings_and_truth_files_are_paired_by_name():
    found = pairs([*FOLDERS, TRUTHS])
    assert [path.name.partition(".")[0] for path, _ in found] == NAMES
    assert all(truth.parent == TRUTHS for _, truth in found)


@pytest.mark.slow
def test_the_table_has_a_line_for_each_recording(folder, capsys):
    main([str(folder)])
    head, rule, several, small = capsys.readouterr().out.splitlines()
    assert all(model in head for model in WRONG) and set(rule) <= set("|-: ")
    assert several.startswith(f"| `{SEVERAL}` | kbuild |") and "not judged" in several
    cells = [cell.strip() for cell in small.split("|")]
    assert cells[1:5] == [f"`{SMALL}`", "nice-hogs", "19", "0"]
    assert all(int(cell) > 0 for cell in cells[5:7])


@pytest.mark.slow
@pytest.mark.parametrize("name", [SMALL, SEVERAL])
def test_no_text_lies_on_another(name):
    pytest.importorskip("matplotlib")
    figure = draw(validated(name))
    boxes = [text.get_window_extent() for text in figure.texts]
    assert len(boxes) > 3 and not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


@pytest.mark.slow
def test_what_is_not_judged_has_points_alone(tmp_path):
    pytest.importorskip("matplotlib")
    figure = draw(validated(SEVERAL), tmp_path / "v.svg")
    assert len(figure.axes) == 2 and "#c1272d" not in (tmp_path / "v.svg").read_text()


@pytest.mark.slow
def test_the_figure_names_what_is_outside(tmp_path):
    pytest.importorskip("matplotlib")
    wrong, right = validated(SMALL, model=WRONG[1]), validated(SMALL)
    words = {text.get_text() for axes in draw(wrong).axes for text in axes.texts}
    assert any("hog" in text for text in words)
    assert not [text for axes in draw(right).axes for text in axes.texts]
    both = draw_all([wrong, right], tmp_path / "both.svg")
    labels = [label.get_text() for label in both.axes[-1].get_yticklabels()]
    assert labels == [SMALL, SMALL] and (tmp_path / "both.svg").exists()
