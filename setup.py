"""The extension modules, the compiler directives, and the switches of the environment.

CFS_DEBUG=1     checks bounds and, after each operation, every invariant of the core (slow)
CFS_SANITIZE=1  AddressSanitizer and UndefinedBehaviorSanitizer (`make sanitize`); an import needs libasan preloaded
CFS_FUZZ=1      the sanitizers, and calls by which a fuzzer sees which code is reached (`make fuzz`)
CFS_JOBS=N      translate and compile N modules at a time (default: the number of CPUs)

A Cython "performance hint" (a forgotten `noexcept`, say: 2 to 9 times slower in a nogil loop) fails the build.
"""

import os
import sys
import tempfile

from Cython.Build import cythonize
from setuptools import Extension, setup


def is_on(switch):
    return os.environ.get(switch, "") not in ("", "0")


DEBUG, FUZZ = is_on("CFS_DEBUG"), is_on("CFS_FUZZ")
SANITIZE = FUZZ or is_on("CFS_SANITIZE")
JOBS = int(os.environ.get("CFS_JOBS", os.cpu_count() or 1))

MODULES = [
    "cfs._rbtree",
    "cfs._timeline",
    "cfs._load",
    "cfs._arithmetic",
    "cfs._core",
    "cfs._group",
    "cfs.engine._runs",
    "cfs.engine._rewind",
    "cfs.engine._program",
    "cfs.workload._ops",
    "cfs._statistics",
    "cfs.reports._ftrace",
    "cfs.engine._ticks",
    "cfs._snapshot",
    "cfs.models._idle",
    "cfs.models.linux_2_6_24._fair",
    "cfs.models.linux_2_6_23._fair",
    "cfs.models.linux_2_6_22._o1",
    "cfs.models.rfs._rfs",
    "cfs.models.linux_6_18._check",
    "cfs.models.linux_6_18._fair",
    "cfs.models.linux_6_18._fair_26",
    "cfs.models.linux_6_18._fair_44",
    "cfs.simulation._sim",
    "cfs.scheduler._border",
    "cfs.scheduler._machine",
    "cfs.scheduler._handles",
    "cfs.scheduler._scheduler",
    "cfs.scheduler._batch",
    "cfs.simulation._live",
    "cfs.scheduler._capi",
    "cfs.recordings._lines",
    "cfs.recordings._tracker",
    "cfs.recordings._sink",
    "cfs.recordings._plan",
    "cfs.recordings._feed",
    "cfs.recordings._perf_data",
    "cfs.recordings._trace_dat",
    "cfs.recordings._perfetto",
    "cfs.recordings._scan",
    "cfs.recordings._walk",
    "cfs.recordings._wakers",
]

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": DEBUG,
    "wraparound": False,
    "initializedcheck": DEBUG,
    "cdivision": True,
    "binding": False,  # methods as those of list: a call from Python costs 8 ns less (docs/decisions/0004)
    "embedsignature": True,
    "embedsignature.format": "clinic",  # what inspect.signature reads of such a method
    "freethreading_compatible": True,  # nothing is written at module level; tests/unit/test_threads.py
}


# The first finding of either ends the run. -fwrapv stays: overflow of signed numbers is defined here, and meant.
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
COVERAGE = ["-fsanitize-coverage=trace-pc,trace-cmp"]


def compile_args():
    if os.name == "nt":
        return ["/O2"]
    common = ["-fwrapv", "-fno-strict-aliasing"]
    # Without vectors: gcc joins the counters of a queue into one and pays more for it than it saves, 12 instructions a
    # wakeup and block (docs/decisions/0004). Without symbols a wheel is a quarter of the size.
    if not SANITIZE:
        return ["-O2", "-fno-tree-vectorize", *common, *([] if DEBUG else ["-g0"])]
    return ["-O1", "-g", "-fno-omit-frame-pointer", *common, *SANITIZERS, *(COVERAGE if FUZZ else [])]


def extension(name):
    return Extension(
        name,
        [name.replace(".", "/") + ".pyx"],
        include_dirs=["cfs/include"] if name == "cfs.scheduler._capi" else [],
        define_macros=[("CFS_DEBUG", "1")] if DEBUG else [],
        extra_compile_args=compile_args(),
        extra_link_args=SANITIZERS[:1] if SANITIZE else [],
    )


def cythonize_strictly(extensions):
    """`cythonize`, and an error if it printed a performance hint.

    Cython has no switch for it and may translate in child processes, so file descriptor 2 is watched.
    """
    saved = os.dup(2)
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 2)
        try:
            modules = cythonize(
                extensions,
                compiler_directives=DIRECTIVES,
                nthreads=JOBS if len(extensions) > 1 else 0,
                force=DEBUG,
            )
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)
            log.seek(0)
            said = log.read().decode(errors="replace")
            sys.stderr.write(said)
    if "performance hint" in said and not DEBUG:  # a debug build checks bounds, which is one
        raise SystemExit("setup.py: Cython gave performance hints (above); each is an error here")
    return modules


def main():
    extensions = [extension(name) for name in MODULES]
    setup(ext_modules=cythonize_strictly(extensions), options={"build_ext": {"parallel": JOBS}})


if __name__ in ("__main__", "__mp_main__", "builtins"):
    main()
