"""Compile what is compiled among the baselines, with the flags and directives of setup.py.

What it decides: that a stale build is never measured. The directory of a build is named by a hash of
everything that goes into it: the sources here, every pxd of cfs (a struct that has changed must be compiled
in again), setup.py, and the Python that will load it. It lies under build/, which is never committed.
"""

import hashlib
import importlib.util
import os
import runpy
import shutil
import sys
import sysconfig
import tempfile
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SOURCES = [HERE / "_compiled.pyx", HERE / "textbook.c", HERE / "textbook.h"]
SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")


def fingerprint():
    seen = hashlib.sha256(f"{sys.version} {sys.platform} {os.environ.get('CFS_DEBUG', '')}".encode())
    for path in [*SOURCES, ROOT / "setup.py", *sorted((ROOT / "cfs").rglob("*.pxd"))]:
        seen.update(path.read_bytes())
    return seen.hexdigest()[:12]


def build(target):
    """Translate and compile into a new directory, then move it into place."""
    from Cython.Build import cythonize
    from setuptools import Distribution
    from setuptools.command.build_ext import build_ext

    rules = runpy.run_path(str(ROOT / "setup.py"), run_name="rules")
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=target.parent))
    before = Path.cwd()
    os.chdir(ROOT)
    try:
        extension = rules["extension"]("_compiled")
        here = HERE.relative_to(ROOT)
        extension.sources = [str(here / "_compiled.pyx"), str(here / "textbook.c")]
        extension.include_dirs = [str(HERE)]
        modules = cythonize(
            [extension],
            compiler_directives=rules["DIRECTIVES"],
            build_dir=str(scratch),
            include_path=["."],
            quiet=True,
        )
        command = build_ext(Distribution({"ext_modules": modules}))
        command.build_lib, command.build_temp = str(scratch), str(scratch)
        command.ensure_finalized()
        command.run()
        if not target.exists():
            os.replace(scratch, target)
    finally:
        os.chdir(before)
        shutil.rmtree(scratch, ignore_errors=True)


@cache
def compiled():
    """The extension module, built when there is none for the sources as they are."""
    target = ROOT / "build" / "benchmarks" / fingerprint()
    if not (target / f"_compiled{SUFFIX}").exists():
        print("building the compiled baselines ...", file=sys.stderr)
        build(target)
    spec = importlib.util.spec_from_file_location("_compiled", target / f"_compiled{SUFFIX}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
