"""What somebody else's setup.py looks like: nothing in it knows where cfs is installed."""

from Cython.Build import cythonize
from setuptools import Extension, setup

setup(
    name="foreign",
    ext_modules=cythonize([Extension("foreign", ["foreign.pyx"])], compiler_directives={"language_level": 3}),
)
