"""The options of the command line: the public name of `cfs.cli.options`."""

from .cli.options import Choice, Told, check_files, columns_of, cpus_of, ns_of, settings_of, told_of, until_ns_of

__all__ = ["Choice", "Told", "check_files", "columns_of", "cpus_of", "ns_of", "settings_of", "told_of", "until_ns_of"]
