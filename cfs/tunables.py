"""The knobs of each model: the public name of `cfs.models.tunables`."""

from .models.tunables import Tunables, LinuxCfs2624, LinuxCfs2623, LinuxO12622, RfsModel, LinuxEevdf618

__all__ = ["Tunables", "LinuxCfs2624", "LinuxCfs2623", "LinuxO12622", "RfsModel", "LinuxEevdf618"]
