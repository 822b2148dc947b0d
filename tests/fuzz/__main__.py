"""Fuzz the readers with atheris: `python -m tests.fuzz [TARGET ...] --seconds N`; `make fuzz` builds what it
needs.

One process a target, the seconds shared out evenly; the first finding ends it all.

The compiled modules are those of a CFS_FUZZ=1 build: sanitized, and telling libFuzzer which code an input
reached (`counters.c`). Python's share is instrumented by atheris at import. A finding is left in the folder
`--out`, its bytes in a file whose name libFuzzer prints; exit status 0 means that nothing was found.
"""

import argparse
import ctypes
import importlib.util
import pathlib
import subprocess
import sys

NAMES = ("recording", "answers", "packed", "perf_data", "trace_dat", "perfetto", "surroundings", "trace", "scenario")
"""The keys of `targets.TARGETS`, which is not imported before atheris can watch the import."""

ATHERIS_HELP = """\
fuzzing needs atheris: pip install ".[fuzz]"
It has wheels for CPython 3.11 (atheris 3.0) and 3.12 to 3.14 (3.1) on Linux x86-64; elsewhere the extra
installs nothing, and atheris must be built from source, which needs clang with libFuzzer.
Without it: `make test` runs the hypothesis fuzzers (tests/properties/test_random_recordings.py and
test_random_scenarios.py), which need no coverage, and every input that was ever found
(tests/unit/test_fuzz_corpus.py)."""


def main(argv):
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("targets", nargs="*", help="default: all")
    parser.add_argument("--list", action="store_true", help="say what can be fuzzed, or why nothing can")
    parser.add_argument("--seconds", type=int, default=600, help="how long in all (default: ten minutes)")
    parser.add_argument("--seed", type=int, default=0, help="of libFuzzer; 0: drawn and shown")
    parser.add_argument(
        "--out", type=pathlib.Path, default=pathlib.Path("out/fuzz"), help="corpus and findings"
    )
    options = parser.parse_args(argv)
    if importlib.util.find_spec("atheris") is None:
        sys.exit(ATHERIS_HELP)
    if options.list:
        print(*NAMES)
    elif len(options.targets) == 1:
        fuzz(*options.targets, options)
    else:
        one_after_the_other(options.targets or NAMES, options)


def one_after_the_other(names, options):
    """Each in its own process: libFuzzer never returns."""
    seconds = str(max(options.seconds // len(names), 1))
    rest = ["--seconds", seconds, "--seed", str(options.seed), "--out", str(options.out)]
    for name in names:
        done = subprocess.run([sys.executable, "-m", "tests.fuzz", name, *rest], check=False)
        if done.returncode:
            sys.exit(f"fuzz: {name}: a finding (above); its input is in {options.out / name}")


def fuzz(name, options):
    """Until the time is over or something is found; ends the process."""
    connect_counters()
    import atheris

    with atheris.instrument_imports(include=["cfs"]):
        from tests.fuzz.targets import TARGETS, TIMEOUT_S
    if name not in TARGETS:
        sys.exit(f"there is no target {name}; there are {', '.join(NAMES)}")
    target = TARGETS[name]
    folder = prepared(options.out / name, target)
    atheris.Setup(
        [
            sys.argv[0],
            str(folder / "corpus"),
            f"-dict={folder / 'words'}",
            f"-artifact_prefix={folder}/",
            f"-max_total_time={options.seconds}",
            f"-timeout={TIMEOUT_S}",
            f"-max_len={target.length_max}",
            f"-seed={options.seed}",
            "-rss_limit_mb=4096",
            "-print_final_stats=1",
            "-reload=0",
        ],
        target.test,
    )
    atheris.Fuzz()


def connect_counters():
    """Show the counters of the compiled modules to libFuzzer, if there are such (`counters.c`, preloaded)."""
    everything = ctypes.CDLL(None)
    if not hasattr(everything, "cfs_fuzz_connect"):
        sys.stderr.write("fuzz: counters.so is not preloaded; the compiled modules are fuzzed blindly\n")
        return
    spec = importlib.util.find_spec("atheris.core_with_libfuzzer")
    core = ctypes.CDLL(spec.origin)  # the one that atheris will import: the loader knows it by its file
    everything.cfs_fuzz_connect.argtypes = [ctypes.c_void_p]
    if everything.cfs_fuzz_connect(core._handle) != 0:
        sys.exit("fuzz: this atheris has no libFuzzer that takes counters; 3.0 has")


def prepared(folder, target):
    """The folder with the seeds as corpus (found inputs of earlier runs stay) and the words as dictionary."""
    (folder / "corpus").mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds()):
        (folder / "corpus" / f"seed-{number}").write_bytes(seed[: target.length_max])
    quoted = ("".join(f"\\x{byte:02x}" for byte in word.encode("latin-1")) for word in target.words)
    (folder / "words").write_text("".join(f'"{word}"\n' for word in quoted))
    return folder


if __name__ == "__main__":
    main(sys.argv[1:])
