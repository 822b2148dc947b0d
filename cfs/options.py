"""The options of the command line, understood: the public name of `cfs.cli.options`, `cfs.cli.columns`,
`cfs.cli.inputs` and the checks of `cfs.cli.outputs`.
"""

from .cli.columns import columns_of
from .cli.inputs import Choice, cpus_of
from .cli.options import assigned_of as told_of
from .cli.options import begin_ns_of, ns_of, settings_of, until_ns_of
from .cli.outputs import check_files
from .workload.assigned import Assigned as Told

__all__ = [
    "Choice",
    "Told",
    "begin_ns_of",
    "check_files",
    "columns_of",
    "cpus_of",
    "ns_of",
    "settings_of",
    "told_of",
    "until_ns_of",
]
