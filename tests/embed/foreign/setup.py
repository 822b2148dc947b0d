"""What somebody else's setup.py looks like: nothing in it knows where cfs is installed."""

from Cython.Build import cythonize
from setuptools import Extension, setup

setup(
    name="foreign",
    ext_modules=cythonize(
        [Extension(name, [f"{name}.pyx"]) for name in ("foreign", "too_many")],
        compiler_directives={"language_level": 3},
    ),
)
