"""The tunables of each model: one frozen dataclass for each model, with the kernel's names, defaults, ranges
and derivations.

A tunable is a nanosecond count (``_ns``), a flag, or a number. You can also give a feature bit by its own
name (``START_DEBIT=False``).
"""

from .models.linux_2_6_22.facts import LinuxO12622
from .models.linux_2_6_23.facts import LinuxCfs2623
from .models.linux_2_6_24.facts import LinuxCfs2624
from .models.linux_6_18.facts import LinuxEevdf618
from .models.rfs.facts import RfsModel
from .models.tunables import Tunables

__all__ = ["Tunables", "LinuxCfs2624", "LinuxCfs2623", "LinuxO12622", "RfsModel", "LinuxEevdf618"]
