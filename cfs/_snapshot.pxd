# A machine as bytes, and back. `_snapshot.pyx` says how.

from ._types cimport machine, sched_class

cdef int require_copyable(const sched_class *cls) except -1
cdef bytes image_of(machine *m)
cdef int machine_of_image(
    machine *m, const sched_class *cls, const sched_class *idle_class, const unsigned char[::1] image
) except -1
