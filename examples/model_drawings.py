"""How each model runs the same three tasks: the drawings of the pages in docs/concepts.

Two hogs, one of them nice 5, and a task that sleeps half of its time, for 300 ms: who runs, who waits, and
(where the model has one) how far apart they are in its own time.

    python examples/model_drawings.py [--out docs/images]

Needs the extra "plot".
"""

import argparse
import pathlib

import cfs
from cfs.reports import plot_timeline
from cfs.workload import FOREVER_NS

MS = 1_000_000
PROGRAMS = {
    "hog": [("run", FOREVER_NS)],
    "nice hog": [("run", FOREVER_NS)],
    "sleeper": [("run", 8 * MS), ("sleep", 8 * MS), ("loop",)],
}


def workload():
    return cfs.Workload.of_programs(
        PROGRAMS, nice={"nice hog": 5}, duration_ns=300 * MS, source="two hogs and a sleeper"
    )


def draw(model, folder):
    """Write the timeline of one model; returns the path."""
    path = pathlib.Path(folder) / f"model-{model}.png"
    plot_timeline(workload().run(model), path, by="task")
    return path


def main():
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument(
        "--out", default="docs/images", help="folder for the pictures (default: %(default)s)"
    )
    given = options.parse_args()
    for name, model in cfs.MODELS.items():
        if not model.later_than:  # its picture would show no difference
            print(draw(name, given.out))


if __name__ == "__main__":
    main()
