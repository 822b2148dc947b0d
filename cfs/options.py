"""The options of the command line, understood: the public name of `cfs.cli.options`, `cfs.cli.inputs` and
the checks of `cfs.cli.outputs`.
"""

from .cli.inputs import Choice, Told, cpus_of, told_of
from .cli.options import columns_of, ns_of, settings_of, until_ns_of
from .cli.outputs import check_files

__all__ = [
    "Choice",
    "Told",
    "check_files",
    "columns_of",
    "cpus_of",
    "ns_of",
    "settings_of",
    "told_of",
    "until_ns_of",
]
