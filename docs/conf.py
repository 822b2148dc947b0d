"""Sphinx: the pages are Markdown (myst), the reference comes from the numpydoc docstrings. `make docs`."""

import cfs

project = "cfs"
author = "the cfs maintainers"
copyright = "2026, the cfs maintainers"
release = version = cfs.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
source_suffix = {".md": "markdown"}
root_doc = "index"
exclude_patterns = ["_build", "README.md"]

html_theme = "furo"
html_title = "cfs: the Linux fair schedulers as a library"

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say types and units
autosummary_generate = False
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

myst_heading_anchors = 4
myst_enable_extensions = ["dollarmath"]
suppress_warnings = ["myst.xref_missing"]  # links out of docs/, to files of the repository
