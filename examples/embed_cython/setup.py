"""The whole build of a Cython extension that embeds cfs: nothing in it knows where cfs is installed."""

from Cython.Build import cythonize
from setuptools import Extension, setup

setup(
    name="embed_cython",
    ext_modules=cythonize(
        [Extension("embed_cython", ["embed_cython.pyx"])],
        compiler_directives={"language_level": 3, "cdivision": True},
    ),
)
