"""Compile what is compiled among the baselines, with the flags and directives of setup.py.

What it decides: that a stale build is never measured. The directory of a build is named by a hash of
everything that goes into it: the sources here, every pxd of cfs (a struct that has changed must be compiled
in again), the class that one baseline is derived from and how, setup.py, and the Python that will load it. It
lies under build/, which is never committed.
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

from . import derived

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MODULES = ("_compiled", "_events")
SOURCES = [
    *(HERE / f"{name}.pyx" for name in MODULES),
    HERE / "textbook.c",
    HERE / "textbook.h",
    HERE / "derived.py",
    *derived.SOURCES,
]
SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")


def fingerprint():
    seen = hashlib.sha256(f"{sys.version} {sys.platform} {os.environ.get('CFS_DEBUG', '')}".encode())
    for path in [*SOURCES, ROOT / "setup.py", *sorted((ROOT / "cfs").rglob("*.pxd"))]:
        seen.update(path.read_bytes())
    return seen.hexdigest()[:12]


def extension_of(rule, name):
    extension = rule(name)
    here = HERE.relative_to(ROOT)
    extension.sources = [str(here / f"{name}.pyx"), str(here / "textbook.c")]
    extension.include_dirs = [str(HERE)]
    return extension


def derived_extension(rule, scratch):
    extension = rule(derived.NAME)
    extension.sources = [str(derived.write_dividing_class(scratch).relative_to(ROOT))]
    return extension


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
        extensions = [extension_of(rules["extension"], name) for name in MODULES]
        extensions.append(derived_extension(rules["extension"], scratch))
        modules = cythonize(
            extensions,
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


def load(target, name):
    spec = importlib.util.spec_from_file_location(name, target / f"{name}{SUFFIX}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def compiled(name="_compiled"):
    """An extension module, built when there is none for the sources as they are."""
    target = ROOT / "build" / "benchmarks" / fingerprint()
    if not (target / f"{name}{SUFFIX}").exists():
        print("building the compiled baselines ...", file=sys.stderr)
        build(target)
    return load(target, name)
