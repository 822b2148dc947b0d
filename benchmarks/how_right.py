"""The table and the figure of docs/concepts/how-right-is-it.md.

Every recording that has a truth file runs under the
model of the kernel that made it and under models that are wrong.

    python -m benchmarks.how_right [FOLDER ...] [--plot FILE]

A truth file is ``NAME.truth.json``, plain or gzip, beside the recording ``NAME.*.txt.gz`` or in another of
the folders; default: those of this repository. The table goes to standard output, as Markdown.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from cfs.recordings.recording import Recording
from cfs.validate import Truth, Validation, read_truth, validate
from cfs.validate.paper import draw_all

ROOT = Path(__file__).parents[1]
FOLDERS = [ROOT / "examples/recordings", ROOT / "tests/data/recordings", ROOT / "tests/data/truth"]
WRONG = ("linux-2.6.24-cfs", "linux-2.6.22-o1")
OUTSIDE_SHOWN = 3


def pairs(folders: list[Path]) -> list[tuple[Path, Path]]:
    """Recordings with their truth files, by name."""
    truths = [path for folder in folders for path in folder.glob("*.truth.json*")]
    texts = [path for folder in folders for path in folder.glob("*.txt.gz")]
    truth_of = {path.name.partition(".truth.json")[0]: path for path in truths}
    recordings = {path.name.partition(".")[0]: path for path in texts}
    return [(recordings[name], truth_of[name]) for name in sorted(recordings) if name in truth_of]


def row(read: Recording, truth: Truth, right: Validation) -> str:
    """A line of the table."""
    name, nr = truth.name, len(right.shown)
    if right.unjudged:
        return f"| `{name}` | {right.scenario} | {nr} | not judged | | | several CPUs |"
    wrong = [validate(read, truth, model=model) for model in WRONG]
    first = [f"`{one.key}`" for one in right.outside[:OUTSIDE_SHOWN]]
    more = len(right.outside) - len(first)
    which = ", ".join(first) + (f", {more} more" if more else "")
    counts = " | ".join(str(len(one.outside)) for one in [right, *wrong])
    return f"| `{name}` | {right.scenario} | {nr} | {counts} | {which} |"


def main(arguments: list[str]) -> None:
    """Print the table, and draw the figure if it is wanted."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.how_right")
    parser.add_argument("folders", nargs="*", type=Path, default=FOLDERS)
    parser.add_argument("--plot", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    print(f"| recording | bars | figures | outside: its own kernel's model | {' | '.join(WRONG)} | which |")
    print("| --- | --- | ---: | ---: | ---: | ---: | --- |")
    shown = []
    for recording, truth_file in pairs(options.folders):
        read, truth = Recording.open(recording), read_truth(truth_file)
        right = validate(read, truth)
        print(row(read, truth, right))
        shown += [] if right.unjudged else [right]
    if options.plot:
        draw_all(shown, options.plot)


if __name__ == "__main__":
    main(sys.argv[1:])
