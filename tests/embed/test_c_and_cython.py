"""The examples for C and Cython, built against the installed wheel. Ways to be right: the Python API as a
witness.
"""

import json
import re
import shutil
from pathlib import Path

import pytest

import cfs
from tests.embed.conftest import run

pytestmark = pytest.mark.slow  # builds a wheel and extensions against it

EXAMPLES = Path(__file__).parents[2] / "examples"
HEADER = Path(cfs.get_include()) / "cfs.h"
MS = 1_000_000
BUILT = shutil.ignore_patterns("*.so", "*.pyd", "build", "__pycache__", "*.egg-info")


def by_the_python_api(nr_jobs, nr_ticks):
    """The shop of examples/embed_c: (vruntime, CPU time, times away) of each job."""
    sched = cfs.Scheduler()
    jobs = [sched.fork(nice=number % 20, now_ns=0) for number in range(nr_jobs)]
    away = dict.fromkeys(jobs, 0)
    for i in range(1, nr_ticks + 1):
        sched.tick(now_ns=i * MS)
        if i % 7 == 0 and sched.current is not None:
            away[sched.current] += 1
            sched.block(now_ns=i * MS)
        if i % 5 == 0:
            sched.wake(jobs[i % nr_jobs], now_ns=i * MS)
    return [[job.vruntime, job.sum_exec_ns, away[job]] for job in jobs]


def built(name, python, folder, **variables):
    shutil.copytree(EXAMPLES / name, folder, ignore=BUILT)
    run(python, "setup.py", "-q", "build_ext", "--inplace", cwd=folder, **{"CFLAGS": "-O1"} | variables)
    return folder


@pytest.fixture(scope="module")
def in_c(python, tmp_path_factory):
    flags = "-O1 -Wall -Wextra -Werror -Wno-missing-field-initializers -Wno-cast-function-type"
    return built("embed_c", python, tmp_path_factory.mktemp("c") / "embed_c", CFLAGS=flags)


@pytest.fixture(scope="module")
def in_cython(python, tmp_path_factory):
    return built("embed_cython", python, tmp_path_factory.mktemp("cython") / "embed_cython")


@pytest.mark.parametrize(("nr_jobs", "nr_ticks"), [(1, 50), (8, 5000), (64, 3000)])
def test_the_c_program_does_what_the_python_api_does(in_c, python, nr_jobs, nr_ticks):
    program = (
        f"import cfs, embed_c, json; print(json.dumps(embed_c.shop(cfs.Scheduler(), {nr_jobs}, {nr_ticks})))"
    )
    expected = [state[:2] for state in by_the_python_api(nr_jobs, nr_ticks)]
    assert json.loads(run(python, "-c", program, cwd=in_c)) == expected


@pytest.mark.parametrize(("nr_jobs", "nr_ticks"), [(1, 50), (8, 5000), (64, 3000)])
def test_the_cython_program_does_what_the_python_api_does(in_cython, python, nr_jobs, nr_ticks):
    program = f"import embed_cython, json; print(json.dumps(embed_cython.shop({nr_jobs}, {nr_ticks})))"
    assert json.loads(run(python, "-c", program, cwd=in_cython)) == by_the_python_api(nr_jobs, nr_ticks)


def test_the_cost_of_a_call_can_be_measured(in_c, in_cython, python):
    by_capsule = run(
        python, "-c", "import cfs, embed_c; print(embed_c.cost(cfs.Scheduler(), 10**5))", cwd=in_c
    )
    inlined = run(python, "-c", "import embed_cython; print(embed_cython.cost(10**5))", cwd=in_cython)
    assert float(by_capsule) > 0
    assert float(inlined) > 0


def test_what_is_no_scheduler_is_refused(in_c, python):
    program = "import embed_c\ntry: embed_c.shop(5, 1, 1)\nexcept TypeError as error: print(error)"
    assert "needs a cfs.Scheduler" in run(python, "-c", program, cwd=in_c)


# ---- A build that does not fit -------------------------------------------------------------------


def test_a_c_program_of_another_abi_is_refused_at_import(python, tmp_path):
    """Built against a header with another number; the text says what to do."""
    folder = tmp_path / "embed_c"
    shutil.copytree(EXAMPLES / "embed_c", folder, ignore=BUILT)
    (folder / "cfs.h").write_text(HEADER.read_text().replace("#define CFS_ABI 1", "#define CFS_ABI 2"))
    setup = (folder / "setup.py").read_text().replace("cfs.get_include()", "'.'")
    (folder / "setup.py").write_text(setup)
    run(python, "setup.py", "-q", "build_ext", "--inplace", cwd=folder, CFLAGS="-O1")
    program = "try: import embed_c\nexcept ImportError as error: print(error)"
    assert "needs the C interface 2 of cfs" in run(python, "-c", program, cwd=folder)


def test_a_cython_program_of_another_abi_is_refused_at_import(python, tmp_path):
    """Built against a copy of cfs whose task has one field more; then run with the installed one."""
    other = tmp_path / "other"
    installed = run(python, "-c", "import cfs; print(cfs.__path__[0])", cwd=tmp_path).strip()
    shutil.copytree(installed, other / "cfs")
    declared = other / "cfs" / "models" / "linux_2_6_24" / "_fair.pxd"
    text = declared.read_text()
    grown = re.sub(r"(cdef struct sched_entity:.*\n)", r"\1    uint64_t one_more\n", text, count=1)
    assert grown != text
    declared.write_text(grown)
    folder = tmp_path / "embed_cython"
    shutil.copytree(EXAMPLES / "embed_cython", folder, ignore=BUILT)
    build = (
        f"import sys; sys.path.insert(0, {str(other)!r});"
        "sys.argv = ['setup.py', '-q', 'build_ext', '--inplace']"
    )
    run(python, "-c", f"{build}; exec(open('setup.py').read())", cwd=folder, CFLAGS="-O0")
    program = "try: import embed_cython\nexcept ImportError as error: print(error)"
    assert "built against another version of cfs" in run(python, "-c", program, cwd=folder)


# ---- Without a compiler --------------------------------------------------------------------------


def test_the_addresses_serve_ctypes():
    """And so numba and cffi: the same tick as by `Scheduler`."""
    import ctypes

    from cfs._capi import addresses

    sched = cfs.Scheduler()
    task = sched.fork(now_ns=0)
    at = addresses()
    machine = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object)(at["machine_of"])(sched)
    cpu = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int32)(at["cpu"])(machine, 0)
    event = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint64)
    assert event(at["tick"])(cpu, 3 * MS)
    assert task.sum_exec_ns == 3 * MS


def test_an_exit_through_c_is_known_to_the_handle():
    """I1 of cfs/scheduler/_capi.pyx."""
    import ctypes

    from cfs._capi import addresses

    sched = cfs.Scheduler()
    task = sched.fork(now_ns=0)
    at = addresses()
    machine = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object)(at["machine_of"])(sched)
    cpu = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int32)(at["cpu"])(machine, 0)
    assert ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint64)(at["exit"])(cpu, 5) is None
    assert (task.state, task.sum_exec_ns, task.exited_ns) == ("dead", 5, 5)


PLACES = (
    "abi size machine_of cpu group fork wake block exit yield_ tick set_nice set_policy set_shares "
    "current nr_running task_id task_state tag set_tag field"
).split()


def test_places_of_the_c_interface_1_stay():
    """I2 of cfs/scheduler/_capi.pyx: a new function goes to the end; a change of these needs another CFS_ABI."""
    text = HEADER.read_text()
    body = re.search(r"typedef struct cfs_api \{(.*?)\} cfs_api;", text, re.DOTALL)[1]
    body = re.sub(r"/\*.*?\*/", "", body, flags=re.DOTALL)
    members = re.findall(r"\(\*(\w+)\)\(|uint32_t (\w+);", body)
    assert "#define CFS_ABI 1\n" in text
    assert [function or number for function, number in members][: len(PLACES)] == PLACES


def test_the_header_is_plain_c_and_cxx(tmp_path):
    """Self-contained: both compilers take it alone."""
    for compiler, suffix in (("cc", "c"), ("c++", "cpp")):
        if shutil.which(compiler) is None:
            pytest.skip(f"no {compiler} here")
        (tmp_path / f"alone.{suffix}").write_text(
            '#include "cfs.h"\nint main(void) { return sizeof(cfs_api) == 0; }\n'
        )
        run(
            compiler,
            "-Wall",
            "-Wextra",
            "-pedantic",
            "-Werror",
            f"-I{HEADER.parent}",
            "-c",
            f"alone.{suffix}",
            cwd=tmp_path,
        )
