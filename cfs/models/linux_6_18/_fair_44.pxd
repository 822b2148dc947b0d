# What EEVDF 6.18.44 shows to embedders: its hook table. Its structs are those of `_fair.pxd`.

from ..._types cimport sched_class

cdef const sched_class *eevdf_44_sched_class() noexcept nogil
