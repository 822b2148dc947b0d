"""The whole build of a C extension that embeds cfs: one include path."""

import cfs
from setuptools import Extension, setup

setup(name="embed_c", ext_modules=[Extension("embed_c", ["embed_c.c"], include_dirs=[cfs.get_include()])])
