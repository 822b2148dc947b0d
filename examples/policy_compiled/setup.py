from Cython.Build import cythonize
from setuptools import Extension, setup

setup(
    ext_modules=cythonize(
        [Extension("cfs_round_robin._round_robin", ["cfs_round_robin/_round_robin.pyx"])],
        compiler_directives={"language_level": 3, "cdivision": True},
    )
)
